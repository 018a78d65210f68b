package traceability

import (
	"strings"
	"testing"

	"github.com/tallyway/tallyway/shared/epcis"
)

func TestPreferredForms(t *testing.T) {
	for accept, want := range map[string]string{
		"":                                     jsonKind,
		"*/*":                                  jsonKind,
		"application/xml":                      xmlKind,
		"text/xml":                             "text/xml",
		"application/ld+json, application/xml": jsonLDKind,
		"application/xml;q=0.5, application/json;q=0.9":                   jsonKind,
		"application/json;q=0.1,application/xml":                          xmlKind,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": xmlKind,
		"application/json;q=0, application/xml;q=0":                       "",
		"image/png":             "",
		"application/xml;q=NaN": "",
		";;;,":                  "",
	} {
		if got := preferred([]string{accept}); got != want {
			t.Errorf("%q: %q, want %q", accept, got, want)
		}
	}
}

// TestEventsGoOutInXML: the same events, with the same hashes, in either form.
func TestEventsGoOutInXML(t *testing.T) {
	w := startMachines(t)
	own := strings.Replace(milking("L1", 480, 1), `"type"`, `"https://dairy.example/shift": {"a b": [1, true, null]}, "type"`, 1)
	at := w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(own)).want(t, 201).Header.Get("Location")
	json := eventsOf(t, w.call(t, "greenfield-dairy", "GET", at, nil))
	for _, path := range []string{at, "/epcis/v2/events"} {
		answer := w.call(t, "greenfield-dairy", "GET", path, nil, "Accept", "application/xml").want(t, 200)
		if kind := answer.Header.Get("Content-Type"); kind != xmlKind {
			t.Errorf("%s comes as %s", path, kind)
		}
		doc, err := epcis.DecodeXML(answer.body)
		if err != nil || doc.Type != "EPCISQueryDocument" || len(doc.Events) != 1 {
			t.Fatalf("%v: %s", err, answer.body)
		}
		before, _ := json[0].PreHash()
		if after, _ := doc.Events[0].PreHash(); before != after || doc.Events[0].ID != json[0].ID || !doc.Events[0].RecordTime.Equal(json[0].RecordTime) {
			t.Errorf("%s\n%s", before, after)
		}
	}
	for format, want := range map[string]string{"Always_URN": "urn:epcglobal:cbv:bizstep:commissioning", "No_Preference": "https://ref.gs1.org/cbv/BizStep-commissioning"} {
		body := w.call(t, "greenfield-dairy", "GET", at, nil, "Accept", "application/xml", wordFormat, format).want(t, 200).body
		if !strings.Contains(string(body), want) {
			t.Errorf("%s: no %s in %s", format, want, body)
		}
	}
	w.call(t, "greenfield-dairy", "GET", at, nil, wordFormat, "Never_Translates").want(t, 200) // JSON has no choice
	refused := string(w.call(t, "greenfield-dairy", "GET", at, nil, "Accept", "application/xml", wordFormat, "Never_Translates").want(t, 400).body)
	if !strings.Contains(refused, "<code>epcis/cbv-xml-format</code>") || !strings.Contains(refused, "<remedy>") {
		t.Error(refused)
	}
	w.call(t, "greenfield-dairy", "GET", "/epcis/v2/capture", nil, "Accept", "application/xml").refusal(t, 406, "epcis/not-acceptable", "NotAcceptableException")
	w.call(t, "greenfield-dairy", "GET", at, nil, "Accept", "image/png").refusal(t, 406, "epcis/not-acceptable", "NotAcceptableException")
}

// TestOlderXMLComesIn: a document of EPCIS 1.2 says its version in the headers too.
func TestOlderXMLComesIn(t *testing.T) {
	w := startMachines(t)
	old := `<?xml version="1.0"?><epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:1" schemaVersion="1.2" creationDate="2026-03-01T00:00:00Z">
		<EPCISBody><EventList><ObjectEvent><eventTime>2026-03-01T06:00:01Z</eventTime><eventTimeZoneOffset>+00:00</eventTimeZoneOffset>
		<baseExtension><eventID>urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8</eventID></baseExtension>
		<epcList/><action>ADD</action><bizStep>urn:epcglobal:cbv:bizstep:commissioning</bizStep>
		<extension><quantityList><quantityElement><epcClass>urn:epc:class:lgtin:9506000134.035.L1</epcClass><quantity>480</quantity><uom>KGM</uom></quantityElement></quantityList></extension>
		</ObjectEvent></EventList></EPCISBody></epcis:EPCISDocument>`
	old = strings.Replace(old, "urn:epc:class:lgtin:9506000134.035.L1", milkLot+"L1", 1)
	job := w.captured(t, "greenfield-dairy", []byte(old), "Content-Type", "text/xml; charset=utf-8", "GS1-EPCIS-Version", "1.2", "GS1-CBV-Version", "1.2")
	if !job.Success || job.Events[0].Status != "captured" {
		t.Fatalf("%+v", job)
	}
	events := eventsOf(t, w.call(t, "greenfield-dairy", "GET", "/epcis/v2/events/urn:uuid:404d95fc-9457-4a51-bd6a-0bba133845a8", nil))
	if len(events) != 1 || events[0].BizStep != "commissioning" {
		t.Errorf("%+v", events)
	}
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/capture", documentOf(), "GS1-EPCIS-Version", "1.2").refusal(t, 406, "epcis/not-acceptable", "NotAcceptableException")
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/capture", []byte(`<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>`), "Content-Type", "application/xml").
		refusal(t, 400, "epcis/dtd", "ValidationException")
}
