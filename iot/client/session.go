package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/tallyway/tallyway/iot"
)

// filters are what is subscribed to: every device's readings.
var filters = map[string]byte{iot.Prefix + "/+/+/+": 1, iot.SparkplugPrefix + "/#": 1}

// session is one connection. Another follows it under the same client id, and the
// broker sends again over that what was not acknowledged over this one. (The
// library's own reconnecting would not do: a broker of MQTT 3.1.1 sends again
// after a new connection only, so that the client must end one when something was
// not stored.)
type session struct {
	owner   *Client
	client  paho.Client
	present bool // the broker had kept the session
	started func() bool

	over    chan struct{} // closed: nothing that came over it can be acknowledged
	refused chan struct{} // something was not stored

	mu     sync.Mutex
	cause  error // why it is over, or something was refused
	ended  bool
	acks   []paho.Message
	acking bool
	flush  sync.WaitGroup
}

// connect opens a session and subscribes.
func (c *Client) connect(ctx context.Context) (*session, error) {
	s := &session{owner: c, over: make(chan struct{}), refused: make(chan struct{}, 1)}
	shaking, stop := context.WithTimeout(ctx, answerWithin)
	defer stop()
	s.client = paho.NewClient(s.options(shaking))
	token := s.client.Connect().(*paho.ConnectToken)
	<-token.Done() // bounded: the dialing by its context, the handshake by the library
	err := token.Error()
	if err == nil && !s.started() {
		err = shaking.Err()
	}
	if err == nil {
		s.present = token.SessionPresent()
		err = s.subscribe(shaking)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *session) options(shaking context.Context) *paho.ClientOptions {
	c := s.owner
	o := paho.NewClientOptions().AddBroker("tcp://" + c.at.host).SetClientID(c.id).SetProtocolVersion(4).SetCleanSession(false)
	o.SetAutoReconnect(false).SetConnectTimeout(answerWithin).SetKeepAlive(c.config.beat).SetPingTimeout(c.config.beat * 2 / 3)
	o.SetStore(forgetful{}).SetOrderMatters(true).SetAutoAckDisabled(true) // in order, since receive never waits for the sink
	if c.at.user != "" {
		o.SetUsername(c.at.user).SetPassword(c.config.Password)
	}
	o.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
		conn, err := c.at.dial(shaking)
		if err != nil {
			return nil, err
		}
		s.started = context.AfterFunc(shaking, func() { _ = conn.Close() }) // a broker that does not answer holds up no one who closes
		return conn, nil
	})
	// Not a route of the subscriptions: a session that goes on sends at once, before
	// anybody can subscribe.
	o.SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { s.receive(m) })
	o.SetConnectionLostHandler(func(_ paho.Client, err error) { s.end(err) })
	return o
}

// subscribe asks for the readings, each time: the broker may have lost the session.
func (s *session) subscribe(ctx context.Context) error {
	token := s.client.SubscribeMultiple(filters, nil).(*paho.SubscribeToken)
	select {
	case <-token.Done():
	case <-s.over:
		return s.why()
	case <-ctx.Done():
		return ctx.Err()
	}
	for filter, code := range token.Result() {
		if code >= 0x80 {
			return fmt.Errorf("the broker lets this user not subscribe to %s", filter)
		}
	}
	return token.Error()
}

// receive puts a publication into the inbox.
func (s *session) receive(m paho.Message) {
	c := s.owner
	c.counts.Received.Add(1)
	if m.Retained() || !isReading(m.Topic()) {
		c.counts.Ignored.Add(1)
		s.ack(m)
		return
	}
	x := item{packet: m, session: s, Message: iot.Message{Topic: m.Topic(), Payload: m.Payload(), Received: c.config.Clock()}}
	if size := len(x.Payload); size > iot.MaxPayload {
		x.Payload, x.Refused = append([]byte(nil), x.Payload[:iot.MaxPayload]...), iot.ErrPayloadSize.Refuse("%s bytes", size)
	}
	patience := c.config.patience
	if s.why() != nil {
		patience = 0 // it has waited already
	}
	if !c.inbox.put(x, patience) {
		if m.Qos() == 0 {
			c.counts.Lost.Add(1)
		}
		s.refuse(errFull)
	}
}

// isReading tells devices' words from commands to them, which the host itself
// publishes, and from the state of Sparkplug's other hosts. What was retained is
// no reading either: it tells what was once, and often not when.
func isReading(topic string) bool {
	if strings.HasPrefix(topic, iot.SparkplugPrefix+"/STATE/") {
		return false
	}
	t, err := iot.ParseTopic(topic)
	return err != nil || t.Verb != "NCMD" && t.Verb != "DCMD"
}

// deliver hands an item to the sink.
func (s *session) deliver(x item) {
	c := s.owner
	x.Done = func(err error) {
		if err == nil {
			s.ack(x.packet)
		} else {
			s.refuse(fmt.Errorf("a message was not stored: %w", err))
		}
		c.flight.Done()
	}
	c.config.Sink.Take(x.Message)
}

// ack acknowledges a message; it never waits for the network.
func (s *session) ack(m paho.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Qos() == 0 || s.ended {
		return
	}
	s.acks = append(s.acks, m)
	if !s.acking {
		s.acking = true
		s.flush.Go(s.write)
	}
}

// write acknowledges what waits.
func (s *session) write() {
	for {
		s.mu.Lock()
		all := s.acks
		s.acks = nil
		if len(all) == 0 {
			s.acking = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		for _, m := range all {
			m.Ack()
		}
	}
}

// refuse notes that something was not stored.
func (s *session) refuse(cause error) {
	s.mu.Lock()
	if s.cause == nil {
		s.cause = cause
	}
	s.mu.Unlock()
	signal(s.refused)
}

// end notes that nothing more can be acknowledged.
func (s *session) end(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.ended, s.cause = true, errors.Join(s.cause, cause)
		close(s.over)
	}
}

func (s *session) why() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

func (s *session) isOver() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// last waits until the session is no good any more, and tells why.
func (s *session) last(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-s.over:
	case <-s.refused:
	}
	return s.why()
}

// close sends what was acknowledged and ends the connection.
func (s *session) close() {
	s.end(errClosed) // from here on nothing is added
	flushed := make(chan struct{})
	go func() { s.flush.Wait(); close(flushed) }() // ends with the connection at the latest
	select {
	case <-flushed:
	case <-time.After(goodbyeWithin):
	}
	s.client.Disconnect(uint(goodbyeWithin / time.Millisecond))
}

// forgetful is the library's memory of messages: none. What is not acknowledged
// the broker keeps, and a command that was not answered its sender hears of.
type forgetful struct{}

func (forgetful) Open()                             {}
func (forgetful) Put(string, packets.ControlPacket) {}
func (forgetful) Get(string) packets.ControlPacket  { return nil }
func (forgetful) All() []string                     { return nil }
func (forgetful) Del(string)                        {}
func (forgetful) Close()                            {}
func (forgetful) Reset()                            {}
