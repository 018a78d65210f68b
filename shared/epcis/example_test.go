package epcis_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

// A form fills an event, has it checked, and knows its key on the ledger.
func Example() {
	amount, err := gs1.ParseAmount("480.5")
	if err != nil {
		fmt.Println(err)
		return
	}
	e := epcis.Event{
		Type: epcis.ObjectEvent, Action: epcis.Observe, BizStep: "shipping", Disposition: "in_transit",
		Time: time.Date(2026, 3, 1, 0, 30, 0, 0, time.UTC), Offset: "+08:00",
		Quantities: []epcis.Quantity{{Class: "https://id.gs1.org/01/09506000134352/10/L1", Amount: amount, HasAmount: true, Unit: "KGM"}},
		ReadPoint:  "https://id.gs1.org/414/9506000134353",
	}
	for _, p := range e.Validate() {
		fmt.Println(p.Path, p.Code)
	}
	e.ReadPoint = "https://id.gs1.org/414/9506000134352"
	fmt.Println(len(e.Validate()))
	hash, err := e.Hash()
	fmt.Println(hash, err)
	// Output:
	// /readPoint/id gs1/check-digit
	// 0
	// ni:///sha-256;cba6e0bb8c6ba587fde38e658ff6ad050d2372e632fd367242c9a5f3bae6c71e?ver=CBV2.0 <nil>
}

// TestEventAsField: an event travels inside other values without changing its hash.
func TestEventAsField(t *testing.T) {
	type command struct{ Event epcis.Event }
	in := command{epcis.Event{Type: epcis.ObjectEvent, Action: epcis.Add, Time: time.Date(2026, 3, 1, 0, 30, 0, 0, time.UTC), Offset: "+08:00",
		EPCs: []string{"https://id.gs1.org/01/09506000134352/21/S%3C1"}, ILMD: []epcis.Field{{Name: epcis.Name{Prefix: "cbvmda", Local: "lotNumber"}, Value: epcis.Value{Text: "<L1>"}}}}}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out command
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	before, _ := in.Event.Hash()
	after, err := out.Event.Hash()
	if before != after || err != nil {
		t.Errorf("%v\n%s\n%s", err, before, after)
	}
	if err := json.Unmarshal([]byte(`{"Event":{"@context":"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld","type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-03-01T00:30:00Z","epcisBody":{"eventList":[]}}}`), &out); err == nil {
		t.Error("a document passed for an event")
	}
}

func BenchmarkHash(b *testing.B) {
	e := epcis.Event{Type: epcis.ObjectEvent, Action: epcis.Observe, BizStep: "shipping", Time: time.Date(2026, 3, 1, 0, 30, 0, 0, time.UTC), Offset: "+08:00", ReadPoint: "https://id.gs1.org/414/9506000134352"}
	for i := range 20 {
		e.EPCs = append(e.EPCs, fmt.Sprintf("https://id.gs1.org/01/09506000134352/21/S%d", i))
	}
	for b.Loop() {
		if _, err := e.Hash(); err != nil {
			b.Fatal(err)
		}
	}
}
