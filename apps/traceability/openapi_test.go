//go:build conformance

package traceability

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/epcis/query"
)

// binding is what this test reads of the standard's OpenAPI file.
type binding struct {
	Paths map[string]map[string]json.RawMessage
}

// unprovoked are answers that this test does not provoke, and why.
func unprovoked(path, method, status string) string {
	switch {
	case status == "500":
		return "a fault of the program"
	case status == "501":
		return "the operation is there"
	case status == "101":
		return "a websocket"
	case status == "403":
		return "a company's own records; cmd/tallyway/access_test.go tries every role"
	case method == "options" && slices.Contains([]string{"401", "403", "404", "414"}, status):
		return "discovery is open to everybody, and says nothing of records"
	case status == "400" && strings.Count(path, "/") == 2 && strings.Contains(path, "{") && method == "get":
		return "the address takes no parameters to be wrong"
	case method == "post" && status == "413":
		return "TestLimitsAndNegotiation"
	case path == "/queries/{queryName}" && status == "413":
		return "a definition has no size to speak of"
	case path == "/queries/{queryName}/events" && status == "413":
		return "TestQueries: maxEventCount"
	case path == "/eventTypes/{eventType}/events" && status == "404", path == "/eventTypes/{eventType}" && status == "404":
		return ""
	case strings.HasSuffix(path, "}/events") && status == "404" && path != "/queries/{queryName}/events":
		return "no events match: an empty document, as of any query"
	}
	return ""
}

// TestConformanceOpenAPI walks every operation of the OpenAPI file, and every
// status that it documents.
func TestConformanceOpenAPI(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(os.Getenv("CONFORMANCE_DATA"), "epcis/gs1-epcis/REST-Bindings/openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	var api binding
	if err := json.Unmarshal(b, &api); err != nil {
		t.Fatal(err)
	}
	w := startAsked(t)
	operations := 0
	for path, item := range api.Paths {
		for method, raw := range item {
			if !slices.Contains([]string{"get", "post", "delete", "options", "put", "patch"}, method) {
				continue
			}
			var op struct{ Responses map[string]json.RawMessage }
			if err := json.Unmarshal(raw, &op); err != nil {
				t.Fatal(err)
			}
			operations++
			var told []string
			for status := range op.Responses {
				if why := unprovoked(path, method, status); why != "" {
					continue
				}
				told = append(told, status)
				w.provoke(t, path, method, status)
			}
			slices.Sort(told)
			t.Logf("covered  %-7s %s %s", strings.ToUpper(method), path, strings.Join(told, " "))
		}
	}
	if operations != 63 {
		t.Errorf("%d operations, want 63", operations)
	}
}

// filled puts a value that the dairy knows in place of a parameter.
func (w *machineWorld) filled(t *testing.T, path string, missing bool) string {
	known := map[string]string{"{captureID}": "", "{eventID}": "", "{eventType}": "ObjectEvent", "{epc}": url.PathEscape("urn:epc:id:sscc:9506000134.0000001"),
		"{bizStep}": "shipping", "{bizLocation}": url.PathEscape("urn:epc:id:sgln:9506000134.35.0"), "{readPoint}": url.PathEscape("urn:example:yard"),
		"{disposition}": "in_transit", "{queryName}": "kept", "{subscriptionID}": "", "{token}": ""}
	for name, value := range known {
		if !strings.Contains(path, name) {
			continue
		}
		switch {
		case missing:
			value = url.PathEscape("urn:example:nowhere")
		case name == "{captureID}":
			value = strings.TrimPrefix(w.call(t, "greenfield-dairy", "POST", "/epcis/v2/capture", documentOf()).want(t, 202).Header.Get("Location"), "/epcis/v2/capture/")
		case name == "{eventID}":
			value = url.PathEscape("urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8")
		case name == "{queryName}":
			w.call(t, "greenfield-dairy", "POST", "/epcis/v2/queries", []byte(`{"name": "kept", "query": {"eventType": ["ObjectEvent"]}}`))
		case name == "{subscriptionID}":
			w.call(t, "greenfield-dairy", "POST", "/epcis/v2/queries", []byte(`{"name": "kept", "query": {"eventType": ["ObjectEvent"]}}`))
			value = w.subscribe(t, "greenfield-dairy", "kept", "https://receiver.example/", `"schedule": {"hour": "1"}`).ID
		case name == "{token}":
			next, err := url.Parse(nextOf(w.call(t, "greenfield-dairy", "GET", "/epcis/v2/events?perPage=1", nil)))
			if err != nil {
				t.Fatal(err)
			}
			value = next.Query().Get("nextPageToken")
		}
		path = strings.Replace(path, name, value, 1)
	}
	return epcisBase + strings.TrimSuffix(path, "/")
}

// provoke asks so that the operation has to answer with the status.
func (w *machineWorld) provoke(t *testing.T, path, method, status string) {
	t.Helper()
	by, header, body := "greenfield-dairy", []string{}, []byte(nil)
	bodies := map[string]string{"/capture": string(documentOf()), "/events": milking("NEW"+status, 5, 59), "/queries": `{"name": "q` + status + `", "query": {"EQ_bizStep": ["shipping", "receiving"], "eventType": ["ObjectEvent"]}}`,
		"/queries/{queryName}/subscriptions": `{"dest": "https://receiver.example/", "schedule": {"hour": "1", "minute": "5"}}`}
	if method == "post" {
		body = []byte(bodies[path])
	}
	at := w.filled(t, path, status == "404")
	switch status {
	case "400":
		if body = []byte(`{"name": "q", "query": 7}`); method != "post" {
			at += "?EQ_colour=red"
		}
	case "401":
		by = ""
	case "406":
		header = append(header, "Accept", "image/png")
	case "409":
		w.call(t, by, "POST", at, body)
	case "414":
		at += "?EQ_bizStep=" + strings.Repeat("x", longestQuery)
	case "415":
		header = append(header, "Content-Type", "image/png")
	}
	r := w.call(t, by, strings.ToUpper(method), at, body, header...)
	if got := r.StatusCode; got != map[string]int{"200": 200, "201": 201, "202": 202, "204": 204, "400": 400, "401": 401, "404": 404, "406": 406, "409": 409, "414": 414, "415": 415}[status] {
		t.Errorf("%s %s answers %d, want %s: %.300s", method, path, got, status, r.body)
	}
	if status[0] == '2' {
		wellFormed(t, path, method, r)
		return
	}
	var p epcisProblem
	if r.into(t, &p); !strings.HasPrefix(p.Type, "epcisException:") || p.Title == "" || r.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s %s %s: %s", method, path, status, r.body)
	}
}

// wellFormed checks the shape of what succeeds.
func wellFormed(t *testing.T, path, method string, r machineAnswer) {
	t.Helper()
	if r.Header.Get("GS1-EPCIS-Version") == "" || r.Header.Get("GS1-CBV-Version") == "" {
		t.Errorf("%s %s tells no versions", method, path)
	}
	if method == "options" {
		if allow := r.Header.Get("Allow"); !strings.Contains(allow, "OPTIONS") {
			t.Errorf("%s allows %q", path, allow)
		}
		return
	}
	if method != "get" {
		return
	}
	var c struct {
		Type   string
		Member []string
	}
	switch {
	case strings.HasSuffix(path, "/events"), strings.HasPrefix(path, "/events/"):
		var doc map[string]json.RawMessage
		r.into(t, &doc)
		for _, member := range []string{"@context", "type", "schemaVersion", "creationDate", "epcisBody"} { // required by EPCISQueryDocument
			if doc[member] == nil {
				t.Errorf("%s: no %s", path, member)
			}
		}
		if events, err := epcis.DecodeJSON(r.body); err != nil || events.Type != "EPCISQueryDocument" || len(events.Validate()) > 0 {
			t.Errorf("%s: %v, %v", path, err, events.Validate())
		}
	case !strings.HasPrefix(path, "/capture") && !strings.HasPrefix(path, "/queries"):
		if r.into(t, &c); c.Type != "Collection" || len(c.Member) == 0 {
			t.Errorf("%s: %s", path, r.body)
		}
	}
}

// TestConformanceQuerySchema: every parameter of the query schema is known, and
// the OpenAPI file's parameters and example queries as well.
func TestConformanceQuerySchema(t *testing.T) {
	root := filepath.Join(os.Getenv("CONFORMANCE_DATA"), "epcis/gs1-epcis/REST-Bindings")
	b, err := os.ReadFile(filepath.Join(root, "query-schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Definitions map[string]struct {
			Properties, PatternProperties map[string]map[string]any
		}
	}
	if err := json.Unmarshal(b, &schema); err != nil {
		t.Fatal(err)
	}
	language := schema.Definitions["EPCIS-Query"]
	pattern := strings.NewReplacer("^", "", "$", "", `[a-z][a-zA-Z0-9]*\\:\\w+`, "ex:size", "[a-z][a-zA-Z0-9_]+", "po", "[A-Z0-9]{2,4}", "CEL", `\\w+_\\w+`, "bizLocation_city")
	n := 0
	for _, set := range []map[string]map[string]any{language.Properties, language.PatternProperties} {
		for name, of := range set {
			param := pattern.Replace(name)
			if param == "@context" {
				continue
			}
			n++
			if _, err := query.ParseJSON([]byte(`{"@context": {"ex": "` + exampleSpace + `"}, "` + param + `": ` + sample(param, of) + `}`)); err != nil {
				t.Errorf("%s as %s: %v", name, param, err)
			}
		}
	}
	if n < 150 {
		t.Errorf("%d parameters, want 150 or more", n)
	}
	text, err := os.ReadFile(filepath.Join(root, "openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Components struct {
			Parameters map[string]struct{ In, Name string }
			Schemas    map[string]struct{ Example json.RawMessage }
		}
	}
	if err := json.Unmarshal(text, &api); err != nil {
		t.Fatal(err)
	}
	for _, p := range api.Components.Parameters {
		if p.In != "query" || !strings.Contains(p.Name, "_") && p.Name != "eventType" {
			continue
		}
		if _, err := query.Parse(url.Values{p.Name: {strings.Trim(sample(p.Name, nil), `["]`)}}, nil); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
	if _, err := query.ParseJSON(api.Components.Schemas["EPCISEventsQuery"].Example); err != nil {
		t.Errorf("the example query: %v", err)
	}
}

// sample is a value that the schema allows a parameter.
func sample(param string, of map[string]any) string {
	switch {
	case strings.HasPrefix(param, "EXISTS_"):
		return "null"
	case strings.HasSuffix(strings.ToLower(param), "time"):
		return `"2026-03-01T08:00:00Z"`
	case param == "eventType":
		return `["ObjectEvent"]`
	case param == "EQ_action":
		return `["ADD"]`
	case param == "orderBy":
		return `"eventTime"`
	case param == "orderDirection":
		return `"ASC"`
	case param == "EQ_booleanValue":
		return "true"
	case strings.HasPrefix(param, "EQ_") && (strings.Contains(strings.ToLower(param), "value_") || strings.Contains(param, "quantity")):
		return "[4]"
	case strings.HasPrefix(param, "EQ_"), strings.HasPrefix(param, "WD_"), strings.HasPrefix(param, "MATCH_"), strings.HasPrefix(param, "HASATTR_"):
		return `["urn:example:1"]`
	}
	return "4"
}
