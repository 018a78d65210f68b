package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// bundle writes one organisation's part of the network.
func bundle(ctx context.Context, args []string, out io.Writer) (err error) {
	p := newPlace("bundle")
	to := p.flags.String("to", "", "the tar to write; it holds keys, so only its owner can read it")
	if _, err := p.parse(args); err != nil {
		return err
	}
	if p.organisation == "" || *to == "" {
		return errors.New("bundle wants --organisation and --to")
	}
	n, err := p.reopen()
	if err != nil {
		return err
	}
	file, err := os.OpenFile(*to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return n.Bundle(ctx, p.organisation, file)
}

// systemd prints units, or writes each to its file.
func systemd(ctx context.Context, args []string, out io.Writer) error {
	p := newPlace("systemd")
	user := p.flags.String("user", "tallyway", "the user under whom the processes run")
	to := p.flags.String("to", "", "write the units into this folder instead of printing them")
	if _, err := p.parse(args); err != nil {
		return err
	}
	n, err := p.reopen()
	if err != nil {
		return err
	}
	units, err := n.Systemd(ctx, *user)
	if err != nil {
		return err
	}
	for _, u := range units {
		if *to != "" {
			if err := u.Write(*to); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(out, "# %s\n%s\n", u.Name, u.Text)
	}
	return nil
}
