//go:build conformance

package fsma

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/shared/epcis"
)

func published(t *testing.T, path ...string) []byte {
	t.Helper()
	root := os.Getenv("CONFORMANCE_DATA")
	if root == "" {
		t.Fatal("CONFORMANCE_DATA is not set: it names the folder with the published documents (it holds epcis/)")
	}
	b, err := os.ReadFile(filepath.Join(append([]string{root, "epcis"}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestConformanceCTEDocuments reads the seven published documents: each event is
// what the document says it is, and every element that stands in it is found.
// What a row still lacks does not stand in the document.
func TestConformanceCTEDocuments(t *testing.T) {
	const tomatoes, cases, salad = "00860009999923", "10860009999920", "10860009998039"
	master := known{category: map[string]string{tomatoes: "leafy-greens", cases: "leafy-greens", salad: "deli-salads", "10860009998022": "leafy-greens"}}
	for file, c := range map[string]struct {
		rows   []string
		values map[string]string // of the document's own row, the last of its kind
	}{
		"harvest-cte": {[]string{"harvesting ABC1234 -field"}, map[string]string{"date": "2026-04-17", "quantity": "25000",
			"farm": "0860009999060", "recipient": "0860009999992", "document": "HARVEST-2026-0417", "commodity": "Tomatoes"}},
		"cooling-cte": {[]string{"cooling ABC1234"}, map[string]string{"date": "2026-04-16", "quantity": "25000", "cooler": "0860009999077",
			"farm": "0860009999060", "recipient": "0860009999992", "document": "861-100037169"}},
		"initial-packing-cte": {[]string{"harvesting ABC1234 -field -document", "cooling ABC1234 -recipient", "initial-packing ABC1234 -field"},
			map[string]string{"received-date": "2026-04-17", "received-quantity": "25000", "farm": "0860009999060", "harvester": "Site 0860009999060, +1 555 0100",
				"harvest-date": "2026-04-17", "cooler": "0860009999992", "cool-date": "2026-04-17", "tlc": "01/" + cases + "/10/ABC1234", "quantity": "500",
				"place": "0860009999992", "date": "2026-04-18", "document": "PACK-20260418-042"}},
		"first-land-based-receiver-cte": {[]string{"first-receiving SWF-2026-0223"}, map[string]string{"tlc": "01/00860009997004/10/SWF-2026-0223",
			"species": "SWORDFISH", "quantity": "1000", "harvest-date": "2026-02-16", "catch": "21.4R, 27.14.a", "place": "0860009997004",
			"date": "2026-02-23", "document": "cert-100037169"}},
		// The pallet's second lot has no event that made it: its source is not told.
		"shipping-cte": {[]string{"transformation ABC1234 -document", "shipping ABC1234", "shipping ABC5678 -source"}, map[string]string{
			"tlc": "01/" + cases + "/10/ABC5678", "quantity": "25", "recipient": "0860009998001", "place": "0860009999992", "date": "2026-04-19", "document": "856-100037169"}},
		"receiving-cte": {[]string{"transformation ABC1234 -document", "receiving ABC1234"}, map[string]string{"tlc": "01/" + cases + "/10/ABC1234",
			"quantity": "500", "sender": "0860009999992", "place": "0860009998001", "date": "2026-04-20", "source": "0860009999992", "document": "861-100037169"}},
		"transformation-cte": {[]string{"transformation SALAD-20260420-A", "transformation SALAD-20260420-A"}, map[string]string{
			"used-tlc": "01/10860009998022/10/DEF2345", "used-quantity": "50", "tlc": "01/" + salad + "/10/SALAD-20260420-A", "quantity": "2000",
			"place": "0860009998018", "date": "2026-04-20", "document": "BATCH-20260420-A"}},
	} {
		t.Run(file, func(t *testing.T) {
			doc, err := epcis.DecodeJSON(published(t, "openepcis-fsma204", "fsma204", "epcis", file+".jsonld"))
			if err != nil {
				t.Fatal(err)
			}
			rows := Analyse(doc.Events, master)
			if got := said(rows); !reflect.DeepEqual(got, c.rows) {
				t.Fatalf("got  %q\nwant %q", got, c.rows)
			}
			last := rows[len(rows)-1]
			for id, want := range c.values {
				if got := found(last, id); got != want {
					t.Errorf("%s: %q, want %q", id, got, want)
				}
			}
		})
	}
}

// found is the value of a row's element, of a place its key.
func found(r Row, id string) string {
	for _, e := range Elements[r.CTE] {
		if e.ID == id {
			return e.value(&r)
		}
	}
	return "no such element"
}

// TestConformanceHeadings compares our sheets' headings with the templates'.
func TestConformanceHeadings(t *testing.T) {
	var sheets []struct {
		File, Sheet string
		Columns     []string
	}
	if err := json.Unmarshal(published(t, "fsma204-sheet-columns", "columns.json"), &sheets); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, s := range sheets {
		want[s.File+"|"+s.Sheet] = strings.Join(s.Columns, "\n")
	}
	compared := 0
	compare := func(file, name, got string) {
		if file == "" {
			return
		}
		compared++
		if key := file + "|" + name; got != want[key] {
			t.Errorf("%s: the headings are\n%s\nwant\n%s", key, got, want[key])
		}
	}
	for _, s := range Sheets {
		compare(s.File, s.Name, headings(s))
	}
	compare(Locations.File, Locations.Name, headings(Sheet{Columns: Locations.Columns}))
	if compared != 7 {
		t.Errorf("%d sheets were compared", compared)
	}
}

func headings(s Sheet) string {
	var all []string
	for _, c := range s.Columns {
		all = append(all, c.Header)
	}
	return strings.Join(all, "\n")
}
