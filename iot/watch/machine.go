package watch

import (
	"math"
	"slices"
	"time"

	"github.com/tallyway/tallyway/iot"
)

// calm is how long after the last shock the shocks are over: one bad road is
// one excursion.
const calm = time.Minute

// judge is what a track is judged by.
type judge struct {
	device  *Device
	track   string
	kind    iot.Kind
	limit   Limit
	fast    bool // a shock: over by itself
	state   bool // a door: it lasts until a reading says otherwise
	hi, lo  bound
	still   *Still
	fence   *Fence
	hold    time.Duration // how long a reading stands for the time after it; zero is until the next
	silence time.Duration
}

// bound is one limit on one side.
type bound struct {
	on    bool
	kind  Kind
	side  Side
	at    float64
	sign  float64 // +1 where more is worse
	back  float64
	count int
	grace time.Duration
}

func (b *bound) beyond(v float64) bool   { return b.sign*(v-b.at) > 0 }
func (b *bound) backFrom(v float64) bool { return b.sign*(v-b.at) <= -b.back }

func (s *seen) judgeOf(name string) judge {
	d := &s.Rules
	j := judge{device: d, track: name, hold: d.silence()}
	switch name {
	case silenceTrack:
		j.silence = d.silence()
	case positionTrack:
		j.still = d.Still
		if d.Fence != nil && len(d.Fence.Circles) > 0 {
			j.fence = d.Fence
			j.hi = bound{on: true, kind: Outside, sign: 1, count: d.Fence.Count, grace: d.Fence.Grace}
		}
	default:
		j.kind, _ = iot.KindOf(name)
		if i := slices.IndexFunc(d.Channels, func(l Limit) bool { return l.Channel == name }); i >= 0 {
			j.limit = d.Channels[i]
			j.bounds()
		}
	}
	return j
}

// bounds makes of a channel's limit what its kind makes of it.
func (j *judge) bounds() {
	l := &j.limit
	b := bound{on: true, kind: OutOfLimits, back: math.Max(l.Hysteresis, 0), count: l.Count, grace: l.Grace}
	j.state, j.fast = j.kind.Name == "door", j.kind.Name == "shock"
	j.hi, j.lo = b, b
	j.hi.sign, j.hi.side, j.lo.sign, j.lo.side = 1, High, -1, Low
	switch j.kind.Name {
	case "temperature":
		j.hi.side, j.lo.side = Hot, Cold
	case "battery":
		j.lo.kind = BatteryLow
	case "shock":
		j.hi.kind, j.hi.back = Shock, 0
	case "door":
		j.hi.kind, j.hi.side, j.hi.at, j.hi.back, j.lo.on = DoorOpen, "", 0.5, 0, false
	}
	if !j.state {
		j.hi.set(l.High)
		j.lo.set(l.Low)
	}
}

func (b *bound) set(limit *float64) {
	if b.on = limit != nil; b.on {
		b.at = *limit
	}
}

// machine is what a track remembers of the readings up to a moment. A copy of
// it is a state of its own.
type machine struct {
	Last     sample // the latest; zero before the first
	Hi, Lo   run
	HiTotal  total
	LoTotal  total
	Same     run // of one value
	Jump     run
	Standing run
	Anchor   Place
}

// step takes the next reading in order of time; it gives the excursions that
// the reading closes.
func (m *machine) step(j judge, s sample) []Excursion {
	var closed []Excursion
	end := func(k Kind, side Side, r *run) {
		if r != nil {
			closed = append(closed, j.excursion(k, side, r))
		}
	}
	switch j.track {
	case silenceTrack:
		if r := m.gap(j, s.At); r != nil {
			end(Silent, "", r.end(&j, s, 0))
		}
	case positionTrack:
		m.position(j, s, end)
	default:
		end(j.hi.kind, j.hi.side, m.Hi.step(&j, &j.hi, s, s.X))
		end(j.lo.kind, j.lo.side, m.Lo.step(&j, &j.lo, s, s.X))
		end(Cumulative, j.hi.side, m.HiTotal.step(&j, &j.hi, m.Last, s))
		end(Cumulative, j.lo.side, m.LoTotal.step(&j, &j.lo, m.Last, s))
		end(Stuck, "", m.Same.same(&j, s))
		end(Jumped, "", m.Jump.jump(&j, m.Last, s))
	}
	m.Last = s
	return closed
}

// mayLast is a quick look before lasting.
func (m *machine) mayLast(j judge) bool {
	return j.track == silenceTrack || m.Hi.runs() || m.Lo.runs() || m.HiTotal.Run.runs() || m.LoTotal.Run.runs() || m.Same.By != nil || m.Jump.runs() || m.Standing.By != nil
}

// lasting lists what is not closed by a reading: open, or over by itself by now.
func (m *machine) lasting(j judge, now time.Time) []Excursion {
	var open []Excursion
	add := func(k Kind, side Side, r run) {
		if r.By != nil {
			open = append(open, j.excursion(k, side, &r))
		}
	}
	if r := m.gap(j, now); r != nil {
		add(Silent, "", *r)
	}
	add(j.hi.kind, j.hi.side, m.Hi.by(&j, &j.hi, now))
	add(j.lo.kind, j.lo.side, m.Lo.by(&j, &j.lo, now))
	add(Cumulative, j.hi.side, m.HiTotal.Run)
	add(Cumulative, j.lo.side, m.LoTotal.Run)
	add(Stuck, "", m.Same)
	add(Jumped, "", m.Jump)
	add(Standing, "", m.Standing)
	return open
}

// gap is the silence from the latest reading to a moment, if it is one.
func (m *machine) gap(j judge, to time.Time) *run {
	if m.Last.At.IsZero() || j.silence <= 0 || to.Sub(m.Last.At) <= j.silence {
		return nil
	}
	last := Point{At: m.Last.At}
	return &run{Since: m.Last.At, Out: to.Sub(m.Last.At), By: &last, Last: last}
}

func (j *judge) excursion(k Kind, side Side, r *run) Excursion {
	x := Excursion{Device: j.device.ID, Channel: j.track, Kind: k, Side: side, Since: r.Since, Until: r.Until, Bound: j.passed(k, side, r),
		Peak: r.Peak, Mean: r.mean(), Out: r.Out, Readings: r.Readings, By: *r.By, Last: r.Last, Where: r.Where}
	if x.Channel == silenceTrack {
		x.Channel = ""
	}
	x.ID = identify(x.Device, x.Channel, k, side, r.Since)
	return x
}

// passed is the limit that an excursion passed; of faults the value before it.
func (j *judge) passed(k Kind, side Side, r *run) float64 {
	switch {
	case k == Stuck:
		return r.Peak
	case k == Jumped:
		return r.From
	case k == Silent || k == Standing:
		return 0
	case side == j.lo.side && j.lo.on && side != "":
		return j.lo.at
	}
	return j.hi.at
}
