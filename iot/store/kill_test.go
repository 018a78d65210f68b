package store

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/shared/readmodel"
)

const asSender = "TALLYWAY_TEST_SENDER"

func TestMain(m *testing.M) {
	if file := os.Getenv(asSender); file != "" {
		if err := sendForEver(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// sendForEver stores readings, one in twenty twice, and says which were
// acknowledged.
func sendForEver(file string) error {
	db, err := readmodel.Open(context.Background(), "sqlite:"+file)
	if err != nil {
		return err
	}
	s, err := Open(context.Background(), Config{DB: db, Decode: values, Registry: shed{truck: {ID: truck, Active: true, Channels: []string{"temperature"}}}})
	if err != nil {
		return err
	}
	first, err := readmodel.One[int](context.Background(), db, `SELECT COUNT(*) FROM iot_readings`)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	out, flight := bufio.NewWriter(os.Stdout), make(chan struct{}, 200)
	for n := 10 * first; ; n++ {
		payload, _ := json.Marshal([]iot.Measurement{{Channel: "temperature", At: at(n), Value: float64(n % 7)}})
		for range 1 + map[bool]int{true: 1}[n%20 == 0] {
			flight <- struct{}{}
			s.Take(iot.Message{Topic: "tw/swift-cold/truck-7/json", By: truck, Payload: payload, Received: at(n), Done: func(err error) {
				if err == nil {
					mu.Lock()
					fmt.Fprintln(out, n)
					out.Flush()
					mu.Unlock()
				}
				<-flight
			}})
		}
	}
}

// TestAKillLosesNothing: whatever was acknowledged before a kill -9 is there
// after it, once. TALLYWAY_TORTURE=1 kills 200 times.
func TestAKillLosesNothing(t *testing.T) {
	rounds := 5
	if text := os.Getenv("TALLYWAY_TORTURE"); text != "" {
		if rounds, _ = strconv.Atoi(text); rounds < 2 {
			rounds = 200
		}
	}
	file, total := filepath.Join(t.TempDir(), "readings.db"), 0
	random := rand.New(rand.NewPCG(20261128, 1))
	for round := range rounds {
		acknowledged := killed(t, file, time.Duration(30+random.IntN(250))*time.Millisecond)
		total += len(acknowledged)
		db, err := readmodel.Open(t.Context(), "sqlite:"+file)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range acknowledged {
			v, err := readmodel.All[float64](t.Context(), db, `SELECT value FROM iot_readings WHERE series = 1 AND at = $1`, at(n).UnixMicro())
			if err != nil || len(v) != 1 || v[0] != float64(n%7) {
				t.Fatalf("round %d: reading %d was acknowledged and is %v, %v", round, n, v, err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if total == 0 {
		t.Error("nothing was acknowledged")
	}
	t.Logf("%d kills, %d readings acknowledged, none lost", rounds, total)
}

// killed runs a sender for a while, kills it, and gives what it said was
// acknowledged.
func killed(t *testing.T, file string, after time.Duration) (acknowledged []int) {
	t.Helper()
	sender := exec.Command(os.Args[0])
	sender.Env = append(os.Environ(), asSender+"="+file)
	out, err := sender.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sender.Start(); err != nil {
		t.Fatal(err)
	}
	var timer *time.Timer
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if timer == nil { // it has begun
			timer = time.AfterFunc(after, func() { _ = sender.Process.Signal(syscall.SIGKILL) })
		}
		if n, err := strconv.Atoi(strings.TrimSpace(lines.Text())); err == nil {
			acknowledged = append(acknowledged, n)
		}
	}
	_ = sender.Wait() // it was killed
	return acknowledged
}
