package readmodel

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/tallyway/tallyway/shared/ledger"
)

// Change tells that rows of the derived tables changed. Without names of events
// anything may have: the tables were emptied, or this host was cut off for a
// while.
type Change struct {
	Block  uint64   `json:"block"`            // the rows are up to this block
	Events []string `json:"events,omitempty"` // wire names, each once, in order
	Reset  bool     `json:"reset,omitempty"`  // the tables were emptied and are being replayed
}

func changeOf(blocks []ledger.Block) Change {
	var c Change
	for _, block := range blocks {
		c.Block = max(c.Block, block.Number)
		for _, t := range block.Transactions {
			for _, e := range t.Events {
				if !slices.Contains(c.Events, e.Name) {
					c.Events = append(c.Events, e.Name)
				}
			}
		}
	}
	slices.Sort(c.Events)
	return c
}

// then is this change and a later one as one.
func (c Change) then(later Change) Change {
	names := append(slices.Clone(c.Events), later.Events...)
	slices.Sort(names)
	later.Events = slices.Compact(names)
	later.Reset = later.Reset || c.Reset
	return later
}

// progress is what this process knows of the committed rows, and who waits for
// them.
type progress struct {
	mu          sync.Mutex
	block       uint64
	version     uint64            // counts the changes
	unnamed     uint64            // the last version by which anything may have changed
	named       map[string]uint64 // the last version by which events of a name came
	health      error
	changed     chan struct{} // closed, and replaced, when block or health change
	reset       chan struct{} // closed, and replaced, when the tables were emptied
	subscribers map[chan Change]struct{}
}

func newProgress() *progress {
	return &progress{changed: make(chan struct{}), reset: make(chan struct{}),
		named: map[string]uint64{}, subscribers: map[chan Change]struct{}{}}
}

// set publishes a committed change.
func (p *progress) set(c Change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.Block > p.block {
		p.health = nil
	}
	same := c.Block == p.block && !c.Reset
	p.block = c.Block
	if !same {
		p.count(c)
	}
	p.wake()
	if c.Reset {
		close(p.reset)
		p.reset = make(chan struct{})
	}
	if same {
		return
	}
	for s := range p.subscribers {
		merged := c
		select {
		case waiting := <-s:
			merged = waiting.then(c)
		default:
		}
		s <- merged // has room: nobody else sends, and what was there is taken out
	}
}

// count needs the lock.
func (p *progress) count(c Change) {
	p.version++
	if c.Reset || len(c.Events) == 0 {
		p.unnamed = p.version
	}
	for _, name := range c.Events {
		p.named[name] = p.version
	}
}

// stop says why following stopped, or with nil that it goes on.
func (p *progress) stop(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.health = err
	p.wake()
}

// wake needs the lock.
func (p *progress) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *progress) stopped() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.health
}

func (p *progress) changes(events []string) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(events) == 0 {
		return p.version
	}
	last := p.unnamed
	for _, name := range events {
		last = max(last, p.named[name])
	}
	return last
}

func (p *progress) resets() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reset
}

func (p *progress) await(ctx context.Context, block uint64) error {
	for {
		p.mu.Lock()
		at, health, changed := p.block, p.health, p.changed
		p.mu.Unlock()
		if at >= block {
			return nil
		}
		if health != nil {
			return fmt.Errorf("wait for block %d: following stopped at block %d: %w", block, at, health)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for block %d, being at %d: %w", block, at, ctx.Err())
		}
	}
}

func (p *progress) subscribe(ctx context.Context) <-chan Change {
	s := make(chan Change, 1)
	p.mu.Lock()
	p.subscribers[s] = struct{}{}
	p.mu.Unlock()
	context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.subscribers, s)
		close(s)
	})
	return s
}
