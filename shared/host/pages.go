package host

import (
	"embed"
	"io/fs"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/web"
)

//go:embed pages/*.html
var pageFiles embed.FS

//go:embed i18n/zh.json
var wordFiles embed.FS

// roleAdmin is the role that looks after a company's users, as the contracts
// name it.
const roleAdmin = "admin"

// rolePublic is that of an account which anybody may open.
const rolePublic = "public"

// menu leads to the host's pages from every app's.
var menu = []web.NavItem{{Title: "Your account", Href: "/account", Guest: true}, {Title: "Users", Href: "/people", Roles: []string{roleAdmin}}}

// ownPages are the host's: the account, and the users of a company.
func (h *Host) ownPages() web.App {
	return web.App{Name: "host", Pages: below(pageFiles, "pages"), Words: below(wordFiles, "i18n"), Rules: []chaincode.Rule{ErrNoSignUp, ErrSignUps}, Routes: []web.Route{
		{Method: "GET", Path: "/account", Name: "host.account", Access: web.AnyUser.Guests(), Handler: h.showAccount},
		{Method: "POST", Path: "/account/password", Name: "host.password", Access: web.AnyUser.Guests().Needs("admin"), Handler: h.changePassword},
		{Method: "POST", Path: "/account/tokens", Name: "host.makeToken", Access: web.AnyUser.Guests().Needs("admin"), Handler: h.makeToken},
		{Method: "POST", Path: "/account/tokens/revoke", Name: "host.revokeToken", Access: web.AnyUser.Guests().Owned().Needs("admin"), Handler: h.revokeToken},
		{Method: "POST", Path: "/account/sessions/revoke", Name: "host.revokeSession", Access: web.AnyUser.Guests().Owned().Needs("admin"), Handler: h.revokeSession},
		{Method: "GET", Path: "/transactions/:id", Name: "host.transaction", Access: web.AnyUser.Guests(), Handler: h.showTransaction},
		{Method: "GET", Path: "/members.pem", Name: "host.members", Access: web.Public, Handler: h.showMembers},
		{Method: "GET", Path: "/signup", Name: "host.signUpForm", Access: web.Public, Handler: h.signUp},
		{Method: "POST", Path: "/signup", Name: "host.signUp", Access: web.Public, Handler: h.signUp},
		{Method: "GET", Path: "/people", Name: "host.people", Access: web.Roles(roleAdmin).Needs("admin"), Handler: h.showPeople},
		{Method: "POST", Path: "/people", Name: "host.addPerson", Access: web.Roles(roleAdmin).Needs("admin"), Handler: h.addPerson},
		{Method: "POST", Path: "/people/:name/renew", Name: "host.renewKey", Access: web.Roles(roleAdmin).Owned().Needs("admin"), Handler: h.renewKey},
		{Method: "POST", Path: "/people/:name/revoke", Name: "host.revokeKey", Access: web.Roles(roleAdmin).Owned().Needs("admin"), Handler: h.revokeKey},
		{Method: "POST", Path: "/people/:name/:act", Name: "host.changePerson", Access: web.Roles(roleAdmin).Owned().Needs("admin"), Handler: h.changePerson},
	}}
}

func below(files embed.FS, dir string) fs.FS {
	sub, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}
