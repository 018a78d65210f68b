package station

import (
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
	case iot.SenML, iot.CBOR:
		values, err = senml.Measurements(d.ID, payload, topic.Format == iot.CBOR, received)
	case iot.Plain:
		k, _ := s.registry.find(d.ID)
		if k.mapping == nil {
			return nil, plain.ErrMapping.Refuse("%s has none", d.ID)
		}
		values, err = k.mapping.Measurements(payload)
	case iot.Sparkplug:
		var told sparkplug.Outcome
		told, err = s.sessions.Take(topic, payload, received)
		if told.Rebirth {
			s.askBirth(topic.Edge)
		}
		values = told.Values
		values = only(values, d.Channels)
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
	if s.broker == nil {
		return
	}
	topic, payload := sparkplug.Rebirth(edge, s.host.Now())
	go func() {
		if err := s.broker.Publish(topic, payload); err != nil {
			s.log.Warn("ask for a rebirth", "node", edge.String(), "error", err)
		}
	}()
}
