package query

import (
	"slices"
	"strings"

	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

// term reads a parameter that chooses events.
func (r *reader) term(param string, values []string) (Term, error) {
	if standard, ok := aliases[param]; ok {
		param = standard
	}
	if rule, ok := fixed[param]; ok {
		return rule(param, values)
	}
	op, rest, _ := strings.Cut(param, "_")
	switch op {
	case "EQ", "GT", "GE", "LT", "LE":
		if attribute, ok := strings.CutPrefix(rest, "ATTR_"); ok && op == "EQ" {
			return r.equalAttribute(param, attribute, values)
		}
		if name, unit, ok := strings.Cut(rest, "_"); ok && measures[name] != nil {
			return measure(param, op, name, unit, values)
		}
		if op == "EQ" {
			if list, kind, ok := cutTyped(rest); ok {
				return typed(param, list, kind, values)
			}
		}
		return r.compare(param, op, rest, values)
	case "EXISTS":
		return r.existing(param, rest, values)
	case "HASATTR":
		return r.hasAttribute(param, rest, values)
	case "EQATTR":
		return r.equalAttribute(param, rest, values)
	}
	return Term{}, unknown(param)
}

func unknown(param string) error {
	return refuse(param, "There is no such query parameter.",
		"Check its spelling in EPCIS 2.0, section 8.2.7.1; a field of an extension is named with its prefix, as in EQ_example:size.")
}

// lists are the fields whose elements have a type and a value.
var lists = []struct {
	name string
	form func(string) string
	of   func(e *epcis.Event) []epcis.Typed
}{
	{"bizTransaction", epcis.TransactionTypeWord, func(e *epcis.Event) []epcis.Typed { return e.BizTransactions }},
	{"source", epcis.PartyTypeWord, func(e *epcis.Event) []epcis.Typed { return e.Sources }},
	{"destination", epcis.PartyTypeWord, func(e *epcis.Event) []epcis.Typed { return e.Destinations }},
}

func cutTyped(rest string) (list int, kind string, ok bool) {
	for i, l := range lists {
		if kind, ok := strings.CutPrefix(rest, l.name+"_"); ok && kind != "" {
			return i, kind, true
		}
	}
	return 0, "", false
}

// typed is EQ_bizTransaction_type, EQ_source_type and EQ_destination_type.
func typed(param string, list int, kind string, values []string) (Term, error) {
	if err := given(param, values); err != nil {
		return Term{}, err
	}
	l := lists[list]
	kind = l.form(kind)
	for i := range values {
		values[i] = canonical(values[i])
	}
	return Term{param, values, func(e *epcis.Event, _ Around) bool {
		return slices.ContainsFunc(l.of(e), func(t epcis.Typed) bool {
			return l.form(t.Type) == kind && slices.Contains(values, canonical(t.Value))
		})
	}}, nil
}

// A scope is where the extension fields of a parameter stand.
type scope struct {
	name string // as the parameter begins
	of   func(e *epcis.Event) []epcis.Field
}

var scopes = []scope{
	{"ILMD_", func(e *epcis.Event) []epcis.Field { return e.ILMD }},
	{"ERROR_DECLARATION_", func(e *epcis.Event) []epcis.Field {
		if e.Error == nil {
			return nil
		}
		return e.Error.Extensions
	}},
	{"SENSORELEMENT_", sensorFields(func(s *epcis.SensorElement) []epcis.Field { return s.Extensions })},
	{"SENSORMETADATA_", sensorFields(func(s *epcis.SensorElement) []epcis.Field { return s.Metadata.Extensions })},
	{"SENSORREPORT_", sensorFields(func(s *epcis.SensorElement) []epcis.Field {
		var all []epcis.Field
		for _, r := range s.Reports {
			all = append(all, r.Extensions...)
		}
		return all
	})},
	{"readPoint_", func(e *epcis.Event) []epcis.Field { return e.ReadPointExtensions }},
	{"bizLocation_", func(e *epcis.Event) []epcis.Field { return e.BizLocationExtensions }},
	{"", func(e *epcis.Event) []epcis.Field { return e.Extensions }},
}

func sensorFields(of func(s *epcis.SensorElement) []epcis.Field) func(e *epcis.Event) []epcis.Field {
	return func(e *epcis.Event) []epcis.Field {
		var all []epcis.Field
		for i := range e.Sensors {
			all = append(all, of(&e.Sensors[i])...)
		}
		return all
	}
}

// fieldValues reads "[INNER_][SCOPE_]field", and gives what finds the values of that field in an event.
func (r *reader) fieldValues(param, rest string) (func(e *epcis.Event) []epcis.Value, error) {
	name, inner := strings.CutPrefix(rest, "INNER_")
	for _, s := range scopes {
		local, ok := strings.CutPrefix(name, s.name)
		if !ok {
			continue
		}
		f, ok := fieldOf(local, r.prefixes)
		if !ok {
			break
		}
		if inner {
			return func(e *epcis.Event) []epcis.Value { return f.inner(s.of(e)) }, nil
		}
		return func(e *epcis.Event) []epcis.Value { return f.values(s.of(e)) }, nil
	}
	return nil, unknown(param)
}

// compare is EQ_fieldname and its kin. The standard compares texts for EQ_, and numbers and times for every operator.
func (r *reader) compare(param, op, rest string, values []string) (Term, error) {
	of, err := r.fieldValues(param, rest)
	if err != nil {
		return Term{}, err
	}
	if err := given(param, values); err != nil {
		return Term{}, err
	}
	var wants []operand
	for _, v := range values {
		o := operandOf(v)
		if op != "EQ" && (o.number == nil && o.time == nil || len(values) != 1) {
			return Term{}, refuse(param, "It takes one number or time.", "Write a number such as 4.5, or a time such as 2026-03-01T08:30:00Z; texts have no order here.")
		}
		wants = append(wants, o)
	}
	return Term{param, values, func(e *epcis.Event, _ Around) bool {
		for _, text := range textsOf(of(e)) {
			x := operandOf(text)
			if slices.ContainsFunc(wants, func(w operand) bool {
				return op == "EQ" && x.equal(w) || op != "EQ" && x.comparable(w) && holds(op, x.compare(w))
			}) {
				return true
			}
		}
		return false
	}}, nil
}

func (r *reader) existing(param, rest string, values []string) (Term, error) {
	of, err := r.fieldValues(param, rest)
	if err != nil {
		return Term{}, err
	}
	return exists(func(e *epcis.Event) bool { return len(of(e)) > 0 })(param, values)
}

// elements are the standard fields that name a record of master data.
var elements = map[string]func(e *epcis.Event) []string{
	"readPoint":   func(e *epcis.Event) []string { return []string{e.ReadPoint} },
	"bizLocation": func(e *epcis.Event) []string { return []string{e.BizLocation} },
	"epcClass":    matched["anyEPCClass"],
	"bizStep":     func(e *epcis.Event) []string { return []string{e.BizStep} },
	"disposition": func(e *epcis.Event) []string { return []string{e.Disposition} },
	"source":      func(e *epcis.Event) []string { return valuesOf(e.Sources) },
	"destination": func(e *epcis.Event) []string { return valuesOf(e.Destinations) },
	"bizTransaction": func(e *epcis.Event) []string {
		return valuesOf(e.BizTransactions)
	},
}

func valuesOf(list []epcis.Typed) []string {
	var all []string
	for _, t := range list {
		all = append(all, t.Value)
	}
	return all
}

// elementsOf finds the records that a field names.
func (r *reader) elementsOf(param, name string) (func(e *epcis.Event) []string, error) {
	if of, ok := elements[name]; ok {
		return of, nil
	}
	of, err := r.fieldValues(param, name)
	if err != nil {
		return nil, err
	}
	return func(e *epcis.Event) []string { return textsOf(of(e)) }, nil
}

// attribute is a name of master data; a bare word is one of the CBV's.
func (r *reader) attribute(name string) field {
	if f, ok := fieldOf(name, r.prefixes); ok {
		return f
	}
	return field{full: joined("urn:epcglobal:cbv:mda:", name)}
}

// attributesOf are the master data that an event's field leads to.
func attributesOf(e *epcis.Event, a Around, of func(e *epcis.Event) []string) []epcis.Attribute {
	var all []epcis.Attribute
	if a.MasterData == nil {
		return nil
	}
	for _, id := range of(e) {
		if record := a.MasterData(canonical(id)); id != "" && record != nil {
			all = append(all, record.Attributes...)
		}
	}
	return all
}

func (f field) isAttribute(id string) bool {
	if strings.Contains(id, "://") || strings.HasPrefix(id, "urn:") {
		return splitURI(id) == f.full
	}
	prefix, local, ok := strings.Cut(id, ":")
	if !ok {
		return joined("urn:epcglobal:cbv:mda:", id) == f.full
	}
	return f.is(epcis.Name{Prefix: prefix, Local: local})
}

// hasAttribute is HASATTR_fieldname: the record has one of the attributes.
func (r *reader) hasAttribute(param, name string, values []string) (Term, error) {
	of, err := r.elementsOf(param, name)
	if err != nil {
		return Term{}, err
	}
	if err := given(param, values); err != nil {
		return Term{}, err
	}
	var names []field
	for _, v := range values {
		names = append(names, r.attribute(v))
	}
	return Term{param, values, func(e *epcis.Event, a Around) bool {
		for _, attribute := range attributesOf(e, a, of) {
			if slices.ContainsFunc(names, func(f field) bool { return f.isAttribute(attribute.ID) }) {
				return true
			}
		}
		return false
	}}, nil
}

// equalAttribute is EQATTR_fieldname_attribute: the record has the attribute with one of the values.
func (r *reader) equalAttribute(param, rest string, values []string) (Term, error) {
	name, attribute, ok := strings.Cut(rest, "_")
	if elements[name] == nil {
		if cut := strings.LastIndexByte(rest, '_'); cut > 0 { // names of extension fields may hold the separator
			name, attribute = rest[:cut], rest[cut+1:]
		}
	}
	if !ok || attribute == "" {
		return Term{}, unknown(param)
	}
	of, err := r.elementsOf(param, name)
	if err != nil {
		return Term{}, err
	}
	if err := given(param, values); err != nil {
		return Term{}, err
	}
	f := r.attribute(attribute)
	var wants []operand
	for _, v := range values {
		wants = append(wants, operandOf(v))
	}
	return Term{param, values, func(e *epcis.Event, a Around) bool {
		for _, x := range attributesOf(e, a, of) {
			if !f.isAttribute(x.ID) {
				continue
			}
			for _, text := range textsOf([]epcis.Value{x.Value}) {
				if o := operandOf(text); slices.ContainsFunc(wants, o.equal) {
					return true
				}
			}
		}
		return false
	}}, nil
}

// deepest bounds how far WD_ follows the children of a place; master data may run in a ring.
const deepest = 1000

// within is WD_readPoint and WD_bizLocation: one of the places, or what lies in it. A GLN with an extension lies in the
// place without; master data tells of other descendants.
func within(of func(e *epcis.Event) string) rule {
	return func(param string, values []string) (Term, error) {
		if err := given(param, values); err != nil {
			return Term{}, err
		}
		for i := range values {
			values[i] = canonical(values[i])
		}
		return Term{param, values, func(e *epcis.Event, a Around) bool {
			place := canonical(of(e))
			return place != "" && slices.ContainsFunc(values, func(v string) bool { return inPlace(place, v) || descends(place, v, a) })
		}}, nil
	}
}

func inPlace(place, outer string) bool {
	if place == outer {
		return true
	}
	id, err := gs1.Parse(place)
	return err == nil && id.Primary.AI == "414" && gs1.ID{Primary: id.Primary}.URI() == outer
}

// descends follows the children of a place.
func descends(place, outer string, a Around) bool {
	if a.MasterData == nil {
		return false
	}
	open, seen := []string{outer}, map[string]bool{outer: true}
	for len(open) > 0 && len(seen) < deepest {
		record := a.MasterData(open[0])
		open = open[1:]
		if record == nil {
			continue
		}
		for _, child := range record.Children {
			child = canonical(child)
			if inPlace(place, child) {
				return true
			}
			if !seen[child] {
				seen[child] = true
				open = append(open, child)
			}
		}
	}
	return false
}

// TypeWord is a type of a list ("bizTransaction", "source" or "destination") in the spelling of events.
func TypeWord(list, kind string) string {
	for _, l := range lists {
		if l.name == list {
			return l.form(kind)
		}
	}
	return kind
}
