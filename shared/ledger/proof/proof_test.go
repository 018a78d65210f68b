package proof_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/embedded"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
	"github.com/tallyway/tallyway/shared/ledger/proof"
)

// world is a ledger with some blocks, and what proofs of it are made with.
type world struct {
	proof.Maker
	members  *ledgertest.Members
	receipts []ledger.Receipt
}

func newWorld(t testing.TB, commands int) *world {
	t.Helper()
	m := ledgertest.NewMembers(ledgertest.Orgs...)
	l, err := embedded.Open(t.Context(), embedded.Config{Dir: t.TempDir(), Contracts: ledgertest.Contracts(), Orgs: ledgertest.Orgs, Verifier: m, Endorser: m.Node})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	w := &world{members: m, receipts: make([]ledger.Receipt, commands), Maker: proof.Maker{Ledger: l, Contract: embedded.Namespace, Verifier: m}}
	for _, org := range ledgertest.Orgs {
		node, err := m.Node(org)
		if err != nil {
			t.Fatal(err)
		}
		w.Signers = append(w.Signers, node)
		w.Members = append(w.Members, proof.Member{MSP: org, Roots: string(m.CACert(org))})
	}
	alice := m.User("DairyMSP", "dairy", "alice")
	var all sync.WaitGroup
	for i := range commands {
		all.Go(func() {
			c := ledgertest.Put{Key: keyOf(i), Text: "x"}
			body, _ := json.Marshal(c)
			w.receipts[i], err = l.Submit(context.Background(), ledger.Request{Signer: alice, Name: chaincode.NameOf(c), Body: body, Tx: ledger.NewTx(alice), At: time.Now()})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	return w
}

// keyOf is a key with what JSON writes in two ways.
func keyOf(i int) string { return fmt.Sprint("<k&", i, ">") }

// about wants the events of some transactions, one of them whole.
func (w *world) about(whole bool, receipts ...ledger.Receipt) map[uint64]proof.Wanted {
	wanted := map[uint64]proof.Wanted{}
	for _, r := range receipts {
		x := wanted[r.Block]
		x.Shows = func(tx, _ string, _ json.RawMessage) bool {
			return slices.ContainsFunc(receipts, func(r ledger.Receipt) bool { return r.TxID == tx })
		}
		if whole {
			x.Whole = append(x.Whole, r.TxID)
		}
		wanted[r.Block] = x
	}
	return wanted
}

func (w *world) prove(t testing.TB, wanted map[uint64]proof.Wanted) *proof.Proof {
	t.Helper()
	p, err := w.Make(t.Context(), wanted, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestProofTellsWhatTheLedgerHolds(t *testing.T) {
	w := newWorld(t, 40)
	for _, whole := range []bool{false, true} {
		c, err := proof.Check(w.prove(t, w.about(whole, w.receipts[3], w.receipts[17])))
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Facts) != 2 || len(c.Signers) != len(ledgertest.Orgs) {
			t.Fatalf("%d facts, signed by %v", len(c.Facts), c.Signers)
		}
		for _, f := range c.Facts {
			i := slices.IndexFunc(w.receipts, func(r ledger.Receipt) bool { return r.TxID == f.Tx })
			var e struct{ Key string }
			if json.Unmarshal(f.Data, &e); i < 0 || f.Block != w.receipts[i].Block || e.Key != keyOf(i) || f.Party != "dairy" {
				t.Errorf("%+v: %s", f, f.Data)
			}
			if whole != (f.Author == "alice") || whole != (len(f.Endorsers) > 0) {
				t.Errorf("shown whole: %v; signed by %q, endorsed by %v", whole, f.Author, f.Endorsers)
			}
		}
	}
}

// What stands beside a fact in its block is neither told nor to be guessed.
func TestNeighboursStayUnknown(t *testing.T) {
	w := newWorld(t, 40)
	b, err := json.Marshal(w.prove(t, w.about(false, w.receipts[5])))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range w.receipts {
		if told := strings.Contains(string(b), r.TxID); told != (i == 5) {
			t.Errorf("transaction %d is told: %v", i, told)
		}
	}
}

// Whatever is changed in a proof, it proves the same as before or nothing.
func TestEveryChangeIsFound(t *testing.T) {
	w := newWorld(t, 20)
	p := w.prove(t, w.about(true, w.receipts[3], w.receipts[4], w.receipts[11]))
	before, err := proof.Check(p)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(p)
	random, survived := rand.New(rand.NewPCG(1, 2)), 0
	for range 1500 {
		changed := slices.Clone(text)
		at := random.IntN(len(changed))
		changed[at] ^= 1 << random.IntN(7)
		var q proof.Proof
		if json.Unmarshal(changed, &q) != nil {
			continue
		}
		after, err := proof.Check(&q)
		if err != nil {
			continue
		}
		survived++
		for i, f := range after.Facts {
			was := before.Facts[i]
			if string(f.Data) != string(was.Data) || f.Tx != was.Tx || f.Block != was.Block || f.Header != was.Header || f.Author != "" && f.Author != was.Author {
				t.Fatalf("byte %d: proves %+v instead of %+v", at, f, was)
			}
		}
	}
	t.Logf("%d changes left it valid", survived)
}

func TestWhatDoesNotHoldIsNamed(t *testing.T) {
	w := newWorld(t, 20)
	for want, change := range map[string]func(*proof.Proof){
		"nobody signed": func(p *proof.Proof) { p.Signatures = nil },
		"does not hold": func(p *proof.Proof) { p.Statement = strings.Replace(p.Statement, `"head":`, `"head":1`, 1) },
		"does not lead": func(p *proof.Proof) { p.Blocks[0].Leaves[0].Data += " " },
		"another length": func(p *proof.Proof) {
			l := &p.Blocks[0].Leaves[0]
			l.Salt, l.Data = append(l.Salt, l.Data[0]), l.Data[1:]
		},
		"the proof shows 0":  func(p *proof.Proof) { p.Blocks = nil },
		"stands there twice": func(p *proof.Proof) { p.Members = append(p.Members, p.Members[0]) },
		"unknown":            func(p *proof.Proof) { p.Members = p.Members[1:] },
		"of the form":        func(p *proof.Proof) { p.Statement = `{}` },
		"who does not speak": func(p *proof.Proof) { p.Signatures = []proof.Signature{w.by(t, "alice", p.Statement)} },
		"cannot be read":     func(p *proof.Proof) { p.Statement = "" },
	} {
		p := w.prove(t, w.about(true, w.receipts[3]))
		change(p)
		if _, err := proof.Check(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func (w *world) by(t testing.TB, user, statement string) proof.Signature {
	t.Helper()
	s := w.members.User("DairyMSP", "dairy", user)
	signature, err := s.Sign([]byte(statement))
	if err != nil {
		t.Fatal(err)
	}
	return proof.Signature{Creator: s.Creator(), Signature: signature}
}
