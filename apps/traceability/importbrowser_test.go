package traceability

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/web/webtest"
)

// looked finds nothing to mend in the page that is open: it fits a phone and a
// desktop and is free of serious accessibility faults.
func looked(t *testing.T, b *webtest.Browser, name string) {
	t.Helper()
	for _, v := range []webtest.Viewport{webtest.Phone, webtest.Desktop} {
		b.View(v)
		if cut := b.Overflow(); cut > 0 {
			t.Errorf("%s on a %s is %d pixels too wide", name, v.Name, cut)
		}
		shot(b, name+"-"+v.Name)
	}
	if found := b.Axe(); len(found) > 0 {
		t.Errorf("%s:\n%s", name, strings.Join(found, "\n"))
	}
}

// onDisk keeps a file for a browser to choose.
func onDisk(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// presses sends a page's form and waits for the next page.
func presses(b *webtest.Browser, see string) {
	b.Click("main form [data-send]")
	b.See(see)
}

// saysText waits until the page says something.
func saysText(t *testing.T, b *webtest.Browser, text string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !strings.Contains(b.Text("main"), text); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the page does not say %q:\n%s", text, b.Text("main"))
		}
	}
}

// A firm takes a template, fills it in with a mistake, reads beside the row what
// is wrong, mends it and imports it; then it drops an EPCIS document.
func TestImportInABrowser(t *testing.T) {
	h := formsHost(t)
	b := webtest.NewBrowser(t, webtest.Desktop)
	b.Login(h.Address(), "greenfield-dairy", password)
	b.Problems()
	b.Open(h.Address() + "/traceability/import?kind=lots")
	looked(t, b, "import")
	template := webtest.Eval[string](b, `document.querySelector("input[value=lots]").closest(".kind").querySelector("a[href$='.xlsx']").getAttribute("href")`)
	book := visit(t, h, "greenfield-dairy").open(template).page
	if _, err := zip.NewReader(strings.NewReader(book), int64(len(book))); err != nil {
		t.Errorf("the template is no workbook: %v", err)
	}
	day := h.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	sheet := "Lot number;Quantity;Unit;Product;Date\nB-1;500;kg;Fresh milk;" + day + " 06:00\nB-2;many;kg;Fresh milk;" + day + " 07:00\n"
	upload := func(kind, name, text string) {
		b.Open(h.Address() + "/traceability/import?kind=" + kind)
		b.Upload("#f-file", onDisk(t, name, text))
		presses(b, ".steps-table, .wrong")
	}
	upload("lots", "lots.csv", sheet)
	b.See(".steps-table tr.bad")
	looked(t, b, "import-wrong")
	if text := b.Text(".steps-table tr.bad"); !strings.Contains(text, "many") || !strings.Contains(text, "3") {
		t.Errorf("the row does not say what is wrong: %s", text)
	}
	if webtest.Eval[bool](b, `!!document.querySelector("main form [data-send]")`) {
		t.Error("a file with a mistake may be imported")
	}
	upload("lots", "lots.csv", strings.Replace(sheet, "many", "40", 1))
	saysText(t, b, "lot B-2")
	looked(t, b, "import-right")
	presses(b, "#live-imports")
	saysText(t, b, "Everything is on the ledger")
	looked(t, b, "import-done")
	if n := count(t, h, `tr_lots`); n != 2 {
		t.Errorf("%d lots, want 2", n)
	}
	b.Open(h.Address() + "/traceability/import/jobs")
	looked(t, b, "import-jobs")

	b.Open(h.Address() + "/traceability/import/epcis")
	looked(t, b, "import-epcis")
	webtest.Eval[bool](b, dropped(sold(t, h.Now().Add(-time.Hour))))
	if name := webtest.Eval[string](b, `document.querySelector("#f-file").files[0]?.name ?? ""`); name != "events.json" {
		t.Fatalf("the field holds the file %q", name)
	}
	presses(b, ".steps-table, .wrong")
	saysText(t, b, "Sells 30 kg of Fresh milk, lot B-1")
	looked(t, b, "import-epcis-draft")
	presses(b, "#live-imports")
	saysText(t, b, "Everything is on the ledger")
	b.Quiet()
}

// sold is a document that says that some of the milk is sold.
func sold(t *testing.T, at time.Time) string {
	t.Helper()
	own := events.Company{ID: "greenfield-dairy", GLN: "9506000134352"}
	e := events.Sold(own, at, []events.Goods{{Lot: "01/" + milkProduct + "/10/B-1", Amount: gs1.Whole(30), Unit: "KGM"}})
	body, err := (&epcis.Document{Type: "EPCISDocument", Version: "2.0", CreationDate: at, Events: []epcis.Event{e}}).JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// dropped is the script that drops a document on the field for files.
func dropped(text string) string {
	return fmt.Sprintf(`(() => { const d = new DataTransfer(); d.items.add(new File([%q], "events.json", {type: "application/json"}));
		document.querySelector("[data-drop]").dispatchEvent(new DragEvent("drop", {dataTransfer: d, bubbles: true, cancelable: true})); return true })()`, text)
}
