// Package scenario runs business texts against a ledger, whichever it is: the
// same files prove the contracts in memory, on the embedded ledger and on a
// Fabric network.
//
// A file is one story, a step a line:
//
//	# A recalled lot stays where it is.
//	include world.story
//	as dairy
//	log 500 KGM of milk/L1
//	as regulator
//	trace.Recall id=R1 kind=recall lots=[@milk/L1] reason=listeria
//	as dairy
//	ship 500 KGM of milk/L1 to harbour      ! trace/recalled
//
// A command is a wire name with fields (a=text, a=[list,of,texts], a:=json,
// a=@milk/L1 for a lot's id), a query one with "?" before it. Verbs (log, ship,
// receive, make, pack, unpack, sell, destroy, observe, retract) write EPCIS
// events; see verb.go. "name: ..." remembers a step: {name.hash} and
// {name.shipment} stand for what it answered. Lines between "batch" and "end"
// are one transaction. "! code" says which rule refuses.
//
// Beside each story stands what it makes of the ledger: replies, refusals and
// events (.golden). Each line takes a minute of the ledger's time.
package scenario

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode"
)

// Files are the stories of the suite.
//
//go:embed cases
var Files embed.FS

// Ledger is what runs the calls of a story. It MUST use the time and the caller
// of the call, and may choose a transaction id of its own. Where stories share
// events privately, the call has to reach the members that keep copies:
// DairyMSP, HarbourMSP and AuthorityMSP.
type Ledger interface {
	// Submit commits a command. The error is a *chaincode.Refusal when a rule
	// said no.
	Submit(chaincode.Call) (reply []byte, events []chaincode.Event, err error)
	// Query answers without committing.
	Query(chaincode.Call) ([]byte, error)
}

// Run plays every story on a ledger of its own, compares what comes of it with
// the golden beside it, and returns the codes of the rules that refused, with
// the story where. Where update names the folder of the files, it writes the
// goldens instead.
func Run(t *testing.T, open func(t *testing.T) Ledger, update string) map[string]string {
	t.Helper()
	var mu sync.Mutex // open may let the stories run side by side
	broken := map[string]string{}
	note := func(code, by string) {
		mu.Lock()
		defer mu.Unlock()
		broken[code] = by
	}
	for _, name := range stories() {
		t.Run(strings.TrimSuffix(path.Base(name), ".story"), func(t *testing.T) {
			s := &story{t: t, ledger: open(t), at: start, users: map[string]chaincode.Caller{}, names: map[string]string{}, refused: func(code string) { note(code, name) }}
			s.play(name)
			s.compare(strings.TrimSuffix(name, ".story")+".golden", update)
		})
	}
	return broken
}

// Stories is how many ledgers Run asks for.
func Stories() int { return len(stories()) }

func stories() []string {
	all, err := fs.Glob(Files, "cases/*.story")
	if err != nil || len(all) == 0 {
		panic("scenario: no stories are embedded")
	}
	return all
}

// start is when every story begins.
var start = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// story is one file at work.
type story struct {
	t       *testing.T
	ledger  Ledger
	at      time.Time
	n       int // transactions so far
	caller  chaincode.Caller
	users   map[string]chaincode.Caller
	names   map[string]string // "milk" -> its GTIN's URI, "first.hash" -> what a step answered
	refused func(code string)
	batch   *[]step
	atomic  bool
	out     strings.Builder
}

// step is one line that calls the ledger.
type step struct {
	where string
	text  string
	label string
	want  string // code of the rule that refuses
	query bool
	name  string
	body  []byte
}

func (s *story) play(file string) {
	text, err := Files.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s.line(fmt.Sprintf("%s:%d", path.Base(file), i+1), line)
	}
}

// line does one line: a word of the runner, or a step.
func (s *story) line(where, line string) {
	word, rest, _ := strings.Cut(line, " ")
	args := strings.Fields(rest)
	switch word {
	case "include": // told by its own golden
		told := s.out.String()
		s.play("cases/" + args[0])
		s.out.Reset()
		s.out.WriteString(told)
	case "user": // user NAME MSP PARTY ROLE,ROLE
		u := chaincode.Caller{Org: args[1], Party: strings.Trim(args[2], "-"), User: args[0], Roles: strings.Split(args[3], ",")}
		s.users[args[0]] = u
	case "as":
		u, ok := s.users[args[0]]
		if !ok {
			s.t.Fatalf("%s: no user %s", where, args[0])
		}
		s.caller = u
	case "let": // let NAME = URI
		s.names[args[0]] = args[2]
	case "later":
		d, err := time.ParseDuration(args[0])
		if err != nil {
			s.t.Fatalf("%s: %v", where, err)
		}
		s.at = s.at.Add(d)
	case "batch":
		s.batch, s.atomic = &[]step{}, rest == "atomic"
	case "end":
		s.submitBatch(where)
	default:
		s.step(where, line)
	}
}

// step parses a step and does it, or keeps it for its batch.
func (s *story) step(where, line string) {
	st := step{where: where, text: line}
	if before, after, ok := strings.Cut(line, " ! "); ok {
		line, st.want = strings.TrimSpace(before), strings.TrimSpace(after)
	}
	if label, after, ok := strings.Cut(line, ": "); ok && !strings.ContainsAny(label, " =") {
		st.label, line = label, strings.TrimSpace(after)
	}
	if after, ok := strings.CutPrefix(line, "? "); ok {
		st.query, line = true, after
	}
	line = s.fill(line)
	word, rest, _ := strings.Cut(line, " ")
	if strings.Contains(word, ".") {
		st.name, st.body = word, s.command(where, rest)
	} else {
		st.name, st.body = "trace.Capture", s.verb(st, word, rest)
	}
	if s.batch != nil {
		*s.batch = append(*s.batch, st)
		return
	}
	s.call(st)
}

// fill puts in what earlier steps answered, {first.shipment}, and files,
// {file:ca-dairy.pem}, as JSON text.
func (s *story) fill(line string) string {
	for name, value := range s.names {
		if strings.Contains(name, ".") {
			line = strings.ReplaceAll(line, "{"+name+"}", value)
		}
	}
	before, after, ok := strings.Cut(line, "{file:")
	if !ok {
		return line
	}
	name, after, _ := strings.Cut(after, "}")
	content, err := Files.ReadFile("cases/" + name)
	if err != nil {
		s.t.Fatal(err)
	}
	quoted, _ := json.Marshal(string(content))
	return before + strings.Trim(string(quoted), `"`) + s.fill(after)
}

func (s *story) next() chaincode.Call {
	s.n++
	s.at = s.at.Add(time.Minute)
	return chaincode.Call{TxID: fmt.Sprintf("tx%d", s.n), At: s.at, Caller: s.caller}
}

// call does one step and writes down what came of it.
func (s *story) call(st step) {
	call := s.next()
	call.Name, call.Body = st.name, st.body
	fmt.Fprintf(&s.out, "%s\n", st.text)
	if st.query {
		reply, err := s.ledger.Query(call)
		s.answer(st, reply, err)
		return
	}
	reply, events, err := s.ledger.Submit(call)
	s.answer(st, reply, err)
	s.tell(events)
}

func (s *story) tell(events []chaincode.Event) {
	for _, e := range events {
		fmt.Fprintf(&s.out, "    %s %s\n", e.Name, e.Data)
	}
}

// answer holds a reply or refusal against what the line says.
func (s *story) answer(st step, reply []byte, err error) {
	s.t.Helper()
	var refusal *chaincode.Refusal
	switch {
	case err == nil && st.want == "":
		fmt.Fprintf(&s.out, "  = %s\n", reply)
		s.remember(st.label, reply)
	case err == nil:
		s.t.Errorf("%s: %s\nshould be refused by %s, but: %s", st.where, st.text, st.want, reply)
	case !errors.As(err, &refusal):
		s.t.Fatalf("%s: %s\n%v", st.where, st.text, err)
	case refusal.Code != st.want:
		s.t.Fatalf("%s: %s\nshould be %q, but: %v (%s)", st.where, st.text, st.want, err, st.body)
	default:
		s.refused(refusal.Code)
		fmt.Fprintf(&s.out, "  ! %s on %q\n", refusal.Error(), refusal.Field)
	}
}

// remember keeps the texts of a labelled step's reply.
func (s *story) remember(label string, reply []byte) {
	var fields map[string]any
	if label == "" || json.Unmarshal(reply, &fields) != nil {
		return
	}
	for k, v := range fields {
		if text, ok := v.(string); ok {
			s.names[label+"."+k] = text
		}
	}
}

// submitBatch does the steps of a batch in one transaction.
func (s *story) submitBatch(where string) {
	steps := *s.batch
	s.batch = nil
	b := chaincode.Batch{Atomic: s.atomic}
	for _, st := range steps {
		b.Commands = append(b.Commands, chaincode.Item{Name: st.name, Body: st.body})
	}
	call := s.next()
	call.Name = chaincode.NameOf(b)
	call.Body, _ = json.Marshal(b)
	reply, events, err := s.ledger.Submit(call)
	if err != nil {
		s.t.Fatalf("%s: the batch: %v", where, err)
	}
	var answers []chaincode.Answer
	if err := json.Unmarshal(reply, &answers); err != nil || len(answers) != len(steps) {
		s.t.Fatalf("%s: %d answers to %d commands: %v", where, len(answers), len(steps), err)
	}
	for i, st := range steps {
		fmt.Fprintf(&s.out, "%s\n", st.text)
		if r := answers[i].Refusal; r != nil {
			s.answer(st, nil, r)
		} else {
			s.answer(st, answers[i].Reply, nil)
		}
	}
	s.tell(events)
}

// compare holds what happened against the golden, or writes it.
func (s *story) compare(file, update string) {
	if update != "" {
		if err := os.WriteFile(filepath.Join(update, file), []byte(s.out.String()), 0o644); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	want, err := Files.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	got := strings.Split(s.out.String(), "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i >= len(got) || got[i] != line {
			s.t.Fatalf("%s:%d differs (run go test ./chaincode/scenario -update, and read the diff)\n got: %s\nwant: %s", file, i+1, strings.Join(got[min(i, len(got)):min(i+1, len(got))], ""), line)
		}
	}
}
