package embedded

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"

	"github.com/tallyway/tallyway/shared/ledger"
)

// line is the order of what is not committed yet. A transaction in line has
// been executed on the state that everything before it leaves behind, so a hot
// record is worked on by many transactions of one block, one after the other.
//
// Its promises: a transaction takes its place only if everything it read is
// still the newest; transactions enter blocks in the order of the line; if one
// leaves the line, all that stand behind it leave too and are executed again.
type line struct {
	mu      sync.Mutex
	order   []*txn            // in line, in no block yet
	block   []*txn            // in the block that is being committed
	latest  map[string]*txn   // per key, who writes it last and is not committed
	claims  map[string]*claim // transaction ids under way
	coming  int               // calls that may still make the next block
	head    uint64            // last committed block
	hash    []byte            // of that block's header
	moved   chan struct{}     // closed and replaced when head moves or the ledger closes
	wake    chan struct{}     // tells the committer that the line has changed
	broken  error             // why no more writes are taken
	unknown map[string]error  // transactions of the block whose commit failed
	closed  bool
	drained bool
}

// txn is one execution of one command, with a place in line.
type txn struct {
	id       string
	writes   map[string][]byte // public writes; nil deletes
	since    time.Time         // when it took its place
	envelope []byte            // set when signed
	private  *rwset.TxPvtReadWriteSet
	ready    bool

	done    chan struct{} // closed when the fields below are final
	aborted bool          // it left the line without entering a block
	err     error
	block   uint64
	index   int
}

// claim keeps a transaction id to one call at a time.
type claim struct{ released chan struct{} }

func (l *line) init(head uint64, hash []byte) {
	l.head, l.hash = head, hash
	l.latest, l.claims, l.unknown = map[string]*txn{}, map[string]*claim{}, map[string]error{}
	l.moved, l.wake = make(chan struct{}), make(chan struct{}, 1)
}

// stopped says why no writes are taken, or nil.
func (l *line) stopped() error {
	switch {
	case l.broken != nil:
		return errors.Join(ledger.ErrStopped, l.broken)
	case l.closed:
		return ledger.ErrStopped
	}
	return nil
}

// whyBroken says why no writes are taken after a failed commit, or nil.
func (l *line) whyBroken() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		return nil
	}
	return l.stopped()
}

// expect tells the committer of a call on its way to the line; the call says
// when it is signed, refused or has to wait, once or more often.
func (l *line) expect() (arrived func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.coming++
	return sync.OnceFunc(func() {
		l.mu.Lock()
		l.coming--
		l.mu.Unlock()
		l.nudge()
	})
}

// take claims a transaction id, or returns the claim that another call holds.
func (l *line) take(id string) (held *claim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held = l.claims[id]; held == nil {
		l.claims[id] = &claim{make(chan struct{})}
	}
	return held
}

func (l *line) release(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.claims[id].released)
	delete(l.claims, id)
}

// stand gives t its place if v still holds.
func (l *line) stand(t *txn, v *view) error {
	if !v.locked {
		l.mu.Lock()
		defer l.mu.Unlock()
	}
	if l.broken != nil {
		return l.stopped()
	}
	if !v.fresh() {
		return errStale
	}
	t.since = time.Now()
	l.order = append(l.order, t)
	for key := range t.writes {
		l.latest[key] = t
	}
	return nil
}

// errStale says that an execution read what is no longer the newest.
var errStale = errors.New("the state has moved on")

// signed tells the committer that t may enter a block.
func (l *line) signed(t *txn, envelope []byte) {
	l.mu.Lock()
	t.envelope, t.ready = envelope, true
	l.mu.Unlock()
	l.nudge()
}

func (l *line) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// leave takes t and everything behind it out of the line.
func (l *line) leave(t *txn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.order, t); i >= 0 {
		l.cut(i, nil)
	}
	l.nudge()
}

// cut empties the line from position i on.
func (l *line) cut(i int, err error) {
	gone := l.order[i:]
	l.order = slices.Clip(l.order[:i])
	for _, t := range gone {
		for key := range t.writes {
			delete(l.latest, key)
		}
		t.aborted, t.err = true, err
		close(t.done)
	}
	for _, t := range slices.Concat(l.block, l.order) { // who stood before them writes last again
		for key := range t.writes {
			l.latest[key] = t
		}
	}
}

// settle makes a committed block's transactions final.
func (l *line) settle(number uint64, hash []byte, block []*txn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, t := range block {
		t.block, t.index = number, i
		l.forget(t)
		close(t.done)
	}
	l.block = nil
	l.head, l.hash = number, hash
	close(l.moved)
	l.moved = make(chan struct{})
}

func (l *line) forget(t *txn) {
	for key := range t.writes {
		if l.latest[key] == t {
			delete(l.latest, key)
		}
	}
}

// fail ends all writing: what became of the block's transactions is unknown,
// what stood in line is not in the ledger.
func (l *line) fail(block []*txn, cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken, l.block = cause, nil
	for _, t := range block {
		t.err = &ledger.Unknown{TxID: t.id, Cause: cause}
		l.unknown[t.id] = cause
		close(t.done)
	}
	l.cut(0, errors.Join(ledger.ErrStopped, cause))
}

// close refuses further calls; false if it was closed before.
func (l *line) close() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.closed = true
	close(l.moved) // those who wait for a block look again
	l.moved = make(chan struct{})
	return true
}

// finish lets the committer go once every call has returned.
func (l *line) finish() {
	l.mu.Lock()
	l.drained = true
	l.mu.Unlock()
	l.nudge()
}
