package sparkplug

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/iot"
)

func ptr[T any](v T) *T { return &v }

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		name string
		kind Type
		f    Field
		bits uint64
		want float64
		ok   bool
	}{
		{"int8, sign through the field", Int8, Int, 0xFFFFFFFF, -1, true},
		{"int8, of its own width", Int8, Int, 0xFE, -2, true},
		{"int8, positive", Int8, Int, 127, 127, true},
		{"int8, too large", Int8, Int, 300, 0, false},
		{"int8, too small", Int8, Int, 0xFFFFFF00, 0, false},
		{"int16", Int16, Int, 0xFFFF8000, -32768, true},
		{"int16, too small", Int16, Int, 0xFFFF7FFF, 0, false},
		{"int32", Int32, Int, 0xFFFFFFD8, -40, true},
		{"int32 in the long field", Int32, Long, 0xFFFFFFD8, -40, true},
		{"int8 in the long field", Int8, Long, 0xFFFFFFD8, -40, true},
		{"int32 through the long field", Int32, Long, 0xFFFFFFFFFFFFFFD8, -40, true},
		{"int64", Int64, Long, 0xFFFFFFFFFFFFFFFF, -1, true},
		{"int64, positive", Int64, Long, 1 << 40, 1 << 40, true},
		{"uint8", UInt8, Int, 255, 255, true},
		{"uint8, too large", UInt8, Int, 256, 0, false},
		{"uint16", UInt16, Int, 65535, 65535, true},
		{"uint16, too large", UInt16, Int, 65536, 0, false},
		{"uint32", UInt32, Long, 4294967295, 4294967295, true},
		{"uint32, too large", UInt32, Long, 4294967296, 0, false},
		{"uint64", UInt64, Long, math.MaxUint64, math.MaxUint64, true},
		{"float", Float32, Float, uint64(math.Float32bits(4.25)), 4.25, true},
		{"float, not a number", Float32, Float, uint64(math.Float32bits(float32(math.NaN()))), 0, false},
		{"double", Float64, Double, math.Float64bits(4.1), 4.1, true},
		{"double, infinite", Float64, Double, math.Float64bits(math.Inf(1)), 0, false},
		{"true", Boolean, Truth, 1, 1, true},
		{"false", Boolean, Truth, 0, 0, true},
		{"a double that is called a float", Float32, Double, math.Float64bits(4.1), 0, false},
		{"an integer that is called a double", Float64, Int, 4, 0, false},
		{"a float that is called an integer", Int32, Float, 4, 0, false},
		{"a float that is called unsigned", UInt32, Float, 4, 0, false},
		{"text", String, Text, 0, 0, false},
		{"a time", DateTime, Long, 1, 0, false},
		{"no type", 0, Double, 0, 0, false},
		{"no value", Float64, None, 0, 0, false},
	} {
		got, err := Metric{Name: "x", Field: c.f, Bits: c.bits}.Number(c.kind)
		if (err == nil) != c.ok || got != c.want || err != nil && !errors.Is(err, iot.ErrValue) {
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.want)
		}
	}
}

func TestChannels(t *testing.T) {
	for name, want := range map[string]string{
		"Temperature": "temperature", "temperature": "temperature", "Sensors/Temperature": "temperature", "Sensors/Temperature/rear": "temperature.rear",
		"Temperature/Rear Left": "temperature.rear-left", "Inputs/temperature/Zone_1/top": "temperature.zone-1-top", "temperature.rear": "temperature.rear",
		"Device/Battery": "battery", "CO2": "co2", "Door": "door",
		"bdSeq": "", "Node Control/Rebirth": "", "Properties/Model": "", "": "", "/": "", "Temperature/": "", "Temperature/Rückwand": "",
	} {
		if got, ok := Channel(name); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v; want %q", name, got, ok, want)
		}
	}
}

func metrics(t *rapid.T) Metric {
	m := Metric{Name: rapid.StringMatching(`[a-zA-Z/]{0,9}`).Draw(t, "name"), Historical: rapid.Bool().Draw(t, "historical"), Null: rapid.Bool().Draw(t, "null"),
		Type: Type(rapid.IntRange(0, 12).Draw(t, "type")), Field: rapid.SampledFrom([]Field{None, Int, Long, Float, Double, Truth, Text}).Draw(t, "field")}
	maybe := rapid.OneOf(rapid.Just[*uint64](nil), rapid.Map(rapid.Uint64(), func(v uint64) *uint64 { return &v }))
	m.Alias, m.Timestamp = maybe.Draw(t, "alias"), maybe.Draw(t, "time")
	switch m.Field {
	case Int, Float:
		m.Bits = uint64(rapid.Uint32().Draw(t, "bits"))
	case Long, Double:
		m.Bits = rapid.Uint64().Draw(t, "bits")
	case Truth:
		m.Bits = 1
	case Text:
		m.Text = rapid.String().Draw(t, "text")
	}
	return m
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Payload{Seq: ptr(rapid.Uint64Max(255).Draw(t, "seq")), Metrics: rapid.SliceOfN(rapid.Custom(metrics), 1, 5).Draw(t, "metrics")}
		got, err := Parse(p.Append(nil))
		if err != nil || !reflect.DeepEqual(got, p) {
			t.Fatalf("%v\n%+v\n%+v", err, got, p)
		}
	})
}

func TestPayloadsThatAreRefused(t *testing.T) {
	tag := func(n protowire.Number, kind protowire.Type) []byte { return protowire.AppendTag(nil, n, kind) }
	var many []byte
	for range iot.MaxMeasurements + 1 {
		many = append(many, 0x12, 0)
	}
	for name, c := range map[string]struct {
		payload []byte
		want    chaincode.Rule
	}{
		"a varint cut off":            {[]byte{0x08, 0xff}, iot.ErrPayload},
		"a length beyond the end":     {[]byte{0x12, 0xff, 0xff, 0xff, 0xff, 0x0f}, iot.ErrPayload},
		"field number zero":           {[]byte{0x00, 0x01}, iot.ErrPayload},
		"a timestamp of four bytes":   {append(tag(1, protowire.Fixed32Type), 1, 2, 3, 4), iot.ErrPayload},
		"metrics that are a number":   {append(tag(2, protowire.VarintType), 1), iot.ErrPayload},
		"a double of a varint":        {append(tag(2, protowire.BytesType), 2, 0x68, 1), iot.ErrPayload},
		"groups without an end":       {[]byte(strings.Repeat("\x2b", 20000)), iot.ErrPayload},
		"more metrics than are taken": {many, iot.ErrPayloadSize},
		"more bytes than are taken":   {make([]byte, iot.MaxPayload+1), iot.ErrPayloadSize},
	} {
		if p, err := Parse(c.payload); !errors.Is(err, c.want) || p.Metrics != nil {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	unknown := append(append(tag(9, protowire.BytesType), 1, 'x'), Payload{Seq: ptr(uint64(3))}.Append(nil)...)
	if p, err := Parse(unknown); err != nil || *p.Seq != 3 {
		t.Errorf("a field that is not known: %+v, %v", p, err)
	}
}
