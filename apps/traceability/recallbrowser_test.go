package traceability

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/web/webtest"
)

// A hold becomes a recall, a shop acknowledges and accounts for its goods, the
// dairy follows it, and everybody reads of it: all on pages, in a real browser.
func TestARecallFromHoldToNotice(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	b := webtest.NewBrowser(t, webtest.Desktop)
	b.Login(w.Address(), "greenfield-dairy", password)
	b.Open(w.Address() + "/traceability/cases/new?kind=hold&lots=" + m1)
	b.Screenshot("case-new")
	b.Type(`textarea[name=reason]`, "Listeria suspected")
	b.Click(`button[data-send]`)
	b.See(".banner.warn")
	b.Open(w.Address() + "/traceability/cases/R-2026-001/scope?q=M2")
	b.Screenshot("case-scope")
	b.Type(`form[action$=upgrade] textarea[name="terms.advice"]`, "Bring it back to the shop.")
	b.Click(`form[action$=upgrade] button.danger`)
	if webtest.Eval[bool](b, `!!document.querySelector("dialog[open] button.main, dialog[open] form button")`) {
		b.Click(`dialog[open] button.main, dialog[open] form button`)
	}
	b.See(".banner.bad")
	b.Screenshot("case-recall")

	shop := webtest.NewBrowser(t, webtest.Phone)
	shop.Login(w.Address(), "city-market", password)
	shop.Open(w.Address() + "/traceability")
	if text := shop.Text("main"); !strings.Contains(text, "R-2026-001") {
		t.Errorf("the shop's home says nothing of the recall: %s", text)
	}
	shop.Screenshot("home-shop")
	shop.Open(w.Address() + "/traceability/cases/R-2026-001")
	shop.Screenshot("case-shop")
	shop.Click(`form[action$=acknowledge] button[data-send]`)
	shop.See(".toast")
	shop.Open(w.Address() + "/traceability/cases/R-2026-001/reconcile")
	shop.Type(`input[name="lines.0.quarantined"]`, "26")
	shop.Click(`button[data-send]`)
	shop.See(`[data-code="trace/booked-too-much"]`)
	shop.Screenshot("case-book-refused")
	shop.Open(w.Address() + "/traceability/cases/R-2026-001/reconcile")
	shop.Type(`input[name="lines.0.quarantined"]`, "25")
	shop.Click(`button[data-send]`)
	shop.See(".toast")

	b.Open(w.Address() + "/traceability/cases/R-2026-001/progress")
	b.See(`progress[value="100"]`)
	fits(t, b, w, map[string]string{"case": "/traceability/cases/R-2026-001", "progress": "/traceability/cases/R-2026-001/progress", "scope": "/traceability/cases/R-2026-001/scope",
		"new": "/traceability/cases/new", "book": "/traceability/cases/R-2026-001/reconcile", "recalls": "/recalls", "recall": "/recalls/R-2026-001", "mismatches": "/traceability/mismatches"})
	reports(t, w)
}

// fits looks at pages on both screens, in both languages.
func fits(t *testing.T, b *webtest.Browser, w *viewsWorld, pages map[string]string) {
	t.Helper()
	b.Problems()
	for _, v := range []webtest.Viewport{webtest.Phone, webtest.Desktop} {
		b.View(v)
		for _, lang := range []string{"en", "zh"} {
			for name, address := range pages {
				b.Open(w.Address() + address + "?lang=" + lang)
				if cut := b.Overflow(); cut > 0 {
					t.Errorf("%s in %s on a %s is %d pixels too wide", name, lang, v.Name, cut)
				}
				b.Screenshot(name + "-" + v.Name + "-" + lang)
			}
		}
	}
	b.Quiet()
}

// reports are the same facts on paper and for programs.
func reports(t *testing.T, w *viewsWorld) {
	t.Helper()
	dairy := w.signedIn("greenfield-dairy")
	for _, path := range []string{"report.pdf", "report.xlsx"} {
		for _, lang := range []string{"en", "zh"} {
			res, body := dairy.get("/traceability/cases/R-2026-001/"+path+"?lang="+lang, "Accept-Language", lang)
			if res.StatusCode != http.StatusOK || len(body) < 2000 {
				t.Errorf("%s in %s: %d, %d bytes", path, lang, res.StatusCode, len(body))
			}
			if dir := os.Getenv("WEBTEST_SHOTS"); dir != "" {
				if err := os.WriteFile(filepath.Join(dir, lang+"-"+path), []byte(body), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if res, _ := w.signedIn("far-shop").get("/traceability/cases/R-2026-001/report.pdf"); res.StatusCode != http.StatusNotFound {
		t.Errorf("a shop that the case does not concern gets the report: %d", res.StatusCode)
	}
	if res, _ := w.signedIn("city-market").get("/traceability/cases/R-2026-001/progress"); res.StatusCode != http.StatusForbidden {
		t.Errorf("a shop sees how others stand: %d", res.StatusCode)
	}
	res, body := w.stranger().get("/recalls.atom")
	decoder := xml.NewDecoder(bytes.NewReader([]byte(body)))
	for {
		if _, err := decoder.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("the feed is no XML: %v", err)
		}
	}
	if res.StatusCode != http.StatusOK || !strings.Contains(body, "Harbour cheese C1") || !strings.Contains(body, "Bring it back to the shop.") {
		t.Errorf("the feed: %d %s", res.StatusCode, body)
	}
	if _, body := w.stranger().get("/" + c1); !strings.Contains(body, `href="/recalls/R-2026-001"`) {
		t.Error("the page behind the QR code does not lead to the notice")
	}
}

// Both sides of a mismatch settle it line by line, on its page.
func TestAMismatchIsSettledOnItsPage(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	b := webtest.NewBrowser(t, webtest.Desktop)
	b.Login(w.Address(), "harbour-foods", password)
	b.Open(w.Address() + "/traceability/mismatches?state=open")
	b.Click("main tbody a")
	b.Type("input[name=amount]", "15")
	webtest.Eval[bool](b, `document.querySelector("select[name=item]").value = "`+m1+`", document.querySelector("select[name=outcome]").value = "found", true`)
	b.Screenshot("mismatch-desktop")
	b.Click("form[action$=settle] button[data-send]")
	b.See(".toast")
	id := webtest.Eval[string](b, `location.pathname.split("/").pop()`)
	w.do("greenfield-dairy", trace.Settle{Shipment: id, Item: m1, Amount: kilos(m1, "15").Amount, Outcome: trace.OutcomeFound})
	b.Login(w.Address(), "harbour-foods", password) // hours have passed
	b.Open(w.Address() + "/traceability/mismatches/" + id)
	if text := b.Text("main"); !strings.Contains(text, "Two say the same: it is booked.") {
		t.Errorf("after 15 of 20 kg are settled the page says: %s", text)
	}
	fits(t, b, w, map[string]string{"mismatch": "/traceability/mismatches/" + id, "mismatches": "/traceability/mismatches"})
	if res, _ := w.signedIn("city-market").get("/traceability/mismatches/" + id); res.StatusCode != http.StatusNotFound {
		t.Errorf("a third company reads the mismatch: %d", res.StatusCode)
	}
}
