package query

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
)

// What a query may ask at most.
const (
	MaxBytes  = 256 << 10 // of a query in JSON
	MaxTerms  = 100       // parameters
	MaxValues = 1000      // values of all parameters together
	maxText   = 4000      // bytes of a value or name
)

// Prefixes says what the prefixes of extension fields stand for. Those of the standard's own context need not be
// given. A prefix that is not known means the fields whose sender used the same prefix.
type Prefixes map[string]string

// ParseExtensions reads the header GS1-Extensions: "prefix=namespace", separated by commas.
func ParseExtensions(header string) Prefixes {
	p := Prefixes{}
	for part := range strings.SplitSeq(header, ",") {
		if prefix, space, ok := strings.Cut(strings.TrimSpace(part), "="); ok && prefix != "" && space != "" {
			p[prefix] = space
		}
	}
	return p
}

// Parse reads the parameters of a URL. Values of one parameter are separated by "|" (OpenAPI's pipeDelimited), or the
// parameter stands again. The error is *Error.
func Parse(params url.Values, prefixes Prefixes) (*Query, error) {
	r := reader{prefixes: prefixes}
	var names []string
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names) // the first problem told is always the same
	for _, name := range names {
		var values []string
		for _, v := range params[name] {
			values = append(values, strings.Split(v, "|")...)
		}
		if err := r.add(name, values); err != nil {
			return nil, err
		}
	}
	return r.query()
}

// ParseJSON reads the query of a named query (query-schema.json): an object of parameters, whose prefixes its @context
// declares. The error is *Error.
func ParseJSON(b []byte) (*Query, error) {
	if len(b) > MaxBytes {
		return nil, refuse("query", fmt.Sprintf("It has more than %d bytes.", MaxBytes), "Ask several queries.")
	}
	members, err := object(b)
	if err != nil {
		return nil, err
	}
	r := reader{prefixes: Prefixes{}}
	for _, m := range members {
		if m.name == "@context" {
			if err := r.context(m.value); err != nil {
				return nil, err
			}
		}
	}
	for _, m := range members {
		if m.name == "@context" {
			continue
		}
		values, err := texts(m.name, m.value)
		if err != nil {
			return nil, err
		}
		if err := r.add(m.name, values); err != nil {
			return nil, err
		}
	}
	return r.query()
}

type member struct {
	name  string
	value json.RawMessage
}

// object reads the members of an object in their order, and refuses one that stands twice.
func object(b []byte) ([]member, error) {
	wrong := refuse("query", "It is not a JSON object.", `Send the parameters as {"eventType": ["ObjectEvent"]}.`)
	dec := json.NewDecoder(bytes.NewReader(b))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, wrong
	}
	var all []member
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		var value json.RawMessage
		if err != nil || !ok || dec.Decode(&value) != nil {
			return nil, wrong
		}
		if seen[name] {
			return nil, refuse(name, "It stands twice.", "Give its values as one array.")
		}
		seen[name] = true
		all = append(all, member{name, value})
	}
	if _, err := dec.Token(); err != nil {
		return nil, wrong
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, wrong
	}
	return all, nil
}

// context takes the prefixes of a @context; addresses are not fetched.
func (r *reader) context(b json.RawMessage) error {
	var list []json.RawMessage
	if json.Unmarshal(b, &list) != nil {
		list = []json.RawMessage{b}
	}
	for _, item := range list {
		var address string
		var object map[string]json.RawMessage
		if json.Unmarshal(item, &address) == nil {
			continue
		}
		if json.Unmarshal(item, &object) != nil {
			return refuse("@context", "A context is an address or an object.", "Write a URL, or prefixes with their namespaces.")
		}
		for prefix, value := range object {
			var space string
			var term struct {
				ID string `json:"@id"`
			}
			if json.Unmarshal(value, &space) != nil && json.Unmarshal(value, &term) == nil {
				space = term.ID
			}
			if space != "" {
				r.prefixes[prefix] = space
			}
		}
	}
	return nil
}

// texts are the values of a JSON parameter: a scalar, or an array of them. Null is the value of EXISTS_ parameters.
func texts(param string, b json.RawMessage) ([]string, error) {
	wrong := refuse(param, "Its value is neither a text, a number, true or false, nor an array of them.", `Write an array such as ["shipping", "receiving"].`)
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, wrong
	}
	list, many := v.([]any)
	if !many {
		list = []any{v}
	}
	var all []string
	for _, v := range list {
		switch v := v.(type) {
		case nil:
			if many {
				return nil, wrong
			}
			all = append(all, "")
		case string:
			all = append(all, v)
		case json.Number:
			all = append(all, v.String())
		case bool:
			all = append(all, fmt.Sprint(v))
		default:
			return nil, wrong
		}
	}
	return all, nil
}

// reader gathers a query, parameter by parameter.
type reader struct {
	prefixes Prefixes
	q        Query
	params   int
	values   int
}

func (r *reader) add(param string, values []string) error {
	r.params++
	r.values += len(values)
	switch {
	case len(param) > maxText:
		return refuse(param, "No parameter has so long a name.", "Check it.")
	case r.params > MaxTerms:
		return refuse(param, fmt.Sprintf("The query has more than %d parameters.", MaxTerms), "Ask several queries.")
	case r.values > MaxValues:
		return refuse(param, fmt.Sprintf("The query has more than %d values.", MaxValues), "Ask several queries.")
	case len(values) == 0:
		return refuse(param, "It has no value.", "Give at least one, or leave the parameter out.")
	}
	for _, v := range values {
		if len(v) > maxText {
			return refuse(param, fmt.Sprintf("A value has more than %d bytes.", maxText), "Shorten it.")
		}
	}
	if done, err := r.control(param, values); done || err != nil {
		return err
	}
	t, err := r.term(param, values)
	if err == nil && t.test != nil {
		r.q.Terms = append(r.q.Terms, t)
	}
	return err
}

// query checks what only the whole can tell.
func (r *reader) query() (*Query, error) {
	if r.q.Limit > 0 && r.q.Max > 0 {
		return nil, errBothLimits()
	}
	return &r.q, nil
}
