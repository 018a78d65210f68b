package sparkplug

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/iot"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func millis(at time.Time) *uint64 { return ptr(uint64(at.UnixMilli())) }

// story hands messages to sessions and tells what came of each.
type story struct {
	t   *testing.T
	s   Sessions
	now time.Time
}

func tell(t *testing.T) *story { return &story{t: t, now: noon} }

func (s *story) take(topic string, p Payload) (Outcome, error) {
	s.t.Helper()
	parsed, err := iot.ParseTopic("spBv1.0/swift-cold/" + topic)
	if err != nil {
		s.t.Fatal(err)
	}
	s.now = s.now.Add(time.Minute)
	return s.s.Take(parsed, p.Append(nil), s.now)
}

func (s *story) good(topic string, p Payload) Outcome {
	s.t.Helper()
	o, err := s.take(topic, p)
	if err != nil {
		s.t.Fatalf("%s: %v", topic, err)
	}
	return o
}

func (s *story) refused(topic string, p Payload, want chaincode.Rule) Outcome {
	s.t.Helper()
	o, err := s.take(topic, p)
	if !errors.Is(err, want) || o.Measurements != nil {
		s.t.Fatalf("%s: %+v, %v; want %s", topic, o, err, want.Code)
	}
	return o
}

func body(seq uint64, metrics ...Metric) Payload {
	return Payload{Timestamp: millis(noon), Seq: &seq, Metrics: metrics}
}

func nbirth(seq uint64, bdSeq int64, more ...Metric) Payload {
	return body(seq, append([]Metric{Whole("bdSeq", bdSeq), Yes("Node Control/Rebirth", false)}, more...)...)
}

func ndeath(bdSeq int64) Payload { return Payload{Metrics: []Metric{Whole("bdSeq", bdSeq)}} }

func (m Metric) as(alias uint64) Metric   { m.Alias = &alias; return m }
func (m Metric) when(at time.Time) Metric { m.Timestamp = millis(at); return m }
func (m Metric) past() Metric             { m.Historical = true; return m }
func (m Metric) bare() Metric             { m.Name, m.Type = "", 0; return m }
func id(name string) iot.ID               { return iot.ID{Party: "swift-cold", Name: name} }
func one(at time.Time, v float64, channel string) []iot.Measurement {
	return []iot.Measurement{{Channel: channel, At: at, Value: v}}
}

func (s *story) measured(o Outcome, want []iot.Measurement) {
	s.t.Helper()
	if !reflect.DeepEqual(o.Measurements, want) {
		s.t.Fatalf("%+v, want %+v", o.Measurements, want)
	}
}

func TestABirthTellsWhatDataMean(t *testing.T) {
	s := tell(t)
	o := s.good("NBIRTH/gate", nbirth(0, 1, Of("Battery", 90)))
	s.measured(o, one(noon, 90, "battery"))
	if !o.Born || !reflect.DeepEqual(o.Passed, []string{"Node Control/Rebirth"}) {
		t.Errorf("%+v", o)
	}
	s.measured(s.good("DBIRTH/gate/room", body(1, Of("Temperature", 4).as(7), Of("Sensors/Temperature/rear", 5).as(8))),
		[]iot.Measurement{{Channel: "temperature", At: noon, Value: 4}, {Channel: "temperature.rear", At: noon, Value: 5}})
	s.measured(s.good("DDATA/gate/room", body(2, Of("", 6).as(8).bare().when(noon.Add(time.Second)))), one(noon.Add(time.Second), 6, "temperature.rear"))
	s.measured(s.good("DDATA/gate/room", body(3, Of("Temperature", 7))), one(noon, 7, "temperature"))
	s.measured(s.good("NDATA/gate", body(4, Of("Battery", 89))), one(noon, 89, "battery"))
}

func TestHistoricalValuesKeepTheirTime(t *testing.T) {
	s := tell(t)
	s.good("NBIRTH/gate", nbirth(0, 1, Of("Temperature", 4)))
	past := noon.Add(-time.Hour)
	s.measured(s.good("NDATA/gate", body(1, Of("Temperature", 3).past().when(past))), one(past, 3, "temperature"))
	s.refused("NDATA/gate", body(2, Of("Temperature", 3).past()), iot.ErrPayload)
	s.refused("NDATA/gate", body(3, Metric{Name: "Temperature", Field: Double, Timestamp: ptr(uint64(math.MaxUint64))}), iot.ErrClock)
	without := body(4, Of("Temperature", 3))
	without.Timestamp = nil
	s.measured(s.good("NDATA/gate", without), one(time.Time{}, 3, "temperature"))
}

func TestDataBeforeABirthAreRefused(t *testing.T) {
	s := tell(t)
	for _, topic := range []string{"NDATA/gate", "DDATA/gate/room", "DBIRTH/gate/room", "DDEATH/gate/room"} {
		if o := s.refused(topic, body(0, Of("Temperature", 4)), ErrNotBorn); !o.Rebirth {
			t.Errorf("%s: no rebirth is wanted", topic)
		}
	}
	s.good("NBIRTH/gate", nbirth(0, 1))
	if o := s.refused("DDATA/gate/room", body(1, Of("Temperature", 4)), ErrNotBorn); !o.Rebirth {
		t.Error("no rebirth is wanted for a device that is not born")
	}
	if o := s.refused("NDATA/gate", body(2, Of("Temperature", 4)), ErrNotInBirth); !o.Rebirth {
		t.Error("no rebirth is wanted for a metric that no birth named")
	}
	s.refused("NDATA/gate", body(3, Of("", 4).as(9).bare()), ErrNotInBirth)
}

func TestARebirthIsAskedForPatiently(t *testing.T) {
	s := tell(t)
	topic, _ := iot.ParseTopic("spBv1.0/swift-cold/NDATA/gate")
	asked := 0
	for i := range 30 {
		o, _ := s.s.Take(topic, body(0).Append(nil), noon.Add(time.Duration(i)*time.Second))
		if o.Rebirth {
			asked++
		}
	}
	if asked != 3 {
		t.Errorf("asked %d times in 30 seconds", asked)
	}
	p, err := Parse(Rebirth(noon))
	if err != nil || len(p.Metrics) != 1 || p.Seq != nil || *p.Timestamp != *millis(noon) {
		t.Fatalf("%+v, %v", p, err)
	}
	if m := p.Metrics[0]; m.Name != "Node Control/Rebirth" || m.Type != Boolean || m.Field != Truth || m.Bits != 1 {
		t.Errorf("%+v", m)
	}
	if got := RebirthTopic(id("gate")); got != "spBv1.0/swift-cold/NCMD/gate" {
		t.Error(got)
	}
}

func TestTheSequenceTellsWhatGotLost(t *testing.T) {
	s := tell(t)
	s.good("NBIRTH/gate", nbirth(254, 1, Of("Temperature", 4)))
	for _, c := range []struct {
		seq  uint64
		lost int
	}{{255, 0}, {0, 0}, {1, 0}, {3, 1}, {4, 0}, {2, 253}} {
		o := s.good("NDATA/gate", body(c.seq, Of("Temperature", float64(c.seq))))
		if o.Lost != c.lost || o.Rebirth != (c.lost > 0) || len(o.Measurements) != 1 {
			t.Errorf("seq %d: %+v", c.seq, o)
		}
	}
	same := body(3, Of("Temperature", 9))
	s.good("NDATA/gate", same)
	if o := s.good("NDATA/gate", same); o.Lost != 0 || o.Rebirth || len(o.Measurements) != 1 {
		t.Errorf("the same message twice: %+v", o)
	}
	if o := s.good("NDATA/gate", body(3, Of("Temperature", 8))); o.Lost != 255 || !o.Rebirth {
		t.Errorf("another message with the same number: %+v", o)
	}
	s.refused("NDATA/gate", body(256, Of("Temperature", 4)), ErrSeq)
	s.refused("NDATA/gate", Payload{Metrics: []Metric{Of("Temperature", 4)}}, ErrSeq)
	s.good("NBIRTH/gate", nbirth(0, 2, Of("Temperature", 4)))
	if o := s.good("NDATA/gate", body(1, Of("Temperature", 4))); o.Lost != 0 {
		t.Errorf("after a birth: %+v", o)
	}
}

func TestDeathsEndWhatWasBorn(t *testing.T) {
	s := tell(t)
	s.good("NBIRTH/gate", nbirth(0, 1, Of("Temperature", 4)))
	s.good("DBIRTH/gate/a", body(1, Of("Temperature", 4)))
	s.good("DBIRTH/gate/b", body(2, Of("Temperature", 4)))
	if o := s.good("DDEATH/gate/a", body(3)); !reflect.DeepEqual(o.Died, []iot.ID{id("a")}) || o.Rebirth {
		t.Errorf("%+v", o)
	}
	s.refused("DDATA/gate/a", body(4, Of("Temperature", 4)), ErrNotBorn)
	s.good("DDATA/gate/b", body(5, Of("Temperature", 4)))
	if o := s.good("NDEATH/gate", ndeath(0)); o.Died != nil {
		t.Errorf("the will of an earlier connection ended this one: %+v", o)
	}
	s.refused("NDEATH/gate", Payload{}, iot.ErrPayload)
	s.good("DDATA/gate/b", body(6, Of("Temperature", 4)))
	untyped := ndeath(1)
	untyped.Metrics[0].Type = 0
	if o := s.good("NDEATH/gate", untyped); !reflect.DeepEqual(o.Died, []iot.ID{id("b"), id("gate")}) {
		t.Errorf("%+v", o)
	}
	s.refused("DDATA/gate/b", body(7, Of("Temperature", 4)), ErrNotBorn)
	s.refused("NDATA/gate", body(8, Of("Temperature", 4)), ErrNotBorn)
	if o := s.good("NDEATH/gate", ndeath(1)); o.Died != nil {
		t.Errorf("died twice: %+v", o)
	}
}

func TestANewBirthVoidsTheOld(t *testing.T) {
	s := tell(t)
	first := nbirth(0, 1, Of("Temperature", 4).as(1))
	s.good("NBIRTH/gate", first)
	s.good("DBIRTH/gate/a", body(1, Of("Temperature", 4).as(2)))
	if o := s.good("NBIRTH/gate", first); o.Died != nil {
		t.Errorf("the same birth twice: %+v", o)
	}
	s.good("DDATA/gate/a", body(2, Of("", 4).as(2).bare()))
	if o := s.good("NBIRTH/gate", nbirth(0, 2, Of("Humidity", 4).as(2))); !reflect.DeepEqual(o.Died, []iot.ID{id("a")}) {
		t.Errorf("%+v", o)
	}
	s.refused("DDATA/gate/a", body(1, Of("Temperature", 4)), ErrNotBorn)
	s.refused("NDATA/gate", body(2, Of("", 4).as(1).bare()), ErrNotInBirth)
	s.measured(s.good("NDATA/gate", body(3, Of("", 50).as(2).bare())), one(noon, 50, "humidity"))
	s.good("DBIRTH/gate/a", body(4, Of("Temperature", 4).as(5)))
	s.good("DBIRTH/gate/a", body(5, Of("Temperature", 4).as(6)))
	s.refused("DDATA/gate/a", body(6, Of("", 4).as(5).bare()), ErrNotInBirth)
}

func TestBirthsThatSayTooLittle(t *testing.T) {
	s := tell(t)
	s.refused("NBIRTH/gate", body(0, Of("Temperature", 4)), ErrBirth)
	s.refused("NBIRTH/gate", body(0, Metric{Name: "bdSeq", Type: String, Field: Text, Text: "1"}), ErrBirth)
	s.refused("NBIRTH/gate", nbirth(256, 1), ErrSeq)
	s.refused("NBIRTH/gate", Payload{Metrics: []Metric{Whole("bdSeq", 1)}}, ErrSeq)
	s.refused("NBIRTH/gate", nbirth(0, 1, Metric{Name: "Temperature", Field: Double}), ErrBirth)
	s.refused("NBIRTH/gate", nbirth(0, 1, Of("", 4).as(3)), ErrBirth)
	s.refused("NBIRTH/gate", nbirth(0, 1, Of("Temperature", 4), Of("Temperature", 5)), ErrBirth)
	s.refused("NBIRTH/gate", nbirth(0, 1, Of("Temperature", 4).as(3), Of("Humidity", 5).as(3)), ErrBirth)
	s.refused("NBIRTH/gate", nbirth(0, 1, Of("Front/Temperature", 4), Of("Rear/Temperature", 5)), ErrBirth)
	s.refused("NDATA/gate", body(1, Of("Temperature", 4)), ErrNotBorn)
	s.good("NBIRTH/gate", nbirth(0, 1, Of("Temperature", 4).as(3)))
	s.refused("DBIRTH/gate/a", body(1, Of("Temperature", 4).as(3)), ErrBirth)
	s.good("DBIRTH/gate/b", body(2, Of("Temperature", 4).as(4)))
	s.refused("DDATA/gate/b", body(3, Of("", 4).as(3).bare()), ErrNotInBirth)
}

func TestWhatIsNoMeasurementIsPassedOver(t *testing.T) {
	s := tell(t)
	text := Metric{Name: "Battery/Temperature", Type: String, Field: Text, Text: "Li-ion"}
	o := s.good("NBIRTH/gate", nbirth(0, 1, text, Metric{Name: "Temperature", Type: Float64, Null: true}, Metric{Name: "Table", Type: 16, Field: DataSet}))
	s.measured(o, []iot.Measurement{})
	if !reflect.DeepEqual(o.Passed, []string{"Node Control/Rebirth", "Battery/Temperature", "Table"}) {
		t.Errorf("%q", o.Passed)
	}
	s.measured(s.good("NDATA/gate", body(1, text, Metric{Name: "Temperature", Null: true})), []iot.Measurement{})
	s.refused("NDATA/gate", body(2, Of("Temperature", math.NaN())), iot.ErrValue)
	s.measured(s.good("NCMD/gate", body(0, Yes("Node Control/Rebirth", true))), nil)
	if o, err := s.take("NBIRTH/gate", nbirth(0, 2, Of("Temperature", math.NaN()))); !o.Born || !errors.Is(err, iot.ErrValue) {
		t.Errorf("a fault at birth: %+v, %v", o, err)
	}
	s.good("NDATA/gate", body(1, Of("Temperature", 4)))
	s.s.Forget(id("gate"))
	s.refused("NDATA/gate", body(2, Of("Temperature", 4)), ErrNotBorn)
}

func TestAnEdgeNodeIsRememberedWithinBounds(t *testing.T) {
	s := tell(t)
	s.good("NBIRTH/gate", nbirth(0, 1))
	for i := 1; i < MaxDevices; i++ {
		s.good(fmt.Sprintf("DBIRTH/gate/d%d", i), body(uint64(i)&255, Of("Temperature", 4)))
	}
	s.refused("DBIRTH/gate/more", body(MaxDevices&255, Of("Temperature", 4)), iot.ErrPayloadSize)
	s.good("DBIRTH/gate/d1", body((MaxDevices+1)&255, Of("Temperature", 4)))
}

func FuzzSessions(f *testing.F) {
	f.Add([]byte("\x00\x01"), nbirth(0, 1, Of("Temperature", 4).as(1)).Append(nil))
	f.Add([]byte("\x01\x02\x03\x04\x05"), body(1, Of("", 4).as(1).bare(), Of("Temperature", 4).past()).Append(nil))
	f.Add([]byte("\x05"), ndeath(1).Append(nil))
	f.Add([]byte("\x02"), []byte("\x12\x02\x68\x01"+strings.Repeat("\x2b", 9)))
	topics := []string{"NDATA/gate", "DBIRTH/gate/a", "DDATA/gate/a", "DDEATH/gate/a", "NBIRTH/gate", "NDEATH/gate"}
	f.Fuzz(func(t *testing.T, order, payload []byte) {
		var s Sessions
		birth, _ := iot.ParseTopic("spBv1.0/swift-cold/NBIRTH/gate")
		if _, err := s.Take(birth, nbirth(0, 1, Of("Temperature", 4).as(1)).Append(nil), noon); err != nil {
			t.Fatal(err)
		}
		for _, i := range order[:min(len(order), 20)] {
			topic, _ := iot.ParseTopic("spBv1.0/swift-cold/" + topics[int(i)%len(topics)])
			o, err := s.Take(topic, payload, noon)
			var refusal *chaincode.Refusal
			if err != nil && (!errors.As(err, &refusal) || o.Measurements != nil) {
				t.Fatalf("%+v, %v", o, err)
			}
			for _, m := range o.Measurements {
				if _, ok := iot.KindOf(m.Channel); !ok || math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
					t.Fatalf("%+v", m)
				}
			}
		}
	})
}
