package fabric

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"github.com/tallyway/tallyway/shared/ledger"
)

// Submit runs a command and returns when this host's peer has committed it.
func (l *Ledger) Submit(ctx context.Context, r ledger.Request) (ledger.Receipt, error) {
	r, err := l.complete(r)
	if err != nil {
		return ledger.Receipt{}, err
	}
	ctx, leave, err := l.enter(ctx)
	if err != nil {
		return ledger.Receipt{}, err
	}
	defer leave()
	return l.claims.once(ctx, r.Tx.ID, func() (ledger.Receipt, error) {
		free, err := l.place(ctx)
		if err != nil {
			return ledger.Receipt{}, err
		}
		defer free()
		return l.carry(ctx, r)
	})
}

// place waits for one of the bounded number of places of commands under way. A
// network that is asked for more than it can do must not be asked for still
// more.
func (l *Ledger) place(ctx context.Context) (free func(), err error) {
	free = func() { <-l.places }
	select {
	case l.places <- struct{}{}:
		return free, nil
	default:
	}
	late := time.NewTimer(l.config.QueueWithin)
	defer late.Stop()
	select {
	case l.places <- struct{}{}:
		return free, nil
	case <-late.C:
		return nil, ledger.ErrBusy
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// carry takes a command to its end: endorsed, ordered, and after a conflict
// once more under the next id.
func (l *Ledger) carry(ctx context.Context, r ledger.Request) (ledger.Receipt, error) {
	leave := func() {}
	defer func() { leave() }()
	waited, conflicts := false, 0
	for again := newPause(5*time.Millisecond, 300*time.Millisecond); conflicts < l.config.Attempts; {
		e, err := l.endorse(ctx, r)
		if errors.Is(err, errSeen) {
			receipt, conflict, err := l.settled(ctx, r.Tx.ID)
			if !conflict {
				return receipt, err
			}
			r.Tx = successor(r.Tx, r.Signer.Creator())
			continue
		}
		if err != nil {
			return ledger.Receipt{}, err
		}
		if e.empty {
			return ledger.Receipt{At: r.At.UTC(), Reply: e.result}, nil
		}
		if !waited { // what was endorsed before the turn is spoilt by those who had it
			turn, err := l.lanes.enter(ctx, e.reads)
			if err != nil {
				return ledger.Receipt{}, err
			}
			if turn != nil {
				leave, waited = turn, true
				continue
			}
		}
		receipt, code, err := l.order(ctx, r, e)
		if err != nil || code == peer.TxValidationCode_VALID {
			return receipt, err
		}
		if !conflicting(code) {
			return ledger.Receipt{}, fmt.Errorf("%s: %w: %s", r.Name, ledger.ErrInvalid, code)
		}
		l.lanes.heat(e.reads)
		r.Tx = successor(r.Tx, r.Signer.Creator())
		if conflicts++; waited {
			again.wait(ctx)
		}
	}
	return ledger.Receipt{}, fmt.Errorf("%s: %w", r.Name, ledger.ErrConflict)
}

// conflicting says whether a transaction was invalid because of others: the
// records it read had changed, or a peer that endorsed it was behind.
func conflicting(code peer.TxValidationCode) bool {
	switch code {
	case peer.TxValidationCode_MVCC_READ_CONFLICT, peer.TxValidationCode_PHANTOM_READ_CONFLICT:
		return true
	}
	return false
}

// claims join submits of one transaction id: the first does the work, the
// others get its answer.
type claims struct {
	mu    sync.Mutex
	under map[string]*claim
}

type claim struct {
	done    chan struct{}
	receipt ledger.Receipt
	err     error
}

func (c *claims) once(ctx context.Context, txID string, work func() (ledger.Receipt, error)) (ledger.Receipt, error) {
	for {
		mine, first := c.take(txID)
		if first {
			mine.receipt, mine.err = work()
			c.drop(txID)
			close(mine.done)
			return mine.receipt, mine.err
		}
		select {
		case <-mine.done:
		case <-ctx.Done():
			return ledger.Receipt{}, &ledger.Unknown{TxID: txID, Cause: context.Cause(ctx)}
		}
		if !gaveUp(mine.err) {
			return mine.receipt, mine.err
		}
	}
}

// gaveUp says that whoever did the work was called away, which says nothing to
// those who wait for it.
func gaveUp(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func (c *claims) take(txID string) (one *claim, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one, ok := c.under[txID]; ok {
		return one, false
	}
	if c.under == nil {
		c.under = map[string]*claim{}
	}
	one = &claim{done: make(chan struct{})}
	c.under[txID] = one
	return one, true
}

func (c *claims) drop(txID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.under, txID)
}

// underway is closed when nobody here works on the id any more.
func (c *claims) underway(txID string) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one, ok := c.under[txID]; ok {
		return one.done
	}
	done := make(chan struct{})
	close(done)
	return done
}
