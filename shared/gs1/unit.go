package gs1

import (
	"fmt"
	"math/big"
	"strings"
)

// A Unit is a unit of measure of UN/ECE Recommendation 20, or a package of
// Recommendation 21 (XBX and so on).
type Unit struct {
	Code      string
	Symbol    string // "kg"
	Name      string // "kilogram"
	NameZh    string // "千克"
	Dimension string // units convert into each other where this is equal: "mass"

	// A value times factor, plus offset, is the value in the dimension's base
	// unit. Both are shared: they are read, never written.
	factor, offset *big.Rat
}

// UnitOf finds a unit by its code. "" is the piece.
func UnitOf(code string) (Unit, error) {
	if code == "" {
		return unitByCode["H87"], nil
	}
	u, ok := unitByCode[code]
	if !ok {
		return Unit{}, &Error{codeUnit, "unit", fmt.Sprintf("%q is no unit of measure that is known here.", code), "Use a UN/ECE Recommendation 20 code, such as KGM, LTR or EA."}
	}
	return u, nil
}

var unitByCode = func() map[string]Unit {
	m := make(map[string]Unit, len(units))
	for _, row := range units {
		offset := row.offset
		if offset == "" {
			offset = "0"
		}
		m[row.code] = Unit{row.code, row.symbol, row.name, row.nameZh, row.dimension, exact(row.factor), exact(offset)}
	}
	return m
}()

// exact reads a constant of the table.
func exact(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		panic("gs1: unit table holds " + s)
	}
	return r
}

// FindUnit reads a unit as people write it: by its code, its symbol or its name
// in English or Chinese, in capitals or not. A spelling that several units
// share, such as "ton", names none of them.
func FindUnit(text string) (Unit, bool) {
	if u, ok := unitByCode[strings.ToUpper(text)]; ok && text != "" {
		return u, true
	}
	var found []Unit
	for _, row := range units {
		if text != "" && (text == row.symbol || text == row.nameZh) {
			return unitByCode[row.code], true
		}
		if strings.EqualFold(text, row.symbol) || strings.EqualFold(text, row.name) || strings.EqualFold(text, row.name+"s") {
			found = append(found, unitByCode[row.code])
		}
	}
	if text == "" || len(found) != 1 {
		return Unit{}, false
	}
	return found[0], true
}
