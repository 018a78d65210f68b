package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/tallyway/tallyway/network/admin/channel"
	"github.com/tallyway/tallyway/network/admin/session"
)

func channelCreate(ctx context.Context, args []string, out io.Writer) error {
	return enterChannel(ctx, "channel create", channel.Create, args, out)
}

func channelJoin(ctx context.Context, args []string, out io.Writer) error {
	return enterChannel(ctx, "channel join", channel.Join, args, out)
}

func enterChannel(ctx context.Context, name string, enter func(context.Context, *session.Session, []byte, channel.Say) error, args []string, out io.Writer) error {
	f := flags(name)
	file, blockFile := profileFlag(f), f.String("block", "", "the `FILE` of the config block")
	if err := parse(f, args, "profile", "block"); err != nil {
		return err
	}
	block, err := os.ReadFile(*blockFile)
	if err != nil {
		return err
	}
	s, err := open(*file)
	if err != nil {
		return err
	}
	defer s.Close()
	return enter(ctx, s, block, sayer(out))
}

func channelInfo(ctx context.Context, args []string, out io.Writer) error {
	f := flags("channel info")
	file := profileFlag(f)
	if err := parse(f, args, "profile"); err != nil {
		return err
	}
	s, err := open(*file)
	if err != nil {
		return err
	}
	defer s.Close()
	all, err := channel.Info(ctx, s)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MEMBER\tNODE\tHEIGHT\tROLE")
	trouble := 0
	for _, n := range all {
		if n.Trouble != nil {
			trouble++
			fmt.Fprintf(table, "%s\t%s\t-\t%s\n", n.Member, n.Node, session.Reason(n.Trouble))
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\n", n.Member, n.Node, n.Height, n.Role)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if trouble > 0 {
		return fmt.Errorf("%d of %d orderers and peers are not on channel %s", trouble, len(all), s.Channel)
	}
	return nil
}

func channelFetch(ctx context.Context, args []string, out io.Writer) error {
	f := flags("channel fetch")
	file, to := profileFlag(f), f.String("out", "", "the `FILE` to write")
	if err := parse(f, args, "profile", "out"); err != nil {
		return err
	}
	s, err := open(*file)
	if err != nil {
		return err
	}
	defer s.Close()
	block, number, err := channel.Fetch(ctx, s)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "config block %d of %s\n", number, s.Channel)
	return os.WriteFile(*to, block, 0o644)
}
