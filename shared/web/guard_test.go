package web

import (
	"testing"
	"time"
)

// TestTheClockOfABucketNeverRunsBack: requests come to the lock in another order
// than they began in, and an earlier one takes nothing away from a later one.
func TestTheClockOfABucketNeverRunsBack(t *testing.T) {
	b, now := newBuckets(Rate{PerSecond: 1, Burst: 3}, 10), time.Unix(1000, 0)
	for _, at := range []time.Time{now, now.Add(-time.Minute), now} {
		if wait := b.take("somebody", at); wait > 0 {
			t.Fatalf("waits %v with tokens left", wait)
		}
	}
	if b.take("somebody", now) == 0 {
		t.Error("spent a fourth token of three")
	}
}
