package gs1

import (
	"fmt"
	"slices"
	"strings"
)

// An Element is one application identifier with its value, unescaped.
type Element struct{ AI, Value string }

// An ID is a GS1 key with the qualifiers that narrow it down: a GTIN with its
// lot and serial, a GLN with its extension. Qualifiers stand in the order that
// GS1 Digital Link fixes for the key. Parse makes IDs; the zero ID names nothing.
type ID struct {
	Primary    Element
	Qualifiers []Element
}

// A Level tells how much of the world an ID names.
type Level int

const (
	Other    Level = iota // a consignment, a service relation, …
	Class                 // every item of a kind
	Lot                   // the items of one batch
	Instance              // one thing
	Place
	Party
)

// String returns the level in lower case.
func (l Level) String() string {
	return [...]string{"other", "class", "lot", "instance", "place", "party"}[l]
}

// canonicalDomain is where canonical Digital Link URIs live (CBV 2.0, 8.3).
const canonicalDomain = "https://id.gs1.org/"

// URI returns the canonical GS1 Digital Link URI of the ID.
func (id ID) URI() string { return canonicalDomain + id.Path() }

// Path returns the part of URI after the domain: "01/09506000134352/10/L1".
func (id ID) Path() string {
	var b strings.Builder
	b.WriteString(id.Primary.AI + "/" + percentEncode(id.Primary.Value))
	for _, q := range id.Qualifiers {
		b.WriteString("/" + q.AI + "/" + percentEncode(q.Value))
	}
	return b.String()
}

// GTIN returns the 14 digits of the trade item, also of an ITIP's; else "".
func (id ID) GTIN() string {
	if id.Primary.AI == "01" || id.Primary.AI == "8006" && len(id.Primary.Value) > 14 {
		return id.Primary.Value[:min(14, len(id.Primary.Value))]
	}
	return ""
}

// Lot returns the batch or lot number, or "".
func (id ID) Lot() string { return id.qualifier("10") }

// serialAt is where the serial part begins in keys that hold it themselves.
var serialAt = map[string]int{"253": 13, "255": 13, "8003": 14}

// Serial returns what tells one thing from its class: serial number, TPX, or
// the serial part of a GRAI, GDTI, GCN or CPID; else "".
func (id ID) Serial() string {
	if at, ok := serialAt[id.Primary.AI]; ok && len(id.Primary.Value) > at {
		return id.Primary.Value[at:]
	}
	for _, ai := range []string{"21", "235", "8011"} {
		if s := id.qualifier(ai); s != "" {
			return s
		}
	}
	return ""
}

func (id ID) qualifier(ai string) string {
	for _, q := range id.Qualifiers {
		if q.AI == ai {
			return q.Value
		}
	}
	return ""
}

// Level tells whether the ID names a class, a lot, one thing, a place or a party.
func (id ID) Level() Level {
	switch id.Primary.AI {
	case "00", "8004":
		return Instance
	case "414":
		return Place
	case "415", "417":
		return Party
	case "01", "253", "255", "8003", "8006", "8010", "8013":
		switch {
		case id.Serial() != "":
			return Instance
		case id.Lot() != "":
			return Lot
		}
		return Class
	}
	return Other
}

// prefixStart is where the company prefix begins in keys that lead with another
// digit: extension digit, indicator, or the zero of a GRAI.
var prefixStart = map[string]int{"00": 1, "01": 1, "8003": 1, "8006": 1}

// Issued returns the key from where its company prefix begins: without extension
// digit, indicator, or a GRAI's zero.
func (id ID) Issued() string {
	return id.Primary.Value[min(prefixStart[id.Primary.AI], len(id.Primary.Value)):]
}

// Levels are the IDs that a resolver looks under for one that it was asked for,
// the finest first: the ID itself, then with fewer qualifiers, then the key
// (GS1-Conformant resolver standard, 2.5.10).
func (id ID) Levels() []ID {
	var all []ID
	for mask := 1<<len(id.Qualifiers) - 1; mask >= 0; mask-- {
		level := ID{Primary: id.Primary}
		for i, q := range id.Qualifiers {
			if mask>>i&1 == 1 {
				level.Qualifiers = append(level.Qualifiers, q)
			}
		}
		all = append(all, level)
	}
	return all
}

// HasPrefix reports whether the key belongs to a GS1 company prefix.
func (id ID) HasPrefix(companyPrefix string) bool {
	start := prefixStart[id.Primary.AI]
	return len(companyPrefix) >= shortestPrefix && len(id.Primary.Value) > start &&
		strings.HasPrefix(id.Primary.Value[start:], companyPrefix)
}

// LotID names one lot of a trade item. The GTIN may be of 8, 12, 13 or 14 digits.
func LotID(gtin, lot string) (ID, error) {
	return assemble([]Element{{"01", gtin}, {"10", lot}}, true)
}

// SSCC builds the key of a logistic unit: extension digit 0 to 9, company prefix
// and serial reference, which is padded to the digits that are left, then the
// check digit.
func SSCC(extension int, companyPrefix string, serial uint64) (ID, error) {
	field := fieldOf("00")
	if extension < 0 || extension > 9 {
		return ID{}, &Error{codeValue, field, fmt.Sprintf("%s has no extension digit %d.", field, extension), "Use 0 to 9."}
	}
	if len(companyPrefix) < shortestPrefix || len(companyPrefix) > 12 || notIn(companyPrefix, isDigit) >= 0 {
		return ID{}, &Error{codeValue, field, fmt.Sprintf("%s cannot begin with %q, which is no GS1 company prefix.", field, companyPrefix), "Use the 4 to 12 digits that GS1 issued."}
	}
	room := 16 - len(companyPrefix)
	reference := fmt.Sprintf("%0*d", room, serial)
	if len(reference) > room {
		return ID{}, &Error{codeLength, field, fmt.Sprintf("%s has no room for serial reference %d after prefix %s.", field, serial, companyPrefix),
			fmt.Sprintf("Use at most %d digits, or go on with another extension digit.", room)}
	}
	digits := fmt.Sprint(extension) + companyPrefix + reference
	return ID{Primary: Element{"00", digits + string(checkDigit(digits))}}, nil
}

// assemble makes an ID of a key and its qualifiers in order; not strict, it
// trusts check digits and codes.
func assemble(elements []Element, strict bool) (ID, error) {
	primary, qualifiers := elements[0], elements[1:]
	if primary.AI == "01" {
		primary.Value = padGTIN(primary.Value)
	}
	if err := check(primary.AI, primary.Value, strict); err != nil {
		return ID{}, err
	}
	for _, q := range qualifiers {
		if err := check(q.AI, q.Value, strict); err != nil {
			return ID{}, err
		}
	}
	if err := inOrder(primary.AI, qualifiers); err != nil {
		return ID{}, err
	}
	if len(qualifiers) == 0 {
		return ID{Primary: primary}, nil
	}
	return ID{primary, qualifiers}, nil
}

// padGTIN brings a GTIN-8, -12 or -13 to the 14 digits of (01).
func padGTIN(s string) string {
	switch len(s) {
	case 8, 12, 13:
		return "00000000000000"[len(s):] + s
	}
	return s
}

// inOrder asks that qualifiers follow one of the sequences of a key.
func inOrder(key string, qualifiers []Element) error {
	if len(qualifiers) == 0 {
		return nil
	}
	all, _ := sequences(key)
	for _, sequence := range all {
		if follows(qualifiers, sequence) {
			return nil
		}
	}
	field := fieldOf(qualifiers[len(qualifiers)-1].AI)
	e := &Error{Code: codeOrder, Field: field, Text: fmt.Sprintf("%s does not stand there after %s.", field, fieldOf(key)), Remedy: "Remove it: this key takes no qualifiers."}
	if len(all) > 0 {
		e.Remedy = "The order is " + strings.ReplaceAll(strings.ReplaceAll(byAI[key].qualifiers, ",", ", "), "|", ", or ") + "."
	}
	return e
}

func follows(qualifiers []Element, sequence []string) bool {
	at := 0
	for _, q := range qualifiers {
		i := slices.Index(sequence[at:], q.AI)
		if i < 0 {
			return false
		}
		at += i + 1
	}
	return true
}

// Keys lists the application identifiers that can begin an ID, in their order.
func Keys() (all []string) {
	for _, e := range dictionary {
		if e.qualifiers != "" {
			all = append(all, e.from)
		}
	}
	return all
}
