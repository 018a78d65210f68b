package trace

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/tallyway/tallyway/chaincode/party"
)

// Shipment is goods on their way from one party to another. It is offered by
// the sender's event and becomes the receiver's by theirs.
type Shipment struct {
	ID        string    `json:"id"`
	From      string    `json:"from"`
	To        string    `json:"to,omitempty"`      // empty when it left the network
	Carrier   string    `json:"carrier,omitempty"` // who possesses it, where that is not To
	Lines     []Line    `json:"lines,omitempty"`   // loose goods
	Packs     []string  `json:"packs,omitempty"`   // outermost packs
	Packed    []Line    `json:"packed,omitempty"`  // all that is in them
	Documents []string  `json:"documents,omitempty"`
	State     string    `json:"state"`
	At        time.Time `json:"at"`                // event time of the shipping
	Event     string    `json:"event"`             // hash of the shipping event
	Answer    string    `json:"answer,omitempty"`  // hash of the receiving event
	Reason    string    `json:"reason,omitempty"`  // of a decline
	Returns   []string  `json:"returns,omitempty"` // recalled lots in it, on their way back
}

// The states of a shipment.
const (
	Offered   = "offered"
	Accepted  = "accepted"
	Declined  = "declined"
	Cancelled = "cancelled"
	Departed  = "departed" // to somebody outside the network
)

// Decline gives a shipment back to its sender.
type Decline struct {
	Shipment string `json:"shipment"`
	Reason   string `json:"reason"` // damaged, wrong-goods, temperature, not-ordered, other
}

// CallBack takes a shipment back that nobody has answered.
type CallBack struct {
	Shipment string `json:"shipment"`
}

// ShipmentState is the reply to Decline, CallBack and Settle.
type ShipmentState struct {
	Shipment string `json:"shipment"`
	State    string `json:"state"`
}

var declineReasons = []string{"damaged", "wrong-goods", "temperature", "not-ordered", "other"}

// ship sends things off.
func (d *desk) ship(things []thing) error {
	s, err := d.consignment(things)
	if err != nil {
		return err
	}
	to, known := d.destination(&s)
	switch {
	case len(things) == 0:
		flag(&d.record.Flags, FlagNothingToMove)
		return nil
	case known && to.ID == d.by.ID:
		flag(&d.record.Flags, FlagShippedToSelf)
		return nil
	}
	if known {
		if err := to.MayReceive(); err != nil {
			return err
		}
	}
	for _, l := range append(slices.Clone(s.Lines), s.Packed...) {
		back, err := d.mayShip(l.Lot, to)
		if err != nil {
			return err
		}
		if back {
			flag(&s.Returns, l.Lot)
		}
	}
	return d.dispatch(s)
}

// consignment is what the event ships, in lots and packs.
func (d *desk) consignment(things []thing) (Shipment, error) {
	loose, boxes := apart(things)
	lines, err := d.atHandOf(loose)
	s := Shipment{ID: shipmentID(d.record.Hash), From: d.by.ID, Lines: summed(lines), Packs: boxes, At: d.event.Time, Event: d.record.Hash}
	for _, t := range things {
		if !t.pack {
			continue
		}
		box := t.id
		if !packs.Has(d.tx, box) && !d.fromHere(t) {
			d.openPack(box)
			flag(&d.record.Flags, FlagPackUnknown)
		}
		if err := d.mayShipPack(box); err != nil {
			return s, err
		}
		if s.Packed, err = d.unfold(box, 1, s.Packed); err != nil {
			return s, err
		}
	}
	s.Packed = summed(s.Packed)
	for _, t := range d.event.BizTransactions {
		s.Documents = append(s.Documents, t.Value)
	}
	return s, err
}

// shipmentID is short enough to be read out; the event's hash decides it.
func shipmentID(hash string) string {
	sum := sha256.Sum256([]byte(hash))
	return hex.EncodeToString(sum[:8])
}

func (d *desk) mayShipPack(id string) error {
	p, known := packs.Get(d.tx, id)
	switch {
	case !known:
		return ErrNoLot.Refuse("%s", id)
	case p.Parent != "":
		return ErrAlreadyPacked.Refuse("%s is in %s", id, p.Parent)
	}
	return d.atHand(id)
}

// destination is who is to receive: the new owner, else the new possessor,
// else whoever is at the place (CBV 2.0, section 7.4.3).
func (d *desk) destination(s *Shipment) (to party.Party, known bool) {
	for _, kind := range []string{"owning_party", "possessing_party", "location"} {
		for _, dest := range d.event.Destinations {
			p, ok := d.partyAt(dest.Value)
			switch {
			case dest.Type != kind || !ok:
			case !known:
				to, known = p, true
			case kind == "possessing_party" && p.ID != to.ID:
				s.Carrier = p.ID
			}
		}
	}
	s.To = to.ID
	return to, known
}

// mayShip keeps blocked lots in place, but lets recalled ones go home: to who
// made them, or to who delivered them.
func (d *desk) mayShip(lot string, to party.Party) (back bool, err error) {
	c, blocked := blocking(d.tx, lot)
	if !blocked {
		return false, nil
	}
	l, _ := lots.Get(d.tx, lot)
	home := to.ID != "" && (l.Maker == to.ID || suppliers.Has(d.tx, lot, d.by.ID, to.ID))
	if c.Kind == KindRecall && d.keptApart() && home {
		flag(&d.record.Flags, FlagReturn)
		return true, nil
	}
	return false, c.refuse(lot)
}

// dispatch moves the goods into the shipment.
func (d *desk) dispatch(s Shipment) error {
	into := sent
	s.State = Offered
	if s.To == "" {
		into, s.State = left, Departed
		flag(&d.record.Flags, FlagLeftNetwork)
	}
	for _, l := range s.Lines {
		if err := d.take(l, into); err != nil {
			return err
		}
	}
	for _, l := range s.Packed {
		if err := d.move(d.by.ID, l, packed, into); err != nil {
			return err
		}
	}
	d.record.Shipment = s.ID
	d.track(s)
	d.tx.Emit(ShipmentOffered{s})
	return d.do(Step{Do: doOffer, Shipment: s.ID})
}

// track stores the shipment, and where its receiver will look for it. Its
// packs are out of everybody's hands.
func (d *desk) track(s Shipment) {
	shipments.Put(d.tx, s, s.ID)
	for _, id := range s.Packs {
		d.place(Pack{ID: id, Shipment: s.ID})
	}
	if s.To == "" {
		return
	}
	s.signposts(func(kind, id string) { waiting.Put(d.tx, s.ID, s.To, kind, id, s.ID) })
}

// untrack stores an answered shipment; its packs are in the hands of holder.
func (d *desk) untrack(s Shipment, holder string, boxes []string) {
	shipments.Put(d.tx, s, s.ID)
	for _, id := range boxes {
		d.place(Pack{ID: id, Holder: holder})
	}
	s.signposts(func(kind, id string) { waiting.Delete(d.tx, s.To, kind, id, s.ID) })
}

// signposts visits what a receiver may know of a shipment.
func (s Shipment) signposts(visit func(kind, id string)) {
	for _, l := range s.Lines {
		visit("thing", l.Lot)
	}
	for _, id := range s.Packs {
		visit("thing", id)
	}
	for _, id := range s.Documents {
		visit("document", id)
	}
}

// giveBack puts the goods of an unanswered shipment back where they came from.
func (d *desk) giveBack(s Shipment) error {
	for _, l := range s.Lines {
		if err := d.move(s.From, l, sent, held); err != nil {
			return err
		}
	}
	for _, l := range s.Packed {
		if err := d.move(s.From, l, sent, packed); err != nil {
			return err
		}
	}
	d.untrack(s, s.From, s.Packs)
	return nil
}

// withdraw undoes the offer of a shipment. The account follows by the other
// steps of the event.
func (d *desk) withdraw(id string) error {
	s, _ := shipments.Get(d.tx, id)
	if s.State != Offered && s.State != Departed {
		return ErrShipmentDone.Refuse("shipment %s is %s", s.ID, s.State)
	}
	for _, box := range s.Packs {
		if p, _ := packs.Get(d.tx, box); p.Shipment != s.ID {
			return ErrShipmentDone.Refuse("%s is not in shipment %s any more", box, s.ID)
		}
	}
	s.State = Cancelled
	d.untrack(s, s.From, s.Packs)
	d.tx.Emit(ShipmentCancelled{Shipment: s.ID, By: d.by.ID})
	return nil
}

// End answers an offered shipment in another way than by receiving it.
func (s *Shipment) End(by, state, reason string) error {
	side := s.From
	if state == Declined {
		side = s.To
	}
	switch {
	case s.State != Offered:
		return ErrShipmentDone.Refuse("shipment %s is %s", s.ID, s.State)
	case side != by:
		return ErrNotYourShipment.Refuse("shipment %s goes from %s to %s", s.ID, s.From, s.To)
	case state == Declined && !slices.Contains(declineReasons, reason):
		return ErrReason.Refuse("%s", reason).On("reason")
	}
	s.State, s.Reason = state, reason
	return nil
}
