package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// pageSet is an app's pages in one language, each with the shell and the
// partials around it. A page is put together when it is first asked for: all of
// them in every language take more memory than the rest of an idle host.
type pageSet struct {
	pages map[string]func() (*template.Template, error)
}

// Languages that everything a person reads is in.
var Languages = []string{"en", "zh"}

// Placeholders that Render replaces after a page has been made: what belongs
// to the session cannot stand in templates that are parsed once. They are not
// guessable, so nothing a user has typed can be taken for one.
var (
	csrfMark  = "csrf" + random()
	nonceMark = "nonce" + random()
	onceMark  = "once" + random()
)

// parsePages reads an app's pages for every language. A page defines "title"
// and "main", which take the view.
func (s *Server) parsePages(fsys fs.FS) map[string]*pageSet {
	sets := map[string]*pageSet{}
	if fsys == nil {
		return sets
	}
	for _, lang := range Languages {
		set, err := s.parseLanguage(fsys, lang)
		if err != nil {
			panic(fmt.Errorf("web: %w", err))
		}
		sets[lang] = set
	}
	return sets
}

func (s *Server) parseLanguage(fsys fs.FS, lang string) (*pageSet, error) {
	base, err := template.New("").Funcs(s.functions(lang)).ParseFS(pageFiles, "pages/_*.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(fsys, "*.html")
	if err != nil {
		return nil, err
	}
	var own []string
	for _, name := range names {
		if !strings.HasPrefix(name, "_") {
			own = append(own, name)
		} else if base, err = base.ParseFS(fsys, name); err != nil {
			return nil, err
		}
	}
	set := &pageSet{pages: map[string]func() (*template.Template, error){}}
	for _, name := range own {
		parse := func() (*template.Template, error) { return parsePage(base, fsys, name) }
		if lang == Languages[0] { // a mistake shows when the app is mounted; the files are the same in every language
			if _, err := parse(); err != nil {
				return nil, err
			}
		}
		set.pages[name] = sync.OnceValues(parse)
	}
	return set, nil
}

func parsePage(base *template.Template, fsys fs.FS, name string) (*template.Template, error) {
	page, err := template.Must(base.Clone()).ParseFS(fsys, name)
	if err != nil {
		return nil, err
	}
	if page.Lookup("main") == nil || page.Lookup("title") == nil {
		return nil, fmt.Errorf(`%s defines no "title" or no "main"`, name)
	}
	return page, nil
}

// shell is what the frame around a page needs to know.
type shell struct {
	View                 any
	Product, Lang, Theme string
	User                 *User
	App                  App
	Apps                 []App
	Nav, Menu            []NavItem
	Path, Flash, Request string
	Live                 bool
	Made                 string // when, for a page that is kept
	Here                 string // address without the switches, to which they are added
}

// Render answers with a page, or with the view as JSON for those who would
// rather have that. A HEAD is answered without the body by the server.
func (c *Ctx) Render(page string, view any) error {
	c.Response().Header().Set(echo.HeaderVary, "Accept, Accept-Encoding, Accept-Language, Cookie")
	if c.WantsJSON() && page != "refused.html" {
		return c.JSON(c.status, view)
	}
	b, err := c.page(page, view)
	if err != nil {
		return fmt.Errorf("make the page %s: %w", page, err)
	}
	return c.HTMLBlob(c.status, b)
}

func (c *Ctx) page(name string, view any) ([]byte, error) {
	t, err := c.find(name)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "shell", c.shell(view)); err != nil {
		return nil, err
	}
	return c.seal(b.Bytes()), nil
}

func (c *Ctx) find(name string) (*template.Template, error) {
	for _, m := range []*mounted{c.app, c.server.home} {
		if set := m.pages[c.lang]; set != nil && set.pages[name] != nil {
			return set.pages[name]()
		}
	}
	return nil, fmt.Errorf("there is no page %s", name)
}

// nonce makes the page's own scripts and styles known to the browser.
func (c *Ctx) nonce() string {
	n := random()
	c.Response().Header().Set(echo.HeaderContentSecurityPolicy, contentPolicy(n))
	return n
}

// seal puts the session's tokens in.
func (c *Ctx) seal(page []byte) []byte {
	csrf := ""
	if c.session != "" {
		csrf = c.server.cfg.Auth.CSRF(c.session)
	}
	if c.once == "" {
		c.once = random()
	}
	return []byte(strings.NewReplacer(csrfMark, template.HTMLEscapeString(csrf), nonceMark, c.nonce(), onceMark, c.once).Replace(string(page)))
}

func (c *Ctx) shell(view any) shell {
	r := c.Request()
	s := shell{View: view, Product: c.server.cfg.Title, Lang: c.lang, Theme: c.theme(), User: c.user, App: c.app.App,
		Path: r.URL.Path, Flash: c.takeFlash(), Request: c.id, Live: c.server.cfg.Live != nil && c.user != nil, Here: here(r), Made: time.Now().UTC().Format(time.RFC3339)}
	for _, m := range c.server.mounted {
		if m.Title != "" && c.sees(m.Roles) {
			s.Apps = append(s.Apps, m.App)
		}
	}
	s.Nav, s.Menu = c.seen(c.app.Nav), c.seen(c.server.cfg.Menu)
	return s
}

// seen are the entries that the user has a role for.
func (c *Ctx) seen(items []NavItem) (seen []NavItem) {
	for _, item := range items {
		if c.sees(item.Roles) && (item.Guest || !c.user.Guest) {
			seen = append(seen, item)
		}
	}
	return seen
}

func (c *Ctx) sees(roles []string) bool {
	if c.user == nil {
		return false
	}
	return len(roles) == 0 || Roles(roles...).Allows(c.user)
}

// here is a GET's own address; after a refused POST it is the form's.
func here(r *http.Request) string {
	q := r.URL.Query()
	if r.Method != http.MethodGet {
		q = nil
	}
	if len(q) == 0 {
		return r.URL.Path + "?"
	}
	return r.URL.Path + "?" + q.Encode() + "&"
}

// Current is the navigation's entry that the page belongs to.
func (s shell) Current() string {
	best, deepest := "", ""
	for _, item := range s.Nav {
		for _, address := range append(item.Under, item.Href) {
			under := s.Path == address || strings.HasPrefix(s.Path, strings.TrimSuffix(address, "/")+"/")
			if under && len(address) > len(deepest) {
				best, deepest = item.Href, address
			}
		}
	}
	return best
}

// bottomPlaces is how many fingers wide the phone's bar is.
const bottomPlaces = 5

// Bottom is the phone's bar: all entries, or the first ones beside "More".
func (s shell) Bottom() []NavItem {
	if len(s.Nav) <= bottomPlaces {
		return s.Nav
	}
	return s.Nav[:bottomPlaces-1]
}

// More are the entries that the phone's bar has no place for.
func (s shell) More() []NavItem { return s.Nav[len(s.Bottom()):] }

// functions are what templates can call, in one language.
func (s *Server) functions(lang string) template.FuncMap {
	say := func(text string, facts ...any) string { return s.words.T(lang, text, facts...) }
	return template.FuncMap{
		"t":        say,
		"lang":     func() string { return lang },
		"date":     func(t time.Time) template.HTML { return moment(t.In(s.cfg.Zone), dateForm[lang]) },
		"clock":    func(t time.Time) template.HTML { return moment(t.In(s.cfg.Zone), "15:04") },
		"datetime": func(t time.Time) template.HTML { return moment(t.In(s.cfg.Zone), dateForm[lang]+" 15:04") },
		"asset":    s.assets.address,
		"icon":     icon,
		"token":    formToken,
		"csrf":     func() string { return csrfMark },
		"nonce":    func() string { return nonceMark },
		"toneicon": toneIcon,
		"kind":     kindOf,
		"json":     asJSON,
		"list":     func(v ...any) []any { return v },
		"dict":     dict,
	}
}

var dateForm = map[string]string{"en": "2 Jan 2006", "zh": "2006年1月2日"}

// moment is a time for people, with its instant and zone for machines and on
// hover.
func moment(t time.Time, form string) template.HTML {
	if t.IsZero() {
		return "—"
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`,
		t.Format(time.RFC3339), t.Format("2006-01-02 15:04:05 UTC-07:00"), t.Format(form)))
}

// icon names a symbol of the sprite; words stand beside it, so it is hidden
// from readers of the page's text.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="icon" aria-hidden="true" focusable="false"><use href="#i-` + template.HTMLEscapeString(name) + `"/></svg>`)
}

// formToken is what every POST form of a page carries: the session's token
// against forgery, and one that makes a double click count once.
func formToken() template.HTML {
	return template.HTML(`<input type="hidden" name="` + csrfField + `" value="` + csrfMark + `">` +
		`<input type="hidden" name="` + onceField + `" value="` + onceMark + `">`)
}

func asJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// dict makes a partial's arguments: {{template "x" (dict "Title" "…")}}.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict needs pairs")
	}
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict needs names, not %v", pairs[i])
		}
		m[key] = pairs[i+1]
	}
	return m, nil
}
