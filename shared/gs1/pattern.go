package gs1

import (
	"fmt"
	"strings"
)

// A Pattern says which identifiers are meant: one, in any of its spellings, or
// all that begin alike. It compares canonical URIs and, for what is no GS1 key,
// the text. The zero Pattern matches nothing.
type Pattern struct {
	text string // the whole identifier, as Canonical spells it

	// Of a pattern with wildcards:
	ai     string
	values []string // how the key may begin
	whole  bool     // the one value is the key in full
	serial string   // the qualifier that may follow, as its AI; "" for none
	bare   bool     // the key may stand without it
}

// ParsePattern reads an EPC pattern, whose last fields may be asterisks, or any
// identifier, which then means itself:
//
//	urn:epc:idpat:sgtin:9506000.013435.*     every serial of a product, and the product
//	urn:epc:idpat:sgtin:9506000.*.*          every serial of a company's products
//	urn:epc:idpat:sscc:*.*                   every logistic unit
//	urn:epc:classpat:lgtin:9506000.013435.*  every lot of a product; class: and idpat: do as well
//	https://id.gs1.org/01/09506000134352/10/*  the same as a Digital Link
//
// The rules are those of EPCIS 2.0, section 8.2.7.1.1 and of the Tag Data
// Standard; the last form is our own.
func ParsePattern(s string) (Pattern, error) {
	if len(s) > longest {
		return Pattern{}, &Error{codeLength, "identifier", fmt.Sprintf("The identifier has %d bytes, and none is that long.", len(s)), "Give the identifier alone."}
	}
	switch {
	case strings.HasPrefix(s, "urn:epc:") && strings.Contains(s, "*"):
		return parseURNPattern(s)
	case strings.HasSuffix(s, "/*"):
		return parseLinkPattern(s)
	}
	text, _ := Canonical(s)
	return Pattern{text: text}, nil
}

// Match reports whether an identifier is meant.
func (p Pattern) Match(uri string) bool {
	canonical, isKey := Canonical(uri)
	if p.ai == "" {
		return p.text != "" && canonical == p.text
	}
	return isKey && p.matchPath(strings.TrimPrefix(canonical, canonicalDomain))
}

func (p Pattern) matchPath(path string) bool {
	words := strings.Split(path, "/")
	if words[0] != p.ai || !p.begins(words[1]) {
		return false
	}
	switch len(words) {
	case 2:
		return p.bare
	case 4:
		return p.serial == words[2]
	}
	return false
}

func (p Pattern) begins(value string) bool {
	for _, v := range p.values {
		if p.whole && value == v || !p.whole && strings.HasPrefix(value, v) {
			return true
		}
	}
	return false
}

// One returns the identifier in its canonical form where the pattern means one.
func (p Pattern) One() (string, bool) { return p.text, p.ai == "" }

// Starts lists how the paths (ID.Path) of all keys begin that a pattern with
// wildcards means: an index finds them by it. Some that begin so do not match.
func (p Pattern) Starts() []string {
	var all []string
	for _, v := range p.values {
		all = append(all, p.ai+"/"+v)
	}
	return all
}

func parseURNPattern(urn string) (Pattern, error) {
	words := strings.SplitN(urn, ":", 5)
	if len(words) != 5 {
		return Pattern{}, urnError(codeSyntax, urn, "is no EPC pattern", "Write it as urn:epc:idpat:sgtin:….")
	}
	sch, known := schemes[words[3]]
	switch {
	case !known, words[2] != "idpat" && words[2] != "classpat" && words[2] != "class":
		return Pattern{}, urnError(codeUnknownKey, urn, "has no scheme for a pattern of GS1 keys", "Use a scheme such as idpat:sgtin, idpat:sscc, idpat:sgln or classpat:lgtin.")
	}
	fields := strings.Split(words[4], ".")
	if len(fields) != sch.fields() {
		return Pattern{}, urnError(codeSyntax, urn, fmt.Sprintf("does not have the %d fields of its scheme", sch.fields()), "Separate them by dots, with an asterisk for each that may be anything.")
	}
	given := 0
	for given < len(fields) && fields[given] != "*" {
		given++
	}
	for _, f := range fields[given:] {
		if f != "*" {
			return Pattern{}, urnError(codeSyntax, urn, "has an asterisk before a field that is given", "Asterisks stand last.")
		}
	}
	return sch.pattern(urn, fields, given, words[3] == "lgtin" || words[3] == "upui")
}

func (sch scheme) fields() int {
	n := 2
	if sch.pieces {
		n += 2
	}
	if sch.serial != "" {
		n++
	}
	return n
}

// pattern is made of the fields that are given, from the left.
func (sch scheme) pattern(urn string, fields []string, given int, serialOnly bool) (Pattern, error) {
	p := Pattern{ai: sch.ai, bare: !serialOnly}
	if sch.serial != appended {
		p.serial = sch.serial
	}
	switch {
	case given == 0:
		p.values = []string{sch.lead}
	case given == 1:
		prefix := fields[0]
		if len(prefix) < 6 || len(prefix) > 12 || notIn(prefix, isDigit) >= 0 {
			return Pattern{}, urnError(codeSyntax, urn, "does not begin with a GS1 company prefix", "Put its 6 to 12 digits first, or an asterisk.")
		}
		p.values = sch.beginnings(prefix)
	case sch.pieces && given < 4:
		return Pattern{}, urnError(codeSyntax, urn, "gives the reference without piece and total", "Give both as 01.02, or an asterisk for the reference as well.")
	default:
		key, err := sch.key(urn, fields)
		if err != nil {
			return Pattern{}, err
		}
		p.values, p.whole = []string{percentEncode(key)}, sch.serial != appended
	}
	return p, nil
}

// beginnings are how the keys of a company may begin: the indicator before its
// prefix is any digit.
func (sch scheme) beginnings(prefix string) []string {
	if !sch.indicator {
		return []string{sch.lead + prefix}
	}
	var all []string
	for digit := '0'; digit <= '9'; digit++ {
		all = append(all, string(digit)+prefix)
	}
	return all
}

// parseLinkPattern reads a Digital Link whose last value is an asterisk.
func parseLinkPattern(uri string) (Pattern, error) {
	stem := strings.TrimSuffix(uri, "/*")
	cut := strings.LastIndexByte(stem, '/')
	wrong := urnError(codeSyntax, uri, "has an asterisk where none can stand", "Write it in place of a serial or lot number, as in https://id.gs1.org/01/09506000134352/21/*.")
	if cut < 0 {
		return Pattern{}, wrong
	}
	ai := aiOf(stem[cut+1:])
	key, ok := Canonical(stem[:cut])
	path, web := strings.CutPrefix(key, canonicalDomain)
	words := strings.Split(path, "/")
	if !ok || !web || len(words) != 2 {
		return Pattern{}, wrong
	}
	if err := inOrder(words[0], []Element{{AI: ai}}); err != nil {
		return Pattern{}, err
	}
	return Pattern{ai: words[0], values: []string{words[1]}, whole: true, serial: ai}, nil
}
