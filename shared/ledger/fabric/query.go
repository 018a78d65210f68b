package fabric

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/block"
)

// Query runs a function on a peer of the first of r.Orgs, or of the caller's
// own organisation.
func (l *Ledger) Query(ctx context.Context, r ledger.Request) ([]byte, error) {
	r, err := l.complete(r)
	if err != nil {
		return nil, err
	}
	ctx, leave, err := l.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, l.config.AskWithin)
	defer cancel()
	return l.evaluate(ctx, r, r.Orgs)
}

// evaluate runs a function on one peer and makes of its error what it means.
func (l *Ledger) evaluate(ctx context.Context, r ledger.Request, orgs []string) ([]byte, error) {
	own, err := memberOf(r.Signer)
	if err != nil {
		return nil, err
	}
	if err := l.catchUp(ctx, own); err != nil {
		return nil, err
	}
	node := own
	if len(orgs) > 0 {
		node = orgs[0]
	}
	if l.watches.of[node] != nil && node != own { // another member's peer that this host watches
		if err := l.catchUp(ctx, node); err != nil {
			return nil, err
		}
	}
	proposal, err := l.propose(r, r.Name, r.Body, []string{node})
	if err != nil {
		return nil, err
	}
	reply, err := proposal.EvaluateWithContext(ctx)
	if err == nil {
		return reply, nil
	}
	if said := verdict(err.Error()); said != nil {
		return nil, said
	}
	var failed *client.TransactionError
	if errors.As(err, &failed) {
		for _, d := range failed.Details() {
			if said := verdict(d.GetMessage()); said != nil {
				return nil, said
			}
		}
	}
	return nil, fmt.Errorf("%w: ask %s of %s: %w", ledger.ErrUnavailable, r.Name, node, err)
}

// Outcome tells what became of a transaction, and of its successors where it
// met a conflict; of one under way it waits for the end.
func (l *Ledger) Outcome(ctx context.Context, txID string) (ledger.Receipt, error) {
	ctx, leave, err := l.enter(ctx)
	if err != nil {
		return ledger.Receipt{}, err
	}
	defer leave()
	select {
	case <-l.claims.underway(txID):
	case <-ctx.Done():
		return ledger.Receipt{}, &ledger.Unknown{TxID: txID, Cause: context.Cause(ctx)}
	}
	id := txID
	for {
		receipt, code, e, err := l.find(ctx, id)
		switch {
		case errors.Is(err, ledger.ErrNotFound) && id != txID:
			return ledger.Receipt{}, ledger.ErrInvalid // it met a conflict and was not tried again
		case err != nil:
			return ledger.Receipt{}, err
		case code == peer.TxValidationCode_VALID:
			receipt.Reply = nil
			return receipt, nil
		case !conflicting(code):
			return ledger.Receipt{}, ledger.ErrInvalid
		}
		id = successor(ledger.TxID{ID: id, Nonce: e.Creator.GetNonce()}, e.Creator.GetCreator()).ID
	}
}

// settled is the receipt of a transaction that stands in a block, or says that
// it met a conflict there. Some peer has said so: this host's own may be a block
// behind, and is waited for.
func (l *Ledger) settled(ctx context.Context, txID string) (receipt ledger.Receipt, conflict bool, err error) {
	within, cancel := context.WithTimeout(ctx, l.config.OrderWithin)
	defer cancel()
	receipt, code, _, err := l.find(within, txID)
	for pause := newPause(20*time.Millisecond, 500*time.Millisecond); errors.Is(err, ledger.ErrNotFound) && within.Err() == nil; {
		pause.wait(within)
		receipt, code, _, err = l.find(within, txID)
	}
	switch {
	case err != nil:
		return ledger.Receipt{}, false, &ledger.Unknown{TxID: txID, Cause: err}
	case code == peer.TxValidationCode_VALID:
		return receipt, false, nil
	case conflicting(code):
		return ledger.Receipt{}, true, nil
	}
	return ledger.Receipt{}, false, fmt.Errorf("%w: %s", ledger.ErrInvalid, code)
}

// find looks a transaction up in the peer's blocks.
func (l *Ledger) find(ctx context.Context, txID string) (ledger.Receipt, peer.TxValidationCode, *block.Envelope, error) {
	if err := l.catchUp(ctx, l.home()); err != nil {
		return ledger.Receipt{}, 0, nil, err
	}
	b, err := l.system(ctx, "GetBlockByTxID", []byte(txID))
	if err != nil {
		if strings.Contains(err.Error(), "no such transaction ID") {
			err = ledger.ErrNotFound
		}
		return ledger.Receipt{}, 0, nil, err
	}
	var found common.Block
	if err := proto.Unmarshal(b, &found); err != nil {
		return ledger.Receipt{}, 0, nil, fmt.Errorf("read the block of transaction %s: %w", txID, err)
	}
	return block.Find(&found, txID)
}

// Block reads a block as it stands at the peer.
func (l *Ledger) Block(ctx context.Context, number uint64) (*common.Block, error) {
	ctx, leave, err := l.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	b, err := l.system(ctx, "GetBlockByNumber", []byte(strconv.FormatUint(number, 10)))
	if err != nil {
		return nil, fmt.Errorf("read block %d: %w", number, err)
	}
	found := &common.Block{}
	if err := proto.Unmarshal(b, found); err != nil {
		return nil, fmt.Errorf("read block %d: %w", number, err)
	}
	return found, nil
}

// height is the number of blocks that the peer has.
func (l *Ledger) height(ctx context.Context) (uint64, error) {
	var last error
	for pause := newPause(50*time.Millisecond, time.Second); ; {
		b, err := l.system(ctx, "GetChainInfo")
		if err == nil {
			var info common.BlockchainInfo
			if err := proto.Unmarshal(b, &info); err != nil {
				return 0, fmt.Errorf("read the height of the channel: %w", err)
			}
			return info.GetHeight(), nil
		}
		if ctx.Err() == nil {
			last = err
		}
		if !pause.wait(ctx) {
			return 0, fmt.Errorf("ask for the height of the channel %s: %w", l.config.Profile.Channel, errors.Join(ctx.Err(), last))
		}
	}
}

// reader speaks to a member's peer as this host itself.
func (l *Ledger) reader(org string) (*client.Gateway, error) {
	signer, err := l.config.Reader()
	if err != nil {
		return nil, fmt.Errorf("read as this host: %w", err)
	}
	return l.nodes.gateway(org, signer)
}

// system asks the peer's own chaincode for queries (qscc).
func (l *Ledger) system(ctx context.Context, function string, args ...[]byte) ([]byte, error) {
	gw, err := l.reader(l.home())
	if err != nil {
		return nil, err
	}
	contract := gw.GetNetwork(l.config.Profile.Channel).GetContract("qscc")
	return contract.EvaluateWithContext(ctx, function,
		client.WithBytesArguments(append([][]byte{[]byte(l.config.Profile.Channel)}, args...)...))
}

// Events yields the blocks after a position, then waits for further ones.
// Whatever breaks the stream, it goes on where it stopped.
func (l *Ledger) Events(ctx context.Context, after ledger.Position) iter.Seq2[ledger.Block, error] {
	return func(yield func(ledger.Block, error) bool) {
		reader := ctx
		ctx, leave, err := l.enter(ctx)
		if err != nil {
			yield(ledger.Block{}, err)
			return
		}
		defer leave()
		next, pause := after.Block+1, newPause(50*time.Millisecond, 2*time.Second)
		for ctx.Err() == nil {
			reached, err := l.stream(ctx, next, yield)
			if errors.Is(err, errEnough) {
				return
			}
			if err != nil {
				yield(ledger.Block{}, err)
				return
			}
			if reached > next {
				next, pause = reached, newPause(50*time.Millisecond, 2*time.Second)
			}
			pause.wait(ctx)
		}
		if reader.Err() == nil { // it is the ledger that ended
			yield(ledger.Block{}, ledger.ErrStopped)
		}
	}
}

var errEnough = errors.New("the reader has enough")

// stream yields blocks until the stream breaks, and says where to go on. Its
// error is one of the blocks', or the reader's.
func (l *Ledger) stream(ctx context.Context, next uint64, yield func(ledger.Block, error) bool) (uint64, error) {
	gw, err := l.reader(l.home())
	if err != nil {
		return next, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	blocks, err := gw.GetNetwork(l.config.Profile.Channel).BlockEvents(ctx, client.WithStartBlock(next))
	if err != nil {
		return next, nil
	}
	for b := range blocks {
		events, err := block.Events(b, l.config.Profile.Contract)
		if err != nil {
			return next, err
		}
		l.watches.of[l.home()].knows(events.Number) // the head is never before what has been told
		if !yield(events, nil) {
			return next, errEnough
		}
		next = events.Number + 1
	}
	return next, nil
}
