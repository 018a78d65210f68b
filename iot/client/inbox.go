package client

import (
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallyway/tallyway/iot"
)

// item is a publication on its way to the sink.
type item struct {
	iot.Message
	packet  paho.Message
	session *session
}

// inbox holds what came and the sink has not taken, in the order in which it
// came: Sparkplug's births and data depend on it. It is bounded.
type inbox struct {
	mostItems, mostBytes int

	mu     sync.Mutex
	all    []item
	bytes  int
	closed bool
	some   chan struct{} // something came, or it is closed
	room   chan struct{} // something went
}

func newInbox(items, bytes int) *inbox {
	return &inbox{mostItems: items, mostBytes: bytes, some: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// put appends an item. Where there is no room it waits, but never longer than the
// patience: who waits here reads nothing from the connection, not even the
// answers that keep it alive.
func (b *inbox) put(x item, patience time.Duration) bool {
	var late <-chan time.Time
	for {
		if fits, closed := b.append(x); fits || closed {
			return fits
		}
		if late == nil {
			timer := time.NewTimer(patience)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-b.room:
		case <-x.session.over:
			return false
		case <-late:
			return false
		}
	}
}

func (b *inbox) append(x item) (fits, closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	full := len(b.all) >= b.mostItems || b.bytes+len(x.Payload) > b.mostBytes && len(b.all) > 0
	if b.closed || full {
		return false, b.closed
	}
	b.all = append(b.all, x)
	b.bytes += len(x.Payload)
	signal(b.some)
	return true, false
}

// take waits for the oldest item; there is none any more when the inbox is closed.
func (b *inbox) take() (x item, ok bool) {
	for {
		b.mu.Lock()
		switch {
		case b.closed:
			b.mu.Unlock()
			return item{}, false
		case len(b.all) > 0:
			x, b.all[0] = b.all[0], item{}
			b.all = b.all[1:]
			b.bytes -= len(x.Payload)
			b.mu.Unlock()
			signal(b.room)
			return x, true
		}
		b.mu.Unlock()
		<-b.some
	}
}

// close drops what waits: it is not acknowledged and comes again.
func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.all = true, nil
	signal(b.some)
	signal(b.room)
}

// signal never waits: one that was not read yet says the same.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
