// Package plain reads a device's own JSON by a mapping that its company gave:
// where each channel stands (JSON Pointer, RFC 6901), in which unit, and when it
// was measured.
package plain

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/iot"
)

// Mapping says how a payload is read.
type Mapping struct {
	// Each points at an array of samples; every other pointer is then relative to
	// a sample. Empty: the payload is one sample.
	Each string `json:"each,omitempty"`
	// Time points at when it was measured; empty: when it came.
	Time string `json:"time,omitempty"`
	// Format of the time: "rfc3339" (the default), "unix" or "unix-ms".
	Format   string           `json:"format,omitempty"`
	Channels map[string]Field `json:"channels"`
}

// Field says where a channel's value stands.
type Field struct {
	At   string `json:"at"`             // JSON Pointer
	Unit string `json:"unit,omitempty"` // as the device sends it
	// Times and Plus make the value of what is sent: value * times + plus. Zero
	// times is one.
	Times float64 `json:"times,omitempty"`
	Plus  float64 `json:"plus,omitempty"`
	// On are the texts that mean 1, of a state: ["open", "OPEN"].
	On []string `json:"on,omitempty"`
}

// ErrMapping says what a mapping is.
var ErrMapping = chaincode.Rule{Code: "iot/mapping", Kind: chaincode.Malformed,
	Text:   "The mapping cannot be read: it is a JSON object that says where in the device's own JSON each channel stands.",
	Remedy: "Take the example beside the field, or leave it empty for SenML."}

// Parse reads a mapping and checks it.
func Parse(text []byte) (m Mapping, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil || d.More() {
		return m, ErrMapping.Refuse("").On("mapping")
	}
	pointers := []string{m.Each, m.Time}
	for name, f := range m.Channels {
		if _, ok := iot.KindOf(name); !ok || f.At == "" {
			return m, ErrMapping.Refuse("the channel %s", name).On("mapping")
		}
		pointers = append(pointers, f.At)
	}
	for _, p := range pointers {
		if p != "" && p[0] != '/' {
			return m, ErrMapping.Refuse("%s is no JSON Pointer", p).On("mapping")
		}
	}
	switch {
	case len(m.Channels) == 0:
		return m, ErrMapping.Refuse("it names no channel").On("mapping")
	case !slices.Contains([]string{"", "rfc3339", "unix", "unix-ms"}, m.Format):
		return m, ErrMapping.Refuse("the time's format is %s", m.Format).On("mapping")
	}
	return m, nil
}

// Measurements are what a payload tells. A channel that a sample has not got, or
// that is null there, was not measured.
func (m Mapping) Measurements(payload []byte) ([]iot.Measurement, error) {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	if depth(payload) > iot.MaxDepth {
		return nil, iot.ErrPayloadSize.Refuse("deeper than %s levels", iot.MaxDepth)
	}
	var whole any
	if err := d.Decode(&whole); err != nil {
		return nil, iot.ErrPayload.Refuse("it is no JSON")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, iot.ErrPayload.Refuse("something follows the JSON value")
	}
	samples := []any{whole}
	if m.Each != "" {
		list, ok := find(whole, m.Each)
		if samples, ok = list.([]any); !ok {
			return nil, iot.ErrPayload.Refuse("there is no array at %s", m.Each)
		}
	}
	if len(samples)*len(m.Channels) > iot.MaxMeasurements {
		return nil, iot.ErrPayloadSize.Refuse("%s samples", len(samples))
	}
	var all []iot.Measurement
	for _, s := range samples {
		some, err := m.sample(s)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func (m Mapping) sample(s any) (all []iot.Measurement, err error) {
	var at time.Time
	if m.Time != "" {
		v, ok := find(s, m.Time)
		if at, ok = m.moment(v); !ok {
			return nil, iot.ErrPayload.Refuse("there is no time at %s", m.Time)
		}
	}
	names := make([]string, 0, len(m.Channels))
	for name := range m.Channels {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f := m.Channels[name]
		v, ok := find(s, f.At)
		if !ok || v == nil {
			continue
		}
		x, ok := f.number(v)
		if !ok {
			return nil, iot.ErrPayload.Refuse("there is no number at %s", f.At)
		}
		all = append(all, iot.Measurement{Channel: name, Unit: f.Unit, At: at, Value: x})
	}
	return all, nil
}

func (m Mapping) moment(v any) (time.Time, bool) {
	text := ""
	switch v := v.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	}
	if m.Format == "" || m.Format == "rfc3339" {
		at, err := time.Parse(time.RFC3339, text)
		return at.UTC(), err == nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if m.Format == "unix-ms" {
		seconds /= 1000
	}
	if err != nil || math.IsNaN(seconds) || math.Abs(seconds) > 1e11 {
		return time.Time{}, false
	}
	return time.UnixMicro(int64(math.Round(seconds * 1e6))).UTC(), true
}

func (f Field) number(v any) (x float64, ok bool) {
	switch v := v.(type) {
	case bool:
		if v {
			x = 1
		}
		return x, true
	case json.Number:
		n, err := strconv.ParseFloat(v.String(), 64)
		x, ok = n, err == nil
	case string:
		if len(f.On) > 0 {
			if slices.Contains(f.On, v) {
				x = 1
			}
			return x, true
		}
		n, err := strconv.ParseFloat(v, 64)
		x, ok = n, err == nil
	}
	if f.Times != 0 {
		x *= f.Times
	}
	return x + f.Plus, ok
}

// find follows a JSON Pointer.
func find(v any, pointer string) (any, bool) {
	if pointer == "" {
		return v, true
	}
	for _, part := range strings.Split(pointer[1:], "/") {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[part]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(at) || part != strconv.Itoa(i) {
				return nil, false
			}
			v = at[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// depth is how deep a JSON text nests, at most.
func depth(payload []byte) (deepest int) {
	level, quoted := 0, false
	for i := 0; i < len(payload); i++ {
		switch c := payload[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}
