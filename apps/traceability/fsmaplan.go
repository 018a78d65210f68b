package traceability

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// keptPlan is a traceability plan (21 CFR 1.1315(a)).
type keptPlan struct {
	Party   string    `db:"party" json:"party"`
	Version int       `db:"version" json:"version"`
	Records string    `db:"records" json:"records"`
	Foods   string    `db:"foods" json:"foods"`
	Codes   string    `db:"codes" json:"codes"`
	Contact string    `db:"contact" json:"contact"`
	Phone   string    `db:"phone" json:"phone"`
	Farm    string    `db:"farm" json:"farm,omitempty"`
	Login   string    `db:"login" json:"by"`
	At      time.Time `db:"at" json:"at"`
}

const planColumns = `party, version, records, foods, codes, contact, phone, farm, login, at`

// planForm is what a company enters.
type planForm struct {
	Records string `form:"records,required"`
	Foods   string `form:"foods,required"`
	Codes   string `form:"codes,required"`
	Contact string `form:"contact,required"`
	Phone   string `form:"phone,required"`
	Farm    string `form:"farm"`
}

// ErrPlan bounds a plan to what a page and a package carry.
var ErrPlan = chaincode.Rule{Code: "traceability/plan", Kind: chaincode.Malformed,
	Text: "A text of the traceability plan is longer than 20,000 bytes.", Remedy: "Shorten it, and refer to documents of your own."}

const longestPlan = 20_000

type planView struct {
	Form   *web.Form[planForm] `json:"-"`
	Crumbs []web.Crumb         `json:"-"`
	Plan   *keptPlan           `json:"plan"`
	Parts  []planPart          `json:"-"`
	Table  web.Table           `json:"-"`
	Edits  bool                `json:"-"`
}

// planPart is one paragraph of the plan with what the regulation asks there.
type planPart struct {
	Clause, Asks, Text string // Asks is an English key
}

func (p keptPlan) parts() []planPart {
	return []planPart{
		{"1.1315(a)(1)", "How we keep records, in which format and where", p.Records},
		{"1.1315(a)(2)", "How we tell foods on the Food Traceability List from others", p.Foods},
		{"1.1315(a)(3)", "How we assign traceability lot codes", p.Codes},
		{"1.1315(a)(4)", "Who answers questions about our plan and records", strings.TrimSpace(p.Contact + "\n" + p.Phone)},
		{"1.1315(a)(5)", "Map of our farm, where we grow or raise", p.Farm},
	}
}

// planOf is a company's plan as it stands, nil where it has none.
func (a *app) planOf(ctx context.Context, company string) (*keptPlan, error) {
	all, err := readmodel.All[keptPlan](ctx, a.db, `SELECT `+planColumns+` FROM tr_plans WHERE party = $1 ORDER BY version DESC LIMIT 1`, company)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// firstPlan is what a company begins with: true of who keeps its records here.
func firstPlan(c *web.Ctx) planForm {
	return planForm{
		Records: c.T("Every critical tracking event is recorded as an EPCIS 2.0 event in Tallyway, signed by who recorded it and kept on a ledger that nobody can alter. Records are found by lot, product, place and date, and handed over as a sortable spreadsheet within 24 hours."),
		Foods:   c.T("Each product's description in Tallyway says in which category of the Food Traceability List it is, or that it is on none. We look through the list whenever a product is added, and once a year."),
		Codes:   c.T("A traceability lot code is the product's GTIN with a lot number that we assign when we pack, land or make the food. No number is used twice for one product."),
	}
}

// editPlan shows the plan on its form, and takes a new version.
func (a *app) editPlan(c *web.Ctx) error {
	own := c.User().Party
	old, err := a.planOf(c.Context(), own)
	if err != nil {
		return err
	}
	start := firstPlan(c)
	if old != nil {
		start = planForm{old.Records, old.Foods, old.Codes, old.Contact, old.Phone, old.Farm}
	}
	show := func(f *web.Form[planForm]) error {
		return c.Render("fsma_plan_edit.html", planView{Form: f, Crumbs: planCrumbs(c), Plan: old, Edits: true})
	}
	return web.Post(c, start, show, func(f *web.Form[planForm]) (string, error) {
		v := f.Value
		for field, text := range map[string]string{"records": v.Records, "foods": v.Foods, "codes": v.Codes, "contact": v.Contact, "phone": v.Phone, "farm": v.Farm} {
			if len(text) > longestPlan {
				return "", ErrPlan.Refuse("").On(field)
			}
		}
		version := 1
		if old != nil {
			version = old.Version + 1
		}
		_, err := a.db.ExecContext(c.Context(), `INSERT INTO tr_plans (`+planColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			own, version, v.Records, v.Foods, v.Codes, v.Contact, v.Phone, v.Farm, c.User().ID, a.host.Now().UTC())
		if err != nil {
			return "", fmt.Errorf("keep the traceability plan: %w", err)
		}
		c.Flash("The traceability plan is kept.")
		return "/traceability/fsma/plan", nil
	})
}

func planCrumbs(c *web.Ctx) []web.Crumb {
	return []web.Crumb{{Text: c.T("Food traceability records"), Href: "/traceability/fsma"}, {Text: c.T("Traceability plan")}}
}

// showPlan shows the company's plan, to a regulator anybody's (?company=).
func (a *app) showPlan(c *web.Ctx) error {
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	company := c.User().Party
	if asked := c.QueryParam("company"); r.all && asked != "" {
		company = asked
	}
	versions, err := readmodel.All[keptPlan](c.Context(), a.db, `SELECT `+planColumns+` FROM tr_plans WHERE party = $1 ORDER BY version DESC LIMIT $2`, company, web.MaxLimit)
	if err != nil {
		return err
	}
	v := planView{Crumbs: planCrumbs(c), Edits: keepers.Allows(c.User()) && company == c.User().Party && company != ""}
	v.Table = web.Table{Label: "Versions", Columns: []web.Column{{Label: "Version", Number: true}, {Label: "User"}, {Label: "When"}}}
	for i, p := range versions {
		if i == 0 {
			v.Plan, v.Parts = &versions[0], p.parts()
		}
		v.Table.Rows = append(v.Table.Rows, web.TableRow{Cells: []any{p.Version, p.Login, p.At}})
	}
	return c.Render("fsma_plan.html", v)
}

// writePlan writes a plan as a text for who gets the package.
func writePlan(w io.Writer, name string, p *keptPlan) error {
	if p == nil {
		_, err := fmt.Fprintf(w, "%s has not written down its traceability plan (21 CFR 1.1315).\n", name)
		return err
	}
	fmt.Fprintf(w, "# Traceability plan of %s\n\n21 CFR 1.1315. Version %d of %s.\n", name, p.Version, p.At.UTC().Format(time.RFC3339))
	for _, part := range p.parts() {
		if _, err := fmt.Fprintf(w, "\n## %s (%s)\n\n%s\n", part.Asks, part.Clause, part.Text); err != nil {
			return err
		}
	}
	return nil
}

// planKeepers write the plan of their company.
var planKeepers = web.Roles(party.Operator, party.Admin).Owned()
