package watch

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/iot"
	"pgregory.net/rapid"
)

var (
	truck = iot.ID{Party: "swift-cold", Name: "truck-7"}
	noon  = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
)

func f(v float64) *float64 { return &v }

// at is minutes after noon.
func at(minutes float64) time.Time {
	return noon.Add(time.Duration(minutes * float64(time.Minute)))
}

func reading(channel string, minutes, v float64) iot.Reading {
	return iot.Reading{Device: truck, Channel: channel, At: at(minutes), Value: v}
}

// every gives values a minute apart.
func every(channel string, from float64, values ...float64) []iot.Reading {
	var all []iot.Reading
	for i, v := range values {
		all = append(all, reading(channel, from+float64(i), v))
	}
	return all
}

func one(d Device) *Watch { return New(func(id iot.ID) (Device, bool) { return d, id == truck }) }

func minutes(t time.Time) string {
	if t.IsZero() {
		return "…"
	}
	return fmt.Sprintf("%g", t.Sub(noon).Minutes())
}

// line is an excursion as the tests below write it: phase, kind, side, since and
// until, the reading that completed it, peak, minutes.
func line(x Excursion) string {
	text := fmt.Sprintf("%s %s %s %s-%s by %s peak %g out %g", x.Phase, x.Kind, x.Side, minutes(x.Since), minutes(x.Until), minutes(x.By.At), x.Peak, x.Minutes())
	return strings.Join(strings.Fields(text), " ")
}

func lines(xs []Excursion) string {
	var all []string
	for _, x := range xs {
		all = append(all, line(x))
	}
	return strings.Join(all, "\n")
}

func want(t *testing.T, got []Excursion, want ...string) {
	t.Helper()
	if text := strings.Join(want, "\n"); lines(got) != text {
		t.Errorf("told\n%s\nwant\n%s", lines(got), text)
	}
}

var cold = Limit{Channel: "temperature", Low: f(2), High: f(8), Hysteresis: 0.5, Count: 3}

func TestThreeReadingsOutOpenAndOneWellInsideCloses(t *testing.T) {
	w := one(Device{Interval: time.Minute, Channels: []Limit{cold}})
	want(t, w.Take(every("temperature", 0, 5, 9, 9, 7, 9, 9.5)))
	want(t, w.Take(every("temperature", 6, 9)), "opened limits hot 4-… by 6 peak 9.5 out 2")
	want(t, w.Take(every("temperature", 7, 7.8, 8.2)))
	got := w.Take(every("temperature", 9, 7.5))
	want(t, got, "closed limits hot 4-9 by 6 peak 9.5 out 4")
	if mean := (9 + 9.5 + 9 + 7.8 + 8.2) / 5; got[0].Mean < mean-1e-9 || got[0].Mean > mean+1e-9 || got[0].Readings != 5 || got[0].Bound != 8 {
		t.Errorf("mean %v of %d readings, bound %v; want %v of 5, 8", got[0].Mean, got[0].Readings, got[0].Bound, mean)
	}
	if len(w.Open()) != 0 {
		t.Errorf("open: %s", lines(w.Open()))
	}
}

func TestHotAndColdAreTwoExcursions(t *testing.T) {
	w := one(Device{Interval: time.Minute, Channels: []Limit{{Channel: "temperature", Low: f(2), High: f(8)}}})
	got := w.Take(every("temperature", 0, 9, -1, 5))
	want(t, got, "opened limits hot 0-… by 0 peak 9 out 1", "closed limits hot 0-1 by 0 peak 9 out 1",
		"opened limits cold 1-… by 1 peak -1 out 1", "closed limits cold 1-2 by 1 peak -1 out 1")
	if got[2].Bound != 2 || got[0].ID == got[2].ID || got[0].ID != got[1].ID {
		t.Errorf("bound %v, ids %s %s %s", got[2].Bound, got[0].ID, got[1].ID, got[2].ID)
	}
}

func TestGraceCountsOnlyTimeThatReadingsStandFor(t *testing.T) {
	w := one(Device{Interval: time.Minute, Channels: []Limit{{Channel: "temperature", High: f(8), Grace: 5 * time.Minute}}})
	want(t, w.Take(every("temperature", 0, 9, 9, 9, 9, 9, 5)))
	want(t, w.Take(append(every("temperature", 10, 9), every("temperature", 60, 9)...)),
		"opened silent 5-… by 5 peak 0 out 5", "closed silent 5-10 by 5 peak 0 out 5", "opened silent 10-… by 10 peak 0 out 50", "closed silent 10-60 by 10 peak 0 out 50")
	want(t, w.Take(every("temperature", 61, 9)))
	want(t, w.Take(every("temperature", 62, 9)), "opened limits hot 10-… by 62 peak 9 out 5")
}

func TestItWorsensByDoubling(t *testing.T) {
	w := one(Device{Interval: time.Minute, Channels: []Limit{{Channel: "temperature", High: f(8)}}})
	want(t, w.Take(every("temperature", 0, 9)), "opened limits hot 0-… by 0 peak 9 out 0")
	want(t, w.Take(every("temperature", 1, 9.9, 9.9)))
	want(t, w.Take(every("temperature", 3, 10)), "worsened limits hot 0-… by 0 peak 10 out 3")
	want(t, w.Take(every("temperature", 4, 9, 9, 9, 9)))
	want(t, w.Take(every("temperature", 8, 9)), "worsened limits hot 0-… by 0 peak 10 out 8")
}

func TestTooLongInAllOverARollingPeriod(t *testing.T) {
	w := one(Device{Interval: 10 * time.Minute, Channels: []Limit{{Channel: "temperature", High: f(8), Count: 100, Total: 25 * time.Minute, Period: 5 * time.Hour}}})
	var all []iot.Reading
	for i := range 30 {
		v := 5.0
		if i == 1 || i == 5 || i == 9 {
			v = 9
		}
		all = append(all, reading("temperature", float64(10*i), v))
	}
	want(t, w.Take(all), "opened cumulative hot 100-… by 100 peak 9 out 30")
	want(t, w.Take([]iot.Reading{reading("temperature", 300, 5), reading("temperature", 310, 5)}))
	want(t, w.Take([]iot.Reading{reading("temperature", 330, 5)}), "closed cumulative hot 100-330 by 100 peak 9 out 30")
}

func TestADoorIsOpenUntilItSaysOtherwise(t *testing.T) {
	w := one(Device{Channels: []Limit{{Channel: "door", Grace: 5 * time.Minute}}})
	want(t, w.Take([]iot.Reading{reading("door", 0, 1)}))
	want(t, w.Tick(at(4)))
	want(t, w.Tick(at(5)), "opened door 0-… by 0 peak 1 out 5")
	want(t, w.Take([]iot.Reading{reading("door", 7, 0)}), "closed door 0-7 by 0 peak 1 out 7")
	want(t, w.Take([]iot.Reading{reading("door", 8, 1), reading("door", 12, 0)}))
	want(t, w.Take([]iot.Reading{reading("door", 20, 1), reading("door", 26, 0)}), "opened door 20-… by 20 peak 1 out 6", "closed door 20-26 by 20 peak 1 out 6")
}

func TestABadRoadIsOneShock(t *testing.T) {
	w := one(Device{Channels: []Limit{{Channel: "shock", High: f(50)}}})
	want(t, w.Take([]iot.Reading{reading("shock", 0, 60)}), "opened shock high 0-… by 0 peak 60 out 0")
	want(t, w.Take([]iot.Reading{reading("shock", 0.2, 10), reading("shock", 0.5, 80)}), "worsened shock high 0-… by 0 peak 80 out 0")
	want(t, w.Tick(at(1)))
	want(t, w.Tick(at(1.5)), "closed shock high 0-0.5 by 0 peak 80 out 0")
	want(t, w.Take([]iot.Reading{reading("shock", 1.2, 90)}), "worsened shock high 0-… by 0 peak 90 out 0") // it came late
	want(t, w.Take([]iot.Reading{reading("shock", 9, 55)}), "closed shock high 0-1.2 by 0 peak 90 out 0", "opened shock high 9-… by 9 peak 55 out 0")
}

func position(minutes, lat, lon float64) []iot.Reading {
	return []iot.Reading{reading("longitude", minutes, lon), reading("latitude", minutes, lat)}
}

func TestOutsideTheFenceAndStanding(t *testing.T) {
	w := one(Device{
		Fence: &Fence{Circles: []Circle{{Place{39.9, 116.4}, 1000}, {Place{39.91, 116.4}, 1000}}, Count: 2},
		Still: &Still{Radius: 50, After: 30 * time.Minute},
	})
	var got []Excursion
	for i, lat := range []float64{39.9, 39.905, 39.915, 39.93, 39.94, 39.9} {
		got = append(got, w.Take(position(float64(i), lat, 116.4))...)
	}
	if len(got) != 2 || got[0].Kind != Outside || got[0].Since != at(3) || got[0].By.At != at(4) || got[1].Until != at(5) ||
		got[1].Peak < 2300 || got[1].Peak > 2360 || got[0].Where != (Place{39.94, 116.4}) {
		t.Errorf("%+v", got)
	}
	for i := 6; i <= 35; i++ {
		got = w.Take(position(float64(i), 39.9001, 116.4))
	}
	if len(got) != 1 || got[0].Kind != Standing || got[0].Since != at(5) || got[0].By.At != at(35) {
		t.Errorf("%+v", got)
	}
	if got = w.Take(position(36, 39.91, 116.4)); len(got) != 1 || got[0].Phase != Closed || got[0].Until != at(36) || got[0].Where != (Place{39.91, 116.4}) {
		t.Errorf("%+v", got)
	}
	if d := Distance(Place{48.8566, 2.3522}, Place{51.5074, -0.1278}); d < 343e3 || d > 344.5e3 {
		t.Errorf("from Paris to London: %v m", d)
	}
}

func TestSilence(t *testing.T) {
	w := one(Device{Interval: time.Minute})
	want(t, w.Tick(at(-6)))
	want(t, w.Take(every("temperature", 0, 5)))
	if from := w.From(truck); !from.Equal(at(-10)) || !w.From(iot.ID{Name: "never"}).IsZero() {
		t.Errorf("from %v", from)
	}
	want(t, w.Tick(at(3)))
	want(t, w.Tick(at(4)), "opened silent 0-… by 0 peak 0 out 4")
	want(t, w.Tick(at(9)), "worsened silent 0-… by 0 peak 0 out 9")
	want(t, w.Tick(at(2)))
	want(t, w.Take(every("temperature", 1, 5, 5)), "withdrawn silent 0-… by 0 peak 0 out 9", "opened silent 2-… by 2 peak 0 out 7")
	want(t, w.Take(every("temperature", 3, 5, 5, 5, 5, 5, 5)), "withdrawn silent 2-… by 2 peak 0 out 7")
}

func TestBatteryAndFaultsOfTheSensor(t *testing.T) {
	w := one(Device{Interval: time.Minute, Channels: []Limit{{Channel: "battery", Low: f(20), Hysteresis: 5},
		{Channel: "temperature", Stuck: 4 * time.Minute, Jump: 10}}})
	want(t, w.Take(every("battery", 0, 21, 19, 22, 25)), "opened battery low 1-… by 1 peak 19 out 1", "closed battery low 1-3 by 1 peak 19 out 1")
	want(t, w.Take(every("temperature", 0, 5, 5, 5, 5)))
	want(t, w.Take(every("temperature", 4, 5, 5)), "opened stuck 0-… by 4 peak 5 out 5")
	want(t, w.Take(every("temperature", 6, 5.1)), "closed stuck 0-6 by 4 peak 5 out 5")
	want(t, w.Take(every("temperature", 7, 40)), "opened jump 7-… by 7 peak 40 out 0")
	want(t, w.Take(every("temperature", 8, 5)))
	got := w.Take(every("temperature", 9, 5.2))
	want(t, got, "closed jump 7-9 by 7 peak 40 out 1")
	if got[0].Bound != 5.1 || !got[0].Kind.Fault() {
		t.Errorf("%+v", got[0])
	}
}

func TestALateReadingTakesAnExcursionBack(t *testing.T) {
	w := one(Device{Interval: time.Minute, Channels: []Limit{cold}})
	told := w.Take([]iot.Reading{reading("temperature", 0, 9), reading("temperature", 1, 9), reading("temperature", 3, 9)})
	want(t, told, "opened limits hot 0-… by 3 peak 9 out 3")
	back := w.Take([]iot.Reading{reading("temperature", 2, 5)})
	want(t, back, "withdrawn limits hot 0-… by 3 peak 9 out 3")
	if was := told[0]; back[0].ID != was.ID || back[0].Was != Opened {
		t.Errorf("%+v", back[0])
	}
	want(t, w.Take([]iot.Reading{reading("temperature", 2, 5), reading("temperature", 0, 9)})) // repeated
	w.Take(every("temperature", 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5))
	if w.Late() != 0 {
		t.Errorf("%d late", w.Late())
	}
	if want(t, w.Take([]iot.Reading{reading("temperature", 2.5, 9)})); w.Late() != 1 {
		t.Errorf("%d late", w.Late())
	}
}

func TestNewLimitsDoNotJudgeThePast(t *testing.T) {
	d := Device{Interval: time.Minute, Channels: []Limit{{Channel: "temperature", High: f(8)}}}
	w := New(func(iot.ID) (Device, bool) { return d, true })
	want(t, w.Take(every("temperature", 0, 9, 9)), "opened limits hot 0-… by 0 peak 9 out 1")
	d.Channels = []Limit{{Channel: "temperature", High: f(10)}}
	want(t, w.Take([]iot.Reading{reading("temperature", 0.5, 5)}))
	want(t, w.Take(every("temperature", 2, 9)), "closed limits hot 0-2 by 0 peak 9 out 2")
	d.Channels = nil
	want(t, w.Take(every("temperature", 3, 90)))
	want(t, w.Tick(at(9)), "opened silent 3-… by 3 peak 0 out 6")
	want(t, w.Forget(truck, at(10)), "closed silent 3-10 by 3 peak 0 out 6")
}

func TestWhatWaitsForLateReadingsIsBounded(t *testing.T) {
	w := one(Device{Channels: []Limit{cold}, Lateness: time.Hour})
	for i := range 2 * longestBuffer {
		w.Take([]iot.Reading{reading("temperature", float64(i)/1000, 5), reading("latitude", float64(i)/1000, 5)})
	}
	for name, track := range w.seen[truck].Tracks {
		if len(track.Buffer) > longestBuffer || len(track.Halves) > longestBuffer {
			t.Errorf("%s: %d, %d", name, len(track.Buffer), len(track.Halves))
		}
	}
}

// whole is a device with every rule.
var whole = Device{
	Interval: time.Minute,
	Channels: []Limit{
		{Channel: "temperature", Low: f(2), High: f(8), Hysteresis: 1, Count: 3, Grace: 4 * time.Minute, Total: 6 * time.Minute, Period: 20 * time.Minute, Stuck: 3 * time.Minute, Jump: 7},
		{Channel: "temperature.rear", High: f(8), Grace: 3 * time.Minute},
		{Channel: "door", Grace: 3 * time.Minute}, {Channel: "shock", High: f(50)}, {Channel: "battery", Low: f(20)},
	},
	Fence: &Fence{Circles: []Circle{{Place{0, 0}, 1000}, {Place{0.01, 0}, 500}}, Count: 2},
	Still: &Still{Radius: 200, After: 6 * time.Minute},
}

// arrival is a reading and when it comes.
type arrival struct {
	iot.Reading
	comes time.Time
}

// draw gives readings of two hours, each up to its lateness late, some again.
func draw(t *rapid.T) []arrival {
	values := map[string][]float64{
		"temperature": {1, 2, 5, 7.5, 8, 8.5, 9, 15}, "temperature.rear": {5, 8.1, 20}, "door": {0, 1}, "shock": {10, 60, 200}, "battery": {19, 20, 50},
		"position": {0, 0.0001, 0.009, 0.02, 0.05},
	}
	channels := append(sortedNames(values), "temperature", "temperature", "temperature")
	var all []arrival
	seen := map[string]bool{}
	for range rapid.IntRange(1, 120).Draw(t, "readings") {
		channel := rapid.SampledFrom(channels).Draw(t, "channel")
		second := 20 * rapid.IntRange(0, 180).Draw(t, "at")
		if key := fmt.Sprint(channel, second); seen[key] {
			continue
		} else {
			seen[key] = true
		}
		v := rapid.SampledFrom(values[channel]).Draw(t, "value")
		parts := []iot.Reading{reading(channel, float64(second)/60, v)}
		if channel == "position" {
			parts = position(float64(second)/60, v, 0)
		}
		for _, r := range parts {
			delay := func(most time.Duration) time.Time {
				return r.At.Add(time.Duration(rapid.IntRange(0, int(most/time.Second)).Draw(t, "delay")) * time.Second)
			}
			all = append(all, arrival{r, delay(usualLateness)})
			if rapid.IntRange(0, 9).Draw(t, "again") == 0 {
				all = append(all, arrival{r, latest(all[len(all)-1].comes, delay(4*usualLateness))})
			}
		}
	}
	return all
}

// heard is what a reader of the announcements holds to be so.
type heard map[string]Excursion

func (h heard) hear(t *rapid.T, told []Excursion) {
	for _, x := range told {
		before, known := h[x.ID]
		switch {
		case (x.Phase == Opened) == known, x.Phase == Withdrawn && before.Phase != x.Was, (x.Phase == Closed) == x.Until.IsZero() && x.Phase != Withdrawn:
			t.Fatalf("%s after %s", line(x), line(before))
		case x.Phase == Withdrawn:
			delete(h, x.ID)
		default:
			h[x.ID] = x
		}
	}
}

func (h heard) closed() string {
	var all []string
	for _, x := range h {
		if x.Phase == Closed {
			all = append(all, fmt.Sprintf("%+v", x))
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

func (h heard) open() (ids []string) {
	for _, id := range sortedNames(h) {
		if h[id].Phase != Closed {
			ids = append(ids, id)
		}
	}
	return ids
}

func idsOf(xs []Excursion) (ids []string) {
	for _, x := range xs {
		ids = append(ids, x.ID)
	}
	slices.Sort(ids)
	return ids
}

// TestTheOrderOfReadingsDoesNotMatter takes the same readings in order at once,
// and late, repeated, in batches, between ticks and over restarts.
func TestTheOrderOfReadingsDoesNotMatter(t *testing.T) {
	kinds := map[Kind]int{}
	rapid.Check(t, func(t *rapid.T) {
		all := draw(t)
		end := at(150)

		plain, inOrder := heard{}, one(whole)
		var readings []iot.Reading
		for _, a := range all {
			readings = append(readings, a.Reading)
		}
		plain.hear(t, inOrder.Take(readings))
		plain.hear(t, inOrder.Tick(end))

		slices.SortStableFunc(all, func(a, b arrival) int { return a.comes.Compare(b.comes) })
		late, shuffled := heard{}, one(whole)
		for len(all) > 0 {
			n := rapid.IntRange(1, min(9, len(all))).Draw(t, "batch")
			readings = readings[:0]
			for _, a := range all[:n] {
				readings = append(readings, a.Reading)
			}
			late.hear(t, shuffled.Take(readings))
			if rapid.IntRange(0, 4).Draw(t, "tick") == 0 {
				late.hear(t, shuffled.Tick(all[n-1].comes))
			}
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				shuffled = restarted(t, shuffled)
			}
			all = all[n:]
		}
		late.hear(t, shuffled.Tick(end))

		for _, x := range plain {
			kinds[x.Kind]++
		}
		if got, want := late.closed(), plain.closed(); got != want {
			t.Fatalf("closed\n%s\nwant\n%s", got, want)
		}
		if got, want := fmt.Sprintf("%+v", shuffled.Open()), fmt.Sprintf("%+v", inOrder.Open()); got != want {
			t.Fatalf("open\n%s\nwant\n%s", got, want)
		}
		for h, w := range map[*heard]*Watch{&plain: inOrder, &late: shuffled} {
			if got := h.open(); !slices.Equal(got, idsOf(w.Open())) {
				t.Fatalf("told as open %v, open are %v", got, idsOf(w.Open()))
			}
		}
	})
	if len(kinds) != 10 {
		t.Errorf("the readings drawn make only these kinds: %v", kinds)
	}
}

func restarted(t *rapid.T, w *Watch) *Watch {
	state, err := w.State()
	if err != nil {
		t.Fatal(err)
	}
	next := one(whole)
	if err := next.Restore(state); err != nil {
		t.Fatal(err)
	}
	if again, err := next.State(); err != nil || !bytes.Equal(again, state) {
		t.Fatalf("the state changes as it is restored: %v\n%s\n%s", err, state, again)
	}
	return next
}

func FuzzRestore(f *testing.F) {
	w := one(whole)
	w.Take(append(every("temperature", 0, 9, 9, 9, 9, 5, 9), append(every("door", 0, 1), position(1, 5, 5)...)...))
	w.Tick(at(30))
	state, err := w.State()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(state)
	for _, bad := range []string{"", "{}", `{"Version":1,"Devices":[null]}`, `{"Version":1,"Devices":[{"Tracks":{"temperature":null}}]}`, `{"Version":2}`,
		`{"Version":1,"Devices":[{"Rules":{"ID":{"Party":"swift-cold","Name":"truck-7"}},"Tracks":{"temperature":{"Head":{"Hi":{"Since":"2026-01-01T00:00:00Z"}}}}}]}`} {
		f.Add([]byte(bad))
	}
	f.Fuzz(func(t *testing.T, state []byte) {
		w := one(whole)
		if w.Restore(state) != nil {
			return
		}
		w.Take(every("temperature", 0, 9, 9, 9))
		w.Take(position(1, 5, 5))
		w.Tick(at(100))
		w.Open()
	})
}

// TestJudgingAgainLeavesWhatIsFinal takes every second reading a minute late.
func TestJudgingAgainLeavesWhatIsFinal(t *testing.T) {
	d := Device{Interval: time.Minute, Lateness: 2 * time.Minute, Channels: []Limit{{Channel: "temperature", High: f(8), Count: 1000, Total: 12 * time.Minute}}}
	inOrder, swapped := one(d), one(d)
	for i := 0; i < 40; i += 2 {
		pair := every("temperature", float64(i), 9, 9)
		inOrder.Take(pair)
		swapped.Take(pair[1:])
		swapped.Take(pair[:1])
	}
	want(t, swapped.Open(), lines(inOrder.Open()))
	want(t, inOrder.Open(), "opened cumulative hot 13-… by 13 peak 9 out 39")
}

func BenchmarkTake(b *testing.B) {
	for name, values := range map[string][]float64{"calm": {5, 5.1, 5.2}, "alarming": {5, 9, 9, 9}} {
		b.Run(name, func(b *testing.B) {
			w := one(whole)
			for i := range b.N {
				w.Take([]iot.Reading{reading("temperature", float64(i)/60, values[i%len(values)])})
			}
		})
	}
}
