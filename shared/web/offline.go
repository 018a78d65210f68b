package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// What a phone keeps for a day without a network: a worker that stands between
// the pages and the house. It keeps the shell and the forms that the apps name,
// and what was sent in vain, each with the user it belongs to.

// KeptPages is what a browser keeps for its user.
type KeptPages struct {
	User  string    `json:"user"`
	Pages []string  `json:"pages"`
	Made  time.Time `json:"made"`
}

func (s *Server) offlineRoutes() []Route {
	return []Route{
		{Method: "GET", Path: "/worker.js", Name: "web.worker", Access: Public, Handler: s.serveWorker},
		{Method: "GET", Path: "/manifest.webmanifest", Name: "web.manifest", Access: Public, Handler: s.serveManifest},
		{Method: "GET", Path: "/offline", Name: "web.offline", Access: Public, Handler: showOffline},
		{Method: "GET", Path: "/kept", Name: "web.kept", Access: AnyUser, Handler: s.serveKept},
		{Method: "GET", Path: "/waiting", Name: "web.waiting", Access: AnyUser, Handler: showWaiting},
	}
}

// serveWorker answers with the worker under an address of its own: a worker
// minds the pages below it. A browser asks for it again with every visit.
func (s *Server) serveWorker(c *Ctx) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-cache")
	c.Response().Header().Set(echo.HeaderContentType, "text/javascript; charset=utf-8")
	shell := []string{"/offline", s.assets.address("tallyway.css"), s.assets.address("tallyway.js"), s.assets.address("offline.js"), s.assets.address("icon.svg")}
	body := s.assets.files[strings.TrimPrefix(s.assets.address("worker.js"), "/assets/")].body
	return c.Blob(http.StatusOK, "text/javascript; charset=utf-8", append([]byte("const SHELL = "+quoted(shell)+";\n"), body...))
}

func quoted(all []string) string { return `["` + strings.Join(all, `","`) + `"]` }

type manifestIcon struct {
	Src   string `json:"src"`
	Type  string `json:"type"`
	Sizes string `json:"sizes"`
}

// serveManifest lets a phone put the house among its apps (W3C Web App Manifest).
func (s *Server) serveManifest(c *Ctx) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "public, max-age=3600")
	c.Response().Header().Set(echo.HeaderContentType, "application/manifest+json")
	return c.JSON(http.StatusOK, map[string]any{"name": s.cfg.Title, "short_name": s.cfg.Title, "id": "/", "start_url": "/", "scope": "/", "display": "standalone",
		"background_color": "#f3f5f4", "theme_color": "#0b5f58", "icons": []manifestIcon{{s.assets.address("icon.svg"), "image/svg+xml", "any"}}})
}

// showOffline is what a browser shows without a network where it has kept
// nothing else. It is the same for everybody.
func showOffline(c *Ctx) error { return c.Render("offline.html", nil) }

// showWaiting lists what this browser has not sent yet; the browser fills it in.
func showWaiting(c *Ctx) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.Render("waiting.html", nil)
}

// serveKept names the pages that this user's browser keeps.
func (s *Server) serveKept(c *Ctx) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	kept := KeptPages{User: c.user.ID, Made: time.Now().UTC(), Pages: []string{"/waiting"}}
	for _, m := range s.mounted {
		if m.Offline == nil || !c.sees(m.Roles) {
			continue
		}
		pages, err := m.Offline(c)
		if err != nil {
			return err
		}
		kept.Pages = append(kept.Pages, pages...)
	}
	slices.Sort(kept.Pages)
	return c.JSON(http.StatusOK, kept)
}
