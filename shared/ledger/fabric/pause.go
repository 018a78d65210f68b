package fabric

import (
	"context"
	"math/rand/v2"
	"time"
)

// pause grows with every wait, with some chance in it so that those who failed
// together do not come back together.
type pause struct{ next, most time.Duration }

func newPause(first, most time.Duration) *pause { return &pause{first, most} }

// step is how long to wait now.
func (p *pause) step() time.Duration {
	d := p.next/2 + rand.N(p.next/2+1)
	p.next = min(p.next*2, p.most)
	return d
}

// wait sleeps, and says whether ctx goes on.
func (p *pause) wait(ctx context.Context) bool {
	select {
	case <-time.After(p.step()):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
