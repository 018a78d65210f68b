package web

import (
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// FS is a folder of pages or words.
type FS = fs.FS

// Route is one operation with the row of the access matrix that it stands on.
type Route struct {
	Method string // GET, POST, ...; a GET answers HEAD as well
	Path   string // echo's form: "/lots/:id"
	Name   string // operation id, unique: "lots.show"
	Access Access
	Body   int64 // largest body in bytes, where it differs from the limits
	Doc    *Doc  // for /api/openapi.json; every route below /api/ needs one
	// Handler answers, or returns an error that Refuse would understand.
	Handler func(*Ctx) error
	// Refuse answers what is refused before the handler is reached, where a
	// standard prescribes other problem documents than ours.
	Refuse  func(*Ctx, error) error
	Sockets bool // may become a web socket: see Ctx.Socket
	stream  bool // has no deadline and keeps no place among the concurrent
}

// Access says who may use a route. Use Public, AnyUser or Roles; the zero
// value is a mistake of the program and panics.
type Access struct {
	who   who
	Roles []string // one of them is needed
	guest bool     // guests are let in too
	Owner bool     // the record decides as well: the handler or the contract checks whose it is
	Scope string   // what an API token needs: "read", "write", "capture", "admin"
}

type who string

// Public lets everybody in, AnyUser everybody who has signed in but guests.
var (
	Public  = Access{who: "public"}
	AnyUser = Access{who: "user"}
)

// Roles lets in users with one of the roles.
func Roles(roles ...string) Access { return Access{who: "roles", Roles: roles} }

// Owned says that the record decides as well.
func (a Access) Owned() Access { a.Owner = true; return a }

// Guests lets in guests as well.
func (a Access) Guests() Access { a.guest = true; return a }

// LetsGuests reports whether guests are let in.
func (a Access) LetsGuests() bool { return a.guest || a.who == "public" }

// Needs names the scope of an API token. Without it safe methods need "read",
// all others "write".
func (a Access) Needs(scope string) Access { a.Scope = scope; return a }

// Who is the first column of the access matrix: "public", "user" or "roles".
func (a Access) Who() string { return string(a.who) }

// Allows reports whether the user (nil: nobody) may use the route, before the
// record itself is asked.
func (a Access) Allows(u *User) bool {
	switch a.who {
	case "public":
		return true
	case "user":
		return u != nil && (a.guest || !u.Guest)
	case "roles":
		return u != nil && (a.guest || !u.Guest) && slices.ContainsFunc(a.Roles, u.Has)
	}
	return false
}

// Row is one line of the access matrix.
type Row struct {
	Method, Path, Name string
	Access             Access
	CSRF               bool // a session must show its token
}

// Matrix lists every route with its access, for a test that walks it.
func (s *Server) Matrix() []Row {
	var rows []Row
	for _, r := range s.routes {
		rows = append(rows, Row{r.Method, r.Path, r.Name, r.Access, !safe(r.Method)})
	}
	return rows
}

type mounted struct {
	App
	pages map[string]*pageSet // by language
}

// Mount adds an app. A route without access, a name that stands twice, a page
// or a catalogue that cannot be read are mistakes of the program: it panics.
func (s *Server) Mount(app App) *mounted {
	m := &mounted{App: app}
	if app.Words != nil {
		if err := s.words.Register(app.Words); err != nil {
			panic(err)
		}
	}
	s.mounted = append(s.mounted, m)
	s.refusals = append(s.refusals, app.Rules...)
	m.pages = s.parsePages(app.Pages)
	for _, r := range app.Routes {
		s.add(m, r)
	}
	return m
}

func (s *Server) add(m *mounted, r Route) {
	if err := s.faulty(r); err != nil {
		panic(err)
	}
	if r.Access.Scope == "" && r.Access.who != "public" {
		r.Access.Scope = "write"
		if safe(r.Method) {
			r.Access.Scope = "read"
		}
	}
	s.routes = append(s.routes, r)
	if r.stream {
		s.streams[r.Path] = true
	}
	if r.Sockets {
		s.sockets[r.Path] = true
	}
	s.echo.Add(r.Method, r.Path, s.serve(m, r))
	if r.Method == http.MethodGet && !r.stream {
		s.echo.Add(http.MethodHead, r.Path, s.serve(m, r))
	}
}

func (s *Server) faulty(r Route) error {
	switch {
	case r.Access.who == "":
		return fmt.Errorf("web: %s %s has no Access: say who may use it (web.Public, web.AnyUser, web.Roles)", r.Method, r.Path)
	case r.Access.who == "roles" && len(r.Access.Roles) == 0:
		return fmt.Errorf("web: %s %s names no role", r.Method, r.Path)
	case r.Name == "" || r.Handler == nil:
		return fmt.Errorf("web: %s %s needs a Name and a Handler", r.Method, r.Path)
	case r.Doc == nil && strings.HasPrefix(r.Path, "/api/"):
		return fmt.Errorf("web: %s %s stands below /api/ without a Doc", r.Method, r.Path)
	}
	for _, other := range s.routes {
		if other.Name == r.Name {
			return fmt.Errorf("web: two routes are named %s: %s and %s", r.Name, other.Path, r.Path)
		}
	}
	return nil
}

// serve is one request's way: who is it, may they, is it really them, are
// they too eager, is the body too large, is it a repeat.
func (s *Server) serve(m *mounted, r Route) echo.HandlerFunc {
	handle := func(c *Ctx) error { return r.Handler(c) }
	if isAPI(r.Path) && r.Method == http.MethodPost {
		handle = s.once(handle)
	}
	return func(ec echo.Context) error {
		c := s.ctx(ec)
		c.app, c.route = m, &r
		if done, err := c.setPreferences(); done || err != nil {
			return err
		}
		if !r.stream {
			c.bound(s.cfg.Limits.Deadline)
			defer c.done()
		}
		if err := s.limitBody(c, r); err != nil {
			return err
		}
		if err := s.identify(c); err != nil {
			return err
		}
		if err := s.authorise(c, r); err != nil {
			return err
		}
		return handle(c)
	}
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

func isAPI(path string) bool { return strings.HasPrefix(path, "/api/") }

// forPrograms reports whether only programs come to an address: the house's
// API, and the binding of EPCIS, whose clients are not ours to teach.
func forPrograms(path string) bool { return isAPI(path) || strings.HasPrefix(path, "/epcis/") }
