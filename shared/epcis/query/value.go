package query

import (
	"strings"
	"time"

	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

// operand is a value that may be a number, a time or a text: neither a URL nor XML says which.
type operand struct {
	text   string
	uri    string // the canonical form of a GS1 key, else the text
	number *gs1.Amount
	time   *time.Time
}

func operandOf(text string) operand {
	o := operand{text: text}
	o.uri, _ = gs1.Canonical(text)
	if n, err := gs1.ParseAmount(text); err == nil {
		o.number = &n
	} else if t, ok := moment(text); ok {
		o.time = &t
	}
	return o
}

// moment reads a time, or a date as its first moment in UTC: many master data attributes are dates.
func moment(text string) (time.Time, bool) {
	if t, ok := epcis.ParseTime(text); ok {
		return t, true
	}
	if len(text) != len(time.DateOnly) {
		return time.Time{}, false
	}
	t, err := time.Parse(time.DateOnly, text)
	return t, err == nil
}

// comparable reports whether two operands have an order.
func (o operand) comparable(p operand) bool {
	return o.number != nil && p.number != nil || o.time != nil && p.time != nil
}

func (o operand) compare(p operand) int {
	if o.number != nil {
		return o.number.Cmp(*p.number)
	}
	return o.time.Compare(*p.time)
}

func (o operand) equal(p operand) bool {
	return o.text == p.text || o.uri == p.uri || o.comparable(p) && o.compare(p) == 0
}

// holds reports whether an order relation holds: op is EQ, GT, GE, LT or LE.
func holds(op string, order int) bool {
	switch op {
	case "EQ":
		return order == 0
	case "GT":
		return order > 0
	case "GE":
		return order >= 0
	case "LT":
		return order < 0
	}
	return order <= 0
}

// field is the name of an extension field in a query.
type field struct {
	full   string // namespace and local name, joined as joined does
	prefix string // where nobody said what it stands for, with
	local  string
}

// fieldOf reads "prefix:local", a URI that ends with the local name ("https://ns.example.com/epcis/#size"), or "#local"
// for a field without namespace. It reports false for a bare word.
func fieldOf(text string, prefixes Prefixes) (field, bool) {
	if strings.Contains(text, "://") || strings.HasPrefix(text, "urn:") || strings.HasPrefix(text, "#") {
		return field{full: splitURI(text)}, true
	}
	prefix, local, ok := strings.Cut(text, ":")
	if !ok || prefix == "" || local == "" {
		return field{}, false
	}
	if space, known := prefixes[prefix]; known {
		return field{full: joined(space, local)}, true
	}
	if n := (epcis.Name{Prefix: prefix, Local: local}).Resolved(); n.Space != "" {
		return field{full: joined(n.Space, local)}, true
	}
	return field{prefix: prefix, local: local}, true
}

// joined is a qualified name as this package compares it: namespaces differ in whether they end with a separator.
func joined(space, local string) string { return strings.TrimRight(space, "#/:") + "#" + local }

func splitURI(uri string) string {
	cut := strings.LastIndexAny(uri, "#/:")
	if cut < 0 {
		return joined("", uri)
	}
	return joined(uri[:cut], uri[cut+1:])
}

func (f field) is(n epcis.Name) bool {
	if f.prefix != "" {
		return n.Prefix == f.prefix && n.Local == f.local
	}
	n = n.Resolved()
	if n.Space == "" && strings.HasPrefix(n.Local, "//") {
		return splitURI(n.Prefix+":"+n.Local) == f.full
	}
	if n.Space == "" && n.Prefix != "" {
		return false
	}
	return joined(n.Space, n.Local) == f.full
}

// values are those of the field among others.
func (f field) values(fields []epcis.Field) []epcis.Value {
	var all []epcis.Value
	for _, x := range fields {
		if f.is(x.Name) {
			all = append(all, x.Value)
		}
	}
	return all
}

// inner are the values of the field at any level below others.
func (f field) inner(fields []epcis.Field) []epcis.Value {
	var all []epcis.Value
	for _, x := range fields {
		f.within(x.Value, &all)
	}
	return all
}

func (f field) within(v epcis.Value, all *[]epcis.Value) {
	for _, item := range v.Items {
		f.within(item, all)
	}
	*all = append(*all, f.values(v.Fields)...)
	for _, x := range v.Fields {
		f.within(x.Value, all)
	}
}

// texts are the values of the field as text.
func (f field) texts(fields []epcis.Field) []string { return textsOf(f.values(fields)) }

func textsOf(values []epcis.Value) []string {
	var all []string
	for _, v := range values {
		switch v.Kind {
		case epcis.Null:
		case epcis.Array:
			all = append(all, textsOf(v.Items)...)
		case epcis.Object:
			if v.Text != "" {
				all = append(all, v.Text)
			}
			for _, x := range v.Fields {
				if x.Name.Local == "@value" || x.Name.Local == "@id" {
					all = append(all, x.Value.Text)
				}
			}
		default:
			all = append(all, v.Text)
		}
	}
	return all
}
