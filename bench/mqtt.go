package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/broker"
	"github.com/tallyway/tallyway/iot/senml"
	"github.com/tallyway/tallyway/iot/store"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// mqttRow is readings of sensors, each durable before it is acknowledged, beside
// mosquitto acknowledging the same messages from memory. The publishers are the
// same: raw frames of MQTT 3.1.1 with QoS 1, one in twenty sent twice.
func mqttRow(ctx context.Context, o options) ([]result, error) {
	var all []result
	for _, crowd := range []struct {
		clients, flight int
		goal            float64
	}{{10, 100, 0.5}, {50, 20, 0.5}, {500, 4, 1}} {
		ours := func(ctx context.Context) (float64, error) { return durableASecond(ctx, o, crowd.clients, crowd.flight) }
		bare := func(ctx context.Context) (float64, error) {
			return mosquittoASecond(ctx, o, crowd.clients, crowd.flight)
		}
		sides, err := inTurns(ctx, o.rounds, ours, bare)
		if err != nil {
			return nil, err
		}
		all = append(all, result{Job: fmt.Sprintf("MQTT readings, %d clients, %d in flight each, durable", crowd.clients, crowd.flight), Beside: "mosquitto, QoS 1, in memory", Unit: "x",
			Figures: ratios(sides[0], sides[1]), AtLeast: crowd.goal, Sides: map[string][]float64{"ours, messages/s": sides[0], "mosquitto, messages/s": sides[1]}})
	}
	return all, nil
}

// everyone lets all devices in, and knows them.
type everyone struct{}

func (everyone) Admit(iot.ID, []byte) bool            { return true }
func (everyone) Holds(iot.ID, *x509.Certificate) bool { return false }
func (everyone) Device(id iot.ID) (store.Device, bool) {
	return store.Device{ID: id, Active: true, Channels: []string{"temperature"}}, true
}

func decodeSenML(_ iot.Topic, d store.Device, payload []byte, received time.Time) ([]store.Batch, error) {
	values, err := senml.JSON(d.ID, func() time.Time { return received }).Decode(payload)
	return []store.Batch{{Device: d.ID, Values: values}}, err
}

// durableASecond is one spell of the suite's broker and store, on a database of
// its own. It fails where a reading was acknowledged and is not there, or twice.
func durableASecond(ctx context.Context, o options, clients, flight int) (rate float64, err error) {
	folder, err := os.MkdirTemp(o.raw, "mqtt-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder)
	db, err := readmodel.Open(ctx, "sqlite:"+filepath.Join(folder, "readings.db"))
	if err != nil {
		return 0, err
	}
	defer db.Close()
	s, err := store.Open(ctx, store.Config{DB: db, Registry: everyone{}, Decode: decodeSenML})
	if err != nil {
		return 0, err
	}
	b, err := broker.Open(broker.Config{Listen: "127.0.0.1:0", Door: everyone{}, Sink: s})
	if err != nil {
		return 0, err
	}
	messages, distinct, rate, err := publish(ctx, b.Address(), o.spell(), clients, flight)
	err = errors.Join(err, b.Close())
	s.Close()
	if err != nil {
		return 0, err
	}
	stored, err := readmodel.One[int64](ctx, db, `SELECT COUNT(*) FROM iot_readings`)
	if err == nil && stored != distinct {
		err = fmt.Errorf("of %d messages %d readings were acknowledged, and %d are stored", messages, distinct, stored)
	}
	return rate, err
}

func mosquittoASecond(ctx context.Context, o options, clients, flight int) (rate float64, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	address := listener.Addr().(*net.TCPAddr)
	listener.Close()
	config := filepath.Join(o.raw, "mosquitto.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, "listener %d 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\nset_tcp_nodelay true\nlog_type none\n", address.Port), 0o600); err != nil {
		return 0, err
	}
	ctx, stop := context.WithCancel(ctx)
	server := exec.CommandContext(ctx, "/usr/sbin/mosquitto", "-c", config)
	if err := server.Start(); err != nil {
		stop()
		return 0, fmt.Errorf("run mosquitto, of Debian's package: %w", err)
	}
	defer func() { stop(); _ = server.Wait() }() // it was killed
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", address.String())
		if err == nil {
			c.Close()
			break
		}
		if time.Since(begun) > 10*time.Second {
			return 0, fmt.Errorf("mosquitto does not listen: %w", err)
		}
	}
	_, _, rate, err = publish(ctx, address.String(), o.spell(), clients, flight)
	return rate, err
}

// publish runs publishers for a spell and waits for what is still in flight.
func publish(ctx context.Context, address string, spell time.Duration, clients, flight int) (messages, distinct int64, rate float64, err error) {
	var all sync.WaitGroup
	var acknowledged, readings atomic.Int64
	failed := make(chan error, clients)
	var conns []net.Conn
	for n := range clients {
		conn, err := enter(ctx, address, n)
		if err != nil {
			return 0, 0, 0, err
		}
		defer conn.Close()
		conns = append(conns, conn)
	}
	begun := time.Now() // all are connected
	until := begun.Add(spell)
	for n, conn := range conns {
		all.Go(func() {
			if err := publisher(conn, n, flight, until, &acknowledged, &readings); err != nil {
				failed <- err
			}
		})
	}
	all.Wait()
	select {
	case err = <-failed:
	default:
	}
	return acknowledged.Load(), readings.Load(), float64(acknowledged.Load()) / time.Since(begun).Seconds(), err
}

// enter connects a device.
func enter(ctx context.Context, address string, n int) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	answer := make([]byte, 4)
	_, err = conn.Write(connect(deviceName(n)))
	if err == nil {
		_, err = io.ReadFull(conn, answer)
	}
	if err != nil || answer[3] != 0 {
		conn.Close()
		return nil, fmt.Errorf("%s is not let in: %v, %w", deviceName(n), answer, err)
	}
	return conn, nil
}

func deviceName(n int) string { return fmt.Sprintf("bench/device-%d", n) }

// publisher is one device: it sends while its window is open, and counts answers.
func publisher(conn net.Conn, n, flight int, until time.Time, acknowledged, readings *atomic.Int64) error {
	name, in := deviceName(n), bufio.NewReader(conn)
	window, done := make(chan struct{}, flight), make(chan error, 1)
	sent := atomic.Int64{}
	finished := make(chan struct{})
	go func() {
		frame := make([]byte, 4)
		for count := int64(0); ; {
			if _, err := io.ReadFull(in, frame); err != nil {
				done <- fmt.Errorf("%s waits for an answer: %w", name, err)
				return
			}
			acknowledged.Add(1)
			<-window
			count++
			select {
			case <-finished:
				if count == sent.Load() {
					done <- nil
					return
				}
			default:
			}
		}
	}()
	return send(conn, name, n, until, window, &sent, finished, done, readings)
}

func send(conn net.Conn, name string, n int, until time.Time, window chan struct{}, sent *atomic.Int64, finished chan struct{}, done chan error, readings *atomic.Int64) error {
	out := bufio.NewWriterSize(conn, 16<<10)
	start := time.Now().Add(-time.Hour).Truncate(time.Second)
	packet := uint16(0)
	put := func(frame []byte) error {
		select {
		case window <- struct{}{}:
		default: // the window is full: what is written goes out
			if err := out.Flush(); err != nil {
				return err
			}
			select {
			case window <- struct{}{}:
			case err := <-done:
				return err
			}
		}
		sent.Add(1)
		_, err := out.Write(frame)
		return err
	}
	for i := 0; time.Now().Before(until); i++ {
		payload := fmt.Appendf(nil, `[{"n":"temperature","u":"Cel","t":%.3f,"v":%d.%d}]`, float64(start.UnixMilli()+int64(i))/1000, i%7, n%10)
		times := 1
		if i%20 == 0 {
			times = 2
		}
		for range times {
			packet = packet%65535 + 1
			if err := put(frame("tw/"+name+"/senml", packet, payload)); err != nil {
				return err
			}
		}
		readings.Add(1)
	}
	// One more, once nothing else is sent: its answer ends the count.
	close(finished)
	packet = packet%65535 + 1
	if err := errors.Join(put(frame("tw/"+name+"/senml", packet, []byte("[]"))), out.Flush()); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-time.After(time.Minute):
		return fmt.Errorf("%s is not answered within a minute", name)
	}
}

// connect is the first frame (MQTT 3.1.1, section 3.1).
func connect(name string) []byte {
	body := append([]byte{0, 4, 'M', 'Q', 'T', 'T', 4, 0xC2, 0, 60}, text(name)...) // clean session, user name and password; 60 s
	body = append(append(body, text(name)...), text("sesame")...)
	return append(append([]byte{0x10}, length(len(body))...), body...)
}

// frame is a publication with QoS 1 (section 3.3).
func frame(topic string, packet uint16, payload []byte) []byte {
	body := append(text(topic), byte(packet>>8), byte(packet))
	body = append(body, payload...)
	return append(append([]byte{0x32}, length(len(body))...), body...)
}

func text(s string) []byte { return append([]byte{byte(len(s) >> 8), byte(len(s))}, s...) }

func length(n int) (b []byte) {
	for {
		digit := byte(n % 128)
		if n /= 128; n > 0 {
			b = append(b, digit|0x80)
			continue
		}
		return append(b, digit)
	}
}
