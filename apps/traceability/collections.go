package traceability

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/epcis/query"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// This file lists what events name (EPCIS 2.0, section 12.4): event types,
// EPCs, business steps, places and dispositions, each with its events. Words of
// the CBV are listed always, everything else where the reader may see an event
// that names it.

var errNoResource = chaincode.Rule{Code: "epcis/no-resource", Kind: chaincode.NotFound,
	Text: "There is no event with it that you may see.", Remedy: "Check the spelling; the collection above lists what there is for you."}

// collection is one of the lists.
type collection struct {
	path, name, member string // "/epcs", "epcs", "epc"

	words  []string // of the standard
	values string   // the next value behind another: $1; "" for none
	events string   // condition on tr_events (e) that they name a value: $1
	stored func(value string) string
	spoken func(stored string) string
	param  func(value string) string // the parameter of the query language
	place  bool                      // GS1-EPC-Format holds for the members
}

func same(s string) string { return s }

// collections are the five that the events of the ledger fill.
var collections = []collection{
	{path: "/epcs", name: "epcs", member: "epc",
		values: `SELECT MIN(thing) FROM tr_named WHERE thing > %s`,
		events: `e.hash IN (SELECT hash FROM tr_named WHERE thing = $1)`,
		stored: thingURI, spoken: uriOfThing, param: paramOfThing, place: true},
	{path: "/bizSteps", name: "bizSteps", member: "bizStep", words: epcis.BizSteps(),
		values: `SELECT MIN(biz_step) FROM tr_events WHERE biz_step > %s`, events: `e.biz_step = $1`,
		stored: epcis.BizStepWord, spoken: same, param: fixedParam("EQ_bizStep")},
	{path: "/bizLocations", name: "bizLocations", member: "bizLocation",
		values: `SELECT MIN(value) FROM tr_event_facts WHERE fact = '` + factBizLocation + `' AND value > %s`,
		events: `e.hash IN (SELECT hash FROM tr_event_facts WHERE fact = '` + factBizLocation + `' AND value = $1)`,
		stored: canonicalURI, spoken: same, param: fixedParam("EQ_bizLocation"), place: true},
	{path: "/readPoints", name: "readPoints", member: "readPoint",
		values: `SELECT MIN(value) FROM tr_event_facts WHERE fact = '` + factReadPoint + `' AND value > %s`,
		events: `e.hash IN (SELECT hash FROM tr_event_facts WHERE fact = '` + factReadPoint + `' AND value = $1)`,
		stored: canonicalURI, spoken: same, param: fixedParam("EQ_readPoint"), place: true},
	{path: "/dispositions", name: "dispositions", member: "disposition", words: epcis.Dispositions(),
		values: `SELECT MIN(disposition) FROM tr_events WHERE disposition > %s`, events: `e.disposition = $1`,
		stored: epcis.DispositionWord, spoken: same, param: fixedParam("EQ_disposition")},
}

func fixedParam(name string) func(string) string { return func(string) string { return name } }

func canonicalURI(uri string) string {
	uri, _ = gs1.Canonical(uri)
	return uri
}

// thingURI and uriOfThing turn a URI into what tr_named holds, and back.
func thingURI(uri string) string { return thingOf(canonicalURI(uri)) }

func uriOfThing(thing string) string {
	if strings.Contains(thing, ":") {
		return thing
	}
	return keyDomain + thing
}

// paramOfThing is what an EPC or a class of them is asked for by.
func paramOfThing(uri string) string {
	if key, err := gs1.Parse(uri); err == nil && (key.Level() == gs1.Lot || key.Level() == gs1.Class) {
		return "MATCH_anyEPCClass"
	}
	return "MATCH_anyEPC"
}

func (a *app) collectionRoutes() []web.Route {
	read := web.AnyUser.Owned()
	all := slices.Concat(
		epcisResource("/eventTypes", "eventTypes", "GET", web.Route{Method: "GET", Access: web.AnyUser, Handler: a.listEventTypes}),
		epcisResource("/eventTypes/:type", "eventType", "GET", web.Route{Method: "GET", Access: web.AnyUser, Handler: a.showEventType}),
		epcisResource("/eventTypes/:type/events", "eventTypeEvents", "GET", web.Route{Method: "GET", Access: read, Handler: a.eventsOfType}),
		epcisResource("/nextPageToken/:token", "nextPageToken", "DELETE", web.Route{Method: "DELETE", Access: read, Handler: a.releaseToken}),
	)
	for _, k := range collections {
		all = slices.Concat(all,
			epcisResource(k.path, k.name, "GET", web.Route{Method: "GET", Access: read, Handler: func(c *web.Ctx) error { return a.listCollection(c, k) }}),
			epcisResource(k.path+"/*", k.member, "GET", web.Route{Method: "GET", Access: read, Handler: func(c *web.Ctx) error { return a.readMember(c, k) }}))
	}
	return all
}

// answerCollection answers with a Collection document.
func answerCollection(c *web.Ctx, members []string) error {
	if members == nil {
		members = []string{}
	}
	return c.JSON(http.StatusOK, map[string]any{"@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
		"type": "Collection", "member": members})
}

func (a *app) listEventTypes(c *web.Ctx) error {
	p, err := a.asks(c)
	if err == nil {
		err = p.none()
	}
	if err != nil {
		return err
	}
	types := epcis.Types()
	from := min(p.from.Given, len(types))
	to := min(from+p.size, len(types))
	if to < len(types) {
		if err := p.next(bookmark{Given: to}); err != nil {
			return err
		}
	}
	return answerCollection(c, types[from:to])
}

func (a *app) showEventType(c *web.Ctx) error {
	if !slices.Contains(epcis.Types(), c.Param("type")) {
		return errNoResource.Refuse("%s", c.Param("type"))
	}
	return answerCollection(c, []string{"events"})
}

func (a *app) eventsOfType(c *web.Ctx) error {
	if !slices.Contains(epcis.Types(), c.Param("type")) {
		return errNoResource.Refuse("%s", c.Param("type"))
	}
	return a.eventsWith(c, "eventType", c.Param("type"))
}

// eventsWith answers with the events of a resource that the query in the
// address means.
func (a *app) eventsWith(c *web.Ctx, param, value string) error {
	p, err := a.asks(c)
	if err != nil {
		return err
	}
	one, err := query.Parse(url.Values{param: {value}}, nil)
	if err != nil {
		return err
	}
	q, err := query.Parse(p.params, prefixesOf(c))
	if err == nil {
		q, err = one.And(q)
	}
	if err != nil {
		return err
	}
	return a.answerQuery(p, q, "SimpleEventQuery")
}

// listCollection lists the members that the reader may know of.
func (a *app) listCollection(c *web.Ctx, k collection) error {
	p, err := a.asks(c)
	if err == nil {
		err = p.none()
	}
	if err != nil {
		return err
	}
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	members, next, err := r.members(k, p)
	if err != nil {
		return err
	}
	if k.place {
		spell, err := a.speller(c)
		if err != nil {
			return err
		}
		for i := range members {
			members[i] = spell(members[i])
		}
	}
	if next != nil {
		if err := p.next(*next); err != nil {
			return err
		}
	}
	return answerCollection(c, members)
}

// mostCandidates bounds how many values one page of a collection looks at.
const mostCandidates = 500

// members are the words of the standard, then what the events add.
func (r *reader) members(k collection, p *asking) (members []string, next *bookmark, err error) {
	at := p.from
	for at.Given < len(k.words) && len(members) < p.size {
		members = append(members, k.words[at.Given])
		at.Given++
	}
	for looked := 0; ; looked++ {
		value, err := r.following(k, at.Name)
		if err != nil || value == "" {
			return members, nil, err
		}
		if len(members) == p.size || looked == mostCandidates {
			return members, &at, nil
		}
		if !slices.Contains(k.words, value) {
			may, err := r.seesAny(k.events, value)
			if err != nil {
				return nil, nil, err
			}
			if may {
				members = append(members, k.spoken(value))
			}
		}
		at.Name = value
	}
}

// following is the value behind another: the index is entered anew for each, so
// that a value that a million events name costs no more than any other.
func (r *reader) following(k collection, after string) (string, error) {
	found, err := readmodel.All[*string](r.ctx, r.app.db, strings.Replace(k.values, "%s", "$1", 1), after)
	if err != nil || len(found) == 0 || found[0] == nil {
		return "", err
	}
	return *found[0], nil
}

// mostSeen is how many events are looked at for one that the reader may see,
// the newest first.
const mostSeen = 500

// seesAny reports whether the reader may see one of the events.
func (r *reader) seesAny(condition, value string) (bool, error) {
	if r.user.Party != "" {
		n, err := readmodel.One[int](r.ctx, r.app.db, `SELECT COUNT(*) FROM (SELECT 1 FROM tr_events e WHERE `+condition+` AND e.author = $2 LIMIT 1) AS own`, value, r.user.Party)
		if err != nil || n > 0 {
			return n > 0, err
		}
	}
	rows, err := readmodel.All[storedEvent](r.ctx, r.app.db, storedEvents+` WHERE `+condition+` ORDER BY e.block DESC, e.hash DESC LIMIT $2`, value, mostSeen)
	if err != nil {
		return false, err
	}
	seen, err := r.seen(rows)
	if err != nil {
		return false, err
	}
	for _, s := range rows {
		if !seen[s.Hash] {
			continue
		}
		if s.Sharing == trace.Public || s.Sharing == trace.Linked {
			return true, nil
		}
		if e, err := r.event(s); err != nil || e != nil {
			return e != nil, err
		}
	}
	return false, nil
}

// readMember answers for one member, or with its events.
func (a *app) readMember(c *web.Ctx, k collection) error {
	tail := strings.TrimPrefix(c.Request().URL.EscapedPath(), epcisBase+k.path+"/")
	id, events := strings.CutSuffix(tail, "/events")
	if plain, err := url.PathUnescape(id); err == nil {
		id = plain
	}
	if events {
		return a.eventsWith(c, k.param(id), id)
	}
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	value := k.stored(id)
	if !slices.Contains(k.words, value) {
		may, err := r.seesAny(k.events, value)
		if err != nil {
			return err
		}
		if !may {
			return errNoResource.Refuse("%s", id)
		}
	}
	return answerCollection(c, []string{"events"})
}
