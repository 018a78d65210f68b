// Package photos finds photos on record that look alike: the same picture
// scaled, compressed, brightened, turned or mirrored.
package photos

import (
	"cmp"
	"math/bits"
	"slices"
	"sync"

	"github.com/tallyway/tallyway/shared/picture"
)

// Index holds the hash of every photo on record as it lies: some 100
// bytes each, gone through one by one. A photo that is looked for comes in its
// eight orientations.
type Index struct {
	mu      sync.RWMutex
	entries []entry
}

type entry struct {
	hash picture.PDQ
	name string
}

// Match is a photo on record that looks like another.
type Match struct {
	Name     string `json:"sha256"`
	Distance int    `json:"distance"` // differing bits, of 256
	Turned   bool   `json:"turned,omitempty"`
}

// Add puts a photo into the index.
func (x *Index) Add(name string, hash picture.PDQ) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.entries = append(x.entries, entry{hash, name})
}

// Near lists the photos within picture.Near of any of the hashes, the nearest
// first.
func (x *Index) Near(hashes [picture.Orientations]picture.PDQ, most int) []Match {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var found []Match
	for _, e := range x.entries {
		best := Match{Name: e.name, Distance: picture.Near + 1}
		for i, h := range hashes {
			if bits.OnesCount64(e.hash[0]^h[0]) >= best.Distance {
				continue // of other pictures, the first quarter says so half the time
			}
			if d := e.hash.Distance(h); d < best.Distance {
				best.Distance, best.Turned = d, i > 0
			}
		}
		if best.Distance <= picture.Near {
			found = append(found, best)
		}
	}
	slices.SortFunc(found, func(a, b Match) int { return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Name, b.Name)) })
	return found[:min(most, len(found))]
}
