package store

import (
	"errors"
	"sync"

	"github.com/tallyway/tallyway/iot"
)

// The bounds of what waits to be stored. When it is full, senders wait: memory
// does not grow with a slow disk.
const (
	mostMessages = 8192
	mostBytes    = 32 << 20
	atOnce       = 2048 // messages in one transaction
)

// ErrClosed is what messages hear that came too late.
var ErrClosed = errors.New("the store of readings is closed")

type queue struct {
	mu     sync.Mutex
	room   sync.Cond // there is some
	work   sync.Cond // there is something
	all    []item
	bytes  int
	closed bool
}

func (q *queue) init() { q.room.L, q.work.L = &q.mu, &q.mu }

// item is a message with what it tells, or why it cannot be stored.
type item struct {
	iot.Message
	batches []Batch
	no      error
}

// Take reads a message and puts it behind those that wait; it blocks while there
// is no room. Reading is done by whoever brings it, so that as many are read at
// once as there are senders; messages of one sender keep their order.
func (s *Store) Take(m iot.Message) {
	x := item{Message: m}
	x.batches, x.no = s.open(m)
	if !s.queue.put(x) {
		m.Done(ErrClosed)
	}
}

func (q *queue) put(m item) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.closed && (len(q.all) >= mostMessages || q.bytes >= mostBytes) {
		q.room.Wait()
	}
	if q.closed {
		return false
	}
	q.all = append(q.all, m)
	q.bytes += len(m.Payload)
	q.work.Signal()
	return true
}

// take waits for messages and gives those that wait, up to as many as one
// transaction holds; none when the queue is closed and empty.
func (q *queue) take() []item {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.all) == 0 && !q.closed {
		q.work.Wait()
	}
	n := min(len(q.all), atOnce)
	some := append([]item(nil), q.all[:n]...)
	rest := copy(q.all, q.all[n:])
	clear(q.all[rest:])
	q.all = q.all[:rest]
	for _, m := range some {
		q.bytes -= len(m.Payload)
	}
	q.room.Broadcast()
	return some
}

func (q *queue) waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.all)
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.room.Broadcast()
	q.work.Broadcast()
}
