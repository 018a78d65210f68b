package simulator

import (
	"crypto/x509"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/broker"
	"github.com/tallyway/tallyway/iot/senml"
)

var start = time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)

func day(plan Plan, seed uint64) (temperatures []float64, told int) {
	m := New(plan, seed, start)
	for i := range 24 * 60 {
		for _, v := range m.Step(start.Add(time.Duration(i) * time.Minute)) {
			if v.Channel == "temperature" {
				temperatures, told = append(temperatures, v.Value), told+1
			}
		}
	}
	return temperatures, told
}

// A fridge stays about its set point, doors show as peaks, and the same seed is
// the same story.
func TestFridge(t *testing.T) {
	for seed := range uint64(5) {
		all, _ := day(Fridge(4), seed)
		again, _ := day(Fridge(4), seed)
		sum, low, high := 0.0, math.Inf(1), math.Inf(-1)
		for i, v := range all {
			sum, low, high = sum+v, min(low, v), max(high, v)
			if again[i] != v {
				t.Fatal("the same seed tells another story")
			}
		}
		if mean := sum / float64(len(all)); mean < 3 || mean > 5 || low < 1.5 || high > 9 || high < 4.9 {
			t.Errorf("seed %d: %v from %v to %v", seed, mean, low, high)
		}
	}
}

func TestFailuresDefrostsAndLosses(t *testing.T) {
	failing := Fridge(4)
	failing.Fails = start.Add(20 * time.Hour)
	all, _ := day(failing, 1)
	if last := all[len(all)-1]; last < 12 {
		t.Errorf("without cooling it is %v °C after four hours", last)
	}
	defrosting := Fridge(4)
	defrosting.Defrost, defrosting.Doors = 6*time.Hour, 0
	all, _ = day(defrosting, 1)
	peaks := 0
	for i, v := range all {
		if v > 5.2 && (i == 0 || all[i-1] <= 5.2) {
			peaks++
		}
	}
	if peaks < 3 || peaks > 12 {
		t.Errorf("%d peaks in four defrosts", peaks)
	}
	losing := Fridge(4)
	losing.Loss = 0.1
	if _, told := day(losing, 1); told > 1400 || told < 900 {
		t.Errorf("%d of 1440 minutes are told", told)
	}
}

func TestVehiclesDrive(t *testing.T) {
	plan := Fridge(4)
	plan.From, plan.To, plan.Trip = [2]float64{40, 111}, [2]float64{39, 117}, 5*time.Hour
	plan.Channels = []string{"latitude", "longitude"}
	m := New(plan, 1, start)
	seen := map[float64]bool{}
	for i := range 60 {
		v := m.Step(start.Add(time.Duration(i) * 10 * time.Minute))
		if v[0].Value < 39 || v[0].Value > 40 || v[1].Value < 111 || v[1].Value > 117 {
			t.Fatal(v)
		}
		seen[v[0].Value] = true
	}
	if len(seen) < 25 {
		t.Error("it does not move")
	}
}

type anyone struct{}

func (anyone) Admit(iot.ID, []byte) bool            { return true }
func (anyone) Holds(iot.ID, *x509.Certificate) bool { return false }

type sink struct {
	mu  sync.Mutex
	all []iot.Message
}

func (s *sink) Take(m iot.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, m)
	m.Done(nil)
}

// What is played arrives as SenML in both forms, the past too, and some of it
// twice.
func TestPlay(t *testing.T) {
	s := &sink{}
	b, err := broker.Open(broker.Config{Listen: "127.0.0.1:0", Door: anyone{}, Sink: s})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	id := func(name string) iot.ID { return iot.ID{Party: "swift-cold", Name: name} }
	p := &Play{Broker: "mqtt://" + b.Address(), Duplicates: 0.2, Shuffled: 0.1, Speed: 2000, Devices: []Device{
		{ID: id("one"), Interval: 10 * time.Second, Plan: Fridge(4), Past: 2 * time.Hour}, {ID: id("two"), Interval: 10 * time.Second, Plan: Fridge(-18), Seed: 7, CBOR: true}}}
	done := make(chan error)
	ctx := t.Context()
	go func() { done <- p.Run(ctx) }()
	for end := time.Now().Add(20 * time.Second); p.Sent() < 200; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(p.Sent())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, twice, formats := map[string]bool{}, 0, map[string]int{}
	for _, m := range s.all {
		topic, err := iot.ParseTopic(m.Topic)
		if err != nil || topic.Device != m.By {
			t.Fatal(m.Topic, err)
		}
		decode := senml.JSON
		if topic.Format == iot.CBOR {
			decode = senml.CBOR
		}
		if values, err := decode(m.By, time.Now).Decode(m.Payload); err != nil || len(values) == 0 {
			t.Fatal(values, err)
		}
		formats[topic.Format]++
		if seen[m.Topic+string(m.Payload)] {
			twice++
		}
		seen[m.Topic+string(m.Payload)] = true
	}
	if twice == 0 || formats[iot.SenML] == 0 || formats[iot.CBOR] == 0 {
		t.Errorf("%d twice, %v", twice, formats)
	}
}
