package lineage

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
)

func names(w Walk) []string {
	var all []string
	for _, r := range w.Nodes {
		all = append(all, fmt.Sprintf("%s@%d", r.Name, r.Depth))
	}
	return all
}

func TestWalkFollowsMilkToCheese(t *testing.T) {
	g := New()
	for _, e := range []Edge{{"milk1", "curd"}, {"milk2", "curd"}, {"curd", "cheese"}, {"curd", "whey"}, {"salt", "cheese"}} {
		g.Add(e)
	}
	for _, c := range []struct {
		d    Direction
		seed string
		want []string
	}{
		{Forward, "milk1", []string{"milk1@0", "curd@1", "cheese@2", "whey@2"}},
		{Back, "cheese", []string{"cheese@0", "curd@1", "salt@1", "milk1@2", "milk2@2"}},
		{Back, "salt", []string{"salt@0"}},
		{Forward, "nobody", []string{"nobody@0"}},
	} {
		if got := names(g.Walk(c.d, 0, c.seed)); !slices.Equal(got, c.want) {
			t.Errorf("%v from %s: %v, want %v", c.d, c.seed, got, c.want)
		}
	}
	if w := g.Walk(Back, 0, "cheese"); !slices.Contains(w.Edges, Edge{"milk1", "curd"}) || len(w.Edges) != 4 {
		t.Errorf("edges of the walk back: %v", w.Edges)
	}
}

func TestWalkStopsAtItsLimitAndSaysSo(t *testing.T) {
	g := New()
	for i := range 100 {
		g.Add(Edge{"seed", fmt.Sprint(i)})
	}
	if w := g.Walk(Forward, 10, "seed"); len(w.Nodes) != 10 || !w.Cut {
		t.Errorf("%d nodes, cut %v", len(w.Nodes), w.Cut)
	}
	if w := g.Walk(Forward, 101, "seed"); len(w.Nodes) != 101 || w.Cut {
		t.Errorf("%d nodes, cut %v", len(w.Nodes), w.Cut)
	}
}

// The graph answers as a plain map of sets does, whatever was folded when.
func TestWalkAgreesWithPlainSearch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	g, plain := New(), map[string][]string{}
	edges := map[Edge]bool{}
	for range 30_000 {
		e := Edge{fmt.Sprint(r.IntN(9_000)), fmt.Sprint(r.IntN(9_000))}
		g.Add(e)
		if !edges[e] {
			edges[e], plain[e.From] = true, append(plain[e.From], e.To)
		}
	}
	if _, n := g.Size(); n != len(edges) {
		t.Fatalf("%d edges, want %d", n, len(edges))
	}
	fresh := New()
	fresh.Load(func(yield func(Edge) bool) {
		for e := range edges {
			if !yield(e) || !yield(e) { // twice: each counts once
				return
			}
		}
	})
	for range 50 {
		seed := fmt.Sprint(r.IntN(9_000))
		want := search(plain, seed)
		for name, g := range map[string]*Graph{"grown": g, "loaded": fresh} {
			got := g.Names(Forward, seed)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("%s graph from %s: %d nodes, want %d", name, seed, len(got), len(want))
			}
		}
	}
}

// Edges that come and go, folded in between, leave what a plain set leaves.
func TestRemovedEdgesAreNotWalked(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	g, edges := New(), map[Edge]bool{}
	for range 40_000 {
		e := Edge{fmt.Sprint(r.IntN(150)), fmt.Sprint(r.IntN(150))}
		if r.IntN(3) == 0 {
			g.Remove(e)
			delete(edges, e)
		} else {
			g.Add(e)
			edges[e] = true
		}
		if r.IntN(5000) == 0 {
			g.mu.Lock()
			g.foldRecent()
			g.mu.Unlock()
		}
	}
	if _, n := g.Size(); n != len(edges) {
		t.Fatalf("%d edges, want %d", n, len(edges))
	}
	for _, d := range []Direction{Forward, Back} {
		w := g.Walk(d, 0, "7")
		for _, e := range w.Edges {
			if !edges[e] {
				t.Fatalf("walked %v, which was taken out", e)
			}
		}
	}
	plain := map[string][]string{}
	for e := range edges {
		plain[e.From] = append(plain[e.From], e.To)
	}
	got := g.Names(Forward, "7")
	slices.Sort(got)
	if want := search(plain, "7"); !slices.Equal(got, want) {
		t.Errorf("%d nodes, want %d", len(got), len(want))
	}
}

func TestWalkEndsAfterItsSteps(t *testing.T) {
	g := New()
	for i := range 10 {
		g.Add(Edge{fmt.Sprint(i), fmt.Sprint(i + 1)})
	}
	if w := g.WalkSteps(Forward, 0, 3, "0"); len(w.Nodes) != 4 || len(w.Edges) != 3 || w.Cut {
		t.Errorf("three steps: %v, cut %v", w.Nodes, w.Cut)
	}
}

func search(plain map[string][]string, seed string) []string {
	seen, queue := map[string]bool{seed: true}, []string{seed}
	for i := 0; i < len(queue); i++ {
		for _, to := range plain[queue[i]] {
			if !seen[to] {
				seen[to], queue = true, append(queue, to)
			}
		}
	}
	slices.Sort(queue)
	return queue
}

func TestWalksRunBesideAdds(t *testing.T) {
	g := New()
	var done sync.WaitGroup
	for w := range 4 {
		done.Go(func() {
			for i := range 3000 {
				g.Add(Edge{fmt.Sprint(w, i), fmt.Sprint(w, i+1)})
				if i%100 == 0 {
					if n := len(g.Names(Back, fmt.Sprint(w, i+1))); n != i+2 {
						t.Errorf("walk of %d nodes, want %d", n, i+2)
					}
				}
			}
		})
	}
	done.Wait()
}
