package host

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/web"
)

// peopleView is the users of a company, or of a member for its own
// administrator.
type peopleView struct {
	Table web.Table
	Form  *web.Form[personForm] `json:"-"`
	Roles []web.Option          `json:"-"`
	Any   bool                  `json:"-"` // a user of any of the member's companies may be entered
	// Name and Password are of a user who has just been entered or given a new
	// password: it is shown this once.
	Name     string `json:"name,omitempty"`
	Password string `json:"password,omitempty"`
}

type personForm struct {
	Name    string `form:"name,required"`
	Display string `form:"display,required"`
	Role    string `form:"role,required"`
	Party   string `form:"party"` // a member's administrator says for which company
}

func (h *Host) showPeople(c *web.Ctx) error {
	return h.renderPeople(c, func(*peopleView) {})
}

func (h *Host) renderPeople(c *web.Ctx, change func(*peopleView)) error {
	view := peopleView{Any: c.User().Party == "", Form: web.NewForm(c, personForm{}), Table: web.Table{Label: "Users", Columns: []web.Column{
		{Label: "User name"}, {Label: "Name"}, {Label: "Company"}, {Label: "Roles"}, {Label: "State"}, {Label: "Key"}, {}}}}
	for _, role := range h.grantable(c.User()) {
		view.Roles = append(view.Roles, web.Option{Value: role, Text: role})
	}
	all, err := h.Accounts.List(c.Context())
	if err != nil {
		return err
	}
	keys, err := h.keys(c.User().MSP)
	if err != nil {
		return err
	}
	for _, u := range all {
		if h.looksAfter(c.User(), u, keys) {
			view.Table.Rows = append(view.Table.Rows, personRow(c, u, keys[u.Name], h.Now()))
		}
	}
	change(&view)
	return c.Render("people.html", view)
}

// looksAfter keeps administrators to their own: a company's to its users, a
// member's to the users of all its companies. Whose a user is, the key says even
// where it is revoked and nobody can sign in with it.
func (h *Host) looksAfter(admin *web.User, u accounts.User, keys map[string]identity.Card) bool {
	key, held := keys[u.Name]
	return u.MSP == admin.MSP && (admin.Party == "" || held && key.Party == admin.Party)
}

// grantable are the roles that an administrator hands out: their own, and
// looking on. Nobody gives what they have not got; a member's administrator
// gives what its companies' first users need.
func (h *Host) grantable(admin *web.User) []string {
	if admin.Party == "" {
		return []string{roleAdmin, "operator", "viewer", "regulator", "tax-officer", "banker"}
	}
	roles := []string{"viewer"}
	for _, r := range admin.Roles {
		if !slices.Contains(roles, r) {
			roles = append(roles, r)
		}
	}
	return roles
}

func personRow(c *web.Ctx, u accounts.User, key identity.Card, now time.Time) web.TableRow {
	state, act := web.Chip{Word: "active", Tone: web.Good}, web.Act{Label: "Disable", Href: "/people/" + u.Name + "/disable", Post: true}
	if u.State == accounts.Disabled {
		state, act = web.Chip{Word: "disabled", Tone: web.Idle}, web.Act{Label: "Enable", Href: "/people/" + u.Name + "/enable", Post: true}
	}
	acts := []web.Act{{Label: "New password", Href: "/people/" + u.Name + "/password", Post: true, Confirm: "Give this user a new password and end their sessions?"}}
	if u.Name != c.User().ID {
		acts = append(acts, act)
	}
	return web.TableRow{Cells: []any{u.Name, u.Display, key.Party, rolesText(c, key.Roles), state, keyChip(key, now), append(acts, keyActs(c, u, key)...)}}
}

// addPerson makes a key, a certificate and a login. The password is chosen
// here and shown once.
func (h *Host) addPerson(c *web.Ctx) error {
	f, err := web.ReadForm[personForm](c)
	if err != nil {
		return err
	}
	if f.OK() {
		password := NewPassword()
		if err = h.enter(c, f.Value, password); err == nil {
			return h.renderPeople(c, func(v *peopleView) { v.Name, v.Password = f.Value.Name, password })
		}
		if !f.Refuse(err) {
			return err
		}
	}
	c.Status(422)
	return h.renderPeople(c, func(v *peopleView) { v.Form = f })
}

func (h *Host) enter(c *web.Ctx, p personForm, password string) error {
	admin := c.User()
	if admin.Party != "" {
		p.Party = admin.Party
	}
	if !slices.Contains(h.grantable(admin), p.Role) {
		return chaincode.ErrRole.Refuse("%s", p.Role).On("role")
	}
	wanted := identity.Enrolment{MSP: admin.MSP, User: p.Name, Party: p.Party, Roles: []string{p.Role}}
	err := h.Accounts.Enter(c.Context(), accounts.Registration{Name: p.Name, Display: p.Display, MSP: admin.MSP, Password: password}, p.Party,
		accounts.Keys{Free: func() error { return h.Wallet.Free(wanted) }, Withdraw: h.Wallet.Withdraw,
			Issue: func() error { _, err := h.Wallet.Issue(wanted); return err }})
	return onField(err, "name")
}

// NewPassword has 130 random bits, in groups that can be read out.
func NewPassword() string {
	text := strings.ToLower(rand.Text())
	return strings.Join([]string{text[:7], text[7:13], text[13:19], text[19:26]}, "-")
}

// person is the user whom the address names, if the reader looks after them.
func (h *Host) person(c *web.Ctx) (accounts.User, error) {
	u, err := h.Accounts.User(c.Context(), c.Param("name"))
	if err != nil {
		return u, err
	}
	keys, err := h.keys(c.User().MSP)
	if err != nil {
		return u, err
	}
	if !h.looksAfter(c.User(), u, keys) {
		return u, accounts.ErrUnknownName.Refuse("%s", c.Param("name")) // whether somebody exists elsewhere is not told
	}
	return u, nil
}

func (h *Host) changePerson(c *web.Ctx) error {
	u, err := h.person(c)
	if err != nil {
		return err
	}
	switch c.Param("act") {
	case "disable":
		if u.Name == c.User().ID {
			return chaincode.ErrRole.Refuse("%s", u.Name)
		}
		err = h.Accounts.Disable(c.Context(), u.Name)
	case "enable":
		err = h.Accounts.Enable(c.Context(), u.Name)
	case "password":
		password := NewPassword()
		if err = h.Accounts.SetPassword(c.Context(), u.Name, password); err == nil {
			return h.renderPeople(c, func(v *peopleView) { v.Name, v.Password = u.Name, password })
		}
	default:
		return accounts.ErrUnknownName.Refuse("%s", c.Param("act"))
	}
	if err != nil {
		return err
	}
	return c.Redirect("/people")
}
