package fsma

import (
	"slices"
	"time"

	"github.com/tallyway/tallyway/shared/epcis"
)

// Row is one line of the records of a critical tracking event.
type Row struct {
	CTE     CTE
	Line    Line
	Used    Line // a food that the process used; zero where none is known
	Product Product
	Input   Product // of Used

	Here, From, To Place // where it happened, came from, goes to
	Farm, Cooler   Place
	TLCSource      Place
	SourceRef      string // in place of TLCSource

	Commodity, Variety string
	Field, Harvester   string
	HarvestDate        string // dates as YYYY-MM-DD
	HarvestEnd         string
	CoolDate           string
	ReceivedDate       string
	Received           Line // how much of the raw food arrived at the packer
	Doc                Doc

	Gaps []Gap
}

// Date is the day on which it happened, on the clock of the place.
func (r *Row) Date() time.Time { return r.Line.Local() }

// History is what other events told of lots before.
type History interface {
	// Of gives the lines of a lot with their critical tracking events,
	// Before included, in the order of time.
	Of(lot string) []Past
	// Origin is where a lot's code was assigned; "" is not known.
	Origin(lot string) string
}

// Past is one line of a lot's history.
type Past struct {
	CTE  CTE
	Line Line
}

// Complete fills a row from its line, its food's history and the master data,
// and lists what is missing.
func Complete(cte CTE, line, used Line, h History, m Master) Row {
	r := Row{CTE: cte, Line: line, Used: used, Product: m.Product(line.GTIN), Here: m.Place(line.Place), Doc: firstDoc(line)}
	r.From, r.To = m.Place(orElse(line.Source, line.From)), m.Place(orElse(line.Dest, line.To))
	r.Commodity, r.Variety = orElse(line.Facts.Commodity, r.Product.Commodity), orElse(line.Facts.Variety, r.Product.Variety)
	switch cte {
	case Harvesting:
		r.harvest(line, m)
		r.To = m.Place(orElse(orElse(line.Dest, line.To), next(h.Of(line.Lot), line)))
	case Cooling:
		r.cooling(h, m)
	case InitialPacking:
		r.packing(h, m)
	case FirstReceiving:
		r.HarvestDate, r.HarvestEnd = line.Facts.HarvestFrom, line.Facts.HarvestTo
		r.TLCSource = r.Here
	case Shipping, Receiving:
		r.handOver(h, m)
	case Transformation:
		r.TLCSource, r.SourceRef = r.Here, line.Facts.SourceRef
	}
	if used.GTIN != "" {
		r.Input = m.Product(used.GTIN)
	}
	r.Gaps = gapsOf(&r)
	return r
}

func (r *Row) harvest(line Line, m Master) {
	f := line.Facts
	r.Farm = m.Place(orElse(f.Farm, line.Place))
	r.Field = joined(" ", orElse(f.Field, m.Place(line.Area).Text()), f.Container)
	r.HarvestDate = orElse(f.HarvestFrom, line.Local().Format(time.DateOnly))
	r.HarvestEnd = f.HarvestTo
	r.Harvester = joined(", ", f.Harvester, f.HarvesterPhone)
}

// cooling: the farm stands in the harvest, or in the arrival at the cooler; the
// next recipient in what left it.
func (r *Row) cooling(h History, m Master) {
	past := h.Of(r.Line.Lot)
	r.Cooler = r.Here
	r.CoolDate = orElse(r.Line.Facts.Cooled, r.Line.Local().Format(time.DateOnly))
	r.Farm = m.Place(orElse(orElse(r.Line.Facts.Farm, r.Line.Source), farm(past)))
	r.To = m.Place(orElse(orElse(r.Line.Dest, r.Line.To), next(past, r.Line)))
	for _, p := range past {
		if r.Doc == (Doc{}) {
			r.Doc = firstDoc(p.Line)
		}
	}
}

// packing brings what the harvester and the cooler told along (section
// 1.1330(a)(1) to (10)).
func (r *Row) packing(h History, m Master) {
	past := h.Of(r.Used.Lot)
	f := r.Line.Facts
	r.TLCSource, r.SourceRef = r.Here, f.SourceRef
	r.Received = r.Used
	r.HarvestDate, r.CoolDate, r.Field, r.Harvester = f.HarvestFrom, f.Cooled, f.Field, joined(", ", f.Harvester, f.HarvesterPhone)
	r.Farm, r.Cooler = m.Place(orElse(f.Farm, farm(past))), m.Place(f.Cooler)
	used := m.Product(r.Used.GTIN)
	r.Commodity, r.Variety = orElse(orElse(f.Commodity, used.Commodity), r.Commodity), orElse(orElse(f.Variety, used.Variety), r.Variety)
	for _, p := range past {
		switch {
		case p.CTE == Harvesting:
			other := Row{Line: p.Line}
			other.harvest(p.Line, m)
			r.HarvestDate, r.Field = orElse(r.HarvestDate, other.HarvestDate), orElse(r.Field, other.Field)
			r.Harvester = orElse(r.Harvester, other.Harvester)
		case p.CTE == Cooling:
			r.CoolDate = orElse(r.CoolDate, p.Line.Local().Format(time.DateOnly))
			if r.Cooler.GLN == "" {
				r.Cooler = m.Place(p.Line.Place)
			}
		case p.Line.Step == Receive && (r.Line.Place == "" || p.Line.Place == r.Line.Place):
			r.ReceivedDate, r.Received = p.Line.Local().Format(time.DateOnly), p.Line
		case p.Line.From != "" && r.Harvester == "":
			r.Harvester = business(m.Place(p.Line.From))
		}
	}
	if r.ReceivedDate == "" && r.Farm.GLN != "" && r.Farm.GLN == r.Here.GLN { // packed where it was harvested: nothing came
		r.ReceivedDate = r.HarvestDate
	}
}

func business(p Place) string { return joined(", ", orElse(p.Name, p.GLN), p.Phone) }

func (r *Row) handOver(h History, m Master) {
	r.SourceRef = r.Line.Facts.SourceRef
	if r.SourceRef == "" {
		r.TLCSource = m.Place(h.Origin(r.Line.Lot))
	}
	if r.Line.Step == Ship {
		if r.Line.Source == "" {
			r.From = orPlace(r.Here, r.From)
		}
		return
	}
	if r.Line.Place == "" {
		r.Here = r.To
	}
}

func orPlace(a, b Place) Place {
	if a.GLN != "" {
		return a
	}
	return b
}

// farm is where a raw lot was harvested, as far as its history tells.
func farm(past []Past) string {
	for _, p := range past {
		if p.CTE == Harvesting {
			return orElse(p.Line.Facts.Farm, p.Line.Place)
		}
	}
	for _, p := range past {
		if p.Line.Step == Receive && p.Line.Source != "" {
			return p.Line.Source
		}
	}
	return ""
}

// next is to whom a raw lot went after a line.
func next(past []Past, after Line) string {
	for _, p := range past {
		if p.CTE == Before && !p.Line.At.Before(after.At) && (p.Line.Step == Ship || p.Line.Step == Move) {
			if to := orElse(p.Line.Dest, p.Line.To); to != "" {
				return to
			}
		}
	}
	return ""
}

func firstDoc(l Line) Doc {
	if len(l.Docs) == 0 {
		return Doc{}
	}
	return l.Docs[0]
}

func orElse(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// Analyse reads a document: its events in order, with what they tell of each
// other. Foods of which the master data knows no category are taken as listed.
func Analyse(events []epcis.Event, m Master) []Row {
	b := &book{master: m, packs: map[string][]Line{}, lots: map[string][]Past{}, raw: map[string]bool{}, packed: map[string]bool{}, origins: map[string]string{}}
	for i := range events {
		b.note(&events[i])
	}
	var rows []Row
	for _, group := range b.lines {
		rows = append(rows, b.rows(group)...)
	}
	return rows
}

// book is the history in a document.
type book struct {
	master  Master
	packs   map[string][]Line
	lots    map[string][]Past
	raw     map[string]bool
	packed  map[string]bool
	origins map[string]string
	lines   [][]Line // by event
}

func (b *book) Origin(lot string) string { return b.origins[lot] }
func (b *book) Of(lot string) []Past     { return b.lots[lot] }

func (b *book) note(e *epcis.Event) {
	id := e.ID
	if id == "" {
		id, _ = e.Hash() // an event without one is still told apart by its lines
	}
	if e.Type == epcis.AggregationEvent && e.Action == epcis.Add {
		r := lineReader{base: Line{Event: id}}
		r.add(Object, e.ChildEPCs, e.ChildQuantities)
		b.packs[pathOf(e.Parent)] = r.lines
	}
	lines := Lines(e, id, func(pack string) []Line { return b.packs[pack] })
	if len(lines) == 0 {
		return
	}
	b.lines = append(b.lines, lines)
	for _, l := range lines {
		switch {
		case l.Step == Process && l.Side == Output:
			b.packed[l.Lot] = true
			b.origins[l.Lot] = l.Place
		case l.Step == Land:
			b.origins[l.Lot] = l.Place
		case l.Step == Make && kindOf(b.master.Product(l.GTIN).Category) != made, l.Step == Cool:
			b.raw[l.Lot] = true
		case l.Step == Make:
			b.origins[l.Lot] = l.Place
		}
	}
}

func (b *book) isRaw(lot string) bool { return b.raw[lot] && !b.packed[lot] }

func (b *book) cte(lines []Line, l Line) CTE {
	raw := b.isRaw(l.Lot)
	if l.Step == Process {
		raw = slices.ContainsFunc(lines, func(in Line) bool { return in.Side == Input && b.isRaw(in.Lot) })
	}
	return Classify(l.Step, b.master.Product(l.GTIN).Category, raw)
}

func (b *book) rows(lines []Line) []Row {
	if len(b.lots) == 0 {
		for _, group := range b.lines {
			for _, l := range group {
				b.lots[l.Lot] = append(b.lots[l.Lot], Past{b.cte(group, l), l})
			}
		}
	}
	var rows []Row
	for _, l := range lines {
		cte := b.cte(lines, l)
		if cte == "" || cte == Before || l.Side == Input {
			continue
		}
		for _, used := range inputs(lines) {
			rows = append(rows, Complete(cte, l, used, b, b.master))
		}
	}
	return rows
}

// mostPaired bounds the rows of a process in which very many became very many:
// each output then stands with the first inputs.
const mostPaired = 200

// inputs are those of a process; where there are none, a zero line.
func inputs(lines []Line) []Line {
	var in []Line
	for _, l := range lines {
		if l.Side == Input && len(in) < mostPaired {
			in = append(in, l)
		}
	}
	if len(in) == 0 {
		return []Line{{}}
	}
	return in
}
