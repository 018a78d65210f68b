package readmodel_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/readmodel/pgtest"
)

// TestOneOfTwoHostsFollows has two hosts on one PostgreSQL, takes the leading
// one away in an orderly and then in a rude way, and counts.
func TestOneOfTwoHostsFollows(t *testing.T) {
	address, source := pgtest.URL(t), newMemory()
	host := func() (*readmodel.Follower, *readmodel.DB, *atomic.Int32) {
		handled := new(atomic.Int32)
		db := open(t, address)
		return follow(t, db, source, lots(lotsSchema, func(context.Context, *readmodel.Tx, readmodel.Meta, string) error {
			handled.Add(1)
			return nil
		})), db, handled
	}
	first, db, byFirst := host()
	await(t, first, source.add(t, Made{"L0", 0}))
	second, _, bySecond := host()
	for i := range 20 {
		block := source.add(t, Made{fmt.Sprint("A", i), i})
		await(t, first, block)
		await(t, second, block) // learns of it without following
	}
	if byFirst.Load() != 21 || bySecond.Load() != 0 {
		t.Fatalf("the hosts handled %d and %d events, want 21 and 0", byFirst.Load(), bySecond.Load())
	}
	first.Stop()
	await(t, second, source.add(t, Made{"B", 1}))
	third, _, byThird := host()
	// The server hangs up on the leader: its lock is free before it knows.
	exec(t, db, `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2`)
	for i := range 20 {
		block := source.add(t, Made{fmt.Sprint("C", i), i})
		await(t, second, block)
		await(t, third, block)
	}
	if n := one[int](t, db, `SELECT count(*) FROM lots`); n != 42 {
		t.Errorf("%d lots, want 42", n)
	}
	if n := one[int](t, db, `SELECT block FROM readmodel_projections`); n != 42 {
		t.Errorf("position %d, want 42", n)
	}
	t.Logf("after the change of leaders: %d by the second, %d by the third", bySecond.Load(), byThird.Load())
	if err := third.Rebuild(t.Context()); err != nil { // whoever leads
		t.Fatal(err)
	}
	if n := one[int](t, db, `SELECT count(*) FROM lots`); n != 42 {
		t.Errorf("%d lots after the rebuild, want 42", n)
	}
}
