package demo

import (
	"log/slog"
	"testing"
	"time"

	"github.com/tallyway/tallyway/apps/traceability"
	"github.com/tallyway/tallyway/chaincode/all"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/ledger"
)

// Whenever the visitor comes, the story holds together: what lies ahead of them
// has not happened, and the last day's events keep their order.
func TestTheStoryIsToldAtAnyHour(t *testing.T) {
	for _, hour := range []time.Duration{10 * time.Minute, 5*time.Hour + 50*time.Minute, 23*time.Hour + 50*time.Minute} {
		now := time.Date(2026, 11, 28, 0, 0, 0, 0, local).Add(hour)
		t.Run(now.Format("15.04"), func(t *testing.T) { founded(t, now) })
	}
}

// A network orders some transactions a second: hundreds of events, one by one,
// would keep the first visitor waiting for a minute.
func TestACompanysDayIsOneTransaction(t *testing.T) {
	h := founded(t, time.Date(2026, 11, 28, 12, 0, 0, 0, local))
	transactions, told := 0, 0
	for block, err := range h.Ledger.Events(t.Context(), ledger.Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, tx := range block.Transactions {
			transactions++
			told += len(tx.Events)
		}
		if block.Number >= h.Ledger.Head().Block {
			break
		}
	}
	t.Logf("%d events in %d transactions", told, transactions)
	if told < 400 || transactions > 160 {
		t.Errorf("%d events in %d transactions", told, transactions)
	}
}

// founded is a demo that somebody visits at a time.
func founded(t *testing.T, now time.Time) *host.Host {
	t.Helper()
	config := host.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Demo: true, Clock: func() time.Time { return now }}
	p := host.Program{Contracts: all.Contracts(), Apps: []host.App{traceability.App()}}
	Furnish(&p, config.Data)
	h, err := p.Start(t.Context(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}
