package traceability

import (
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/web/webtest"
)

// pdfText is what a PDF says, with a form feed behind each page.
func pdfText(t testing.TB, pdf string) string {
	t.Helper()
	cmd := exec.Command("pdftotext", "-layout", "-", "-")
	cmd.Stdin = strings.NewReader(pdf)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pdftotext: %v: install the Debian package poppler-utils", err)
	}
	return string(out)
}

// items logs single items of the dairy's lot M1.
func (w *viewsWorld) items(serials ...string) {
	e := epcis.Event{Type: epcis.ObjectEvent, Action: epcis.Add, BizStep: "commissioning", Disposition: "active"}
	for _, s := range serials {
		e.EPCs = append(e.EPCs, "https://id.gs1.org/"+m1+"/21/"+s)
	}
	w.capture("greenfield-dairy", e)
}

func TestLabelsInBulk(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	w.items("8", "9", "10", "11")
	w.capture("greenfield-dairy", packedMilk(t, "00/095060001340000017"))
	dairy := w.signedIn("greenfield-dairy")
	print := func(v *visitor, query url.Values) string {
		t.Helper()
		res, body := v.get("/traceability/labels.pdf?" + query.Encode())
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/pdf" {
			t.Fatalf("%v: %d %s", query, res.StatusCode, body)
		}
		return pdfText(t, body)
	}
	text := print(dairy, url.Values{"thing": {m1, lotOf(milkGTIN, "M2")}, "copies": {"3"}, "stock": {"a4-14"}})
	if n := strings.Count(text, "(10)M1"); n != 3 || strings.Count(text, "(10)M2") != 3 || strings.Count(text, "\f") != 1 {
		t.Errorf("two lots, three copies: %s", text)
	}
	if text := print(dairy, url.Values{"all": {"1"}, "q": {"M2"}}); strings.Count(text, "\f") != 1 || !strings.Contains(text, "(10)M2") {
		t.Errorf("all that fit M2: %s", text)
	}
	text = print(dairy, url.Values{"kind": {"item"}, "thing": {m1}, "from": {"9"}, "to": {"10"}})
	if strings.Count(text, "\f") != 2 || !strings.Contains(text, "(21)9") || !strings.Contains(text, "(21)10") {
		t.Errorf("items 9 to 10: %s", text)
	}
	text = print(dairy, url.Values{"kind": {"unit"}, "all": {"1"}})
	for _, want := range []string{"(00) 095060001340000017", "Fresh milk", "M1", "100 kg", "Greenfield Dairy"} {
		if !strings.Contains(text, want) {
			t.Errorf("the pallet's label does not say %q: %s", want, text)
		}
	}
	dairy.get("/traceability?lang=zh")
	if text := print(dairy, url.Values{"kind": {"unit"}, "thing": {"00/095060001340000017"}}); !strings.Contains(text, "鲜牛奶") || !strings.Contains(text, "净重") || !strings.Contains(text, "发货方") {
		t.Errorf("in Chinese: %s", text)
	}
	for query, status := range map[string]int{"thing=" + url.QueryEscape(m1) + "&copies=0": 422, "thing=" + url.QueryEscape(m1) + "&stock=wall": 422, "": 422,
		"thing=" + url.QueryEscape(m1) + "&copies=2000&thing=" + url.QueryEscape(lotOf(milkGTIN, "M2")): 422, "kind=unit&thing=" + url.QueryEscape("00/095060001340000017") + "&stock=a4-40": 422, "code=aztec&thing=" + url.QueryEscape(m1): 422} {
		if res, body := dairy.get("/traceability/labels.pdf?" + query); res.StatusCode != status {
			t.Errorf("%s: %d %s", query, res.StatusCode, body)
		}
	}
	far := w.signedIn("far-shop")
	for _, thing := range []string{m1, "00/095060001340000017"} {
		if res, _ := far.get("/traceability/labels.pdf?thing=" + url.QueryEscape(thing)); res.StatusCode != http.StatusNotFound {
			t.Errorf("a firm off the chain prints %s: %d", thing, res.StatusCode)
		}
	}
	if res, body := w.signedIn("harbour-foods").get("/traceability/labels?kind=item&thing=" + url.QueryEscape(m1) + "&from=99"); res.StatusCode != 200 || !strings.Contains(body, "no single items") {
		t.Errorf("no items: %d", res.StatusCode)
	}
}

// A clerk chooses lots, looks at the label and prints; a brand publishes a link and
// a shopper finds it.
func TestLabelsAndLinksInABrowser(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	w.capture("greenfield-dairy", packedMilk(t, "00/095060001340000017"))
	b := webtest.NewBrowser(t, webtest.Desktop)
	b.Login(w.Address(), "greenfield-dairy", password)
	b.Problems()
	for _, lang := range []string{"zh", "en"} {
		b.Open(w.Address() + "/traceability?lang=" + lang)
		for _, v := range []webtest.Viewport{webtest.Phone, webtest.Desktop} {
			b.View(v)
			for name, address := range map[string]string{"labels": "/traceability/labels?thing=" + url.QueryEscape(m1) + "&stock=a4-40", "labels-unit": "/traceability/labels?thing=" + url.QueryEscape("00/095060001340000017"),
				"links": "/traceability/links?key=01/" + milkGTIN, "product": "/traceability/products/edit?gtin=" + milkGTIN, "pack": "/traceability/packs/095060001340000017", "place-public": "/414/9506000134352"} {
				b.Open(w.Address() + address)
				if cut := b.Overflow(); cut > 0 {
					t.Errorf("%s on a %s (%s) is %d pixels too wide", name, v.Name, lang, cut)
				}
				b.Screenshot(name + "-" + v.Name + "-" + lang)
			}
		}
	}
	b.Open(w.Address() + "/traceability/labels")
	b.Click(`input[name="thing"]`)
	b.Click(`form .buttons button[type="submit"]`)
	b.See(".label-preview")
	if got := webtest.Eval[bool](b, `document.querySelector('.label-preview').naturalWidth > 0`); !got {
		t.Error("the preview shows nothing")
	}
	b.Open(w.Address() + "/traceability/links?key=01/" + milkGTIN)
	b.Type(`[name="href"]`, "https://dairy.example/milk")
	b.Type(`[name="title"]`, "All about our milk")
	b.Click(`.send button`)
	b.See(`a[href="https://dairy.example/milk"]`)
	_, page := w.stranger().get("/" + m1)
	if !strings.Contains(page, "All about our milk") {
		t.Error("the shopper is not shown the brand's link")
	}
	b.Quiet()
}
