package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/identity/accounts"
)

// What an empty data folder starts with: one member, which may vouch for every
// kind of company, and its administrator, who registers companies and enters
// their first users.
const (
	firstMember = "HomeMSP"
	firstUser   = "admin"
)

// foundHome makes a program found a network of one member. told hears the
// administrator's password, this once.
func foundHome(p *host.Program, told func(password string)) {
	p.Members = []string{firstMember}
	p.Found = func(ctx context.Context, h *host.Host) error {
		if _, err := h.Wallet.Issue(identity.Enrolment{MSP: firstMember, User: firstUser, Roles: []string{party.Admin}}); err != nil {
			return err
		}
		ca, err := h.Wallet.CACert(firstMember)
		if err != nil {
			return err
		}
		found := party.Found{Members: []party.Member{{ID: firstMember, Name: "Home", CA: string(ca), Authority: true, Since: h.Now()}}}
		if _, _, err := host.Do[any](ctx, h, host.Actor{MSP: firstMember, User: firstUser}, found); err != nil {
			return err
		}
		password := host.NewPassword()
		_, err = h.Accounts.Create(ctx, accounts.Registration{Name: firstUser, Display: "Administrator", MSP: firstMember, Password: password})
		if err == nil {
			told(password)
		}
		return err
	}
}

// password gives a user a new password: for who has lost theirs.
func password(ctx context.Context, args []string, out io.Writer) error {
	var user string
	config, err := parse("password", args, func(f *flag.FlagSet) {
		f.StringVar(&user, "user", "", "whose password: a login name")
	})
	switch {
	case err != nil:
		return err
	case user == "":
		return errors.New("password: say whose, with --user")
	}
	people, err := host.OpenAccounts(ctx, config)
	if err != nil {
		return err
	}
	defer people.Close()
	fresh := host.NewPassword()
	if err := people.SetPassword(ctx, user, fresh); err != nil {
		return err
	}
	if err := people.Unlock(ctx, user); err != nil {
		return err
	}
	fmt.Fprintln(out, fresh)
	return nil
}
