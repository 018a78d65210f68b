// Package client listens to an outside MQTT broker (MQTT 3.1.1, by Eclipse Paho)
// for companies that have one: their devices speak to it, and it lets them in.
//
// A message is acknowledged when it is durable. The broker keeps a session for
// the host, under an id that stays with the data folder: what devices publish
// while the host is away comes when it is back.
package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tallyway/tallyway/iot"
)

// Config is what an operator and a program decide.
type Config struct {
	Data     string // folder where the client's id is kept
	Password string // of the user whom the address names
	Sink     iot.Sink
	Clock    func() time.Time
	Log      *slog.Logger

	beat        time.Duration // between signs of life, where nothing else is said
	patience    time.Duration // for the sink to make room
	mostMessage int           // that wait for the sink
}

const (
	answerWithin  = 10 * time.Second // the broker
	drainWithin   = 10 * time.Second // the sink, when the client closes
	goodbyeWithin = 500 * time.Millisecond
	shortestPause = 250 * time.Millisecond // between connections
	longestPause  = 30 * time.Second
	mostBytes     = 32 << 20
)

var (
	errClosed = errors.New("the client is closed")
	errFull   = errors.New("more comes than is stored")
	// ErrConnecting is the health of a client that has no connection yet.
	ErrConnecting = errors.New("not connected yet")
)

// Counts only grow.
type Counts struct {
	Sessions atomic.Int64 // connections
	Received atomic.Int64 // publications
	Ignored  atomic.Int64 // that are no readings
	Lost     atomic.Int64 // of quality of service 0, while there was no room
}

// Client listens to a broker.
type Client struct {
	config Config
	at     address
	id     string
	inbox  *inbox
	stop   context.CancelFunc
	ended  sync.WaitGroup // its goroutines
	flight sync.WaitGroup // messages with the sink
	once   sync.Once
	closed error
	counts Counts

	mu      sync.Mutex
	session *session
	health  error
}

// Dial connects to the broker of an address. An address or a file that is wrong
// is an error; a broker that is away is not: Health tells of it, and the client
// goes on trying until it is closed. The context bounds the first try.
func Dial(ctx context.Context, address string, c Config) (*Client, error) {
	at, err := parse(address)
	if err != nil {
		return nil, err
	}
	if _, err := at.encryption(); err != nil {
		return nil, err
	}
	id, fresh, err := identity(c.Data)
	if err != nil {
		return nil, err
	}
	c.usual()
	if at.user != "" && at.exposed() {
		c.Log.Warn("the password for the broker travels unencrypted: use mqtts", "broker", at.host)
	}
	living, stop := context.WithCancel(context.Background())
	client := &Client{config: c, at: at, id: id, inbox: newInbox(c.mostMessage, mostBytes), stop: stop, health: ErrConnecting}
	tried := make(chan struct{})
	client.ended.Go(func() { client.keep(living, !fresh, sync.OnceFunc(func() { close(tried) })) })
	client.flight.Add(1) // the hand itself, so that nothing is added when all is counted
	client.ended.Go(client.hand)
	select {
	case <-tried:
		return client, nil
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), client.Close())
	}
}

func (c *Config) usual() {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.beat == 0 {
		c.beat = 30 * time.Second
	}
	if c.patience == 0 {
		c.patience = 5 * time.Second
	}
	if c.mostMessage == 0 {
		c.mostMessage = 8192
	}
}

// keep holds a connection until the client is closed. Pauses grow while
// connections do not last.
func (c *Client) keep(ctx context.Context, known bool, tried func()) {
	defer tried()
	for short := 0; ctx.Err() == nil; short++ {
		began := time.Now()
		s, err := c.connect(ctx)
		if err == nil {
			c.tell(s, nil)
			if known && !s.present {
				c.config.Log.Warn("the broker kept no session: what was published meanwhile did not come", "broker", c.at.host)
			}
			known = true
			tried()
			err = s.last(ctx)
		}
		c.tell(nil, err)
		tried()
		if time.Since(began) > 2*longestPause {
			short = 0
		}
		select { // where something was not stored, the rest is still acknowledged meanwhile
		case <-ctx.Done():
		case <-time.After(pause(short)):
		}
		if s != nil {
			s.close()
		}
	}
}

// pause before the next connection, after so many that did not last; not the same
// for all clients of a broker that comes back.
func pause(short int) time.Duration {
	p := min(shortestPause<<min(short, 10), longestPause)
	return p/2 + rand.N(p/2)
}

// tell notes how things stand, and logs when they change.
func (c *Client) tell(s *session, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.health == errClosed {
		return
	}
	before := c.health
	c.session, c.health = s, err
	switch {
	case s != nil:
		c.counts.Sessions.Add(1)
		c.config.Log.Info("connected to the broker", "broker", c.at.host, "session kept", s.present)
	case err != nil && (before == nil || before == ErrConnecting):
		c.config.Log.Warn("no connection to the broker; it is tried again", "broker", c.at.host, "reason", err)
	}
}

// hand gives the sink what came. What came over a connection that is gone comes
// again over the next: only what nobody repeats is still taken.
func (c *Client) hand() {
	defer c.flight.Done()
	for {
		x, ok := c.inbox.take()
		if !ok {
			return
		}
		if x.packet.Qos() > 0 && x.session.isOver() {
			continue
		}
		c.flight.Add(1)
		x.session.deliver(x)
	}
}

// Health is nil while readings can come.
func (c *Client) Health() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.health == nil {
		return nil
	}
	return fmt.Errorf("the MQTT broker at %s: %w", c.at.host, c.health)
}

// Counts are the client's figures.
func (c *Client) Counts() *Counts { return &c.counts }

// Publish sends a device a command, and returns when the broker has it.
func (c *Client) Publish(topic string, payload []byte) error {
	c.mu.Lock()
	s := c.session
	c.mu.Unlock()
	if s == nil {
		return c.Health()
	}
	token := s.client.Publish(topic, 1, false, payload)
	late := time.NewTimer(answerWithin)
	defer late.Stop()
	select {
	case <-token.Done():
		return token.Error()
	case <-s.over:
		return fmt.Errorf("publish a command: %w", s.why())
	case <-late.C:
		return fmt.Errorf("publish a command: no answer within %s", answerWithin)
	}
}

// Close takes nothing more, waits for what the sink has, acknowledges it and
// disconnects. The rest stays with the broker.
func (c *Client) Close() error {
	c.once.Do(func() {
		c.inbox.close()
		drained := make(chan struct{})
		go func() { c.flight.Wait(); close(drained) }()
		select {
		case <-drained:
		case <-time.After(drainWithin):
			c.closed = fmt.Errorf("close the client of the broker: the last messages were not stored within %s", drainWithin)
		}
		c.mu.Lock()
		c.session, c.health = nil, errClosed
		c.mu.Unlock()
		c.stop()
		if c.closed == nil {
			c.ended.Wait()
		}
	})
	return c.closed
}
