package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// maxDepth is how deep the API's JSON may nest.
const maxDepth = 64

// ReadJSON reads the request's body into v: one JSON value of bounded depth
// whose names v knows. A body that is no JSON is ErrUnreadable (400); a value
// of the wrong type is ErrField (422) with the field's name.
func (c *Ctx) ReadJSON(v any) error {
	kind, _, err := mime.ParseMediaType(c.Request().Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return ErrUnreadable.Refuse("the Content-Type is not application/json")
	}
	b, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return readError(err)
	}
	return decodeJSON(b, v)
}

func readError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return ErrUnreadable.Refuse("")
}

func decodeJSON(b []byte, v any) error {
	if deeper(b, maxDepth) {
		return ErrUnreadable.Refuse("nested deeper than %s", maxDepth)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		return ErrUnreadable.Refuse("more than one value")
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return ErrField.Refuse("").On(wrong.Field)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return ErrField.Refuse("there is no field %s", name).On(strings.Trim(name, `"`))
	}
	if refused(err) {
		return err // a value's own reader knows better
	}
	return ErrUnreadable.Refuse("")
}

// deeper reports whether JSON nests deeper than a limit, in one pass and
// without a stack, before any decoder recurses into it.
func deeper(b []byte, limit int) bool {
	depth, text := 0, false
	for i := 0; i < len(b); i++ {
		switch {
		case text && b[i] == '\\':
			i++
		case b[i] == '"':
			text = !text
		case text:
		case b[i] == '{' || b[i] == '[':
			if depth++; depth > limit {
				return true
			}
		case b[i] == '}' || b[i] == ']':
			depth--
		}
	}
	return false
}
