// Package readmodel is the SQL that pages, lists and exports read: SQLite in a
// file by default, PostgreSQL when several hosts share one database, the same
// hand-written statements on both.
//
// There are two kinds of tables. Derived tables follow the ledger's events: a
// Projection says how, a Follower keeps them, and they are dropped and replayed
// when their shape changes. Own tables (users, sessions, uploads) hold what the
// ledger does not know: Migrate changes them step by step.
//
// What the tables mean is left to the apps.
package readmodel

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// Dialect is the SQL engine behind a DB.
type Dialect string

// The engines.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// DB is an open database. Statements number their arguments $1, $2, … on
// both engines. Times go in and come out in UTC, to the microsecond.
//
// On SQLite all writes share one connection, so writers queue instead of
// failing, and reads never wait for them. A Query that writes (INSERT …
// RETURNING) therefore belongs into InTx.
type DB struct {
	dialect  Dialect
	read     *sql.DB
	write    *sql.DB         // the same as read on PostgreSQL
	pg       *pgx.ConnConfig // for connections that live outside the pool
	folder   string          // of a database in memory, removed by Close
	prepared prepared
	queries  prepared // of the readers
}

// Open opens the database that the address names: "sqlite:/path/to/file.db",
// "sqlite::memory:" for one that lasts until Close, or "postgres://…". A file
// is made if it is not there; its folder must be.
func Open(ctx context.Context, address string) (*DB, error) {
	scheme, rest, _ := strings.Cut(address, ":")
	var db *DB
	var err error
	switch scheme {
	case "sqlite":
		db, err = openSQLite(rest)
	case "postgres", "postgresql":
		db, err = openPostgres(address)
	default:
		return nil, fmt.Errorf("open database %q: the address must begin with sqlite: or postgres://", scheme)
	}
	if err != nil {
		return nil, err
	}
	if err := db.write.PingContext(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s database: %w", scheme, err)
	}
	return db, nil
}

// openSQLite opens one writer and a pool of readers on a file. A database "in
// memory" is a file too, in a folder of its own: SQLite's shared memory mode
// makes readers wait for writers, and would behave unlike what it stands for.
func openSQLite(path string) (*DB, error) {
	db := &DB{dialect: SQLite}
	if path == "" {
		return nil, errors.New("open database: sqlite: needs the path of a file, or :memory:")
	}
	synchronous := "FULL"
	if path == ":memory:" {
		folder, err := os.MkdirTemp("", "tallyway-sql-")
		if err != nil {
			return nil, fmt.Errorf("open database in memory: %w", err)
		}
		db.folder, path, synchronous = folder, filepath.Join(folder, "memory.db"), "OFF"
	}
	open := func(lock string, extra ...string) (*sql.DB, error) {
		q := url.Values{"_txlock": {lock}, "_pragma": append([]string{
			"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(" + synchronous + ")",
			"foreign_keys(1)", "cache_size(-16000)"}, extra...)}
		return sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	}
	var err error
	if db.write, err = open("immediate"); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.write.SetMaxOpenConns(1)
	if db.read, err = open("deferred", "query_only(1)"); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.read.SetMaxIdleConns(readers)
	db.read.SetMaxOpenConns(readers)
	return db, nil
}

// readers bounds the connections of one host: past it, queries queue here
// rather than in the database.
const readers = 16

func openPostgres(address string) (*DB, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err) // pgx leaves the password out
	}
	pool := stdlib.OpenDB(*config)
	pool.SetMaxIdleConns(readers)
	pool.SetMaxOpenConns(readers)
	return &DB{dialect: Postgres, read: pool, write: pool, pg: config}, nil
}

// Dialect tells which engine this is, for the few statements that differ.
func (db *DB) Dialect() Dialect { return db.dialect }

// Close waits for running statements and closes the database.
func (db *DB) Close() error {
	db.prepared.close()
	db.queries.close()
	err := db.write.Close()
	if db.read != db.write {
		err = errors.Join(err, db.read.Close())
	}
	if db.folder != "" {
		err = errors.Join(err, os.RemoveAll(db.folder))
	}
	return err
}

// ExecContext runs one writing statement, durably.
func (db *DB) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return db.write.ExecContext(ctx, db.text(query), db.args(args)...)
}

// QueryContext reads what is committed.
func (db *DB) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	text, args := db.text(query), db.args(args)
	if stmt := db.reading(ctx, text, args); stmt != nil {
		return stmt.QueryContext(ctx, args...)
	}
	return db.read.QueryContext(ctx, text, args...)
}

// QueryRowContext reads one row of what is committed.
func (db *DB) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	text, args := db.text(query), db.args(args)
	if stmt := db.reading(ctx, text, args); stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	return db.read.QueryRowContext(ctx, text, args...)
}

// reading is the prepared form of a query outside of transactions, made at its
// first use. As in a Tx, only SQLite needs it, and only where there are
// arguments.
func (db *DB) reading(ctx context.Context, text string, args []any) *sql.Stmt {
	if db.dialect != SQLite || len(args) == 0 {
		return nil
	}
	stmt := db.queries.get(text)
	if stmt == nil {
		db.queries.prepare(ctx, db.read, []string{text})
		stmt = db.queries.get(text)
	}
	return stmt
}

// InTx runs f in a transaction that writes, and returns after the commit is
// durable. An error or a panic of f takes everything back. f must use the Tx
// and not the DB: on SQLite the DB's writes would wait for the Tx itself.
func (db *DB) InTx(ctx context.Context, f func(*Tx) error) error {
	begun, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer begun.Rollback() // does nothing after a commit
	tx := &Tx{db: db, sql: begun}
	if err := f(tx); err != nil {
		return err
	}
	if err := begun.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	db.prepared.prepare(ctx, db.write, tx.missed)
	return nil
}

// Tx is a transaction that sees its own writes.
type Tx struct {
	db     *DB
	sql    *sql.Tx
	stmts  map[string]*sql.Stmt // prepared before, in use by this transaction
	missed []string             // worth preparing when the connection is free
}

// ExecContext runs one statement of the transaction.
func (tx *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	text, args := tx.db.text(query), tx.db.args(args)
	if stmt := tx.statement(ctx, text, args); stmt != nil {
		return stmt.ExecContext(ctx, args...)
	}
	return tx.sql.ExecContext(ctx, text, args...)
}

// QueryContext reads, the transaction's own writes included.
func (tx *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	text, args := tx.db.text(query), tx.db.args(args)
	if stmt := tx.statement(ctx, text, args); stmt != nil {
		return stmt.QueryContext(ctx, args...)
	}
	return tx.sql.QueryContext(ctx, text, args...)
}

// QueryRowContext reads one row, the transaction's own writes included.
func (tx *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	text, args := tx.db.text(query), tx.db.args(args)
	if stmt := tx.statement(ctx, text, args); stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	return tx.sql.QueryRowContext(ctx, text, args...)
}

// Dialect tells which engine this is.
func (tx *Tx) Dialect() Dialect { return tx.db.dialect }

// statement is the prepared form of a statement, if there is one by now. Only
// SQLite needs it (pgx prepares by itself), and only statements with arguments
// are worth it: those without are schema changes.
func (tx *Tx) statement(ctx context.Context, text string, args []any) *sql.Stmt {
	if tx.db.dialect != SQLite || len(args) == 0 {
		return nil
	}
	if stmt := tx.stmts[text]; stmt != nil {
		return stmt
	}
	stmt := tx.db.prepared.get(text)
	switch {
	case stmt != nil:
		if tx.stmts == nil {
			tx.stmts = map[string]*sql.Stmt{}
		}
		stmt = tx.sql.StmtContext(ctx, stmt)
		tx.stmts[text] = stmt
	case len(tx.missed) < maxPrepared && !slices.Contains(tx.missed, text):
		tx.missed = append(tx.missed, text)
	}
	return stmt
}

// prepared keeps the writer's statements, so that a replay of a million events
// does not parse a million times. They cannot be prepared inside a transaction,
// which holds the only connection; so the first use goes without.
type prepared struct {
	mu    sync.Mutex
	stmts map[string]*sql.Stmt
}

// maxPrepared is far above what a program writes by hand; past it something
// builds its SQL anew each time and would fill the memory.
const maxPrepared = 1000

func (p *prepared) get(text string) *sql.Stmt {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stmts[text]
}

func (p *prepared) prepare(ctx context.Context, db *sql.DB, texts []string) {
	for _, text := range texts {
		p.mu.Lock()
		full := p.stmts[text] != nil || len(p.stmts) >= maxPrepared
		p.mu.Unlock()
		if full {
			continue
		}
		stmt, err := db.PrepareContext(ctx, text)
		if err != nil {
			continue // it ran a moment ago; the next use tells if it no longer does
		}
		p.mu.Lock()
		if p.stmts == nil {
			p.stmts = map[string]*sql.Stmt{}
		}
		if p.stmts[text] == nil {
			p.stmts[text], stmt = stmt, nil
		}
		p.mu.Unlock()
		if stmt != nil {
			stmt.Close() // another transaction was quicker
		}
	}
}

func (p *prepared) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, stmt := range p.stmts {
		stmt.Close()
	}
	p.stmts = nil
}
