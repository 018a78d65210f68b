package iot

import "strings"

// Formats of payloads, as they stand last in a topic.
const (
	SenML     = "senml"     // RFC 8428, JSON
	CBOR      = "cbor"      // RFC 8428, CBOR
	Plain     = "json"      // JSON, read by the device's own mapping
	Sparkplug = "sparkplug" // Sparkplug B 3.0
)

// Prefix leads every topic of a device; Sparkplug's own namespace leads its.
const (
	Prefix          = "tw"
	SparkplugPrefix = "spBv1.0"
)

// Topic is an address that a device publishes under.
type Topic struct {
	Device ID
	Format string
	Verb   string // Sparkplug's type of the message
	Edge   ID     // who speaks: the device itself, or Sparkplug's edge node for it
}

// ParseTopic reads tw/{company}/{device}/{format} and
// spBv1.0/{company}/{verb}/{edge}[/{device}].
func ParseTopic(text string) (Topic, error) {
	var t Topic
	switch parts := strings.Split(text, "/"); {
	case parts[0] == Prefix && len(parts) == 4:
		t = Topic{Device: ID{parts[1], parts[2]}, Format: parts[3], Edge: ID{parts[1], parts[2]}}
	case parts[0] == SparkplugPrefix && len(parts) == 4:
		t = Topic{Device: ID{parts[1], parts[3]}, Format: Sparkplug, Verb: parts[2], Edge: ID{parts[1], parts[3]}}
	case parts[0] == SparkplugPrefix && len(parts) == 5:
		t = Topic{Device: ID{parts[1], parts[4]}, Format: Sparkplug, Verb: parts[2], Edge: ID{parts[1], parts[3]}}
	}
	if !t.holds() {
		return Topic{}, ErrTopic.Refuse("%s", text)
	}
	return t, nil
}

// holds keeps names to what a name is, and a node's verbs with nodes and a
// device's with devices (Sparkplug 3.0, chapter 4).
func (t Topic) holds() bool {
	if !IsName(t.Device.Party) || !IsName(t.Device.Name) || !IsName(t.Edge.Name) {
		return false
	}
	switch t.Verb {
	case "NBIRTH", "NDEATH", "NDATA", "NCMD":
		return t.Format == Sparkplug && t.Edge == t.Device
	case "DBIRTH", "DDEATH", "DDATA", "DCMD":
		return t.Format == Sparkplug && t.Edge != t.Device
	}
	return t.Format == SenML || t.Format == CBOR || t.Format == Plain
}
