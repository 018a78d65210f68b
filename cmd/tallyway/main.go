// Command tallyway serves the suite, and looks after what it keeps: see
// `tallyway help`.
package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/tallyway/tallyway/apps/traceability"
	"github.com/tallyway/tallyway/chaincode/all"
	"github.com/tallyway/tallyway/cmd/internal/command"
	"github.com/tallyway/tallyway/cmd/tallyway/demo"
	"github.com/tallyway/tallyway/shared/host"
)

// program is what this binary runs.
func program(config host.Config) host.Program {
	p := host.Program{
		Contracts: all.Contracts(),
		Apps:      []host.App{traceability.App()},
	}
	if config.Demo {
		demo.Furnish(&p, config.Data)
	} else {
		foundHome(&p, func(password string) {
			fmt.Printf("This data folder is new. Sign in as %s with the password %s\n", firstUser, password)
		})
	}
	return p
}

var words = command.Program{Name: "tallyway", Commands: []command.Command{
	{Name: "serve", Summary: "run a host: pages, API and ledger", Run: serve},
	{Name: "token", Summary: "make an API token for a user", Run: token},
	{Name: "password", Summary: "give a user a new password", Run: password},
	{Name: "verify", Summary: "check every block, and the read model against the ledger", Run: verify},
	{Name: "rebuild", Summary: "make the read model anew from the ledger", Run: rebuild},
	{Name: "backup", Summary: "write everything that must survive to one file", Run: backup},
	{Name: "simulate", Summary: "play sensors against a running server", Run: simulate},
	{Name: "restore", Summary: "make a data folder from a backup", Run: restore},
}}

func main() { words.Main() }

// logger writes what an operator reads to the error output.
func logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}
