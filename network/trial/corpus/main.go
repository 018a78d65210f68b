// Command corpus serves the contracts of shared/ledger/ledgertest to a peer, as
// cmd/chaincode serves the suite's.
package main

import (
	"github.com/tallyway/tallyway/network/service"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

func main() { service.Main(ledgertest.Contracts()) }
