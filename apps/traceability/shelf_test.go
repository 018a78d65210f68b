package traceability

import (
	"container/list"
	"fmt"
	"html/template"
	"testing"
)

// bareShelf renders what its pages are told and nothing else.
func bareShelf(most int) *shelf {
	page := template.Must(template.New("page.html").Parse(`{{.Product}}`))
	return &shelf{pages: map[string]*template.Template{"en": page}, known: map[shelfKey]*list.Element{}, order: list.New(), most: most}
}

func TestShelfKeepsWhatStands(t *testing.T) {
	s, key := bareShelf(1<<20), shelfKey{"/01/1/10/A", "en"}
	first, err := s.put(key, 1, "2026-11-21", &shopperView{Product: "Milk"})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.get(key, 1, "2026-11-21"); got != first {
		t.Error("nothing has changed, and the page is not there")
	}
	if s.get(key, 2, "2026-11-21") != nil {
		t.Error("the tables have changed, and the old page is served")
	}
	if s.get(key, 1, "2026-11-22") != nil {
		t.Error("a day has passed, and the old page is served")
	}
	same, err := s.put(key, 2, "2026-11-21", &shopperView{Product: "Milk"})
	if err != nil || same.etag != first.etag || &same.html[0] != &first.html[0] {
		t.Errorf("the same view made another page: %v", err)
	}
	other, err := s.put(key, 3, "2026-11-21", &shopperView{Product: "Milk", Verdict: recalled})
	if err != nil || other.etag == first.etag {
		t.Errorf("a recall left the page as it was: %v", err)
	}
}

func TestShelfStaysWithinItsBytes(t *testing.T) {
	s := bareShelf(10_000)
	for i := range 1000 {
		if _, err := s.put(shelfKey{fmt.Sprint("/", i), "en"}, 1, "", &shopperView{Product: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
		s.get(shelfKey{"/0", "en"}, 1, "")
	}
	if s.bytes > s.most || s.order.Len() != len(s.known) || len(s.known) < 2 {
		t.Errorf("%d bytes in %d pages, %d known", s.bytes, s.order.Len(), len(s.known))
	}
	if s.get(shelfKey{"/0", "en"}, 1, "") == nil {
		t.Error("the page that is asked for all the time has gone")
	}
	sum := 0
	for _, e := range s.known {
		sum += e.Value.(*copyOnShelf).size()
	}
	if sum != s.bytes {
		t.Errorf("counts %d bytes where there are %d", s.bytes, sum)
	}
}
