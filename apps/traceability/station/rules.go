package station

import (
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/watch"
	"github.com/tallyway/tallyway/shared/gs1"
)

// What holds for every device.
const (
	leastSilence = 2 * time.Minute
	stillWithin  = 150.0 // metres, in which a device stands: more than positions are off by
	backWithin   = 20    // the part of its range that a value must be inside its limits to be back
)

// rulesOf is what the ledger says of a device, as it is watched.
func rulesOf(d trace.RegisterDevice) watch.Device {
	interval := seconds(d.Interval)
	rules := watch.Device{Interval: interval, Silence: 3}
	if interval > 0 {
		rules.Silence = max(3, int((leastSilence+interval-1)/interval))
	}
	for _, c := range d.Channels {
		if limit, ok := LimitOf(c); ok {
			rules.Channels = append(rules.Channels, limit)
		}
	}
	if d.Still > 0 {
		rules.Still = &watch.Still{Radius: stillWithin, After: seconds(d.Still)}
	}
	if len(d.Fence) > 0 {
		rules.Fence = &watch.Fence{Count: 2} // one position may be off
		for _, c := range d.Fence {
			rules.Fence.Circles = append(rules.Fence.Circles, watch.Circle{Place: watch.Place{Latitude: float(c.Latitude), Longitude: float(c.Longitude)}, Radius: float64(c.Radius)})
		}
	}
	return rules
}

// LimitOf is what holds for a channel, as the watch takes it; ok is false where
// nothing does.
func LimitOf(c trace.Channel) (l watch.Limit, ok bool) {
	l = watch.Limit{Channel: c.Name, Grace: seconds(c.Grace), Total: seconds(c.Total), Stuck: seconds(c.Stuck)}
	if c.Low != nil {
		v := float(*c.Low)
		l.Low = &v
	}
	if c.High != nil {
		v := float(*c.High)
		l.High = &v
	}
	if c.Low != nil && c.High != nil {
		l.Hysteresis = (*l.High - *l.Low) / backWithin
	}
	if c.Jump != nil {
		l.Jump = float(*c.Jump)
	}
	kind, _ := iot.KindOf(c.Name)
	return l, l.Low != nil || l.High != nil || kind.State && l.Grace > 0 || l.Stuck > 0 || l.Jump > 0
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

func float(a gs1.Amount) float64 {
	v, _ := a.Rat().Float64()
	return v
}
