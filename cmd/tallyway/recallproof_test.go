package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/ledger"
)

// TestARecallReachesTheLast recalls a lot whose descendants, two makings deep,
// lie with many companies, on the real host. Within five seconds the last of
// them is refused, whether it is marked by then or not; the marking goes on until
// all are. TALLYWAY_TORTURE=1 does it with 10,000 lots of 50 companies.
func TestARecallReachesTheLast(t *testing.T) {
	firms, each, marks := 5, 40, 20
	if os.Getenv("TALLYWAY_TORTURE") == "1" {
		firms, each, marks = 50, 200, 0
	}
	h := open(t, host.Config{Data: t.TempDir()})
	defer shut(t, h)
	ctx := context.Background()
	seed := lotID(milk, "SEED")
	now := func() time.Time { return time.Now().Add(-time.Minute) }
	capture(t, h, operator, events.Logged(place(dairy), now(), kilos(seed, 1_000_000), ""))
	people := make([]person, firms)
	var making sync.WaitGroup
	for i := range people {
		p := person{fmt.Sprintf("firm-%02d", i), producers, fmt.Sprintf("firm-%02d", i), []string{party.Operator}}
		if _, _, err := host.Do[any](ctx, h, host.Actor{MSP: producers, User: "secretary"}, company(p.party, party.KindProcessor, "", "")); err != nil {
			t.Fatal(err)
		}
		if err := enter(ctx, h, p); err != nil {
			t.Fatal(err)
		}
		people[i] = p
		making.Go(func() { spreadFrom(t, h, p, seed, each, now) })
	}
	making.Wait()
	last := madeBy(firms-1, each-1)
	began := time.Now()
	state, _, err := host.Do[trace.CaseState](ctx, h, operator.actor(), trace.Recall{ID: "R1", Kind: trace.KindRecall, Lots: []string{seed}, Reason: "glass", Marks: marks})
	if err != nil || state.Done {
		t.Fatalf("the recall: %+v, %v; it should go on", state, err)
	}
	refused(t, h, people[firms-1], last, now)
	first, transactions := time.Since(began), 1
	for ; !state.Done; transactions++ {
		if state, _, err = host.Do[trace.CaseState](ctx, h, operator.actor(), trace.Extend{Case: "R1"}); err != nil {
			t.Fatal(err)
		}
	}
	took := time.Since(began)
	refused(t, h, people[firms-1], last, now)
	t.Logf("%d lots over %d companies: the last was refused after %.2f s, all were marked after %.2f s in %d transactions", state.Marked, firms, first.Seconds(), took.Seconds(), transactions)
	if state.Marked != firms*each+1 || first > 5*time.Second {
		t.Errorf("%d lots are marked, the last was refused after %s", state.Marked, first)
	}
}

func madeBy(firm, n int) string { return lotID(foreignGTIN, fmt.Sprintf("F%d-%d", firm, n)) }

// foreignGTIN is of no company here, so that every firm may use it.
const foreignGTIN = "04007630000116"

// spreadFrom gives a firm some of the seed, of which it makes half of its lots,
// and of the first of these the other half.
func spreadFrom(t *testing.T, h *host.Host, p person, seed string, each int, now func() time.Time) {
	var i int
	fmt.Sscanf(p.name, "firm-%d", &i)
	here := events.Company{ID: p.party}
	out := capture(t, h, operator, events.Shipped(events.Consignment{From: place(dairy), To: here, Advice: "DA-" + p.name, Goods: []events.Goods{kilos(seed, 1000)}}, now()))
	capture(t, h, p, events.Received(events.Arrival{From: place(dairy), To: here, Shipment: out.Shipment, Goods: []events.Goods{kilos(seed, 1000)}}, now()))
	half := each / 2
	for level, in := range []string{seed, madeBy(i, 0)} {
		var made []events.Made
		for n := range half {
			amount := int64(1)
			if level == 0 && n == 0 {
				amount = 500
			}
			made = append(made, events.Made{Goods: kilos(madeBy(i, level*half+n), amount)})
		}
		for _, e := range events.Transformed(here, now(), "urn:x:"+p.name+":"+strconv.Itoa(level), []events.Goods{kilos(in, 100+int64(1-level)*800)}, made) {
			capture(t, h, p, e)
		}
	}
}

// refused asks that a firm cannot ship a lot.
func refused(t *testing.T, h *host.Host, by person, lot string, now func() time.Time) {
	t.Helper()
	_, err := shipOne(h, by, lot, now(), 0)
	if !errors.Is(err, trace.ErrRecalled) {
		t.Errorf("%s ships the recalled %s: %v", by.name, lot, err)
	}
}

func shipOne(h *host.Host, by person, lot string, at time.Time, n int) (ledger.Receipt, error) {
	from := events.Company{ID: by.party}
	if by.party == dairy {
		from = place(dairy)
	}
	goods := events.Goods{Lot: lot, Amount: gs1.Whole(1), Unit: "KGM"}
	command, err := events.Capture(events.Shipped(events.Consignment{From: from, To: place(market), Advice: fmt.Sprintf("DA-%d-%s", n, lot[len(lot)-4:]), Goods: []events.Goods{goods}}, at), gs1.Amount{})
	if err != nil {
		return ledger.Receipt{}, err
	}
	_, receipt, err := host.Do[trace.Outcome](context.Background(), h, by.actor(), command)
	return receipt, err
}

// TestShippingRacesARecall ships a grandchild of a lot while that is recalled,
// again and again: every shipment stands before the recall on the ledger, or
// is refused. Even rounds mark one lot a transaction, so that the grandchild is
// not marked when the shipments arrive. TALLYWAY_TORTURE=1 does it 1,000 times.
func TestShippingRacesARecall(t *testing.T) {
	rounds := 40
	if text := os.Getenv("TALLYWAY_TORTURE"); text == "1" {
		rounds = 1000
	} else if n, err := strconv.Atoi(text); err == nil {
		rounds = n
	}
	h := open(t, host.Config{Data: t.TempDir()})
	defer shut(t, h)
	began, before, after := time.Now(), 0, 0
	for round := range rounds {
		b, a := race(t, h, round)
		before, after = before+b, after+a
	}
	t.Logf("%d rounds: %d shipments before their recall, %d refused after it, 0 else, %.0f s", rounds, before, after, time.Since(began).Seconds())
	if before == 0 || after == 0 {
		t.Errorf("%d before and %d after: nothing has raced", before, after)
	}
}

func race(t *testing.T, h *host.Host, round int) (before, after int) {
	t.Helper()
	at := time.Now().Add(-time.Minute)
	lot := func(letter string) string { return lotID(milk, fmt.Sprintf("%s%04d", letter, round)) }
	capture(t, h, operator, events.Logged(place(dairy), at, kilos(lot("L"), 100), ""))
	for i, step := range [][2]string{{"L", "A"}, {"A", "B"}} {
		for _, e := range events.Transformed(place(dairy), at, fmt.Sprintf("urn:x:race:%d:%d", round, i), []events.Goods{kilos(lot(step[0]), 50)}, []events.Made{{Goods: kilos(lot(step[1]), 50)}}) {
			capture(t, h, operator, e)
		}
	}
	recall := trace.Recall{ID: fmt.Sprintf("R%d", round), Kind: trace.KindRecall, Lots: []string{lot("L")}, Reason: "glass", Marks: 1 - round%2}
	var all sync.WaitGroup
	var recalled ledger.Receipt
	var wrong error
	shipped, errs := make([]ledger.Receipt, 4), make([]error, 4)
	start := make(chan struct{})
	all.Go(func() {
		<-start
		time.Sleep(time.Duration(round%8) * time.Millisecond)
		_, recalled, wrong = host.Do[trace.CaseState](context.Background(), h, operator.actor(), recall)
	})
	for i := range shipped {
		all.Go(func() {
			<-start
			time.Sleep(time.Duration(3*i) * time.Millisecond)
			shipped[i], errs[i] = shipOne(h, operator, lot("B"), at.Add(time.Duration(i)*time.Second), i)
		})
	}
	close(start)
	all.Wait()
	if wrong != nil {
		t.Fatalf("round %d: the recall: %v", round, wrong)
	}
	for i, err := range errs {
		var no *chaincode.Refusal
		switch {
		case err == nil && (shipped[i].Block > recalled.Block || shipped[i].Block == recalled.Block && shipped[i].Index > recalled.Index):
			t.Errorf("round %d: a shipment stands at %d/%d, behind the recall at %d/%d", round, shipped[i].Block, shipped[i].Index, recalled.Block, recalled.Index)
		case err == nil:
			before++
		case errors.As(err, &no) && no.Code == trace.ErrRecalled.Code:
			after++
		default:
			t.Errorf("round %d: %v", round, err)
		}
	}
	return before, after
}
