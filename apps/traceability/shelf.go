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
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/tallyway/tallyway/apps/traceability/resolver"
	"github.com/tallyway/tallyway/shared/web"
)

//go:embed shopper
var shopperFiles embed.FS

// shelf keeps the shoppers' pages ready to be sent, the longest unasked for
// giving way. A page on it is right as long as the tables have not changed
// since: then a scan costs one look into a map. After a change the view is
// read anew.
type shelf struct {
	pages  map[string]func() *shopperPages // by language, made when the first is asked for: then all words are there
	policy []string                        // Content-Security-Policy of the page

	mu    sync.Mutex
	known map[shelfKey]*list.Element
	order *list.List // of *copyOnShelf, the last asked for in front
	bytes int
	most  int
}

type shelfKey struct{ address, lang string }

// copyOnShelf is what is one page's own, and the header fields that belong to
// it; who sends it shares these with everybody else.
type copyOnShelf struct {
	key     shelfKey
	version uint64 // of the tables
	today   string
	view    *shopperView
	page    shopperPage
	etag    []string
	length  []string // of the whole page
	links   []string // Link header: to the linkset

	packing sync.Once
	packed  packedPage
	counted int // bytes of it that the shelf counts; the shelf's lock guards it
}

// packedPage is the page as gzip, made when the first visitor takes that.
type packedPage struct {
	gzip   []byte
	length []string
}

// size is about what a copy takes, with what it refers to.
func (k *copyOnShelf) size() int {
	return len(k.page.title) + len(k.page.body) + len(k.links[0]) + k.counted + 1536 + 256*len(k.view.Path) + 256*len(k.view.Links)
}

// mostShelved is the memory for pages: some thousand of those asked for last.
const mostShelved = 64 << 20

func newShelf(words translate) *shelf {
	s := &shelf{pages: map[string]func() *shopperPages{}, known: map[shelfKey]*list.Element{}, order: list.New(), most: mostShelved}
	style, script := mustRead("shopper/page.css"), mustRead("shopper/page.js")
	s.policy = []string{"default-src 'none'; style-src '" + digest(style) + "'; script-src '" + digest(script) +
		"'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"}
	for _, lang := range web.Languages {
		s.pages[lang] = sync.OnceValue(func() *shopperPages { return newShopperPages(lang, words, style, script) })
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

// put makes the page of a view and keeps it.
func (s *shelf) put(key shelfKey, version uint64, today string, v *shopperView) *copyOnShelf {
	fresh := s.render(key, v, true)
	fresh.version, fresh.today = version, today
	s.keep(fresh)
	return fresh
}

// render makes a page; one that is watched knows its ETag and looks whether it
// has changed.
func (s *shelf) render(key shelfKey, v *shopperView, watched bool) *copyOnShelf {
	pages := s.pages[key.lang]()
	page := pages.write(v)
	said := sha256.New()
	said.Write(pages.looks[:])
	said.Write(page.title)
	said.Write(page.body)
	etag := hex.EncodeToString(said.Sum(nil)[:12])
	if watched {
		page.etag = etag
	}
	return &copyOnShelf{key: key, view: v, page: page, etag: []string{`W/"` + etag + `"`}, length: []string{strconv.Itoa(pages.size(page))},
		links: []string{resolver.Header(key.address)}}
}

// pack makes the page's gzip once, and counts it where the page still stands.
func (s *shelf) pack(k *copyOnShelf) packedPage {
	k.packing.Do(func() {
		var b bytes.Buffer
		z := packers.Get().(*gzip.Writer)
		defer packers.Put(z)
		z.Reset(&b)
		z.Write(s.pages[k.key.lang]().whole(nil, k.page)) // a buffer in memory refuses nothing
		z.Close()
		k.packed = packedPage{bytes.Clone(b.Bytes()), []string{strconv.Itoa(b.Len())}}
		s.mu.Lock()
		defer s.mu.Unlock()
		if e, ok := s.known[k.key]; ok && e.Value == k {
			k.counted = b.Len()
			s.bytes += k.counted
			s.trim()
		}
	})
	return k.packed
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
	s.trim()
}

// trim needs the lock, as drop does.
func (s *shelf) trim() {
	for s.bytes > s.most && s.order.Len() > 1 {
		s.drop(s.order.Back())
	}
}

func (s *shelf) drop(e *list.Element) {
	k := s.order.Remove(e).(*copyOnShelf)
	delete(s.known, k.key)
	s.bytes -= k.size()
}

// What every shopper's answer says of itself. Nothing is kept without asking
// again: a recall shows at the next look.
var (
	askAgain = []string{"no-cache"}
	varies   = []string{"Accept, Accept-Encoding, Accept-Language, Cookie"}
	asHTML   = []string{"text/html; charset=utf-8"}
	zipped   = []string{"gzip"}
)

// send answers with the form that the visitor takes.
func (s *shelf) send(c *web.Ctx, status int, k *copyOnShelf) error {
	h, r := c.Response().Header(), c.Request()
	h["Etag"], h["Cache-Control"], h["Vary"], h["Content-Security-Policy"] = k.etag, askAgain, varies, s.policy
	h["Access-Control-Allow-Origin"], h["Access-Control-Expose-Headers"] = anyOrigin, exposed
	if len(h["Link"]) == 0 { // else the request's URI was compressed, and stands there too
		h["Link"] = k.links
	}
	if asked := r.Header["If-None-Match"]; status == http.StatusOK && len(asked) > 0 && strings.Contains(asked[0], k.etag[0]) {
		return c.NoContent(http.StatusNotModified)
	}
	if c.WantsJSON() {
		data, err := json.Marshal(k.view)
		if err != nil {
			return err
		}
		return c.Blob(status, "application/json", data)
	}
	h["Content-Type"] = asHTML
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		p := s.pack(k)
		h["Content-Encoding"], h["Content-Length"] = zipped, p.length
		return answer(c, status, p.gzip)
	}
	h["Content-Length"] = k.length
	whole := wholes.Get().(*[]byte)
	defer wholes.Put(whole)
	*whole = s.pages[k.key.lang]().whole((*whole)[:0], k.page)
	return answer(c, status, *whole)
}

// wholes are buffers to put pages together in: one write is cheaper than five.
var wholes = sync.Pool{New: func() any { return new([]byte) }}

func answer(c *web.Ctx, status int, body []byte) error {
	c.Response().WriteHeader(status)
	_, err := c.Response().Write(body)
	return err
}
