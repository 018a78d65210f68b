package readmodel

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/shared/ledger"
)

// Difference is the first place where the rows are not what the ledger says.
type Difference struct {
	Table  string
	Key    string // the row's primary key, "id=L1"
	Column string // empty when a whole row is missing or too much
	Have   string // in the database
	Want   string // by the ledger
}

// String says it in a line.
func (d Difference) String() string {
	if d.Column == "" {
		return fmt.Sprintf("%s, %s: have %s, want %s", d.Table, d.Key, d.Have, d.Want)
	}
	return fmt.Sprintf("%s, %s: %s is %s, the ledger says %s", d.Table, d.Key, d.Column, d.Have, d.Want)
}

// Compare replays the ledger into scratch, an empty database, and compares every
// derived table with it, row by row, at one position. It returns the first
// difference of each table that has one, up to mostDifferences. The live tables may be followed meanwhile.
func (f *Follower) Compare(ctx context.Context, scratch *DB) (all []Difference, err error) {
	if err := prepare(ctx, scratch, f.projections, true); err != nil {
		return nil, fmt.Errorf("prepare the scratch database: %w", err)
	}
	// The long part first, without holding the live database; then what came
	// in the meantime, at the position of a snapshot.
	about, err := reached(ctx, f.db, f.projections)
	if err != nil {
		return nil, err
	}
	if err := f.replay(ctx, scratch, about); err != nil {
		return nil, err
	}
	live, err := f.db.read.BeginTx(ctx, &sql.TxOptions{Isolation: snapshot(f.db), ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("open a snapshot: %w", err)
	}
	defer live.Rollback()
	exactly, err := reached(ctx, live, f.projections)
	if err != nil {
		return nil, err
	}
	if err := f.replay(ctx, scratch, exactly); err != nil {
		return nil, err
	}
	for _, p := range f.projections {
		for _, table := range p.tables {
			d, err := compareTable(ctx, f.db, live, scratch, table)
			if err != nil {
				return all, err
			}
			if d != nil && len(all) < mostDifferences {
				all = append(all, *d)
			}
		}
	}
	return all, nil
}

// mostDifferences bounds what one comparison tells.
const mostDifferences = 20

// snapshot is the isolation in which all reads see one moment; SQLite has no other.
func snapshot(db *DB) sql.IsolationLevel {
	if db.dialect == SQLite {
		return sql.LevelDefault
	}
	return sql.LevelRepeatableRead
}

// replay brings scratch to a position that the ledger has reached.
func (f *Follower) replay(ctx context.Context, scratch *DB, to uint64) error {
	last, err := reached(ctx, scratch, f.projections)
	if err != nil || last >= to {
		return err
	}
	if head := f.source.Head().Block; head < to {
		return fmt.Errorf("the read model stands at block %d, but the ledger ends at %d: rebuild the read model", to, head)
	}
	var blocks []ledger.Block
	events := 0
	for block, err := range f.source.Events(ctx, ledger.Position{Block: last}) {
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		if block.Number > to {
			break
		}
		blocks = append(blocks, block)
		events += countEvents(block)
		if block.Number == to || len(blocks) == mostBlocks || events >= mostEvents {
			if err := apply(ctx, scratch, f.projections, last, blocks, changeOf(blocks)); err != nil {
				return fmt.Errorf("replay: %w", err)
			}
			last, blocks, events = block.Number, nil, 0
		}
		if block.Number == to {
			return nil
		}
	}
	if len(blocks) > 0 {
		return apply(ctx, scratch, f.projections, last, blocks, changeOf(blocks))
	}
	return ctx.Err()
}

// compareTable walks both tables in the order of their keys.
func compareTable(ctx context.Context, db *DB, live Querier, scratch *DB, table string) (*Difference, error) {
	columns, err := columnsOf(ctx, scratch, table)
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", table, err)
	}
	have, err := openCursor(ctx, db.dialect, live, table, columns)
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", table, err)
	}
	defer have.rows.Close()
	want, err := openCursor(ctx, scratch.dialect, scratch, table, columns)
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", table, err)
	}
	defer want.rows.Close()
	for {
		if err := have.next(); err != nil {
			return nil, fmt.Errorf("compare %s: %w", table, err)
		}
		if err := want.next(); err != nil {
			return nil, fmt.Errorf("compare %s: %w", table, err)
		}
		if have.row == nil && want.row == nil {
			return nil, nil
		}
		if d := differ(have.row, want.row, columns); d != nil {
			d.Table = table
			return d, nil
		}
	}
}

// differ compares two rows that stand at the same place in the order of keys.
func differ(have, want []any, columns []column) *Difference {
	order := 0
	switch {
	case have == nil:
		order = 1
	case want == nil:
		order = -1
	default:
		for i := 0; i < len(columns) && columns[i].key && order == 0; i++ {
			order = compareValues(have[i], want[i])
		}
	}
	switch {
	case order < 0:
		return &Difference{Key: keyOf(have, columns), Have: "this row", Want: "no such row"}
	case order > 0:
		return &Difference{Key: keyOf(want, columns), Have: "no such row", Want: "this row"}
	}
	for i, c := range columns {
		if compareValues(have[i], want[i]) != 0 {
			return &Difference{Key: keyOf(have, columns), Column: c.name, Have: show(have[i]), Want: show(want[i])}
		}
	}
	return nil
}

func keyOf(row []any, columns []column) string {
	var parts []string
	for i, c := range columns {
		if c.key {
			parts = append(parts, c.name+"="+show(row[i]))
		}
	}
	return strings.Join(parts, " ")
}

// column is one of a table's columns; those of the primary key come first, in
// its order. A table without one is taken to have all columns as its key.
type column struct {
	name string
	text bool
	key  bool
}

func columnsOf(ctx context.Context, db *DB, table string) ([]column, error) {
	query := `SELECT name, lower(type) AS kind, pk FROM pragma_table_info($1) ORDER BY pk = 0, pk, cid`
	if db.dialect == Postgres {
		query = `SELECT c.column_name, c.data_type,
				coalesce(array_position(i.indkey::int2[], c.ordinal_position::int2) + 1, 0) AS pk
			FROM information_schema.columns c
			LEFT JOIN pg_index i ON i.indrelid = to_regclass(quote_ident($1)) AND i.indisprimary
			WHERE c.table_schema = current_schema() AND c.table_name = $1
			ORDER BY coalesce(array_position(i.indkey::int2[], c.ordinal_position::int2), 1000), c.ordinal_position`
	}
	type info struct {
		Name, Kind string
		Key        int
	}
	infos, err := All[info](ctx, db, query, table)
	if err != nil {
		return nil, err
	}
	if len(infos) == 0 {
		return nil, fmt.Errorf("the projection names the table %q but does not make it", table)
	}
	keyless := !slices.ContainsFunc(infos, func(c info) bool { return c.Key > 0 })
	var columns []column
	for _, c := range infos {
		columns = append(columns, column{name: c.Name, text: c.Kind == "text", key: keyless || c.Key > 0})
	}
	return columns, nil
}

// cursor reads a table in the order of its key, which is the same on both
// engines: bytes for texts, nulls first.
type cursor struct {
	rows    *sql.Rows
	row     []any // nil at the end
	columns int
}

func openCursor(ctx context.Context, dialect Dialect, q Querier, table string, columns []column) (*cursor, error) {
	var names, order []string
	for _, c := range columns {
		names = append(names, quoted(c.name))
		if !c.key {
			continue
		}
		by := quoted(c.name)
		if c.text && dialect == Postgres {
			by += ` COLLATE "C"`
		}
		order = append(order, by+" NULLS FIRST")
	}
	rows, err := q.QueryContext(ctx, "SELECT "+strings.Join(names, ", ")+" FROM "+quoted(table)+
		" ORDER BY "+strings.Join(order, ", "))
	if err != nil {
		return nil, err
	}
	return &cursor{rows: rows, columns: len(columns)}, nil
}

func (c *cursor) next() error {
	c.row = nil
	if !c.rows.Next() {
		return c.rows.Err()
	}
	row, targets := make([]any, c.columns), make([]any, c.columns)
	for i := range row {
		targets[i] = &row[i]
	}
	if err := c.rows.Scan(targets...); err != nil {
		return err
	}
	c.row = row
	return nil
}

// compareValues orders two values of one column as both engines do. SQLite
// gives a truth value as a number.
func compareValues(a, b any) int {
	a, b = plain(a), plain(b)
	if x, ok := a.(int64); ok {
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
	}
	if (a == nil) != (b == nil) {
		if a == nil {
			return -1
		}
		return 1
	}
	return strings.Compare(show(a), show(b))
}

func plain(v any) any {
	switch v := v.(type) {
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case time.Time:
		return v.UTC().Format(timeLayout)
	case []byte:
		return string(v)
	}
	return v
}

// show is a value as a person or a log reads it.
func show(v any) string {
	switch v := plain(v).(type) {
	case nil:
		return "null"
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	default:
		return fmt.Sprint(v)
	}
}
