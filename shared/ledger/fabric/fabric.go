// Package fabric is the suite's ledger on a Hyperledger Fabric network: it
// proposes commands to the members' peers through Fabric's gateway service,
// has them ordered, and tells what was committed.
//
// Three promises need more than a gateway client. A confidential command goes
// to the members that keep its content and to nobody else (endorse.go). A
// command has one effect however often it is sent, and an error while it is
// ordered means unknown, not failed (order.go). A record on which many work at
// once is worked on one command after the other, instead of by trial and error
// (lane.go).
//
// The network itself (its processes, channels and contracts) is left to the
// programs in network/.
package fabric

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/fabriclog"
)

// Config says which network, and as whom.
type Config struct {
	Profile   Profile
	Contracts *chaincode.Contracts // what the network runs
	// Reader is the identity that reads blocks, of one of the members for which
	// the profile acts. It is asked anew for each stream: identities are renewed.
	Reader func() (ledger.Signer, error)
	// Verifier checks who signed what stands in the blocks; nil leaves that to
	// the peers, and Verify fails.
	Verifier Verifier
	Clock    func() time.Time // nil is time.Now
	Log      *slog.Logger     // nil is silence

	Attempts      int           // transactions for one command before ErrConflict; 0 is 12
	InFlight      int           // commands under way; 0 is 256
	QueueWithin   time.Duration // how long a command waits for a place among those; 0 is 5 s
	EndorseWithin time.Duration // how long endorsements are tried for; 0 is 15 s
	OrderWithin   time.Duration // how long a commit is waited for; 0 is 40 s, more than a change of leader takes
	AskWithin     time.Duration // how long a query may take; 0 is 15 s
}

func (c Config) withDefaults() (Config, error) {
	if c.Contracts == nil || c.Reader == nil {
		return c, errors.New("open the Fabric ledger: it needs Contracts and a Reader")
	}
	c.Attempts = cmp.Or(c.Attempts, 12)
	c.InFlight = cmp.Or(c.InFlight, 256)
	c.QueueWithin = cmp.Or(c.QueueWithin, 5*time.Second)
	c.EndorseWithin = cmp.Or(c.EndorseWithin, 15*time.Second)
	c.OrderWithin = cmp.Or(c.OrderWithin, 40*time.Second)
	c.AskWithin = cmp.Or(c.AskWithin, 15*time.Second)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Ledger is a channel of a Fabric network with the suite's contracts.
type Ledger struct {
	config  Config
	nodes   *nodes
	watches watches
	lanes   lanes
	claims  claims
	places  chan struct{} // one for each command under way
	second  chooser
	submits sync.WaitGroup // calls under way
	closing context.Context
	close   context.CancelFunc
}

var _ ledger.Ledger = (*Ledger)(nil)

// Open connects to the members' peers and returns when one of them tells the
// height of the channel, or ctx ends.
func Open(ctx context.Context, config Config) (*Ledger, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	fabriclog.Route(config.Log)
	nodes, err := connect(config.Profile)
	if err != nil {
		return nil, err
	}
	l := &Ledger{config: config, nodes: nodes, places: make(chan struct{}, config.InFlight)}
	l.closing, l.close = context.WithCancel(context.Background())
	l.watches = watches{nodes.order, map[string]*watch{}}
	height, err := l.height(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the Fabric ledger: %w", err), nodes.close())
	}
	for _, org := range nodes.order {
		l.watches.of[org] = newWatch(height-1, config.Log.With("peer", org))
	}
	for _, org := range nodes.order { // the map does not change any more
		l.submits.Go(func() { l.keepWatching(l.closing, org) })
	}
	return l, nil
}

// home is the member on whose peer this host reads.
func (l *Ledger) home() string { return l.watches.order[0] }

// Head is the last block that this host's peers have told of.
func (l *Ledger) Head() ledger.Position { return ledger.Position{Block: l.watches.head()} }

// Health is nil while blocks can be read and written.
func (l *Ledger) Health() error {
	var err error
	for _, org := range l.watches.order {
		if sick := l.watches.of[org].health(); sick != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", org, sick))
		}
	}
	return err
}

// Close waits for what is under way and hangs up. Events end.
func (l *Ledger) Close() error {
	if l.closing.Err() != nil {
		return nil
	}
	l.close()
	l.submits.Wait()
	return l.nodes.close()
}

// enter registers a call, so that Close waits for it, and gives it a context
// that ends when the ledger closes.
func (l *Ledger) enter(ctx context.Context) (context.Context, func(), error) {
	if l.closing.Err() != nil {
		return nil, nil, ledger.ErrStopped
	}
	l.submits.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(l.closing, func() { cancel(ledger.ErrStopped) })
	return ctx, func() { stop(); cancel(nil); l.submits.Done() }, nil
}
