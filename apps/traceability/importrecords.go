package traceability

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/apps/traceability/intake"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// record is what one or several rows of a sheet say together.
type record struct {
	rows      []*intake.Entry
	events    []epcis.Event
	tolerance gs1.Amount
	command   any  // a description, in place of events
	known     bool // something is described that was described before
	same      bool // and in the same words
}

// desk is what the rows of one sheet are looked up in, read once for all.
type desk struct {
	own       events.Company
	companies map[string]events.Company
	products  map[string]product
	lots      map[string]string // the unit of each lot that is known
	places    map[string]place
	arrivals  []shipment // to the company, the newest first
}

// records turns a sheet's rows into what they say; rows with problems say
// nothing.
func (a *app) records(ctx context.Context, own events.Company, kind string, rows []*intake.Entry) ([]*record, error) {
	d, err := a.importDesk(ctx, own, kind, rows)
	if err != nil {
		return nil, err
	}
	switch kind {
	case intake.Lots:
		return each(rows, d.logs), nil
	case intake.Disposals:
		return each(rows, d.disposes), nil
	case intake.Products:
		return each(rows, d.describes), nil
	case intake.Places:
		return each(rows, d.names), nil
	case intake.Shipments:
		return together(rows, func(e *intake.Entry) string { return e.Document }, d.ships), nil
	case intake.Received:
		return together(rows, func(e *intake.Entry) string {
			if e.Document == "" {
				return fmt.Sprint(e.Partner, "\x00", e.At)
			}
			return e.Partner + "\x00" + e.Document
		}, d.receives), nil
	case intake.Packs:
		return together(rows, func(e *intake.Entry) string { return e.Pack }, d.packs), nil
	default:
		return together(rows, func(e *intake.Entry) string { return e.Process }, d.makes), nil
	}
}

// each makes a record of every row.
func each(rows []*intake.Entry, make func(*record, *intake.Entry)) (all []*record) {
	for _, e := range rows {
		r := &record{rows: []*intake.Entry{e}}
		if len(e.Problems) == 0 {
			make(r, e)
		}
		all = append(all, r)
	}
	return all
}

// together makes a record of the rows with one key, in the order of the first of
// each.
func together(rows []*intake.Entry, key func(*intake.Entry) string, make func(*record)) (all []*record) {
	byKey := map[string]*record{}
	for _, e := range rows {
		r := byKey[key(e)]
		if r == nil {
			r = &record{}
			byKey[key(e)] = r
			all = append(all, r)
		}
		r.rows = append(r.rows, e)
	}
	for _, r := range all {
		if !r.wrong() {
			make(r)
		}
	}
	return all
}

func (r *record) wrong() bool {
	return slices.ContainsFunc(r.rows, func(e *intake.Entry) bool { return len(e.Problems) > 0 })
}

// agree refuses rows that differ from the first of their record.
func (r *record) agree() bool {
	first := r.rows[0]
	for _, e := range r.rows[1:] {
		for _, c := range []struct {
			column string
			same   bool
		}{{intake.Date, e.At.Equal(first.At)}, {intake.Partner, e.Partner == first.Partner}, {intake.Carrier, e.Carrier == first.Carrier},
			{intake.Yes, e.Yes == first.Yes}, {intake.Tolerance, e.Tolerance.Cmp(first.Tolerance) == 0 || e.Tolerance.IsZero()}} {
			if !c.same {
				e.Refuse(c.column, intake.ErrDiffers.Refuse("see row %s", first.Row))
			}
		}
	}
	return !r.wrong()
}

// made is a lot that comes into being: its product says the unit and how long
// it keeps, where the row does not.
func (d *desk) made(e *intake.Entry) (events.Made, bool) {
	if e.Amount.Sign() <= 0 {
		e.Refuse(intake.Amount, trace.ErrAmount.Refuse(""))
	}
	id, err := newLot(e.Product, e.Lot, intake.Product, intake.Lot)
	if err != nil {
		e.Refuse(fieldOr(err, intake.Product), err)
		return events.Made{}, false
	}
	p := d.products[id.GTIN()]
	unit, told := e.Unit, e.Unit != ""
	if !told {
		unit, told = p.Unit, p.GTIN != ""
	}
	if !told {
		e.Refuse(intake.Unit, web.ErrRequired.Refuse(""))
	}
	best, err := bestBefore(e.BestBefore, e.At, p.ShelfLife)
	e.Refuse(intake.BestBefore, err)
	return events.Made{Goods: events.Goods{Lot: id.Path(), Amount: e.Amount, Unit: eventUnit(unit)}, BestBefore: best}, len(e.Problems) == 0
}

// fieldOr is the entry that a refusal stands beside already.
func fieldOr(err error, otherwise string) string {
	var no *chaincode.Refusal
	if errors.As(err, &no) && no.Field != "" {
		return no.Field
	}
	return otherwise
}

// eventUnit is the unit as events spell it: pieces have none.
func eventUnit(code string) string {
	if code == "H87" {
		return ""
	}
	return code
}

// moved is so much of a lot that there is already.
func (d *desk) moved(e *intake.Entry) (events.Goods, bool) {
	if e.Product == "" {
		e.Refuse(intake.Product, web.ErrRequired.Refuse(""))
	}
	if e.Lot == "" {
		e.Refuse(intake.Lot, web.ErrRequired.Refuse(""))
	}
	if e.Amount.Sign() <= 0 {
		e.Refuse(intake.Amount, trace.ErrAmount.Refuse(""))
	}
	if len(e.Problems) > 0 {
		return events.Goods{}, false
	}
	id, err := newLot(e.Product, e.Lot, intake.Product, intake.Lot)
	if err != nil {
		e.Refuse(fieldOr(err, intake.Product), err)
		return events.Goods{}, false
	}
	unit, told := eventUnit(e.Unit), e.Unit != ""
	if !told {
		unit, told = d.lots[id.Path()]
	}
	if p := d.products[id.GTIN()]; !told && p.GTIN != "" {
		unit, told = eventUnit(p.Unit), true
	}
	if !told {
		e.Refuse(intake.Unit, web.ErrRequired.Refuse(""))
	}
	return events.Goods{Lot: id.Path(), Amount: e.Amount, Unit: unit}, told
}

// load reads of each row a lot or a pack.
func (d *desk) load(rows []*intake.Entry, pack func(*intake.Entry) (text, column string)) (goods []events.Goods, packs []string, ok bool) {
	ok = true
	for _, e := range rows {
		text, column := pack(e)
		loose := e.Product != "" || e.Lot != "" || e.HasAmount
		switch {
		case (text != "") == loose:
			e.Refuse(column, intake.ErrIncomplete.Refuse(""))
		case text != "":
			id, err := packID(text)
			e.Refuse(column, err)
			packs = append(packs, id)
		default:
			if g, fine := d.moved(e); fine {
				goods = append(goods, g)
			}
		}
		ok = ok && len(e.Problems) == 0
	}
	return goods, packs, ok
}

func outer(e *intake.Entry) (string, string) { return e.Pack, intake.Pack }
func inner(e *intake.Entry) (string, string) { return e.Inner, intake.Inner }

func (d *desk) logs(r *record, e *intake.Entry) {
	m, ok := d.made(e)
	if !ok {
		return
	}
	if _, known := d.lots[m.Lot]; known {
		e.Notices = append(e.Notices, intake.Notice{Column: intake.Lot, Text: "This lot is on the ledger already; unless the row was imported before, its quantity is added."})
	}
	r.events = []epcis.Event{events.Logged(d.own, e.At, m.Goods, m.BestBefore)}
}

func (d *desk) disposes(r *record, e *intake.Entry) {
	g, ok := d.moved(e)
	switch {
	case !ok:
	case e.Destroyed:
		r.events = []epcis.Event{events.Destroyed(d.own, e.At, []events.Goods{g})}
	default:
		r.events = []epcis.Event{events.Sold(d.own, e.At, []events.Goods{g})}
	}
}

func (d *desk) ships(r *record) {
	first := r.rows[0]
	if !r.agree() {
		return
	}
	goods, packs, ok := d.load(r.rows, outer)
	if !ok {
		return
	}
	c := events.Consignment{From: d.own, To: d.companies[first.Partner], Advice: first.Document, Goods: goods, Packs: packs, Return: first.Yes}
	if first.Carrier != "" && first.Carrier != d.own.ID {
		c.Carrier = d.companies[first.Carrier]
	}
	r.events = []epcis.Event{events.Shipped(c, first.At)}
}

func (d *desk) receives(r *record) {
	first := r.rows[0]
	if !r.agree() {
		return
	}
	goods, packs, ok := d.load(r.rows, outer)
	if !ok {
		return
	}
	arrived := events.Arrival{From: d.companies[first.Partner], To: d.own, Goods: goods, Packs: packs, Apart: first.Yes}
	if first.Document != "" {
		s, found := d.arrival(first)
		switch {
		case found:
			arrived.Shipment, arrived.Documents, arrived.From = s.ID, strings.Fields(s.Documents), d.companies[s.Sender]
		case first.Partner != "":
			first.Refuse(intake.Document, trace.ErrNoShipment.Refuse("%s", first.Document))
			return
		}
	}
	e := events.Received(arrived, first.At)
	if arrived.From.ID == "" {
		e.Sources = nil // from somebody outside the network
	}
	r.events = []epcis.Event{e}
}

// arrival is the shipment that a row answers: the one that waits the longest,
// else the last that was answered, so that the same row says the same again.
func (d *desk) arrival(e *intake.Entry) (found shipment, ok bool) {
	for _, s := range d.arrivals {
		if e.Partner != "" && s.Sender != e.Partner || !slices.ContainsFunc(strings.Fields(s.Documents), func(doc string) bool { return events.AdviceNumber(doc) == e.Document }) {
			continue
		}
		if !ok || s.State == trace.Offered {
			found, ok = s, true
		}
	}
	return found, ok
}

func (d *desk) packs(r *record) {
	if !r.agree() {
		return
	}
	first := r.rows[0]
	id, err := packID(first.Pack)
	if err != nil {
		first.Refuse(intake.Pack, err)
		return
	}
	if goods, packs, ok := d.load(r.rows, inner); ok {
		r.events = []epcis.Event{events.Packed(d.own, first.At, id, goods, packs)}
	}
}

func (d *desk) makes(r *record) {
	if !r.agree() {
		return
	}
	first, ok := r.rows[0], true
	var in []events.Goods
	var out []events.Made
	for _, e := range r.rows {
		fine := false
		if e.Out {
			var m events.Made
			m, fine = d.made(e)
			out = append(out, m)
		} else {
			var g events.Goods
			g, fine = d.moved(e)
			in = append(in, g)
		}
		ok = ok && fine
	}
	switch {
	case !ok:
		return
	case len(in) == 0 || len(out) == 0:
		first.Refuse(intake.Side, ErrNothing.Refuse(""))
		return
	}
	sum := sha256.Sum256([]byte(d.own.ID + " sheet " + first.Process + " " + first.At.UTC().String()))
	r.events = events.Transformed(d.own, first.At, "urn:tallyway:process:"+hex.EncodeToString(sum[:16]), in, out)
	r.tolerance = first.Tolerance
}

func (d *desk) describes(r *record, e *intake.Entry) {
	gtin, err := gs1.CheckGTIN(e.GTIN)
	if err != nil {
		e.Refuse(intake.GTIN, ErrGTIN.Refuse(""))
		return
	}
	c := trace.DescribeProduct{GTIN: gtin, Name: e.Name, NameZh: e.NameZh, Unit: e.Unit, ShelfLife: e.ShelfLife, Storage: e.Storage}
	p := d.products[gtin]
	r.command, r.known = c, p.GTIN != ""
	r.same = p == product{GTIN: gtin, Name: c.Name, NameZh: c.NameZh, Unit: c.Unit, ShelfLife: c.ShelfLife, Storage: c.Storage, Owner: d.own.ID}
}

func (d *desk) names(r *record, e *intake.Entry) {
	c := trace.DescribePlace{GLN: e.GLN, Name: e.Name, NameZh: e.NameZh, City: e.City, CityZh: e.CityZh, Country: strings.ToUpper(e.Country)}
	p := d.places[e.GLN]
	r.command, r.known = c, p.GLN != ""
	r.same = p == place{c.GLN, c.Name, c.NameZh, c.City, c.CityZh, c.Country, d.own.ID}
}

// importDesk reads what the rows of a sheet speak of.
func (a *app) importDesk(ctx context.Context, own events.Company, kind string, rows []*intake.Entry) (*desk, error) {
	d := &desk{own: own, companies: map[string]events.Company{own.ID: own}, products: map[string]product{}, lots: map[string]string{}, places: map[string]place{}}
	others, err := a.others(ctx, own.ID)
	if err != nil {
		return nil, err
	}
	for _, c := range others {
		d.companies[c.ID] = c
	}
	var gtins, lots, glns []string
	for _, e := range rows {
		for _, text := range []string{e.Product, e.GTIN} {
			if gtin, err := gs1.CheckGTIN(text); err == nil {
				gtins = append(gtins, gtin)
			}
		}
		if id, err := newLot(e.Product, e.Lot, "", ""); err == nil {
			lots = append(lots, id.Path())
		}
		glns = append(glns, e.GLN)
	}
	known, err := lookUp[product](ctx, a.db, `SELECT `+productColumns+` FROM tr_products WHERE gtin IN `, gtins)
	for _, p := range known {
		d.products[p.GTIN] = p
	}
	if err != nil {
		return nil, err
	}
	units, err := lookUp[holding](ctx, a.db, `SELECT id AS lot, gtin, number, unit, expiry, blocked, '' AS held, '' AS packed FROM tr_lots WHERE id IN `, lots)
	for _, l := range units {
		d.lots[l.Lot] = l.Unit
	}
	if err != nil {
		return nil, err
	}
	places, err := lookUp[place](ctx, a.db, `SELECT `+placeColumns+` FROM tr_places WHERE gln IN `, glns)
	for _, p := range places {
		d.places[p.GLN] = p
	}
	if err == nil && kind == intake.Received {
		d.arrivals, err = readmodel.All[shipment](ctx, a.db, `SELECT `+shipmentColumns+` FROM tr_shipments WHERE receiver = $1 ORDER BY at DESC, id DESC LIMIT 10000`, own.ID)
	}
	return d, err
}

// lookUp reads the rows with any of many keys, a statement for each few hundred.
func lookUp[T any](ctx context.Context, db *readmodel.DB, query string, keys []string) ([]T, error) {
	slices.Sort(keys)
	keys = slices.DeleteFunc(slices.Compact(keys), func(k string) bool { return k == "" })
	var all []T
	for _, some := range chunks(keys) {
		list, args := inList(1, some)
		found, err := readmodel.All[T](ctx, db, query+list, args...)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}
