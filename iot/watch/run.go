package watch

import (
	"math"
	"time"
)

// run is a stretch of readings that are out, from the first of them on. It is
// an excursion once By is set; until then it MAY still be none.
type run struct {
	Since    time.Time
	Until    time.Time     `json:",omitzero"`
	Last     Point         // the latest reading
	Beyond   bool          // the latest reading is out, not only short of the way back
	Count    int           // readings out one after another
	Readings int           // all of it
	Out      time.Duration // as long as readings out held
	Held     time.Duration // as long as any of its readings held
	Weighed  float64       // sum of values by the seconds they held
	Plain    float64       // sum of values
	Peak     float64
	From     float64 `json:",omitzero"` // of a jump: the value before
	By       *Point  `json:",omitempty"`
	Where    Place   `json:",omitzero"`
}

func (r *run) runs() bool { return !r.Since.IsZero() }

func (r *run) mean() float64 {
	switch {
	case r.Held > 0:
		return r.Weighed / r.Held.Seconds()
	case r.Readings > 0:
		return r.Plain / float64(r.Readings)
	}
	return 0
}

// step takes the next value; it gives the run if the value ends it and it was
// an excursion.
func (r *run) step(j *judge, b *bound, s sample, v float64) *run {
	if !b.on {
		return r.end(j, s, v)
	}
	ended := r.over(j, s.At)
	r.pass(j, b, s.At)
	switch {
	case b.beyond(v):
		r.add(j, b, s, v)
	case !r.runs() || j.fast && r.By != nil:
	case r.By == nil:
		*r = run{}
	case b.backFrom(v):
		return r.end(j, s, v)
	default:
		r.note(j, s, v)
		r.Beyond = false
	}
	return ended
}

// add is a reading that is out.
func (r *run) add(j *judge, b *bound, s sample, v float64) {
	if !r.runs() {
		r.Since, r.Peak = s.At, v
	}
	if b.sign*(v-r.Peak) > 0 {
		r.Peak = v
	}
	r.note(j, s, v)
	r.Beyond = true
	r.Count++
	r.complete(b, r.Last)
}

func (r *run) note(j *judge, s sample, v float64) {
	r.Last, r.Where = Point{s.At, v}, j.where(s)
	r.Readings++
	r.Plain += v
}

// where is the place that a sample tells, of a position.
func (j *judge) where(s sample) Place {
	if j.track == positionTrack {
		return Place{s.X, s.Y}
	}
	return Place{}
}

// pass lets time go by since the latest reading.
func (r *run) pass(j *judge, b *bound, to time.Time) {
	if !r.runs() || j.fast {
		return
	}
	held := j.held(r.Last.At, to)
	r.Held += held
	r.Weighed += r.Last.Value * held.Seconds()
	if r.Beyond {
		r.Out += held
	}
	if j.state {
		r.complete(b, r.Last)
	}
}

// held is how much of a time the reading at its beginning stands for.
func (j *judge) held(from, to time.Time) time.Duration {
	if d := to.Sub(from); d < j.hold || j.hold <= 0 || j.state {
		return d
	}
	return j.hold
}

func (r *run) complete(b *bound, by Point) {
	if r.By == nil && (b.count <= 0 && b.grace <= 0 || b.count > 0 && r.Count >= b.count || b.grace > 0 && r.Out >= b.grace) {
		r.By = &by
	}
}

// end closes a run at a reading that is none of it.
func (r *run) end(j *judge, s sample, v float64) *run {
	was := *r
	*r = run{}
	if was.By == nil {
		return nil
	}
	was.Until, was.Last, was.Where = s.At, Point{s.At, v}, j.where(s)
	return &was
}

// over ends shocks that are over by themselves.
func (r *run) over(j *judge, now time.Time) *run {
	if !j.fast || !r.runs() || now.Sub(r.Last.At) < calm {
		return nil
	}
	return r.end(j, sample{At: r.Last.At}, r.Last.Value)
}

// by is the run as it is at a later moment without another reading.
func (r run) by(j *judge, b *bound, now time.Time) run {
	if !r.runs() || !now.After(r.Last.At) {
		return r
	}
	if ended := r.over(j, now); ended != nil {
		return *ended
	}
	if j.state {
		r.pass(j, b, now)
	}
	return r
}

// leastStuck is how many readings of one value make a fault, however far apart.
const leastStuck = 3

// same follows one value as long as it stays.
func (r *run) same(j *judge, s sample) (ended *run) {
	if j.limit.Stuck <= 0 || j.kind.State {
		return r.end(j, s, s.X)
	}
	if !r.runs() || s.X != r.Peak {
		ended = r.end(j, s, s.X)
		r.Since, r.Peak = s.At, s.X
	}
	r.Last = Point{s.At, s.X}
	r.Readings++
	r.Plain += s.X
	r.Out = s.At.Sub(r.Since)
	if r.By == nil && r.Readings >= leastStuck && r.Out >= j.limit.Stuck {
		r.By = &Point{s.At, s.X}
	}
	return ended
}

// jump begins with a value far from the one before it, and ends with one near.
func (r *run) jump(j *judge, before, s sample) *run {
	far := j.limit.Jump > 0 && !before.At.IsZero() && math.Abs(s.X-before.X) > j.limit.Jump && (j.hold <= 0 || s.At.Sub(before.At) <= j.hold)
	if !far {
		return r.end(j, s, s.X)
	}
	if !r.runs() {
		*r = run{Since: s.At, Peak: s.X, From: before.X, By: &Point{s.At, s.X}}
	}
	if math.Abs(s.X-r.From) > math.Abs(r.Peak-r.From) {
		r.Peak = s.X
	}
	r.Last = Point{s.At, s.X}
	r.Readings++
	r.Plain += s.X
	r.Out = s.At.Sub(r.Since)
	return nil
}
