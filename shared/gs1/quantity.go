package gs1

import (
	"fmt"
	"math/big"
)

// A Quantity is an amount of a unit. Without unit it counts pieces, as an EPCIS
// quantity element without uom does (EPCIS 2.0, 7.3.3.3).
type Quantity struct {
	Amount Amount `json:"amount"`
	Unit   string `json:"unit,omitempty"` // UN/ECE Recommendation 20 code
}

// In converts q, exactly. It refuses (gs1/unit) a unit of another dimension.
func (q Quantity) In(unit string) (Quantity, error) {
	if q.Unit == unit {
		return q, nil
	}
	from, err := UnitOf(q.Unit)
	if err != nil {
		return Quantity{}, err
	}
	to, err := UnitOf(unit)
	if err != nil {
		return Quantity{}, err
	}
	if from.Dimension != to.Dimension {
		return Quantity{}, &Error{codeUnit, "unit", fmt.Sprintf("%s is %s and %s is %s: one does not convert into the other.", from.Name, from.Dimension, to.Name, to.Dimension), "Give both quantities in units of one kind."}
	}
	base := new(big.Rat).Mul(q.Amount.rat(), from.factor)
	base.Add(base, from.offset).Sub(base, to.offset)
	return Quantity{amountOf(base.Quo(base, to.factor)), unit}, nil
}

// Add returns q + other in q's unit.
func (q Quantity) Add(other Quantity) (Quantity, error) {
	o, err := q.addend(other)
	return Quantity{q.Amount.Add(o.Amount), q.Unit}, err
}

// Sub returns q - other in q's unit.
func (q Quantity) Sub(other Quantity) (Quantity, error) {
	o, err := q.addend(other)
	return Quantity{q.Amount.Sub(o.Amount), q.Unit}, err
}

// addend converts other into q's unit. Temperatures are points on a scale: to
// add two means nothing.
func (q Quantity) addend(other Quantity) (Quantity, error) {
	if u, err := UnitOf(q.Unit); err == nil && u.Dimension == temperature {
		return Quantity{}, &Error{codeUnit, "unit", "Temperatures do not add up.", "Compare them instead."}
	}
	return other.In(q.Unit)
}

// Cmp returns -1, 0 or 1 as q is below, equal to or above other.
func (q Quantity) Cmp(other Quantity) (int, error) {
	o, err := other.In(q.Unit)
	if err != nil {
		return 0, err
	}
	return q.Amount.Cmp(o.Amount), nil
}

// String returns the amount with the unit's symbol: "480 kg", or "480" pieces.
func (q Quantity) String() string {
	if q.Unit == "" {
		return q.Amount.String()
	}
	symbol := q.Unit
	if u, err := UnitOf(q.Unit); err == nil {
		symbol = u.Symbol
	}
	return q.Amount.String() + " " + symbol
}
