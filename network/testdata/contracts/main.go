// Command contracts serves the contracts that tests of a network call.
package main

import (
	"github.com/tallyway/tallyway/network/service"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

func main() { service.Main(ledgertest.Contracts()) }
