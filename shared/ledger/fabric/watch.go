package fabric

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"github.com/tallyway/tallyway/shared/ledger"
)

// watch is what this host's peer has told of the chain: how long it is, and the
// fate of the transactions that are waited for. One stream serves all, so a
// command does not ask for its own status.
type watch struct {
	log     *slog.Logger
	mu      sync.Mutex
	head    uint64 // the last block that is known to be there
	seen    uint64 // the last block whose fates have been told
	waiting map[string]chan fate
	moved   chan struct{} // closed and replaced when head moves
	lost    error         // why there is no stream
	since   time.Time     // when it was lost
}

// fate is where a transaction stands.
type fate struct {
	block uint64
	index int
	code  peer.TxValidationCode
}

func newWatch(head uint64, log *slog.Logger) *watch {
	return &watch{head: head, seen: head, log: log, waiting: map[string]chan fate{}, moved: make(chan struct{})}
}

// expect asks for a transaction's fate, before it is sent.
func (w *watch) expect(txID string) (told <-chan fate, forget func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := make(chan fate, 1)
	w.waiting[txID] = c
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.waiting, txID)
	}
}

// saw takes one block in.
func (w *watch) saw(b *peer.FilteredBlock) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost != nil {
		w.log.Info("the peer tells of blocks again", "block", b.GetNumber())
		w.lost = nil
	}
	w.advance(b.GetNumber())
	w.seen = max(w.seen, b.GetNumber())
	for i, t := range b.GetFilteredTransactions() {
		if c, ok := w.waiting[t.GetTxid()]; ok {
			c <- fate{b.GetNumber(), i, t.GetTxValidationCode()}
			delete(w.waiting, t.GetTxid()) // a later copy is a duplicate
		}
	}
}

// knows takes in that a block is there, from another stream of the same peer.
func (w *watch) knows(block uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.advance(block)
}

func (w *watch) lastSeen() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

func (w *watch) advance(to uint64) {
	if to > w.head {
		w.head = to
		close(w.moved)
		w.moved = make(chan struct{})
	}
}

func (w *watch) position() ledger.Position {
	w.mu.Lock()
	defer w.mu.Unlock()
	return ledger.Position{Block: w.head}
}

// reach waits until the peer has told of a block.
func (w *watch) reach(ctx context.Context, block uint64) error {
	for {
		w.mu.Lock()
		head, moved := w.head, w.moved
		w.mu.Unlock()
		if head >= block {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (w *watch) broke(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost == nil {
		w.since = time.Now()
		w.log.Warn("the peer tells of no blocks", "error", err)
	}
	w.lost = err
}

// patience is how long a peer may be away before this host calls itself unwell.
const patience = 5 * time.Second

func (w *watch) health() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost != nil && time.Since(w.since) > patience {
		return fmt.Errorf("the peer tells of no blocks since %s: %w", w.since.UTC().Format(time.RFC3339), w.lost)
	}
	return nil
}

// watches are one for each member for whom the host acts, each on that member's
// own peer.
type watches struct {
	order []string
	of    map[string]*watch
}

// head is the last block that any of the peers has told of.
func (w watches) head() (last uint64) {
	for _, one := range w.of {
		last = max(last, one.position().Block)
	}
	return last
}

// keepWatching follows the chain on a member's peer until ctx ends, from where
// it was lost.
func (l *Ledger) keepWatching(ctx context.Context, org string) {
	w := l.watches.of[org]
	for pause := newPause(50*time.Millisecond, 2*time.Second); ctx.Err() == nil; pause.wait(ctx) {
		stream, cancel := context.WithCancel(ctx)
		blocks, err := l.filtered(stream, org, w.lastSeen())
		if err == nil {
			for b := range blocks {
				w.saw(b)
				pause = newPause(50*time.Millisecond, 2*time.Second)
			}
			err = errors.New("the stream of blocks ended")
		}
		cancel()
		if ctx.Err() == nil {
			w.broke(err)
		}
	}
}

// filtered opens a stream at the last block that is known: the peer tells of it
// at once, and so that it is there.
func (l *Ledger) filtered(ctx context.Context, org string, from uint64) (<-chan *peer.FilteredBlock, error) {
	gw, err := l.reader(org)
	if err != nil {
		return nil, err
	}
	return gw.GetNetwork(l.config.Profile.Channel).FilteredBlockEvents(ctx, client.WithStartBlock(from))
}

// catchUp waits until a member's peer has what another one of this host's peers
// has told of: who has just done something as one member sees it as another.
func (l *Ledger) catchUp(ctx context.Context, org string) error {
	w, ok := l.watches.of[org]
	if !ok {
		return fmt.Errorf("this host does not act for %s: its profile names %v", org, l.watches.order)
	}
	within, cancel := context.WithTimeout(ctx, l.config.EndorseWithin)
	defer cancel()
	if err := w.reach(within, l.watches.head()); err != nil {
		return fmt.Errorf("%w: the peer of %s is behind: %w", ledger.ErrUnavailable, org, err)
	}
	return nil
}
