// Package embedded is a ledger in this process: core/ledger/kvledger of
// Hyperledger Fabric, with its blocks, read-write sets, private collections
// and validation, and around it what a network's clients, endorsers and
// orderer would do.
//
// A command is executed on what is committed and on what stands in line before
// it, takes its place in line, and is signed and checked while others execute;
// one goroutine cuts the line into blocks and commits them. What is in a block
// could have come from a network: the proposal's header, the endorsers'
// signatures, the user's signature, and never a command's body.
//
// What a command means is left to the contracts, who may sign to the Verifier,
// the keys to the identities.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	fabric "github.com/hyperledger/fabric/core/ledger"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/fabriclog"
)

// The one channel and the one chaincode of the suite.
const (
	Channel   = "tallyway"
	Namespace = "tallyway"
)

// Verifier says who signed.
type Verifier interface {
	// Verify checks the signature over the message (SHA-256, ECDSA, low S) and
	// the creator's certificate, and returns what the certificate says. It
	// MUST be safe for concurrent use and SHOULD remember certificates that it
	// has parsed.
	Verify(creator, message, signature []byte) (chaincode.Caller, error)
	// VerifyAt asks the same of an earlier moment, for blocks of the past: a
	// certificate that has ended since was valid then.
	VerifyAt(creator, message, signature []byte, at time.Time) (chaincode.Caller, error)
	// VerifyNodeAt is for endorsements: it names the member, and refuses
	// whoever is not a member's node.
	VerifyNodeAt(creator, message, signature []byte, at time.Time) (mspID string, err error)
}

// Config says what a ledger is made of.
type Config struct {
	Dir       string // created when it is not there; one process at a time
	Contracts *chaincode.Contracts
	Orgs      []string // the members' MSP ids; each keeps one private collection
	Verifier  Verifier
	Endorser  func(org string) (ledger.Signer, error) // a member node's identity
	Clock     func() time.Time                        // nil is time.Now
	Log       *slog.Logger                            // nil is silence

	// OnFault hears of every fault that the start-up check or the scrub finds.
	// It is called from the scrub's goroutine.
	OnFault func(Fault)

	MaxBlock   int           // transactions in a block; 0 is 500
	MaxBytes   int           // bytes of envelopes in a block, at least one; 0 is 8 MB
	Linger     time.Duration // how long a block waits for calls under way; 0 is four times the last commit, at most 25 ms
	SignWithin time.Duration // how long a signer may hold up the line; 0 is 5 s
	Attempts   int           // executions of one command before ErrConflict; 0 is 12

	ScrubRate  int           // bytes a second that the scrub reads; 0 is 1 MB, negative turns it off
	ScrubPause time.Duration // between two rounds of the scrub; 0 is an hour
}

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Dir == "":
		return c, errors.New("open the embedded ledger: Dir is empty; name a folder")
	case c.Contracts == nil || c.Verifier == nil || c.Endorser == nil:
		return c, errors.New("open the embedded ledger: it needs Contracts, a Verifier and an Endorser")
	case len(c.Orgs) == 0:
		return c, errors.New("open the embedded ledger: Orgs is empty; name the members' MSP ids")
	}
	setDefault(&c.Clock, time.Now, c.Clock == nil)
	setDefault(&c.Log, slog.New(slog.DiscardHandler), c.Log == nil)
	setDefault(&c.OnFault, func(Fault) {}, c.OnFault == nil)
	setDefault(&c.MaxBlock, 500, c.MaxBlock == 0)
	setDefault(&c.MaxBytes, 8<<20, c.MaxBytes == 0)
	setDefault(&c.SignWithin, 5*time.Second, c.SignWithin == 0)
	setDefault(&c.Attempts, 12, c.Attempts == 0)
	setDefault(&c.ScrubRate, 1<<20, c.ScrubRate == 0)
	setDefault(&c.ScrubPause, time.Hour, c.ScrubPause == 0)
	dir, err := filepath.Abs(c.Dir)
	c.Dir = dir
	return c, err
}

func setDefault[T any](field *T, value T, unset bool) {
	if unset {
		*field = value
	}
}

// Ledger is the embedded ledger.
type Ledger struct {
	config  Config
	store   *store
	peer    fabric.PeerLedger
	line    line
	blocks  sync.WaitGroup     // the committer
	scrub   sync.WaitGroup     // the scrub and the start-up check
	submits sync.WaitGroup     // calls under way
	quit    context.CancelFunc // ends the scrub
	health  health
	callers callers
	still   sync.Mutex // held while a block is committed, or while none may be

	commit func(*fabric.BlockAndPvtData) error // peer.CommitLegacy; tests break it
}

var _ ledger.Ledger = (*Ledger)(nil)

// Open opens the ledger in the folder, or founds one there. It checks the last
// blocks and a spread of others before it returns; what is wrong with them is
// an error, for a ledger that contradicts itself must not grow.
func Open(ctx context.Context, config Config) (*Ledger, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the embedded ledger: %w", err)
	}
	fabriclog.Route(config.Log)
	store, err := openStore(config.Dir, config.Orgs)
	if err != nil {
		return nil, err
	}
	peer, err := store.openChannel(config.Clock)
	if err != nil {
		return nil, errors.Join(err, store.close())
	}
	l := &Ledger{config: config, store: store, peer: peer}
	l.commit = func(b *fabric.BlockAndPvtData) error { return peer.CommitLegacy(b, &fabric.CommitOptions{}) }
	if err := l.start(ctx); err != nil {
		peer.Close()
		return nil, errors.Join(err, store.close())
	}
	return l, nil
}

func (l *Ledger) start(ctx context.Context) error {
	info, err := l.peer.GetBlockchainInfo()
	if err != nil {
		return fmt.Errorf("read the ledger's height: %w", err)
	}
	if err := l.checkAtStart(ctx, info.Height); err != nil {
		return err
	}
	l.line.init(info.Height-1, info.CurrentBlockHash)
	scrubbing, quit := context.WithCancel(context.Background())
	l.quit = quit
	l.blocks.Add(1)
	go func() { defer l.blocks.Done(); l.commitBlocks() }()
	if l.config.ScrubRate > 0 {
		l.scrub.Add(1)
		go func() { defer l.scrub.Done(); l.scrubForever(scrubbing) }()
	}
	return nil
}

// Head is the last committed position.
func (l *Ledger) Head() ledger.Position {
	l.line.mu.Lock()
	defer l.line.mu.Unlock()
	return ledger.Position{Block: l.line.head}
}

// Close waits for what is under way and releases the ledger. Events end.
func (l *Ledger) Close() error {
	if !l.line.close() {
		return nil
	}
	l.submits.Wait()
	l.line.finish()
	l.quit()
	l.blocks.Wait()
	l.scrub.Wait()
	l.peer.Close()
	return l.store.close()
}
