package senml

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/tallyway/tallyway/iot"
)

// readJSON reads an array of flat objects (section 5). It goes token by token:
// a member that stands twice, or a nest without end, is no pack.
func readJSON(payload []byte) (all []raw, err error) {
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	if !opens(d, '[') {
		return nil, refuse("section 5", "the payload is no JSON array")
	}
	for d.More() {
		if len(all) == iot.MaxMeasurements {
			return nil, iot.ErrPayloadSize.Refuse("more than %s records", iot.MaxMeasurements)
		}
		if !opens(d, '{') {
			return nil, refuse("section 5", "record %s is no object", len(all))
		}
		r, err := readRecord(d)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	if !opens(d, ']') {
		return nil, refuse("section 5", "the array does not end")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse("section 5", "something follows the array")
	}
	return all, nil
}

func opens(d *json.Decoder, want json.Delim) bool {
	t, err := d.Token()
	return err == nil && t == want
}

func readRecord(d *json.Decoder) (r raw, err error) {
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return r, refuse("section 5", "a record cannot be read")
		}
		if seen[name] {
			return r, refuse("section 4.3", "%s stands twice", name[:min(len(name), 100)])
		}
		seen[name] = true
		value, err := readValue(d, 0)
		if err != nil {
			return r, err
		}
		if err := r.set(name, value); err != nil {
			return r, err
		}
	}
	if !opens(d, '}') {
		return r, refuse("section 5", "a record does not end")
	}
	return r, nil
}

// nested is a value that no field of a record has.
type nested struct{}

// readValue reads a text, a number or a truth value; what is nested is read over.
func readValue(d *json.Decoder, depth int) (any, error) {
	if depth > iot.MaxDepth {
		return nil, iot.ErrPayloadSize.Refuse("deeper than %s levels", iot.MaxDepth)
	}
	t, err := d.Token()
	if err != nil {
		return nil, refuse("section 5", "a value cannot be read")
	}
	switch t := t.(type) {
	case json.Number:
		v, err := strconv.ParseFloat(t.String(), 64)
		if err != nil || math.IsInf(v, 0) {
			return nil, refuse("section 4.3", "the number %s is too large", t.String()[:min(len(t), 50)])
		}
		return v, nil
	case json.Delim:
		for d.More() {
			if t == '{' {
				if _, err := d.Token(); err != nil {
					return nil, refuse("section 5", "a value cannot be read")
				}
			}
			if _, err := readValue(d, depth+1); err != nil {
				return nil, err
			}
		}
		if _, err := d.Token(); err != nil {
			return nil, refuse("section 5", "a value cannot be read")
		}
		return nested{}, nil
	}
	return t, nil
}

// set puts a field where it belongs. A field of another name is left out, unless
// its name says that it must be understood (section 4.4).
func (r *raw) set(name string, value any) error {
	texts := map[string]**string{"bn": &r.bn, "bu": &r.bu, "n": &r.n, "u": &r.u, "vs": &r.vs, "vd": &r.vd}
	numbers := map[string]**float64{"bt": &r.bt, "bv": &r.bv, "bs": &r.bs, "v": &r.v, "s": &r.s, "t": &r.t, "ut": &r.ut, "bver": &r.bver}
	ok := false
	switch v := value.(type) {
	case string:
		if into := texts[name]; into != nil {
			*into, ok = &v, true
		}
	case float64:
		if into := numbers[name]; into != nil {
			*into, ok = &v, true
		}
	case bool:
		if name == "vb" {
			r.vb, ok = &v, true
		}
	}
	_, text := texts[name]
	_, number := numbers[name]
	switch {
	case ok:
		return nil
	case text || number || name == "vb":
		return refuse("section 4.3", "the field %s has a value of another type", name)
	case strings.HasSuffix(name, "_"):
		return refuse("section 4.4", "the field %s must be understood", name[:min(len(name), 100)])
	}
	return nil
}
