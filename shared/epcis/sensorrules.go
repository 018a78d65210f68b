package epcis

import "strings"

// inline are the attributes that stand either in the metadata, for all reports, or in the reports. The schemas cannot
// say so (conformance test TCR-53, step 29).
var inline = []string{"deviceID", "deviceMetadata", "rawData", "dataProcessingMethod"}

func (v *validator) sensor(s *SensorElement, path string) {
	v.sensorMetadata(&s.Metadata, at(path, "sensorMetadata"))
	if len(s.Reports) == 0 {
		v.missing(at(path, "sensorReport"), "the sensor element has no report", "Add at least one reading.")
	}
	for i := range s.Reports {
		here := atIndex(at(path, "sensorReport"), i)
		v.onePlace(&s.Metadata, &s.Reports[i], here)
		v.sensorReport(&s.Reports[i], here)
	}
}

func (v *validator) onePlace(m *SensorMetadata, r *SensorReport, path string) {
	refuse := func(name string) {
		v.problems.add(at(path, name), "epcis/sensor-inline", "the field "+name+" stands both in the report and in sensorMetadata",
			"Keep it in sensorMetadata where it holds for all reports, else in the reports.")
	}
	for _, name := range inline {
		if *m.textOf(name) != "" && *r.textOf(name) != "" {
			refuse(name)
		}
	}
	if !m.Time.IsZero() && !r.Time.IsZero() {
		refuse("time")
	}
}

func (v *validator) sensorMetadata(m *SensorMetadata, path string) {
	v.order(m.Start, m.End, at(path, "endTime"))
	for _, name := range metadataTexts {
		if value := *m.textOf(name); value != "" {
			v.identifier(value, at(path, name))
		}
	}
}

func (v *validator) sensorReport(r *SensorReport, path string) {
	if r.Type == "" {
		v.missing(at(path, "type"), "the report does not say what was measured", "Add the type, like Temperature.")
	}
	v.word(measurements, r.Type, at(path, "type"))
	v.word(sensorAlerts, r.Exception, at(path, "exception"))
	v.word(components, r.Component, at(path, "component"))
	for _, name := range []string{"deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules",
		"microorganism", "chemicalSubstance", "coordinateReferenceSystem", "uriValue"} {
		if value := *r.textOf(name); value != "" {
			v.identifier(value, at(path, name))
		}
	}
	if strings.Trim(r.HexBinaryValue, "0123456789abcdefABCDEF") != "" {
		v.problems.add(at(path, "hexBinaryValue"), "epcis/hex", quote(r.HexBinaryValue)+" is not hexadecimal", "Write pairs of 0-9 and A-F.")
	}
	v.numbers(r, path)
}

// numbers checks the readings of a report: each a decimal, with a unit unless it is a plain number, and in order.
func (v *validator) numbers(r *SensorReport, path string) {
	measured := false
	for _, name := range reportNumbers {
		n := *r.numberOf(name)
		if n == "" {
			continue
		}
		measured = measured || name != "percRank"
		if _, ok := plainDecimal(string(n)); !ok {
			v.problems.add(at(path, name), "epcis/number", quote(string(n))+" is not a number", "Write it as a decimal of at most 40 digits.")
		}
	}
	switch {
	case r.Unit != "":
		v.unit(r.Unit, at(path, "uom"))
	case measured && r.Type != "Dimensionless" && r.Type != "Count" && measurements.has(r.Type):
		v.missing(at(path, "uom"), "the reading has no unit", "Add its UN/ECE Recommendation 20 code as uom, like CEL.")
	}
	if less(r.MaxValue, r.MinValue) {
		v.problems.add(at(path, "maxValue"), "epcis/range", "the maximum is below the minimum", "Check both values.")
	}
	if less(r.PercRank, "0") || less("100", r.PercRank) {
		v.problems.add(at(path, "percRank"), "epcis/range", "a percentile rank lies between 0 and 100", "Check the value.")
	}
	if less(r.SDev, "0") {
		v.problems.add(at(path, "sDev"), "epcis/range", "a standard deviation is not negative", "Check the value.")
	}
}

// less compares two decimals that are there and well formed.
func less(a, b Number) bool {
	x, okX := plainDecimal(string(a))
	y, okY := plainDecimal(string(b))
	if !okX || !okY {
		return false
	}
	minusX, minusY := strings.HasPrefix(x, "-"), strings.HasPrefix(y, "-")
	switch {
	case minusX != minusY:
		return minusX
	case minusX:
		return magnitudeLess(y[1:], x[1:])
	}
	return magnitudeLess(x, y)
}

// magnitudeLess compares plain decimals without a sign.
func magnitudeLess(x, y string) bool {
	wholeX, fractionX, _ := strings.Cut(x, ".")
	wholeY, fractionY, _ := strings.Cut(y, ".")
	if len(wholeX) != len(wholeY) {
		return len(wholeX) < len(wholeY)
	}
	return wholeX+"."+fractionX < wholeY+"."+fractionY
}
