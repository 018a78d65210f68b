// Package tree reads one JSON document into plain values, and refuses what
// encoding/json lets pass: a member that stands twice, text that is not UTF-8,
// a second document behind the first, and more levels than a payload needs.
// What the values mean, the rooms of the formats know.
package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

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
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	v, err := value(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, iot.ErrPayload.Refuse("something stands behind the document's end, at byte %s", d.InputOffset())
	}
	return v, nil
}

func value(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, broken(d)
	}
	switch t := t.(type) {
	case json.Delim:
		if depth == iot.MaxDepth {
			return nil, iot.ErrPayloadSize.Refuse("more than %s levels", iot.MaxDepth)
		}
		if t == '[' {
			return array(d, depth+1)
		}
		return object(d, depth+1)
	case json.Number:
		return number(t.String()), nil
	}
	return t, nil
}

func array(d *json.Decoder, depth int) (any, error) {
	all := []any{}
	for d.More() {
		v, err := value(d, depth)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, closed(d)
}

func object(d *json.Decoder, depth int) (any, error) {
	all := map[string]any{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, broken(d)
		}
		if _, twice := all[name]; twice {
			return nil, iot.ErrPayload.Refuse("the member %s stands twice", strconv.Quote(name)).On(name)
		}
		if all[name], err = value(d, depth); err != nil {
			return nil, err
		}
	}
	return all, closed(d)
}

// closed reads the bracket that More has seen.
func closed(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return broken(d)
	}
	return nil
}

func broken(d *json.Decoder) error {
	return iot.ErrPayload.Refuse("it is no JSON from byte %s on", d.InputOffset())
}

func number(text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(v, 0) {
		return math.NaN()
	}
	return v
}
