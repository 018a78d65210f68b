package host

import (
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/identity"
)

// A certificate that is about to end is renewed, and one that is not stays.
func TestUpkeepRenewsWhatRunsOut(t *testing.T) {
	var ahead atomic.Int64
	p := Program{Contracts: chaincode.New(), Members: []string{"HomeMSP"}}
	h, err := p.Start(t.Context(), Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Clock: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	ends := map[string]time.Time{}
	for user, valid := range map[string]time.Duration{"soon": 20 * 24 * time.Hour, "later": 200 * 24 * time.Hour} {
		id, err := h.Wallet.Issue(identity.Enrolment{MSP: "HomeMSP", User: user, ValidFor: valid})
		if err != nil {
			t.Fatal(err)
		}
		ends[user] = id.Certificate().NotAfter
	}
	ahead.Store(int64(15 * 24 * time.Hour))
	h.lookAfter(t.Context())
	for user, renewed := range map[string]bool{"soon": true, "later": false} {
		id, err := h.Wallet.Get("HomeMSP", user)
		if err != nil {
			t.Fatal(err)
		}
		if got := !id.Certificate().NotAfter.Equal(ends[user]); got != renewed {
			t.Errorf("%s: renewed %v, want %v", user, got, renewed)
		}
	}
}
