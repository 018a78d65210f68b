package plain

import (
	"math"
	"strconv"
	"time"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/internal/tree"
)

// reader is a mapping that was checked, its pointers taken apart.
type reader struct {
	samples  []string
	list     bool
	time     []string
	instant  func(any) (time.Time, error)
	channels []channel
}

type channel struct {
	name          string
	steps         []string
	unit          string
	scale, offset float64
}

// New reads by a mapping; its error is Check's.
func New(m Mapping) (iot.Decoder, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	r := reader{list: m.Samples != nil}
	if r.list {
		r.samples = steps(*m.Samples)
	}
	if m.Time != nil {
		r.time, r.instant = steps(m.Time.Pointer), formats[m.Time.Format]
	}
	for _, name := range m.names() {
		s := m.Channels[name]
		if s.Scale == 0 {
			s.Scale = 1
		}
		r.channels = append(r.channels, channel{name, steps(s.Pointer), s.Unit, s.Scale, s.Offset})
	}
	return r, nil
}

// Decode reads one document. What a sample does not tell, it does not tell; a
// document that tells nothing at all is not of this mapping.
func (r reader) Decode(payload []byte) ([]iot.Measurement, error) {
	document, err := tree.JSON(payload)
	if err != nil {
		return nil, err
	}
	samples, err := r.split(document)
	if err != nil {
		return nil, err
	}
	var all []iot.Measurement
	for i, sample := range samples {
		at, err := r.at(sample)
		if err != nil {
			return nil, err
		}
		for _, c := range r.channels {
			m, told, err := c.read(sample, at)
			if err != nil {
				return nil, err
			}
			if told {
				all = append(all, m)
			}
		}
		if len(all) > iot.MaxMeasurements {
			return nil, iot.ErrPayloadSize.Refuse("more than %s values up to sample %s", iot.MaxMeasurements, i+1)
		}
	}
	if len(all) == 0 && len(samples) > 0 {
		return nil, iot.ErrPayload.Refuse("no channel's value stands where the mapping says")
	}
	return all, nil
}

func (r reader) split(document any) ([]any, error) {
	if !r.list {
		return []any{document}, nil
	}
	v, _ := find(document, r.samples)
	samples, ok := v.([]any)
	if !ok {
		return nil, iot.ErrPayload.Refuse("no array of samples stands where the mapping says").On("samples")
	}
	return samples, nil
}

func (r reader) at(sample any) (time.Time, error) {
	if r.instant == nil {
		return time.Time{}, nil
	}
	v, ok := find(sample, r.time)
	if !ok {
		return time.Time{}, iot.ErrPayload.Refuse("a sample's time is missing").On("time")
	}
	return r.instant(v)
}

// read takes numbers, truth values, and numbers written as text, as many devices
// have them. Null is no value.
func (c channel) read(sample any, at time.Time) (m iot.Measurement, told bool, err error) {
	v, ok := find(sample, c.steps)
	if !ok || v == nil {
		return m, false, nil
	}
	f, ok := number(v)
	f = scaled(f, c.scale) + c.offset
	if !ok || bad(f) {
		return m, false, iot.ErrValue.Refuse("%s is no number", c.name).On(c.name)
	}
	return iot.Measurement{Channel: c.name, Unit: c.unit, At: at, Value: f}, true, nil
}

// scaled divides where the scale is a whole number's part, as 0.1 is: 41 tenths
// are 4.1, as the device's own display shows them, and not a little more.
func scaled(v, scale float64) float64 {
	if whole := math.Round(1 / scale); whole > 1 && 1/whole == scale {
		return v / whole
	}
	return v * scale
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	}
	return 0, false
}

// formats are how times are written. Seconds and milliseconds may have a
// fraction, and may be text.
var formats = map[string]func(any) (time.Time, error){
	"rfc3339": rfc3339,
	"unix":    func(v any) (time.Time, error) { return since1970(v, 1e6) },
	"unix-ms": func(v any) (time.Time, error) { return since1970(v, 1e3) },
}

func rfc3339(v any) (time.Time, error) {
	text, _ := v.(string)
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, iot.ErrPayload.Refuse("a time is not written as RFC 3339 has it").On("time")
	}
	return at.UTC().Truncate(time.Microsecond), nil
}

// latest is the end of the year 9999.
const latest = 253402300800 * 1e6

func since1970(v any, micros float64) (time.Time, error) {
	f, ok := number(v)
	if _, truth := v.(bool); truth || !ok {
		return time.Time{}, iot.ErrPayload.Refuse("a time is no number").On("time")
	}
	if f = math.Round(f * micros); !(math.Abs(f) < latest) {
		return time.Time{}, iot.ErrClock.Refuse("a time is beyond every calendar").On("time")
	}
	return time.UnixMicro(int64(f)).UTC(), nil
}
