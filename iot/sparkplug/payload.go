// Package sparkplug reads Sparkplug B 3.0: its payload, and the sessions of
// edge nodes that give a message its meaning (births define what data may
// name, deaths end it, sequence numbers tell what got lost). It asks for a
// rebirth where it has to; publishing that command, and who may speak for which
// device, it leaves to others.
package sparkplug

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tallyway/tallyway/iot"
)

// Payload is a message's body (section 6.4). What is nil was not sent.
type Payload struct {
	Timestamp *uint64 // milliseconds since 1970
	Metrics   []Metric
	Seq       *uint64
}

// Metric is one value of a payload (section 6.4.6). Its metadata and
// properties are passed over.
type Metric struct {
	Name       string
	Alias      *uint64
	Timestamp  *uint64 // milliseconds since 1970
	Type       Type    // 0 where a birth has told it
	Historical bool
	Null       bool
	Field      Field  // in which the value came
	Bits       uint64 // of an integer, a float or a truth value
	Text       string // of Field Text only
}

// Field numbers the value's field within the metric (section 6.4.6).
type Field int

// Fields that hold a value.
const (
	None    Field = 0
	Int     Field = 10
	Long    Field = 11
	Float   Field = 12
	Double  Field = 13
	Truth   Field = 14
	Text    Field = 15
	Octets  Field = 16
	DataSet Field = 17
	Shape   Field = 18 // a template
	Other   Field = 19
)

// Parse reads a payload. Fields that are not known are passed over, as Protocol
// Buffers have it.
func Parse(payload []byte) (Payload, error) {
	var p Payload
	if len(payload) > iot.MaxPayload {
		return p, iot.ErrPayloadSize.Refuse("%s bytes", len(payload))
	}
	err := fields(payload, func(n protowire.Number, v any) error {
		switch n {
		case 1:
			return natural(&p.Timestamp, v)
		case 2:
			body, ok := v.([]byte)
			if !ok {
				return errWire
			}
			if len(p.Metrics) == iot.MaxMeasurements {
				return iot.ErrPayloadSize.Refuse("more than %s metrics", iot.MaxMeasurements)
			}
			m, err := metric(body)
			p.Metrics = append(p.Metrics, m)
			return err
		case 3:
			return natural(&p.Seq, v)
		}
		return nil
	})
	if err != nil {
		return Payload{}, err
	}
	return p, nil
}

func metric(body []byte) (Metric, error) {
	var m Metric
	err := fields(body, func(n protowire.Number, v any) error {
		switch n {
		case 1:
			return text(&m.Name, v)
		case 2:
			return natural(&m.Alias, v)
		case 3:
			return natural(&m.Timestamp, v)
		case 4:
			t, ok := v.(uint64)
			m.Type = Type(min(t, math.MaxUint32))
			return wire(ok)
		case 5:
			return flag(&m.Historical, v)
		case 7:
			return flag(&m.Null, v)
		}
		if n >= protowire.Number(Int) && n <= protowire.Number(Other) {
			return m.value(Field(n), v)
		}
		return nil
	})
	return m, err
}

// value keeps the value with the field that it came in; of several the last
// holds, as in any oneof.
func (m *Metric) value(f Field, v any) error {
	m.Field, m.Bits, m.Text = f, 0, ""
	ok := true
	switch f {
	case Int, Long, Truth:
		m.Bits, ok = v.(uint64)
	case Float:
		var bits uint32
		bits, ok = v.(uint32)
		m.Bits = uint64(bits)
	case Double:
		var bits fixed64
		bits, ok = v.(fixed64)
		m.Bits = uint64(bits)
	case Text:
		return text(&m.Text, v)
	default:
		_, ok = v.([]byte)
	}
	return wire(ok)
}

var errWire = iot.ErrPayload.Refuse("it is no Sparkplug B payload: a field has another type")

func wire(ok bool) error {
	if !ok {
		return errWire
	}
	return nil
}

func natural(to **uint64, v any) error {
	n, ok := v.(uint64)
	*to = &n
	return wire(ok)
}

func flag(to *bool, v any) error {
	n, ok := v.(uint64)
	*to = n != 0
	return wire(ok)
}

func text(to *string, v any) error {
	b, ok := v.([]byte)
	*to = string(b)
	return wire(ok)
}

// fixed64 tells a double's bits from a varint.
type fixed64 uint64

// fields hands on a message's fields: a varint as uint64, four bytes as uint32,
// eight as fixed64, the rest as []byte.
func fields(b []byte, each func(protowire.Number, any) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return cut(n)
		}
		b = b[n:]
		var v any
		switch kind {
		case protowire.VarintType:
			v, n = consume(protowire.ConsumeVarint(b))
		case protowire.Fixed32Type:
			v, n = consume(protowire.ConsumeFixed32(b))
		case protowire.Fixed64Type:
			var bits uint64
			bits, n = protowire.ConsumeFixed64(b)
			v = fixed64(bits)
		case protowire.BytesType:
			v, n = consume(protowire.ConsumeBytes(b))
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return cut(n)
		}
		b = b[n:]
		if err := each(number, v); err != nil {
			return err
		}
	}
	return nil
}

func consume[T any](v T, n int) (any, int) { return v, n }

func cut(n int) error {
	return iot.ErrPayload.Refuse("it is no Sparkplug B payload: %s", protowire.ParseError(n))
}

// Append writes the payload behind b.
func (p Payload) Append(b []byte) []byte {
	b = appendNatural(b, 1, p.Timestamp)
	for _, m := range p.Metrics {
		b = protowire.AppendTag(b, 2, protowire.BytesType)
		b = protowire.AppendBytes(b, m.append(nil))
	}
	return appendNatural(b, 3, p.Seq)
}

func (m Metric) append(b []byte) []byte {
	if m.Name != "" {
		b = protowire.AppendString(protowire.AppendTag(b, 1, protowire.BytesType), m.Name)
	}
	b = appendNatural(b, 2, m.Alias)
	b = appendNatural(b, 3, m.Timestamp)
	if m.Type != 0 {
		b = protowire.AppendVarint(protowire.AppendTag(b, 4, protowire.VarintType), uint64(m.Type))
	}
	if m.Historical {
		b = protowire.AppendVarint(protowire.AppendTag(b, 5, protowire.VarintType), 1)
	}
	if m.Null {
		b = protowire.AppendVarint(protowire.AppendTag(b, 7, protowire.VarintType), 1)
	}
	switch number := protowire.Number(m.Field); m.Field {
	case Int, Long, Truth:
		b = protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), m.Bits)
	case Float:
		b = protowire.AppendFixed32(protowire.AppendTag(b, number, protowire.Fixed32Type), uint32(m.Bits))
	case Double:
		b = protowire.AppendFixed64(protowire.AppendTag(b, number, protowire.Fixed64Type), m.Bits)
	case Text:
		b = protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), m.Text)
	}
	return b
}

func appendNatural(b []byte, number protowire.Number, v *uint64) []byte {
	if v == nil {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), *v)
}
