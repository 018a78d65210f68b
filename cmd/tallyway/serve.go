package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

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
	err = greet(h, out)
	ctx, stop := context.WithCancel(ctx)
	var playing sync.WaitGroup
	if config.Demo && config.Sensors() {
		playing.Go(func() {
			if err := demo.Simulate(ctx, h); err != nil && ctx.Err() == nil {
				h.Log.Warn("the demo's sensors do not play", "error", err)
			}
		})
	}
	err = errors.Join(err, h.Wait(ctx))
	stop()
	playing.Wait()
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
	if h.Config.Sensors() {
		fmt.Fprintf(out, "\nSensors are on %s/traceability/devices; a truck has lost its cooling\n", cmp.Or(h.Config.BaseURL, h.Address()))
	}
	fmt.Fprintf(out, "\nA shopper needs no login: %s%s\n", cmp.Or(h.Config.BaseURL, h.Address()), demo.ShopperPage(h.Now()))
	return nil
}
