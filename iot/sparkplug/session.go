package sparkplug

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/iot"
)

// Rules of sessions.
var (
	// ErrNotBorn is Sparkplug's first principle: what data mean, a birth tells.
	ErrNotBorn = chaincode.Rule{Code: "iot/not-born", Kind: chaincode.Conflict,
		Text: "Nothing is known of the sender: no birth came, or it died since.", Remedy: "Send NBIRTH, then DBIRTH of the device; a rebirth was asked for."}
	// ErrBirth keeps births to what data need of them.
	ErrBirth = chaincode.Rule{Code: "iot/birth", Kind: chaincode.Malformed,
		Text: "The birth does not say what a birth must.", Remedy: "Send seq, and for every metric a name of its own and its datatype; in NBIRTH bdSeq; every alias once."}
	// ErrNotInBirth keeps data to what its birth has named.
	ErrNotInBirth = chaincode.Rule{Code: "iot/not-in-birth", Kind: chaincode.Conflict,
		Text: "The metric stands in no birth of the sender.", Remedy: "Name every metric in the birth; a rebirth was asked for."}
	// ErrSeq wants a number that tells whether something got lost.
	ErrSeq = chaincode.Rule{Code: "iot/seq", Kind: chaincode.Malformed,
		Text: "The message has no sequence number between 0 and 255.", Remedy: "Number all messages of an edge node from its NBIRTH on; after 255 comes 0."}
)

// Bounds of what one edge node may have remembered.
const (
	MaxDevices = 500
	MaxMetrics = 20000
)

// Between two wishes for a rebirth of one edge node lies at least this.
const patience = 10 * time.Second

// Outcome is what a message came to. Rebirth holds also beside an error.
type Outcome struct {
	Measurements []iot.Measurement // of the topic's device
	Passed       []string          // names of a birth's metrics that are no channels
	Born         bool              // the topic's device is alive from here on
	Died         []iot.ID          // their last values are no longer current, in order
	Rebirth      bool              // send Rebirth to the topic's edge node
	Lost         int               // messages that are missing before this one, at least
}

// Sessions are those of all edge nodes that one host hears. They are safe for
// several callers. Messages of one edge node MUST be handed in in their order, and
// only those of edge nodes that are registered: each is remembered.
type Sessions struct {
	mu    sync.Mutex
	nodes map[iot.ID]*node
}

type node struct {
	alive   bool
	bdSeq   float64
	seq     uint64            // of the last message
	first   [sha256.Size]byte // its NBIRTH
	last    [sha256.Size]byte // the last message: to tell a repetition from a loss
	asked   time.Time
	devices map[iot.ID]device // born and not dead; the node itself is one
	aliases map[uint64]alias
	metrics int
}

type device map[string]born // by the metric's name

type born struct {
	channel string // empty: no channel
	kind    Type
}

type alias struct {
	owner iot.ID
	name  string
}

// Take reads one message, received at a time.
func (s *Sessions) Take(t iot.Topic, payload []byte, received time.Time) (Outcome, error) {
	if t.Format != iot.Sparkplug {
		return Outcome{}, iot.ErrTopic.Refuse("%s is no Sparkplug", t.Format)
	}
	p, err := Parse(payload)
	if err != nil {
		return Outcome{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.nodes[t.Edge]
	if n == nil {
		if s.nodes == nil {
			s.nodes = map[iot.ID]*node{}
		}
		n = &node{}
		s.nodes[t.Edge] = n
	}
	o, err := n.take(t, p, sha256.Sum256(payload))
	if o.Rebirth {
		o.Rebirth = received.Sub(n.asked) >= patience
		if o.Rebirth {
			n.asked = received
		}
	}
	return o, err
}

// Forget drops an edge node's session, when it is decommissioned.
func (s *Sessions) Forget(edge iot.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.nodes, edge)
}

func (n *node) take(t iot.Topic, p Payload, sum [sha256.Size]byte) (Outcome, error) {
	switch t.Verb {
	case "NCMD", "DCMD":
		return Outcome{}, nil // a host's word to the node, not ours to hear
	case "NBIRTH":
		return n.begin(t, p, sum)
	case "NDEATH":
		return n.end(p)
	}
	if !n.alive {
		return Outcome{Rebirth: true}, ErrNotBorn.Refuse("%s", t.Edge)
	}
	lost, err := n.count(p, sum)
	if err != nil {
		return Outcome{}, err
	}
	o := Outcome{Lost: lost, Rebirth: lost > 0}
	switch t.Verb {
	case "DBIRTH":
		err = n.birth(&o, t.Device, p)
	case "DDEATH":
		if n.drop(t.Device) {
			o.Died = []iot.ID{t.Device}
		}
	default:
		err = n.data(&o, t.Device, p)
	}
	return o, err
}

// begin is NBIRTH: what was known of the node is void (section 5.4).
func (n *node) begin(t iot.Topic, p Payload, sum [sha256.Size]byte) (Outcome, error) {
	i := slices.IndexFunc(p.Metrics, func(m Metric) bool { return m.Name == "bdSeq" })
	if i < 0 {
		return Outcome{}, ErrBirth.Refuse("bdSeq is missing").On("bdSeq")
	}
	bdSeq, err := p.Metrics[i].Number(p.Metrics[i].Type)
	if err != nil {
		return Outcome{}, ErrBirth.Refuse("bdSeq is no whole number").On("bdSeq")
	}
	if p.Seq == nil || *p.Seq > 255 {
		return Outcome{}, ErrSeq.Refuse("NBIRTH").On("seq")
	}
	if n.alive && sum == n.first { // it came twice: what was born since lives on
		return Outcome{}, nil
	}
	next := node{alive: true, bdSeq: bdSeq, seq: *p.Seq, first: sum, last: sum, devices: map[iot.ID]device{}, aliases: map[uint64]alias{}}
	var o Outcome
	err = next.birth(&o, t.Edge, p)
	if !o.Born {
		return Outcome{}, err
	}
	for _, gone := range n.living() {
		if gone != t.Edge { // its own birth tells the node's values anew
			o.Died = append(o.Died, gone)
		}
	}
	*n = next
	return o, err
}

// end is NDEATH. One that belongs to an earlier connection says nothing about
// this one (section 5.8).
func (n *node) end(p Payload) (Outcome, error) {
	i := slices.IndexFunc(p.Metrics, func(m Metric) bool { return m.Name == "bdSeq" })
	if i < 0 {
		return Outcome{}, iot.ErrPayload.Refuse("NDEATH has no bdSeq").On("bdSeq")
	}
	kind := p.Metrics[i].Type
	if kind == 0 {
		kind = Int64
	}
	bdSeq, err := p.Metrics[i].Number(kind)
	if err != nil {
		return Outcome{}, err
	}
	if !n.alive || bdSeq != n.bdSeq {
		return Outcome{}, nil
	}
	o := Outcome{Died: n.living()}
	*n = node{asked: n.asked}
	return o, nil
}

func (n *node) living() []iot.ID {
	all := make([]iot.ID, 0, len(n.devices))
	for id := range n.devices {
		all = append(all, id)
	}
	slices.SortFunc(all, iot.ID.Compare)
	return all
}

// count checks the sequence: 0 follows 255. The same message once more is a
// repetition by the way, not a loss.
func (n *node) count(p Payload, sum [sha256.Size]byte) (lost int, err error) {
	if p.Seq == nil || *p.Seq > 255 {
		return 0, ErrSeq.Refuse("seq is missing or larger").On("seq")
	}
	if *p.Seq == n.seq && sum == n.last {
		return 0, nil
	}
	lost = int(*p.Seq-n.seq-1) & 255
	n.seq, n.last = *p.Seq, sum
	return lost, nil
}

// birth defines what data of a device may name, and tells the values of now. A
// value that is refused does not undo the birth: data would stay unread.
func (n *node) birth(o *Outcome, id iot.ID, p Payload) error {
	defined, aliases, err := n.defined(id, p)
	if err != nil {
		return err
	}
	n.drop(id)
	if len(n.devices) == MaxDevices || n.metrics+len(defined) > MaxMetrics {
		return iot.ErrPayloadSize.Refuse("more than %s devices or %s metrics of one edge node", MaxDevices, MaxMetrics)
	}
	n.devices[id] = defined
	n.metrics += len(defined)
	for number, name := range aliases {
		n.aliases[number] = alias{id, name}
	}
	for _, m := range p.Metrics {
		if defined[m.Name].channel == "" && m.Name != "bdSeq" {
			o.Passed = append(o.Passed, m.Name)
		}
	}
	o.Born = true
	return n.read(o, id, p)
}

// defined reads a birth's metrics without taking them over yet.
func (n *node) defined(id iot.ID, p Payload) (device, map[uint64]string, error) {
	defined, aliases, channels := device{}, map[uint64]string{}, map[string]string{}
	for _, m := range p.Metrics {
		if _, twice := defined[m.Name]; m.Name == "" || twice || m.Type == 0 {
			return nil, nil, ErrBirth.Refuse("metric %s", strconv.Quote(m.Name)).On("metrics")
		}
		channel := ""
		if m.Type <= Boolean { // text, times and templates do not measure
			channel, _ = Channel(m.Name)
		}
		if other := channels[channel]; channel != "" && other != "" {
			return nil, nil, ErrBirth.Refuse("%s and %s are both %s", other, m.Name, channel).On("metrics")
		}
		channels[channel] = m.Name
		defined[m.Name] = born{channel, m.Type}
		if m.Alias == nil {
			continue
		}
		_, twice := aliases[*m.Alias]
		if other, taken := n.aliases[*m.Alias]; twice || taken && other.owner != id {
			return nil, nil, ErrBirth.Refuse("alias %s of %s is taken", *m.Alias, m.Name).On("alias")
		}
		aliases[*m.Alias] = m.Name
	}
	return defined, aliases, nil
}

// drop forgets a device's birth.
func (n *node) drop(id iot.ID) bool {
	d, there := n.devices[id]
	if !there {
		return false
	}
	delete(n.devices, id)
	n.metrics -= len(d)
	for number, a := range n.aliases {
		if a.owner == id {
			delete(n.aliases, number)
		}
	}
	return true
}

func (n *node) data(o *Outcome, id iot.ID, p Payload) error {
	if _, there := n.devices[id]; !there {
		o.Rebirth = true
		return ErrNotBorn.Refuse("%s", id)
	}
	return n.read(o, id, p)
}

// read gives the values of channels. A metric's own time leads, then the
// payload's; historical values have one of their own (section 6.4.6).
func (n *node) read(o *Outcome, id iot.ID, p Payload) error {
	all := make([]iot.Measurement, 0, len(p.Metrics))
	for _, m := range p.Metrics {
		b, name, ok := n.metric(id, m)
		if !ok {
			o.Rebirth = true
			return ErrNotInBirth.Refuse("%s", name).On("metrics")
		}
		if b.channel == "" || m.Null {
			continue
		}
		m.Name = name
		kind := b.kind
		if m.Type != 0 {
			kind = m.Type
		}
		v, err := m.Number(kind)
		if err != nil {
			return err
		}
		at, err := m.at(p)
		if err != nil {
			return err
		}
		all = append(all, iot.Measurement{Channel: b.channel, At: at, Value: v})
	}
	o.Measurements = all
	return nil
}

// metric finds what a birth of the device told of a metric.
func (n *node) metric(id iot.ID, m Metric) (b born, name string, ok bool) {
	name = m.Name
	if name == "" && m.Alias != nil {
		a, known := n.aliases[*m.Alias]
		if name = a.name; !known || a.owner != id {
			return born{}, "alias " + strconv.FormatUint(*m.Alias, 10), false
		}
	}
	b, ok = n.devices[id][name]
	return b, name, ok
}

// maxMillis keeps times to years of four digits.
const maxMillis = 253402300799999

func (m Metric) at(p Payload) (time.Time, error) {
	millis := m.Timestamp
	switch {
	case millis == nil && m.Historical:
		return time.Time{}, iot.ErrPayload.Refuse("%s is historical and has no time of its own", m.Name).On("timestamp")
	case millis == nil:
		millis = p.Timestamp
	}
	switch {
	case millis == nil:
		return time.Time{}, nil
	case *millis > maxMillis:
		return time.Time{}, iot.ErrClock.Refuse("%s: %s ms", m.Name, *millis).On("timestamp")
	}
	return time.UnixMilli(int64(*millis)).UTC(), nil
}

// Rebirth is the command that makes an edge node send its births again
// (section 5.6): publish it, at QoS 0 and not retained, under RebirthTopic.
func Rebirth(at time.Time) []byte {
	now := uint64(at.UnixMilli())
	m := Yes("Node Control/Rebirth", true)
	m.Timestamp = &now
	return Payload{Timestamp: &now, Metrics: []Metric{m}}.Append(nil)
}

// RebirthTopic is where an edge node listens for Rebirth.
func RebirthTopic(edge iot.ID) string {
	return iot.SparkplugPrefix + "/" + edge.Party + "/NCMD/" + edge.Name
}
