package traceability

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

var errNoBody = errors.New("the body is not shared here")

func itoa(n int) string { return strconv.Itoa(n) }

// lotRow is a lot as the tables have it, and as programs see it.
type lotRow struct {
	ID      string    `json:"id" db:"id"`
	GTIN    string    `json:"gtin,omitempty" db:"gtin"`
	Number  string    `json:"number,omitempty" db:"number"`
	Serial  string    `json:"serial,omitempty" db:"serial"`
	Batch   string    `json:"batch,omitempty" db:"batch"`
	Maker   string    `json:"maker,omitempty" db:"maker"`
	Unit    string    `json:"unit,omitempty" db:"unit"`
	Made    string    `json:"made,omitempty" db:"made"`
	At      time.Time `json:"at" db:"at"`
	Expiry  string    `json:"expiry,omitempty" db:"expiry"`
	Origin  string    `json:"origin" db:"origin"` // hash of its first event
	Flags   string    `json:"flags,omitempty" db:"flags"`
	Blocked string    `json:"blocked,omitempty" db:"blocked"` // "hold" or "recall"
	Block   int64     `json:"-" db:"block"`
}

const lotColumns = `l.id, l.gtin, l.number, l.serial, l.batch, l.maker, l.unit, l.made, l.at, l.expiry, l.origin, l.flags, l.blocked, l.block`

// name is what people call the lot within its product.
func (l lotRow) name() string {
	switch {
	case l.Serial != "":
		return l.Serial
	case l.Number != "":
		return l.Number
	}
	return l.ID
}

// bestBefore is the day of the expiry, or "".
func (l lotRow) bestBefore() string {
	if len(l.Expiry) < len("2006-01-02") {
		return ""
	}
	return l.Expiry[:len("2006-01-02")]
}

// lot finds a lot by its id, as it is or escaped for an address, or by any
// spelling of its key. A refusal tells one and the same id, found or not.
func (a *app) lot(ctx context.Context, id string) (lotRow, error) {
	plain, err := url.PathUnescape(id)
	if err != nil {
		plain = id
	}
	all, err := readmodel.All[lotRow](ctx, a.db, `SELECT `+lotColumns+` FROM tr_lots l WHERE l.id IN ($1, $2, $3)`, id, plain, lotID(plain))
	switch {
	case err != nil:
		return lotRow{}, fmt.Errorf("read the lot %s: %w", plain, err)
	case len(all) == 0:
		return lotRow{}, trace.ErrNoLot.Refuse("%s", lotID(plain))
	}
	return all[0], nil
}

// lotView is the page of one lot.
type lotView struct {
	ID       string        `json:"id"`
	GTIN     string        `json:"gtin,omitempty"`
	Product  string        `json:"product"`
	Number   string        `json:"number"`
	Maker    string        `json:"maker,omitempty"`
	State    web.Chip      `json:"-"`
	Word     string        `json:"state"`
	Made     string        `json:"made,omitempty"` // where its maker's account is seen
	Unit     string        `json:"unit"`
	MadeAt   time.Time     `json:"madeAt"`
	Expiry   string        `json:"expiry,omitempty"`
	Flags    []string      `json:"flags,omitempty"`
	Missing  string        `json:"unaccounted,omitempty"` // where all accounts are seen
	Accounts []accountView `json:"accounts"`
	Further  int           `json:"furtherAccounts,omitempty"` // of companies that are no neighbours
	Beyond   []shopperStep `json:"further,omitempty"`         // what shoppers are told of these
	Way      []wayView     `json:"onTheWay,omitempty"`
	From     []madeView    `json:"madeOf,omitempty"`
	Into     []madeView    `json:"wentInto,omitempty"`
	Packs    []packView    `json:"packs,omitempty"`
	Items    int           `json:"items,omitempty"`
	History  []entry       `json:"history"`
	Known    string        `json:"knownAt,omitempty"` // what the ledger knew then; else now

	known asOf
	At    string `json:"-"` // the same in the page's field
	Href  string `json:"-"`

	Crumbs  []web.Crumb    `json:"-"`
	Banners []web.Banner   `json:"-"`
	Stats   []web.Stat     `json:"-"`
	Facts   []web.Pair     `json:"-"`
	Where   web.Table      `json:"-"`
	Others  []string       `json:"-"` // Beyond in words
	Graph   template.HTML  `json:"-"`
	Trace   string         `json:"-"`
	Papers  *documentsCard `json:"-"`
	Cold    *exposureCard  `json:"-"`
	Acts    []web.Act      `json:"-"`
	Dresses []web.Dress    `json:"-"`
}

// accountView is what one company has and had of the lot.
type accountView struct {
	Party     string `json:"party"`
	Name      string `json:"name"`
	Held      string `json:"held"`
	Packed    string `json:"packed"`
	Sent      string `json:"onTheWay"`
	Used      string `json:"used"`
	Sold      string `json:"sold"`
	Destroyed string `json:"destroyed"`
	Gone      string `json:"leftTheNetwork"`
	Lost      string `json:"lost"`
}

// places are the accounts' columns with their headings.
var places = []struct {
	label string
	of    func(accountView) string
}{
	{"In stock", func(a accountView) string { return a.Held }},
	{"Packed", func(a accountView) string { return a.Packed }},
	{"On the way", func(a accountView) string { return a.Sent }},
	{"Used", func(a accountView) string { return a.Used }},
	{"Sold", func(a accountView) string { return a.Sold }},
	{"Destroyed", func(a accountView) string { return a.Destroyed }},
	{"Left the network", func(a accountView) string { return a.Gone }},
	{"Lost", func(a accountView) string { return a.Lost }},
}

// wayView is a part of the lot that is on its way.
type wayView struct {
	Shipment string `json:"shipment"`
	Text     string `json:"text"`
	Href     string `json:"-"`
}

// madeView is a lot that this one was made of, or that was made of it.
type madeView struct {
	Lot     string `json:"lot"`
	Name    string `json:"name"`
	Amount  string `json:"amount,omitempty"` // where the account is seen that it is a part of
	Blocked string `json:"blocked,omitempty"`
	Href    string `json:"-"`
}

// packView is a pack with some of the lot in it.
type packView struct {
	Pack   string `json:"pack"`
	Name   string `json:"-"`
	Amount string `json:"amount"`
}

func (a *app) showLot(c *web.Ctx) error {
	const prefix = "/traceability/lot/"
	lot, suffix, err := a.asked(c, prefix, "json", "xlsx", "jsonld", "zip")
	if err != nil {
		return err
	}
	switch suffix {
	case "xlsx":
		return a.sheetOfLot(c, lot)
	case "jsonld":
		return a.eventsOfLot(c, lot)
	case "zip":
		return a.bundleOfLot(c, lot)
	}
	known, err := askedMoment(c)
	if err != nil {
		return err
	}
	if lot, err = a.lotThen(c.Context(), lot, known); err != nil {
		return err
	}
	v, err := a.lotView(c, lot, known)
	if err != nil {
		return err
	}
	if suffix == "json" {
		return c.JSON(200, v)
	}
	return c.Render("lot.html", v)
}

func (a *app) lotView(c *web.Ctx, lot lotRow, known asOf) (*lotView, error) {
	n := a.names(c)
	v := &lotView{ID: lot.ID, GTIN: lot.GTIN, Product: n.Product(lot.GTIN), Number: lot.name(), Maker: n.Party(lot.Maker),
		Unit: lot.Unit, MadeAt: lot.At, Expiry: lot.bestBefore(), Flags: strings.Fields(lot.Flags), Trace: traceHref(lot.ID), known: known, Known: known.query(), At: known.field(c), Href: lotHref(lot.ID)}
	if v.Known != "" {
		v.Trace += "?knownAt=" + template.URLQueryEscaper(v.Known)
	}
	if v.Product == "" {
		v.Product = c.T("A thing without a GS1 key")
	}
	r, err := a.reader(c)
	if err != nil {
		return nil, err
	}
	near, err := r.near(lot.ID)
	if err != nil {
		return nil, err
	}
	if err := a.fillAccounts(r, near, n, lot, v); err != nil {
		return nil, err
	}
	if err := a.fillPacks(r, near, n, lot, v); err != nil {
		return nil, err
	}
	if err := a.fillWay(c, r, n, lot, v); err != nil {
		return nil, err
	}
	if err := a.fillMaking(r, n, lot, v); err != nil {
		return nil, err
	}
	if v.History, err = a.history(c, lot, n, known); err != nil {
		return nil, err
	}
	if err := a.fillBanners(c, n, lot, v); err != nil {
		return nil, err
	}
	if v.State = a.stateOn(known.on(a.host.Now()), lot, v.totals()); v.Further > 0 && v.State.Word == "Gone" {
		v.State = elsewhere
	}
	v.Word = v.State.Word
	if v.Graph, err = a.smallGraph(c, lot, known); err != nil {
		return nil, err
	}
	if v.Known == "" { // documents are told as they are today
		if v.Papers, err = a.documentsCard(c, lot.Maker, thingsOf(lot)...); err != nil {
			return nil, err
		}
		if v.Cold, err = a.exposureCard(c, n, lot); err != nil {
			return nil, err
		}
	}
	v.headline(c, n, lot)
	if v.offer(c, lot); v.Known != "" {
		v.Acts = nil // nothing is done in the past
		for i, d := range v.Dresses {
			if d.Word == "XLSX" || d.Word == "JSON" {
				v.Dresses[i].Href += "?knownAt=" + template.URLQueryEscaper(v.Known)
			}
		}
	}
	return v, nil
}

// sums are a lot's amounts over all companies.
type sums struct {
	stock, way, used, sold, other gs1.Amount
	told                          bool // the reader sees an account
	withheld                      int  // accounts that the reader does not see
}

func (v *lotView) totals() (s sums) {
	for _, x := range v.Accounts {
		s.stock = s.stock.Add(parseAmount(x.Held)).Add(parseAmount(x.Packed))
		s.way = s.way.Add(parseAmount(x.Sent))
		s.used = s.used.Add(parseAmount(x.Used))
		s.sold = s.sold.Add(parseAmount(x.Sold))
		s.other = s.other.Add(parseAmount(x.Destroyed)).Add(parseAmount(x.Gone)).Add(parseAmount(x.Lost))
	}
	return s
}

func (s sums) all() gs1.Amount { return s.stock.Add(s.way).Add(s.used).Add(s.sold).Add(s.other) }

// elsewhere is the state of a lot of which the reader sees no account with
// anything in it: that it exists is all that is told.
var elsewhere = web.Chip{Word: "With others on the chain", Tone: web.Idle}

// stateOf is the one word that tells most about a lot.
func (a *app) stateOf(lot lotRow, s sums) web.Chip { return a.stateOn(a.host.Now(), lot, s) }

func (a *app) stateOn(day time.Time, lot lotRow, s sums) web.Chip {
	expired := lot.bestBefore() != "" && lot.bestBefore() < day.UTC().Format(time.DateOnly)
	switch {
	case lot.Blocked == trace.KindRecall:
		return web.Chip{Word: "Recalled", Tone: web.Bad}
	case lot.Blocked == trace.KindHold:
		return web.Chip{Word: "On hold", Tone: web.Warn}
	case expired && s.stock.Sign() > 0:
		return web.Chip{Word: "Expired", Tone: web.Warn}
	case s.stock.Sign() > 0:
		return web.Chip{Word: "In stock", Tone: web.Good}
	case s.way.Sign() > 0:
		return web.Chip{Word: "On the way", Tone: web.Busy}
	case s.sold.Sign() > 0:
		return web.Chip{Word: "Sold", Tone: web.Idle}
	case s.used.Sign() > 0:
		return web.Chip{Word: "Used up", Tone: web.Idle}
	}
	return web.Chip{Word: "Gone", Tone: web.Idle}
}

// fillAccounts reads the accounts that the reader sees, and what shoppers are
// told of the companies behind the others.
func (a *app) fillAccounts(r *reader, near near, n *names, lot lotRow, v *lotView) error {
	table, args := v.known.accounts([]any{lot.ID})
	rows, err := readmodel.All[accountView](r.ctx, a.db, `SELECT a.party, a.party, a.held, a.packed, a.sent, a.used, a.sold, a.destroyed, a.gone, a.lost
		FROM `+table+` a WHERE a.lot = $1 ORDER BY CASE WHEN a.held = '0' AND a.packed = '0' THEN 1 ELSE 0 END, a.party`, args...)
	if err != nil {
		return fmt.Errorf("read the accounts of a lot: %w", err)
	}
	v.Accounts = []accountView{}
	further := map[string]bool{}
	for _, row := range rows {
		if !near.sees(lot.ID, row.Party) {
			further[row.Party] = true
			continue
		}
		row.Name = n.Party(row.Party)
		v.Accounts = append(v.Accounts, row)
	}
	v.Further = len(further)
	if v.Made = near.made(lot, v.Further); v.Further == 0 {
		v.Missing = parseAmount(lot.Made).Sub(v.totals().all()).String()
		return nil
	}
	if !v.known.IsZero() {
		return nil // what shoppers are told is of today
	}
	v.Beyond, err = a.beyond(r.ctx, n, lot, further)
	return err
}

// fillMaking reads what the lot was made of and what was made of it, as far as
// that lies on the reader's chain. How much it was is a part of an account: what
// went in of its user's, what came out of its maker's.
func (a *app) fillMaking(r *reader, n *names, lot lotRow, v *lotView) error {
	type line struct {
		Side    string `db:"side"`
		Lot     string `db:"lot"`
		Amount  string `db:"amount"`
		Unit    string `db:"unit"`
		Blocked string `db:"blocked"`
		Maker   string `db:"maker"`
	}
	lines, args := v.known.lines([]any{lot.ID})
	lots, args := v.known.lots(args)
	rows, err := readmodel.All[line](r.ctx, a.db, `SELECT DISTINCT o.side, o.lot, o.amount, o.unit, COALESCE(l.blocked, '') AS blocked, COALESCE(l.maker, '') AS maker
		FROM `+lines+` m JOIN `+lines+` o ON o.process = m.process AND o.side <> m.side
		LEFT JOIN `+lots+` l ON l.id = o.lot WHERE m.lot = $1 ORDER BY o.lot LIMIT 200`, args...)
	if err != nil {
		return fmt.Errorf("read the makings of a lot: %w", err)
	}
	rows = slices.DeleteFunc(rows, func(x line) bool { return !r.reads(x.Lot) })
	var ids []string
	for _, x := range rows {
		ids = append(ids, x.Lot)
	}
	near, err := r.near(ids...)
	if err != nil {
		return err
	}
	for _, x := range rows {
		m, who := madeView{Lot: x.Lot, Name: n.Lot(x.Lot), Blocked: x.Blocked, Href: lotHref(x.Lot)}, x.Maker
		if x.Side == "in" {
			who = lot.Maker
		}
		if near.sees(x.Lot, who) {
			m.Amount = n.Quantity(x.Amount, x.Unit)
		}
		if x.Side == "in" {
			v.From = append(v.From, m)
		} else {
			v.Into = append(v.Into, m)
		}
	}
	if lot.Batch != "" {
		v.From = append(v.From, madeView{Lot: lot.Batch, Name: n.Lot(lot.Batch), Href: lotHref(lot.Batch)})
	}
	return nil
}

// fillPacks reads the packs with some of the lot in them, of the companies whose
// accounts are seen, and how many single things it has, which is another word
// for how much was made.
func (a *app) fillPacks(r *reader, near near, n *names, lot lotRow, v *lotView) error {
	whose, args := "", []any{lot.ID}
	if !near.all {
		list, companies := inList(2, near.companies(lot.ID))
		whose, args = " AND p.holder IN "+list, append(args, companies...)
	}
	type line struct {
		Pack   string `db:"pack"`
		Amount string `db:"amount"`
		Unit   string `db:"unit"`
	}
	contents, args := v.known.contents(args)
	packs, args := v.known.packs(args)
	rows, err := readmodel.All[line](r.ctx, a.db, `WITH RECURSIVE up(pack, top) AS (SELECT b.pack, b.pack FROM `+contents+` b WHERE b.child = $1
			UNION SELECT up.pack, p.parent FROM up JOIN `+packs+` p ON p.pack = up.top WHERE p.parent <> '')
		SELECT DISTINCT c.pack, c.amount, c.unit FROM up JOIN `+packs+` p ON p.pack = up.top AND p.parent = '' JOIN `+contents+` c ON c.pack = up.pack
		WHERE c.child = $1`+whose+` ORDER BY c.pack LIMIT 200`, args...)
	if err != nil {
		return fmt.Errorf("read the packs of a lot: %w", err)
	}
	for _, x := range rows {
		v.Packs = append(v.Packs, packView{x.Pack, packTitle(x.Pack), n.Quantity(x.Amount, x.Unit)})
	}
	if v.Made == "" {
		return nil
	}
	table, args := v.known.lots([]any{lot.ID})
	return a.db.QueryRowContext(r.ctx, `SELECT COUNT(*) FROM `+table+` l WHERE l.batch = $1`, args...).Scan(&v.Items)
}

// fillWay reads the shipments that wait for their receiver.
func (a *app) fillWay(c *web.Ctx, r *reader, n *names, lot lotRow, v *lotView) error {
	all, err := a.passages(c.Context(), lot.ID, v.known)
	for _, p := range all {
		if p.State == trace.Offered && (r.all || c.User().Party == p.Sender || c.User().Party == p.Receiver) {
			v.Way = append(v.Way, wayView{p.Shipment, c.T("%s from %s to %s", n.Quantity(p.Amount, p.Unit), n.Party(p.Sender), n.Party(p.Receiver)),
				"/traceability/shipments/" + p.Shipment})
		}
	}
	return err
}

// fillBanners puts the open cases above everything else.
func (a *app) fillBanners(c *web.Ctx, n *names, lot lotRow, v *lotView) error {
	cases, err := a.incidents(c.Context(), lot.ID, v.known)
	for _, i := range cases {
		if i.State != trace.CaseOpen || i.Kind == trace.KindMock {
			continue
		}
		b := web.Banner{Tone: web.Bad, Title: "Recalled: this lot does not move", Href: caseHref(i.ID),
			Text: i.Reason + " · " + c.T("opened by %s", n.Party(i.Author))}
		if i.Kind == trace.KindHold {
			b.Tone, b.Title = web.Warn, "On hold: this lot does not move"
		}
		v.Banners = append(v.Banners, b)
	}
	if slices.Contains(v.Flags, trace.FlagOriginUnknown) {
		v.Banners = append(v.Banners, web.Banner{Tone: web.Warn, Title: "Origin unknown", Text: c.T("It was received before anybody logged its making.")})
	}
	return err
}

func (v *lotView) headline(c *web.Ctx, n *names, lot lotRow) {
	v.Crumbs = []web.Crumb{{Text: c.T("Lots"), Href: "/traceability/lots"}, {Text: v.Product + " " + v.Number}}
	s, unit := v.totals(), n.Unit(lot.Unit)
	stat := func(label string, amount gs1.Amount, tone string) {
		v.Stats = append(v.Stats, web.Stat{Label: label, Value: grouped(n.Amount(amount.String())), Unit: unit, Tone: tone})
	}
	if v.Made != "" {
		stat("Made", parseAmount(v.Made), "")
	}
	if len(v.Accounts) > 0 || v.Further == 0 { // no 0 for what is merely not told
		stat("In stock", s.stock, "")
		stat("On the way", s.way, "")
	}
	if s.used.Sign() > 0 {
		stat("Used", s.used, "")
	}
	if s.sold.Sign() > 0 {
		stat("Sold", s.sold, "")
	}
	if v.Further == 0 {
		missing, tone := parseAmount(v.Missing), web.Good
		if missing.Sign() != 0 {
			tone = web.Warn
		}
		stat("Unaccounted", missing, tone)
	}
	fact := func(label string, value any) {
		if value != "" {
			v.Facts = append(v.Facts, web.Pair{Label: label, Value: value})
		}
	}
	fact("Made by", v.Maker)
	fact("Made on", lot.At)
	fact("Best before", day(c, v.Expiry))
	fact("GTIN", lot.GTIN)
	fact("Lot number", lot.Number)
	fact("Serial number", lot.Serial)
	if v.Items > 0 {
		fact("Single items", v.Items)
	}
	fact("Block", lot.Block)
	v.Where = v.whereTable(n, unit)
	for _, s := range v.Beyond {
		v.Others = append(v.Others, s.words(c))
	}
}

// words are a station in one line.
func (s shopperStep) words(c *web.Ctx) string {
	place := s.Company
	if s.City != "" {
		place += ", " + s.City
	}
	switch when := day(c, s.Day); {
	case s.Firms > 0:
		return c.T("Arrived at %s companies, first on %s", s.Firms, when)
	case s.Kind == "made":
		return c.T("Made: %s · %s", place, when)
	default:
		return c.T("Arrived: %s · %s", place, when)
	}
}

// whereTable shows who has what, with the columns that anybody needs.
func (v *lotView) whereTable(n *names, unit string) web.Table {
	t := web.Table{Label: "Where it is", Columns: []web.Column{{Label: "Company"}}, Empty: web.Empty{Title: "Nobody has any of it."}}
	used := places[:0:0]
	for _, p := range places {
		if slices.ContainsFunc(v.Accounts, func(x accountView) bool { return p.of(x) != "0" }) {
			used = append(used, p)
			t.Columns = append(t.Columns, web.Column{Label: p.label, Number: true})
		}
	}
	for _, x := range v.Accounts {
		cells := []any{x.Name}
		for _, p := range used {
			if p.of(x) == "0" {
				cells = append(cells, nil)
			} else {
				cells = append(cells, web.Num{Text: grouped(n.Amount(p.of(x))), Unit: unit})
			}
		}
		t.Rows = append(t.Rows, web.TableRow{Cells: cells})
	}
	return t
}

// offer is what the reader can do next, and the forms that the page comes in.
func (v *lotView) offer(c *web.Ctx, lot lotRow) {
	q := "?lot=" + template.URLQueryEscaper(lot.ID)
	own := slices.IndexFunc(v.Accounts, func(x accountView) bool { return x.Party == c.User().Party })
	holds := own >= 0 && parseAmount(v.Accounts[own].Held).Sign() > 0
	operates := c.User().Has(party.Operator)
	if operates && holds && lot.Blocked == "" {
		v.Acts = append(v.Acts, web.Act{Label: "Ship", Href: "/traceability/ship" + q, Icon: "truck", Main: true},
			web.Act{Label: "Make something of it", Href: "/traceability/transform" + q, Icon: "graph"},
			web.Act{Label: "Pack", Href: "/traceability/pack" + q, Icon: "box"})
	}
	if operates && holds {
		v.Acts = append(v.Acts, web.Act{Label: "Sell or dispose", Href: "/traceability/dispose" + q})
	}
	concerned := operates && (own >= 0 || lot.Maker == c.User().Party) || c.User().Has(party.Regulator)
	if concerned && lot.Blocked != trace.KindRecall {
		v.Acts = append(v.Acts, web.Act{Label: "Recall or hold", Href: "/traceability/recall" + q, Icon: "recall", Danger: true})
	}
	v.Dresses = []web.Dress{{Word: "XLSX", Href: lotHref(lot.ID) + ".xlsx"}, {Word: "JSON", Href: lotHref(lot.ID) + ".json"},
		{Word: "EPCIS", Href: lotHref(lot.ID) + ".jsonld"}, {Word: c.T("Proof bundle"), Href: lotHref(lot.ID) + ".zip"}}
	if lot.GTIN != "" {
		v.Dresses = append([]web.Dress{{Word: c.T("Label"), Href: "/traceability/label/" + lot.ID + ".pdf"}, {Word: c.T("Labels"), Href: "/traceability/labels?thing=" + template.URLQueryEscaper(lot.ID)}}, v.Dresses...)
	}
}

// day is a date of master data as its reader writes it.
func day(c *web.Ctx, date string) string { return dayIn(c.Lang(), date) }

func dayIn(lang, date string) string {
	t, err := time.Parse(time.DateOnly, date)
	switch {
	case err != nil:
		return date
	case lang == "zh":
		return t.Format("2006年1月2日")
	}
	return t.Format("2 Jan 2006")
}

// grouped sets commas: "1,234,567.5".
func grouped(amount string) string {
	head, digits := "", amount
	if i := strings.IndexAny(amount, "0123456789"); i > 0 {
		head, digits = amount[:i], amount[i:]
	}
	whole, fraction, point := strings.Cut(digits, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		whole += "." + fraction
	}
	return head + whole
}

// fileName is a name that every file system takes.
func fileName(lot lotRow) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' {
			return r
		}
		return '-'
	}, strings.TrimLeft(lot.GTIN+"-"+lot.name(), "0-"))
}

// smallGraph is the lot with what is next to it.
func (a *app) smallGraph(c *web.Ctx, lot lotRow, known asOf) (template.HTML, error) {
	p, err := a.pedigree(c, lot, traceAsk{way: both, depth: 1, known: known})
	if err != nil || len(p.nodes) < 2 || len(p.nodes) > 14 {
		return "", err
	}
	return p.draw(c), nil
}
