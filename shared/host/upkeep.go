package host

import (
	"context"
	"time"
)

// A certificate is renewed this long before its end, so that nobody is locked
// out by a date; the old one runs out by itself.
const renewWithin = 30 * 24 * time.Hour

// upkeepEvery is how often a host looks after what runs out.
const upkeepEvery = 6 * time.Hour

// upkeep renews certificates and clears ended sessions and unfinished users, at once and from then
// on, until ctx ends. What fails is told and tried again next time.
func (h *Host) upkeep(ctx context.Context) {
	for {
		h.lookAfter(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(upkeepEvery):
		}
	}
}

func (h *Host) lookAfter(ctx context.Context) {
	renewed, err := h.Wallet.RotateExpiring(renewWithin)
	if err != nil {
		h.Log.Error("renew certificates", "error", err)
	}
	for _, card := range renewed {
		h.Log.Info("certificate renewed", "member", card.MSP, "user", card.User, "would have ended", card.NotAfter)
	}
	if err := h.Accounts.ClearAbandoned(ctx, h.Wallet.Withdraw); err != nil && ctx.Err() == nil {
		h.Log.Error("clear unfinished users", "error", err)
	}
	if err := h.Accounts.Prune(ctx); err != nil && ctx.Err() == nil {
		h.Log.Error("clear ended sessions", "error", err)
	}
}
