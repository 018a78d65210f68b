package trace

import (
	"strings"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

// thing is one object of an event, as the ledger keeps account of it.
type thing struct {
	id     string // path of the GS1 key, or the URI
	key    gs1.ID // zero for a thing without a GS1 key
	pack   bool
	single bool // one serialised thing: its quantity is 1
	amount gs1.Amount
	unit   string
}

var one = gs1.Whole(1)

// mentions are the objects of an event in one role: "object", "input",
// "output", "parent" or "child".
func (d *desk) mentions(role string, epcs []string, quantities []epcis.Quantity) ([]thing, error) {
	var all []thing
	for _, uri := range epcs {
		t := d.single(uri)
		d.name(t.id, role)
		if t.id != "" && (t.pack || t.single) {
			all = append(all, t)
		}
	}
	for _, q := range quantities {
		t, ok, err := d.counted(q)
		if err != nil {
			return nil, err
		}
		d.name(t.id, role)
		if ok {
			all = append(all, t)
		}
	}
	return all, nil
}

// single reads a URI of an epcList: a serialised thing or a pack.
func (d *desk) single(uri string) thing {
	key, err := gs1.Parse(uri)
	if err != nil {
		return thing{id: uri, single: true, pack: packs.Has(d.tx, uri), amount: one}
	}
	t := thing{id: itemPath(key), key: key, amount: one, single: key.Level() == gs1.Instance}
	t.pack = key.Primary.AI == "00" || packs.Has(d.tx, t.id)
	if !t.single {
		flag(&d.record.Flags, FlagClassLevel)
	}
	return t
}

// counted reads a quantity of a lot. It is not ok where the event names no lot
// or no amount: that is recorded, and moves nothing.
func (d *desk) counted(q epcis.Quantity) (t thing, ok bool, err error) {
	t = thing{id: q.Class, amount: q.Amount, unit: q.Unit}
	key, parseErr := gs1.Parse(q.Class)
	if parseErr == nil {
		t.id, t.key = itemPath(key), key
	}
	switch {
	case parseErr == nil && key.Level() != gs1.Lot, strings.HasPrefix(q.Class, "urn:epc:idpat:"):
		flag(&d.record.Flags, FlagClassLevel)
		return t, false, nil
	case !q.HasAmount:
		flag(&d.record.Flags, FlagAmountMissing)
		return t, false, nil
	case q.Amount.Sign() <= 0:
		return t, false, ErrAmount.Refuse("%s of %s", q.Amount, t.id).On("quantity")
	}
	return t, true, nil
}

// itemPath is the id of a key. A serial number says all: lot and variant are
// dropped, as in the event hash (CBV 2.0, 8.9).
func itemPath(key gs1.ID) string {
	var keep []gs1.Element
	for _, q := range key.Qualifiers {
		if q.AI == "21" || q.AI == "235" || q.AI == "10" && key.Serial() == "" {
			keep = append(keep, q)
		}
	}
	return gs1.ID{Primary: key.Primary, Qualifiers: keep}.Path()
}

// apart splits things into packs and the rest.
func apart(all []thing) (loose []thing, boxes []string) {
	for _, t := range all {
		if t.pack {
			boxes = append(boxes, t.id)
		} else {
			loose = append(loose, t)
		}
	}
	return loose, boxes
}

// line is a thing in the unit of its lot, which must be on the ledger.
func (d *desk) line(t thing) (Line, error) {
	l, ok := lots.Get(d.tx, t.id)
	if !ok {
		return Line{}, ErrNoLot.Refuse("%s", t.id)
	}
	q, err := gs1.Quantity{Amount: t.amount, Unit: t.unit}.In(l.Unit)
	if err != nil {
		return Line{}, ErrUnit.Refuse("%s is kept in %s, not %s", t.id, unitName(l.Unit), unitName(t.unit)).On("quantity")
	}
	return Line{Lot: l.ID, Amount: q.Amount, Unit: l.Unit}, nil
}

func unitName(code string) string {
	if code == "" {
		return "pieces"
	}
	return code
}

// lines is line for all of them.
func (d *desk) lines(things []thing) ([]Line, error) {
	var all []Line
	for _, t := range things {
		l, err := d.line(t)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// atHandOf is lines for things that the caller says it has. What came from
// outside the network, and that nobody named before, is taken in with unknown
// origin; a product of a company here would have been logged.
func (d *desk) atHandOf(things []thing) ([]Line, error) {
	for _, t := range things {
		if lots.Has(d.tx, t.id) || d.fromHere(t) {
			continue
		}
		if err := d.takeIn(t); err != nil {
			return nil, err
		}
	}
	return d.lines(things)
}

// fromHere reports whether a company of the network has the thing's prefix.
func (d *desk) fromHere(t thing) bool {
	_, registered := party.ByPrefix(d.tx, prefixDigits(t))
	return registered
}

// summed adds up the lines of each lot, in the order in which lots first appear.
func summed(lines []Line) []Line {
	var sum []Line
	at := map[string]int{}
	for _, l := range lines {
		i, seen := at[l.Lot]
		if !seen {
			at[l.Lot] = len(sum)
			sum = append(sum, l)
			continue
		}
		sum[i].Amount = sum[i].Amount.Add(l.Amount)
	}
	return sum
}

// partyURI names a company that has no GLN.
const partyURI = "urn:tallyway:party:"

// partyAt finds the company behind a source or destination: by its GLN, its
// company prefix, or its id here.
func (d *desk) partyAt(uri string) (party.Party, bool) {
	if id, ok := strings.CutPrefix(uri, partyURI); ok {
		return party.Find(d.tx, id)
	}
	key, err := gs1.Parse(uri)
	if err != nil || key.Primary.AI != "414" && key.Primary.AI != "417" {
		return party.Party{}, false
	}
	if p, ok := party.ByGLN(d.tx, key.Primary.Value); ok {
		return p, true
	}
	return party.ByPrefix(d.tx, key.Primary.Value)
}
