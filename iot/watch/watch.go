// Package watch tells when what a device measures is not as it should be, and
// what a thing has been exposed to. It is arithmetic: readings go in as they
// come, late ones and repeats too, and excursions come out.
package watch

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/tallyway/tallyway/iot"
)

// Limit is how far a channel may go, and for how long past that.
type Limit struct {
	Low, High *float64
	// Grace is for how long a limit may be passed at a stretch: doors are opened.
	Grace time.Duration
	// Total is for how long in all within a day; zero asks nothing.
	Total time.Duration
}

// Device is what the watch needs to know of a device. A channel that is not
// named has no limits.
type Device struct {
	Interval time.Duration
	Limits   map[string]Limit
}

// The kinds of excursions.
const (
	Hot      = "above" // the upper limit is passed
	Cold     = "below"
	Repeated = "repeated" // within a day, for longer in all than is allowed
	Open     = "open"     // a door, or another state, that lasts
	Silent   = "silent"   // no reading comes
)

// Excursion is one as far as it has gone.
type Excursion struct {
	Device  iot.ID
	Channel string
	Kind    string
	Since   time.Time
	Until   time.Time // zero: it goes on
	Low     float64   // extremes and mean of what was measured in it
	High    float64
	Mean    float64
	Count   int64
	At      time.Time // of the reading that told this
	Limit   float64   // that was passed
}

// Over reports whether it has ended.
func (x Excursion) Over() bool { return !x.Until.IsZero() }

// Minutes is how long it lasts, or lasted.
func (x Excursion) Minutes() float64 {
	end := x.Until
	if end.IsZero() {
		end = x.At
	}
	return end.Sub(x.Since).Minutes()
}

// Point is a value at a moment.
type Point struct {
	At    time.Time
	Value float64
}

// Watch keeps what it needs to know of the last hours. Its methods may be called
// at the same time.
type Watch struct {
	devices func(iot.ID) (Device, bool)

	mu     sync.Mutex
	lines  map[line]*state
	last   map[iot.ID]time.Time
	silent map[iot.ID]time.Time // since when
}

type line struct {
	device  iot.ID
	channel string
}

// state is a channel's last points, in order, and what was told of them.
type state struct {
	points []Point
	told   []Excursion // that go on, or ended within what is kept
}

// What is kept of a channel: what its rules look back on.
const mostPoints = 20_000

func (l Limit) keep() time.Duration {
	if l.Total > 0 {
		return 25 * time.Hour
	}
	return 2*time.Hour + 2*l.Grace
}

// New watches devices as devices tells of them.
func New(devices func(iot.ID) (Device, bool)) *Watch {
	return &Watch{devices: devices, lines: map[line]*state{}, last: map[iot.ID]time.Time{}, silent: map[iot.ID]time.Time{}}
}

// Load puts what was measured and told before a start where it was.
func (w *Watch) Load(device iot.ID, channel string, points []Point, told []Excursion) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &state{points: slices.Clone(points), told: slices.Clone(told)}
	d, _ := w.devices(device)
	s.order(d.Limits[channel].keep())
	w.lines[line{device, channel}] = s
	if n := len(s.points); n > 0 {
		w.last[device] = later(w.last[device], s.points[n-1].At)
	}
}

// Take takes readings, in whatever order they come, and tells which excursions
// began, and which ended. One that begins is told once.
func (w *Watch) Take(readings []iot.Reading) (told []Excursion) {
	w.mu.Lock()
	defer w.mu.Unlock()
	touched := map[line]bool{}
	for _, r := range readings {
		w.last[r.Device] = later(w.last[r.Device], r.At)
		if since, ok := w.silent[r.Device]; ok && r.At.After(since) {
			delete(w.silent, r.Device)
			told = append(told, Excursion{Device: r.Device, Kind: Silent, Since: since, Until: r.At, At: r.At})
		}
		d, ok := w.devices(r.Device)
		if _, limited := d.Limits[r.Channel]; !ok || !limited {
			continue
		}
		l := line{r.Device, r.Channel}
		if w.lines[l] == nil {
			w.lines[l] = &state{}
		}
		w.lines[l].points = append(w.lines[l].points, Point{r.At, r.Value})
		touched[l] = true
	}
	order := make([]line, 0, len(touched))
	for l := range touched {
		order = append(order, l)
	}
	slices.SortFunc(order, func(a, b line) int { return cmp.Or(a.device.Compare(b.device), cmp.Compare(a.channel, b.channel)) })
	for _, l := range order {
		d, _ := w.devices(l.device)
		told = append(told, w.lines[l].look(l, d)...)
	}
	return told
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// order sorts the points, takes repeats out and forgets what is old.
func (s *state) order(keep time.Duration) {
	byTime := func(a, b Point) int { return a.At.Compare(b.At) }
	if !slices.IsSortedFunc(s.points, byTime) {
		slices.SortStableFunc(s.points, byTime)
	}
	s.points = slices.CompactFunc(s.points, func(a, b Point) bool { return a.At.Equal(b.At) })
	if n := len(s.points); n > 0 {
		from := s.points[n-1].At.Add(-keep)
		old, _ := slices.BinarySearchFunc(s.points, from, func(p Point, at time.Time) int { return p.At.Compare(at) })
		s.points = slices.Delete(s.points, 0, max(old, n-mostPoints))
		s.told = slices.DeleteFunc(s.told, func(x Excursion) bool { return x.Over() && x.Until.Before(from) })
	}
}

// look finds what the points say, and what of it is news.
func (s *state) look(l line, d Device) (news []Excursion) {
	limit := d.Limits[l.channel]
	s.order(limit.keep())
	for _, x := range found(l, s.points, limit, s.told) {
		i := slices.IndexFunc(s.told, func(before Excursion) bool { return before.meets(x) })
		switch {
		case i < 0:
			s.told = append(s.told, x)
			news = append(news, x)
		case !s.told[i].Over():
			x.Since = s.told[i].Since // as it was told; the first hours of a long one are not kept
			x.Low, x.High, x.Count = min(x.Low, s.told[i].Low), max(x.High, s.told[i].High), max(x.Count, s.told[i].Count)
			s.told[i] = x
			if x.Over() {
				news = append(news, x)
			}
		}
	}
	return news
}

// meets reports whether two are one and the same: late readings may move where
// it began.
func (x Excursion) meets(other Excursion) bool {
	if x.Kind != other.Kind {
		return false
	}
	return (!x.Over() || !other.Since.After(x.Until)) && (!other.Over() || !x.Since.After(other.Until))
}

// found are the excursions in points, in their order.
func found(l line, points []Point, limit Limit, told []Excursion) (all []Excursion) {
	k, _ := iot.KindOf(l.channel)
	if k.State {
		return stretches(l, going(told, Open), points, limit.Grace, func(v float64) bool { return v == 1 && limit.Grace > 0 }, func(v float64) bool { return v == 0 }, 1)
	}
	slack := hysteresis(limit)
	if h := limit.High; h != nil {
		out := func(v float64) bool { return v > *h }
		all = append(all, stretches(l, going(told, Hot), points, limit.Grace, out, func(v float64) bool { return v <= *h-slack }, *h)...)
		all = append(all, repeated(l, points, limit, out, *h)...)
	}
	if low := limit.Low; low != nil {
		out := func(v float64) bool { return v < *low }
		all = append(all, stretches(l, going(told, Cold), points, limit.Grace, out, func(v float64) bool { return v >= *low+slack }, *low)...)
	}
	return all
}

// going is the excursion of a kind that was told and goes on, or a new one.
func going(told []Excursion, kind string) Excursion {
	for _, x := range told {
		if x.Kind == kind && !x.Over() {
			return x
		}
	}
	return Excursion{Kind: kind}
}

// hysteresis is how far back within its limits a value must be before an
// excursion is over, so that one that hovers at a limit is one excursion.
func hysteresis(limit Limit) float64 {
	if limit.Low != nil && limit.High != nil {
		return (*limit.High - *limit.Low) / 20
	}
	return 0
}

// stretches are the stays past a limit that are longer than its grace. Where
// nothing was measured in between, what holds before and after holds between. One
// that goes on since before the first point is followed to its end.
func stretches(l line, before Excursion, points []Point, grace time.Duration, out, back func(float64) bool, limit float64) (all []Excursion) {
	var x Excursion
	var last time.Time // the last moment that it was out
	sum, in, kind := 0.0, false, before.Kind
	if len(points) > 0 && before.Count > 0 && before.Since.Before(points[0].At) {
		x, sum, in, last = before, before.Mean*float64(before.Count), true, points[0].At
	}
	end := func() {
		if in && last.Sub(x.Since) >= grace {
			x.Mean = sum / float64(x.Count)
			all = append(all, x)
		}
	}
	for _, p := range points {
		switch {
		case !in && out(p.Value):
			in, sum, last = true, p.Value, p.At
			x = Excursion{Device: l.device, Channel: l.channel, Kind: kind, Since: p.At, At: p.At, Low: p.Value, High: p.Value, Count: 1, Limit: limit}
		case in && back(p.Value):
			x.Until, x.At, last = p.At, p.At, p.At
			end()
			in = false
		case in:
			x.Low, x.High, x.Count, x.At = min(x.Low, p.Value), max(x.High, p.Value), x.Count+1, p.At
			sum += p.Value
			last = p.At
		}
	}
	end()
	return all
}

// repeated is when a limit was passed for longer in all than it may be within a
// day; it begins with the reading that makes it so, and ends a day later unless
// it goes on.
func repeated(l line, points []Point, limit Limit, out func(float64) bool, passed float64) []Excursion {
	if limit.Total <= 0 {
		return nil
	}
	type stay struct{ from, to time.Time }
	var stays []stay
	for i := 1; i < len(points); i++ {
		if !out(points[i-1].Value) {
			continue
		}
		stays = append(stays, stay{points[i-1].At, points[i].At})
		var total time.Duration
		since := points[i].At.Add(-24 * time.Hour)
		for _, s := range stays {
			if s.to.After(since) {
				total += s.to.Sub(later(s.from, since))
			}
		}
		if total > limit.Total {
			x := Excursion{Device: l.device, Channel: l.channel, Kind: Repeated, Since: points[i].At, At: points[i].At, Low: math.Inf(1), High: math.Inf(-1), Limit: passed}
			sum := 0.0
			for _, p := range points[:i+1] {
				if out(p.Value) && p.At.After(since) {
					x.Low, x.High, x.Count = min(x.Low, p.Value), max(x.High, p.Value), x.Count+1
					sum += p.Value
				}
			}
			x.Mean = sum / float64(x.Count)
			if end := points[len(points)-1].At; end.Sub(points[i].At) > 24*time.Hour {
				x.Until = points[i].At.Add(24 * time.Hour)
			}
			return []Excursion{x}
		}
	}
	return nil
}

// silentAfter is how long nothing may come from a device.
func silentAfter(interval time.Duration) time.Duration { return max(3*interval, 2*time.Minute) }

// Tick tells which devices have fallen silent by a moment.
func (w *Watch) Tick(now time.Time) (told []Excursion) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, last := range w.last {
		d, ok := w.devices(id)
		if _, already := w.silent[id]; !ok || already || now.Sub(last) <= silentAfter(d.Interval) {
			continue
		}
		w.silent[id] = last
		told = append(told, Excursion{Device: id, Kind: Silent, Since: last, At: now})
	}
	slices.SortFunc(told, func(a, b Excursion) int { return a.Device.Compare(b.Device) })
	return told
}

// Going are the excursions that go on.
func (w *Watch) Going() (all []Excursion) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.lines {
		for _, x := range s.told {
			if !x.Over() {
				all = append(all, x)
			}
		}
	}
	for id, since := range w.silent {
		all = append(all, Excursion{Device: id, Kind: Silent, Since: since})
	}
	slices.SortFunc(all, func(a, b Excursion) int {
		return cmp.Or(a.Device.Compare(b.Device), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Kind, b.Kind), a.Since.Compare(b.Since))
	})
	return all
}
