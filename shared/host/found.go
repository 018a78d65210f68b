package host

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// Now is the host's clock: the configured one, except while a founding turns
// its hands.
func (h *Host) Now() time.Time {
	if t := h.hands.Load(); t != nil {
		return *t
	}
	return h.Config.Clock()
}

// TurnClock stops the host's clock at a time, for a founding that tells of the
// past: certificates and transactions are dated by it. The zero time lets the
// clock run again. Only Program.Found may call it.
func (h *Host) TurnClock(t time.Time) {
	if t.IsZero() {
		h.hands.Store(nil)
		return
	}
	h.hands.Store(&t)
}

// foundingMark stands in the data folder while a founding is under way.
const foundingMark = "founding"

// foundedMark stands in the data folder of a host on a network: the ledger is
// everybody's, what was founded here is this host's part of it.
const foundedMark = "founded"

// found fills an empty ledger, or enters a new host into a network. Where it did,
// endFounding has to follow.
func (h *Host) found(ctx context.Context) (fresh bool, err error) {
	if h.Program.Found == nil || h.founded() {
		return false, nil
	}
	if err := h.markFounding(); err != nil {
		return false, err
	}
	if err := h.markDatabase(ctx); err != nil {
		return false, fmt.Errorf("mark the founding in the database: %w", err)
	}
	defer h.TurnClock(time.Time{})
	if err := h.Program.Found(ctx, h); err != nil {
		return false, fmt.Errorf("found the ledger: %w", err)
	}
	return true, nil
}

// endFounding does what waited for the apps and takes the marks away: what was
// founded is whole.
func (h *Host) endFounding(ctx context.Context) error {
	if h.Program.Opened != nil {
		if err := h.Program.Opened(ctx, h); err != nil {
			return fmt.Errorf("found the ledger: %w", err)
		}
	}
	if h.Profile != nil {
		if err := os.WriteFile(h.Config.path(foundedMark), nil, 0o600); err != nil {
			return fmt.Errorf("mark what was founded: %w", err)
		}
	}
	if err := os.Remove(h.Config.path(foundingMark)); err != nil { // from here on nothing is cleared
		return err
	}
	_, err := h.DB.ExecContext(ctx, `DELETE FROM host_founding`)
	return err
}

func (h *Host) founded() bool {
	if h.Profile == nil {
		return h.Ledger.Head().Block > 0
	}
	_, err := os.Stat(h.Config.path(foundedMark))
	return err == nil
}

// markFounding stands before the first key that a founding makes: some of the
// members' keys are a half as well. What it holds is this founding's own.
func (h *Host) markFounding() error {
	name := h.Config.path(foundingMark)
	if _, err := os.Stat(name); h.Program.Found == nil || err == nil {
		return nil
	}
	if err := os.WriteFile(name, []byte(rand.Text()), 0o600); err != nil {
		return fmt.Errorf("mark the founding: %w", err)
	}
	return nil
}

// markDatabase notes this founding in a database that holds nothing yet. One
// that others live in gets no mark, and so is never cleared.
func (h *Host) markDatabase(ctx context.Context) error {
	mark, err := os.ReadFile(h.Config.path(foundingMark))
	if err != nil {
		return err
	}
	if _, err := h.DB.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS host_founding (mark TEXT PRIMARY KEY)`); err != nil {
		return err
	}
	_, err = h.DB.ExecContext(ctx, `INSERT INTO host_founding (mark) SELECT CAST($1 AS TEXT) WHERE NOT EXISTS (SELECT 1 FROM accounts)
		AND NOT EXISTS (SELECT 1 FROM readmodel_projections WHERE block > 0) AND NOT EXISTS (SELECT 1 FROM host_founding)`, string(mark))
	return err
}

// clearHalfFounded removes what a founding left that did not come to its end:
// nobody has seen any of it yet, and a half is worse than none.
func (h *Host) clearHalfFounded(ctx context.Context) error {
	mark, err := os.ReadFile(h.Config.path(foundingMark))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	h.Log.Warn("the founding was interrupted; it begins anew")
	if h.Config.Database != "" { // first: the mark in the folder is what finds it
		if err := clearDatabase(ctx, h.Config.Database, string(mark)); err != nil {
			return fmt.Errorf("clear the interrupted founding: %w", err)
		}
	}
	left, err := filepath.Glob(h.Config.path("readmodel.db*"))
	if err != nil {
		return err
	}
	for _, name := range append(left, h.Config.path("ledger"), h.Config.path("wallet")) {
		if err := os.RemoveAll(name); err != nil {
			return fmt.Errorf("clear the interrupted founding: %w", err)
		}
	}
	return os.Remove(h.Config.path(foundingMark))
}

// clearDatabase empties the suite's tables in a database that bears the mark of
// the founding: the followed rows, their positions and the accounts. The mark
// goes with them, in one transaction.
func clearDatabase(ctx context.Context, address, mark string) error {
	db, err := readmodel.Open(ctx, address)
	if err != nil {
		return err
	}
	err = db.InTx(ctx, func(tx *readmodel.Tx) error {
		there, err := tx.HasTable(ctx, "host_founding")
		if err != nil || !there {
			return err
		}
		done, err := tx.ExecContext(ctx, `DELETE FROM host_founding WHERE mark = $1`, mark)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return err
		}
		if err := readmodel.Empty(ctx, tx); err != nil {
			return err
		}
		return accounts.Empty(ctx, tx)
	})
	return errors.Join(err, db.Close())
}
