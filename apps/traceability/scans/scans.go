// Package scans judges looks at serial numbers: a look in, a verdict out. It
// tells copies and goods on wrong ways from what honest shoppers, their
// relatives and the staff of shops do with a QR code.
//
// It knows no database and no ledger: what is known of a thing's way is handed
// in, what is to be remembered of its looks handed out, in bounded size. What
// an alarm means and who hears of it is left to the app.
//
// Every sign has a weight; what is sure of itself weighs as much as an alarm,
// what an honest shopper may do now and then weighs less. docs/shoppers.md
// tells the weights and what they come to on simulated shoppers.
package scans

import (
	"slices"
	"time"
)

// Scan is one look at a thing by one visitor.
type Scan struct {
	At      time.Time
	Thing   string // the single thing, where the code names one
	Visitor uint64 // the same for one visitor on one day; 0: not told
	Point   *Point // where, if the visitor said so
	Country string // ISO 3166-1 alpha-2, if known
	Shop    string // the company whose signed-in user looked
}

// Stage is how far a thing has come, by the ledger.
type Stage int

// The stages, in their order.
const (
	Stock  Stage = iota // with its maker or in a warehouse
	Moving              // on its way to a company
	Shop                // a shop has or had it
	Sold                // a shop sold it: any look from now on may be from a kitchen
	Gone                // destroyed, used up or dispensed: nobody can hold it
)

// Way is what the ledger knows of where a thing has been and may be.
type Way struct {
	Stage     Stage
	Places    []Point  // of every company that had it or is sent it
	Countries []string // of the same
	Companies []string // the same
	Open      bool     // some of its way is not known: where it never was cannot be told
}

// Sign is one reason for suspicion.
type Sign struct {
	Kind   Kind   `json:"kind"`
	Weight int    `json:"weight"`
	Times  int    `json:"times"`
	Km     int    `json:"km,omitempty"`    // from where it should be, or between two looks
	Hours  int    `json:"hours,omitempty"` // between two looks
	Count  int    `json:"count,omitempty"` // visitors, or regions
	Where  string `json:"where,omitempty"` // a country
}

// Kind names a sign.
type Kind string

// The signs.
const (
	Early  Kind = "early"  // far from its holder, before any shop had it
	Off    Kind = "off"    // beyond travel from every place of its way
	Speed  Kind = "speed"  // two places that no thing gets between in the time
	Spread Kind = "spread" // three or more regions far from each other
	Crowd  Kind = "crowd"  // more visitors than one thing has
	Resold Kind = "resold" // in another company's hands after it was sold
	Astray Kind = "astray" // in the hands of a company that never got it
	After  Kind = "after"  // looked at after it was destroyed
	Region Kind = "region" // of a lot: several looks where it was not sent
)

// Threshold is the score that raises an alarm.
const Threshold = 60

// The weights: of a sign's first time, and of all its times together.
var weights = map[Kind]struct{ once, more int }{
	Early:  {45, 75},
	Off:    {25, 40},
	Speed:  {30, 65},
	Spread: {40, 60},
	Crowd:  {20, 60},
	Resold: {70, 90},
	Astray: {60, 80},
	After:  {40, 75},
	Region: {70, 90},
}

// The bounds of what honest people do.
const (
	travel     = 150.0 // km that shoppers carry goods from a shop, or live from it
	handling   = 60.0  // km around a holder's place in which its trucks and staff scan
	detour     = 120.0 // km that a truck's way may be longer than the straight line
	apart      = 200.0 // km between two regions
	fastest    = 900.0 // km/h, an airliner
	blur       = 12.0  // km by which two rounded points may be wrong together
	dayCrowd   = 10    // visitors a day of one thing
	totalCrowd = 60    // visitor-days of one thing
)

// Memory is what is kept of a thing's looks: of bounded size, whatever comes.
type Memory struct {
	Seen     []Sighting `json:"seen,omitempty"` // the latest with a place
	Day      string     `json:"day,omitempty"`
	Visitors []uint64   `json:"visitors,omitempty"` // of that day
	Looks    int        `json:"looks,omitempty"`
	Days     int        `json:"days,omitempty"` // visitor-days
	Peak     int        `json:"peak,omitempty"` // visitors of the fullest day
	Signs    []Sign     `json:"signs,omitempty"`
}

// Sighting is a look with a place.
type Sighting struct {
	At      time.Time `json:"at"`
	Point   Point     `json:"point"`
	Visitor uint64    `json:"visitor,omitempty"` // until the day's salt is gone it tells two visitors apart
}

const (
	mostSeen     = 12
	mostVisitors = 64
)

// Score is what the signs come to.
func (m *Memory) Score() (sum int) {
	for _, s := range m.Signs {
		sum += s.Weight
	}
	return sum
}

// Alarming reports whether the signs are enough for an alarm.
func (m *Memory) Alarming() bool { return m.Score() >= Threshold }

// See takes a look in and reports whether it brought a new sign, or more of a
// known one.
func (m *Memory) See(s Scan, w Way) bool {
	before := m.Score()
	known := m.count(s)
	m.crowd()
	if s.Shop != "" && !slices.Contains(w.Companies, s.Shop) {
		switch {
		case w.Stage >= Sold:
			m.sign(Sign{Kind: Resold})
		case !w.Open:
			m.sign(Sign{Kind: Astray})
		}
	}
	if w.Stage == Gone && s.Shop == "" && !known {
		m.sign(Sign{Kind: After})
	}
	if s.Point != nil && !known {
		m.place(s, w)
	}
	return m.Score() > before
}

// count keeps the day's visitors and reports whether this one has given a place
// for the thing today already: whoever looks again tells nothing new.
func (m *Memory) count(s Scan) (known bool) {
	m.Looks++
	if day := s.At.UTC().Format(time.DateOnly); day != m.Day {
		m.Day, m.Visitors = day, nil
	}
	if s.Visitor == 0 {
		return false
	}
	if !slices.Contains(m.Visitors, s.Visitor) && len(m.Visitors) < mostVisitors {
		m.Visitors = append(m.Visitors, s.Visitor)
		m.Days++
		m.Peak = max(m.Peak, len(m.Visitors))
	}
	return slices.ContainsFunc(m.Seen, func(p Sighting) bool {
		return p.Visitor == s.Visitor && p.At.UTC().Format(time.DateOnly) == m.Day
	})
}

// crowd weighs the number of visitors: the fuller, the heavier.
func (m *Memory) crowd() {
	times := 0
	for _, full := range []bool{m.Peak > dayCrowd, m.Peak > 3*dayCrowd, m.Days > totalCrowd, m.Days > 3*totalCrowd} {
		if full {
			times++
		}
	}
	if times > 0 {
		m.set(Sign{Kind: Crowd, Times: times, Count: max(m.Peak, m.Days)})
	}
}

// place weighs where the look was.
func (m *Memory) place(s Scan, w Way) {
	if km, stray := w.stray(*s.Point); stray {
		kind := Off
		if w.Stage < Shop {
			kind = Early
		}
		m.sign(Sign{Kind: kind, Km: int(km)})
	}
	for _, p := range m.Seen {
		km := p.Point.Km(*s.Point) - blur
		hours := s.At.Sub(p.At).Abs().Hours()
		if km > apart && km > fastest*hours {
			m.sign(Sign{Kind: Speed, Km: int(km), Hours: int(hours)})
			break
		}
	}
	if m.Seen = append(m.Seen, Sighting{s.At, *s.Point, s.Visitor}); len(m.Seen) > mostSeen {
		m.Seen = slices.Delete(m.Seen, 1, 2) // the first one stays: it is most likely the genuine
	}
	if n := m.regions(); n >= 3 {
		m.set(Sign{Kind: Spread, Times: n - 2, Count: n})
	}
}

// regions counts places that lie far from each other.
func (m *Memory) regions() int {
	var heads []Point
	for _, p := range m.Seen {
		if !slices.ContainsFunc(heads, func(h Point) bool { return h.Km(p.Point) < apart }) {
			heads = append(heads, p.Point)
		}
	}
	return len(heads)
}

// stray reports whether a point is one that a thing on this way, or who bought
// it, does not get to, and how far off it is.
func (w Way) stray(p Point) (km float64, stray bool) {
	if w.Open || len(w.Places) == 0 {
		return 0, false
	}
	km = -1
	for _, at := range w.Places {
		if d := at.Km(p); km < 0 || d < km {
			km = d
		}
	}
	allowed := travel
	if w.Stage < Shop {
		allowed = handling
	}
	if km <= allowed+blur {
		return km, false
	}
	if w.Stage == Moving {
		for i, from := range w.Places {
			for _, to := range w.Places[i+1:] {
				if from.Km(p)+p.Km(to) <= from.Km(to)+detour {
					return km, false
				}
			}
		}
	}
	return km, true
}

// sign adds a time of a kind.
func (m *Memory) sign(s Sign) {
	s.Times = 1
	if i := m.find(s.Kind); i >= 0 {
		s.Times = m.Signs[i].Times + 1
		s.Km = max(s.Km, m.Signs[i].Km)
	}
	m.set(s)
}

// set says what is known of a kind now.
func (m *Memory) set(s Sign) {
	w := weights[s.Kind]
	s.Weight = min(w.once+(s.Times-1)*(w.more-w.once)/2, w.more)
	if s.Times == 2 && w.more-w.once >= 30 {
		s.Weight = w.once + (w.more-w.once)*2/3
	}
	if i := m.find(s.Kind); i >= 0 {
		m.Signs[i] = s
		return
	}
	m.Signs = append(m.Signs, s)
}

func (m *Memory) find(k Kind) int {
	return slices.IndexFunc(m.Signs, func(s Sign) bool { return s.Kind == k })
}
