package traceability

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
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
	}
}

// kase is a row of tr_cases, and what programs see of it.
type kase struct {
	ID        string     `json:"id" db:"id"`
	Kind      string     `json:"kind" db:"kind"`
	Reason    string     `json:"reason" db:"reason"`
	Code      string     `json:"code,omitempty" db:"code"`
	Author    string     `json:"author" db:"author"`
	Authority bool       `json:"authority" db:"authority"`
	At        time.Time  `json:"at" db:"at"`
	State     string     `json:"state" db:"state"`
	Marked    int64      `json:"marked" db:"marked"`
	Done      bool       `json:"done" db:"done"` // everything made of its lots is marked
	Closed    *time.Time `json:"closed,omitempty" db:"closed"`
	ClosedBy  string     `json:"closedBy,omitempty" db:"closed_by"`
	Closing   string     `json:"closing,omitempty" db:"closing"`
	Block     int64      `json:"-" db:"block"`
	Tx        string     `json:"-" db:"tx"`
}

const caseColumns = `id, kind, reason, code, author, authority, at, state, marked, done, closed, closed_by, closing, block, tx`

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
	like := "%" + strings.ToLower(list.Search) + "%"
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
		AND (LOWER(id) LIKE $5 OR LOWER(reason) LIKE $6) AND at `+beyond+` $7 ORDER BY at `+order+` LIMIT $8`,
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
	Kind   string   `form:"kind,required"`
	ID     string   `form:"id,required"`
	Code   string   `form:"code"`
	Reason string   `form:"reason,required"`
	Lots   []string `form:"lots"`
}

type caseFormView struct {
	Form   *web.Form[caseForm]
	Search string
	Kind   string
	Found  []lotChoice // what the search finds, and what is chosen
	Chosen []lotChoice
	Reach  *outreach
	Kinds  []web.Option
	Codes  []web.Option
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
	start := caseForm{Kind: orElse(c.QueryParam("kind"), trace.KindRecall), ID: a.nextCase(c.Context()), Lots: lotIDs(c.QueryParams()["lots"])}
	show := func(f *web.Form[caseForm]) error { return a.showCaseForm(c, f) }
	return web.Post(c, start, show, func(f *web.Form[caseForm]) (string, error) {
		v := f.Value
		state, err := do[trace.CaseState](a, c, trace.Recall{ID: v.ID, Kind: v.Kind, Lots: lotIDs(v.Lots), Reason: v.Reason, Code: v.Code})
		if err != nil {
			return "", err
		}
		if _, err := a.extend(c, state); err != nil {
			return "", err
		}
		c.Flash("The case is open.")
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
	v := caseFormView{Form: f, Search: c.QueryParam("q"), Kind: orElse(f.Field("kind", "").Value, trace.KindRecall), Kinds: kinds, Codes: caseCodes}
	n := a.names(c)
	for _, id := range lots {
		v.Chosen = append(v.Chosen, lotChoice{id, n.Lot(id), true})
	}
	found, err := a.searchLots(c, v.Search)
	if err != nil {
		return err
	}
	for _, id := range found {
		if !slices.Contains(lots, id) {
			v.Found = append(v.Found, lotChoice{id, n.Lot(id), false})
		}
	}
	if len(lots) > 0 {
		if v.Reach, err = a.reaches(c, n, lots); err != nil {
			return err
		}
	}
	return c.Render("case_new.html", v)
}

// searchLots finds lots that the user may block: a regulator all, a maker its
// own. The newest come first.
func (a *app) searchLots(c *web.Ctx, text string) ([]string, error) {
	like := "%" + strings.ToLower(strings.TrimSpace(text)) + "%"
	if key, err := gs1.Parse(text); err == nil {
		like = "%" + strings.ToLower(key.Path()) + "%"
	}
	maker := c.User().Party
	if all, err := a.supervises(c); err != nil {
		return nil, err
	} else if all {
		maker = ""
	}
	return readmodel.All[string](c.Context(), a.db, `SELECT l.id FROM tr_lots l LEFT JOIN tr_products g ON g.gtin = l.gtin
		WHERE ($1 = '' OR l.maker = $2) AND l.batch = '' AND (LOWER(l.id) LIKE $3 OR LOWER(g.name) LIKE $4 OR g.name_zh LIKE $5)
		ORDER BY l.at DESC, l.id LIMIT 20`, maker, maker, like, like, like)
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
}

// shares are the accounts of some lots, a bounded number of lots a query.
func (a *app) shares(ctx context.Context, lots []string) (all []share, err error) {
	for _, part := range chunks(lots) {
		list, args := inList(1, part)
		rows, err := readmodel.All[share](ctx, a.db, `SELECT a.lot, a.party, l.unit, a.held, a.packed, a.sent, a.sold FROM tr_accounts a
			JOIN tr_lots l ON l.id = a.lot WHERE a.lot IN `+list+` ORDER BY a.lot, a.party`, args...)
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
	return a.holders(c, n, r.only(graph.Names(lineage.Forward, r.only(lots)...)))
}

// holders tells who has how much of some lots now.
func (a *app) holders(c *web.Ctx, n *names, lots []string) (*outreach, error) {
	shares, err := a.shares(c.Context(), lots)
	if err != nil {
		return nil, err
	}
	r := &outreach{Lots: len(lots)}
	parties := map[string]bool{}
	r.Rows = web.Table{Label: "Lots reached", Columns: []web.Column{{Label: "Lot"}, {Label: "Holder"}, {Label: "At hand", Number: true}, {Label: "On its way", Number: true}, {Label: "Sold", Number: true}},
		Empty: web.Empty{Title: "Nobody has any of it."}}
	rows := 0
	for _, s := range shares {
		if s.atHand().IsZero() && parseAmount(s.Sent).IsZero() && parseAmount(s.Sold).IsZero() {
			continue
		}
		parties[s.Party] = true
		if rows++; rows > shownShares {
			continue
		}
		unit := n.Unit(s.Unit)
		r.Rows.Rows = append(r.Rows.Rows, web.TableRow{Href: lotHref(s.Lot), Cells: []any{n.Lot(s.Lot), n.Party(s.Party),
			web.Num{Text: n.Amount(s.atHand().String()), Unit: unit}, web.Num{Text: n.Amount(s.Sent), Unit: unit}, web.Num{Text: n.Amount(s.Sold), Unit: unit}}})
	}
	r.Parties = len(parties)
	r.Rows.Count = c.T("%s of %s accounts", len(r.Rows.Rows), rows)
	r.Stats = []web.Stat{{Label: "Lots reached", Value: web.Group(r.Lots)}, {Label: "Companies", Value: web.Group(r.Parties)}}
	return r, nil
}

// releaseForm closes a case.
type releaseForm struct {
	Reason string `form:"reason,required"`
}

// ackForm is what a company found of a case's lots.
type ackForm struct {
	Found []foundLine `form:"found"`
}

type foundLine struct {
	Lot      string `form:"lot"`
	Quantity amount `form:"quantity"`
	Unit     string `form:"unit"`
}

type caseView struct {
	Case                 kase
	Title                string
	Crumbs               []web.Crumb
	Chip                 web.Chip
	Banner               *web.Banner
	Stats                []web.Stat
	Pairs                []web.Pair
	Reach                *outreach
	Acks                 []ackView
	History              []web.Entry
	Ack                  *web.Form[ackForm]     `json:"-"`
	Release              *web.Form[releaseForm] `json:"-"`
	Mine                 []lineView
	Concerned, Releasing bool
	Extends              *web.Act
}

type ackView struct {
	Party string
	At    time.Time
	Found []string
	Done  bool
}

func (a *app) kase(c *web.Ctx) (kase, error) {
	k, err := readmodel.One[kase](c.Context(), a.db, `SELECT `+caseColumns+` FROM tr_cases WHERE id = $1`, idOf(c))
	if errors.Is(err, sql.ErrNoRows) {
		return k, trace.ErrNoCase.Refuse("%s", idOf(c))
	}
	return k, err
}

// leads reports whether the reader sees all of a case: its author, a regulator.
func (r *reader) leads(k kase) bool { return r.all || k.Author != "" && k.Author == r.user.Party }

// caseLots are the lots of a case that the reader may see, its own ones first.
func (a *app) caseLots(r *reader, k kase) ([]string, error) {
	all, err := readmodel.All[string](r.ctx, a.db, `SELECT lot FROM tr_case_lots WHERE kase = $1 ORDER BY named DESC, lot`, k.ID)
	if err != nil || r.leads(k) {
		return all, err
	}
	return r.only(all), nil
}

func (a *app) casePage(c *web.Ctx) error {
	k, err := a.kase(c)
	if err != nil {
		return err
	}
	return a.showCase(c, k, nil, nil)
}

func (a *app) extendCase(c *web.Ctx) error {
	k, err := a.kase(c)
	if err != nil {
		return err
	}
	show := func(*web.Form[struct{}]) error { return a.showCase(c, k, nil, nil) }
	return web.Post(c, struct{}{}, show, func(*web.Form[struct{}]) (string, error) {
		_, err := a.extend(c, trace.CaseState{Case: k.ID})
		return caseHref(k.ID), err
	})
}

func (a *app) release(c *web.Ctx) error {
	k, err := a.kase(c)
	if err != nil {
		return err
	}
	show := func(f *web.Form[releaseForm]) error { return a.showCase(c, k, nil, f) }
	return web.Post(c, releaseForm{}, show, func(f *web.Form[releaseForm]) (string, error) {
		if _, err := do[trace.CaseState](a, c, trace.Release{Case: k.ID, Reason: f.Value.Reason}); err != nil {
			return "", err
		}
		c.Flash("The case is closed.")
		return caseHref(k.ID), nil
	})
}

func (a *app) acknowledge(c *web.Ctx) error {
	k, err := a.kase(c)
	if err != nil {
		return err
	}
	show := func(f *web.Form[ackForm]) error { return a.showCase(c, k, f, nil) }
	return web.Post(c, ackForm{}, show, func(f *web.Form[ackForm]) (string, error) {
		ack := trace.Acknowledge{Case: k.ID}
		for _, l := range f.Value.Found {
			ack.Found = append(ack.Found, trace.Line{Lot: lotID(l.Lot), Amount: l.Quantity.Amount, Unit: l.Unit})
		}
		if _, err := do[trace.CaseState](a, c, ack); err != nil {
			return "", blame(f, err, "found", nil)
		}
		c.Flash("Thank you. Your acknowledgement is noted.")
		return caseHref(k.ID), nil
	})
}

func (a *app) showCase(c *web.Ctx, k kase, ack *web.Form[ackForm], release *web.Form[releaseForm]) error {
	n := a.names(c)
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	lots, err := a.caseLots(r, k)
	if err != nil {
		return err
	}
	shares, err := a.shares(c.Context(), lots)
	if err != nil {
		return err
	}
	v := caseView{Case: k, Title: c.T("%s %s", c.T(textOf(kinds, k.Kind)), k.ID), Chip: k.chip(), Ack: ack, Release: release,
		Crumbs: []web.Crumb{{Text: c.T("Recalls"), Href: "/traceability/cases"}, {Text: k.ID}}}
	if v.Reach, err = a.holders(c, n, lots); err != nil {
		return err
	}
	if v.Acks, err = a.acks(r, n, k, shares); err != nil {
		return err
	}
	a.caseForms(c, n, &v, shares, r.all)
	v.tell(c, n)
	return c.Render("case.html", v)
}

// caseForms starts the forms that this reader can send.
func (a *app) caseForms(c *web.Ctx, n *names, v *caseView, shares []share, supervises bool) {
	own, start := c.User().Party, ackForm{}
	for _, s := range shares {
		if s.Party != own {
			continue
		}
		v.Concerned = v.Case.open() && keepers.Allows(c.User())
		if s.atHand().IsZero() {
			continue // there is nothing to put apart
		}
		start.Found = append(start.Found, foundLine{s.Lot, amount{s.atHand()}, s.Unit})
		v.Mine = append(v.Mine, lineView{Lot: s.Lot, Href: lotHref(s.Lot), Text: n.Lot(s.Lot), Shipped: n.Amount(s.atHand().String()), Unit: n.Unit(s.Unit)})
	}
	if v.Ack == nil {
		v.Ack = web.NewForm(c, start)
	}
	if v.Release == nil {
		v.Release = web.NewForm(c, releaseForm{})
	}
	for i, line := range v.Ack.Lines("found", len(v.Mine)) {
		if i < len(v.Mine) {
			v.Mine[i].Entry = line
		}
	}
	v.Releasing = v.Case.open() && (supervises || !v.Case.Authority && v.Case.Author == own && recallers.Allows(c.User()))
	if !v.Case.Done && v.Case.open() {
		v.Extends = &web.Act{Label: "Go on marking", Href: caseHref(v.Case.ID) + "/extend", Post: true, Main: true}
	}
}

// acks are the companies that had any of the lots, and whether they answered.
// What a company found of a lot is told to who may read of that lot.
func (a *app) acks(r *reader, n *names, k kase, shares []share) ([]ackView, error) {
	type row struct {
		Party string    `db:"party"`
		At    time.Time `db:"at"`
		Found string    `db:"found"`
	}
	rows, err := readmodel.All[row](r.ctx, a.db, `SELECT party, at, found FROM tr_acknowledgements WHERE kase = $1 ORDER BY at`, k.ID)
	if err != nil {
		return nil, err
	}
	var views []ackView
	answered := map[string]bool{}
	for _, said := range rows {
		var found []trace.Line
		if err := json.Unmarshal([]byte(said.Found), &found); err != nil {
			return nil, fmt.Errorf("read an acknowledgement: %w", err)
		}
		view := ackView{Party: n.Party(said.Party), At: said.At, Done: true}
		for _, l := range found {
			if r.leads(k) || r.reads(l.Lot) {
				view.Found = append(view.Found, n.Quantity(l.Amount.String(), l.Unit)+" "+n.Lot(l.Lot))
			}
		}
		answered[said.Party] = true
		views = append(views, view)
	}
	for _, s := range shares {
		if !answered[s.Party] {
			answered[s.Party] = true
			views = append(views, ackView{Party: n.Party(s.Party)})
		}
	}
	return views, nil
}

// tell fills in what the page says of the case.
func (v *caseView) tell(c *web.Ctx, n *names) {
	k, done := v.Case, 0
	for _, ack := range v.Acks {
		if ack.Done {
			done++
		}
	}
	tone := web.Good
	if done < len(v.Acks) {
		tone = web.Busy
	}
	v.Stats = append(v.Reach.Stats, web.Stat{Label: "Acknowledged", Value: fmt.Sprintf("%d / %d", done, len(v.Acks)), Tone: tone})
	v.Pairs = []web.Pair{{Label: "Reason", Value: k.Reason}}
	if k.Code != "" {
		v.Pairs = append(v.Pairs, web.Pair{Label: "Cause", Value: c.T(textOf(caseCodes, k.Code))})
	}
	v.Pairs = append(v.Pairs, web.Pair{Label: "Opened by", Value: n.Party(k.Author)}, web.Pair{Label: "Opened", Value: k.At},
		web.Pair{Label: "Block", Value: k.Block})
	if k.open() && k.Kind != trace.KindMock {
		v.Banner = &web.Banner{Tone: v.Chip.Tone, Title: blockedTitle(k.Kind), Text: k.Reason}
	}
	if k.Closed != nil {
		v.History = append(v.History, web.Entry{Text: c.T("%s closed the case: %s", n.Party(k.ClosedBy), k.Closing), At: *k.Closed, Tone: web.Good})
	}
	for _, ack := range slices.Backward(v.Acks) {
		if ack.Done {
			v.History = append(v.History, web.Entry{Text: c.T("%s acknowledged the notice", ack.Party), Detail: strings.Join(ack.Found, ", "), At: ack.At, Tone: web.Good})
		}
	}
	v.History = append(v.History, web.Entry{Text: c.T("%s opened the case: %s", n.Party(k.Author), k.Reason), At: k.At, Tone: web.Busy, Block: uint64(k.Block), Tx: k.Tx})
}

func blockedTitle(kind string) string {
	if kind == trace.KindRecall {
		return "These lots are recalled: they are not shipped, sold or used."
	}
	return "These lots are on hold: they stay where they are."
}
