package readmodel

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Several hosts on one PostgreSQL agree by an advisory lock who follows, and
// hear of progress by a notification that is sent with the commit. Both are kept
// apart by schema, so one database may hold several suites. Correctness does not
// hang on the lock: apply finds out when another host moved the positions.
const (
	channel  = `'tallyway_readmodel_' || current_schema()`
	leadKey  = `1415139405, hashtext(current_schema())`
	setupKey = `1415139406, hashtext(current_schema())`
)

const (
	leadEvery  = time.Second     // how often a waiting host tries to take over
	checkEvery = 2 * time.Second // how often the leader looks whether it still leads
)

// lead runs f while this host is the one that follows. On SQLite it always is.
func (f *Follower) lead(ctx context.Context, follow func(context.Context) error) error {
	if f.db.dialect == SQLite {
		return follow(ctx)
	}
	conn, err := f.elected(ctx)
	if err != nil {
		return err
	}
	defer hangUp(conn) // gives the lock back
	f.log.Info("this host follows the ledger")
	var watching sync.WaitGroup
	defer watching.Wait()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	watching.Go(func() { watch(ctx, conn, fail) })
	if err = follow(ctx); context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	return err
}

// elected waits until no other host leads and returns the connection that holds
// the lock. It asks again and again because a lock that is waited for inside the
// database keeps a transaction open, which would stop its cleaning up.
func (f *Follower) elected(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, f.db.pg.Copy())
	if err != nil {
		return nil, fmt.Errorf("connect to lead the following: %w", err)
	}
	for {
		var leads bool
		if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(`+leadKey+`)`).Scan(&leads); err != nil {
			hangUp(conn)
			return nil, fmt.Errorf("ask to lead the following: %w", err)
		}
		if leads {
			return conn, nil
		}
		select {
		case <-ctx.Done():
			hangUp(conn)
			return nil, ctx.Err()
		case <-time.After(leadEvery):
		}
	}
}

// watch ends the following when the connection that holds the lock is gone.
func watch(ctx context.Context, conn *pgx.Conn, fail context.CancelCauseFunc) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(checkEvery):
		}
		if err := conn.Ping(ctx); err != nil {
			fail(fmt.Errorf("the lock of the following is lost: %w", err))
			return
		}
	}
}

// keepListening hears of what the leading host committed, this one or another.
func (f *Follower) keepListening(ctx context.Context, conn *pgx.Conn) {
	for {
		err := f.hear(ctx, conn)
		hangUp(conn)
		for conn = nil; conn == nil; conn, err = f.listen(ctx) {
			if ctx.Err() != nil {
				return
			}
			f.log.Warn("the read model's notifications broke off", "error", err, "retry_in", leadEvery)
			select {
			case <-ctx.Done():
				return
			case <-time.After(leadEvery):
			}
		}
	}
}

// listen opens a connection that is told of every commit from now on, and takes
// over what was committed before.
func (f *Follower) listen(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, f.db.pg.Copy())
	if err != nil {
		return nil, fmt.Errorf("connect to hear of changes: %w", err)
	}
	var name string
	err = conn.QueryRow(ctx, `SELECT `+channel).Scan(&name)
	if err == nil {
		_, err = conn.Exec(ctx, `LISTEN `+quoted(name))
	}
	var at uint64
	if err == nil {
		at, err = reached(ctx, f.db, f.projections)
	}
	if err != nil {
		hangUp(conn)
		return nil, fmt.Errorf("listen for changes: %w", err)
	}
	f.progress.set(Change{Block: at})
	return conn, nil
}

func (f *Follower) hear(ctx context.Context, conn *pgx.Conn) error {
	for {
		told, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		var c Change
		if err := json.Unmarshal([]byte(told.Payload), &c); err != nil {
			return fmt.Errorf("read the notification %q: %w", told.Payload, err)
		}
		f.progress.set(c)
	}
}

// hangUp closes a connection outside the pool, politely but without waiting long.
func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn.Close(ctx)
}

// longestNotification is what PostgreSQL takes (8000 bytes) with some room.
const longestNotification = 7900

// tell lets all hosts know of a change when the transaction commits. Where
// there is one host it knows by itself.
func (tx *Tx) tell(ctx context.Context, c Change) error {
	if tx.Dialect() == SQLite {
		return nil
	}
	payload, err := json.Marshal(c)
	if err == nil && len(payload) > longestNotification {
		c.Events = nil
		payload, err = json.Marshal(c)
	}
	if err != nil {
		return fmt.Errorf("notify of block %d: %w", c.Block, err)
	}
	if _, err := tx.ExecContext(ctx, `SELECT pg_notify(`+channel+`, $1)`, string(payload)); err != nil {
		return fmt.Errorf("notify of block %d: %w", c.Block, err)
	}
	return nil
}

// lockOthersOut keeps other hosts from making tables until the commit. SQLite's
// writing transactions exclude each other anyway.
func (tx *Tx) lockOthersOut(ctx context.Context) error {
	if tx.Dialect() == SQLite {
		return nil
	}
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(`+setupKey+`)`); err != nil {
		return fmt.Errorf("lock the read model: %w", err)
	}
	return nil
}
