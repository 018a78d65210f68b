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
	head    uint64
	waiting map[string]chan fate
	lost    error     // why there is no stream
	since   time.Time // when it was lost
}

// fate is where a transaction stands.
type fate struct {
	block uint64
	index int
	code  peer.TxValidationCode
}

func newWatch(head uint64, log *slog.Logger) *watch {
	return &watch{head: head, log: log, waiting: map[string]chan fate{}}
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
	w.head = max(w.head, b.GetNumber())
	for i, t := range b.GetFilteredTransactions() {
		if c, ok := w.waiting[t.GetTxid()]; ok {
			c <- fate{b.GetNumber(), i, t.GetTxValidationCode()}
			delete(w.waiting, t.GetTxid()) // a later copy is a duplicate
		}
	}
}

func (w *watch) position() ledger.Position {
	w.mu.Lock()
	defer w.mu.Unlock()
	return ledger.Position{Block: w.head}
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

// keepWatching follows the chain until ctx ends, from where it was lost.
func (l *Ledger) keepWatching(ctx context.Context) {
	for pause := newPause(50*time.Millisecond, 2*time.Second); ctx.Err() == nil; pause.wait(ctx) {
		stream, cancel := context.WithCancel(ctx)
		blocks, err := l.filtered(stream)
		if err == nil {
			for b := range blocks {
				l.watch.saw(b)
				pause = newPause(50*time.Millisecond, 2*time.Second)
			}
			err = errors.New("the stream of blocks ended")
		}
		cancel()
		if ctx.Err() == nil {
			l.watch.broke(err)
		}
	}
}

// filtered opens a stream at the last block that is known: the peer tells of it
// at once, and so that it is there.
func (l *Ledger) filtered(ctx context.Context) (<-chan *peer.FilteredBlock, error) {
	gw, err := l.reader()
	if err != nil {
		return nil, err
	}
	return gw.GetNetwork(l.config.Profile.Channel).FilteredBlockEvents(ctx, client.WithStartBlock(l.watch.position().Block))
}
