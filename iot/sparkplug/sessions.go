// Package sparkplug reads Sparkplug B (3.0): payloads, and the sessions of edge
// nodes that give them their meaning. A node's birth tells which metrics there
// are and by which alias data name them; sequence numbers show what is lost;
// after a death nothing counts until the next birth.
package sparkplug

import (
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/iot"
)

// ErrSession says that a message has no meaning yet.
var ErrSession = chaincode.Rule{Code: "iot/sparkplug-session", Kind: chaincode.Conflict,
	Text:   "The message needs a birth before it: no birth of its edge node or device is known, or its aliases are not.",
	Remedy: "The node was asked for a rebirth; let it answer the command Node Control/Rebirth."}

// Sessions knows the edge nodes. Its methods may be called at the same time.
type Sessions struct {
	mu    sync.Mutex
	nodes map[iot.ID]*node
}

// node is an edge node between its birth and its death.
type node struct {
	bdSeq   *uint64
	seq     uint64
	alive   bool
	aliases map[uint64]known // of the node and its devices: an alias is unique within the node (section 6.4.6)
	devices map[string]map[string]known
}

// known is what a birth told of a metric.
type known struct {
	name string
	kind uint32
}

// Outcome is what a message tells.
type Outcome struct {
	Values  []iot.Measurement
	Rebirth bool // the node should be asked for a rebirth
	Dead    bool // the device, or the node with all its devices, tells nothing any more
}

// mostNodes bounds the memory of sessions.
const mostNodes = 50_000

// Take reads a message in its session. With an error, Rebirth still holds.
func (s *Sessions) Take(topic iot.Topic, payload []byte, received time.Time) (Outcome, error) {
	p, err := Decode(payload)
	if err != nil {
		return Outcome{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.nodes == nil || len(s.nodes) > mostNodes {
		s.nodes = map[iot.ID]*node{}
	}
	n := s.nodes[topic.Edge]
	if n == nil {
		n = &node{}
		s.nodes[topic.Edge] = n
	}
	switch topic.Verb {
	case "NBIRTH":
		return n.birth(p)
	case "NDEATH":
		return n.death(p), nil
	case "DBIRTH":
		return n.deviceBirth(topic.Device.Name, p)
	case "DDEATH":
		gap := n.next(p)
		delete(n.devices, topic.Device.Name)
		return Outcome{Dead: true, Rebirth: gap}, nil
	}
	return n.data(topic, p)
}

// birth begins a session anew: what was known is void (section 6.4.19).
func (n *node) birth(p Payload) (Outcome, error) {
	*n = node{alive: true, aliases: map[uint64]known{}, devices: map[string]map[string]known{}}
	if p.Seq == nil || *p.Seq > 255 {
		n.alive = false
		return Outcome{Rebirth: true}, iot.ErrPayload.Refuse("a birth has a sequence number from 0 to 255 (Sparkplug 3.0, section 6.4.4)")
	}
	n.seq = *p.Seq
	for _, m := range p.Metrics {
		if m.Name == "bdSeq" && m.Value != nil {
			b := uint64(*m.Value)
			n.bdSeq = &b
		}
	}
	n.devices[""] = n.learn(p)
	return Outcome{Values: n.measured(p, n.devices[""])}, nil
}

// learn notes what a birth tells of metrics.
func (n *node) learn(p Payload) map[string]known {
	all := map[string]known{}
	for _, m := range p.Metrics {
		k := known{m.Name, m.Type}
		all[m.Name] = k
		if m.Alias != nil {
			n.aliases[*m.Alias] = k
		}
	}
	return all
}

// death ends the session that the birth with the same bdSeq began: one that comes
// late, of the connection before, ends nothing (section 6.4.18).
func (n *node) death(p Payload) Outcome {
	for _, m := range p.Metrics {
		if m.Name == "bdSeq" && m.Value != nil && n.bdSeq != nil && uint64(*m.Value) != *n.bdSeq {
			return Outcome{}
		}
	}
	*n = node{}
	return Outcome{Dead: true}
}

func (n *node) deviceBirth(name string, p Payload) (Outcome, error) {
	if !n.alive {
		return Outcome{Rebirth: true}, ErrSession.Refuse("DBIRTH before NBIRTH")
	}
	gap := n.next(p)
	n.devices[name] = n.learn(p)
	return Outcome{Values: n.measured(p, n.devices[name]), Rebirth: gap}, nil
}

func (n *node) data(topic iot.Topic, p Payload) (Outcome, error) {
	name := ""
	if topic.Edge != topic.Device {
		name = topic.Device.Name
	}
	metrics, born := n.devices[name]
	if !n.alive || !born {
		return Outcome{Rebirth: true}, ErrSession.Refuse("%s before its birth", topic.Verb)
	}
	gap := n.next(p)
	for _, m := range p.Metrics {
		if _, ok := n.meaning(m, metrics); !ok && m.Name == "" {
			return Outcome{Rebirth: true}, ErrSession.Refuse("alias %s is of no birth", alias(m))
		}
	}
	return Outcome{Values: n.measured(p, metrics), Rebirth: gap}, nil
}

func alias(m Metric) any {
	if m.Alias == nil {
		return "none"
	}
	return *m.Alias
}

// next counts on; it tells whether something between is lost. One that comes
// twice loses nothing (section 6.4.4: 0 to 255, then 0 again).
func (n *node) next(p Payload) (gap bool) {
	if p.Seq == nil || *p.Seq > 255 {
		return true
	}
	gap = *p.Seq != (n.seq+1)%256 && *p.Seq != n.seq
	n.seq = *p.Seq
	return gap
}

func (n *node) meaning(m Metric, metrics map[string]known) (known, bool) {
	if m.Name != "" {
		k, ok := metrics[m.Name]
		if !ok {
			k = known{m.Name, m.Type}
		}
		return k, ok
	}
	if m.Alias == nil {
		return known{}, false
	}
	k, ok := n.aliases[*m.Alias]
	return k, ok
}

// measured are the metrics that are channels.
func (n *node) measured(p Payload, metrics map[string]known) (all []iot.Measurement) {
	for _, m := range p.Metrics {
		k, _ := n.meaning(m, metrics)
		channel, ok := Channel(k.name)
		if !ok || m.Value == nil {
			continue
		}
		kind := m.Type
		if kind == 0 {
			kind = k.kind
		}
		x := iot.Measurement{Channel: channel, Value: m.signed(kind)}
		if at := first(m.Timestamp, p.Timestamp); at != 0 {
			x.At = time.UnixMilli(int64(min(at, 1<<45))).UTC()
		}
		all = append(all, x)
	}
	return all
}

func first(a, b uint64) uint64 {
	if a != 0 {
		return a
	}
	return b
}

// Channel is the channel that a metric's name means: the last part of its path
// that is a kind, and what follows as its place. "Sensors/Temperature/Rear" is
// temperature.rear; names of control and properties are none.
func Channel(metric string) (string, bool) {
	parts := strings.Split(strings.ToLower(metric), "/")
	if parts[0] == "node control" || parts[0] == "device control" || parts[0] == "properties" || parts[0] == "bdseq" {
		return "", false
	}
	for i := len(parts) - 1; i >= 0; i-- {
		channel := parts[i]
		if _, ok := iot.KindOf(channel); !ok {
			continue
		}
		if i < len(parts)-1 {
			channel += "." + strings.ReplaceAll(strings.Join(parts[i+1:], "-"), " ", "-")
		}
		_, ok := iot.KindOf(channel)
		return channel, ok
	}
	return "", false
}

// Rebirth is the topic and the payload of the command that asks a node for its
// birth (section 6.4.22).
func Rebirth(edge iot.ID, now time.Time) (topic string, payload []byte) {
	var m []byte
	m = protowire.AppendString(protowire.AppendTag(m, 1, protowire.BytesType), "Node Control/Rebirth")
	m = protowire.AppendVarint(protowire.AppendTag(m, 3, protowire.VarintType), uint64(now.UnixMilli()))
	m = protowire.AppendVarint(protowire.AppendTag(m, 4, protowire.VarintType), Boolean)
	m = protowire.AppendVarint(protowire.AppendTag(m, 14, protowire.VarintType), 1)
	payload = protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(now.UnixMilli()))
	payload = protowire.AppendBytes(protowire.AppendTag(payload, 2, protowire.BytesType), m)
	return iot.SparkplugPrefix + "/" + edge.Party + "/NCMD/" + edge.Name, payload
}
