// Command network starts a Fabric network as plain processes, stops it, and
// says how it is: see `network help`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// command is one word of the command line.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string, out io.Writer) error
}

var commands = []command{
	{"up", "make what is missing, start what does not run, wait until it is ready", up},
	{"down", "end every process; what they keep stays", down},
	{"status", "each process: its number, readiness, height, end of its certificate", showStatus},
	{"logs", "NAME: what a process has logged", logs},
	{"start", "NAME: start one process", start},
	{"stop", "NAME: end one process", stop},
	{"contracts", "start|stop VERSION: serve a version of the contracts, or no longer", contracts},
	{"deploy", "VERSION: create the channel if need be, and put the contracts on it", deploy},
	{"upgrade", "VERSION: deploy, then serve no other version", upgrade},
	{"renew", "NAME: certificates that begin anew, for peer.X, orderer.X, contracts.X or admin.X", renew},
	{"bundle", "all that the host of one --organisation needs, as a tar", bundle},
	{"systemd", "units that run this host's processes instead of up", systemd},
	{"definition", "print the default definition, to begin one's own from", definition},
	{"programs", "build the programs that a network runs", buildPrograms},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "network:", err)
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
	fmt.Fprintln(out, "usage: network COMMAND [flags]; `network COMMAND --help` lists the flags")
	for _, c := range commands {
		fmt.Fprintf(out, "  %-10s %s\n", c.name, c.summary)
	}
}
