package simulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/fxamacker/cbor/v2"

	"github.com/tallyway/tallyway/iot"
)

// Device is one that plays.
type Device struct {
	ID       iot.ID
	Password string
	Interval time.Duration
	Plan     Plan
	Seed     uint64
	CBOR     bool
	// Past is how far back it begins; what lies there is told at once.
	Past time.Duration
}

// Play is devices that play against a broker.
type Play struct {
	Broker     string // "mqtt://host:port" or "mqtts://…"
	Devices    []Device
	Duplicates float64 // share of messages that are sent twice
	Shuffled   float64 // share of messages that are sent behind the next
	Speed      float64 // how much faster time runs; zero is as it is
	Clock      func() time.Time

	sent atomic.Int64
}

// Sent is how many messages were acknowledged.
func (p *Play) Sent() int64 { return p.sent.Load() }

// Run plays until ctx ends. Its error is the first of a device that could not
// connect.
func (p *Play) Run(ctx context.Context) error {
	if p.Clock == nil {
		p.Clock = time.Now
	}
	var all sync.WaitGroup
	failed := make(chan error, len(p.Devices))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for _, d := range p.Devices {
		all.Go(func() {
			if err := p.device(ctx, d); err != nil && ctx.Err() == nil {
				failed <- fmt.Errorf("%s: %w", d.ID, err)
				stop()
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// patience is how long an answer may take.
const patience = 30 * time.Second

func (p *Play) dial(d Device) (paho.Client, error) {
	u, err := url.Parse(p.Broker)
	if err != nil {
		return nil, err
	}
	scheme := map[string]string{"mqtt": "tcp", "mqtts": "ssl"}[u.Scheme]
	if scheme == "" {
		return nil, fmt.Errorf("the broker %q: say mqtt://HOST:PORT or mqtts://HOST:PORT", p.Broker)
	}
	o := paho.NewClientOptions().AddBroker(scheme + "://" + u.Host).SetClientID("sim-" + d.ID.Party + "-" + d.ID.Name).SetUsername(d.ID.String()).SetPassword(d.Password).
		SetCleanSession(false).SetAutoReconnect(true).SetMaxReconnectInterval(5 * time.Second).SetOrderMatters(false)
	c := paho.NewClient(o)
	if token := c.Connect(); !token.WaitTimeout(patience) {
		return nil, errors.New("the broker does not answer")
	} else if token.Error() != nil {
		return nil, token.Error()
	}
	return c, nil
}

// device plays one: first its past, in packs, then one message an interval.
func (p *Play) device(ctx context.Context, d Device) error {
	c, err := p.dial(d)
	if err != nil {
		return err
	}
	defer c.Disconnect(250)
	begin := p.Clock()
	m := New(d.Plan, d.Seed, begin.Add(-d.Past))
	random := rand.New(rand.NewPCG(d.Seed, 2))
	if err := p.past(ctx, c, d, m, begin); err != nil {
		return err
	}
	speed := max(p.Speed, 1)
	if p.Speed > 0 && p.Speed < 1 {
		speed = p.Speed
	}
	wait := time.NewTicker(max(time.Millisecond, time.Duration(float64(d.Interval)/speed)))
	defer wait.Stop()
	var late []byte
	for at := begin.Truncate(time.Second); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-wait.C:
		}
		if at = at.Add(d.Interval); speed == 1 {
			at = p.Clock().Truncate(time.Millisecond)
		}
		values := m.Step(at)
		if len(values) == 0 {
			continue
		}
		payload, err := d.encode(values)
		if err != nil {
			return err
		}
		if late == nil && random.Float64() < p.Shuffled {
			late = payload
			continue
		}
		times := 1
		if random.Float64() < p.Duplicates {
			times = 2
		}
		for range times {
			if err := p.send(ctx, c, d, payload); err != nil {
				return err
			}
		}
		if late != nil {
			if err := p.send(ctx, c, d, late); err != nil {
				return err
			}
			late = nil
		}
	}
}

// pastStep is how finely the past is told.
const pastStep = time.Minute

func (p *Play) past(ctx context.Context, c paho.Client, d Device, m *Model, until time.Time) error {
	var pack []iot.Measurement
	for at := until.Add(-d.Past).Truncate(pastStep); at.Before(until); at = at.Add(pastStep) {
		pack = append(pack, m.Step(at)...)
		if last := !at.Add(pastStep).Before(until); len(pack) >= 500 || last && len(pack) > 0 {
			payload, err := d.encode(pack)
			if err != nil {
				return err
			}
			if err := p.send(ctx, c, d, payload); err != nil {
				return err
			}
			pack = nil
		}
	}
	return nil
}

func (p *Play) send(ctx context.Context, c paho.Client, d Device, payload []byte) error {
	format := iot.SenML
	if d.CBOR {
		format = iot.CBOR
	}
	token := c.Publish(iot.Prefix+"/"+d.ID.String()+"/"+format, 1, false, payload)
	select {
	case <-token.Done():
		p.sent.Add(1)
		return token.Error()
	case <-ctx.Done():
		return nil
	}
}

// encode writes values as SenML.
func (d Device) encode(values []iot.Measurement) ([]byte, error) {
	if d.CBOR {
		records := make([]map[int]any, len(values))
		for i, v := range values {
			records[i] = map[int]any{0: v.Channel, 2: v.Value, 6: float64(v.At.UnixMicro()) / 1e6}
			if v.Unit != "" {
				records[i][1] = v.Unit
			}
		}
		return cbor.Marshal(records)
	}
	type record struct {
		Name  string  `json:"n"`
		Unit  string  `json:"u,omitempty"`
		Time  float64 `json:"t"`
		Value float64 `json:"v"`
	}
	records := make([]record, len(values))
	for i, v := range values {
		records[i] = record{v.Channel, v.Unit, float64(v.At.UnixMicro()) / 1e6, v.Value}
	}
	return json.Marshal(records)
}
