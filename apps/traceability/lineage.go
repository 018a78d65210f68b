package traceability

import (
	"context"
	"fmt"
	"sync"

	"github.com/tallyway/tallyway/shared/lineage"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// lineageCache is what was made of what, in memory. It catches up with the
// tables when it is asked, so that who has just made cheese sees the milk.
type lineageCache struct {
	db       *readmodel.DB
	follower *readmodel.Follower
	graph    *lineage.Graph

	mu      sync.Mutex
	block   int64  // the edges up to it are in the graph
	retired int64  // how many events had been declared errors: then edges can vanish
	version uint64 // of the tables, when the graph last caught up with them
	loaded  bool
	reloads int // how often all edges were read: at the start, and after a rebuild
}

func newLineageCache(db *readmodel.DB, f *readmodel.Follower) *lineageCache {
	return &lineageCache{db: db, follower: f, graph: lineage.New()}
}

// edges are the lots that went into a process and those that came out of it,
// and single things beside the lots that they belong to.
const edges = `SELECT i.lot AS source, o.lot AS target, o.block AS block
	FROM tr_process_lines o JOIN tr_process_lines i ON i.process = o.process AND i.side = 'in'
	WHERE o.side = 'out' AND o.block >= $1
	UNION ALL SELECT batch, id, block FROM tr_lots WHERE batch <> '' AND block >= $2`

// current is the graph with everything that the tables hold now.
func (c *lineageCache) current(ctx context.Context) (*lineage.Graph, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	version := c.follower.Version()
	if c.loaded && version == c.version {
		return c.graph, nil
	}
	var head, retired int64
	row := c.db.QueryRowContext(ctx, `SELECT
		(SELECT COALESCE(MAX(block), 0) FROM tr_process_lines_then), (SELECT COALESCE(MAX(block), 0) FROM tr_lots),
		(SELECT COUNT(*) FROM tr_events WHERE error <> '')`)
	var lots int64
	if err := row.Scan(&head, &lots, &retired); err != nil {
		return nil, fmt.Errorf("read how far the lineage has come: %w", err)
	}
	head = max(head, lots)
	switch {
	case !c.loaded || retired < c.retired || head < c.block: // the tables were made anew
		c.reloads++
		if err := c.load(ctx, 0, true); err != nil {
			return nil, err
		}
	case head > c.block || retired > c.retired:
		if err := c.load(ctx, c.block, false); err != nil {
			return nil, err
		}
		if err := c.unload(ctx, c.block); err != nil {
			return nil, err
		}
	}
	c.block, c.retired, c.version, c.loaded = head, retired, version, true
	return c.graph, nil
}

// gone are the edges that a process of a later block had once, and that no
// process nor single thing has now.
const gone = `SELECT DISTINCT i.lot, o.lot FROM tr_process_lines_then i
	JOIN tr_process_lines_then o ON o.process = i.process AND o.since = i.since AND o.side = 'out'
	WHERE i.side = 'in' AND i.process IN (SELECT process FROM tr_process_lines_then WHERE block >= $1)
	AND NOT EXISTS (SELECT 1 FROM tr_process_lines x JOIN tr_process_lines y ON y.process = x.process AND y.side = 'out' AND y.lot = o.lot
		WHERE x.side = 'in' AND x.lot = i.lot)
	AND NOT EXISTS (SELECT 1 FROM tr_lots l WHERE l.id = o.lot AND l.batch = i.lot)`

// unload takes out what error declarations have taken back since a block.
func (c *lineageCache) unload(ctx context.Context, from int64) error {
	rows, err := c.db.QueryContext(ctx, gone, from)
	if err != nil {
		return fmt.Errorf("read what the lineage has lost: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e lineage.Edge
		if err := rows.Scan(&e.From, &e.To); err != nil {
			return err
		}
		c.graph.Remove(e)
	}
	return rows.Err()
}

// load reads the edges from a block on.
func (c *lineageCache) load(ctx context.Context, from int64, replace bool) error {
	rows, err := c.db.QueryContext(ctx, edges, from, from)
	if err != nil {
		return fmt.Errorf("read the lineage: %w", err)
	}
	defer rows.Close()
	var failed error
	each := func(yield func(lineage.Edge) bool) {
		for rows.Next() {
			var e lineage.Edge
			var block int64
			if failed = rows.Scan(&e.From, &e.To, &block); failed != nil || !yield(e) {
				return
			}
		}
	}
	if replace {
		c.graph.Load(each)
	} else {
		for e := range each {
			c.graph.Add(e)
		}
	}
	if failed == nil {
		failed = rows.Err()
	}
	return failed
}
