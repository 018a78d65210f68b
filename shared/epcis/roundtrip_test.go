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
	}
	again, err := doc.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeJSON(again); err != nil && doc.Type[:5] == "EPCIS" {
		t.Fatalf("%v\n%s", err, again)
	}
}
