// Command network starts a Fabric network as plain processes, stops it, and
// says how it is: see `network help`.
package main

import "github.com/tallyway/tallyway/cmd/internal/command"

var words = command.Program{Name: "network", Commands: []command.Command{
	{Name: "up", Summary: "make what is missing, start what does not run, wait until it is ready", Run: up},
	{Name: "down", Summary: "end every process; what they keep stays", Run: down},
	{Name: "status", Summary: "each process: its number, readiness, height, end of its certificate", Run: showStatus},
	{Name: "logs", Summary: "NAME: what a process has logged", Run: logs},
	{Name: "start", Summary: "NAME: start one process", Run: start},
	{Name: "stop", Summary: "NAME: end one process", Run: stop},
	{Name: "contracts", Summary: "start|stop VERSION: serve a version of the contracts, or no longer", Run: contracts},
	{Name: "deploy", Summary: "VERSION: create the channel if need be, and put the contracts on it", Run: deploy},
	{Name: "upgrade", Summary: "VERSION: deploy, then serve no other version", Run: upgrade},
	{Name: "renew", Summary: "NAME: certificates that begin anew, for peer.X, orderer.X, contracts.X or admin.X", Run: renew},
	{Name: "bundle", Summary: "all that the host of one --organisation needs, as a tar", Run: bundle},
	{Name: "systemd", Summary: "units that run this host's processes instead of up", Run: systemd},
	{Name: "definition", Summary: "print the default definition, to begin one's own from", Run: definition},
	{Name: "programs", Summary: "build the programs that a network runs", Run: buildPrograms},
}}

func main() { words.Main() }
