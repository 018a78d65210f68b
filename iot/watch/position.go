package watch

import (
	"math"
	"slices"
	"time"
)

// Place is on the earth, in degrees (WGS 84).
type Place struct{ Latitude, Longitude float64 }

// earth is its mean radius in metres (IUGG).
const earth = 6371008.8

// Distance is how far places are apart, in metres, over a round earth: within
// half a percent.
func Distance(a, b Place) float64 {
	const rad = math.Pi / 180
	lat, lon := (b.Latitude-a.Latitude)*rad/2, (b.Longitude-a.Longitude)*rad/2
	h := math.Pow(math.Sin(lat), 2) + math.Cos(a.Latitude*rad)*math.Cos(b.Latitude*rad)*math.Pow(math.Sin(lon), 2)
	return 2 * earth * math.Asin(math.Sqrt(math.Min(h, 1)))
}

// Beyond is how far a place lies outside the fence, in metres; zero inside.
func (f *Fence) Beyond(p Place) float64 {
	nearest := math.Inf(1)
	for _, c := range f.Circles {
		nearest = math.Min(nearest, Distance(p, c.Place)-c.Radius)
	}
	return math.Max(nearest, 0)
}

// half is a latitude or a longitude that waits for the other.
type half struct {
	At        time.Time
	Longitude bool `json:",omitzero"`
	Value     float64
}

// pair joins latitude and longitude of one moment.
func (t *track) pair(channel string, at time.Time, v float64) (sample, bool) {
	isLongitude := channel == "longitude"
	i := slices.IndexFunc(t.Halves, func(h half) bool { return h.At.Equal(at) })
	switch {
	case at.Before(t.Floor):
	case i < 0:
		if len(t.Halves) == longestBuffer {
			t.Halves = slices.Delete(t.Halves, 0, 1)
		}
		t.Halves = append(t.Halves, half{at, isLongitude, v})
	case t.Halves[i].Longitude != isLongitude:
		other := t.Halves[i].Value
		t.Halves = slices.Delete(t.Halves, i, i+1)
		if isLongitude {
			return sample{at, other, v}, true
		}
		return sample{at, v, other}, true
	}
	return sample{}, false
}

// position judges where the device is, and whether it moves.
func (m *machine) position(j judge, s sample, end func(Kind, Side, *run)) {
	var beyond float64
	if j.fence != nil {
		beyond = j.fence.Beyond(s.place())
	}
	end(Outside, "", m.Hi.step(&j, &j.hi, s, beyond))
	r := &m.Standing
	if j.still == nil {
		end(Standing, "", r.end(&j, s, 0))
		return
	}
	away := Distance(m.Anchor, s.place())
	if !r.runs() || away > j.still.Radius {
		end(Standing, "", r.end(&j, s, away))
		m.Anchor, away, r.Since = s.place(), 0, s.At
	}
	r.note(&j, s, away)
	r.Peak = math.Max(r.Peak, away)
	if r.Out = s.At.Sub(r.Since); r.By == nil && r.Out >= j.still.After {
		r.By = &Point{s.At, away}
	}
}
