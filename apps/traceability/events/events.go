// Package events turns what people enter into EPCIS events: the forms, the
// demo and the benchmarks build theirs here. It decides nothing: whatever it
// builds, a machine could have sent.
package events

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

// Company is a party as events name it.
type Company struct {
	ID       string `db:"id"`
	Name     string `db:"name"`
	NameZh   string `db:"name_zh"`
	Kinds    string `db:"kinds"`
	Prefixes string `db:"prefixes"`
	GLN      string `db:"gln"` // the main one; may be empty
}

// party is the company as the one who owns or possesses goods: its PGLN where
// it has one, else its id in this network, which chaincode/trace reads too.
func (c Company) party() string {
	if c.GLN == "" {
		return "urn:tallyway:party:" + c.ID
	}
	return "https://id.gs1.org/417/" + c.GLN
}

// place is where the company does things, or "" when it told no GLN.
func (c Company) place() string {
	if c.GLN == "" {
		return ""
	}
	return "https://id.gs1.org/414/" + c.GLN
}

// Goods is so much of one lot.
type Goods struct {
	Lot    string // id: "01/<gtin>/10/<lot>"
	Amount gs1.Amount
	Unit   string
}

func quantities(all []Goods) []epcis.Quantity {
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
func (c Company) event(kind, step string, at time.Time) epcis.Event {
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

// Logged is the birth of a lot.
func Logged(by Company, at time.Time, g Goods, bestBefore string) epcis.Event {
	e := by.event(epcis.ObjectEvent, "commissioning", at)
	e.Action, e.Disposition = epcis.Add, "active"
	e.Quantities = quantities([]Goods{g})
	number := ""
	if key, err := gs1.Parse(g.Lot); err == nil {
		number = key.Lot()
	}
	e.ILMD = masterData(number, bestBefore)
	return e
}

// Consignment is what a shipping form says.
type Consignment struct {
	From, To Company
	Carrier  Company // zero where the sender brings the goods
	Advice   string  // number of the despatch advice
	Goods    []Goods
	Packs    []string // ids of SSCCs
	Return   bool     // not for sale: back to its maker
}

// Shipped tells that goods left: owned by the receiver from the hand-over on,
// in the carrier's hands until then.
func Shipped(c Consignment, at time.Time) epcis.Event {
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
func parties(owner, possessor Company) []epcis.Typed {
	all := []epcis.Typed{{Type: "owning_party", Value: owner.party()}, {Type: "possessing_party", Value: possessor.party()}}
	if owner.place() != "" {
		all = append(all, epcis.Typed{Type: "location", Value: owner.place()})
	}
	return all
}

// documents name the despatch advice in the CBV's form, with the GLN of whose
// number it is (CBV 2.0, section 8.5.1).
func (c Consignment) documents() []epcis.Typed {
	return c.From.Document("desadv", c.Advice)
}

// Document names a document of the company's own, by a type of the CBV
// ("prodorder") and its number; none where there is no number.
func (c Company) Document(kind, number string) []epcis.Typed {
	if number == "" {
		return nil
	}
	owner := c.GLN
	if owner == "" {
		owner = c.ID
	}
	return []epcis.Typed{{Type: kind, Value: "urn:epcglobal:cbv:bt:" + owner + ":" + url.PathEscape(number)}}
}

// AdviceNumber is the number in a document's URI, for people.
func AdviceNumber(document string) string {
	number := document[strings.LastIndexByte(document, ':')+1:]
	if plain, err := url.PathUnescape(number); err == nil {
		return plain
	}
	return number
}

// Arrival is what an accepting form says.
type Arrival struct {
	From, To  Company
	Shipment  string   // id of the one that is answered; empty where only the goods and documents are known
	Documents []string // of the shipment, as it told them
	Goods     []Goods
	Packs     []string
	Apart     bool // kept apart, not for sale
}

// Received tells that goods arrived.
func Received(a Arrival, at time.Time) epcis.Event {
	e := a.To.event(epcis.ObjectEvent, "receiving", at)
	e.Action, e.Disposition = epcis.Observe, "in_progress"
	if a.Apart {
		e.Disposition = "non_sellable_other"
	}
	e.Quantities, e.EPCs = quantities(a.Goods), uris(a.Packs)
	if a.Shipment != "" {
		e.BizTransactions = []epcis.Typed{{Value: trace.ShipmentURI + a.Shipment}}
	}
	for _, d := range a.Documents {
		e.BizTransactions = append(e.BizTransactions, epcis.Typed{Type: "desadv", Value: d})
	}
	e.Sources, e.Destinations = parties(a.From, a.From), parties(a.To, a.To)
	return e
}

// Made is an output of a process.
type Made struct {
	Goods
	BestBefore string
}

// Transformed tells what was made of what. Master data holds for all outputs of
// an event, so outputs that keep for different times stand in events of their
// own, joined to one process by id (EPCIS 2.0, section 7.4.6).
func Transformed(by Company, at time.Time, id string, in []Goods, out []Made) []epcis.Event {
	var events []epcis.Event
	for _, date := range dates(out) {
		e := by.event(epcis.TransformationEvent, "commissioning", at)
		e.Disposition, e.TransformationID, e.ILMD = "active", id, masterData("", date)
		for _, m := range out {
			if m.BestBefore == date {
				e.OutputQuantities = append(e.OutputQuantities, quantities([]Goods{m.Goods})...)
			}
		}
		events = append(events, e)
	}
	events[0].InputQuantities = quantities(in)
	return events
}

// dates are the different dates of the outputs, in the order in which they
// first appear; "" where there is no output.
func dates(out []Made) []string {
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

// Packed tells that lots and packs went into a pack.
func Packed(by Company, at time.Time, pack string, in []Goods, packs []string) epcis.Event {
	e := by.event(epcis.AggregationEvent, "packing", at)
	e.Action, e.Disposition = epcis.Add, "in_progress"
	e.Parent, e.ChildQuantities, e.ChildEPCs = uri(pack), quantities(in), uris(packs)
	return e
}

// Unpacked tells that everything came out of a pack.
func Unpacked(by Company, at time.Time, pack string) epcis.Event {
	e := by.event(epcis.AggregationEvent, "unpacking", at)
	e.Action, e.Disposition, e.Parent = epcis.Delete, "in_progress", uri(pack)
	return e
}

// Sold tells that goods went over the counter.
func Sold(by Company, at time.Time, all []Goods) epcis.Event {
	e := by.event(epcis.ObjectEvent, "retail_selling", at)
	e.Action, e.Disposition, e.Quantities = epcis.Observe, "retail_sold", quantities(all)
	return e
}

// Destroyed tells that goods are no more.
func Destroyed(by Company, at time.Time, all []Goods) epcis.Event {
	e := by.event(epcis.ObjectEvent, "destroying", at)
	e.Action, e.Disposition, e.Quantities = epcis.Delete, "destroyed", quantities(all)
	return e
}

// Capture is the command that brings an event to the ledger. The tolerance is
// what a process may yield beyond its inputs; zero allows nothing.
func Capture(e epcis.Event, tolerance gs1.Amount) (trace.Capture, error) {
	body, err := e.JSON()
	return trace.Capture{Event: body, Tolerance: tolerance}, err
}
