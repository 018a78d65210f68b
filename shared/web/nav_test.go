package web

import (
	"slices"
	"testing"
)

// Whatever an app's navigation holds can be reached on a phone, and the bar is
// never wider than five places.
func TestEveryEntryHasAPlaceOnAPhone(t *testing.T) {
	same := func(a, b NavItem) bool { return a.Href == b.Href }
	for n := range 14 {
		s := shell{}
		for i := range n {
			s.Nav = append(s.Nav, NavItem{Href: string(rune('a' + i))})
		}
		bar, more := s.Bottom(), s.More()
		if !slices.EqualFunc(slices.Concat(bar, more), s.Nav, same) {
			t.Errorf("of %d entries a phone shows %v and %v", n, bar, more)
		}
		if places := len(bar) + min(1, len(more)); places > 5 {
			t.Errorf("%d entries take %d places", n, places)
		}
		if len(more) == 1 {
			t.Errorf("of %d entries one alone is hidden", n)
		}
	}
}
