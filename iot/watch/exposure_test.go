package watch

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tallyway/tallyway/iot"
	"pgregory.net/rapid"
)

var (
	van  = iot.ID{Party: "swift-cold", Name: "van-1"}
	room = iot.ID{Party: "polar", Name: "room-3"}
)

func TestExposureOverTwoDevicesAndAGap(t *testing.T) {
	q := Question{Kind: "temperature", From: at(0), To: at(100), Low: f(2), High: f(8),
		Stays:     []Stay{{truck, at(0), at(40)}, {room, at(60), at(100)}},
		Intervals: map[iot.ID]time.Duration{truck: 10 * time.Minute, room: 5 * time.Minute},
		Legs:      []Leg{{"road", at(-5), at(50)}, {"store", at(50), at(100)}, {"never", at(200), at(300)}}}
	q.Readings = append(q.Readings, reading("temperature", -4, 6), reading("temperature", 10, 10), reading("temperature", 20, 4), reading("temperature", 30, 0), reading("humidity", 30, 50))
	q.Readings = append(q.Readings, iot.Reading{Device: room, Channel: "temperature.rear", At: at(70), Value: 5})
	a := Exposure(q)
	type short struct {
		from, to float64
		cover    Cover
		mean     float64
	}
	var got []short
	for _, p := range a.Curve {
		got = append(got, short{p.From.Sub(noon).Minutes(), p.To.Sub(noon).Minutes(), p.Cover, p.Mean})
	}
	if want := []short{{0, 10, Covered, 6}, {10, 20, Covered, 10}, {20, 30, Covered, 4}, {30, 40, Covered, 0}, {40, 60, Without, 0}, {60, 70, Mute, 0}, {70, 85, Covered, 5}, {85, 100, Mute, 0}}; !slices.Equal(got, want) {
		t.Errorf("curve %v\nwant  %v", got, want)
	}
	if a.Covered != 55*time.Minute || a.Without != 20*time.Minute || a.Silent != 25*time.Minute || a.Coverage != 55 || a.Hot != 10*time.Minute || a.Cold != 10*time.Minute ||
		a.HotDegreeMinutes != 20 || a.ColdDegreeMinutes != 20 || math.Abs(a.Mean-275.0/55) > 1e-9 || a.Min != 0 || a.MinAt != at(30) || a.Max != 10 || a.MaxAt != at(10) {
		t.Errorf("%+v", a.Figures)
	}
	if len(a.Gaps()) != 3 || len(a.Legs) != 3 || a.Legs[0].Covered != 40*time.Minute || a.Legs[0].From != at(0) || a.Legs[1].Max != 5 || a.Legs[2].Known || a.Legs[2].Coverage != 0 {
		t.Errorf("%+v %+v", a.Gaps(), a.Legs)
	}
}

func TestSeveralSensorsCountByTheWorst(t *testing.T) {
	q := Question{Kind: "temperature", From: at(0), To: at(10), Low: f(2), High: f(8), Stays: []Stay{{truck, at(0), at(10)}},
		Readings: []iot.Reading{reading("temperature", 0, 1), reading("temperature.rear", 0, 9)}}
	a := Exposure(q)
	if len(a.Curve) != 1 || a.Curve[0].Sensors != 2 || a.Mean != 5 || a.Hot != 10*time.Minute || a.Cold != 10*time.Minute || math.Abs(a.MKT-9) > 1e-9 {
		t.Errorf("%+v", a)
	}
}

func drawQuestion(t *rapid.T) Question {
	devices := []iot.ID{truck, van, room}
	q := Question{Kind: "temperature", From: at(30), To: at(30 + float64(rapid.IntRange(0, 200).Draw(t, "long"))), Low: f(2), High: f(8),
		Intervals: map[iot.ID]time.Duration{truck: 3 * time.Minute, van: 7 * time.Minute}}
	for range rapid.IntRange(0, 6).Draw(t, "stays") {
		from := float64(rapid.IntRange(0, 240).Draw(t, "from"))
		q.Stays = append(q.Stays, Stay{rapid.SampledFrom(devices).Draw(t, "with"), at(from), at(from + float64(rapid.IntRange(-3, 90).Draw(t, "stay")))})
	}
	seen := map[string]bool{}
	for range rapid.IntRange(0, 80).Draw(t, "readings") {
		r := iot.Reading{Device: rapid.SampledFrom(devices).Draw(t, "of"), Channel: rapid.SampledFrom([]string{"temperature", "temperature.rear", "humidity"}).Draw(t, "channel"),
			At: at(float64(rapid.IntRange(0, 260).Draw(t, "at"))), Value: float64(rapid.IntRange(-4, 30).Draw(t, "value"))}
		if key := fmt.Sprint(r.Device, r.Channel, r.At); !seen[key] {
			seen[key] = true
			q.Readings = append(q.Readings, r)
		}
	}
	cut := at(30 + float64(rapid.IntRange(0, 200).Draw(t, "cut")))
	q.Legs = []Leg{{"first", q.From, earliest(cut, q.To)}, {"second", earliest(cut, q.To), q.To}}
	return q
}

// byMinute answers a question whose times are whole minutes, minute by minute.
func byMinute(q Question) (f Figures) {
	for m := q.From; m.Before(q.To); m = m.Add(time.Minute) {
		there := map[iot.ID]bool{}
		for _, s := range q.Stays {
			there[s.Device] = there[s.Device] || !m.Before(s.From) && m.Before(s.To)
		}
		last := map[source]iot.Reading{}
		for _, r := range q.Readings {
			key := source{r.Device, r.Channel}
			if before, ok := last[key]; there[r.Device] && r.Channel != "humidity" && !r.At.After(m) && (!ok || r.At.After(before.At)) {
				last[key] = r
			}
		}
		low, high, n := math.Inf(1), math.Inf(-1), 0
		for _, r := range last {
			if hold := 3 * q.Intervals[r.Device]; hold == 0 || m.Before(r.At.Add(hold)) {
				low, high, n = math.Min(low, r.Value), math.Max(high, r.Value), n+1
			}
		}
		switch {
		case n > 0:
			f.take(Piece{From: m, To: m.Add(time.Minute), Low: low, High: high}, q.Low, q.High)
		case there[truck] || there[van] || there[room]:
			f.Silent += time.Minute
		default:
			f.Without += time.Minute
		}
	}
	return f
}

func TestExposureIsWhatEachMinuteSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuestion(t)
		a := Exposure(q)
		want := byMinute(q)
		if got := a.Figures; got.Covered != want.Covered || got.Silent != want.Silent || got.Without != want.Without || got.Hot != want.Hot || got.Cold != want.Cold ||
			got.HotDegreeMinutes != want.HotDegreeMinutes || got.ColdDegreeMinutes != want.ColdDegreeMinutes || got.Min != want.Min || got.Max != want.Max || got.MinAt != want.MinAt || got.MaxAt != want.MaxAt {
			t.Fatalf("%+v\nwant %+v", got, want)
		}
		checkFigures(t, a.Figures)
		first, second := a.Legs[0].Figures, a.Legs[1].Figures
		checkFigures(t, first)
		checkFigures(t, second)
		if first.Covered+second.Covered != a.Covered || first.Silent+second.Silent != a.Silent || first.Hot+second.Hot != a.Hot ||
			math.Abs(first.Mean*first.Covered.Seconds()+second.Mean*second.Covered.Seconds()-a.Mean*a.Covered.Seconds()) > 1e-6 {
			t.Fatalf("the legs %+v\n%+v\nare not the whole %+v", first, second, a.Figures)
		}
		for i, p := range a.Curve {
			if !p.To.After(p.From) || i > 0 && !p.From.Equal(a.Curve[i-1].To) {
				t.Fatalf("the curve has a hole: %+v", a.Curve)
			}
		}
		shuffled := q
		shuffled.Readings = rapid.Permutation(q.Readings).Draw(t, "shuffled")
		shuffled.Readings = append(shuffled.Readings, q.Readings[:len(q.Readings)/3]...)
		shuffled.Stays = append(rapid.Permutation(q.Stays).Draw(t, "stays"), q.Stays...)
		if b := Exposure(shuffled); !reflect.DeepEqual(a, b) {
			t.Fatalf("another order, another answer: %+v\n%+v", a, b)
		}
	})
}

func checkFigures(t *rapid.T, f Figures) {
	const little = 1e-9
	if f.Covered+f.Silent+f.Without != f.To.Sub(f.From) || f.Hot > f.Covered || f.Cold > f.Covered || f.Coverage < 0 || f.Coverage > 100 || f.Known != (f.Covered > 0) {
		t.Fatalf("%+v", f)
	}
	if f.Known && (f.Min > f.Mean+little || f.Mean > f.MKT+little || f.MKT > f.Max+little) {
		t.Fatalf("%+v", f)
	}
}

// plainMKT is the mean kinetic temperature of values that all weigh the same.
func plainMKT(celsius []float64) float64 {
	var k kinetic
	for _, c := range celsius {
		k.add(c, 1)
	}
	return k.mean()
}

func TestKineticMean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-80, 60), 1, 40).Draw(t, "values")
		var weighed kinetic
		var repeated []float64
		for _, v := range values {
			long := rapid.IntRange(1, 5).Draw(t, "long")
			weighed.add(v, float64(long))
			repeated = append(repeated, slices.Repeat([]float64{v}, long)...)
		}
		plain, sum, mean := plainMKT(values), 0.0, 0.0
		for _, v := range values {
			sum += math.Exp(-83144 / 8.3144 / (v + 273.15))
			mean += v / float64(len(values))
		}
		if want := 83144/8.3144/-math.Log(sum/float64(len(values))) - 273.15; math.Abs(plain-want) > 1e-9 {
			t.Fatalf("%v, by the formula %v", plain, want)
		}
		if got, want := weighed.mean(), plainMKT(repeated); math.Abs(got-want) > 1e-9 {
			t.Fatalf("weighed %v, each for itself %v", got, want)
		}
		if plain < mean-1e-9 || plain > slices.Max(values)+1e-9 {
			t.Fatalf("%v of %v, mean %v", plain, values, mean)
		}
	})
	if !math.IsNaN(plainMKT(nil)) {
		t.Error("there is a mean of nothing")
	}
	if got := plainMKT([]float64{-272, -272}); math.Abs(got+272) > 1e-9 {
		t.Errorf("near absolute zero: %v", got)
	}
}

func BenchmarkExposure(b *testing.B) {
	q := Question{Kind: "temperature", From: at(0), To: at(100000), Low: f(2), High: f(8), Stays: []Stay{{truck, at(0), at(100000)}}}
	for i := range 100000 {
		q.Readings = append(q.Readings, reading("temperature", float64(i), float64(i%12)))
	}
	for b.Loop() {
		Exposure(q)
	}
}
