package traceability

import (
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

func (a *app) homeRoutes() []web.Route {
	return []web.Route{{Method: "GET", Path: "/traceability", Name: "traceability.home", Access: readers, Handler: a.home}}
}

type homeView struct {
	Title string
	Stats []web.Stat
	Needs []web.Need
	Quick []web.Act
	Cards []homeCard
}

// homeCard is one list beside what needs the reader now.
type homeCard struct {
	Title string
	Needs []web.Need
	Calm  string // what it says where there is nothing
}

// shownNeeds bounds each list of a home page; its own page shows the rest.
const shownNeeds = 8

// home answers what needs this reader now.
func (a *app) home(c *web.Ctx) error {
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	if r.all {
		return a.regulatorHome(c, r)
	}
	n, own := a.names(c), c.User().Party
	v := homeView{Title: c.T("Needs you now")}
	blocked, err := a.casesOf(c, n, own)
	if err != nil {
		return err
	}
	waiting, err := a.shipmentsWhere(c, n, `$1 <> '' AND receiver = $1 AND state = $2`, own, trace.Offered)
	if err != nil {
		return err
	}
	mismatches, err := a.shipmentsWhere(c, n, `$1 <> '' AND (receiver = $1 OR sender = $2) AND mismatch = $3`, own, own, trace.MismatchOpen)
	if err != nil {
		return err
	}
	onWay, err := a.shipmentsWhere(c, n, `$1 <> '' AND (sender = $1 OR carrier = $2) AND state = $3`, own, own, trace.Offered)
	if err != nil {
		return err
	}
	expiring, err := a.expiring(c, n, own)
	if err != nil {
		return err
	}
	lots, err := readmodel.One[int](c.Context(), a.db, `SELECT COUNT(*) FROM tr_accounts WHERE party = $1 AND in_stock`, own)
	if err != nil {
		return err
	}
	trades, err := readmodel.All[string](c.Context(), a.db, `SELECT kinds FROM tr_parties WHERE id = $1`, own)
	if err != nil {
		return err
	}
	ways := "/traceability/shipments?direction=out&state=offered"
	if carriesOnly(trades) {
		ways = "/traceability/shipments?state=offered"
	}
	if c.User().Has(party.Operator) {
		offerAccept(waiting)
		if v.Quick = quickActs; lots == 0 && carriesOnly(trades) {
			v.Quick = nil
		}
	} else if len(waiting)+len(onWay)+lots == 0 {
		return c.Render("onlooker.html", nil)
	}
	unbooked, err := a.unbooked(c, n, own)
	if err != nil {
		return err
	}
	looks, alarms, err := a.alarmNeeds(c, r, n)
	if err != nil {
		return err
	}
	warm, err := a.excursionNeeds(c, n, own)
	if err != nil {
		return err
	}
	v.Needs = slices.Concat(blocked, unbooked, warm, waiting, mismatches, looks)
	v.Stats = []web.Stat{{Label: "To accept", Value: web.Group(len(waiting)), Tone: toneOf(len(waiting), web.Busy), Href: "/traceability/shipments?direction=in&state=offered"},
		{Label: "On its way", Value: web.Group(len(onWay)), Tone: toneOf(len(onWay), web.Busy), Href: ways},
		{Label: "Mismatches", Value: web.Group(len(mismatches)), Tone: toneOf(len(mismatches), web.Warn), Href: "/traceability/mismatches?state=open"},
		{Label: "Lots in stock", Value: web.Group(lots), Href: "/traceability/insights"}}
	if brands, err := a.isBrand(c.Context(), own); err != nil {
		return err
	} else if brands {
		v.Stats = append(v.Stats, web.Stat{Label: "Scan alarms", Value: web.Group(alarms), Tone: toneOf(alarms, web.Warn), Href: "/traceability/alarms?state=open"})
	}
	v.Cards = []homeCard{{"On its way", onWay, "Nothing is on its way."}, {"Near expiry", expiring, "Nothing expires within five days."}}
	return c.Render("home.html", v)
}

// carriesOnly reports whether a company moves goods and makes or sells none.
func carriesOnly(kinds []string) bool { return slices.Equal(kinds, []string{party.KindCarrier}) }

// toneOf marks a count that is not zero.
func toneOf(n int, tone string) string {
	if n == 0 {
		return web.Good
	}
	return tone
}

var quickActs = []web.Act{{Label: "Log a lot", Href: "/traceability/lots/new", Icon: "plus"}, {Label: "Ship goods", Href: "/traceability/ship", Icon: "truck"},
	{Label: "Make from stock", Href: "/traceability/transform", Icon: "graph"}, {Label: "Pack goods", Href: "/traceability/pack", Icon: "box"},
	{Label: "Sell or destroy", Href: "/traceability/dispose", Icon: "close"}, {Label: "Import a sheet", Href: "/traceability/import", Icon: "down"}}

// offerAccept lets a hand-over be accepted in one tap: everything as shipped.
func offerAccept(waiting []web.Need) {
	for i := range waiting {
		waiting[i].Acts = []web.Act{{Label: "Accept", Href: waiting[i].Href + "/accept", Post: true, Main: true, Fields: map[string]string{"all": "on"},
			Help: "Everything arrived as it was sent. Who can read this is as for the shipment; where that names companies, its sender and carrier."},
			{Label: "Check", Href: waiting[i].Href}}
	}
}

// shipmentsWhere are shipments as lines of a home page, the oldest first.
func (a *app) shipmentsWhere(c *web.Ctx, n *names, where string, args ...any) ([]web.Need, error) {
	rows, err := readmodel.All[shipment](c.Context(), a.db, `SELECT `+shipmentColumns+` FROM tr_shipments WHERE `+where+` ORDER BY at, id LIMIT 100`, args...)
	if err != nil {
		return nil, err
	}
	goods, err := a.goodsOf(c, n, rows...)
	if err != nil {
		return nil, err
	}
	var needs []web.Need
	for _, s := range rows {
		what := goods[s.ID]
		href := "/traceability/shipments/" + s.ID
		text := c.T("%s to %s: %s", n.Party(s.Sender), orElse(n.Party(s.Receiver), c.T("outside the network")), what)
		switch {
		case s.Mismatch == trace.MismatchOpen && s.concerns(c.User().Party):
			text, href = c.T("%s: settle what is missing", s.number()), mismatchHref(s.ID)
		case s.Receiver == c.User().Party:
			text = c.T("%s sends you %s", n.Party(s.Sender), what)
		}
		detail := s.number()
		if s.Carrier != "" {
			detail += " · " + c.T("carried by %s", n.Party(s.Carrier))
		}
		needs = append(needs, web.Need{Text: text, Detail: detail, Href: href, Tone: s.chip().Tone})
	}
	return needs, nil
}

// soon is how far ahead a home page looks for lots that expire.
const soon = 5 * 24 * time.Hour

// expiring are the lots in stock that are to be used soon.
func (a *app) expiring(c *web.Ctx, n *names, own string) ([]web.Need, error) {
	limit := a.host.Now().Add(soon).Format(time.DateOnly)
	today := a.host.Now().Format(time.DateOnly)
	rows, err := readmodel.All[holding](c.Context(), a.db, `SELECT l.id AS lot, l.gtin, l.number, l.unit, l.expiry, l.blocked, a.held, a.packed
		FROM tr_accounts a JOIN tr_lots l ON l.id = a.lot WHERE a.party = $1 AND a.in_stock AND l.expiry <> '' AND l.expiry <= $2
		ORDER BY l.expiry, l.id LIMIT $3`, own, limit, shownNeeds)
	if err != nil {
		return nil, err
	}
	var needs []web.Need
	for _, h := range rows {
		tone, text := web.Warn, c.T("best before %s", day(c, h.Expiry))
		if h.Expiry < today {
			tone, text = web.Bad, c.T("expired on %s", day(c, h.Expiry))
		}
		have := parseAmount(h.Held).Add(parseAmount(h.Packed)).String()
		needs = append(needs, web.Need{Text: n.Lot(h.Lot), Detail: n.Quantity(have, h.Unit) + " · " + text, Href: lotHref(h.Lot), Tone: tone})
	}
	return needs, nil
}

// casesOf are the open cases that touch what the company has, as long as it
// has not acknowledged them.
func (a *app) casesOf(c *web.Ctx, n *names, own string) ([]web.Need, error) {
	rows, err := readmodel.All[kase](c.Context(), a.db, `SELECT `+caseColumns+` FROM tr_cases c WHERE c.state = 'open'
		AND EXISTS (SELECT 1 FROM tr_case_lots l JOIN tr_accounts a ON a.lot = l.lot WHERE l.kase = c.id AND a.party = $1)
		AND NOT EXISTS (SELECT 1 FROM tr_acknowledgements k WHERE k.kase = c.id AND k.party = $2) ORDER BY c.at`, own, own)
	if err != nil {
		return nil, err
	}
	due, err := a.deadlines(c, own)
	if err != nil {
		return nil, err
	}
	var needs []web.Need
	for _, k := range rows {
		needs = append(needs, web.Need{Text: c.T("%s %s touches your goods: %s", c.T(textOf(kinds, k.Kind)), k.ID, k.Reason), Detail: c.T("opened by %s", n.Party(k.Author)),
			Href: caseHref(k.ID), Tone: k.chip().Tone, Due: due[k.ID], Acts: []web.Act{{Label: "Acknowledge", Href: caseHref(k.ID), Main: true}}})
	}
	return needs, nil
}

// deadlines are until when the company answers the notices it has.
func (a *app) deadlines(c *web.Ctx, own string) (map[string]time.Time, error) {
	type row struct {
		Case string    `db:"kase"`
		Due  time.Time `db:"due"`
	}
	rows, err := readmodel.All[row](c.Context(), a.db, `SELECT kase, due FROM tr_notices WHERE party = $1`, own)
	due := map[string]time.Time{}
	for _, r := range rows {
		due[r.Case] = r.Due
	}
	return due, err
}

// unbooked are the open recalls of which the company has still to account for
// goods: it has acknowledged, and not booked all that it was notified of.
func (a *app) unbooked(c *web.Ctx, n *names, own string) ([]web.Need, error) {
	rows, err := readmodel.All[kase](c.Context(), a.db, `SELECT `+caseColumns+` FROM tr_cases c WHERE c.state = 'open' AND c.kind <> 'hold'
		AND EXISTS (SELECT 1 FROM tr_acknowledgements k WHERE k.kase = c.id AND k.party = $1)
		AND EXISTS (SELECT 1 FROM tr_notices n WHERE n.kase = c.id AND n.party = $2
			AND n.lots > (SELECT COUNT(*) FROM tr_bookings b WHERE b.kase = c.id AND b.party = $3 AND b.outstanding = '0')) ORDER BY c.at`, own, own, own)
	var needs []web.Need
	for _, k := range rows {
		needs = append(needs, web.Need{Text: c.T("%s: account for your goods", k.ID), Detail: k.Reason, Href: caseHref(k.ID) + "/reconcile", Tone: web.Warn})
	}
	return needs, err
}

// regulatorHome shows open cases with their progress, and recent alarms.
func (a *app) regulatorHome(c *web.Ctx, r *reader) error {
	n := a.names(c)
	rows, err := readmodel.All[kase](c.Context(), a.db, `SELECT `+caseColumns+` FROM tr_cases WHERE state = 'open' ORDER BY at DESC LIMIT 50`)
	if err != nil {
		return err
	}
	v := homeView{Title: c.T("Needs you now"), Quick: caseActs(c)}
	for _, k := range rows {
		need, err := a.progress(c, r, n, k)
		if err != nil {
			return err
		}
		v.Needs = append(v.Needs, need)
	}
	alarms, err := a.alarms(c, n)
	if err != nil {
		return err
	}
	mismatches, err := a.shipmentsWhere(c, n, `mismatch = $1`, trace.MismatchOpen)
	if err != nil {
		return err
	}
	blocked, err := readmodel.One[int](c.Context(), a.db, `SELECT COUNT(*) FROM tr_lots WHERE blocked <> ''`)
	if err != nil {
		return err
	}
	looks, _, err := a.alarmNeeds(c, r, n)
	if err != nil {
		return err
	}
	alarms = append(alarms, looks...)
	v.Stats = []web.Stat{{Label: "Open cases", Value: web.Group(len(rows)), Tone: toneOf(len(rows), web.Warn), Href: "/traceability/cases?state=open"},
		{Label: "Lots blocked", Value: web.Group(blocked), Tone: toneOf(blocked, web.Bad), Href: "/traceability/lots?state=blocked"},
		{Label: "Mismatches", Value: web.Group(len(mismatches)), Tone: toneOf(len(mismatches), web.Warn), Href: "/traceability/mismatches?state=open"}}
	v.Cards = []homeCard{{"Alarms", alarms, "No alarms."}, {"Mismatches", mismatches[:min(shownNeeds, len(mismatches))], "No mismatches."}}
	return c.Render("home.html", v)
}

// progress is how far an open case has come: marked, and acknowledged by whom.
func (a *app) progress(c *web.Ctx, r *reader, n *names, k kase) (web.Need, error) {
	lots, err := readmodel.All[string](c.Context(), a.db, `SELECT lot FROM tr_case_lots WHERE kase = $1`, k.ID)
	if err != nil {
		return web.Need{}, err
	}
	shares, err := a.shares(c.Context(), lots, asOf{})
	if err != nil {
		return web.Need{}, err
	}
	acks, err := a.acks(r, n, k, shares)
	if err != nil {
		return web.Need{}, err
	}
	var open []string
	for _, ack := range acks {
		if !ack.Done {
			open = append(open, ack.Party)
		}
	}
	detail := c.T("%s lots reached, %s of %s companies have acknowledged", k.Marked, len(acks)-len(open), len(acks))
	if len(open) > 0 {
		detail += " · " + c.T("waiting for %s", strings.Join(open, ", "))
	}
	return web.Need{Text: k.ID + " · " + k.Reason, Detail: detail, Href: caseHref(k.ID), Tone: k.chip().Tone}, nil
}

// alarming are the flags that a regulator wants to know of.
var alarming = map[string]string{trace.FlagOriginUnknown: "Goods of unknown origin were received", trace.FlagSurplus: "More arrived than was sent",
	trace.FlagQuarantine: "Blocked goods were received to be kept apart", trace.FlagInputsUnknown: "Something was made of nothing that is known",
	trace.FlagAlarm: "A sensor reports an alarm", trace.FlagNotHolder: "Goods were reported by somebody who never held them"}

// alarms are the latest events with such a flag.
func (a *app) alarms(c *web.Ctx, n *names) ([]web.Need, error) {
	type row struct {
		Hash   string    `db:"hash"`
		Author string    `db:"author"`
		At     time.Time `db:"at"`
		Flags  string    `db:"flags"`
		Lot    string    `db:"lot"`
	}
	rows, err := readmodel.All[row](c.Context(), a.db, `SELECT e.hash, e.author, e.at, e.flags, COALESCE((SELECT MIN(thing) FROM tr_named WHERE hash = e.hash), '') AS lot
		FROM tr_events e WHERE e.flags <> '' AND e.error = '' ORDER BY e.block DESC LIMIT 100`)
	if err != nil {
		return nil, err
	}
	var needs []web.Need
	for _, r := range rows {
		for _, flag := range strings.Fields(r.Flags) {
			if text := alarming[flag]; text != "" && len(needs) < shownNeeds {
				needs = append(needs, web.Need{Text: c.T(text), Detail: n.Party(r.Author) + " · " + n.Lot(r.Lot), Href: eventHref(r.Hash), Tone: web.Warn})
			}
		}
	}
	return needs, nil
}
