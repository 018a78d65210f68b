// Package host is one running Tallyway: it opens the wallet, the ledger, the
// read model and the apps in their order, serves them, and closes them again.
//
// The program is a value: the server, the tests, the demo and the benchmarks
// start the same one, on whatever port and folder they like. What the apps do
// is left to them; what an operator can ask of a host from outside (backup,
// verify) is answered on its control port.
package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/blobs"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/ledger/fabric"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
	"github.com/tallyway/tallyway/shared/webhook"
)

// Host is one running Tallyway.
type Host struct {
	Config   Config
	Program  Program
	Log      *slog.Logger
	Wallet   *identity.Wallet
	Accounts *accounts.Accounts
	Ledger   Ledger
	Blobs    *blobs.Store
	Profile  *fabric.Profile // of the Fabric network; nil on the embedded ledger
	DB       *readmodel.DB
	Follower *readmodel.Follower
	Web      *web.Server
	Metrics  *prometheus.Registry
	Webhooks *webhook.Webhooks

	readings *readmodel.DB // see OpenReadings

	checks     []func() error
	hands      atomic.Pointer[time.Time] // where the clock stands while the past is founded
	address    string
	lock       *os.File
	server     *http.Server
	control    *control
	serving    chan error
	stopApps   context.CancelFunc
	background sync.WaitGroup // ends when stopApps is called
	signUps    hourly
	closers    []func() error // last opened, first closed
}

// Start opens everything, founds an empty ledger and serves. Whatever fails
// closes again what was opened.
func (p Program) Start(ctx context.Context, config Config, log *slog.Logger) (h *Host, err error) {
	h, err = p.Open(ctx, config, log)
	if err != nil {
		return nil, err
	}
	if err = h.start(ctx); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	h.background.Go(debug.FreeOSMemory) // opening and founding leave several times behind what an idle host needs
	return h, nil
}

// Open opens everything but serves nothing: for commands that work on a data
// folder by themselves. Close closes it.
func (p Program) Open(ctx context.Context, config Config, log *slog.Logger) (h *Host, err error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	h = &Host{Config: config, Program: p, Log: log, Metrics: prometheus.NewRegistry(), serving: make(chan error, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close())
		}
	}()
	if err := os.MkdirAll(config.Data, 0o700); err != nil {
		return h, fmt.Errorf("make the data folder: %w", err)
	}
	if err := h.lockData(); err != nil {
		return h, err
	}
	if err := h.clearHalfFounded(ctx); err != nil {
		return h, err
	}
	if err := h.openWallet(); err != nil {
		return h, err
	}
	if err := h.openLedger(ctx); err != nil {
		return h, err
	}
	if err := h.openBlobs(); err != nil {
		return h, err
	}
	return h, h.openReadModel(ctx)
}

func (h *Host) openBlobs() error {
	address, err := h.Config.blobsURL()
	if err == nil {
		h.Blobs, err = blobs.Open(address)
	}
	return err
}

func (h *Host) start(ctx context.Context) error {
	fresh, err := h.found(ctx)
	if err != nil {
		return err
	}
	if err := h.openWeb(ctx); err != nil {
		return err
	}
	if fresh {
		if err := h.endFounding(ctx); err != nil {
			return err
		}
	}
	if h.control, err = openControl(h.Config.Data, h.controlRoutes()); err != nil {
		return err
	}
	return h.listen()
}

// openWallet opens the keys, and makes those of the members that an empty
// folder starts with.
func (h *Host) openWallet() error {
	wallet, err := openWallet(h.Config, h.Now)
	if err != nil {
		return err
	}
	h.Wallet = wallet
	if h.Config.Ledger == "fabric" {
		return h.joinNetwork()
	}
	known, err := wallet.Members()
	if err != nil || len(known) > 0 {
		return err
	}
	if err := h.markFounding(); err != nil {
		return err
	}
	if h.Program.Since != nil { // what is founded in the past needs certificates of the past
		h.TurnClock(h.Program.Since(h.Config.Clock()))
		defer h.TurnClock(time.Time{})
	}
	for _, msp := range h.Program.Members {
		if err := wallet.CreateMember(msp); err != nil {
			return fmt.Errorf("make the member %s: %w", msp, err)
		}
	}
	return nil
}

func openWallet(config Config, clock func() time.Time) (*identity.Wallet, error) {
	secret := []byte(config.Secret)
	if len(secret) == 0 {
		var err error
		if secret, err = identity.MasterSecret(config.Data); err != nil {
			return nil, fmt.Errorf("read the wallet's secret: %w", err)
		}
	}
	return identity.Open(config.path(walletName), secret, clock)
}

func (h *Host) openReadModel(ctx context.Context) error {
	db, err := readmodel.Open(ctx, h.Config.databaseURL())
	if err != nil {
		return err
	}
	h.DB = db
	h.closers = append(h.closers, db.Close)
	config := h.Config
	config.Clock = h.Now
	if h.Accounts, err = newAccounts(ctx, db, h.Wallet, config); err != nil {
		return err
	}
	h.Follower = readmodel.NewFollower(db, h.Ledger, h.Log.With("room", "readmodel"), h.projections()...)
	if err := h.Follower.Start(ctx); err != nil {
		return err
	}
	h.closers = append(h.closers, func() error { h.Follower.Stop(); return nil })
	return nil
}

func (h *Host) projections() (all []*readmodel.Projection) {
	for _, app := range h.Program.Apps {
		all = append(all, app.Projection)
	}
	return all
}

func (h *Host) openWeb(ctx context.Context) error {
	ctx, h.stopApps = context.WithCancel(context.WithoutCancel(ctx))
	h.background.Go(func() { h.upkeep(ctx) })
	if err := h.openWebhooks(ctx); err != nil {
		return err
	}
	h.Web = web.New(web.Config{
		Auth: authenticator{h.Accounts}, Menu: menu, Rules: slices.Concat(identityRules(), []chaincode.Rule{fabric.ErrNoWitness}, h.Program.Contracts.Rules()),
		Functions: h.Program.Contracts.Functions(), Live: h.live, Health: h.Health,
		Metrics: h.Metrics, Log: h.Log.With("room", "web"), Limits: h.Config.Limits,
		TLS: strings.HasPrefix(h.Config.BaseURL, "https://"),
	})
	h.Web.Mount(h.ownPages())
	for _, app := range h.Program.Apps {
		face, err := app.Open(ctx, h)
		if err != nil {
			return fmt.Errorf("open %s: %w", app.Name, err)
		}
		h.Web.Mount(face)
	}
	return nil
}

func (h *Host) listen() error {
	listener, err := net.Listen("tcp", h.Config.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	h.address = listener.Addr().String()
	h.server = h.Web.HTTP()
	go func() { h.serving <- h.server.Serve(listener) }()
	return nil
}

// Address is where the host serves, with the port that was really taken.
func (h *Host) Address() string { return "http://" + h.address }

// Base is what absolute addresses begin with, as their reader came to the host:
// what is printed outlives the address that a clerk happened to type. The host
// itself speaks HTTP: that a proxy in front speaks TLS, --base-url says, and no
// header does, for anybody can send one.
func (h *Host) Base(c *web.Ctx) string {
	if h.Config.BaseURL != "" {
		return h.Config.BaseURL
	}
	return "http://" + c.Request().Host
}

// Wait returns when the host stops serving by itself, or ctx ends.
func (h *Host) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-h.serving:
		return err
	}
}

// Health is nil when the host can do all it is there for.
func (h *Host) Health(context.Context) error {
	err := errors.Join(h.Ledger.Health(), h.Follower.Health())
	for _, check := range h.checks {
		err = errors.Join(err, check())
	}
	return err
}

// Watch adds a check to the host's health.
func (h *Host) Watch(check func() error) { h.checks = append(h.checks, check) }

// closeWithin is how long requests under way may take when the host closes.
const closeWithin = 10 * time.Second

// Close lets requests under way finish and closes everything, last opened
// first.
func (h *Host) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	var err error
	if h.stopApps != nil {
		h.stopApps()
	}
	h.background.Wait()
	if h.control != nil {
		h.control.close(ctx)
	}
	if h.server != nil {
		if err = h.server.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
			err = h.server.Close() // live streams end with the server
		}
	}
	for i := len(h.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, h.closers[i]())
	}
	h.closers = nil
	if h.lock != nil {
		err = errors.Join(err, h.lock.Close())
		h.lock = nil
	}
	return err
}
