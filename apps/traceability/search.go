package traceability

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/epcis/query"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// This file asks the repository: SQL narrows, the reader's sharing sifts, and
// query.Match decides.

// How many rows one answer looks at, at most.
const (
	// mostSifted is for a page: one that is not full by then is sent as it is,
	// with the address of the next one.
	mostSifted = 2000
	// mostWeighed is where the whole result has to be known: to count it against
	// maxEventCount, or to order it by an extension field.
	mostWeighed = 20000
	// mostOrdered is how many events are ordered by an extension field.
	mostOrdered = 2000
)

var (
	errTooLarge = chaincode.Rule{Code: "epcis/query-too-large", Kind: chaincode.Malformed,
		Text: "More events match than maxEventCount allows.", Remedy: "Narrow the query, raise maxEventCount, or leave it out and read page by page."}
	errTooComplex = chaincode.Rule{Code: "epcis/query-too-complex", Kind: chaincode.Malformed,
		Text: "The query leaves too many events to look at.", Remedy: "Narrow it by time, product, lot, place or business step, which are indexed; or order by eventTime or recordTime and read page by page."}
)

// listEvents answers with the events of a query in the address.
func (a *app) listEvents(c *web.Ctx) error {
	p, err := a.asks(c)
	if err != nil {
		return err
	}
	q, err := query.Parse(p.params, prefixesOf(c))
	if err != nil {
		return err
	}
	return a.answerQuery(p, q, "SimpleEventQuery")
}

// prefixesOf are those that the header GS1-Extensions declares.
func prefixesOf(c *web.Ctx) query.Prefixes {
	return query.ParseExtensions(strings.Join(c.Request().Header.Values("GS1-Extensions"), ","))
}

// answerQuery answers with a page of a query's events.
func (a *app) answerQuery(p *asking, q *query.Query, name string) error {
	r, err := a.reader(p.c)
	if err != nil {
		return err
	}
	events, next, err := r.page(q, p)
	if err != nil {
		return err
	}
	if next != nil {
		if err := p.next(*next); err != nil {
			return err
		}
	}
	return a.answerEvents(p.c, events, name)
}

// page finds the events of a page, and where the next one begins.
func (r *reader) page(q *query.Query, p *asking) ([]*epcis.Event, *bookmark, error) {
	if q.Max > 0 && p.first {
		if err := r.count(q); err != nil {
			return nil, nil, err
		}
	}
	if q.OrderedByField() {
		return r.ordered(q, p)
	}
	size := p.size
	if q.Limit > 0 {
		size = min(size, q.Limit-p.from.Given)
	}
	var events []*epcis.Event
	at, more, err := r.each(q, p.from, mostSifted, func(e *epcis.Event) bool {
		if len(events) == size {
			return false
		}
		events = append(events, e)
		return true
	})
	at.Given = p.from.Given + len(events)
	if err != nil || !more || q.Limit > 0 && at.Given >= q.Limit {
		return events, nil, err
	}
	return events, &at, nil
}

// count refuses a query with more events than it allows.
func (r *reader) count(q *query.Query) error {
	n := 0
	_, more, err := r.each(q, bookmark{}, mostWeighed, func(*epcis.Event) bool { n++; return n <= q.Max })
	switch {
	case err != nil:
		return err
	case n > q.Max:
		return errTooLarge.Refuse("%s", q.Max)
	case more:
		return errTooComplex.Refuse("more than %s", mostWeighed)
	}
	return nil
}

// ordered is a page in the order of an extension field: all events have to be
// read first.
func (r *reader) ordered(q *query.Query, p *asking) ([]*epcis.Event, *bookmark, error) {
	var all []*epcis.Event
	_, more, err := r.each(q, bookmark{}, mostWeighed, func(e *epcis.Event) bool {
		all = append(all, e)
		return len(all) <= mostOrdered
	})
	if err == nil && more {
		err = errTooComplex.Refuse("more than %s", mostOrdered)
	}
	if err != nil {
		return nil, nil, err
	}
	slices.SortStableFunc(all, q.Compare)
	if q.Limit > 0 {
		all = all[:min(len(all), q.Limit)]
	}
	from := min(p.from.Given, len(all))
	to := min(from+p.size, len(all))
	if to == len(all) {
		return all[from:], nil, nil
	}
	return all[from:to], &bookmark{Name: "-", Given: to}, nil
}

// each calls f for the events that the query means and the reader may see,
// from a place on, until it says no. It looks at a bounded number of rows, and
// gives the place behind the last event that f took, and whether there may be
// more.
func (r *reader) each(q *query.Query, from bookmark, budget int, f func(*epcis.Event) bool) (at bookmark, more bool, err error) {
	n, o := r.narrow(q), orderOf(q)
	around := r.around()
	for at, batch := from, 50; ; batch = min(2*batch, 500) {
		text, args := n.statement(o, at, batch)
		rows, err := readmodel.All[storedEvent](r.ctx, r.app.db, text, args...)
		if err != nil {
			return at, false, fmt.Errorf("read events of a query: %w", err)
		}
		seen, err := r.seen(rows)
		if err != nil {
			return at, false, err
		}
		for _, s := range rows {
			if seen[s.Hash] {
				e, err := r.event(s)
				if err != nil {
					return at, false, err
				}
				if e != nil && q.MatchIn(e, around(s)) && !f(e) {
					return at, true, nil
				}
			}
			at = o.behind(s)
		}
		if budget -= len(rows); len(rows) < batch || budget <= 0 {
			return at, len(rows) == batch, nil
		}
	}
}

// around is what stands around an event: master data, and to the author's own
// company and those who supervise it who captured the event.
func (r *reader) around() func(storedEvent) query.Around {
	known := map[string]*epcis.VocabularyElement{}
	master := func(id string) *epcis.VocabularyElement {
		if record, ok := known[id]; ok || len(known) > 10_000 {
			return record
		}
		record := r.app.record(r.ctx, id)
		known[id] = record
		return record
	}
	return func(s storedEvent) query.Around {
		a := query.Around{MasterData: master}
		if r.all || s.Author == r.user.Party {
			a.User = s.ByUser
		}
		return a
	}
}

// seen is mayRead for many events at once.
func (r *reader) seen(rows []storedEvent) (map[string]bool, error) {
	seen := map[string]bool{}
	var open []storedEvent
	for _, s := range rows {
		switch {
		case r.all, s.Author == r.user.Party, s.Sharing == trace.Public, s.Sharing == trace.Restricted:
			seen[s.Hash] = true
		case s.Sharing == trace.Linked && r.user.Party != "":
			open = append(open, s)
		}
	}
	sides, err := r.sidesOf(open)
	if err != nil {
		return nil, err
	}
	things, err := r.thingsOf(open)
	if err != nil {
		return nil, err
	}
	for _, s := range open {
		may := s.Shipment != "" && sides[s.Shipment]
		if !may {
			if may, err = r.readsAny(things[s.Hash]); err != nil {
				return nil, err
			}
		}
		seen[s.Hash] = may
	}
	return seen, nil
}

// sidesOf are the shipments of some events that are the reader's to send,
// receive or carry.
func (r *reader) sidesOf(rows []storedEvent) (map[string]bool, error) {
	own := map[string]bool{}
	var ids []string
	for _, s := range rows {
		if s.Shipment != "" {
			ids = append(ids, s.Shipment)
		}
	}
	for _, some := range chunks(ids) {
		list, args := inList(2, some)
		found, err := readmodel.All[string](r.ctx, r.app.db, `SELECT id FROM tr_shipments WHERE $1 IN (sender, receiver, carrier) AND id IN `+list, append([]any{r.user.Party}, args...)...)
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			own[id] = true
		}
	}
	return own, nil
}

// thingsOf are the things that some events name.
func (r *reader) thingsOf(rows []storedEvent) (map[string][]string, error) {
	type row struct {
		Hash  string `db:"hash"`
		Thing string `db:"thing"`
	}
	var hashes []string
	for _, s := range rows {
		hashes = append(hashes, s.Hash)
	}
	things := map[string][]string{}
	for _, some := range chunks(hashes) {
		list, args := inList(1, some)
		found, err := readmodel.All[row](r.ctx, r.app.db, `SELECT DISTINCT hash, thing FROM tr_named WHERE hash IN `+list, args...)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			things[f.Hash] = append(things[f.Hash], f.Thing)
		}
	}
	return things, nil
}

// matching gives an event, by its hash, where the query means it and the reader
// may see it; else nil. Subscriptions ask it of each event that comes in.
func (r *reader) matching(q *query.Query, hash string) (*epcis.Event, error) {
	found, err := readmodel.All[storedEvent](r.ctx, r.app.db, storedEvents+` WHERE e.hash = $1`, hash)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	e, err := r.read(found[0])
	if err != nil || e == nil || !q.MatchIn(e, r.around()(found[0])) {
		return nil, err
	}
	return e, nil
}

// record is the master data of a place or product that the ledger knows, as the
// CBV names its attributes. Both are there for everybody to read.
func (a *app) record(ctx context.Context, id string) *epcis.VocabularyElement {
	e := &epcis.VocabularyElement{ID: id}
	add := func(name, value string) {
		if value != "" {
			e.Attributes = append(e.Attributes, epcis.Attribute{ID: "urn:epcglobal:cbv:mda:" + name, Value: epcis.Value{Kind: epcis.Text, Text: value}})
		}
	}
	path, _ := strings.CutPrefix(id, keyDomain)
	words := strings.Split(path, "/")
	if len(words) < 2 {
		return nil
	}
	switch words[0] {
	case "414":
		row := a.db.QueryRowContext(ctx, `SELECT name, city, country FROM tr_places WHERE gln = $1`, words[1])
		var name, city, country string
		if row.Scan(&name, &city, &country) != nil {
			return nil
		}
		add("name", name)
		add("city", city)
		add("countryCode", country)
	case "01":
		row := a.db.QueryRowContext(ctx, `SELECT name FROM tr_products WHERE gtin = $1`, words[1])
		var name string
		if row.Scan(&name) != nil {
			return nil
		}
		add("descriptionShort", name)
	default:
		return nil
	}
	return e
}

// refusedQuery is what package query refuses, with its own remedy.
func refusedQuery(c *web.Ctx, err error) (epcisProblem, bool) {
	var no *query.Error
	if !errors.As(err, &no) {
		return epcisProblem{}, false
	}
	p := epcisProblem{Problem: c.Problem(errParameter.Refuse("%s: %s", no.Param, no.Text).On(no.Param))}
	p.Remedy = no.Remedy
	p.Pointer = ""
	return p, true
}
