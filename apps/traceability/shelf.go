package traceability

import (
	"bytes"
	"compress/gzip"
	"container/list"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"

	"github.com/tallyway/tallyway/shared/web"
)

//go:embed shopper
var shopperFiles embed.FS

// shelf keeps the shoppers' pages ready to be sent, the longest unasked for
// giving way. A page on it is right as long as the tables have not changed
// since: then a scan costs one look into a map. After a change the view is
// read anew, and the page is made anew only where the view differs.
type shelf struct {
	app    *app
	pages  map[string]*template.Template // by language
	policy string                        // Content-Security-Policy of the page

	mu    sync.Mutex
	known map[shelfKey]*list.Element
	order *list.List // of *copyOnShelf, the last asked for in front
	bytes int
	most  int
}

type shelfKey struct{ address, lang string }

// copyOnShelf is one page with its forms.
type copyOnShelf struct {
	key     shelfKey
	version uint64 // of the tables
	today   string
	etag    string
	html    []byte
	gzip    []byte
	data    []byte // the view as JSON
}

func (k *copyOnShelf) size() int { return len(k.html) + len(k.gzip) + len(k.data) + 512 }

// mostShelved is the memory for pages: some thousand of those asked for last.
const mostShelved = 64 << 20

func newShelf(a *app) *shelf {
	s := &shelf{app: a, pages: map[string]*template.Template{}, known: map[shelfKey]*list.Element{}, order: list.New(), most: mostShelved}
	style, script := mustRead("shopper/page.css"), mustRead("shopper/page.js")
	s.policy = "default-src 'none'; style-src '" + digest(style) + "'; script-src '" + digest(script) +
		"'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	words := a.host.Web.Words()
	for _, lang := range web.Languages {
		s.pages[lang] = template.Must(template.New("page.html").Funcs(template.FuncMap{
			"t":      func(text string, facts ...any) string { return words.T(lang, text, facts...) },
			"style":  func() template.CSS { return template.CSS(style) },
			"script": func() template.JS { return template.JS(script) },
			"day":    func(date string) string { return dayIn(lang, date) },
		}).ParseFS(shopperFiles, "shopper/page.html"))
	}
	return s
}

func mustRead(name string) string {
	b, err := shopperFiles.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded above
	}
	return string(b)
}

// digest names an inline text for the Content-Security-Policy (CSP 3, 2.3.1).
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// get is the page of an address, from the shelf if it stands.
func (s *shelf) get(key shelfKey, version uint64, today string) *copyOnShelf {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.known[key]
	if !ok {
		return nil
	}
	s.order.MoveToFront(e)
	if k := e.Value.(*copyOnShelf); k.version == version && k.today == today {
		return k
	}
	return nil
}

// put makes the page of a view and keeps it. A view that says what it said
// before keeps its page, which stands for another version of the tables.
func (s *shelf) put(key shelfKey, version uint64, today string, v *shopperView) (*copyOnShelf, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(append([]byte(key.lang+s.policy), data...))
	fresh := &copyOnShelf{key: key, version: version, today: today, etag: `W/"` + hex.EncodeToString(sum[:12]) + `"`, data: data}
	if old := s.peek(key); old != nil && old.etag == fresh.etag {
		fresh.html, fresh.gzip = old.html, old.gzip
	} else if err := s.render(fresh, v); err != nil {
		return nil, err
	}
	s.keep(fresh)
	return fresh, nil
}

func (s *shelf) peek(key shelfKey) *copyOnShelf {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.known[key]; ok {
		return e.Value.(*copyOnShelf)
	}
	return nil
}

func (s *shelf) render(k *copyOnShelf, v *shopperView) error {
	var page, packed bytes.Buffer
	v.ETag = k.etag
	if err := s.pages[k.key.lang].Execute(&page, v); err != nil {
		return fmt.Errorf("make the shopper's page: %w", err)
	}
	z := packers.Get().(*gzip.Writer)
	defer packers.Put(z)
	z.Reset(&packed)
	if _, err := z.Write(page.Bytes()); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	k.html, k.gzip = page.Bytes(), packed.Bytes()
	return nil
}

// packers are kept: making one costs more than packing a page.
var packers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// keep puts a page in front and lets the last ones go, until all fit.
func (s *shelf) keep(k *copyOnShelf) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.known[k.key]; ok {
		s.drop(e)
	}
	s.known[k.key] = s.order.PushFront(k)
	s.bytes += k.size()
	for s.bytes > s.most && s.order.Len() > 1 {
		s.drop(s.order.Back())
	}
}

func (s *shelf) drop(e *list.Element) {
	k := s.order.Remove(e).(*copyOnShelf)
	delete(s.known, k.key)
	s.bytes -= k.size()
}

// send answers with the form that the visitor takes. Nothing is kept without
// asking again: a recall shows at the next look.
func (s *shelf) send(c *web.Ctx, status int, k *copyOnShelf) error {
	h, r := c.Response().Header(), c.Request()
	h.Set("ETag", k.etag)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept, Accept-Language, Cookie")
	h.Set("Content-Security-Policy", s.policy)
	if status == http.StatusOK && strings.Contains(r.Header.Get("If-None-Match"), k.etag) {
		return c.NoContent(http.StatusNotModified)
	}
	if c.WantsJSON() {
		return c.Blob(status, "application/json", k.data)
	}
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		return c.Blob(status, "text/html; charset=utf-8", k.gzip)
	}
	return c.Blob(status, "text/html; charset=utf-8", k.html)
}
