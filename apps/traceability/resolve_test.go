package traceability

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

// scanner asks the resolver and follows nothing.
type scanner struct {
	t    testing.TB
	base string
}

type resolved struct {
	*http.Response
	body string
}

// ask sends one request; header fields come as name and value.
func (s scanner) ask(method, path string, header ...string) resolved {
	s.t.Helper()
	req, err := http.NewRequest(method, s.base+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resolved{res, string(b)}
}

// to is where an answer leads.
func (r resolved) to() string { return fmt.Sprint(r.StatusCode, " ", r.Header.Get("Location")) }

func (r resolved) links() string { return strings.Join(r.Header.Values("Link"), ", ") }

const any_ = "*/*"

// brand publishes the dairy's links.
func (w *viewsWorld) brand() {
	const milk = "01/" + milkGTIN
	for _, l := range []trace.Link{
		{Key: milk, Type: "gs1:pip", Href: "https://dairy.example/en/milk?from=code", Title: "Fresh milk", TitleZh: "鲜牛奶", Lang: "en", Media: "text/html", Default: true},
		{Key: milk, Type: "gs1:pip", Href: "https://dairy.example/zh/milk#top", Title: "Fresh milk, in Chinese", TitleZh: "鲜牛奶", Lang: "zh", Media: "text/html"},
		{Key: milk, Type: "gs1:masterData", Href: "https://dairy.example/milk.jsonld", Title: "Master data", Media: "application/ld+json"},
		{Key: milk, Type: "gs1:masterData", Href: "https://dairy.example/milk.xml", Title: "Master data", Media: "application/xml"},
		{Key: milk, Type: "gs1:hasRetailers", Href: "https://north.example/", Title: "In the north"},
		{Key: milk, Type: "gs1:hasRetailers", Href: "https://south.example/", Title: "In the south"},
		{Key: milk, Type: "https://dairy.example/voc/farm", Href: "https://dairy.example/farm", Title: "The farm"},
		{Key: milk + "/10/M1", Type: "gs1:certificationInfo", Href: "https://dairy.example/m1.pdf", Title: "Laboratory report", Media: "application/pdf"},
		{Key: "414/9506000134352", Type: "gs1:openingHoursInfo", Href: "https://dairy.example/hours", Title: "Opening hours"},
		{Key: "8004/9506000134ABC", Type: "gs1:instructions", Href: "https://dairy.example/tank", Title: "How to clean the tank"},
	} {
		w.do("greenfield-dairy", l)
	}
}

func TestResolver(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	w.brand()
	s := scanner{t, w.Address()}
	base := "http://" + strings.TrimPrefix(w.Address(), "http://")

	t.Run("leads", func(t *testing.T) {
		for _, c := range []struct {
			path, accept, language, want string
		}{
			{"/01/" + milkGTIN, any_, "", "307 https://dairy.example/en/milk?from=code"},
			{"/01/" + milkGTIN, any_, "zh-CN,en;q=0.5", "307 https://dairy.example/zh/milk#top"},
			{"/01/" + milkGTIN + "/", any_, "en", "307 https://dairy.example/en/milk?from=code"},
			{"/01/" + milkGTIN + "?linkType=gs1:pip&17=261125&x=%C3%A9", any_, "zh", "307 https://dairy.example/zh/milk?linkType=gs1:pip&17=261125&x=%C3%A9#top"},
			{"/01/" + milkGTIN + "?15=261125", any_, "en", "307 https://dairy.example/en/milk?from=code&15=261125"},
			{"/01/" + milkGTIN + "?linkType=https://gs1.org/voc/masterData", "application/xml", "", "307 https://dairy.example/milk.xml?linkType=https://gs1.org/voc/masterData"},
			{"/01/" + milkGTIN + "?linkType=gs1:masterData", "application/ld+json, */*;q=0.1", "", "307 https://dairy.example/milk.jsonld?linkType=gs1:masterData"},
			{"/01/" + milkGTIN + "?linkType=gs1:masterData", any_, "", "300 "},
			{"/01/" + milkGTIN + "?linkType=gs1:hasRetailers", any_, "", "300 "},
			{"/01/" + milkGTIN + "?linkType=https://dairy.example/voc/farm", any_, "", "307 https://dairy.example/farm?linkType=https://dairy.example/voc/farm"},
			{"/01/" + milkGTIN + "?linkType=gs1:recipeInfo", any_, "", "404 "},
			{"/01/" + milkGTIN + "?linkType=gs1:nonsense", any_, "", "404 "},
			{"/" + m1, any_, "en", "307 https://dairy.example/en/milk?from=code"}, // the product's, a level up
			{"/" + m1 + "?linkType=gs1:certificationInfo", any_, "", "307 https://dairy.example/m1.pdf?linkType=gs1:certificationInfo"},
			{"/01/" + milkGTIN + "/22/V/10/M1/21/S?linkType=gs1:certificationInfo", any_, "", "307 https://dairy.example/m1.pdf?linkType=gs1:certificationInfo"},
			{"/01/" + milkGTIN + "/10/M2?linkType=gs1:certificationInfo", any_, "", "404 "},
			{"/" + m1 + "?linkType=gs1:traceability", any_, "", "307 " + base + "/scan/" + m1 + "?linkType=gs1:traceability"},
			{"/" + c1, any_, "", "307 " + base + "/scan/" + c1}, // no owner named a default
			{"/01/" + cheeseGTIN + "?linkType=gs1:pip", any_, "", "307 " + base + "/scan/01/" + cheeseGTIN + "?linkType=gs1:pip"},
			{"/01/09506000164908", any_, "", "404 "},
			{"/414/9506000134352", any_, "", "307 " + base + "/scan/414/9506000134352"},
			{"/414/9506000134352/254/D2?linkType=gs1:openingHoursInfo", any_, "", "307 https://dairy.example/hours?linkType=gs1:openingHoursInfo"},
			{"/8004/9506000134ABC?linkType=gs1:instructions", any_, "", "307 https://dairy.example/tank?linkType=gs1:instructions"},
			{"/8004/9506000134ABD", any_, "", "404 "},
			{"/gtin/" + milkGTIN + "/lot/M1?linkType=gs1:certificationInfo", any_, "", "307 https://dairy.example/m1.pdf?linkType=gs1:certificationInfo"},
		} {
			for _, method := range []string{"GET", "HEAD"} {
				if got := s.ask(method, c.path, "Accept", c.accept, "Accept-Language", c.language).to(); got != c.want {
					t.Errorf("%s %s (%s, %s): %s, want %s", method, c.path, c.accept, c.language, got, c.want)
				}
			}
		}
	})
	t.Run("refuses", func(t *testing.T) {
		for path, code := range map[string]string{
			"/01/09506000134353": "gs1/check-digit", "/01/0950600013435": "gs1/check-digit", "/01/095060001": "gs1/length", "/01/0950600013435A": "gs1/character",
			"/01/" + milkGTIN + "/21/S/10/L": "gs1/order", "/01/" + milkGTIN + "/10/%C3%A9": "gs1/character", "/01/" + milkGTIN + "/10/" + strings.Repeat("L", 21): "gs1/length",
			"/01/" + milkGTIN + "?17=261399": "gs1/value", "/01/" + milkGTIN + "?3103=12": "gs1/length", "/01/" + milkGTIN + "?0815=1": "gs1/unknown-key",
			"/01/" + milkGTIN + "?17=261125&17=261126": "gs1/syntax", "/01/" + milkGTIN + "/10": "gs1/syntax", "/00/123": "gs1/length", "/414/9506000134353": "gs1/check-digit",
			"/8013/1987654Ad4X4bL5ttr2310c2X": "gs1/check-digit",
		} {
			r := s.ask("GET", path, "Accept", any_)
			var p struct{ Code, Type, Title, Detail, Remedy string }
			if err := json.Unmarshal([]byte(r.body), &p); err != nil || r.StatusCode != 400 || p.Code != code || p.Type != "/problems/"+code || p.Title == "" || p.Detail == "" || p.Remedy == "" {
				t.Errorf("%s: %d %s, want 400 %s", path, r.StatusCode, r.body, code)
			}
			if r := s.ask("GET", path, "Accept", "text/html"); r.StatusCode != 400 || !strings.Contains(r.body, "This number cannot be right") {
				t.Errorf("%s: people are answered %d", path, r.StatusCode)
			}
			if r := s.ask("GET", p.Type, "Accept", "text/html"); r.StatusCode != 200 {
				t.Errorf("%s explains nothing", p.Type)
			}
		}
	})
	t.Run("linkset", func(t *testing.T) {
		for _, asked := range []struct{ path, accept, media string }{
			{"?linkType=linkset", any_, "application/linkset+json"}, {"?linkType=all", any_, "application/linkset+json"}, {"", "application/linkset+json", "application/linkset+json"},
			{"?linkType=all", "application/json", "application/json"}, {"?linkType=all", "application/ld+json", "application/ld+json"},
		} {
			r := s.ask("GET", "/"+m1+asked.path, "Accept", asked.accept, "Accept-Language", "en")
			if r.StatusCode != 200 || r.Header.Get("Content-Type") != asked.media {
				t.Fatalf("%v: %d %s %s", asked, r.StatusCode, r.Header.Get("Content-Type"), r.body)
			}
			var doc struct {
				Linkset []map[string]json.RawMessage
				Context json.RawMessage `json:"@context"`
			}
			if err := json.Unmarshal([]byte(r.body), &doc); err != nil {
				t.Fatal(err)
			}
			if len(doc.Linkset) != 2 || string(doc.Linkset[0]["anchor"]) != `"`+base+"/"+m1+`"` || string(doc.Linkset[1]["anchor"]) != `"`+base+"/01/"+milkGTIN+`"` ||
				string(doc.Linkset[1]["itemDescription"]) != `"Fresh milk"` || (doc.Context != nil) != (asked.media == "application/ld+json") {
				t.Errorf("%v: %s", asked, r.body)
			}
			usual := strings.Join(strings.Fields(string(doc.Linkset[1]["https://ref.gs1.org/voc/defaultLink"])), " ")
			if usual != `[ { "href": "https://dairy.example/en/milk?from=code", "title": "Fresh milk" } ]` {
				t.Errorf("the default link is %s", usual)
			}
			if doc.Linkset[0]["https://ref.gs1.org/voc/certificationInfo"] == nil || doc.Linkset[1]["https://ref.gs1.org/voc/epcis"] != nil {
				t.Errorf("%s", r.body)
			}
			if !strings.Contains(r.links(), "json-ld#context") {
				t.Errorf("%v: no context in %s", asked, r.links())
			}
		}
		if r := s.ask("GET", "/01/"+milkGTIN+"?linkType=all", "Accept", "text/html", "Accept-Language", "zh"); r.StatusCode != 200 || !strings.Contains(r.body, "鲜牛奶") || !strings.Contains(r.body, "https://north.example/") {
			t.Errorf("people get %d %s", r.StatusCode, r.body)
		}
	})
	t.Run("header", func(t *testing.T) {
		for path, accept := range map[string]string{"/" + m1: any_, "/01/" + milkGTIN: "text/html", "/01/" + milkGTIN + "?linkType=gs1:pip": any_, "/00/095060001340000017": "text/html"} {
			r := s.ask("GET", path, "Accept", accept)
			bare, _, _ := strings.Cut(path, "?")
			if !strings.Contains(r.links(), "<"+bare+`?linkType=linkset>; rel="linkset"; type="application/linkset+json"`) || r.Header.Get("Access-Control-Allow-Origin") != "*" ||
				!strings.Contains(r.Header.Get("Access-Control-Expose-Headers"), "Link") || !strings.Contains(strings.Join(r.Header.Values("Vary"), ","), "Accept-Language") {
				t.Errorf("%s: %d %v", path, r.StatusCode, r.Header)
			}
		}
		if r := s.ask("OPTIONS", "/"+m1, "Origin", "https://other.example", "Access-Control-Request-Method", "GET"); r.StatusCode != 204 || r.Header.Get("Access-Control-Allow-Origin") != "*" || r.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("OPTIONS: %d %v", r.StatusCode, r.Header)
		}
	})
	t.Run("compressed", func(t *testing.T) {
		// (01)09506000134352(10)M1: code 0B, 47 bits, then two characters of base64url
		packed := pack("0B", bits("9506000134352", 47)+"011"+"00010"+base64Bits("M1"))
		r := s.ask("GET", "/"+packed+"?linkType=gs1:certificationInfo", "Accept", any_)
		if r.to() != "307 https://dairy.example/m1.pdf?linkType=gs1:certificationInfo" || !strings.Contains(r.links(), "<"+base+"/"+m1+`?linkType=gs1:certificationInfo>; rel="owl:sameAs"`) {
			t.Errorf("%s leads %s: %s", packed, r.to(), r.links())
		}
		if r := s.ask("GET", "/"+packed, "Accept", "text/html", "Accept-Language", "en"); r.StatusCode != 200 || !strings.Contains(r.body, "Fresh milk") || !strings.Contains(r.links(), "owl:sameAs") {
			t.Errorf("people get %d, %s", r.StatusCode, r.links())
		}
		partly := pack("10", "011"+"00010"+base64Bits("M1"))
		if r := s.ask("GET", "/01/"+milkGTIN+"/"+partly+"?linkType=linkset"); r.StatusCode != 200 || !strings.Contains(r.body, `"`+base+"/"+m1+`"`) {
			t.Errorf("partly compressed: %d %s", r.StatusCode, r.body)
		}
		for _, path := range []string{"/nothing", "/nothing/at/all", "/products"} {
			if r := s.ask("GET", path, "Accept", any_); r.StatusCode != 404 {
				t.Errorf("%s is answered %d", path, r.StatusCode)
			}
		}
	})
	t.Run("description", func(t *testing.T) {
		var d struct {
			ResolverRoot         string
			SupportedPrimaryKeys []string
			JSONLDContext        string `json:"jsonLdContextLocation"`
		}
		r := s.ask("GET", "/.well-known/gs1resolver")
		if err := json.Unmarshal([]byte(r.body), &d); err != nil || d.ResolverRoot != base || !slices.Contains(d.SupportedPrimaryKeys, "8018") || len(d.SupportedPrimaryKeys) != 16 {
			t.Errorf("%v %s", err, r.body)
		}
		if r := s.ask("GET", strings.TrimPrefix(d.JSONLDContext, base)); r.StatusCode != 200 || r.Header.Get("Content-Type") != "application/ld+json" || !json.Valid([]byte(r.body)) {
			t.Errorf("%s: %d %s", d.JSONLDContext, r.StatusCode, r.body)
		}
	})
	t.Run("people", func(t *testing.T) {
		page := s.ask("GET", "/"+m1, "Accept", "text/html", "Accept-Language", "en")
		for _, want := range []string{"Nothing is known against this pack", "More from the maker", "https://dairy.example/m1.pdf", "Laboratory report", "https://north.example/"} {
			if !strings.Contains(page.body, want) {
				t.Errorf("the shopper's page does not say %q", want)
			}
		}
		place := s.ask("GET", "/414/9506000134352", "Accept", "text/html", "Accept-Language", "zh")
		for _, want := range []string{"绿野工厂", "草溪镇", "绿野乳业", "https://dairy.example/hours"} {
			if place.StatusCode != 200 || !strings.Contains(place.body, want) {
				t.Errorf("the place's page (%d) does not say %q", place.StatusCode, want)
			}
		}
		company := s.ask("GET", "/417/9506000134352", "Accept", "text/html", "Accept-Language", "en")
		if company.StatusCode != 200 || !strings.Contains(company.body, "Greenfield Dairy") {
			t.Errorf("the company's page: %d", company.StatusCode)
		}
	})
}

// bits is a number of so many bits.
func bits(number string, n int) string {
	a, _ := gs1.ParseAmount(number)
	var v uint64
	fmt.Sscan(a.String(), &v)
	return fmt.Sprintf("%0*b", n, v)
}

const base64Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func base64Bits(text string) (all string) {
	for _, c := range text {
		all += fmt.Sprintf("%06b", strings.IndexRune(base64Letters, c))
	}
	return all
}

// pack writes a code of two hexadecimal digits and what follows as base64url.
func pack(code, rest string) (text string) {
	var c uint64
	fmt.Sscanf(code, "%x", &c)
	all := fmt.Sprintf("%08b", c) + rest
	for len(all)%6 != 0 {
		all += "0"
	}
	for i := 0; i < len(all); i += 6 {
		var v int
		fmt.Sscanf(all[i:i+6], "%b", &v)
		text += base64Letters[v : v+1]
	}
	return text
}

// A pallet's code tells strangers nothing of what is on it; members through whose
// hands it went are led to its page.
func TestResolverKeepsAPalletsContents(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	const pack = "00/095060001340000017"
	e := packedMilk(t, pack)
	w.capture("greenfield-dairy", e)
	seen := func(v *visitor) (int, string) {
		res, body := v.get("/" + pack)
		return res.StatusCode, res.Request.URL.Path + " " + body
	}
	if status, page := seen(w.stranger()); status != 200 || !strings.HasPrefix(page, "/"+pack) || strings.Contains(page, "milk") || strings.Contains(page, "M1") || !strings.Contains(page, "Greenfield Dairy") {
		t.Errorf("a stranger sees %d %s", status, page)
	}
	if status, page := seen(w.signedIn("greenfield-dairy")); status != 200 || !strings.HasPrefix(page, "/traceability/packs/095060001340000017") || !strings.Contains(page, "M1") {
		t.Errorf("its packer sees %d %s", status, page)
	}
	if status, page := seen(w.signedIn("far-shop")); status != 200 || !strings.HasPrefix(page, "/"+pack) || strings.Contains(page, "M1") {
		t.Errorf("a firm off the chain sees %d %s", status, page)
	}
	if res, _ := w.signedIn("far-shop").get("/traceability/packs/095060001340000017"); res.StatusCode != 404 {
		t.Errorf("a firm off the chain is shown the pack: %d", res.StatusCode)
	}
	if res, body := w.signedIn("city-market").get("/traceability/packs/095060001340000017"); res.StatusCode == 200 && strings.Contains(body, "100") {
		t.Errorf("who had some of it is told how much is in the pack: %s", body)
	}
	s := scanner{t, w.Address()}
	if r := s.ask("GET", "/"+pack+"?linkType=linkset", "Accept", "application/linkset+json"); r.StatusCode != 200 || strings.Contains(r.body, "M1") {
		t.Errorf("the linkset tells %s", r.body)
	}
}

// TestDigitalLinksDoNotBreakTheResolver sends mutated Digital Links through the
// whole program: none may panic, and none is a fault of ours.
func TestDigitalLinksDoNotBreakTheResolver(t *testing.T) {
	n := 3000
	if os.Getenv("TALLYWAY_TORTURE") != "" {
		n = 100_000
	}
	w := viewsHost(t)
	w.log("greenfield-dairy", m1, "1000", "2026-11-25")
	w.brand()
	seeds := []string{"/01/" + milkGTIN, "/" + m1, "/01/" + milkGTIN + "/22/V/10/M1/21/S?17=261125&3103=000480&linkType=gs1:pip", "/01/" + milkGTIN + "/235/T", "/00/095060001340000017", "/414/9506000134352/254/D2",
		"/417/9506000134352", "/8003/09506000134352ABC", "/8004/9506000134ABC?linkType=all", "/8006/095060001343520102/21/1", "/253/9506000134352AB", "/255/9506000134352", "/401/9506000134AB", "/402/95060001340000018",
		"/8010/9506000134-1/8011/12", "/8013/1987654Ad4X4bL5ttr2310c2K", "/8017/950600013400000019/8019/1", "/8018/950600013400000019", "/415/9506000134352/8020/A", "/gtin/" + milkGTIN, "/ARHKVAdpQg",
		"/AQnYUc1gmiERBhQ0ytiyZuAGOLc1TXgpNWCv1?k=v", "/01/" + milkGTIN + "/EHg", "/scan/" + m1, "/.well-known/gs1resolver"}
	pieces := []string{"/", "//", "%2F", "%", "%00", "%FF", "?", "&", "=", "#", "linkType=", "linkType=linkset", "..", ";", "+", " ", "\\", "é", "0", "9", "A", "_", "(01)", "01/", "/10/", "/21/", strings.Repeat("9", 300), "\"", "<script>", "$1", "'"}
	accepts := []string{"", any_, "text/html", "application/json", "application/linkset+json", "application/ld+json;q=0.1, */*;q=x", ",,;;=", "text/html;q=0"}
	r := rand.New(rand.NewSource(1))
	for i := range n {
		path := seeds[r.Intn(len(seeds))]
		for range r.Intn(4) {
			at := r.Intn(len(path) + 1)
			switch r.Intn(3) {
			case 0:
				path = path[:at] + pieces[r.Intn(len(pieces))] + path[at:]
			case 1:
				path = path[:at] + path[min(len(path), at+1+r.Intn(3)):]
			default:
				path = path[:at] + string(rune(33+r.Intn(94))) + path[min(len(path), at+1):]
			}
		}
		u, err := url.Parse("http://host.example" + "/" + strings.TrimPrefix(path, "/"))
		if err != nil || u.Host != "host.example" {
			continue // no client can send it
		}
		req := httptest.NewRequest([]string{"GET", "HEAD", "OPTIONS"}[i%3], "http://host.example/", nil)
		req.URL, req.RemoteAddr = u, "127.0.0.1:50000"
		req.Header.Set("Accept", accepts[r.Intn(len(accepts))])
		req.Header.Set("Accept-Language", []string{"", "zh", "en;q=0.5, *", "xx-YY;q=2"}[r.Intn(4)])
		answer := httptest.NewRecorder()
		w.Web.ServeHTTP(answer, req)
		if answer.Code >= 500 {
			t.Fatalf("%s %q (%s): %d %s", req.Method, u, req.Header.Get("Accept"), answer.Code, answer.Body)
		}
		if to := answer.Header().Get("Location"); strings.ContainsAny(to, "\r\n") {
			t.Fatalf("%q leads to %q", u, to)
		}
	}
}

// packedMilk is the packing of some of the milk.
func packedMilk(t testing.TB, pack string) epcis.Event {
	t.Helper()
	id, err := gs1.Parse(pack)
	if err != nil {
		t.Fatal(err)
	}
	return epcis.Event{Type: epcis.AggregationEvent, Action: epcis.Add, BizStep: "packing", Disposition: "in_progress", Parent: id.URI(), ChildQuantities: []epcis.Quantity{kilos(m1, "100")}}
}
