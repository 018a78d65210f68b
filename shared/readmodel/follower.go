package readmodel

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/tallyway/tallyway/shared/ledger"
)

// Source is what a Follower needs of a ledger.
type Source interface {
	// Events MUST yield blocks in ascending order, and may yield one twice.
	Events(ctx context.Context, after ledger.Position) iter.Seq2[ledger.Block, error]
	// Head tells how far behind a follower is.
	Head() ledger.Position
}

// Follower keeps the derived tables equal to the ledger.
//
// A block's rows and the position behind it commit in one SQL transaction, so
// a crash at any moment loses nothing and counts nothing twice. When a handler
// fails, following stops at that block: Health says why, and the block is tried
// again with growing pauses.
//
// Of several hosts on one PostgreSQL exactly one follows; the others learn of
// its progress and take over when it is gone.
type Follower struct {
	db          *DB
	source      Source
	log         *slog.Logger
	projections []*Projection
	progress    *progress

	cancel context.CancelFunc
	done   sync.WaitGroup

	// Of keepFollowing alone:
	pause time.Duration
	batch int  // blocks in the next transaction, at most
	stuck bool // the last attempt failed on a block, which is still to come
}

// NewFollower joins the tables of some projections to a ledger's events.
func NewFollower(db *DB, source Source, log *slog.Logger, projections ...*Projection) *Follower {
	return &Follower{db: db, source: source, log: log, projections: projections,
		progress: newProgress(), pause: shortestPause, batch: mostBlocks}
}

// Start makes the tables, then follows until Stop. When it returns, queries on
// the tables work, though rows may still be on their way.
func (f *Follower) Start(ctx context.Context) error {
	alone := f.db.dialect == SQLite // on PostgreSQL only the leader replaces tables
	if err := prepare(ctx, f.db, f.projections, alone); err != nil {
		return fmt.Errorf("prepare the read model: %w", err)
	}
	at, err := reached(ctx, f.db, f.projections)
	if err != nil {
		return err
	}
	f.progress.set(Change{Block: at})
	if head := f.source.Head().Block; at > head {
		f.log.Warn("the read model is ahead of the ledger; after restoring an older ledger, rebuild it",
			"block", at, "head", head)
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if f.db.dialect == Postgres {
		conn, err := f.listen(ctx)
		if err != nil {
			cancel()
			return err
		}
		f.done.Go(func() { f.keepListening(running, conn) })
	}
	f.cancel = cancel
	f.done.Go(func() { f.keepFollowing(running) })
	return nil
}

// Stop ends the following. A transaction under way is finished or taken back,
// and the next start goes on from there.
func (f *Follower) Stop() {
	if f.cancel != nil {
		f.cancel()
		f.done.Wait()
	}
}

// Health is nil while the tables follow the ledger, here or on another host,
// and otherwise says at which event they stopped and why.
func (f *Follower) Health() error { return f.progress.stopped() }

// Position is the block up to which the committed rows have come.
func (f *Follower) Position(ctx context.Context) (ledger.Position, error) {
	at, err := reached(ctx, f.db, f.projections)
	return ledger.Position{Block: at}, err
}

// Await returns when the rows of a block are there to be read. It fails when
// ctx ends, and at once while following has stopped on an error: the command
// stands, but cannot be shown yet. A block that the source leaves out, having no
// events, counts as seen only with the next one.
func (f *Follower) Await(ctx context.Context, block uint64) error {
	return f.progress.await(ctx, block)
}

// Version changes whenever the rows do, without asking the database: what was
// worked out from rows read after it was taken holds while it stands. Who has
// awaited a block sees the version that comes with its rows. With wire names it
// changes only when such events came, or when anything may have changed.
func (f *Follower) Version(events ...string) uint64 { return f.progress.changes(events) }

// Subscribe tells of every change until ctx ends, then closes the channel. A
// slow reader gets several changes as one; it never holds the follower up.
func (f *Follower) Subscribe(ctx context.Context) <-chan Change { return f.progress.subscribe(ctx) }

// Rebuild drops the derived tables, replays the ledger and returns when they
// stand where they stood before. The Follower must have been started; on
// PostgreSQL any host may ask, and the one that follows does the work.
func (f *Follower) Rebuild(ctx context.Context) error {
	before, err := f.Position(ctx)
	if err != nil {
		return fmt.Errorf("rebuild the read model: %w", err)
	}
	err = f.db.InTx(ctx, func(tx *Tx) error {
		for _, p := range f.projections {
			if err := p.reset(ctx, tx); err != nil {
				return err
			}
		}
		return tx.tell(ctx, Change{Reset: true})
	})
	if err != nil {
		return fmt.Errorf("rebuild the read model: %w", err)
	}
	f.progress.set(Change{Reset: true})
	return f.Await(ctx, min(before.Block, f.source.Head().Block))
}

// Back-off after an error, and how much of the ledger one transaction takes when
// there is much to catch up with: enough that the commit is cheap beside its
// rows, so little that other writers are not kept waiting.
const (
	shortestPause = 100 * time.Millisecond
	longestPause  = 30 * time.Second
	mostBlocks    = 512
	mostEvents    = 5000
	patience      = 5 * time.Millisecond // for a block that the ledger has, and may leave out
)

// keepFollowing follows until ctx ends, whatever goes wrong in between.
func (f *Follower) keepFollowing(ctx context.Context) {
	for ctx.Err() == nil {
		err := f.lead(ctx, f.follow)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errMoved) {
			continue
		}
		f.progress.stop(err)
		f.log.Error("the read model stopped following the ledger", "error", err, "retry_in", f.pause)
		select {
		case <-ctx.Done():
		case <-time.After(f.pause):
		}
		f.pause = min(f.pause*2, longestPause)
		f.batch = 1 // so that all blocks before a bad one get through
	}
}

// follow replays what is missing and then follows live, until an error.
func (f *Follower) follow(ctx context.Context) error {
	resets := f.progress.resets()
	if err := prepare(ctx, f.db, f.projections, true); err != nil {
		return fmt.Errorf("prepare the read model: %w", err)
	}
	last, err := reached(ctx, f.db, f.projections)
	if err != nil {
		return err
	}
	f.progress.set(Change{Block: last})
	if !f.stuck {
		f.progress.stop(nil)
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	feed := f.pump(ctx, fail, last)
	for {
		blocks, err := f.next(ctx, feed, resets)
		if err != nil {
			return err
		}
		change := changeOf(blocks)
		if err := apply(ctx, f.db, f.projections, last, blocks, change); err != nil {
			f.stuck = true
			return err
		}
		last = max(last, change.Block)
		f.stuck, f.pause, f.batch = false, shortestPause, min(f.batch*2, mostBlocks)
		if f.db.dialect == SQLite { // on PostgreSQL the notification tells all hosts
			f.progress.set(change)
		}
	}
}

// pump reads ahead of the transactions. What ends it ends the context.
func (f *Follower) pump(ctx context.Context, fail context.CancelCauseFunc, after uint64) <-chan ledger.Block {
	feed := make(chan ledger.Block, mostBlocks)
	f.done.Go(func() {
		for block, err := range f.source.Events(ctx, ledger.Position{Block: after}) {
			if err != nil {
				fail(fmt.Errorf("read the ledger's events: %w", err))
				return
			}
			select {
			case feed <- block:
			case <-ctx.Done():
				return
			}
		}
		fail(errors.New("the ledger's events ended"))
	})
	return feed
}

// next waits for a block and, as long as the ledger is ahead, gathers more.
func (f *Follower) next(ctx context.Context, feed <-chan ledger.Block, resets <-chan struct{}) ([]ledger.Block, error) {
	var blocks []ledger.Block
	select {
	case block := <-feed:
		blocks = append(blocks, block)
	case <-resets:
		return nil, errMoved
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	head, events := f.source.Head().Block, countEvents(blocks[0])
	for len(blocks) < f.batch && events < mostEvents && blocks[len(blocks)-1].Number < head {
		select {
		case block := <-feed:
			blocks = append(blocks, block)
			events += countEvents(block)
		case <-time.After(patience):
			return blocks, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return blocks, nil
}

func countEvents(block ledger.Block) int {
	n := 0
	for _, t := range block.Transactions {
		n += len(t.Events)
	}
	return n
}
