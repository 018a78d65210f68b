package chaincode

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// mapState is the smallest ledger: what was committed, in a map.
type mapState map[slot][]byte

func (m mapState) Get(key string) ([]byte, error) { return m[slot{"", key}], nil }

func (m mapState) GetPrivate(org, key string) ([]byte, error) { return m[slot{org, key}], nil }

func (m mapState) Scan(from, to string, visit func(string, []byte) bool) error {
	var keys []string
	for s := range m {
		if s.org == "" && s.key >= from && s.key < to {
			keys = append(keys, s.key)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if !visit(k, m[slot{"", k}]) {
			break
		}
	}
	return nil
}

func (m mapState) commit(r Result) {
	for _, w := range r.Writes {
		if w.Value == nil {
			delete(m, slot{w.Org, w.Key})
		} else {
			m[slot{w.Org, w.Key}] = w.Value
		}
	}
}

type (
	note struct {
		Text string `json:"text"`
	}
	Jot struct {
		ID   string `json:"id"`
		Text string `json:"text"`
	}
	Wipe    struct{ ID string }
	List    struct{ Prefix string }
	Peek    struct{ Org, ID string }
	Written struct{ ID string }
)

var (
	notes    = Table[note]{"note"}
	secrets  = Private[note]{"secret"}
	errEmpty = Rule{Code: "note/empty", Kind: Malformed, Text: "A note says something."}
)

// Confidential is every note that says it is secret.
func (j Jot) Confidential() bool { return j.Text != "not secret" }

func testContracts() *Contracts {
	write := func(tx *Tx, c Jot) (string, error) {
		notes.Put(tx, note{c.Text}, "a", c.ID)
		tx.Emit(Written{c.ID})
		if c.Text == "" {
			return "", errEmpty.Refuse("note %s", c.ID).On("text")
		}
		secrets.Put(tx, "Org1", note{"secret " + c.Text}, c.ID)
		return "ok", nil
	}
	wipe := func(tx *Tx, c Wipe) (string, error) { notes.Delete(tx, "a", c.ID); return "", nil }
	list := func(tx *Tx, c List) ([]string, error) {
		var ids []string
		notes.Scan(tx, func(key []string, n note) bool { ids = append(ids, key[1]+"="+n.Text); return true }, "a")
		return ids, nil
	}
	peek := func(tx *Tx, c Peek) (string, error) { n, _ := secrets.Get(tx, c.Org, c.ID); return n.Text, nil }
	return New(Contract{Name: "test", Functions: []Function{
		Command(write), Command(wipe, "wiper"), Query(list), Query(peek)}})
}

func run(t *testing.T, state mapState, name string, body any, roles ...string) (string, error) {
	t.Helper()
	b, _ := json.Marshal(body)
	r, err := testContracts().Run(state, Call{Name: name, Body: b, TxID: "t", At: time.Unix(0, 0), Caller: Caller{Roles: roles}})
	if err == nil {
		state.commit(r)
	}
	return string(r.Reply), err
}

func TestCommandWritesAndQueryReads(t *testing.T) {
	state := mapState{}
	if _, err := run(t, state, "chaincode.Jot", Jot{"1", "hello"}); err != nil {
		t.Fatal(err)
	}
	if got, err := run(t, state, "chaincode.List", List{}); err != nil || got != `["1=hello"]` {
		t.Fatalf("list: %s, %v", got, err)
	}
	if got, err := run(t, state, "chaincode.Peek", Peek{"Org1", "1"}); err != nil || got != `"secret hello"` {
		t.Fatalf("peek: %s, %v", got, err)
	}
}

func TestRefusalKeepsItsRuleOverTheWire(t *testing.T) {
	_, err := run(t, mapState{}, "chaincode.Jot", Jot{"1", ""})
	if !errors.Is(err, errEmpty) {
		t.Fatalf("want %v, got %v", errEmpty, err)
	}
	b, _ := json.Marshal(err)
	var back Refusal
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(&back, errEmpty) || back.Field != "text" || back.Detail() != "note 1" {
		t.Fatalf("%s came back as %+v", b, back)
	}
}

func TestRoleAndShapeAreChecked(t *testing.T) {
	state := mapState{}
	if _, err := run(t, state, "chaincode.Wipe", Wipe{"1"}); !errors.Is(err, ErrRole) {
		t.Errorf("no role: %v", err)
	}
	if _, err := run(t, state, "chaincode.Wipe", Wipe{"1"}, "wiper"); err != nil {
		t.Errorf("with the role: %v", err)
	}
	if _, err := run(t, state, "chaincode.Wipe", map[string]int{"nonsense": 1}, "wiper"); !errors.Is(err, ErrBody) {
		t.Errorf("unknown field: %v", err)
	}
	if _, err := run(t, state, "chaincode.Nothing", nil); !errors.Is(err, ErrUnknownFunction) {
		t.Errorf("unknown function: %v", err)
	}
}

func batchOf(commands ...any) Batch {
	var b Batch
	for _, c := range commands {
		body, _ := json.Marshal(c)
		b.Commands = append(b.Commands, Item{NameOf(c), body})
	}
	return b
}

func TestBatchAnswersEachOnItsOwnSavepoint(t *testing.T) {
	state := mapState{}
	got, err := run(t, state, "chaincode.Batch", batchOf(Jot{"1", "one"}, Jot{"1", ""}, Jot{"3", "three"}, Wipe{"1"}, List{}, batchOf()))
	if err != nil {
		t.Fatal(err)
	}
	var answers []Answer
	json.Unmarshal([]byte(got), &answers)
	for i, want := range []Rule{{}, errEmpty, {}, ErrRole, ErrBatchNested, ErrBatchNested} {
		if r := answers[i].Refusal; (r == nil) != (want.Code == "") || r != nil && r.Code != want.Code {
			t.Errorf("answer %d: %+v, want %q", i, r, want.Code)
		}
	}
	if got, _ := run(t, state, "chaincode.List", List{}); got != `["1=one","3=three"]` {
		t.Errorf("the refused write left a trace: %s", got)
	}
}

func TestAtomicBatchTakesEverythingBack(t *testing.T) {
	state := mapState{}
	b := batchOf(Jot{"1", "one"}, Jot{"2", ""})
	b.Atomic = true
	got, err := run(t, state, "chaincode.Batch", b)
	if err != nil || !strings.Contains(got, "note/empty") {
		t.Fatalf("%s, %v", got, err)
	}
	if len(state) != 0 {
		t.Fatalf("left behind: %v", state)
	}
}

func TestScanSeesOwnWritesInOrder(t *testing.T) {
	state := mapState{}
	run(t, state, "chaincode.Jot", Jot{"b", "old"})
	run(t, state, "chaincode.Jot", Jot{"d", "old"})
	scan := func(tx *Tx, _ List) ([]string, error) {
		notes.Put(tx, note{"new"}, "a", "a")
		notes.Put(tx, note{"new"}, "a", "b")
		notes.Delete(tx, "a", "d")
		notes.Put(tx, note{"new"}, "a", "e/f%2F")
		notes.Put(tx, note{"other prefix"}, "aa", "x")
		var seen []string
		notes.Scan(tx, func(key []string, n note) bool {
			seen = append(seen, key[1]+"="+n.Text)
			return len(seen) < 3
		}, "a")
		return seen, nil
	}
	c := New(Contract{Functions: []Function{Command(scan)}})
	r, err := c.Run(state, Call{Name: "chaincode.List", Body: []byte("{}")})
	if err != nil || string(r.Reply) != `["a=new","b=new","e/f%2F=new"]` {
		t.Fatalf("%s, %v", r.Reply, err)
	}
}

func TestACommandNeverReadsPrivateState(t *testing.T) {
	peek := func(tx *Tx, c Peek) (string, error) { n, _ := secrets.Get(tx, c.Org, c.ID); return n.Text, nil }
	c := New(Contract{Functions: []Function{Command(peek)}})
	_, err := c.Run(mapState{}, Call{Name: "chaincode.Peek", Body: []byte(`{}`)})
	var refusal *Refusal
	if err == nil || errors.As(err, &refusal) {
		t.Fatalf("want a fault, got %v", err)
	}
}

// A rehearsal's commands build on each other, a refused one leaves no trace, and
// nothing at all is written.
func TestARehearsalTellsWhatWouldBecomeOfEach(t *testing.T) {
	state := mapState{}
	run(t, state, "chaincode.Jot", Jot{"1", "one"})
	items := batchOf(Jot{"2", "two"}, Jot{"3", ""}, Jot{"3", "three"}, List{}).Commands
	got, err := run(t, state, "chaincode.Rehearse", Rehearse{items})
	var answers []Answer
	if err != nil || json.Unmarshal([]byte(got), &answers) != nil || len(answers) != 4 {
		t.Fatalf("%s, %v", got, err)
	}
	for i, code := range []string{"", errEmpty.Code, "", ErrBatchNested.Code} {
		if r := answers[i].Refusal; (r == nil) != (code == "") || r != nil && r.Code != code {
			t.Errorf("answer %d: %+v, want %q", i, r, code)
		}
	}
	if listed, _ := run(t, state, "chaincode.List", List{}); listed != `["1=one"]` {
		t.Errorf("the rehearsal wrote: %s", listed)
	}
	if _, err := run(t, state, "chaincode.Rehearse", Rehearse{make([]Item, MaxRehearsal+1)}); !errors.Is(err, ErrRehearsalSize) {
		t.Errorf("too many: %v", err)
	}
}

func TestAPlanTellsTheKeepersAndWritesNothing(t *testing.T) {
	body := func(v any) json.RawMessage { b, _ := json.Marshal(v); return b }
	state := mapState{}
	for _, c := range []struct {
		plan  Plan
		reply string
		rule  Rule
	}{
		{Plan{"chaincode.Jot", body(Jot{"1", "hello"})}, `{"orgs":["Org1"]}`, Rule{}},
		{Plan{"chaincode.Batch", body(batchOf(Wipe{"1"}, Jot{"1", "hello"}))}, `{"orgs":["Org1"]}`, Rule{}},
		{Plan{"chaincode.Batch", body(batchOf(Wipe{"1"}))}, `{"orgs":[]}`, Rule{}},
		{Plan{"chaincode.Jot", body(Jot{"1", ""})}, "", errEmpty},
		{Plan{"chaincode.Wipe", body(Wipe{"1"})}, "", ErrRole},
		{Plan{"chaincode.List", body(List{})}, "", ErrPlan},
		{Plan{"chaincode.Plan", body(Plan{})}, "", ErrPlan},
		{Plan{"chaincode.Nothing", nil}, "", ErrUnknownFunction},
	} {
		got, err := run(t, state, "chaincode.Plan", c.plan)
		if got != c.reply || c.rule.Code == "" && err != nil || c.rule.Code != "" && !errors.Is(err, c.rule) {
			t.Errorf("%s %s: %s, %v", c.plan.Name, c.plan.Body, got, err)
		}
	}
	if len(state) != 0 {
		t.Fatalf("left behind: %v", state)
	}
}

func TestWhatIsNotConfidentialWritesNothingPrivate(t *testing.T) {
	var refusal *Refusal
	if _, err := run(t, mapState{}, "chaincode.Jot", Jot{"1", "not secret"}); err == nil || errors.As(err, &refusal) {
		t.Fatalf("want a fault, got %v", err)
	}
	c := testContracts()
	inBatch := func(text string) []byte { b, _ := json.Marshal(batchOf(Wipe{"2"}, Jot{"1", text})); return b }
	if !c.Confidential("chaincode.Batch", inBatch("hello")) || c.Confidential("chaincode.Batch", inBatch("not secret")) {
		t.Error("a batch is as confidential as its commands")
	}
}

func TestCommitHidesAndBinds(t *testing.T) {
	salt := []byte("0123456789abcdef")
	a, _ := Commit(salt, []byte("x"))
	b, _ := Commit([]byte("0123456789abcdeX"), []byte("x"))
	c, _ := Commit(salt, []byte("y"))
	if a == b || a == c || b == c {
		t.Error("two commitments are equal")
	}
	if _, err := Commit([]byte("short"), nil); !errors.Is(err, ErrSalt) {
		t.Errorf("short salt: %v", err)
	}
}

func TestAFactStaysAFact(t *testing.T) {
	for _, c := range []struct {
		format string
		facts  []any
		want   string
	}{
		{"%s is held by %s", []any{"100%s", "dairy"}, "100%s is held by dairy"},
		{"%s and %s", []any{"one"}, "one and %s"},
		{"nothing", []any{"spare"}, "nothing"},
	} {
		if got := errEmpty.Refuse(c.format, c.facts...).Detail(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
