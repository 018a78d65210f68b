package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// fleetOf is a registry of so many devices.
type fleetOf int

func (fleetOf) Device(id iot.ID) (Device, bool) {
	return Device{ID: id, Active: true, Channels: []string{"temperature"}}, true
}

// TestManyReadings stores readings of many devices, a reading every ten seconds,
// seals them, and asks for charts: 10^5 of 100 devices, and with
// TALLYWAY_TORTURE=1 10^7 of 1,000. One changed byte among them is found.
func TestManyReadings(t *testing.T) {
	devices, each := 100, 1000
	if os.Getenv("TALLYWAY_TORTURE") != "" {
		devices, each = 1000, 10_000
	}
	ctx := t.Context()
	db, err := readmodel.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "readings.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := Open(ctx, Config{DB: db, Decode: values, Registry: fleetOf(devices)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	name := func(d int) iot.ID { return iot.ID{Party: "swift-cold", Name: fmt.Sprint("d", d)} }
	begun := time.Now()
	fill(t, s, name, devices, each)
	stored := time.Since(begun)
	ledger := map[string]Window{}
	begun = time.Now()
	b := &bed{Store: s, t: t, db: db}
	for len(ledger) < devices {
		b.sealAll(10*each+3600, ledger)
	}
	sealed := time.Since(begun)
	var waits []time.Duration
	random := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		from := at(random.IntN(5 * each))
		begun := time.Now()
		c, err := s.Curve(ctx, name(random.IntN(devices)), "temperature", from, from.Add(time.Duration(1+random.IntN(10*each))*time.Second), 600)
		if err != nil || len(c.Points) > 700 {
			t.Fatal(len(c.Points), err)
		}
		waits = append(waits, time.Since(begun))
	}
	slices.Sort(waits)
	begun = time.Now()
	p, err := s.Prove(ctx, name(7), "temperature", at(500))
	proved := time.Since(begun)
	if err != nil || p.Check(ledger[Window{Device: name(7), From: p.From, Part: 1}.String()].Root) != nil {
		t.Fatal(p, err)
	}
	begun = time.Now()
	if r := b.verify(ledger); len(r.Faults) != 0 || r.Readings != int64(devices*each) {
		t.Fatalf("%+v", r)
	}
	verified := time.Since(begun)
	b.exec(`UPDATE iot_readings SET value = value + 0.000001 WHERE series = $1 AND at = $2`, s.devices[name(devices/2)].series["temperature"].number, at(500).UnixMicro())
	if r := b.verify(ledger); len(r.Faults) != 1 || r.Faults[0][:len(name(devices/2).String())] != name(devices/2).String() {
		t.Errorf("%v", r.Faults)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%d readings of %d devices: stored in %v (%.0f a second), %d windows closed and sealed in %v, curve p50 %v p99 %v, proof %v, verify %v, heap %d MB",
		devices*each, devices, stored, float64(devices*each)/stored.Seconds(), len(ledger), sealed, waits[len(waits)/2], waits[len(waits)*99/100], proved, verified, m.HeapAlloc>>20)
}

// fill stores packs of readings, device by device.
func fill(t *testing.T, s *Store, name func(int) iot.ID, devices, each int) {
	const pack = 250
	var wait sync.WaitGroup
	for from := 0; from < each; from += pack {
		for d := range devices {
			some := make([]iot.Measurement, 0, pack)
			for i := from; i < min(from+pack, each); i++ {
				some = append(some, iot.Measurement{Channel: "temperature", At: at(10 * i), Value: math.Round((4+2*math.Sin(float64(i+d)/50))*100) / 100})
			}
			payload, err := json.Marshal(some)
			if err != nil {
				t.Fatal(err)
			}
			wait.Add(1)
			s.Take(iot.Message{Topic: "tw/" + name(d).String() + "/json", By: name(d), Payload: payload, Received: at(10 * each), Done: func(err error) {
				if err != nil {
					t.Error(err)
				}
				wait.Done()
			}})
		}
	}
	wait.Wait()
	if n, err := readmodel.One[int64](context.Background(), s.db, `SELECT COUNT(*) FROM iot_readings`); err != nil || n != int64(devices*each) {
		t.Fatalf("%d stored, %v", n, err)
	}
}
