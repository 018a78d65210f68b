// Package station is where a host's sensors come together: it lets devices in,
// stores what they measure, watches it, puts excursions and seals on the ledger,
// and tells open pages.
//
// What the engines in iot do, they do for any device; the station knows which
// devices companies stand for, and acts with the key that each company has for
// its sensors.
package station

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/broker"
	"github.com/tallyway/tallyway/iot/client"
	"github.com/tallyway/tallyway/iot/sparkplug"
	"github.com/tallyway/tallyway/iot/store"
	"github.com/tallyway/tallyway/iot/watch"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/host"
)

// Surroundings are what was where a device was.
type Surroundings func(ctx context.Context, thing string, at time.Time) (watch.About, error)

// Station is a host's.
type Station struct {
	host     *host.Host
	log      *slog.Logger
	Store    *store.Store
	registry *registry
	doors    *doors
	sessions sparkplug.Sessions
	births   births
	watch    *watch.Watch
	broker   *broker.Broker
	outside  *client.Client // of a broker that is not the host's own
	capture  func(ctx context.Context, party string, e epcis.Event) error
	around   Surroundings
	arrived  chan []iot.Reading
	behind   atomic.Bool // the watch has not seen all that is stored
	began    time.Time

	mu    sync.Mutex
	hears map[chan News]string // who listens, and for which company; "" for all
}

// News is what open pages hear: readings as they are stored, and alarms.
type News struct {
	Readings []iot.Reading
	Alarms   []watch.Excursion
}

// Open opens the readings and starts to take more. Without a broker nothing
// comes in, and what is stored is shown.
func Open(ctx context.Context, h *host.Host, around Surroundings) (*Station, error) {
	s := &Station{host: h, log: h.Log.With("room", "sensors"), around: around, arrived: make(chan []iot.Reading, 256), hears: map[chan News]string{}}
	s.capture = s.captureEvent
	s.began = h.Now()
	s.watch = watch.New(s.watched)
	if !h.Config.Sensors() && !h.HasReadings() {
		return s, nil
	}
	db, err := h.OpenReadings(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the readings: %w", err)
	}
	if s.registry, err = openRegistry(ctx, h); err != nil {
		return nil, err
	}
	if s.doors, err = openDoors(ctx, h.DB); err != nil {
		return nil, err
	}
	s.Store, err = store.Open(ctx, store.Config{DB: db, Registry: s.registry, Decode: s.decode, Clock: h.Now, Log: s.log, OnStored: s.stored})
	if err != nil {
		return nil, err
	}
	if err := s.recall(ctx); err != nil {
		return nil, err
	}
	if err := s.listen(); err != nil {
		s.Store.Close()
		return nil, err
	}
	h.Watch(s.Store.Health)
	s.measure()
	h.Go(func() { s.run(ctx) })
	return s, nil
}

// run works until ctx ends; then senders are let go, and what they sent is
// stored.
func (s *Station) run(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() { s.registry.follow(ctx, func(id iot.ID) { s.leave(ctx, id) }) })
	loops.Go(func() { s.keepWatch(ctx) })
	loops.Go(func() { s.keepSealing(ctx) })
	<-ctx.Done()
	if s.broker != nil {
		if err := s.broker.Close(); err != nil {
			s.log.Warn("close the broker", "error", err)
		}
	}
	if s.outside != nil {
		if err := s.outside.Close(); err != nil {
			s.log.Warn("leave the broker", "error", err)
		}
	}
	s.Store.Close()
	loops.Wait()
}

// listen opens the broker that the configuration names.
func (s *Station) listen() (err error) {
	if !s.host.Config.Sensors() {
		return nil
	}
	u, err := url.Parse(s.host.Config.MQTT)
	if err != nil {
		return fmt.Errorf("--mqtt: %w", err)
	}
	switch u.Scheme {
	case "embedded", "embeddeds":
		config := broker.Config{Listen: u.Host, Door: door{s}, Sink: s.Store, Clock: s.host.Now, Log: s.log}
		if u.Scheme == "embeddeds" {
			if config.TLS, err = s.secure(u.Query()); err != nil {
				return fmt.Errorf("--mqtt: %w", err)
			}
		}
		if s.broker, err = broker.Open(config); err != nil {
			return fmt.Errorf("--mqtt %s: %w; choose another address, or none", s.host.Config.MQTT, err)
		}
		return nil
	}
	s.outside, err = client.Dial(context.Background(), s.host.Config.MQTT, client.Config{Data: s.host.Config.Data, Password: os.Getenv("TALLYWAY_MQTT_PASSWORD"), Sink: s.Store, Clock: s.host.Now, Log: s.log})
	if err != nil {
		return fmt.Errorf("--mqtt: %w", err)
	}
	s.host.Watch(s.outside.Health)
	return nil
}

// secure is the broker's side of TLS. A device may show a certificate of its
// member's authority.
func (s *Station) secure(q url.Values) (*tls.Config, error) {
	own, err := tls.LoadX509KeyPair(q.Get("cert"), q.Get("key"))
	if err != nil {
		return nil, fmt.Errorf("read cert and key of the address: %w", err)
	}
	pool := x509.NewCertPool()
	members, err := s.host.Wallet.Members()
	if err != nil {
		return nil, err
	}
	for _, msp := range members {
		ca, err := s.host.CACert(msp)
		if err != nil {
			return nil, err
		}
		pool.AppendCertsFromPEM(ca)
	}
	return &tls.Config{Certificates: []tls.Certificate{own}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven, MinVersion: tls.VersionTLS12}, nil
}

// Address is where devices connect; "" where they do not.
func (s *Station) Address() string {
	switch {
	case s.broker != nil:
		return s.broker.Address()
	case s.outside != nil:
		u, _ := url.Parse(s.host.Config.MQTT) // it was read when the host started
		return u.Host
	}
	return ""
}

// HasDevices reports whether readings of any device may be stored here.
func (s *Station) HasDevices() bool { return s.Store != nil && len(*s.registry.all.Load()) > 0 }

// expel ends the connections of a device.
func (s *Station) expel(id iot.ID) {
	if s.broker != nil {
		s.broker.Expel(id)
	}
}

// leave ends what a device that has ended still does: its connections, and the
// excursions that it raised.
func (s *Station) leave(ctx context.Context, id iot.ID) {
	s.expel(id)
	s.report(ctx, s.watch.Forget(id, s.host.Now()))
}

// stored hears of what is durable; it must not wait.
func (s *Station) stored(readings []iot.Reading) {
	s.tell(News{Readings: readings})
	select {
	case s.arrived <- readings:
	default:
		s.watchMissed()
	}
}

// Listen gives news of a company's devices, or of all, until ctx ends. A
// listener that does not keep up misses some.
func (s *Station) Listen(ctx context.Context, party string) <-chan News {
	c := make(chan News, 64)
	s.mu.Lock()
	s.hears[c] = party
	s.mu.Unlock()
	context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.hears, c)
		close(c)
	})
	return c
}

func (s *Station) tell(n News) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c, party := range s.hears {
		some := n.of(party)
		if len(some.Readings)+len(some.Alarms) == 0 {
			continue
		}
		select {
		case c <- some:
		default:
		}
	}
}

// of is what concerns a company.
func (n News) of(party string) News {
	if party == "" {
		return n
	}
	var some News
	for _, r := range n.Readings {
		if r.Device.Party == party {
			some.Readings = append(some.Readings, r)
		}
	}
	for _, x := range n.Alarms {
		if x.Device.Party == party {
			some.Alarms = append(some.Alarms, x)
		}
	}
	return some
}

// measure shows the store's figures on /metrics.
func (s *Station) measure() {
	c := s.Store.Counts()
	s.host.Figure("tallyway_iot_messages_total", "Messages of sensors taken.", func() float64 { return float64(c.Messages.Load()) })
	s.host.Figure("tallyway_iot_readings_total", "Readings stored.", func() float64 { return float64(c.Readings.Load()) })
	s.host.Figure("tallyway_iot_duplicates_total", "Readings that came again.", func() float64 { return float64(c.Duplicates.Load()) })
	s.host.Figure("tallyway_iot_late_total", "Readings too late to change an excursion.", func() float64 { return float64(s.watch.Late()) })
	s.host.Figure("tallyway_iot_refused_total", "Messages and values refused.", func() float64 { return float64(c.Refused.Load()) })
}
