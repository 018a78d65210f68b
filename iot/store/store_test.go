package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/readmodel/pgtest"
)

var (
	start = time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)
	truck = iot.ID{Party: "swift-cold", Name: "truck-7"}
	gate  = iot.ID{Party: "swift-cold", Name: "gate"}
)

// shed is a registry with two devices.
type shed map[iot.ID]Device

func (s shed) Device(id iot.ID) (Device, bool) { d, ok := s[id]; return d, ok }

// values is the payload of these tests: a list of measurements.
func values(_ iot.Topic, d Device, payload []byte, _ time.Time) ([]Batch, error) {
	var all []iot.Measurement
	if err := json.Unmarshal(payload, &all); err != nil {
		return nil, iot.ErrPayload.Refuse("")
	}
	return []Batch{{d.ID, all}}, nil
}

type bed struct {
	*Store
	t   testing.TB
	db  *readmodel.DB
	now time.Time
}

func open(t testing.TB, db *readmodel.DB) *bed {
	t.Helper()
	b := &bed{t: t, db: db, now: start}
	b.reopen()
	t.Cleanup(func() { b.Store.Close() })
	return b
}

func (b *bed) reopen() {
	b.t.Helper()
	s, err := Open(context.Background(), Config{DB: b.db, Decode: values, Registry: shed{truck: {ID: truck, Active: true, Via: "gate", Channels: []string{"temperature", "door"}}, gate: {ID: gate, Active: true},
		{Party: "swift-cold", Name: "old"}: {ID: iot.ID{Party: "swift-cold", Name: "old"}}}})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Store = s
}

// send stores messages and waits for them.
func (b *bed) send(all ...iot.Message) {
	b.t.Helper()
	var wait sync.WaitGroup
	for _, m := range all {
		wait.Add(1)
		m.Done = func(err error) {
			if err != nil {
				b.t.Error(err)
			}
			wait.Done()
		}
		b.Take(m)
	}
	wait.Wait()
}

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func message(seconds int, all ...iot.Measurement) iot.Message {
	payload, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return iot.Message{Topic: "tw/swift-cold/truck-7/json", Payload: payload, By: truck, Received: at(seconds)}
}

func warm(seconds int, v float64) iot.Measurement {
	return iot.Measurement{Channel: "temperature", Unit: "CEL", At: at(seconds), Value: v}
}

// engines runs a test on both.
func engines(t *testing.T, test func(t *testing.T, b *bed)) {
	t.Run("sqlite", func(t *testing.T) {
		db, err := readmodel.Open(t.Context(), "sqlite::memory:")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		test(t, open(t, db))
	})
	t.Run("postgres", func(t *testing.T) {
		db, err := readmodel.Open(t.Context(), pgtest.URL(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		test(t, open(t, db))
	})
}

func (b *bed) stored() (n int64) {
	b.t.Helper()
	n, err := readmodel.One[int64](context.Background(), b.db, `SELECT COUNT(*) FROM iot_readings`)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *bed) codes() (codes []string) {
	b.t.Helper()
	all, err := b.Letters(context.Background(), "", "", 0, 100)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, l := range all {
		codes = append(codes, fmt.Sprintf("%s+%d", l.Code, l.Repeats))
	}
	slices.Sort(codes)
	return codes
}

func TestReadingsAreStoredOnce(t *testing.T) {
	engines(t, func(t *testing.T, b *bed) {
		for range 3 {
			b.send(message(60, warm(0, 4), warm(10, 4.5)), message(61, warm(20, 5)), message(61, warm(20, 5)))
		}
		b.Store.Close()
		b.reopen() // nothing of it is remembered
		b.send(message(90, warm(0, 4), warm(10, 4.5), warm(20, 5), warm(30, 5.5)))
		if n := b.stored(); n != 4 || len(b.codes()) != 0 {
			t.Errorf("%d readings, letters %v", n, b.codes())
		}
		b.send(message(95, warm(10, 9)))
		b.send(message(96, warm(30, 9)))
		if got := b.codes(); b.stored() != 4 || !slices.Equal(got, []string{"iot/contradiction+1"}) {
			t.Errorf("letters %v", got)
		}
		last, _, err := b.Latest(t.Context(), truck)
		if err != nil || len(last) != 1 || last[0].Value != 5.5 || !last[0].At.Equal(at(30)) {
			t.Errorf("latest %+v, %v", last, err)
		}
	})
}

// What is refused is kept with its reason, its neighbours are stored, and the
// stream goes on.
func TestRefusalsAreLetters(t *testing.T) {
	engines(t, func(t *testing.T, b *bed) {
		m := message(60, warm(0, 4))
		topic := func(to string, by iot.ID) iot.Message { x := m; x.Topic, x.By = to, by; return x }
		broken := m
		broken.Payload = []byte("\x00\xff no JSON")
		large := m
		large.Payload = make([]byte, iot.MaxPayload+1)
		turned := m
		turned.Refused = iot.ErrNotYourTopic.Refuse("%s", "tw/x/y/json")
		b.send(topic("nonsense", truck), topic("tw/swift-cold/truck-7/json", gate), topic("tw/swift-cold/nobody/json", iot.ID{}), topic("tw/swift-cold/old/json", iot.ID{}), broken, large, turned,
			topic("spBv1.0/swift-cold/DDATA/other/truck-7", iot.ID{}),
			message(60, warm(1, 4.1), iot.Measurement{Channel: "humidity", Value: 4}, iot.Measurement{Channel: "temperature", Unit: "LUX", Value: 4}, warm(2, math.MaxFloat64), warm(3600, 4), warm(-500*24*3600, 4)),
			message(60, warm(2, 4.2)))
		want := []string{"iot/channel+0", "iot/clock+1", "iot/no-device+0", "iot/no-device+0", "iot/not-your-topic+0", "iot/not-your-topic+0", "iot/not-your-topic+0", "iot/payload+0", "iot/payload-size+0", "iot/topic+0", "iot/unit+0", "iot/value+0"}
		if got := b.codes(); !slices.Equal(got, want) {
			t.Errorf("%v\nwant %v", got, want)
		}
		if n := b.stored(); n != 2 {
			t.Errorf("%d readings", n)
		}
		b.send(topic("spBv1.0/swift-cold/DDATA/gate/truck-7", gate)) // who speaks for it
		if n := b.stored(); n != 3 {
			t.Errorf("%d readings", n)
		}
		all, err := b.Letters(t.Context(), "swift-cold", "truck-7", 0, 100)
		for _, l := range all {
			if l.Code == "iot/payload" && l.Payload != `"\x00\xff no JSON"` {
				t.Errorf("%+v", l)
			}
		}
		if none, _ := b.Letters(t.Context(), "other", "", 0, 100); err != nil || len(all) == 0 || len(none) != 0 {
			t.Errorf("%v, %v", all, none)
		}
	})
}

// sealAll closes what is due and plays the ledger.
func (b *bed) sealAll(seconds int, ledger map[string]Window) {
	b.t.Helper()
	if _, err := b.CloseWindows(context.Background(), at(seconds)); err != nil {
		b.t.Fatal(err)
	}
	due, err := b.Unsealed(context.Background(), 1000)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, w := range due {
		if before, ok := ledger[w.String()]; ok && before != w {
			b.t.Errorf("%s is told twice: %+v, %+v", w, before, w)
		}
		ledger[w.String()] = w
	}
	if err := b.Sealed(context.Background(), due, 7, "tx"); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) verify(ledger map[string]Window) *Report {
	b.t.Helper()
	r, err := Verify(context.Background(), b.db, func(yield func(Window) error) error {
		for _, w := range ledger {
			if err := yield(w); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bed) exec(statement string, args ...any) {
	b.t.Helper()
	if _, err := b.db.ExecContext(context.Background(), statement, args...); err != nil {
		b.t.Fatal(err)
	}
}

func TestWindowsAreSealedAndProved(t *testing.T) {
	engines(t, func(t *testing.T, b *bed) {
		ledger := map[string]Window{}
		for i := range 180 { // half an hour, every ten seconds
			b.send(message(10*i, warm(10*i, 4+math.Sin(float64(i))), iot.Measurement{Channel: "door", At: at(10 * i), Value: float64(i / 90)}))
		}
		b.sealAll(15*60+119, ledger)
		if len(ledger) != 0 {
			t.Errorf("closed before its grace: %v", ledger)
		}
		b.sealAll(15*60+120, ledger)
		b.send(message(20*60, warm(5, 1))) // late
		b.Store.Close()
		b.reopen()
		b.sealAll(40*60, ledger)
		if len(ledger) != 3 {
			t.Errorf("%v", ledger)
		}
		first := ledger["swift-cold/truck-7 from 2026-11-28T08:00:00Z part 1"]
		late := ledger["swift-cold/truck-7 from 2026-11-28T08:00:00Z part 2"]
		if first.Count != 180 || late.Count != 1 || !first.To.Equal(at(900)) {
			t.Errorf("%+v %+v", first, late)
		}
		for _, c := range []struct {
			channel string
			second  int
			root    string
		}{{"temperature", 100, first.Root}, {"door", 890, first.Root}, {"temperature", 5, late.Root}} {
			p, err := b.Prove(t.Context(), truck, c.channel, at(c.second))
			if err != nil || p.Check(c.root) != nil {
				t.Errorf("%s at %d: %+v, %v", c.channel, c.second, p, err)
				continue
			}
			for _, forge := range []func(*Proof){func(p *Proof) { p.Value += 0.1 }, func(p *Proof) { p.At = p.At.Add(time.Microsecond) }, func(p *Proof) { p.Device = "swift-cold/truck-8" },
				func(p *Proof) { p.Channel = "humidity" }, func(p *Proof) { p.Leaf++ }, func(p *Proof) { p.Device = "x" }, func(p *Proof) { p.At = at(901) }, func(p *Proof) { p.Path = append(p.Path, "zz") }} {
				lie := *p
				lie.Path = slices.Clone(p.Path)
				if forge(&lie); lie.Check(c.root) == nil {
					t.Errorf("a forgery holds: %+v", lie)
				}
			}
		}
		if all, err := b.Contents(t.Context(), first); err != nil || len(all) != 180 {
			t.Errorf("%d, %v", len(all), err)
		} else if root, err := Root(all); err != nil || root != first.Root {
			t.Errorf("%s, %v", root, err)
		}
		b.send(message(41*60, warm(41*60, 3)))
		if _, err := b.Prove(t.Context(), truck, "temperature", at(41*60)); !errors.Is(err, ErrNotSealed) {
			t.Error(err)
		}
		if _, err := b.Prove(t.Context(), truck, "temperature", at(1)); !errors.Is(err, ErrNoReading) {
			t.Error(err)
		}
		if r := b.verify(ledger); len(r.Faults) != 0 || r.Windows != 3 || r.Readings != 362 {
			t.Errorf("%+v", r)
		}
	})
}

// Whatever is changed behind the store's back, verify names device and window.
func TestVerifyNamesTheWindow(t *testing.T) {
	engines(t, func(t *testing.T, b *bed) {
		ledger := map[string]Window{}
		for i := range 270 {
			b.send(message(10*i, warm(10*i, float64(i)/10)))
		}
		b.sealAll(60*60, ledger)
		x := b.Store.devices[truck].series["temperature"].number
		second := "swift-cold/truck-7 from 2026-11-28T08:15:00Z part 1"
		for name, c := range map[string]struct{ do, undo string }{
			"changed":  {`UPDATE iot_readings SET value = value + 0.001 WHERE series = $1 AND at = $2`, `UPDATE iot_readings SET value = 9.5 WHERE series = $1 AND at = $2`},
			"removed":  {`DELETE FROM iot_readings WHERE series = $1 AND at = $2`, `INSERT INTO iot_readings (series, at, value, part) VALUES ($1, $2, 9.5, 1)`},
			"inserted": {`INSERT INTO iot_readings (series, at, value, part) VALUES ($1, CAST($2 AS BIGINT) + 1, 9.5, 1)`, `DELETE FROM iot_readings WHERE series = $1 AND at = CAST($2 AS BIGINT) + 1`},
			"moved":    {`UPDATE iot_readings SET part = 2 WHERE series = $1 AND at = $2`, `UPDATE iot_readings SET part = 1 WHERE series = $1 AND at = $2`},
		} {
			b.exec(c.do, x, at(950).UnixMicro())
			r := b.verify(ledger)
			if len(r.Faults) == 0 || !strings.HasPrefix(r.Faults[0], second) {
				t.Errorf("%s: %v", name, r.Faults)
			}
			b.exec(c.undo, x, at(950).UnixMicro())
			if r := b.verify(ledger); len(r.Faults) != 0 {
				t.Errorf("%s undone: %v", name, r.Faults)
			}
		}
		b.exec(`UPDATE iot_readings SET part = 5 WHERE at < $1`, at(10).UnixMicro())
		if r := b.verify(ledger); len(r.Faults) != 2 {
			t.Errorf("%v", r.Faults)
		}
		b.exec(`UPDATE iot_readings SET part = 1`)
		gone := ledger[second]
		delete(ledger, second)
		if r := b.verify(ledger); len(r.Faults) != 1 || !strings.Contains(r.Faults[0], "said to be sealed") {
			t.Errorf("%v", r.Faults)
		}
		ledger[second] = gone
		b.exec(`UPDATE iot_windows SET root = 'ff' WHERE starts = $1`, at(900).UnixMicro())
		if r := b.verify(ledger); len(r.Faults) != 1 || !strings.HasPrefix(r.Faults[0], second) {
			t.Errorf("%v", r.Faults)
		}
		ghost := gone
		ghost.Device.Name = "gone"
		ledger["ghost"] = ghost
		b.exec(`UPDATE iot_windows SET root = $1 WHERE starts = $2`, gone.Root, at(900).UnixMicro())
		if r := b.verify(ledger); len(r.Faults) != 1 || !strings.HasPrefix(r.Faults[0], "swift-cold/gone") {
			t.Errorf("%v", r.Faults)
		}
	})
}

// Of old windows the extremes stay, with their proofs.
func TestThinnedWindowsStillProve(t *testing.T) {
	engines(t, func(t *testing.T, b *bed) {
		ledger := map[string]Window{}
		random := rand.New(rand.NewPCG(1, 2))
		low, high := math.Inf(1), math.Inf(-1)
		for i := range 180 {
			v := float64(random.IntN(1000)) / 100
			if i < 90 {
				low, high = min(low, v), max(high, v)
			}
			b.send(message(10*i, warm(10*i, v)))
		}
		b.sealAll(60*60, ledger)
		n, err := b.Thin(t.Context(), at(1000))
		if err != nil || n != 1 {
			t.Fatal(n, err)
		}
		if kept := b.stored(); kept > 90+4 || kept < 90+2 {
			t.Errorf("%d readings are left", kept)
		}
		c, err := b.Curve(t.Context(), truck, "temperature", at(0), at(900), 1000)
		if err != nil || len(c.Points) > 4 {
			t.Fatal(c, err)
		}
		gotLow, gotHigh := math.Inf(1), math.Inf(-1)
		for _, p := range c.Points {
			gotLow, gotHigh = min(gotLow, p.Low), max(gotHigh, p.High)
			proof, err := b.Prove(t.Context(), truck, "temperature", p.At)
			if err != nil || proof.Check(ledger["swift-cold/truck-7 from 2026-11-28T08:00:00Z part 1"].Root) != nil {
				t.Errorf("%+v, %v", proof, err)
			}
		}
		if gotLow != low || gotHigh != high {
			t.Errorf("%v to %v, want %v to %v", gotLow, gotHigh, low, high)
		}
		if r := b.verify(ledger); len(r.Faults) != 0 || r.Thinned != 1 {
			t.Errorf("%+v", r)
		}
		b.exec(`UPDATE iot_readings SET value = value + 1 WHERE at < $1`, at(10).UnixMicro())
		if r := b.verify(ledger); len(r.Faults) == 0 {
			t.Error("a kept reading was changed unnoticed")
		}
		if again, err := b.Thin(t.Context(), at(1000)); err != nil || again != 0 {
			t.Error(again, err)
		}
	})
}

// A curve in few points hides no extreme, whichever table it comes from.
func TestCurvesKeepExtremes(t *testing.T) {
	engines(t, func(t *testing.T, b *bed) {
		ledger := map[string]Window{}
		for i := range 720 { // two hours
			v := 4.0
			if i == 333 {
				v = 12
			}
			if i == 700 {
				v = -3
			}
			if i >= 400 && i < 500 {
				continue // a gap
			}
			b.send(message(10*i, warm(10*i, v)))
		}
		b.sealAll(110*60, ledger)
		for _, points := range []int{1, 2, 8, 60, 300, 5000} {
			c, err := b.Curve(t.Context(), truck, "temperature", at(0), at(7200), points)
			if err != nil || len(c.Points) == 0 {
				t.Fatal(c, err)
			}
			low, high, n := math.Inf(1), math.Inf(-1), int64(0)
			for i, p := range c.Points {
				low, high, n = min(low, p.Low), max(high, p.High), n+p.Count
				if p.Mean < p.Low-1e-9 || p.Mean > p.High+1e-9 || i > 0 && !p.At.After(c.Points[i-1].Last) {
					t.Errorf("%d points: %+v", points, p)
				}
			}
			if low != -3 || high != 12 || n != 620 {
				t.Errorf("in %d points: %v to %v of %d", points, low, high, n)
			}
		}
		n := 0
		if err := b.Each(t.Context(), truck, at(0), at(7200), func(r iot.Reading) error { n++; return nil }); err != nil || n != 620 {
			t.Error(n, err)
		}
	})
}

// A full queue makes senders wait; a closed store takes nothing.
func TestAFullQueueWaits(t *testing.T) {
	var q queue
	q.init()
	for range mostMessages {
		q.put(item{})
	}
	in := make(chan bool)
	go func() { in <- q.put(item{}) }()
	select {
	case <-in:
		t.Fatal("there was no room")
	case <-time.After(20 * time.Millisecond):
	}
	if got := q.take(); len(got) != atOnce || !<-in || q.waiting() != mostMessages-atOnce+1 {
		t.Error(len(got), q.waiting())
	}
	q.close()
	if q.put(item{}) {
		t.Error("a closed queue took a message")
	}
}

func FuzzLeaf(f *testing.F) {
	f.Add("temperature", int64(0), 4.5, "temperature", int64(0), 4.5000001)
	f.Fuzz(func(t *testing.T, c1 string, a1 int64, v1 float64, c2 string, a2 int64, v2 float64) {
		x, y := iot.Reading{Device: truck, Channel: c1, At: time.UnixMicro(a1), Value: v1}, iot.Reading{Device: truck, Channel: c2, At: time.UnixMicro(a2), Value: v2}
		_, ok1 := iot.KindOf(c1)
		_, ok2 := iot.KindOf(c2)
		if !ok1 || !ok2 {
			return
		}
		same := c1 == c2 && a1 == a2 && math.Float64bits(v1) == math.Float64bits(v2)
		if (string(Leaf(x)) == string(Leaf(y))) != same {
			t.Errorf("%q %q", Leaf(x), Leaf(y))
		}
	})
}
