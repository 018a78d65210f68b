package trial

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/tallyway/tallyway/chaincode/all"
	"github.com/tallyway/tallyway/chaincode/scenario"
	"github.com/tallyway/tallyway/network"
	"github.com/tallyway/tallyway/network/networktest"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

// storyOrgs are the members that the stories speak of; the corpus has the first
// three.
var storyOrgs = []network.Organisation{
	{Name: "dairy", MSPID: "DairyMSP"}, {Name: "harbour", MSPID: "HarbourMSP"},
	{Name: "authority", MSPID: "AuthorityMSP", Authority: true, Witness: true},
	{Name: "bank", MSPID: "BankMSP", Witness: true}, {Name: "stranger", MSPID: "StrangerMSP"},
}

// Everything that the embedded ledger and the shim pass, a network passes: each
// case and each story has a contract of its own on one channel, all served by
// the same programs.
// TestMain lets more stories wait at a time than there are cores.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err) // the flag is the test's own
	}
	os.Exit(m.Run())
}

func TestLedger(t *testing.T) {
	n := networktest.Start(t, storyOrgs...)
	m := n.Members()
	stories, cases := numbered("story", scenario.Stories()), numbered("case", ledgertest.Cases)
	n.Serve("1.0", "", stories...)
	n.Serve("corpus", "./corpus", append(cases, "random")...)
	t.Run("stories", func(t *testing.T) {
		next := 0
		scenario.Run(t, func(t *testing.T) scenario.Ledger {
			contract := stories[next]
			next++
			t.Parallel() // a story waits for blocks most of its time
			return ledgertest.NewPlayer(t, n.Ledger(t, m, all.Contracts(), contract, ""), m)
		}, "")
	})
	t.Run("corpus", func(t *testing.T) {
		next := 0
		ledgertest.Run(t, func(t testing.TB) (ledger.Ledger, *ledgertest.Members) {
			next++
			return n.Ledger(t, m, ledgertest.Contracts(), cases[next-1], ""), m
		})
	})
	t.Run("random", func(t *testing.T) { differ(t, n.Ledger(t, m, ledgertest.Contracts(), "random", ""), m) })
	t.Run("chain", func(t *testing.T) {
		for _, contract := range append(stories, "random") {
			if err := n.Ledger(t, m, all.Contracts(), contract, "").Verify(t.Context(), nil); err != nil {
				t.Errorf("%s: %v", contract, err)
			}
		}
	})
}

func numbered(name string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%s-%02d", name, i+1))
	}
	return all
}
