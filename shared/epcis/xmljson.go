package epcis

import (
	"slices"
	"strings"
)

// xmlReader brings XML elements to the shape of JSON: wrappers vanish, lists become arrays, attributes members.
type xmlReader struct {
	problems Problems
}

func (x *xmlReader) document(root *element) node {
	n := node{kind: Object, members: []member{{"type", text(root.name)}, {"@context", text(standardContext)}}}
	for _, a := range root.attrs {
		if _, zoned := parseTime(a.value.text); a.name == "creationDate" && !zoned {
			a.value.text += "Z" // the XML schemas do not ask for a zone here, and nothing depends on it
		}
		n.members = append(n.members, a)
	}
	children := unwrapped(root.children)
	if slices.ContainsFunc(children, func(c *element) bool { return c.name == "resultsBody" }) {
		children = withBody(children)
	}
	for _, c := range children {
		switch c.name {
		case "EPCISHeader":
			n.members = append(append(n.members, parties(c)...), member{"epcisHeader", x.header(c)})
		case "EPCISBody":
			n.members = append(n.members, member{"epcisBody", x.body(c)})
		default:
			n.members = append(n.members, x.foreign(c))
		}
	}
	return n
}

// withBody mends query documents whose results stand right under the root, where some systems put them.
func withBody(children []*element) []*element {
	var rest []*element
	results := &element{name: "QueryResults"}
	for _, c := range children {
		if slices.Contains([]string{"queryName", "subscriptionID", "resultsBody"}, c.name) {
			results.children = append(results.children, c)
		} else {
			rest = append(rest, c)
		}
	}
	return append(rest, &element{name: "EPCISBody", children: []*element{results}})
}

// unwrapped lifts the content of the extension elements with which EPCIS 1.x kept its schema extensible.
func unwrapped(children []*element) []*element {
	if !slices.ContainsFunc(children, isWrapper) {
		return children
	}
	var all []*element
	for _, c := range children {
		if isWrapper(c) {
			all = append(all, unwrapped(c.children)...)
		} else {
			all = append(all, c)
		}
	}
	return all
}

func isWrapper(e *element) bool { return e.name == "extension" || e.name == "baseExtension" }

// foreign keeps an element of the envelope that is not the standard's. A list of fields to ignore names them by empty
// elements; in JSON they are texts.
func (x *xmlReader) foreign(e *element) member {
	if !strings.HasSuffix(e.name, ":ignoreFields") {
		return member{e.name, x.value(e)}
	}
	list := node{kind: Array}
	for _, c := range e.children {
		list.items = append(list.items, text(c.name))
	}
	return member{e.name, list}
}

// parties are the members that JSON has for what a standard business document header tells.
func parties(header *element) (all []member) {
	local := func(e *element) string { return e.name[strings.IndexByte(e.name, ':')+1:] }
	find := func(e *element, name string) *element {
		for _, c := range e.children {
			if local(c) == name {
				return c
			}
		}
		return &element{}
	}
	sbdh := find(header, "StandardBusinessDocumentHeader")
	for _, m := range []member{
		{"sender", text(find(find(sbdh, "Sender"), "Identifier").text)},
		{"receiver", text(find(find(sbdh, "Receiver"), "Identifier").text)},
		{"instanceIdentifier", text(find(find(sbdh, "DocumentIdentification"), "InstanceIdentifier").text)},
	} {
		if m.value.text != "" {
			all = append(all, m)
		}
	}
	return all
}

func (x *xmlReader) header(e *element) node {
	return x.object(unwrapped(e.children), func(c *element) node {
		if c.name == "EPCISMasterData" {
			return x.object(unwrapped(c.children), x.vocabularyList, map[string]string{"VocabularyList": "vocabularyList"})
		}
		return x.value(c)
	}, map[string]string{"EPCISMasterData": "epcisMasterData"})
}

func (x *xmlReader) body(e *element) node {
	return x.object(unwrapped(e.children), func(c *element) node {
		switch c.name {
		case "EventList":
			return x.eventList(c)
		case "QueryResults":
			return x.queryResults(c)
		case "VocabularyList":
			return x.vocabularyList(c)
		}
		return x.value(c)
	}, map[string]string{"EventList": "eventList", "QueryResults": "queryResults", "VocabularyList": "vocabularyList"})
}

func (x *xmlReader) queryResults(e *element) node {
	n := node{kind: Object}
	for _, c := range unwrapped(e.children) {
		if c.name == "resultsBody" {
			n.members = append(n.members, member{c.name, x.body(c)})
		} else {
			n.members = append(n.members, x.foreign(c))
		}
	}
	return n
}

func (x *xmlReader) vocabularyList(e *element) node {
	return array(e.children, func(v *element) node {
		elements := node{kind: Array}
		for _, list := range unwrapped(v.children) {
			elements.items = append(elements.items, array(list.children, x.vocabularyElement).items...)
		}
		return node{kind: Object, members: append(v.attrs, member{"vocabularyElementList", elements})}
	})
}

func (x *xmlReader) vocabularyElement(e *element) node {
	n := node{kind: Object, members: e.attrs}
	attributes := node{kind: Array}
	for _, c := range unwrapped(e.children) {
		switch c.name {
		case "attribute":
			value := x.value(&element{name: c.name, text: c.text, children: c.children})
			attributes.items = append(attributes.items, node{kind: Object, members: append(c.attrs, member{"attribute", value})})
		case "children":
			n.members = append(n.members, member{"children", array(c.children, x.plain)})
		}
	}
	n.members = append(n.members, member{"attributes", attributes})
	return n
}

func (x *xmlReader) eventList(e *element) node { return array(unwrapped(e.children), x.event) }

func (x *xmlReader) event(e *element) node {
	if e.name == "QuantityEvent" {
		e = observed(e)
	}
	n := x.object(append(attributes(e), unwrapped(e.children)...), x.eventMember, nil)
	n.members = append(n.members, member{"type", text(e.name)})
	return n
}

// observed is the QuantityEvent of EPCIS 1.x as later versions write it: an ObjectEvent that observes an amount
// (EPCIS 1.2, section 7.4.5).
func observed(e *element) *element {
	amount := &element{name: "quantityElement"}
	o := &element{name: ObjectEvent, attrs: e.attrs, children: []*element{{name: "action", text: Observe}}}
	for _, c := range e.children {
		if c.name == "epcClass" || c.name == "quantity" {
			amount.children = append(amount.children, c)
		} else {
			o.children = append(o.children, c)
		}
	}
	o.children = append(o.children, &element{name: "quantityList", children: []*element{amount}})
	return o
}

// attributes are an element's own attributes as elements: JSON does not tell the two apart.
func attributes(e *element) []*element {
	all := make([]*element, 0, len(e.attrs)+len(e.children))
	for _, a := range e.attrs {
		all = append(all, &element{name: a.name, text: a.value.text})
	}
	return all
}

func (x *xmlReader) eventMember(e *element) node {
	switch e.name {
	case "epcList", "childEPCs", "inputEPCList", "outputEPCList":
		return array(e.children, x.plain)
	case "quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList":
		return array(e.children, x.quantity)
	case "bizTransactionList", "sourceList", "destinationList":
		return array(e.children, func(c *element) node {
			return node{kind: Object, members: append(c.attrs, member{c.name, text(c.text)})}
		})
	case contextMember:
		contexts := node{kind: Array}
		for _, address := range strings.Fields(e.text) {
			contexts.items = append(contexts.items, text(address))
		}
		return contexts
	case "readPoint", "bizLocation", "ilmd":
		return x.object(append(attributes(e), unwrapped(e.children)...), x.value, nil)
	case "persistentDisposition":
		n := x.object(e.children, x.plain, nil)
		for i, m := range n.members {
			n.members[i].value = asArray(m.value)
		}
		return n
	case "errorDeclaration":
		return x.object(append(attributes(e), unwrapped(e.children)...), func(c *element) node {
			if c.name == "correctiveEventIDs" {
				return array(c.children, x.plain)
			}
			return x.value(c)
		}, nil)
	case "sensorElementList":
		return array(e.children, x.sensor)
	}
	return x.value(e)
}

func (x *xmlReader) quantity(e *element) node {
	n := node{kind: Object}
	for _, c := range e.children {
		switch {
		case c.name == "quantity" && c.text == "": // nil: an unknown amount
		case c.name == "quantity":
			n.members = append(n.members, member{c.name, digits(c.text)})
		default:
			n.members = append(n.members, member{c.name, x.value(c)})
		}
	}
	return n
}

func (x *xmlReader) sensor(e *element) node {
	n := x.object(unwrapped(e.children), func(c *element) node {
		switch c.name {
		case "sensorMetadata":
			return node{kind: Object, members: append(c.attrs, x.object(unwrapped(c.children), x.value, nil).members...)}
		case "sensorReport":
			return x.sensorReport(c)
		}
		return x.value(c)
	}, nil)
	for i, m := range n.members {
		if m.name == "sensorReport" {
			n.members[i].value = asArray(m.value)
		}
	}
	return n
}

func (x *xmlReader) sensorReport(e *element) node {
	n := node{kind: Object}
	for _, a := range e.attrs {
		switch {
		case slices.Contains(reportNumbers, a.name):
			a.value = digits(a.value.text)
		case a.name == "booleanValue":
			a.value = boolean(a.value.text)
		}
		n.members = append(n.members, a)
	}
	n.members = append(n.members, x.object(unwrapped(e.children), x.value, nil).members...)
	return n
}

// object makes one member of each element; elements of one name become one array, at the place of the first.
func (x *xmlReader) object(children []*element, value func(*element) node, rename map[string]string) node {
	n := node{kind: Object}
	place := map[string]int{}
	repeated := map[string]bool{}
	for _, c := range children {
		name := c.name
		if other, ok := rename[name]; ok {
			name = other
		}
		v := value(c)
		i, ok := place[name]
		switch {
		case !ok:
			place[name] = len(n.members)
			n.members = append(n.members, member{name, v})
		case !repeated[name]:
			repeated[name] = true
			n.members[i].value = node{kind: Array, items: []node{n.members[i].value, v}}
		default:
			n.members[i].value.items = append(n.members[i].value.items, v)
		}
	}
	return n
}

// value turns an extension element into a text or, with children or attributes, into an object.
func (x *xmlReader) value(e *element) node {
	if len(e.children)+len(e.attrs) == 0 {
		return e.typed()
	}
	n := x.object(append(attributes(e), e.children...), x.value, nil)
	if e.text != "" {
		n.members = append(n.members, member{textMember, text(e.text)})
	}
	return n
}

// typed is the text of an element by its xsi:type: what the type's name promises and JSON can write to the letter.
func (e *element) typed() node {
	switch e.kind {
	case "nil":
		if e.text == "" {
			return node{kind: Null}
		}
	case "boolean":
		return boolean(e.text)
	case "decimal", "double", "float", "integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger",
		"nonPositiveInteger", "negativeInteger", "unsignedInt", "unsignedLong", "unsignedShort", "unsignedByte":
		if validNumber(e.text) {
			return node{kind: Digits, text: e.text}
		}
	}
	return text(e.text)
}

func (x *xmlReader) plain(e *element) node { return text(e.text) }

func array(children []*element, value func(*element) node) node {
	n := node{kind: Array}
	for _, c := range children {
		n.items = append(n.items, value(c))
	}
	return n
}

func asArray(n node) node {
	if n.kind == Array {
		return n
	}
	return node{kind: Array, items: []node{n}}
}

// digits reads xsd:decimal and xsd:double, which allow a plus, a bare point and surrounding zeros, as JSON's number.
// What is none stays text and is refused as such.
func digits(s string) node {
	t := strings.TrimPrefix(s, "+")
	switch {
	case strings.HasPrefix(t, "."):
		t = "0" + t
	case strings.HasPrefix(t, "-."):
		t = "-0" + t[1:]
	}
	t = strings.TrimSuffix(t, ".")
	if plain, ok := plainDecimal(t); ok {
		if !validNumber(t) {
			t = plain
		}
		return node{kind: Digits, text: t}
	}
	return text(s)
}

func boolean(s string) node {
	switch s {
	case "true", "1":
		return node{kind: Bool, text: "true"}
	case "false", "0":
		return node{kind: Bool, text: "false"}
	}
	return text(s)
}
