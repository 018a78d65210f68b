package watch

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/tallyway/tallyway/iot"
)

// Question asks what a thing was exposed to between two moments.
type Question struct {
	Kind      string // "temperature": all its channels count, "temperature.rear" too
	From, To  time.Time
	Stays     []Stay // which devices the thing was with; they MAY overlap
	Readings  []iot.Reading
	Intervals map[iot.ID]time.Duration // between a device's readings
	Low, High *float64                 // limits of the thing, not of the device
	Legs      []Leg
}

// Stay tells that a thing was with a device, from a moment up to another.
type Stay struct {
	Device   iot.ID
	From, To time.Time
}

// Leg is a named part of the way.
type Leg struct {
	Name     string
	From, To time.Time
}

// Answer is what a thing was exposed to: in all, leg by leg, and as a curve
// without holes, in which gaps stand as gaps.
type Answer struct {
	Figures
	Legs  []LegFigures
	Curve []Piece
}

// LegFigures are the figures of one leg, as far as it lies in the question.
type LegFigures struct {
	Name string
	Figures
}

// Cover is what is known of a time.
type Cover string

// A time is covered by a reading, or it is a gap of one of two kinds.
const (
	Covered Cover = "covered"
	Mute    Cover = "silent"  // a sensor was there and told nothing
	Without Cover = "without" // no sensor was there
)

// Piece is a time in which nothing changes. Where several sensors were there,
// Low and High are what the coldest and the warmest told.
type Piece struct {
	From, To        time.Time
	Cover           Cover
	Low, Mean, High float64
	Sensors         int // that told something
}

// Gaps are the times of which nothing is known.
func (a Answer) Gaps() []Piece {
	var gaps []Piece
	for _, p := range a.Curve {
		if p.Cover != Covered {
			gaps = append(gaps, p)
		}
	}
	return gaps
}

// Exposure joins what all sensors told that were with a thing. A reading stands
// until the next of its sensor, but for three intervals at most. Minutes above
// the limit are those of the warmest sensor, minutes below those of the coldest.
func Exposure(q Question) Answer {
	if !q.To.After(q.From) {
		q.To = q.From
	}
	a := Answer{Curve: q.curve()}
	a.Figures = q.figures(a.Curve, q.From, q.To)
	for _, l := range q.Legs {
		from, to := latest(l.From, q.From), earliest(l.To, q.To)
		a.Legs = append(a.Legs, LegFigures{l.Name, q.figures(a.Curve, from, latest(from, to))})
	}
	return a
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// source is one sensor of a device.
type source struct {
	device  iot.ID
	channel string
}

// edge is a moment at which something begins or ends.
type edge struct {
	at      time.Time
	source  int // -1: the presence of a device
	begins  bool
	reading float64
}

// curve sweeps over all edges.
func (q *Question) curve() []Piece {
	edges := q.edges()
	var pieces []Piece
	var told []value
	present, from := 0, q.From
	for _, e := range edges {
		if e.at.After(from) {
			pieces = join(pieces, pieceOf(from, e.at, present, told))
			from = e.at
		}
		switch {
		case e.source >= 0:
			told = change(told, e)
		case e.begins:
			present++
		default:
			present--
		}
	}
	if q.To.After(from) {
		pieces = join(pieces, pieceOf(from, q.To, present, told))
	}
	return pieces
}

// value is what a sensor tells at the moment.
type value struct {
	source  int
	reading float64
}

// change keeps what sensors tell in order, so that sums come out the same.
func change(told []value, e edge) []value {
	i, found := slices.BinarySearchFunc(told, e.source, func(v value, s int) int { return cmp.Compare(v.source, s) })
	switch {
	case !e.begins && found:
		return slices.Delete(told, i, i+1)
	case e.begins && !found:
		return slices.Insert(told, i, value{e.source, e.reading})
	}
	return told
}

func pieceOf(from, to time.Time, present int, told []value) Piece {
	p := Piece{From: from, To: to, Sensors: len(told)}
	switch {
	case len(told) > 0:
		p.Cover, p.Low, p.High = Covered, math.Inf(1), math.Inf(-1)
		for _, v := range told {
			p.Low, p.High = math.Min(p.Low, v.reading), math.Max(p.High, v.reading)
			p.Mean += v.reading / float64(len(told))
		}
		p.Mean = math.Min(math.Max(p.Mean, p.Low), p.High) // a sum MAY round past them
	case present > 0:
		p.Cover = Mute
	default:
		p.Cover = Without
	}
	return p
}

// join lengthens the last piece where the next is like it.
func join(pieces []Piece, next Piece) []Piece {
	if n := len(pieces); n > 0 {
		like := next
		like.From, like.To = pieces[n-1].From, pieces[n-1].To
		if like == pieces[n-1] {
			pieces[n-1].To = next.To
			return pieces
		}
	}
	return append(pieces, next)
}

// edges lists what begins and ends within the question, in order of time; at
// one moment ends come first.
func (q *Question) edges() []edge {
	stays := q.stays()
	var edges []edge
	add := func(from, to time.Time, source int, v float64) {
		if from, to = latest(from, q.From), earliest(to, q.To); to.After(from) {
			edges = append(edges, edge{from, source, true, v}, edge{at: to, source: source})
		}
	}
	for _, id := range sorted(stays) {
		for _, s := range stays[id] {
			add(s.From, s.To, -1, 0)
		}
	}
	sources := q.sources(stays)
	for i, key := range sortedSources(sources) {
		hold := usualSilence * q.Intervals[key.device]
		for k, p := range sources[key] {
			until := q.To
			if hold > 0 {
				until = earliest(until, p.At.Add(hold))
			}
			if k+1 < len(sources[key]) {
				until = earliest(until, sources[key][k+1].At)
			}
			for _, s := range stays[key.device] {
				add(latest(p.At, s.From), earliest(until, s.To), i, p.Value)
			}
		}
	}
	slices.SortStableFunc(edges, func(a, b edge) int {
		switch c := a.at.Compare(b.at); {
		case c != 0 || a.begins == b.begins:
			return c
		case b.begins:
			return -1
		}
		return 1
	})
	return edges
}

// stays joins stays with one device that overlap or touch.
func (q *Question) stays() map[iot.ID][]Stay {
	all := map[iot.ID][]Stay{}
	for _, s := range q.Stays {
		if s.To.After(s.From) {
			all[s.Device] = append(all[s.Device], s)
		}
	}
	for id, list := range all {
		slices.SortFunc(list, func(a, b Stay) int { return a.From.Compare(b.From) })
		joined := list[:1]
		for _, s := range list[1:] {
			if last := &joined[len(joined)-1]; s.From.After(last.To) {
				joined = append(joined, s)
			} else {
				last.To = latest(last.To, s.To)
			}
		}
		all[id] = joined
	}
	return all
}

// sources sorts readings by sensor and time; of one moment the greater counts.
func (q *Question) sources(stays map[iot.ID][]Stay) map[source][]Point {
	all := map[source][]Point{}
	for _, r := range q.Readings {
		if k, ok := iot.KindOf(r.Channel); ok && k.Name == q.Kind && len(stays[r.Device]) > 0 {
			key := source{r.Device, r.Channel}
			all[key] = append(all[key], Point{r.At, r.Value})
		}
	}
	for key, list := range all {
		slices.SortFunc(list, func(a, b Point) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(b.Value, a.Value)) })
		all[key] = slices.CompactFunc(list, func(a, b Point) bool { return a.At.Equal(b.At) })
	}
	return all
}

func sortedSources(m map[source][]Point) []source {
	keys := make([]source, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b source) int { return cmp.Or(a.device.Compare(b.device), cmp.Compare(a.channel, b.channel)) })
	return keys
}

// figures sums up the pieces of a time.
func (q *Question) figures(pieces []Piece, from, to time.Time) Figures {
	f := Figures{From: from, To: to}
	var k kinetic
	var weighed float64
	first, _ := slices.BinarySearchFunc(pieces, from, func(p Piece, at time.Time) int {
		if p.To.After(at) {
			return 1
		}
		return -1
	})
	for _, p := range pieces[first:] {
		p.From, p.To = latest(p.From, from), earliest(p.To, to)
		if !p.To.After(p.From) {
			break
		}
		long := p.To.Sub(p.From)
		switch p.Cover {
		case Mute:
			f.Silent += long
			continue
		case Without:
			f.Without += long
			continue
		}
		f.take(p, q.Low, q.High)
		k.add(p.High, long.Seconds())
		weighed += p.Mean * long.Seconds()
	}
	if f.Known {
		f.Mean = weighed / f.Covered.Seconds()
		f.Coverage = 100 * float64(f.Covered) / float64(to.Sub(from))
		if q.Kind == "temperature" {
			f.MKT = k.mean()
		}
	}
	return f
}

func (f *Figures) take(p Piece, low, high *float64) {
	long := p.To.Sub(p.From)
	f.Covered += long
	if !f.Known || p.Low < f.Min {
		f.Min, f.MinAt = p.Low, p.From
	}
	if !f.Known || p.High > f.Max {
		f.Max, f.MaxAt = p.High, p.From
	}
	f.Known = true
	if high != nil && p.High > *high {
		f.Hot += long
		f.HotDegreeMinutes += (p.High - *high) * long.Minutes()
	}
	if low != nil && p.Low < *low {
		f.Cold += long
		f.ColdDegreeMinutes += (*low - p.Low) * long.Minutes()
	}
}
