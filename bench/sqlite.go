package main

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite"
)

// table is a table of envelopes in SQLite, as durable as a block: with
// synchronous=FULL the write-ahead log is synced at every commit.
type table struct{ db *sql.DB }

func openTable(file string) (*table, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // SQLite has one writer; waiting in Go is cheaper than its busy handler
	_, err = db.Exec(`CREATE TABLE transactions (id INTEGER PRIMARY KEY, tx TEXT NOT NULL, envelope BLOB NOT NULL)`)
	return &table{db}, err
}

func (t *table) close() { t.db.Close() }

const insertEnvelope = `INSERT INTO transactions (tx, envelope) VALUES ($1, $2)`

// insertEach has every writer insert the bytes of the ledger's transactions,
// each in a transaction of its own.
func (t *table) insertEach(ctx context.Context, all []written, spell time.Duration) (float64, error) {
	statement, err := t.db.PrepareContext(ctx, insertEnvelope)
	if err != nil {
		return 0, err
	}
	defer statement.Close()
	return byWriters(all, spell, func(w written) error {
		_, err := statement.ExecContext(ctx, w.TxID, w.payload)
		return err
	})
}

// insertGrouped has one goroutine insert what all writers bring, in as few
// transactions as their waiting allows.
func (t *table) insertGrouped(ctx context.Context, all []written, spell time.Duration) (float64, error) {
	type call struct {
		written
		done chan error
	}
	calls := make(chan call, writers)
	var committer sync.WaitGroup
	committer.Go(func() {
		for first := range calls {
			group := []call{first}
			for more := true; more && len(group) < writers; {
				select {
				case c, open := <-calls:
					if more = open; open {
						group = append(group, c)
					}
				default:
					more = false
				}
			}
			err := t.transact(ctx, func(tx *sql.Tx) (err error) {
				for _, c := range group {
					_, e := tx.ExecContext(ctx, insertEnvelope, c.TxID, c.payload)
					err = errors.Join(err, e)
				}
				return err
			})
			for _, c := range group {
				c.done <- err
			}
		}
	})
	rate, err := byWriters(all, spell, func(w written) error {
		c := call{w, make(chan error, 1)}
		calls <- c
		return <-c.done
	})
	close(calls)
	committer.Wait()
	return rate, err
}

func (t *table) transact(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// byWriters has as many writers as the ledger has do one thing again and again
// for the spell.
func byWriters(all []written, spell time.Duration, do func(written) error) (float64, error) {
	var done atomic.Int64
	failures := make([]error, writers)
	var group sync.WaitGroup
	begun := time.Now()
	for i := range writers {
		group.Go(func() {
			for j := i; time.Since(begun) < spell && failures[i] == nil; j += writers {
				failures[i] = do(all[j%len(all)])
				done.Add(1)
			}
		})
	}
	group.Wait()
	return float64(done.Load()) / time.Since(begun).Seconds(), errors.Join(failures...)
}
