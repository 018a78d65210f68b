package host

import (
	"context"
	"slices"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/web"
)

// authenticator lets the web ask the accounts.
type authenticator struct{ accounts *accounts.Accounts }

func (a authenticator) BySession(ctx context.Context, cookie string) (*web.User, error) {
	u, _, err := a.accounts.BySession(ctx, cookie)
	return userOf(u), err
}

func (a authenticator) ByToken(ctx context.Context, token string) (*web.User, error) {
	u, t, err := a.accounts.ByToken(ctx, token, "")
	if err != nil {
		return nil, err
	}
	user := userOf(u)
	for _, scope := range []accounts.Scope{accounts.Read, accounts.Write, accounts.Capture, accounts.Admin} {
		if t.Allows(scope) {
			user.Scopes = append(user.Scopes, string(scope))
		}
	}
	return user, nil
}

func (a authenticator) Login(ctx context.Context, name, password, addr, agent string) (string, *web.User, error) {
	u, secret, err := a.accounts.Login(ctx, accounts.Attempt{Name: name, Password: password, Address: addr, Agent: agent}, "")
	return secret, userOf(u), err
}

func (a authenticator) Logout(ctx context.Context, cookie string) error {
	return a.accounts.Logout(ctx, cookie)
}

func (a authenticator) CSRF(cookie string) string { return accounts.CSRF(cookie) }

func (a authenticator) CheckCSRF(cookie, token string) bool {
	return accounts.CheckCSRF(cookie, token) == nil
}

func userOf(u accounts.User) *web.User {
	return &web.User{ID: u.Name, Name: u.Display, MSP: u.MSP, Party: u.Party, Roles: u.Roles, Lang: u.Language,
		Guest: u.Party == "" && slices.Equal(u.Roles, []string{rolePublic})}
}

// ActorOf is the user as the ledger knows them.
func ActorOf(u *web.User) Actor { return Actor{MSP: u.MSP, User: u.ID} }

func identityRules() []chaincode.Rule {
	return append(identity.Rules(), accounts.Rules()...)
}
