package network

import (
	"context"
	"testing"
	"time"
)

// TestANetworkWhoseCertificatesHaveEnded makes a network with certificates of
// two years ago, the channel's first block included, and renews them.
func TestANetworkWhoseCertificatesHaveEnded(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	n := newNetwork(t, Default())
	for _, o := range n.definition.Organisations {
		must(t, n.keys(o).make(time.Now().Add(-nodeLifetime-time.Hour)))
	}
	must(t, n.Prepare(ctx))
	states, err := n.Status(ctx)
	must(t, err)
	for _, s := range states {
		if s.Until.After(time.Now()) {
			t.Fatalf("%+v", s)
		}
	}
	for _, o := range n.definition.Organisations {
		for kind := range renewable {
			must(t, n.Renew(ctx, kind+"."+o.Name))
		}
	}
	must(t, n.Up(ctx))
	must(t, n.Deploy(ctx, "1.0", testContracts(t, n)))
	must(t, connectTo(t, n, "bank", n.definition.Contract).put("renewed", "ProducerMSP", "BankMSP"))
}
