package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strconv"
	"time"

	"github.com/tallyway/tallyway/iot"
)

// Kind is what is wrong.
type Kind string

// The kinds of excursions.
const (
	OutOfLimits Kind = "limits"     // beyond a limit of its channel
	Cumulative  Kind = "cumulative" // beyond its limits for too long in all
	DoorOpen    Kind = "door"
	Shock       Kind = "shock"
	Outside     Kind = "outside" // of its fence
	Standing    Kind = "still"
	Silent      Kind = "silent"
	BatteryLow  Kind = "battery"
	Stuck       Kind = "stuck" // the sensor repeats one value
	Jumped      Kind = "jump"  // the sensor jumps
)

// Fault tells kinds that are the device's trouble from those of the goods.
func (k Kind) Fault() bool {
	return k == Silent || k == BatteryLow || k == Stuck || k == Jumped
}

// Side is which limit was passed.
type Side string

// The sides of limits: of temperature hot and cold, of all else high and low.
const (
	Hot  Side = "hot"
	Cold Side = "cold"
	High Side = "high"
	Low  Side = "low"
)

// Phase is what is new about an excursion.
type Phase string

// The phases of an excursion. Of one id the last that was told holds.
const (
	Opened    Phase = "opened"
	Worsened  Phase = "worsened"  // twice as far or twice as long as last told, or not closed after all
	Closed    Phase = "closed"    // told again where a late reading corrects it
	Withdrawn Phase = "withdrawn" // late readings show that it never was
)

// Point is a value at a moment.
type Point struct {
	At    time.Time
	Value float64
}

// Excursion is a time during which something was wrong.
type Excursion struct {
	ID       string // follows from device, channel, kind, side and since
	Phase    Phase
	Was      Phase `json:",omitempty"` // of one that is withdrawn: what was told last
	Device   iot.ID
	Channel  string `json:",omitempty"`
	Kind     Kind
	Side     Side      `json:",omitempty"`
	Since    time.Time // the first reading of it; of silence the last reading before it
	Until    time.Time `json:",omitzero"` // zero while it lasts
	Bound    float64   // the limit that was passed
	Peak     float64   // the value farthest beyond it
	Mean     float64   // of the values, each weighed by how long it held
	Out      time.Duration
	Readings int
	By       Point // the reading that completed it
	Last     Point // the latest reading of it; where a reading closed it, that
	Where    Place `json:",omitzero"` // of Outside and Standing: at Last
}

// Minutes is how long the values were out, as far as readings tell it.
func (x Excursion) Minutes() float64 { return x.Out.Minutes() }

func identify(d iot.ID, channel string, k Kind, s Side, since time.Time) string {
	text := d.String() + "\n" + channel + "\n" + string(k) + "\n" + string(s) + "\n" + strconv.FormatInt(since.UnixMicro(), 10)
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:12])
}

// open is the excursion as it was told before it closed.
func (x Excursion) open() Excursion {
	if !x.Until.IsZero() {
		x.Until, x.Last = time.Time{}, x.By
	}
	return x
}

func (x Excursion) same(other Excursion) bool {
	x.Phase, x.Was, other.Phase, other.Was = "", "", "", ""
	return x == other
}

// An excursion is told again when it doubled, and by no less than this.
const leastWorse = 5 * time.Minute

func (x Excursion) worseThan(told Excursion) bool {
	far, was := math.Abs(x.Peak-x.Bound), math.Abs(told.Peak-told.Bound)
	switch x.Kind {
	case OutOfLimits, Shock, Outside, BatteryLow:
		if far >= 2*was && far-was >= leastFar(x.Channel) {
			return true
		}
	}
	return x.Out >= 2*told.Out && x.Out-told.Out >= leastWorse
}

// leastFar is five of the last digit that people are shown; of distances, 100 m.
func leastFar(channel string) float64 {
	if k, ok := iot.KindOf(channel); ok {
		return 5 * math.Pow10(-k.Decimals)
	}
	return 100
}
