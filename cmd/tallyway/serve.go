package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"github.com/tallyway/tallyway/shared/host"
)

func serve(ctx context.Context, args []string, out io.Writer) error {
	var config host.Config
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	config.Flags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	p := program()
	log := logger(slog.LevelWarn)
	h, err := p.Start(ctx, config, log)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Tallyway serves on %s\n", h.Address())
	err = h.Wait(ctx)
	if closed := h.Close(); err == nil {
		err = closed
	}
	return err
}
