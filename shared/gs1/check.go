package gs1

import (
	"fmt"
	"strings"
)

// An entry is one row of the dictionary.
type entry struct {
	from, to   string
	qualifiers string
	title      string
	parts      []part
}

// A part is one component of an AI's value: consecutive characters of one set
// with rules of their own. Only the last part may vary in length, and parts
// that may be left out stand at the end.
type part struct {
	set      func(byte) bool
	min, max int
	optional bool
	rules    []rule
}

// A rule tells what is wrong with a part's content, or nil.
type rule func(s string) *flaw

// A flaw is an Error that does not know its field yet: says completes the
// sentence that begins with the field's name.
type flaw struct{ code, says, remedy string }

// The parts of dictionary.go: n digits, x the 82 characters, y the 39, z
// base64url; opt may be left out.

func n(length int, rules ...rule) part  { return part{isDigit, length, length, false, rules} }
func x(length int, rules ...rule) part  { return part{is82, length, length, false, rules} }
func nupTo(max int, rules ...rule) part { return part{isDigit, 1, max, false, rules} }
func xupTo(max int, rules ...rule) part { return part{is82, 1, max, false, rules} }
func yupTo(max int, rules ...rule) part { return part{is39, 1, max, false, rules} }
func zupTo(max int, rules ...rule) part {
	return part{isBase64, 1, max, false, append(rules, padded64)}
}
func opt(p part) part { p.optional = true; return p }

// byAI finds a row by any of its AIs.
var byAI = func() map[string]*entry {
	m := make(map[string]*entry)
	for i := range dictionary {
		e := &dictionary[i]
		last := len(e.from) - 1
		for c := e.from[last]; c <= e.to[last]; c++ {
			m[e.from[:last]+string(c)] = e
		}
	}
	return m
}()

// Check verifies the value of one application identifier against the GS1
// General Specifications: lengths, characters, check digits, dates and codes.
func Check(ai, value string) error {
	return check(ai, value, true)
}

// check is Check, or without strict its lengths and characters only.
func check(ai, value string, strict bool) error {
	e := byAI[ai]
	if e == nil {
		return &Error{codeUnknownKey, "(" + ai + ")", fmt.Sprintf("%q is no GS1 application identifier.", ai), "Use one of the GS1 General Specifications, such as 01 for a GTIN or 10 for a lot."}
	}
	if f := e.check(value, strict); f != nil {
		field := fieldOf(ai)
		return &Error{f.code, field, field + " " + f.says + ".", f.remedy}
	}
	return nil
}

// fieldOf names an AI as people know it: "GTIN (01)".
func fieldOf(ai string) string {
	e := byAI[ai]
	if e == nil || e.title == "" {
		return "(" + ai + ")"
	}
	return e.title + " (" + ai + ")"
}

func (e *entry) check(value string, strict bool) *flaw {
	rest := value
	for _, p := range e.parts {
		if rest == "" && p.optional {
			return nil
		}
		if len(rest) < p.min {
			return e.wrongLength(value)
		}
		s := rest[:min(p.max, len(rest))]
		if i := notIn(s, p.set); i >= 0 {
			return &flaw{codeCharacter, fmt.Sprintf("holds %q, a character that may not stand there", character(rest[i:])), "Remove it or replace it."}
		}
		rest = rest[len(s):]
		if !strict {
			continue
		}
		for _, r := range p.rules {
			if f := r(s); f != nil {
				return f
			}
		}
	}
	if rest != "" {
		return e.wrongLength(value)
	}
	return nil
}

// character is the first character of s, whole even if it takes several bytes.
func character(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

func (e *entry) wrongLength(value string) *flaw {
	least, most := 0, 0
	for _, p := range e.parts {
		if !p.optional {
			least += p.min
		}
		most += p.max
	}
	span := fmt.Sprint(most)
	if least != most {
		span = fmt.Sprintf("%d to %d", least, most)
	}
	return &flaw{codeLength, fmt.Sprintf("has %d characters, not %s", len(value), span), "Check it for missing or additional characters."}
}

// sequences returns the sequences of qualifiers that a key takes, and whether
// the AI is a key at all.
func sequences(ai string) ([][]string, bool) {
	e := byAI[ai]
	if e == nil || e.qualifiers == "" {
		return nil, false
	}
	if e.qualifiers == "-" {
		return nil, true
	}
	var all [][]string
	for s := range strings.SplitSeq(e.qualifiers, "|") {
		all = append(all, strings.Split(s, ","))
	}
	return all, true
}
