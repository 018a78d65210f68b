package scenario

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/all"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"pgregory.net/rapid"
)

// world is a ledger with the companies of world.story.
func world(t *testing.T) (*story, *Memory) {
	m := NewMemory(all.Contracts())
	s := &story{t: t, ledger: m, at: start, users: map[string]chaincode.Caller{}, names: map[string]string{}, refused: func(string) {}}
	s.play("cases/world.story")
	return s, m
}

// try does a line and says whether it was refused.
func (s *story) try(t interface{ Fatalf(string, ...any) }, line string) (reply []byte, ok bool) {
	st := step{text: line}
	if label, after, found := strings.Cut(line, ": "); found {
		st.label, line = label, after
	}
	word, rest, _ := strings.Cut(s.fill(line), " ")
	call := s.next()
	if strings.Contains(word, ".") {
		call.Name, call.Body = word, s.command("", rest)
	} else {
		call.Name, call.Body = "trace.Capture", s.verb(st, word, rest)
	}
	reply, _, err := s.ledger.Submit(call)
	var refusal *chaincode.Refusal
	if err != nil && !errors.As(err, &refusal) {
		t.Fatalf("%s: %v", line, err)
	}
	if err == nil {
		s.remember(st.label, reply)
	}
	return reply, err == nil
}

func (s *story) query(t interface{ Fatalf(string, ...any) }, name string, body, into any) {
	b, _ := json.Marshal(body)
	reply, err := s.ledger.Query(chaincode.Call{Name: name, Body: b, At: s.at, Caller: s.caller})
	if err == nil {
		err = json.Unmarshal(reply, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// Whatever is done, in whatever order, nothing multiplies and nothing vanishes:
// what was made of a lot is held, packed, on its way, used, sold, destroyed or
// gone, or is missing in an open mismatch.
func TestMassIsConserved(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, _ := world(t)
		p := &player{story: s, rt: rt, made: map[string]gs1.Amount{}, undo: map[string]map[string]gs1.Amount{}}
		for range rapid.IntRange(10, 60).Draw(rt, "steps") {
			p.move()
		}
		for _, lot := range lotNames {
			p.weigh(lot)
		}
	})
}

var (
	lotNames  = []string{"milk/A", "milk/B", "cheddar/C", "cheddar/D"}
	packNames = []string{"P1", "P2", "P3"}
	players   = []string{"dairy", "cheese", "market"}
)

// player makes random moves and keeps its own books of what was made.
type player struct {
	*story
	rt        *rapid.T
	n         int
	made      map[string]gs1.Amount
	undo      map[string]map[string]gs1.Amount // label -> lot -> amount made by it
	labels    []string
	shipments []string
}

func (p *player) pick(what string, from []string) string {
	return rapid.SampledFrom(from).Draw(p.rt, what)
}

func (p *player) some() string {
	return fmt.Sprintf("%d KGM of %s", rapid.IntRange(1, 20).Draw(p.rt, "amount"), p.pick("lot", lotNames))
}

func (p *player) move() {
	p.n++
	p.caller = p.users[p.pick("who", players)]
	label := fmt.Sprintf("e%d", p.n)
	switch p.pick("verb", []string{"log", "log", "ship", "ship", "ship pack", "receive", "receive", "receive pack", "make", "pack", "nest",
		"unpack", "sell", "destroy", "retract", "decline", "call back", "settle"}) {
	case "log":
		p.making(label, "log "+p.some())
	case "make":
		p.making(label, "make "+p.some()+" from "+p.some())
	case "ship":
		p.sending(label, "ship "+p.some()+" to "+p.pick("to", append(players, "urn:example:elsewhere")))
	case "ship pack":
		p.sending(label, "ship "+p.pick("pack", packNames)+" to "+p.pick("to", players))
	case "receive":
		p.event(label, "receive "+p.some())
	case "receive pack":
		p.event(label, "receive "+p.pick("pack", packNames))
	case "pack":
		p.event(label, "pack "+p.some()+" into "+p.pick("pack", packNames))
	case "nest":
		p.event(label, "pack "+p.pick("inner", packNames)+" into "+p.pick("outer", packNames))
	case "unpack":
		p.event(label, "unpack from "+p.pick("pack", packNames))
	case "sell", "destroy":
		p.event(label, p.pick("end", []string{"sell ", "destroy "})+p.some())
	case "retract":
		p.retract()
	case "decline":
		p.about("trace.Decline reason=damaged shipment=")
	case "call back":
		p.about("trace.CallBack shipment=")
	case "settle":
		p.about("trace.Settle outcome=" + p.pick("outcome", []string{"lost", "returned"}) + " shipment=")
	}
}

func (p *player) event(label, line string) bool {
	before := p.madeSoFar()
	_, ok := p.try(p.rt, label+": "+line)
	if ok {
		p.labels = append(p.labels, label)
		if strings.HasPrefix(line, "receive") { // unknown origin counts as made
			p.book(label, before)
		}
	}
	return ok
}

// making books, from the words of the line alone, what came into being.
func (p *player) making(label, line string) {
	if !p.event(label, line) {
		return
	}
	words := strings.Fields(line)
	amount, _ := gs1.ParseAmount(words[1])
	p.made[words[4]] = p.made[words[4]].Add(amount)
	p.undo[label] = map[string]gs1.Amount{words[4]: amount}
}

func (p *player) sending(label, line string) {
	if p.event(label, line) && p.names[label+".shipment"] != "" {
		p.shipments = append(p.shipments, p.names[label+".shipment"])
	}
}

func (p *player) about(command string) {
	if len(p.shipments) > 0 {
		p.try(p.rt, command+p.pick("shipment", p.shipments))
	}
}

func (p *player) retract() {
	if len(p.labels) == 0 {
		return
	}
	label := p.pick("label", p.labels)
	reply, ok := p.try(p.rt, "retract "+label)
	if !ok || strings.Contains(string(reply), "duplicate") {
		return
	}
	for lot, amount := range p.undo[label] {
		p.made[lot] = p.made[lot].Sub(amount)
	}
}

// madeSoFar is what the ledger says was made of each lot.
func (p *player) madeSoFar() map[string]gs1.Amount {
	all := map[string]gs1.Amount{}
	for _, lot := range lotNames {
		if st, ok := p.status(lot); ok {
			all[lot] = st.Lot.Made
		}
	}
	return all
}

func (p *player) status(lot string) (st trace.Status, ok bool) {
	b, _ := json.Marshal(trace.LotStatus{Lot: p.value("@" + lot).(string)})
	reply, err := p.ledger.Query(chaincode.Call{Name: "trace.LotStatus", Body: b, Caller: p.caller})
	return st, err == nil && json.Unmarshal(reply, &st) == nil
}

// book notes what a receiving of unknown origin opened.
func (p *player) book(label string, before map[string]gs1.Amount) {
	opened := map[string]gs1.Amount{}
	for lot, now := range p.madeSoFar() {
		if more := now.Sub(before[lot]); more.Sign() != 0 {
			opened[lot] = more
			p.made[lot] = p.made[lot].Add(more)
		}
	}
	p.undo[label] = opened
}

// weigh holds the ledger's books of a lot against the player's.
func (p *player) weigh(lot string) {
	st, ok := p.status(lot)
	if !ok {
		return
	}
	if st.Lot.Made.Cmp(p.made[lot]) != 0 {
		p.rt.Fatalf("%s: made %s, the ledger says %s", lot, p.made[lot], st.Lot.Made)
	}
	for _, h := range st.Holdings {
		a := h.Account
		for _, part := range []gs1.Amount{a.Held, a.Packed, a.Sent, a.Used, a.Sold, a.Destroyed, a.Left, a.Lost} {
			if part.Sign() < 0 {
				p.rt.Fatalf("%s: %s has %+v", lot, h.Party, a)
			}
		}
	}
	if missing := p.missing(st.Lot.ID); missing.Cmp(st.Unaccounted) != 0 {
		p.rt.Fatalf("%s: %s are missing in open mismatches, %s are unaccounted", lot, missing, st.Unaccounted)
	}
}

// missing is what open mismatches miss of a lot.
func (p *player) missing(lot string) (sum gs1.Amount) {
	for _, id := range p.shipments {
		var st trace.ShipmentStatus
		p.query(p.rt, "trace.GetShipment", trace.GetShipment{Shipment: id}, &st)
		if st.Mismatch == nil || st.Mismatch.State != trace.MismatchOpen {
			continue
		}
		for _, l := range st.Mismatch.Missing {
			if l.Lot == lot {
				sum = sum.Add(l.Amount)
			}
		}
		for _, d := range st.Mismatch.Lines {
			if short := d.Shipped.Sub(d.Received); d.Lot == lot && short.Sign() > 0 {
				sum = sum.Add(short)
			}
		}
	}
	return sum
}

// FuzzCapture asks that no event, however mangled, does more than be refused.
func FuzzCapture(f *testing.F) {
	for _, line := range []string{"log 5 KGM of milk/L1, milk#S1, P1 expires=2026-12-01", "ship 5 KGM of milk/L0, P1 to cheese doc=urn:x:1",
		"receive 5 KGM of milk/L0 from cheese", "make 1 KGM of milk/M from 1 KGM of milk/L0 run=urn:x:2", "pack 1 KGM of milk/L0 into P1", "unpack from P1",
		"sell 1 KGM of milk/L0", "destroy 1 KGM of milk/L0", "observe some of milk/L0"} {
		word, rest, _ := strings.Cut(line, " ")
		s := &story{t: nil, at: start, users: map[string]chaincode.Caller{}, names: map[string]string{"milk": "https://id.gs1.org/01/09506000134352", "P1": "urn:epc:id:sscc:9506000134.0000001"}}
		var c trace.Capture
		if err := json.Unmarshal(s.verb(step{}, word, rest), &c); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(c.Event))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		if !json.Valid(event) {
			t.Skip("a command is JSON")
		}
		s, m := world(t)
		s.line("", "as dairy")
		s.line("", "log 100 KGM of milk/L0")
		body, _ := json.Marshal(trace.Capture{Event: event})
		_, _, err := m.Submit(chaincode.Call{Name: "trace.Capture", Body: body, At: s.at, Caller: s.caller})
		var refusal *chaincode.Refusal
		if err != nil && !errors.As(err, &refusal) {
			t.Fatal(err)
		}
	})
}
