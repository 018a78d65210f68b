package fsma

import (
	"net/url"
	"strings"

	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

// Step is what an event does with a food, before the food's own nature is known.
type Step string

// The steps that can be a critical tracking event, or tell of one.
const (
	Make    Step = "make"    // a lot comes into being
	Land    Step = "land"    // one that a vessel caught
	Cool    Step = "cool"    //
	Process Step = "process" // lots become other lots
	Ship    Step = "ship"
	Receive Step = "receive"
	Move    Step = "move" // transport without a hand-over
)

// StepOf tells what an event does; "" is of no concern here.
func StepOf(e *epcis.Event) Step {
	switch {
	case e.Error != nil || e.Action == epcis.Delete || e.Type == epcis.AssociationEvent:
		return ""
	case e.Type == epcis.TransformationEvent:
		return Process
	case e.BizStep == "shipping" || e.BizStep == "departing":
		return Ship
	case e.BizStep == "receiving" || e.BizStep == "accepting":
		return Receive
	case e.BizStep == "transporting":
		return Move
	case e.Type != epcis.ObjectEvent:
		return ""
	case cools(e):
		return Cool
	case e.Action != epcis.Add:
		return ""
	case landed(factsOf(e)):
		return Land
	}
	return Make
}

// cools: CBV has no word for cooling. GS1 US takes "other" with the temperature
// (EPCIS Recommendations for FSMA 204 CTEs, R2.0, section 3); others have a
// word of their own.
func cools(e *epcis.Event) bool {
	if strings.Contains(e.BizStep, ":") {
		last := strings.ToLower(e.BizStep[strings.LastIndexAny(e.BizStep, ":/#")+1:])
		return strings.HasPrefix(last, "cool") || strings.HasPrefix(last, "chill")
	}
	if e.BizStep != "other" {
		return false
	}
	for _, s := range e.Sensors {
		for _, r := range s.Reports {
			if r.Type == "Temperature" {
				return true
			}
		}
	}
	return false
}

func landed(f Facts) bool { return f.Fish != "" || len(f.Catch) > 0 || f.Vessel != "" }

// Lines are the foods that an event is about. A pack stands for what is in it,
// as inside tells; an unknown one gives a line with the pack alone. Event hash
// names the event on every line.
func Lines(e *epcis.Event, hash string, inside func(pack string) []Line) []Line {
	step := StepOf(e)
	if step == "" {
		return nil
	}
	r := lineReader{base: baseLine(e, hash, step), inside: inside}
	switch e.Type {
	case epcis.TransformationEvent:
		r.add(Input, e.InputEPCs, e.InputQuantities)
		r.add(Output, e.OutputEPCs, e.OutputQuantities)
	case epcis.AggregationEvent:
		r.add(Object, e.ChildEPCs, e.ChildQuantities)
		pack := pathOf(e.Parent)
		for i := range r.lines {
			r.lines[i].Pack = pack
		}
		if len(r.lines) == 0 && pack != "" {
			r.pack(Object, pack)
		}
	default:
		r.add(Object, e.EPCs, e.Quantities)
	}
	return r.lines
}

func baseLine(e *epcis.Event, hash string, step Step) Line {
	l := Line{Event: hash, At: e.Time, Offset: e.Offset, Step: step, Place: placeOf(e.ReadPoint), Facts: factsOf(e)}
	if area := placeOf(e.BizLocation); l.Place == "" {
		l.Place = area
	} else if area != l.Place {
		l.Area = area
	}
	for _, s := range e.Sources {
		l.Source, l.From = ends(s, l.Source, l.From)
	}
	for _, d := range e.Destinations {
		l.Dest, l.To = ends(d, l.Dest, l.To)
	}
	for _, t := range e.BizTransactions {
		if !strings.HasPrefix(t.Value, "urn:tallyway:") { // the ledger's own shipment is no document
			l.Docs = append(l.Docs, Doc{t.Type, documentNumber(t.Value)})
		}
	}
	return l
}

func ends(t epcis.Typed, place, party string) (string, string) {
	switch t.Type {
	case "location":
		return placeOf(t.Value), party
	case "owning_party":
		return place, placeOf(t.Value)
	}
	return place, party
}

// documentNumber is the number in a business transaction's URI (CBV 2.0,
// section 8.5), or the URI.
func documentNumber(uri string) string {
	rest, ok := strings.CutPrefix(uri, "urn:epcglobal:cbv:bt:")
	if !ok {
		return uri
	}
	_, number, ok := strings.Cut(rest, ":")
	if !ok {
		return uri
	}
	if plain, err := url.PathUnescape(number); err == nil {
		return plain
	}
	return number
}

// placeOf is the GLN of a place or a party, else what stands there.
func placeOf(uri string) string {
	if key, err := gs1.Parse(uri); err == nil && (key.Primary.AI == "414" || key.Primary.AI == "417") {
		return key.Primary.Value
	}
	return uri
}

func pathOf(uri string) string {
	if key, err := gs1.Parse(uri); err == nil {
		return key.Path()
	}
	return uri
}

type lineReader struct {
	base   Line
	inside func(pack string) []Line
	lines  []Line
}

func (r *lineReader) add(side string, epcs []string, quantities []epcis.Quantity) {
	for _, q := range quantities {
		amount := ""
		if q.HasAmount {
			amount = q.Amount.String()
		}
		r.thing(side, q.Class, amount, q.Unit)
	}
	for _, epc := range epcs {
		if key, err := gs1.Parse(epc); err == nil && key.Primary.AI == "00" {
			r.pack(side, key.Path())
			continue
		}
		r.thing(side, epc, "1", "")
	}
}

func (r *lineReader) thing(side, uri, amount, unit string) {
	l := r.base
	l.N, l.Side, l.Amount, l.Unit = len(r.lines), side, amount, unit
	key, err := gs1.Parse(uri)
	if err != nil || key.GTIN() == "" {
		return // an asset, a container: no food that has a GTIN
	}
	l.GTIN, l.Batch = key.GTIN(), key.Lot()
	if l.Batch == "" {
		l.Batch = key.Serial()
	}
	if l.Batch != "" {
		l.Lot = key.Path()
	}
	r.lines = append(r.lines, l)
}

func (r *lineReader) pack(side, pack string) {
	if r.inside == nil {
		return
	}
	for _, in := range r.inside(pack) {
		l := r.base
		l.N, l.Side, l.Pack = len(r.lines), side, pack
		l.Lot, l.GTIN, l.Batch, l.Amount, l.Unit = in.Lot, in.GTIN, in.Batch, in.Amount, in.Unit
		r.lines = append(r.lines, l)
	}
}
