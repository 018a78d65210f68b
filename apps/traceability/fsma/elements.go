package fsma

import "strings"

// Element is a key data element of a critical tracking event.
type Element struct {
	ID     string // of the filter: "document"
	Clause string // of 21 CFR part 1: "1.1340(a)(8)"
	Name   string // an English key
	EPCIS  string // where an event or the master data holds it
	Who    string // can fill it in: an English key
	How    string // an English key
	value  func(*Row) string
	place  func(*Row) Place // of a location description, else nil
	asked  func(*Row) bool  // nil is always
}

// Gap is an element that a row lacks.
type Gap struct {
	*Element
	Lacks []string // of a location that is known by its key only, English keys
	Place string   // its GLN
}

const (
	recorder = "who recorded the event"
	placed   = "whose place it is"
	branded  = "whose product it is"
	fixEvent = "Declare the event an error, and record it anew with this."
	fixPlace = "Describe the place with phone number and address."
	fixGoods = "Describe the product with its commodity and packaging."
)

func event(id, clause, name, epcis string, value func(*Row) string) Element {
	return Element{ID: id, Clause: clause, Name: name, EPCIS: epcis, Who: recorder, How: fixEvent, value: value}
}

func location(id, clause, name, epcis string, place func(*Row) Place) Element {
	return Element{ID: id, Clause: clause, Name: name, EPCIS: epcis, Who: placed, How: fixPlace, place: place,
		value: func(r *Row) string { return place(r).GLN }}
}

func goods(id, clause, name string, value func(*Row) string) Element {
	return Element{ID: id, Clause: clause, Name: name, EPCIS: "product master data; ILMD", Who: branded, How: fixGoods, value: value}
}

// The values that several events ask for.
var (
	tlc         = func(r *Row) string { return r.Line.Lot }
	quantity    = func(r *Row) string { return r.Line.Amount }
	commodity   = func(r *Row) string { return r.Commodity }
	description = func(r *Row) string { return orElse(r.Line.Facts.Description, r.Product.Description()) }
	document    = func(r *Row) string { return r.Doc.Number }
	date        = func(r *Row) string {
		if r.Line.At.IsZero() {
			return ""
		}
		return r.Line.Local().Format("2006-01-02")
	}
	source   = func(r *Row) string { return orElse(r.SourceRef, r.TLCSource.GLN) }
	here     = func(r *Row) Place { return r.Here }
	from     = func(r *Row) Place { return r.From }
	to       = func(r *Row) Place { return r.To }
	farmOf   = func(r *Row) Place { return r.Farm }
	coolerOf = func(r *Row) Place { return r.Cooler }
	cooled   = func(r *Row) bool { return r.Cooler.GLN != "" || r.CoolDate != "" }
	usedAny  = func(r *Row) bool { return r.Used.GTIN != "" }
)

func (e Element) when(asked func(*Row) bool) Element { e.asked = asked; return e }

// Elements are the key data elements of each critical tracking event.
var Elements = map[CTE][]Element{
	Harvesting: {
		location("recipient", "1.1325(a)(1)(i)", "Immediate subsequent recipient", "destinationList location of the move that follows", to),
		goods("commodity", "1.1325(a)(1)(ii)", "Commodity and variety", commodity),
		event("quantity", "1.1325(a)(1)(iii)", "Quantity and unit", "quantityList", quantity),
		location("farm", "1.1325(a)(1)(iv)", "Farm where it was harvested", "readPoint", farmOf),
		event("field", "1.1325(a)(1)(v)", "Field or growing area", "bizLocation within the readPoint; ILMD fieldName", func(r *Row) string { return r.Field }).when(func(r *Row) bool { return produce(r.Product.Category) }),
		event("date", "1.1325(a)(1)(vii)", "Date of harvesting", "eventTime; ILMD harvestDate", func(r *Row) string { return r.HarvestDate }),
		event("document", "1.1325(a)(1)(viii)", "Reference document", "bizTransactionList", document),
	},
	Cooling: {
		location("recipient", "1.1325(b)(1)(i)", "Immediate subsequent recipient", "destinationList location of the move that follows", to),
		goods("commodity", "1.1325(b)(1)(ii)", "Commodity and variety", commodity),
		event("quantity", "1.1325(b)(1)(iii)", "Quantity and unit", "quantityList", quantity),
		location("cooler", "1.1325(b)(1)(iv)", "Where it was cooled", "readPoint, bizLocation", coolerOf),
		event("date", "1.1325(b)(1)(v)", "Date of cooling", "eventTime", func(r *Row) string { return r.CoolDate }),
		location("farm", "1.1325(b)(1)(vi)", "Farm where it was harvested", "readPoint of the harvest; sourceList location of the arrival", farmOf),
		event("document", "1.1325(b)(1)(vii)", "Reference document", "bizTransactionList", document),
	},
	InitialPacking: {
		goods("commodity", "1.1330(a)(1)", "Commodity and variety", commodity),
		event("received-date", "1.1330(a)(2)", "Date received", "eventTime of the receiving before", func(r *Row) string { return r.ReceivedDate }),
		event("received-quantity", "1.1330(a)(3)", "Quantity received", "quantityList of the receiving before; inputQuantityList", func(r *Row) string { return r.Received.Amount }),
		location("farm", "1.1330(a)(4)", "Farm where it was harvested", "readPoint of the harvest", farmOf),
		event("field", "1.1330(a)(5)", "Field or growing area", "bizLocation of the harvest; ILMD fieldName", func(r *Row) string { return r.Field }).when(func(r *Row) bool { return produce(r.Product.Category) }),
		event("harvester", "1.1330(a)(7)", "Harvester's name and phone number", "sourceList owning_party of the move that follows the harvest; ILMD", func(r *Row) string { return r.Harvester }),
		event("harvest-date", "1.1330(a)(8)", "Date of harvesting", "eventTime of the harvest", func(r *Row) string { return r.HarvestDate }),
		location("cooler", "1.1330(a)(9)", "Where it was cooled", "readPoint of the cooling", coolerOf).when(cooled),
		event("cool-date", "1.1330(a)(10)", "Date of cooling", "eventTime of the cooling", func(r *Row) string { return r.CoolDate }).when(cooled),
		event("tlc", "1.1330(a)(11)", "Traceability lot code", "outputQuantityList: GTIN and lot", tlc),
		goods("description", "1.1330(a)(12)", "Product description", description),
		event("quantity", "1.1330(a)(13)", "Quantity and unit", "outputQuantityList", quantity),
		location("place", "1.1330(a)(14)", "Where it was packed", "readPoint, bizLocation", here),
		event("date", "1.1330(a)(15)", "Date of initial packing", "eventTime", date),
		event("document", "1.1330(a)(16)", "Reference document", "bizTransactionList", document),
	},
	FirstReceiving: {
		event("tlc", "1.1335(a)", "Traceability lot code", "quantityList: GTIN and lot", tlc),
		event("species", "1.1335(b)", "Species or market name", "ILMD fishType, species; product master data", func(r *Row) string { return orElse(r.Line.Facts.Fish, r.Product.Description()) }),
		event("quantity", "1.1335(c)", "Quantity and unit", "quantityList", quantity),
		event("harvest-date", "1.1335(d)", "Dates of the catch", "ILMD harvestDateStart, harvestDateEnd", func(r *Row) string { return r.HarvestDate }),
		event("catch", "1.1335(d)", "Where it was caught", "ILMD catchZone, catchArea", func(r *Row) string { return strings.Join(r.Line.Facts.Catch, ", ") }),
		location("place", "1.1335(e)", "First land-based receiver", "readPoint", here),
		event("date", "1.1335(f)", "Date of landing", "eventTime; ILMD landingDate", func(r *Row) string { return orElse(r.Line.Facts.Landed, date(r)) }),
		event("document", "1.1335(g)", "Reference document", "bizTransactionList", document),
	},
	Shipping: {
		event("tlc", "1.1340(a)(1)", "Traceability lot code", "quantityList, or what is in the pack of the epcList", tlc),
		event("quantity", "1.1340(a)(2)", "Quantity and unit", "quantityList", quantity),
		goods("description", "1.1340(a)(3)", "Product description", description),
		location("recipient", "1.1340(a)(4)", "Immediate subsequent recipient", "destinationList location", to),
		location("place", "1.1340(a)(5)", "Where it was shipped from", "readPoint; sourceList location", from),
		event("date", "1.1340(a)(6)", "Date of shipping", "eventTime", date),
		event("source", "1.1340(a)(7)", "Traceability lot code source", "readPoint of the event that made the lot; extension tlcSourceReference", source),
		event("document", "1.1340(a)(8)", "Reference document", "bizTransactionList", document),
	},
	Receiving: {
		event("tlc", "1.1345(a)(1)", "Traceability lot code", "quantityList, childQuantityList, or what is in the pack", tlc),
		event("quantity", "1.1345(a)(2)", "Quantity and unit", "quantityList, childQuantityList", quantity),
		goods("description", "1.1345(a)(3)", "Product description", description),
		location("sender", "1.1345(a)(4)", "Immediate previous source", "sourceList location", from),
		location("place", "1.1345(a)(5)", "Where it was received", "readPoint", here),
		event("date", "1.1345(a)(6)", "Date of receiving", "eventTime", date),
		event("source", "1.1345(a)(7)", "Traceability lot code source", "readPoint of the event that made the lot; extension tlcSourceReference", source),
		event("document", "1.1345(a)(8)", "Reference document", "bizTransactionList", document),
	},
	Transformation: {
		event("used-tlc", "1.1350(a)(1)(i)", "Traceability lot code of the food used", "inputQuantityList", func(r *Row) string { return r.Used.Lot }).when(usedAny),
		goods("used-description", "1.1350(a)(1)(ii)", "Description of the food used", func(r *Row) string { return r.Input.Description() }).when(usedAny),
		event("used-quantity", "1.1350(a)(1)(iii)", "Quantity used", "inputQuantityList", func(r *Row) string { return r.Used.Amount }).when(usedAny),
		event("tlc", "1.1350(a)(2)(i)", "Traceability lot code", "outputQuantityList", tlc),
		location("place", "1.1350(a)(2)(ii)", "Where it was made", "readPoint, bizLocation", here),
		event("date", "1.1350(a)(2)(iii)", "Date of transformation", "eventTime", date),
		goods("description", "1.1350(a)(2)(iv)", "Product description", description),
		event("quantity", "1.1350(a)(2)(v)", "Quantity and unit", "outputQuantityList", quantity),
		event("document", "1.1350(a)(2)(vi)", "Reference document", "bizTransactionList", document),
	},
}

// produce reports whether fields are asked for: of what grows, not of eggs.
func produce(category string) bool { return kindOf(category) == grown && category != "shell-eggs" }

// gapsOf lists what a row lacks, in the regulation's order.
func gapsOf(r *Row) []Gap {
	var gaps []Gap
	elements := Elements[r.CTE]
	for i := range elements {
		e := &elements[i]
		switch {
		case e.asked != nil && !e.asked(r):
		case e.value(r) == "":
			gaps = append(gaps, Gap{Element: e})
		case e.place != nil:
			if place := e.place(r); len(place.lacks()) > 0 {
				gaps = append(gaps, Gap{e, place.lacks(), place.GLN})
			}
		}
	}
	return gaps
}

// Value is what a row tells of an element, "" where it tells nothing.
func (e *Element) Value(r *Row) string {
	if e.place != nil {
		return e.place(r).Text()
	}
	return e.value(r)
}

// Missing reports whether the event itself tells nothing of the element: a
// location that only wants its address is not missing.
func (g Gap) Missing() bool { return len(g.Lacks) == 0 }

// Remedy says how a gap is filled. A location that the event does not tell is
// not mended by describing it.
func (g Gap) Remedy() (who, how string) {
	if g.place != nil && g.Missing() {
		return recorder, fixEvent
	}
	return g.Who, g.How
}
