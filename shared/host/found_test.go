package host

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/readmodel/pgtest"
	"github.com/tallyway/tallyway/shared/web"
)

var errCut = errors.New("the lights go out")

// shelves is a program that founds one user and one entry, and may stop then.
func shelves(user string, cut bool) Program {
	p := readmodel.NewProjection("shelf", `CREATE TABLE shelf (id TEXT PRIMARY KEY)`, []string{"shelf"})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, _ readmodel.Meta, e ledgertest.Stored) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO shelf (id) VALUES ($1)`, e.Key)
		return err
	})
	return Program{Contracts: ledgertest.Contracts(), Members: []string{"HomeMSP"},
		Apps: []App{{Name: "shelf", Projection: p, Open: func(context.Context, *Host) (web.App, error) { return web.App{Name: "shelf"}, nil }}},
		Found: func(ctx context.Context, h *Host) error {
			if _, err := h.Wallet.Issue(identity.Enrolment{MSP: "HomeMSP", User: user}); err != nil {
				return err
			}
			if _, err := h.Accounts.Create(ctx, accounts.Registration{Name: user, Display: user, MSP: "HomeMSP", Password: NewPassword()}); err != nil {
				return err
			}
			_, _, err := Do[string](ctx, h, Actor{"HomeMSP", user}, ledgertest.Put{Key: user, Text: "x"})
			if err == nil && cut {
				err = errCut
			}
			return err
		}}
}

// What is founded once the apps are open belongs to the founding: it runs once,
// after them, and is cleared with the rest when it is cut short.
func TestTheFoundingGoesOnWhenTheAppsAreOpen(t *testing.T) {
	folder, order := t.TempDir(), ""
	start := func(user string, cut bool) (*Host, error) {
		p := shelves(user, false)
		found := p.Found
		p.Found = func(ctx context.Context, h *Host) error { order += "found "; return found(ctx, h) }
		p.Apps[0].Open = func(context.Context, *Host) (web.App, error) { order += "app "; return web.App{Name: "shelf"}, nil }
		p.Opened = func(ctx context.Context, h *Host) error {
			order += "opened "
			_, _, err := Do[string](ctx, h, Actor{"HomeMSP", user}, ledgertest.Put{Key: user + "'s paper", Text: "x"})
			if cut {
				err = errCut
			}
			return err
		}
		return p.Start(t.Context(), Config{Data: folder, Listen: "127.0.0.1:0"}, slog.New(slog.DiscardHandler))
	}
	if _, err := start("first", true); !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	for range 2 {
		h, err := start("second", false)
		if err != nil {
			t.Fatal(err)
		}
		if got := rows(t, h); got != "second second second's paper " {
			t.Errorf("there are %s", got)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
	if order != "found app opened found app opened app " {
		t.Errorf("the order was %s", order)
	}
}

// rows are the users and the entries of a database, joined.
func rows(t *testing.T, h *Host) string {
	t.Helper()
	all, err := readmodel.All[string](t.Context(), h.DB, `SELECT login FROM accounts UNION ALL SELECT id FROM shelf ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, one := range all {
		text += one + " "
	}
	return text
}

// A founding that was cut short leaves nothing in the database, and what lives
// in a database that somebody else founded stays.
func TestAnInterruptedFoundingIsClearedFromTheDatabase(t *testing.T) {
	for engine, address := range map[string]string{"sqlite": "sqlite:" + filepath.Join(t.TempDir(), "beside.db"), "postgres": pgtest.URL(t)} {
		t.Run(engine, func(t *testing.T) {
			start := func(folder, user string, cut bool) (*Host, error) {
				return shelves(user, cut).Start(t.Context(), Config{Data: folder, Listen: "127.0.0.1:0", Database: address}, slog.New(slog.DiscardHandler))
			}
			folder := t.TempDir()
			if _, err := start(folder, "first", true); !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			h, err := start(folder, "second", false)
			if err != nil {
				t.Fatal(err)
			}
			if got := rows(t, h); got != "second second " {
				t.Errorf("after the second founding there are %s", got)
			}
			// Another folder is pointed at the same database, and cut short.
			other := t.TempDir()
			if _, err := start(other, "third", true); err == nil {
				t.Fatal("it was not cut short")
			}
			if got, err := readmodel.One[int](t.Context(), h.DB, `SELECT COUNT(*) FROM accounts WHERE login = 'second'`); err != nil || got != 1 {
				t.Errorf("%d, %v", got, err)
			}
			if again, err := start(other, "fourth", true); err == nil {
				again.Close()
				t.Fatal("it was not cut short")
			}
			if got, err := readmodel.One[int](t.Context(), h.DB, `SELECT COUNT(*) FROM accounts WHERE login = 'second'`); err != nil || got != 1 {
				t.Errorf("the second founding's user was cleared with another's: %d, %v", got, err)
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
