package sparkplug

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tallyway/tallyway/iot"
)

// The data types of metrics that can be measurements (Sparkplug 3.0, section
// 6.4.16).
const (
	Int8 = iota + 1
	Int16
	Int32
	Int64
	UInt8
	UInt16
	UInt32
	UInt64
	Float
	Double
	Boolean
)

// Payload is a Sparkplug B payload (section 6.4.4).
type Payload struct {
	Timestamp uint64 // milliseconds; 0: none
	Seq       *uint64
	Metrics   []Metric
}

// Metric is one of its metrics (section 6.4.6).
type Metric struct {
	Name      string
	Alias     *uint64
	Timestamp uint64 // milliseconds; 0: that of the payload
	Type      uint32
	Null      bool
	Value     *float64 // of a number or a truth value; of a whole number without its sign

	bits uint64 // of a whole number
	is   protowire.Number
}

// signed is the value with its sign: negative whole numbers travel as two's
// complement of 32 or 64 bits, whatever their type (section 6.4.16).
func (m Metric) signed(kind uint32) float64 {
	switch {
	case m.is == 10 && kind >= Int8 && kind <= Int32:
		switch kind {
		case Int8:
			return float64(int8(m.bits))
		case Int16:
			return float64(int16(m.bits))
		}
		return float64(int32(m.bits))
	case m.is == 11 && kind == Int64:
		return float64(int64(m.bits))
	}
	return *m.Value
}

// read walks the fields of a protobuf message. visit is given what follows the
// tag and tells how much of it is the field; negative where it cannot be read.
func read(b []byte, visit func(field protowire.Number, kind protowire.Type, b []byte) int) bool {
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return false
		}
		b = b[n:]
		if n = visit(field, kind, b); n < 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

// Decode reads a payload.
func Decode(b []byte) (Payload, error) {
	var p Payload
	many := false
	ok := read(b, func(field protowire.Number, kind protowire.Type, b []byte) int {
		switch {
		case field == 1 && kind == protowire.VarintType:
			return number(b, &p.Timestamp)
		case field == 3 && kind == protowire.VarintType:
			p.Seq = new(uint64)
			return number(b, p.Seq)
		case field == 2 && kind == protowire.BytesType:
			inner, n := protowire.ConsumeBytes(b)
			if n < 0 {
				return n
			}
			if many = len(p.Metrics) >= iot.MaxMeasurements; many {
				return -1
			}
			m, ok := decodeMetric(inner)
			if !ok {
				return -1
			}
			p.Metrics = append(p.Metrics, m)
			return n
		}
		return protowire.ConsumeFieldValue(field, kind, b)
	})
	switch {
	case many:
		return p, iot.ErrPayloadSize.Refuse("more than %s metrics", iot.MaxMeasurements)
	case !ok:
		return p, iot.ErrPayload.Refuse("it is no Sparkplug B payload")
	}
	return p, nil
}

func number(b []byte, into *uint64) (n int) {
	*into, n = protowire.ConsumeVarint(b)
	return n
}

func decodeMetric(b []byte) (m Metric, ok bool) {
	var whole, bits uint64
	var value float64
	kindOfValue := protowire.Number(0)
	ok = read(b, func(field protowire.Number, kind protowire.Type, b []byte) int {
		switch {
		case field == 1 && kind == protowire.BytesType:
			text, n := protowire.ConsumeString(b)
			m.Name = text
			return n
		case field == 2 && kind == protowire.VarintType:
			m.Alias = new(uint64)
			return number(b, m.Alias)
		case field == 3 && kind == protowire.VarintType:
			return number(b, &m.Timestamp)
		case field == 4 && kind == protowire.VarintType:
			n := number(b, &whole)
			m.Type = uint32(whole)
			return n
		case field == 7 && kind == protowire.VarintType:
			n := number(b, &whole)
			m.Null = whole != 0
			return n
		case (field == 10 || field == 11 || field == 14) && kind == protowire.VarintType:
			kindOfValue = field
			n := number(b, &bits)
			value = float64(bits)
			return n
		case field == 12 && kind == protowire.Fixed32Type:
			v, n := protowire.ConsumeFixed32(b)
			kindOfValue, value = field, float64(math.Float32frombits(v))
			return n
		case field == 13 && kind == protowire.Fixed64Type:
			v, n := protowire.ConsumeFixed64(b)
			kindOfValue, value = field, math.Float64frombits(v)
			return n
		}
		return protowire.ConsumeFieldValue(field, kind, b)
	})
	if kindOfValue != 0 && !m.Null {
		m.bits, m.is = bits, kindOfValue
		m.Value = &value
	}
	return m, ok
}
