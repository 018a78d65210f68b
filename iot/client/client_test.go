package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"github.com/tallyway/tallyway/iot"
)

const topic = "tw/swift-cold/truck-7/senml"

// sink keeps what comes, and does with it what the test says.
type sink struct {
	mu   sync.Mutex
	all  []iot.Message
	took func(n int, m iot.Message) // the n-th message, from 1; nil: it is durable at once
}

func (s *sink) Take(m iot.Message) {
	s.mu.Lock()
	s.all = append(s.all, m)
	n, took := len(s.all), s.took
	s.mu.Unlock()
	if took == nil {
		m.Done(nil)
		return
	}
	took(n, m)
}

func (s *sink) then(took func(int, iot.Message)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.took = took
}

// payloads counts how often each came.
func (s *sink) payloads() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]int{}
	for _, m := range s.all {
		all[string(m.Payload)]++
	}
	return all
}

func (s *sink) came() []iot.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]iot.Message(nil), s.all...)
}

// until waits for something to be so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if so() {
			return
		}
	}
	t.Fatalf("not within 20 seconds: %s", what)
}

func (s *sink) wait(t *testing.T, n int) []iot.Message {
	t.Helper()
	until(t, fmt.Sprint(n, " messages come"), func() bool { return len(s.came()) >= n })
	return s.came()
}

func dial(t *testing.T, address string, c Config) *Client {
	t.Helper()
	if c.Data == "" {
		c.Data = t.TempDir()
	}
	client, err := Dial(t.Context(), address, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// publisher sends like a device: what was not acknowledged again, as long as it takes.
func publisher(t *testing.T, m *mosquitto) paho.Client {
	t.Helper()
	o := paho.NewClientOptions().AddBroker("tcp://127.0.0.1:" + m.port).SetClientID("device").SetCleanSession(false).SetConnectRetry(true).SetConnectRetryInterval(50 * time.Millisecond).SetMaxReconnectInterval(50 * time.Millisecond)
	c := paho.NewClient(o)
	if token := c.Connect(); !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		t.Fatalf("connect a device: %v", token.Error())
	}
	t.Cleanup(func() { c.Disconnect(250) })
	return c
}

func publish(t *testing.T, c paho.Client, topic, payload string) {
	t.Helper()
	if token := c.Publish(topic, 1, false, payload); !token.WaitTimeout(20*time.Second) || token.Error() != nil {
		t.Fatalf("%s was not acknowledged: %v", payload, token.Error())
	}
}

// What the broker acknowledged to a device reaches the sink, whatever is
// restarted meanwhile: the broker, or the host.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	noLeaks(t)
	m := startMosquitto(t)
	s, data := &sink{}, t.TempDir()
	c := dial(t, m.address(), Config{Data: data, Sink: s})
	device := publisher(t, m)
	const n = 1500
	send := func(from, to int) { // twenty at a time, each again until it is acknowledged
		var all sync.WaitGroup
		for lane := range 20 {
			all.Go(func() {
				for i := from + lane; i < to; i += 20 {
					for tries := 0; ; tries++ {
						token := device.Publish(topic, 1, false, fmt.Sprint(i))
						if token.WaitTimeout(2*time.Second) && token.Error() == nil {
							break
						}
						if tries == 10 {
							t.Errorf("%d is not acknowledged: %v", i, token.Error())
							return
						}
						time.Sleep(50 * time.Millisecond)
					}
				}
			})
		}
		all.Wait()
	}
	sent := make(chan struct{})
	go func() { defer close(sent); send(0, n/3) }()
	s.wait(t, n/10)
	m.stop()
	m.start()
	<-sent
	until(t, "it is healthy again", func() bool { return c.Health() == nil })
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	send(n/3, 2*n/3) // the host is away
	m.stop()         // and so is the broker
	m.start()
	dial(t, m.address(), Config{Data: data, Sink: s})
	send(2*n/3, n)
	until(t, "all of it comes", func() bool { return len(s.payloads()) == n })
}

// What the sink did not store comes again, the same; what it stored does not.
func TestUnstoredMessagesComeAgain(t *testing.T) {
	noLeaks(t)
	m := startMosquitto(t)
	s, data := &sink{}, t.TempDir()
	s.then(func(n int, m iot.Message) {
		if n <= 2 {
			m.Done(errors.New("the disk is full"))
			return
		}
		m.Done(nil)
	})
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := dial(t, m.address(), Config{Data: data, Sink: s, Clock: func() time.Time { return at }})
	publish(t, publisher(t, m), topic, "4.1")
	for _, got := range s.wait(t, 3) {
		if string(got.Payload) != "4.1" || got.Topic != topic || got.By != (iot.ID{}) || !got.Received.Equal(at) {
			t.Errorf("%+v", got)
		}
	}
	until(t, "it is healthy again", func() bool { return c.Health() == nil })
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	c = dial(t, m.address(), Config{Data: data, Sink: s})
	publish(t, publisher(t, m), topic, "4.2")
	until(t, "the next comes", func() bool { return s.payloads()["4.2"] == 1 })
	if again := s.payloads()["4.1"]; again != 3 {
		t.Errorf("it came %d times, and was stored the third time", again)
	}
}

// A message that the sink holds while the connection goes comes again; that the
// first one is stored late acknowledges nothing else.
func TestALateAnswerAcknowledgesNothingElse(t *testing.T) {
	noLeaks(t)
	m := startMosquitto(t)
	s := &sink{}
	s.then(func(int, iot.Message) {})
	c := dial(t, m.address(), Config{Sink: s})
	device := publisher(t, m)
	publish(t, device, topic, "held")
	held := s.wait(t, 1)[0]
	for sessions := int64(1); sessions <= 2; sessions++ {
		m.stop()
		m.start()
		until(t, "it connects again", func() bool { return c.Counts().Sessions.Load() == sessions+1 })
		all := s.wait(t, int(sessions)+1)
		if again := all[sessions]; string(again.Payload) != "held" {
			t.Errorf("%q came", again.Payload)
		}
		if sessions == 1 {
			held.Done(nil) // over a connection that is gone
		}
	}
	for _, m := range s.came()[1:] {
		m.Done(nil)
	}
}

// A sink that blocks holds up the stream, not the connection, and memory stays
// bounded.
func TestASlowSinkKeepsTheConnection(t *testing.T) {
	noLeaks(t)
	m := startMosquitto(t, "allow_anonymous true", "max_inflight_messages 0")
	s, open := &sink{}, make(chan struct{})
	s.then(func(n int, m iot.Message) {
		if n == 1 {
			<-open
		}
		m.Done(nil)
	})
	c := dial(t, m.address(), Config{Sink: s, beat: time.Second, patience: 300 * time.Millisecond, mostMessage: 400})
	device := publisher(t, m)
	const n = 300
	for i := range n {
		publish(t, device, topic, fmt.Sprint(i))
	}
	time.Sleep(3 * time.Second) // several signs of life
	if len(s.came()) != 1 || c.Health() != nil || c.Counts().Sessions.Load() != 1 {
		t.Errorf("%d came, health %v, %d connections", len(s.came()), c.Health(), c.Counts().Sessions.Load())
	}
	close(open)
	for i, m := range s.wait(t, n) {
		if string(m.Payload) != fmt.Sprint(i) {
			t.Fatalf("%d came as number %d", m.Payload, i)
		}
	}
}

// More than is stored is not taken: it waits at the broker.
func TestAFullInboxLosesNothing(t *testing.T) {
	noLeaks(t)
	m := startMosquitto(t, "allow_anonymous true", "max_inflight_messages 0")
	s, open := &sink{}, make(chan struct{})
	s.then(func(n int, m iot.Message) {
		if n == 1 {
			<-open
		}
		m.Done(nil)
	})
	c := dial(t, m.address(), Config{Sink: s, patience: 50 * time.Millisecond, mostMessage: 20})
	device := publisher(t, m)
	const n = 300
	for i := range n {
		publish(t, device, topic, fmt.Sprint(i))
	}
	until(t, "it notices", func() bool { return errors.Is(c.Health(), errFull) })
	c.inbox.mu.Lock()
	waiting := len(c.inbox.all)
	c.inbox.mu.Unlock()
	if waiting > 20 {
		t.Errorf("%d wait", waiting)
	}
	close(open)
	until(t, "all of it comes", func() bool { return len(s.payloads()) == n })
}

// Over TLS, the broker shows a certificate of the authority that the address
// names, and so does the host.
func TestCertificates(t *testing.T) {
	noLeaks(t)
	a, stranger := newAuthority(t), newAuthority(t)
	cert, key := a.issue("broker")
	m := startMosquitto(t, "allow_anonymous false", "cafile "+filepath.Join(a.dir, "ca.crt"), "certfile "+cert, "keyfile "+key, "require_certificate true", "use_identity_as_username true")
	cert, key = a.issue("tallyway")
	wrong, wrongKey := stranger.issue("tallyway")
	at := func(ca, cert, key string) string {
		return "mqtts://127.0.0.1:" + m.port + "?ca=" + filepath.Join(ca, "ca.crt") + "&cert=" + cert + "&key=" + key
	}
	s := &sink{}
	c := dial(t, at(a.dir, cert, key), Config{Sink: s})
	if err := c.Health(); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program(t, "mosquitto_pub"), "-h", "127.0.0.1", "-p", m.port, "--cafile", filepath.Join(a.dir, "ca.crt"), "--cert", cert, "--key", key, "-q", "1", "-t", topic, "-m", "4.1").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.wait(t, 1)
	for name, address := range map[string]string{
		"the broker's authority is another": at(stranger.dir, cert, key),
		"the host's authority is another":   at(a.dir, wrong, wrongKey),
		"the host has no certificate":       "mqtts://127.0.0.1:" + m.port + "?ca=" + filepath.Join(a.dir, "ca.crt"),
		"the broker's authority is unknown": "mqtts://127.0.0.1:" + m.port,
	} {
		if err := dial(t, address, Config{Sink: s}).Health(); err == nil {
			t.Errorf("%s: it is healthy", name)
		}
	}
	if _, err := Dial(t.Context(), at(a.dir, cert, key+".not"), Config{Data: t.TempDir(), Sink: s}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a key that is not there: %v", err)
	}
}

// The password goes to the broker and nowhere else.
func TestPasswords(t *testing.T) {
	noLeaks(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "passwords")
	if out, err := exec.Command(program(t, "mosquitto_passwd"), "-b", "-c", file, "tallyway", "sesame-1").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	m := startMosquitto(t, "allow_anonymous false", "password_file "+file)
	var told bytes.Buffer
	log := slog.New(slog.NewTextHandler(&told, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if err := dial(t, m.address("tallyway@"), Config{Sink: &sink{}, Password: "sesame-1", Log: log}).Health(); err != nil {
		t.Error(err)
	}
	refused := dial(t, m.address("tallyway@"), Config{Sink: &sink{}, Password: "sesame-2", Log: log})
	if err := refused.Health(); err == nil || strings.Contains(err.Error(), "sesame") {
		t.Errorf("a wrong password: %v", err)
	}
	if err := refused.Publish(topic, nil); err == nil {
		t.Error("it published")
	}
	if err := refused.Close(); err != nil { // it writes its last line
		t.Error(err)
	}
	if strings.Contains(told.String(), "sesame") || !strings.Contains(told.String(), "no connection to the broker") {
		t.Errorf("the log says\n%s", told.String())
	}
}

// Commands reach devices, and do not come back as readings; nor does what the
// broker retained, which is old.
func TestCommandsAreNoReadings(t *testing.T) {
	noLeaks(t)
	m := startMosquitto(t)
	s := &sink{}
	device := publisher(t, m)
	if token := device.Publish(topic, 1, true, "old"); token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	const command = "spBv1.0/swift-cold/NCMD/gate"
	heard := make(chan string, 1)
	if token := device.Subscribe(command, 1, func(_ paho.Client, m paho.Message) { heard <- string(m.Payload()) }); token.Wait() && token.Error() != nil {
		t.Fatal(token.Error())
	}
	c := dial(t, m.address(), Config{Sink: s})
	if err := c.Publish(command, []byte("rebirth")); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != "rebirth" {
		t.Errorf("the device heard %q", got)
	}
	publish(t, device, "spBv1.0/STATE/scada", "{}")
	publish(t, device, "spBv1.0/swift-cold/NDATA/gate", "data")
	publish(t, device, "tw/swift-cold/gate/xml", "unknown") // its letter is dead, and kept
	publish(t, device, topic, strings.Repeat("x", iot.MaxPayload+9))
	got := s.wait(t, 3)
	if len(got) != 3 || string(got[0].Payload) != "data" || string(got[1].Payload) != "unknown" || got[2].Refused == nil || got[2].Refused.Code != "iot/payload-size" || len(got[2].Payload) != iot.MaxPayload {
		t.Errorf("%d messages came", len(got))
	}
	if n := c.Counts().Ignored.Load(); n != 3 {
		t.Errorf("%d were ignored", n)
	}
}

// A broker that is away does not keep a host from starting, nor one that never
// answers from stopping.
func TestABrokerThatIsAway(t *testing.T) {
	noLeaks(t)
	m := startMosquitto(t)
	m.stop()
	s := &sink{}
	c := dial(t, m.address(), Config{Sink: s})
	if c.Health() == nil {
		t.Error("it is healthy")
	}
	m.start()
	until(t, "it connects", func() bool { return c.Health() == nil })
	if err := c.Close(); err != nil || c.Health() == nil {
		t.Errorf("closed: %v, health %v", err, c.Health())
	}
	deaf := listenOnly(t)
	short, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	began := time.Now()
	if _, err := Dial(short, "mqtt://"+deaf, Config{Data: t.TempDir(), Sink: s}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a broker that does not answer: %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s to give up", took)
	}
}

// The id stays with the folder.
func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	first, fresh, err := identity(dir)
	again, old, err2 := identity(dir)
	if err != nil || err2 != nil || !fresh || old || first != again || len(first) > 23 {
		t.Errorf("%q, %q: %v, %v", first, again, err, err2)
	}
	if err := os.WriteFile(filepath.Join(dir, "mqtt-client"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if other, fresh, err := identity(dir); err != nil || !fresh || other == first {
		t.Errorf("%q, %v", other, err)
	}
	if _, _, err := identity(filepath.Join(dir, "not")); err == nil {
		t.Error("no folder, and no error")
	}
}
