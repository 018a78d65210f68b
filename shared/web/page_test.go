package web_test

import (
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/tallyway/tallyway/shared/web"
)

// readings counts how often each file is read.
type readings struct {
	fs.FS
	mu sync.Mutex
	of map[string]int
}

func (r *readings) Open(name string) (fs.File, error) {
	r.mu.Lock()
	r.of[name]++
	r.mu.Unlock()
	return r.FS.Open(name)
}

func (r *readings) count(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of[name]
}

// A page is checked when its app is mounted, made in a language when somebody
// asks for it in that, and kept.
func TestAPageIsMadeWhenItIsAskedFor(t *testing.T) {
	pages := &readings{FS: fstest.MapFS{"late.html": {Data: []byte(`{{define "title"}}Late{{end}}{{define "main"}}here at last{{end}}`)}}, of: map[string]int{}}
	h := start(t, nil)
	h.Web.Mount(web.App{Name: "late", Pages: pages, Routes: []web.Route{{Method: "GET", Path: "/late", Name: "late.page", Access: web.Public,
		Handler: func(c *web.Ctx) error { return c.Render("late.html", nil) }}}})
	once := pages.count("late.html") // the check's
	if once == 0 {
		t.Fatal("the page has not been checked")
	}
	c := h.client(t)
	for i, step := range []struct {
		language string
		times    int
	}{{"zh", 2}, {"zh", 2}, {"en", 3}, {"en", 3}} {
		if a := c.do("GET", "/late", nil, "Accept-Language", step.language); a.status != 200 || !strings.Contains(a.body, "here at last") {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if got := pages.count("late.html"); got != step.times*once {
			t.Errorf("step %d: the page has been read %d times, want %d", i, got, step.times*once)
		}
	}
}

func TestABrokenPageShowsWhenItsAppIsMounted(t *testing.T) {
	for text, want := range map[string]string{
		`{{define "title"}}x{{end}}`:                                `defines no "title" or no "main"`,
		`{{define "main"}}x{{end}}`:                                 `defines no "title" or no "main"`,
		`{{define "title"}}x{{end}}{{define "main"}}{{if}}x{{end}}`: "missing value for if",
	} {
		func() {
			defer func() {
				if err, _ := recover().(error); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v", text, err)
				}
			}()
			start(t, nil).Web.Mount(web.App{Name: "broken", Pages: fstest.MapFS{"broken.html": {Data: []byte(text)}}})
		}()
	}
}
