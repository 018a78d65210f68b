package fabric

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

// What needs a network (the corpus, the stories, faults) is in network/trial.

func TestVerdictTellsWhatPassesFromWhatStays(t *testing.T) {
	refusal := `chaincode response 409, {"code":"trace/recalled","kind":"conflict","text":"A recalled lot does not move."}`
	if said := verdict(refusal); !errors.Is(said, chaincode.Rule{Code: "trace/recalled"}) {
		t.Errorf("a refusal: %v", said)
	}
	for message, stays := range map[string]bool{
		"duplicate transaction found [ab]. Creator [cd]":                             true,
		"the contract failed: spy reads private state":                               true,
		"error validating proposal: access denied: channel [tallyway] creator org":   true,
		"connection error: desc = transport: connection refused":                     false,
		"ProposalResponsePayloads do not match":                                      false,
		"error in simulation: failed to execute transaction: chaincode stream ended": false,
	} {
		if said := verdict(message); (said != nil) != stays {
			t.Errorf("%s: %v", message, said)
		}
	}
	if !errors.Is(verdict("duplicate transaction found [ab]"), errSeen) {
		t.Error("a duplicate is not told")
	}
}

// A retry's id follows from the first one, and is as Fabric wants it.
func TestSuccessorFollows(t *testing.T) {
	alice := ledgertest.NewMembers("DairyMSP").User("DairyMSP", "dairy", "alice")
	first := ledger.NewTx(alice)
	a, b := successor(first, alice.Creator()), successor(first, alice.Creator())
	if a.ID != b.ID || a.ID == first.ID || idOf(a.Nonce, alice.Creator()) != a.ID || len(a.Nonce) != len(first.Nonce) {
		t.Errorf("%+v is followed by %+v and %+v", first, a, b)
	}
	if next := successor(a, alice.Creator()); next.ID == a.ID || next.ID == first.ID {
		t.Errorf("%+v is followed by %+v", a, next)
	}
}

func TestFootprintIsWhatTwoCannotBothDo(t *testing.T) {
	read := func(keys ...string) (all []*kvrwset.KVRead) {
		for _, k := range keys {
			all = append(all, &kvrwset.KVRead{Key: k})
		}
		return all
	}
	public := &kvrwset.KVRWSet{Reads: read("b", "a", "only read"),
		Writes:           []*kvrwset.KVWrite{{Key: "b"}, {Key: "a"}, {Key: "only written"}},
		RangeQueriesInfo: []*kvrwset.RangeQueryInfo{{StartKey: "shelf/"}}}
	set := &rwset.TxReadWriteSet{NsRwset: []*rwset.NsReadWriteSet{{Namespace: "_lifecycle", Rwset: must(&kvrwset.KVRWSet{Reads: read("x"), Writes: []*kvrwset.KVWrite{{Key: "x"}}})},
		{Namespace: "tallyway", Rwset: must(public), CollectionHashedRwset: []*rwset.CollectionHashedReadWriteSet{{CollectionName: "_implicit_org_DairyMSP"}}}}}
	f, keepers, err := footprintIn(must(set), "tallyway")
	if got := fmt.Sprint(f, keepers, err); got != "[key a key b range shelf/] [DairyMSP] <nil>" {
		t.Error(got)
	}
	set.NsRwset[1].CollectionHashedRwset[0].CollectionName = "secrets"
	if _, _, err := footprintIn(must(set), "tallyway"); err == nil {
		t.Error("a static collection passes")
	}
}

func FuzzFootprint(f *testing.F) {
	f.Add(must(&rwset.TxReadWriteSet{NsRwset: []*rwset.NsReadWriteSet{{Namespace: "tallyway", Rwset: []byte{1, 2}}}}))
	f.Fuzz(func(t *testing.T, results []byte) { footprintIn(results, "tallyway") })
}

// In a lane there is one at a time; what does not meet goes side by side, and
// cold records cost nothing.
func TestLanesKeepMeetingCommandsApart(t *testing.T) {
	var l lanes
	if turn, err := l.enter(t.Context(), footprint{"key a"}); turn != nil || err != nil {
		t.Fatal("a cold record has a lane")
	}
	l.heat(footprint{"key a", "key b"})
	var inside, most atomic.Int32
	var wg sync.WaitGroup
	for i := range 20 {
		f := []footprint{{"key a", "key b"}, {"key b", "key c"}, {"key a"}}[i%3]
		wg.Go(func() {
			turn, err := l.enter(t.Context(), f)
			if err != nil || turn == nil {
				t.Errorf("%v: %v", f, err)
				return
			}
			if i%3 == 0 { // it meets both of the others
				most.Store(max(most.Load(), inside.Add(1)))
				time.Sleep(time.Millisecond)
				inside.Add(-1)
			}
			turn()
		})
	}
	wg.Wait()
	if most.Load() != 1 {
		t.Errorf("%d were inside at once", most.Load())
	}
}

func TestALaneIsNotWaitedForForEver(t *testing.T) {
	var l lanes
	l.heat(footprint{"key a", "key b"})
	turn, err := l.enter(t.Context(), footprint{"key b"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := l.enter(ctx, footprint{"key a", "key b"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waited: %v", err)
	}
	again, err := l.enter(t.Context(), footprint{"key a"}) // the one who gave up holds nothing
	if err != nil {
		t.Fatal(err)
	}
	again()
	turn()
}

// Of many submits of one id one does the work; who is called away hands it on.
func TestClaimsDoTheWorkOnce(t *testing.T) {
	var c claims
	var worked atomic.Int32
	start, wg := make(chan struct{}), sync.WaitGroup{}
	for range 30 {
		wg.Go(func() {
			<-start
			r, err := c.once(t.Context(), "id", func() (ledger.Receipt, error) {
				if worked.Add(1) == 1 {
					time.Sleep(5 * time.Millisecond)
					return ledger.Receipt{}, context.Canceled
				}
				time.Sleep(20 * time.Millisecond)
				return ledger.Receipt{TxID: "id", Block: 7}, nil
			})
			if err != nil && !errors.Is(err, context.Canceled) || err == nil && r.Block != 7 {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	close(start)
	wg.Wait()
	if n := worked.Load(); n != 2 {
		t.Errorf("the work was done %d times, want once more after the one who gave up", n)
	}
}

func TestABusyLedgerSaysSo(t *testing.T) {
	l := &Ledger{config: Config{QueueWithin: 10 * time.Millisecond}, places: make(chan struct{}, 1)}
	free, err := l.place(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.place(t.Context()); !errors.Is(err, ledger.ErrBusy) {
		t.Errorf("the second: %v", err)
	}
	free()
	if _, err := l.place(t.Context()); err != nil {
		t.Errorf("after the first: %v", err)
	}
}

// The second member changes from command to command, and leaves out who did not
// answer.
func TestChooserTakesTurns(t *testing.T) {
	var c chooser
	orgs, seen := []string{"A", "B", "C"}, map[string]int{}
	for range 10 {
		seen[c.choose(orgs, "B")]++
	}
	if seen["A"] != 5 || seen["C"] != 5 || seen["B"] != 0 {
		t.Errorf("chosen: %v", seen)
	}
	c.blame("A")
	for range 4 {
		if got := c.choose(orgs, "B"); got != "C" {
			t.Errorf("%s is asked though it is down", got)
		}
	}
	c.blame("C")
	if got := c.choose(orgs, "B"); got == "B" || got == "" {
		t.Errorf("with all of them down: %q", got)
	}
}

// The first fate of an id counts: a copy that comes later is a duplicate.
func TestWatchTellsAFateOnce(t *testing.T) {
	w := newWatch(4, slog.New(slog.DiscardHandler))
	told, forget := w.expect("tx")
	defer forget()
	block := func(n uint64, code peer.TxValidationCode) *peer.FilteredBlock {
		return &peer.FilteredBlock{Number: n, FilteredTransactions: []*peer.FilteredTransaction{{Txid: "other"}, {Txid: "tx", TxValidationCode: code}}}
	}
	w.broke(errors.New("gone"))
	w.saw(block(5, peer.TxValidationCode_VALID))
	w.saw(block(6, peer.TxValidationCode_DUPLICATE_TXID))
	if f := <-told; f != (fate{5, 1, peer.TxValidationCode_VALID}) {
		t.Errorf("told %+v", f)
	}
	if w.position().Block != 6 || w.health() != nil {
		t.Errorf("it stands at %d, health %v", w.position().Block, w.health())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if err := w.reach(ctx, 7); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("block 7 is there: %v", err)
	}
	w.broke(errors.New("gone"))
	w.since = time.Now().Add(-2 * patience)
	if w.health() == nil {
		t.Error("a peer that is away for long is no trouble")
	}
}
