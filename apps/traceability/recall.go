package traceability

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/lineage"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

func (a *app) caseRoutes() []web.Route {
	const one = "/traceability/cases/:id"
	return []web.Route{
		{Method: "GET", Path: "/traceability/cases", Name: "cases", Access: readers, Handler: a.cases},
		{Method: "GET", Path: "/traceability/cases/new", Name: "cases.new", Access: recallers, Handler: a.openCase},
		{Method: "POST", Path: "/traceability/cases/new", Name: "cases.open", Access: recallers, Handler: a.openCase},
		{Method: "GET", Path: one, Name: "cases.show", Access: readers, Handler: a.casePage},
		{Method: "POST", Path: one + "/extend", Name: "cases.extend", Access: readers, Handler: a.extendCase},
		{Method: "POST", Path: one + "/release", Name: "cases.release", Access: recallers, Handler: a.release},
		{Method: "POST", Path: one + "/acknowledge", Name: "cases.acknowledge", Access: keepers, Handler: a.acknowledge},
		{Method: "GET", Path: one + "/reconcile", Name: "cases.accounts", Access: keepers, Handler: a.reconcile},
		{Method: "POST", Path: one + "/reconcile", Name: "cases.reconcile", Access: keepers, Handler: a.reconcile},
		{Method: "GET", Path: one + "/scope", Name: "cases.scope", Access: recallers, Handler: a.caseScope},
		{Method: "POST", Path: one + "/widen", Name: "cases.widen", Access: recallers, Handler: a.widenCase},
		{Method: "POST", Path: one + "/narrow", Name: "cases.narrow", Access: recallers, Handler: a.narrowCase},
		{Method: "POST", Path: one + "/upgrade", Name: "cases.upgrade", Access: recallers, Handler: a.upgradeCase},
		{Method: "POST", Path: one + "/notify", Name: "cases.notify", Access: recallers, Handler: a.notifyCase},
		{Method: "POST", Path: one + "/remind", Name: "cases.remind", Access: recallers, Handler: a.remindCase},
		{Method: "GET", Path: one + "/progress", Name: "cases.progress", Access: readers, Handler: a.caseProgress},
		{Method: "POST", Path: one + "/check", Name: "cases.check", Access: recallers, Handler: a.checkCase},
		{Method: "GET", Path: one + "/report.:form", Name: "cases.report", Access: readers, Handler: a.caseReport},
	}
}

var kinds = []web.Option{{Value: trace.KindRecall, Text: "Recall"}, {Value: trace.KindHold, Text: "Hold"}, {Value: trace.KindMock, Text: "Mock recall"}}

var caseCodes = []web.Option{{Value: "listeria", Text: "Listeria"}, {Value: "salmonella", Text: "Salmonella"}, {Value: "allergen", Text: "Undeclared allergen"},
	{Value: "foreign-body", Text: "Foreign body"}, {Value: "temperature", Text: "Cold chain broken"}, {Value: "labelling", Text: "Wrong label"}, {Value: "other", Text: "Another reason"}}

func (k kase) open() bool { return k.State == trace.CaseOpen }

func (k kase) chip() web.Chip {
	switch {
	case !k.open():
		return web.Chip{Word: "Closed", Tone: web.Idle}
	case k.Kind == trace.KindRecall:
		return web.Chip{Word: "Recall open", Tone: web.Bad}
	case k.Kind == trace.KindHold:
		return web.Chip{Word: "Hold open", Tone: web.Warn}
	}
	return web.Chip{Word: "Mock recall open", Tone: web.Busy}
}

var caseList = web.ListOptions{Search: true, Sort: []string{"-at"}, Filters: []web.Filter{{Name: "kind", Label: "Kind", Options: kinds},
	{Name: "state", Label: "State", Options: []web.Option{{Value: trace.CaseOpen, Text: "Open"}, {Value: trace.CaseOver, Text: "Closed"}}}}}

// cases lists recalls, holds and mock recalls. They are public among the
// members, as a warning has to be.
func (a *app) cases(c *web.Ctx) error {
	list := c.List(caseList)
	like := readmodel.Pattern(list.Search)
	after := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	if at, err := time.Parse(time.RFC3339Nano, list.After); err == nil {
		after = at
	}
	order, beyond := "DESC", "<"
	if !list.Desc {
		order, beyond = "ASC", ">"
		if list.After == "" {
			after = time.Time{}
		}
	}
	rows, err := readmodel.All[kase](c.Context(), a.db, `SELECT `+caseColumns+` FROM tr_cases WHERE ($1 = '' OR kind = $2) AND ($3 = '' OR state = $4)
		AND (`+readmodel.Contains("id", "$5")+` OR `+readmodel.Contains("reason", "$6")+`) AND at `+beyond+` $7 ORDER BY at `+order+` LIMIT $8`,
		list.Get("kind"), list.Get("kind"), list.Get("state"), list.Get("state"), like, like, after, list.Limit+1)
	if err != nil {
		return err
	}
	t := web.Table{List: list, Label: "Recalls and holds", Live: "ledger",
		Columns: []web.Column{{Label: "Case"}, {Label: "Kind"}, {Label: "Reason"}, {Label: "Opened by"}, {Label: "Lots reached", Number: true}, {Label: "State"}, {Label: "Opened", Sort: "at"}},
		Empty:   web.Empty{Title: "No recalls, no holds.", Text: "A mock recall shows how fast every lot can be found."}}
	if len(rows) > list.Limit {
		rows = rows[:list.Limit]
		t.Next = rows[len(rows)-1].At.Format(time.RFC3339Nano)
	}
	t.Count = c.T("%s cases", len(rows))
	n := a.names(c)
	for _, k := range rows {
		chip := k.chip()
		t.Rows = append(t.Rows, web.TableRow{Href: caseHref(k.ID), Tone: edge(chip.Tone),
			Cells: []any{k.ID, c.T(textOf(kinds, k.Kind)), k.Reason, n.Party(k.Author), k.Marked, chip, k.At}})
	}
	return c.Render("cases.html", struct {
		Table web.Table
		Acts  []web.Act
	}{t, caseActs(c)})
}

// caseActs are what opens a case.
func caseActs(c *web.Ctx) []web.Act {
	if !recallers.Allows(c.User()) {
		return nil
	}
	return []web.Act{{Label: "Start a recall", Href: "/traceability/cases/new?kind=recall", Icon: "recall", Main: true, Danger: true},
		{Label: "Put on hold", Href: "/traceability/cases/new?kind=hold", Icon: "shield"},
		{Label: "Mock recall", Href: "/traceability/cases/new?kind=mock", Icon: "search"}}
}

// caseForm opens a case.
type caseForm struct {
	Kind   string    `form:"kind,required"`
	ID     string    `form:"id,required"`
	Code   string    `form:"code"`
	Reason string    `form:"reason,required"`
	Lots   []string  `form:"lots"`
	Terms  termsForm `form:"terms"`
}

type caseFormView struct {
	Form    *web.Form[caseForm]
	Find    lotSearch
	Kind    string
	Chosen  []lotChoice
	Reach   *outreach
	Kinds   []web.Option
	Codes   []web.Option
	Choices termsChoices
}

type lotChoice struct {
	ID, Text string
	Chosen   bool
}

// outreach is what a case of some lots comes to: every lot derived from them, and
// who has how much of it now.
type outreach struct {
	Lots    int
	Parties int
	Stats   []web.Stat
	Rows    web.Table
}

// openCase searches lots, shows what they reach, and opens the case.
func (a *app) openCase(c *web.Ctx) error {
	start := caseForm{Kind: orElse(c.QueryParam("kind"), trace.KindRecall), ID: a.nextCase(c.Context()), Lots: lotIDs(c.QueryParams()["lots"]), Terms: usualTerms}
	show := func(f *web.Form[caseForm]) error { return a.showCaseForm(c, f) }
	return web.Post(c, start, show, func(f *web.Form[caseForm]) (string, error) {
		v := f.Value
		state, err := do[trace.CaseState](a, c, trace.Recall{ID: v.ID, Kind: v.Kind, Lots: lotIDs(v.Lots), Reason: v.Reason, Code: v.Code, Terms: v.Terms.terms()})
		if err != nil {
			return "", onTerms(err)
		}
		if err := a.spread(c, state); err != nil {
			return "", err
		}
		c.Flash("The case is open, and the companies are notified.")
		return caseHref(v.ID), nil
	})
}

// extend goes on until every derived lot is marked. Should it be cut short,
// the page of the case offers to go on.
func (a *app) extend(c *web.Ctx, state trace.CaseState) (_ trace.CaseState, err error) {
	for !state.Done && err == nil && c.Context().Err() == nil {
		state, err = do[trace.CaseState](a, c, trace.Extend{Case: state.Case})
	}
	return state, err
}

// spread marks what a case reaches, and tells the companies.
func (a *app) spread(c *web.Ctx, state trace.CaseState) error {
	if _, err := a.extend(c, state); err != nil {
		return err
	}
	return a.notifyAll(c, state.Case)
}

func lotIDs(typed []string) []string {
	var ids []string
	for _, t := range typed {
		if id := lotID(t); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// nextCase suggests a number: the year, and how many cases there are.
func (a *app) nextCase(ctx context.Context) string {
	n, err := readmodel.One[int](ctx, a.db, `SELECT COUNT(*) FROM tr_cases`)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("R-%d-%03d", a.host.Now().UTC().Year(), n+1)
}

func (a *app) showCaseForm(c *web.Ctx, f *web.Form[caseForm]) error {
	lots := f.Value.Lots
	if posted := c.Request().PostForm["lots"]; len(posted) > 0 {
		lots = lotIDs(posted)
	}
	v := caseFormView{Form: f, Kind: orElse(f.Field("kind", "").Value, trace.KindRecall), Kinds: kinds, Codes: caseCodes, Choices: allTerms}
	n := a.names(c)
	for _, id := range lots {
		v.Chosen = append(v.Chosen, lotChoice{id, n.Lot(id), true})
	}
	var err error
	if v.Find, err = a.find(c, n, lots); err != nil {
		return err
	}
	if len(lots) > 0 {
		if v.Reach, err = a.reaches(c, n, lots); err != nil {
			return err
		}
	}
	return c.Render("case_new.html", v)
}

// searchPattern is what a search for lots looks for: a part of an id or of a
// product's name, or what a label says.
func searchPattern(text string) string {
	if key, err := gs1.Parse(text); err == nil {
		return readmodel.Pattern(key.Path())
	}
	return readmodel.Pattern(strings.TrimSpace(text))
}

// share is what one company has of one lot.
type share struct {
	Lot    string `db:"lot"`
	Party  string `db:"party"`
	Unit   string `db:"unit"`
	Held   string `db:"held"`
	Packed string `db:"packed"`
	Sent   string `db:"sent"`
	Sold   string `db:"sold"`

	Destroyed string `db:"destroyed"`
	Gone      string `db:"gone"` // out of the network
	Lost      string `db:"lost"`
	Returned  string `db:"returned"` // because of a recall
}

// shares are the accounts of some lots, a bounded number of lots a query.
func (a *app) shares(ctx context.Context, lots []string, known asOf) (all []share, err error) {
	for _, part := range chunks(lots) {
		list, args := inList(1, part)
		table, args := known.accounts(args)
		rows, err := readmodel.All[share](ctx, a.db, `SELECT a.lot, a.party, l.unit, a.held, a.packed, a.sent, a.sold, a.destroyed, a.gone, a.lost, COALESCE(r.amount, '0') AS returned
			FROM `+table+` a JOIN tr_lots l ON l.id = a.lot LEFT JOIN tr_returned r ON r.lot = a.lot AND r.party = a.party WHERE a.lot IN `+list+` ORDER BY a.lot, a.party`, args...)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// atHand is what the company has of the lot and can still put apart.
func (s share) atHand() gs1.Amount { return parseAmount(s.Held).Add(parseAmount(s.Packed)) }

// shownShares bounds the table of holders; its count tells of the rest.
const shownShares = 100

// reaches walks down from lots, before anybody is alarmed.
func (a *app) reaches(c *web.Ctx, n *names, lots []string) (*outreach, error) {
	graph, err := a.lineage.current(c.Context())
	if err != nil {
		return nil, err
	}
	r, err := a.reader(c)
	if err != nil {
		return nil, err
	}
	return a.holders(c, n, r.only(graph.Names(lineage.Forward, r.only(lots)...)), asOf{})
}

// holders tells who has how much of some lots now.
func (a *app) holders(c *web.Ctx, n *names, lots []string, known asOf) (*outreach, error) {
	shares, err := a.shares(c.Context(), lots, known)
	if err != nil {
		return nil, err
	}
	who, err := a.reader(c)
	if err != nil {
		return nil, err
	}
	near, err := who.near(lots...)
	if err != nil {
		return nil, err
	}
	r := &outreach{Lots: len(lots)}
	parties := map[string]bool{}
	r.Rows = web.Table{Label: "Lots reached", Columns: []web.Column{{Label: "Lot"}, {Label: "Holder"}, {Label: "At hand", Number: true}, {Label: "On its way", Number: true}, {Label: "Sold", Number: true}},
		Empty: web.Empty{Title: "Nobody has any of it."}}
	rows, withheld := 0, 0
	for _, s := range shares {
		if s.atHand().IsZero() && parseAmount(s.Sent).IsZero() && parseAmount(s.Sold).IsZero() {
			continue
		}
		parties[s.Party] = true
		if !near.sees(s.Lot, s.Party) {
			withheld++
			continue
		}
		if rows++; rows > shownShares {
			continue
		}
		unit := n.Unit(s.Unit)
		r.Rows.Rows = append(r.Rows.Rows, web.TableRow{Href: lotHref(s.Lot), Cells: []any{n.Lot(s.Lot), n.Party(s.Party),
			web.Num{Text: n.Amount(s.atHand().String()), Unit: unit}, web.Num{Text: n.Amount(s.Sent), Unit: unit}, web.Num{Text: n.Amount(s.Sold), Unit: unit}}})
	}
	r.Parties = len(parties)
	r.Rows.Count = c.T("%s of %s accounts", len(r.Rows.Rows), rows)
	if withheld > 0 {
		r.Rows.Count += " · " + c.T("%s accounts of companies that are not your neighbours are not shown", withheld)
		r.Rows.Empty = web.Empty{Title: "Others on the chain have it.", Text: "They are not your neighbours: what they have is told to regulators."}
	}
	r.Stats = []web.Stat{{Label: "Lots reached", Value: web.Group(r.Lots)}, {Label: "Companies", Value: web.Group(r.Parties)}}
	return r, nil
}
