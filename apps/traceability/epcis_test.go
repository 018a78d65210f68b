package traceability

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/web"
)

const (
	epcisContextLine = `"@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"]`
	milkLot          = "https://id.gs1.org/01/09506000134352/10/"
)

// milking is an event that makes a lot; second keeps events apart.
func milking(lot string, amount, second int) string {
	return fmt.Sprintf(`{%s, "type": "ObjectEvent", "eventTime": "2026-03-01T06:%02d:%02dZ", "eventTimeZoneOffset": "+00:00",
		"action": "ADD", "bizStep": "commissioning", "disposition": "active",
		"quantityList": [{"epcClass": "%s%s", "quantity": %d, "uom": "KGM"}],
		"readPoint": {"id": "https://id.gs1.org/414/9506000134352"}, "bizLocation": {"id": "https://id.gs1.org/414/9506000134352"}}`,
		epcisContextLine, second/60, second%60, milkLot, lot, amount)
}

// shippingMilk sends some of a lot to the market.
func shippingMilk(lot string, amount, second int) string {
	return fmt.Sprintf(`{%s, "type": "ObjectEvent", "eventTime": "2026-03-01T07:%02d:%02dZ", "eventTimeZoneOffset": "+00:00",
		"action": "OBSERVE", "bizStep": "shipping", "disposition": "in_transit",
		"quantityList": [{"epcClass": "%s%s", "quantity": %d, "uom": "KGM"}],
		"bizTransactionList": [{"type": "desadv", "bizTransaction": "urn:epcglobal:cbv:bt:9506000134352:%s"}],
		"sourceList": [{"type": "owning_party", "source": "https://id.gs1.org/417/9506000134352"}],
		"destinationList": [{"type": "owning_party", "destination": "https://id.gs1.org/417/9521234000006"}],
		"readPoint": {"id": "https://id.gs1.org/414/9506000134352"}}`,
		epcisContextLine, second/60, second%60, milkLot, lot, amount, lot)
}

func documentOf(events ...string) []byte {
	return []byte(`{` + epcisContextLine + `, "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-03-01T08:00:00Z",
		"epcisBody": {"eventList": [` + strings.Join(events, ",") + `]}}`)
}

func eventsOf(t *testing.T, r machineAnswer) []epcis.Event {
	t.Helper()
	doc, err := epcis.DecodeJSON(r.want(t, 200).body)
	if err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
	return doc.Events
}

func TestEventsComeInAndGoOut(t *testing.T) {
	w := startMachines(t)
	made := w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(milking("L1", 480, 1))).want(t, 201)
	var reply eventReply
	made.into(t, &reply)
	at := made.Header.Get("Location")
	if !strings.HasPrefix(at, "/epcis/v2/events/ni%3A%2F%2F%2Fsha-256") && !strings.HasPrefix(at, "/epcis/v2/events/ni:%2F%2F%2Fsha-256") || reply.Status != "captured" || reply.Block == 0 {
		t.Fatalf("Location %q, %s", at, made.body)
	}
	for name, want := range map[string]string{"GS1-EPCIS-Version": "2.0.0", "GS1-CBV-Max": "2.0.0", "GS1-Vendor-Version": "1"} {
		if got := made.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	events := eventsOf(t, w.call(t, "greenfield-dairy", "GET", at, nil))
	if len(events) != 1 || events[0].ID != reply.EventID || events[0].RecordTime.IsZero() || events[0].Quantities[0].Class != milkLot+"L1" {
		t.Fatalf("%+v", events)
	}
	if hash, _ := events[0].Hash(); hash != reply.Hash {
		t.Errorf("what comes out hashes to %s, what went in to %s", hash, reply.Hash)
	}
	if digits := reply.Hash[len("ni:///sha-256;"):][:64]; len(eventsOf(t, w.call(t, "greenfield-dairy", "GET", "/epcis/v2/events/"+digits, nil))) != 1 {
		t.Error("the digits of the hash do not find the event")
	}

	again := w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(milking("L1", 480, 1)))
	again.refusal(t, 409, "epcis/already-captured", "ResourceAlreadyExistsException")
	if again.Header.Get("Location") != at {
		t.Error("a duplicate does not tell where the event is")
	}
	one := w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", documentOf(milking("L2", 1, 2)), "Content-Type", "application/ld+json")
	one.want(t, 201)
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", documentOf(milking("L3", 1, 3), milking("L4", 1, 4))).
		refusal(t, 400, "epcis/one-event", "ValidationException")
}

// TestEventsAreFoundByTheirSendersID asks by the eventID that the sender chose,
// before and after the event is declared an error.
func TestEventsAreFoundByTheirSendersID(t *testing.T) {
	w := startMachines(t)
	const id = "urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8"
	at := "/epcis/v2/events/" + url.PathEscape(id)
	own := strings.Replace(milking("L1", 480, 1), `"type"`, `"eventID": "`+id+`", "type"`, 1)
	hash := w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(own)).want(t, 201).Header.Get("Location")
	w.call(t, "stranger", "GET", at, nil).want(t, 404)
	for _, address := range []string{at, hash} {
		if events := eventsOf(t, w.call(t, "greenfield-dairy", "GET", address, nil)); len(events) != 1 || events[0].ID != id || events[0].Error != nil {
			t.Fatalf("%s: %+v", address, events)
		}
	}
	const instead = "urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a9"
	wrong := strings.Replace(own, `"type"`, `"errorDeclaration": {"declarationTime": "2026-03-01T07:30:00Z", "reason": "incorrect_data",
		"correctiveEventIDs": ["`+instead+`"]}, "type"`, 1)
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(wrong)).want(t, 201)
	events := eventsOf(t, w.call(t, "greenfield-dairy", "GET", at, nil))
	if len(events) != 1 || events[0].Error == nil || !slices.Equal(events[0].Error.Corrective, []string{instead}) {
		t.Errorf("the declaration comes back as %+v", events)
	}
}

// TestProgramsAreToldWhatPeopleRead: who is nobody gets a problem document and
// no page to sign in at, and every rule of the app is explained at its address.
func TestProgramsAreToldWhatPeopleRead(t *testing.T) {
	w := startMachines(t)
	nobody := w.call(t, "", "GET", "/epcis/v2/events", nil, "Accept", "text/html")
	if code := problemCode(t, nobody, 401); code != web.ErrSignIn.Code || nobody.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s as %s", code, nobody.Header.Get("Content-Type"))
	}
	for _, r := range Rules {
		if page := w.call(t, "", "GET", "/problems/"+r.Code, nil).want(t, 200); !strings.Contains(string(page.body), html.EscapeString(r.Text)) {
			t.Errorf("/problems/%s does not say %q", r.Code, r.Text)
		}
	}
}

func TestXMLComesInToo(t *testing.T) {
	w := startMachines(t)
	xml := `<?xml version="1.0"?><epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:2" schemaVersion="2.0" creationDate="2026-03-01T00:00:00Z">
		<EPCISBody><EventList><ObjectEvent><eventTime>2026-03-01T06:00:01Z</eventTime><eventTimeZoneOffset>+00:00</eventTimeZoneOffset>
		<epcList/><action>ADD</action><bizStep>https://ref.gs1.org/cbv/BizStep-commissioning</bizStep>
		<quantityList><quantityElement><epcClass>` + milkLot + `L1</epcClass><quantity>480</quantity><uom>KGM</uom></quantityElement></quantityList>
		</ObjectEvent></EventList></EPCISBody></epcis:EPCISDocument>`
	job := w.captured(t, "greenfield-dairy", []byte(xml), "Content-Type", "application/xml")
	if !job.Success || job.Events[0].Status != "captured" {
		t.Fatalf("%+v", job)
	}
}

func TestRefusalsNameRulePlaceAndRemedy(t *testing.T) {
	w := startMachines(t)
	events, capture := "/epcis/v2/events", "/epcis/v2/capture"
	good := milking("L1", 480, 1)
	for name, c := range map[string]struct {
		by, path, body, media string
		status                int
		code, exception       string
		pointer               string
	}{
		"unknown unit":      {"greenfield-dairy", events, strings.Replace(good, "KGM", "XXX", 1), "", 422, "gs1/unit", "ValidationException", "/quantityList/0/uom"},
		"wrong check digit": {"greenfield-dairy", events, strings.Replace(good, "09506000134352/10", "09506000134353/10", 1), "", 422, "gs1/check-digit", "ValidationException", "/quantityList/0/epcClass"},
		"unknown member":    {"greenfield-dairy", events, strings.Replace(good, `"action"`, `"colour": "red", "action"`, 1), "", 422, "epcis/unknown-field", "ValidationException", "/colour"},
		"other's product":   {"city-market", events, good, "", 403, "trace/not-your-prefix", "SecurityException", ""},
		"nobody's lot":      {"greenfield-dairy", events, shippingMilk("NONE", 1, 1), "", 422, "trace/no-lot", "ValidationException", ""},
		"broken":            {"greenfield-dairy", events, good[:len(good)-3], "", 400, "epcis/not-json", "ValidationException", ""},
		"not a document":    {"greenfield-dairy", capture, `{"type": "Invoice"}`, "", 400, "epcis/missing", "ValidationException", "/@context"},
		"no version":        {"greenfield-dairy", capture, strings.Replace(string(documentOf(good)), `"schemaVersion": "2.0",`, "", 1), "", 400, "epcis/missing", "ValidationException", "/schemaVersion"},
		"too deep":          {"greenfield-dairy", capture, strings.Repeat("[", 1_000_000), "", 400, "epcis/too-deep", "ValidationException", ""},
		"a picture":         {"greenfield-dairy", capture, good, "image/png", 415, "epcis/media-type", "UnsupportedMediaTypeException", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if c.media == "" {
				c.media = "application/json"
			}
			head := w.Ledger.Head()
			begun := time.Now()
			p := w.call(t, c.by, "POST", c.path, []byte(c.body), "Content-Type", c.media).refusal(t, c.status, c.code, c.exception)
			if c.pointer != "" && (len(p.Errors) == 0 || p.Errors[0].Path != c.pointer || p.Pointer != c.pointer) {
				t.Errorf("want %s, got %s in %+v", c.pointer, p.Pointer, p.Errors)
			}
			if took := time.Since(begun); took > 2*time.Second {
				t.Errorf("the refusal took %s", took)
			}
			if w.Ledger.Head() != head {
				t.Error("a refused event reached the ledger")
			}
		})
	}
}

func TestLimitsAndNegotiation(t *testing.T) {
	w := startMachines(t)
	begun := time.Now()
	big, err := http.NewRequest("POST", w.Address()+"/epcis/v2/capture", bytes.NewReader(make([]byte, 100<<20)))
	if err != nil {
		t.Fatal(err)
	}
	big.Header.Set("Authorization", "Bearer "+w.tokens["greenfield-dairy"])
	big.Header.Set("Content-Type", "application/json")
	big.Header.Set("Expect", "100-continue")
	response, err := (&http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}).Do(big)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 413 || time.Since(begun) > 2*time.Second {
		t.Errorf("100 MB: %d after %s", response.StatusCode, time.Since(begun))
	}
	var many strings.Builder
	for range epcis.MaxEvents {
		many.WriteString("{},")
	}
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/capture", documentOf(many.String()+"{}")).
		refusal(t, 413, "epcis/too-big", "CaptureLimitExceededException")

	for _, header := range [][]string{{"Accept", "image/png"}, {"GS1-EPCIS-Min", "3.0"}, {"GS1-CBV-Max", "1.2"}, {"GS1-EPCIS-Version", "1.2"}} {
		w.call(t, "greenfield-dairy", "GET", "/epcis/v2/events", nil, header...).refusal(t, 406, "epcis/not-acceptable", "NotAcceptableException")
	}
	w.call(t, "greenfield-dairy", "GET", "/epcis/v2/events?EQ_stepOfBusiness=shipping", nil).refusal(t, 400, "epcis/query-parameter", "QueryParameterException")
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/capture", documentOf(), "GS1-Capture-Error-Behaviour", "hope").
		refusal(t, 400, "epcis/error-behaviour", "ValidationException")

	h := w.call(t, "", "OPTIONS", "/epcis/v2/capture", nil).want(t, 204).Header
	for name, want := range map[string]string{"Allow": "GET, POST, OPTIONS", "GS1-EPCIS-Capture-Limit": "20000",
		"GS1-EPCIS-Capture-File-Size-Limit": "33554432", "GS1-Capture-Error-Behaviour": "rollback,proceed", "GS1-EPCIS-Min": "2.0.0"} {
		if h.Get(name) != want {
			t.Errorf("OPTIONS: %s is %q, want %q", name, h.Get(name), want)
		}
	}
	for _, path := range []string{"", "/capture/x", "/events", "/events/x"} {
		w.call(t, "", "OPTIONS", "/epcis/v2"+path, nil).want(t, 204)
	}
	w.call(t, "", "GET", "/epcis/v2/events", nil, "Accept", "application/json").want(t, 401)
	w.call(t, "greenfield-dairy", "GET", "/epcis/v2/capture/none", nil).refusal(t, 404, "epcis/no-capture", "NoSuchResourceException")
}

func statuses(job captureView) (all []string) {
	for _, e := range job.Events {
		all = append(all, e.Status)
	}
	return all
}

func TestCaptureRollsBackOrProceeds(t *testing.T) {
	w := startMachines(t)
	doc := documentOf(milking("L1", 480, 1), shippingMilk("L1", 481, 1), milking("L2", 10, 2))
	before := w.Ledger.Head()
	job := w.captured(t, "greenfield-dairy", doc)
	if job.Success || !slices.Equal(statuses(job), []string{"left-out", "refused", "left-out"}) || len(job.Errors) != 1 ||
		job.Errors[0].Code != trace.ErrNotEnough.Code || job.Errors[0].Remedy == "" || job.Finished == nil || job.Behaviour != "rollback" {
		t.Fatalf("rollback: %+v", job)
	}
	if n := len(eventsOf(t, w.call(t, "greenfield-dairy", "GET", "/epcis/v2/events", nil))); n != 0 {
		t.Fatalf("%d events after a rollback", n)
	}
	job = w.captured(t, "greenfield-dairy", documentOf(shippingMilk("L1", 481, 1), shippingMilk("L2", 1, 2)), "GS1-Capture-Error-Behaviour", "proceed")
	if !slices.Equal(statuses(job), []string{"refused", "refused"}) || job.Events[0].Tx != "" || w.Ledger.Head() != before {
		t.Fatalf("nothing but refusals: %+v, head %v after %v", job, w.Ledger.Head(), before)
	}
	job = w.captured(t, "greenfield-dairy", doc, "GS1-Capture-Error-Behaviour", "proceed")
	if job.Success || !slices.Equal(statuses(job), []string{"captured", "refused", "captured"}) || job.Events[0].Tx == "" {
		t.Fatalf("proceed: %+v", job)
	}
	job = w.captured(t, "greenfield-dairy", documentOf(milking("L1", 480, 1), milking("L2", 10, 2)))
	if !job.Success || !slices.Equal(statuses(job), []string{"duplicate", "duplicate"}) || len(job.Errors) != 0 {
		t.Fatalf("again: %+v", job)
	}
	// What is wrong by itself never reaches the ledger, and names its place in the document.
	job = w.captured(t, "greenfield-dairy", documentOf(milking("L5", 1, 5), strings.Replace(milking("L6", 1, 6), "KGM", "XXX", 1)))
	if !slices.Equal(statuses(job), []string{"left-out", "refused"}) || job.Events[1].Problems[0].Path != "/epcisBody/eventList/1/quantityList/0/uom" {
		t.Fatalf("invalid: %+v", job)
	}
	w.call(t, "stranger", "GET", "/epcis/v2/capture/"+job.ID, nil).want(t, 404)
	var jobs []captureView
	page := w.call(t, "greenfield-dairy", "GET", "/epcis/v2/capture?perPage=4", nil).want(t, 200)
	page.into(t, &jobs)
	if len(jobs) != 4 || jobs[0].ID != job.ID || !strings.Contains(page.Header.Get("Link"), `rel="next"`) {
		t.Fatalf("%s %v", page.body, page.Header)
	}
	next := strings.TrimSuffix(strings.TrimPrefix(page.Header.Get("Link"), "<"), `>; rel="next"`)
	w.call(t, "greenfield-dairy", "GET", next, nil).want(t, 200).into(t, &jobs)
	if len(jobs) != 1 {
		t.Fatalf("the last page holds %d jobs", len(jobs))
	}
}

func TestLargeDocumentsGoInChunks(t *testing.T) {
	w := startMachines(t)
	var events []string
	for i := range 450 {
		events = append(events, milking(fmt.Sprintf("C%d", i), 1, i))
	}
	events[300] = shippingMilk("C299", 2, 0) // refused by the contract only
	job := w.captured(t, "greenfield-dairy", documentOf(events...))
	got := statuses(job)
	for i, want := range map[int]string{0: "captured", 199: "captured", 200: "left-out", 300: "refused", 301: "left-out", 449: "left-out"} {
		if got[i] != want {
			t.Errorf("event %d: %s, want %s", i, got[i], want)
		}
	}
	if job.Success || !strings.HasPrefix(job.Note, "200 events") {
		t.Errorf("the job does not say what stands: %q", job.Note)
	}
	job = w.captured(t, "greenfield-dairy", documentOf(events...), "GS1-Capture-Error-Behaviour", "proceed")
	if n := len(slices.DeleteFunc(statuses(job), func(s string) bool { return s != "captured" })); n != 249 {
		t.Errorf("proceed captured %d events, want 249", n)
	}
	together := map[string]int{} // events by transaction
	for _, e := range job.Events {
		if e.Tx != "" {
			together[e.Tx]++
		}
	}
	if sizes := slices.Sorted(maps.Values(together)); !slices.Equal(sizes, []int{49, 50, 50, 50, 50}) {
		t.Errorf("transactions of %v events", sizes)
	}
}

func TestCapturesSurviveARestart(t *testing.T) {
	w := startMachines(t)
	doc, err := examine(epcis.DecodeJSON(documentOf(milking("L1", 480, 1), shippingMilk("L1", 480, 1))))
	if err != nil {
		t.Fatal(err)
	}
	// The job is stored by a host that never gets to it; its first event has
	// reached the ledger by then.
	idle := &captures{host: w.Host, db: w.DB, lines: map[string][]string{"greenfield-dairy": {"busy"}}}
	job, err := idle.enter(context.Background(), captureJob{MSP: "FoodMSP", User: "greenfield-dairy", Party: "greenfield-dairy", Behaviour: rollback}, doc)
	if err != nil {
		t.Fatal(err)
	}
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(milking("L1", 480, 1))).want(t, 201)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.open()
	var after captureView
	for range 200 {
		w.call(t, "greenfield-dairy", "GET", "/epcis/v2/capture/"+job.ID, nil).want(t, 200).into(t, &after)
		if !after.Running {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if !after.Success || !slices.Equal(statuses(after), []string{"captured", "captured"}) || after.Events[0].Tx == "" {
		t.Fatalf("%+v", after)
	}
	kept, err := w.DB.QueryContext(context.Background(), `SELECT event FROM tr_capture_events WHERE event <> ''`)
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	if kept.Next() {
		t.Error("a body is kept after its answer")
	}
}

func TestSharingIsHonoured(t *testing.T) {
	w := startMachines(t)
	post := func(event string, header ...string) string {
		return w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(event), header...).want(t, 201).Header.Get("Location")
	}
	linked := post(milking("L1", 480, 1))
	public := post(milking("L2", 480, 2), sharingHeader, "public")
	restricted := post(milking("L3", 480, 3), sharingHeader, "restricted", readersHeader, "city-market")
	private := post(milking("L4", 480, 4), sharingHeader, "private")
	sees := func(by string, want ...string) {
		t.Helper()
		for _, at := range []string{linked, public, restricted, private} {
			status := 404
			if slices.Contains(want, at) {
				status = 200
			}
			w.call(t, by, "GET", at, nil).want(t, status)
		}
		if n := len(eventsOf(t, w.call(t, by, "GET", "/epcis/v2/events", nil))); n < len(want) {
			t.Errorf("%s lists %d events, want at least %d", by, n, len(want))
		}
	}
	sees("greenfield-dairy", linked, public, restricted, private)
	sees("stranger", public)
	sees("city-market", public, restricted)
	sees("food-safety", linked, public, restricted, private)
	post(shippingMilk("L1", 100, 1))
	sees("city-market", linked, public, restricted)
	if n := len(eventsOf(t, w.call(t, "stranger", "GET", "/epcis/v2/events", nil))); n != 1 {
		t.Errorf("a stranger lists %d events, want the public one", n)
	}

	var seen []string
	for at := "/epcis/v2/events?perPage=2"; at != ""; {
		r := w.call(t, "city-market", "GET", at, nil)
		for _, e := range eventsOf(t, r) {
			seen = append(seen, e.ID)
		}
		at = strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Link"), "<"), `>; rel="next"`)
	}
	slices.Sort(seen)
	if len(slices.Compact(slices.Clone(seen))) != 4 || len(seen) != 4 {
		t.Errorf("paging shows %d events: %v", len(seen), seen)
	}
}

// FuzzCapture throws anything at the capture interface: it answers, it never
// fails, and what it refuses leaves the ledger as it was.
func FuzzCapture(f *testing.F) {
	f.Add([]byte(milking("L1", 480, 1)), "application/json", true)
	f.Add(documentOf(milking("L1", 480, 1), shippingMilk("L1", 481, 1)), "application/ld+json", false)
	f.Add([]byte(`{"type": "EPCISDocument", "epcisBody": {"eventList": [null, 1, {}]}}`), "application/json", false)
	f.Add([]byte(`<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:2"/>`), "application/xml", false)
	f.Add([]byte(`<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>`), "text/xml", true)
	f.Add(bytes.Repeat([]byte("["), 100_000), "application/json", true)
	f.Add([]byte("\xff\xfe\x00"), "application/json", false)
	f.Add([]byte{}, "", true)
	f.Add(documentOf(), "application/json; charset=utf-8", false)
	w := startMachines(f)
	f.Fuzz(func(t *testing.T, body []byte, media string, single bool) {
		if strings.ContainsFunc(media, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Skip("no header")
		}
		path := "/epcis/v2/capture"
		if single {
			path = "/epcis/v2/events"
		}
		head := w.Ledger.Head()
		r := w.call(t, "greenfield-dairy", "POST", path, body, "Content-Type", media)
		switch {
		case r.StatusCode >= 500:
			t.Fatalf("%d: %s", r.StatusCode, r.body)
		case r.StatusCode >= 400:
			var p epcisProblem
			if json.Unmarshal(r.body, &p) != nil || p.Code == "" || p.Type == "" {
				t.Fatalf("no problem document: %s", r.body)
			}
			if r.StatusCode != 409 && w.Ledger.Head() != head {
				t.Fatal("a refusal changed the ledger")
			}
		case r.StatusCode == 202:
			for range 200 {
				var job captureView
				w.call(t, "greenfield-dairy", "GET", r.Header.Get("Location"), nil).want(t, 200).into(t, &job)
				if !job.Running {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
			t.Fatal("the job does not end")
		}
	})
}
