package epcis

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestXMLKeeps: what JSON says of extensions is there again after XML, to the letter.
func TestXMLKeeps(t *testing.T) {
	for _, members := range []string{
		`"ex:a":"text"`, `"ex:a":"  kept  "`, `"ex:a":"line\nline\ttab\r"`, `"ex:a":"<&>\"'"`, `"ex:a":1.50`, `"ex:a":12E5`, `"ex:a":"12E5"`, `"ex:a":"007"`,
		`"ex:a":true`, `"ex:a":"true"`, `"ex:a":null`, `"ex:a":["x","y"]`, `"ex:a":[1,"1",true,null,{"ex:b":2}]`,
		`"ex:a":{"ex:b":{"c":1,"ex:d":["x","y"]}}`, `"ex:a":{"#text":"t","ex:b":"1","c":"2","ex:d":{"e":"3"}}`,
		`"ex:a b":"x"`, `"ex:1":"x"`, `"ex:_x0020_":"x"`, `"ex:_x005F_x0020_":"x"`, `"ex:中文":"值"`, `"ex:имя":"x"`, `"ex:a/b":{"@id":"x","@type":"y"}`,
		`"https://full.example/name":"x"`, `"unknown:name":"x"`, `"unknown:a":{"unknown:b":{"c":"x"}}`, `"gs1:x":"y"`, `"cbvmda:x":"y"`,
		`"epcis:x":"y"`, `"xml:lang":"de"`, `"ex:a":{"#text":"t","xml:lang":"de"}`, `":d":"x"`,
		`"readPoint":{"id":"urn:x:1","ex:dock":3}`, `"@context":{"in":"https://in.example/"},"in:x":"y"`, `"certificationInfo":["urn:x:1","urn:x:2"]`,
		`"errorDeclaration":{"declarationTime":"2026-03-02T00:00:00Z","reason":"did_not_occur","correctiveEventIDs":["urn:x:1"],"ex:by":"QA"}`,
	} {
		head := `{"@context":["` + standardContext + `",{"ex":"https://ex.example/"},"https://unknown.example/c.jsonld"],"type":"EPCISDocument","schemaVersion":"2.0",
			"creationDate":"2026-03-01T00:30:00Z","epcisBody":{"eventList":[`
		event := `{"type":"ObjectEvent","action":"OBSERVE","eventTime":"2026-03-01T00:30:00Z","eventTimeZoneOffset":"+08:00","epcList":["https://id.gs1.org/01/09506000134352/21/S1"],`
		doc, err := DecodeJSON([]byte(head + event + members + "}]}}"))
		if err != nil {
			t.Errorf("%s: %v", members, err)
			continue
		}
		b, err := doc.XML()
		if err != nil {
			t.Errorf("%s: %v", members, err)
			continue
		}
		again, err := DecodeXML(b)
		if err != nil {
			t.Errorf("%s: %v\n%s", members, err, b)
			continue
		}
		if before, after := mustJSON(t, &doc.Events[0]), mustJSON(t, &again.Events[0]); before != after {
			t.Errorf("%s:\n%s\n%s\n%s", members, before, after, b)
		}
	}
}

// TestXMLNamesApart: a name that one event could not resolve is not taken for another event's.
func TestXMLNamesApart(t *testing.T) {
	doc := &Document{Events: []Event{*right(ObjectEvent), *right(ObjectEvent)}}
	doc.Events[0].Extensions = []Field{{Name{Prefix: "ex", Local: "a"}, Value{Text: "1"}}}
	doc.Events[1].Extensions = []Field{{Name{Space: "https://ex.example/", Prefix: "ex", Local: "a"}, Value{Text: "1"}}}
	b, err := doc.XML()
	if err != nil {
		t.Fatal(err)
	}
	again, err := DecodeXML(b)
	if err != nil {
		t.Fatal(err)
	}
	for i := range doc.Events {
		before, _ := doc.Events[i].PreHash()
		if after, _ := again.Events[i].PreHash(); before != after {
			t.Errorf("%s\n%s\n%s", before, after, b)
		}
	}
}

// TestXMLEnvelope: what stands around the events comes through too.
func TestXMLEnvelope(t *testing.T) {
	doc, err := DecodeJSON([]byte(allFieldsJSON))
	if err != nil {
		t.Fatal(err)
	}
	doc.Receiver, doc.Instance = "https://id.gs1.org/417/9506000140087", "doc-7"
	b, err := doc.XML()
	if err != nil {
		t.Fatal(err)
	}
	again, err := DecodeXML(b)
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	if again.Sender != doc.Sender || again.Receiver != doc.Receiver || again.Instance != doc.Instance || again.ID != doc.ID || !again.CreationDate.Equal(doc.CreationDate) {
		t.Errorf("%+v", again)
	}
	if fmt.Sprint(again.MasterData) != fmt.Sprint(doc.MasterData) || fmt.Sprint(again.HashIgnore) != fmt.Sprint(doc.HashIgnore) {
		t.Errorf("%v %v\n%s", again.MasterData, again.HashIgnore, b)
	}
	doc.Type, doc.QueryName, doc.Subscription, doc.MasterData = "EPCISQueryDocument", "q", "s", nil
	if b, err = doc.XML(); err != nil {
		t.Fatal(err)
	}
	if again, err = DecodeXML(b); err != nil || again.Type != doc.Type || again.QueryName != "q" || again.Subscription != "s" || len(again.Events) != 1 {
		t.Errorf("%v %+v", err, again)
	}
}

// TestXMLWords: words of the CBV in both spellings; words of others as they are.
func TestXMLWords(t *testing.T) {
	e := right(ObjectEvent)
	e.Disposition = "https://milk.example/disposition/ripe"
	doc := &Document{Events: []Event{*e}}
	uris, _ := doc.XML()
	urns, _ := doc.XMLWithURNs()
	for want, in := range map[string][]byte{
		"<bizStep>https://ref.gs1.org/cbv/BizStep-shipping</bizStep>":           uris,
		"<bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep>":                 urns,
		"<disposition>https://milk.example/disposition/ripe</disposition>":      urns,
		`creationDate="2026-03-01T00:30:00Z"`:                                   uris,
		`<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:2" schemaVe`: urns,
	} {
		if !strings.Contains(string(in), want) {
			t.Errorf("no %s in %s", want, in)
		}
	}
}

func TestXMLRefuses(t *testing.T) {
	for code, change := range map[string]func(*Event){
		"epcis/control-character": func(e *Event) { e.Extensions = []Field{{Name{Prefix: "gs1", Local: "x"}, Value{Text: "a\u0001"}}} },
		"epcis/no-xml": func(e *Event) {
			e.Extensions = []Field{{Name{Space: epcisSpace, Prefix: "e", Local: "x"}, Value{Text: "a"}}}
		},
		"epcis/event-type": func(e *Event) { e.Type = "Note" },
	} {
		e := right(ObjectEvent)
		change(e)
		_, err := (&Document{Events: []Event{*e}}).XML()
		if ps, ok := err.(Problems); !ok || ps[0].Code != code {
			t.Errorf("%v, want %s", err, code)
		}
	}
}

// TestXMLAttacks: documents made to hurt their reader are refused, and cost little more than their own size.
func TestXMLAttacks(t *testing.T) {
	wrap := func(inside string) string {
		return `<e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:2" schemaVersion="2.0" creationDate="2026-03-01T00:00:00Z"><EPCISBody><EventList>` +
			inside + `</EventList></EPCISBody></e:EPCISDocument>`
	}
	laughs := `<!DOCTYPE x [<!ENTITY a "ha">`
	for c := 'b'; c < 'z'; c++ {
		laughs += fmt.Sprintf(`<!ENTITY %c "%s">`, c, strings.Repeat(fmt.Sprintf("&%c;", c-1), 10))
	}
	for name, c := range map[string]struct{ doc, code string }{
		"external entity":       {`<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>` + wrap("&a;"), "epcis/dtd"},
		"external DTD":          {`<!DOCTYPE x SYSTEM "http://evil.example/x.dtd">` + wrap(""), "epcis/dtd"},
		"parameter entity":      {`<!DOCTYPE x [<!ENTITY % a SYSTEM "http://evil.example/">%a;]>` + wrap(""), "epcis/dtd"},
		"billion laughs":        {laughs + `]>` + wrap("&y;"), "epcis/dtd"},
		"unknown entity":        {wrap("<ObjectEvent>&a;</ObjectEvent>"), "epcis/not-xml"},
		"deep":                  {strings.Repeat("<a>", 5_000_000), "epcis/too-deep"},
		"deep in an event":      {wrap("<ObjectEvent>" + strings.Repeat("<a>", 100_000)), "epcis/too-deep"},
		"a long attribute":      {wrap(`<ObjectEvent a="` + strings.Repeat("x", 30<<20) + `"/>`), "epcis/too-long"},
		"many attributes":       {wrap(`<ObjectEvent ` + strings.Repeat(`a="" `, 6<<20) + `/>`), "epcis/too-long"},
		"a long name":           {wrap(`<` + strings.Repeat("x", 30<<20) + `/>`), "epcis/too-long"},
		"a long comment":        {wrap(`<!--` + strings.Repeat("x", 30<<20) + `-->`), "epcis/too-long"},
		"a long text":           {wrap(`<ObjectEvent><eventID>` + strings.Repeat("x", MaxText+1) + `</eventID></ObjectEvent>`), "epcis/too-long"},
		"many namespaces":       {wrap(manyNamespaces()), "epcis/too-big"},
		"many elements":         {wrap(strings.Repeat("<a/>", MaxNodes+1)), "epcis/too-big"},
		"too large":             {strings.Repeat(" ", MaxBytes+1), "epcis/too-big"},
		"another character set": {`<?xml version="1.0" encoding="UTF-7"?>` + wrap(""), "epcis/not-xml"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := DecodeXML([]byte(c.doc))
		runtime.ReadMemStats(&after)
		var ps Problems
		if !errors.As(err, &ps) || ps[0].Code != c.code || ps[0].Remedy == "" {
			t.Errorf("%s: %.300v, want %s", name, err, c.code)
		}
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 512<<20 {
			t.Errorf("%s: %d MiB for %d", name, spent>>20, len(c.doc)>>20)
		}
		t.Logf("%s: %d MiB for %d", name, (after.TotalAlloc-before.TotalAlloc)>>20, len(c.doc)>>20)
	}
}

func manyNamespaces() string {
	var b strings.Builder
	for i := range maxPrefixes + 1 {
		fmt.Fprintf(&b, `<n:a xmlns:n="https://x.example/%d"/>`, i)
	}
	return b.String()
}
