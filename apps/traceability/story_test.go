package traceability

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/web"
)

// tellerOf knows three firms by name and asks no database.
func tellerOf(passages ...passage) teller {
	n := &names{lang: "en", seen: map[string]string{"party dairy": "Greenfield Dairy", "party harbour": "Harbour Foods",
		"product " + milkGTIN: "Fresh milk", "product " + cheeseGTIN: "Harbour cheese", "place 9506000134352": "Greenfield plant", "city 9506000134352": "Meadowbrook"}}
	return teller{lotRow{ID: lotOf(milkGTIN, "M1"), GTIN: milkGTIN, Unit: "KGM"}, n, sayer{}.T, passages}
}

func bodyText(t *testing.T, e epcis.Event) string {
	t.Helper()
	e.Time, e.Offset = viewsStart, "+12:00"
	b, err := e.JSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSentences(t *testing.T) {
	milk, cheese := lotOf(milkGTIN, "M1"), lotOf(cheeseGTIN, "C1")
	process := bodyText(t, epcis.Event{Type: epcis.TransformationEvent, InputQuantities: []epcis.Quantity{kilos(milk, "400")}, OutputQuantities: []epcis.Quantity{kilos(cheese, "60")}})
	way := passage{Sender: "dairy", Receiver: "harbour", State: trace.Accepted, Event: "out", Answer: "in", Amount: "500", Unit: "KGM"}
	short, surplus, third := way, way, way
	short.Received, surplus.Received, third.Received = "480", "510.5", "1499/3"
	for _, c := range []struct {
		want     string
		tone     string
		passages []passage
		deed     deed
	}{
		{"Greenfield Dairy logged 1,000 kg", web.Good, nil, deed{Type: epcis.ObjectEvent, Author: "dairy", Action: epcis.Add,
			Body: bodyText(t, epcis.Event{Type: epcis.ObjectEvent, Action: epcis.Add, Quantities: []epcis.Quantity{kilos(milk, "1000")}})}},
		{"Greenfield Dairy logged it", web.Good, nil, deed{Type: epcis.ObjectEvent, Author: "dairy", Action: epcis.Add}}, // the body is private
		{"Greenfield Dairy shipped 500 kg to Harbour Foods", web.Good, []passage{way}, deed{Hash: "out", Author: "dairy"}},
		{"Harbour Foods accepted 500 kg from Greenfield Dairy", web.Good, []passage{way}, deed{Hash: "in", Author: "harbour"}},
		{"Harbour Foods accepted 480 of 500 kg, 20 kg short", web.Warn, []passage{short}, deed{Hash: "in", Author: "harbour"}},
		{"Harbour Foods received 510.5 where 500 kg were shipped, 10.5 kg more", web.Warn, []passage{surplus}, deed{Hash: "in", Author: "harbour"}},
		{"Harbour Foods accepted ≈ 499.667 of 500 kg, ≈ 0.333 kg short", web.Warn, []passage{third}, deed{Hash: "in", Author: "harbour"}},
		{"Harbour Foods used 400 kg to make Harbour cheese C1", web.Good, nil, deed{Type: epcis.TransformationEvent, Author: "harbour", Body: process}},
		{"Harbour Foods destroyed it", web.Warn, nil, deed{Type: epcis.ObjectEvent, Author: "harbour", Action: epcis.Delete, Step: "destroying"}},
		{"Harbour Foods reported: staging exterior", web.Idle, nil, deed{Type: epcis.ObjectEvent, Author: "harbour", Action: epcis.Observe, Step: "staging_exterior"}},
		{"Harbour Foods packed 40 kg into SSCC 095060001343000014", web.Good, nil, deed{Type: epcis.AggregationEvent, Author: "harbour", Action: epcis.Add,
			Body: bodyText(t, epcis.Event{Type: epcis.AggregationEvent, Action: epcis.Add, Parent: "https://id.gs1.org/00/095060001343000014", ChildQuantities: []epcis.Quantity{kilos(milk, "40")}})}},
	} {
		if got, tone := tellerOf(c.passages...).sentence(c.deed); got != c.want || tone != c.tone {
			t.Errorf("%q (%s), want %q (%s)", got, tone, c.want, c.tone)
		}
	}
}

func TestSentenceOfWhatWasMade(t *testing.T) {
	s := tellerOf()
	s.lot.ID = lotOf(cheeseGTIN, "C1")
	var in []epcis.Quantity
	for i := range 9 {
		in = append(in, kilos(lotOf(milkGTIN, fmt.Sprint("M", i)), "10"))
	}
	got, _ := s.sentence(deed{Type: epcis.TransformationEvent, Author: "harbour",
		Body: bodyText(t, epcis.Event{Type: epcis.TransformationEvent, InputQuantities: in, OutputQuantities: []epcis.Quantity{kilos(s.lot.ID, "60")}})})
	if want := "Harbour Foods made 60 kg from Fresh milk M0, Fresh milk M1, Fresh milk M2 and 6 more"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestErrorDeclarationIsStruckThrough(t *testing.T) {
	e := tellerOf().deed(deed{Type: epcis.ObjectEvent, Author: "dairy", Action: epcis.Add, Error: "incorrect_data", Place: "9506000134352"})
	if e.Struck != "some of it was wrong" || e.Where != "Greenfield plant, Meadowbrook" {
		t.Errorf("%+v", e)
	}
}

func TestADeclinedShipmentStandsInTheHistory(t *testing.T) {
	at := time.Now()
	all := tellerOf().unanswered(passage{Sender: "dairy", Receiver: "harbour", State: trace.Declined, Answered: &at, Reason: "wrong-goods", Amount: "5", Unit: "KGM"})
	if len(all) != 1 || all[0].Text != "Harbour Foods declined 5 kg: wrong-goods" {
		t.Errorf("%+v", all)
	}
}

func TestGroupedAndClipped(t *testing.T) {
	for in, want := range map[string]string{"0": "0", "999": "999", "1000": "1,000", "1234567.25": "1,234,567.25", "≈ 12345.333": "≈ 12,345.333", "-1000": "-1,000"} {
		if got := grouped(in); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
	if got := clip(strings.Repeat("奶", 20), 10); got != "奶奶奶奶奶…" {
		t.Errorf("clipped to %q", got)
	}
}
