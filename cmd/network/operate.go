package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/tallyway/tallyway/network"
)

// place is where a network is and what of it is meant: the flags of nearly
// every command.
type place struct {
	flags             *flag.FlagSet
	dir, organisation string
}

func newPlace(name string) *place {
	p := &place{flags: flag.NewFlagSet("network "+name, flag.ContinueOnError)}
	p.flags.StringVar(&p.dir, "dir", filepath.Join("data", "fabric"), "the network's folder")
	p.flags.StringVar(&p.organisation, "organisation", "", "only this organisation's part, on a host of its own")
	return p
}

// parse reads the arguments, flags before or after the words, of which there
// are to be a certain number.
func (p *place) parse(args []string, words ...string) ([]string, error) {
	var found []string
	for {
		if err := p.flags.Parse(args); err != nil {
			return nil, err
		}
		if p.flags.NArg() == 0 {
			break
		}
		found, args = append(found, p.flags.Arg(0)), p.flags.Args()[1:]
	}
	if len(found) != len(words) {
		return nil, fmt.Errorf("usage: %s %v [flags]", p.flags.Name(), words)
	}
	return found, nil
}

// reopen takes the network that is in the folder.
func (p *place) reopen() (*network.Network, error) {
	n, err := network.Reopen(p.dir)
	if err != nil {
		return nil, err
	}
	return p.part(n)
}

func (p *place) part(n *network.Network) (*network.Network, error) {
	n.Say = func(format string, arguments ...any) { fmt.Fprintf(os.Stderr, format+"\n", arguments...) }
	if p.organisation == "" {
		return n, nil
	}
	return n.Of(p.organisation)
}

func up(ctx context.Context, args []string, out io.Writer) error {
	p := newPlace("up")
	file := p.flags.String("definition", "", "the `file` that a new network is made from; otherwise it is made from the default definition")
	prepare := p.flags.Bool("prepare", false, "make what is missing, and start nothing")
	if _, err := p.parse(args); err != nil {
		return err
	}
	n, err := open(p.dir, *file)
	if err != nil {
		return err
	}
	if n, err = p.part(n); err != nil {
		return err
	}
	if *prepare {
		return n.Prepare(ctx)
	}
	if err := n.Up(ctx); err != nil {
		return err
	}
	return table(ctx, n, out)
}

// open makes a network from a definition, or takes the one that is there.
func open(dir, definition string) (*network.Network, error) {
	if definition != "" {
		d, err := network.Load(definition)
		if err != nil {
			return nil, err
		}
		return network.Open(dir, d)
	}
	if _, err := os.Stat(filepath.Join(dir, "definition.yaml")); err == nil {
		return network.Reopen(dir)
	}
	return network.Open(dir, network.Default())
}

func down(ctx context.Context, args []string, _ io.Writer) error {
	p := newPlace("down")
	if _, err := p.parse(args); err != nil {
		return err
	}
	n, err := p.reopen()
	if err != nil {
		return err
	}
	return n.Down(ctx)
}

func showStatus(ctx context.Context, args []string, out io.Writer) error {
	p := newPlace("status")
	if _, err := p.parse(args); err != nil {
		return err
	}
	n, err := p.reopen()
	if err != nil {
		return err
	}
	return table(ctx, n, out)
}

// table writes how each process is; one that is not ready is an error for the
// exit status.
func table(ctx context.Context, n *network.Network, out io.Writer) error {
	states, err := n.Status(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PROCESS\tPID\tREADY\tHEIGHT\tCERTIFICATE UNTIL")
	troubled := 0
	for _, s := range states {
		ready, height := "yes", "-"
		if s.Trouble != "" {
			ready = "no: " + s.Trouble
			troubled++
		}
		if s.Height > 0 {
			height = fmt.Sprint(s.Height)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", s.Name, s.PID, ready, height, s.Until.Format(time.DateOnly))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if troubled > 0 {
		return fmt.Errorf("%d of %d processes are not ready", troubled, len(states))
	}
	return nil
}

func logs(_ context.Context, args []string, out io.Writer) error {
	p := newPlace("logs")
	words, err := p.parse(args, "NAME")
	if err != nil {
		return err
	}
	n, err := p.reopen()
	if err != nil {
		return err
	}
	return n.Log(words[0], out)
}

func start(_ context.Context, args []string, _ io.Writer) error {
	return one("start", args, (*network.Network).Start)
}

func stop(_ context.Context, args []string, _ io.Writer) error {
	return one("stop", args, (*network.Network).Stop)
}

func renew(ctx context.Context, args []string, _ io.Writer) error {
	return one("renew", args, func(n *network.Network, name string) error { return n.Renew(ctx, name) })
}

// one does something to what has a name.
func one(what string, args []string, do func(*network.Network, string) error) error {
	p := newPlace(what)
	words, err := p.parse(args, "NAME")
	if err != nil {
		return err
	}
	n, err := p.reopen()
	if err != nil {
		return err
	}
	return do(n, words[0])
}

func contracts(ctx context.Context, args []string, _ io.Writer) error {
	p := newPlace("contracts")
	program := p.flags.String("program", "", "serve this program instead of the suite's contracts")
	words, err := p.parse(args, "start|stop", "VERSION")
	if err != nil {
		return err
	}
	n, err := p.reopen()
	if err != nil {
		return err
	}
	switch words[0] {
	case "start":
		return n.StartContracts(ctx, words[1], *program)
	case "stop":
		return n.StopContracts(ctx, words[1])
	}
	return fmt.Errorf("contracts %s: start or stop", words[0])
}

func deploy(ctx context.Context, args []string, _ io.Writer) error {
	_, _, err := deployed(ctx, "deploy", args)
	return err
}

func upgrade(ctx context.Context, args []string, _ io.Writer) error {
	n, version, err := deployed(ctx, "upgrade", args)
	if err != nil {
		return err
	}
	versions, err := n.Contracts()
	if err != nil {
		return err
	}
	for _, other := range versions {
		if other == version {
			continue
		}
		if err := n.StopContracts(ctx, other); err != nil {
			return err
		}
	}
	return nil
}

// deployed deploys a version, and hands the network back.
func deployed(ctx context.Context, command string, args []string) (*network.Network, string, error) {
	p := newPlace(command)
	program := p.flags.String("program", "", "serve this program instead of the suite's contracts")
	var names []string
	p.flags.Func("name", "deploy under this `name` instead of the definition's; may be repeated", func(name string) error {
		names = append(names, name)
		return nil
	})
	words, err := p.parse(args, "VERSION")
	if err != nil {
		return nil, "", err
	}
	n, err := p.reopen()
	if err != nil {
		return nil, "", err
	}
	return n, words[0], n.Deploy(ctx, words[0], *program, names...)
}

func definition(_ context.Context, args []string, out io.Writer) error {
	if _, err := newPlace("definition").parse(args); err != nil {
		return err
	}
	_, err := out.Write(network.DefaultText())
	return err
}

func buildPrograms(ctx context.Context, args []string, _ io.Writer) error {
	if _, err := newPlace("programs").parse(args); err != nil {
		return err
	}
	return network.BuildPrograms(ctx, func(format string, arguments ...any) { fmt.Fprintf(os.Stderr, format+"\n", arguments...) })
}
