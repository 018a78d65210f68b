package epcis

import (
	"slices"
	"strings"
)

// binding says what a prefix stands for.
type binding struct{ prefix, space string }

// standard are the prefixes of the EPCIS 2.0 JSON-LD context.
var standard = []binding{
	{"epcis", "https://ref.gs1.org/epcis/"},
	{"cbv", "https://ref.gs1.org/cbv/"},
	{"cbvmda", masterData},
	{"gs1", "https://gs1.org/voc/"},
	{"rdfs", "http://www.w3.org/2000/01/rdf-schema#"},
	{"owl", "http://www.w3.org/2002/07/owl#"},
	{"xsd", "http://www.w3.org/2001/XMLSchema#"},
	{"dcterms", "http://purl.org/dc/terms/"},
}

// masterData is the namespace of the CBV's master data attributes. XML documents often leave the last colon out.
const masterData = "urn:epcglobal:cbv:mda:"

// standardContext is the address that encoded events name.
const standardContext = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"

func isStandardContext(address string) bool {
	return strings.HasPrefix(address, "https://ref.gs1.org/standards/epcis/") ||
		address == "https://gs1.github.io/EPCIS/epcis-context.jsonld" ||
		address == "https://gs1.github.io/EPCIS/epcis-context-simple.jsonld"
}

// scope is what an @context brings: the prefixes in force and the addresses that stand for contexts unknown here.
type scope struct {
	bindings []binding // the last one of a prefix counts
	unknown  []string
	all      []string
}

func newScope() scope { return scope{bindings: slices.Clone(standard)} }

// with adds an @context in any of its forms: an address, an object, or an array of both. Nothing is fetched.
func (s scope) with(n node, path string, ps *Problems) scope {
	s = scope{slices.Clone(s.bindings), slices.Clone(s.unknown), slices.Clone(s.all)}
	items := n.items
	if n.kind != Array {
		items = []node{n}
	}
	if len(items) > maxPrefixes {
		*ps = append(*ps, tooBig(path))
		return s
	}
	for i, item := range items {
		here := path
		if n.kind == Array {
			here = atIndex(path, i)
		}
		switch item.kind {
		case Text:
			s.all = append(s.all, item.text)
			if !isStandardContext(item.text) && !slices.Contains(s.unknown, item.text) {
				s.unknown = append(s.unknown, item.text)
			}
		case Object:
			if len(s.bindings)+len(item.members) > maxPrefixes {
				*ps = append(*ps, tooBig(here))
				return s
			}
			s.bind(item)
		case Null:
		default:
			ps.add(here, "epcis/context", "a context is an address or an object", "Write an URL, or prefixes with their namespaces.")
		}
	}
	return s
}

// bind takes the simple form "prefix": "namespace" and the expanded one with @id; other keywords bind nothing.
func (s *scope) bind(n node) {
	for _, m := range n.members {
		v := m.value
		if id, ok := v.get("@id"); ok {
			v = id
		}
		if v.kind == Text && v.text != "" && m.name != "" && m.name[0] != '@' {
			s.bindings = append(s.bindings, binding{m.name, v.text})
		}
	}
}

// name resolves a member's name. A full URI and a name with an unknown prefix keep their spelling.
func (s scope) name(text string) Name {
	prefix, local, ok := strings.Cut(text, ":")
	if !ok || prefix == "" || local == "" {
		return Name{Local: text}
	}
	if strings.HasPrefix(local, "//") {
		return Name{Prefix: prefix, Local: local}
	}
	for i := len(s.bindings) - 1; i >= 0; i-- {
		if s.bindings[i].prefix == prefix {
			return Name{Space: s.bindings[i].space, Prefix: prefix, Local: local}
		}
	}
	return Name{Prefix: prefix, Local: local}
}

// value turns JSON into a Value, resolving the names in it.
func (s scope) value(n node) Value {
	v := Value{Kind: n.kind, Text: n.text}
	for _, item := range n.items {
		v.Items = append(v.Items, s.value(item))
	}
	for _, m := range n.members {
		if m.name == textMember && m.value.kind == Text {
			v.Text = m.value.text
			continue
		}
		v.Fields = append(v.Fields, Field{s.name(m.name), s.value(m.value)})
	}
	return v
}

// textMember holds the text of an object that came from an XML element with both attributes and text.
const textMember = "#text"
