package trial

import (
	"fmt"
	"testing"

	"github.com/tallyway/tallyway/chaincode/all"
	"github.com/tallyway/tallyway/chaincode/scenario"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

// Everything that the embedded ledger and the shim pass, a network passes: each
// case and each story has a contract of its own on one channel, all served by
// the same programs.
func TestLedger(t *testing.T) {
	n := start(t, storyOrgs...)
	m := membersOf(t, n)
	t.Run("corpus", func(t *testing.T) {
		names := numbered("case", ledgertest.Cases)
		deploy(t, n, "corpus", build(t, "./corpus"), names...)
		next := 0
		ledgertest.Run(t, func(t testing.TB) (ledger.Ledger, *ledgertest.Members) {
			next++
			return open(t, n, m, ledgertest.Contracts(), names[next-1]), m
		})
	})
	t.Run("stories", func(t *testing.T) {
		names := numbered("story", scenario.Stories())
		deploy(t, n, "1.0", "", append(names, "random")...)
		next := 0
		scenario.Run(t, func(t *testing.T) scenario.Ledger {
			next++
			return ledgertest.NewPlayer(t, open(t, n, m, all.Contracts(), names[next-1]), m)
		}, "")
	})
	t.Run("chain", func(t *testing.T) {
		if err := open(t, n, m, all.Contracts(), "random").Verify(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})
}

func numbered(name string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%s-%02d", name, i+1))
	}
	return all
}
