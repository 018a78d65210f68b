package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tallyway/tallyway/shared/lineage"
)

// traceRow walks the lineage in memory beside a recursive query in PostgreSQL,
// over the same edges, when both have given the same answers.
func traceRow(ctx context.Context, o options) ([]result, error) {
	url, stop, err := startPostgres()
	if err != nil {
		return []result{{Job: "trace", Beside: "PostgreSQL", Missing: err.Error()}}, nil
	}
	defer stop()
	var worlds []*world
	for _, edges := range o.graphs() {
		w, err := newWorld(ctx, url, edges)
		if err != nil {
			return nil, fmt.Errorf("%d edges: %w", edges, err)
		}
		defer w.db.Close(context.WithoutCancel(ctx))
		worlds = append(worlds, w)
	}
	var all []result
	for _, q := range questions {
		results, err := q.ask(ctx, o, worlds)
		all = append(all, results...)
		if err != nil {
			return all, err
		}
	}
	results, err := overHTTP(ctx, o, url, worlds)
	return append(all, results...), err
}

// graphs are the numbers of edges, smallest first.
func (o options) graphs() []int {
	return [][]int{tiny: {2_000, 4_000}, quick: {100_000}, normal: {100_000, 1_000_000}, full: {100_000, 1_000_000, 10_000_000}}[o.size]
}

// question is one kind of walk: so many walks in a round, of so many seeds each.
type question struct {
	name    string
	d       lineage.Direction
	layer   int // that the seeds are in
	seeds   int
	walks   int
	atLeast float64
}

var questions = []question{
	{"trace back of one lot", lineage.Back, layers - 1, 1, 40, 50},
	{"trace forward of one lot", lineage.Forward, 0, 1, 40, 50},
	{"recall of 200 lots", lineage.Forward, 0, 200, 3, 30},
}

// repeats is how often the graph walks each round's walks: it is too fast for
// the clock otherwise.
const repeats = 20

// ask compares the answers first, then the times, of every world in turn.
func (q question) ask(ctx context.Context, o options, worlds []*world) ([]result, error) {
	var sides []side
	for _, w := range worlds {
		batch, err := q.compare(ctx, w)
		if err != nil {
			return nil, err
		}
		sides = append(sides,
			func(context.Context) (float64, error) { return q.timeGraph(w, batch), nil },
			func(ctx context.Context) (float64, error) { return q.timePostgres(ctx, w, batch) })
	}
	figures, err := inTurns(ctx, o.rounds, sides...)
	if err != nil {
		return nil, err
	}
	var all []result
	for i, w := range worlds {
		ours, theirs := figures[2*i], figures[2*i+1]
		all = append(all, result{Job: fmt.Sprintf("%s, 10^%d edges", q.name, magnitude(w.edges)), Beside: "PostgreSQL recursive CTE, two covering indexes",
			Unit: "x", Figures: ratios(theirs, ours), AtLeast: q.atLeast,
			Sides: map[string][]float64{"ours, s a walk": ours, "postgres, s a walk": theirs}})
	}
	if last := len(worlds) - 1; last > 0 {
		grown := result{Job: fmt.Sprintf("%s, time at 10^%d edges", q.name, magnitude(worlds[last].edges)),
			Beside: fmt.Sprintf("at 10^%d edges", magnitude(worlds[0].edges)), Unit: "x", Figures: ratios(figures[2*last], figures[0])}
		if o.size == full {
			grown.AtMost = 2.5
		}
		all = append(all, grown)
	}
	return all, nil
}

func magnitude(n int) (digits int) {
	for ; n >= 10; n /= 10 {
		digits++
	}
	return digits
}

// district is how far apart the lots of one recall lie, so that the walks from
// them meet as often in a large graph as in a small one.
const district = 5000

// compare picks the round's seeds and fails unless both sides give the same
// lots for every walk. It warms PostgreSQL on the way.
func (q question) compare(ctx context.Context, w *world) ([][]string, error) {
	r := rand.New(rand.NewPCG(7, uint64(q.layer)))
	var batch [][]string
	for range q.walks {
		var seeds []string
		near := r.IntN(w.width)
		for range q.seeds {
			seeds = append(seeds, w.lot(q.layer, (near+r.IntN(district))%w.width))
		}
		slices.Sort(seeds)
		batch = append(batch, slices.Compact(seeds))
	}
	for _, seeds := range batch {
		ours := w.graph.Names(q.d, seeds...)
		theirs, err := w.walk(ctx, q.d, seeds)
		if err != nil {
			return nil, err
		}
		slices.Sort(ours)
		slices.Sort(theirs)
		if !slices.Equal(ours, theirs) {
			return nil, fmt.Errorf("%s from %d lots: the graph reaches %d lots, PostgreSQL %d", q.name, len(seeds), len(ours), len(theirs))
		}
	}
	return batch, nil
}

func (q question) timeGraph(w *world, batch [][]string) float64 {
	begun := time.Now()
	for range repeats {
		for _, seeds := range batch {
			w.graph.Names(q.d, seeds...)
		}
	}
	return time.Since(begun).Seconds() / float64(repeats*len(batch))
}

func (q question) timePostgres(ctx context.Context, w *world, batch [][]string) (float64, error) {
	begun := time.Now()
	for _, seeds := range batch {
		if _, err := w.walk(ctx, q.d, seeds); err != nil {
			return 0, err
		}
	}
	return time.Since(begun).Seconds() / float64(len(batch)), nil
}

// world is one graph, in memory and in a table.
type world struct {
	edges, width int
	graph        *lineage.Graph
	db           *pgx.Conn
	table        string
}

// Lots lie in layers, as milk, curd, cheese, packs … do: each is made of two or
// three of the layer before, from its own neighbourhood, so that a walk finds as
// much in a large graph as in a small one.
const (
	layers        = 8
	neighbourhood = 30
)

func (w *world) lot(layer, i int) string { return fmt.Sprintf("01/0950600013%d352/10/L%08d", layer, i) }

// all yields the edges; the seed is pinned.
func (w *world) all() iter.Seq[lineage.Edge] {
	return func(yield func(lineage.Edge) bool) {
		r := rand.New(rand.NewPCG(1, 1))
		for layer := 1; layer < layers; layer++ {
			for i := range w.width {
				first := r.IntN(neighbourhood)
				for k := range 2 + i%2 {
					from := (i + first + k*(1+r.IntN(neighbourhood/3))) % w.width
					if !yield(lineage.Edge{From: w.lot(layer-1, from), To: w.lot(layer, i)}) {
						return
					}
				}
			}
		}
	}
}

func newWorld(ctx context.Context, url string, edges int) (*world, error) {
	w := &world{edges: edges, width: edges * 2 / 5 / (layers - 1), graph: lineage.New(), table: fmt.Sprintf("edges_%d", edges)}
	w.graph.Load(w.all())
	db, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	w.db = db
	next, stop := iter.Pull(w.all())
	defer stop()
	_, err = db.Exec(ctx, "CREATE TABLE "+w.table+" (source text NOT NULL, target text NOT NULL)")
	if err == nil {
		_, err = db.CopyFrom(ctx, pgx.Identifier{w.table}, []string{"source", "target"}, pgx.CopyFromFunc(func() ([]any, error) {
			e, more := next()
			if !more {
				return nil, nil
			}
			return []any{e.From, e.To}, nil
		}))
	}
	for _, statement := range []string{
		"CREATE INDEX ON " + w.table + " (source, target)",
		"CREATE INDEX ON " + w.table + " (target, source)",
		"VACUUM ANALYZE " + w.table,
	} {
		if err == nil {
			_, err = db.Exec(ctx, statement)
		}
	}
	if err != nil {
		return nil, errors.Join(err, db.Close(ctx))
	}
	return w, nil
}

// walk asks PostgreSQL; the statement is prepared at its first use.
func (w *world) walk(ctx context.Context, d lineage.Direction, seeds []string) ([]string, error) {
	near, far := "source", "target"
	if d == lineage.Back {
		near, far = far, near
	}
	rows, err := w.db.Query(ctx, fmt.Sprintf(`WITH RECURSIVE reached(lot) AS (
		SELECT unnest($1::text[]) UNION SELECT e.%s FROM reached r JOIN %s e ON e.%s = r.lot) SELECT lot FROM reached`,
		far, w.table, near), seeds)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
