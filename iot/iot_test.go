package iot

import (
	"errors"
	"math"
	"testing"
)

func TestTopics(t *testing.T) {
	for text, want := range map[string]Topic{
		"tw/swift-cold/truck-7/senml":             {Device: ID{"swift-cold", "truck-7"}, Format: SenML, Edge: ID{"swift-cold", "truck-7"}},
		"tw/swift-cold/truck-7/cbor":              {Device: ID{"swift-cold", "truck-7"}, Format: CBOR, Edge: ID{"swift-cold", "truck-7"}},
		"spBv1.0/swift-cold/NDATA/gate":           {Device: ID{"swift-cold", "gate"}, Format: Sparkplug, Verb: "NDATA", Edge: ID{"swift-cold", "gate"}},
		"spBv1.0/swift-cold/DDATA/gate/cold-room": {Device: ID{"swift-cold", "cold-room"}, Format: Sparkplug, Verb: "DDATA", Edge: ID{"swift-cold", "gate"}},
	} {
		if got, err := ParseTopic(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "tw", "tw/a/b", "tw/a/b/xml", "tw/a/b/senml/c", "tw/A/b/senml", "tw/a/-b/senml", "tw/a/+/senml", "tw//b/senml", "tx/a/b/senml",
		"spBv1.0/a/NDATA/b/c", "spBv1.0/a/DDATA/b", "spBv1.0/a/STATE/b", "spBv1.0/a/DDATA/b/b", "tw/a/b/sparkplug"} {
		if got, err := ParseTopic(text); !errors.Is(err, ErrTopic) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestUnitsConvert(t *testing.T) {
	for _, c := range []struct {
		channel, unit string
		value, want   float64
	}{
		{"temperature", "", 4.2, 4.2}, {"temperature", "Cel", 4.2, 4.2}, {"temperature.rear", "FAH", 41, 5}, {"temperature", "K", 277.15, 4},
		{"humidity", "%RH", 60, 60}, {"humidity", "/", 0.5, 50}, {"battery", "%EL", 20, 20}, {"door", "/", 1, 1}, {"shock", "K40", 2, 19.6133}, {"latitude", "lat", 39.9, 39.9},
		{"co2", "%", 0.04, 400},
	} {
		k, ok := KindOf(c.channel)
		got, err := k.Take(Measurement{Channel: c.channel, Unit: c.unit, Value: c.value})
		if !ok || err != nil || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s %v %s: %v, %v", c.channel, c.value, c.unit, got, err)
		}
	}
	for _, c := range []struct {
		channel, unit string
		value         float64
		want          error
	}{
		{"temperature", "%RH", 4, ErrUnit}, {"humidity", "Cel", 4, ErrUnit}, {"temperature", "Cel", -300, ErrValue}, {"temperature", "", math.NaN(), ErrValue},
		{"temperature", "", math.Inf(1), ErrValue}, {"door", "", 0.5, ErrValue}, {"humidity", "", 101, ErrValue},
	} {
		k, _ := KindOf(c.channel)
		if _, err := k.Take(Measurement{Channel: c.channel, Unit: c.unit, Value: c.value}); !errors.Is(err, c.want) {
			t.Errorf("%s %v %s: %v", c.channel, c.value, c.unit, err)
		}
	}
	for _, name := range []string{"", "temp", "temperature.", "temperature.Rear", "temperature.a.b"} {
		if k, ok := KindOf(name); ok {
			t.Errorf("%q is %+v", name, k)
		}
	}
}
