package senml

import (
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/iot"
)

// measurements are a device's own among resolved records. Text and data of a
// channel that measures are refused; those of other names (a serial number, a
// version) and sums without a value are passed over.
func measurements(records Pack, device iot.ID, now time.Time) ([]iot.Measurement, error) {
	all := make([]iot.Measurement, 0, len(records))
	for _, r := range records {
		channel, ours := channelOf(*r.Name, device)
		if !ours {
			return nil, iot.ErrNotYourTopic.Refuse("%s is not of %s", strconv.Quote(*r.Name), device).On("bn")
		}
		m := iot.Measurement{Channel: channel, Unit: value(r.Unit)}
		if *r.Time != 0 { // zero is "about now": when it came (section 4.5.3)
			m.At = instant(*r.Time, now)
		}
		switch {
		case r.Value != nil:
			m.Value = *r.Value
		case r.Truth != nil && *r.Truth:
			m.Value = 1
		case r.Truth != nil:
		default:
			if _, measures := iot.KindOf(channel); measures && r.Sum == nil {
				return nil, iot.ErrValue.Refuse("%s is text or data", channel).On("v")
			}
			continue
		}
		all = append(all, m)
	}
	return all, nil
}

// channelOf is what stands behind the last colon or slash of a name. What stands
// before it names the device, where anything does: "truck-7:temperature",
// "swift-cold/truck-7/temperature", "urn:dev:mac:0024befffe804ff1:temperature" of
// a device that is registered by its hardware's number.
func channelOf(name string, device iot.ID) (channel string, ours bool) {
	at := strings.LastIndexAny(name, ":/")
	if at <= 0 {
		return name[at+1:], true
	}
	owner, slashed := name[:at], ""
	if at := strings.LastIndexAny(owner, ":/"); at >= 0 {
		if owner[at] == '/' {
			slashed = owner[:at]
		}
		owner = owner[at+1:]
	}
	slashed = slashed[strings.LastIndexAny(slashed, ":/")+1:]
	return name[at+1:], strings.EqualFold(owner, device.Name) && (slashed == "" || slashed == device.Party)
}
