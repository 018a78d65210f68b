package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/tallyway/tallyway/cmd/tallyway/demo"
	"github.com/tallyway/tallyway/shared/host"
)

func serve(ctx context.Context, args []string, out io.Writer) error {
	config, err := parse("serve", args, nil)
	if err != nil {
		return err
	}
	h, err := program(config).Start(ctx, config, logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	err = errors.Join(greet(h, out), h.Wait(ctx))
	return errors.Join(err, h.Close())
}

// greet tells where the host serves, and in a demo who may sign in.
func greet(h *host.Host, out io.Writer) error {
	fmt.Fprintf(out, "Tallyway serves on %s\n", h.Address())
	if !h.Config.Demo {
		return nil
	}
	password, err := demo.Password(h.Config.Data)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nSign in as one of these; the password of all is %s\n", password)
	for _, name := range demo.Logins() {
		fmt.Fprintf(out, "  %s\n", name)
	}
	fmt.Fprintf(out, "\nA shopper needs no login: %s%s\n", cmp.Or(h.Config.BaseURL, h.Address()), demo.ShopperPage(h.Now()))
	return nil
}
