package watch

import (
	"cmp"
	"slices"
	"time"
)

// grains are how many parts a rolling period is reckoned in: what falls out of
// it falls out a part at a time, so that memory is bounded.
const grains = 288

// total is the time out of limits over a rolling period.
type total struct {
	Parts []part `json:",omitempty"` // in order, those with time out only
	Run   run
}

type part struct {
	N   int64 // since the epoch, in grains
	Out time.Duration
}

// step takes the time since the reading before; it gives the excursion that
// ends, when enough of the time out lies beyond the period.
func (t *total) step(j *judge, b *bound, before, s sample) *run {
	if !b.on || j.limit.Total <= 0 {
		t.Parts = nil
		return t.Run.end(j, s, s.X)
	}
	grain := j.grain()
	if !before.At.IsZero() && b.beyond(before.X) {
		t.add(before.At, before.At.Add(min(j.held(before.At, s.At), j.period())), grain)
	}
	first := partOf(s.At.Add(-j.period()), grain)
	i, _ := slices.BinarySearchFunc(t.Parts, first, func(p part, n int64) int { return cmp.Compare(p.N, n) })
	t.Parts = t.Parts[i:]
	return t.judge(j, b, before, s)
}

// judge compares the sum with what is allowed.
func (t *total) judge(j *judge, b *bound, before, s sample) *run {
	var out time.Duration
	for _, p := range t.Parts {
		out += p.Out
	}
	r := &t.Run
	if out <= j.limit.Total {
		return r.end(j, s, s.X)
	}
	if !r.runs() {
		*r = run{Since: s.At, Peak: before.X, By: &Point{s.At, s.X}}
	}
	if b.sign*(s.X-r.Peak) > 0 {
		r.Peak = s.X
	}
	r.Last = Point{s.At, s.X}
	r.Out = max(r.Out, out)
	r.Readings++
	r.Plain += s.X
	return nil
}

func (t *total) add(from, to time.Time, grain time.Duration) {
	t.Parts = slices.Clone(t.Parts)
	for from.Before(to) {
		n := partOf(from, grain)
		end := time.UnixMicro((n + 1) * grain.Microseconds()).UTC()
		if end.After(to) {
			end = to
		}
		if last := len(t.Parts) - 1; last >= 0 && t.Parts[last].N == n {
			t.Parts[last].Out += end.Sub(from)
		} else {
			t.Parts = append(t.Parts, part{n, end.Sub(from)})
		}
		from = end
	}
}

func (j *judge) period() time.Duration {
	if j.limit.Period > 0 {
		return j.limit.Period
	}
	return usualPeriod
}

func (j *judge) grain() time.Duration {
	return max((j.period() / grains).Truncate(time.Microsecond), time.Microsecond)
}

// partOf is the part in which a moment lies, also before the epoch.
func partOf(at time.Time, grain time.Duration) int64 {
	micro, size := at.UnixMicro(), grain.Microseconds()
	n := micro / size
	if micro%size < 0 {
		n--
	}
	return n
}
