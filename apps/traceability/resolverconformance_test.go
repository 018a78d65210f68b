//go:build conformance

package traceability

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
)

// resolverData is a file of the resolver test suite and what belongs to it.
func resolverData(t *testing.T, name ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{os.Getenv("CONFORMANCE_DATA"), "epcis", "gs1-resolver"}, name...)...))
	if err != nil {
		t.Fatalf("%v: CONFORMANCE_DATA names the folder with the published documents", err)
	}
	return b
}

// shall is one SHALL or SHOULD of the resolver standard, with how it is shown
// to be met.
type shall struct {
	words string // as the list has it, in part
	shown func(t *testing.T, s scanner, set func(resolved) []map[string][]linkTarget)
}

type linkTarget struct {
	Href, Title, Type string
	Hreflang          []string
}

const (
	resolverMilk = "/01/" + milkGTIN
	allOfIt      = resolverMilk + "/22/V/10/M1/21/S1"
)

// TestConformanceResolver walks the statements of ConformantResolver1_0.txt by
// their numbers against the running program.
func TestConformanceResolver(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	w.brand()
	s := scanner{t, w.Address()}
	lines := strings.Split(string(resolverData(t, "testsuite", "ConformantResolver1_0.txt")), "\n")
	text := strings.Join(lines, "\n")
	set := func(r resolved) (sets []map[string][]linkTarget) {
		var doc struct {
			Linkset []map[string]json.RawMessage
		}
		if err := json.Unmarshal([]byte(r.body), &doc); err != nil || r.StatusCode != 200 {
			t.Fatalf("%d %v: %s", r.StatusCode, err, r.body)
		}
		for _, one := range doc.Linkset {
			m := map[string][]linkTarget{}
			for key, raw := range one {
				if key == "anchor" || key == "itemDescription" {
					m[key] = []linkTarget{{Href: strings.Trim(string(raw), `"`)}}
					continue
				}
				var targets []linkTarget
				if err := json.Unmarshal(raw, &targets); err != nil {
					t.Fatal(err)
				}
				m[key] = targets
			}
			sets = append(sets, m)
		}
		return sets
	}
	for i, st := range statements {
		t.Run(fmt.Sprintf("%02d", i+1), func(t *testing.T) {
			if !strings.Contains(text, st.words) {
				t.Fatalf("the list does not say %q", st.words)
			}
			st.shown(t, scanner{t, s.base}, set)
		})
	}
	for _, line := range lines {
		if !strings.Contains(line, "SHALL") && !strings.Contains(line, "SHOULD") {
			continue
		}
		if !slices.ContainsFunc(statements, func(st shall) bool { return strings.Contains(line, st.words) }) {
			t.Errorf("nothing shows: %s", line)
		}
	}
}

var statements = []shall{
	{"all key qualifiers SHALL be supported", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		for _, key := range []string{allOfIt, resolverMilk + "/235/T", "/414/9506000134352/254/D1", "/414/9506000134352/7040/1A2B", "/417/9506000134352/7040/1A2B", "/415/9506000134352/8020/R1", "/8004/9506000134ABC/7040/1A2B",
			"/8006/095060001343520102/22/V/10/L/21/S", "/8010/9506000134-1/8011/12", "/8017/950600013400000015/8019/1", "/8018/950600013400000015/8019/1"} {
			if r := s.ask("GET", key, "Accept", any_); r.StatusCode == 400 {
				t.Errorf("%s: %s", key, r.body)
			}
		}
	}},
	{"SHALL support HTTP 1.1 (or higher) GET, HEAD and OPTIONS requests", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		get, head, options := s.ask("GET", resolverMilk, "Accept", any_), s.ask("HEAD", resolverMilk, "Accept", any_), s.ask("OPTIONS", resolverMilk)
		if get.StatusCode != 307 || head.to() != get.to() || head.body != "" || head.links() != get.links() || options.StatusCode != 204 || !get.ProtoAtLeast(1, 1) {
			t.Errorf("GET %s, HEAD %s, OPTIONS %d", get.to(), head.to(), options.StatusCode)
		}
	}},
	{"SHALL support HTTP Over TLS (HTTPS)", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		inside, err := url.Parse(s.base) // a proxy speaks TLS, as docs/operating.md has it
		if err != nil {
			t.Fatal(err)
		}
		front := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(inside))
		defer front.Close()
		client := front.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		res, err := client.Get(front.URL + resolverMilk + "?linkType=gs1:pip")
		if err != nil || res.StatusCode != 307 {
			t.Errorf("%v %v", res, err)
		}
	}},
	{"SHALL support CORS", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		for _, r := range []resolved{s.ask("GET", resolverMilk, "Accept", any_), s.ask("GET", resolverMilk, "Accept", "text/html"), s.ask("GET", resolverMilk+"?linkType=linkset"), s.ask("OPTIONS", resolverMilk), s.ask("GET", "/.well-known/gs1resolver"), s.ask("GET", "/01/1", "Accept", any_)} {
			if r.Header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(r.Header.Get("Access-Control-Expose-Headers"), "Link") {
				t.Errorf("%s %s: %v", r.Request.Method, r.Request.URL, r.Header)
			}
		}
	}},
	{"SHALL extract and syntactically validate the URI and report errors with an HTTP response code of 400", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		for _, path := range []string{"/01/09506000134353", "/01/9506000", resolverMilk + "/21/S/10/L", resolverMilk + "/10/%22%5E", resolverMilk + "?17=261399", "/414/9506000134353", "/00/1"} {
			if r := s.ask("GET", path, "Accept", any_); r.StatusCode != 400 {
				t.Errorf("%s: %d", path, r.StatusCode)
			}
		}
	}},
	{"SHALL NOT use a 200 OK response code with a resource that indicates an error condition", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		for _, path := range []string{"/01/09506000134353", "/01/09506000164908", "/01/09506000164908?linkType=all", resolverMilk + "/10/NONE", resolverMilk + "?linkType=gs1:menuInfo", "/8004/X", "/nothing"} {
			for _, accept := range []string{"text/html", "application/json", "application/linkset+json"} {
				if r := s.ask("GET", path, "Accept", accept); r.StatusCode == 200 && !(strings.HasSuffix(path, "NONE") && accept == "application/linkset+json") {
					t.Errorf("%s (%s): 200 %s", path, accept, r.body)
				}
			}
		}
	}},
	{"SHALL be able to decompress a URI to generate a GS1 Digital Link URI", showCompressed},
	{"SHOULD NOT redirect to the equivalent uncompressed URI on the same resolver", showCompressed},
	{"SHALL expose the uncompressed URI in the Link response header with a rel value of owl:sameAs", showCompressed},
	{"SHALL respond to a query parameter of linkType set to linkset", func(t *testing.T, s scanner, set func(resolved) []map[string][]linkTarget) {
		for _, r := range []resolved{s.ask("GET", resolverMilk+"?linkType=linkset", "Accept", any_), s.ask("GET", resolverMilk, "Accept", "application/linkset+json")} {
			if len(set(r)) != 1 || r.Header.Get("Content-Type") != "application/linkset+json" {
				t.Errorf("%v", r.Header)
			}
		}
	}},
	{"any links associated with each level up to the primary key SHALL be included in the linkset", func(t *testing.T, s scanner, set func(resolved) []map[string][]linkTarget) {
		sets := set(s.ask("GET", allOfIt+"?linkType=linkset"))
		if len(sets) != 2 || sets[0]["https://ref.gs1.org/voc/certificationInfo"] == nil || sets[1]["https://ref.gs1.org/voc/pip"] == nil {
			t.Errorf("%v", sets)
		}
	}},
	{"The URI used as the subject of facts presented SHALL be the uncompressed version", func(t *testing.T, s scanner, set func(resolved) []map[string][]linkTarget) {
		packed := pack("0B", bits("9506000134352", 47)+"011"+"00010"+base64Bits("M1"))
		if sets := set(s.ask("GET", "/"+packed+"?linkType=linkset")); sets[0]["anchor"][0].Href != s.base+"/"+m1 {
			t.Errorf("%v", sets)
		}
	}},
	{"SHALL include the target URL, the link type and a link title, and SHOULD include the human language(s)", func(t *testing.T, s scanner, set func(resolved) []map[string][]linkTarget) {
		told := false
		for _, one := range set(s.ask("GET", resolverMilk+"?linkType=linkset")) {
			for kind, targets := range one {
				for _, l := range targets {
					told = told || len(l.Hreflang) > 0
					if kind != "anchor" && kind != "itemDescription" && (l.Href == "" || l.Title == "" || !strings.HasPrefix(kind, "https://")) {
						t.Errorf("%s: %v", kind, l)
					}
				}
			}
		}
		if !told {
			t.Error("no language is told")
		}
	}},
	{"If a media type is defined for a link, it SHALL be one defined by IANA", func(t *testing.T, s scanner, set func(resolved) []map[string][]linkTarget) {
		for _, one := range set(s.ask("GET", resolverMilk+"?linkType=linkset")) { // the ledger takes no other: trace/link
			for _, targets := range one {
				for _, l := range targets {
					if l.Type != "" && !slices.Contains(trace.MediaTypes(), l.Type) {
						t.Error(l.Type)
					}
				}
			}
		}
	}},
	{"Links that are typed gs1:defaultLink or gs1:defaultLinkMulti SHALL also be described using a descriptive link type", func(t *testing.T, s scanner, set func(resolved) []map[string][]linkTarget) {
		one := set(s.ask("GET", resolverMilk+"?linkType=linkset", "Accept-Language", "en"))[0]
		usual := one["https://ref.gs1.org/voc/defaultLink"]
		if len(usual) != 1 || !slices.ContainsFunc(one["https://ref.gs1.org/voc/pip"], func(l linkTarget) bool { return l.Href == usual[0].Href }) {
			t.Errorf("%v", usual)
		}
	}},
	{"SHOULD include an HTTP Link header pointing to a JSON-LD context file", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		found := regexp.MustCompile(`<([^>]+)>; rel="http://www.w3.org/ns/json-ld#context"`).FindStringSubmatch(s.ask("GET", resolverMilk+"?linkType=linkset").links())
		if found == nil {
			t.Fatal("no such header")
		}
		if r := s.ask("GET", found[1]); r.StatusCode != 200 || r.Header.Get("Content-Type") != "application/ld+json" {
			t.Errorf("%d %v", r.StatusCode, r.Header)
		}
	}},
	{"The default link SHALL NOT have any optional attributes", showDefault},
	{"The resolver SHALL redirect to the default link unless", showRedirect},
	{"there SHALL be a default link at the entry level or higher up the tree", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		for _, path := range []string{resolverMilk, "/" + m1, allOfIt, "/" + c1, "/01/" + cheeseGTIN + "/21/ANY", "/414/9506000134352/254/D1", "/417/9506000134352", "/00/095060001340000017", "/8004/9506000134ABC"} {
			if r := s.ask("GET", path, "Accept", any_); r.StatusCode != 307 || r.Header.Get("Location") == "" {
				t.Errorf("%s: %s", path, r.to())
			}
		}
	}},
	{"SHALL redirect to the requested type of link if available", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		if got := s.ask("GET", "/"+m1+"?linkType=gs1:certificationInfo", "Accept", any_).to(); !strings.HasPrefix(got, "307 https://dairy.example/m1.pdf") {
			t.Error(got)
		}
	}},
	{"SHALL return a 404 Not Found message if a link of the requested type is not available", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		if r := s.ask("GET", resolverMilk+"?linkType=gs1:menuInfo", "Accept", any_); r.StatusCode != 404 {
			t.Error(r.to())
		}
	}},
	{"By default, SHALL pass on all key=value pairs in the query string", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		if got := s.ask("GET", resolverMilk+"?17=261125&utm=%20x&k", "Accept", any_, "Accept-Language", "en").to(); got != "307 https://dairy.example/en/milk?from=code&17=261125&utm=%20x&k" {
			t.Error(got)
		}
	}},
	{"SHOULD support use of the Accept-Language and MAY support Accept HTTP Request Headers", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		if got := s.ask("GET", resolverMilk+"?linkType=gs1:pip", "Accept", any_, "Accept-Language", "zh-CN, en;q=0.1").to(); !strings.HasPrefix(got, "307 https://dairy.example/zh/milk") {
			t.Error(got)
		}
		if got := s.ask("GET", resolverMilk+"?linkType=gs1:masterData", "Accept", "application/xml").to(); !strings.HasPrefix(got, "307 https://dairy.example/milk.xml") {
			t.Error(got)
		}
	}},
	{"SHALL provide a resolver description file at /.well-known/gs1resolver", showDescription},
	{"The list of supported primary identifiers SHALL be provided in the Resolver Description File", showDescription},
	{"A context file that can be used to render the linkset as JSON-LD SHOULD be declared", showDescription},
	{"If supporting redirection based on an MO or Global Company Prefix", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		// It does not: what nobody here knows is 404, and nothing is handled by others.
		if r := s.ask("GET", "/01/09780345418913", "Accept", any_); r.StatusCode != 404 || strings.Contains(r.links(), "handledBy") {
			t.Errorf("%s %s", r.to(), r.links())
		}
	}},
	{"SHOULD tolerate trailing slashes", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		for _, accept := range []string{any_, "text/html"} {
			if a, b := s.ask("GET", "/"+m1+"/", "Accept", accept), s.ask("GET", "/"+m1, "Accept", accept); a.to() != b.to() {
				t.Errorf("%s and %s", a.to(), b.to())
			}
		}
	}},
	{"SHOULD expose link to the linkset in an HTTP Link header, even when redirecting", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		if r := s.ask("GET", resolverMilk, "Accept", any_); r.StatusCode != 307 || !strings.Contains(r.links(), `rel="linkset"`) {
			t.Error(r.links())
		}
	}},
	{"SHALL recognise one available link as the default for any given request URI", showDefault},
	{"All links exposed SHALL include the target URL, the link relationship type (the link type) and a human-readable title", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		complete := regexp.MustCompile(`^<[^>]+>; rel="[^"]+"; (type="[^"]+"; )?title="[^"]+"`)
		for _, path := range []string{"", "?linkType=gs1:hasRetailers"} {
			for _, l := range s.ask("GET", resolverMilk+path, "Accept", any_).Header.Values("Link") {
				if !complete.MatchString(l) && !strings.Contains(l, "json-ld#context") {
					t.Error(l)
				}
			}
		}
	}},
	{"SHALL redirect to the default link unless there is information in the request", showRedirect},
	{"SHALL redirect to the requested linkType if available", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		if got := s.ask("GET", resolverMilk+"?linkType=https://ref.gs1.org/voc/pip", "Accept", any_, "Accept-Language", "en").to(); !strings.HasPrefix(got, "307 https://dairy.example/en/milk") {
			t.Error(got)
		}
	}},
	{"SHALL recognise the GS1 Web vocabulary namespace", func(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
		for _, kind := range []string{"gs1:hasRetailers", "https://ref.gs1.org/voc/hasRetailers", "https://gs1.org/voc/hasRetailers"} {
			if r := s.ask("GET", resolverMilk+"?linkType="+kind, "Accept", any_); r.StatusCode != 300 {
				t.Errorf("%s: %s", kind, r.to())
			}
		}
	}},
}

// showCompressed asks by a compressed URI.
func showCompressed(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
	packed := pack("0B", bits("9506000134352", 47)+"011"+"00010"+base64Bits("M1"))
	r := s.ask("GET", "/"+packed, "Accept", any_, "Accept-Language", "en")
	if r.to() != "307 https://dairy.example/en/milk?from=code" || !strings.Contains(r.links(), "<"+s.base+"/"+m1+`>; rel="owl:sameAs"`) {
		t.Errorf("%s %s", r.to(), r.links())
	}
}

// showDefault counts the default links of requests.
func showDefault(t *testing.T, s scanner, set func(resolved) []map[string][]linkTarget) {
	for _, path := range []string{resolverMilk, "/" + m1, "/" + c1, "/414/9506000134352"} {
		count := 0
		for _, one := range set(s.ask("GET", path+"?linkType=linkset")) {
			for _, l := range one["https://ref.gs1.org/voc/defaultLink"] {
				count++
				if l.Type != "" || l.Hreflang != nil {
					t.Errorf("%v", l)
				}
			}
		}
		if count != 1 {
			t.Errorf("%s has %d default links", path, count)
		}
	}
}

// showRedirect asks for nothing in particular.
func showRedirect(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
	for language, want := range map[string]string{"en": "307 https://dairy.example/en/milk?from=code", "zh": "307 https://dairy.example/zh/milk#top", "fr": "307 https://dairy.example/en/milk?from=code"} {
		if got := s.ask("GET", resolverMilk, "Accept", any_, "Accept-Language", language).to(); got != want {
			t.Errorf("%s: %s", language, got)
		}
	}
}

// showDescription reads what the resolver tells of itself.
func showDescription(t *testing.T, s scanner, _ func(resolved) []map[string][]linkTarget) {
	r := s.ask("GET", "/.well-known/gs1resolver", "Accept", "application/json")
	var d struct {
		ResolverRoot, JsonLdContextLocation string
		SupportedPrimaryKeys                []string
	}
	if err := json.Unmarshal([]byte(r.body), &d); err != nil || r.StatusCode != 200 || d.ResolverRoot != s.base || !slices.Equal(d.SupportedPrimaryKeys, gs1.Keys()) {
		t.Errorf("%v %s", err, r.body)
	}
	if r := s.ask("GET", strings.TrimPrefix(d.JsonLdContextLocation, s.base)); r.StatusCode != 200 {
		t.Errorf("%s: %d", d.JsonLdContextLocation, r.StatusCode)
	}
}

// TestConformanceLinksets checks the resolver's linksets against both published
// schemas, and the checker against the published examples.
func TestConformanceLinksets(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	w.brand()
	s := scanner{t, w.Address()}
	var model map[string]any
	for _, name := range []string{"gs1-linkset-schema.json", "linkset-schema.json"} {
		schema := readAny(t, resolverData(t, "linkset", name))
		for _, path := range []string{resolverMilk, "/" + m1, "/" + c1, allOfIt, "/414/9506000134352", "/417/9506000134352", "/00/095060001340000017", "/8004/9506000134ABC"} {
			r := s.ask("GET", path+"?linkType=linkset")
			if r.StatusCode != 200 {
				t.Fatalf("%s: %d", path, r.StatusCode)
			}
			document := readAny(t, []byte(r.body))
			if name == "linkset-schema.json" { // RFC 9264 alone has no description of the item
				for _, one := range document.(map[string]any)["linkset"].([]any) {
					delete(one.(map[string]any), "itemDescription")
				}
			}
			for _, wrong := range against(schema, document, "") {
				t.Errorf("%s, %s: %s", name, path, wrong)
			}
		}
		kind := map[string]string{"gs1-linkset-schema.json": "gs1", "linkset-schema.json": "basic"}[name]
		if wrong := against(schema, readAny(t, resolverData(t, "linkset", "valid-"+kind+"-example.json")), ""); len(wrong) > 0 {
			t.Errorf("the valid example: %v", wrong)
		}
		if wrong := against(schema, readAny(t, resolverData(t, "linkset", "invalid-"+kind+"-example.json")), ""); len(wrong) == 0 {
			t.Errorf("%s: the invalid example passes", name)
		}
	}
	if err := json.Unmarshal(resolverData(t, "testsuite", "modelLinkset.json"), &model); err != nil {
		t.Fatal(err)
	}
}

func readAny(t *testing.T, b []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// against tells where a value breaks a JSON schema of draft 7, as far as the two
// linkset schemas go.
func against(schema, value any, at string) (wrong []string) {
	s, _ := schema.(map[string]any)
	kinds := map[string]bool{"object": is[map[string]any](value), "array": is[[]any](value), "string": is[string](value), "boolean": is[bool](value)}
	if kind, ok := s["type"].(string); ok && !kinds[kind] {
		return []string{fmt.Sprintf("%s is %T, want %s", at, value, kind)}
	}
	switch v := value.(type) {
	case string:
		if p, ok := s["pattern"].(string); ok && !matches(p, v) {
			wrong = append(wrong, fmt.Sprintf("%s: %q does not match %s", at, v, p))
		}
		if u, err := url.Parse(v); s["format"] == "uri" && (err != nil || !u.IsAbs()) {
			wrong = append(wrong, at+": "+v+" is no URI")
		}
	case []any:
		for i, item := range v {
			wrong = append(wrong, against(s["items"], item, fmt.Sprintf("%s/%d", at, i))...)
		}
	case map[string]any:
		required, _ := s["required"].([]any)
		for _, name := range required {
			if v[name.(string)] == nil {
				wrong = append(wrong, fmt.Sprintf("%s: no %s", at, name))
			}
		}
		properties, _ := s["properties"].(map[string]any)
		patterns, _ := s["patternProperties"].(map[string]any)
		for name, item := range v {
			below, known := properties[name]
			for pattern, of := range patterns {
				if !known && matches(pattern, name) {
					below, known = of, true
				}
			}
			if !known && s["additionalProperties"] == false {
				wrong = append(wrong, at+": "+name+" may not stand there")
			} else if known {
				wrong = append(wrong, against(below, item, at+"/"+name)...)
			}
		}
	}
	return wrong
}

func is[T any](v any) bool { _, ok := v.(T); return ok }

// matches knows ECMA's negative look-ahead at the beginning of these schemas' one
// pattern, which names the properties that are told apart before it is asked.
func matches(pattern, text string) bool {
	if strings.HasPrefix(pattern, "(?!") {
		pattern = pattern[strings.Index(pattern, ")^")+1:]
	}
	return regexp.MustCompile(pattern).MatchString(text)
}

// TestConformancePostman sends the requests of the published collection that ask a
// resolver for its links, with the host and the product put in their place.
func TestConformancePostman(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	w.brand()
	s := scanner{t, w.Address()}
	type item struct {
		Name    string
		Item    []item
		Request struct {
			Method string
			Header []struct{ Key, Value string }
			URL    struct{ Raw string }
		}
	}
	var collection item
	if err := json.Unmarshal(resolverData(t, "postman", "gs1_digital_link_requests.postman_collection.json"), &collection); err != nil {
		t.Fatal(err)
	}
	sent := 0
	var walk func(item)
	walk = func(i item) {
		for _, one := range i.Item {
			walk(one)
		}
		u, err := url.Parse(i.Request.URL.Raw)
		if err != nil || !strings.HasPrefix(u.Path, "/01/04012345999969") {
			return // collections of other resolvers' own interfaces
		}
		header := []string{"Accept", any_}
		for _, h := range i.Request.Header {
			header = append(header, h.Key, h.Value)
		}
		r := s.ask(i.Request.Method, resolverMilk+"?"+u.RawQuery, header...)
		want := 307
		switch {
		case strings.Contains(u.RawQuery, "=all"), strings.Contains(u.RawQuery, "=linkset"):
			want = 200
		case strings.Contains(u.RawQuery, "relatedImage"), strings.Contains(u.RawQuery, "certificationInfo"):
			want = 404 // the product here has neither
		case strings.Contains(u.RawQuery, "masterData") && !slices.Contains(header, "application/ld+json"):
			want = 300
		}
		sent++
		if r.StatusCode != want {
			t.Errorf("%s: %s, want %d", i.Name, r.to(), want)
		}
	}
	walk(collection)
	if sent < 11 {
		t.Errorf("%d requests", sent)
	}
}
