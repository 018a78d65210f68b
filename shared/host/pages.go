package host

import (
	"github.com/tallyway/tallyway/shared/web"
)

// ownPages are the host's: where a visitor comes in, and the account.
func (h *Host) ownPages() web.App {
	return web.App{Name: "host", Routes: []web.Route{
		{Method: "GET", Path: "/", Name: "host.home", Access: web.Public, Handler: h.home},
	}}
}

// home leads a visitor to the first app that is theirs.
func (h *Host) home(c *web.Ctx) error {
	if c.User() == nil {
		return c.Redirect("/login")
	}
	for _, face := range h.faces {
		if len(face.Roles) == 0 || web.Roles(face.Roles...).Allows(c.User()) {
			return c.Redirect(face.Home)
		}
	}
	return c.Redirect("/api")
}
