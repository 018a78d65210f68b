package watch

import (
	"math"
	"slices"
	"time"
)

// Span is a time between two moments.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Activation energy over the gas constant, in kelvin: 83.144 kJ/mol over 8.3144
// J/mol/K (USP <1079>).
const activation = 10_000.0

const zeroCelsius = 273.15

// MKT is the mean kinetic temperature of values in °C, each for as long as its
// weight says: the constant temperature at which as much would have spoilt.
func MKT(celsius, weights []float64) float64 {
	var sum, total float64
	for i, t := range celsius {
		w := 1.0
		if weights != nil {
			w = weights[i]
		}
		sum += w * math.Exp(-activation/(t+zeroCelsius))
		total += w
	}
	if total == 0 {
		return math.NaN()
	}
	return activation/-math.Log(sum/total) - zeroCelsius
}

// Exposure is what a thing was exposed to.
type Exposure struct {
	Spans    []Span  `json:"spans"`   // when it was where something measured
	Gaps     []Span  `json:"gaps"`    // when nothing did though something was there to
	Covered  float64 `json:"covered"` // minutes with readings
	Missing  float64 `json:"missing"` // minutes of gaps
	Readings int     `json:"readings"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	Mean     float64 `json:"mean"`         // weighted by time
	Kinetic  float64 `json:"kinetic"`      // mean kinetic temperature
	Hot      float64 `json:"minutesAbove"` // minutes past the upper limit
	Cold     float64 `json:"minutesBelow"`
}

// Expose sums up points within spans. A point speaks until the next one, at most
// for hold; what is longer is a gap. Spans that overlap are one, and points that
// two devices tell at one moment count half each.
func Expose(points []Point, spans []Span, hold time.Duration, low, high *float64) Exposure {
	x := Exposure{Spans: Union(spans), Gaps: []Span{}, Low: math.Inf(1), High: math.Inf(-1)}
	points = slices.Clone(points)
	slices.SortStableFunc(points, func(a, b Point) int { return a.At.Compare(b.At) })
	var values, weights []float64
	for _, s := range x.Spans {
		from, _ := slices.BinarySearchFunc(points, s.From, func(p Point, at time.Time) int { return p.At.Compare(at) })
		to, _ := slices.BinarySearchFunc(points, s.To, func(p Point, at time.Time) int { return p.At.Compare(at) })
		at := s.From
		for i := from; i < to; i++ {
			p := points[i]
			if p.At.Sub(at) > 0 { // nothing has spoken until here
				x.gap(at, p.At, hold, i == from)
			}
			next := s.To
			if i+1 < to {
				next = points[i+1].At
			}
			end := p.At.Add(min(hold, next.Sub(p.At)))
			values, weights = append(values, p.Value), append(weights, end.Sub(p.At).Minutes())
			x.count(p.Value, end.Sub(p.At).Minutes(), low, high)
			at = end
		}
		if s.To.Sub(at) > 0 {
			x.gap(at, s.To, hold, from == to)
		}
	}
	x.sum(values, weights)
	return x
}

// gap notes a time without readings. The first reading of a span may come a
// little after its begin.
func (x *Exposure) gap(from, to time.Time, hold time.Duration, first bool) {
	if first && to.Sub(from) <= hold {
		return
	}
	x.Gaps = append(x.Gaps, Span{from, to})
	x.Missing += to.Sub(from).Minutes()
}

func (x *Exposure) count(v, minutes float64, low, high *float64) {
	x.Readings++
	x.Covered += minutes
	x.Low, x.High = min(x.Low, v), max(x.High, v)
	switch {
	case high != nil && v > *high:
		x.Hot += minutes
	case low != nil && v < *low:
		x.Cold += minutes
	}
}

func (x *Exposure) sum(values, weights []float64) {
	if len(values) == 0 {
		x.Low, x.High = 0, 0
		return
	}
	var sum, total float64
	for i, v := range values {
		sum, total = sum+v*weights[i], total+weights[i]
	}
	if total == 0 { // one reading at the very end
		weights, total, sum = nil, float64(len(values)), 0
		for _, v := range values {
			sum += v
		}
	}
	x.Mean, x.Kinetic = sum/total, MKT(values, weights)
}

// Union are spans without overlaps, in order; empty ones are left out.
func Union(spans []Span) []Span {
	all := []Span{}
	sorted := slices.Clone(spans)
	slices.SortFunc(sorted, func(a, b Span) int { return a.From.Compare(b.From) })
	for _, s := range sorted {
		switch n := len(all); {
		case !s.To.After(s.From):
		case n > 0 && !s.From.After(all[n-1].To):
			all[n-1].To = later(all[n-1].To, s.To)
		default:
			all = append(all, s)
		}
	}
	return all
}
