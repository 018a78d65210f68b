package readmodel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
)

// Projection is a set of derived tables and what each event does to them.
//
// Its handlers see events in the ledger's order, each exactly once, and write
// through the Tx alone. They read no tables but their own projection's, no clock
// and no randomness, so that a replay gives the same rows.
type Projection struct {
	name   string
	schema string
	tables []string
	on     map[string]handler
}

type handler func(ctx context.Context, tx *Tx, m Meta, data json.RawMessage) error

// Meta is where an event comes from.
type Meta struct {
	Block uint64
	Index int // the transaction's place in the block
	Seq   int // the event's place in the transaction
	TxID  string
	At    time.Time // the client's word; UTC
	By    chaincode.Caller
}

// NewProjection names the tables that the schema makes.
//
// The schema is SQL that both engines read: TEXT, BIGINT, BOOLEAN, BYTEA,
// TIMESTAMP (UTC), primary keys, unique and further indexes. When its text
// changes, the tables are dropped and replayed; so a handler that changes its
// mind says so by a comment in the schema ("-- 2: recalls by day").
func NewProjection(name, schema string, tables []string) *Projection {
	return &Projection{name: name, schema: schema, tables: tables, on: map[string]handler{}}
}

// On says what an event of type E does to the projection's tables. Fields that
// E does not know are left aside; events without a handler are passed over. A
// second handler for one event is a mistake of the program, so it panics.
func On[E any](p *Projection, h func(ctx context.Context, tx *Tx, m Meta, e E) error) {
	var zero E
	name := chaincode.NameOf(zero)
	if p.on[name] != nil {
		panic("readmodel: projection " + p.name + " handles " + name + " twice")
	}
	p.on[name] = func(ctx context.Context, tx *Tx, m Meta, data json.RawMessage) error {
		var e E
		if err := json.Unmarshal(data, &e); err != nil {
			return fmt.Errorf("read the event: %w", err)
		}
		return h(ctx, tx, m, e)
	}
}

// hash tells one shape of the tables from another.
func (p *Projection) hash() string {
	sum := sha256.Sum256([]byte(p.schema + "\x00" + strings.Join(p.tables, " ")))
	return hex.EncodeToString(sum[:])
}

// project applies one block.
func (p *Projection) project(ctx context.Context, tx *Tx, block ledger.Block) error {
	for _, t := range block.Transactions {
		for seq, event := range t.Events {
			h := p.on[event.Name]
			if h == nil {
				continue
			}
			m := Meta{Block: block.Number, Index: t.Index, Seq: seq, TxID: t.TxID, At: t.At.UTC(), By: t.By}
			if err := guarded(h, ctx, tx, m, event.Data); err != nil {
				return fmt.Errorf("projection %s, block %d, transaction %s, event %d %s: %w",
					p.name, block.Number, t.TxID, seq, event.Name, err)
			}
		}
	}
	return nil
}

// guarded turns a handler's panic into an error: one bad event stops the
// following and leaves the host serving.
func guarded(h handler, ctx context.Context, tx *Tx, m Meta, data json.RawMessage) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return h(ctx, tx, m, data)
}

// positions is how far each projection's rows have come. It stands beside them
// and commits with them.
const positions = `CREATE TABLE IF NOT EXISTS readmodel_projections (
	name TEXT PRIMARY KEY, hash TEXT NOT NULL, tables TEXT NOT NULL, block BIGINT NOT NULL)`

// standing is one row of it.
type standing struct {
	Name   string `db:"name"`
	Hash   string `db:"hash"`
	Tables string `db:"tables"`
	Block  int64  `db:"block"`
}

// prepare makes the tables that are missing and, if it may, replaces those whose
// schema is another. A projection that is new or replaced begins at the genesis
// block.
func prepare(ctx context.Context, db *DB, projections []*Projection, replace bool) error {
	return db.InTx(ctx, func(tx *Tx) error {
		// Hosts that start together would both see a table missing and both make it.
		if err := tx.lockOthersOut(ctx); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, positions); err != nil {
			return fmt.Errorf("make the table of positions: %w", err)
		}
		stands, err := All[standing](ctx, tx, `SELECT name, hash, tables, block FROM readmodel_projections`)
		if err != nil {
			return fmt.Errorf("read the positions: %w", err)
		}
		for _, p := range projections {
			at := slices.IndexFunc(stands, func(s standing) bool { return s.Name == p.name })
			if at >= 0 && (!replace || stands[at].Hash == p.hash()) {
				continue
			}
			if err := p.reset(ctx, tx); err != nil {
				return err
			}
			if err := tx.tell(ctx, Change{Reset: true}); err != nil {
				return err
			}
		}
		return nil
	})
}

// reset drops what earlier versions of the projection left, makes its tables
// and sets its position to the beginning.
func (p *Projection) reset(ctx context.Context, tx *Tx) error {
	old, err := All[string](ctx, tx, `SELECT tables FROM readmodel_projections WHERE name = $1`, p.name)
	if err != nil {
		return fmt.Errorf("projection %s: %w", p.name, err)
	}
	drop := slices.Clone(p.tables)
	for _, names := range old {
		drop = append(drop, strings.Fields(names)...)
	}
	slices.Reverse(drop) // a table may refer to one made before it
	for _, table := range drop {
		if _, err := tx.ExecContext(ctx, `DROP TABLE IF EXISTS `+quoted(table)); err != nil {
			return fmt.Errorf("projection %s: drop %s: %w", p.name, table, err)
		}
	}
	if _, err := tx.ExecContext(ctx, p.schema); err != nil {
		return fmt.Errorf("projection %s: make its tables: %w", p.name, err)
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO readmodel_projections (name, hash, tables, block) VALUES ($1, $2, $3, 0)
		ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, tables = excluded.tables, block = 0`,
		p.name, p.hash(), strings.Join(p.tables, " "))
	if err != nil {
		return fmt.Errorf("projection %s: set its position: %w", p.name, err)
	}
	return nil
}

// Empty deletes the rows of every projection that the database holds and sets
// their positions to the beginning.
func Empty(ctx context.Context, tx *Tx) error {
	if err := tx.lockOthersOut(ctx); err != nil {
		return err
	}
	stands, err := All[standing](ctx, tx, `UPDATE readmodel_projections SET block = 0 RETURNING name, hash, tables, block`)
	if err != nil {
		return fmt.Errorf("set the positions back: %w", err)
	}
	for _, s := range stands {
		tables := strings.Fields(s.Tables)
		slices.Reverse(tables) // a table may refer to one made before it
		for _, table := range tables {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+quoted(table)); err != nil {
				return fmt.Errorf("projection %s: empty %s: %w", s.Name, table, err)
			}
		}
	}
	return nil
}

// HasTable reports whether the database has a table of that name.
func (tx *Tx) HasTable(ctx context.Context, name string) (bool, error) {
	query := `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1`
	if tx.Dialect() == Postgres {
		query = `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = $1`
	}
	n, err := One[int](ctx, tx, query, name)
	return n > 0, err
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// errMoved says that the rows are not where this follower left them: another
// host follows, or a rebuild began.
var errMoved = errors.New("the read model was moved by another")

// apply projects blocks in one transaction with the positions they lead to.
// last is the block up to which the caller knows everything applied. Blocks that
// a projection has already seen are passed over, so a block delivered twice
// counts once.
func apply(ctx context.Context, db *DB, projections []*Projection, last uint64, blocks []ledger.Block, change Change) error {
	return db.InTx(ctx, func(tx *Tx) error {
		// The update changes nothing but locks the rows: whoever else follows
		// waits here, then finds the positions moved.
		stands, err := All[standing](ctx, tx,
			`UPDATE readmodel_projections SET block = block RETURNING name, hash, tables, block`)
		if err != nil {
			return fmt.Errorf("lock the positions: %w", err)
		}
		for _, p := range projections {
			at := slices.IndexFunc(stands, func(s standing) bool { return s.Name == p.name && s.Hash == p.hash() })
			if at < 0 || uint64(stands[at].Block) < last {
				return errMoved
			}
			seen := uint64(stands[at].Block)
			for _, block := range blocks {
				if block.Number <= seen {
					continue
				}
				if err := p.project(ctx, tx, block); err != nil {
					return err
				}
				seen = block.Number
			}
			_, err := tx.ExecContext(ctx,
				`UPDATE readmodel_projections SET block = $2 WHERE name = $1 AND block < $2`, p.name, int64(change.Block))
			if err != nil {
				return fmt.Errorf("projection %s: move its position: %w", p.name, err)
			}
		}
		return tx.tell(ctx, change)
	})
}

// reached is the block up to which every projection has come.
func reached(ctx context.Context, q Querier, projections []*Projection) (uint64, error) {
	stands, err := All[standing](ctx, q, `SELECT name, hash, tables, block FROM readmodel_projections`)
	if err != nil {
		return 0, fmt.Errorf("read the positions: %w", err)
	}
	var least *int64
	for _, p := range projections {
		for _, s := range stands {
			if s.Name == p.name && (least == nil || s.Block < *least) {
				least = &s.Block
			}
		}
	}
	if least == nil {
		return 0, nil
	}
	return uint64(*least), nil
}
