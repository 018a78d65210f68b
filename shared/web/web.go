// Package web is the face of every app: routes that declare who may use them,
// pages, forms, lists, problem documents, translations, live updates and the
// API's description, over echo.
//
// It knows no business and no storage. Who a visitor is, it asks an
// Authenticator; what a command does is left to the handlers of the apps; the
// words of rules come from the contracts, and their Chinese from the
// catalogues that the apps register.
package web

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallyway/tallyway/chaincode"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed assets
var assetFiles embed.FS

//go:embed i18n
var translationFiles embed.FS

// Config is what a Server needs to know. Everything but Auth has a default.
type Config struct {
	Title     string               // the product's name in the header
	Auth      Authenticator        // who signs in; required
	Menu      []NavItem            // what stands under the user's name, in every app
	Rules     []chaincode.Rule     // explained at /problems/
	Functions []chaincode.Function // listed at /api
	Answers   Answers              // what idempotency keys stand for; in memory by default
	// Front answers "/"; by default it leads to the first app that the user
	// sees.
	Front func(*Ctx) error
	// Live feeds /live, to which pages with data-live regions listen. The
	// channel MUST be closed when the context ends.
	Live    Source
	Health  func(context.Context) error // nil error: healthy
	Metrics *prometheus.Registry        // served at /metrics, request times are added
	Log     *slog.Logger
	Zone    *time.Location // in which dates are shown; UTC by default
	TLS     bool           // visitors come by https: cookies are Secure, HSTS is sent
	Limits  Limits         // zero fields take DefaultLimits
}

// Limits keep one visitor from taking the house.
type Limits struct {
	PageBody    int64         // bytes of a form
	APIBody     int64         // bytes of a request to /api/
	Deadline    time.Duration // for one request's handler
	ReadTimeout time.Duration // for one request's head and body
	Idle        time.Duration // of a kept connection
	PerAddress  Rate
	PerUser     Rate
	Concurrent  int // requests at work at once; live streams do not count
	LivePerUser int // live streams of one user or address
	LiveBeat    time.Duration
}

// Rate is a token bucket: Burst requests at once, refilled by PerSecond.
type Rate struct {
	PerSecond float64
	Burst     int
}

// DefaultLimits suit one firm behind one program.
var DefaultLimits = Limits{
	PageBody: 1 << 20, APIBody: 8 << 20,
	Deadline: 30 * time.Second, ReadTimeout: 30 * time.Second, Idle: 2 * time.Minute,
	PerAddress: Rate{100, 400}, PerUser: Rate{50, 200},
	Concurrent: 512, LivePerUser: 8, LiveBeat: 15 * time.Second,
}

// Server holds the routes, pages and words of every app.
type Server struct {
	cfg       Config
	echo      *echo.Echo
	routes    []Route
	streams   map[string]bool // paths that keep no place among the concurrent
	sockets   map[string]bool // and those that keep none as web sockets
	mounted   []*mounted
	home      *mounted // the house's own pages
	assets    *assets
	words     *Catalogue
	guard     *guard
	live      *liveCount
	times     *requestTimes
	refusals  []chaincode.Rule
	crossSite *http.CrossOriginProtection
	secure    http.Header // of every answer
	ownFront  bool
	stopping  chan struct{} // closed when streams are to end
	stopOnce  sync.Once
}

// App is one app's share of the face.
type App struct {
	Name   string // "traceability": prefix of operation ids
	Title  string // in the header; an English key
	Home   string // "/traceability"
	Icon   string // of the sprite
	Nav    []NavItem
	Roles  []string // whose header shows the app; none means everybody signed in
	Pages  FS       // *.html; a name with a leading _ is a partial for the app's pages
	Words  FS       // zh.json
	Routes []Route
	// Offline names the pages that a user's browser keeps for a time without a
	// network: forms that carry data-offline.
	Offline func(*Ctx) ([]string, error)
	Rules   []chaincode.Rule // that the app itself refuses by; explained at /problems/
}

// NavItem is one entry of an app's navigation. The phone's bottom bar has five
// places: where there are more entries, the first four and "More".
type NavItem struct {
	Title string // an English key
	Href  string
	Icon  string
	Roles []string // who sees it; none means everybody signed in
	Guest bool     // guests see it too
	Under []string // further addresses whose pages belong to it
}

// New makes a server with the house's own routes: sign-in, problems, the API
// page, health and metrics.
func New(cfg Config) *Server {
	if cfg.Auth == nil {
		panic("web: Config.Auth is required: without it nobody is kept out")
	}
	ownFront := cfg.Front != nil
	cfg = cfg.withDefaults()
	s := &Server{cfg: cfg, ownFront: ownFront, stopping: make(chan struct{}), streams: map[string]bool{}, sockets: map[string]bool{}, echo: echo.New(), words: newCatalogue(), assets: newAssets(),
		guard: newGuard(cfg.Limits), live: &liveCount{max: cfg.Limits.LivePerUser, open: map[string]int{}},
		crossSite: http.NewCrossOriginProtection()}
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.HTTPErrorHandler = s.handleError
	s.echo.IPExtractor = echo.ExtractIPDirect() // what a header says of an address, anybody can write
	s.refusals = append(append([]chaincode.Rule{}, Rules...), cfg.Rules...)
	s.times = newRequestTimes(cfg.Metrics)
	s.secure = secureHeaders(cfg.TLS)
	if err := s.words.Register(sub(translationFiles, "i18n")); err != nil {
		panic(err)
	}
	s.assets.add(sub(assetFiles, "assets"))
	s.echo.Use(s.observe, s.recoverPanics, s.admit, compress)
	s.home = s.Mount(App{Name: "web", Pages: sub(pageFiles, "pages"), Routes: s.ownRoutes()})
	return s
}

func (c Config) withDefaults() Config {
	if c.Title == "" {
		c.Title = "Tallyway"
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Front == nil {
		c.Front = toFirstApp
	}
	if c.Answers == nil {
		c.Answers = NewAnswers(10_000, 24*time.Hour)
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	c.Limits = c.Limits.withDefaults()
	return c
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits
	orDefault(&l.PageBody, d.PageBody)
	orDefault(&l.APIBody, d.APIBody)
	orDefault(&l.Deadline, d.Deadline)
	orDefault(&l.ReadTimeout, d.ReadTimeout)
	orDefault(&l.Idle, d.Idle)
	orDefault(&l.PerAddress, d.PerAddress)
	orDefault(&l.PerUser, d.PerUser)
	orDefault(&l.Concurrent, d.Concurrent)
	orDefault(&l.LivePerUser, d.LivePerUser)
	orDefault(&l.LiveBeat, d.LiveBeat)
	return l
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Words is the catalogue of translations.
func (s *Server) Words() *Catalogue { return s.words }

// Rules are all that /problems explains.
func (s *Server) Rules() []chaincode.Rule { return slices.Clone(s.refusals) }

// ServeHTTP makes the server a handler, for tests and for embedding.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// HTTP is a server with the house's timeouts; the caller serves and shuts it
// down. Live streams move their own deadlines, and end at the shutdown.
func (s *Server) HTTP() *http.Server {
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: min(10*time.Second, s.cfg.Limits.ReadTimeout),
		ReadTimeout:       s.cfg.Limits.ReadTimeout,
		WriteTimeout:      s.cfg.Limits.ReadTimeout + s.cfg.Limits.Deadline,
		IdleTimeout:       s.cfg.Limits.Idle,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
	srv.RegisterOnShutdown(func() { s.stopOnce.Do(func() { close(s.stopping) }) })
	return srv
}

// Serve serves l until ctx ends, then lets the requests under way finish.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := s.HTTP()
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.Background(), s.cfg.Limits.Deadline)
	defer cancel()
	if err := srv.Shutdown(patience); err != nil {
		return fmt.Errorf("wait for the requests under way: %w", err)
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
