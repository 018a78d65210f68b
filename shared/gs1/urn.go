package gs1

import (
	"fmt"
	"strings"
)

// A scheme tells how an EPC scheme spells a key: company prefix, reference and,
// where it has them, pieces of a trade item and serial, separated by dots (EPC
// Tag Data Standard, clause 6).
type scheme struct {
	ai        string
	digits    int    // of prefix and reference; 0: then letters may follow the prefix
	indicator bool   // the reference begins with the digit that leads the key
	lead      string // what the key begins with besides
	pieces    bool   // piece and total follow the reference
	serial    string // the serial's AI, or appended, or "" for none
}

const appended = "+"

var schemes = map[string]scheme{
	"sgtin": {ai: "01", digits: 13, indicator: true, serial: "21"},
	"lgtin": {ai: "01", digits: 13, indicator: true, serial: "10"},
	"upui":  {ai: "01", digits: 13, indicator: true, serial: "235"},
	"itip":  {ai: "8006", digits: 13, indicator: true, pieces: true, serial: "21"},
	"sscc":  {ai: "00", digits: 17, indicator: true},
	"sgln":  {ai: "414", digits: 12, serial: "254"},
	"pgln":  {ai: "417", digits: 12},
	"grai":  {ai: "8003", digits: 12, lead: "0", serial: appended},
	"gdti":  {ai: "253", digits: 12, serial: appended},
	"sgcn":  {ai: "255", digits: 12, serial: appended},
	"giai":  {ai: "8004"},
	"gsrn":  {ai: "8018", digits: 17},
	"gsrnp": {ai: "8017", digits: 17},
	"cpi":   {ai: "8010", serial: "8011"},
	"ginc":  {ai: "401"},
	"gsin":  {ai: "402", digits: 16},
}

func parseURN(urn string, strict bool) (ID, error) {
	words := strings.SplitN(urn, ":", 5)
	if len(words) != 5 || words[1] != "epc" {
		return ID{}, urnError(codeSyntax, urn, "is no EPC URN", "Write it as urn:epc:id:sgtin:… or urn:epc:class:lgtin:….")
	}
	kind, name, body := words[2], words[3], words[4]
	sch, known := schemes[name]
	switch {
	case !known, kind != "id" && kind != "class" && kind != "idpat", (kind == "class") != (name == "lgtin"):
		return ID{}, urnError(codeUnknownKey, urn, "has no scheme for a GS1 key", "Use a scheme such as id:sgtin, id:sscc, id:sgln or class:lgtin.")
	}
	elements, err := sch.read(urn, body, kind == "idpat")
	if err != nil {
		return ID{}, err
	}
	return assemble(elements, strict)
}

func (sch scheme) read(urn, body string, pattern bool) ([]Element, error) {
	fields := 2
	if sch.pieces {
		fields += 2
	}
	if sch.serial != "" {
		fields++
	}
	words := strings.SplitN(body, ".", fields)
	if len(words) != fields {
		return nil, urnError(codeSyntax, urn, fmt.Sprintf("does not have the %d fields of its scheme", fields), "Separate them by dots.")
	}
	key, err := sch.key(urn, words)
	if err != nil {
		return nil, err
	}
	if sch.serial == "" {
		return []Element{{sch.ai, key}}, nil
	}
	return sch.addSerial(urn, key, words[fields-1], pattern)
}

// key joins company prefix and reference, and computes the check digit.
func (sch scheme) key(urn string, words []string) (string, error) {
	prefix, reference := words[0], words[1]
	if len(prefix) < 6 || len(prefix) > 12 || notIn(prefix, isDigit) >= 0 {
		return "", urnError(codeSyntax, urn, "does not begin with a GS1 company prefix", "Put its 6 to 12 digits first.")
	}
	if sch.digits == 0 {
		reference, ok := percentDecode(reference)
		if !ok {
			return "", badEscape("identifier")
		}
		if reference == "" || reference == "*" {
			return "", urnError(codeSyntax, urn, "has no reference after its company prefix", "Name one thing.")
		}
		return prefix + reference, nil
	}
	if len(prefix)+len(reference) != sch.digits || notIn(reference, isDigit) >= 0 {
		return "", urnError(codeLength, urn, fmt.Sprintf("does not have %d digits in company prefix and reference", sch.digits), "Check both, and leave the check digit out.")
	}
	key := prefix + reference
	if sch.indicator {
		if reference == "" {
			return "", urnError(codeLength, urn, "has no indicator digit", "Begin the reference with it.")
		}
		key = reference[:1] + prefix + reference[1:]
	}
	key += string(checkDigit(key))
	if sch.pieces {
		if len(words[2]) != 2 || len(words[3]) != 2 {
			return "", urnError(codeLength, urn, "does not have two digits each for piece and total", "Write them as 01.02.")
		}
		key += words[2] + words[3]
	}
	return sch.lead + key, nil
}

func (sch scheme) addSerial(urn, key, serial string, pattern bool) ([]Element, error) {
	if pattern && serial == "*" || sch.serial == "254" && serial == "0" {
		return []Element{{sch.ai, key}}, nil
	}
	serial, ok := percentDecode(serial)
	if !ok {
		return nil, badEscape("identifier")
	}
	if serial == "" {
		return nil, urnError(codeLength, urn, "has no serial after its last dot", "Add it.")
	}
	if sch.serial == appended {
		return []Element{{sch.ai, key + serial}}, nil
	}
	return []Element{{sch.ai, key}, {sch.serial, serial}}, nil
}

func urnError(code, urn, says, remedy string) *Error {
	return &Error{code, "identifier", fmt.Sprintf("%q %s.", urn, says), remedy}
}

// URN returns the EPC form of the ID: a pure identity, an lgtin class, or the
// pattern of a class without serial. It needs the company prefix, which a
// Digital Link does not mark off, and drops a consumer product variant, and a
// lot beside a serial, for which the EPC has no place. It reports false for
// keys that no EPC scheme spells.
func (id ID) URN(companyPrefix string) (string, bool) {
	name, serial, ok := id.scheme()
	if !ok || !id.HasPrefix(companyPrefix) || len(companyPrefix) < 6 || len(companyPrefix) > 12 {
		return "", false
	}
	sch := schemes[name]
	key := id.Primary.Value[len(sch.lead):]
	indicator := ""
	if sch.indicator {
		indicator, key = key[:1], key[1:]
	}
	reference := urnEncode(key[len(companyPrefix):])
	if sch.digits > 0 {
		reference = indicator + key[len(companyPrefix):sch.digits-len(indicator)]
	}
	body := companyPrefix + "." + reference
	if sch.pieces {
		body += "." + id.Primary.Value[14:16] + "." + id.Primary.Value[16:]
	}
	kind := "id"
	switch {
	case name == "lgtin":
		kind = "class"
	case name == "sgln" && serial == "":
		serial = "0"
	case sch.serial != "" && serial == "":
		return "urn:epc:idpat:" + name + ":" + body + ".*", true
	}
	if sch.serial != "" {
		body += "." + urnEncode(serial)
	}
	return "urn:epc:" + kind + ":" + name + ":" + body, true
}

// keySchemes names the EPC scheme of each key that has one; a GTIN's depends on
// its qualifier.
var keySchemes = map[string]string{
	"00": "sscc", "01": "sgtin", "253": "gdti", "255": "sgcn", "401": "ginc", "402": "gsin", "414": "sgln", "417": "pgln",
	"8003": "grai", "8004": "giai", "8006": "itip", "8010": "cpi", "8017": "gsrnp", "8018": "gsrn",
}

// scheme finds the EPC scheme of an ID and the serial that it carries there.
func (id ID) scheme() (name, serial string, ok bool) {
	name, ok = keySchemes[id.Primary.AI]
	qualifiers := id.Qualifiers
	if id.GTIN() != "" {
		qualifiers = finest(qualifiers)
	}
	if !ok || len(qualifiers) == 0 {
		return name, id.Serial(), ok
	}
	q := qualifiers[0]
	if id.Primary.AI == "01" {
		name = map[string]string{"21": "sgtin", "10": "lgtin", "235": "upui"}[q.AI]
	}
	return name, q.Value, schemes[name].serial == q.AI
}

// urnEncode escapes what may not stand in an EPC URN (Tag Data Standard,
// table A-1).
func urnEncode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte("\"%&/<>?#", s[i]) >= 0 {
			b.Write([]byte{'%', hexDigits[s[i]>>4], hexDigits[s[i]&15]})
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
