package traceability

import (
	"strings"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// The companies of the network, and the forms by which a member vouches for
// one or suspends it.
func (a *app) companyRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/traceability/companies", Name: "traceability.companies", Access: web.AnyUser, Handler: a.listCompanies},
		{Method: "GET", Path: "/traceability/companies/new", Name: "traceability.newCompany", Access: web.Roles(party.Admin), Handler: a.registerCompany},
		{Method: "POST", Path: "/traceability/companies/new", Name: "traceability.registerCompany", Access: web.Roles(party.Admin), Handler: a.registerCompany},
		{Method: "POST", Path: "/traceability/companies/:id/suspend", Name: "traceability.suspendCompany",
			Access: web.Roles(party.Admin, party.Regulator).Owned(), Handler: a.suspendCompany},
		{Method: "POST", Path: "/traceability/companies/:id/reinstate", Name: "traceability.reinstateCompany",
			Access: web.Roles(party.Admin, party.Regulator).Owned(), Handler: a.reinstateCompany},
	}
}

type companyRow struct {
	ID       string `db:"id" json:"id"`
	Member   string `db:"member" json:"member"`
	Name     string `db:"name" json:"name"`
	NameZh   string `db:"name_zh" json:"nameZh"`
	Kinds    string `db:"kinds" json:"kinds"`
	GLN      string `db:"gln" json:"gln"`
	Prefixes string `db:"prefixes" json:"prefixes"`
	Standing string `db:"standing" json:"standing"`
}

type companiesView struct {
	Table web.Table    `json:"-"`
	Items []companyRow `json:"items"`
	May   bool         `json:"-"`
}

func (a *app) listCompanies(c *web.Ctx) error {
	all, err := readmodel.All[companyRow](c.Context(), a.db,
		`SELECT id, member, name, name_zh, kinds, gln, prefixes, standing FROM tr_parties ORDER BY id`)
	if err != nil {
		return err
	}
	view := companiesView{Items: all, May: memberAdmin(c.User())}
	view.Table = web.Table{List: c.List(web.ListOptions{}), Label: "Companies", Count: c.T("%s companies", len(all)),
		Columns: []web.Column{{Label: "Company"}, {Label: "Kind"}, {Label: "GLN"}, {Label: "GS1 company prefix"}, {Label: "Vouched for by"}, {Label: "State"}, {}},
		Empty:   web.Empty{Title: "No company yet", Text: "A member vouches for its companies; then they can act."}}
	for _, p := range all {
		view.Table.Rows = append(view.Table.Rows, a.companyLine(c, p))
	}
	return c.Render("companies.html", view)
}

// memberAdmin reports whether the user speaks for a member, and so vouches.
func memberAdmin(u *web.User) bool { return u.Party == "" && u.Has(party.Admin) }

func (a *app) companyLine(c *web.Ctx, p companyRow) web.TableRow {
	name := p.Name
	if c.Lang() == "zh" && p.NameZh != "" {
		name = p.NameZh
	}
	var kinds []string
	for k := range strings.FieldsSeq(p.Kinds) {
		kinds = append(kinds, c.T(k))
	}
	state := web.Chip{Word: "vouched for", Tone: web.Good}
	act := web.Act{Label: "Suspend", Href: "/traceability/companies/" + p.ID + "/suspend", Post: true, Danger: true,
		Confirm: "Suspend this company? It can neither act nor be shipped to.", Fields: map[string]string{"reason": "other"}}
	if p.Standing == party.Barred {
		state = web.Chip{Word: "suspended", Tone: web.Bad}
		act = web.Act{Label: "Reinstate", Href: "/traceability/companies/" + p.ID + "/reinstate", Post: true}
	}
	row := web.TableRow{Cells: []any{name, strings.Join(kinds, ", "), p.GLN, p.Prefixes, p.Member, state, nil}}
	if c.User().Has(party.Regulator) || memberAdmin(c.User()) && c.User().MSP == p.Member {
		row.Cells[6] = act
	}
	return row
}

// companyForm is what a member says of a company it vouches for.
type companyForm struct {
	ID     string `form:"id,required"`
	Name   string `form:"name,required"`
	NameZh string `form:"nameZh"`
	Kind   string `form:"kinds,required"`
	Prefix string `form:"prefixes"`
	GLN    string `form:"glns"`
}

var companyKinds = []web.Option{
	{Value: party.KindManufacturer, Text: party.KindManufacturer}, {Value: party.KindProcessor, Text: party.KindProcessor},
	{Value: party.KindCarrier, Text: party.KindCarrier}, {Value: party.KindRetailer, Text: party.KindRetailer},
	{Value: party.KindRegulator, Text: party.KindRegulator}, {Value: party.KindTaxAuthority, Text: party.KindTaxAuthority},
	{Value: party.KindBank, Text: party.KindBank},
}

type registerView struct {
	Form  *web.Form[companyForm]
	Kinds []web.Option
}

func (a *app) registerCompany(c *web.Ctx) error {
	show := func(f *web.Form[companyForm]) error {
		return c.Render("company-new.html", registerView{f, companyKinds})
	}
	return web.Post(c, companyForm{}, show, func(f *web.Form[companyForm]) (string, error) {
		_, _, err := host.Do[party.Standing](c.Context(), a.host, host.ActorOf(c.User()), f.Value.command())
		return "/traceability/companies", err
	})
}

func (f companyForm) command() party.Register {
	return party.Register{ID: f.ID, Profile: party.Profile{Name: f.Name, NameZh: f.NameZh, Kinds: []string{f.Kind},
		Prefixes: strings.Fields(f.Prefix), GLNs: strings.Fields(f.GLN), Field: fieldOf(f.Kind)}}
}

// fieldOf is what a regulator of this suite supervises.
func fieldOf(kind string) string {
	if kind == party.KindRegulator {
		return "food"
	}
	return ""
}

func (a *app) suspendCompany(c *web.Ctx) error {
	_, _, err := host.Do[party.Standing](c.Context(), a.host, host.ActorOf(c.User()), party.Suspend{ID: idOf(c), Reason: c.FormValue("reason")})
	if err != nil {
		return err
	}
	return c.Redirect("/traceability/companies")
}

func (a *app) reinstateCompany(c *web.Ctx) error {
	_, _, err := host.Do[party.Standing](c.Context(), a.host, host.ActorOf(c.User()), party.Reinstate{ID: idOf(c)})
	if err != nil {
		return err
	}
	return c.Redirect("/traceability/companies")
}
