// Package broker is the MQTT broker that a host brings along (MQTT 3.1.1 and 5,
// by mochi-mqtt), so that sensors need nothing else to speak to.
//
// A message is acknowledged when it is durable, not when it has arrived: the
// broker hands it to the sink, goes on reading, and answers when the sink says
// so. Devices sign in with a password or a certificate, and speak for themselves
// only. They publish; but for commands to themselves they hear nothing.
package broker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/tallyway/tallyway/iot"
)

// Doorkeeper knows who may sign in. It MUST answer from memory.
type Doorkeeper interface {
	// Admit reports whether a device that signs in with a password is who it says.
	Admit(id iot.ID, password []byte) bool
	// Holds reports whether a device that showed a certificate of a trusted
	// authority is one: the certificate's common name is the device's id.
	Holds(id iot.ID, certificate *x509.Certificate) bool
}

// Config is what an operator and a program decide.
type Config struct {
	Listen string      // address
	TLS    *tls.Config // nil: plain
	Door   Doorkeeper
	Sink   iot.Sink
	Clock  func() time.Time
	Log    *slog.Logger
}

// The bounds of connections.
const (
	mostClients = 20_000
	mostFlight  = 1000 // messages of one connection that wait for their answer, as MQTT 5 clients are told
	writeWithin = 10 * time.Second
)

// Broker is one that listens.
type Broker struct {
	config  Config
	server  *mqtt.Server
	address string

	mu       sync.Mutex
	sessions map[*mqtt.Client]*session
}

// Open listens.
func Open(c Config) (*Broker, error) {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	b := &Broker{config: c, sessions: map[*mqtt.Client]*session{}}
	can := mqtt.NewDefaultServerCapabilities()
	can.MaximumClients, can.MaximumPacketSize, can.ReceiveMaximum = mostClients, iot.MaxPayload+4096, mostFlight
	can.MaximumSessionExpiryInterval, can.RetainAvailable, can.WildcardSubAvailable, can.SharedSubAvailable = 3600, 0, 0, 0
	b.server = mqtt.New(&mqtt.Options{Capabilities: can, InlineClient: true, Logger: slog.New(quiet{c.Log.Handler()}), SysTopicResendInterval: math.MaxInt32,
		ClientNetReadBufferSize: 4096, ClientNetWriteBufferSize: 2048})
	if err := b.server.AddHook(&hook{broker: b}, nil); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for sensors: %w", err)
	}
	b.address = listener.Addr().String()
	if c.TLS != nil {
		listener = tls.NewListener(listener, c.TLS)
	}
	if err := b.server.AddListener(listeners.NewNet("mqtt", listener)); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	if err := b.server.Serve(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return b, nil
}

// Address is where devices connect, with the port that was really taken.
func (b *Broker) Address() string { return b.address }

// Connected is how many devices are.
func (b *Broker) Connected() int { return int(atomic.LoadInt64(&b.server.Info.ClientsConnected)) }

// Publish sends a device a command.
func (b *Broker) Publish(topic string, payload []byte) error {
	return b.server.Publish(topic, payload, false, 1)
}

// Expel ends the connections of a device: its password is another now, or it is
// decommissioned.
func (b *Broker) Expel(id iot.ID) {
	for _, cl := range b.server.Clients.GetAll() {
		if s := b.session(cl); s != nil && s.id == id {
			_ = b.server.DisconnectClient(cl, packets.ErrAdministrativeAction) // it ends either way
		}
	}
}

// Close ends all connections. What is not acknowledged, devices send again.
func (b *Broker) Close() error { return b.server.Close() }

func (b *Broker) session(cl *mqtt.Client) *session {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sessions[cl]
}

// session is a device's connection.
type session struct {
	id     iot.ID
	client *mqtt.Client

	mu      sync.Mutex
	answers []byte // frames that wait to be written
	writing bool
}

// answer acknowledges a message. It never waits for the device: one that does
// not read its answers holds up nobody else.
func (s *session) answer(kind byte, packet uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = append(s.answers, kind<<4, 2, byte(packet>>8), byte(packet)) // MQTT 5 too: success needs no reason, section 3.4.2.1
	if !s.writing {
		s.writing = true
		go s.write()
	}
}

// write writes what waits, all at once: a thousand answers are one packet of the
// network.
func (s *session) write() {
	for {
		s.mu.Lock()
		frames := s.answers
		s.answers = nil
		if len(frames) == 0 || s.client.Closed() {
			s.writing = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		s.client.Lock()
		_ = s.client.Net.Conn.SetWriteDeadline(time.Now().Add(writeWithin))
		_, err := s.client.Net.Conn.Write(frames)
		_ = s.client.Net.Conn.SetWriteDeadline(time.Time{})
		s.client.Unlock()
		if err != nil {
			s.client.Stop(err)
		}
	}
}
