package trace

import (
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
)

func decline(tx *chaincode.Tx, c Decline) (ShipmentState, error) {
	s, err := end(tx, c.Shipment, Declined, c.Reason)
	if err == nil {
		tx.Emit(ShipmentDeclined{Shipment: s.ID, By: s.To, Reason: c.Reason})
	}
	return ShipmentState{s.ID, s.State}, err
}

func callBack(tx *chaincode.Tx, c CallBack) (ShipmentState, error) {
	s, err := end(tx, c.Shipment, Cancelled, "")
	if err == nil {
		tx.Emit(ShipmentCancelled{Shipment: s.ID, By: s.From})
	}
	return ShipmentState{s.ID, s.State}, err
}

// end gives an offered shipment back to its sender.
func end(tx *chaincode.Tx, id, state, reason string) (Shipment, error) {
	by, err := party.Active(tx)
	if err != nil {
		return Shipment{}, err
	}
	s, ok := shipments.Get(tx, id)
	if !ok {
		return s, ErrNoShipment.Refuse("%s", id).On("shipment")
	}
	if err := s.End(by.ID, state, reason); err != nil {
		return s, err
	}
	d := &desk{tx: tx, by: by}
	return s, d.giveBack(s)
}
