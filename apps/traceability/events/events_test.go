package events

import (
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

var (
	shanghai = time.FixedZone("", 8*3600)
	noon     = time.Date(2026, 3, 2, 12, 0, 0, 0, shanghai)
	dairy    = Company{ID: "greenfield-dairy", GLN: "9506000134352", Prefixes: "9506000134"}
	market   = Company{ID: "city-market", GLN: "4012345000009"}
	haulier  = Company{ID: "polar-haulage"} // has no GLN
	milk     = Goods{Lot: "01/09506000134352/10/L1", Amount: gs1.Whole(500), Unit: "KGM"}
	cheese   = Goods{Lot: "01/09506000134369/10/C1", Amount: gs1.Whole(48), Unit: "KGM"}
)

// every event that a form can build, by the act.
func everyEvent() map[string][]epcis.Event {
	pallet, _ := gs1.SSCC(0, "9506000134", 1)
	sale := Consignment{From: dairy, To: market, Carrier: haulier, Advice: "DA 7/2026", Goods: []Goods{milk}, Packs: []string{pallet.Path()}}
	home := sale
	home.Return, home.Carrier = true, Company{}
	arrived := Arrival{From: dairy, To: market, Shipment: "0a1b2c3d4e5f6071", Documents: []string{"urn:epcglobal:cbv:bt:9506000134352:DA7"}, Goods: []Goods{milk}, Apart: true}
	return map[string][]epcis.Event{
		"log":       {Logged(dairy, noon, milk, "2026-03-16")},
		"ship":      {Shipped(sale, noon)},
		"return":    {Shipped(home, noon)},
		"accept":    {Received(arrived, noon)},
		"transform": Transformed(dairy, noon, "urn:uuid:6f6c1c4e-51a5-4a6c-8d5a-0c8a4f7be001", []Goods{milk}, []Made{{cheese, "2026-06-01"}, {milk, "2026-03-16"}}),
		"pack":      {Packed(dairy, noon, pallet.Path(), []Goods{milk}, nil)},
		"unpack":    {Unpacked(dairy, noon, pallet.Path())},
		"sell":      {Sold(market, noon, []Goods{milk})},
		"destroy":   {Destroyed(haulier, noon, []Goods{milk})},
	}
}

// TestEventsStand holds every form's event to the standard, and its hash to
// what a repository computes of the bytes that travel.
func TestEventsStand(t *testing.T) {
	for act, events := range everyEvent() {
		for i, e := range events {
			if problems := e.Validate(); len(problems) > 0 {
				t.Errorf("%s %d: %v", act, i, problems)
			}
			command, err := Capture(e, gs1.Amount{})
			if err != nil {
				t.Fatalf("%s %d: %v", act, i, err)
			}
			back, err := epcis.DecodeJSON(command.Event)
			if err != nil || len(back.Events) != 1 {
				t.Fatalf("%s %d does not come back: %v\n%s", act, i, err, command.Event)
			}
			want, err := e.Hash()
			if err != nil {
				t.Fatal(err)
			}
			if got, err := back.Events[0].Hash(); err != nil || got != want {
				t.Errorf("%s %d: hash %s became %s (%v)", act, i, want, got, err)
			}
		}
	}
}

func TestEventTellsTheClockOfWhereItHappened(t *testing.T) {
	e := Logged(dairy, noon, milk, "")
	if e.Offset != "+08:00" || !e.Time.Equal(noon) || e.Time.Location() != time.UTC {
		t.Errorf("%s at %s", e.Offset, e.Time)
	}
}

func TestShippedNamesWhoOwnsAndWhoCarries(t *testing.T) {
	e := everyEvent()["ship"][0]
	want := []epcis.Typed{
		{Type: "owning_party", Value: "https://id.gs1.org/417/4012345000009"},
		{Type: "possessing_party", Value: "urn:tallyway:party:polar-haulage"},
		{Type: "location", Value: "https://id.gs1.org/414/4012345000009"},
	}
	if len(e.Destinations) != len(want) {
		t.Fatalf("destinations %v", e.Destinations)
	}
	for i, d := range e.Destinations {
		if d != want[i] {
			t.Errorf("destination %d is %v, want %v", i, d, want[i])
		}
	}
	if e.BizLocation != "" {
		t.Errorf("goods on their way are at %s", e.BizLocation)
	}
	if got := AdviceNumber(e.BizTransactions[0].Value); got != "DA 7/2026" {
		t.Errorf("the advice reads %q", got)
	}
}

func TestTransformedSplitsByDate(t *testing.T) {
	events := everyEvent()["transform"]
	if len(events) != 2 || len(events[0].InputQuantities) != 1 || len(events[1].InputQuantities) != 0 {
		t.Fatalf("%d events; inputs belong to the first alone", len(events))
	}
	if events[0].TransformationID != events[1].TransformationID {
		t.Error("the events are not one process")
	}
}
