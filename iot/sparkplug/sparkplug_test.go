package sparkplug

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/iot"
)

var now = time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)

// metric writes one; value is int, int64, float32, float64, bool or nil.
func metric(name string, alias int, kind uint32, value any) (m []byte) {
	if name != "" {
		m = protowire.AppendString(protowire.AppendTag(m, 1, protowire.BytesType), name)
	}
	if alias >= 0 {
		m = protowire.AppendVarint(protowire.AppendTag(m, 2, protowire.VarintType), uint64(alias))
	}
	if kind > 0 {
		m = protowire.AppendVarint(protowire.AppendTag(m, 4, protowire.VarintType), uint64(kind))
	}
	switch v := value.(type) {
	case int:
		return protowire.AppendVarint(protowire.AppendTag(m, 10, protowire.VarintType), uint64(uint32(int32(v))))
	case int64:
		return protowire.AppendVarint(protowire.AppendTag(m, 11, protowire.VarintType), uint64(v))
	case float32:
		return protowire.AppendFixed32(protowire.AppendTag(m, 12, protowire.Fixed32Type), math.Float32bits(v))
	case float64:
		return protowire.AppendFixed64(protowire.AppendTag(m, 13, protowire.Fixed64Type), math.Float64bits(v))
	case bool:
		return protowire.AppendVarint(protowire.AppendTag(m, 14, protowire.VarintType), protowire.EncodeBool(v))
	}
	return protowire.AppendVarint(protowire.AppendTag(m, 7, protowire.VarintType), 1)
}

func payload(seq int, metrics ...[]byte) []byte {
	p := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(now.UnixMilli()))
	for _, m := range metrics {
		p = protowire.AppendBytes(protowire.AppendTag(p, 2, protowire.BytesType), m)
	}
	if seq >= 0 {
		p = protowire.AppendVarint(protowire.AppendTag(p, 3, protowire.VarintType), uint64(seq))
	}
	return p
}

// TestSessions walks through births, data, gaps and deaths.
func TestSessions(t *testing.T) {
	s := &Sessions{}
	edge := "spBv1.0/swift-cold/%s/gate"
	device := edge + "/room"
	for i, c := range []struct {
		topic, verb string
		payload     []byte
		want        string // what is told
	}{
		{edge, "NDATA", payload(1, metric("Temperature", -1, Double, 4.5)), "iot/sparkplug-session rebirth"},
		{device, "DBIRTH", payload(1, metric("Temperature", 5, Double, 4.5)), "iot/sparkplug-session rebirth"},
		{edge, "NBIRTH", payload(-1, metric("bdSeq", -1, UInt64, int64(3))), "iot/payload rebirth"},
		{edge, "NBIRTH", payload(0, metric("bdSeq", -1, UInt64, int64(3)), metric("Battery", 1, Int16, 87), metric("Node Control/Rebirth", -1, Boolean, false)), "battery=87"},
		{device, "DDATA", payload(1, metric("", 5, 0, 4.5)), "iot/sparkplug-session rebirth"},
		{device, "DBIRTH", payload(1, metric("Sensors/Temperature/Rear", 5, Float, float32(4.5)), metric("Door", 6, Boolean, true), metric("Firmware", -1, 12, nil)), "temperature.rear=4.5 door=1"},
		{device, "DDATA", payload(2, metric("", 5, 0, float32(-1.5)), metric("", 6, 0, false)), "temperature.rear=-1.5 door=0"},
		{edge, "NDATA", payload(3, metric("", 1, 0, -5)), "battery=-5"},
		{edge, "NDATA", payload(3, metric("", 1, 0, -5)), "battery=-5"}, // once more: nothing is lost
		{device, "DDATA", payload(5, metric("", 5, 0, float32(2))), "temperature.rear=2 rebirth"},
		{device, "DDATA", payload(6, metric("", 99, 0, 1)), "iot/sparkplug-session rebirth"},
		{device, "DDATA", payload(7, metric("", 5, 0, nil)), ""},
		{device, "DDEATH", payload(8), "dead"},
		{device, "DDATA", payload(9, metric("", 5, 0, float32(2))), "iot/sparkplug-session rebirth"},
		{edge, "NDEATH", payload(-1, metric("bdSeq", -1, UInt64, int64(2))), ""}, // of the connection before
		{edge, "NDATA", payload(9, metric("", 1, 0, 5)), "battery=5"},
		{edge, "NDEATH", payload(-1, metric("bdSeq", -1, UInt64, int64(3))), "dead"},
		{edge, "NDATA", payload(10, metric("", 1, 0, 5)), "iot/sparkplug-session rebirth"},
		{edge, "NBIRTH", payload(255, metric("bdSeq", -1, UInt64, int64(4)), metric("Battery", 2, Int8, 1)), "battery=1"},
		{edge, "NDATA", payload(0, metric("", 2, 0, 255)), "battery=-1"},                  // the sequence goes around
		{edge, "NDATA", payload(1, metric("", 1, 0, 5)), "iot/sparkplug-session rebirth"}, // an alias of the birth before
		{edge, "NDATA", []byte("\xff\xff"), "iot/payload"},
	} {
		topic, err := iot.ParseTopic(fmt.Sprintf(c.topic, c.verb))
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Take(topic, c.payload, now)
		told := ""
		var no *chaincode.Refusal
		if errors.As(err, &no) {
			told = no.Code
		}
		for _, m := range got.Values {
			told += fmt.Sprintf(" %s=%v", m.Channel, m.Value)
			if !m.At.Equal(now) {
				t.Errorf("%d: %v", i, m.At)
			}
		}
		if got.Rebirth {
			told += " rebirth"
		}
		if got.Dead {
			told += " dead"
		}
		if len(told) > 0 && told[0] == ' ' {
			told = told[1:]
		}
		if told != c.want {
			t.Errorf("%d %s: %q, want %q", i, c.verb, told, c.want)
		}
	}
}

func TestWholeNumbersKeepTheirSign(t *testing.T) {
	for _, c := range []struct {
		kind  uint32
		value any
		want  float64
	}{{Int8, -5, -5}, {Int16, -300, -300}, {Int32, -70000, -70000}, {Int64, int64(-1 << 40), -1 << 40}, {UInt32, -1, math.MaxUint32}, {UInt64, int64(7), 7}, {UInt8, 200, 200}} {
		p, err := Decode(payload(0, metric("Temperature", -1, c.kind, c.value)))
		if err != nil || p.Metrics[0].signed(c.kind) != c.want {
			t.Errorf("%+v: %+v, %v", c, p, err)
		}
	}
}

func TestRebirth(t *testing.T) {
	topic, b := Rebirth(iot.ID{Party: "swift-cold", Name: "gate"}, now)
	p, err := Decode(b)
	if err != nil || topic != "spBv1.0/swift-cold/NCMD/gate" || p.Metrics[0].Name != "Node Control/Rebirth" || *p.Metrics[0].Value != 1 || p.Metrics[0].Type != Boolean {
		t.Errorf("%s %+v, %v", topic, p, err)
	}
}

func TestNamesOfMetrics(t *testing.T) {
	for name, want := range map[string]string{"Temperature": "temperature", "Sensors/Temperature/Rear": "temperature.rear", "Room 1/Humidity": "humidity", "Temperature/Zone 2/Top": "temperature.zone-2-top",
		"bdSeq": "", "Node Control/Temperature": "", "Firmware": "", "": "", "Temperature/Ä": ""} {
		if got, ok := Channel(name); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func FuzzSparkplug(f *testing.F) {
	f.Add(payload(0, metric("bdSeq", -1, UInt64, int64(3)), metric("Temperature", 1, Double, 4.5)), payload(1, metric("", 1, 0, 4.5)))
	f.Add([]byte{}, []byte("\x0a"))
	f.Fuzz(func(t *testing.T, birth, data []byte) {
		s := &Sessions{}
		for _, verb := range []string{"NBIRTH", "NDATA", "NDEATH"} {
			topic, _ := iot.ParseTopic("spBv1.0/a/" + verb + "/b")
			b := birth
			if verb == "NDATA" {
				b = data
			}
			_, err := s.Take(topic, b, now)
			var no *chaincode.Refusal
			if err != nil && !errors.As(err, &no) {
				t.Errorf("%v is no refusal", err)
			}
		}
	})
}
