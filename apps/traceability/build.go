package traceability

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

// This file turns what people enter into EPCIS events. The forms decide
// nothing: whatever they build, a machine could have sent.

// company is a party as events name it.
type company struct {
	ID       string `db:"id"`
	Name     string `db:"name"`
	NameZh   string `db:"name_zh"`
	Kinds    string `db:"kinds"`
	Prefixes string `db:"prefixes"`
	GLN      string `db:"gln"` // the main one; may be empty
}

// party is the company as the one who owns or possesses goods: its PGLN where
// it has one, else its id in this network, which chaincode/trace reads too.
func (c company) party() string {
	if c.GLN == "" {
		return "urn:tallyway:party:" + c.ID
	}
	return "https://id.gs1.org/417/" + c.GLN
}

// place is where the company does things, or "" when it told no GLN.
func (c company) place() string {
	if c.GLN == "" {
		return ""
	}
	return "https://id.gs1.org/414/" + c.GLN
}

// amount is a quantity in a form: a decimal above zero, as people type it.
type amount struct{ gs1.Amount }

// UnmarshalText reads "480", "480.5" or "1 200".
func (a *amount) UnmarshalText(text []byte) error {
	v, err := gs1.ParseAmount(strings.ReplaceAll(string(text), " ", ""))
	if err != nil || v.Sign() < 0 {
		return trace.ErrAmount.Refuse("")
	}
	a.Amount = v
	return nil
}

// MarshalText writes it back for a form that starts filled in.
func (a amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// goods is so much of one lot.
type goods struct {
	Lot    string // id: "01/<gtin>/10/<lot>"
	Amount gs1.Amount
	Unit   string
}

func quantities(all []goods) []epcis.Quantity {
	var list []epcis.Quantity
	for _, g := range all {
		list = append(list, epcis.Quantity{Class: uri(g.Lot), Amount: g.Amount, HasAmount: true, Unit: g.Unit})
	}
	return list
}

// uri is the canonical form of an id of the ledger. Single things that have no
// GS1 key are known by their URI already.
func uri(id string) string {
	if key, err := gs1.Parse(id); err == nil {
		return key.URI()
	}
	return id
}

func uris(ids []string) []string {
	var all []string
	for _, id := range ids {
		all = append(all, uri(id))
	}
	return all
}

// event is what all events of a company have in common. The offset is that of
// the zone in which at was told: the clock of whoever did it.
func (c company) event(kind, step string, at time.Time) epcis.Event {
	return epcis.Event{Type: kind, Time: at.UTC().Truncate(time.Millisecond), Offset: at.Format("-07:00"), BizStep: step,
		ReadPoint: c.place(), BizLocation: c.place()}
}

// masterData is what is said of a new lot (CBV 2.0, section 9.2): its number,
// and the date by which it is to be used, if any.
func masterData(lot, bestBefore string) []epcis.Field {
	var fields []epcis.Field
	for _, f := range [][2]string{{"lotNumber", lot}, {"bestBeforeDate", bestBefore}} {
		if f[1] != "" {
			fields = append(fields, epcis.Field{Name: epcis.Name{Prefix: "cbvmda", Local: f[0]}, Value: epcis.Value{Text: f[1]}})
		}
	}
	return fields
}

// logged is the birth of a lot.
func logged(by company, at time.Time, g goods, bestBefore string) epcis.Event {
	e := by.event(epcis.ObjectEvent, "commissioning", at)
	e.Action, e.Disposition = epcis.Add, "active"
	e.Quantities = quantities([]goods{g})
	number := ""
	if key, err := gs1.Parse(g.Lot); err == nil {
		number = key.Lot()
	}
	e.ILMD = masterData(number, bestBefore)
	return e
}

// consignment is what a shipping form says.
type consignment struct {
	From, To company
	Carrier  company // zero where the sender brings the goods
	Advice   string  // number of the despatch advice
	Goods    []goods
	Packs    []string // ids of SSCCs
	Return   bool     // not for sale: back to its maker
}

// shipped tells that goods left: owned by the receiver from the hand-over on,
// in the carrier's hands until then.
func shipped(c consignment, at time.Time) epcis.Event {
	e := c.From.event(epcis.ObjectEvent, "shipping", at)
	e.Action, e.Disposition = epcis.Observe, "in_transit"
	if c.Return {
		e.Disposition = "returned"
	}
	e.BizLocation = "" // on its way, the goods are nowhere (CBV 2.0, section 7.4.3)
	e.Quantities, e.EPCs = quantities(c.Goods), uris(c.Packs)
	e.BizTransactions = c.documents()
	e.Sources, e.Destinations = parties(c.From, c.From), parties(c.To, c.To)
	if c.Carrier.ID != "" {
		e.Destinations = parties(c.To, c.Carrier)
	}
	return e
}

// parties are who owns and who possesses the goods at one end, and where.
func parties(owner, possessor company) []epcis.Typed {
	all := []epcis.Typed{{Type: "owning_party", Value: owner.party()}, {Type: "possessing_party", Value: possessor.party()}}
	if owner.place() != "" {
		all = append(all, epcis.Typed{Type: "location", Value: owner.place()})
	}
	return all
}

// documents name the despatch advice in the CBV's form, with the GLN of whose
// number it is (CBV 2.0, section 8.5.1).
func (c consignment) documents() []epcis.Typed {
	if c.Advice == "" {
		return nil
	}
	owner := c.From.GLN
	if owner == "" {
		owner = c.From.ID
	}
	return []epcis.Typed{{Type: "desadv", Value: "urn:epcglobal:cbv:bt:" + owner + ":" + url.PathEscape(c.Advice)}}
}

// adviceNumber is the number in a document's URI, for people.
func adviceNumber(document string) string {
	number := document[strings.LastIndexByte(document, ':')+1:]
	if plain, err := url.PathUnescape(number); err == nil {
		return plain
	}
	return number
}

// arrival is what an accepting form says.
type arrival struct {
	From, To  company
	Documents []string // of the shipment, as it told them
	Goods     []goods
	Packs     []string
	Apart     bool // kept apart, not for sale
}

// received tells that goods arrived.
func received(a arrival, at time.Time) epcis.Event {
	e := a.To.event(epcis.ObjectEvent, "receiving", at)
	e.Action, e.Disposition = epcis.Observe, "in_progress"
	if a.Apart {
		e.Disposition = "non_sellable_other"
	}
	e.Quantities, e.EPCs = quantities(a.Goods), uris(a.Packs)
	for _, d := range a.Documents {
		e.BizTransactions = append(e.BizTransactions, epcis.Typed{Type: "desadv", Value: d})
	}
	e.Sources, e.Destinations = parties(a.From, a.From), parties(a.To, a.To)
	return e
}

// made is an output of a process.
type made struct {
	goods
	BestBefore string
}

// transformed tells what was made of what. Master data holds for all outputs of
// an event, so outputs that keep for different times stand in events of their
// own, joined to one process by id (EPCIS 2.0, section 7.4.6).
func transformed(by company, at time.Time, id string, in []goods, out []made) []epcis.Event {
	var events []epcis.Event
	for _, date := range dates(out) {
		e := by.event(epcis.TransformationEvent, "commissioning", at)
		e.Disposition, e.TransformationID, e.ILMD = "active", id, masterData("", date)
		for _, m := range out {
			if m.BestBefore == date {
				e.OutputQuantities = append(e.OutputQuantities, quantities([]goods{m.goods})...)
			}
		}
		events = append(events, e)
	}
	events[0].InputQuantities = quantities(in)
	return events
}

// dates are the different dates of the outputs, in the order in which they
// first appear; "" where there is no output.
func dates(out []made) []string {
	var all []string
	for _, m := range out {
		if !slices.Contains(all, m.BestBefore) {
			all = append(all, m.BestBefore)
		}
	}
	if len(all) == 0 {
		return []string{""}
	}
	return all
}

// packed tells that lots and packs went into a pack.
func packed(by company, at time.Time, pack string, in []goods, packs []string) epcis.Event {
	e := by.event(epcis.AggregationEvent, "packing", at)
	e.Action, e.Disposition = epcis.Add, "in_progress"
	e.Parent, e.ChildQuantities, e.ChildEPCs = uri(pack), quantities(in), uris(packs)
	return e
}

// unpacked tells that everything came out of a pack.
func unpacked(by company, at time.Time, pack string) epcis.Event {
	e := by.event(epcis.AggregationEvent, "unpacking", at)
	e.Action, e.Disposition, e.Parent = epcis.Delete, "in_progress", uri(pack)
	return e
}

// sold tells that goods went over the counter.
func sold(by company, at time.Time, all []goods) epcis.Event {
	e := by.event(epcis.ObjectEvent, "retail_selling", at)
	e.Action, e.Disposition, e.Quantities = epcis.Observe, "retail_sold", quantities(all)
	return e
}

// destroyed tells that goods are no more.
func destroyed(by company, at time.Time, all []goods) epcis.Event {
	e := by.event(epcis.ObjectEvent, "destroying", at)
	e.Action, e.Disposition, e.Quantities = epcis.Delete, "destroyed", quantities(all)
	return e
}

// capture is the command that brings an event to the ledger.
func capture(e epcis.Event, tolerance gs1.Amount) (trace.Capture, error) {
	body, err := e.JSON()
	return trace.Capture{Event: body, Tolerance: tolerance}, err
}
