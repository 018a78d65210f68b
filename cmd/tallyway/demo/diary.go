package demo

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
)

// diary is what companies have done and not yet brought to the ledger. A company
// hands in its day as one document, so a network orders hundreds of events in
// some dozens of transactions.
//
// A day's documents follow the goods: who receives them on the day on which they
// were shipped hands in after the shipper.
type diary struct {
	today time.Time // the day that is being told; nothing is handed in before it
	pages map[page]*entries
}

// page is a company's day.
type page struct {
	date string
	turn int
	by   string
}

// entries are the events of a page, in the order in which they were told.
type entries struct {
	last     time.Time
	commands []any
	outcomes []*trace.Outcome
}

// turns is the way that the goods take.
var turns = []string{dairy, cheese, market}

func (d *diary) note(by string, at time.Time, command trace.Capture, outcome *trace.Outcome) {
	date := max(at.In(local).Format(time.DateOnly), d.today.Format(time.DateOnly))
	key := page{date, slices.Index(turns, by), by}
	if d.pages == nil {
		d.pages = map[page]*entries{}
	}
	if d.pages[key] == nil {
		d.pages[key] = &entries{}
	}
	e := d.pages[key]
	e.commands, e.outcomes = append(e.commands, command), append(e.outcomes, outcome)
	if at.After(e.last) {
		e.last = at
	}
}

// handIn brings all pages to the ledger: before something is done that rests on
// what they tell.
func (s *season) handIn() {
	order := func(a, b page) int { return cmp.Or(cmp.Compare(a.date, b.date), cmp.Compare(a.turn, b.turn)) }
	for _, key := range slices.SortedFunc(maps.Keys(s.diary.pages), order) {
		e := s.diary.pages[key]
		s.at(e.last)
		s.sendAll(trade, key.by, e.commands, func(i int) any { return e.outcomes[i] })
	}
	clear(s.diary.pages)
}
