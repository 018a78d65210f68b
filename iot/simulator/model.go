// Package simulator plays sensors that one can believe: trucks and cold rooms
// that warm up and are cooled, whose doors are opened, which defrost, fall silent,
// send twice and out of order, and sometimes fail. The same seed tells the same
// story.
package simulator

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/tallyway/tallyway/iot"
)

// Plan is what a device plays.
type Plan struct {
	Set     float64 // °C that the compressor holds
	Outside float64 // °C
	// Leak is how fast it warms up: the share of the difference in an hour.
	Leak float64
	// Doors is how often the door is opened in an hour.
	Doors float64
	// Defrost is how often the cooling pauses for a quarter of an hour; zero is
	// never.
	Defrost time.Duration
	// Fails is from when on the compressor does nothing; zero is never.
	Fails time.Time
	// From and To are where a vehicle drives, to and fro, in Trip.
	From, To [2]float64 // latitude, longitude
	Trip     time.Duration
	// Loss is the share of time without readings.
	Loss     float64
	Channels []string
}

// Fridge is a cold room or a truck at so many degrees.
func Fridge(set float64) Plan {
	return Plan{Set: set, Outside: 21, Leak: 0.9, Doors: 0.5, Channels: []string{"temperature", "door"}}
}

// Model is a plan at work. It is stepped forward in time only.
type Model struct {
	plan    Plan
	random  *rand.Rand
	at      time.Time
	inside  float64
	cooling bool
	shut    time.Time // until when the door is open
	lost    time.Time // until when nothing is told
	battery float64
	humid   float64
}

// New starts a plan at a moment.
func New(plan Plan, seed uint64, at time.Time) *Model {
	r := rand.New(rand.NewPCG(seed, 0x7a11))
	return &Model{plan: plan, random: r, at: at, inside: plan.Set + r.Float64() - 0.5, battery: 70 + 30*r.Float64(), humid: 72}
}

// pace is the longest step: a door is open for minutes.
const pace = 20 * time.Second

// Step goes on to a moment and tells what is measured there; nothing while
// readings are lost.
func (m *Model) Step(to time.Time) []iot.Measurement {
	for m.at.Before(to) {
		d := min(pace, to.Sub(m.at))
		m.at = m.at.Add(d)
		m.live(d)
	}
	if m.at.Before(m.lost) {
		return nil
	}
	var all []iot.Measurement
	for _, channel := range m.plan.Channels {
		all = append(all, iot.Measurement{Channel: channel, Unit: unit(channel), At: to, Value: m.value(channel)})
	}
	return all
}

// live is a short while of weather, doors and cooling.
func (m *Model) live(d time.Duration) {
	hours := d.Hours()
	if m.at.After(m.shut) && m.random.Float64() < m.plan.Doors*hours {
		m.shut = m.at.Add(time.Duration(2+m.random.IntN(5)) * time.Minute)
	}
	if m.plan.Loss > 0 && m.at.After(m.lost) && m.random.Float64() < m.plan.Loss*hours*2 {
		m.lost = m.at.Add(time.Duration(10+m.random.IntN(25)) * time.Minute)
	}
	leak := m.plan.Leak
	if m.open() {
		leak *= 4
	}
	m.inside += (m.plan.Outside - m.inside) * (1 - math.Exp(-leak*hours))
	switch { // a thermostat with its hysteresis
	case m.inside > m.plan.Set+0.7:
		m.cooling = true
	case m.inside < m.plan.Set-0.7:
		m.cooling = false
	}
	if m.cooling && !m.broken() && !m.defrosting() {
		m.inside -= (m.plan.Leak*(m.plan.Outside-m.plan.Set) + 9) * hours
	}
	m.battery = max(5, m.battery-0.15*hours)
	m.humid += (70-m.humid)*0.1 + m.random.Float64() - 0.5
}

func (m *Model) open() bool   { return m.at.Before(m.shut) }
func (m *Model) broken() bool { return !m.plan.Fails.IsZero() && m.at.After(m.plan.Fails) }

func (m *Model) defrosting() bool {
	return m.plan.Defrost > 0 && time.Duration(m.at.UnixNano())%m.plan.Defrost < 15*time.Minute
}

// value is what a channel tells, as finely as sensors do.
func (m *Model) value(channel string) float64 {
	k, _ := iot.KindOf(channel)
	switch k.Name {
	case "temperature":
		return round(m.inside+0.06*(m.random.Float64()-0.5), 100)
	case "humidity":
		return round(min(99, max(30, m.humid)), 10)
	case "door":
		if m.open() {
			return 1
		}
		return 0
	case "battery":
		return round(m.battery, 10)
	case "latitude", "longitude":
		return m.place(k.Name == "longitude")
	case "shock":
		return round(math.Abs(m.random.NormFloat64())*2, 10)
	}
	return 0
}

func round(v, parts float64) float64 { return math.Round(v*parts) / parts }

// place is where a vehicle is on its way, to and fro.
func (m *Model) place(longitude bool) float64 {
	i := 0
	if longitude {
		i = 1
	}
	if m.plan.Trip <= 0 {
		return m.plan.From[i]
	}
	share := math.Mod(float64(m.at.UnixNano())/float64(m.plan.Trip), 2)
	if share > 1 {
		share = 2 - share
	}
	return round(m.plan.From[i]+(m.plan.To[i]-m.plan.From[i])*share, 100000)
}

// unit is a channel's in SenML.
func unit(channel string) string {
	k, _ := iot.KindOf(channel)
	return map[string]string{"temperature": "Cel", "humidity": "%RH", "battery": "%EL", "latitude": "lat", "longitude": "lon", "shock": "m/s2"}[k.Name]
}
