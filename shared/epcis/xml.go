package epcis

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

// DecodeXML reads an EPCIS document or query document in XML, of EPCIS 2.0 or 1.x. It brings the document to the shape
// of JSON first, so that the same code reads both: what DecodeJSON says of errors holds here, and paths are those of
// the same document in JSON. A DTD is refused, and with it external and expanding entities.
func DecodeXML(b []byte) (*Document, error) {
	root, err := parseXML(b)
	if err != nil {
		return nil, err
	}
	x := &xmlReader{}
	n := x.document(root)
	d := &jsonReader{scope: newScope(), problems: x.problems}
	d.scope.bindings = append(d.scope.bindings, root.prefixes...)
	doc := d.document(n)
	return doc, d.problems.orNil()
}

// element is an XML element with its namespaces resolved. A standard element has no prefix.
type element struct {
	name     string // "epcList", or "example:myField"
	text     string
	kind     string // xsi:type without its prefix, or "nil"
	spaced   bool   // xml:space says to keep the white space
	attrs    []member
	children []*element
	prefixes []binding // of the root: all namespaces of the document
}

const xsi = "http://www.w3.org/2001/XMLSchema-instance"

func parseXML(b []byte) (*element, error) {
	if len(b) > MaxBytes {
		return nil, Problems{tooBig("")}
	}
	in := &meter{Reader: bytes.NewReader(b)}
	p := &xmlParser{in: in, dec: xml.NewDecoder(in), names: map[string]string{}, taken: map[string]int{}, inScope: map[string]int{}}
	for _, b := range standard {
		p.taken[b.prefix]++
		p.names[b.space] = b.prefix
	}
	p.names[strings.TrimSuffix(masterData, ":")] = "cbvmda"
	root, err := p.root()
	var ps Problems
	if err != nil && !errors.As(err, &ps) {
		err = Problems{refusal("", "epcis/not-xml", "the document is not XML: "+err.Error(), "Check it with an XML editor; it must be UTF-8.")}
	}
	return root, err
}

// maxToken is how long one tag, text or comment may be as it is written: the decoder holds it whole, attributes and all,
// before anybody can look at it.
const maxToken = 4 * MaxText

// meter stops the decoder within a token that is too long.
type meter struct {
	*bytes.Reader
	since int
}

// ReadByte implements io.ByteReader, which the decoder prefers.
func (m *meter) ReadByte() (byte, error) {
	if m.since++; m.since > maxToken {
		return 0, Problems{tooLong("")}
	}
	return m.Reader.ReadByte()
}

type xmlParser struct {
	in       *meter
	dec      *xml.Decoder
	nodes    int
	prefixes []binding
	names    map[string]string // namespace to the prefix that names it throughout the document
	taken    map[string]int    // how many namespaces asked for a prefix
	inScope  map[string]int    // how many open elements declare a namespace
}

func (p *xmlParser) token() (xml.Token, error) {
	p.in.since = 0
	return p.dec.Token()
}

func (p *xmlParser) root() (*element, error) {
	var root *element
	for {
		t, err := p.token()
		if err == io.EOF && root != nil {
			root.prefixes = p.prefixes
			return root, nil
		}
		if err != nil {
			return nil, noEOF(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if root != nil {
				return nil, Problems{refusal("", "epcis/not-xml", "something follows the document", "Send one XML document at a time.")}
			}
			if root, err = p.element(t, 0); err != nil {
				return nil, err
			}
		case xml.Directive:
			if err := checkDoctype(string(t)); err != nil {
				return nil, err
			}
		}
	}
}

// checkDoctype lets pass a bare <!DOCTYPE name>, which declares nothing; published examples carry one.
func checkDoctype(directive string) error {
	if f := strings.Fields(directive); len(f) == 2 && f[0] == "DOCTYPE" && !strings.ContainsAny(f[1], "[]<>\"'") {
		return nil
	}
	return Problems{refusal("", "epcis/dtd", "the document brings a DTD or declares entities", "Remove the DOCTYPE.")}
}

func (p *xmlParser) element(start xml.StartElement, depth int) (*element, error) {
	if depth >= MaxDepth {
		return nil, Problems{tooDeep("")}
	}
	if p.nodes += 1 + len(start.Attr); p.nodes > MaxNodes {
		return nil, Problems{tooBig("")}
	}
	declared, err := p.declare(start)
	if err != nil {
		return nil, err
	}
	defer p.undeclare(declared)
	e := &element{}
	if e.name, err = p.name(start.Name); err != nil {
		return nil, err
	}
	if err := p.attributes(e, start); err != nil {
		return nil, err
	}
	return e, p.content(e, depth)
}

func (p *xmlParser) content(e *element, depth int) error {
	var text strings.Builder
	for {
		t, err := p.token()
		if err != nil {
			return noEOF(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			child, err := p.element(t, depth+1)
			if err != nil {
				return err
			}
			e.children = append(e.children, child)
		case xml.CharData:
			if text.Len()+len(t) > MaxText {
				return Problems{tooLong("")}
			}
			text.Write(t)
		case xml.EndElement:
			if e.text = text.String(); !e.spaced {
				e.text = strings.TrimSpace(e.text)
			}
			return nil
		case xml.Directive:
			return Problems{refusal("", "epcis/dtd", "a declaration stands within the document", "Remove it.")}
		}
	}
}

// declare enters the namespaces that an element declares.
func (p *xmlParser) declare(start xml.StartElement) (declared []string, err error) {
	for _, a := range start.Attr {
		prefix, ok := a.Name.Local, a.Name.Space == "xmlns"
		if a.Name.Space == "" && a.Name.Local == "xmlns" {
			prefix, ok = "", true
		}
		if !ok || a.Value == "" {
			continue
		}
		declared = append(declared, a.Value)
		p.inScope[a.Value]++
		if _, known := p.names[a.Value]; known || isEPCIS(a.Value) || a.Value == xsi || a.Value == bareSpace {
			continue
		}
		if len(p.prefixes) >= maxPrefixes {
			return declared, Problems{tooBig("")}
		}
		p.adopt(prefix, a.Value)
	}
	return declared, nil
}

// adopt gives a namespace one prefix for the whole document; XML may use one prefix for several.
func (p *xmlParser) adopt(prefix, space string) {
	if prefix == "" {
		prefix = "ns"
	}
	chosen := prefix
	for p.taken[chosen] > 0 {
		p.taken[prefix]++
		chosen = prefix + strconv.Itoa(p.taken[prefix])
	}
	p.taken[chosen]++
	p.names[space] = chosen
	p.prefixes = append(p.prefixes, binding{chosen, space})
}

func (p *xmlParser) undeclare(declared []string) {
	for _, space := range declared {
		p.inScope[space]--
	}
}

// isEPCIS recognises the namespaces of the standard's own elements, 1.x and 2.0, document and query.
func isEPCIS(space string) bool { return strings.HasPrefix(space, "urn:epcglobal:epcis") }

func (p *xmlParser) name(n xml.Name) (string, error) {
	switch {
	case n.Space == "" || isEPCIS(n.Space) || n.Space == bareSpace:
		return unescapeName(n.Local), nil
	case n.Space == "http://www.w3.org/XML/1998/namespace":
		return "xml:" + n.Local, nil
	case p.inScope[n.Space] == 0:
		return "", Problems{refusal("", "epcis/not-xml", "the prefix "+quote(n.Space)+" is not declared", "Declare it with xmlns.")}
	}
	return p.names[n.Space] + ":" + unescapeName(n.Local), nil
}

// attributes keeps all but the namespaces and the hints to schema processors.
func (p *xmlParser) attributes(e *element, start xml.StartElement) error {
	for _, a := range start.Attr {
		if len(a.Value) > MaxText {
			return Problems{tooLong("")}
		}
		if e.hint(a) {
			continue
		}
		name, err := p.name(a.Name)
		if err != nil {
			return err
		}
		e.attrs = append(e.attrs, member{name, text(strings.TrimSpace(a.Value))})
	}
	return nil
}

// hint takes the attributes that tell how to read an element, and are no part of it.
func (e *element) hint(a xml.Attr) bool {
	switch {
	case a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns":
	case a.Name.Space == xsi:
		if a.Name.Local == "type" {
			e.kind = a.Value[strings.IndexByte(a.Value, ':')+1:]
		} else if yes := boolean(a.Value); a.Name.Local == "nil" && yes.kind == Bool && yes.text == "true" {
			e.kind = "nil"
		}
	case a.Name.Space == "http://www.w3.org/XML/1998/namespace" && a.Name.Local == "space":
		e.spaced = a.Value == "preserve"
	default:
		return false
	}
	return true
}

func text(s string) node { return node{kind: Text, text: s} }
