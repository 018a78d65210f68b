// Package ledger is what the suite asks of a ledger, whichever it is: the
// embedded one in this process or a Fabric network. It decides nothing about
// the business: the contracts do, and run the same on every ledger.
package ledger

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/tallyway/tallyway/chaincode"
)

// Signer is a user's identity with its key. Every transaction is signed by
// the user who caused it.
type Signer interface {
	// Creator is the serialized Fabric identity (msp.SerializedIdentity): the
	// member's MSP id and the certificate in PEM.
	Creator() []byte
	// Caller is what the certificate says.
	Caller() chaincode.Caller
	// Sign signs the message (not its digest) with ECDSA P-256 and SHA-256;
	// the signature is ASN.1 DER with a low S, as Fabric wants it.
	Sign(message []byte) ([]byte, error)
}

// Ledger takes commands, answers queries and tells what happened.
//
// Implementations are safe for concurrent use.
type Ledger interface {
	// Submit runs a command and returns when it is durably committed. A command
	// with nothing to write (chaincode.Result.Empty) makes no transaction: its
	// receipt holds the reply and names none. The
	// error is a *chaincode.Refusal when a rule said no; ErrConflict after a
	// bounded number of re-runs; an *Unknown when the outcome is not known,
	// to be resolved by Outcome and never by submitting under a new id;
	// ErrStopped when the ledger takes no writes.
	Submit(ctx context.Context, r Request) (Receipt, error)
	// Query runs a function without committing anything.
	Query(ctx context.Context, r Request) ([]byte, error)
	// Outcome tells what became of a transaction: a receipt without its
	// reply, ErrNotFound when the ledger has never seen it, or ErrInvalid.
	Outcome(ctx context.Context, txID string) (Receipt, error)
	// Events yields every block with events after the given position, then
	// waits for further ones until ctx ends. No block is left out,
	// so that who awaits one without events need not wait for the next.
	// Delivery is at least once.
	Events(ctx context.Context, after Position) iter.Seq2[Block, error]
	// Head is the last committed position.
	Head() Position
	// Close waits for what is under way and releases the ledger.
	Close() error
}

// Request is one call by one user.
type Request struct {
	Signer Signer
	Name   string // the function's wire name
	Body   []byte // the command as JSON
	At     time.Time
	Tx     TxID // chosen by the client before submission; see NewTx
	// Orgs names the endorsing organisations beside the signer's own: the
	// keepers of the private collections that the command touches. A query
	// runs on the first of them, if there is one.
	Orgs []string
}

// TxID is a transaction's id with the nonce that it was made from.
type TxID struct {
	ID    string
	Nonce []byte
}

// NewTx chooses a transaction id as Fabric does: SHA-256 over a random nonce
// and the creator.
func NewTx(s Signer) TxID {
	nonce := make([]byte, 24)
	rand.Read(nonce) // never fails: the runtime stops the program first
	sum := sha256.Sum256(append(append([]byte{}, nonce...), s.Creator()...))
	return TxID{ID: hex.EncodeToString(sum[:]), Nonce: nonce}
}

// Receipt says where a command stands: nowhere, with no id and block 0, if it
// had nothing to write.
type Receipt struct {
	TxID  string    `json:"tx"`
	Block uint64    `json:"block"`
	Index int       `json:"index"`
	At    time.Time `json:"at"`
	Reply []byte    `json:"-"`
}

// Position is a place in the ledger: everything up to and including Block has
// been seen. The zero position is the genesis block's, which holds no events.
type Position struct{ Block uint64 }

// Block is the events of one block, in the order of its transactions.
type Block struct {
	Number       uint64
	Transactions []Transaction
}

// Transaction is a valid transaction's envelope of events.
type Transaction struct {
	TxID  string
	Index int // its place in the block
	chaincode.Envelope
}

// Errors of a ledger, beside refusals.
var (
	ErrConflict = errors.New("the record changed under the command, again and again; try again")
	ErrNotFound = errors.New("the ledger has no such transaction")
	ErrInvalid  = errors.New("the transaction stands in a block but was not valid")
	ErrStopped  = errors.New("the ledger takes no writes")
	// ErrBusy and ErrUnavailable promise that nothing was written.
	ErrBusy        = errors.New("the ledger has more to do than it can; try again in a moment")
	ErrUnavailable = errors.New("not enough of the network answers; try again in a moment")
)

// Unknown says that a command may or may not have been committed.
type Unknown struct {
	TxID  string
	Cause error
}

// Error names the transaction to ask for.
func (u *Unknown) Error() string {
	return fmt.Sprintf("the outcome of transaction %s is not known yet: %v", u.TxID, u.Cause)
}

// Unwrap gives the cause.
func (u *Unknown) Unwrap() error { return u.Cause }
