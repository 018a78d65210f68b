package trace

import (
	"slices"

	"github.com/tallyway/tallyway/shared/gs1"
)

// The places where a party's share of a lot can be.
const (
	held      = "held"
	packed    = "packed"
	sent      = "sent" // shipped and not yet answered
	used      = "used"
	sold      = "sold"
	destroyed = "destroyed"
	left      = "left" // shipped out of the network
	lost      = "lost" // missing on arrival, as both sides agreed
	outside   = ""     // not in this account
)

// Account is everything that ever came to a party of one lot, by what became
// of it, in the lot's unit. Each party has its own, so that two parties never
// write the same record.
type Account struct {
	Held      gs1.Amount `json:"held"`
	Packed    gs1.Amount `json:"packed"`
	Sent      gs1.Amount `json:"sent"`
	Used      gs1.Amount `json:"used"`
	Sold      gs1.Amount `json:"sold"`
	Destroyed gs1.Amount `json:"destroyed"`
	Left      gs1.Amount `json:"left"`
	Lost      gs1.Amount `json:"lost"`
}

func (a *Account) at(place string) *gs1.Amount {
	switch place {
	case held:
		return &a.Held
	case packed:
		return &a.Packed
	case sent:
		return &a.Sent
	case used:
		return &a.Used
	case sold:
		return &a.Sold
	case destroyed:
		return &a.Destroyed
	case left:
		return &a.Left
	case lost:
		return &a.Lost
	}
	return nil
}

// Move shifts an amount between two places, or into and out of the account. It
// refuses to take more than there is.
func (a *Account) Move(m Step) error {
	if from := a.at(m.From); from != nil {
		switch {
		case from.Cmp(m.Amount) >= 0:
		case m.From == held && a.Packed.Cmp(m.Amount) >= 0:
			return ErrAlreadyPacked.Refuse("%s of %s is in a pack", m.Amount, m.Lot)
		default:
			return ErrNotEnough.Refuse("%s has %s of %s, not %s", m.Party, from, m.Lot, m.Amount)
		}
		*from = from.Sub(m.Amount)
	}
	if to := a.at(m.To); to != nil {
		*to = to.Add(m.Amount)
	}
	return nil
}

// Total is all that is accounted for.
func (a Account) Total() gs1.Amount {
	sum := a.Held
	for _, more := range []gs1.Amount{a.Packed, a.Sent, a.Used, a.Sold, a.Destroyed, a.Left, a.Lost} {
		sum = sum.Add(more)
	}
	return sum
}

// move changes the account of a party and remembers the step.
func (d *desk) move(party string, l Line, from, to string) error {
	return d.do(Step{Do: doMove, Lot: l.Lot, Party: party, Amount: l.Amount, Unit: l.Unit, From: from, To: to})
}

// take moves a quantity that the caller has to hold.
func (d *desk) take(l Line, to string) error {
	if a, _ := accounts.Get(d.tx, l.Lot, d.by.ID); a.Held.IsZero() && a.Packed.IsZero() {
		return ErrNotHolder.Refuse("%s is held by %s", l.Lot, d.holderOf(l.Lot))
	}
	return d.move(d.by.ID, l, held, to)
}

// holderOf names who holds some of a lot, for the refusal only.
func (d *desk) holderOf(lot string) string {
	holder := "nobody"
	accounts.Scan(d.tx, func(key []string, a Account) bool {
		if a.Held.Sign() > 0 || a.Packed.Sign() > 0 {
			holder = key[1]
		}
		return holder == "nobody"
	}, lot)
	return holder
}

// flag marks what is missing, once.
func flag(flags *[]string, f string) {
	if !slices.Contains(*flags, f) {
		*flags = append(*flags, f)
	}
}
