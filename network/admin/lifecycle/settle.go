package lifecycle

import (
	"context"
	"errors"
	"time"
)

// attempts at one step, and the pause before the second, which doubles.
const (
	attempts   = 4
	firstPause = 500 * time.Millisecond
)

// settle sees to it that something stands: it acts unless it does, and after
// an error asks again before it acts again, for an error does not say that
// nothing happened.
func settle(ctx context.Context, stands func() (bool, error), act func() error) (acted bool, err error) {
	wait := firstPause
	for n := 1; ; n++ {
		ok, err := stands()
		if ok {
			return acted, nil
		}
		if err == nil {
			acted = true
			if err = act(); err == nil {
				return true, nil
			}
		}
		if final := new(refusal); n == attempts || errors.As(err, final) || !pause(ctx, wait) {
			return acted, err
		}
		wait *= 2
	}
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// word says whether something was done now or had been before.
func word(now bool, fresh, before string) string {
	if now {
		return fresh
	}
	return before
}
