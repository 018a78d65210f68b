package traceability

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// What differs between shipments and what arrived: the list, and the page of
// one. Only its two sides see a mismatch, and regulators.

func (a *app) mismatchRoutes() []web.Route {
	const one = "/traceability/mismatches/:id"
	settlers := web.Roles(party.Operator, party.Regulator).Owned()
	return []web.Route{
		{Method: "GET", Path: "/traceability/mismatches", Name: "mismatches", Access: readers, Handler: a.mismatches},
		{Method: "GET", Path: one, Name: "mismatches.show", Access: readers, Handler: a.mismatchPage},
		{Method: "POST", Path: one + "/settle", Name: "mismatches.settle", Access: settlers, Handler: a.settleMismatch},
		{Method: "POST", Path: one + "/escalate", Name: "mismatches.escalate", Access: operators, Handler: a.escalateMismatch},
	}
}

// mismatchRow is a row of tr_mismatches, and what programs see of it.
type mismatchRow struct {
	ID          string     `json:"shipment" db:"shipment"`
	Sender      string     `json:"sender" db:"sender"`
	Receiver    string     `json:"receiver" db:"receiver"`
	State       string     `json:"state" db:"state"`
	At          time.Time  `json:"at" db:"at"`
	Due         time.Time  `json:"due" db:"due"`
	Escalated   string     `json:"escalated,omitempty" db:"escalated"`
	EscalatedAt *time.Time `json:"escalatedAt,omitempty" db:"escalated_at"`
	Settled     *time.Time `json:"settled,omitempty" db:"settled"`
	Documents   string     `json:"documents,omitempty" db:"documents"`
	Answer      string     `json:"-" db:"answer"`
	Block       int64      `json:"-" db:"block"`
	Tx          string     `json:"-" db:"tx"`
}

const mismatchColumns = `m.shipment, m.sender, m.receiver, m.state, m.at, m.due, m.escalated, m.escalated_at, m.settled, s.documents, s.answer, m.block, m.tx`

func (m mismatchRow) number() string { return shipment{ID: m.ID, Documents: m.Documents}.number() }

func mismatchHref(id string) string { return "/traceability/mismatches/" + id }

func (m mismatchRow) chip(now time.Time) web.Chip {
	switch {
	case m.State == trace.MismatchSettled:
		return web.Chip{Word: "Settled", Tone: web.Good}
	case m.Escalated != "":
		return web.Chip{Word: "With the regulator", Tone: web.Bad}
	case now.After(m.Due):
		return web.Chip{Word: "Overdue", Tone: web.Bad}
	}
	return web.Chip{Word: "Mismatch open", Tone: web.Warn}
}

var mismatchList = web.ListOptions{Search: true, Filters: []web.Filter{
	{Name: "state", Label: "State", Options: []web.Option{{Value: "open", Text: "Open"}, {Value: "overdue", Text: "Overdue"}, {Value: "escalated", Text: "With the regulator"}, {Value: "settled", Text: "Settled"}}},
	{Name: "side", Label: "Side", Options: []web.Option{{Value: "out", Text: "You sent"}, {Value: "in", Text: "You received"}}}}}

// mismatchRows are those that the reader sees and asks for, the newest first,
// behind the one that the page before ended with.
func (a *app) mismatchRows(c *web.Ctx, r *reader, state, side, like, after string, limit int) ([]mismatchRow, error) {
	own := r.user.Party
	if own == "" {
		own = "-"
	}
	all := ""
	if r.all {
		all = "all"
	}
	return readmodel.All[mismatchRow](c.Context(), a.db, `SELECT `+mismatchColumns+` FROM tr_mismatches m JOIN tr_shipments s ON s.id = m.shipment
		WHERE ($1 = 'all' OR m.sender = $2 OR m.receiver = $3) AND ($4 = '' OR $5 = 'out' AND m.sender = $6 OR $7 = 'in' AND m.receiver = $8)
		AND ($9 = '' OR $10 = 'open' AND m.state = 'open' OR $11 = 'settled' AND m.state = 'settled' OR $12 = 'escalated' AND m.state = 'open' AND m.escalated <> ''
			OR $13 = 'overdue' AND m.state = 'open' AND m.due < $14)
		AND (`+readmodel.Contains("m.shipment", "$15")+` OR `+readmodel.Contains("s.documents", "$16")+`) AND ($17 = '' OR EXISTS (SELECT 1 FROM tr_mismatches b
			WHERE b.shipment = $18 AND (m.at < b.at OR m.at = b.at AND m.shipment > b.shipment))) ORDER BY m.at DESC, m.shipment LIMIT $19`,
		all, own, own, side, side, own, side, own, state, state, state, state, state, a.host.Now().UTC(), like, like, after, after, limit)
}

func (a *app) mismatches(c *web.Ctx) error {
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	list := c.List(mismatchList)
	rows, err := a.mismatchRows(c, r, list.Get("state"), list.Get("side"), readmodel.Pattern(list.Search), list.After, list.Limit+1)
	if err != nil {
		return err
	}
	t := web.Table{List: list, Label: "Mismatches", Live: "ledger",
		Columns: []web.Column{{Label: "Shipment"}, {Label: "From"}, {Label: "To"}, {Label: "Still open"}, {Label: "State"}, {Label: "Due"}, {Label: "Opened"}},
		Empty:   web.Empty{Title: "No mismatches.", Text: "When what arrives differs from what was sent, both sides find it here."}}
	if len(rows) > list.Limit {
		rows = rows[:list.Limit]
		t.Next = rows[len(rows)-1].ID
	}
	t.Count = c.T("%s mismatches", len(rows))
	n := a.names(c)
	disputes, err := a.disputesOf(c.Context(), rows)
	if err != nil {
		return err
	}
	for i, m := range rows {
		d, chip := disputes[i], m.chip(a.host.Now())
		t.Rows = append(t.Rows, web.TableRow{Href: mismatchHref(m.ID), Tone: edge(chip.Tone),
			Cells: []any{m.number(), n.Party(m.Sender), n.Party(m.Receiver), d.openWords(c, n), chip, m.Due, m.At}})
	}
	return c.Render("mismatches.html", struct{ Table web.Table }{t})
}

// statement is a row of tr_statements, and what programs see of it.
type statement struct {
	At      time.Time `json:"at" db:"at"`
	Party   string    `json:"party" db:"party"`
	Item    string    `json:"item,omitempty" db:"item"`
	Amount  string    `json:"amount,omitempty" db:"amount"`
	Unit    string    `json:"unit,omitempty" db:"unit"`
	Outcome string    `json:"outcome" db:"outcome"`
	Agreed  bool      `json:"agreed" db:"agreed"`
	Block   int64     `json:"-" db:"block"`
	Tx      string    `json:"-" db:"tx"`
}

// dispute is a mismatch with what differs, what was said, and what is open.
type dispute struct {
	Lines []disputeLine `json:"lines,omitempty"`
	Packs []disputePack `json:"packs,omitempty"`
	Said  []statement   `json:"statements,omitempty"`
}

// disputeLine is a lot of loose goods that differs.
type disputeLine struct {
	Lot      string     `json:"lot"`
	Shipped  gs1.Amount `json:"shipped"`
	Received gs1.Amount `json:"received"`
	Settled  gs1.Amount `json:"settled"`
	Open     gs1.Amount `json:"open"`
	Surplus  bool       `json:"surplus,omitempty"`
	Unit     string     `json:"unit,omitempty"`
}

type disputePack struct {
	Pack    string `json:"pack"`
	Outcome string `json:"outcome,omitempty"` // where it is settled
}

func (a *app) disputeOf(c *web.Ctx, m mismatchRow) (dispute, error) {
	all, err := a.disputesOf(c.Context(), []mismatchRow{m})
	if err != nil {
		return dispute{}, err
	}
	return all[0], nil
}

// disputesOf are the disputes of some mismatches, in their order.
func (a *app) disputesOf(ctx context.Context, mismatches []mismatchRow) ([]dispute, error) {
	var ids []string
	for _, m := range mismatches {
		ids = append(ids, m.ID)
	}
	of := map[string]*parcel{}
	for _, some := range chunks(ids) {
		if err := a.parcels(ctx, some, of); err != nil {
			return nil, err
		}
	}
	var all []dispute
	for _, m := range mismatches {
		p := of[m.ID]
		all = append(all, disputeIn(m, p.said, p.lines, p.packs))
	}
	return all, nil
}

// parcel is what the tables hold of a shipment under dispute.
type parcel struct {
	said  []statement
	lines []shipmentLine
	packs []shipmentPack
}

// parcels reads those of some shipments, three statements for all.
func (a *app) parcels(ctx context.Context, ids []string, of map[string]*parcel) error {
	for _, id := range ids {
		of[id] = &parcel{}
	}
	list, args := inList(1, ids)
	said, err := readmodel.All[struct {
		Shipment string `db:"shipment"`
		statement
	}](ctx, a.db, `SELECT shipment, at, party, item, amount, unit, outcome, agreed, block, tx FROM tr_statements WHERE shipment IN `+list+` ORDER BY block, seq`, args...)
	if err != nil {
		return err
	}
	for _, s := range said {
		of[s.Shipment].said = append(of[s.Shipment].said, s.statement)
	}
	lines, err := readmodel.All[struct {
		Shipment string `db:"shipment"`
		shipmentLine
	}](ctx, a.db, `SELECT shipment, `+lineColumns+` FROM tr_shipment_lines WHERE shipment IN `+list+` ORDER BY pack, lot`, args...)
	if err != nil {
		return err
	}
	for _, l := range lines {
		of[l.Shipment].lines = append(of[l.Shipment].lines, l.shipmentLine)
	}
	packs, err := readmodel.All[struct {
		Shipment string `db:"shipment"`
		shipmentPack
	}](ctx, a.db, `SELECT shipment, pack, missing FROM tr_shipment_packs WHERE shipment IN `+list+` ORDER BY pack`, args...)
	for _, p := range packs {
		of[p.Shipment].packs = append(of[p.Shipment].packs, p.shipmentPack)
	}
	return err
}

func disputeIn(m mismatchRow, said []statement, lines []shipmentLine, packs []shipmentPack) dispute {
	d := dispute{Said: said}
	over := m.State == trace.MismatchSettled
	for _, l := range lines {
		if l.Received != "" && !l.Packed {
			d.Lines = append(d.Lines, d.line(l, over))
		}
	}
	for _, p := range packs {
		if p.Missing {
			d.Packs = append(d.Packs, disputePack{p.Pack, d.agreed(p.Pack, over)})
		}
	}
	return d
}

// line holds what was settled of a lot against what differs.
func (d dispute) line(l shipmentLine, over bool) disputeLine {
	x := disputeLine{Lot: l.Lot, Shipped: parseAmount(l.Amount), Received: parseAmount(l.Received), Unit: l.Unit}
	x.Open = x.Shipped.Sub(x.Received)
	if x.Open.Sign() < 0 {
		x.Surplus, x.Open = true, gs1.Amount{}.Sub(x.Open)
	}
	for _, s := range d.Said {
		if s.Item == l.Lot && s.Agreed {
			x.Settled = x.Settled.Add(parseAmount(s.Amount))
		}
	}
	if over {
		x.Settled = x.Open
	}
	x.Open = x.Open.Sub(x.Settled)
	return x
}

// agreed is what both say became of a pack.
func (d dispute) agreed(pack string, over bool) string {
	last := ""
	for _, s := range d.Said {
		switch {
		case s.Item == pack && s.Agreed:
			return s.Outcome
		case s.Item == "" && s.Agreed:
			last = s.Outcome
		}
	}
	if over {
		return last
	}
	return ""
}

// openWords says what is not settled yet.
func (d dispute) openWords(c *web.Ctx, n *names) string {
	var words []string
	for _, l := range d.Lines {
		if l.Open.Sign() > 0 && l.Surplus {
			words = append(words, c.T("%s %s too many", n.Quantity(l.Open.String(), l.Unit), n.Lot(l.Lot)))
		} else if l.Open.Sign() > 0 {
			words = append(words, c.T("%s %s missing", n.Quantity(l.Open.String(), l.Unit), n.Lot(l.Lot)))
		}
	}
	for _, p := range d.Packs {
		if p.Outcome == "" {
			words = append(words, c.T("%s is missing", packTitle(p.Pack)))
		}
	}
	return strings.Join(words, "; ")
}

// theMismatch loads one that the user may see; one of others is not found.
func (a *app) theMismatch(c *web.Ctx) (mismatchRow, *reader, error) {
	r, err := a.reader(c)
	if err != nil {
		return mismatchRow{}, nil, err
	}
	m, err := readmodel.One[mismatchRow](c.Context(), a.db, `SELECT `+mismatchColumns+` FROM tr_mismatches m JOIN tr_shipments s ON s.id = m.shipment WHERE m.shipment = $1`, idOf(c))
	side := r.user.Party != "" && (m.Sender == r.user.Party || m.Receiver == r.user.Party)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !side && !r.all {
		return m, r, trace.ErrNoMismatch.Refuse("%s", idOf(c))
	}
	return m, r, err
}

// statementForm is what one side says of one item, or of all that is open.
type statementForm struct {
	Item    string `form:"item"`
	Amount  amount `form:"amount"`
	Unit    string `form:"unit"`
	Outcome string `form:"outcome,required"`
}

type mismatchView struct {
	Mismatch  mismatchRow
	Title     string
	Lead      string
	Chip      web.Chip
	Crumbs    []web.Crumb
	Banner    *web.Banner
	Steps     []web.Step
	Lines     []differenceView
	Packs     []differenceView
	Pairs     []web.Pair
	History   []web.Entry
	Form      *web.Form[statementForm] `json:"-"`
	Settles   bool
	Items     []web.Option
	Outcomes  []web.Option
	Escalates *web.Act
}

type differenceView struct {
	Href, Text, Shipped, Arrived, Open, Unit, State string
	Tone                                            string
	Pending                                         []string // what is said of it, not agreed yet
}

func (a *app) mismatchPage(c *web.Ctx) error {
	m, r, err := a.theMismatch(c)
	if err != nil {
		return err
	}
	return a.showMismatch(c, r, m, nil)
}

func (a *app) showMismatch(c *web.Ctx, r *reader, m mismatchRow, f *web.Form[statementForm]) error {
	n := a.names(c)
	d, err := a.disputeOf(c, m)
	if err != nil {
		return err
	}
	v := mismatchView{Mismatch: m, Title: c.T("Mismatch of %s", m.number()), Lead: c.T("%s to %s", n.Party(m.Sender), n.Party(m.Receiver)), Chip: m.chip(a.host.Now()), Form: f,
		Crumbs: []web.Crumb{{Text: c.T("Mismatches"), Href: "/traceability/mismatches"}, {Text: m.number()}}, Steps: m.steps(d),
		Pairs: []web.Pair{{Label: "Shipment", Value: web.Link{Text: m.number(), Href: "/traceability/shipments/" + m.ID}}, {Label: "Opened", Value: m.At},
			{Label: "To be settled by", Value: m.Due}, {Label: "Block", Value: m.Block}}}
	own, open := r.user.Party, m.State == trace.MismatchOpen
	side := own != "" && (own == m.Sender || own == m.Receiver)
	v.Settles = open && (side && c.User().Has(party.Operator) || r.all && m.Escalated != "")
	if v.Form == nil {
		v.Form = web.NewForm(c, statementForm{})
	}
	v.fill(c, n, r, d)
	v.History = m.history(c, n, d)
	if open && side && m.Escalated == "" && c.User().Has(party.Operator) && (d.disputed(m) || a.host.Now().After(m.Due)) {
		v.Escalates = &web.Act{Label: "Ask the regulator in", Href: mismatchHref(m.ID) + "/escalate", Post: true,
			Confirm: "The regulator becomes a witness: what one side and the regulator say alike is settled. Ask it in?"}
	}
	if r.all && m.Escalated != "" && open {
		v.Banner = &web.Banner{Tone: web.Warn, Title: "You are asked as a witness.", Text: c.T("What you and one of the sides say alike is settled.")}
	}
	return c.Render("mismatch.html", v)
}

func (m mismatchRow) steps(d dispute) []web.Step {
	all := []web.Step{{Word: "Mismatch found", State: "done", At: m.At}, {Word: "Statements"}, {Word: "Settled"}}
	if m.Escalated != "" {
		all = slices.Insert(all, 2, web.Step{Word: "With the regulator"})
		if m.EscalatedAt != nil {
			all[2].At = *m.EscalatedAt
		}
	}
	if m.State == trace.MismatchSettled {
		for i := range all {
			all[i].State = "done"
		}
		if m.Settled != nil {
			all[len(all)-1].At = *m.Settled
		}
		return all
	}
	now := 1
	if m.Escalated != "" {
		all[1].State, now = "done", 2
	}
	all[now].State = "now"
	return all
}

// fill lists what differs, and what can be said of it.
func (v *mismatchView) fill(c *web.Ctx, n *names, r *reader, d dispute) {
	v.Items = []web.Option{{Value: "", Text: c.T("Everything that is open")}}
	short, over := false, false
	for _, l := range d.Lines {
		x := differenceView{Href: lotHref(l.Lot), Text: n.Lot(l.Lot), Shipped: n.Amount(l.Shipped.String()), Arrived: n.Amount(l.Received.String()), Open: n.Amount(l.Open.String()), Unit: n.Unit(l.Unit),
			Tone: web.Warn, Pending: d.pending(c, n, l.Lot), State: c.T("open")}
		if !r.reads(l.Lot) {
			x.Href = ""
		}
		if l.Open.Sign() == 0 {
			x.Tone, x.State = web.Good, c.T("settled")
		} else {
			v.Items = append(v.Items, web.Option{Value: l.Lot, Text: x.Text + " · " + n.Quantity(l.Open.String(), l.Unit)})
			short, over = short || !l.Surplus, over || l.Surplus
		}
		v.Lines = append(v.Lines, x)
	}
	for _, p := range d.Packs {
		x := differenceView{Text: packTitle(p.Pack), Tone: web.Warn, Pending: d.pending(c, n, p.Pack), State: c.T("open")}
		if p.Outcome != "" {
			x.Tone, x.State = web.Good, c.T(outcomeText(p.Outcome))
		} else {
			short = true
			v.Items = append(v.Items, web.Option{Value: p.Pack, Text: x.Text})
		}
		v.Packs = append(v.Packs, x)
	}
	if short {
		v.Outcomes = append(v.Outcomes, outcomes...)
	}
	if over {
		v.Outcomes = append(v.Outcomes, surplusOutcomes...)
	}
}

// pending is what the sides say of an item, as long as no two agree.
func (d dispute) pending(c *web.Ctx, n *names, item string) []string {
	said := map[string]string{}
	var order []string
	for _, s := range d.Said {
		switch {
		case s.Item != item && s.Item != "":
			continue
		case s.Agreed:
			said, order = map[string]string{}, nil
			continue
		case !slices.Contains(order, s.Party):
			order = append(order, s.Party)
		}
		text := c.T(outcomeText(s.Outcome))
		if s.Item != "" && s.Amount != "0" {
			text = n.Quantity(s.Amount, s.Unit) + " · " + text
		}
		said[s.Party] = text
	}
	var all []string
	for _, p := range order {
		all = append(all, c.T("%s says: %s", n.Party(p), said[p]))
	}
	return all
}

// disputed reports whether the two sides have spoken of the same and differ.
func (d dispute) disputed(m mismatchRow) bool {
	last := map[string]map[string]bool{}
	for _, s := range d.Said {
		if last[s.Item] == nil || s.Agreed {
			last[s.Item] = map[string]bool{}
		}
		if !s.Agreed {
			last[s.Item][s.Party] = true
		}
	}
	for _, sides := range last {
		if sides[m.Sender] && sides[m.Receiver] {
			return true
		}
	}
	return false
}

// history tells what was said, in words, the latest first.
func (m mismatchRow) history(c *web.Ctx, n *names, d dispute) []web.Entry {
	var all []web.Entry
	for _, s := range d.Said {
		what := c.T("all that is open")
		if s.Item != "" {
			what = n.Lot(s.Item)
			if strings.HasPrefix(s.Item, "00/") {
				what = packTitle(s.Item)
			}
			if s.Amount != "0" && s.Amount != "" {
				what = n.Quantity(s.Amount, s.Unit) + " " + what
			}
		}
		e := web.Entry{Text: c.T("%s says of %s: %s", n.Party(s.Party), what, c.T(outcomeText(s.Outcome))), At: s.At, Tone: web.Busy, Block: uint64(s.Block), Tx: s.Tx}
		if s.Agreed {
			e.Detail, e.Tone = c.T("Two say the same: it is booked."), web.Good
		}
		all = append(all, e)
	}
	slices.Reverse(all)
	if m.EscalatedAt != nil {
		all = merged(all, []web.Entry{{Text: c.T("%s asked the regulator in", n.Party(m.Escalated)), At: *m.EscalatedAt, Tone: web.Warn}})
	}
	return append(all, web.Entry{Text: c.T("%s took the shipment in, and it differed", n.Party(m.Receiver)), At: m.At, Tone: web.Warn, Block: uint64(m.Block), Tx: m.Tx})
}

func (a *app) settleMismatch(c *web.Ctx) error {
	m, r, err := a.theMismatch(c)
	if err != nil {
		return err
	}
	show := func(f *web.Form[statementForm]) error { return a.showMismatch(c, r, m, f) }
	return web.Post(c, statementForm{}, show, func(f *web.Form[statementForm]) (string, error) {
		v := f.Value
		settle := trace.Settle{Shipment: m.ID, Outcome: v.Outcome, Item: v.Item, Amount: v.Amount.Amount, Unit: v.Unit}
		if v.Item == "" && v.Amount.Sign() > 0 { // some of everything is nothing that two could agree on
			return "", trace.ErrSettlement.Refuse("").On("item")
		}
		state, err := do[trace.ShipmentState](a, c, settle)
		if err != nil {
			return "", blame(f, err, "", map[string]string{trace.ErrReason.Code: "outcome", trace.ErrSettlement.Code: "item"})
		}
		if state.State == trace.MismatchSettled {
			c.Flash("The mismatch is settled.")
		} else {
			c.Flash("Your statement is noted.")
		}
		return mismatchHref(m.ID), nil
	})
}

func (a *app) escalateMismatch(c *web.Ctx) error {
	m, r, err := a.theMismatch(c)
	if err != nil {
		return err
	}
	show := func(*web.Form[struct{}]) error { return a.showMismatch(c, r, m, nil) }
	return web.Post(c, struct{}{}, show, func(*web.Form[struct{}]) (string, error) {
		_, err := do[trace.ShipmentState](a, c, trace.Escalate{Shipment: m.ID})
		c.Flash("The regulator is asked in.")
		return mismatchHref(m.ID), err
	})
}
