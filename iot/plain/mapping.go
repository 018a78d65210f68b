// Package plain reads JSON of any shape by a device's own mapping: where each
// channel's value and its time stand in it. It knows no vendor; what a device
// sends, its owner says.
package plain

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/iot"
)

// ErrMapping keeps mappings to what can be read by.
var ErrMapping = chaincode.Rule{Code: "iot/mapping", Kind: chaincode.Malformed,
	Text: "The mapping cannot be read by.", Remedy: "Name for every channel a JSON pointer such as /data/temp, a unit that it is measured in, and a time format of rfc3339, unix or unix-ms."}

// Mapping says where in a device's JSON its values stand. Pointers are those of
// RFC 6901: "/data/0/temp"; "" is the whole document.
type Mapping struct {
	// Samples points to an array of samples; the other pointers then begin at
	// each of them. Without it the document is one sample.
	Samples  *string           `json:"samples,omitempty"`
	Time     *Time             `json:"time,omitempty"` // without it a sample is of when it came
	Channels map[string]Source `json:"channels"`
}

// Time says where a sample's time stands, and how it is written.
type Time struct {
	Pointer string `json:"pointer"`
	Format  string `json:"format"` // rfc3339, unix (seconds) or unix-ms
}

// Source says where a channel's value stands: value × scale + offset, in unit.
type Source struct {
	Pointer string  `json:"pointer"`
	Unit    string  `json:"unit,omitempty"`   // the channel's own where it is empty
	Scale   float64 `json:"scale,omitempty"`  // 1 where it is 0
	Offset  float64 `json:"offset,omitempty"` // added after the scale
}

// MaxChannels of one mapping.
const MaxChannels = 64

// Check tells what a mapping lacks; it names the field.
func (m Mapping) Check() error {
	switch {
	case len(m.Channels) == 0 || len(m.Channels) > MaxChannels:
		return ErrMapping.Refuse("%s channels", len(m.Channels)).On("channels")
	case m.Samples != nil && !isPointer(*m.Samples):
		return ErrMapping.Refuse("samples: %s is no JSON pointer", strconv.Quote(*m.Samples)).On("samples")
	case m.Time != nil && !isPointer(m.Time.Pointer):
		return ErrMapping.Refuse("time: %s is no JSON pointer", strconv.Quote(m.Time.Pointer)).On("time")
	case m.Time != nil && formats[m.Time.Format] == nil:
		return ErrMapping.Refuse("time: the format %s", strconv.Quote(m.Time.Format)).On("time")
	}
	for _, channel := range m.names() {
		if err := m.Channels[channel].check(channel); err != nil {
			return err
		}
	}
	return nil
}

// names are the channels in order, so that the same payload gives the same list.
func (m Mapping) names() []string {
	all := make([]string, 0, len(m.Channels))
	for name := range m.Channels {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func (s Source) check(channel string) error {
	kind, ok := iot.KindOf(channel)
	if !ok {
		return ErrMapping.Refuse("%s names no kind of channel", strconv.Quote(channel)).On(channel)
	}
	if !isPointer(s.Pointer) {
		return ErrMapping.Refuse("%s: %s is no JSON pointer", channel, strconv.Quote(s.Pointer)).On(channel)
	}
	if _, err := kind.Take(iot.Measurement{Channel: channel, Unit: s.Unit}); iot.ErrUnit.Code == codeOf(err) {
		return ErrMapping.Refuse("%s: the unit %s does not measure it", channel, strconv.Quote(s.Unit)).On(channel)
	}
	if bad(s.Scale) || bad(s.Offset) {
		return ErrMapping.Refuse("%s: scale and offset are finite numbers", channel).On(channel)
	}
	return nil
}

func codeOf(err error) string {
	if r, ok := err.(*chaincode.Refusal); ok {
		return r.Code
	}
	return ""
}

func bad(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }

// isPointer holds a text to RFC 6901, section 3: parts that begin with a slash,
// where a tilde stands only as ~0 or ~1.
func isPointer(text string) bool {
	if text == "" {
		return true
	}
	rest := strings.NewReplacer("~0", "", "~1", "").Replace(text)
	return text[0] == '/' && len(text) <= 256 && !strings.Contains(rest, "~")
}

// steps are a pointer's parts: ~1 is a slash, then ~0 a tilde (section 4).
func steps(pointer string) []string {
	if pointer == "" {
		return nil
	}
	parts := strings.Split(pointer[1:], "/")
	for i, p := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(p, "~1", "/"), "~0", "~")
	}
	return parts
}

// find follows steps. A part of an array is its number, without leading zeros.
func find(v any, steps []string) (any, bool) {
	for _, step := range steps {
		switch in := v.(type) {
		case map[string]any:
			next, ok := in[step]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, err := strconv.ParseUint(step, 10, 31)
			if err != nil || i >= uint64(len(in)) || len(step) > 1 && step[0] == '0' {
				return nil, false
			}
			v = in[i]
		default:
			return nil, false
		}
	}
	return v, true
}
