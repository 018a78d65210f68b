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

// foundHome makes a program found a network of one member, or on a Fabric
// network enter its own member's first user. told hears the administrator's
// password, this once.
func foundHome(p *host.Program, told func(password string)) {
	p.Members = []string{firstMember}
	p.Found = func(ctx context.Context, h *host.Host) error {
		home := firstMember
		if h.Profile != nil {
			home = h.Profile.Members[0].MSP
		}
		_, err := h.Wallet.Issue(identity.Enrolment{MSP: home, User: firstUser, Roles: []string{party.Admin}})
		if err != nil {
			return err
		}
		founders, err := founders(h)
		if err != nil {
			return err
		}
		_, _, err = host.Do[any](ctx, h, host.Actor{MSP: home, User: firstUser}, party.Found{Members: founders})
		if h.Profile != nil && errors.Is(err, party.ErrFounded) { // by the host of another member
			err = nil
		}
		if err != nil {
			return err
		}
		password := host.NewPassword()
		_, err = h.Accounts.Create(ctx, accounts.Registration{Name: firstUser, Display: "Administrator", MSP: home, Password: password})
		if err == nil {
			told(password)
		}
		return err
	}
}

// founders are the members that a ledger begins with: those of the network's
// connection profile, or the one member of a ledger of one's own.
func founders(h *host.Host) (all []party.Member, err error) {
	if h.Profile == nil {
		ca, err := h.CACert(firstMember)
		return []party.Member{{ID: firstMember, Name: "Home", CA: string(ca), Authority: true, Since: h.Now()}}, err
	}
	for _, f := range h.Profile.Founders {
		ca, err := h.CACert(f.MSP)
		if err != nil {
			return nil, err
		}
		all = append(all, party.Member{ID: f.MSP, Name: f.Name, CA: string(ca), Authority: f.Authority, Since: h.Now()})
	}
	return all, nil
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
