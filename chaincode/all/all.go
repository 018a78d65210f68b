// Package all is every contract of the suite, one line each.
package all

import (
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
)

// Contracts joins them.
func Contracts() *chaincode.Contracts {
	return chaincode.New(
		party.Contract,
		trace.Contract,
	)
}
