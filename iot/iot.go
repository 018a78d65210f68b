// Package iot is what sensors say: the names, units and topics that its rooms
// share. What was measured comes in over MQTT (broker), in one of several
// payloads (senml, sparkplug, plain), is stored durably in windows and sealed
// (store, seal), and watched (watch).
//
// It knows no lots and no shipments: whose goods lay where, the apps know.
package iot

import (
	"cmp"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
)

// Measurement is one value as a payload tells it, before anybody asked whose
// it is.
type Measurement struct {
	Channel string    // of the device: "temperature", "temperature.rear"
	Unit    string    // as sent, in the payload's own code; empty where it says none
	At      time.Time // zero where the payload tells no time: then it is when it came
	Value   float64   // a truth value is 0 or 1
}

// Reading is one value as it is stored: in the unit of its channel.
type Reading struct {
	Device  ID
	Channel string
	At      time.Time // UTC, whole microseconds
	Value   float64
}

// ID names a device: the company's id and the device's name within it, as they
// stand in its topic.
type ID struct{ Party, Name string }

func (d ID) String() string { return d.Party + "/" + d.Name }

// Compare puts devices in order.
func (d ID) Compare(other ID) int {
	return cmp.Or(cmp.Compare(d.Party, other.Party), cmp.Compare(d.Name, other.Name))
}

// ParseID reads what String writes.
func ParseID(text string) (ID, bool) {
	party, name, ok := strings.Cut(text, "/")
	id := ID{party, name}
	return id, ok && IsName(party) && IsName(name)
}

// LongestName bounds names of devices, which stand in topics.
const LongestName = 40

// IsName tells whether a text can stand in a topic as a company's id or a
// device's name: small letters, digits and hyphens, no hyphen first or last.
func IsName(text string) bool {
	if len(text) == 0 || len(text) > LongestName || text[0] == '-' || text[len(text)-1] == '-' {
		return false
	}
	for i := range len(text) { // asked for every message
		if c := text[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// Message is a publication as a broker hands it on.
type Message struct {
	Topic    string
	Payload  []byte
	By       ID        // the device that signed in; zero where an outside broker let it in
	Received time.Time // the host's clock
	// Refused is why the broker did not let it through: it is kept among the dead
	// letters, for people to see, and nowhere else.
	Refused *chaincode.Refusal
	// Done MUST be called once, when the message is durable (stored, or kept
	// among the dead letters): only then does its sender hear of it. An error
	// keeps the acknowledgement back: the sender sends again.
	Done func(error)
}

// Sink is where messages go. Take MAY block while the sink is full: that is
// what slows senders down. It MUST NOT wait for the message to be durable.
type Sink interface{ Take(Message) }

// Decoder reads one payload of one device. Its error is a *chaincode.Refusal
// of one of the rules below, or of the decoder's own.
type Decoder interface {
	Decode(payload []byte) ([]Measurement, error)
}

// DecoderFunc is a Decoder that keeps no state.
type DecoderFunc func(payload []byte) ([]Measurement, error)

// Decode calls f.
func (f DecoderFunc) Decode(payload []byte) ([]Measurement, error) { return f(payload) }

// Bounds of what is taken.
const (
	MaxPayload      = 256 << 10 // bytes of one message
	MaxMeasurements = 5000      // values in one message
	MaxDepth        = 16        // of nested JSON and CBOR
	MaxAhead        = 2 * time.Minute
	MaxBehind       = 400 * 24 * time.Hour
)

// Rules by which a message is refused. It goes among the dead letters with the
// rule's code and what was found; the stream goes on.
var (
	ErrTopic = chaincode.Rule{Code: "iot/topic", Kind: chaincode.Malformed,
		Text:   "A device publishes under tw/{company}/{device}/ and the name of its format.",
		Remedy: "Publish to tw/{company}/{device}/senml, …/cbor or …/json, or as Sparkplug B under spBv1.0/{company}/…"}
	ErrNotYourTopic = chaincode.Rule{Code: "iot/not-your-topic", Kind: chaincode.Forbidden,
		Text: "A device publishes under its own topic only.", Remedy: "Sign in with the credentials of the device that the topic names."}
	ErrSignIn = chaincode.Rule{Code: "iot/sign-in", Kind: chaincode.Forbidden,
		Text: "The device's name and password do not match, or it is decommissioned.", Remedy: "The user name is company/device; make a new password on the device's page."}
	ErrNoDevice = chaincode.Rule{Code: "iot/no-device", Kind: chaincode.NotFound,
		Text: "No device of this name is registered, or it is decommissioned.", Remedy: "Register the device; the name in the topic is the name on its page."}
	ErrPayload = chaincode.Rule{Code: "iot/payload", Kind: chaincode.Malformed,
		Text: "The payload cannot be read in the format that its topic names.", Remedy: "Compare it with the example on the device's page."}
	ErrPayloadSize = chaincode.Rule{Code: "iot/payload-size", Kind: chaincode.Malformed,
		Text: "The payload is larger, deeper or longer than what is taken at once.", Remedy: "Send at most 256 KiB, 5,000 values and 16 levels in one message."}
	ErrClock = chaincode.Rule{Code: "iot/clock", Kind: chaincode.Malformed,
		Text: "A reading's time lies in the future, or more than 400 days back.", Remedy: "Set the device's clock; send times in UTC."}
	ErrChannel = chaincode.Rule{Code: "iot/channel", Kind: chaincode.Malformed,
		Text: "The device has no such channel.", Remedy: "Name a channel that stands on the device's page, or add it there."}
	ErrUnit = chaincode.Rule{Code: "iot/unit", Kind: chaincode.Malformed,
		Text: "The unit does not measure what the channel does.", Remedy: "Send the channel's unit, or one that converts into it."}
	ErrValue = chaincode.Rule{Code: "iot/value", Kind: chaincode.Malformed,
		Text: "The value is not a number that the channel can have.", Remedy: "Send a finite number in the range of what is measured."}
	ErrContradiction = chaincode.Rule{Code: "iot/contradiction", Kind: chaincode.Conflict,
		Text: "Another value of the same channel at the same moment is stored already.", Remedy: "A device tells one value at one moment; look for two devices with one name."}
)
