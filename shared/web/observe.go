package web

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// random is 128 bits of it, as text.
func random() string { return rand.Text() }

// requestID takes a proxy's id when it is harmless, so that one id leads
// through all logs.
func requestID(r *http.Request) string {
	id := r.Header.Get(echo.HeaderXRequestID)
	if len(id) < 8 || len(id) > 64 {
		return random()
	}
	for _, b := range []byte(id) {
		if !(b == '-' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z') {
			return random()
		}
	}
	return id
}

// observe names the request, measures it and writes the access log.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(ec echo.Context) error {
		c := s.ctx(ec)
		h := c.Response().Header()
		for name, values := range s.secure {
			h[name] = values
		}
		h[echo.HeaderXRequestID] = []string{c.id}
		if err := next(&c.carrier); err != nil {
			c.carrier.Error(err)
		}
		took, status := time.Since(c.begun), c.Response().Status
		route := c.Path()
		if route == "" || status == http.StatusNotFound && c.route == nil {
			route = "none"
		}
		s.times.of(route, c.Request().Method, status).Observe(took.Seconds())
		s.logAccess(c, route, status, took)
		return nil
	}
}

func (s *Server) logAccess(c *Ctx, route string, status int, took time.Duration) {
	r := c.Request()
	if !s.cfg.Log.Enabled(r.Context(), slog.LevelInfo) {
		return
	}
	who := ""
	if c.user != nil {
		who = c.user.ID
	}
	s.cfg.Log.LogAttrs(r.Context(), slog.LevelInfo, "request",
		slog.String("request", c.id), slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.String("route", route), slog.Int("status", status), slog.Int64("bytes", c.Response().Size),
		slog.Duration("took", took), slog.String("addr", c.RealIP()), slog.String("user", who))
}

// recoverPanics turns a panic into a fault; its stack goes to the log alone.
func (s *Server) recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(ec echo.Context) (err error) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if e, ok := p.(error); ok && errors.Is(e, http.ErrAbortHandler) {
				panic(p)
			}
			s.ctx(ec).Log().Error("panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}()
		return next(ec)
	}
}

// secureHeaders keep a page to this house alone: no script but our own files,
// no frame, no other origin. All answers share the values, which nobody changes
// in place.
func secureHeaders(tls bool) http.Header {
	h := http.Header{}
	h.Set("Content-Security-Policy", contentPolicy(""))
	h.Set("Cache-Control", "no-store") // what may be kept says so itself
	h.Set("Vary", "Accept-Encoding")   // even where it is not zipped: a cache must not give it to who takes gzip, nor the other way round
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(self), geolocation=(), microphone=(), payment=(), usb=()")
	if tls {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
	return h
}

// contentPolicy lets a page run our own files and, where it has a nonce, what
// carries that.
func contentPolicy(nonce string) string {
	own := "'self'"
	if nonce != "" {
		own += " 'nonce-" + nonce + "'"
	}
	return "default-src 'none'; script-src " + own + "; style-src " + own +
		"; img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// serveMetrics answers this machine and tokens with the scope "admin": what
// the house is busy with is nobody else's business. A request that a proxy has
// passed on is not this machine's.
func (s *Server) serveMetrics(c *Ctx) error {
	h := c.Request().Header
	ip, err := netip.ParseAddr(c.RealIP())
	here := err == nil && ip.IsLoopback() && h.Get(echo.HeaderXForwardedFor) == "" && h.Get("Forwarded") == ""
	if !here && (c.user == nil || !c.user.Token || !c.user.may("admin")) {
		return ErrScope.Refuse("needs the scope %s", "admin")
	}
	promhttp.HandlerFor(s.cfg.Metrics, promhttp.HandlerOpts{}).ServeHTTP(c.Response(), c.Request())
	return nil
}

func showHealth(c *Ctx) error {
	if check := c.server.cfg.Health; check != nil {
		if err := check(c.Context()); err != nil {
			c.Log().Error("health", "error", err)
			return c.JSON(http.StatusServiceUnavailable, map[string]string{"status": "unwell", "request": c.id})
		}
	}
	return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
}
