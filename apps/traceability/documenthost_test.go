package traceability

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/apps/traceability/bundle"
	"github.com/tallyway/tallyway/apps/traceability/documents"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/blobs"
	"github.com/tallyway/tallyway/shared/web/webtest"
)

func pdfOf(text string) []byte { return []byte("%PDF-1.7\n% " + text + "\n%%EOF\n") }

// attach sends a document to the API, a certificate that runs until a day.
func (w *viewsWorld) attach(by, about, mode string, file []byte, more ...string) (string, int) {
	w.t.Helper()
	q := url.Values{"about": {about}, "kind": {trace.Certification}, "scheme": {"organic"}, "number": {"NO-" + mode}, "issuer": {"Certifier " + mode},
		"title": {"Paper-" + mode}, "validUntil": {"2027-12-31"}, "sharing": {mode}}
	for i := 0; i < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	var said committed[trace.DocumentState]
	status := w.sendPhoto(w.tokens[by], "/api/documents?"+q.Encode(), file, &said)
	return said.Reply.ID, status
}

// Each sharing mode, and who reads the document then: on its page, in the list of
// the API, as a file, on the lot's page, in the bundle and on the shopper's page.
// The harbour lies on the chain; the market is named, and a stranger otherwise.
func TestWhoReadsADocument(t *testing.T) {
	w := viewsHost(t)
	w.log("greenfield-dairy", m1, "1000", "2026-12-24")
	w.ship("greenfield-dairy", "harbour-foods", m1, "10")
	w.receive("harbour-foods", m1, "10")
	modes := []string{trace.Linked, trace.Public, trace.Restricted, trace.Private}
	ids := map[string]string{}
	for _, mode := range modes {
		more := []string{}
		if mode == trace.Restricted {
			more = []string{"with", "city-market"}
		}
		id, status := w.attach("greenfield-dairy", m1, mode, pdfOf(mode), more...)
		if status != 201 {
			t.Fatalf("%s: %d", mode, status)
		}
		ids[mode] = id
	}
	for reader, reads := range map[string][]string{
		"greenfield-dairy": modes, "food-safety": modes,
		"harbour-foods": {trace.Linked, trace.Public},
		"city-market":   {trace.Public, trace.Restricted},
		"far-shop":      {trace.Public},
		"":              {trace.Public},
	} {
		v, on := w.stranger(), reader != "city-market" && reader != "far-shop" && reader != ""
		if reader != "" {
			v = w.signedIn(reader)
		}
		_, list := v.get("/api/documents")
		_, card := v.get(lotHref(m1))
		bundled := ""
		if on {
			for _, d := range checkBundle(t, w.bundleFor(reader, m1)).Documents {
				bundled += d.Facts.Title + " "
			}
		}
		for _, mode := range modes {
			may := slices.Contains(reads, mode)
			told := func(where string, got, want bool) {
				if got != want {
					t.Errorf("%s, shared as %s: %q reads it: %v, want %v", where, mode, reader, got, want)
				}
			}
			res, page := v.get("/documents/" + ids[mode])
			told("page", res.StatusCode == 200 && strings.Contains(page, "Checked against the ledger"), may)
			res, body := v.get("/api/documents/" + ids[mode])
			told("API", res.StatusCode == 200 && strings.Contains(body, "Certifier "+mode), may)
			res, file := v.get("/documents/" + ids[mode] + "/file")
			told("file", res.StatusCode == 200 && file == string(pdfOf(mode)), may)
			told("list", strings.Contains(list, "Paper-"+mode), may && reader != "")
			told("lot's page", strings.Contains(card, "Paper-"+mode), may && on)
			told("bundle", strings.Contains(bundled, "Paper-"+mode), may && on)
		}
	}
	_, pack := w.stranger().get("/" + m1)
	for _, mode := range modes {
		if open := mode == trace.Public; strings.Contains(pack, "Paper-"+mode) != open || strings.Contains(pack, "/documents/"+ids[mode]+"/file") != open {
			t.Errorf("shared as %s: the shopper's page tells of it: %v", mode, !open)
		}
	}
}

// A product's documents are linked to who has a lot of it, a place's to who has
// a lot of its company's.
func TestDocumentsOfProductsAndPlaces(t *testing.T) {
	w := viewsHost(t)
	w.log("greenfield-dairy", m1, "1000", "2026-12-24")
	w.ship("greenfield-dairy", "harbour-foods", m1, "10")
	w.receive("harbour-foods", m1, "10")
	for about, path := range map[string]string{"01/" + milkGTIN: "/traceability/products/edit?gtin=" + milkGTIN, "414/9506000134352": "/traceability/places/edit?gln=9506000134352"} {
		id, _ := w.attach("greenfield-dairy", about, trace.Linked, pdfOf(about))
		for reader, status := range map[string]int{"harbour-foods": 200, "far-shop": 404} {
			if res, _ := w.signedIn(reader).get("/api/documents/" + id); res.StatusCode != status {
				t.Errorf("%s: %s is answered %d", about, reader, res.StatusCode)
			}
		}
		visit(t, w.Host, "greenfield-dairy").open(path).sees("Paper-linked")
		if _, status := w.attach("harbour-foods", about, trace.Public, pdfOf("theirs")); status != 403 {
			t.Errorf("%s: another's is taken: %d", about, status)
		}
	}
}

// What is refused leaves no file; what is withdrawn leaves its record only; a
// file that two documents have stays for the other; one that was changed is not
// given out; one that is past its day is told to be.
func TestADocumentsFile(t *testing.T) {
	w := viewsHost(t)
	w.log("greenfield-dairy", m1, "1000", "2026-12-24")
	file, dairy := pdfOf("one"), w.signedIn("greenfield-dairy")
	if _, status := w.attach("harbour-foods", m1, trace.Public, file); status != 403 {
		t.Errorf("another's lot: %d", status)
	}
	if _, err := w.Blobs.Get(t.Context(), blobs.Name(file)); err == nil {
		t.Error("a refused file stays")
	}
	if _, status := w.attach("greenfield-dairy", m1, trace.Public, []byte("<html>")); status != 422 && status != 400 {
		t.Errorf("a page is taken for a document: %d", status)
	}
	old, _ := w.attach("greenfield-dairy", m1, trace.Private, file, "validUntil", "2026-11-01")
	for _, mode := range []string{trace.Private, trace.Public} {
		if _, status := w.attach("greenfield-dairy", m1, mode, file); status != 409 {
			t.Errorf("the same file once more, %s: %d", mode, status)
		}
	}
	product, _ := w.attach("greenfield-dairy", "01/"+milkGTIN, trace.Public, file, "validUntil", "2026-11-01")
	_, page := dairy.get("/documents/" + old)
	has(t, page, "Expired")
	_, pack := w.stranger().get("/" + m1)
	has(t, pack, "Expired on")
	_, body := w.stranger().get("/api/documents/" + product)
	has(t, body, `"validity":"`+string(documents.Expired)+`"`)

	visit(t, w.Host, "greenfield-dairy").open("/documents/"+old).send("/documents/"+old+"/withdraw", url.Values{}).sees("Withdrawn")
	if res, _ := dairy.get("/documents/" + old + "/file"); res.StatusCode != 404 {
		t.Errorf("a withdrawn file is given out: %d", res.StatusCode)
	}
	if res, got := dairy.get("/documents/" + product + "/file"); res.StatusCode != 200 || got != string(file) {
		t.Errorf("withdrawing one took the other's file: %d", res.StatusCode)
	}
	name := blobs.Name(file)
	if err := os.WriteFile(filepath.Join(w.Blobs.Dir(), name[:2], name), pdfOf("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	if res, got := dairy.get("/documents/" + product + "/file"); res.StatusCode != http.StatusConflict || strings.Contains(got, "%PDF") {
		t.Errorf("a changed file is given out: %d", res.StatusCode)
	}
	_, page = dairy.get("/documents/" + product)
	has(t, page, "The file is not the one on the ledger")
	lacks(t, page, "Download the file")
}

// A company attaches a certificate in a browser, sees it on the lot's page and
// withdraws it.
func TestDocumentsInABrowser(t *testing.T) {
	w := viewsHost(t)
	w.log("greenfield-dairy", m1, "1000", "2026-12-24")
	file := filepath.Join(t.TempDir(), "organic.pdf")
	if err := os.WriteFile(file, pdfOf("organic"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := webtest.NewBrowser(t, webtest.Phone)
	b.Login(w.Address(), "greenfield-dairy", password)
	for _, lang := range []string{"zh-CN", "en"} {
		b.Speak(lang)
		b.Open(w.Address() + "/traceability/documents?about=" + m1)
		if cut := b.Overflow(); cut > 0 {
			t.Errorf("%s: the page is %d pixels too wide", lang, cut)
		}
		b.Screenshot("documents-" + lang)
	}
	b.Upload("#f-file", file)
	for css, text := range map[string]string{"#f-title": "Organic milk", "#f-number": "NZ-BIO-7", "#f-issuer": "BioCert"} {
		b.Type(css, text)
	}
	webtest.Eval[bool](b, `(() => { for (const [id, v] of [["kind", "certification"], ["scheme", "organic"], ["validUntil", "2027-12-31"]]) document.querySelector("#f-" + id).value = v; return true })()`)
	b.Click(`form[enctype="multipart/form-data"] [data-send]`)
	b.See("#check .banner")
	if text := b.Text("main"); !strings.Contains(text, "Checked against the ledger") || !strings.Contains(text, "NZ-BIO-7") {
		t.Errorf("the document's page says:\n%s", text)
	}
	b.Screenshot("document")
	b.Open(w.Address() + lotHref(m1))
	if text := b.Text("main"); !strings.Contains(text, "Organic milk") {
		t.Errorf("the lot's page does not name it:\n%s", text)
	}
	b.Quiet()
}

// A bundle whose documents were changed proves nothing.
func TestAChangedDocumentProvesNothing(t *testing.T) {
	w := viewsHost(t)
	w.log("greenfield-dairy", m1, "1000", "2026-12-24")
	id, _ := w.attach("greenfield-dairy", m1, trace.Private, pdfOf("secret"))
	file := w.bundleFor("greenfield-dairy", m1)
	if p := checkBundle(t, file); len(p.Documents) != 1 || p.Documents[0].Facts.Number != "NO-private" {
		t.Fatalf("%+v", p.Documents)
	}
	for name, change := range map[string]func(*bundle.Bundle){
		"other facts": func(b *bundle.Bundle) {
			k := b.KeptDocuments[id]
			k.Body = strings.Replace(k.Body, "2027-12-31", "2029-12-31", 1)
			b.KeptDocuments[id] = k
		},
		"no facts":    func(b *bundle.Bundle) { delete(b.KeptDocuments, id) },
		"another one": func(b *bundle.Bundle) { b.Documents = append(b.Documents, strings.Repeat("0", 32)) },
	} {
		b, d, err := bundle.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		change(b)
		if _, err := bundle.Check(b, d); err == nil {
			t.Errorf("%s: it is taken for true", name)
		}
	}
}
