package epcis

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// node is JSON as it was written: members in order, numbers as text.
type node struct {
	kind    Kind
	text    string
	members []member
	items   []node
}

type member struct {
	name  string
	value node
}

func (n node) get(name string) (node, bool) {
	for _, m := range n.members {
		if m.name == name {
			return m.value, true
		}
	}
	return node{}, false
}

// parseJSON reads one JSON value within the limits. It keeps what encoding/json would lose, order and digits, and
// refuses what it would let pass: a member that stands twice, text that is not UTF-8, a second value.
func parseJSON(b []byte) (node, error) {
	if len(b) > MaxBytes {
		return node{}, Problems{tooBig("")}
	}
	if !utf8.Valid(b) {
		return node{}, Problems{refusal("", "epcis/not-json", "the document is not UTF-8", "Save it as UTF-8.")}
	}
	p := &jsonParser{dec: json.NewDecoder(bytes.NewReader(b))}
	p.dec.UseNumber()
	n, err := p.value("", 0)
	if err == nil {
		if _, tail := p.dec.Token(); tail != io.EOF {
			err = Problems{refusal("", "epcis/not-json", "something follows the document", "Send one JSON document at a time.")}
		}
	}
	var ps Problems
	if err != nil && !errors.As(err, &ps) {
		err = Problems{refusal("", "epcis/not-json", "the document is not JSON: "+err.Error(), "Check it with a JSON editor; it may be cut off.")}
	}
	return n, err
}

type jsonParser struct {
	dec   *json.Decoder
	nodes int
}

func (p *jsonParser) value(path string, depth int) (node, error) {
	t, err := p.dec.Token()
	if err != nil {
		return node{}, noEOF(err)
	}
	if p.nodes++; p.nodes > MaxNodes {
		return node{}, Problems{tooBig(path)}
	}
	switch t := t.(type) {
	case json.Delim:
		if depth >= MaxDepth {
			return node{}, Problems{tooDeep(path)}
		}
		if t == '{' {
			return p.object(path, depth)
		}
		return p.array(path, depth)
	case string:
		return node{kind: Text, text: t}, checkText(path, t)
	case json.Number:
		return node{kind: Digits, text: string(t)}, checkText(path, string(t))
	case bool:
		if t {
			return node{kind: Bool, text: "true"}, nil
		}
		return node{kind: Bool, text: "false"}, nil
	}
	return node{kind: Null}, nil
}

func (p *jsonParser) object(path string, depth int) (node, error) {
	n := node{kind: Object}
	seen := map[string]bool{}
	for p.dec.More() {
		t, err := p.dec.Token()
		if err != nil {
			return n, noEOF(err)
		}
		name := t.(string) // the decoder lets nothing else stand before a colon
		if err := checkText(path, name); err != nil {
			return n, err
		}
		here := at(path, name)
		if seen[name] {
			return n, Problems{refusal(here, "epcis/duplicate", "the member "+quote(name)+" stands twice", "Remove one of the two, or make them one array.")}
		}
		seen[name] = true
		v, err := p.value(here, depth+1)
		if err != nil {
			return n, err
		}
		n.members = append(n.members, member{name, v})
	}
	_, err := p.dec.Token()
	return n, noEOF(err)
}

func (p *jsonParser) array(path string, depth int) (node, error) {
	n := node{kind: Array}
	for p.dec.More() {
		v, err := p.value(atIndex(path, len(n.items)), depth+1)
		if err != nil {
			return n, err
		}
		n.items = append(n.items, v)
	}
	_, err := p.dec.Token()
	return n, noEOF(err)
}

// noEOF tells the end within a value from the end after it.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func checkText(path, s string) error {
	if len(s) > MaxText {
		return Problems{tooLong(path)}
	}
	if strings.ContainsRune(s, 0) {
		return Problems{refusal(path, "epcis/control-character", "a text holds the character NUL", "Remove it.")}
	}
	return nil
}

// quote shows a foreign word in a message, cut to a readable length.
func quote(s string) string {
	if len(s) > 60 {
		cut := 57
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "..."
	}
	return "“" + s + "”"
}
