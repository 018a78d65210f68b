package traceability

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
)

var (
	m1 = lotOf(milkGTIN, "M1")
	c1 = lotOf(cheeseGTIN, "C1")
)

func has(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("%q is missing", text)
		}
	}
}

func lacks(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(page, text) {
			t.Errorf("%q must not be there", text)
		}
	}
}

func TestPagesOfALot(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	w.log("greenfield-dairy", lotOf(milkGTIN, "SECRET"), "7", "2026-11-28")
	harbour := w.signedIn("harbour-foods") // last: sessions end as the clock goes on

	t.Run("the list shows the chain, its sums and nothing else", func(t *testing.T) {
		_, page := harbour.get("/traceability/lots")
		has(t, page, ">M1<", ">M2<", ">C1<", "1,030 kg", "3 lots")
		lacks(t, page, "SECRET")
		_, page = harbour.get("/traceability/lots?whose=mine&state=way")
		has(t, page, ">C1<")
		lacks(t, page, ">M1<")
		_, page = w.signedIn("food-safety").get("/traceability/lots?q=secr")
		has(t, page, "SECRET")
	})
	t.Run("paging keeps its place in every order", func(t *testing.T) {
		for _, sort := range []string{"at", "-at", "number", "-number", "expiry", "-expiry", "gtin", "-gtin"} {
			var seen []string
			for address := "/traceability/lots?limit=1&sort=" + sort; address != ""; {
				var page struct {
					Items []lotLine
					Next  string
				}
				_, body := harbour.get(address, "Accept", "application/json")
				if err := json.Unmarshal([]byte(body), &page); err != nil {
					t.Fatal(err)
				}
				for _, x := range page.Items {
					seen = append(seen, x.Number)
				}
				if address = ""; page.Next != "" {
					address = "/traceability/lots?limit=1&sort=" + sort + "&after=" + url.QueryEscape(page.Next)
				}
			}
			slices.Sort(seen)
			if !slices.Equal(seen, []string{"C1", "M1", "M2"}) {
				t.Errorf("sorted by %s: %v", sort, seen)
			}
		}
	})
	t.Run("the sheets hold what is seen", func(t *testing.T) {
		_, csv := harbour.get("/traceability/lots.csv?q=cheese")
		has(t, csv, "C1,Harbour cheese,"+cheeseGTIN+",Harbour Foods,50,60,kg")
		lacks(t, csv, "M1")
		_, book := harbour.get("/traceability/lots.xlsx")
		if _, err := zip.NewReader(strings.NewReader(book), int64(len(book))); err != nil {
			t.Error(err)
		}
		_, pdf := harbour.get("/traceability/lots.pdf")
		has(t, pdf, "%PDF-")
	})
	t.Run("the page tells the story", func(t *testing.T) {
		_, page := harbour.get(lotHref(m1))
		has(t, page, "Greenfield Dairy logged 1,000 kg", "Greenfield Dairy shipped 500 kg to Harbour Foods",
			"Harbour Foods accepted 480 of 500 kg, 20 kg short", "Harbour Foods used 400 kg to make Harbour cheese C1",
			"Unaccounted", "Meadowbrook", "Ship</a>")
		lacks(t, page, "&lt;div")
	})
	t.Run("what became of the milk is counted to the last gram", func(t *testing.T) {
		_, body := harbour.get(lotHref(m1) + ".json")
		var v lotView
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			t.Fatal(err)
		}
		if v.Missing != "20" || len(v.Accounts) != 2 || len(v.Into) != 1 || v.Word != "In stock" {
			t.Errorf("unaccounted %s, %d accounts, went into %v, %s", v.Missing, len(v.Accounts), v.Into, v.Word)
		}
	})
	t.Run("its events stand as an EPCIS document", func(t *testing.T) {
		res, body := harbour.get(lotHref(m1) + ".jsonld")
		doc, err := epcis.DecodeJSON([]byte(body))
		if err != nil || len(doc.Events) != 4 || res.Header.Get("Content-Type") != "application/ld+json" {
			t.Fatalf("%v, %s", err, res.Header.Get("Content-Type"))
		}
		for _, e := range doc.Events {
			e.ID, e.RecordTime = "", time.Time{}
			if _, err := e.Hash(); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("the trace goes back and forward with its amounts", func(t *testing.T) {
		_, page := harbour.get(traceHref(c1))
		has(t, page, "<svg class=\"trace\"", "400 kg</text>", "200 kg</text>", `href="`+lotHref(m1)+`"`)
		_, body := harbour.get(traceHref(c1) + ".json?way=forward")
		var v traceView
		if err := json.Unmarshal([]byte(body), &v); err != nil || len(v.Nodes) != 1 {
			t.Errorf("%v: %d nodes forward of the cheese", err, len(v.Nodes))
		}
		_, body = harbour.get(traceHref(c1) + ".json?way=back")
		if err := json.Unmarshal([]byte(body), &v); err != nil || len(v.Nodes) != 3 || len(v.Edges) != 2 || v.Edges[0].Amount != "400 kg" {
			t.Errorf("%v: back of the cheese %+v", err, v)
		}
	})
	t.Run("a stranger to the chain is told nothing", func(t *testing.T) {
		shop := w.signedIn("far-shop")
		for _, address := range []string{lotHref(m1), traceHref(m1), "/traceability/label/" + m1 + ".pdf"} {
			if res, _ := shop.get(address); res.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %s", address, res.Status)
			}
		}
	})
	t.Run("who is offered goods sees where they come from", func(t *testing.T) {
		if res, _ := w.signedIn("corner-shop").get(lotHref(m1)); res.StatusCode != http.StatusOK {
			t.Error(res.Status)
		}
	})
	t.Run("labels", func(t *testing.T) {
		_, pdf := harbour.get("/traceability/label/" + c1 + ".pdf?copies=9&stock=a4")
		has(t, pdf, "%PDF-")
		if n := bytes.Count([]byte(pdf), []byte("/Type /Page\n")); n != 2 {
			t.Errorf("9 labels on %d sheets of 8", n)
		}
		if res, _ := harbour.get("/traceability/label/" + c1 + ".pdf?copies=0"); res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("no copies: %s", res.Status)
		}
	})
	t.Run("everything is said in Chinese", func(t *testing.T) {
		harbour.lang = "zh-CN"
		for _, address := range []string{"/traceability/lots", lotHref(m1), lotHref(c1), traceHref(c1), "/" + c1, "/01/" + cheeseGTIN} {
			if res, page := harbour.get(address, "Cookie", "tw_lang=zh"); res.StatusCode != 200 {
				t.Errorf("%s: %s", address, res.Status)
			} else if !strings.Contains(page, `lang="zh-CN"`) {
				t.Errorf("%s is not Chinese", address)
			}
		}
		ours := w.Web.Words().Missing()
		ours = slices.DeleteFunc(ours, func(s string) bool {
			return s == "JSON" || s == "XLSX" || s == "CSV" || s == "PDF" || s == "EPCIS" || s == "GTIN" || strings.Trim(s, "0123456789") == ""
		})
		if len(ours) > 0 {
			t.Errorf("not translated: %q", ours)
		}
	})
}

func TestPrivateEventIsForItsReaders(t *testing.T) {
	w := viewsHost(t)
	w.log("greenfield-dairy", m1, "1000", "2026-11-25")
	shipped := w.ship("greenfield-dairy", "harbour-foods", m1, "500", trace.Private)
	w.receive("harbour-foods", m1, "500")
	_, page := w.signedIn("greenfield-dairy").get(eventHref(shipped.Hash))
	has(t, page, "eventTimeZoneOffset", "Its author only")
	_, page = w.signedIn("harbour-foods").get(eventHref(shipped.Hash))
	has(t, page, "not shared with you", "Greenfield Dairy shipped 500 kg to Harbour Foods")
	lacks(t, page, "eventTimeZoneOffset")
	if res, _ := w.signedIn("city-market").get(eventHref(shipped.Hash)); res.StatusCode != http.StatusNotFound {
		t.Errorf("a stranger to the chain: %s", res.Status)
	}
}

func TestErrorDeclarationStaysInTheHistory(t *testing.T) {
	w := viewsHost(t)
	logged := w.log("greenfield-dairy", m1, "1000", "2026-11-25")
	e := w.last
	e.Error = &epcis.ErrorDeclaration{Time: w.clock().Truncate(time.Second), Reason: "incorrect_data"}
	w.send("greenfield-dairy", e)
	dairy := w.signedIn("greenfield-dairy")
	_, page := dairy.get(lotHref(m1))
	has(t, page, "<del>", "Greenfield Dairy logged 1,000 kg", "Declared an error: some of it was wrong")
	_, page = dairy.get(eventHref(logged.Hash))
	has(t, page, "Its author declared it an error", "Nothing was edited")
	if res, _ := w.stranger().get("/" + m1); res.StatusCode != http.StatusNotFound {
		t.Errorf("a shopper is shown a lot that was never made: %s", res.Status)
	}
}

func TestShopper(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	shopper := w.stranger()
	res, page := shopper.get("/" + c1)
	has(t, page, "No recall", "Fresh milk made", "Meadowbrook", "Harbour cheese arrived", "City Market", "Checked against the ledger")
	lacks(t, page, "480", " kg", "Corner Shop")
	if len(page) > 100_000 {
		t.Errorf("%d bytes", len(page))
	}
	etag := res.Header.Get("ETag")
	if res, _ := shopper.get("/"+c1, "If-None-Match", etag); res.StatusCode != http.StatusNotModified {
		t.Errorf("asked again: %s", res.Status)
	}

	// Something else happens: the page stands.
	w.log("greenfield-dairy", lotOf(milkGTIN, "M9"), "10", "2026-11-25")
	if res, _ := shopper.get("/"+c1, "If-None-Match", etag); res.StatusCode != http.StatusNotModified {
		t.Errorf("after a stranger's event: %s", res.Status)
	}

	// The milk is recalled: so is the cheese, at the next look.
	w.recall("greenfield-dairy", "R-1", "Listeria in the milk", m1)
	deadline := time.Now().Add(2 * time.Second)
	for {
		if res, page = shopper.get("/"+c1, "If-None-Match", etag); res.StatusCode == http.StatusOK || time.Now().After(deadline) {
			break
		}
	}
	has(t, page, "Recalled", "Listeria in the milk", "Do not use it")

	shopper.lang = "zh-CN"
	_, page = shopper.get("/" + c1)
	has(t, page, "已召回", "海港奶酪", "草溪镇")
	for address, want := range map[string]int{"/01/09501101530011/10/C1": 400, "/01/" + cheeseGTIN + "/10/NOBODYS": 404, "/01/" + cheeseGTIN: 200,
		"/01/" + cheeseGTIN + "/10/C1/21/S1": 200, "/01/" + cheeseGTIN + "/21/S1": 404} {
		if res, _ := shopper.get(address); res.StatusCode != want {
			t.Errorf("%s: %s, want %d", address, res.Status, want)
		}
	}
	_, body := shopper.get("/"+c1, "Accept", "application/json")
	var v shopperView
	if err := json.Unmarshal([]byte(body), &v); err != nil || v.Verdict != recalled {
		t.Errorf("%v: %s", err, body)
	}
}

// TestShopperReadsTheNameOfToday: names are remembered across requests, until
// their owner changes them.
func TestShopperReadsTheNameOfToday(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	shopper := w.stranger()
	_, page := shopper.get("/" + m1)
	has(t, page, "Fresh milk")
	w.do("greenfield-dairy", trace.DescribeProduct{GTIN: milkGTIN, Name: "Morning milk", Unit: "KGM"})
	_, page = shopper.get("/" + m1)
	has(t, page, "Morning milk")
	lacks(t, page, "Fresh milk")
}

func BenchmarkShopper(b *testing.B) {
	w := viewsHost(b)
	w.milkToShelf()
	shopper := w.stranger()
	shopper.get("/" + c1)
	req, _ := http.NewRequest("GET", "/"+c1, nil)
	req.Header.Set("Accept-Encoding", "gzip")
	b.ReportAllocs()
	for b.Loop() {
		w.Web.ServeHTTP(discard{http.Header{}}, req)
	}
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// TestCasesTellOfTheReadersChainOnly keeps stocks of others from whoever opens
// a case's page, or names a lot in the address of the form.
func TestCasesTellOfTheReadersChainOnly(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	w.recall("greenfield-dairy", "R-1", "Listeria in the milk", m1)
	w.do("harbour-foods", trace.Acknowledge{Case: "R-1", Found: []trace.Line{{Lot: m1, Amount: parseAmount("77"), Unit: "KGM"}}})
	stranger, market, dairy := w.signedIn("far-shop"), w.signedIn("city-market"), w.signedIn("greenfield-dairy")
	_, page := stranger.get("/traceability/cases/R-1")
	has(t, page, "Listeria in the milk")
	lacks(t, page, "Harbour Foods", "Fresh milk M1", "Harbour cheese C1")
	_, page = stranger.get("/traceability/cases/new?lots=" + url.QueryEscape(m1))
	lacks(t, page, "Harbour Foods", "City Market")
	if res, _ := stranger.get("/traceability/label/" + m1); res.StatusCode != http.StatusNotFound {
		t.Errorf("a stranger prints a label: %s", res.Status)
	}
	for _, dress := range []string{".json", ".xlsx", ".jsonld"} {
		if res, _ := stranger.get("/traceability/lot/" + m1 + dress); res.StatusCode != http.StatusNotFound {
			t.Errorf("a stranger reads the lot as %s: %s", dress, res.Status)
		}
	}
	_, page = market.get("/traceability/cases/R-1")
	has(t, page, "City Market", "Harbour cheese C1", "Harbour Foods acknowledged the notice")
	lacks(t, page, "77 kg") // of the milk: the market is no neighbour there
	_, page = dairy.get("/traceability/cases/R-1")
	has(t, page, "Harbour Foods", "City Market", "Fresh milk M1", "77 kg") // who has to acknowledge it, …
	lacks(t, page, "Harbour cheese C1")                                    // … not what each of them has
}

// TestALotNamesNoLotsOfOthers: who bought cheese reads the page of the milk, but
// not what others made of the same milk.
func TestALotNamesNoLotsOfOthers(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	w.transform("harbour-foods", []epcis.Quantity{kilos(lotOf(milkGTIN, "M2"), "50")}, []epcis.Quantity{kilos(lotOf(cheeseGTIN, "C9"), "5")})
	var v struct {
		Into []madeView `json:"wentInto"`
	}
	for by, want := range map[string]int{"city-market": 1, "harbour-foods": 2} {
		_, page := w.signedIn(by).get("/traceability/lot/" + lotOf(milkGTIN, "M2") + ".json")
		if err := json.Unmarshal([]byte(page), &v); err != nil || len(v.Into) != want {
			t.Errorf("%s reads of %d lots, want %d (%v): %+v", by, len(v.Into), want, err, v.Into)
		}
	}
}
