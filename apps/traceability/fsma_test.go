package traceability

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/tallyway/tallyway/apps/traceability/fsma"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/manifest"
)

// soft puts the cheese on the Food Traceability List.
var soft = trace.DescribeProduct{GTIN: cheeseGTIN, Name: "Harbour cheese", Unit: "KGM", ShelfLife: 60, Storage: "2 to 8 °C",
	List: "cheese-fresh-soft", Commodity: "Cheese", Packaging: "wheel of 5 kg"}

// The records of a cheese: what was recorded before it came onto the list is
// read anew, packs stand for what is in them, and a company sees no more than
// it may read.
func TestRecordsOfACheese(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	visit(t, w.Host, "harbour-foods").open("/traceability/fsma").sees("no records")
	w.do("harbour-foods", soft)
	cheese := visit(t, w.Host, "harbour-foods")
	cheese.open("/traceability/fsma?cte=transformation").sees("Harbour cheese", "Reference document", "1.1350(a)(2)(vi)", "Where it was made: phone number, address")
	cheese.open("/traceability/fsma?cte=shipping").sees("Harbour cheese", "City Market")
	place := func() bool {
		return slices.ContainsFunc(w.records("harbour-foods", "transformation")[0].Gaps, func(g gapLine) bool { return g.ID == "place" })
	}
	if !place() {
		t.Error("a place without an address is no gap")
	}
	before := len(w.records("harbour-foods", "shipping"))
	w.do("harbour-foods", trace.DescribePlace{GLN: "9501101530003", Name: "Harbour works", City: "Port Alma", Country: "NZ", Phone: "+64 9 555 0100", Street: "1 Quay Street"})
	if place() {
		t.Error("the place has its address, and still is a gap")
	}
	cheese.open("/traceability/fsma?cte=transformation")
	for name, want := range map[string]int{"harbour-foods": before, "food-safety": before, "far-shop": 0, "greenfield-dairy": before} {
		if got := len(w.records(name, "shipping")); got != want {
			t.Errorf("%s reads %d records of shipping, want %d", name, got, want)
		}
	}
	if before == 0 {
		t.Error("nothing was shipped")
	}
	w.do("harbour-foods", trace.DescribeProduct{GTIN: cheeseGTIN, Name: "Harbour cheese", Unit: "KGM", ShelfLife: 60, List: "cheese-fresh-soft", KillStep: true})
	if got := len(w.records("food-safety", "transformation")); got != 0 {
		t.Errorf("%d records of a food that a kill step exempts", got)
	}
}

// records asks for the records of one event as a program does.
func (w *viewsWorld) records(who, cte string) []recordLine {
	w.t.Helper()
	_, body := w.signedIn(who).get("/traceability/fsma?cte="+cte, "Accept", "application/json")
	var v recordsView
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		w.t.Fatalf("%v: %s", err, body)
	}
	return v.Items
}

// A private event's record is its company's and the regulator's.
func TestRecordsOfAPrivateEvent(t *testing.T) {
	w := viewsHost(t)
	w.do("harbour-foods", soft)
	w.capture("harbour-foods", epcis.Event{Type: epcis.ObjectEvent, Action: epcis.Add, BizStep: "commissioning", Disposition: "active",
		Quantities: []epcis.Quantity{kilos(lotOf(cheeseGTIN, "SECRET"), "12")}}, trace.Private)
	for who, want := range map[string]int{"harbour-foods": 1, "food-safety": 1, "city-market": 0} {
		if got := w.records(who, "transformation"); len(got) != want || want == 1 && (got[0].Amount != "12" || got[0].Place != "9501101530003") {
			t.Errorf("%s reads %+v", who, got)
		}
	}
}

// The package opens, its list is signed by who asked for it, and every file of
// it is as it was signed.
func TestThePackage(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	w.do("harbour-foods", soft)
	cheese := visit(t, w.Host, "harbour-foods")
	cheese.open("/traceability/fsma/plan").sees("No plan has been written down yet")
	cheese.open("/traceability/fsma/plan/edit").send("/traceability/fsma/plan/edit", url.Values{"records": {"In Tallyway."}, "foods": {"By category."}, "codes": {"By day."}, "contact": {"Ada"}}).
		refused("web/required", "phone")
	cheese.send("/traceability/fsma/plan/edit", url.Values{"records": {"In Tallyway."}, "foods": {"By category."}, "codes": {"By day."}, "contact": {"Ada"}, "phone": {"555"}}).
		sees("In Tallyway.", "By day.")
	cheese.open("/traceability/fsma").send("/traceability/fsma/package", url.Values{})
	path := filepath.Join(t.TempDir(), "records.zip")
	if err := os.WriteFile(path, []byte(cheese.page), 0o600); err != nil {
		t.Fatal(err)
	}
	ca, err := w.CACert("FoodMSP")
	if err != nil {
		t.Fatal(err)
	}
	c, err := manifest.CheckFile(path, ca)
	if err != nil {
		t.Fatal(err)
	}
	if c.User != "harbour-foods" || c.Party != "harbour-foods" || len(c.Files) != 3 {
		t.Errorf("%+v", c.Manifest)
	}
	z, err := zip.NewReader(strings.NewReader(cheese.page), int64(len(cheese.page)))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"events-001.jsonld": "TransformationEvent", "traceability-plan-harbour-foods.md": "By day."} {
		b, err := z.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		text.ReadFrom(b)
		has(t, text.String(), want)
	}
}

// The sheet has the trade's headings, dates as dates and nothing that runs.
func TestTheSortableSpreadsheet(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	evil := soft
	evil.Name = `=HYPERLINK("http://evil.example","x")`
	w.do("harbour-foods", evil)
	cheese := visit(t, w.Host, "harbour-foods").open("/traceability/fsma.xlsx")
	book, err := excelize.OpenReader(strings.NewReader(cheese.page))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows := func(sheet string) [][]string {
		all, err := book.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	for _, s := range fsma.Sheets {
		if got := rows(s.Name); len(got) == 0 || len(got[0]) != len(s.Columns) || got[0][0] != s.Columns[0].Header {
			t.Errorf("%s begins with %q", s.Name, got)
		}
	}
	made := rows("Transformation")[1]
	has(t, strings.Join(made, "|"), cheeseGTIN, "=HYPERLINK", "Harbour works", "2026-11-18")
	for _, cell := range []string{"J2", "V2"} {
		if formula, err := book.GetCellFormula("Transformation", cell); err != nil || formula != "" {
			t.Errorf("%s runs %q: %v", cell, formula, err)
		}
	}
	has(t, strings.Join(rows("Locations")[1], "|"), "9501101530003")
}
