package fabric

import (
	"testing"

	"github.com/tallyway/tallyway/chaincode/all"
	"github.com/tallyway/tallyway/chaincode/scenario"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

// storyOrgs are the members that the stories speak of.
var storyOrgs = []string{"DairyMSP", "HarbourMSP", "AuthorityMSP", "BankMSP", "StrangerMSP"}

// Every business story has the same outcome through the shim as in memory, to
// the byte.
func TestStories(t *testing.T) {
	scenario.Run(t, func(t *testing.T) scenario.Ledger {
		m := ledgertest.NewMembers(storyOrgs...)
		return ledgertest.NewPlayer(t, newMemory(all.Contracts(), m), m)
	}, "")
}
