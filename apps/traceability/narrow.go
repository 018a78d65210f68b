package traceability

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/shared/epcis/query"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// This file turns a query into SQL, as far as indexes help. What it finds is
// never less than what the query means: query.Match decides, on the bodies.

// narrowed gathers conditions on tr_events (e), and the few events that a
// selective term leaves.
type narrowed struct {
	args  []any
	where []string
	few   []string // statements that give hashes; they are read before tr_events

	bytewise string // what makes the database compare texts byte by byte
}

// bytewise asks the database how it compares texts. SQLite goes by bytes, and
// so does PostgreSQL where it was set up with the collation C; any other one
// has to be told, and finds ranges without an index.
func bytewise(ctx context.Context, db *readmodel.DB) (string, error) {
	return readmodel.One[string](ctx, db, `SELECT CASE WHEN 'a/9' < 'a0' AND 'Z' < 'a' AND 'a-b' < 'a/a' THEN '' ELSE ' COLLATE "C"' END`)
}

// bodyless are the events whose bodies the tables do not hold: of what only a
// body says, nothing is known of them.
const bodyless = `e.sharing IN ('restricted', 'private')`

const bodylessHashes = `SELECT hash FROM tr_events WHERE sharing IN ('restricted', 'private')`

func (n *narrowed) arg(v any) string {
	n.args = append(n.args, v)
	return fmt.Sprintf("$%d", len(n.args))
}

func (n *narrowed) list(values []string) string {
	var all []string
	for _, v := range values {
		all = append(all, n.arg(v))
	}
	return "(" + strings.Join(all, ", ") + ")"
}

func (n *narrowed) must(condition string, args ...any) {
	n.where = append(n.where, fmt.Sprintf(condition, args...))
}

// pick is for statements that leave few events together.
func (n *narrowed) pick(statements ...string) {
	n.few = append(n.few, `SELECT DISTINCT hash FROM (`+strings.Join(statements, ` UNION ALL `)+`) AS s`)
}

// narrow reads the terms that indexes know.
func (r *reader) narrow(q *query.Query) *narrowed {
	n := &narrowed{bytewise: r.app.bytewise}
	switch {
	case r.all:
	case r.user.Party == "":
		n.must(`e.sharing IN ('public', 'restricted')`)
	default:
		n.must(`(e.sharing <> 'private' OR e.author = %s)`, n.arg(r.user.Party))
	}
	for _, t := range q.Terms {
		n.term(t, r)
	}
	return n
}

// columns hold what a parameter asks for, as it stands in the term.
var columns = map[string]string{"eventType": "type", "EQ_action": "action", "EQ_bizStep": "biz_step", "EQ_disposition": "disposition", "EQ_errorReason": "error"}

// factual are the parameters that tr_event_facts answers.
var factual = map[string]string{"EQ_persistentDisposition_set": factSet, "EQ_persistentDisposition_unset": factUnset, "EQ_type": factSensor}

// selective are those of them that leave few events.
var selective = map[string]string{"EQ_transformationID": factTransformation}

func (n *narrowed) term(t query.Term, r *reader) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(t.Param, "EQ_"), "_")
	switch {
	case columns[t.Param] != "":
		n.must(`e.%s IN %s`, columns[t.Param], n.list(t.Values))
	case factual[t.Param] != "":
		n.must(`(e.hash IN (SELECT hash FROM tr_event_facts WHERE fact = %s AND value IN %s) OR `+bodyless+`)`, n.arg(factual[t.Param]), n.list(t.Values))
	case selective[t.Param] != "":
		n.facts(selective[t.Param], t.Values)
	case strings.HasPrefix(t.Param, "EQ_") && rest != "" && (name == factTransaction || name == factSource || name == factDestination):
		n.typed(name, rest, t.Values)
	case strings.HasPrefix(t.Param, "MATCH_"):
		n.match(strings.TrimPrefix(t.Param, "MATCH_"), t.Values)
	case t.Param == "EQ_readPoint", t.Param == "WD_readPoint":
		n.place("read_point", t.Values)
	case t.Param == "EQ_bizLocation", t.Param == "WD_bizLocation":
		n.place("place", t.Values)
	case t.Param == "EQ_eventID":
		n.pick(`SELECT hash FROM tr_events WHERE hash IN `+n.list(t.Values), `SELECT hash FROM tr_events WHERE event_id <> '' AND event_id IN `+n.list(t.Values), bodylessHashes)
	case t.Param == "EQ_userID":
		n.must(`e.by_user IN %s`, n.list(t.Values))
	case t.Param == "EXISTS_errorDeclaration", t.Param == "EQ_correctiveEventID", strings.Contains(t.Param, "ERROR_DECLARATION_"):
		n.must(`e.error <> ''`)
	case strings.HasPrefix(t.Param, "GE_"), strings.HasPrefix(t.Param, "LT_"):
		n.time(t)
	case t.Param == "EXISTS_sensorElementList":
		n.must(`(e.hash IN (SELECT hash FROM tr_event_facts WHERE fact = %s) OR `+bodyless+`)`, n.arg(factSensor))
	}
}

func (n *narrowed) facts(kind string, values []string) {
	n.pick(`SELECT hash FROM tr_event_facts WHERE fact = `+n.arg(kind)+` AND value IN `+n.list(values), bodylessHashes)
}

// typed finds business transactions, sources and destinations. A transaction
// leaves few events; a company's own name may leave all.
func (n *narrowed) typed(list, kind string, values []string) {
	var both []string
	for _, v := range values {
		both = append(both, typedFact(query.TypeWord(list, kind), v))
	}
	if list == factTransaction {
		n.facts(list, both)
		return
	}
	n.must(`(e.hash IN (SELECT hash FROM tr_event_facts WHERE fact = %s AND value IN %s) OR `+bodyless+`)`, n.arg(list), n.list(both))
}

// times are the parameters of columns that hold times. They are kept to the
// microsecond, so the bounds are taken as wide.
var times = map[string]string{"eventTime": "at", "recordTime": "captured", "errorDeclarationTime": "error_at"}

func (n *narrowed) time(t query.Term) {
	column := times[t.Param[3:]]
	at, err := time.Parse(time.RFC3339Nano, t.Values[0])
	if column == "" || err != nil {
		return
	}
	if strings.HasPrefix(t.Param, "GE_") {
		n.must(`e.%s >= %s`, column, n.arg(at.Truncate(time.Microsecond)))
	} else {
		n.must(`e.%s <= %s`, column, n.arg(at))
	}
}

// place finds places in a column that holds GLNs, and the text of what is no
// GS1 key. Of other keys it does not know the spelling.
func (n *narrowed) place(column string, values []string) {
	var stored []string
	for _, v := range values {
		key, err := gs1.Parse(v)
		_, isKey := gs1.Canonical(v)
		switch {
		case err == nil && key.Primary.AI == "414":
			stored = append(stored, key.Primary.Value)
		case isKey:
			return
		default:
			stored = append(stored, v)
		}
	}
	n.must(`e.%s IN %s`, column, n.list(stored))
}

// roles are those of tr_named in which the things of a MATCH_ parameter stand.
var roles = map[string][]string{
	"epc": {"object", "child"}, "parentID": {"parent"}, "inputEPC": {"input"}, "outputEPC": {"output"}, "anyEPC": nil,
	"epcClass": {"object", "child"}, "inputEPCClass": {"input"}, "outputEPCClass": {"output"}, "anyEPCClass": nil,
}

// match finds events by what they name. Parents of transaction events are
// facts, where their body is known. Each range is a statement of its own: an
// index is entered once for each.
func (n *narrowed) match(list string, values []string) {
	in, parents := "", list == "parentID" || list == "anyEPC"
	if roles[list] != nil {
		in = ` AND role IN ` + n.list(roles[list])
	}
	var all []string
	for _, v := range values {
		p, err := gs1.ParsePattern(v)
		if err != nil {
			continue // package query has refused it
		}
		if uri, one := p.One(); one {
			all = append(all, `SELECT hash FROM tr_named WHERE thing = `+n.arg(thingOf(uri))+in)
			if parents {
				all = append(all, `SELECT hash FROM tr_event_facts WHERE fact = `+n.arg(factParent)+` AND value = `+n.arg(uri))
			}
			continue
		}
		for _, start := range p.Starts() {
			all = append(all, `SELECT hash FROM tr_named WHERE thing`+n.bytewise+` >= `+n.arg(start)+` AND thing`+n.bytewise+` < `+n.arg(start+"\x7f")+in)
			if parents {
				start = keyDomain + start
				all = append(all, `SELECT hash FROM tr_event_facts WHERE fact = `+n.arg(factParent)+` AND value`+n.bytewise+` >= `+n.arg(start)+` AND value`+n.bytewise+` < `+n.arg(start+"\x7f"))
			}
		}
	}
	if parents {
		all = append(all, bodylessHashes+` AND type = 'TransactionEvent'`)
	}
	n.pick(all...)
}

// keyDomain is where canonical URIs of keys live (CBV 2.0, section 8.3).
const keyDomain = "https://id.gs1.org/"

// thingOf is how tr_named spells a canonical URI.
func thingOf(uri string) string {
	if key, err := gs1.Parse(uri); err == nil {
		return keyOfLot(key)
	}
	return uri
}

// order is by which column events go, and in which direction.
type order struct {
	column    string
	ascending bool
}

// orderOf is the order that is asked for. Where none is, a query within a span
// of time goes by that time, whose index then bounds what is looked at.
func orderOf(q *query.Query) order {
	switch {
	case q.OrderBy == "eventTime":
		return order{"at", q.Ascending}
	case q.OrderBy == "recordTime":
		return order{"captured", q.Ascending}
	case q.Asks("GE_eventTime") || q.Asks("LT_eventTime"):
		return order{"at", false}
	case q.Asks("GE_recordTime") || q.Asks("LT_recordTime"):
		return order{"captured", false}
	}
	return order{"block", false}
}

// statement is for the next rows behind a bookmark.
func (n narrowed) statement(o order, from bookmark, limit int) (string, []any) {
	n.args, n.where = slices.Clone(n.args), slices.Clone(n.where)
	if from.Name != "" {
		than, to := "<", "<="
		if o.ascending {
			than, to = ">", ">="
		}
		var at any = from.Block
		if o.column != "block" {
			at = from.At
		}
		n.must(`e.%s %s %s AND (e.%s %s %s OR e.hash %s %s)`, o.column, to, n.arg(at), o.column, than, n.arg(at), than, n.arg(from.Name))
	}
	text := storedEvents
	if len(n.few) > 0 { // CROSS JOIN is read from left to right by SQLite
		text = `WITH few AS (` + strings.Join(n.few, ` INTERSECT `) + `) ` + storedColumns + ` FROM few CROSS JOIN tr_events e LEFT JOIN tr_parties p ON p.id = e.author`
		n.must(`e.hash = few.hash`)
	}
	if len(n.where) > 0 {
		text += ` WHERE ` + strings.Join(n.where, ` AND `)
	}
	direction := " DESC"
	if o.ascending {
		direction = ""
	}
	return text + ` ORDER BY e.` + o.column + direction + `, e.hash` + direction + ` LIMIT ` + n.arg(limit), n.args
}

// behind is the bookmark behind an event.
func (o order) behind(s storedEvent) bookmark {
	c := bookmark{Block: s.Block, Name: s.Hash}
	switch o.column {
	case "at":
		c = bookmark{At: s.At, Name: s.Hash}
	case "captured":
		c = bookmark{At: s.Captured, Name: s.Hash}
	}
	return c
}
