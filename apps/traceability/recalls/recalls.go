// Package recalls weighs how far a recall, a hold or a mock recall has come:
// company by company, lot by lot, from what the ledger's accounts say and what
// the companies have booked. It reads no database and draws no page.
package recalls

import (
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/shared/gs1"
)

// Share is what one company has, and has had, of one lot of a case.
type Share struct {
	Party, Lot, Unit string
	Held, Packed     gs1.Amount
	Sent             gs1.Amount // on its way to others
	Gone             gs1.Amount // sold, shipped out of the network, lost
	Destroyed        gs1.Amount
	Returned         gs1.Amount // went back because of a recall
}

// AtHand is what can still be put apart.
func (s Share) AtHand() gs1.Amount { return s.Held.Add(s.Packed) }

// Had is all that the company accounts for.
func (s Share) Had() gs1.Amount {
	return s.AtHand().Add(s.Sent).Add(s.Gone).Add(s.Destroyed).Add(s.Returned)
}

// Booking is what a company booked of one lot.
type Booking struct {
	Party, Lot                                          string
	Quarantined, Destroyed, Returned, Recovered, Beyond gs1.Amount
	At                                                  time.Time
}

// Sum is all of it.
func (b Booking) Sum() gs1.Amount {
	return b.Quarantined.Add(b.Destroyed).Add(b.Returned).Add(b.Recovered).Add(b.Beyond)
}

// Notice is what a company was told.
type Notice struct {
	Party     string
	At, Due   time.Time
	Times     int
	Method    string // of the check of its effect; "" without one
	Contacted bool
	Result    string
	Checked   time.Time
}

// Answer is a company's acknowledgement.
type Answer struct {
	Party string
	At    time.Time
	Found map[string]gs1.Amount // put apart, by lot
}

// Line is one lot of one company: what there was, what was booked, what is left.
type Line struct {
	Share
	Booking
	Booked      bool
	Outstanding gs1.Amount
}

// Firm is how far one company has come.
type Firm struct {
	Party    string
	Lots     int
	Notice   *Notice
	Answered *Answer
	Late     bool // it has not acknowledged in time
	Percent  int  // of its goods that are accounted for
	Complete bool // all of them
	Lines    []Line
}

// Facts are what a case's progress is weighed from.
type Facts struct {
	Shares   []Share
	Bookings []Booking
	Notices  []Notice
	Answers  []Answer
	Now      time.Time // or when the case was closed
}

// Progress is how far each company has come: those who have most to do first.
// A company that only used up its share in other lots accounts for those.
func Progress(f Facts) []Firm {
	firms := map[string]*Firm{}
	firm := func(id string) *Firm {
		if firms[id] == nil {
			firms[id] = &Firm{Party: id}
		}
		return firms[id]
	}
	for _, n := range f.Notices {
		firm(n.Party).Notice = &n
	}
	for _, a := range f.Answers {
		firm(a.Party).Answered = &a
	}
	booked := map[[2]string]Booking{}
	for _, b := range f.Bookings {
		booked[[2]string{b.Party, b.Lot}] = b
	}
	for _, s := range f.Shares {
		b, done := booked[[2]string{s.Party, s.Lot}]
		if s.Had().IsZero() && !done {
			continue
		}
		x := firm(s.Party)
		x.Lots++
		x.Lines = append(x.Lines, Line{s, b, done, s.Had().Sub(b.Sum())})
	}
	var all []Firm
	for _, x := range firms {
		x.weigh(f.Now)
		all = append(all, *x)
	}
	slices.SortFunc(all, func(a, b Firm) int {
		if a.Percent != b.Percent {
			return a.Percent - b.Percent
		}
		return strings.Compare(a.Party, b.Party)
	})
	return all
}

func (f *Firm) weigh(now time.Time) {
	f.Complete = true
	for _, l := range f.Lines {
		f.Complete = f.Complete && l.Outstanding.Sign() <= 0
	}
	f.Percent = percentOf(f.Lines, func(l Line) gs1.Amount { return l.Sum() })
	if n := f.Notice; n != nil {
		f.Late = f.Answered == nil && now.After(n.Due) || f.Answered != nil && f.Answered.At.After(n.Due)
	}
}

// Located is the share of a company's goods that it could say the whereabouts
// of: what it booked, or else what it put apart when it acknowledged.
func (f Firm) Located() int {
	return percentOf(f.Lines, f.located)
}

func (f Firm) located(l Line) gs1.Amount {
	if l.Booked || f.Answered == nil {
		return l.Sum()
	}
	return f.Answered.Found[l.Lot()]
}

// Lot is the line's lot.
func (l Line) Lot() string { return l.Share.Lot }

// LocatedOf is the share of all goods that was located.
func LocatedOf(firms []Firm) int {
	var all []Line
	for _, f := range firms {
		for _, l := range f.Lines {
			l.Booking = Booking{Quarantined: f.located(l)}
			all = append(all, l)
		}
	}
	return percentOf(all, func(l Line) gs1.Amount { return l.Sum() })
}

// percentOf weighs by quantity where all lots have one unit; else each lot
// counts the same. It rounds down: 100 is all.
func percentOf(lines []Line, part func(Line) gs1.Amount) int {
	if len(lines) == 0 {
		return 100
	}
	var parts, wholes gs1.Amount
	sum, same := 0, true
	for _, l := range lines {
		same = same && l.Unit == lines[0].Unit
		parts, wholes = parts.Add(part(l)), wholes.Add(l.Had())
		sum += Percent(part(l), l.Had())
	}
	if same {
		return Percent(parts, wholes)
	}
	return sum / len(lines)
}

// Percent is how much of a whole a part is, rounded down, at most 100; all of
// nothing is 100.
func Percent(part, whole gs1.Amount) int {
	if part.Cmp(whole) >= 0 {
		return 100
	}
	hundred := part.Mul(gs1.Whole(100))
	p := 0
	for whole.Mul(gs1.Whole(int64(p+1))).Cmp(hundred) <= 0 {
		p++
	}
	return p
}

// Effect is what the checks of a case found.
type Effect struct {
	Asked, Contacted, Acted int
	Wanted                  int // by the case's level
}

// EffectOf counts the checks. Wanted is how many the level asks for.
func EffectOf(firms []Firm, wanted int) Effect {
	e := Effect{Wanted: wanted}
	for _, f := range firms {
		if f.Notice == nil || f.Notice.Method == "" {
			continue
		}
		e.Asked++
		if f.Notice.Contacted {
			e.Contacted++
		}
		if f.Notice.Result == "acted" {
			e.Acted++
		}
	}
	return e
}

// Clock is how long a case took, from recorded facts: from its opening until
// the last company that had to has accounted for its goods, or until it was
// closed, or until now while it runs.
func Clock(opened, closed, now time.Time, firms []Firm) (took time.Duration, stopped bool) {
	last, all := time.Time{}, len(firms) > 0
	for _, f := range firms {
		at, located := f.locatedAt()
		all = all && located
		if at.After(last) {
			last = at
		}
	}
	switch {
	case all:
		return last.Sub(opened), true
	case !closed.IsZero():
		return closed.Sub(opened), true
	}
	return now.Sub(opened), false
}

// locatedAt is when a company had told where all its goods are.
func (f Firm) locatedAt() (at time.Time, all bool) {
	if f.Answered != nil {
		at = f.Answered.At
	}
	for _, l := range f.Lines {
		if l.Booked && l.Booking.At.After(at) {
			at = l.Booking.At
		}
	}
	return at, !at.IsZero() && f.Located() == 100
}
