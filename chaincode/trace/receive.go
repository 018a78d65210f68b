package trace

import (
	"slices"
	"strings"

	"github.com/tallyway/tallyway/shared/gs1"
)

// receive takes things over from the shipment that offered them.
func (d *desk) receive(things []thing) error {
	loose, boxes := apart(things)
	s, ok, err := d.askedShipment()
	if err == nil && !ok {
		s, ok = d.awaited(things)
	}
	switch {
	case err != nil:
		return err
	case len(things) == 0:
		flag(&d.record.Flags, FlagNothingToMove)
		return nil
	case ok:
		return d.accept(s, loose, boxes)
	case d.fromSelf():
		flag(&d.record.Flags, FlagShippedToSelf)
		return nil
	}
	return d.unannounced(loose, boxes)
}

// fromSelf reports whether the event says that the goods came from a place of
// the caller's own.
func (d *desk) fromSelf() bool {
	for _, s := range d.event.Sources {
		if p, ok := d.partyAt(s.Value); ok && p.ID == d.by.ID {
			return true
		}
	}
	return false
}

// ShipmentURI before a shipment's id is how a receiving event says, among its
// business transactions, which shipment it answers.
const ShipmentURI = "urn:tallyway:shipment:"

// askedShipment is the shipment that the event names by id. Whoever names one
// means no other: where it was answered in the meantime, another one of the
// same goods must not be taken for it.
func (d *desk) askedShipment() (s Shipment, ok bool, err error) {
	for _, t := range d.event.BizTransactions {
		id, named := strings.CutPrefix(t.Value, ShipmentURI)
		if !named {
			continue
		}
		s, ok = shipments.Get(d.tx, id)
		switch {
		case !ok:
			err = ErrNoShipment.Refuse("%s", id)
		case s.To != d.by.ID:
			err = ErrNotAddressed.Refuse("shipment %s does not go to %s", id, d.by.ID)
		case s.State != Offered:
			err = ErrShipmentDone.Refuse("shipment %s is %s", id, s.State)
		}
		return s, ok, err
	}
	return s, false, nil
}

// awaited is the offered shipment that the event answers: the one of the
// despatch advice it names, else the one that holds its things. Of several,
// the one with just these things; else the oldest.
func (d *desk) awaited(things []thing) (best Shipment, ok bool) {
	consider := func(_ []string, id string) bool {
		s, _ := shipments.Get(d.tx, id)
		switch fits := s.holds(things); {
		case !ok, fits && !best.holds(things), fits == best.holds(things) && s.before(best):
			best, ok = s, true
		}
		return true
	}
	for _, t := range d.event.BizTransactions {
		waiting.Scan(d.tx, consider, d.by.ID, "document", t.Value)
	}
	if ok {
		return best, true
	}
	for _, t := range things {
		waiting.Scan(d.tx, consider, d.by.ID, "thing", t.id)
	}
	return best, ok
}

// holds reports whether the shipment is these things and no others.
func (s Shipment) holds(things []thing) bool {
	n := 0
	for _, t := range things {
		if t.pack {
			if !slices.Contains(s.Packs, t.id) {
				return false
			}
			n++
			continue
		}
		l, ok := find(s.Lines, t.id)
		q, err := gs1.Quantity{Amount: t.amount, Unit: t.unit}.In(l.Unit)
		if !ok || err != nil || q.Amount.Cmp(l.Amount) != 0 {
			return false
		}
		n++
	}
	return n == len(s.Lines)+len(s.Packs)
}

func (s Shipment) before(other Shipment) bool {
	if !s.At.Equal(other.At) {
		return s.At.Before(other.At)
	}
	return s.ID < other.ID
}

// unannounced takes in goods that nobody shipped to the caller. What somebody
// here holds cannot come this way; what left the network can come back, and
// what nobody knows can turn up. Both are flagged.
func (d *desk) unannounced(loose []thing, boxes []string) error {
	for _, id := range boxes {
		if err := d.findPack(id); err != nil {
			return err
		}
	}
	for _, t := range loose {
		if d.hasAlready(t) {
			flag(&d.record.Flags, FlagShippedToSelf)
			continue
		}
		l, known := lots.Get(d.tx, t.id)
		back, err := d.comeBack(t, known)
		switch {
		case err != nil:
			return err
		case back:
			continue
		case known && l.Maker != "" && !l.unused():
			return ErrNotAddressed.Refuse("%s", t.id)
		}
		if err := d.takeIn(t); err != nil {
			return err
		}
	}
	return nil
}

// comeBack takes over a quantity that somebody shipped out of the network, as
// they thought; it is false where there is none.
func (d *desk) comeBack(t thing, known bool) (bool, error) {
	if !known {
		return false, nil
	}
	l, err := d.line(t)
	if err != nil {
		return false, err
	}
	from := ""
	accounts.Scan(d.tx, func(key []string, a Account) bool {
		if a.Left.Cmp(l.Amount) >= 0 {
			from = key[1]
		}
		return from == ""
	}, l.Lot)
	if from == "" {
		return false, nil
	}
	flag(&d.record.Flags, FlagHandOver)
	return true, d.handOver(from, []Line{l}, held)
}

// handOver moves what left the network into the caller's account.
func (d *desk) handOver(from string, lines []Line, to string) error {
	for _, l := range lines {
		if err := d.mayReceive(l.Lot); err != nil {
			return err
		}
		if err := d.move(from, l, left, outside); err != nil {
			return err
		}
		if err := d.move(d.by.ID, l, outside, to); err != nil {
			return err
		}
	}
	return nil
}

// findPack takes over a pack that left the network, or one that nobody here
// has packed.
func (d *desk) findPack(id string) error {
	p, known := packs.Get(d.tx, id)
	s, _ := shipments.Get(d.tx, p.Shipment)
	switch {
	case !known:
		d.openPack(id)
		flag(&d.record.Flags, FlagPackUnknown)
		return nil
	case s.State != Departed:
		return ErrNotAddressed.Refuse("%s", id)
	}
	inside, err := d.unfold(id, 1, nil)
	if err != nil {
		return err
	}
	d.place(Pack{ID: id, Holder: d.by.ID})
	flag(&d.record.Flags, FlagHandOver)
	if err := d.handOver(s.From, summed(inside), packed); err != nil {
		return err
	}
	return d.do(Step{Do: doFind, Pack: id, Shipment: s.ID})
}

// losePack undoes findPack.
func (d *desk) losePack(s Step) error {
	if p, _ := packs.Get(d.tx, s.Pack); p.Parent != "" {
		return ErrAlreadyPacked.Refuse("%s is in %s", s.Pack, p.Parent)
	}
	if err := d.atHand(s.Pack); err != nil {
		return err
	}
	d.place(Pack{ID: s.Pack, Shipment: s.Shipment})
	return nil
}

// hasAlready reports whether the caller holds what the event receives, of a lot
// that somebody logged: it was moved between places of the caller's own. Of a
// lot with unknown origin, more may turn up.
func (d *desk) hasAlready(t thing) bool {
	if l, known := lots.Get(d.tx, t.id); !known || l.Maker == "" {
		return false
	}
	a, _ := accounts.Get(d.tx, t.id, d.by.ID)
	l, err := d.line(t)
	return err == nil && l.Amount.Sign() > 0 && a.Held.Cmp(l.Amount) >= 0
}

// takeIn opens a lot of unknown origin, or adds to it.
func (d *desk) takeIn(t thing) error {
	if err := d.mayReceive(t.id); err != nil {
		return err
	}
	l, known := lots.Get(d.tx, t.id)
	if !known || l.unused() {
		l = d.newLot(t)
	} else if t.single {
		return ErrNotAddressed.Refuse("%s", t.id)
	}
	flag(&l.Flags, FlagOriginUnknown)
	flag(&d.record.Flags, FlagOriginUnknown)
	line, err := d.grow(l, t)
	if err != nil {
		return err
	}
	return d.move(d.by.ID, line, outside, held)
}

// mayReceive keeps blocked goods off the shelves: they are received to be kept
// apart, or by their maker.
func (d *desk) mayReceive(lot string) error {
	c, blocked := blocking(d.tx, lot)
	if !blocked {
		return nil
	}
	l, _ := lots.Get(d.tx, lot)
	if !d.keptApart() && l.Maker != d.by.ID {
		return c.refuse(lot)
	}
	flag(&d.record.Flags, FlagQuarantine)
	return nil
}

// keptApart reports whether the event marks its goods as not for sale.
func (d *desk) keptApart() bool {
	for _, disposition := range []string{"recalled", "returned", "non_sellable_other"} {
		if d.event.Disposition == disposition || slices.Contains(d.event.PersistentSet, disposition) {
			return true
		}
	}
	return false
}

// accept answers a shipment. What is short stays unaccounted until both sides
// settle it; what is over is not credited, for nobody shipped it.
func (d *desk) accept(s Shipment, loose []thing, boxes []string) error {
	got, err := d.arrived(loose)
	if err != nil {
		return err
	}
	for _, id := range boxes {
		if !slices.Contains(s.Packs, id) {
			return ErrNotAddressed.Refuse("%s is not in shipment %s", id, s.ID)
		}
	}
	m := s.compare(got)
	var inside []Line
	for _, id := range s.Packs {
		if slices.Contains(boxes, id) {
			inside, err = d.unfold(id, 1, inside)
		} else {
			m.Packs = append(m.Packs, id)
			m.Missing, err = d.unfold(id, 1, m.Missing)
		}
		if err != nil {
			return err
		}
	}
	m.Missing = summed(m.Missing)
	credit := m.credited(s.Lines)
	if err := d.takeOver(s, credit, summed(inside)); err != nil {
		return err
	}
	if err := d.delivered(s, append(credit, summed(inside)...)); err != nil {
		return err
	}
	return d.answered(s, m, boxes)
}

// arrived brings the quantities to the units of their lots. A lot that nobody
// knows is taken in with unknown origin.
func (d *desk) arrived(loose []thing) ([]Line, error) {
	var got []Line
	for _, t := range loose {
		if !lots.Has(d.tx, t.id) {
			if err := d.takeIn(t); err != nil {
				return nil, err
			}
			continue
		}
		l, err := d.line(t)
		if err != nil {
			return nil, err
		}
		got = append(got, l)
	}
	return summed(got), nil
}

// takeOver empties the sender's side and fills the receiver's.
func (d *desk) takeOver(s Shipment, loose, packedIn []Line) error {
	all := append(slices.Clone(s.Lines), s.Packed...)
	for _, l := range all {
		if err := d.mayReceive(l.Lot); err != nil {
			return err
		}
	}
	for _, l := range all {
		if err := d.move(s.From, l, sent, outside); err != nil {
			return err
		}
	}
	for _, l := range loose {
		if err := d.move(d.by.ID, l, outside, held); err != nil {
			return err
		}
	}
	for _, l := range packedIn {
		if err := d.move(d.by.ID, l, outside, packed); err != nil {
			return err
		}
	}
	return nil
}

// delivered notes who a lot came from, so that a recalled one may go back there,
// and how much of a recalled one went back.
func (d *desk) delivered(s Shipment, lines []Line) error {
	for _, l := range lines {
		if !slices.Contains(s.Returns, l.Lot) {
			suppliers.Put(d.tx, s.From, l.Lot, s.To, s.From)
		} else if err := d.do(Step{Do: doReturn, Lot: l.Lot, Party: s.From, Amount: l.Amount, Unit: l.Unit}); err != nil {
			return err
		}
	}
	return nil
}

// answered closes the shipment, and opens a mismatch where there is one.
func (d *desk) answered(s Shipment, m Mismatch, boxes []string) error {
	s.State, s.Answer = Accepted, d.record.Hash
	d.record.Shipment = s.ID
	d.untrack(s, d.by.ID, boxes)
	d.tx.Emit(ShipmentAccepted{Shipment: s.ID, By: d.by.ID, Event: d.record.Hash})
	if !m.empty() {
		m.At, m.Due = d.tx.At(), d.tx.At().Add(timeToSettle)
		mismatches.Put(d.tx, m, m.Shipment)
		d.tx.Emit(MismatchOpened{m})
		if m.surplus() {
			flag(&d.record.Flags, FlagSurplus)
		}
	}
	return d.do(Step{Do: doAccept, Shipment: s.ID})
}

// reopen undoes the acceptance of a shipment. The accounts follow by the other
// steps of the event.
func (d *desk) reopen(id string) error {
	s, _ := shipments.Get(d.tx, id)
	m, differs := mismatches.Get(d.tx, id)
	if differs && m.spoken() {
		return ErrNoMismatch.Refuse("that of shipment %s is under settlement", id)
	}
	for _, box := range s.Packs {
		if p, _ := packs.Get(d.tx, box); p.Parent != "" || !slices.Contains(m.Packs, box) && p.Holder != d.by.ID {
			return ErrNotHolder.Refuse("%s was packed or shipped again", box)
		}
	}
	if differs {
		mismatches.Delete(d.tx, id)
	}
	s.State, s.Answer = Offered, ""
	d.track(s)
	d.tx.Emit(ShipmentReopened{Shipment: id, By: d.by.ID})
	return nil
}
