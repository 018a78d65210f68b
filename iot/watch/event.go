package watch

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/shared/epcis"
)

// Alerts of CBV 2.0, section 7.8: what is wrong with the goods' surroundings, and
// what with the device.
const (
	alarm = "ALARM_CONDITION"
	fault = "ERROR_CONDITION"
)

// About is what an excursion's event is about.
type About struct {
	Device string   // URI of the device
	Things []string // URIs of what it rode on
	Lots   []string // URIs of the lots that were there
	Place  string   // URI; where it was, if that is known
}

// Event is an excursion as an EPCIS sensor event (EPCIS 2.0, section 7.3.7): an
// observation with the alert. One that goes on has a start, one that is over an
// end as well. The same news gives the same event, and so the same hash.
func (x Excursion) Event(about About, offset string) epcis.Event {
	e := epcis.Event{Type: epcis.ObjectEvent, Time: milli(x.Moment()), Offset: offset, Action: epcis.Observe, BizStep: "sensor_reporting",
		EPCs: append([]string{about.Device}, about.Things...), ReadPoint: about.Place, BizLocation: about.Place}
	for _, lot := range about.Lots {
		e.Quantities = append(e.Quantities, epcis.Quantity{Class: lot})
	}
	e.Sensors = []epcis.SensorElement{{
		Metadata: epcis.SensorMetadata{Start: milli(x.Since), End: milli(x.Until), DeviceID: about.Device, BizRules: x.Rule()},
		Reports:  x.reports(),
	}}
	return e
}

func milli(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Millisecond)
}

// ruleSpace is where rules have their URIs: EPCIS wants one for a business rule.
const ruleSpace = "urn:tallyway:rule:"

// Rule names what was broken, as a URI: "urn:tallyway:rule:limits:hot:temperature".
func (x Excursion) Rule() string {
	return ruleSpace + string(x.Kind) + ":" + string(x.Side) + ":" + x.Channel
}

// ParseRule is the inverse of Rule; ok is false for rules of others.
func ParseRule(uri string) (k Kind, s Side, channel string, ok bool) {
	rest, ours := strings.CutPrefix(uri, ruleSpace)
	parts := strings.Split(rest, ":")
	if !ours || len(parts) != 3 {
		return "", "", "", false
	}
	return Kind(parts[0]), Side(parts[1]), parts[2], true
}

// Moment is when what is told came about.
func (x Excursion) Moment() time.Time {
	switch {
	case x.Phase == Closed:
		return x.Until
	case x.Kind == Silent || x.Kind == DoorOpen:
		return x.Since.Add(x.Out)
	case x.Phase == Worsened:
		return x.Last.At
	}
	return x.By.At
}

// reports are what was measured, where that was, and how long it was out. The
// first of them carries the alert.
func (x Excursion) reports() (all []epcis.SensorReport) {
	if k, ok := iot.KindOf(x.Channel); ok {
		all = append(all, x.report(k))
	}
	if x.Kind == Outside {
		all = append(all, epcis.SensorReport{Type: "Length", Value: number(x.Last.Value), MaxValue: number(x.Peak), Unit: "MTR"})
	}
	all = append(all, epcis.SensorReport{Type: "Time", Value: number(x.Minutes()), Unit: "MIN"})
	if x.Where != (Place{}) {
		all = append(all, epcis.SensorReport{Type: "Angle", Component: "latitude", Value: degrees(x.Where.Latitude), Unit: "DD"},
			epcis.SensorReport{Type: "Angle", Component: "longitude", Value: degrees(x.Where.Longitude), Unit: "DD"})
	}
	all[0].Exception = alarm
	if x.Kind.Fault() {
		all[0].Exception = fault
	}
	return all
}

func (x Excursion) report(k iot.Kind) epcis.SensorReport {
	at := x.Last
	if x.Phase == Opened {
		at = x.By
	}
	r := epcis.SensorReport{Type: k.Type}
	if k.State {
		open := at.Value != 0
		r.BooleanValue = &open
		return r
	}
	r.Unit, r.Value = k.Unit, number(at.Value)
	if x.Kind == Stuck || x.Kind == Jumped {
		return r
	}
	r.MeanValue = number(x.Mean)
	if x.Side == Cold || x.Side == Low {
		r.MinValue = number(x.Peak)
	} else {
		r.MaxValue = number(x.Peak)
	}
	return r
}

// number is a decimal as EPCIS takes it, to a thousandth; degrees are finer.
func number(v float64) epcis.Number  { return decimal(v, 1e3) }
func degrees(v float64) epcis.Number { return decimal(v, 1e6) }

func decimal(v, parts float64) epcis.Number {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return ""
	}
	return epcis.Number(strconv.FormatFloat(math.Round(v*parts)/parts+0, 'f', -1, 64))
}
