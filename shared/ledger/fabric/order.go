package fabric

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"github.com/tallyway/tallyway/shared/ledger"
)

// sendAgain is how long a transaction that the orderers took is waited for
// before it is sent once more: orderers keep what is not ordered yet in memory,
// so a restart forgets it.
const sendAgain = 6 * time.Second

// order has an endorsed command put into a block and returns when this host's
// peer tells what became of it.
//
// An error of an orderer does not mean that the command is lost: it may be
// ordered after all. So the very same transaction is sent again until its fate is
// known, which is harmless, as Fabric lets an id through once; and when the
// time is over, the answer is Unknown.
func (l *Ledger) order(ctx context.Context, r ledger.Request, e *endorsed) (ledger.Receipt, peer.TxValidationCode, error) {
	if ctx.Err() != nil {
		return ledger.Receipt{}, 0, context.Cause(ctx) // nothing has been sent yet
	}
	own, err := memberOf(r.Signer)
	if err != nil {
		return ledger.Receipt{}, 0, err
	}
	fate, forget := l.watches.of[own].expect(r.Tx.ID)
	defer forget()
	within, cancel := context.WithTimeout(ctx, l.config.OrderWithin)
	defer cancel()
	var last error
	for pause := newPause(200*time.Millisecond, 2*time.Second); ; {
		sent := make(chan error, 1) // orderers may be slower to acknowledge than to order
		go func() { sent <- l.send(within, e.Transaction) }()
		wait := time.NewTimer(2 * sendAgain)
		for again := false; !again; {
			select {
			case f := <-fate:
				return l.told(ctx, r, e, f)
			case last = <-sent:
				if impossible(last) {
					return ledger.Receipt{}, 0, last
				}
				if last != nil {
					wait.Reset(pause.step())
				} else {
					wait.Reset(sendAgain)
				}
			case <-wait.C:
				again = true
			case <-within.Done():
				return ledger.Receipt{}, 0, &ledger.Unknown{TxID: r.Tx.ID, Cause: errors.Join(last, context.Cause(within))}
			}
		}
	}
}

func (l *Ledger) send(ctx context.Context, t *client.Transaction) error {
	ctx, cancel := context.WithTimeout(ctx, sendAgain)
	defer cancel()
	_, err := t.SubmitWithContext(ctx)
	return err
}

// told makes a receipt of what the peer told. A duplicate is a copy of a
// transaction whose fate stands in an earlier block.
func (l *Ledger) told(ctx context.Context, r ledger.Request, e *endorsed, f fate) (ledger.Receipt, peer.TxValidationCode, error) {
	if f.code == peer.TxValidationCode_DUPLICATE_TXID {
		receipt, code, _, err := l.find(ctx, r.Tx.ID)
		return receipt, code, err
	}
	return ledger.Receipt{TxID: r.Tx.ID, Block: f.block, Index: f.index, At: r.At.UTC(), Reply: e.result}, f.code, nil
}

// impossible says that no orderer takes a transaction such as this one.
func impossible(err error) bool {
	var failed *client.SubmitError
	if !errors.As(err, &failed) || len(failed.Details()) == 0 {
		return false
	}
	for _, d := range failed.Details() {
		if !strings.Contains(d.GetMessage(), "status=BAD_REQUEST") && !strings.Contains(d.GetMessage(), "status=REQUEST_ENTITY_TOO_LARGE") {
			return false
		}
	}
	return true
}
