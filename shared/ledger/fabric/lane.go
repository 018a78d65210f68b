package fabric

import (
	"context"
	"slices"
	"sync"
	"time"
)

// lanes keep the commands of this host that work on one record from spoiling
// each other: of those that read and change it in one block, Fabric lets one
// through. Where that has happened, the record's commands stand in a lane for a
// while: each is endorsed when the one before it has been committed. Records
// that nobody contends for cost nothing.
type lanes struct {
	mu  sync.Mutex
	hot map[string]*lane
}

type lane struct {
	turn  chan struct{} // holds one token
	until time.Time
}

// warmth is how long a record that had a conflict keeps its lane.
const warmth = 20 * time.Second

// heat gives lanes to everything a command in conflict has touched.
func (l *lanes) heat(f footprint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hot == nil {
		l.hot = map[string]*lane{}
	}
	now := time.Now()
	for name, one := range l.hot {
		if now.After(one.until) && len(one.turn) == 1 {
			delete(l.hot, name)
		}
	}
	for _, name := range f {
		if l.hot[name] == nil {
			l.hot[name] = &lane{turn: make(chan struct{}, 1)}
			l.hot[name].turn <- struct{}{}
		}
		l.hot[name].until = now.Add(warmth)
	}
}

// enter waits for its turn in every lane of the footprint, in one order for
// all. It returns what ends the turn, or nil where there is no lane.
func (l *lanes) enter(ctx context.Context, f footprint) (leave func(), err error) {
	l.mu.Lock()
	var in []*lane
	for _, name := range f {
		if one := l.hot[name]; one != nil {
			in = append(in, one)
			one.until = time.Now().Add(warmth)
		}
	}
	l.mu.Unlock()
	if len(in) == 0 {
		return nil, nil
	}
	for i, one := range in {
		select {
		case <-one.turn:
		case <-ctx.Done():
			endTurns(in[:i])
			return nil, context.Cause(ctx)
		}
	}
	return func() { endTurns(in) }, nil
}

func endTurns(in []*lane) {
	for _, one := range slices.Backward(in) {
		one.turn <- struct{}{}
	}
}
