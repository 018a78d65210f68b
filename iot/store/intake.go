package store

import (
	"errors"
	"slices"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/iot"
)

// load is what one transaction stores: new values, windows that they open, and
// letters that could not be read.
type load struct {
	messages []item
	values   []row
	series   map[*series]bool // new ones
	devices  map[*device]bool
	opened   []opening
	letters  []letter
	seen     map[key]float64 // values of this load, to know repeats by
}

type key struct {
	series *series
	at     int64
}

// row is one value on its way into the table.
type row struct {
	device *device
	series *series
	at     int64
	v      float64
	part   int64
}

type opening struct {
	device *device
	window *window
}

// read makes a load of messages. What is refused goes among the letters; one
// bad value does not take its neighbours with it.
func (s *Store) read(messages []item) *load {
	l := &load{messages: messages, series: map[*series]bool{}, devices: map[*device]bool{}, seen: map[key]float64{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range messages {
		if m.no != nil {
			l.letters = append(l.letters, letterOf(m.Message, m.no))
		}
		for _, b := range m.batches {
			if d, known := s.config.Registry.Device(b.Device); !known || !d.Active {
				l.letters = append(l.letters, letterOf(m.Message, iot.ErrNoDevice.Refuse("%s", b.Device)))
			} else {
				s.take(l, m.Message, d, b.Values)
			}
		}
	}
	return l
}

// open reads one message: what it tells of which devices.
func (s *Store) open(m iot.Message) ([]Batch, error) {
	if m.Refused != nil {
		return nil, m.Refused
	}
	if len(m.Payload) > iot.MaxPayload {
		return nil, iot.ErrPayloadSize.Refuse("%s bytes", len(m.Payload))
	}
	topic, err := iot.ParseTopic(m.Topic)
	if err != nil {
		return nil, err
	}
	if m.By != (iot.ID{}) && m.By != topic.Edge {
		return nil, iot.ErrNotYourTopic.Refuse("%s publishes as %s", m.By, topic.Edge)
	}
	d, known := s.config.Registry.Device(topic.Device)
	switch {
	case !known || !d.Active:
		return nil, iot.ErrNoDevice.Refuse("%s", topic.Device)
	case topic.Edge != topic.Device && d.Via != topic.Edge.Name:
		return nil, iot.ErrNotYourTopic.Refuse("%s does not speak for %s", topic.Edge, topic.Device)
	}
	return s.config.Decode(topic, d, m.Payload, m.Received)
}

// take puts a device's values into the load.
func (s *Store) take(l *load, m iot.Message, known Device, values []iot.Measurement) {
	d := s.deviceOf(l, known.ID)
	d.seen = m.Received
	for _, x := range values {
		if err := s.value(l, d, known, m.Received, x); err != nil {
			l.letters = append(l.letters, letterOf(m, err))
		}
	}
}

func (s *Store) value(l *load, d *device, known Device, received time.Time, x iot.Measurement) error {
	k, ok := iot.KindOf(x.Channel)
	if !ok || !slices.Contains(known.Channels, x.Channel) {
		return iot.ErrChannel.Refuse("%s", x.Channel).On(x.Channel)
	}
	v, err := k.Take(x)
	if err != nil {
		return err
	}
	if x.At.IsZero() {
		x.At = received
	}
	if x.At.After(received.Add(iot.MaxAhead)) || x.At.Before(received.Add(-iot.MaxBehind)) {
		return iot.ErrClock.Refuse("%s, while it is %s", x.At.UTC().Format(time.RFC3339), received.UTC().Format(time.RFC3339)).On(x.Channel)
	}
	series, at := s.seriesOf(l, d, x.Channel), x.At.UnixMicro()
	before, again := l.seen[key{series, at}]
	if !again {
		before, again = series.known(at)
	}
	switch {
	case again && before != v:
		return contradiction(x.Channel, at, before, v)
	case again:
		s.counts.Duplicates.Add(1)
		return nil
	}
	l.seen[key{series, at}] = v
	l.values = append(l.values, row{device: d, series: series, at: at, v: v})
	return nil
}

func contradiction(channel string, at int64, before, v float64) error {
	return iot.ErrContradiction.Refuse("%s at %s is %s, not %s", channel, time.UnixMicro(at).UTC().Format(time.RFC3339Nano), before, v).On(channel)
}

func (s *Store) deviceOf(l *load, id iot.ID) *device {
	d := s.devices[id]
	if d == nil {
		s.last[ofDevices]++
		d = &device{id: id, number: s.last[ofDevices], series: map[string]*series{}, windows: map[int64]*window{}, pending: true}
		s.devices[id], s.byID[d.number] = d, d
	}
	if d.pending {
		l.devices[d] = true
	}
	return d
}

func (s *Store) seriesOf(l *load, d *device, channel string) *series {
	x := d.series[channel]
	if x == nil {
		s.last[ofSeries]++
		x = &series{number: s.last[ofSeries], channel: channel, pending: true}
		d.series[channel] = x
	}
	if x.pending {
		l.series[x] = true
	}
	return x
}

// known is the value at a moment, if it is among the last that were stored.
func (x *series) known(at int64) (float64, bool) {
	for _, r := range x.recent {
		if r.at == at && at != 0 {
			return r.v, true
		}
	}
	return 0, false
}

func (x *series) note(at int64, v float64) {
	x.recent[x.next] = value{at, v}
	x.next = (x.next + 1) % len(x.recent)
	if at > x.last.at {
		x.last = value{at, v}
	}
}

// refusal is an error as a rule's; a decoder that gives another has a fault, and
// its payload cannot be read either way.
func refusal(err error) *chaincode.Refusal {
	var no *chaincode.Refusal
	if errors.As(err, &no) {
		return no
	}
	return iot.ErrPayload.Refuse("")
}
