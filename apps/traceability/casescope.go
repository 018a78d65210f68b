package traceability

import (
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// What changes an open case: wider, narrower, from hold to recall; and who is
// told of it.

// scopeForm is some lots, and why.
type scopeForm struct {
	Lots   []string `form:"lots"`
	Reason string   `form:"reason,required"`
}

// upgradeForm turns a hold into a recall.
type upgradeForm struct {
	Reason string    `form:"reason,required"`
	Code   string    `form:"code"`
	Terms  termsForm `form:"terms"`
}

type scopeView struct {
	Case    kase
	Title   string
	Crumbs  []web.Crumb
	Named   []lotChoice
	Find    lotSearch
	Widen   *web.Form[scopeForm]   `json:"-"`
	Narrow  *web.Form[scopeForm]   `json:"-"`
	Upgrade *web.Form[upgradeForm] `json:"-"`
	IsHold  bool
	Codes   []web.Option
	Choices termsChoices
}

// scopeForms are the three forms of the page; nil ones start afresh.
type scopeForms struct {
	widen, narrow *web.Form[scopeForm]
	upgrade       *web.Form[upgradeForm]
}

// ledCase loads a case that the user leads. One of others is refused as the
// contract would.
func (a *app) ledCase(c *web.Ctx) (kase, error) {
	k, err := a.kase(c)
	if err != nil {
		return k, err
	}
	r, err := a.reader(c)
	if err == nil && !r.leads(k) || err == nil && k.Authority && !r.all {
		err = trace.ErrNotYoursToRelease.Refuse("%s was opened by %s", k.ID, k.Author)
	}
	return k, err
}

func (a *app) caseScope(c *web.Ctx) error {
	k, err := a.ledCase(c)
	if err != nil {
		return err
	}
	return a.showScope(c, k, scopeForms{})
}

func (a *app) showScope(c *web.Ctx, k kase, forms scopeForms) error {
	n := a.names(c)
	v := scopeView{Case: k, Title: c.T("Change %s", k.ID), IsHold: k.Kind == trace.KindHold, Codes: caseCodes, Choices: allTerms,
		Crumbs: []web.Crumb{{Text: c.T("Recalls"), Href: "/traceability/cases"}, {Text: k.ID, Href: caseHref(k.ID)}, {Text: c.T("Change the case")}},
		Widen:  forms.widen, Narrow: forms.narrow, Upgrade: forms.upgrade}
	if v.Widen == nil {
		v.Widen = web.NewForm(c, scopeForm{})
	}
	if v.Narrow == nil {
		v.Narrow = web.NewForm(c, scopeForm{})
	}
	if v.Upgrade == nil {
		v.Upgrade = web.NewForm(c, upgradeForm{Reason: k.Reason, Code: k.Code, Terms: usualTerms})
	}
	named, err := readmodel.All[string](c.Context(), a.db, `SELECT lot FROM tr_case_lots WHERE kase = $1 AND named ORDER BY lot`, k.ID)
	if err != nil {
		return err
	}
	for _, id := range named {
		v.Named = append(v.Named, lotChoice{id, n.Lot(id), slices.Contains(c.Request().PostForm["lots"], id)})
	}
	if v.Find, err = a.find(c, n, named); err != nil {
		return err
	}
	return c.Render("case_scope.html", v)
}

func (a *app) widenCase(c *web.Ctx) error {
	k, err := a.ledCase(c)
	if err != nil {
		return err
	}
	show := func(f *web.Form[scopeForm]) error { return a.showScope(c, k, scopeForms{widen: f}) }
	return web.Post(c, scopeForm{}, show, func(f *web.Form[scopeForm]) (string, error) {
		state, err := do[trace.CaseState](a, c, trace.Widen{Case: k.ID, Lots: lotIDs(f.Value.Lots), Reason: f.Value.Reason})
		if err == nil {
			err = a.spread(c, state)
		}
		c.Flash("The case is wider now.")
		return caseHref(k.ID), err
	})
}

func (a *app) narrowCase(c *web.Ctx) error {
	k, err := a.ledCase(c)
	if err != nil {
		return err
	}
	show := func(f *web.Form[scopeForm]) error { return a.showScope(c, k, scopeForms{narrow: f}) }
	return web.Post(c, scopeForm{}, show, func(f *web.Form[scopeForm]) (string, error) {
		state, err := do[trace.CaseState](a, c, trace.Narrow{Case: k.ID, Lots: lotIDs(f.Value.Lots), Reason: f.Value.Reason})
		if err == nil {
			_, err = a.extend(c, state)
		}
		c.Flash("The case is narrower now; what only these lots reached is free.")
		return caseHref(k.ID), err
	})
}

func (a *app) upgradeCase(c *web.Ctx) error {
	k, err := a.ledCase(c)
	if err != nil {
		return err
	}
	show := func(f *web.Form[upgradeForm]) error { return a.showScope(c, k, scopeForms{upgrade: f}) }
	return web.Post(c, upgradeForm{}, show, func(f *web.Form[upgradeForm]) (string, error) {
		v := f.Value
		_, err := do[trace.CaseState](a, c, trace.Upgrade{Case: k.ID, Reason: v.Reason, Code: v.Code, Terms: v.Terms.terms()})
		if err == nil {
			err = a.notifyAll(c, k.ID)
		}
		err = onTerms(err)
		c.Flash("The hold is a recall now. Nothing could move in between.")
		return caseHref(k.ID), err
	})
}

// notifyCase tells the companies that have not been told.
func (a *app) notifyCase(c *web.Ctx) error {
	return a.tell(c, func(k kase) ([]trace.Concerned, error) { return a.untold(c.Context(), k.ID) })
}

// remindCase tells again those who are to answer and have not.
func (a *app) remindCase(c *web.Ctx) error {
	return a.tell(c, func(k kase) ([]trace.Concerned, error) { return a.silent(c, k) })
}

func (a *app) tell(c *web.Ctx, whom func(kase) ([]trace.Concerned, error)) error {
	k, err := a.ledCase(c)
	if err != nil {
		return err
	}
	show := func(*web.Form[struct{}]) error { return a.showCase(c, k, nil, nil) }
	return web.Post(c, struct{}{}, show, func(*web.Form[struct{}]) (string, error) {
		to, err := whom(k)
		if err == nil {
			err = a.notify(c, k.ID, to)
		}
		c.Flash("The companies are notified.")
		return caseHref(k.ID) + "/progress", err
	})
}

// silent are the notified companies that have not acknowledged.
func (a *app) silent(c *web.Ctx, k kase) ([]trace.Concerned, error) {
	return readmodel.All[trace.Concerned](c.Context(), a.db, `SELECT party, lots FROM tr_notices n WHERE kase = $1
		AND NOT EXISTS (SELECT 1 FROM tr_acknowledgements k WHERE k.kase = n.kase AND k.party = n.party) ORDER BY party`, k.ID)
}

// lotSearch is how lots are chosen for a case, and what was found.
type lotSearch struct {
	Text, Product, Plant, Ingredient, Supplier string
	From, To                                   string // when they were made: "2006-01-02T15:04", for a day or a shift
	Asked                                      bool
	Found                                      []lotChoice
	More                                       bool // there are more than are shown
	Products, Plants, Suppliers                []web.Option
}

// shownLots bounds what a search for a case finds at once.
const shownLots = 100

// find searches lots that the user may block, by what they ask: text, product,
// when and where they were made, what went in, who supplied that. Lots that are
// chosen already are left out.
func (a *app) find(c *web.Ctx, n *names, chosen []string) (lotSearch, error) {
	s := lotSearch{Text: c.QueryParam("q"), Product: c.QueryParam("product"), Plant: c.QueryParam("plant"), Ingredient: c.QueryParam("ingredient"),
		Supplier: c.QueryParam("supplier"), From: c.QueryParam("from"), To: c.QueryParam("to")}
	s.Asked = s.Text+s.Product+s.Plant+s.Ingredient+s.Supplier+s.From+s.To != ""
	maker := c.User().Party
	if all, err := a.supervises(c); err != nil {
		return s, err
	} else if all {
		maker = ""
	}
	found, err := a.findLots(c, s, maker)
	if err != nil {
		return s, err
	}
	for _, id := range found {
		if !slices.Contains(chosen, id) {
			s.Found = append(s.Found, lotChoice{id, n.Lot(id), false})
		}
	}
	if s.More = len(s.Found) > shownLots; s.More {
		s.Found = s.Found[:shownLots]
	}
	return s, a.searchChoices(c, n, &s, maker)
}

// from and to are the bounds of the time of making, in the house's zone.
func (s lotSearch) bounds(c *web.Ctx) (from, to time.Time) {
	at := func(text string, otherwise time.Time) time.Time {
		for _, layout := range []string{"2006-01-02T15:04", time.DateOnly} {
			if t, err := time.ParseInLocation(layout, text, c.Zone()); err == nil {
				return t.UTC()
			}
		}
		return otherwise
	}
	return at(s.From, time.Time{}), at(s.To, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
}

func (a *app) findLots(c *web.Ctx, s lotSearch, maker string) ([]string, error) {
	from, to := s.bounds(c)
	like := searchPattern(s.Text)
	ingredient := lotID(s.Ingredient)
	return readmodel.All[string](c.Context(), a.db, `SELECT l.id FROM tr_lots l LEFT JOIN tr_products g ON g.gtin = l.gtin
		WHERE ($1 = '' OR l.maker = $2) AND l.batch = ''
		AND (`+readmodel.Contains("l.id", "$3")+` OR `+readmodel.Contains("g.name", "$4")+` OR `+readmodel.Contains("g.name_zh", "$5")+`)
		AND ($6 = '' OR l.gtin = $7) AND l.at >= $8 AND l.at <= $9
		AND ($10 = '' OR EXISTS (SELECT 1 FROM tr_events e WHERE e.hash = l.origin AND (e.place = $11 OR e.read_point = $12)))
		AND ($13 = '' OR EXISTS (SELECT 1 FROM tr_process_lines o JOIN tr_process_lines i ON i.process = o.process AND i.side = 'in'
			WHERE o.lot = l.id AND o.side = 'out' AND i.lot = $14))
		AND ($15 = '' OR EXISTS (SELECT 1 FROM tr_process_lines o JOIN tr_process_lines i ON i.process = o.process AND i.side = 'in'
			JOIN tr_shipment_lines x ON x.lot = i.lot JOIN tr_shipments p ON p.id = x.shipment
			WHERE o.lot = l.id AND o.side = 'out' AND p.sender = $16 AND p.receiver = l.maker AND p.state = 'accepted'))
		ORDER BY l.at DESC, l.id LIMIT $17`, maker, maker, like, like, like, s.Product, s.Product, from, to, s.Plant, s.Plant, s.Plant,
		ingredient, ingredient, s.Supplier, s.Supplier, 2*shownLots)
}

// searchChoices are the products, plants and suppliers to choose from.
func (a *app) searchChoices(c *web.Ctx, n *names, s *lotSearch, maker string) error {
	products, err := readmodel.All[string](c.Context(), a.db, `SELECT gtin FROM tr_products WHERE ($1 = '' OR owner = $2) ORDER BY name, gtin LIMIT 200`, maker, maker)
	if err != nil {
		return err
	}
	plants, err := readmodel.All[string](c.Context(), a.db, `SELECT gln FROM tr_places WHERE ($1 = '' OR owner = $2) ORDER BY name, gln LIMIT 200`, maker, maker)
	if err != nil {
		return err
	}
	suppliers, err := readmodel.All[string](c.Context(), a.db, `SELECT DISTINCT sender FROM tr_shipments WHERE ($1 = '' OR receiver = $2) AND state = 'accepted' ORDER BY sender LIMIT 200`, maker, maker)
	if err != nil {
		return err
	}
	s.Products, s.Plants, s.Suppliers = named(products, n.Product), named(plants, n.Place), named(suppliers, n.Party)
	return nil
}

func named(ids []string, name func(string) string) (all []web.Option) {
	for _, id := range ids {
		all = append(all, web.Option{Value: id, Text: strings.TrimSpace(name(id))})
	}
	return all
}
