package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	_ "time/tzdata" // for a machine that has no zone files

	"github.com/tallyway/tallyway/chaincode"

	"github.com/labstack/echo/v4"
)

// Ctx is one request with what the house knows about it. It MUST NOT be used
// after the handler has returned: a goroutine takes c.Context() and values along.
type Ctx struct {
	request
	carrier carrier
	server  *Server
	app     *mounted
	route   *Route
	user    *User
	session string // the session cookie's value, or "" for tokens and strangers
	lang    string
	id      string
	begun   time.Time
	status  int
	once    string // the form token of the page being rendered

	until   time.Time // the handler's deadline; zero is none
	bounded context.Context
	stop    context.CancelFunc
}

// request keeps echo's methods at hand without taking the name Context, which
// is the request's own here.
type request = echo.Context

// carrier brings the Ctx through echo's chain of handlers.
type carrier struct {
	echo.Context
	ctx *Ctx
}

// Error answers with an error, as the house words it.
func (k *carrier) Error(err error) { k.ctx.server.handleError(err, k) }

// ctx is the request's Ctx, which observe has made and hands on.
func (s *Server) ctx(ec echo.Context) *Ctx {
	if k, ok := ec.(*carrier); ok {
		return k.ctx
	}
	c := &Ctx{request: ec, server: s, app: s.home, id: requestID(ec.Request()), begun: time.Now(), status: http.StatusOK}
	c.carrier = carrier{ec, c}
	c.lang = c.language()
	return c
}

// Context ends when the visitor leaves or the request's deadline passes. The
// timer behind it is set when somebody asks: a page that lies ready waits for
// nothing.
func (c *Ctx) Context() context.Context {
	if c.bounded == nil && !c.until.IsZero() {
		c.bounded, c.stop = context.WithDeadline(c.Request().Context(), c.until)
	}
	if c.bounded != nil {
		return c.bounded
	}
	return c.Request().Context()
}

// bound gives the handler so long from the request's begin. The caller ends the
// context by done.
func (c *Ctx) bound(d time.Duration) { c.until = c.begun.Add(d) }

func (c *Ctx) done() {
	if c.stop != nil {
		c.stop()
	}
}

// User is who asks, or nil for a stranger.
func (c *Ctx) User() *User { return c.user }

// Lang is "en" or "zh".
func (c *Ctx) Lang() string { return c.lang }

// T says an English text in the reader's language; %s takes the facts.
func (c *Ctx) T(text string, facts ...any) string { return c.server.words.T(c.lang, text, facts...) }

// Because is a refusal in the reader's language: the rule's sentence and the case.
func (c *Ctx) Because(no *chaincode.Refusal) string {
	text, _ := c.server.words.Rule(c.lang, no.Rule)
	if detail := c.server.words.Refusal(c.lang, no); detail != "" {
		text += " (" + detail + ")"
	}
	return text
}

// ID is the request's id; it stands in the log and in problem documents.
func (c *Ctx) ID() string { return c.id }

// Log writes with the request's id.
func (c *Ctx) Log() *slog.Logger { return c.server.cfg.Log.With("request", c.id) }

// Status sets the status of the page rendered next.
func (c *Ctx) Status(code int) *Ctx { c.status = code; return c }

// Redirect sends the browser to a page of this house by 303. Any other
// address is a mistake of the program or an attack, and becomes "/".
func (c *Ctx) Redirect(to string) error { return c.request.Redirect(http.StatusSeeOther, local(to)) }

// local keeps an address that came from outside within the house.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(to, "/") ||
		strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\n\r\t") {
		return "/"
	}
	return to
}

// WantsJSON reports whether the visitor would rather read data than a page.
func (c *Ctx) WantsJSON() bool {
	if forPrograms(c.Request().URL.Path) {
		return true
	}
	return prefers(c.Request().Header.Get(echo.HeaderAccept), "application/json", "text/html")
}

// cookie sets a cookie of the house for the whole site.
func (c *Ctx) cookie(name, value string, age time.Duration, httpOnly bool) {
	k := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: httpOnly,
		Secure: c.server.cfg.TLS, SameSite: http.SameSiteLaxMode, MaxAge: int(age.Seconds())}
	if value == "" {
		k.MaxAge = -1
	}
	c.SetCookie(k)
}

func (c *Ctx) readCookie(name string) string {
	if len(c.Request().Header["Cookie"]) == 0 { // most shoppers; an error would be made for each
		return ""
	}
	k, err := c.Cookie(name)
	if err != nil {
		return ""
	}
	return k.Value
}

// Flash shows a sentence on the next page.
func (c *Ctx) Flash(text string, facts ...any) {
	c.cookie(flashCookie, url.QueryEscape(c.T(text, facts...)), time.Minute, true)
}

const flashCookie = "tw_flash"

// takeFlash reads the sentence and forgets it.
func (c *Ctx) takeFlash() string {
	v := c.readCookie(flashCookie)
	if v == "" {
		return ""
	}
	c.cookie(flashCookie, "", 0, true)
	text, err := url.QueryUnescape(v)
	if err != nil || len(text) > 500 {
		return ""
	}
	return text
}

// setPreferences keeps ?lang= and ?theme= for the visitor and sends them back
// to the same address without them, so that the switches work without script.
func (c *Ctx) setPreferences() (done bool, err error) {
	r := c.Request()
	if r.Method != http.MethodGet || r.URL.RawQuery == "" || forPrograms(r.URL.Path) {
		return false, nil
	}
	q := r.URL.Query()
	lang, theme := q.Get("lang"), q.Get("theme")
	if lang == "" && theme == "" {
		return false, nil
	}
	if lang == "en" || lang == "zh" {
		c.cookie(langCookie, lang, 365*24*time.Hour, true)
	}
	switch theme {
	case "light", "dark":
		c.cookie(themeCookie, theme, 365*24*time.Hour, false)
	case "auto":
		c.cookie(themeCookie, "", 0, false)
	}
	q.Del("lang")
	q.Del("theme")
	to := r.URL.EscapedPath()
	if rest := q.Encode(); rest != "" {
		to += "?" + rest
	}
	return true, c.Redirect(to)
}

const (
	langCookie  = "tw_lang"
	themeCookie = "tw_theme"
)

// zoneCookie holds the name of the zone in which the reader's browser shows
// times ("Asia/Shanghai"); the pages' script sets it.
const zoneCookie = "tw_zone"

// Zone is where the reader's clock stands, for what is told on paper and in
// sheets: as the pages in their browser show it, else the house's.
func (c *Ctx) Zone() *time.Location {
	name, err := url.QueryUnescape(c.readCookie(zoneCookie))
	if err != nil || name == "" || name == "Local" {
		return c.server.cfg.Zone
	}
	zone, err := time.LoadLocation(name) // it knows of no paths
	if err != nil {
		return c.server.cfg.Zone
	}
	return zone
}

// theme is "light", "dark" or "" for what the system says.
func (c *Ctx) theme() string {
	switch t := c.readCookie(themeCookie); t {
	case "light", "dark":
		return t
	}
	return ""
}

// language: the switch on this device, the user's setting, then the browser.
func (c *Ctx) language() string {
	if v := c.readCookie(langCookie); v == "en" || v == "zh" {
		return v
	}
	if c.user != nil && (c.user.Lang == "en" || c.user.Lang == "zh") {
		return c.user.Lang
	}
	return negotiate(c.Request().Header.Get("Accept-Language"))
}
