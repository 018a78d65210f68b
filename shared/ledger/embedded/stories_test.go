package embedded

import (
	"testing"

	"github.com/tallyway/tallyway/chaincode/all"
	"github.com/tallyway/tallyway/chaincode/scenario"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

// storyOrgs are the members that the stories speak of.
var storyOrgs = []string{"DairyMSP", "HarbourMSP", "AuthorityMSP", "BankMSP", "StrangerMSP"}

// Every business story has the same outcome here as in memory, to the byte.
func TestStories(t *testing.T) {
	scenario.Run(t, func(t *testing.T) scenario.Ledger {
		m := ledgertest.NewMembers(storyOrgs...)
		l, err := Open(t.Context(), Config{Dir: t.TempDir(), Contracts: all.Contracts(), Orgs: storyOrgs,
			Verifier: m, Endorser: m.Node, ScrubRate: -1})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return ledgertest.NewPlayer(t, l, m)
	}, "")
}
