// Package ledgertest is one corpus of cases for every ledger: what a ledger
// promises, tried on it through its interface alone, with a small contract of
// the corpus' own. A ledger's test lends it a fresh ledger and runs it; what
// only one ledger can show (its files, its crashes) stays in that ledger's
// tests.
package ledgertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
)

// Orgs are the members that a ledger under test must have.
var Orgs = []string{"DairyMSP", "HarbourMSP", "AuthorityMSP"}

// Open lends a fresh, empty ledger that runs Contracts, and closes it when the
// test ends. Its members are Orgs, at least.
type Open func(t testing.TB) (ledger.Ledger, *Members)

// Run tries every case on a ledger of its own.
func Run(t *testing.T, open Open) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l, m := open(t)
			b := &bench{T: t, Ledger: l, members: m}
			b.alice = m.User("DairyMSP", "dairy", "alice", "tester", "shipper")
			b.bob = m.User("HarbourMSP", "grocer", "bob")
			c.try(b)
		})
	}
}

// cases is the corpus. A case is a sentence and what shows it.
var cases = []struct {
	name string
	try  func(*bench)
}{
	{"an entry is put, read, replaced and deleted", putGetDelete},
	{"a scan sees the committed keys in order", scanOrder},
	{"a reply and a receipt come back", receipt},
	{"two writers cannot both take the last place", phantom},
	{"refusals are answered while the shelf is taken and cleared", refusedInMotion},
	{"64 writers on one counter sum exactly", counter},
	{"64 writers on keys of their own all commit", independent},
	{"a keeper reads what was hidden with it", secretKept},
	{"a node that does not keep a secret refuses", secretElsewhere},
	{"a command that reads a secret is a fault", commandSpies},
	{"a batch answers each command on its own savepoint", batch},
	{"an atomic batch takes everything back", atomicBatch},
	{"a batch of refusals commits nothing", refusedBatch},
	{"a refusal keeps its rule, facts and field", refusal},
	{"a refused command leaves nothing behind", refusedLeavesNothing},
	{"an unknown function is refused", unknownFunction},
	{"the caller is who the certificate says", callerFromCertificate},
	{"a role that the certificate lacks is refused", roleMissing},
	{"a second submit under one id has one effect", duplicate},
	{"64 submits under one id have one effect", duplicateAtOnce},
	{"an id that is not made of nonce and creator is refused", forgedID},
	{"a wrong signature is refused", wrongSignature},
	{"a tampered creator is refused", tamperedCreator},
	{"an outcome is found, or not", outcome},
	{"an event of 200 kB arrives", largeEvent},
	{"events come in order and resume from any position", events},
	{"events wait for what is to come", eventsWait},
	{"a query writes nothing", queryWritesNothing},
	{"a context that has ended stops a submit", contextEnds},
}

// Cases is how many ledgers Run asks for.
var Cases = len(cases)

// bench is one case at work.
type bench struct {
	*testing.T
	ledger.Ledger
	members    *Members
	alice, bob ledger.Signer
}

// at is the time of every command: the client's word.
var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func request(by ledger.Signer, command any, orgs ...string) ledger.Request {
	return ledger.Request{Signer: by, Name: chaincode.NameOf(command), Body: must(json.Marshal(command)), At: at,
		Tx: ledger.NewTx(by), Orgs: orgs}
}

func (b *bench) submit(by ledger.Signer, command any, orgs ...string) (ledger.Receipt, error) {
	return b.Submit(context.Background(), request(by, command, orgs...))
}

func (b *bench) do(by ledger.Signer, command any, orgs ...string) ledger.Receipt {
	b.Helper()
	r, err := b.submit(by, command, orgs...)
	if err != nil {
		b.Fatalf("%T: %v", command, err)
	}
	return r
}

func (b *bench) ask(by ledger.Signer, query any, orgs ...string) (string, error) {
	reply, err := b.Query(context.Background(), request(by, query, orgs...))
	return string(reply), err
}

func (b *bench) want(query any, reply string, orgs ...string) {
	b.Helper()
	if got, err := b.ask(b.alice, query, orgs...); err != nil || got != reply {
		b.Fatalf("%T%+v: %s, %v; want %s", query, query, got, err, reply)
	}
}

func (b *bench) refused(err error, by chaincode.Rule) *chaincode.Refusal {
	b.Helper()
	var r *chaincode.Refusal
	if !errors.As(err, &r) || !errors.Is(err, by) {
		b.Fatalf("got %v, want a refusal by %s", err, by.Code)
	}
	return r
}

// fault expects an error that is no refusal.
func (b *bench) fault(err error, of string) {
	b.Helper()
	var r *chaincode.Refusal
	if err == nil || errors.As(err, &r) {
		b.Fatalf("%s: got %v, want a fault", of, err)
	}
}

// each runs f 64 times at once.
func (b *bench) each(f func(i int) error) {
	b.Helper()
	var wg sync.WaitGroup
	errs := make([]error, 64)
	for i := range errs {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		b.Fatal(err)
	}
}

// happened reads n blocks' worth of transactions after a position.
func (b *bench) happened(after ledger.Position, n int) (all []ledger.Transaction, blocks []uint64) {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for block, err := range b.Events(ctx, after) {
		if err != nil {
			b.Fatal(err)
		}
		for _, t := range block.Transactions {
			all, blocks = append(all, t), append(blocks, block.Number)
		}
		if len(all) >= n {
			return all, blocks
		}
	}
	b.Fatalf("events ended after %d of %d transactions", len(all), n)
	return nil, nil
}

func putGetDelete(b *bench) {
	b.do(b.alice, Put{"a/1", "one"})
	b.want(Get{"a/1"}, `"one"`)
	b.do(b.bob, Put{"a/1", "uno"})
	b.want(Get{"a/1"}, `"uno"`)
	b.do(b.alice, Delete{"a/1"})
	_, err := b.ask(b.alice, Get{"a/1"})
	b.refused(err, ErrMissing)
	_, err = b.submit(b.alice, Delete{"a/1"})
	b.refused(err, ErrMissing)
}

func scanOrder(b *bench) {
	b.want(List{"s"}, `[]`)
	for _, key := range []string{"s/b", "s/a", "t/c", "s/é", "s/B", "sa/x"} {
		b.do(b.alice, Put{key, "x"})
	}
	b.want(List{"s"}, `["s/B=x","s/a=x","s/b=x","s/é=x"]`)
}

func receipt(b *bench) {
	r := request(b.alice, Count{"c"})
	before := b.Head()
	got, err := b.Submit(context.Background(), r)
	if err != nil {
		b.Fatal(err)
	}
	if string(got.Reply) != "1" || got.TxID != r.Tx.ID || got.Block <= before.Block || !got.At.Equal(at) {
		b.Fatalf("receipt %+v with reply %s", got, got.Reply)
	}
	if b.Head().Block < got.Block {
		b.Fatalf("the head is at %d, before the receipt's block %d", b.Head().Block, got.Block)
	}
}

func phantom(b *bench) {
	b.each(func(i int) error {
		_, err := b.submit(b.alice, Claim{"shelf", fmt.Sprint(i), 10})
		if err != nil && !errors.Is(err, ErrFull) {
			return err
		}
		return nil
	})
	reply, err := b.ask(b.alice, List{"shelf"})
	if n := strings.Count(reply, "="); err != nil || n != 10 {
		b.Fatalf("%d entries stand on a shelf for 10: %s, %v", n, reply, err)
	}
}

func refusedInMotion(b *bench) {
	b.each(func(i int) error {
		for j := range 4 {
			key := fmt.Sprint(i, "-", j)
			_, err := b.submit(b.alice, Claim{"busy", key, 2})
			if err == nil {
				_, err = b.submit(b.alice, Delete{"busy/" + key})
			}
			if err != nil && !errors.Is(err, ErrFull) {
				return err
			}
		}
		return nil
	})
	b.want(List{"busy"}, `[]`)
}

func counter(b *bench) {
	var mu sync.Mutex
	seen := map[string]bool{}
	b.each(func(int) error {
		for range 4 {
			r, err := b.submit(b.alice, Count{"hot"})
			if err != nil {
				return err
			}
			mu.Lock()
			seen[string(r.Reply)] = true
			mu.Unlock()
		}
		return nil
	})
	if len(seen) != 256 || !seen["256"] {
		b.Fatalf("256 increments gave %d different values", len(seen))
	}
	all, _ := b.happened(ledger.Position{}, 256)
	for i, t := range all {
		var e Counted
		if err := json.Unmarshal(t.Events[0].Data, &e); err != nil || e.Value != i+1 {
			b.Fatalf("event %d tells of the value %d (%v)", i+1, e.Value, err)
		}
	}
}

func independent(b *bench) {
	b.each(func(i int) error {
		for j := range 4 {
			if _, err := b.submit(b.bob, Put{fmt.Sprintf("own/%02d/%d", i, j), "x"}); err != nil {
				return err
			}
		}
		return nil
	})
	if reply, err := b.ask(b.alice, List{"own"}); strings.Count(reply, "=") != 256 {
		b.Fatalf("%d of 256 entries are there, %v", strings.Count(reply, "="), err)
	}
}

var kept = Hide{"k-7f3a", "price 10", []string{"DairyMSP", "HarbourMSP"}}

func secretKept(b *bench) {
	b.do(b.alice, kept, kept.Keepers...)
	b.want(Reveal{kept.Key, "DairyMSP"}, `"price 10 kept by DairyMSP"`)
	b.want(Reveal{kept.Key, "HarbourMSP"}, `"price 10 kept by HarbourMSP"`, "HarbourMSP")
	all, _ := b.happened(ledger.Position{}, 1)
	if told := must(json.Marshal(all)); strings.Contains(string(told), "price") {
		b.Fatalf("the secret is in the events: %s", told)
	}
}

func secretElsewhere(b *bench) {
	b.do(b.alice, kept, kept.Keepers...)
	_, err := b.ask(b.alice, Reveal{kept.Key, "HarbourMSP"})
	b.fault(err, "Org1's node shows Org2's collection")
	_, err = b.ask(b.alice, Reveal{kept.Key, "DairyMSP"}, "AuthorityMSP")
	b.fault(err, "Org3's node shows Org1's collection")
	_, err = b.ask(b.bob, Reveal{kept.Key, "DairyMSP"})
	b.fault(err, "Org2's node shows Org1's collection")
}

func commandSpies(b *bench) {
	b.do(b.alice, kept, kept.Keepers...)
	_, err := b.submit(b.alice, Spy{kept.Key, "DairyMSP"})
	b.fault(err, "a command that reads a secret")
}

func items(commands ...any) (all []chaincode.Item) {
	for _, c := range commands {
		all = append(all, chaincode.Item{Name: chaincode.NameOf(c), Body: must(json.Marshal(c))})
	}
	return all
}

func batch(b *bench) {
	r := b.do(b.alice, chaincode.Batch{Commands: items(Put{"b/1", "one"}, Put{"b/2", ""}, Put{"b/3", "three"}, Delete{"b/1"}, Get{"b/3"})})
	var answers []chaincode.Answer
	if err := json.Unmarshal(r.Reply, &answers); err != nil || len(answers) != 5 {
		b.Fatalf("%s: %v", r.Reply, err)
	}
	b.refused(answers[1].Refusal, ErrEmpty)
	b.refused(answers[4].Refusal, chaincode.ErrBatchNested)
	b.want(List{"b"}, `["b/3=three"]`)
}

func atomicBatch(b *bench) {
	b.do(b.alice, chaincode.Batch{Atomic: true, Commands: items(Put{"b/1", "one"}, Put{"b/2", ""})})
	b.want(List{"b"}, `[]`)
	b.do(b.alice, chaincode.Batch{Atomic: true, Commands: items(Put{"b/1", "one"}, Put{"b/2", "two"})})
	b.want(List{"b"}, `["b/1=one","b/2=two"]`)
}

func refusedBatch(b *bench) {
	b.do(b.alice, Put{"b/1", "one"})
	before := b.Head()
	for _, atomic := range []bool{false, true} {
		r := request(b.alice, chaincode.Batch{Atomic: atomic, Commands: items(Put{"b/2", ""}, Delete{"b/3"})})
		receipt, err := b.Submit(context.Background(), r)
		if err != nil || receipt.TxID != "" || receipt.Block != 0 {
			b.Fatalf("%+v, %v", receipt, err)
		}
		var answers []chaincode.Answer
		if err := json.Unmarshal(receipt.Reply, &answers); err != nil || len(answers) != 2 {
			b.Fatalf("%s: %v", receipt.Reply, err)
		}
		b.refused(answers[0].Refusal, ErrEmpty)
		b.refused(answers[1].Refusal, ErrMissing)
		if _, err := b.Outcome(context.Background(), r.Tx.ID); !errors.Is(err, ledger.ErrNotFound) {
			b.Fatalf("outcome: %v", err)
		}
	}
	_, err := b.submit(forger{b.alice}, chaincode.Batch{Commands: items(Put{"b/2", ""})})
	b.fault(err, "a batch of refusals with a wrong signature")
	if b.Head() != before {
		b.Fatal("an empty transaction was committed")
	}
	b.want(List{"b"}, `["b/1=one"]`)
}

func refusal(b *bench) {
	_, err := b.submit(b.alice, Put{"x", ""})
	r := b.refused(err, ErrEmpty)
	if r.Field != "text" || r.Detail() != "entry x" || r.Kind != chaincode.Malformed || r.Remedy == "" {
		b.Fatalf("came back as %+v", r)
	}
	_, err = b.ask(b.alice, Get{"x"})
	b.refused(err, ErrMissing)
}

func refusedLeavesNothing(b *bench) {
	r := request(b.alice, Put{"x", ""})
	before := b.Head()
	_, err := b.Submit(context.Background(), r)
	b.refused(err, ErrEmpty)
	if _, err := b.Outcome(context.Background(), r.Tx.ID); !errors.Is(err, ledger.ErrNotFound) {
		b.Fatalf("outcome: %v", err)
	}
	if b.Head() != before {
		b.Fatal("a refusal made a block")
	}
}

func unknownFunction(b *bench) {
	r := request(b.alice, Put{"x", "y"})
	r.Name = "ledgertest.Nothing"
	_, err := b.Submit(context.Background(), r)
	b.refused(err, chaincode.ErrUnknownFunction)
	_, err = b.Query(context.Background(), r)
	b.refused(err, chaincode.ErrUnknownFunction)
}

func callerFromCertificate(b *bench) {
	var got chaincode.Caller
	r := b.do(liar{b.alice}, Whoami{})
	if err := json.Unmarshal(r.Reply, &got); err != nil || !reflect.DeepEqual(got, b.alice.Caller()) {
		b.Fatalf("the ledger takes %+v for %+v (%v)", b.alice.Caller(), got, err)
	}
}

// liar claims to be more than its certificate says.
type liar struct{ ledger.Signer }

func (l liar) Caller() chaincode.Caller {
	return chaincode.Caller{Org: "AuthorityMSP", Party: "bank", User: "root", Roles: []string{"tester", "admin"}}
}

func roleMissing(b *bench) {
	_, err := b.submit(b.bob, Whoami{})
	b.refused(err, chaincode.ErrRole)
}

func duplicate(b *bench) {
	r := request(b.alice, Count{"c"})
	first, err := b.Submit(context.Background(), r)
	if err != nil {
		b.Fatal(err)
	}
	second, err := b.Submit(context.Background(), r)
	if err != nil || !reflect.DeepEqual(first, second) {
		b.Fatalf("the second receipt is %+v, %v; the first was %+v", second, err, first)
	}
	if again := b.do(b.alice, Count{"c"}); string(again.Reply) != "2" {
		b.Fatalf("two effects: the counter stands at %s", again.Reply)
	}
}

func duplicateAtOnce(b *bench) {
	r := request(b.alice, Count{"c"})
	b.each(func(int) error {
		got, err := b.Submit(context.Background(), r)
		if err == nil && string(got.Reply) != "1" {
			err = fmt.Errorf("reply %s", got.Reply)
		}
		return err
	})
}

func forgedID(b *bench) {
	r := request(b.alice, Count{"c"})
	r.Tx.ID = strings.Repeat("0", 64)
	_, err := b.Submit(context.Background(), r)
	b.fault(err, "a forged transaction id")
	r = request(b.alice, Count{"c"})
	r.Signer = b.bob
	_, err = b.Submit(context.Background(), r)
	b.fault(err, "another's transaction id")
}

// forger signs with a key that is not its certificate's.
type forger struct{ ledger.Signer }

func (f forger) Sign(message []byte) ([]byte, error) {
	return f.Signer.Sign(append(message, '!'))
}

func wrongSignature(b *bench) {
	_, err := b.submit(forger{b.alice}, Put{"x", "y"})
	b.fault(err, "a wrong signature")
	_, err = b.ask(forger{b.alice}, List{"x"})
	b.fault(err, "a query with a wrong signature")
	b.want(List{"x"}, `[]`)
}

// impostor shows another's certificate, changed.
type impostor struct {
	ledger.Signer
	creator []byte
}

func (i impostor) Creator() []byte { return i.creator }

// ofAnother is a creator that claims to be another member's.
func ofAnother(creator []byte, org string) []byte {
	var id msp.SerializedIdentity
	if err := proto.Unmarshal(creator, &id); err != nil {
		panic(err)
	}
	id.Mspid = org
	return must(proto.Marshal(&id))
}

func tamperedCreator(b *bench) {
	for _, creator := range [][]byte{
		b.bob.Creator(),
		ofAnother(b.alice.Creator(), "HarbourMSP"),
		b.alice.Creator()[:40], {},
	} {
		_, err := b.submit(impostor{b.alice, creator}, Put{"x", "y"})
		b.fault(err, "a tampered creator")
	}
	stranger := NewMembers(Orgs...).User("DairyMSP", "dairy", "alice", "tester")
	_, err := b.submit(stranger, Put{"x", "y"})
	b.fault(err, "a certificate of another authority")
}

func outcome(b *bench) {
	want := b.do(b.alice, Count{"c"})
	got, err := b.Outcome(context.Background(), want.TxID)
	want.Reply = nil
	if err != nil || !reflect.DeepEqual(got, want) {
		b.Fatalf("outcome %+v, %v; want %+v", got, err, want)
	}
	if _, err := b.Outcome(context.Background(), ledger.NewTx(b.alice).ID); !errors.Is(err, ledger.ErrNotFound) {
		b.Fatalf("an id never used: %v", err)
	}
}

func largeEvent(b *bench) {
	b.do(b.alice, Shout{200_000})
	all, _ := b.happened(ledger.Position{}, 1)
	var e Shouted
	if err := json.Unmarshal(all[0].Events[0].Data, &e); err != nil || len(e.Noise) != 200_000 {
		b.Fatalf("%d bytes arrived, %v", len(e.Noise), err)
	}
}

func events(b *bench) {
	const n = 12
	want := make([]ledger.Receipt, n)
	for i := range n {
		want[i] = b.do(b.alice, Put{fmt.Sprintf("e/%d", i), "x"})
		if _, err := b.submit(b.alice, Put{"e", ""}); err == nil {
			b.Fatal("an empty entry was stored")
		}
	}
	for from := range n {
		after := ledger.Position{}
		if from > 0 {
			after = ledger.Position{Block: want[from-1].Block}
		}
		all, blocks := b.happened(after, n-from)
		for i, t := range all {
			w := want[from+i]
			if t.TxID != w.TxID || blocks[i] != w.Block || t.Index != w.Index || t.Events[0].Name != "ledgertest.Stored" {
				b.Fatalf("after %v, event %d is %+v of block %d; want %+v", after, i, t, blocks[i], w)
			}
			if t.By.User != "alice" || t.By.Party != "dairy" || !t.At.Equal(at) {
				b.Fatalf("event %d is by %+v at %s", i, t.By, t.At)
			}
		}
	}
}

func eventsWait(b *bench) {
	go func() {
		time.Sleep(50 * time.Millisecond)
		b.submit(b.alice, Put{"later", "x"}) // if it fails, the wait below says so
	}()
	if all, _ := b.happened(b.Head(), 1); len(all) != 1 {
		b.Fatalf("%d transactions", len(all))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	for _, err := range b.Events(ctx, b.Head()) {
		b.Fatalf("nothing has happened, and yet something came (%v)", err)
	}
}

func queryWritesNothing(b *bench) {
	before := b.Head()
	if reply, err := b.ask(b.alice, Count{"c"}); err != nil || reply != "1" {
		b.Fatalf("%s, %v", reply, err)
	}
	if b.Head() != before {
		b.Fatal("a query made a block")
	}
	if r := b.do(b.alice, Count{"c"}); string(r.Reply) != "1" {
		b.Fatalf("the query's write was kept: %s", r.Reply)
	}
}

func contextEnds(b *bench) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := b.Submit(ctx, request(b.alice, Put{"x", "y"}))
	if !errors.Is(err, context.Canceled) {
		b.Fatalf("got %v", err)
	}
}
