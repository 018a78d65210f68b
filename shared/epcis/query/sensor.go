package query

import (
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

// sensorTexts are the attributes of sensor elements that EQ_ compares. What stands in the metadata and in reports alike
// is looked for in both.
var sensorTexts = map[string]struct {
	form func(string) string
	of   func(e *epcis.Event) []string
}{
	"type":                      {epcis.MeasurementWord, reportText(func(r *epcis.SensorReport) string { return r.Type })},
	"exception":                 {epcis.AlertWord, reportText(func(r *epcis.SensorReport) string { return r.Exception })},
	"component":                 {epcis.ComponentWord, reportText(func(r *epcis.SensorReport) string { return r.Component })},
	"microorganism":             {asIs, reportText(func(r *epcis.SensorReport) string { return r.Microorganism })},
	"chemicalSubstance":         {asIs, reportText(func(r *epcis.SensorReport) string { return r.ChemicalSubstance })},
	"coordinateReferenceSystem": {asIs, reportText(func(r *epcis.SensorReport) string { return r.CoordinateReferenceSystem })},
	"stringValue":               {asIs, reportText(func(r *epcis.SensorReport) string { return r.StringValue })},
	"hexBinaryValue":            {strings.ToUpper, reportText(func(r *epcis.SensorReport) string { return r.HexBinaryValue })},
	"uriValue":                  {canonical, reportText(func(r *epcis.SensorReport) string { return r.URIValue })},
	"deviceID": {canonical, bothTexts(func(m *epcis.SensorMetadata) string { return m.DeviceID },
		func(r *epcis.SensorReport) string { return r.DeviceID })},
	"deviceMetadata": {canonical, bothTexts(func(m *epcis.SensorMetadata) string { return m.DeviceMetadata },
		func(r *epcis.SensorReport) string { return r.DeviceMetadata })},
	"rawData": {canonical, bothTexts(func(m *epcis.SensorMetadata) string { return m.RawData },
		func(r *epcis.SensorReport) string { return r.RawData })},
	"dataProcessingMethod": {canonical, bothTexts(func(m *epcis.SensorMetadata) string { return m.DataProcessingMethod },
		func(r *epcis.SensorReport) string { return r.DataProcessingMethod })},
	"bizRules": {canonical, bothTexts(func(m *epcis.SensorMetadata) string { return m.BizRules },
		func(r *epcis.SensorReport) string { return r.BizRules })},
}

func reports(e *epcis.Event) []*epcis.SensorReport {
	var all []*epcis.SensorReport
	for i := range e.Sensors {
		for j := range e.Sensors[i].Reports {
			all = append(all, &e.Sensors[i].Reports[j])
		}
	}
	return all
}

func reportText(of func(r *epcis.SensorReport) string) func(e *epcis.Event) []string {
	return func(e *epcis.Event) []string {
		var all []string
		for _, r := range reports(e) {
			all = append(all, of(r))
		}
		return all
	}
}

func bothTexts(ofMetadata func(m *epcis.SensorMetadata) string, ofReport func(r *epcis.SensorReport) string) func(e *epcis.Event) []string {
	inReports := reportText(ofReport)
	return func(e *epcis.Event) []string {
		all := inReports(e)
		for i := range e.Sensors {
			all = append(all, ofMetadata(&e.Sensors[i].Metadata))
		}
		return all
	}
}

func ofMetadata(of func(m *epcis.SensorMetadata) time.Time) func(e *epcis.Event) []time.Time {
	return func(e *epcis.Event) []time.Time {
		var all []time.Time
		for i := range e.Sensors {
			all = append(all, of(&e.Sensors[i].Metadata))
		}
		return all
	}
}

func sensorTimes(e *epcis.Event) []time.Time {
	all := ofMetadata(func(m *epcis.SensorMetadata) time.Time { return m.Time })(e)
	for _, r := range reports(e) {
		all = append(all, r.Time)
	}
	return all
}

// plainQuantities are the amounts of all quantity elements, whatever their units.
func plainQuantities(e *epcis.Event) []gs1.Amount {
	var all []gs1.Amount
	for _, q := range quantities(e) {
		all = append(all, q.Amount)
	}
	return all
}

func quantities(e *epcis.Event) []gs1.Quantity {
	var all []gs1.Quantity
	for _, q := range slices.Concat(e.Quantities, e.ChildQuantities, e.InputQuantities, e.OutputQuantities) {
		if q.HasAmount {
			all = append(all, gs1.Quantity{Amount: q.Amount, Unit: q.Unit})
		}
	}
	return all
}

// ofReports are the numbers of a report's attribute.
func ofReports(of func(r *epcis.SensorReport) epcis.Number) func(e *epcis.Event) []gs1.Amount {
	return func(e *epcis.Event) []gs1.Amount {
		var all []gs1.Amount
		for _, q := range measured(of)(e) {
			all = append(all, q.Amount)
		}
		return all
	}
}

func measured(of func(r *epcis.SensorReport) epcis.Number) func(e *epcis.Event) []gs1.Quantity {
	return func(e *epcis.Event) []gs1.Quantity {
		var all []gs1.Quantity
		for _, r := range reports(e) {
			if a, err := of(r).Amount(); err == nil {
				all = append(all, gs1.Quantity{Amount: a, Unit: r.Unit})
			}
		}
		return all
	}
}

// measures are the parameters that end with a unit of measure.
var measures = map[string]func(e *epcis.Event) []gs1.Quantity{
	"quantity":  quantities,
	"value":     measured(func(r *epcis.SensorReport) epcis.Number { return r.Value }),
	"minValue":  measured(func(r *epcis.SensorReport) epcis.Number { return r.MinValue }),
	"maxValue":  measured(func(r *epcis.SensorReport) epcis.Number { return r.MaxValue }),
	"meanValue": measured(func(r *epcis.SensorReport) epcis.Number { return r.MeanValue }),
	"sDev":      measured(func(r *epcis.SensorReport) epcis.Number { return r.SDev }),
	"percValue": measured(func(r *epcis.SensorReport) epcis.Number { return r.PercValue }),
	"percRank":  measured(func(r *epcis.SensorReport) epcis.Number { return r.PercRank }),
}

// measure compares amounts in a unit; those in other units of its dimension are converted, exactly.
func measure(param, op, name, unit string, values []string) (Term, error) {
	if _, err := gs1.UnitOf(unit); unit == "" || err != nil {
		return Term{}, refuse(param, quote(unit)+" is no unit of measure that is known here.", "Use a UN/ECE Recommendation 20 code, such as CEL, KGM or EA.")
	}
	amounts, err := amounts(param, op, values)
	if err != nil {
		return Term{}, err
	}
	of := measures[name]
	return Term{param, values, func(e *epcis.Event, _ Around) bool {
		for _, q := range of(e) {
			in, err := q.In(unit)
			if err != nil || name != "quantity" && q.Unit == "" {
				continue
			}
			if name == "sDev" { // a distance on the scale, not a point of it
				zero, _ := gs1.Quantity{Unit: q.Unit}.In(unit)
				in.Amount = in.Amount.Sub(zero.Amount)
			}
			if slices.ContainsFunc(amounts, func(a gs1.Amount) bool { return holds(op, in.Amount.Cmp(a)) }) {
				return true
			}
		}
		return false
	}}, nil
}
