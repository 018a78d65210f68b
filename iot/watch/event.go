package watch

import (
	"math"
	"strconv"
	"time"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/shared/epcis"
)

// About is what an excursion's event is about.
type About struct {
	Device string   // URI of the device
	Things []string // URIs of what it rode on
	Lots   []string // URIs of the lots that were there
	Place  string   // URI; where it was, if that is known
}

// Event is an excursion as an EPCIS sensor event (EPCIS 2.0, section 7.3.7): an
// observation with the alarm (CBV 2.0, sensor alert type). One that goes on has a
// start, one that is over an end as well. The same excursion gives the same
// event, and so the same hash.
func (x Excursion) Event(about About, offset string) epcis.Event {
	at := x.At
	if x.Over() {
		at = x.Until
	}
	e := epcis.Event{Type: epcis.ObjectEvent, Time: at.UTC().Truncate(time.Millisecond), Offset: offset, Action: epcis.Observe, BizStep: "sensor_reporting",
		EPCs: append([]string{about.Device}, about.Things...), ReadPoint: about.Place, BizLocation: about.Place}
	for _, lot := range about.Lots {
		e.Quantities = append(e.Quantities, epcis.Quantity{Class: lot})
	}
	k, _ := iot.KindOf(x.Channel)
	s := epcis.SensorElement{Metadata: epcis.SensorMetadata{Start: x.Since.UTC().Truncate(time.Millisecond), DeviceID: about.Device, BizRules: Rule(x.Kind, x.Channel)}}
	if x.Over() {
		s.Metadata.End = x.Until.UTC().Truncate(time.Millisecond)
	}
	s.Reports = []epcis.SensorReport{{Type: k.Type, Exception: "ALARM_CONDITION", MinValue: number(x.Low), MaxValue: number(x.High), MeanValue: number(x.Mean), Unit: k.Unit, Component: k.Component}}
	e.Sensors = []epcis.SensorElement{s}
	return e
}

// Rule names what was broken, as a URI: EPCIS wants one.
func Rule(kind, channel string) string { return "urn:tallyway:rule:" + kind + ":" + channel }

// number is a decimal as EPCIS takes it, to a thousandth.
func number(v float64) epcis.Number {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return ""
	}
	return epcis.Number(strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64))
}
