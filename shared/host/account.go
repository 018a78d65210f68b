package host

import (
	"errors"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/web"
)

// accountView is a user's own page.
type accountView struct {
	About    []web.Pair
	Tokens   web.Table
	Sessions web.Table
	Password *web.Form[passwordForm] `json:"-"`
	Token    *web.Form[tokenForm]    `json:"-"`
	Scopes   []web.Option            `json:"-"`
	// Secret is a token that has just been made: it is shown this once.
	Secret string `json:"secret,omitempty"`
}

type passwordForm struct {
	Old string `form:"old,required"`
	New string `form:"new,required"`
}

type tokenForm struct {
	Label string `form:"label,required"`
	Scope string `form:"scope,required"`
	Days  int    `form:"days,required"`
}

var scopeOptions = []web.Option{
	{Value: string(accounts.Read), Text: "read"},
	{Value: string(accounts.Write), Text: "read and write"},
	{Value: string(accounts.Capture), Text: "capture events only"},
}

func (h *Host) showAccount(c *web.Ctx) error {
	return h.renderAccount(c, func(*accountView) {})
}

func (h *Host) renderAccount(c *web.Ctx, change func(*accountView)) error {
	view := accountView{Scopes: scopeOptions, Password: web.NewForm(c, passwordForm{}), Token: web.NewForm(c, tokenForm{Days: 90})}
	user := c.User()
	view.About = []web.Pair{{Label: "User name", Value: user.ID}, {Label: "Company", Value: user.Party},
		{Label: "Member", Value: user.MSP}, {Label: "Roles", Value: rolesText(c, user.Roles)}}
	if id, err := h.Wallet.Get(user.MSP, user.ID); err == nil {
		view.About = append(view.About, web.Pair{Label: "Certificate valid until", Value: id.Certificate().NotAfter})
	}
	tokens, err := h.Accounts.Tokens(c.Context(), user.ID)
	if err != nil {
		return err
	}
	view.Tokens = web.Table{Label: "API tokens",
		Columns: []web.Column{{Label: "Name"}, {Label: "Scope"}, {Label: "State"}, {Label: "Valid until"}, {Label: "Last used"}, {}},
		Empty:   web.Empty{Title: "No program acts for you yet.", Text: "With a token of yours, a program does on the API what you may do."}}
	for _, t := range tokens {
		view.Tokens.Rows = append(view.Tokens.Rows, tokenRow(c, t, h.Now()))
	}
	sessions, err := h.Accounts.Sessions(c.Context(), user.ID)
	if err != nil {
		return err
	}
	view.Sessions = web.Table{Label: "Signed in on",
		Columns: []web.Column{{Label: "Browser"}, {Label: "Address"}, {Label: "Last seen"}, {}}}
	for _, s := range sessions {
		view.Sessions.Rows = append(view.Sessions.Rows, web.TableRow{Cells: []any{browser(s.Agent), s.Address, s.Seen,
			web.Act{Label: "End", Href: "/account/sessions/revoke", Post: true, Fields: map[string]string{"id": s.ID}}}})
	}
	change(&view)
	return c.Render("account.html", view)
}

// browser is what people call the program that a User-Agent names: "Firefox,
// Windows".
func browser(agent string) string {
	find := func(names ...string) string {
		for _, name := range names {
			if mark, word, _ := strings.Cut(name, "="); strings.Contains(agent, mark) {
				return word
			}
		}
		return ""
	}
	name := find("MicroMessenger=WeChat", "Edg=Edge", "Firefox=Firefox", "Chrome=Chrome", "Safari=Safari")
	system := find("iPhone=iPhone", "iPad=iPad", "Android=Android", "HarmonyOS=HarmonyOS", "Windows=Windows", "Mac OS=macOS", "Linux=Linux")
	switch {
	case name == "":
		return agent
	case system == "":
		return name
	}
	return name + ", " + system
}

func rolesText(c *web.Ctx, roles []string) string {
	text := ""
	for i, r := range roles {
		if i > 0 {
			text += ", "
		}
		text += c.T(r)
	}
	return text
}

func tokenRow(c *web.Ctx, t accounts.Token, now time.Time) web.TableRow {
	state := web.Chip{Word: "valid", Tone: web.Good}
	var end any = web.Act{Label: "Revoke", Href: "/account/tokens/revoke", Post: true, Fields: map[string]string{"id": t.ID}}
	switch {
	case !t.Revoked.IsZero():
		state, end = web.Chip{Word: "revoked", Tone: web.Bad}, nil
	case now.After(t.Expires):
		state, end = web.Chip{Word: "expired", Tone: web.Idle}, nil
	}
	scopes := ""
	for i, s := range t.Scopes {
		if i > 0 {
			scopes += ", "
		}
		scopes += c.T(string(s))
	}
	return web.TableRow{Cells: []any{t.Label, scopes, state, t.Expires, t.Used, end}}
}

// changePassword asks for the old one, so that an unattended screen is not
// enough, and ends all sessions.
func (h *Host) changePassword(c *web.Ctx) error {
	f, err := web.ReadForm[passwordForm](c)
	if err != nil {
		return err
	}
	if f.OK() {
		_, err = h.Accounts.Authenticate(c.Context(), accounts.Attempt{Name: c.User().ID, Password: f.Value.Old, Address: c.RealIP()})
		if err != nil && f.Refuse(onField(err, "old")) {
			err = nil
		}
	}
	if err == nil && f.OK() {
		err = h.Accounts.SetPassword(c.Context(), c.User().ID, f.Value.New)
		if err == nil {
			c.Flash("Your password is changed. Please sign in again.")
			return c.Redirect("/login")
		}
		if f.Refuse(onField(err, "new")) {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	f.Forget("old")
	f.Forget("new")
	c.Status(422)
	return h.renderAccount(c, func(v *accountView) { v.Password = f })
}

// onField places a refusal that names no field of the form.
func onField(err error, field string) error {
	var no *chaincode.Refusal
	if !errors.As(err, &no) {
		return err
	}
	placed := *no // a refusal may be shared: it is never written
	return placed.On(field)
}

func (h *Host) makeToken(c *web.Ctx) error {
	f, err := web.ReadForm[tokenForm](c)
	if err != nil {
		return err
	}
	if f.OK() {
		secret, _, err := h.Accounts.CreateToken(c.Context(), c.User().ID, f.Value.Label,
			[]accounts.Scope{accounts.Scope(f.Value.Scope)}, time.Duration(f.Value.Days)*24*time.Hour)
		if err == nil {
			return h.renderAccount(c, func(v *accountView) { v.Secret = secret })
		}
		if !f.Refuse(onField(err, "days")) {
			return err
		}
	}
	c.Status(422)
	return h.renderAccount(c, func(v *accountView) { v.Token = f })
}

type idForm struct {
	ID string `form:"id,required"`
}

func (h *Host) revokeToken(c *web.Ctx) error {
	return h.revoke(c, func(id string) error { return h.Accounts.RevokeToken(c.Context(), c.User().ID, id) })
}

func (h *Host) revokeSession(c *web.Ctx) error {
	return h.revoke(c, func(id string) error { return h.Accounts.RevokeSession(c.Context(), c.User().ID, id) })
}

func (h *Host) revoke(c *web.Ctx, end func(id string) error) error {
	f, err := web.ReadForm[idForm](c)
	if err != nil {
		return err
	}
	if err := end(f.Value.ID); err != nil {
		return err
	}
	return c.Redirect("/account")
}
