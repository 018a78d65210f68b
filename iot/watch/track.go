package watch

import (
	"slices"
	"strings"
	"time"
)

// Tracks beside those of channels.
const (
	positionTrack = "position" // latitude and longitude of one moment, together
	silenceTrack  = "silence"  // the moments at which the device said anything
)

// longestBuffer bounds how many readings of a track wait for late ones.
const longestBuffer = 4096

// sample is one reading, or one position.
type sample struct {
	At time.Time
	X  float64 // the value; of a position the latitude
	Y  float64 `json:",omitzero"` // of a position the longitude
}

func (s sample) place() Place { return Place{s.X, s.Y} }

// track is one channel of one device. Readings may come out of order, so the
// latest of them wait in Buffer: Base is the state before them, Head the state
// after. A reading between them has everything since Base judged again.
type track struct {
	Floor  time.Time // what is earlier is final
	Base   machine
	Head   machine
	Buffer []sample             `json:",omitempty"` // in order of time
	Closed []Excursion          `json:",omitempty"` // by readings in Buffer
	Told   map[string]Excursion `json:",omitempty"` // as they were last told, those not in Closed
	Halves []half               `json:",omitempty"` // of positions whose other half has not come

	told int // how many of Closed were told as they stand: between calls all of them
}

// take puts samples in their places; it counts those that come too late.
func (t *track) take(j judge, batch []sample) (late int) {
	slices.SortStableFunc(batch, func(a, b sample) int { return a.At.Compare(b.At) })
	again := false
	for _, s := range batch {
		switch i, found := slices.BinarySearchFunc(t.Buffer, s.At, func(b sample, at time.Time) int { return b.At.Compare(at) }); {
		case s.At.Before(t.Floor):
			late++
		case found:
			// One moment has one value. Should it have two, the greater counts, whichever came first.
			if old := t.Buffer[i]; old.X < s.X || old.X == s.X && old.Y < s.Y {
				t.Buffer[i], again = s, true
			}
		case i < len(t.Buffer):
			t.Buffer, again = slices.Insert(t.Buffer, i, s), true
		default:
			t.Buffer = append(t.Buffer, s)
			if !again {
				t.Closed = append(t.Closed, t.Head.step(j, s)...)
			}
		}
	}
	if again {
		t.replay(j)
	}
	return late
}

// replay judges again what is not final.
func (t *track) replay(j judge) {
	for _, x := range t.Closed[:t.told] {
		x.Phase = Closed
		t.keep(x)
	}
	t.Head, t.Closed, t.told = t.Base, nil, 0
	for _, s := range t.Buffer {
		t.Closed = append(t.Closed, t.Head.step(j, s)...)
	}
}

// fold makes final what no reading in time can change any more.
func (t *track) fold(j judge) {
	if len(t.Buffer) == 0 {
		return
	}
	if floor := t.Buffer[len(t.Buffer)-1].At.Add(-j.device.lateness()); floor.After(t.Floor) {
		t.Floor = floor
	}
	n := 0
	for ; n < len(t.Buffer) && (t.Buffer[n].At.Before(t.Floor) || len(t.Buffer)-n > longestBuffer); n++ {
		for _, x := range t.Base.step(j, t.Buffer[n]) {
			t.forget(x.ID)
		}
		if after := t.Buffer[n].At.Add(time.Microsecond); after.After(t.Floor) {
			t.Floor = after
		}
	}
	t.Buffer = t.Buffer[n:]
	t.Halves = slices.DeleteFunc(t.Halves, func(h half) bool { return h.At.Before(t.Floor) })
}

func (t *track) forget(id string) {
	t.Closed = slices.DeleteFunc(t.Closed, func(x Excursion) bool { return x.ID == id })
	t.told = len(t.Closed)
}

func (t *track) keep(x Excursion) {
	if t.Told == nil {
		t.Told = map[string]Excursion{}
	}
	t.Told[x.ID] = x
}

// settle makes all final: what was judged by rules that hold no more is not
// judged again by others.
func (t *track) settle() {
	if n := len(t.Buffer); n > 0 {
		t.Floor = t.Buffer[n-1].At.Add(time.Microsecond)
	}
	t.Base, t.Buffer, t.Closed, t.told, t.Halves = t.Head, nil, nil, 0, nil
}

// tell compares what there is with what was told.
func (t *track) tell(j judge, now time.Time) []Excursion {
	if len(t.Told) == 0 && t.told == len(t.Closed) && !t.Head.mayLast(j) {
		return nil
	}
	is := append(slices.Clone(t.Closed[t.told:]), t.Head.lasting(j, now)...)
	slices.SortFunc(is, byTime)
	told := t.withdraw(is)
	for _, x := range is {
		told = append(told, t.news(x)...)
	}
	for _, x := range t.Closed[t.told:] {
		delete(t.Told, x.ID)
	}
	t.told = len(t.Closed)
	return told
}

// withdraw takes back what was told and is not.
func (t *track) withdraw(is []Excursion) (told []Excursion) {
	for _, id := range sortedNames(t.Told) {
		if !slices.ContainsFunc(is, func(x Excursion) bool { return x.ID == id }) {
			x := t.Told[id]
			x.Was, x.Phase = x.Phase, Withdrawn
			told = append(told, x)
			delete(t.Told, id)
		}
	}
	return told
}

// news is what is worth telling of an excursion.
func (t *track) news(x Excursion) (told []Excursion) {
	say := func(x Excursion, p Phase) {
		x.Phase = p
		told = append(told, x)
		t.keep(x)
	}
	before, known := t.Told[x.ID]
	if !known {
		say(x.open(), Opened)
	}
	switch {
	case !x.Until.IsZero() && (before.Phase != Closed || !before.same(x)):
		say(x, Closed)
	case x.Until.IsZero() && known && (before.Phase == Closed || x.worseThan(before)):
		say(x, Worsened)
	}
	return told
}

func byTime(a, b Excursion) int {
	if c := a.Since.Compare(b.Since); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

// restored makes ready a track that was read; ok is false where it cannot be one.
func (t *track) restored() (ok bool) {
	t.told = len(t.Closed)
	return slices.IsSortedFunc(t.Buffer, func(a, b sample) int { return a.At.Compare(b.At) })
}
