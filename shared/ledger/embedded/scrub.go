package embedded

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hyperledger/fabric/protoutil"
)

// health is the last fault found.
type health struct {
	mu    sync.Mutex
	fault *Fault
}

// Health is nil, the *Fault that the scrub found, or why no writes are taken.
func (l *Ledger) Health() error {
	l.health.mu.Lock()
	fault := l.health.fault
	l.health.mu.Unlock()
	if fault != nil {
		return fault
	}
	l.line.mu.Lock()
	defer l.line.mu.Unlock()
	return l.line.stopped()
}

// report keeps a fault and passes it on, each once.
func (l *Ledger) report(f *Fault) {
	l.health.mu.Lock()
	known := l.health.fault != nil && l.health.fault.Error() == f.Error()
	l.health.fault = f
	l.health.mu.Unlock()
	if !known {
		l.config.Log.Error("the ledger's files are damaged", "fault", f.Error())
		l.config.OnFault(*f)
	}
}

// How many blocks the check at the start reads: the newest ones, and others
// spread over the whole chain.
const newestAtStart, spreadAtStart = 16, 16

// checkAtStart checks the hash chain where damage would hurt most and where it
// would otherwise lie unseen; signatures are left to the scrub.
func (l *Ledger) checkAtStart(ctx context.Context, height uint64) error {
	from := height - min(height, newestAtStart)
	for n := from; n < height; n++ {
		if err := errors.Join(ctx.Err(), l.checkLink(n)); err != nil {
			return fmt.Errorf("check the ledger at its start: %w", l.locate(err))
		}
	}
	for i := range uint64(spreadAtStart) {
		if n := from * i / spreadAtStart; n < from {
			if err := l.checkLink(n); err != nil {
				return fmt.Errorf("check the ledger at its start: %w", l.locate(err))
			}
		}
	}
	return nil
}

// locate adds the file to a fault that does not know it: whoever has to mend
// the ledger asks for that first.
func (l *Ledger) locate(err error) error {
	var f *Fault
	if !errors.As(err, &f) || f.File != "" {
		return err
	}
	next := uint64(0)
	for b, broken := range rawBlocks(l.config.Dir, f.Block+1) {
		if broken == nil && next == f.Block {
			b.locate(err)
		}
		next++
	}
	return err
}

// checkLink checks one block's hashes, and its link to the one before.
func (l *Ledger) checkLink(n uint64) (err error) {
	defer recovered(&err, "read block %d", n)
	c := &chain{next: n}
	if n > 0 {
		before, err := l.peer.GetBlockByNumber(n - 1)
		if err != nil {
			return &Fault{Block: n - 1, What: "it cannot be read: " + err.Error(), cause: err}
		}
		c.previous = protoutil.BlockHeaderHash(before.Header)
	}
	b, err := l.peer.GetBlockByNumber(n)
	if err != nil {
		return &Fault{Block: n, What: "it cannot be read: " + err.Error(), cause: err}
	}
	_, err = c.checkBlock(b)
	return err
}

// scrubForever reads the whole chain again and again, slowly.
func (l *Ledger) scrubForever(ctx context.Context) {
	for {
		var fault *Fault
		if err := l.scrubOnce(ctx); errors.As(err, &fault) {
			l.report(fault)
		} else if err != nil && ctx.Err() == nil {
			l.config.Log.Error("the scrub could not read the ledger", "error", err)
		}
		if !sleep(ctx, l.config.ScrubPause) {
			return
		}
	}
}

// scrubOnce reads every block that is committed by now, with all signatures.
func (l *Ledger) scrubOnce(ctx context.Context) error {
	c := &chain{verifier: l.config.Verifier}
	for b, err := range rawBlocks(l.config.Dir, l.Head().Block+1) {
		if err != nil {
			return err
		}
		if err := c.check(b.Block); err != nil {
			return b.locate(err)
		}
		if !sleep(ctx, time.Second*time.Duration(b.size)/time.Duration(l.config.ScrubRate)) {
			return ctx.Err()
		}
	}
	return nil
}

// sleep is false when ctx ended it.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
