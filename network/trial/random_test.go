package trial

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/embedded"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

// randomCalls is how many calls both ledgers are asked, most of them in
// batches, as bulk work comes.
const randomCalls = 10_000

// differ sends the same random calls to a network and to the embedded ledger:
// replies, refusals, what counts, events and state must be the same.
func differ(t *testing.T, network ledger.Ledger, m *ledgertest.Members) {
	home, err := embedded.Open(t.Context(), embedded.Config{Dir: t.TempDir(), Contracts: ledgertest.Contracts(), Orgs: m.Orgs(),
		Verifier: m, Endorser: m.Node, ScrubRate: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	p := &pair{t: t, one: home, other: network, chance: rand.New(rand.NewPCG(20261128, 3)), begun: time.Now().UTC().Truncate(time.Second), users: []ledger.Signer{
		m.User("DairyMSP", "dairy", "alice", "tester"), m.User("HarbourMSP", "grocer", "bob"), m.User("AuthorityMSP", "office", "carol", "tester")}}
	for p.calls < randomCalls {
		p.step()
	}
	if want, got := p.happened(home), p.happened(network); want != got {
		t.Errorf("the events differ:\n%s", firstDifference(want, got))
	}
	for _, query := range []any{ledgertest.List{Shelf: "a"}, ledgertest.List{Shelf: "b"}, ledgertest.List{Shelf: "c"}} {
		p.same(query, true)
	}
	for i := range 12 { // the secrets as each keeper has them, asked by users of all members
		for _, keeper := range []string{"DairyMSP", "HarbourMSP"} {
			p.same(ledgertest.Reveal{Key: fmt.Sprint("secret-", i), Keeper: keeper}, true, keeper)
		}
	}
	t.Logf("%d calls in %d transactions: %d took effect, %d were refused", p.calls, p.transactions, p.done, p.refused)
	if p.done < randomCalls/4 || p.refused < randomCalls/20 {
		t.Errorf("the calls prove little")
	}
}

// pair is two ledgers that are told the same.
type pair struct {
	t          *testing.T
	one, other ledger.Ledger
	chance     *rand.Rand
	users      []ledger.Signer
	begun      time.Time

	calls, transactions, done, refused int
}

// step sends one random command, or a batch of them.
func (p *pair) step() {
	if p.chance.IntN(4) == 0 {
		p.calls++
		p.same(p.command(), false)
		return
	}
	b := chaincode.Batch{Atomic: p.chance.IntN(10) == 0}
	for range 1 + p.chance.IntN(chaincode.MaxBatch) {
		p.calls++
		c := p.command()
		b.Commands = append(b.Commands, chaincode.Item{Name: chaincode.NameOf(c), Body: encoded(c)})
	}
	p.same(b, false)
}

// command is often one that a rule refuses.
func (p *pair) command() any {
	key := fmt.Sprintf("%c/%d", 'a'+p.chance.IntN(3), p.chance.IntN(12))
	switch p.chance.IntN(8) {
	case 0, 1:
		return ledgertest.Put{Key: key, Text: strings.Repeat("x", p.chance.IntN(4))}
	case 2:
		return ledgertest.Delete{Key: key}
	case 3:
		return ledgertest.Claim{Shelf: key[:1], Key: fmt.Sprint(p.chance.IntN(12)), Limit: 8}
	case 4:
		keepers := []string{"DairyMSP", "HarbourMSP"}[:1+p.chance.IntN(2)]
		return ledgertest.Hide{Key: "secret-" + key[2:], Text: "hidden", Keepers: keepers}
	case 5:
		return ledgertest.Whoami{}
	case 6:
		return ledgertest.Shout{Size: p.chance.IntN(40)}
	default:
		return ledgertest.Count{Key: key}
	}
}

// same asks both and compares what they say.
func (p *pair) same(call any, query bool, orgs ...string) {
	p.t.Helper()
	by := p.users[p.chance.IntN(len(p.users))]
	at := p.begun.Add(time.Duration(p.transactions) * time.Millisecond)
	p.transactions++
	ask := func(l ledger.Ledger) (said string) {
		r := ledger.Request{Signer: by, Name: chaincode.NameOf(call), Body: encoded(call), At: at, Tx: ledger.NewTx(by), Orgs: orgs}
		var reply []byte
		var err error
		if query {
			reply, err = l.Query(p.t.Context(), r)
		} else {
			var receipt ledger.Receipt
			receipt, err = l.Submit(p.t.Context(), r)
			reply = receipt.Reply
			if err == nil && receipt.TxID != "" {
				_, err = l.Outcome(p.t.Context(), receipt.TxID) // it counts
				reply = append([]byte("committed "), reply...)
			}
		}
		var refusal *chaincode.Refusal
		if err != nil && !errors.As(err, &refusal) {
			p.t.Fatalf("%s: %v", r.Name, err)
		}
		if refusal != nil {
			return "refused " + string(encoded(refusal))
		}
		return string(reply)
	}
	want, got := ask(p.one), ask(p.other)
	p.refused += strings.Count(want, `"code":`)
	p.done += strings.Count(want, `"reply":`)
	if want != got {
		p.t.Fatalf("%T %s\nembedded: %s\nnetwork:  %s", call, encoded(call), want, got)
	}
}

// happened is every event of a ledger, without what is its own: blocks and ids.
func (p *pair) happened(l ledger.Ledger) string {
	p.t.Helper()
	var out bytes.Buffer
	for block, err := range l.Events(p.t.Context(), ledger.Position{}) {
		if err != nil {
			p.t.Fatal(err)
		}
		for _, t := range block.Transactions {
			fmt.Fprintf(&out, "%s by %s\n", t.At, t.By.User)
			for _, e := range t.Events {
				fmt.Fprintf(&out, "  %s %s\n", e.Name, e.Data)
			}
		}
		if block.Number >= l.Head().Block {
			break
		}
	}
	return out.String()
}

func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d\nembedded: %s\nnetwork:  %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines and %d lines", len(a), len(b))
}
