package traceability

import (
	"cmp"
	"slices"
)

// arrow points from what went in to what came out, by index of node.
type arrow struct{ from, to int }

// spot is where a node stands: its column (what it was made of stands to its
// left) and the middle of its row, in units of one row.
type spot struct {
	column int
	row    float64
}

// route is an arrow's way: the spots it passes, its ends included.
type route struct {
	arrow
	via []spot
}

// arrange lays a graph of n nodes out in columns, in the manner of Sugiyama:
// longest path for the columns, helper nodes where an arrow passes a column,
// barycentres against crossings, then rows pulled towards their neighbours.
// Arrows of a cycle (goods reworked into an earlier lot) are laid as if turned.
func arrange(n int, arrows []arrow) (spots []spot, routes []route, columns, rows int) {
	forward := acyclic(n, arrows)
	l := &layout{column: longestPaths(n, forward)}
	l.addHelpers(arrows, forward)
	l.order()
	l.place()
	for i := range n {
		spots = append(spots, spot{l.column[i], l.row[i]})
	}
	for i, a := range arrows {
		r := route{arrow: a}
		for _, node := range l.chains[i] {
			r.via = append(r.via, spot{l.column[node], l.row[node]})
		}
		routes = append(routes, r)
	}
	return spots, routes, len(l.columns), int(l.height + 0.999)
}

// acyclic turns the arrows that close a cycle.
func acyclic(n int, arrows []arrow) []arrow {
	out := make([][]int, n)
	for i, a := range arrows {
		out[a.from] = append(out[a.from], i)
	}
	turned := slices.Clone(arrows)
	const unseen, open, done = 0, 1, 2
	state := make([]int, n)
	for root := range n {
		if state[root] != unseen {
			continue
		}
		type frame struct{ node, next int }
		stack := []frame{{root, 0}}
		state[root] = open
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			if top.next == len(out[top.node]) {
				state[top.node] = done
				stack = stack[:len(stack)-1]
				continue
			}
			i := out[top.node][top.next]
			top.next++
			switch to := arrows[i].to; state[to] {
			case unseen:
				state[to] = open
				stack = append(stack, frame{to, 0})
			case open:
				turned[i] = arrow{to, arrows[i].from}
			}
		}
	}
	return turned
}

// longestPaths gives each node the column after its last predecessor's.
func longestPaths(n int, arrows []arrow) []int {
	column, waits := make([]int, n), make([]int, n)
	out := make([][]int, n)
	for _, a := range arrows {
		if a.from != a.to {
			waits[a.to]++
			out[a.from] = append(out[a.from], a.to)
		}
	}
	var ready []int
	for i := range n {
		if waits[i] == 0 {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		node := ready[0]
		ready = ready[1:]
		for _, to := range out[node] {
			column[to] = max(column[to], column[node]+1)
			if waits[to]--; waits[to] == 0 {
				ready = append(ready, to)
			}
		}
	}
	return column
}

// layout is the graph with helpers while rows are sought.
type layout struct {
	column  []int   // of each node and helper
	columns [][]int // the nodes of each column, from the top
	left    [][]int // neighbours in the column before
	right   [][]int // and after
	chains  [][]int // the nodes that each arrow passes
	row     []float64
	height  float64
}

func (l *layout) addHelpers(arrows, forward []arrow) {
	l.left, l.right = make([][]int, len(l.column)), make([][]int, len(l.column))
	for i, a := range forward {
		chain := []int{a.from}
		for c := l.column[a.from] + 1; c < l.column[a.to]; c++ {
			helper := len(l.column)
			l.column = append(l.column, c)
			l.left, l.right = append(l.left, nil), append(l.right, nil)
			l.join(chain[len(chain)-1], helper)
			chain = append(chain, helper)
		}
		if a.from != a.to {
			l.join(chain[len(chain)-1], a.to)
		}
		chain = append(chain, a.to)
		if a != arrows[i] {
			slices.Reverse(chain)
		}
		l.chains = append(l.chains, chain)
	}
	for node, c := range l.column {
		for len(l.columns) <= c {
			l.columns = append(l.columns, nil)
		}
		l.columns[c] = append(l.columns[c], node)
	}
}

func (l *layout) join(from, to int) {
	l.right[from] = append(l.right[from], to)
	l.left[to] = append(l.left[to], from)
}

// sweeps is where further ones change little.
const sweeps = 12

// order sorts each column by the mean place of the neighbours, sweeping to and
// fro.
func (l *layout) order() {
	place := make([]float64, len(l.column))
	number := func(column []int) {
		for i, node := range column {
			place[node] = float64(i) - float64(len(column)-1)/2
		}
	}
	for _, column := range l.columns {
		number(column)
	}
	for s := range sweeps {
		neighbours, columns := l.left, slices.All(l.columns)
		if s%2 == 1 {
			neighbours, columns = l.right, slices.Backward(l.columns)
		}
		for _, column := range columns {
			slices.SortStableFunc(column, func(a, b int) int {
				return cmp.Compare(mean(place, neighbours[a], place[a]), mean(place, neighbours[b], place[b]))
			})
			number(column)
		}
	}
}

func mean(place []float64, nodes []int, otherwise float64) float64 {
	if len(nodes) == 0 {
		return otherwise
	}
	sum := 0.0
	for _, n := range nodes {
		sum += place[n]
	}
	return sum / float64(len(nodes))
}

// place pulls every node towards its neighbours, keeping the order and one
// row's distance.
func (l *layout) place() {
	l.row = make([]float64, len(l.column))
	for _, column := range l.columns {
		for i, node := range column {
			l.row[node] = float64(i) - float64(len(column)-1)/2
		}
	}
	for s := range sweeps {
		neighbours, columns := l.left, slices.All(l.columns)
		if s%2 == 1 {
			neighbours, columns = l.right, slices.Backward(l.columns)
		}
		for _, column := range columns {
			l.settle(column, neighbours)
		}
	}
	top := 0.0
	for i, r := range l.row {
		if i == 0 || r < top {
			top = r
		}
	}
	for i := range l.row {
		l.row[i] -= top
		l.height = max(l.height, l.row[i]+1)
	}
}

// settle moves a column's nodes to where they would like to be, then apart:
// once from the top and once from the bottom, and takes the middle.
func (l *layout) settle(column []int, neighbours [][]int) {
	down, up := make([]float64, len(column)), make([]float64, len(column))
	for i, node := range column {
		down[i] = mean(l.row, neighbours[node], l.row[node])
		up[i] = down[i]
	}
	for i := 1; i < len(column); i++ {
		down[i] = max(down[i], down[i-1]+1)
	}
	for i := len(column) - 2; i >= 0; i-- {
		up[i] = min(up[i], up[i+1]-1)
	}
	for i, node := range column {
		l.row[node] = (down[i] + up[i]) / 2
	}
}
