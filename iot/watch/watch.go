// Package watch judges readings as they come: limits, doors, shocks, places,
// silence and faults of sensors. It also reckons what a thing was exposed to
// over its whereabouts (Exposure) and the mean kinetic temperature (MKT).
//
// It is arithmetic: it keeps no tables and has no clock. Which lots lay beside
// a device, the apps know.
package watch

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/tallyway/tallyway/iot"
)

// Device is what the registry tells of a device, as far as it is watched.
type Device struct {
	ID       iot.ID
	Interval time.Duration // between readings; zero where it speaks on events only: then it is never silent
	Silence  int           // intervals without a reading after which it is silent; 3 where it is zero
	Lateness time.Duration // how far out of order readings may come; 10 minutes where it is zero
	Channels []Limit
	Fence    *Fence // where it may be
	Still    *Still // how long it may stand
}

// Limit is what holds for one channel. What is zero or nil is not watched.
//
// An excursion opens with Count readings beyond a limit one after another, or
// once they last Grace, whichever is first; with the first where neither is
// set. A door is open beyond Grace also where no reading tells it again.
type Limit struct {
	Channel    string
	Low, High  *float64
	Hysteresis float64 // how far within the limit a value must be to close
	Count      int
	Grace      time.Duration
	Total      time.Duration // out of limits in all, hot and cold apart,
	Period     time.Duration // over a rolling period; a day where it is zero
	Stuck      time.Duration // a value that stays the same so long is a fault
	Jump       float64       // neighbours that differ by more are a fault
}

// Fence is a place or a corridor: the union of its circles.
type Fence struct {
	Circles []Circle
	Count   int
	Grace   time.Duration
}

// Circle is around a place, in metres.
type Circle struct {
	Place
	Radius float64
}

// Still tells that a device should move: it stands when it stays within Radius
// metres for After.
type Still struct {
	Radius float64
	After  time.Duration
}

const (
	usualSilence  = 3
	usualLateness = 10 * time.Minute
	usualPeriod   = 24 * time.Hour
)

// silence is how long a device may say nothing; zero is for ever.
func (d *Device) silence() time.Duration {
	if d.Silence > 0 {
		return time.Duration(d.Silence) * d.Interval
	}
	return usualSilence * d.Interval
}

func (d *Device) lateness() time.Duration {
	if d.Lateness > 0 {
		return d.Lateness
	}
	return usualLateness
}

// Watch judges readings. Which excursions there are follows from which readings
// were taken, not from their order or from how often each came, as long as none
// is later than its device's Lateness. It MAY be used from several goroutines.
type Watch struct {
	devices func(iot.ID) (Device, bool)

	mu   sync.Mutex
	seen map[iot.ID]*seen
	now  time.Time // the latest Tick
	late int
}

// seen is what is kept of one device.
type seen struct {
	Rules  Device // by which the readings so far were judged
	Tracks map[string]*track
}

// New watches devices as the registry tells them.
func New(devices func(iot.ID) (Device, bool)) *Watch {
	return &Watch{devices: devices, seen: map[iot.ID]*seen{}}
}

// Take judges readings and tells what opened, worsened, closed, or never was.
func (w *Watch) Take(readings []iot.Reading) []Excursion {
	w.mu.Lock()
	defer w.mu.Unlock()
	byDevice := map[iot.ID][]iot.Reading{}
	for _, r := range readings {
		if sound(r) {
			byDevice[r.Device] = append(byDevice[r.Device], r)
		}
	}
	var told []Excursion
	for _, id := range sorted(byDevice) {
		if s, ok := w.of(id); ok {
			told = append(told, w.judge(s, byDevice[id])...)
		}
	}
	return told
}

// sound tells readings that the store would hand on: it has refused all else.
func sound(r iot.Reading) bool {
	_, ok := iot.KindOf(r.Channel)
	return ok && !math.IsNaN(r.Value) && !math.IsInf(r.Value, 0) && r.At.Year() > 1970 && r.At.Year() < 9999
}

// Forget ends what lasts of a device that is no longer watched.
func (w *Watch) Forget(id iot.ID, now time.Time) []Excursion {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.seen[id]
	if s == nil {
		return nil
	}
	delete(w.seen, id)
	var told []Excursion
	for _, name := range s.names() {
		for _, id := range sortedNames(s.Tracks[name].Told) {
			if x := s.Tracks[name].Told[id]; x.Until.IsZero() {
				x.Phase, x.Until = Closed, latest(moment(now), x.Last.At)
				told = append(told, x)
			}
		}
	}
	return told
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// From is the moment from which readings of a device may still be news; zero
// where none has come.
func (w *Watch) From(id iot.ID) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.seen[id]; s != nil && s.Tracks[silenceTrack] != nil {
		return s.Tracks[silenceTrack].Floor
	}
	return time.Time{}
}

// Tick tells which devices fell silent by now, which doors stand open too long
// and which shocks are over. An earlier now than before changes nothing.
func (w *Watch) Tick(now time.Time) []Excursion {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now = moment(now); now.After(w.now) {
		w.now = now
	}
	var told []Excursion
	for _, id := range sorted(w.seen) {
		s, ok := w.of(id)
		if !ok {
			continue
		}
		for _, name := range s.names() {
			told = append(told, s.Tracks[name].tell(s.judgeOf(name), w.now)...)
		}
	}
	return told
}

// Open lists the excursions that last.
func (w *Watch) Open() []Excursion {
	w.mu.Lock()
	defer w.mu.Unlock()
	var open []Excursion
	for _, id := range sorted(w.seen) {
		s := w.seen[id]
		for _, name := range s.names() {
			for _, x := range s.Tracks[name].Head.lasting(s.judgeOf(name), w.now) {
				if x.Until.IsZero() {
					x.Phase = Opened
					open = append(open, x)
				}
			}
		}
	}
	return open
}

// Late counts readings that came after what they would have changed was final:
// later than their device's Lateness. Repetitions of such count too.
func (w *Watch) Late() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.late
}

// of gives what is kept of a device. When its rules changed, what was judged by
// the old ones is final.
func (w *Watch) of(id iot.ID) (*seen, bool) {
	d, ok := w.devices(id)
	if !ok {
		return nil, false
	}
	d.ID = id
	s := w.seen[id]
	switch {
	case s == nil:
		s = &seen{Rules: d, Tracks: map[string]*track{}}
		w.seen[id] = s
	case !reflect.DeepEqual(s.Rules, d):
		for _, t := range s.Tracks {
			t.settle()
		}
		s.Rules = d
	}
	return s, true
}

// judge gives each track its readings, and asks what changed.
func (w *Watch) judge(s *seen, readings []iot.Reading) []Excursion {
	batch := map[string][]sample{}
	for _, r := range readings {
		at := moment(r.At)
		batch[silenceTrack] = append(batch[silenceTrack], sample{At: at})
		switch {
		case r.Channel == "latitude" || r.Channel == "longitude":
			if s.Rules.Fence != nil || s.Rules.Still != nil {
				if pair, ok := s.track(positionTrack).pair(r.Channel, at, r.Value); ok {
					batch[positionTrack] = append(batch[positionTrack], pair)
				}
			}
		case slices.ContainsFunc(s.Rules.Channels, func(l Limit) bool { return l.Channel == r.Channel }):
			batch[r.Channel] = append(batch[r.Channel], sample{At: at, X: r.Value})
		}
	}
	var told []Excursion
	for _, name := range sortedNames(batch) {
		t, j := s.track(name), s.judgeOf(name)
		late := t.take(j, batch[name])
		if name != silenceTrack {
			w.late += late
		}
		told = append(told, t.tell(j, w.now)...)
		t.fold(j)
	}
	return told
}

func (s *seen) track(name string) *track {
	if s.Tracks[name] == nil {
		s.Tracks[name] = &track{}
	}
	return s.Tracks[name]
}

func (s *seen) names() []string { return sortedNames(s.Tracks) }

// moment is a time as readings have it.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func sorted[V any](m map[iot.ID]V) []iot.ID {
	ids := make([]iot.ID, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, iot.ID.Compare)
	return ids
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// saved is a Watch as it is kept over a restart.
type saved struct {
	Version int
	Now     time.Time
	Late    int
	Devices []*seen
}

const stateVersion = 1

// State is all that must be kept over a restart: JSON, the same bytes for the
// same state.
func (w *Watch) State() ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := saved{Version: stateVersion, Now: w.now, Late: w.late}
	for _, id := range sorted(w.seen) {
		kept.Devices = append(kept.Devices, w.seen[id])
	}
	return json.Marshal(kept)
}

var errState = errors.New("watch: not a state that State wrote")

// Restore goes on from a State. After an error the Watch is as it was.
func (w *Watch) Restore(state []byte) error {
	var kept saved
	if err := json.Unmarshal(state, &kept); err != nil {
		return errors.Join(errState, err)
	}
	if kept.Version != stateVersion {
		return errState
	}
	devices := map[iot.ID]*seen{}
	for _, s := range kept.Devices {
		if s == nil || devices[s.Rules.ID] != nil {
			return errState
		}
		if s.Tracks == nil {
			s.Tracks = map[string]*track{}
		}
		for _, t := range s.Tracks {
			if t == nil || !t.restored() {
				return errState
			}
		}
		devices[s.Rules.ID] = s
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen, w.now, w.late = devices, kept.Now, kept.Late
	return nil
}
