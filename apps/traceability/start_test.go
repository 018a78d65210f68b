package traceability

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode/all"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/readmodel/pgtest"
	"github.com/tallyway/tallyway/shared/web"
)

// A running host for the tests of this app: the real one, on a port and in a
// folder of its own. Each kind of test names its firms and its clock.

// world is the host with its firms on it, each with one user and one token of
// its name.
type world struct {
	*host.Host
	t        testing.TB
	database string
	folder   string
	firms    []party.Register
	filled   func(ctx context.Context, h *host.Host) error // master data; nil: none
	tokens   map[string]string
	room     *app
	private  bool   // webhooks may go to this machine
	mqtt     string // broker; "" is none

	mu   sync.Mutex
	now  time.Time
	tick int
}

const password = "lantern-orchid-gravel-teapot"

// start opens a world that closes with the test. With TALLYWAY_POSTGRES=1 its
// tables are PostgreSQL's, so that the whole suite can be run on that as well.
func start(t testing.TB, now time.Time, firms []party.Register, filled func(context.Context, *host.Host) error) *world {
	t.Helper()
	database := ""
	if os.Getenv("TALLYWAY_POSTGRES") == "1" {
		database = pgtest.URL(t)
	}
	return startOn(t, database, now, firms, filled)
}

// startOn keeps its tables in a database of its own; "" is in its folder.
func startOn(t testing.TB, database string, now time.Time, firms []party.Register, filled func(context.Context, *host.Host) error) *world {
	t.Helper()
	w := &world{t: t, folder: t.TempDir(), database: database, now: now, firms: firms, filled: filled, tokens: map[string]string{}}
	w.open()
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// open starts the host on the world's folder, again after a Close.
func (w *world) open() {
	w.t.Helper()
	room := App()
	room.Open = func(ctx context.Context, h *host.Host) (face web.App, err error) {
		if w.room, err = openApp(ctx, h); err == nil {
			face = w.room.face()
		}
		return face, err
	}
	program := host.Program{Contracts: all.Contracts(), Apps: []host.App{room}, Members: []string{"FoodMSP", "StateMSP"}, Found: w.found}
	eager := web.Rate{PerSecond: 1e6, Burst: 1e6}
	h, err := program.Start(context.Background(), host.Config{Data: w.folder, Database: w.database, Listen: "127.0.0.1:0", Clock: w.clock, WebhookPrivate: w.private, MQTT: w.mqtt, Secret: "a secret for tests, of no other use",
		Limits: web.Limits{PerAddress: eager, PerUser: eager}}, slog.New(slog.NewTextHandler(testLog{w.t}, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		w.t.Fatal(err)
	}
	w.Host = h
}

type testLog struct{ t testing.TB }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// clock moves a millisecond with each look.
func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tick++
	return w.now.Add(time.Duration(w.tick) * time.Millisecond)
}

func (w *world) sleep(d time.Duration) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
	return w.now
}

// found admits the members and the firms.
func (w *world) found(ctx context.Context, h *host.Host) error {
	var members []party.Member
	for _, msp := range []string{"FoodMSP", "StateMSP"} {
		ca, err := h.Wallet.CACert(msp)
		if err != nil {
			return err
		}
		members = append(members, party.Member{ID: msp, Name: msp, CA: string(ca), Authority: msp == "StateMSP"})
		if _, err := h.Wallet.Issue(identity.Enrolment{MSP: msp, User: "admin", Roles: []string{party.Admin}}); err != nil {
			return err
		}
	}
	if _, _, err := host.Do[party.Admission](ctx, h, host.Actor{MSP: "FoodMSP", User: "admin"}, party.Found{Members: members}); err != nil {
		return err
	}
	for _, firm := range w.firms {
		if err := w.enrol(ctx, h, firm); err != nil {
			return fmt.Errorf("%s: %w", firm.ID, err)
		}
	}
	if w.filled == nil {
		return nil
	}
	return w.filled(ctx, h)
}

// enrol registers a firm with one user of the same name, and a token.
func (w *world) enrol(ctx context.Context, h *host.Host, firm party.Register) error {
	by, roles := actor(firm.ID), []string{party.Operator, party.Admin}
	if by.MSP == "StateMSP" {
		roles = []string{party.Regulator}
	}
	if _, _, err := host.Do[party.Standing](ctx, h, host.Actor{MSP: by.MSP, User: "admin"}, firm); err != nil {
		return err
	}
	if _, err := h.Wallet.Issue(identity.Enrolment{MSP: by.MSP, User: firm.ID, Party: firm.ID, Roles: roles}); err != nil {
		return err
	}
	if _, err := h.Accounts.Create(ctx, accounts.Registration{Name: firm.ID, Display: firm.Name, MSP: by.MSP, Language: "en", Password: password}); err != nil {
		return err
	}
	token, _, err := h.Accounts.CreateToken(ctx, firm.ID, "test", []accounts.Scope{accounts.Write, accounts.Capture}, 0)
	w.tokens[firm.ID] = token
	return err
}

// actor is a firm's user; authorities belong to the state's member.
func actor(firm string) host.Actor {
	if strings.HasPrefix(firm, "food-") {
		return host.Actor{MSP: "StateMSP", User: firm}
	}
	return host.Actor{MSP: "FoodMSP", User: firm}
}
