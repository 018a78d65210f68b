package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
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

// found fills an empty ledger, or enters a new host into a network.
func (h *Host) found(ctx context.Context) error {
	if h.Program.Found == nil || h.founded() {
		return nil
	}
	if err := h.markFounding(); err != nil {
		return err
	}
	defer h.TurnClock(time.Time{})
	if err := h.Program.Found(ctx, h); err != nil {
		return fmt.Errorf("found the ledger: %w", err)
	}
	if h.Profile != nil {
		if err := os.WriteFile(h.Config.path(foundedMark), nil, 0o600); err != nil {
			return fmt.Errorf("mark what was founded: %w", err)
		}
	}
	return os.Remove(h.Config.path(foundingMark))
}

func (h *Host) founded() bool {
	if h.Profile == nil {
		return h.Ledger.Head().Block > 0
	}
	_, err := os.Stat(h.Config.path(foundedMark))
	return err == nil
}

// markFounding stands before the first key that a founding makes: some of the
// members' keys are a half as well.
func (h *Host) markFounding() error {
	if h.Program.Found == nil {
		return nil
	}
	if err := os.WriteFile(h.Config.path(foundingMark), nil, 0o600); err != nil {
		return fmt.Errorf("mark the founding: %w", err)
	}
	return nil
}

// clearHalfFounded removes what a founding left that did not come to its end:
// nobody has seen any of it yet, and a half is worse than none.
func (h *Host) clearHalfFounded() error {
	if _, err := os.Stat(h.Config.path(foundingMark)); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	h.Log.Warn("the founding was interrupted; it begins anew")
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
