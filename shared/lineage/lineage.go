// Package lineage keeps a directed graph of names in memory and walks it: what
// came from what, at any depth.
//
// A walk costs what it visits, not what there is: a name is interned to a
// number, and the edges lie in two compressed sparse rows (forward and back,
// eight bytes an edge together) with a small overlay of recent ones that is
// folded in as it grows. What an edge means, and who may see it, is left to
// the caller.
package lineage

import (
	"slices"
	"sync"
)

// Graph is safe for concurrent use: walks run beside each other and beside Add.
type Graph struct {
	mu      sync.RWMutex
	numbers map[string]node
	names   []string
	rows    [2]row // by Direction
	recent  [2]map[node][]node
	pending int               // edges in recent
	dropped map[pair]struct{} // edges of the rows that are no more
	scratch sync.Pool
}

type node = uint32

// Direction of a walk.
type Direction int

// Forward goes to what was made of a node, Back to what it was made of.
const (
	Forward Direction = iota
	Back
)

// row is a compressed sparse row: the neighbours of n are
// to[start[n]:start[n+1]], sorted.
type row struct {
	start []uint32
	to    []node
}

func (r *row) of(n node) []node {
	if int(n)+1 >= len(r.start) {
		return nil
	}
	return r.to[r.start[n]:r.start[n+1]]
}

// New makes an empty graph.
func New() *Graph {
	g := &Graph{numbers: map[string]node{}, dropped: map[pair]struct{}{}}
	g.recent = [2]map[node][]node{{}, {}}
	g.scratch.New = func() any { return &visited{} }
	return g
}

// Edge says that To was made of From.
type Edge struct{ From, To string }

// Load replaces the graph by the given edges in one go: the way to start.
func (g *Graph) Load(edges func(yield func(Edge) bool)) {
	fresh := New()
	var pairs []pair
	for e := range edges {
		pairs = append(pairs, pair{fresh.number(e.From), fresh.number(e.To)})
	}
	fresh.rows = fold(pairs, len(fresh.names))
	g.mu.Lock()
	defer g.mu.Unlock()
	g.numbers, g.names, g.rows, g.recent, g.pending, g.dropped = fresh.numbers, fresh.names, fresh.rows, fresh.recent, 0, fresh.dropped
}

// Add puts one edge in; one that is there already changes nothing.
func (g *Graph) Add(e Edge) {
	g.mu.Lock()
	defer g.mu.Unlock()
	from, to := g.number(e.From), g.number(e.To)
	if _, there := slices.BinarySearch(g.rows[Forward].of(from), to); there || slices.Contains(g.recent[Forward][from], to) {
		delete(g.dropped, pair{from, to})
		return
	}
	g.recent[Forward][from] = append(g.recent[Forward][from], to)
	g.recent[Back][to] = append(g.recent[Back][to], from)
	g.pending++
	if g.pending > 4096+len(g.rows[Forward].to)/8 {
		g.foldRecent()
	}
}

// Remove takes one edge out, as the error declaration of a process does; one
// that is not there changes nothing.
func (g *Graph) Remove(e Edge) {
	g.mu.Lock()
	defer g.mu.Unlock()
	from, known := g.numbers[e.From]
	to, knownTo := g.numbers[e.To]
	if !known || !knownTo {
		return
	}
	if i := slices.Index(g.recent[Forward][from], to); i >= 0 {
		g.recent[Forward][from] = slices.Delete(g.recent[Forward][from], i, i+1)
		j := slices.Index(g.recent[Back][to], from)
		g.recent[Back][to] = slices.Delete(g.recent[Back][to], j, j+1)
		g.pending--
	} else if _, there := slices.BinarySearch(g.rows[Forward].of(from), to); there {
		g.dropped[pair{from, to}] = struct{}{}
	}
}

// number interns a name. The caller holds the lock.
func (g *Graph) number(name string) node {
	n, ok := g.numbers[name]
	if !ok {
		n = node(len(g.names))
		g.numbers[name] = n
		g.names = append(g.names, name)
	}
	return n
}

type pair struct{ from, to node }

// foldRecent moves the overlay into the rows. It costs the whole graph, and
// happens after the graph has grown by an eighth: a constant per edge.
func (g *Graph) foldRecent() {
	pairs := make([]pair, 0, len(g.rows[Forward].to)+g.pending)
	for n := range g.names {
		from := node(n)
		for _, to := range g.rows[Forward].of(from) {
			if _, gone := g.dropped[pair{from, to}]; !gone {
				pairs = append(pairs, pair{from, to})
			}
		}
		for _, to := range g.recent[Forward][from] {
			pairs = append(pairs, pair{from, to})
		}
	}
	g.rows = fold(pairs, len(g.names))
	g.recent, g.pending, g.dropped = [2]map[node][]node{{}, {}}, 0, map[pair]struct{}{}
}

// fold sorts edges into both rows, each edge once.
func fold(pairs []pair, nodes int) [2]row {
	slices.SortFunc(pairs, func(a, b pair) int {
		if a.from != b.from {
			return int(int64(a.from) - int64(b.from))
		}
		return int(int64(a.to) - int64(b.to))
	})
	pairs = slices.Compact(pairs)
	return [2]row{
		rowOf(pairs, nodes, func(p pair) (node, node) { return p.from, p.to }),
		rowOf(pairs, nodes, func(p pair) (node, node) { return p.to, p.from }),
	}
}

// rowOf counts, sums up and places: neighbours keep the order of the pairs.
func rowOf(pairs []pair, nodes int, ends func(pair) (node, node)) row {
	r := row{start: make([]uint32, nodes+1), to: make([]node, len(pairs))}
	for _, p := range pairs {
		at, _ := ends(p)
		r.start[at+1]++
	}
	for i := 1; i <= nodes; i++ {
		r.start[i] += r.start[i-1]
	}
	next := slices.Clone(r.start[:nodes])
	for _, p := range pairs {
		at, to := ends(p)
		r.to[next[at]] = to
		next[at]++
	}
	return r
}

// Size is the number of nodes and edges.
func (g *Graph) Size() (nodes, edges int) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return len(g.names), len(g.rows[Forward].to) + g.pending - len(g.dropped)
}

// Reached is one node of a walk.
type Reached struct {
	Name  string
	Depth int // steps from the nearest seed
}

// Walk is what a walk found: the nodes in order of depth, the seeds first, and
// the edges between them as they stand in the graph (From made To), each once.
type Walk struct {
	Nodes []Reached
	Edges []Edge
	// Cut says that the walk stopped at its limit and there is more.
	Cut bool
}

// Walk follows the edges from the seeds, breadth first, to at most limit nodes
// (0 means no limit). A seed that the graph does not know is its own whole walk.
func (g *Graph) Walk(d Direction, limit int, seeds ...string) Walk {
	return g.WalkSteps(d, limit, 0, seeds...)
}

// WalkSteps is Walk to at most so many steps from the seeds (0 means no limit).
// Ending there is not a cut.
func (g *Graph) WalkSteps(d Direction, limit, steps int, seeds ...string) Walk {
	var w Walk
	g.visit(d, limit, steps, seeds, &w.Cut, func(name string, depth int) {
		w.Nodes = append(w.Nodes, Reached{name, depth})
	}, func(from, to node) {
		if d == Back {
			from, to = to, from
		}
		w.Edges = append(w.Edges, Edge{g.names[from], g.names[to]})
	})
	return w
}

// Names is a walk's nodes only, for who needs no drawing.
func (g *Graph) Names(d Direction, seeds ...string) []string {
	var names []string
	var cut bool
	g.visit(d, 0, 0, seeds, &cut, func(name string, _ int) { names = append(names, name) }, nil)
	return names
}

// visited marks nodes by generation, so that a walk need not clear it.
type visited struct {
	marks      []uint32
	generation uint32
	queue      []node
}

func (v *visited) begin(nodes int) {
	if len(v.marks) < nodes {
		v.marks, v.generation = make([]uint32, nodes+nodes/4), 0
	}
	v.generation++
	if v.generation == 0 { // wrapped: old marks would look new
		clear(v.marks)
		v.generation = 1
	}
	v.queue = v.queue[:0]
}

// first reports whether n is new to the walk, and marks it.
func (v *visited) first(n node) bool {
	if v.marks[n] == v.generation {
		return false
	}
	v.marks[n] = v.generation
	return true
}

func (g *Graph) visit(d Direction, limit, steps int, seeds []string, cut *bool, found func(string, int), edge func(from, to node)) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	v := g.scratch.Get().(*visited)
	defer g.scratch.Put(v)
	v.begin(len(g.names))
	for _, s := range seeds {
		n, known := g.numbers[s]
		if !known {
			found(s, 0)
		} else if v.first(n) {
			v.queue = append(v.queue, n)
		}
	}
	depth, levelEnd := 0, len(v.queue)
	for i := 0; i < len(v.queue); i++ {
		if i == levelEnd {
			depth, levelEnd = depth+1, len(v.queue)
		}
		n := v.queue[i]
		found(g.names[n], depth)
		if steps > 0 && depth == steps {
			continue
		}
		for _, neighbours := range [2][]node{g.rows[d].of(n), g.recent[d][n]} {
			for _, to := range neighbours {
				if len(g.dropped) > 0 && g.isDropped(d, n, to) {
					continue
				}
				if v.marks[to] != v.generation && limit > 0 && len(v.queue) >= limit {
					*cut = true
					continue
				}
				if edge != nil {
					edge(n, to)
				}
				if v.first(to) {
					v.queue = append(v.queue, to)
				}
			}
		}
	}
}

func (g *Graph) isDropped(d Direction, from, to node) bool {
	if d == Back {
		from, to = to, from
	}
	_, gone := g.dropped[pair{from, to}]
	return gone
}
