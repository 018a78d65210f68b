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

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

func (a *app) shipmentRoutes() []web.Route {
	const one = "/traceability/shipments/:id"
	return []web.Route{
		{Method: "GET", Path: "/traceability/shipments", Name: "shipments", Access: readers, Handler: a.shipments},
		{Method: "GET", Path: one, Name: "shipments.show", Access: readers, Handler: a.shipmentPage},
		{Method: "POST", Path: one + "/accept", Name: "shipments.accept", Access: operators, Handler: a.accept},
		{Method: "POST", Path: one + "/decline", Name: "shipments.decline", Access: operators, Handler: a.decline},
		{Method: "POST", Path: one + "/call-back", Name: "shipments.callBack", Access: operators, Handler: a.callBack},
	}
}

// shipment is a row of tr_shipments, and what programs see of it.
type shipment struct {
	ID        string     `json:"id" db:"id"`
	Sender    string     `json:"sender" db:"sender"`
	Receiver  string     `json:"receiver,omitempty" db:"receiver"`
	Carrier   string     `json:"carrier,omitempty" db:"carrier"`
	State     string     `json:"state" db:"state"`
	At        time.Time  `json:"at" db:"at"`
	Event     string     `json:"event" db:"event"`
	Answer    string     `json:"answer,omitempty" db:"answer"`
	Answered  *time.Time `json:"answered,omitempty" db:"answered"`
	Reason    string     `json:"reason,omitempty" db:"reason"`
	Documents string     `json:"documents,omitempty" db:"documents"`
	Mismatch  string     `json:"mismatch,omitempty" db:"mismatch"`
	Said      string     `json:"-" db:"said"`
	Block     int64      `json:"-" db:"block"`
}

const shipmentColumns = `id, sender, receiver, carrier, state, at, event, answer, answered, reason, documents, mismatch, said, block`

// shipmentLine is one lot of a shipment.
type shipmentLine struct {
	Lot      string `json:"lot" db:"lot"`
	Packed   bool   `json:"packed,omitempty" db:"packed"`
	Amount   string `json:"amount" db:"amount"`
	Unit     string `json:"unit,omitempty" db:"unit"`
	Received string `json:"received,omitempty" db:"received"` // where it differs
}

// concerns reports whether a company is one of the shipment's.
func (s shipment) concerns(company string) bool {
	return company != "" && (s.Sender == company || s.Receiver == company || s.Carrier == company)
}

// number is what people call a shipment: its despatch advice, else its id.
func (s shipment) number() string {
	if first, _, _ := strings.Cut(s.Documents, " "); first != "" {
		return events.AdviceNumber(first)
	}
	return s.ID
}

// chip is a shipment's state.
func (s shipment) chip() web.Chip {
	switch {
	case s.Mismatch == trace.MismatchOpen:
		return web.Chip{Word: "Mismatch open", Tone: web.Warn}
	case s.State == trace.Offered:
		return web.Chip{Word: "On its way", Tone: web.Busy}
	case s.State == trace.Accepted:
		return web.Chip{Word: "Accepted", Tone: web.Good}
	case s.State == trace.Declined:
		return web.Chip{Word: "Declined", Tone: web.Bad}
	case s.State == trace.Cancelled:
		return web.Chip{Word: "Called back", Tone: web.Idle}
	}
	return web.Chip{Word: "Left the network", Tone: web.Idle}
}

// shipment loads one that the user may see. One of others is not found: its
// number is no secret, but that it exists is none of their business.
func (a *app) shipment(c *web.Ctx) (shipment, error) {
	s, err := readmodel.One[shipment](c.Context(), a.db, `SELECT `+shipmentColumns+` FROM tr_shipments WHERE id = $1`, idOf(c))
	if err == nil && s.concerns(c.User().Party) {
		return s, nil
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return s, err
	}
	if all, wrong := a.supervises(c); wrong != nil || all && err == nil {
		return s, wrong
	}
	return s, trace.ErrNoShipment.Refuse("%s", idOf(c))
}

const lineColumns = `lot, pack <> '' AS packed, amount, unit, received`

func (a *app) shipmentLines(ctx context.Context, id string) ([]shipmentLine, error) {
	return readmodel.All[shipmentLine](ctx, a.db, `SELECT `+lineColumns+` FROM tr_shipment_lines
		WHERE shipment = $1 ORDER BY pack, lot`, id)
}

// shipmentPack is one outermost pack of a shipment.
type shipmentPack struct {
	Pack    string `db:"pack"`
	Missing bool   `db:"missing"`
}

func (a *app) shipmentPacks(ctx context.Context, id string) ([]shipmentPack, error) {
	return readmodel.All[shipmentPack](ctx, a.db, `SELECT pack, missing FROM tr_shipment_packs WHERE shipment = $1 ORDER BY pack`, id)
}

// shipmentForms are the forms of a shipment's page; nil ones start afresh.
type shipmentForms struct {
	Accept  *web.Form[acceptForm]
	Decline *web.Form[declineForm]
}

type shipmentView struct {
	Number   string
	Lead     string
	Chip     web.Chip
	Crumbs   []web.Crumb
	Steps    []web.Step
	Banner   *web.Banner
	Pairs    []web.Pair
	Lines    []lineView
	Packs    []packRow
	History  []web.Entry
	Forms    shipmentForms `json:"-"`
	Accepts  bool          // the reader can answer it
	CallBack *web.Act
	Dispute  string // address of its mismatch
	Base     string
	Reasons  []web.Option
	Share    shareView `json:"-"`
}

type lineView struct {
	Lot, Href, Text, Shipped, Arrived, Unit string
	Blocked                                 string // an English word
	Packed                                  bool
	Differs                                 bool
	Entry                                   web.Line
}

type packRow struct {
	ID, Text string
	Inside   []string
	Missing  bool
	Chosen   bool
}

func (a *app) shipmentPage(c *web.Ctx) error {
	s, err := a.shipment(c)
	if err != nil {
		return err
	}
	return a.showShipment(c, s, shipmentForms{})
}

func (a *app) showShipment(c *web.Ctx, s shipment, forms shipmentForms) error {
	n := a.names(c)
	lines, err := a.shipmentLines(c.Context(), s.ID)
	if err != nil {
		return err
	}
	packs, err := a.shipmentPacks(c.Context(), s.ID)
	if err != nil {
		return err
	}
	own := c.User().Party
	acts := c.User().Has(party.Operator)
	v := shipmentView{Number: s.number(), Chip: s.chip(), Base: "/traceability/shipments/" + s.ID, Reasons: declineReasons,
		Lead:    c.T("%s to %s", n.Party(s.Sender), orElse(n.Party(s.Receiver), c.T("outside the network"))),
		Crumbs:  []web.Crumb{{Text: c.T("Shipments"), Href: "/traceability/shipments"}, {Text: s.number()}},
		Steps:   s.steps(),
		Accepts: acts && s.State == trace.Offered && s.Receiver == own}
	v.Forms = forms.filled(c, lines)
	if v.Share, err = a.shareView(c, v.Forms.Accept.Field("share.mode", "Readers"), v.Forms.Accept.Value.Share); err != nil {
		return err
	}
	if err := a.fillLines(c, n, &v, lines, packs); err != nil {
		return err
	}
	if v.History, err = a.shipmentHistory(c, n, s, lines, packs); err != nil {
		return err
	}
	v.Pairs = s.pairs(c, n)
	v.Banner = v.banner(c)
	if r, err := a.reader(c); err != nil {
		return err
	} else if s.Mismatch != "" && (r.all || s.Sender == own || s.Receiver == own) {
		v.Dispute = mismatchHref(s.ID)
	}
	if acts && s.State == trace.Offered && s.Sender == own {
		v.CallBack = &web.Act{Label: "Call the shipment back", Href: v.Base + "/call-back", Post: true, Danger: true,
			Confirm: "The receiver can no longer accept it. Call it back?"}
	}
	return c.Render("shipment.html", v)
}

// filled starts the forms that nobody has posted.
func (f shipmentForms) filled(c *web.Ctx, lines []shipmentLine) shipmentForms {
	if f.Accept == nil {
		start := acceptForm{}
		for _, l := range lines {
			if !l.Packed {
				start.Lines = append(start.Lines, acceptLine{l.Lot, amount{parseAmount(l.Amount)}, l.Unit})
			}
		}
		f.Accept = web.NewForm(c, start)
	}
	if f.Decline == nil {
		f.Decline = web.NewForm(c, declineForm{})
	}
	return f
}

func (a *app) fillLines(c *web.Ctx, n *names, v *shipmentView, lines []shipmentLine, packs []shipmentPack) error {
	entries := v.Forms.Accept.Lines("lines", 0)
	may, err := a.reader(c)
	if err != nil {
		return err
	}
	loose := 0
	for _, l := range lines {
		blocked, err := readmodel.One[string](c.Context(), a.db, `SELECT blocked FROM tr_lots WHERE id = $1`, l.Lot)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		line := lineView{Lot: l.Lot, Href: lotHref(l.Lot), Text: n.Lot(l.Lot), Shipped: grouped(n.Amount(l.Amount)), Unit: n.Unit(l.Unit), Packed: l.Packed,
			Differs: l.Received != "", Arrived: grouped(n.Amount(orElse(l.Received, l.Amount)))}
		if !may.reads(l.Lot) { // a carrier sees what it carries, not where it comes from
			line.Href = ""
		}
		if blocked != "" {
			line.Blocked = blockedWord(blocked)
		}
		if !line.Packed && loose < len(entries) {
			line.Entry = entries[loose]
			loose++
		}
		v.Lines = append(v.Lines, line)
	}
	posted := c.Request().PostForm
	for _, p := range packs {
		inside, err := a.inside(c, n, p.Pack)
		if err != nil {
			return err
		}
		chosen := posted == nil || len(posted["packs"]) == 0 || slices.Contains(posted["packs"], p.Pack)
		v.Packs = append(v.Packs, packRow{ID: p.Pack, Text: packTitle(p.Pack), Inside: inside, Missing: p.Missing, Chosen: chosen})
	}
	return nil
}

// banner warns before blocked goods are accepted.
func (v shipmentView) banner(c *web.Ctx) *web.Banner {
	for _, l := range v.Lines {
		if l.Blocked != "" && v.Accepts {
			return &web.Banner{Tone: web.Bad, Title: "Part of this shipment is blocked.",
				Text: c.T("Decline it, or accept it to be kept apart: it cannot be sold.")}
		}
	}
	return nil
}

func (s shipment) steps() []web.Step {
	sent := web.Step{Word: "Sent", State: "done", At: s.At}
	last := web.Step{Word: "Accepted"}
	var answered time.Time
	if s.Answered != nil {
		answered = *s.Answered
	}
	switch s.State {
	case trace.Offered:
		return []web.Step{sent, {Word: "On its way", State: "now"}, last}
	case trace.Accepted:
		last.State, last.At = "done", answered
	case trace.Declined:
		last = web.Step{Word: "Declined", State: "done", At: answered}
	case trace.Cancelled:
		last = web.Step{Word: "Called back", State: "done", At: answered}
	default:
		return []web.Step{sent, {Word: "Left the network", State: "done", At: s.At}}
	}
	steps := []web.Step{sent, last}
	switch s.Mismatch {
	case trace.MismatchOpen:
		steps = append(steps, web.Step{Word: "Mismatch to settle", State: "now"})
	case trace.MismatchSettled:
		steps = append(steps, web.Step{Word: "Mismatch settled", State: "done"})
	}
	return steps
}

func (s shipment) pairs(c *web.Ctx, n *names) []web.Pair {
	pairs := []web.Pair{{Label: "From", Value: n.Party(s.Sender)}, {Label: "To", Value: orElse(n.Party(s.Receiver), c.T("outside the network"))}}
	if s.Carrier != "" {
		pairs = append(pairs, web.Pair{Label: "Carrier", Value: n.Party(s.Carrier)})
	}
	for _, d := range strings.Fields(s.Documents) {
		pairs = append(pairs, web.Pair{Label: "Despatch advice", Value: events.AdviceNumber(d)})
	}
	return append(pairs, web.Pair{Label: "Shipment id", Value: s.ID}, web.Pair{Label: "Block", Value: s.Block})
}

// shipmentHistory tells what happened, the latest first.
func (a *app) shipmentHistory(c *web.Ctx, n *names, s shipment, lines []shipmentLine, packs []shipmentPack) ([]web.Entry, error) {
	var entries []web.Entry
	if said, err := s.sides(c, n); err != nil {
		return nil, err
	} else {
		entries = append(entries, said...)
	}
	switch s.State {
	case trace.Accepted:
		entries = append(entries, a.entry(c, s.Answer, s.arrived(c, n, lines, packs)))
	case trace.Declined:
		entries = append(entries, web.Entry{Text: c.T("%s declined the shipment: %s", n.Party(s.Receiver), c.T(reasonText(s.Reason))), At: *s.Answered, Tone: web.Bad, Block: uint64(s.Block)})
	case trace.Cancelled:
		entries = append(entries, web.Entry{Text: c.T("%s called the shipment back", n.Party(s.Sender)), At: *s.Answered, Tone: web.Idle, Block: uint64(s.Block)})
	}
	goods, err := a.goodsOf(c, n, s)
	if err != nil {
		return nil, err
	}
	sent := web.Entry{Text: c.T("%s sent %s to %s", n.Party(s.Sender), goods[s.ID], orElse(n.Party(s.Receiver), c.T("outside the network"))), Tone: web.Busy}
	if s.Carrier != "" {
		sent.Detail = c.T("carried by %s", n.Party(s.Carrier))
	}
	return append(entries, a.entry(c, s.Event, sent)), nil
}

// entry adds who and when and the block to what an event tells.
func (a *app) entry(c *web.Ctx, hash string, e web.Entry) web.Entry {
	type stand struct {
		By    string    `db:"by_user"`
		At    time.Time `db:"at"`
		Block int64     `db:"block"`
		Tx    string    `db:"tx"`
	}
	if row, err := readmodel.One[stand](c.Context(), a.db, `SELECT by_user, at, block, tx FROM tr_events WHERE hash = $1`, hash); err == nil {
		e.By, e.At, e.Block, e.Tx = row.By, row.At, uint64(row.Block), row.Tx
	}
	return e
}

// arrived says what came: "City Market accepted 480 of 500 kg, 20 kg short".
func (s shipment) arrived(c *web.Ctx, n *names, lines []shipmentLine, packs []shipmentPack) web.Entry {
	e := web.Entry{Text: c.T("%s accepted everything", n.Party(s.Receiver)), Tone: web.Good}
	var differ []string
	for _, l := range lines {
		if l.Received == "" || l.Packed {
			continue
		}
		shipped, got := parseAmount(l.Amount), parseAmount(l.Received)
		words := c.T("%s of %s %s, %s short", grouped(n.Amount(got.String())), n.Quantity(l.Amount, l.Unit), n.Lot(l.Lot), n.Quantity(shipped.Sub(got).String(), l.Unit))
		if got.Cmp(shipped) > 0 {
			words = c.T("%s of %s %s, %s more than sent", grouped(n.Amount(got.String())), n.Quantity(l.Amount, l.Unit), n.Lot(l.Lot), n.Quantity(got.Sub(shipped).String(), l.Unit))
		}
		differ = append(differ, words)
	}
	for _, p := range packs {
		if p.Missing {
			differ = append(differ, c.T("%s is missing", packTitle(p.Pack)))
		}
	}
	if len(differ) > 0 {
		e.Text, e.Tone = c.T("%s accepted %s", n.Party(s.Receiver), strings.Join(differ, "; ")), web.Warn
	}
	return e
}

// sides are what the two sides say became of what is missing.
func (s shipment) sides(c *web.Ctx, n *names) ([]web.Entry, error) {
	if s.Said == "" {
		return nil, nil
	}
	said := map[string]string{}
	if err := json.Unmarshal([]byte(s.Said), &said); err != nil {
		return nil, fmt.Errorf("read the answers to a mismatch: %w", err)
	}
	var entries []web.Entry
	if s.Mismatch == trace.MismatchSettled {
		entries = append(entries, web.Entry{Text: c.T("The mismatch is settled."), Tone: web.Good})
	}
	for _, side := range []string{s.Sender, s.Receiver} {
		if outcome := said[side]; outcome != "" {
			entries = append(entries, web.Entry{Text: c.T("%s says of what is missing: %s", n.Party(side), c.T(outcomeText(outcome))), Tone: web.Busy})
		}
	}
	return entries, nil
}
