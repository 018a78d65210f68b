package trace

import (
	"slices"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/gs1"
)

// Mismatch is what differs between a shipment and what arrived, for both sides
// to settle.
type Mismatch struct {
	Shipment string       `json:"shipment"`
	From     string       `json:"from"`
	To       string       `json:"to"`
	Lines    []Difference `json:"lines,omitempty"`   // of loose goods
	Packs    []string     `json:"packs,omitempty"`   // that did not arrive
	Missing  []Line       `json:"missing,omitempty"` // what is in these packs
	State    string       `json:"state"`
	Sender   string       `json:"sender,omitempty"`   // what the sender says became of the missing goods
	Receiver string       `json:"receiver,omitempty"` // and the receiver
}

// Difference is a lot that arrived in another quantity than it was shipped.
type Difference struct {
	Lot      string     `json:"lot"`
	Shipped  gs1.Amount `json:"shipped"`
	Received gs1.Amount `json:"received"`
	Unit     string     `json:"unit,omitempty"`
}

// The states of a mismatch.
const (
	MismatchOpen    = "open"
	MismatchSettled = "settled"
)

// Settle says what became of the missing goods of a shipment: "lost" or
// "returned" (they are with the sender). When both sides say the same, the
// mismatch is settled and the sender's account follows.
type Settle struct {
	Shipment string `json:"shipment"`
	Outcome  string `json:"outcome"`
}

// The outcomes of a mismatch.
const (
	OutcomeLost     = "lost"
	OutcomeReturned = "returned"
)

// compare holds the loose goods that arrived against those that were shipped.
func (s Shipment) compare(got []Line) Mismatch {
	m := Mismatch{Shipment: s.ID, From: s.From, To: s.To, State: MismatchOpen}
	for _, l := range s.Lines {
		arrived, _ := find(got, l.Lot)
		if arrived.Amount.Cmp(l.Amount) != 0 {
			m.Lines = append(m.Lines, Difference{l.Lot, l.Amount, arrived.Amount, l.Unit})
		}
	}
	for _, l := range got {
		if _, shipped := find(s.Lines, l.Lot); !shipped {
			m.Lines = append(m.Lines, Difference{Lot: l.Lot, Received: l.Amount, Unit: l.Unit})
		}
	}
	return m
}

// credited is what the receiver gets of the loose goods: what arrived, and no
// more than was shipped.
func (m Mismatch) credited(shipped []Line) []Line {
	var credit []Line
	for _, l := range shipped {
		i := slices.IndexFunc(m.Lines, func(d Difference) bool { return d.Lot == l.Lot })
		if i >= 0 && m.Lines[i].Received.Cmp(l.Amount) < 0 {
			l.Amount = m.Lines[i].Received
		}
		if l.Amount.Sign() > 0 {
			credit = append(credit, l)
		}
	}
	return credit
}

func (m Mismatch) empty() bool { return len(m.Lines) == 0 && len(m.Packs) == 0 }

// surplus reports whether more of something arrived than was shipped.
func (m Mismatch) surplus() bool {
	return slices.ContainsFunc(m.Lines, func(d Difference) bool { return d.Received.Cmp(d.Shipped) > 0 })
}

// short is what is missing of the loose goods.
func (m Mismatch) short() []Line {
	var short []Line
	for _, d := range m.Lines {
		if missing := d.Shipped.Sub(d.Received); missing.Sign() > 0 {
			short = append(short, Line{d.Lot, missing, d.Unit})
		}
	}
	return short
}

// Say notes what one side says.
func (m *Mismatch) Say(by, outcome string) error {
	switch {
	case outcome != OutcomeLost && outcome != OutcomeReturned:
		return ErrReason.Refuse("%s", outcome).On("outcome")
	case by == m.From:
		m.Sender = outcome
	case by == m.To:
		m.Receiver = outcome
	default:
		return ErrNotYourShipment.Refuse("shipment %s went from %s to %s", m.Shipment, m.From, m.To)
	}
	if m.Sender == m.Receiver {
		m.State = MismatchSettled
	}
	return nil
}

func settle(tx *chaincode.Tx, c Settle) (ShipmentState, error) {
	by, err := party.Active(tx)
	if err != nil {
		return ShipmentState{}, err
	}
	m, ok := mismatches.Get(tx, c.Shipment)
	if !ok || m.State != MismatchOpen {
		return ShipmentState{}, ErrNoMismatch.Refuse("%s", c.Shipment).On("shipment")
	}
	if err := m.Say(by.ID, c.Outcome); err != nil {
		return ShipmentState{}, err
	}
	mismatches.Put(tx, m, m.Shipment)
	tx.Emit(MismatchAnswered{Shipment: m.Shipment, By: by.ID, Outcome: c.Outcome, State: m.State})
	if m.State == MismatchSettled {
		err = (&desk{tx: tx, by: by}).book(m)
	}
	return ShipmentState{m.Shipment, m.State}, err
}

// book accounts for the missing goods as both sides agreed.
func (d *desk) book(m Mismatch) error {
	loose, boxed := lost, lost
	if m.Sender == OutcomeReturned {
		loose, boxed = held, packed
		for _, id := range m.Packs {
			d.place(Pack{ID: id, Holder: m.From})
		}
	}
	for _, l := range m.short() {
		if err := d.move(m.From, l, outside, loose); err != nil {
			return err
		}
	}
	for _, l := range m.Missing {
		if err := d.move(m.From, l, outside, boxed); err != nil {
			return err
		}
	}
	return nil
}
