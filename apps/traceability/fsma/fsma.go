// Package fsma reads EPCIS events as the records that 21 CFR part 1, subpart S
// asks for (FSMA section 204): which critical tracking event an event is, the
// key data elements that it and the master data tell, and those that are
// missing, with who can fill them in and how.
//
// It is pure: events and master data in, rows out. Where events are kept and
// who may read which is left to its callers.
package fsma

import "time"

// CTE is a critical tracking event.
type CTE string

// The seven, in the order of the regulation (sections 1.1325 to 1.1350).
const (
	Harvesting     CTE = "harvesting"
	Cooling        CTE = "cooling"
	InitialPacking CTE = "initial-packing"
	FirstReceiving CTE = "first-receiving"
	Shipping       CTE = "shipping"
	Receiving      CTE = "receiving"
	Transformation CTE = "transformation"
)

// Before is no critical tracking event: a raw food on its way before it is
// packed (sections 1.1340(c) and 1.1345(c)). It tells others what they need.
const Before CTE = "before"

// CTEs are the seven.
var CTEs = []CTE{Harvesting, Cooling, InitialPacking, FirstReceiving, Shipping, Receiving, Transformation}

// Title is what people call it; an English key.
func (c CTE) Title() string {
	return map[CTE]string{Harvesting: "Harvesting", Cooling: "Cooling", InitialPacking: "Initial packing", FirstReceiving: "First land-based receiving",
		Shipping: "Shipping", Receiving: "Receiving", Transformation: "Transformation"}[c]
}

// The sides of an event on which a food stands.
const (
	Object = ""    // what the event is about
	Input  = "in"  // what went into a process
	Output = "out" // what came out of it
)

// Line is what one event tells of one food. Places and parties are GLNs, or the
// URI where the event has no GS1 key.
type Line struct {
	Event  string    `json:"event"` // hash or id
	N      int       `json:"n"`
	At     time.Time `json:"at"`
	Offset string    `json:"offset,omitempty"`
	Step   Step      `json:"step"`
	Side   string    `json:"side,omitempty"`
	Lot    string    `json:"lot,omitempty"` // traceability lot code: "01/<gtin>/10/<lot>"
	GTIN   string    `json:"gtin,omitempty"`
	Batch  string    `json:"batch,omitempty"` // or serial
	Pack   string    `json:"pack,omitempty"`  // the SSCC that it is in
	Amount string    `json:"amount,omitempty"`
	Unit   string    `json:"unit,omitempty"`
	Place  string    `json:"place,omitempty"`
	Area   string    `json:"area,omitempty"` // a place within the place: the field
	Source string    `json:"source,omitempty"`
	Dest   string    `json:"dest,omitempty"`
	From   string    `json:"from,omitempty"` // parties
	To     string    `json:"to,omitempty"`
	Docs   []Doc     `json:"docs,omitempty"`
	Facts  Facts     `json:"facts,omitzero"`
}

// Local is when it happened on the clock of the place.
func (l Line) Local() time.Time {
	if z, err := time.Parse("-07:00", l.Offset); err == nil {
		return l.At.In(z.Location())
	}
	return l.At
}

// Doc is a reference document.
type Doc struct {
	Type   string `json:"type,omitempty"` // as EPCIS has it: "desadv"
	Number string `json:"number"`
}

// Facts are what ILMD and extensions tell, by whatever vocabulary.
type Facts struct {
	Commodity      string   `json:"commodity,omitempty"`
	Variety        string   `json:"variety,omitempty"`
	Description    string   `json:"description,omitempty"`
	Field          string   `json:"field,omitempty"`     // or growing area
	Container      string   `json:"container,omitempty"` // of aquaculture
	Harvester      string   `json:"harvester,omitempty"` // name
	HarvesterPhone string   `json:"harvesterPhone,omitempty"`
	HarvestFrom    string   `json:"harvestFrom,omitempty"` // dates
	HarvestTo      string   `json:"harvestTo,omitempty"`
	Fish           string   `json:"fish,omitempty"` // species or market name
	Catch          []string `json:"catch,omitempty"`
	Vessel         string   `json:"vessel,omitempty"`
	Landed         string   `json:"landed,omitempty"` // date
	Cooler         string   `json:"cooler,omitempty"` // GLN
	Cooled         string   `json:"cooled,omitempty"` // date
	Farm           string   `json:"farm,omitempty"`   // GLN
	SourceRef      string   `json:"sourceRef,omitempty"`
	BestBefore     string   `json:"bestBefore,omitempty"`
}

// Product is the master data of a trade item.
type Product struct {
	GTIN, Name, Brand, Commodity, Variety, Packaging string
	Category                                         string // of the Food Traceability List; "" is not on it
	KillStep                                         bool   // its making kills what could make people ill (section 1.1305(d))
	Owner                                            string
}

// Place is the master data of a location.
type Place struct {
	GLN, Name, Phone, Street, City, Region, Postcode, Country, Owner string
}

// Master is what is known of products and places. What is not known has only
// its key.
type Master interface {
	Product(gtin string) Product
	Place(id string) Place
}

// Covered reports whether records of the product are asked for.
func (p Product) Covered() bool { return p.Category != "" && !p.KillStep }

// Description is the product description of section 1.1310: what it is, its
// brand, commodity, variety and packaging.
func (p Product) Description() string {
	return joined(", ", p.Name, p.Brand, p.Commodity, p.Variety, p.Packaging)
}

// Text is the location description of section 1.1310 on one line.
func (p Place) Text() string {
	if p.Name == "" {
		return p.GLN
	}
	return joined(", ", p.Name, p.Street, joined(" ", p.City, p.Region, p.Postcode), p.Country, p.Phone)
}

// lacks says what the location description lacks, as English keys.
func (p Place) lacks() []string {
	var all []string
	for _, f := range []struct{ value, word string }{{p.Name, "name"}, {p.Phone, "phone number"}, {p.Street, "address"}, {p.City, "city"}, {p.Country, "country"}} {
		if f.value == "" {
			all = append(all, f.word)
		}
	}
	if p.Country == "US" && p.Region == "" {
		all = append(all, "state")
	}
	if p.Country == "US" && p.Postcode == "" {
		all = append(all, "postcode")
	}
	return all
}

func joined(by string, parts ...string) string {
	text := ""
	for _, p := range parts {
		switch {
		case p == "":
		case text == "":
			text = p
		default:
			text += by + p
		}
	}
	return text
}
