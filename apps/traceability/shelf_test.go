package traceability

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"html/template"
	"io"
	"testing"
)

func bareShelf(most int) *shelf {
	s := newShelf(func(_, text string, facts ...any) string { return sayer{}.T(text, facts...) })
	s.most = most
	return s
}

func TestShelfKeepsWhatStands(t *testing.T) {
	s, key := bareShelf(1<<20), shelfKey{"/01/1/10/A", "en"}
	first := s.put(key, 1, "2026-11-21", &shopperView{Product: "Milk"})
	if got := s.get(key, 1, "2026-11-21"); got != first {
		t.Error("nothing has changed, and the page is not there")
	}
	if s.get(key, 2, "2026-11-21") != nil {
		t.Error("the tables have changed, and the old page is served")
	}
	if s.get(key, 1, "2026-11-22") != nil {
		t.Error("a day has passed, and the old page is served")
	}
	if same := s.put(key, 2, "2026-11-21", &shopperView{Product: "Milk"}); same.etag[0] != first.etag[0] {
		t.Error("the same view made another page")
	}
	if other := s.put(key, 3, "2026-11-21", &shopperView{Product: "Milk", Verdict: recalled}); other.etag[0] == first.etag[0] {
		t.Error("a recall left the page as it was")
	}
}

func TestShelfPacksThePage(t *testing.T) {
	s := bareShelf(1 << 20)
	k := s.put(shelfKey{"/01/1/10/A", "en"}, 1, "", &shopperView{Product: "Milk"})
	before := s.bytes
	p := s.pack(k)
	z, err := gzip.NewReader(bytes.NewReader(p.gzip))
	if err != nil {
		t.Fatal(err)
	}
	whole := s.pages["en"]().whole(nil, k.page)
	if plain, err := io.ReadAll(z); err != nil || !bytes.Equal(plain, whole) {
		t.Errorf("%v: unpacked, %d bytes are %d", err, len(whole), len(plain))
	}
	if p.length[0] != fmt.Sprint(len(p.gzip)) || k.length[0] != fmt.Sprint(len(whole)) {
		t.Errorf("says %s and %s bytes", p.length, k.length)
	}
	if !bytes.Contains(whole, []byte(`data-etag="`+template.HTMLEscapeString(k.etag[0])+`"`)) {
		t.Errorf("the page does not know that it is %s", k.etag)
	}
	if s.bytes != before+len(p.gzip) {
		t.Errorf("the shelf counts %d bytes for %d", s.bytes-before, len(p.gzip))
	}
}

func TestShelfStaysWithinItsBytes(t *testing.T) {
	s := bareShelf(50_000)
	for i := range 1000 {
		s.put(shelfKey{fmt.Sprint("/", i), "en"}, 1, "", &shopperView{Product: fmt.Sprint(i)})
		if k := s.get(shelfKey{"/0", "en"}, 1, ""); k != nil {
			s.pack(k)
		}
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
