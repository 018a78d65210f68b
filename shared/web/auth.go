package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/tallyway/tallyway/chaincode"
)

// User is who asks, as the Authenticator knows them.
type User struct {
	ID     string // unique and stable: rate limits and idempotency keys count by it
	Name   string // as shown in the header
	MSP    string // the member whose certificate they carry
	Party  string // the company they act for
	Roles  []string
	Lang   string   // "en", "zh" or "" for what the browser says
	Scopes []string // of an API token; a session has all of them
	Token  bool     // came with an API token
	Guest  bool     // anybody may be one: acts for no company, and is let in only where guests are
}

// Has reports whether the user has the role.
func (u *User) Has(role string) bool { return u != nil && slices.Contains(u.Roles, role) }

// may reports whether the token's scopes allow it; a session is not scoped.
func (u *User) may(scope string) bool { return !u.Token || slices.Contains(u.Scopes, scope) }

// Authenticator knows the users. Implementations are safe for concurrent use
// and refuse with a *chaincode.Refusal; any other error is a fault.
type Authenticator interface {
	// BySession finds who holds the cookie. It refuses one that is unknown,
	// has ended or was signed out.
	BySession(ctx context.Context, cookie string) (*User, error)
	// ByToken finds whose API token it is, with its scopes.
	ByToken(ctx context.Context, token string) (*User, error)
	// Login opens a session. It MUST slow down guessing by name and address,
	// and MUST refuse a wrong name and a wrong password alike.
	Login(ctx context.Context, name, password, addr, agent string) (cookie string, u *User, err error)
	// Logout ends the session; an unknown one is no error.
	Logout(ctx context.Context, cookie string) error
	// CSRF is the session's token against forged requests: it MUST NOT be
	// guessable and MUST change with the session.
	CSRF(cookie string) string
	// CheckCSRF compares in constant time.
	CheckCSRF(cookie, token string) bool
}

// SessionCookie is the name of the cookie that carries a session.
const SessionCookie = "tw_session"

// SessionAge is how long a browser keeps the cookie; the Authenticator may end
// the session earlier.
const SessionAge = 12 * time.Hour

// identify finds out who asks: by bearer token, else by session.
func (s *Server) identify(c *Ctx) error {
	if h := c.Request().Header.Get(echo.HeaderAuthorization); h != "" {
		return s.identifyToken(c, h)
	}
	cookie := c.readCookie(SessionCookie)
	if cookie == "" {
		return nil
	}
	u, err := s.cfg.Auth.BySession(c.Context(), cookie)
	if refused(err) {
		c.cookie(SessionCookie, "", 0, true)
		return nil // a stranger now: the route decides
	}
	if err != nil {
		return err
	}
	c.user, c.session = u, cookie
	c.lang = c.language()
	return nil
}

func (s *Server) identifyToken(c *Ctx, header string) error {
	token, ok := strings.CutPrefix(header, "Bearer ")
	if !ok || token == "" {
		return ErrSignIn.Refuse("")
	}
	u, err := s.cfg.Auth.ByToken(c.Context(), token)
	if refused(err) {
		return ErrSignIn.Refuse("")
	}
	if err != nil {
		return err
	}
	known := *u
	known.Token = true
	c.user = &known
	return nil
}

func refused(err error) bool {
	var no *chaincode.Refusal
	return errors.As(err, &no)
}

// authorise applies the route's row of the access matrix.
func (s *Server) authorise(c *Ctx, r Route) error {
	if err := s.spend(c); err != nil {
		return err
	}
	switch {
	case c.user == nil && r.Access.who != "public":
		return ErrSignIn.Refuse("")
	case !r.Access.Allows(c.user):
		return ErrRole.Refuse("needs the role %s", strings.Join(r.Access.Roles, " / "))
	case c.user != nil && r.Access.Scope != "" && !c.user.may(r.Access.Scope):
		return ErrScope.Refuse("needs the scope %s", r.Access.Scope)
	}
	return s.checkForgery(c)
}

// checkForgery keeps other sites from acting through a visitor's browser. A
// session shows its token in the form or in X-CSRF-Token; strangers have
// nothing to forge but the sign-in itself, which the browser's own word on the
// request's origin protects. API tokens are never sent by a browser on its own.
func (s *Server) checkForgery(c *Ctx) error {
	if safe(c.Request().Method) || c.user != nil && c.user.Token {
		return nil
	}
	if s.crossSite.Check(c.Request()) != nil {
		return ErrForged.Refuse("")
	}
	if c.session == "" {
		return nil
	}
	token := c.Request().Header.Get("X-CSRF-Token")
	if token == "" {
		if err := parseForm(c.Request()); err != nil {
			return err
		}
		token = c.Request().PostForm.Get(csrfField)
	}
	if token == "" || !s.cfg.Auth.CheckCSRF(c.session, token) {
		return ErrForged.Refuse("")
	}
	return nil
}

const csrfField = "csrf"

func (s *Server) ownRoutes() []Route {
	routes := []Route{
		{Method: "GET", Path: "/", Name: "web.front", Access: s.frontAccess(), Handler: s.cfg.Front},
		{Method: "GET", Path: "/login", Name: "web.login", Access: Public, Handler: showLogin},
		{Method: "POST", Path: "/login", Name: "web.signIn", Access: Public, Handler: signIn},
		{Method: "POST", Path: "/logout", Name: "web.signOut", Access: Public, Handler: signOut},
		{Method: "GET", Path: "/problems", Name: "web.problems", Access: Public, Handler: showProblems},
		{Method: "GET", Path: "/problems/*", Name: "web.problem", Access: Public, Handler: showProblem},
		{Method: "GET", Path: "/api", Name: "web.api", Access: Public, Handler: showAPI},
		{Method: "GET", Path: "/api/openapi.json", Name: "web.openapi", Access: Public, Handler: serveOpenAPI,
			Doc: &Doc{Summary: "This description, as OpenAPI 3.1.", Reply: map[string]any{}}},
		{Method: "GET", Path: "/healthz", Name: "web.health", Access: Public, Handler: showHealth},
		{Method: "GET", Path: "/metrics", Name: "web.metrics", Access: Public.Owned(), Handler: s.serveMetrics},
		{Method: "GET", Path: "/assets/*", Name: "web.assets", Access: Public, Handler: s.assets.serve},
		{Method: "GET", Path: "/favicon.ico", Name: "web.icon", Access: Public, Handler: s.assets.icon},
	}
	routes = append(routes, s.offlineRoutes()...)
	if s.cfg.Live != nil {
		routes = append(routes, LiveRoute("/live", "web.live", AnyUser.Guests(), s.cfg.Live))
	}
	return routes
}

// frontAccess leaves a front page of the program's own to everybody.
func (s *Server) frontAccess() Access {
	if s.ownFront {
		return Public
	}
	return AnyUser.Guests()
}

func toFirstApp(c *Ctx) error {
	for _, m := range c.server.mounted {
		if c.user.Guest {
			for _, item := range c.seen(m.Nav) {
				return c.Redirect(item.Href)
			}
		} else if m.Home != "" && c.sees(m.Roles) {
			return c.Redirect(m.Home)
		}
	}
	return c.Redirect("/api")
}

type loginForm struct {
	Name     string `form:"name"`
	Password string `form:"password"`
	Next     string `form:"next"`
}

type loginView struct {
	Form *Form[loginForm] `json:"-"`
}

func showLogin(c *Ctx) error {
	f := NewForm(c, loginForm{Next: local(c.QueryParam("next"))})
	return c.Render("login.html", loginView{f})
}

func signIn(c *Ctx) error {
	f, err := ReadForm[loginForm](c)
	if err != nil {
		return err
	}
	cookie, _, err := c.server.cfg.Auth.Login(c.Context(), f.Value.Name, f.Value.Password, c.RealIP(), c.Request().UserAgent())
	if err != nil {
		if f.Refuse(err) && !c.WantsJSON() {
			f.Forget("password")
			return c.Status(StatusOf(err)).Render("login.html", loginView{f})
		}
		return err
	}
	c.cookie(SessionCookie, cookie, SessionAge, true)
	return c.Redirect(f.Value.Next)
}

func signOut(c *Ctx) error {
	if c.session != "" {
		if err := c.server.cfg.Auth.Logout(c.Context(), c.session); err != nil {
			return err
		}
	}
	c.cookie(SessionCookie, "", 0, true)
	return c.Redirect("/login")
}

// loginAddress remembers where a stranger wanted to go.
func loginAddress(r *http.Request) string {
	return "/login?next=" + url.QueryEscape(r.URL.RequestURI())
}
