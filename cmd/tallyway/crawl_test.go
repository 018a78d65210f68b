package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/cmd/tallyway/demo"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/readmodel/pgtest"
	"github.com/tallyway/tallyway/shared/web"
)

// Every link that the pages show leads to a page, for every login of the demo,
// on both databases.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	for name, database := range map[string]func() string{
		"SQLite":     func() string { return "" },
		"PostgreSQL": func() string { return pgtest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			config := host.Config{Data: data, Listen: "127.0.0.1:0", Database: database(), Demo: true, Clock: time.Now,
				Limits: web.Limits{PerAddress: web.Rate{PerSecond: 10_000, Burst: 10_000}, PerUser: web.Rate{PerSecond: 10_000, Burst: 10_000}}}
			h, err := program(config).Start(context.Background(), config, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { h.Close() })
			password, err := demo.Password(data)
			if err != nil {
				t.Fatal(err)
			}
			for _, login := range demo.Logins() {
				newCrawler(t, h.Address()).crawl(login, password)
			}
		})
	}
}

// pagesALogin bounds the walk: the lists of a demo are long, and alike.
const pagesALogin = 90

type crawler struct {
	t    *testing.T
	base string
	http *http.Client
}

func newCrawler(t *testing.T, base string) *crawler {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &crawler{t: t, base: base, http: &http.Client{Jar: jar}}
}

var link = regexp.MustCompile(`href="(/[^"#]*)"`)

func (c *crawler) crawl(login, password string) {
	r, err := c.http.PostForm(c.base+"/login", url.Values{"name": {login}, "password": {password}})
	if err != nil || r.StatusCode != http.StatusOK {
		c.t.Fatalf("%s cannot sign in: %v, %v", login, r, err)
	}
	r.Body.Close()
	seen, queue := map[string]bool{}, []string{"/traceability", "/account", "/people", "/problems", "/api"}
	for len(queue) > 0 && len(seen) < pagesALogin {
		path := queue[0]
		queue = queue[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		status, body := c.get(path)
		if status >= 400 && !(path == "/people" && status == http.StatusForbidden) {
			c.t.Errorf("%s follows a link to %s: %d", login, path, status)
		}
		for _, found := range link.FindAllStringSubmatch(body, -1) {
			to := strings.ReplaceAll(found[1], "&amp;", "&")
			if !strings.Contains(to, "lang=") && !strings.Contains(to, "theme=") && !strings.HasPrefix(to, "/problems/") {
				queue = append(queue, to)
			}
		}
	}
	if len(seen) < 10 {
		c.t.Errorf("%s saw only %d pages", login, len(seen))
	}
}

// get reads a page; what is no page has no links.
func (c *crawler) get(path string) (status int, body string) {
	request, err := http.NewRequest("GET", c.base+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Accept", "text/html")
	r, err := c.http.Do(request)
	if err != nil {
		c.t.Fatalf("%s: %v", path, err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil {
		c.t.Fatalf("%s: %v", path, err)
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
		body = string(b)
	}
	return r.StatusCode, body
}
