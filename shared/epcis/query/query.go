// Package query is the EPCIS query language: the SimpleEventQuery of EPCIS 2.0, section 8.2.7.1, read from a URL or
// from the JSON of a named query, and asked of one event after the other.
//
// It knows no repository. Who may see an event, which index finds it and how a page is cut is left to others; for
// them, Query.Terms says what is asked, in values that are brought to one spelling.
package query

import (
	"strings"

	"github.com/tallyway/tallyway/shared/epcis"
)

// Query is a query that was read and found right. Its terms all have to hold. The zero Query asks for everything.
type Query struct {
	Terms []Term

	OrderBy   string // "eventTime", "recordTime", an extension field as it was sent, or "" for the repository's order
	Ascending bool
	Limit     int // eventCountLimit: only the first so many; 0 for all
	Max       int // maxEventCount: more than so many are refused; 0 for any number

	order field // the extension field of OrderBy
}

// Term is one parameter with its values, any of which may hold.
type Term struct {
	// Param is the parameter in the standard's spelling: "EQ_bizStep", "GE_value_CEL". An extension field keeps the
	// spelling it was sent in.
	Param string
	// Values are what it was given, in one spelling: short names of CBV words, canonical Digital Link URIs for GS1
	// keys (but patterns of MATCH_ parameters as they were sent), times in UTC as RFC 3339.
	Values []string

	test test
}

type test func(e *epcis.Event, a Around) bool

// Around is what an event alone does not tell. Terms that need what is not lent do not hold.
type Around struct {
	// User is who captured the event, for EQ_userID.
	User string
	// MasterData gives the record of a place, class or other vocabulary element, by its canonical URI, for HASATTR_,
	// EQATTR_ and WD_. It may give nil.
	MasterData func(id string) *epcis.VocabularyElement
}

// Match reports whether the query means the event.
func (q *Query) Match(e *epcis.Event) bool { return q.MatchIn(e, Around{}) }

// MatchIn is Match with what is known around the event.
func (q *Query) MatchIn(e *epcis.Event, a Around) bool {
	for _, t := range q.Terms {
		if !t.test(e, a) {
			return false
		}
	}
	return true
}

// Asks reports whether a parameter, in the standard's spelling, was given.
func (q *Query) Asks(param string) bool {
	for _, t := range q.Terms {
		if t.Param == param {
			return true
		}
	}
	return false
}

// And asks for what both queries mean. Where p orders or limits, it does so in place of q; of two limits the lower
// holds.
func (q *Query) And(p *Query) (*Query, error) {
	both := *q
	both.Terms = append(append([]Term(nil), q.Terms...), p.Terms...)
	if p.OrderBy != "" {
		both.OrderBy, both.Ascending, both.order = p.OrderBy, p.Ascending, p.order
	}
	both.Limit, both.Max = lower(q.Limit, p.Limit), lower(q.Max, p.Max)
	if both.Limit > 0 && both.Max > 0 {
		return nil, errBothLimits()
	}
	return &both, nil
}

func lower(a, b int) int {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// OrderedByField reports whether an extension field decides the order.
func (q *Query) OrderedByField() bool {
	return q.OrderBy != "" && q.OrderBy != "eventTime" && q.OrderBy != "recordTime"
}

// Compare orders two events as the query asks: it returns a negative number where x comes first. Events without the
// field come last; it returns 0 for two that are alike in it.
func (q *Query) Compare(x, y *epcis.Event) int {
	c := 0
	switch q.OrderBy {
	case "":
		return 0
	case "eventTime":
		c = x.Time.Compare(y.Time)
	case "recordTime":
		c = x.RecordTime.Compare(y.RecordTime)
	default:
		a, b := q.order.texts(x.Extensions), q.order.texts(y.Extensions)
		switch {
		case len(a) == 0 || len(b) == 0:
			return len(b) - len(a)
		case operandOf(a[0]).comparable(operandOf(b[0])):
			c = operandOf(a[0]).compare(operandOf(b[0]))
		default:
			c = strings.Compare(a[0], b[0])
		}
	}
	if !q.Ascending {
		return -c
	}
	return c
}

// Error tells why a query is refused: the QueryParameterException of EPCIS 2.0, section 8.2.
type Error struct {
	Param  string // as it was sent
	Text   string // one sentence
	Remedy string
}

func (e *Error) Error() string { return e.Param + ": " + e.Text + " " + e.Remedy }

// refuse cuts a parameter's name to a readable length.
func refuse(param, text, remedy string) *Error {
	if len(param) > 80 {
		param = strings.ToValidUTF8(param[:77], "") + "..."
	}
	return &Error{param, text, remedy}
}

func errBothLimits() *Error {
	return refuse("maxEventCount", "It excludes eventCountLimit.", "Leave one of the two out.")
}
