package gs1

import (
	"fmt"
	"slices"
	"strings"
)

// longest is the most bytes of an identifier in any form that is looked at.
const longest = 2000

// shortNames are the words that Digital Link URIs up to version 1.1 could use
// in place of application identifiers.
var shortNames = map[string]string{
	"sscc": "00", "gtin": "01", "cpv": "22", "lot": "10", "ser": "21", "gdti": "253", "glnx": "254", "gcn": "255",
	"ginc": "401", "gsin": "402", "gln": "414", "payTo": "415", "party": "417", "grai": "8003", "giai": "8004",
	"itip": "8006", "cpid": "8010", "cpsn": "8011", "gmn": "8013", "gsrnp": "8017", "gsrn": "8018", "srin": "8019", "refNo": "8020",
}

// Parse reads a GS1 key in any form that events and labels use:
//
//	urn:epc:id:sgtin:9506000.013435.S1        EPC pure identity
//	urn:epc:class:lgtin:9506000.013435.L1     EPC class
//	urn:epc:idpat:sgtin:9506000.013435.*      EPC pattern of all serials
//	https://shop.example/x/01/…/10/L1?a=b     Digital Link on any domain and stem
//	01/09506000134352/10/L1                   the path alone
//	(01)09506000134352(10)L1                  element string; "\(" is a bracket in a value
//
// Values are unescaped, and GTINs padded to 14 digits. Check digits, characters
// and codes are verified, as are the other elements of an element string, which
// are then left out: an ID is a key and its qualifiers. A query is not read.
func Parse(s string) (ID, error) { return parse(s, true) }

func parse(s string, strict bool) (ID, error) {
	if len(s) > longest {
		return ID{}, &Error{codeLength, "identifier", fmt.Sprintf("The identifier has %d bytes, and none is that long.", len(s)), "Give the identifier alone."}
	}
	switch {
	case strings.HasPrefix(s, "urn:"):
		return parseURN(s, strict)
	case strings.HasPrefix(s, "("):
		return parseElementString(s)
	}
	if path, ok := webPath(s); ok {
		return parsePath(path, true, strict)
	}
	return parsePath(strings.TrimPrefix(s, "/"), false, strict)
}

// webPath returns the path of an http or https URI.
func webPath(uri string) (string, bool) {
	scheme, rest, found := strings.Cut(uri, "://")
	if !found || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return "", false
	}
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i]
	}
	host, path, _ := strings.Cut(rest, "/")
	return path, host != ""
}

// parsePath reads key/value/qualifier/value…, which in a web address may follow
// other segments. Of several readings the first without error counts.
func parsePath(path string, stem, strict bool) (ID, error) {
	segments := strings.Split(strings.TrimSuffix(path, "/"), "/")
	var first error
	for i := range segments {
		if i > 0 && !stem {
			break
		}
		if _, isKey := sequences(aiOf(segments[i])); !isKey || (len(segments)-i)%2 != 0 {
			continue
		}
		id, err := parsePairs(segments[i:], strict)
		if err == nil {
			return id, nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = &Error{codeUnknownKey, "identifier", fmt.Sprintf("%q holds no GS1 key.", path), "Give a key such as 01/ and a GTIN, then its qualifiers."}
	}
	return ID{}, first
}

func aiOf(segment string) string {
	if ai, ok := shortNames[segment]; ok {
		return ai
	}
	return segment
}

func parsePairs(segments []string, strict bool) (ID, error) {
	var elements []Element
	for i := 0; i < len(segments); i += 2 {
		ai := aiOf(segments[i])
		value, ok := percentDecode(segments[i+1])
		if !ok {
			return ID{}, badEscape(fieldOf(ai))
		}
		elements = append(elements, Element{ai, value})
	}
	return assemble(elements, strict)
}

func badEscape(field string) *Error {
	return &Error{codeSyntax, field, field + " holds a % without two hexadecimal digits.", "Write % as %25."}
}

// parseElementString reads the bracketed form. Elements may come in any order.
func parseElementString(s string) (ID, error) {
	elements, err := splitElements(s)
	if err != nil {
		return ID{}, err
	}
	at := -1
	for i := range elements {
		if elements[i].AI == "01" {
			elements[i].Value = padGTIN(elements[i].Value)
		}
		if err := Check(elements[i].AI, elements[i].Value); err != nil {
			return ID{}, err
		}
		if _, isKey := sequences(elements[i].AI); isKey && at < 0 {
			at = i
		} else if isKey {
			field := fieldOf(elements[i].AI)
			return ID{}, &Error{codeOrder, field, fmt.Sprintf("%s stands beside %s, and one identifier has one key.", field, fieldOf(elements[at].AI)), "Give them one after the other."}
		}
	}
	if at < 0 {
		return ID{}, &Error{codeUnknownKey, "identifier", fmt.Sprintf("%q holds no GS1 key.", s), "Begin with a key such as (01) and a GTIN."}
	}
	key := elements[at]
	return assemble(append([]Element{key}, qualifiersOf(key.AI, elements)...), true)
}

// qualifiersOf returns the elements that qualify a key, in its order. If they
// fit no sequence, the order is told by assemble.
func qualifiersOf(key string, elements []Element) []Element {
	all, _ := sequences(key)
	var found []Element
	for _, sequence := range all {
		for _, ai := range sequence {
			for _, e := range elements {
				if e.AI == ai {
					found = append(found, e)
				}
			}
		}
	}
	return found
}

func splitElements(s string) ([]Element, error) {
	var elements []Element
	for s != "" {
		ai, rest, closed := strings.Cut(s[1:], ")")
		if !closed || ai == "" || notIn(ai, isDigit) >= 0 {
			return nil, &Error{codeSyntax, "identifier", fmt.Sprintf("%q does not begin with an application identifier in brackets.", s), `Write (01) and so on, and a bracket inside a value as "\(".`}
		}
		value, next := cutValue(rest)
		if slices.ContainsFunc(elements, func(e Element) bool { return e.AI == ai }) {
			return nil, &Error{codeOrder, fieldOf(ai), fieldOf(ai) + " stands there twice.", "Give it once."}
		}
		elements = append(elements, Element{ai, value})
		s = next
	}
	return elements, nil
}

// cutValue unescapes a value up to the next opening bracket.
func cutValue(s string) (value, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '(':
			return b.String(), s[i:]
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '(':
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}
