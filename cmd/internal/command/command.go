// Package command is the command line of a program with several words: what
// each is called, what it does, and what is said when there is no such word.
package command

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

// Command is one word of a command line.
type Command struct {
	Name, Summary string
	Run           func(ctx context.Context, args []string, out io.Writer) error
}

// Program is a program's words, in the order in which they are shown.
type Program struct {
	Name     string
	Commands []Command
}

// Main runs the word that the process was started with, until it is
// interrupted.
func (p Program) Main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := p.Run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", p.Name, err)
		os.Exit(1)
	}
}

// Run runs one word with what follows it.
func (p Program) Run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		p.usage(out)
		return nil
	}
	for _, c := range p.Commands {
		if c.Name == args[0] {
			err := c.Run(ctx, args[1:], out)
			if errors.Is(err, flag.ErrHelp) {
				return nil
			}
			return err
		}
	}
	p.usage(os.Stderr)
	return fmt.Errorf("there is no command %q", args[0])
}

func (p Program) usage(out io.Writer) {
	fmt.Fprintf(out, "usage: %s COMMAND [flags]; `%s COMMAND --help` lists the flags\n", p.Name, p.Name)
	for _, c := range p.Commands {
		fmt.Fprintf(out, "  %-10s %s\n", c.Name, c.Summary)
	}
}
