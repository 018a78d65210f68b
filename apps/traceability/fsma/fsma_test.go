package fsma

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/shared/epcis"
)

// known is master data in which everything is described.
type known struct {
	category map[string]string // by GTIN
	bare     bool              // places have a key only
}

func (k known) Product(gtin string) Product {
	if gtin == "" {
		return Product{}
	}
	return Product{GTIN: gtin, Name: "Food " + gtin[8:], Commodity: "Tomatoes", Variety: "Roma", Packaging: "case", Category: k.category[gtin]}
}

func (k known) Place(id string) Place {
	if id == "" || k.bare {
		return Place{GLN: id}
	}
	return Place{GLN: id, Name: "Site " + id, Phone: "+1 555 0100", Street: "1 Field Road", City: "Salinas", Region: "CA", Postcode: "93901", Country: "US"}
}

func read(t testing.TB, file string) []epcis.Event {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := epcis.DecodeJSON(b)
	if err != nil {
		t.Fatal(err)
	}
	return doc.Events
}

func said(rows []Row) (all []string) {
	for _, r := range rows {
		text := string(r.CTE) + " " + r.Line.Batch
		for _, g := range r.Gaps {
			text += " -" + g.ID
		}
		all = append(all, text)
	}
	return all
}

const (
	tomato = "09506000134406" // in bulk, and packed
	packed = "09506000134413"
	salsa  = "09506000134420"
)

var listed = known{category: map[string]string{tomato: "tomatoes", packed: "tomatoes", salsa: "deli-salads"}}

// A tomato's way from the field to a salad, as a farm, a cooler, a packer and a
// kitchen tell it.
func TestATomatosWay(t *testing.T) {
	rows := Analyse(read(t, "tomatoes.jsonld"), listed)
	want := []string{
		"harvesting H1", "cooling H1", "initial-packing P1",
		"shipping P1 -document", "receiving P1", "transformation S1 -quantity",
	}
	if got := said(rows); !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %q\nwant %q", got, want)
	}
	p := rows[2]
	for name, got := range map[string][2]string{
		"farm":          {p.Farm.GLN, "9506000134406"},
		"field":         {p.Field, "North 4"},
		"harvester":     {p.Harvester, "Site 9506000134406, +1 555 0100"},
		"harvest date":  {p.HarvestDate, "2026-06-01"}, // on the farm's own clock
		"cooler":        {p.Cooler.GLN, "9506000134437"},
		"cooling date":  {p.CoolDate, "2026-06-02"},
		"received":      {p.ReceivedDate + " " + p.Received.Amount, "2026-06-03 980"},
		"document":      {p.Doc.Number, "PACK 7"},
		"pack's source": {rows[4].TLCSource.GLN, "9506000134444"},
		"pallet":        {rows[3].Line.Pack, "00/095060001340000017"},
		"used":          {rows[5].Used.Lot + " " + rows[5].Used.Amount, "01/" + packed + "/10/P1 20"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %q, want %q", name, got[0], got[1])
		}
	}
}

// A place that is known by its GLN only is a gap that its owner fills.
func TestAPlaceWithoutAnAddress(t *testing.T) {
	rows := Analyse(read(t, "tomatoes.jsonld"), known{listed.category, true})
	g := rows[4].Gaps[0]
	who, how := g.Remedy()
	if g.ID != "sender" || g.Clause != "1.1345(a)(4)" || g.Missing() || g.Place != "9506000134444" || who != placed || how != fixPlace ||
		strings.Join(g.Lacks, " ") != "name phone number address city country" {
		t.Errorf("%+v, %s: %s", g, who, how)
	}
}

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		step     Step
		category string
		raw      bool
		want     CTE
	}{
		{Make, "", false, Harvesting},
		{Make, "herbs", false, Harvesting},
		{Make, "cheese-fresh-soft", false, Transformation},
		{Make, "finfish", false, FirstReceiving},
		{Land, "", false, FirstReceiving},
		{Land, "cheese-fresh-soft", false, Transformation},
		{Cool, "melons", true, Cooling},
		{Cool, "cheese-fresh-soft", false, ""},
		{Process, "deli-salads", false, Transformation},
		{Process, "melons", true, InitialPacking},
		{Ship, "melons", true, Before},
		{Ship, "melons", false, Shipping},
		{Receive, "melons", true, Before},
		{Receive, "finfish", false, Receiving},
		{Move, "melons", true, Before},
		{Move, "melons", false, ""},
	} {
		if got := Classify(c.step, c.category, c.raw); got != c.want {
			t.Errorf("%s of %q, raw %t: %q, want %q", c.step, c.category, c.raw, got, c.want)
		}
	}
}

// Every sheet has a cell for each of its headings, and every element a clause,
// somebody who can fill it in, and a way.
func TestSheetsAndElementsAreWhole(t *testing.T) {
	for i, s := range Sheets {
		if got := len(s.Cells(&Row{CTE: s.CTE})); got != len(s.Columns) || s.CTE != CTEs[i] {
			t.Errorf("%s has %d cells for %d headings, as sheet %d", s.Name, got, len(s.Columns), i)
		}
		for _, e := range Elements[s.CTE] {
			if e.Clause == "" || e.Name == "" || e.EPCIS == "" || e.Who == "" || e.How == "" {
				t.Errorf("%s: %+v", s.Name, e)
			}
		}
	}
	if got := len(Locations.Cells(Place{}, "")); got != len(Locations.Columns) {
		t.Errorf("a location has %d cells for %d headings", got, len(Locations.Columns))
	}
}

// An event about a food without a lot lacks its lot code, and only a processor
// of a listed food asks for what it used.
func TestAFoodWithoutALot(t *testing.T) {
	doc := `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-06-01T00:00:00Z","epcisBody":{"eventList":[
		{"type":"ObjectEvent","eventTime":"2026-06-01T00:00:00Z","eventTimeZoneOffset":"+00:00","action":"OBSERVE","bizStep":"receiving",
		"quantityList":[{"epcClass":"https://id.gs1.org/01/%s","quantity":2.5,"uom":"KGM"}]}]}}`
	d, err := epcis.DecodeJSON(fmt.Appendf(nil, doc, packed))
	if err != nil {
		t.Fatal(err)
	}
	if got := said(Analyse(d.Events, listed)); !reflect.DeepEqual(got, []string{"receiving  -tlc -sender -place -source -document"}) {
		t.Errorf("%q", got)
	}
}

// FuzzAnalyse: whatever decodes as EPCIS can be analysed, set on sheets and
// told about.
func FuzzAnalyse(f *testing.F) {
	for _, file := range []string{"tomatoes.jsonld", "fish.jsonld"} {
		b, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		doc, err := epcis.DecodeJSON(b)
		if err != nil {
			return
		}
		for _, r := range Analyse(doc.Events, listed) {
			for _, s := range Sheets {
				if s.CTE == r.CTE && len(s.Cells(&r)) != len(s.Columns) {
					t.Errorf("%s: a cell too many or too few", s.Name)
				}
			}
			for i := range Elements[r.CTE] {
				Elements[r.CTE][i].Value(&r)
			}
			for _, g := range r.Gaps {
				g.Remedy()
			}
		}
	})
}

// A landing tells what was caught, when and where (section 1.1335).
func TestALanding(t *testing.T) {
	rows := Analyse(read(t, "fish.jsonld"), known{})
	if got := said(rows); !reflect.DeepEqual(got, []string{"first-receiving F1"}) {
		t.Fatalf("%q", got)
	}
	r := rows[0]
	if r.HarvestDate != "2026-05-01" || r.HarvestEnd != "2026-05-03" || r.Line.Facts.Fish != "TUNA" || strings.Join(r.Line.Facts.Catch, " ") != "77.2 77.3" || r.Line.Facts.Vessel != "Aurora" {
		t.Errorf("%+v", r)
	}
}
