// Package tree reads one JSON document into plain values, and refuses what
// encoding/json lets pass: a member that stands twice, text that is not UTF-8,
// a second document behind the first, and more levels than a payload needs.
// What the values mean, the rooms of the formats know.
package tree

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tallyway/tallyway/iot"
)

// JSON gives objects as map[string]any, arrays as []any and numbers as float64:
// infinite where a number is larger than a float64 can be, for who uses it to
// refuse.
func JSON(payload []byte) (any, error) {
	switch {
	case len(payload) > iot.MaxPayload:
		return nil, iot.ErrPayloadSize.Refuse("%s bytes", len(payload))
	case !utf8.Valid(payload):
		return nil, iot.ErrPayload.Refuse("the text is not UTF-8")
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(payload))
	v, err := value(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, iot.ErrPayload.Refuse("something stands behind the document's end, at byte %s", d.InputOffset())
	}
	return v, nil
}

func value(d *jsontext.Decoder) (any, error) {
	t, err := d.ReadToken()
	if err != nil {
		return nil, broken(d, err)
	}
	switch t.Kind() {
	case '[':
		return array(d)
	case '{':
		return object(d)
	case '0':
		return number(t.String()), nil
	case '"':
		return t.String(), nil
	case 't', 'f':
		return t.Bool(), nil
	}
	return nil, nil // null
}

func array(d *jsontext.Decoder) (any, error) {
	if d.StackDepth() > iot.MaxDepth {
		return nil, tooDeep()
	}
	all := []any{}
	for d.PeekKind() != ']' {
		v, err := value(d)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, closed(d)
}

func object(d *jsontext.Decoder) (any, error) {
	if d.StackDepth() > iot.MaxDepth {
		return nil, tooDeep()
	}
	all := map[string]any{}
	for d.PeekKind() != '}' {
		t, err := d.ReadToken()
		if err != nil {
			return nil, broken(d, err)
		}
		name := t.String()
		if all[name], err = value(d); err != nil {
			return nil, err
		}
	}
	return all, closed(d)
}

// closed reads the bracket that PeekKind has seen.
func closed(d *jsontext.Decoder) error {
	if _, err := d.ReadToken(); err != nil {
		return broken(d, err)
	}
	return nil
}

func tooDeep() error { return iot.ErrPayloadSize.Refuse("more than %s levels", iot.MaxDepth) }

func broken(d *jsontext.Decoder, err error) error {
	var syntactic *jsontext.SyntacticError
	if errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &syntactic) {
		name := syntactic.JSONPointer.LastToken()
		return iot.ErrPayload.Refuse("the member %s stands twice", strconv.Quote(name)).On(name)
	}
	return iot.ErrPayload.Refuse("it is no JSON from byte %s on", d.InputOffset())
}

func number(text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}
