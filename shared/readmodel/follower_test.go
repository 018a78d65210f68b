package readmodel_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	osexec "os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/readmodel/pgtest"
)

// Made and Moved are the events of the tests' lots.
type (
	Made struct {
		Lot string
		N   int
	}
	Moved   struct{ Lot, To string }
	Ignored struct{ X int }
)

const lotsSchema = `
CREATE TABLE lots (id TEXT PRIMARY KEY, n BIGINT NOT NULL, holder TEXT NOT NULL, at TIMESTAMP NOT NULL, fresh BOOLEAN NOT NULL);
CREATE TABLE moves (block BIGINT, seq BIGINT, lot TEXT NOT NULL REFERENCES lots (id) DEFERRABLE INITIALLY DEFERRED, PRIMARY KEY (block, seq));
CREATE INDEX moves_by_lot ON moves (lot)`

// lots is the projection of the tests; before, if not nil, is asked first and
// may make a handler fail.
func lots(schema string, before func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, lot string) error) *readmodel.Projection {
	p := readmodel.NewProjection("lots", schema, []string{"lots", "moves"})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e Made) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO lots (id, n, holder, at, fresh) VALUES ($1, $2, $3, $4, $5)`,
			e.Lot, e.N, m.By.Party, m.At, true)
		if err == nil && before != nil {
			err = before(ctx, tx, m, e.Lot)
		}
		return err
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e Moved) error {
		if _, err := tx.ExecContext(ctx, `UPDATE lots SET holder = $2, fresh = $3 WHERE id = $1`, e.Lot, e.To, false); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO moves (block, seq, lot) VALUES ($1, $2, $3)`, int64(m.Block), m.Seq, e.Lot)
		return err
	})
	return p
}

func follow(t testing.TB, db *readmodel.DB, source readmodel.Source, p ...*readmodel.Projection) *readmodel.Follower {
	t.Helper()
	f := readmodel.NewFollower(db, source, slog.New(slog.DiscardHandler), p...)
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Stop)
	return f
}

func await(t testing.TB, f *readmodel.Follower, block uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		err := f.Await(ctx, block)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond) // stopped for now, and about to try again
	}
}

func TestFollowLiveAndReplayFromTheStart(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		source := newMemory()
		source.again = 3 // every start delivers blocks that were seen
		for i := range 700 {
			source.add(t, Made{fmt.Sprint("L", i), i}, Ignored{i}, Moved{fmt.Sprint("L", i), "shop"})
		}
		db := open(t, address)
		f := follow(t, db, source, lots(lotsSchema, nil))
		await(t, f, 700)
		for i := range 5 {
			block := source.add(t, Moved{"L1", fmt.Sprint("shop ", i)})
			await(t, f, block)
			if holder := one[string](t, db, `SELECT holder FROM lots WHERE id = $1`, "L1"); holder != fmt.Sprint("shop ", i) {
				t.Errorf("after Await the row still says %q", holder)
			}
		}
		f.Stop()
		f = follow(t, db, source, lots(lotsSchema, nil))
		await(t, f, source.add(t, Ignored{}))
		if n := one[int](t, db, `SELECT count(*) FROM moves`); n != 705 {
			t.Errorf("%d moves, want 705: a block was lost or counted twice", n)
		}
		if at, err := f.Position(t.Context()); err != nil || at.Block != 706 {
			t.Errorf("position %v, %v", at, err)
		}
		if err := f.Health(); err != nil {
			t.Error(err)
		}
	})
}

func TestHandlerErrorStopsAtItsBlock(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		var broken atomic.Bool
		broken.Store(true)
		p := lots(lotsSchema, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, lot string) error {
			if lot == "bad" && broken.Load() {
				panic("no such thing")
			}
			return nil
		})
		source := newMemory()
		for i := range 20 {
			source.add(t, Made{fmt.Sprint("L", i), i})
		}
		bad := source.add(t, Made{"bad", 1})
		source.add(t, Made{"after", 1})
		db := open(t, address)
		f := follow(t, db, source, p)
		await(t, f, bad-1)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for f.Health() == nil && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		err := f.Await(ctx, bad)
		if err == nil || !strings.Contains(err.Error(), "block 21") || !strings.Contains(err.Error(), "no such thing") {
			t.Errorf("Await says %v, want the block and the reason", err)
		}
		if n := one[int](t, db, `SELECT count(*) FROM lots`); n != 20 {
			t.Errorf("%d lots, want those before the bad block", n)
		}
		broken.Store(false)
		await(t, f, bad+1)
		if err := f.Health(); err != nil {
			t.Errorf("still unwell after recovery: %v", err)
		}
	})
}

func TestFailedCommitIsTriedAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		var tries atomic.Int32
		p := lots(lotsSchema, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, lot string) error {
			if lot != "L5" || tries.Add(1) > 2 {
				return nil
			}
			// Refers to nothing, which the database notices at commit.
			_, err := tx.ExecContext(ctx, `INSERT INTO moves (block, seq, lot) VALUES ($1, $2, $3)`, 999, 0, "nowhere")
			return err
		})
		source := newMemory()
		for i := range 10 {
			source.add(t, Made{fmt.Sprint("L", i), i})
		}
		db := open(t, address)
		f := follow(t, db, source, p)
		await(t, f, 10)
		if n, m := one[int](t, db, `SELECT count(*) FROM lots`), one[int](t, db, `SELECT count(*) FROM moves`); n != 10 || m != 0 {
			t.Errorf("%d lots and %d moves, want 10 and 0", n, m)
		}
	})
}

// TestKilledBeforeCommit runs this test in a process of its own, which kills
// itself after its handler and before the commit, and looks at what is left.
func TestKilledBeforeCommit(t *testing.T) {
	source := newMemory()
	for i := range 9 {
		source.add(t, Made{fmt.Sprint("L", i), i})
	}
	if address := os.Getenv("READMODEL_KILLED"); address != "" {
		f := follow(t, open(t, address), source, lots(lotsSchema, nil))
		await(t, f, 9)
		f.Stop()
		source.add(t, Made{"last", 1})
		follow(t, open(t, address), source, lots(lotsSchema, func(context.Context, *readmodel.Tx, readmodel.Meta, string) error {
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}))
		select {}
	}
	onBoth(t, func(t *testing.T, address string) {
		cmd := osexec.Command(os.Args[0], "-test.run=^TestKilledBeforeCommit$", "-test.timeout=60s")
		cmd.Env = append(os.Environ(), "READMODEL_KILLED="+address)
		out, err := cmd.CombinedOutput()
		var exit *osexec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != -1 {
			t.Fatalf("the process was to be killed: %v\n%s", err, out)
		}
		db := open(t, address)
		if n, at := one[int](t, db, `SELECT count(*) FROM lots`), one[int](t, db, `SELECT block FROM readmodel_projections`); n != 9 || at != 9 {
			t.Fatalf("%d lots at block %d after the kill, want 9 at 9", n, at)
		}
		again := newMemory()
		again.blocks = append(again.blocks, source.blocks...)
		f := follow(t, db, again, lots(lotsSchema, nil))
		await(t, f, again.add(t, Made{"last", 1}))
		if n := one[int](t, db, `SELECT count(*) FROM lots`); n != 10 {
			t.Errorf("%d lots, want 10", n)
		}
	})
}

func TestChangedSchemaIsReplayedAloneByItself(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		source := newMemory()
		for i := range 10 {
			source.add(t, Made{fmt.Sprint("L", i), i})
		}
		var seen atomic.Int32
		other := func() *readmodel.Projection {
			p := readmodel.NewProjection("other", `CREATE TABLE other (id TEXT PRIMARY KEY)`, []string{"other"})
			readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, _ readmodel.Meta, e Made) error {
				seen.Add(1)
				_, err := tx.ExecContext(ctx, `INSERT INTO other (id) VALUES ($1)`, e.Lot)
				return err
			})
			return p
		}
		db := open(t, address)
		f := follow(t, db, source, lots(lotsSchema, nil), other())
		await(t, f, 10)
		exec(t, db, `UPDATE lots SET n = 0`)
		f.Stop()
		f = follow(t, db, source, lots(lotsSchema+"; -- 2: counted anew", nil), other())
		await(t, f, source.add(t, Made{"L10", 10}))
		if sum := one[int](t, db, `SELECT sum(n) FROM lots`); sum != 55 {
			t.Errorf("the sum is %d, want 55 after a replay", sum)
		}
		if seen.Load() != 11 {
			t.Errorf("the unchanged projection saw %d events, want 11", seen.Load())
		}
	})
}

func TestRebuildAndCompare(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		source := newMemory()
		for i := range 50 {
			source.add(t, Made{fmt.Sprint("L", i), i}, Moved{fmt.Sprint("L", i), "shop"})
		}
		source.add(t, Made{"批次-é", 1})
		db := open(t, address)
		f := follow(t, db, source, lots(lotsSchema, nil))
		await(t, f, 51)
		compare := func(want string) {
			t.Helper()
			for _, scratch := range []string{"sqlite::memory:", pgtest.URL(t)} {
				all, err := f.Compare(t.Context(), open(t, scratch))
				if err != nil {
					t.Fatal(err)
				}
				var told []string
				for _, d := range all {
					told = append(told, d.String())
				}
				if got := strings.Join(told, "; "); got != want {
					t.Errorf("compared with %s: %q, want %q", scratch, got, want)
				}
			}
		}
		compare("")
		exec(t, db, `UPDATE lots SET holder = $1 WHERE id = $2`, "thief", "L7")
		compare("lots, id=L7: holder is thief, the ledger says shop")
		exec(t, db, `DELETE FROM moves WHERE block = $1`, 3)
		compare("lots, id=L7: holder is thief, the ledger says shop; moves, block=3 seq=1: have no such row, want this row")
		exec(t, db, `UPDATE lots SET holder = $1 WHERE id = $2`, "shop", "L7")
		compare("moves, block=3 seq=1: have no such row, want this row")
		exec(t, db, `INSERT INTO moves (block, seq, lot) VALUES (2, 9, 'L7')`)
		compare("moves, block=2 seq=9: have this row, want no such row")
		if err := f.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		compare("")
		await(t, f, source.add(t, Made{"after", 1}))
	})
}

func TestSubscribersHearOfChangesAndHoldNobodyUp(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		source := newMemory()
		f := follow(t, open(t, address), source, lots(lotsSchema, nil))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		quick, slow := f.Subscribe(ctx), f.Subscribe(ctx)
		source.add(t, Made{"L1", 1}, Ignored{})
		got := <-quick
		if got.Block != 1 || strings.Join(got.Events, " ") != "readmodel_test.Ignored readmodel_test.Made" {
			t.Errorf("got %+v", got)
		}
		source.add(t, Made{"L2", 1})
		await(t, f, source.add(t, Moved{"L2", "shop"})) // though slow has read nothing
		got = <-slow
		if got.Block != 3 || strings.Join(got.Events, " ") != "readmodel_test.Ignored readmodel_test.Made readmodel_test.Moved" {
			t.Errorf("the slow one got %+v, want everything as one", got)
		}
		cancel()
		for range slow {
		}
	})
}

func TestAVersionStandsUntilItsEventsCome(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		source := newMemory()
		source.add(t, Made{"L1", 1})
		f := follow(t, open(t, address), source, lots(lotsSchema, nil))
		await(t, f, 1)
		moved, all := f.Version(chaincode.NameOf(Moved{})), f.Version()
		await(t, f, source.add(t, Made{"L2", 1}))
		if f.Version(chaincode.NameOf(Moved{})) != moved || f.Version() == all {
			t.Error("a version by name follows events of another name, or the one of all does not")
		}
		await(t, f, source.add(t, Moved{"L1", "shop"}))
		last := f.Version(chaincode.NameOf(Made{}), chaincode.NameOf(Moved{}))
		if last == moved {
			t.Error("an event came, and the version stands")
		}
		if err := f.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		if f.Version(chaincode.NameOf(Moved{})) == last {
			t.Error("the tables were emptied, and the version stands")
		}
	})
}

func TestEventsThatBreakOffAreTakenUpAgain(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		source := newMemory()
		source.add(t, Made{"L1", 1})
		source.fails = errors.New("the peer hung up")
		f := follow(t, open(t, address), source, lots(lotsSchema, nil))
		await(t, f, source.add(t, Made{"L2", 1}))
		if err := f.Health(); err != nil {
			t.Error(err)
		}
	})
}

// TestHandlersKnowWhereAnEventComesFrom, and do not mind fields of later
// versions.
func TestHandlersKnowWhereAnEventComesFrom(t *testing.T) {
	source := newMemory()
	block := source.add(t, Ignored{1}, Made{"L1", 7})
	source.blocks[0].Transactions[0].Events[1].Data = []byte(`{"Lot":"L1","N":7,"Later":{"x":[1]}}`)
	var got readmodel.Meta
	p := readmodel.NewProjection("meta", `CREATE TABLE meta (n BIGINT)`, []string{"meta"})
	readmodel.On(p, func(_ context.Context, _ *readmodel.Tx, m readmodel.Meta, e Made) error {
		got = m
		if e.N != 7 {
			return fmt.Errorf("the event says %d", e.N)
		}
		return nil
	})
	f := follow(t, open(t, "sqlite::memory:"), source, p)
	await(t, f, block)
	f.Stop()
	if got.Block != 1 || got.Index != 3 || got.Seq != 1 || got.TxID != "tx" || got.By.Party != "dairy" ||
		!got.At.Equal(noon) || got.At.Location() != time.UTC {
		t.Errorf("got %+v", got)
	}
}

func TestTwoHandlersForOneEventAreAMistake(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("the second handler was taken")
		}
	}()
	p := lots(lotsSchema, nil)
	readmodel.On(p, func(context.Context, *readmodel.Tx, readmodel.Meta, Made) error { return nil })
}

func TestReadModelAheadOfTheLedgerIsToldByCompare(t *testing.T) {
	source := newMemory()
	source.add(t, Made{"L1", 1})
	source.add(t, Made{"L2", 2})
	db := open(t, "sqlite::memory:")
	f := follow(t, db, source, lots(lotsSchema, nil))
	await(t, f, 2)
	f.Stop()
	restored := newMemory() // an older backup of the ledger
	restored.blocks = source.blocks[:1:1]
	f = follow(t, db, restored, lots(lotsSchema, nil))
	if _, err := f.Compare(t.Context(), open(t, "sqlite::memory:")); err == nil || !strings.Contains(err.Error(), "rebuild") {
		t.Errorf("got %v, want the advice to rebuild", err)
	}
	if err := f.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, db, `SELECT count(*) FROM lots`); n != 1 {
		t.Errorf("%d lots after the rebuild, want 1", n)
	}
}

// BenchmarkReplay counts events a second from a full ledger into two tables.
func BenchmarkReplay(b *testing.B) {
	const blocks, perBlock = 500, 40
	source := newMemory()
	for i := range blocks {
		var events []any
		for j := range perBlock {
			events = append(events, Made{fmt.Sprint("L", i, "-", j), j})
		}
		source.add(b, events...)
	}
	for b.Loop() {
		b.StopTimer()
		db := open(b, "sqlite:"+b.TempDir()+"/read.db")
		b.StartTimer()
		f := readmodel.NewFollower(db, source, slog.New(slog.DiscardHandler), lots(lotsSchema, nil))
		if err := f.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		await(b, f, blocks)
		f.Stop()
	}
	b.ReportMetric(float64(blocks*perBlock*b.N)/b.Elapsed().Seconds(), "events/s")
}
