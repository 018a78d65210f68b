package senml

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/internal/tree"
)

// Pack is a list of records as they came, not resolved yet.
type Pack []Entry

// Entry is one record with its base fields; what is nil was not sent. It is
// written by encoding/json and by fxamacker/cbor as the RFC has it (table 4).
type Entry struct {
	BaseVersion *float64 `json:"bver,omitempty" cbor:"-1,keyasint,omitempty"`
	BaseName    *string  `json:"bn,omitempty" cbor:"-2,keyasint,omitempty"`
	BaseTime    *float64 `json:"bt,omitempty" cbor:"-3,keyasint,omitempty"`
	BaseUnit    *string  `json:"bu,omitempty" cbor:"-4,keyasint,omitempty"`
	BaseValue   *float64 `json:"bv,omitempty" cbor:"-5,keyasint,omitempty"`
	BaseSum     *float64 `json:"bs,omitempty" cbor:"-6,keyasint,omitempty"`
	Name        *string  `json:"n,omitempty" cbor:"0,keyasint,omitempty"`
	Unit        *string  `json:"u,omitempty" cbor:"1,keyasint,omitempty"`
	Value       *float64 `json:"v,omitempty" cbor:"2,keyasint,omitempty"`
	Text        *string  `json:"vs,omitempty" cbor:"3,keyasint,omitempty"`
	Truth       *bool    `json:"vb,omitempty" cbor:"4,keyasint,omitempty"`
	Sum         *float64 `json:"s,omitempty" cbor:"5,keyasint,omitempty"`
	Time        *float64 `json:"t,omitempty" cbor:"6,keyasint,omitempty"`
	UpdateTime  *float64 `json:"ut,omitempty" cbor:"7,keyasint,omitempty"`
	Data        *Octets  `json:"vd,omitempty" cbor:"8,keyasint,omitempty"`
}

// Octets are data; JSON writes them in base64url without padding (section 5).
type Octets []byte

// MarshalText writes them for JSON.
func (o Octets) MarshalText() ([]byte, error) {
	return []byte(base64.RawURLEncoding.EncodeToString(o)), nil
}

// ReadJSON reads a pack in JSON (section 5).
func ReadJSON(payload []byte) (Pack, error) {
	v, err := tree.JSON(payload)
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		return nil, iot.ErrPayload.Refuse("a pack is an array of records")
	}
	return pack(list, func(record any) (map[string]any, error) {
		fields, ok := record.(map[string]any)
		if !ok {
			return nil, iot.ErrPayload.Refuse("a record is an object")
		}
		if text, ok := fields["vd"].(string); ok {
			data, err := base64.RawURLEncoding.Strict().DecodeString(text)
			if err != nil {
				return nil, iot.ErrPayload.Refuse("vd is not base64url without padding").On("vd")
			}
			fields["vd"] = data
		}
		return fields, nil
	})
}

// pack reads records whose fields are told by the labels of JSON.
func pack(list []any, fields func(any) (map[string]any, error)) (Pack, error) {
	switch {
	case len(list) == 0:
		return nil, iot.ErrPayload.Refuse("a pack holds one record or more")
	case len(list) > iot.MaxMeasurements:
		return nil, iot.ErrPayloadSize.Refuse("%s records", len(list))
	}
	p := make(Pack, len(list))
	for i, record := range list {
		f, err := fields(record)
		if err != nil {
			return nil, err
		}
		for label, v := range f {
			if err := p[i].set(label, v); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// set takes one field. Labels that are not known are passed over (section 4.4).
func (e *Entry) set(label string, v any) error {
	switch label {
	case "bn":
		return text(&e.BaseName, label, v)
	case "bu":
		return text(&e.BaseUnit, label, v)
	case "n":
		return text(&e.Name, label, v)
	case "u":
		return text(&e.Unit, label, v)
	case "vs":
		return text(&e.Text, label, v)
	case "bt":
		return number(&e.BaseTime, label, v)
	case "bv":
		return number(&e.BaseValue, label, v)
	case "bs":
		return number(&e.BaseSum, label, v)
	case "bver":
		return number(&e.BaseVersion, label, v)
	case "v":
		return number(&e.Value, label, v)
	case "s":
		return number(&e.Sum, label, v)
	case "t":
		return number(&e.Time, label, v)
	case "ut":
		return number(&e.UpdateTime, label, v)
	case "vb":
		truth, ok := v.(bool)
		e.Truth = &truth
		return kept(ok, label, "true or false")
	case "vd":
		data, ok := v.([]byte)
		e.Data = (*Octets)(&data)
		return kept(ok, label, "octets")
	}
	if strings.HasSuffix(label, "_") {
		return ErrMustUnderstand.Refuse("%s", strconv.Quote(label)).On(label)
	}
	return nil
}

func text(to **string, label string, v any) error {
	s, ok := v.(string)
	*to = &s
	return kept(ok, label, "text")
}

// number keeps NaN and the infinities out, which CBOR can tell.
func number(to **float64, label string, v any) error {
	f, ok := v.(float64)
	if ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return iot.ErrValue.Refuse("%s is no finite number", label).On(label)
	}
	*to = &f
	return kept(ok, label, "a number")
}

func kept(ok bool, label, what string) error {
	if !ok {
		return iot.ErrPayload.Refuse("%s is "+what, label).On(label)
	}
	return nil
}
