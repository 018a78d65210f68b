// Command chaincode serves the suite's contracts to one organisation's peer. The
// launcher (cmd/network) or a unit of systemd starts it; --help lists what it
// has to be told.
package main

import (
	"github.com/tallyway/tallyway/chaincode/all"
	"github.com/tallyway/tallyway/network/service"
)

func main() { service.Main(all.Contracts()) }
