// Command tallyway serves the suite, and looks after what it keeps: see
// `tallyway help`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/tallyway/tallyway/apps/traceability"
	"github.com/tallyway/tallyway/chaincode/all"
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

// command is one word of the command line.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string, out io.Writer) error
}

var commands = []command{
	{"serve", "run a host: pages, API and ledger", serve},
	{"token", "make an API token for a user", token},
	{"password", "give a user a new password", password},
	{"verify", "check every block, and the read model against the ledger", verify},
	{"rebuild", "make the read model anew from the ledger", rebuild},
	{"backup", "write everything that must survive to one file", backup},
	{"restore", "make a data folder from a backup", restore},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tallyway:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		usage(out)
		return nil
	}
	for _, c := range commands {
		if c.name == args[0] {
			err := c.run(ctx, args[1:], out)
			if errors.Is(err, flag.ErrHelp) {
				return nil
			}
			return err
		}
	}
	usage(os.Stderr)
	return fmt.Errorf("there is no command %q", args[0])
}

func usage(out io.Writer) {
	fmt.Fprintln(out, "usage: tallyway COMMAND [flags]; `tallyway COMMAND --help` lists the flags")
	for _, c := range commands {
		fmt.Fprintf(out, "  %-9s %s\n", c.name, c.summary)
	}
}

// logger writes what an operator reads to the error output.
func logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}
