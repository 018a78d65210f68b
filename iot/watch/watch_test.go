package watch

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallyway/tallyway/iot"
)

var (
	truck = iot.ID{Party: "swift-cold", Name: "truck-7"}
	start = time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)
)

func ptr(v float64) *float64 { return &v }

// limits are those of a fridge: 2 to 6 °C, ten minutes.
var limits = map[string]Limit{
	"temperature": {Low: ptr(2), High: ptr(6), Grace: 10 * time.Minute},
	"shock":       {High: ptr(30)},
	"door":        {Grace: 5 * time.Minute},
}

func fridge(iot.ID) (Device, bool) { return Device{Interval: time.Minute, Limits: limits}, true }

func at(minute float64) time.Time { return start.Add(time.Duration(minute * float64(time.Minute))) }

// readings are values a minute apart.
func readings(channel string, from int, values ...float64) (all []iot.Reading) {
	for i, v := range values {
		all = append(all, iot.Reading{Device: truck, Channel: channel, At: at(float64(from + i)), Value: v})
	}
	return all
}

// tell is news in a line each.
func tell(all []Excursion) string {
	var lines []string
	for _, x := range all {
		end := "…"
		if x.Over() {
			end = fmt.Sprint(x.Until.Sub(start).Minutes())
		}
		lines = append(lines, fmt.Sprintf("%s%s %v-%s [%v %v]", x.Channel, x.Kind, x.Since.Sub(start).Minutes(), end, x.Low, x.High))
	}
	return strings.Join(lines, "; ")
}

func steady(n int, v float64) (all []float64) {
	for range n {
		all = append(all, v)
	}
	return all
}

func TestExcursions(t *testing.T) {
	for name, c := range map[string]struct {
		channel string
		values  []float64
		want    string
	}{
		"a door opened shortly":    {"temperature", slices.Concat(steady(5, 4), steady(9, 8), steady(5, 4)), ""},
		"too long":                 {"temperature", slices.Concat(steady(5, 4), steady(12, 8), []float64{9}, steady(5, 4)), "temperatureabove 5-… [8 8]; temperatureabove 5-18 [8 9]"},
		"hovers at the limit":      {"temperature", slices.Concat(steady(11, 7), []float64{5.9, 6.1, 5.95, 6.2, 5.7}), "temperatureabove 0-… [7 7]; temperatureabove 0-15 [5.9 7]"},
		"cold after hot":           {"temperature", slices.Concat(steady(11, 7), steady(12, 1)), "temperatureabove 0-… [7 7]; temperatureabove 0-11 [7 7]; temperaturebelow 11-… [1 1]"},
		"at the limit is within":   {"temperature", steady(40, 6), ""},
		"a shock is one at once":   {"shock", []float64{1, 45, 1}, "shockabove 1-… [45 45]; shockabove 1-2 [45 45]"},
		"a door left open":         {"door", slices.Concat([]float64{0}, steady(7, 1), []float64{0}), "dooropen 1-… [1 1]; dooropen 1-8 [1 1]"},
		"a door opened and closed": {"door", []float64{0, 1, 1, 0, 1, 1, 0}, ""},
		"a channel without limits": {"humidity", steady(40, 99), ""},
	} {
		w := New(fridge)
		var all []Excursion
		for _, r := range readings(c.channel, 0, c.values...) {
			all = append(all, w.Take([]iot.Reading{r})...)
			all = append(all, w.Take([]iot.Reading{r})...) // a repeat is no news
		}
		if got := tell(all); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Whatever the order in which readings come, and in whatever bundles, the same
// excursions stand in the end.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var values []float64
		for range rapid.IntRange(1, 8).Draw(t, "stays") {
			values = append(values, steady(rapid.IntRange(1, 14).Draw(t, "minutes"), rapid.SampledFrom([]float64{1, 3, 4, 5.9, 7, 9}).Draw(t, "value"))...)
		}
		all := readings("temperature", 0, values...)
		want := found(line{truck, "temperature"}, points(all), limits["temperature"], nil)
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		w := New(fridge)
		for rest := all; len(rest) > 0; {
			n := min(len(rest), 1+random.IntN(5))
			w.Take(rest[:n])
			rest = rest[n:]
		}
		told := w.lines[line{truck, "temperature"}].told
		for _, x := range want {
			if !slices.ContainsFunc(told, func(y Excursion) bool { return y.meets(x) && (y.Over() || !x.Over()) }) {
				t.Fatalf("%s is not told: %s", tell([]Excursion{x}), tell(told))
			}
		}
	})
}

func points(all []iot.Reading) (some []Point) {
	for _, r := range all {
		some = append(some, Point{r.At, r.Value})
	}
	return some
}

func TestWhatWasToldIsKnownAfterAStart(t *testing.T) {
	w := New(fridge)
	hot := readings("temperature", 0, steady(12, 8)...)
	told := w.Take(hot)
	if len(told) != 1 {
		t.Fatal(tell(told))
	}
	again := New(fridge)
	again.Load(truck, "temperature", points(hot[5:]), told) // the first minutes are gone
	if news := again.Take(readings("temperature", 12, 8.5)); len(news) != 0 {
		t.Error(tell(news))
	}
	if got := tell(again.Take(readings("temperature", 13, 4))); got != "temperatureabove 0-13 [8 8.5]" {
		t.Error(got)
	}
	if len(again.Going()) != 0 {
		t.Error(tell(again.Going()))
	}
}

func TestTimeOutAddsUp(t *testing.T) {
	day := func(iot.ID) (Device, bool) {
		return Device{Interval: time.Minute, Limits: map[string]Limit{"temperature": {High: ptr(6), Grace: 10 * time.Minute, Total: 25 * time.Minute}}}, true
	}
	w := New(day)
	var told []Excursion
	for i := range 5 {
		told = append(told, w.Take(readings("temperature", 30*i, slices.Concat(steady(8, 7), steady(22, 4))...))...)
	}
	if got := tell(told); got != "temperaturerepeated 92-… [7 7]" {
		t.Error(got)
	}
}

func TestSilence(t *testing.T) {
	w := New(fridge)
	w.Take(readings("humidity", 0, 50))
	if got := tell(w.Tick(at(3))); got != "" {
		t.Error(got)
	}
	if got := tell(w.Tick(at(3.5))); got != "silent 0-… [0 0]" || tell(w.Tick(at(4))) != "" || len(w.Going()) != 1 {
		t.Error(got)
	}
	if got := tell(w.Take(readings("humidity", 5, 50))); got != "silent 0-5 [0 0]" || len(w.Going()) != 0 {
		t.Error(got)
	}
}

func TestEventsAreValid(t *testing.T) {
	about := About{Device: "https://id.gs1.org/8004/9506000134T7", Things: []string{"https://id.gs1.org/8003/095060001343521001"}, Lots: []string{"https://id.gs1.org/01/09506000134352/10/L1"}}
	w := New(fridge)
	told := w.Take(append(readings("temperature", 0, slices.Concat(steady(12, 8.123456), steady(2, 4))...), readings("door", 0, steady(9, 1)...)...))
	if len(told) != 2 {
		t.Fatal(tell(told))
	}
	for _, x := range told {
		e := x.Event(about, "+08:00")
		if problems := e.Validate(); len(problems) > 0 {
			t.Errorf("%v", problems)
		}
		one, err := e.Hash()
		again := x.Event(about, "+08:00")
		if two, _ := again.Hash(); err != nil || one != two {
			t.Errorf("%s %s %v", one, two, err)
		}
	}
	if e := told[1].Event(about, "+08:00"); string(e.Sensors[0].Reports[0].MaxValue) != "8.123" && string(told[0].Event(about, "").Sensors[0].Reports[0].MaxValue) != "8.123" {
		t.Errorf("%+v", e.Sensors)
	}
}

func TestMKT(t *testing.T) {
	if got := MKT(steady(10, 5), nil); math.Abs(got-5) > 1e-9 {
		t.Error(got)
	}
	if got := MKT([]float64{2, 8}, []float64{3, 1}); got < 3.5 || got > 5 {
		t.Error(got)
	}
	if !math.IsNaN(MKT(nil, nil)) {
		t.Error("of nothing")
	}
	rapid.Check(t, func(t *rapid.T) { // it lies above the mean, and below the highest
		values := rapid.SliceOfN(rapid.Float64Range(-30, 40), 1, 50).Draw(t, "values")
		sum := 0.0
		for _, v := range values {
			sum += v
		}
		if got := MKT(values, nil); got < sum/float64(len(values))-1e-6 || got > slices.Max(values)+1e-6 {
			t.Fatal(got, values)
		}
	})
}

func TestExposure(t *testing.T) {
	var all []Point
	for i := range 120 { // two hours, with 20 minutes of nothing and 10 too warm
		if i >= 40 && i < 60 {
			continue
		}
		v := 4.0
		if i >= 80 && i < 90 {
			v = 9
		}
		all = append(all, Point{at(float64(i)), v})
	}
	x := Expose(all, []Span{{at(10), at(100)}, {at(50), at(110)}, {at(200), at(230)}, {at(5), at(5)}}, 3*time.Minute, ptr(2), ptr(6))
	if len(x.Spans) != 2 || x.Hot != 10 || x.Cold != 0 || x.High != 9 || x.Low != 4 {
		t.Errorf("%+v", x)
	}
	if len(x.Gaps) != 2 || !x.Gaps[0].From.Equal(at(42)) || !x.Gaps[0].To.Equal(at(60)) || !x.Gaps[1].From.Equal(at(200)) || x.Missing != 18+30 {
		t.Errorf("%+v", x.Gaps)
	}
	if math.Abs(x.Covered+x.Missing-130) > 1e-9 || x.Mean < 4.5 || x.Mean > 5 || x.Kinetic < x.Mean {
		t.Errorf("%+v", x)
	}
	if none := Expose(nil, []Span{{at(0), at(60)}}, time.Minute, nil, nil); none.Missing != 60 || none.Readings != 0 || len(none.Gaps) != 1 {
		t.Errorf("%+v", none)
	}
}

// Covered and missing time are all the time there is, whatever comes.
func TestNoTimeIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []Point
		for _, m := range rapid.SliceOf(rapid.IntRange(0, 300)).Draw(t, "minutes") {
			all = append(all, Point{at(float64(m)), 4})
		}
		var spans []Span
		for range rapid.IntRange(0, 5).Draw(t, "spans") {
			from := rapid.IntRange(0, 300).Draw(t, "from")
			spans = append(spans, Span{at(float64(from)), at(float64(from + rapid.IntRange(0, 90).Draw(t, "length")))})
		}
		hold := time.Duration(rapid.IntRange(1, 10).Draw(t, "hold")) * time.Minute
		x := Expose(all, spans, hold, nil, nil)
		total, lead := 0.0, 0.0
		for _, s := range x.Spans {
			total += s.To.Sub(s.From).Minutes()
			lead += hold.Minutes() // before the first reading of a span
		}
		if sum := x.Covered + x.Missing; sum > total+1e-6 || sum < total-lead-1e-6 {
			t.Fatalf("%v of %v", sum, total)
		}
	})
}
