package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/tallyway/tallyway/network/admin/membership"
	"github.com/tallyway/tallyway/network/admin/profile"
	"github.com/tallyway/tallyway/network/admin/session"
)

func memberAdd(ctx context.Context, args []string, out io.Writer) error {
	f := flags("member add")
	file, definition := profileFlag(f), f.String("definition", "", "the genesis block `FILE` of the newcomer's own network")
	withOrderer := f.Bool("orderer", false, "let the newcomer's orderer order, too")
	to := f.String("out", "", "write the signed change to `FILE` for others to sign, instead of handing it to the orderers")
	if err := parse(f, args, "profile", "definition"); err != nil {
		return err
	}
	block, err := os.ReadFile(*definition)
	if err != nil {
		return err
	}
	newcomer, err := membership.Present(block)
	if err != nil {
		return err
	}
	s, err := open(*file)
	if err != nil {
		return err
	}
	defer s.Close()
	update, err := membership.Propose(ctx, s, newcomer, *withOrderer)
	if errors.Is(err, membership.ErrMember) {
		fmt.Fprintf(out, "%s is a member of %s\n", newcomer.MSPID, s.Channel)
		return nil
	}
	if err != nil {
		return err
	}
	if err := sign(ctx, s, update, out); err != nil {
		return err
	}
	if *to != "" {
		return write(update, *to, out)
	}
	return submit(ctx, s, update, out)
}

func memberSign(ctx context.Context, args []string, out io.Writer) error {
	s, update, file, err := takeUpdate("member sign", args)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := sign(ctx, s, update, out); err != nil {
		return err
	}
	return write(update, file, out)
}

// memberShow lets an administrator see a change before signing it.
func memberShow(ctx context.Context, args []string, out io.Writer) error {
	s, update, _, err := takeUpdate("member show", args)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := show(ctx, s, update, out); err != nil {
		return err
	}
	signers, err := update.Signers()
	for _, signer := range signers {
		fmt.Fprintf(out, "%s has signed\n", signer)
	}
	return err
}

// sign says what is signed, for the record of whoever signs.
func sign(ctx context.Context, s *session.Session, u *membership.Update, out io.Writer) error {
	if err := show(ctx, s, u, out); err != nil {
		return err
	}
	return u.Sign(s)
}

func show(ctx context.Context, s *session.Session, u *membership.Update, out io.Writer) error {
	a, err := s.Admin(s.Members[0])
	if err != nil {
		return err
	}
	current, err := membership.Current(ctx, a)
	if err != nil {
		return err
	}
	lines, err := u.Describe(current)
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
	return err
}

func memberSubmit(ctx context.Context, args []string, out io.Writer) error {
	s, update, _, err := takeUpdate("member submit", args)
	if err != nil {
		return err
	}
	defer s.Close()
	return submit(ctx, s, update, out)
}

// memberProfile makes the profile with which a newcomer meets the others, and
// they the newcomer.
func memberProfile(ctx context.Context, args []string, out io.Writer) error {
	f := flags("member profile")
	file, with := profileFlag(f), f.String("with", "", "the other side's profile `FILE`")
	to := f.String("out", "", "the `FILE` to write")
	if err := parse(f, args, "profile", "with", "out"); err != nil {
		return err
	}
	own, err := profile.Read(*file)
	if err != nil {
		return err
	}
	other, err := profile.Read(*with)
	if err != nil {
		return err
	}
	// Only one of the two sides is on the channel yet, or knows who orders it.
	orderers, err := ordering(ctx, own)
	if err != nil {
		if orderers, err = ordering(ctx, other); err != nil {
			return err
		}
	}
	joined, err := own.Join(other, func(address string) bool { return slices.Contains(orderers, address) })
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s knows both\n", *to)
	return os.WriteFile(*to, joined, 0o600)
}

func ordering(ctx context.Context, p *profile.Profile) ([]string, error) {
	s, err := session.Open(p)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return membership.Orderers(ctx, s)
}

func takeUpdate(command string, args []string) (s *session.Session, u *membership.Update, file string, err error) {
	f := flags(command)
	profileFile, updateFile := profileFlag(f), f.String("update", "", "the `FILE` of the change")
	if err := parse(f, args, "profile", "update"); err != nil {
		return nil, nil, "", err
	}
	text, err := os.ReadFile(*updateFile)
	if err != nil {
		return nil, nil, "", err
	}
	if u, err = membership.Read(text); err != nil {
		return nil, nil, "", err
	}
	s, err = open(*profileFile)
	return s, u, *updateFile, err
}

func write(u *membership.Update, file string, out io.Writer) error {
	signers, err := u.Signers()
	if err != nil {
		return err
	}
	text, err := u.Bytes()
	if err != nil {
		return err
	}
	for _, signer := range signers {
		fmt.Fprintf(out, "%s has signed\n", signer)
	}
	return os.WriteFile(file, text, 0o644)
}

func submit(ctx context.Context, s *session.Session, u *membership.Update, out io.Writer) error {
	if err := membership.Submit(ctx, s, u); err != nil {
		return err
	}
	fmt.Fprintf(out, "the change of %s is in force\n", u.Channel)
	return nil
}
