package watch

import (
	"slices"
	"testing"
	"time"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/shared/epcis"
)

const (
	sensor    = "https://id.gs1.org/8004/9506000134TRUCK7"
	container = "urn:epc:id:grai:4012345.55555.987"
	lotURI    = "https://id.gs1.org/01/09521234000013/10/L1"
	pallet    = "https://id.gs1.org/00/095212340000000013"
	dock      = "https://id.gs1.org/414/9521234000006"
)

// TestEveryKindIsASoundEvent brings about every kind in every phase.
func TestEveryKindIsASoundEvent(t *testing.T) {
	w := one(whole)
	var told []Excursion
	take := func(readings ...iot.Reading) { told = append(told, w.Take(readings)...) }
	take(every("temperature", 0, 9, 9, 9, 9, 20, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 1, 1, 1, 1, 5, 5)...)
	take(every("battery", 0, 10, 50)...)
	take(every("door", 0, 1, 1, 1, 1, 1, 0)...)
	take(every("shock", 0, 60, 90, 1, 1)...)
	for i := range 8 {
		take(position(float64(i), -0.5, 0.25)...)
	}
	take(position(8, 0, 0)...)
	told = append(told, w.Tick(at(60))...)
	take(reading("temperature", 27, 5))
	kinds, phases, hashes := map[Kind]bool{}, map[Phase]bool{}, map[string]bool{}
	for _, x := range told {
		kinds[x.Kind], phases[x.Phase] = true, true
		if x.Phase == Withdrawn {
			continue
		}
		e := x.Event(About{sensor, []string{container, pallet}, []string{lotURI}, dock}, "+08:00")
		if problems := e.Validate(); len(problems) > 0 {
			t.Errorf("%s: %v", line(x), problems)
		}
		hash, err := e.Hash()
		if err != nil || hashes[hash] {
			t.Errorf("%s: an event before has its hash, %v", line(x), err)
		}
		hashes[hash] = true
		b, err := e.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var read epcis.Event
		if err := read.UnmarshalJSON(b); err != nil {
			t.Fatalf("%s: %v\n%s", line(x), err, b)
		}
		if again, err := read.Hash(); err != nil || again != hash {
			t.Errorf("%s: as JSON it hashes to %s, %v\n%s", line(x), again, err, b)
		}
		alerts := 0
		for _, r := range read.Sensors[0].Reports {
			if r.Exception != "" {
				alerts++
			}
		}
		if kind, side, channel, ok := ParseRule(read.Sensors[0].Metadata.BizRules); alerts != 1 || !ok || kind != x.Kind || side != x.Side || channel != x.Channel {
			t.Errorf("%s: %d alerts, rule %s", line(x), alerts, read.Sensors[0].Metadata.BizRules)
		}
	}
	if len(kinds) != 10 || len(phases) != 4 {
		t.Errorf("only %v, %v", kinds, phases)
	}
}

func TestAnExcursionAsAnEvent(t *testing.T) {
	x := Excursion{ID: "abc", Phase: Closed, Device: truck, Channel: "temperature", Kind: OutOfLimits, Side: Hot, Since: at(0), Until: at(10), Bound: 8, Peak: 12, Mean: 10.123456789,
		Out: 9 * time.Minute, By: Point{at(3), 9}, Last: Point{at(10), 5}}
	e := x.Event(About{sensor, []string{container, pallet}, []string{lotURI}, dock}, "+08:00")
	if e.Time != at(10) || e.BizStep != "sensor_reporting" || !slices.Equal(e.EPCs, []string{sensor, container, pallet}) || len(e.Quantities) != 1 || e.Quantities[0].Class != lotURI || e.ReadPoint != dock {
		t.Errorf("%+v", e)
	}
	s := e.Sensors[0]
	if s.Metadata.DeviceID != sensor || s.Metadata.BizRules != "urn:tallyway:rule:limits:hot:temperature" || s.Metadata.Start != at(0) || s.Metadata.End != at(10) || len(s.Reports) != 2 {
		t.Errorf("%+v", s)
	}
	if r := s.Reports[0]; r.Type != "Temperature" || r.Exception != alarm || r.Value != "5" || r.MaxValue != "12" || r.MinValue != "" || r.MeanValue != "10.123" || r.Unit != "CEL" {
		t.Errorf("%+v", r)
	}
	if r := s.Reports[1]; r.Type != "Time" || r.Value != "9" || r.Unit != "MIN" || r.Exception != "" {
		t.Errorf("%+v", r)
	}
	x.Kind = Stuck
	if r := x.Event(About{Device: sensor}, "+00:00").Sensors[0]; r.Reports[0].Exception != fault {
		t.Errorf("%+v", r)
	}
	for _, other := range []string{"", "urn:x:rule:a:b:c", "urn:tallyway:rule:a:b"} {
		if _, _, _, ok := ParseRule(other); ok {
			t.Errorf("%q is a rule of ours", other)
		}
	}
}
