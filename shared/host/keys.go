package host

import (
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/web"
)

// What an administrator does about a user's key: a lost or doubtful one is
// renewed, that of somebody who has left is revoked.

// keys are a member's, by the name of who holds them.
func (h *Host) keys(msp string) (map[string]identity.Card, error) {
	cards, err := h.Wallet.List(msp)
	keys := map[string]identity.Card{}
	for _, k := range cards {
		keys[k.User] = k
	}
	return keys, err
}

// revoked reports whether nothing new can be signed with the key. A revocation
// that a renewal has set for later has not happened yet.
func revoked(k identity.Card, now time.Time) bool {
	return !k.Revoked.IsZero() && !k.Revoked.After(now)
}

func keyChip(k identity.Card, now time.Time) web.Chip {
	switch {
	case k.Serial == "":
		return web.Chip{Word: "no key", Tone: web.Bad}
	case revoked(k, now):
		return web.Chip{Word: "revoked", Tone: web.Bad}
	case now.After(k.NotAfter):
		return web.Chip{Word: "expired", Tone: web.Idle}
	}
	return web.Chip{Word: "valid", Tone: web.Good}
}

func keyActs(c *web.Ctx, u accounts.User, k identity.Card) []web.Act {
	if k.Serial == "" {
		return nil
	}
	acts := []web.Act{{Label: "New key", Href: "/people/" + u.Name + "/renew", Post: true,
		Confirm: "Give this user a new key and certificate? The old one signs nothing from now on."}}
	if u.Name != c.User().ID && k.Revoked.IsZero() {
		acts = append(acts, web.Act{Label: "Revoke the key", Href: "/people/" + u.Name + "/revoke", Post: true, Danger: true,
			Confirm: "This user can no longer sign in or sign anything. What they signed before stays valid. Revoke?"})
	}
	return acts
}

// renewKey gives a user a new key and a certificate that says the same; the old
// certificate is revoked at once. A user whose key was revoked is back with it.
func (h *Host) renewKey(c *web.Ctx) error {
	u, err := h.person(c)
	if err != nil {
		return err
	}
	id, err := h.Wallet.Rotate(u.MSP, u.Name, 0)
	if err != nil {
		return err
	}
	h.Log.Info("key renewed", "member", u.MSP, "user", u.Name, "by", c.User().ID, "serial", id.Certificate().SerialNumber.Text(16))
	c.Flash("%s has a new key.", u.Name)
	return c.Redirect("/people")
}

// revokeKey ends a user's certificate now: neither a session nor a token of
// theirs is let in, and the ledger takes nothing that it signs. Blocks hold what
// it signed before, and verify by the time of each transaction.
func (h *Host) revokeKey(c *web.Ctx) error {
	u, err := h.person(c)
	if err != nil {
		return err
	}
	if u.Name == c.User().ID {
		return chaincode.ErrRole.Refuse("%s", u.Name) // nobody would be left to renew it
	}
	if err := h.Wallet.Revoke(u.MSP, u.Name); err != nil {
		return err
	}
	h.Log.Info("key revoked", "member", u.MSP, "user", u.Name, "by", c.User().ID)
	if err := h.Accounts.RevokeSessions(c.Context(), u.Name); err != nil {
		return err
	}
	c.Flash("The key of %s is revoked.", u.Name)
	return c.Redirect("/people")
}
