package trace

import (
	"slices"
	"strings"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

// log brings new things into being: a lot with its first quantity, or more of
// it, or single things. A pack comes into being empty.
func (d *desk) log(things []thing) error {
	for _, t := range things {
		if t.pack {
			d.openPack(t.id)
			continue
		}
		l, err := d.make(t)
		if err != nil {
			return err
		}
		if err := d.move(d.by.ID, l, outside, held); err != nil {
			return err
		}
	}
	return nil
}

// make lets a lot grow by what the caller made of it.
func (d *desk) make(t thing) (Line, error) {
	owner, registered := party.ByPrefix(d.tx, prefixDigits(t))
	if registered && owner.ID != d.by.ID {
		return Line{}, ErrNotYourPrefix.Refuse("%s is a product of %s", t.id, owner.ID)
	}
	l, known := lots.Get(d.tx, t.id)
	if err := l.mayGrow(d.by.ID, t, registered); known && err != nil {
		return Line{}, err
	}
	if !known || l.unused() {
		l = d.newLot(t)
		if t.key.GTIN() != "" && !registered {
			flag(&l.Flags, FlagPrefix)
			flag(&d.record.Flags, FlagPrefix)
		}
	}
	l.Maker = d.by.ID
	return d.grow(l, t)
}

// grow stores the lot and adds the quantity to it.
func (d *desk) grow(l Lot, t thing) (Line, error) {
	lots.Put(d.tx, l, l.ID)
	line, err := d.line(t)
	if err != nil {
		return line, err
	}
	return line, d.do(Step{Do: doMake, Lot: line.Lot, Amount: line.Amount, Unit: line.Unit})
}

// unused reports whether everything ever made of the lot was taken back.
func (l Lot) unused() bool { return l.Made.IsZero() }

// mayGrow says whether a party may add to a lot that somebody has named before.
// A lot of unknown origin is claimed by whoever the product belongs to.
func (l Lot) mayGrow(by string, t thing, registered bool) error {
	switch {
	case l.unused():
		return nil
	case l.Maker != "" && l.Maker != by:
		return ErrNotMaker.Refuse("%s was logged by %s", l.ID, l.Maker)
	case l.Maker == "" && !registered:
		return ErrNotMaker.Refuse("%s came here with unknown origin", l.ID)
	case t.single:
		return ErrNotMaker.Refuse("%s is there already", l.ID)
	}
	return nil
}

func (d *desk) newLot(t thing) Lot {
	l := Lot{ID: t.id, GTIN: t.key.GTIN(), Number: t.key.Lot(), Serial: t.key.Serial(), Unit: t.unit,
		At: d.event.Time, Expiry: expiry(d.event.ILMD), Origin: d.record.Hash, Rooted: true}
	if t.single {
		l.Unit, l.Number = "", lotNumber(t, d.event.ILMD)
		l.Batch = batchOf(l)
	}
	return l
}

// batchOf is the id of the lot that a single thing belongs to, where its
// number is known.
func batchOf(l Lot) string {
	id, err := gs1.LotID(l.GTIN, l.Number)
	if err != nil {
		return ""
	}
	return id.Path()
}

// prefixDigits are the digits of a key that begin with the company prefix: a
// GTIN leads with its indicator, an SSCC with its extension digit.
func prefixDigits(t thing) string {
	if gtin := t.key.GTIN(); gtin != "" {
		return gtin[1:]
	}
	if t.key.Primary.AI == "00" {
		return t.key.Primary.Value[1:]
	}
	return ""
}

// expiry is the date by which the goods are to be used, as the master data has
// it (CBV 2.0, section 9.2).
func expiry(ilmd []epcis.Field) string {
	for _, name := range []string{"itemExpirationDate", "bestBeforeDate", "sellByDate"} {
		if v := masterData(ilmd, name); v != "" {
			return v
		}
	}
	return ""
}

func lotNumber(t thing, ilmd []epcis.Field) string {
	if t.key.Lot() != "" {
		return t.key.Lot()
	}
	return masterData(ilmd, "lotNumber")
}

func masterData(ilmd []epcis.Field, name string) string {
	i := slices.IndexFunc(ilmd, func(f epcis.Field) bool { return f.Name.Local == name })
	if i < 0 {
		return ""
	}
	return strings.TrimSpace(ilmd[i].Value.Text)
}
