package iot

import (
	"math"
	"strconv"
	"strings"
)

// Kind is what a channel measures. A channel is named for its kind, and where a
// device has several of one for its place: "temperature", "temperature.rear".
type Kind struct {
	Name      string
	Unit      string  // in which it is stored: UN/ECE Recommendation 20
	Symbol    string  // of the unit, for people
	Type      string  // CBV 2.0 measurement type
	Component string  // CBV 2.0 component, of a position
	Low, High float64 // beyond them it is a fault of the sensor
	Decimals  int     // that are shown
	State     bool    // 0 or 1
}

var kinds = []Kind{
	{Name: "temperature", Unit: "CEL", Symbol: "°C", Type: "Temperature", Low: -273.15, High: 1000, Decimals: 1},
	{Name: "humidity", Unit: "P1", Symbol: "%", Type: "RelativeHumidity", Low: 0, High: 100, Decimals: 0},
	{Name: "pressure", Unit: "PAL", Symbol: "Pa", Type: "Pressure", Low: 0, High: 1e8, Decimals: 0},
	{Name: "co2", Unit: "59", Symbol: "ppm", Type: "VolumeFraction", Low: 0, High: 1e6, Decimals: 0},
	{Name: "light", Unit: "LUX", Symbol: "lx", Type: "Illuminance", Low: 0, High: 1e6, Decimals: 0},
	{Name: "shock", Unit: "MSK", Symbol: "m/s²", Type: "Acceleration", Low: 0, High: 1e5, Decimals: 1},
	{Name: "door", Type: "Dimensionless", Low: 0, High: 1, State: true},
	{Name: "battery", Unit: "P1", Symbol: "%", Type: "Dimensionless", Low: 0, High: 100, Decimals: 0},
	{Name: "voltage", Unit: "VLT", Symbol: "V", Type: "Voltage", Low: -1e4, High: 1e4, Decimals: 2},
	{Name: "speed", Unit: "MTS", Symbol: "m/s", Type: "Speed", Low: 0, High: 500, Decimals: 1},
	{Name: "latitude", Unit: "DD", Symbol: "°", Type: "Angle", Component: "latitude", Low: -90, High: 90, Decimals: 5},
	{Name: "longitude", Unit: "DD", Symbol: "°", Type: "Angle", Component: "longitude", Low: -180, High: 180, Decimals: 5},
}

// KindOf is what a channel measures; ok is false for a name of no kind.
func KindOf(channel string) (k Kind, ok bool) {
	name, place, more := strings.Cut(channel, ".")
	if more && !IsName(place) {
		return Kind{}, false
	}
	for _, k := range kinds {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// Kinds lists what channels measure.
func Kinds() []Kind { return append([]Kind(nil), kinds...) }

// Take gives a measurement's value in the unit of its kind.
func (k Kind) Take(m Measurement) (float64, error) {
	v, ok := k.convert(m.Value, m.Unit)
	switch {
	case !ok:
		return 0, ErrUnit.Refuse("%s in %s", m.Channel, m.Unit).On("unit")
	case math.IsNaN(v) || v < k.Low || v > k.High || k.State && v != 0 && v != 1:
		return 0, ErrValue.Refuse("%s is %s", m.Channel, format(v)).On("value")
	}
	return v, nil
}

// convert knows the codes of UN/ECE and those of SenML (RFC 8428, section 12.1;
// RFC 8798), where they differ.
func (k Kind) convert(v float64, unit string) (float64, bool) {
	if unit == "" || unit == k.Unit || unit == k.Symbol {
		return v, true
	}
	for _, c := range conversions {
		if c.from == unit && c.to == k.Unit {
			return (v*c.times + c.plus) / c.over, true
		}
	}
	return v, k.State && unit == "/"
}

// conversions are exact where binary fractions let them be: degrees come out as
// the sender's own table shows them.
var conversions = []struct {
	from, to          string
	times, plus, over float64
}{
	{"Cel", "CEL", 1, 0, 1}, {"C", "CEL", 1, 0, 1},
	{"FAH", "CEL", 5, -160, 9}, {"°F", "CEL", 5, -160, 9}, {"F", "CEL", 5, -160, 9},
	{"KEL", "CEL", 100, -27315, 100}, {"K", "CEL", 100, -27315, 100},
	{"%RH", "P1", 1, 0, 1}, {"%EL", "P1", 1, 0, 1}, {"/", "P1", 100, 0, 1}, {"C62", "P1", 100, 0, 1},
	{"ppm", "59", 1, 0, 1}, {"P1", "59", 10000, 0, 1}, {"%", "59", 10000, 0, 1},
	{"lx", "LUX", 1, 0, 1}, {"V", "VLT", 1, 0, 1}, {"mV", "VLT", 1, 0, 1000}, {"2Z", "VLT", 1, 0, 1000},
	{"Pa", "PAL", 1, 0, 1}, {"hPa", "PAL", 100, 0, 1}, {"A97", "PAL", 100, 0, 1}, {"kPa", "PAL", 1000, 0, 1}, {"KPA", "PAL", 1000, 0, 1},
	{"BAR", "PAL", 100000, 0, 1}, {"bar", "PAL", 100000, 0, 1}, {"mbar", "PAL", 100, 0, 1},
	{"m/s2", "MSK", 1, 0, 1}, {"K40", "MSK", 980665, 0, 100000}, {"g", "MSK", 980665, 0, 100000},
	{"m/s", "MTS", 1, 0, 1}, {"km/h", "MTS", 10, 0, 36}, {"KMH", "MTS", 10, 0, 36},
	{"lat", "DD", 1, 0, 1}, {"lon", "DD", 1, 0, 1}, {"deg", "DD", 1, 0, 1},
}

func format(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
