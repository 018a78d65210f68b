package embedded

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/queryresult"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	fabric "github.com/hyperledger/fabric/core/ledger"

	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/block"
)

// Query runs a function on the committed state, on the node of the first of
// r.Orgs or of the caller's own organisation.
func (l *Ledger) Query(ctx context.Context, r ledger.Request) ([]byte, error) {
	r, err := l.complete(r)
	if err != nil {
		return nil, err
	}
	if err := l.enter(false); err != nil {
		return nil, err
	}
	defer l.submits.Done()
	p, err := propose(r)
	if err != nil {
		return nil, err
	}
	if err := p.authenticate(r, l.config.Verifier); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	state, err := l.peer.NewQueryExecutor()
	if err != nil {
		return nil, fmt.Errorf("open the state: %w", err)
	}
	defer state.Done()
	node := p.call.Caller.Org
	if len(r.Orgs) > 0 {
		node = r.Orgs[0]
	}
	result, err := l.config.Contracts.Run(committed{state, node}, p.call)
	return result.Reply, err
}

// committed is the state as one member's node shows it to a query.
type committed struct {
	state fabric.QueryExecutor
	node  string
}

func (c committed) Get(key string) ([]byte, error) { return c.state.GetState(Namespace, key) }

func (c committed) Scan(from, to string, visit func(key string, value []byte) bool) error {
	rows, err := c.state.GetStateRangeScanIterator(Namespace, from, to)
	if err != nil {
		return err
	}
	defer rows.Close()
	for {
		r, err := rows.Next()
		if err != nil {
			return err
		}
		kv, _ := r.(*queryresult.KV)
		if kv == nil || !visit(kv.Key, kv.Value) {
			return nil
		}
	}
}

func (c committed) GetPrivate(org, key string) ([]byte, error) {
	if org != c.node {
		return nil, fmt.Errorf("the node of %s does not keep the collection of %s; name %s as the query's organisation", c.node, org, org)
	}
	return c.state.GetPrivateData(Namespace, Collection(org), key)
}

// Outcome tells what became of a transaction; of one under way it waits for
// the end.
func (l *Ledger) Outcome(ctx context.Context, txID string) (ledger.Receipt, error) {
	if err := l.enter(false); err != nil {
		return ledger.Receipt{}, err
	}
	defer l.submits.Done()
	l.line.mu.Lock()
	underway, unknown := l.line.claims[txID], l.line.unknown[txID]
	l.line.mu.Unlock()
	if underway != nil {
		select {
		case <-underway.released:
		case <-ctx.Done():
			return ledger.Receipt{}, &ledger.Unknown{TxID: txID, Cause: ctx.Err()}
		}
	}
	if unknown != nil { // the files tell after reopening
		return ledger.Receipt{}, &ledger.Unknown{TxID: txID, Cause: unknown}
	}
	receipt, err := l.find(txID)
	receipt.Reply = nil
	return receipt, err
}

// find looks a transaction up in the blocks.
func (l *Ledger) find(txID string) (ledger.Receipt, error) {
	exists, err := l.peer.TxIDExists(txID)
	if err != nil {
		return ledger.Receipt{}, fmt.Errorf("look for transaction %s: %w", txID, err)
	}
	if !exists {
		return ledger.Receipt{}, ledger.ErrNotFound
	}
	b, err := l.peer.GetBlockByTxID(txID)
	if err != nil {
		return ledger.Receipt{}, fmt.Errorf("read the block of transaction %s: %w", txID, err)
	}
	receipt, code, _, err := block.Find(b, txID)
	if err == nil && code != peer.TxValidationCode_VALID {
		return ledger.Receipt{}, ledger.ErrInvalid
	}
	return receipt, err
}

// Events yields the blocks after a position, then waits for further ones. It
// leaves none out: whoever awaits a block without events need not wait for the
// next.
func (l *Ledger) Events(ctx context.Context, after ledger.Position) iter.Seq2[ledger.Block, error] {
	return func(yield func(ledger.Block, error) bool) {
		for next := after.Block + 1; ; next++ {
			if err := l.await(ctx, next); err != nil {
				if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
					yield(ledger.Block{}, err)
				}
				return
			}
			told, err := l.eventsOf(next)
			if err != nil {
				yield(ledger.Block{}, err)
				return
			}
			if !yield(told, nil) {
				return
			}
		}
	}
}

// await returns when the block is committed, or with the reason why it will
// not be waited for.
func (l *Ledger) await(ctx context.Context, number uint64) error {
	for {
		l.line.mu.Lock()
		head, moved, closed := l.line.head, l.line.moved, l.line.closed
		l.line.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case closed:
			return ledger.ErrStopped
		case head >= number:
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
		}
	}
}

// eventsOf reads one block's envelopes of events.
func (l *Ledger) eventsOf(number uint64) (ledger.Block, error) {
	b, err := l.Block(context.Background(), number)
	if err != nil {
		return ledger.Block{}, err
	}
	return block.Events(b, Namespace)
}

// Block reads a block as it stands.
func (l *Ledger) Block(_ context.Context, number uint64) (*common.Block, error) {
	if err := l.enter(false); err != nil {
		return nil, err
	}
	defer l.submits.Done()
	b, err := l.peer.GetBlockByNumber(number)
	if err != nil {
		return nil, fmt.Errorf("read block %d: %w", number, err)
	}
	return b, nil
}
