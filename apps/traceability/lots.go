package traceability

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

func (a *app) lotRoutes() []web.Route {
	routes := []web.Route{
		{Method: "GET", Path: "/traceability/lots", Name: "lots.list", Access: web.AnyUser.Owned(), Handler: a.listLots},
		{Method: "GET", Path: "/traceability/lot/*", Name: "lots.page", Access: web.AnyUser.Owned(), Handler: a.showLot},
		{Method: "GET", Path: "/traceability/trace/*", Name: "lots.trace", Access: web.AnyUser.Owned(), Handler: a.showTrace},
		{Method: "GET", Path: "/traceability/label/*", Name: "lots.label", Access: web.AnyUser.Owned(), Handler: a.printLabel},
	}
	for _, form := range sheetForms {
		routes = append(routes, web.Route{Method: "GET", Path: "/traceability/lots." + form, Name: "lots." + form, Access: web.AnyUser.Owned(),
			Handler: func(c *web.Ctx) error { return a.sheetOfLots(c, form) }})
	}
	return routes
}

// lotList is what the list of lots can be asked for.
var lotList = web.ListOptions{
	Search: true,
	Sort:   []string{"-at", "at", "number", "expiry", "gtin"},
	Filters: []web.Filter{
		{Name: "state", Label: "State", Options: []web.Option{{Value: "stock", Text: "In stock"}, {Value: "way", Text: "On the way"},
			{Value: "blocked", Text: "Recalled or on hold"}, {Value: "expired", Text: "Expired"}}},
		{Name: "whose", Label: "Whose", Options: []web.Option{{Value: "mine", Text: "Ours, now or before"}}},
	},
}

// sortKeys are the columns of an order, each unique with the id behind it.
var sortKeys = map[string]string{"at": "l.at", "number": "l.number", "expiry": "l.expiry", "gtin": "l.gtin"}

// lotQuery is a list of lots as one reader asked for it.
type lotQuery struct {
	web.List
	party string // "" reads everybody's
	who   *reader
	asks  *reader // of each row; nil where the statement has asked
	ids   []string
	many  bool // more than mostListed are the company's own
	today string
}

// mostListed is how many lots of a chain a statement names; a longer chain is
// sifted row by row.
const mostListed = 5000

func (a *app) lotQuery(c *web.Ctx) (lotQuery, error) {
	q := lotQuery{List: c.List(lotList), party: c.User().Party, today: a.host.Now().UTC().Format(time.DateOnly)}
	r, err := a.reader(c)
	if err != nil {
		return q, err
	}
	q.who = r
	if r.all {
		q.party = ""
		return q, nil
	}
	if q.mine() { // the statement narrows
		var own int
		err := a.db.QueryRowContext(c.Context(), fmt.Sprintf(`SELECT COUNT(*) FROM (SELECT 1 FROM tr_accounts WHERE party = $1 LIMIT %d) AS few`, mostListed+1), q.party).Scan(&own)
		q.many = own > mostListed
		return q, err
	}
	if len(r.lots) > mostListed {
		q.asks = r
	} else {
		q.ids = append(slices.Sorted(maps.Keys(r.lots)), "")
	}
	return q, nil
}

// mine reports whether the list keeps to what the company made or had in hand.
func (q lotQuery) mine() bool { return q.party != "" && q.Get("whose") == "mine" }

// where is the list's condition with its arguments.
func (q lotQuery) where() (string, []any) {
	var all []string
	var args []any
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)) }
	if q.mine() {
		if q.many { // few rows are passed over on the way through the order's index
			all = append(all, `EXISTS (SELECT 1 FROM tr_accounts a WHERE a.lot = l.id AND a.party = `+arg(q.party)+`)`)
		} else {
			all = append(all, `l.id IN (SELECT lot FROM tr_accounts WHERE party = `+arg(q.party)+`)`)
		}
	}
	if q.ids != nil {
		list, ids := inList(len(args)+1, q.ids)
		all, args = append(all, `l.id IN `+list), append(args, ids...)
	}
	if q.Search != "" {
		all = append(all, q.found(arg))
	}
	switch q.Get("state") {
	case "stock":
		whose := ""
		if q.mine() {
			whose = ` AND a.party = ` + arg(q.party)
		} else if q.party != "" { // as near says whose accounts are seen
			p := arg(q.party)
			whose = ` AND (a.party = ` + p + ` OR EXISTS (SELECT 1 FROM tr_shipment_lines nl JOIN tr_shipments ns ON ns.id = nl.shipment
				WHERE nl.lot = l.id AND ns.state = 'accepted' AND (ns.sender = ` + p + ` AND ns.receiver = a.party OR ns.receiver = ` + p + ` AND ns.sender = a.party)))`
		}
		all = append(all, `EXISTS (SELECT 1 FROM tr_accounts a WHERE a.lot = l.id AND a.in_stock`+whose+`)`)
	case "way":
		whose := ""
		if q.party != "" {
			p := arg(q.party)
			whose = ` AND (s.sender = ` + p + ` OR s.receiver = ` + p + `)`
		}
		all = append(all, `EXISTS (SELECT 1 FROM tr_shipment_lines sl JOIN tr_shipments s ON s.id = sl.shipment WHERE sl.lot = l.id AND s.state = 'offered'`+whose+`)`)
	case "blocked":
		all = append(all, `l.blocked <> ''`)
	case "expired":
		all = append(all, `l.expiry <> '' AND l.expiry < `+arg(q.today))
	}
	if len(all) == 0 {
		return "1 = 1", args
	}
	return strings.Join(all, " AND "), args
}

// found is the condition of a search: a key read off a label, or a part of a
// lot number, of a GTIN or of a product's name.
func (q lotQuery) found(arg func(any) string) string {
	if key, err := gs1.Parse(q.Search); err == nil && key.GTIN() != "" {
		path := arg(lotID(q.Search))
		return `(l.id = ` + path + ` OR l.id = ` + arg(key.Path()) + ` OR l.gtin = ` + arg(key.GTIN()) + ` AND ` + arg(key.Lot()+key.Serial()) + ` = '')`
	}
	like := arg(readmodel.Pattern(q.Search))
	has := func(column string) string { return readmodel.Contains(column, like) }
	return `(` + has("l.number") + ` OR ` + has("l.serial") + ` OR ` + has("l.gtin") + ` OR l.gtin IN
		(SELECT gtin FROM tr_products WHERE ` + has("name") + ` OR ` + has("name_zh") + `))`
}

// cursor is where a page ended: the sorted value and the id behind it.
type cursor struct {
	Value string `json:"v"`
	ID    string `json:"id"`
}

func (k cursor) String() string {
	b, err := json.Marshal(k)
	if err != nil {
		return "" // two strings always encode
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func readCursor(text string) (k cursor, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	return k, err == nil && json.Unmarshal(b, &k) == nil
}

// place is the cursor behind a lot in the list's order.
func (q lotQuery) place(l lotRow) cursor {
	switch q.Sort {
	case "number":
		return cursor{l.Number, l.ID}
	case "expiry":
		return cursor{l.Expiry, l.ID}
	case "gtin":
		return cursor{l.GTIN, l.ID}
	}
	return cursor{l.At.UTC().Format(time.RFC3339Nano), l.ID}
}

// value is a cursor's value as its column has it.
func (q lotQuery) value(k cursor) (any, bool) {
	if q.Sort != "at" {
		return k.Value, true
	}
	at, err := time.Parse(time.RFC3339Nano, k.Value)
	return at, err == nil
}

// rows walks the list from a place on, in pages, as far as the reader may see.
func (a *app) rows(ctx context.Context, q lotQuery, after string) iter.Seq2[lotRow, error] {
	const page = 500
	return func(yield func(lotRow, error) bool) {
		for {
			some, err := a.page(ctx, q, after, page)
			if err != nil {
				yield(lotRow{}, err)
				return
			}
			for _, l := range some {
				if (q.asks == nil || q.asks.reads(l.ID)) && !yield(l, nil) {
					return
				}
			}
			if len(some) < page {
				return
			}
			after = q.place(some[len(some)-1]).String()
		}
	}
}

func (a *app) page(ctx context.Context, q lotQuery, after string, limit int) ([]lotRow, error) {
	where, args := q.where()
	column, order, than := sortKeys[q.Sort], "ASC", ">"
	if q.Desc {
		order, than = "DESC", "<"
	}
	if k, ok := readCursor(after); ok {
		if value, ok := q.value(k); ok {
			n := len(args)
			where += fmt.Sprintf(" AND (%s, l.id) %s ($%d, $%d)", column, than, n+1, n+2)
			args = append(args, value, k.ID)
		}
	}
	return readmodel.All[lotRow](ctx, a.db, fmt.Sprintf(`SELECT %s FROM tr_lots l WHERE %s ORDER BY %s %s, l.id %s LIMIT %d`,
		lotColumns, where, column, order, order, limit), args...)
}

// listView is the page of lots.
type listView struct {
	Table web.Table `json:"-"`
	Acts  []web.Act `json:"-"`
	Items []lotLine `json:"items"`
	Next  string    `json:"next,omitempty"`
}

// lotLine is one line of the list.
type lotLine struct {
	ID      string    `json:"id"`
	GTIN    string    `json:"gtin,omitempty"`
	Product string    `json:"product"`
	Number  string    `json:"number"`
	Maker   string    `json:"maker"`
	Made    string    `json:"made,omitempty"`    // where its maker's account is seen
	Stock   string    `json:"inStock,omitempty"` // where an account is seen
	Unit    string    `json:"unit"`
	At      time.Time `json:"madeAt"`
	Expiry  string    `json:"expiry,omitempty"`
	State   string    `json:"state"`
	chip    web.Chip
	stock   gs1.Amount
}

func (a *app) listLots(c *web.Ctx) error {
	q, err := a.lotQuery(c)
	if err != nil {
		return err
	}
	v := &listView{Items: []lotLine{}}
	var some []lotRow
	for l, err := range a.rows(c.Context(), q, q.After) {
		if err != nil {
			return err
		}
		if len(some) == q.Limit {
			v.Next = q.place(some[len(some)-1]).String()
			break
		}
		some = append(some, l)
	}
	if v.Items, err = a.lines(c, q, some); err != nil {
		return err
	}
	count, more, totals, err := a.totals(c, q)
	if err != nil {
		return err
	}
	said := c.T("%s lots", web.Group(count))
	if more {
		said = c.T("more than %s lots", web.Group(count))
	}
	v.Table = lotTable(c, a.names(c), q, v, said, totals)
	if c.User().Has(party.Operator) {
		v.Acts = []web.Act{{Label: "Log a lot", Href: "/traceability/lots/new", Icon: "plus", Main: true}}
	}
	v.Acts = append(v.Acts, web.Act{Label: "Labels", Href: "/traceability/labels?" + url.Values{"kind": {"lot"}, "q": {q.Search}}.Encode()})
	return c.Render("lots.html", v)
}

// stocks reads what is in stock of some lots: the company's own, or all that the
// reader sees of it.
func (a *app) stocks(ctx context.Context, q lotQuery, lots []lotRow) (map[string]sums, near, error) {
	all := map[string]sums{}
	var ids []string
	for _, l := range lots {
		ids = append(ids, l.ID)
	}
	near, err := q.who.near(ids...)
	if err != nil {
		return nil, near, err
	}
	for _, some := range chunks(ids) {
		list, args := inList(1, some)
		whose := ""
		if q.mine() {
			whose, args = fmt.Sprintf(" AND party = $%d", len(args)+1), append(args, q.party)
		}
		rows, err := a.db.QueryContext(ctx, `SELECT lot, party, held, packed, sent, used, sold FROM tr_accounts WHERE lot IN `+list+whose, args...)
		if err != nil {
			return nil, near, err
		}
		for rows.Next() {
			var lot, company, held, packed, sent, used, sold string
			if err := rows.Scan(&lot, &company, &held, &packed, &sent, &used, &sold); err != nil {
				rows.Close()
				return nil, near, err
			}
			s := all[lot]
			if !near.sees(lot, company) {
				s.withheld++
				all[lot] = s
				continue
			}
			s.told = true
			s.stock = s.stock.Add(parseAmount(held)).Add(parseAmount(packed))
			s.way, s.used, s.sold = s.way.Add(parseAmount(sent)), s.used.Add(parseAmount(used)), s.sold.Add(parseAmount(sold))
			all[lot] = s
		}
		if err := rows.Close(); err != nil {
			return nil, near, err
		}
	}
	return all, near, nil
}

func (a *app) lines(c *web.Ctx, q lotQuery, lots []lotRow) ([]lotLine, error) {
	stocks, near, err := a.stocks(c.Context(), q, lots)
	if err != nil {
		return nil, err
	}
	n, lines := a.names(c), []lotLine{}
	for _, l := range lots {
		s := stocks[l.ID]
		x := lotLine{ID: l.ID, GTIN: l.GTIN, Product: n.Product(l.GTIN), Number: l.name(), Maker: n.Party(l.Maker), Made: near.made(l, s.withheld), Unit: l.Unit,
			Stock: s.stock.String(), At: l.At, Expiry: l.bestBefore(), chip: a.stateOf(l, s), stock: s.stock}
		if !s.told && s.withheld > 0 {
			x.Stock = "" // not told is not none
		}
		if !s.told && x.chip.Word == "Gone" {
			x.chip = elsewhere
		}
		x.State = x.chip.Word
		lines = append(lines, x)
	}
	return lines, nil
}

// What bounds the work of a total: beyond mostSummed the page tells the number
// of lots only, beyond mostCounted that there are more.
const (
	mostSummed  = 2000
	mostCounted = 50_000
)

// totals counts the whole list and, unit by unit, sums up what is in stock.
// more says that there are more lots than it counted.
func (a *app) totals(c *web.Ctx, q lotQuery) (count int, more bool, stock map[string]gs1.Amount, err error) {
	if q.asks == nil {
		where, args := q.where()
		err := a.db.QueryRowContext(c.Context(), fmt.Sprintf(`SELECT COUNT(*) FROM (SELECT 1 FROM tr_lots l WHERE %s LIMIT %d) AS few`, where, mostCounted+1), args...).Scan(&count)
		if err != nil {
			return 0, false, nil, fmt.Errorf("count the lots: %w", err)
		}
		if count > mostSummed {
			return min(count, mostCounted), count > mostCounted, nil, nil
		}
	}
	var lots []lotRow
	for l, err := range a.rows(c.Context(), q, "") {
		if err != nil {
			return 0, false, nil, err
		}
		if len(lots) == mostSummed {
			return mostSummed, true, nil, nil
		}
		lots = append(lots, l)
	}
	stocks, _, err := a.stocks(c.Context(), q, lots)
	stock = map[string]gs1.Amount{}
	for _, l := range lots {
		if s := stocks[l.ID].stock; s.Sign() > 0 {
			stock[l.Unit] = stock[l.Unit].Add(s)
		}
	}
	return len(lots), false, stock, err
}

func lotTable(c *web.Ctx, n *names, q lotQuery, v *listView, count string, totals map[string]gs1.Amount) web.Table {
	t := web.Table{List: q.List, Label: "Lots", Next: v.Next, Exports: q.Dresses(sheetForms...), Live: "ledger", Count: count,
		Columns: []web.Column{{Label: "Lot", Sort: "number"}, {Label: "Product", Sort: "gtin"}, {Label: "Made by"}, {Label: "In stock", Number: true},
			{Label: "Made", Number: true}, {Label: "Made on", Sort: "at"}, {Label: "Best before", Sort: "expiry"}, {Label: "State"}},
		Empty: web.Empty{Title: "No lots yet", Text: "Log the first lot that you made, or accept a shipment: its lots appear here.",
			Act: &web.Act{Label: "Log a lot", Href: "/traceability/lots/new", Main: true}}}
	if !c.User().Has(party.Operator) {
		t.Empty = web.Empty{Title: "No lots yet", Text: "Lots appear here as soon as a company logs one."}
	}
	for _, x := range v.Items {
		var stock, made any
		if x.Made != "" {
			made = web.Num{Text: grouped(n.Amount(x.Made)), Unit: n.Unit(x.Unit)}
		}
		if x.stock.Sign() > 0 {
			stock = web.Num{Text: grouped(n.Amount(x.Stock)), Unit: n.Unit(x.Unit)}
		}
		tone := x.chip.Tone
		if tone != web.Bad && tone != web.Warn {
			tone = ""
		}
		t.Rows = append(t.Rows, web.TableRow{Href: lotHref(x.ID), Tone: tone, Cells: []any{x.Number, x.Product, x.Maker, stock,
			made, x.At, day(c, x.Expiry), x.chip}})
	}
	var sums []string
	for _, unit := range slices.Sorted(maps.Keys(totals)) {
		sums = append(sums, n.Quantity(totals[unit].String(), unit))
	}
	if len(sums) > 0 {
		t.Totals = []any{c.T("In stock in all"), nil, nil, strings.Join(sums, " + "), nil, nil, nil, nil}
	}
	return t
}
