package plain

import (
	"encoding/json"
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

func mapping(t testing.TB, text string) Mapping {
	t.Helper()
	var m Mapping
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

const (
	one  = `{"time":{"pointer":"/ts","format":"unix-ms"},"channels":{"temperature":{"pointer":"/data/temp","scale":0.1},"door":{"pointer":"/data/in/0"},"humidity":{"pointer":"/rh","unit":"/"}}}`
	many = `{"samples":"/s","time":{"pointer":"/at","format":"rfc3339"},"channels":{"temperature":{"pointer":"/v","unit":"FAH"}}}`
)

func TestReadings(t *testing.T) {
	for _, c := range []struct {
		name, mapping, payload string
		want                   []iot.Measurement
	}{
		{"one sample", one, `{"ts":1772366400123,"data":{"temp":41,"in":[true]},"rh":"0.5","fw":1e400}`, []iot.Measurement{
			{Channel: "door", At: noon.Add(123 * time.Millisecond), Value: 1}, {Channel: "humidity", Unit: "/", At: noon.Add(123 * time.Millisecond), Value: 0.5},
			{Channel: "temperature", At: noon.Add(123 * time.Millisecond), Value: 41 * 0.1}}},
		{"what is not told", one, `{"ts":"1772366400000","data":{"temp":null,"in":[false]}}`, []iot.Measurement{{Channel: "door", At: noon}}},
		{"several samples", many, `{"s":[{"at":"2026-03-01T12:00:00Z","v":40},{"at":"2026-03-01T20:00:00.0000019+08:00","v":41}]}`, []iot.Measurement{
			{Channel: "temperature", Unit: "FAH", At: noon, Value: 40}, {Channel: "temperature", Unit: "FAH", At: noon.Add(time.Microsecond), Value: 41}}},
		{"no samples", many, `{"s":[]}`, nil},
		{"the document is the array", `{"samples":"","channels":{"temperature":{"pointer":""}}}`, `[4,5.5]`, []iot.Measurement{{Channel: "temperature", Value: 4}, {Channel: "temperature", Value: 5.5}}},
		{"an offset", `{"channels":{"temperature":{"pointer":"/t","scale":2,"offset":-40}}}`, `{"t":22}`, []iot.Measurement{{Channel: "temperature", Value: 4}}},
		{"seconds with a fraction", `{"time":{"pointer":"/t","format":"unix"},"channels":{"temperature":{"pointer":"/v"}}}`, `{"t":1772366400.000001,"v":4}`, []iot.Measurement{{Channel: "temperature", At: noon.Add(time.Microsecond), Value: 4}}},
		{"a pointer's own signs", `{"channels":{"temperature":{"pointer":"/a~1b/m~0n/~01"}}}`, `{"a/b":{"m~n":{"~1":4}}}`, []iot.Measurement{{Channel: "temperature", Value: 4}}},
		{"an empty name", `{"channels":{"temperature":{"pointer":"/"}}}`, `{"":4}`, []iot.Measurement{{Channel: "temperature", Value: 4}}},
	} {
		d, err := New(mapping(t, c.mapping))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got, err := d.Decode([]byte(c.payload)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v\nwant %+v", c.name, got, err, c.want)
		}
	}
}

func TestPayloadsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, mapping, payload string
		want                   chaincode.Rule
	}{
		{"nothing is told", one, `{"ts":1}`, iot.ErrPayload},
		{"no time", one, `{"data":{"temp":4}}`, iot.ErrPayload},
		{"a time of another kind", one, `{"ts":true,"data":{"temp":4}}`, iot.ErrPayload},
		{"a time beyond calendars", one, `{"ts":1e300,"data":{"temp":4}}`, iot.ErrClock},
		{"a time that is infinite", one, `{"ts":"-Inf","data":{"temp":4}}`, iot.ErrClock},
		{"a time that is no number", one, `{"ts":"NaN","data":{"temp":4}}`, iot.ErrClock},
		{"a date without its zone", many, `{"s":[{"at":"2026-03-01T12:00:00","v":4}]}`, iot.ErrPayload},
		{"text", one, `{"ts":1,"data":{"temp":"warm"}}`, iot.ErrValue},
		{"an object", one, `{"ts":1,"data":{"temp":{}}}`, iot.ErrValue},
		{"no float64", one, `{"ts":1,"data":{"temp":1e400}}`, iot.ErrValue},
		{"not a number", one, `{"ts":1,"data":{"temp":"NaN"}}`, iot.ErrValue},
		{"no array", many, `{"s":{}}`, iot.ErrPayload},
		{"an array's number with a zero", `{"channels":{"temperature":{"pointer":"/00"}}}`, `[4]`, iot.ErrPayload},
		{"an array's end", `{"channels":{"temperature":{"pointer":"/-"}}}`, `[4]`, iot.ErrPayload},
		{"beyond an array", `{"channels":{"temperature":{"pointer":"/1"}}}`, `[4]`, iot.ErrPayload},
		{"no JSON", one, `temp=4`, iot.ErrPayload},
		{"a member twice", one, `{"ts":1,"ts":2,"data":{"temp":4}}`, iot.ErrPayload},
		{"too many", `{"samples":"","channels":{"temperature":{"pointer":""}}}`, "[4" + strings.Repeat(",4", iot.MaxMeasurements) + "]", iot.ErrPayloadSize},
		{"too deep", one, strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17), iot.ErrPayloadSize},
	} {
		d, err := New(mapping(t, c.mapping))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got, err := d.Decode([]byte(c.payload)); !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %+v, %v; want %s", c.name, got, err, c.want.Code)
		}
	}
}

func TestMappingsThatAreRefused(t *testing.T) {
	for text, field := range map[string]string{
		`{}`:                                     "channels",
		`{"channels":{"temp":{"pointer":"/t"}}}`: "temp",
		`{"channels":{"temperature":{"pointer":"t"}}}`:                                             "temperature",
		`{"channels":{"temperature":{"pointer":"/~2"}}}`:                                           "temperature",
		`{"channels":{"temperature":{"pointer":"/~"}}}`:                                            "temperature",
		`{"channels":{"temperature":{"pointer":"/t","unit":"%RH"}}}`:                               "temperature",
		`{"samples":"s","channels":{"temperature":{"pointer":"/t"}}}`:                              "samples",
		`{"time":{"pointer":"t","format":"unix"},"channels":{"temperature":{"pointer":"/t"}}}`:     "time",
		`{"time":{"pointer":"/t","format":"iso"},"channels":{"temperature":{"pointer":"/t"}}}`:     "time",
		`{"channels":{"temperature":{"pointer":"/` + strings.Repeat("x", 256) + `"}}}`:             "temperature",
		`{"channels":{"temperature":{"pointer":"/t"},"humidity":{"pointer":"","unit":"furlong"}}}`: "humidity",
	} {
		d, err := New(mapping(t, text))
		var refusal *chaincode.Refusal
		if !errors.As(err, &refusal) || refusal.Code != ErrMapping.Code || refusal.Field != field || d != nil {
			t.Errorf("%.90s: %v", text, err)
		}
	}
	large := Mapping{Channels: map[string]Source{"temperature": {Pointer: "/t", Scale: math.Inf(1)}}}
	if !errors.Is(large.Check(), ErrMapping) {
		t.Error("an infinite scale")
	}
	for i := range MaxChannels + 1 {
		large.Channels[fmt.Sprintf("temperature.z%d", i)] = Source{Pointer: "/t"}
	}
	if !errors.Is(large.Check(), ErrMapping) {
		t.Error("too many channels")
	}
}

func FuzzPlain(f *testing.F) {
	f.Add(one, `{"ts":1772366400123,"data":{"temp":41,"in":[true]},"rh":"0.5"}`)
	f.Add(many, `{"s":[{"at":"2026-03-01T12:00:00Z","v":40}]}`)
	f.Add(`{"samples":"","channels":{"temperature":{"pointer":"/~01/0"}}}`, `[{"~1":[4]}]`)
	f.Fuzz(func(t *testing.T, text, payload string) {
		var m Mapping
		if json.Unmarshal([]byte(text), &m) != nil {
			return
		}
		d, err := New(m)
		var refusal *chaincode.Refusal
		if err != nil {
			if !errors.As(err, &refusal) {
				t.Fatal(err)
			}
			return
		}
		got, err := d.Decode([]byte(payload))
		if err != nil && (!errors.As(err, &refusal) || got != nil) {
			t.Fatalf("%+v, %v", got, err)
		}
		for _, m := range got {
			if bad(m.Value) || m.At.Nanosecond()%1000 != 0 {
				t.Fatalf("%+v", m)
			}
		}
	})
}
