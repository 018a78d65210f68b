package epcis

import (
	"bytes"
	"errors"
	"testing"
)

// roundTrip encodes an event, decodes it and asks that nothing was lost: neither what the encoding says nor the hash.
func roundTrip(t *testing.T, e *Event) {
	t.Helper()
	first, err := e.JSON()
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	doc, err := DecodeJSON(first)
	if err != nil {
		t.Fatalf("decode: %v\n%s", err, first)
	}
	second, err := doc.Events[0].JSON()
	if err != nil || !bytes.Equal(first, second) {
		t.Fatalf("%v\n%s\n%s", err, first, second)
	}
	before, err1 := e.PreHash()
	after, err2 := doc.Events[0].PreHash()
	if before != after || err1 != nil || err2 != nil {
		t.Fatalf("%v %v\n%s\n%s", err1, err2, before, after)
	}
}

// roundTripXML asks of an event in XML what roundTrip asks of it in JSON.
func roundTripXML(t *testing.T, e *Event) {
	t.Helper()
	out := &Document{Type: "EPCISDocument", CreationDate: e.Time, Events: []Event{*e}}
	first, err := out.XML()
	if err != nil {
		var ps Problems
		if !errors.As(err, &ps) || ps[0].Code != "epcis/control-character" && ps[0].Code != "epcis/no-xml" {
			t.Fatalf("encode: %v", err)
		}
		return
	}
	doc, err := DecodeXML(first)
	if err != nil || len(doc.Events) != 1 {
		t.Fatalf("decode: %v\n%s", err, first)
	}
	before, err1 := e.PreHash()
	after, err2 := doc.Events[0].PreHash()
	if before != after || err1 != nil || err2 != nil {
		t.Fatalf("%v %v\n%s\n%s\n%s", err1, err2, before, after, first)
	}
	for _, write := range []func(*Document) ([]byte, error){(*Document).XML, (*Document).XMLWithURNs} {
		second, err := write(&Document{Type: "EPCISDocument", CreationDate: e.Time, Events: doc.Events})
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeXML(second)
		if err != nil {
			t.Fatalf("%v\n%s", err, second)
		}
		if a, b := mustJSON(t, &doc.Events[0]), mustJSON(t, &again.Events[0]); a != b {
			t.Fatalf("\n%s\n%s\n%s", a, b, second)
		}
	}
}

func mustJSON(t *testing.T, e *Event) string {
	t.Helper()
	b, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{
		allFieldsJSON,
		`{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"ex":"http://ex/","http":"https://h/"}],"type":"ObjectEvent","ex:a":{"b":[1e2,null,true,{"#text":"x"}]},"http:b":1,"http://c":2,":d":3}`,
		`{"@context":{"ex":{"@id":"http://ex/"}},"type":"EPCISQueryDocument","epcisBody":{"queryResults":{"queryName":"q","resultsBody":{"eventList":[{"type":"AggregationEvent"}]}}}}`,
		`[[[[[[`, `{"a":1,"a":2}`, `"x`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) { fuzzed(t, DecodeJSON, b) })
}

func FuzzDecodeXML(f *testing.F) {
	for _, seed := range []string{
		shippingXML,
		`<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>`,
		`<a:EPCISDocument xmlns:a="urn:epcglobal:epcis:xsd:1"><EPCISBody><EventList><extension><TransformationEvent><e:f xmlns:e="http://e" e:g="1">t<h/></e:f></TransformationEvent></extension></EventList></EPCISBody></a:EPCISDocument>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) { fuzzed(t, DecodeXML, b) })
}

// fuzzed asks of any input: no panic, an error that is Problems, and events that survive encoding.
func fuzzed(t *testing.T, decode func([]byte) (*Document, error), b []byte) {
	doc, err := decode(b)
	if err != nil {
		var ps Problems
		if !errors.As(err, &ps) || len(ps) == 0 || ps[0].Code == "" || ps[0].Remedy == "" {
			t.Fatalf("the error is not told: %v", err)
		}
		return
	}
	doc.Validate()
	for i := range doc.Events {
		roundTrip(t, &doc.Events[i])
		if len(doc.Events[i].Validate()) == 0 {
			roundTripXML(t, &doc.Events[i])
		}
	}
	again, err := doc.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeJSON(again); err != nil && doc.Type[:5] == "EPCIS" {
		t.Fatalf("%v\n%s", err, again)
	}
}

// FuzzEvent builds events from bytes, with names and values that a form would never make. An event either refuses to be
// encoded or survives it.
func FuzzEvent(f *testing.F) {
	for i := range byte(40) {
		f.Add(bytes.Repeat([]byte{i, 7 * i, 3 + i, 11 * i, 1, 0, 2}, 20))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e := (&maker{b}).event()
		encoded, err := e.JSON()
		if err != nil {
			var ps Problems
			if !errors.As(err, &ps) {
				t.Fatal(err)
			}
			return
		}
		doc, err := DecodeJSON(encoded)
		if err != nil {
			t.Fatalf("%v\n%s", err, encoded)
		}
		before, _ := e.PreHash()
		if after, _ := doc.Events[0].PreHash(); before != after {
			t.Fatalf("\n%s\n%s", before, after)
		}
		roundTrip(t, &doc.Events[0])
		roundTripXML(t, &doc.Events[0])
	})
}

// maker takes choices from bytes; when they run out it chooses the first.
type maker struct{ b []byte }

func (m *maker) n(max int) int {
	if len(m.b) == 0 {
		return 0
	}
	n := int(m.b[0]) % max
	m.b = m.b[1:]
	return n
}

func (m *maker) pick(from ...string) string { return from[m.n(len(from))] }

func (m *maker) uri() string {
	return m.pick("", item, lot, pallet, plant, "urn:epc:id:sgtin:9506000.013435.S1", "geo:1,2", "007", " x ", "urn:epc:idpat:sgtin:9506000.013435.*", "2026-03-01T08:30:00+08:00")
}

func (m *maker) uris() []string {
	var all []string
	for range m.n(4) {
		all = append(all, m.uri())
	}
	return all
}

func (m *maker) fields(depth int) []Field {
	var all []Field
	for range m.n(4) {
		name := Name{
			Space:  m.pick("", "https://one/", "https://two/", masterData, "urn:epcglobal:cbv:mda", "https://gs1.org/voc/"),
			Prefix: m.pick("", "a", "b", "gs1", "http", "@c", "d:e"),
			Local:  m.pick("x", "y", "//z", "", "p:q", "#text", "@id"),
		}
		all = append(all, Field{name, m.value(depth)})
	}
	return all
}

func (m *maker) value(depth int) Value {
	v := Value{Kind: Kind(m.n(6)), Text: m.pick("", "1", "1.50", "2e3", "true", "x\"y", "\u2028")}
	switch {
	case v.Kind == Null || v.Kind == Array:
		v.Text = ""
	case v.Kind == Bool:
		v.Text = "true"
	}
	if depth > 3 {
		return Value{}
	}
	if v.Kind == Object {
		v.Fields = m.fields(depth + 1)
	}
	if v.Kind == Array {
		for range m.n(3) {
			v.Items = append(v.Items, m.value(depth+1))
		}
	}
	return v
}

func (m *maker) event() *Event {
	e := right(eventTypes[m.n(5)])
	e.ID, e.Parent, e.TransformationID = m.uri(), m.uri(), m.uri()
	e.EPCs, e.ChildEPCs, e.InputEPCs, e.OutputEPCs, e.CertificationInfo = m.uris(), m.uris(), m.uris(), m.uris(), m.uris()
	e.BizStep = m.pick("shipping", "cbv:BizStep-shipping", "urn:epcglobal:cbv:bizstep:none", "none", "")
	e.PersistentSet = []string{m.pick("recalled", "urn:epcglobal:cbv:disp:recalled")}
	e.ReadPoint, e.ReadPointExtensions = m.uri(), m.fields(0)
	e.BizLocation, e.BizLocationExtensions = m.uri(), m.fields(0)
	e.BizTransactions = []Typed{{m.pick("", "po", "urn:epcglobal:cbv:btt:po", "x"), m.uri()}}
	e.ILMD, e.Extensions, e.Contexts = m.fields(0), m.fields(0), m.uris()
	for range m.n(3) {
		e.Sensors = append(e.Sensors, SensorElement{
			Metadata:   SensorMetadata{DeviceID: m.uri(), Extensions: m.fields(0)},
			Reports:    []SensorReport{{Type: m.pick("Temperature", "gs1:Temperature", "gs1:No"), Value: Number(m.pick("", "4.0", "-1e2")), Extensions: m.fields(0)}},
			Extensions: m.fields(0),
		})
	}
	if m.n(2) == 1 {
		e.Error = &ErrorDeclaration{Time: e.Time, Corrective: m.uris(), Extensions: m.fields(0)}
	}
	return e
}
