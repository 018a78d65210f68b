// Package all names every contract of the suite, so that each ledger runs the
// same ones. It decides nothing itself.
package all

import (
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
)

// Contracts is every contract of the suite.
func Contracts() *chaincode.Contracts {
	return chaincode.New(
		party.Contract,
		trace.Contract,
	)
}
