package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/identity/accounts"
)

// TestBadInputIsRefusedClearly sends what people and machines get wrong, and
// what attackers send, at every door: the pages' forms, the capture interface
// and the API. The answer is a 4xx that names the rule and the remedy, and
// nothing becomes true.
func TestBadInputIsRefusedClearly(t *testing.T) {
	w := newWorld(t)
	w.block()
	session := credential{cookie: w.login(operator.name)}
	machine := credential{bearer: apiToken(t, w.h, operator, time.Hour, accounts.Write, accounts.Capture)}
	before := w.footprint()
	w.badForms(session)
	w.badEvents(machine)
	w.badCommands(machine)
	w.brokenBodies(session, machine)
	if after := w.footprint(); after != before {
		t.Errorf("something was written:\n%s\n%s", before, after)
	}
	w.badDocuments(machine)
}

// recalledLot is blocked.
var recalledLot = lotID(milk, "BAD")

func (w *world) block() {
	w.capture(operator, events.Logged(place(dairy), w.now(), kilos(recalledLot, 100), ""))
	recall := trace.Recall{ID: "BLOCK", Kind: trace.KindRecall, Lots: []string{recalledLot}, Reason: "listeria"}
	if _, _, err := host.Do[any](context.Background(), w.h, operator.actor(), recall); err != nil {
		w.Fatal(err)
	}
}

func (w *world) badForms(by credential) {
	line := func(lot, quantity, unit string, more ...string) url.Values {
		return entries(side{lot: lot}, append([]string{"lines.0.quantity", quantity, "lines.0.unit", unit}, more...)...)
	}
	out := func(quantity string) []string {
		return []string{"outputs.0.gtin", milk, "outputs.0.lot", "OUT1", "outputs.0.quantity", quantity, "outputs.0.unit", "KGM"}
	}
	for _, bad := range []struct {
		path, code string
		form       url.Values
	}{
		{"lots/new", "traceability/gtin", url.Values{"gtin": {"09506000134353"}, "number": {"L1"}, "quantity": {"5"}, "unit": {"KGM"}}},
		{"lots/new", "trace/event", url.Values{"gtin": {milk}, "number": {"L1"}, "quantity": {"5"}, "unit": {"FURLONG"}}},
		{"lots/new", "traceability/lot-number", url.Values{"gtin": {milk}, "number": {"a lot of blanks"}, "quantity": {"5"}, "unit": {"KGM"}}},
		{"lots/new", "trace/not-your-prefix", url.Values{"gtin": {gouda}, "number": {"L1"}, "quantity": {"5"}, "unit": {"KGM"}}},
		{"lots/new", "web/required", url.Values{"gtin": {milk}}},
		{"ship", "trace/not-holder", line(w.other.lot, "5", "KGM", "to", market)},
		{"ship", "trace/not-enough", line(w.own.lot, "99999999", "KGM", "to", market)},
		{"ship", "trace/unit", line(w.own.lot, "5", "LTR", "to", market)},
		{"ship", "trace/recalled", line(recalledLot, "5", "KGM", "to", market)},
		{"transform", "trace/more-out-than-in", line(w.own.lot, "5", "KGM", out("50")...)},
		{"transform", "trace/recalled", line(recalledLot, "5", "KGM", out("5")...)},
		{"transform", "trace/not-holder", line(w.other.lot, "5", "KGM", out("5")...)},
		{"dispose", "trace/not-holder", line(w.other.lot, "5", "KGM", "how", "destroyed")},
		{"dispose", "trace/recalled", line(recalledLot, "5", "KGM", "how", "sold")},
	} {
		c := call{path: "/traceability/" + bad.path, form: bad.form}
		r := w.request("POST", c, by)
		r.Header.Set("Accept", "text/html")
		a := send(w, r)
		if a.status < 400 || a.status >= 500 || !bytes.Contains(a.body, []byte(`data-code="`+bad.code+`"`)) {
			w.Errorf("%s %v: %d without %s: %s", bad.path, bad.form, a.status, bad.code, codes(a.body))
		}
	}
}

// codes are the rules that a page names.
func codes(page []byte) (found []string) {
	for _, part := range strings.Split(string(page), `data-code="`)[1:] {
		code, _, _ := strings.Cut(part, `"`)
		found = append(found, code)
	}
	return found
}

// badEvent is an event that the standard or the contract refuses.
type badEvent struct {
	name, code string
	body       []byte
}

func (w *world) badEventList() []badEvent {
	here, then := place(dairy), time.Now().Add(-time.Minute)
	alter := func(e epcis.Event, old, new string) []byte {
		b := document(w, e)
		if !bytes.Contains(b, []byte(old)) {
			w.Fatalf("%s is not in %s", old, b)
		}
		return bytes.ReplaceAll(b, []byte(old), []byte(new))
	}
	logged := events.Logged(here, then, kilos(lotID(milk, "E0"), 5), "")
	shipped := func(lot string, n int64, unit string) []byte {
		g := kilos(lot, n)
		g.Unit = unit
		return document(w, events.Shipped(events.Consignment{From: here, To: place(market), Goods: []events.Goods{g}}, then))
	}
	return []badEvent{
		{"a wrong check digit", "", alter(logged, milk, "09506000134353")},
		{"an unknown unit", "", alter(logged, `"KGM"`, `"FURLONG"`)},
		{"another unit than the lot's", "trace/unit", shipped(w.own.lot, 5, "LTR")},
		{"more out than in", "trace/more-out-than-in", document(w, events.Transformed(here, then, "urn:uuid:6f6c1c4e-51a5-4a6c-8d5a-0c8a4f7be002",
			[]events.Goods{kilos(w.own.lot, 5)}, []events.Made{{Goods: kilos(lotID(milk, "E1"), 50)}})[0])},
		{"someone else's lot", "trace/not-holder", shipped(w.other.lot, 5, "KGM")},
		{"someone else's product", "trace/not-your-prefix", document(w, events.Logged(here, then, kilos(lotID(gouda, "E2"), 5), ""))},
		{"more than there is", "trace/not-enough", shipped(w.own.lot, 99999999, "KGM")},
		{"a recalled lot", "trace/recalled", shipped(recalledLot, 5, "KGM")},
		{"a day that has not come", "trace/future", document(w, events.Logged(here, time.Now().AddDate(0, 0, 2), kilos(lotID(milk, "E3"), 5), ""))},
		{"no step at all", "", alter(logged, `"action":"ADD",`, "")},
	}
}

func (w *world) badEvents(by credential) {
	for _, bad := range w.badEventList() {
		w.clear(bad.name, w.send("POST", call{path: "/epcis/v2/events", raw: bad.body}, by), bad.code)
	}
}

// clear expects a 4xx with a rule and its remedy; code "" takes any.
func (w *world) clear(what string, a answer, code string) {
	w.Helper()
	p := a.problem()
	if a.status < 400 || a.status >= 500 || p.Code == "" || p.Remedy == "" || p.Title == "" || code != "" && p.Code != code {
		w.Errorf("%s: %v; want a 4xx with a remedy and the code %q", what, a, code)
	}
}

// badDocuments sends the same events to be captured as documents: what is wrong
// is told at once, or by the job.
func (w *world) badDocuments(by credential) {
	before := w.facts()
	for _, bad := range w.badEventList() {
		a := w.send("POST", call{path: "/epcis/v2/capture", raw: bad.body}, by)
		if a.status != http.StatusAccepted {
			w.clear(bad.name, a, bad.code)
			continue
		}
		location := a.header.Get("Location")
		var job struct {
			Running, Success bool
			Errors           []epcis.Problem
		}
		for range 300 {
			a = w.send("GET", call{path: location}, by)
			if err := json.Unmarshal(a.body, &job); err != nil {
				w.Fatal(err)
			}
			if !job.Running {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if job.Running || job.Success || len(job.Errors) == 0 || job.Errors[0].Code == "" || job.Errors[0].Remedy == "" ||
			bad.code != "" && job.Errors[0].Code != bad.code {
			w.Errorf("%s, captured as a document: %v; want a failed job that names %q", bad.name, a, bad.code)
		}
	}
	if after := w.facts(); after != before {
		w.Errorf("a bad document became true:\n%s\n%s", before, after)
	}
}

// facts is the footprint without the jobs, and without the height: a batch of
// refusals is a transaction that writes nothing.
func (w *world) facts() string {
	_, rows, _ := strings.Cut(w.footprint(), " account_")
	return strings.Join(slices.DeleteFunc(strings.Fields(rows), func(f string) bool { return strings.HasPrefix(f, "tr_capture") }), " ")
}

func (w *world) badCommands(by credential) {
	for name, bad := range map[string]struct {
		path, code string
		body       any
	}{
		"a wrong check digit":     {"commands/trace.DescribeProduct", "", trace.DescribeProduct{GTIN: "09506000134353", Name: "Milk", Unit: "KGM"}},
		"an unknown unit":         {"commands/trace.DescribeProduct", "trace/product", trace.DescribeProduct{GTIN: milk, Name: "Milk", Unit: "FURLONG"}},
		"an unknown command":      {"commands/trace.Forge", "chaincode/unknown-function", map[string]any{}},
		"a query as a command":    {"commands/trace.GetEvent", "chaincode/unknown-function", map[string]any{}},
		"an unknown field":        {"recalls", "web/field", map[string]any{"id": "X", "kond": "recall"}},
		"a number for a text":     {"recalls", "web/field", map[string]any{"id": 7}},
		"someone else's lot":      {"recalls", "trace/not-yours-to-block", trace.Recall{ID: "X", Kind: trace.KindHold, Lots: []string{w.other.lot}, Reason: "x"}},
		"an unknown kind of case": {"recalls", "trace/case", trace.Recall{ID: "X", Kind: "panic", Lots: []string{w.own.lot}, Reason: "x"}},
		"an unknown shipment":     {"shipments/none/accept", "trace/no-shipment", map[string]any{}},
		"someone else's shipment": {"shipments/" + w.other.shipment + "/accept", "trace/no-shipment", map[string]any{}},
	} {
		w.clear(name, w.send("POST", call{path: "/api/" + bad.path, json: bad.body}, by), bad.code)
	}
}

// brokenBodies sends what is no request at all. Each is answered within
// seconds, and the server is well afterwards.
func (w *world) brokenBodies(session, machine credential) {
	const huge = 100 << 20
	nested := func() io.Reader { return strings.NewReader(strings.Repeat("[", 1_000_000)) }
	large := map[string]bool{"100 MB, announced": true, "100 MB, without a length": true, "100 MB of brackets, opened": true,
		"a million nested objects": true} // larger than a form may be
	bodies := map[string]func() io.Reader{
		"broken JSON":                func() io.Reader { return strings.NewReader(`{"type": "ObjectEvent", "eventTime": `) },
		"no JSON":                    func() io.Reader { return strings.NewReader("\x00\xff\xfe") },
		"nothing":                    func() io.Reader { return strings.NewReader("") },
		"a million brackets":         nested,
		"a million nested objects":   func() io.Reader { return strings.NewReader(strings.Repeat(`{"a":`, 1_000_000)) },
		"100 MB, announced":          func() io.Reader { return zeros(huge) },
		"100 MB, without a length":   func() io.Reader { return io.MultiReader(zeros(huge)) },
		"100 MB of brackets, opened": func() io.Reader { return io.LimitReader(repeat('['), huge) },
	}
	for _, door := range []struct {
		path, kind string
		by         credential
	}{
		{"/epcis/v2/events", "application/ld+json", machine},
		{"/epcis/v2/capture", "application/json", machine},
		{"/epcis/v2/capture", "application/xml", machine},
		{"/api/recalls", "application/json", machine},
		{"/api/commands/trace.Capture", "application/json", machine},
		{"/traceability/lots/new", "application/x-www-form-urlencoded", session},
		{"/traceability/lots/new", "multipart/form-data; boundary=x", session},
		{"/login", "application/x-www-form-urlencoded", credential{}},
	} {
		for name, body := range bodies {
			r := w.request("POST", call{path: door.path}, door.by)
			r.Body, r.ContentLength = io.NopCloser(body()), -1
			if name == "100 MB, announced" {
				r.ContentLength = huge
			}
			r.Header.Set("Content-Type", door.kind)
			r.Header.Set("Idempotency-Key", w.fresh("key"))
			began := time.Now()
			response, err := plain.Do(r)
			if err != nil {
				if !large[name] {
					w.Errorf("%s to %s: %v", name, door.path, err)
				}
				continue // the server hung up before it had read it all: a refusal too
			}
			text, _ := io.ReadAll(response.Body)
			response.Body.Close()
			a := answer{response.StatusCode, response.Header, text}
			what := name + " to " + door.path
			if page := door.by.bearer == ""; !page {
				w.clear(what, a, "")
			} else if a.status < 400 || a.status >= 500 { // a form is shown once more, with its refusals
				w.Errorf("%s: %v", what, a)
			}
			if door.by.bearer != "" && strings.HasPrefix(name, "100 MB") && a.status != http.StatusRequestEntityTooLarge {
				w.Errorf("%s: %d, want 413", what, a.status)
			}
			if took := time.Since(began); took > 10*time.Second {
				w.Errorf("%s took %s", what, took)
			}
		}
	}
	if a := w.send("GET", call{path: "/healthz"}, credential{}); a.status != http.StatusOK {
		w.Errorf("afterwards the server says %v", a)
	}
}

// repeat is an endless reader of one byte.
type repeat byte

func (c repeat) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(c)
	}
	return len(b), nil
}

func zeros(n int64) io.Reader { return io.LimitReader(repeat('0'), n) }
