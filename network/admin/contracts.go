package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/tallyway/tallyway/network/admin/ccaas"
	"github.com/tallyway/tallyway/network/admin/lifecycle"
)

// contract is what the package is called. Under which name it is brought into
// force says the profile, or --name.
const contract = "tallyway"

func contractsPackage(_ context.Context, args []string, out io.Writer) error {
	f := flags("contracts package")
	version, dir := f.String("version", "", "the contracts' version"), f.String("out", "", "the `DIR` to write "+contract+".tar.gz and package.id to")
	if err := parse(f, args, "version", "out"); err != nil {
		return err
	}
	p, err := ccaas.Make(contract, *version)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(*dir, contract+".tar.gz"), p.Bytes, 0o644); err != nil {
		return err
	}
	fmt.Fprintln(out, p.ID)
	return os.WriteFile(filepath.Join(*dir, "package.id"), []byte(p.ID+"\n"), 0o644)
}

// order is what the lifecycle's commands have in common.
type order struct {
	office  lifecycle.Office
	pack    ccaas.Package
	version string
	names   []string
	policy  lifecycle.Policy
	close   func() error
}

// orderFlags say what a command has to be told besides the profile: terms, a
// package.
type orderFlags struct{ terms, pack bool }

func takeOrder(command string, with orderFlags, args []string, out io.Writer) (o order, err error) {
	f := flags(command)
	required := []string{"profile"}
	file := profileFlag(f)
	var packFile, policy string
	var names list
	if with.pack {
		f.StringVar(&packFile, "package", "", "the package's `FILE`")
		required = append(required, "package")
	}
	if with.terms {
		f.StringVar(&o.version, "version", "", "the contracts' version")
		f.Var(&names, "name", "a contract's `NAME`; several with commas or by repeating (default: the profile's)")
		f.StringVar(&policy, "policy", "", "whose endorsement is needed, such as OutOf(2, 'DairyMSP.peer', …) (default: the channel's policy)")
		required = append(required, "version")
	}
	if err := parse(f, args, required...); err != nil {
		return o, err
	}
	if o.policy, err = lifecycle.ParsePolicy(policy); err != nil {
		return o, err
	}
	if with.pack {
		packed, err := os.ReadFile(packFile)
		if err != nil {
			return o, err
		}
		if o.pack, err = ccaas.Read(packed); err != nil {
			return o, fmt.Errorf("%s: %w", packFile, err)
		}
	}
	s, err := open(*file)
	if err != nil {
		return o, err
	}
	if o.names = names; len(names) == 0 {
		o.names = []string{s.Contract}
	}
	o.office, o.close = lifecycle.Office{Session: s, Say: sayer(out)}, s.Close
	return o, nil
}

// each does something for the terms of every name.
func (o order) each(ctx context.Context, act func(lifecycle.Terms) error) error {
	for _, name := range o.names {
		terms, err := o.office.Next(ctx, name, o.version, o.policy)
		if err != nil {
			return err
		}
		if err := act(terms); err != nil {
			return err
		}
	}
	return nil
}

func contractsInstall(ctx context.Context, args []string, out io.Writer) error {
	o, err := takeOrder("contracts install", orderFlags{pack: true}, args, out)
	if err != nil {
		return err
	}
	defer o.close()
	return o.office.Install(ctx, o.pack)
}

func contractsApprove(ctx context.Context, args []string, out io.Writer) error {
	o, err := takeOrder("contracts approve", orderFlags{terms: true, pack: true}, args, out)
	if err != nil {
		return err
	}
	defer o.close()
	return o.each(ctx, func(t lifecycle.Terms) error { return o.office.Approve(ctx, t, o.pack.ID) })
}

func contractsReady(ctx context.Context, args []string, out io.Writer) error {
	o, err := takeOrder("contracts ready", orderFlags{terms: true}, args, out)
	if err != nil {
		return err
	}
	defer o.close()
	return o.each(ctx, func(t lifecycle.Terms) error {
		ready, err := o.office.Ready(ctx, t)
		if err != nil {
			return err
		}
		for _, msp := range slices.Sorted(maps.Keys(ready.Approvals)) {
			answer := "has not approved"
			if ready.Approvals[msp] {
				answer = "has approved"
			}
			fmt.Fprintf(out, "%s %s %s\n", msp, answer, t)
		}
		if !ready.Enough() {
			return fmt.Errorf("%s is not ready: a majority has to approve", t)
		}
		return nil
	})
}

func contractsCommit(ctx context.Context, args []string, out io.Writer) error {
	o, err := takeOrder("contracts commit", orderFlags{terms: true}, args, out)
	if err != nil {
		return err
	}
	defer o.close()
	return o.each(ctx, func(t lifecycle.Terms) error { return o.office.Commit(ctx, t) })
}

func contractsDeploy(ctx context.Context, args []string, out io.Writer) error {
	o, err := takeOrder("contracts deploy", orderFlags{terms: true, pack: true}, args, out)
	if err != nil {
		return err
	}
	defer o.close()
	return o.office.Deploy(ctx, o.pack, o.version, o.names, o.policy)
}

func contractsRunning(ctx context.Context, args []string, out io.Writer) error {
	o, err := takeOrder("contracts running", orderFlags{}, args, out)
	if err != nil {
		return err
	}
	defer o.close()
	rows, err := o.office.Running(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MEMBER\tPEER\tNAME\tVERSION\tSEQUENCE\tPACKAGE")
	for _, r := range rows {
		switch {
		case r.Name == "":
			fmt.Fprintf(table, "%s\t%s\t-\t-\t-\t%s\n", r.Member, r.Peer, r.PackageID)
		case r.PackageID == "":
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\tnone approved\n", r.Member, r.Peer, r.Name, r.Version, r.Sequence)
		case !r.Installed:
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s (not installed)\n", r.Member, r.Peer, r.Name, r.Version, r.Sequence, r.PackageID)
		default:
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\n", r.Member, r.Peer, r.Name, r.Version, r.Sequence, r.PackageID)
		}
	}
	return table.Flush()
}
