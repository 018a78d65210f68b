package sparkplug

import (
	"math"

	"github.com/tallyway/tallyway/iot"
)

// Type numbers what a metric's value is (section 6.4.16).
type Type uint32

// Types of one value. Those from DateTime on, data sets, templates and arrays
// are no measurements.
const (
	Int8 Type = iota + 1
	Int16
	Int32
	Int64
	UInt8
	UInt16
	UInt32
	UInt64
	Float32
	Float64
	Boolean
	String
	DateTime
)

// Number gives the value of a metric whose type is known. Signed integers come
// as two's complement in an unsigned field (section 6.4.16); which of the two
// integer fields it is, libraries disagree on, and both are read.
func (m Metric) Number(t Type) (float64, error) {
	ok := false
	var v float64
	switch {
	case t >= Int8 && t <= Int64:
		v, ok = m.signed(8 << (t - Int8))
	case t >= UInt8 && t <= UInt64:
		v, ok = float64(m.Bits), m.integer() && m.Bits <= math.MaxUint64>>(64-8<<(t-UInt8))
	case t == Float32:
		v, ok = float64(math.Float32frombits(uint32(m.Bits))), m.Field == Float
	case t == Float64:
		v, ok = math.Float64frombits(m.Bits), m.Field == Double
	case t == Boolean:
		v, ok = float64(min(m.Bits, 1)), m.Field == Truth
	}
	if !ok || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, iot.ErrValue.Refuse("%s holds no number of type %s", m.Name, t).On("value")
	}
	return v, nil
}

func (m Metric) integer() bool { return m.Field == Int || m.Field == Long }

// signed takes a negative number whether its sign goes through the whole field
// or ends at its own width.
func (m Metric) signed(width int) (float64, bool) {
	field := 64
	if m.Field == Int && m.Bits <= math.MaxUint32 {
		field = 32
	}
	if m.Bits < 1<<width || width == 64 { // its own width
		return float64(int64(m.Bits<<(64-width)) >> (64 - width)), m.integer()
	}
	v := int64(m.Bits<<(64-field)) >> (64 - field)
	if v >= 0 && field == 64 && m.Bits <= math.MaxUint32 { // of 32 bits, in the long field
		v = int64(int32(m.Bits))
	}
	return float64(v), m.integer() && v < 0 && v >= -1<<(width-1)
}

// Of makes a metric of a number.
func Of(name string, v float64) Metric {
	return Metric{Name: name, Type: Float64, Field: Double, Bits: math.Float64bits(v)}
}

// Whole makes a metric of a whole number, such as bdSeq.
func Whole(name string, v int64) Metric {
	return Metric{Name: name, Type: Int64, Field: Long, Bits: uint64(v)}
}

// Yes makes a metric of a truth value.
func Yes(name string, v bool) Metric {
	m := Metric{Name: name, Type: Boolean, Field: Truth}
	if v {
		m.Bits = 1
	}
	return m
}
