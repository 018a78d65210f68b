package embedded

import (
	"testing"

	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

func configFor(dir string, m *ledgertest.Members) Config {
	return Config{Dir: dir, Contracts: ledgertest.Contracts(), Orgs: ledgertest.Orgs, Verifier: m, Endorser: m.Node}
}

func openIn(t testing.TB, dir string, m *ledgertest.Members) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), configFor(dir, m))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestCorpus(t *testing.T) {
	ledgertest.Run(t, func(t testing.TB, m *ledgertest.Members) ledger.Ledger { return openIn(t, t.TempDir(), m) })
}
