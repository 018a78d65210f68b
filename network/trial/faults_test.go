package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/network/networktest"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/fabric"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

// What a network's processes may do to a host: whatever of them dies, nothing
// that was acknowledged is lost, nothing happens twice, and nobody waits for
// ever.
func TestFaults(t *testing.T) {
	n := networktest.Start(t)
	m := n.Members()
	n.Serve("corpus", "./corpus")
	for _, f := range []struct {
		name string
		down []string
		// most is how long a command may take. A change of leader takes the ten
		// seconds after which a leader is suspected, and some for the choice.
		most time.Duration
	}{
		{"a follower of the orderers is killed, and comes back", []string{"orderer.regulator"}, 10 * time.Second},
		{"the leader of the orderers is killed, and comes back", []string{"orderer.producer"}, 35 * time.Second},
		{"two orderers of four are killed, and come back", []string{"orderer.tax", "orderer.bank"}, 50 * time.Second},
		{"another member's peer is killed, and comes back", []string{"peer.regulator"}, 20 * time.Second},
		{"the host's own peer is killed, and comes back", []string{"peer.producer"}, 50 * time.Second},
		{"the member's contracts are killed, and come back", []string{"contracts.producer.corpus"}, 20 * time.Second},
		{"another member's contracts are killed, and come back", []string{"contracts.bank.corpus"}, 20 * time.Second},
	} {
		t.Run(f.name, func(t *testing.T) { dies(t, n, m, f.down, f.most) })
	}
	t.Run("the network is restarted", func(t *testing.T) { restarts(t, n, m) })
	t.Run("the host is killed between submit and answer", func(t *testing.T) { hostDies(t, n, m) })
}

// away is how long a process stays dead.
const away = 4 * time.Second

func dies(t *testing.T, n *networktest.Network, m *ledgertest.Members, names []string, most time.Duration) {
	l := n.Ledger(t, m, ledgertest.Contracts(), "tallyway", "producer")
	w := work(t, l, m)
	w.until(20)
	for _, name := range names {
		if err := n.Kill(name); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(away)
	for _, name := range names {
		if err := n.Start(name); err != nil {
			t.Fatal(err)
		}
	}
	w.until(20) // work goes on
	w.stop()
	t.Logf("%d commands acknowledged, %d refused for the time being, %d unknown; the longest took %s",
		w.acknowledged, w.unavailable, len(w.unknown), w.longest.Round(time.Millisecond))
	if w.longest > most {
		t.Errorf("a command took %s, want %s at most", w.longest, most)
	}
	w.check()
}

// restarts takes the whole network down and up again.
func restarts(t *testing.T, n *networktest.Network, m *ledgertest.Members) {
	l := n.Ledger(t, m, ledgertest.Contracts(), "tallyway", "producer")
	w := work(t, l, m)
	w.until(20)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := errors.Join(n.Down(ctx), n.Up(ctx)); err != nil {
		t.Fatal(err)
	}
	w.until(20)
	w.stop()
	t.Logf("%d commands acknowledged, %d refused for the time being, %d unknown; the longest took %s",
		w.acknowledged, w.unavailable, len(w.unknown), w.longest.Round(time.Millisecond))
	w.check()
}

// workers is how many count at the same time, each its own counter.
const workers = 8

// crew counts, each worker its own counter, as fast as the ledger answers.
type crew struct {
	t      *testing.T
	l      *fabric.Ledger
	signer ledger.Signer
	run    string
	quit   context.CancelFunc
	done   sync.WaitGroup

	mu           sync.Mutex
	acknowledged int
	unavailable  int            // nothing was written
	unknown      []unanswered   // resolved at the end
	counts       map[string]int // acknowledged, by counter
	longest      time.Duration
	read         uint64         // the last block that the reader of events has seen
	told         map[string]int // events, by counter
}

type unanswered struct{ counter, tx string }

func work(t *testing.T, l *fabric.Ledger, m *ledgertest.Members) *crew {
	ctx, quit := context.WithCancel(t.Context())
	w := &crew{t: t, l: l, signer: m.User("ProducerMSP", "dairy", "alice", "tester"), run: t.Name(), quit: quit, counts: map[string]int{}, told: map[string]int{}}
	w.read = l.Head().Block
	reading, enough := context.WithCancel(t.Context())
	t.Cleanup(enough)
	go w.follow(reading, l.Head())
	for i := range workers {
		w.done.Go(func() {
			for ctx.Err() == nil {
				w.count(fmt.Sprintf("%s %d", w.run, i))
			}
		})
	}
	return w
}

// follow reads the events as a read model does: every block once, whatever
// happens to the stream.
func (w *crew) follow(ctx context.Context, from ledger.Position) {
	for block, err := range w.l.Events(ctx, from) {
		w.mu.Lock()
		if err != nil || block.Number != w.read+1 {
			w.t.Errorf("after block %d the events are of block %d (%v)", w.read, block.Number, err)
		}
		w.read = block.Number
		for _, t := range block.Transactions {
			var e ledgertest.Counted
			if err := json.Unmarshal(t.Events[0].Data, &e); err != nil {
				w.t.Error(err)
			}
			w.told[e.Key]++
		}
		w.mu.Unlock()
	}
}

// caughtUp waits until the reader has seen the last block.
func (w *crew) caughtUp() {
	w.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		w.mu.Lock()
		read := w.read
		w.mu.Unlock()
		if read >= w.l.Head().Block {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("the events have come to block %d of %d", read, w.l.Head().Block)
		}
	}
}

// count adds one, and notes what the ledger said. It is not called off: what
// ends it is the ledger's own patience.
func (w *crew) count(counter string) {
	r := ledger.Request{Signer: w.signer, Name: "ledgertest.Count", Body: encoded(ledgertest.Count{Key: counter}), Tx: ledger.NewTx(w.signer)}
	start := time.Now()
	_, err := w.l.Submit(context.WithoutCancel(w.t.Context()), r)
	took := time.Since(start)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.longest = max(w.longest, took)
	var unknown *ledger.Unknown
	switch {
	case err == nil:
		w.acknowledged++
		w.counts[counter]++
	case errors.As(err, &unknown):
		w.unknown = append(w.unknown, unanswered{counter, unknown.TxID})
	case errors.Is(err, ledger.ErrUnavailable), errors.Is(err, ledger.ErrConflict):
		w.unavailable++
	default:
		w.t.Errorf("%s: %v", counter, err)
	}
}

// until waits for further acknowledged commands.
func (w *crew) until(more int) {
	w.t.Helper()
	w.mu.Lock()
	from := w.acknowledged
	w.mu.Unlock()
	for end := time.Now().Add(90 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		w.mu.Lock()
		got := w.acknowledged - from
		w.mu.Unlock()
		if got >= more {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("%d commands in 90 s", got)
		}
	}
}

func (w *crew) stop() {
	w.quit()
	w.done.Wait()
}

// check holds every counter against what was acknowledged, and what was unknown
// against what its transaction came to.
func (w *crew) check() {
	w.t.Helper()
	w.caughtUp()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range w.unknown {
		_, err := w.l.Outcome(w.t.Context(), u.tx)
		switch {
		case err == nil:
			w.counts[u.counter]++
		case !errors.Is(err, ledger.ErrNotFound) && !errors.Is(err, ledger.ErrInvalid):
			w.t.Errorf("the outcome of %s: %v", u.tx, err)
		}
	}
	for counter, want := range w.counts {
		body := encoded(ledgertest.Count{Key: counter}) // asked, not done: it answers one more
		reply, err := w.l.Query(w.t.Context(), ledger.Request{Signer: w.signer, Name: "ledgertest.Count", Body: body})
		var next int
		if err = errors.Join(err, json.Unmarshal(reply, &next)); err != nil || next-1 != want {
			w.t.Errorf("%s stands at %d, want %d (%v)", counter, next-1, want, err)
		}
		if w.told[counter] != want {
			w.t.Errorf("%d events tell of %s, want %d", w.told[counter], counter, want)
		}
	}
}

// hostDies loses the answer, and the host with it: another one finds out what
// became of the command, and sending it again does nothing.
func hostDies(t *testing.T, n *networktest.Network, m *ledgertest.Members) {
	signer := m.User("ProducerMSP", "dairy", "alice", "tester")
	open := func() *fabric.Ledger { return n.Ledger(t, m, ledgertest.Contracts(), "tallyway", "producer") }
	for i := range 10 {
		r := ledger.Request{Signer: signer, Name: chaincode.NameOf(ledgertest.Count{}), Body: encoded(ledgertest.Count{Key: "host dies"}),
			At: time.Now(), Tx: ledger.NewTx(signer)}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(10+12*i)*time.Millisecond)
		first := open()
		_, err := first.Submit(ctx, r)
		cancel()
		first.Close()
		second := open()
		receipt, again := second.Submit(t.Context(), r)
		if again != nil {
			t.Fatalf("sent again after %v: %v", err, again)
		}
		if want := fmt.Sprint(i + 1); string(receipt.Reply) != want {
			t.Fatalf("after %v and once more the counter stands at %s, want %s", err, receipt.Reply, want)
		}
		found, err := second.Outcome(t.Context(), r.Tx.ID)
		if err != nil || found.TxID != receipt.TxID {
			t.Errorf("the outcome is %+v, %v; the receipt %+v", found, err, receipt)
		}
	}
}
