package station

import (
	"sync"
	"time"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/plain"
	"github.com/tallyway/tallyway/iot/senml"
	"github.com/tallyway/tallyway/iot/sparkplug"
	"github.com/tallyway/tallyway/iot/store"
)

// decode reads a payload in the format that its topic names.
func (s *Station) decode(topic iot.Topic, d store.Device, payload []byte, received time.Time) ([]store.Batch, error) {
	var values []iot.Measurement
	var err error
	switch topic.Format {
	case iot.SenML:
		values, err = senml.JSON(d.ID, func() time.Time { return received }).Decode(payload)
	case iot.CBOR:
		values, err = senml.CBOR(d.ID, func() time.Time { return received }).Decode(payload)
	case iot.Plain:
		k, _ := s.registry.find(d.ID)
		if k.mapping == nil {
			return nil, plain.ErrMapping.Refuse("%s has none", d.ID)
		}
		values, err = k.mapping.Decode(payload)
	case iot.Sparkplug:
		var told sparkplug.Outcome
		told, err = s.sessions.Take(topic, payload, received)
		if told.Rebirth {
			s.askBirth(topic.Edge)
		}
		values = only(told.Measurements, d.Channels)
	}
	if err != nil {
		return nil, err
	}
	return []store.Batch{{Device: d.ID, Values: values}}, nil
}

// only are the values of channels that the device has: a Sparkplug birth tells of
// whatever the node knows.
func only(values []iot.Measurement, channels []string) (some []iot.Measurement) {
	for _, v := range values {
		for _, c := range channels {
			if v.Channel == c {
				some = append(some, v)
			}
		}
	}
	return some
}

// askBirth asks an edge node for its birth; one that does not hear it is asked
// again with its next message.
func (s *Station) askBirth(edge iot.ID) {
	publish := s.publisher()
	if publish == nil {
		return
	}
	now := s.host.Now()
	if !s.births.ask(edge, now) {
		return
	}
	go func() {
		if err := publish(sparkplug.RebirthTopic(edge), sparkplug.Rebirth(now)); err != nil {
			s.log.Warn("ask for a rebirth", "node", edge.String(), "error", err)
		}
	}()
}

func (s *Station) publisher() func(topic string, payload []byte) error {
	switch {
	case s.broker != nil:
		return s.broker.Publish
	case s.outside != nil:
		return s.outside.Publish
	}
	return nil
}

// askAgain is how long a node has to answer before it is asked once more.
const askAgain = 5 * time.Second

// births remembers when nodes were asked, so that none is asked with every
// message.
type births struct {
	mu    sync.Mutex
	asked map[iot.ID]time.Time
}

func (b *births) ask(edge iot.ID, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.asked == nil {
		b.asked = map[iot.ID]time.Time{}
	}
	if now.Sub(b.asked[edge]) < askAgain {
		return false
	}
	b.asked[edge] = now
	return true
}
