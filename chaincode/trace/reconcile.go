package trace

import (
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/gs1"
)

// Reconcile accounts for what a company had of the lots of a case. A later one
// replaces it, lot by lot.
type Reconcile struct {
	Case  string   `json:"case"`
	Lines []Booked `json:"lines"`
}

// Booked is what became of a company's share of one lot, in any unit that its
// own can be converted to. What went into other lots is booked with those.
type Booked struct {
	Lot         string     `json:"lot"`
	Unit        string     `json:"unit,omitempty"` // empty: the lot's own
	Quarantined gs1.Amount `json:"quarantined"`    // at hand and kept apart
	Destroyed   gs1.Amount `json:"destroyed"`
	Returned    gs1.Amount `json:"returned"`  // to who made or delivered it
	Recovered   gs1.Amount `json:"recovered"` // brought back by customers
	Beyond      gs1.Amount `json:"beyond"`    // sold, consumed, lost: beyond reach
}

// Booking is a company's reconciliation as far as it has come.
type Booking struct {
	Lots int `json:"lots"` // booked
	Open int `json:"open"` // of them, with something outstanding when they were booked
}

// CaseReconciled tells what a company has accounted for.
type CaseReconciled struct {
	Case  string     `json:"case"`
	By    string     `json:"by"`
	At    time.Time  `json:"at"`
	Lines []Accounts `json:"lines"`
}

// Accounts is a line of a reconciliation beside what there was.
type Accounts struct {
	Booked
	Had         gs1.Amount `json:"had"`
	Outstanding gs1.Amount `json:"outstanding"`
}

// Had is what a company is to account for: everything that ever came to it, but
// for what went on to other companies and what went into other lots.
func (a Account) Had(returned gs1.Amount) gs1.Amount { return a.Total().Sub(a.Used).Add(returned) }

// Sum is everything that was booked.
func (b Booked) Sum() gs1.Amount {
	return b.Quarantined.Add(b.Destroyed).Add(b.Returned).Add(b.Recovered).Add(b.Beyond)
}

func reconcile(tx *chaincode.Tx, r Reconcile) (CaseState, error) {
	by, err := party.Active(tx)
	if err != nil {
		return CaseState{}, err
	}
	c, err := openCase(tx, r.Case)
	if err != nil {
		return CaseState{}, err
	}
	if len(r.Lines) == 0 || len(r.Lines) > maxCaseLots {
		return CaseState{}, ErrBooking.Refuse("%s lines", len(r.Lines)).On("lines")
	}
	b, _ := bookings.Get(tx, c.ID, by.ID)
	told := CaseReconciled{Case: c.ID, By: by.ID, At: tx.At()}
	for _, line := range r.Lines {
		had, err := line.weigh(tx, c.ID, by.ID)
		if err != nil {
			return CaseState{}, err
		}
		told.Lines = append(told.Lines, had)
		before, again := booked.Get(tx, c.ID, by.ID, had.Lot)
		booked.Put(tx, had, c.ID, by.ID, had.Lot)
		b.count(before, again, had)
	}
	bookings.Put(tx, b, c.ID, by.ID)
	tx.Emit(told)
	return c.reply(), nil
}

// weigh brings a line to the unit of its lot, and holds it against what the
// company's account says.
func (b Booked) weigh(tx *chaincode.Tx, id, by string) (Accounts, error) {
	l, _ := lots.Get(tx, b.Lot)
	a, had := accounts.Get(tx, b.Lot, by)
	if !had || !reached(tx, id, b.Lot) {
		return Accounts{}, ErrNotConcerned.Refuse("%s", b.Lot).On("lines")
	}
	for _, amount := range []*gs1.Amount{&b.Quarantined, &b.Destroyed, &b.Returned, &b.Recovered, &b.Beyond} {
		q, err := gs1.Quantity{Amount: *amount, Unit: orUnit(b.Unit, l.Unit)}.In(l.Unit)
		switch {
		case err != nil:
			return Accounts{}, ErrUnit.Refuse("%s is kept in %s", b.Lot, unitName(l.Unit)).On("lines")
		case amount.Sign() < 0:
			return Accounts{}, ErrBooking.Refuse("%s of %s", *amount, b.Lot).On("lines")
		}
		*amount = q.Amount
	}
	b.Unit = l.Unit
	back, _ := returns.Get(tx, b.Lot, by)
	if err := b.within(a, back); err != nil {
		return Accounts{}, err
	}
	all := a.Had(back)
	return Accounts{b, all, all.Sub(b.Sum())}, nil
}

// within refuses to account for more than there was: in all, and in each place
// of which the ledger knows.
func (b Booked) within(a Account, returned gs1.Amount) error {
	gone, hand, back := a.Sold.Add(a.Left).Add(a.Lost), a.Held.Add(a.Packed), returned.Add(a.Sent)
	for _, side := range []struct {
		booked, most gs1.Amount
		no           *chaincode.Refusal
	}{
		{b.Quarantined, hand, ErrBookedTooMuch.Refuse("%s of %s kept apart, but %s is at hand", b.Quarantined, b.Lot, hand)},
		{b.Destroyed, a.Destroyed, ErrBookedTooMuch.Refuse("%s of %s destroyed, but the ledger knows of %s", b.Destroyed, b.Lot, a.Destroyed)},
		{b.Returned, back, ErrBookedTooMuch.Refuse("%s of %s given back, but the ledger knows of %s", b.Returned, b.Lot, back)},
		{b.Recovered.Add(b.Beyond), gone, ErrBookedTooMuch.Refuse("%s of %s recovered or beyond reach, but %s was sold or has gone", b.Recovered.Add(b.Beyond), b.Lot, gone)},
		{b.Sum(), a.Had(returned), ErrBookedTooMuch.Refuse("%s of %s in all, but there was %s", b.Sum(), b.Lot, a.Had(returned))},
	} {
		if side.booked.Cmp(side.most) > 0 {
			return side.no.On("lines")
		}
	}
	return nil
}

// count replaces what was booked of a lot before.
func (b *Booking) count(before Accounts, again bool, now Accounts) {
	if !again {
		b.Lots++
	} else if before.Outstanding.Sign() > 0 {
		b.Open--
	}
	if now.Outstanding.Sign() > 0 {
		b.Open++
	}
}

func filtered[T any](all []T, keep func(T) bool) (kept []T) {
	for _, one := range all {
		if keep(one) {
			kept = append(kept, one)
		}
	}
	return kept
}

// accountedFor asks, before a recall is closed, whether every notified company
// has accounted for all that it was notified of; or else why not.
func (c *Case) accountedFor(tx *chaincode.Tx, why string) error {
	if c.Kind != KindRecall {
		return nil
	}
	open := ""
	notices.Scan(tx, func(_ []string, n Notice) bool {
		b, _ := bookings.Get(tx, c.ID, n.Party)
		if b.Lots < n.Lots || b.Open > 0 {
			open = n.Party
		}
		return open == ""
	}, c.ID)
	switch why = strings.TrimSpace(why); {
	case open == "":
	case why == "":
		return ErrNotReconciled.Refuse("%s has not", open).On("unreconciled")
	case len(why) > longestText:
		return ErrTerms.Refuse("a text of %s bytes", len(why)).On("unreconciled")
	default:
		c.Unreconciled = why
	}
	return nil
}
