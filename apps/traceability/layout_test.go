package traceability

import (
	"math/rand/v2"
	"testing"
)

// Milk and salt make curd, curd and milk make cheese: the long arrow from milk
// to cheese goes around the curd.
func TestArrangeSetsWhatWasMadeToTheRight(t *testing.T) {
	const milk, salt, curd, cheese = 0, 1, 2, 3
	spots, routes, columns, rows := arrange(4, []arrow{{milk, curd}, {salt, curd}, {curd, cheese}, {milk, cheese}})
	if columns != 3 || rows < 2 {
		t.Errorf("%d columns, %d rows", columns, rows)
	}
	for node, want := range map[int]int{milk: 0, salt: 0, curd: 1, cheese: 2} {
		if spots[node].column != want {
			t.Errorf("node %d in column %d, want %d", node, spots[node].column, want)
		}
	}
	long := routes[3].via
	if len(long) != 3 || long[1].column != 1 || long[1].row == spots[curd].row {
		t.Errorf("the long arrow goes %v, through the curd at %v", long, spots[curd])
	}
}

// Without a circle, every arrow goes from left to right, a column at a time.
func TestArrowsGoFromLeftToRight(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 60 {
		n := 2 + r.IntN(100)
		names := r.Perm(n) // so that the order of nodes tells nothing
		var arrows []arrow
		for range r.IntN(3 * n) {
			if a, b := r.IntN(n), r.IntN(n); a != b {
				arrows = append(arrows, arrow{names[min(a, b)], names[max(a, b)]})
			}
		}
		spots, routes, columns, rows := arrange(n, arrows)
		for _, way := range routes {
			for i, v := range way.via[1:] {
				if v.column != way.via[i].column+1 {
					t.Fatalf("arrow %v goes from column %d to %d", way.arrow, way.via[i].column, v.column)
				}
			}
		}
		for i, s := range spots {
			if s.column >= columns || s.row > float64(rows)-0.99 {
				t.Fatalf("node %d at %v lies outside %d columns and %d rows", i, s, columns, rows)
			}
		}
	}
}

func TestArrangeKeepsNodesApart(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		n := 1 + r.IntN(80)
		var arrows []arrow
		for range r.IntN(2 * n) {
			arrows = append(arrows, arrow{r.IntN(n), r.IntN(n)}) // cycles and loops included
		}
		spots, routes, _, _ := arrange(n, arrows)
		for i, a := range spots {
			for _, b := range spots[i+1:] {
				if a.column == b.column && a.row-b.row < 0.99 && b.row-a.row < 0.99 {
					t.Fatalf("two nodes at %v and %v", a, b)
				}
			}
			if a.row < 0 {
				t.Fatalf("a node at %v is above the picture", a)
			}
		}
		for _, way := range routes {
			if way.via[0] != spots[way.from] || way.via[len(way.via)-1] != spots[way.to] {
				t.Fatalf("arrow %v goes from %v to %v", way.arrow, way.via[0], way.via[len(way.via)-1])
			}
		}
	}
}
