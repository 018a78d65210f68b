package trace

import (
	"slices"
	"time"

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
	Sender   string       `json:"sender,omitempty"`   // what the sender says became of all that is open
	Receiver string       `json:"receiver,omitempty"` // and the receiver
	Witness  string       `json:"witness,omitempty"`  // and the regulator, once asked in

	At         time.Time   `json:"at,omitzero"`
	Due        time.Time   `json:"due,omitzero"`         // from when on one side alone may ask the regulator in
	Statements []Statement `json:"statements,omitempty"` // about single lots and packs, not agreed yet
	Settled    []Statement `json:"settled,omitempty"`    // agreed, and booked
	Escalated  string      `json:"escalated,omitempty"`  // the side that asked the regulator in
}

// Difference is a lot that arrived in another quantity than it was shipped.
type Difference struct {
	Lot      string     `json:"lot"`
	Shipped  gs1.Amount `json:"shipped"`
	Received gs1.Amount `json:"received"`
	Unit     string     `json:"unit,omitempty"`
}

// Statement is what somebody says became of some of a lot, or of a pack.
type Statement struct {
	By      string     `json:"by,omitempty"`
	Item    string     `json:"item"`
	Amount  gs1.Amount `json:"amount,omitzero"`
	Unit    string     `json:"unit,omitempty"`
	Outcome string     `json:"outcome"`
}

// The states of a mismatch.
const (
	MismatchOpen    = "open"
	MismatchSettled = "settled"
)

// timeToSettle is how long two companies have before one of them may ask the
// regulator in.
const timeToSettle = 72 * time.Hour

// Settle says what became of what differs: of all that is open, or of some of
// one lot, or of one pack. When both sides say the same, or one of them and the
// regulator whom they asked in, that is settled and the accounts follow.
type Settle struct {
	Shipment string     `json:"shipment"`
	Outcome  string     `json:"outcome"`
	Item     string     `json:"item,omitempty"`  // lot or pack; empty: all that is open
	Amount   gs1.Amount `json:"amount,omitzero"` // of the lot; 0: all of it that is open
	Unit     string     `json:"unit,omitempty"`
}

// Escalate asks the regulator in as a witness.
type Escalate struct {
	Shipment string `json:"shipment"`
}

// The outcomes of a mismatch.
const (
	OutcomeLost       = "lost"
	OutcomeReturned   = "returned"   // it is back with the sender
	OutcomeFound      = "found"      // it came to the receiver later
	OutcomeMiscounted = "miscounted" // it never left the sender
	OutcomeDamaged    = "damaged"    // it was destroyed on the way
	OutcomeKept       = "kept"       // a surplus: the receiver keeps it
	OutcomeSentBack   = "sent-back"  // a surplus: the sender has it again
)

// What may have become of missing goods, and of a surplus.
var (
	ShortOutcomes   = []string{OutcomeLost, OutcomeReturned, OutcomeFound, OutcomeMiscounted, OutcomeDamaged}
	SurplusOutcomes = []string{OutcomeKept, OutcomeSentBack}
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

// spoken reports whether anybody has begun to settle it.
func (m Mismatch) spoken() bool {
	return m.Sender+m.Receiver+m.Escalated != "" || len(m.Statements)+len(m.Settled) > 0
}

// surplus reports whether more of something arrived than was shipped.
func (m Mismatch) surplus() bool { return len(m.lines(true)) > 0 }

// lines are what is still open of loose goods: of those missing, or of those
// too many.
func (m Mismatch) lines(over bool) []Line {
	var open []Line
	for _, d := range m.Lines {
		rest := d.Shipped.Sub(d.Received)
		if over {
			rest = d.Received.Sub(d.Shipped)
		}
		for _, s := range m.Settled {
			if s.Item == d.Lot {
				rest = rest.Sub(s.Amount)
			}
		}
		if rest.Sign() > 0 {
			open = append(open, Line{d.Lot, rest, d.Unit})
		}
	}
	return open
}

// packs are those missing of which nothing is settled.
func (m Mismatch) packs() []string {
	return filtered(m.Packs, func(id string) bool {
		return !slices.ContainsFunc(m.Settled, func(s Statement) bool { return s.Item == id })
	})
}

func (m Mismatch) over() bool {
	return len(m.lines(false))+len(m.lines(true))+len(m.packs()) == 0
}

func settle(tx *chaincode.Tx, c Settle) (ShipmentState, error) {
	by, err := party.Active(tx)
	if err != nil {
		return ShipmentState{}, err
	}
	m, err := openMismatch(tx, c.Shipment)
	if err != nil {
		return ShipmentState{}, err
	}
	if err := m.maySpeak(by); err != nil {
		return ShipmentState{}, err
	}
	d := &desk{tx: tx, by: by}
	said := MismatchAnswered{Shipment: m.Shipment, By: by.ID, Outcome: c.Outcome, At: tx.At()}
	if c.Item == "" {
		said.Agreed, err = d.sayAll(&m, c.Outcome)
	} else {
		said, err = d.sayOf(&m, c, said)
	}
	if err != nil {
		return ShipmentState{}, err
	}
	said.State = m.State
	mismatches.Put(tx, m, m.Shipment)
	tx.Emit(said)
	return ShipmentState{m.Shipment, m.State}, nil
}

func openMismatch(tx *chaincode.Tx, id string) (Mismatch, error) {
	m, ok := mismatches.Get(tx, id)
	if !ok || m.State != MismatchOpen {
		return m, ErrNoMismatch.Refuse("%s", id).On("shipment")
	}
	return m, nil
}

func (m Mismatch) maySpeak(by party.Party) error {
	if by.ID == m.From || by.ID == m.To || by.Is(party.KindRegulator) && m.Escalated != "" {
		return nil
	}
	return ErrNotYourShipment.Refuse("shipment %s went from %s to %s", m.Shipment, m.From, m.To)
}

// sayAll notes what somebody says of all that is open, and settles it if
// another says the same.
func (d *desk) sayAll(m *Mismatch, outcome string) (agreed bool, err error) {
	short := slices.Contains(ShortOutcomes, outcome)
	switch missing := len(m.lines(false)) + len(m.packs()); {
	case !short && !slices.Contains(SurplusOutcomes, outcome):
		return false, ErrReason.Refuse("%s", outcome).On("outcome")
	case !short && missing > 0, !short && len(m.lines(true)) == 0:
		return false, ErrSettlement.Refuse("%s of what is missing", outcome).On("outcome")
	}
	if !m.say(d.by.ID, outcome) {
		return false, nil
	}
	rest := Statement{Outcome: outcome}
	for _, l := range m.lines(!short) {
		rest.Item, rest.Amount, rest.Unit = l.Lot, l.Amount, l.Unit
		if err := d.book(m, rest); err != nil {
			return false, err
		}
	}
	for _, id := range m.packs() {
		if err := d.book(m, Statement{Item: id, Outcome: outcome}); err != nil {
			return false, err
		}
	}
	m.State = MismatchSettled
	return true, nil
}

// say notes what one says of everything; it reports whether two agree.
func (m *Mismatch) say(by, outcome string) bool {
	switch by {
	case m.From:
		m.Sender = outcome
	case m.To:
		m.Receiver = outcome
	default:
		m.Witness = outcome
	}
	return m.Sender == m.Receiver || m.Witness != "" && (m.Witness == m.Sender || m.Witness == m.Receiver)
}

// sayOf notes what somebody says of one item, and settles it if another says
// the same.
func (d *desk) sayOf(m *Mismatch, c Settle, told MismatchAnswered) (MismatchAnswered, error) {
	s, err := m.statement(c)
	if err != nil {
		return told, err
	}
	s.By = d.by.ID
	told.Item, told.Amount, told.Unit = s.Item, s.Amount, s.Unit
	told.Agreed = slices.ContainsFunc(m.Statements, s.agrees)
	m.Statements = filtered(m.Statements, func(other Statement) bool { return other.Item != s.Item || !told.Agreed && other.By != s.By })
	if !told.Agreed {
		m.Statements = append(m.Statements, s)
		return told, nil
	}
	s.By = ""
	if err := d.book(m, s); err != nil {
		return told, err
	}
	if m.over() {
		m.State = MismatchSettled
	}
	return told, nil
}

// agrees reports whether another says the same.
func (s Statement) agrees(other Statement) bool {
	return s.By != other.By && s.Item == other.Item && s.Outcome == other.Outcome && s.Amount.Cmp(other.Amount) == 0
}

// statement holds a settlement of one item against what is open of it.
func (m Mismatch) statement(c Settle) (Statement, error) {
	s := Statement{Item: c.Item, Outcome: c.Outcome}
	if key, err := gs1.Parse(c.Item); err == nil {
		s.Item = itemPath(key)
	}
	short := slices.Contains(ShortOutcomes, c.Outcome)
	if !short && !slices.Contains(SurplusOutcomes, c.Outcome) {
		return s, ErrReason.Refuse("%s", c.Outcome).On("outcome")
	}
	if short && slices.Contains(m.packs(), s.Item) {
		return s, nil
	}
	l, open := find(m.lines(!short), s.Item)
	if !open {
		return s, ErrSettlement.Refuse("%s, %s", s.Item, c.Outcome).On("item")
	}
	s.Amount, s.Unit = l.Amount, l.Unit
	if c.Amount.IsZero() {
		return s, nil
	}
	q, err := gs1.Quantity{Amount: c.Amount, Unit: orUnit(c.Unit, l.Unit)}.In(l.Unit)
	switch {
	case err != nil:
		return s, ErrUnit.Refuse("%s is kept in %s", l.Lot, unitName(l.Unit)).On("amount")
	case q.Amount.Sign() < 0 || q.Amount.Cmp(l.Amount) > 0:
		return s, ErrSettlement.Refuse("%s of %s, of which %s is open", q.Amount, l.Lot, l.Amount).On("amount")
	}
	s.Amount = q.Amount
	return s, nil
}

func orUnit(unit, otherwise string) string {
	if unit == "" {
		return otherwise
	}
	return unit
}

// book accounts for what was agreed, and notes it.
func (d *desk) book(m *Mismatch, s Statement) error {
	m.Settled = append(m.Settled, s)
	if slices.Contains(m.Packs, s.Item) {
		return d.bookPack(*m, s)
	}
	l := Line{s.Item, s.Amount, s.Unit}
	if s.Outcome == OutcomeKept {
		return d.bookSurplus(*m, l)
	}
	return d.bookMissing(*m, l, s.Outcome, held)
}

// bookMissing books a lot that was missing; kept is where it lies if somebody
// has it.
func (d *desk) bookMissing(m Mismatch, l Line, outcome, kept string) error {
	switch outcome {
	case OutcomeLost:
		return d.move(m.From, l, outside, lost)
	case OutcomeDamaged:
		return d.move(m.From, l, outside, destroyed)
	case OutcomeReturned, OutcomeMiscounted:
		return d.move(m.From, l, outside, kept)
	case OutcomeFound:
		return d.bookFound(m, l, kept)
	}
	return nil // a surplus that went back was never the receiver's
}

// bookFound credits the receiver with what came later. Blocked goods do not
// come this way, unless they were on their way back.
func (d *desk) bookFound(m Mismatch, l Line, kept string) error {
	s, _ := shipments.Get(d.tx, m.Shipment)
	if !slices.Contains(s.Returns, l.Lot) {
		if err := d.free(l.Lot); err != nil {
			return err
		}
	}
	if err := d.delivered(s, []Line{l}); err != nil {
		return err
	}
	return d.move(m.To, l, outside, kept)
}

// bookPack books a missing pack with all that is in it.
func (d *desk) bookPack(m Mismatch, s Statement) error {
	switch s.Outcome {
	case OutcomeReturned, OutcomeMiscounted:
		d.place(Pack{ID: s.Item, Holder: m.From})
	case OutcomeFound:
		d.place(Pack{ID: s.Item, Holder: m.To})
	}
	inside, err := d.unfold(s.Item, 1, nil)
	if err != nil {
		return err
	}
	for _, l := range summed(inside) {
		if err := d.bookMissing(m, l, s.Outcome, packed); err != nil {
			return err
		}
	}
	return nil
}

// bookSurplus moves what the receiver keeps out of the sender's account: it
// was shipped by mistake, and has to have been there.
func (d *desk) bookSurplus(m Mismatch, l Line) error {
	if err := d.free(l.Lot); err != nil {
		return err
	}
	if err := d.move(m.From, l, held, outside); err != nil {
		return err
	}
	suppliers.Put(d.tx, m.From, l.Lot, m.To, m.From)
	return d.move(m.To, l, outside, held)
}

func escalate(tx *chaincode.Tx, e Escalate) (ShipmentState, error) {
	by, err := party.Active(tx)
	if err != nil {
		return ShipmentState{}, err
	}
	m, err := openMismatch(tx, e.Shipment)
	if err != nil {
		return ShipmentState{}, err
	}
	if err := m.Escalate(by.ID, tx.At()); err != nil {
		return ShipmentState{}, err
	}
	mismatches.Put(tx, m, m.Shipment)
	tx.Emit(MismatchEscalated{Shipment: m.Shipment, By: by.ID, At: tx.At()})
	return ShipmentState{m.Shipment, m.State}, nil
}

// Escalate lets one side ask the regulator in: when they disagree, or when the
// time to settle is over.
func (m *Mismatch) Escalate(by string, at time.Time) error {
	switch {
	case by != m.From && by != m.To:
		return ErrNotYourShipment.Refuse("shipment %s went from %s to %s", m.Shipment, m.From, m.To)
	case m.Escalated != "":
		return ErrNotDisputed.Refuse("%s has asked already", m.Escalated)
	case !m.disputed() && at.Before(m.Due):
		return ErrNotDisputed.Refuse("there is time until %s", m.Due.Format(time.RFC3339))
	}
	m.Escalated = by
	return nil
}

// disputed reports whether the two sides say different things.
func (m Mismatch) disputed() bool {
	if m.Sender != "" && m.Receiver != "" {
		return true // else it would be settled
	}
	return slices.ContainsFunc(m.Statements, func(s Statement) bool {
		return slices.ContainsFunc(m.Statements, func(other Statement) bool { return s.Item == other.Item && s.By != other.By })
	})
}
