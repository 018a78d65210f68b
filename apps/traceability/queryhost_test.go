package traceability

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/epcis/query"
)

// Whole queries against a running host: what comes out, in which order and to
// whom.

// exampleSpace is the namespace of the extensions in these events.
const exampleSpace = "https://ns.example.com/epcis/"

// telling is an event of any type, with the members that make it special.
func telling(kind string, second int, members string) string {
	return fmt.Sprintf(`{"@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"ex": "%s"}], "type": "%s",
		"eventTime": "2026-03-01T07:%02d:%02dZ", "eventTimeZoneOffset": "+00:00", %s}`, exampleSpace, kind, second/60, second%60, members)
}

// sent is an event with who sends it and to whom it is shared.
type sent struct {
	by, body string
	header   []string
}

// askedEvents are of every type, sharing and dress that the language asks for.
func askedEvents() []sent {
	private, restricted := []string{sharingHeader, "private"}, []string{sharingHeader, "restricted", readersHeader, "city-market"}
	public := []string{sharingHeader, "public"}
	dairy := func(body string, header ...string) sent { return sent{"greenfield-dairy", body, header} }
	all := []sent{
		dairy(milking("L1", 480, 1)),
		dairy(milking("L2", 300, 2)),
		dairy(milking("L3", 70, 3), private...),
		dairy(milking("L4", 80, 4), restricted...),
		dairy(milking("L5", 90, 5), public...),
		dairy(shippingMilk("L1", 100, 10)),
		dairy(shippingMilk("L4", 10, 11), restricted...),
		dairy(telling("TransformationEvent", 20, `"inputQuantityList": [{"epcClass": "`+milkLot+`L2", "quantity": 100, "uom": "KGM"}],
			"outputQuantityList": [{"epcClass": "`+milkLot+`C1", "quantity": 90, "uom": "KGM"}], "transformationID": "urn:epc:id:gdti:9506000134.35.T1", "bizStep": "creating_class_instance"`)),
		dairy(telling("AggregationEvent", 30, `"parentID": "urn:epc:id:sscc:9506000134.0000001", "childQuantityList": [{"epcClass": "urn:epc:class:lgtin:9506000134.035.L2", "quantity": 50, "uom": "KGM"}],
			"action": "ADD", "bizStep": "packing", "readPoint": {"id": "urn:epc:id:sgln:9506000134.35.dock7"}, "ex:size": 4`)),
		dairy(telling("AggregationEvent", 31, `"parentID": "urn:epc:id:sscc:9506000134.0000002", "childQuantityList": [{"epcClass": "`+milkLot+`L3", "quantity": 5, "uom": "KGM"}], "action": "ADD", "bizStep": "packing"`), private...),
		dairy(telling("TransactionEvent", 40, `"parentID": "https://id.gs1.org/00/095060001340000017", "epcList": [], "quantityList": [{"epcClass": "`+milkLot+`L1", "quantity": 7, "uom": "KGM"}], "action": "ADD",
			"bizTransactionList": [{"type": "po", "bizTransaction": "urn:epc:id:gdti:9506000134.35.PO1"}], "ex:size": 12`)),
		dairy(telling("TransactionEvent", 41, `"parentID": "https://id.gs1.org/00/095060001340000024", "epcList": ["urn:example:paper:2"], "action": "ADD", "bizTransactionList": [{"type": "po", "bizTransaction": "https://id.gs1.org/253/9506000134352PO2"}]`), restricted...),
		dairy(telling("AssociationEvent", 50, `"parentID": "urn:epc:id:grai:9506000134.35.CRATE1", "childEPCs": ["urn:epc:id:giai:9506000134.LOGGER1"], "action": "ADD", "bizStep": "installing"`)),
		dairy(telling("ObjectEvent", 60, `"epcList": [], "quantityList": [{"epcClass": "`+milkLot+`L1"}], "action": "OBSERVE", "bizStep": "sensor_reporting", "bizLocation": {"id": "https://id.gs1.org/414/9506000134352"},
			"persistentDisposition": {"set": ["conformant"], "unset": ["unknown"]},
			"sensorElementList": [{"sensorMetadata": {"time": "2026-03-01T07:00:30Z", "deviceID": "urn:epc:id:giai:9506000134.LOGGER1"}, "sensorReport": [{"type": "Temperature", "value": 4.5, "uom": "CEL"}]}]`)),
		dairy(telling("ObjectEvent", 61, `"epcList": [], "quantityList": [{"epcClass": "`+milkLot+`L3"}], "action": "OBSERVE", "bizStep": "sensor_reporting",
			"sensorElementList": [{"sensorReport": [{"type": "Temperature", "value": 9, "uom": "CEL"}]}]`), private...),
		dairy(telling("ObjectEvent", 62, `"eventID": "urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8", "epcList": ["urn:example:churn:7", "urn:epc:id:sgtin:9506000134.035.S1"], "action": "OBSERVE", "bizStep": "https://ns.example.com/step/dusting", "disposition": "active",
			"readPoint": {"id": "urn:example:yard"}, "ilmd": {}, "ex:size": 3`)),
		{"stranger", telling("ObjectEvent", 70, `"epcList": ["urn:example:own:1"], "action": "OBSERVE", "bizStep": "https://ns.example.com/step/secret", "disposition": "https://ns.example.com/disp/secret", "readPoint": {"id": "urn:example:secret-yard"}, "bizLocation": {"id": "urn:example:secret-hall"}`), nil},
		{"city-market", telling("ObjectEvent", 71, `"epcList": ["urn:example:shelf:1"], "action": "OBSERVE", "bizStep": "inspecting"`), nil},
	}
	all[15].body = strings.Replace(all[15].body, `"ilmd": {}, `, "", 1)
	wrong := strings.Replace(milking("L5", 90, 5), `"type"`, `"errorDeclaration": {"declarationTime": "2026-03-01T07:30:00Z", "reason": "incorrect_data", "correctiveEventIDs": ["urn:uuid:9"]}, "type"`, 1)
	return append(all, dairy(wrong, public...))
}

// startAsked is a host with these events.
func startAsked(t testing.TB) *machineWorld {
	w := startMachines(t)
	for i, e := range askedEvents() {
		if r := w.call(t, e.by, "POST", "/epcis/v2/events", []byte(e.body), e.header...); r.StatusCode != 201 {
			t.Fatalf("event %d: %s\n%s", i, r.body, e.body)
		}
	}
	return w
}

// TestQueries asks one host everything; the last one moves its clock.
func TestQueries(t *testing.T) {
	w := startAsked(t)
	for _, part := range []struct {
		name string
		ask  func(*testing.T)
	}{
		{"NarrowedIsMatched", w.narrowedIsMatched},
		{"OrderAndLimits", w.orderAndLimits},
		{"NamedQueries", w.namedQueries},
		{"Collections", w.collections},
		{"Formats", w.formats},
		{"AroundAnEvent", w.aroundAnEvent},
		{"PageTokens", w.pageTokens},
	} {
		t.Run(part.name, part.ask)
	}
}

// walk follows a query's pages to their end.
func (w *machineWorld) walk(t testing.TB, by, address string, header ...string) (all []epcis.Event) {
	t.Helper()
	for pages := 0; address != "" && pages < 200; pages++ {
		r := w.call(t, by, "GET", address, nil, header...).want(t, 200)
		doc, err := epcis.DecodeJSON(r.body)
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		all = append(all, doc.Events...)
		address = nextOf(r)
	}
	return all
}

func nextOf(r machineAnswer) string {
	link := r.Header.Get("Link")
	if link == "" {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
}

func idsOf(events []epcis.Event) (ids []string) {
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

// askedTerms are terms, one of which each event of askedEvents satisfies at
// least.
var askedTerms = []string{
	"eventType=ObjectEvent", "eventType=TransactionEvent|AssociationEvent", "EQ_action=ADD", "EQ_action=OBSERVE", "EQ_bizStep=commissioning|packing", "EQ_bizStep=sensor_reporting",
	"EQ_bizStep=https://ns.example.com/step/dusting", "EQ_disposition=active", "EQ_disposition=in_transit", "GE_eventTime=2026-03-01T07:00:30Z", "LT_eventTime=2026-03-01T07:00:30Z",
	"EQ_readPoint=https://id.gs1.org/414/9506000134352", "EQ_readPoint=urn:epc:id:sgln:9506000134.35.0", "EQ_readPoint=https://id.gs1.org/414/9506000134352/254/dock7", "WD_readPoint=urn:epc:id:sgln:9506000134.35.0",
	"EQ_readPoint=urn:example:yard", "EQ_readPoint=https://id.gs1.org/417/9506000134352", "WD_bizLocation=https://id.gs1.org/414/9506000134352",
	"EQ_transformationID=https://id.gs1.org/253/9506000134352T1", "EQ_bizTransaction_po=https://id.gs1.org/253/9506000134352PO1", "EQ_bizTransaction_po=urn:epc:id:gdti:9506000134.35.PO2|urn:epc:id:gdti:9506000134.35.PO1",
	"EQ_bizTransaction_desadv=urn:epcglobal:cbv:bt:9506000134352:L1", "EQ_source_owning_party=urn:epc:id:pgln:9506000134.35", "EQ_destination_owning_party=https://id.gs1.org/417/9521234000006",
	"MATCH_epc=urn:epc:idpat:sgtin:9506000134.*.*", "MATCH_epc=urn:example:churn:7", "MATCH_epc=urn:epc:idpat:giai:9506000134.*", "MATCH_parentID=urn:epc:idpat:sscc:9506000134.*", "MATCH_parentID=urn:epc:id:sscc:9506000134.0000001",
	"MATCH_parentID=https://id.gs1.org/00/095060001340000017|https://id.gs1.org/00/095060001340000024", "MATCH_parentID=urn:epc:idpat:grai:*.*.*", "MATCH_anyEPC=urn:epc:idpat:sscc:*.*", "MATCH_anyEPC=urn:epc:id:giai:9506000134.LOGGER1",
	"MATCH_epcClass=" + milkLot + "L1", "MATCH_epcClass=urn:epc:class:lgtin:9506000134.035.*", "MATCH_inputEPCClass=" + milkLot + "*", "MATCH_outputEPCClass=urn:epc:class:lgtin:9506000134.035.C1",
	"MATCH_anyEPCClass=" + milkLot + "L2", "MATCH_anyEPCClass=" + milkLot + "L3", "GE_quantity_GRM=90000", "LT_quantity=50", "EXISTS_errorDeclaration=true", "EQ_errorReason=incorrect_data", "EQ_correctiveEventID=urn:uuid:9",
	"GE_errorDeclarationTime=2026-03-01T07:30:00Z", "LT_errorDeclarationTime=2026-03-01T07:30:00Z", "EQ_eventID=urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8", "EXISTS_sensorElementList=", "EQ_type=Temperature", "GE_value_FAH=41", "LT_value_FAH=41",
	"EQ_deviceID=https://id.gs1.org/8004/9506000134LOGGER1", "EQ_persistentDisposition_set=conformant", "EQ_persistentDisposition_unset=unknown", "GE_ex:size=4", "EXISTS_ex:size=", "EQ_https://ns.example.com/epcis/size=3",
}

// narrowedIsMatched asks random queries of the repository, as three
// readers: what SQL leaves must be what query.Match finds among all events.
func (w *machineWorld) narrowedIsMatched(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	extensions := []string{"GS1-Extensions", "ex=" + exampleSpace, epcFormat, asItStands}
	for by, least := range map[string]int{"greenfield-dairy": 16, "city-market": 5, "food-safety": 14} {
		all := w.walk(t, by, "/epcis/v2/events?perPage=4", extensions...)
		if len(all) < least {
			t.Errorf("%s sees %d events, want %d or more", by, len(all), least)
		}
		var questions []string
		questions = append(questions, askedTerms...)
		half := all[len(all)/2].RecordTime.Format(time.RFC3339Nano)
		questions = append(questions, "LT_recordTime="+half, "GE_recordTime="+half)
		for range 60 {
			var terms []string
			for range 2 + random.IntN(2) {
				term := askedTerms[random.IntN(len(askedTerms))]
				name, _, _ := strings.Cut(term, "=")
				if !slices.ContainsFunc(terms, func(t string) bool { return strings.HasPrefix(t, name+"=") }) {
					terms = append(terms, term)
				}
			}
			questions = append(questions, strings.Join(terms, "&"))
		}
		hits := 0
		for _, question := range questions {
			want := matchedOf(t, question, all)
			got := idsOf(w.walk(t, by, "/epcis/v2/events?perPage=3&"+encoded(t, question).Encode(), extensions...))
			if strings.Contains(question, "_eventTime") || strings.Contains(question, "_recordTime") { // then time is the order
				slices.Sort(got)
				slices.Sort(want)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s asks %s:\n got %q\nwant %q", by, question, got, want)
			}
			if hits += len(want); by == "greenfield-dairy" && len(want) == 0 && !strings.Contains(question, "&") &&
				!slices.Contains([]string{"EQ_readPoint=https://id.gs1.org/417/9506000134352", "LT_errorDeclarationTime=2026-03-01T07:30:00Z"}, question) {
				t.Errorf("%s means nothing: it proves nothing", question)
			}
		}
		if hits < 30 {
			t.Errorf("%s finds %d events in all: the queries prove little", by, hits)
		}
	}
}

func encoded(t testing.TB, question string) url.Values {
	t.Helper()
	values := url.Values{}
	for term := range strings.SplitSeq(question, "&") {
		name, value, _ := strings.Cut(term, "=")
		if strings.Contains(name, "https:") {
			i := strings.LastIndexByte(term, '=')
			name, value = term[:i], term[i+1:]
		}
		values[name] = append(values[name], value)
	}
	return values
}

func matchedOf(t testing.TB, question string, all []epcis.Event) (ids []string) {
	t.Helper()
	q, err := query.Parse(encoded(t, question), query.Prefixes{"ex": exampleSpace})
	if err != nil {
		t.Fatalf("%s: %v", question, err)
	}
	for i := range all {
		if q.Match(&all[i]) {
			ids = append(ids, all[i].ID)
		}
	}
	return ids
}

func (w *machineWorld) orderAndLimits(t *testing.T) {
	const by = "greenfield-dairy"
	for order, key := range map[string]func(e epcis.Event) string{
		"eventTime":  func(e epcis.Event) string { return e.Time.Format("150405.000000") },
		"recordTime": func(e epcis.Event) string { return e.RecordTime.Format("150405.000000") },
	} {
		for _, direction := range []string{"ASC", "DESC"} {
			events := w.walk(t, by, "/epcis/v2/events?perPage=3&orderBy="+order+"&orderDirection="+direction)
			var keys []string
			for _, e := range events {
				keys = append(keys, key(e))
			}
			if direction == "DESC" {
				slices.Reverse(keys)
			}
			if !slices.IsSorted(keys) || len(keys) < 16 {
				t.Errorf("by %s %s: %q", order, direction, keys)
			}
		}
	}
	sized := w.walk(t, by, "/epcis/v2/events?perPage=2&EXISTS_ex:size=&orderBy=ex:size&orderDirection=ASC")
	var sizes []string
	for _, e := range sized {
		sizes = append(sizes, e.Extensions[0].Value.Text)
	}
	if !slices.Equal(sizes, []string{"3", "4", "12"}) {
		t.Errorf("by an extension field: %q", sizes)
	}
	first := idsOf(w.walk(t, by, "/epcis/v2/events?perPage=100"))[:5]
	if got := idsOf(w.walk(t, by, "/epcis/v2/events?perPage=2&eventCountLimit=5")); !slices.Equal(got, first) {
		t.Errorf("eventCountLimit=5: %q, want %q", got, first)
	}
	if n := len(w.walk(t, by, "/epcis/v2/events?perPage=2&EQ_action=ADD&eventType=ObjectEvent&maxEventCount=5")); n != 5 {
		t.Errorf("maxEventCount of as many as there are: %d", n)
	}
	w.call(t, by, "GET", "/epcis/v2/events?EQ_action=ADD&eventType=ObjectEvent&maxEventCount=4", nil).refusal(t, 413, "epcis/query-too-large", "QueryTooLargeException")
	p := w.call(t, by, "GET", "/epcis/v2/events?GE_value_XYZ=4", nil).refusal(t, 400, "epcis/query-parameter", "QueryParameterException")
	if p.Field != "GE_value_XYZ" || !strings.Contains(p.Remedy, "CEL") {
		t.Errorf("%+v", p)
	}
	w.call(t, by, "GET", "/epcis/v2/events?perPage=0", nil).refusal(t, 400, "epcis/query-parameter", "QueryParameterException")
	w.call(t, by, "GET", "/epcis/v2/events?EQ_bizStep="+strings.Repeat("x", 20000), nil).refusal(t, 414, "epcis/address-too-long", "URITooLongException")
}

// pageTokens are of one reader and one question, and can be given back.
func (w *machineWorld) pageTokens(t *testing.T) {
	const by = "greenfield-dairy"
	r := w.call(t, by, "GET", "/epcis/v2/events?perPage=3&EQ_action=ADD", nil).want(t, 200)
	next := nextOf(r)
	if next == "" || r.Header.Get("GS1-Next-Page-Token-Expires") == "" {
		t.Fatal("no next page, or none that runs out")
	}
	address, err := url.Parse(next)
	if err != nil {
		t.Fatal(err)
	}
	token := address.Query().Get("nextPageToken")
	refused := func(by, path string) {
		t.Helper()
		w.call(t, by, "GET", path, nil).refusal(t, 400, "epcis/next-page-token", "QueryParameterException")
	}
	w.call(t, by, "GET", next, nil).want(t, 200)
	refused("food-safety", next)
	refused(by, "/epcis/v2/events?nextPageToken="+token)
	refused(by, strings.Replace(next, "EQ_action=ADD", "EQ_action=OBSERVE", 1))
	refused(by, "/epcis/v2/eventTypes/ObjectEvent/events?EQ_action=ADD&nextPageToken="+token)
	refused(by, strings.Replace(next, token, token[:len(token)-3]+"AAA", 1))
	refused(by, strings.Replace(next, token, "x", 1))
	if r := w.call(t, "food-safety", "DELETE", "/epcis/v2/nextPageToken/"+token, nil); r.StatusCode != 400 {
		t.Errorf("another's token is given back: %d", r.StatusCode)
	}
	w.call(t, by, "DELETE", "/epcis/v2/nextPageToken/"+token, nil).want(t, 204)
	refused(by, next)
	late := nextOf(w.call(t, by, "GET", "/epcis/v2/events?perPage=3", nil))
	w.sleep(tokenLife + 1e10)
	refused(by, late)
}

func (w *machineWorld) namedQueries(t *testing.T) {
	const dairy, market, at = "greenfield-dairy", "city-market", "/epcis/v2/queries"
	body := []byte(`{"name": "adds", "query": {"@context": {"x": "` + exampleSpace + `"}, "EQ_action": ["ADD"], "GE_x:size": 4}}`)
	made := w.call(t, dairy, "POST", at, body).want(t, 201)
	if made.Header.Get("Location") != at+"/adds" {
		t.Errorf("Location: %s", made.Header.Get("Location"))
	}
	w.call(t, dairy, "POST", at, body).refusal(t, 409, "epcis/query-exists", "ResourceAlreadyExistsException")
	w.call(t, dairy, "POST", at, []byte(`{"name": "a/b", "query": {}}`)).refusal(t, 400, "epcis/query-name", "ValidationException")
	w.call(t, dairy, "POST", at, []byte(`{"name": "x", "query": {"EQ_colour": ["red"]}}`)).refusal(t, 400, "epcis/query-parameter", "QueryParameterException")
	w.call(t, dairy, "POST", at, []byte(`{"name": "x"}`)).refusal(t, 400, "epcis/query-parameter", "QueryParameterException")
	w.call(t, dairy, "POST", at, []byte(`{`)).refusal(t, 400, "epcis/document", "ValidationException")
	w.call(t, dairy, "POST", at, body, "Content-Type", "text/plain").refusal(t, 415, "epcis/media-type", "UnsupportedMediaTypeException")

	if events := w.walk(t, dairy, at+"/adds/events?perPage=1"); len(events) != 2 {
		t.Errorf("%d events, want 2", len(events))
	}
	if events := w.walk(t, dairy, at+"/adds/events?eventType=AggregationEvent"); len(events) != 1 {
		t.Errorf("narrowed further: %d events, want 1", len(events))
	}
	next := nextOf(w.call(t, dairy, "GET", at+"/adds/events?perPage=1", nil))
	var view queryView
	w.call(t, dairy, "GET", at+"/adds", nil).want(t, 200).into(t, &view)
	var sent struct{ Query json.RawMessage }
	if err := json.Unmarshal(body, &sent); err != nil || view.Name != "adds" || string(view.Query) == "" || view.Created.IsZero() {
		t.Errorf("%v, %+v", err, view)
	}

	// Another company has its own names, and sees what it may see.
	for _, r := range []machineAnswer{w.call(t, market, "GET", at+"/adds", nil), w.call(t, market, "GET", at+"/adds/events", nil), w.call(t, market, "DELETE", at+"/adds", nil)} {
		r.refusal(t, 404, "epcis/no-query", "NoSuchNameException")
	}
	w.call(t, market, "POST", at, []byte(`{"name": "adds", "query": {"EQ_action": ["ADD"]}}`)).want(t, 201)
	for by, want := range map[string]int{dairy: 1, market: 1, "food-safety": 0} {
		var all []queryView
		if w.call(t, by, "GET", at, nil).want(t, 200).into(t, &all); len(all) != want {
			t.Errorf("%s lists %d queries", by, len(all))
		}
	}

	w.call(t, dairy, "POST", at, []byte(`{"name": "b", "query": {}}`)).want(t, 201)
	page := w.call(t, dairy, "GET", at+"?perPage=1", nil)
	var second []queryView
	if w.call(t, dairy, "GET", nextOf(page), nil).want(t, 200).into(t, &second); len(second) != 1 || second[0].Name != "b" {
		t.Errorf("the second page: %+v", second)
	}
	w.call(t, dairy, "DELETE", at+"/adds", nil).want(t, 204)
	w.call(t, dairy, "GET", at+"/adds/events", nil).want(t, 404)
	w.call(t, market, "GET", at+"/adds", nil).want(t, 200)
	w.call(t, dairy, "POST", at, []byte(`{"name": "adds", "query": {"EQ_action": ["OBSERVE"]}}`)).want(t, 201)
	w.call(t, dairy, "GET", next, nil).refusal(t, 400, "epcis/next-page-token", "QueryParameterException")
}

func membersOf(t testing.TB, w *machineWorld, by, address string, header ...string) (all []string) {
	t.Helper()
	for address != "" {
		r := w.call(t, by, "GET", address, nil, header...).want(t, 200)
		var c struct {
			Context any    `json:"@context"`
			Type    string `json:"type"`
			Member  []string
		}
		if r.into(t, &c); c.Type != "Collection" || c.Context == nil {
			t.Fatalf("%s: %s", address, r.body)
		}
		all = append(all, c.Member...)
		address = nextOf(r)
	}
	return all
}

// collections lists what each reader may know of, and nothing else.
func (w *machineWorld) collections(t *testing.T) {
	const dairy, stranger = "greenfield-dairy", "stranger"
	for _, c := range []struct {
		by, path  string
		has, lack []string
	}{
		{dairy, "/eventTypes", []string{"AssociationEvent"}, nil},
		{dairy, "/epcs", []string{"https://id.gs1.org/00/095060001340000017", milkLot + "L3", "urn:example:churn:7"}, []string{"urn:example:own:1"}},
		{stranger, "/epcs", []string{"urn:example:own:1", milkLot + "L5"}, []string{milkLot + "L1", milkLot + "L3", milkLot + "L4", "urn:example:churn:7"}},
		{"city-market", "/epcs", []string{milkLot + "L1", milkLot + "L4"}, []string{milkLot + "L3", "urn:example:own:1"}},
		{dairy, "/bizSteps", []string{"shipping", "void_shipping", "https://ns.example.com/step/dusting"}, []string{"https://ns.example.com/step/secret"}},
		{stranger, "/bizSteps", []string{"shipping", "https://ns.example.com/step/secret"}, []string{"https://ns.example.com/step/dusting"}},
		{dairy, "/dispositions", []string{"active"}, []string{"https://ns.example.com/disp/secret"}},
		{stranger, "/dispositions", []string{"https://ns.example.com/disp/secret"}, nil},
		{dairy, "/readPoints", []string{"https://id.gs1.org/414/9506000134352", "https://id.gs1.org/414/9506000134352/254/dock7", "urn:example:yard"}, []string{"urn:example:secret-yard"}},
		{stranger, "/readPoints", []string{"urn:example:secret-yard"}, []string{"urn:example:yard"}},
		{dairy, "/bizLocations", []string{"https://id.gs1.org/414/9506000134352"}, []string{"urn:example:secret-hall"}},
		{"food-safety", "/bizLocations", []string{"urn:example:secret-hall"}, nil},
	} {
		got := membersOf(t, w, c.by, "/epcis/v2"+c.path+"?perPage=2")
		for _, m := range c.has {
			if !slices.Contains(got, m) {
				t.Errorf("%s does not see %s in %s: %q", c.by, m, c.path, got)
			}
			if resource := membersOf(t, w, c.by, "/epcis/v2"+c.path+"/"+url.PathEscape(m)); !slices.Equal(resource, []string{"events"}) {
				t.Errorf("%s/%s: %q", c.path, m, resource)
			}
		}
		for _, m := range c.lack {
			if slices.Contains(got, m) {
				t.Errorf("%s sees %s in %s", c.by, m, c.path)
			}
			w.call(t, c.by, "GET", "/epcis/v2"+c.path+"/"+url.PathEscape(m), nil).refusal(t, 404, "epcis/no-resource", "NoSuchResourceException")
			if events := w.walk(t, c.by, "/epcis/v2"+c.path+"/"+url.PathEscape(m)+"/events"); len(events) != 0 {
				t.Errorf("%s reads %d events of %s", c.by, len(events), m)
			}
		}
		if slices.Sort(got); len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("%s has members twice: %q", c.path, got)
		}
	}
	for path, want := range map[string]int{
		"/eventTypes/TransformationEvent/events": 1, "/epcs/" + url.PathEscape("urn:epc:id:sscc:9506000134.0000001") + "/events": 2,
		"/epcs/" + url.PathEscape(milkLot+"L2") + "/events": 3, "/epcs/" + url.PathEscape(milkLot+"L2") + "/events?EQ_bizStep=packing": 1,
		"/bizSteps/shipping/events": 2, "/bizSteps/" + url.PathEscape("https://ref.gs1.org/cbv/BizStep-shipping") + "/events": 2, "/dispositions/in_transit/events": 2,
		"/readPoints/" + url.PathEscape("urn:epc:id:sgln:9506000134.35.dock7") + "/events": 1, "/bizLocations/" + url.PathEscape("urn:epc:id:sgln:9506000134.35.0") + "/events": 6,
	} {
		if n := len(w.walk(t, dairy, "/epcis/v2"+path)); n != want {
			t.Errorf("%s: %d events, want %d", path, n, want)
		}
	}
	w.call(t, dairy, "GET", "/epcis/v2/eventTypes/QuantityEvent", nil).want(t, 404)
	w.call(t, dairy, "GET", "/epcis/v2/eventTypes/QuantityEvent/events", nil).want(t, 404)
	w.call(t, dairy, "GET", "/epcis/v2/epcs?EQ_action=ADD", nil).refusal(t, 400, "epcis/query-parameter", "QueryParameterException")
}

// formats spells keys as they are asked for, in what comes out; the hash
// stays.
func (w *machineWorld) formats(t *testing.T) {
	const by, at = "greenfield-dairy", "/epcis/v2/events?EQ_bizStep=packing&eventType=AggregationEvent&MATCH_epcClass=urn:epc:class:lgtin:9506000134.035.L2"
	for format, want := range map[string][3]string{
		"":         {"https://id.gs1.org/00/095060001340000017", milkLot + "L2", "https://id.gs1.org/414/9506000134352/254/dock7"},
		linkFormat: {"https://id.gs1.org/00/095060001340000017", milkLot + "L2", "https://id.gs1.org/414/9506000134352/254/dock7"},
		asItStands: {"urn:epc:id:sscc:9506000134.0000001", "urn:epc:class:lgtin:9506000134.035.L2", "urn:epc:id:sgln:9506000134.35.dock7"},
		anyFormat:  {"urn:epc:id:sscc:9506000134.0000001", "urn:epc:class:lgtin:9506000134.035.L2", "urn:epc:id:sgln:9506000134.35.dock7"},
		urnFormat:  {"urn:epc:id:sscc:9506000134.0000001", "urn:epc:class:lgtin:9506000134.035.L2", "urn:epc:id:sgln:9506000134.35.dock7"},
	} {
		var header []string
		if format != "" {
			header = []string{epcFormat, format}
		}
		events := w.walk(t, by, at, header...)
		if len(events) != 1 {
			t.Fatalf("%d events", len(events))
		}
		if e := events[0]; [3]string{e.Parent, e.ChildQuantities[0].Class, e.ReadPoint} != want {
			t.Errorf("%s: %s, %s, %s", format, e.Parent, e.ChildQuantities[0].Class, e.ReadPoint)
		}
		if hash, err := events[0].Hash(); err != nil || hash != events[0].ID {
			t.Errorf("%s changes the hash", format)
		}
	}
	if events := w.walk(t, by, "/epcis/v2/epcs/"+url.PathEscape(milkLot+"L1")+"/events?EQ_bizStep=commissioning", epcFormat, urnFormat); len(events) != 1 ||
		events[0].Quantities[0].Class != "urn:epc:class:lgtin:9506000134.035.L1" || events[0].ReadPoint != "urn:epc:id:sgln:9506000134.35.0" {
		t.Errorf("a Digital Link as URN: %+v", events)
	}
	if got := membersOf(t, w, by, "/epcis/v2/readPoints", epcFormat, urnFormat); !slices.Contains(got, "urn:epc:id:sgln:9506000134.35.dock7") {
		t.Errorf("read points as URNs: %q", got)
	}
	w.call(t, by, "GET", at, nil, epcFormat, "Sometimes").refusal(t, 400, "epcis/epc-format", "ValidationException")
}

// aroundAnEvent asks for who captured it, and for master data.
func (w *machineWorld) aroundAnEvent(t *testing.T) {
	asksFor := func(by, question string) int { return len(w.walk(t, by, "/epcis/v2/events?perPage=100&"+question)) }
	if own, other := asksFor("greenfield-dairy", "EQ_userID=greenfield-dairy"), asksFor("city-market", "EQ_userID=greenfield-dairy"); own < 16 || other != 0 {
		t.Errorf("who captured an event: %d to its company, %d to another", own, other)
	}
	if n := asksFor("greenfield-dairy", "HASATTR_readPoint=name"); n != 0 {
		t.Errorf("%d events at a place that nobody described", n)
	}
}
