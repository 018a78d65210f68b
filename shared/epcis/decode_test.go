package epcis

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDecodeAllFields(t *testing.T) {
	doc, err := DecodeJSON([]byte(allFieldsJSON))
	if err != nil {
		t.Fatal(err)
	}
	if ps := doc.Validate(); len(ps) > 0 {
		t.Error(ps)
	}
	if len(doc.MasterData) != 1 || doc.MasterData[0].Elements[0].Attributes[0].Value.Text != "Plant 1" || doc.EventPath(0) != "/epcisBody/eventList/0" {
		t.Errorf("%+v %s", doc.MasterData, doc.EventPath(0))
	}
	e := doc.Events[0]
	if want := time.Date(2026, 3, 1, 0, 30, 0, 250e6, time.UTC); e.Time != want || e.Offset != "+08:00" {
		t.Errorf("%v %s", e.Time, e.Offset)
	}
	if q := e.Quantities[0]; q.Amount.String() != "480.5" || !q.HasAmount || q.Unit != "KGM" {
		t.Errorf("%+v", q)
	}
	if f := e.Extensions[0]; f.Name != (Name{"https://dairy.example/terms/", "dairy", "line"}) || f.Value.Text != "7" || f.Value.Kind != Digits {
		t.Errorf("%+v", f)
	}
	if v := e.Extensions[1].Value.Items[1].Fields[0].Value.Text; v != "2.0" {
		t.Errorf("the number was not kept to the letter: %s", v)
	}
	if s := e.Sensors[0]; s.Reports[0].MinValue != "3.10" || *s.Reports[1].BooleanValue || s.Reports[1].Type != "dairy:Smell" {
		t.Errorf("%+v", s)
	}
	if !slices.Equal(e.Contexts, []string{"https://unknown.example/context.jsonld"}) {
		t.Error(e.Contexts)
	}
	roundTrip(t, &e)
	roundTripXML(t, &e)
}

// TestDecodeSpellings: every spelling of a CBV word becomes its short name.
func TestDecodeSpellings(t *testing.T) {
	for _, word := range []string{"shipping", "urn:epcglobal:cbv:bizstep:shipping", "https://ref.gs1.org/cbv/BizStep-shipping",
		"https://ns.gs1.org/cbv/BizStep-shipping", "http://ns.gs1.org/cbv/BizStep-shipping", "https://ns.gs1.org/voc/Bizstep-shipping", "cbv:BizStep-shipping"} {
		doc, err := DecodeJSON([]byte(event(`"bizStep":"` + word + `"`)))
		if err != nil || doc.Events[0].BizStep != "shipping" {
			t.Errorf("%s: %v %v", word, doc, err)
		}
	}
	for _, word := range []string{"https://firm.example/steps/ripening", "sailing"} {
		if doc, _ := DecodeJSON([]byte(event(`"bizStep":"` + word + `"`))); doc.Events[0].BizStep != word {
			t.Errorf("%s became %s", word, doc.Events[0].BizStep)
		}
	}
}

// event is a bare event that is right by itself, with more members.
func event(members string) string {
	return `{"@context":["` + standardContext + `",{"ex":"https://ex.example/"}],"type":"ObjectEvent","action":"OBSERVE","eventTime":"2026-03-01T00:30:00Z","eventTimeZoneOffset":"+08:00","epcList":["https://id.gs1.org/01/09506000134352/21/S1"],` + members + `}`
}

func TestDecodeRefuses(t *testing.T) {
	for _, c := range []struct{ doc, path, code string }{
		{``, "", "epcis/not-json"},
		{`{"type":`, "", "epcis/not-json"},
		{"{\"type\":\"\xff\"}", "", "epcis/not-json"},
		{`{} {}`, "", "epcis/not-json"},
		{`[]`, "", "epcis/type"},
		{`{"@context":"https://x.example/","type":"Note"}`, "/type", "epcis/type"},
		{`{"type":"ObjectEvent"}`, "/@context", "epcis/missing"},
		{event(`"bizstep":"shipping"`), "/bizstep", "epcis/unknown-field"},
		{event(`"action":"ADD"`), "/action", "epcis/duplicate"},
		{event(`"ex:a/b":{"c":1,"c":2}`), "/ex:a~1b/c", "epcis/duplicate"},
		{event(`"recordTime":"2026-03-01T00:30:00"`), "/recordTime", "epcis/time"},
		{event(`"recordTime":"2026-03-01T00:30:00,5Z"`), "/recordTime", "epcis/time"},
		{event(`"recordTime":"2026-03-01T8:30:00Z"`), "/recordTime", "epcis/time"},
		{event(`"recordTime":"2026-03-01T08:30:00+15:00"`), "/recordTime", "epcis/time"},
		{event(`"recordTime":"2026-02-30T08:30:00Z"`), "/recordTime", "epcis/time"},
		{event(`"recordTime":7`), "/recordTime", "epcis/type"},
		{event(`"quantityList":[{"epcClass":"urn:x:1","quantity":"7"}]`), "/quantityList/0/quantity", "epcis/type"},
		{event(`"quantityList":[{"epcClass":"urn:x:1","quantity":1e999}]`), "/quantityList/0/quantity", "epcis/number"},
		{event(`"quantityList":[{"epcClass":"urn:x:1","ex:note":"7"}]`), "/quantityList/0/ex:note", "epcis/unknown-field"},
		{event(`"readPoint":"urn:x:1"`), "/readPoint", "epcis/type"},
		{event(`"readPoint":{}`), "/readPoint/id", "epcis/missing"},
		{event(`"ilmd":{"lot":"L1"}`), "/ilmd/lot", "epcis/unknown-field"},
		{event(`"sensorElementList":[{"sensorReport":[{"type":"Temperature","value":"4"}]}]`), "/sensorElementList/0/sensorReport/0/value", "epcis/type"},
		{event(`"ex:text":"a\u0000b"`), "/ex:text", "epcis/control-character"},
		{`{"@context":"` + standardContext + `","type":"EPCISDocument","creationDate":"2026-03-01T00:30:00Z","epcisBody":{"eventList":[]}}`, "/schemaVersion", "epcis/missing"},
		{`{"@context":"` + standardContext + `","type":"EPCISDocument","schemaVersion":"two","creationDate":"2026-03-01T00:30:00Z","epcisBody":{"eventList":[]}}`, "/schemaVersion", "epcis/version"},
		{`{"@context":"` + standardContext + `","type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-01T00:30:00Z","epcisBody":{"eventList":[{"type":"Note"}]}}`, "/epcisBody/eventList/0/type", "epcis/event-type"},
		{`{"@context":"` + standardContext + `","type":"EPCISQueryDocument","epcisBody":{}}`, "/epcisBody/queryResults", "epcis/missing"},
	} {
		_, err := DecodeJSON([]byte(c.doc))
		wantProblem(t, c.doc, err, c.path, c.code)
	}
}

func wantProblem(t *testing.T, input string, err error, path, code string) {
	t.Helper()
	var ps Problems
	if !errors.As(err, &ps) {
		t.Errorf("%.200s: %v, want %s", input, err, code)
		return
	}
	if !slices.ContainsFunc(ps, func(p Problem) bool { return p.Path == path && p.Code == code && p.Text != "" && p.Remedy != "" }) {
		t.Errorf("%.200s: %v, want %s at %s", input, ps, code, path)
	}
}

// TestDecodeLimits: what is out of bounds is refused at once, whatever its size.
func TestDecodeLimits(t *testing.T) {
	deep := strings.Repeat("[", 1_000_000)
	for _, c := range []struct{ doc, code string }{
		{deep, "epcis/too-deep"},
		{`{"a":` + deep, "epcis/too-deep"},
		{strings.Repeat(`{"a":`, 1_000_000), "epcis/too-deep"},
		{event(`"ex:a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63)), ""},
		{event(`"ex:a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64)), "epcis/too-deep"},
		{event(`"ex:a":"` + strings.Repeat("x", MaxText+1) + `"`), "epcis/too-long"},
		{event(`"ex:a":` + strings.Repeat("1", MaxText+1)), "epcis/too-long"},
		{strings.Repeat(" ", MaxBytes+1), "epcis/too-big"},
		{`{"@context":"` + standardContext + `","type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-01T00:30:00Z","epcisBody":{"eventList":[0` + strings.Repeat(",0", MaxEvents) + `]}}`, "epcis/too-big"},
		{`{"@context":[` + strings.Repeat(`"https://x.example/",`, maxPrefixes) + `""],"type":"ObjectEvent"}`, "epcis/too-big"},
	} {
		start := time.Now()
		_, err := DecodeJSON([]byte(c.doc))
		var ps Problems
		if errors.As(err, &ps); c.code == "" && err != nil || c.code != "" && (len(ps) == 0 || ps[0].Code != c.code) {
			t.Errorf("%.60s: %v, want %s", c.doc, err, c.code)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%.60s took %v", c.doc, took)
		}
	}
}

// TestDecodeKeepsGoing: one bad event does not hide the others; each keeps its index.
func TestDecodeKeepsGoing(t *testing.T) {
	doc, err := DecodeJSON([]byte(`{"@context":"` + standardContext + `","type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-01T00:30:00Z","epcisBody":{"eventList":[7,` +
		event(`"x":1`) + `,` + event(`"bizStep":"shipping"`) + `]}}`))
	wantProblem(t, "", err, "/epcisBody/eventList/0", "epcis/type")
	wantProblem(t, "", err, "/epcisBody/eventList/1/x", "epcis/unknown-field")
	var ps Problems
	if errors.As(err, &ps); len(ps.Under(doc.EventPath(0))) != 1 || len(ps.Under(doc.EventPath(1))) != 1 || len(ps.Under(doc.EventPath(2))) != 0 {
		t.Error(ps)
	}
	if len(doc.Events) != 3 || doc.Events[2].BizStep != "shipping" {
		t.Errorf("%+v", doc)
	}
}

func TestDecodeXMLRefuses(t *testing.T) {
	body := func(inner string) string {
		return `<e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:2" schemaVersion="2.0" creationDate="2026-03-01T00:30:00Z"><EPCISBody><EventList>` + inner + `</EventList></EPCISBody></e:EPCISDocument>`
	}
	for _, c := range []struct{ doc, path, code string }{
		{``, "", "epcis/not-xml"},
		{`<a>`, "", "epcis/not-xml"},
		{`<a/><b/>`, "", "epcis/not-xml"},
		{body(`<x:y/>`), "", "epcis/not-xml"},
		{`<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`, "", "epcis/dtd"},
		{`<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>`, "", "epcis/dtd"},
		{`<!DOCTYPE a PUBLIC "x" "y"><a/>`, "", "epcis/dtd"},
		{`<!ENTITY x SYSTEM "file:///etc/passwd"><a/>`, "", "epcis/dtd"},
		{`<a>&x;</a>`, "", "epcis/not-xml"},
		{strings.Repeat("<a>", 1_000_000), "", "epcis/too-deep"},
		{`<a>` + strings.Repeat("x", MaxText+1) + `</a>`, "", "epcis/too-long"},
		{`<Note/>`, "/type", "epcis/type"},
		{body(`<ObjectEvent><bizstep>shipping</bizstep></ObjectEvent>`), "/epcisBody/eventList/0/bizstep", "epcis/unknown-field"},
		{body(`<ObjectEvent><eventTime>2026-03-01T00:30:00</eventTime></ObjectEvent>`), "/epcisBody/eventList/0/eventTime", "epcis/time"},
		{body(`<ObjectEvent><action>ADD</action><action>ADD</action></ObjectEvent>`), "/epcisBody/eventList/0/action", "epcis/type"},
		{body(`<ObjectEvent><quantityList><quantityElement><quantity>many</quantity></quantityElement></quantityList></ObjectEvent>`), "/epcisBody/eventList/0/quantityList/0/quantity", "epcis/type"},
	} {
		_, err := DecodeXML([]byte(c.doc))
		wantProblem(t, c.doc, err, c.path, c.code)
	}
}

// TestDecodeXMLNamespaces: one prefix for two namespaces, and none, do not confuse extensions.
func TestDecodeXMLNamespaces(t *testing.T) {
	doc, err := DecodeXML([]byte(`<EPCISDocument schemaVersion="2.0" creationDate="2026-03-01T00:30:00"><EPCISBody><EventList><ObjectEvent>
		<a:f xmlns:a="https://one/">1</a:f><a:f xmlns:a="https://two/">2</a:f><f xmlns="https://three/">3</f></ObjectEvent></EventList></EPCISBody></EPCISDocument>`))
	if err != nil {
		t.Fatal(err)
	}
	pre, _ := doc.Events[0].PreHash()
	if want := "{https://one/}f=1{https://three/}f=3{https://two/}f=2"; !strings.HasSuffix(pre, want) {
		t.Error(pre)
	}
	roundTrip(t, &doc.Events[0])
}

// TestDecodeHeavy: no list makes the work grow with its square.
func TestDecodeHeavy(t *testing.T) {
	many := func(item string, n int) string { return strings.TrimSuffix(strings.Repeat(item+",", n), ",") }
	for name, doc := range map[string]string{
		"dispositions": event(`"persistentDisposition":{"set":[` + many(`"active"`, 50_000) + `]}`),
		"corrections":  event(`"errorDeclaration":{"correctiveEventIDs":[` + many(`"urn:x:1"`, 50_000) + `]}`),
		"objects":      event(`"childEPCs":[` + many(`"urn:x:1"`, 50_000) + `]`),
		"an extension": event(`"ex:a":[` + many(`{"ex:b":1}`, 50_000) + `]`),
	} {
		start := time.Now()
		d, err := DecodeJSON([]byte(doc))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if ps := d.Validate(); len(ps) > maxProblems {
			t.Errorf("%s: %d problems", name, len(ps))
		}
		if _, err := d.Events[0].Hash(); err != nil {
			t.Error(err)
		}
		if _, err := d.Events[0].JSON(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("%s took %v", name, took)
		} else {
			t.Log(name, took)
		}
	}
}

// TestDecodeQuantityEvent: what EPCIS 1.x told of an amount is an observation today.
func TestDecodeQuantityEvent(t *testing.T) {
	doc, err := DecodeXML([]byte(`<e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:1" schemaVersion="1.2" creationDate="2026-03-01T00:00:00Z"><EPCISBody><EventList>
		<QuantityEvent><eventTime>2026-03-01T00:00:00Z</eventTime><eventTimeZoneOffset>+08:00</eventTimeZoneOffset>
		<epcClass>urn:epc:idpat:sgtin:9506000.013435.*</epcClass><quantity>42</quantity><bizStep>urn:epcglobal:cbv:bizstep:stocking</bizStep></QuantityEvent>
		</EventList></EPCISBody></e:EPCISDocument>`))
	if err != nil {
		t.Fatal(err)
	}
	e := doc.Events[0]
	if ps := e.Validate(); len(ps) > 0 || e.Type != ObjectEvent || e.Action != Observe || e.Quantities[0].Amount.String() != "42" || e.BizStep != "stocking" {
		t.Errorf("%v %+v", ps, e)
	}
}
