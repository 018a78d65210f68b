package epcis

import (
	"bytes"
	"encoding/xml"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// XML is the document in EPCIS 2.0 XML, as EPCISQueryDocument where it is one and as EPCISDocument otherwise. It obeys
// the standard's schemas as far as these can say what the events say; words of the CBV stand as Web URIs. DecodeXML
// gives the same events back, with the same hashes. The error is Problems: XML has no way to write control characters.
//
// Where the two forms differ: the schemas let sensor metadata and reports carry own fields as attributes only, so plain
// values lose their type there and structured ones stand as elements that the schemas do not know; and an array of one
// value is that value.
func (d *Document) XML() ([]byte, error) { return d.xml(vocabulary.uri) }

// XMLWithURNs is XML with the words of the CBV as URNs, as EPCIS 1.x wrote them (GS1-CBV-XML-Format: Always_URN).
func (d *Document) XMLWithURNs() ([]byte, error) { return d.xml(vocabulary.urn) }

func (d *Document) xml(spell func(vocabulary, string) string) ([]byte, error) {
	w := &xmlWriter{spell: spell}
	w.buf.WriteString(xml.Header)
	w.document(d)
	return w.buf.Bytes(), w.problems.orNil()
}

const (
	epcisSpace = "urn:epcglobal:epcis:xsd:2"
	querySpace = "urn:epcglobal:epcis-query:xsd:2"
	sbdhSpace  = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
	xsdSpace   = "http://www.w3.org/2001/XMLSchema"

	// bareSpace is where names stand that JSON-LD could not resolve: they have no namespace of their own.
	bareSpace = "urn:tallyway:unresolved"
	// contextMember holds the JSON-LD contexts of an event, as an attribute: XML has no other place for them.
	contextMember = "@context"
)

// xmlWriter writes elements in the order of the schemas, leaving out the empty ones.
type xmlWriter struct {
	buf      bytes.Buffer
	path     string
	spell    func(vocabulary, string) string
	prefixes map[string]string // by namespace, those in force
	reserved map[string]bool   // prefixes that must not be declared: a reader would take bare names for theirs
	problems Problems
}

// attr is an attribute; those without a value are left out.
type attr struct{ name, value string }

func (w *xmlWriter) document(d *Document) {
	kind, prefix := "epcis:EPCISDocument", attr{"xmlns:epcis", epcisSpace}
	if d.Type == "EPCISQueryDocument" {
		kind, prefix = "epcisq:EPCISQueryDocument", attr{"xmlns:epcisq", querySpace}
	}
	w.reserve(d)
	declared := w.declare(d.namesUsed(), false)
	head := append([]attr{prefix, {"schemaVersion", "2.0"}, {"creationDate", stamp(d.created())}, {"id", d.ID}}, declared...)
	w.element(kind, head, func() {
		w.header(d)
		w.open("EPCISBody", func() {
			if d.Type == "EPCISQueryDocument" {
				w.queryResults(d)
			} else {
				w.events(d.Events)
			}
		})
		w.ignoreFields(d.HashIgnore)
		w.fields(slices.DeleteFunc(slices.Clone(d.Extensions), isSBDH))
	})
	w.buf.WriteByte('\n')
}

// reserve keeps the prefixes of names without a namespace from being declared anywhere in the document, and those that
// the writer uses itself.
func (w *xmlWriter) reserve(d *Document) {
	w.reserved = map[string]bool{"xsi": true, "xsd": true, "tallyway": true, "epcis": true, "epcisq": true}
	names := d.namesUsed()
	for i := range d.Events {
		names = append(names, d.Events[i].namesUsed()...)
	}
	for _, n := range names {
		if n = n.resolved(); n.Space == "" {
			prefix, _, _ := strings.Cut(n.spelled(), ":")
			w.reserved[prefix] = true
		}
	}
}

// created is the document's date, which the schemas demand: without one, that of its newest event.
func (d *Document) created() time.Time {
	newest := d.CreationDate
	if newest.IsZero() {
		newest = time.Unix(0, 0)
		for _, e := range d.Events {
			for _, t := range []time.Time{e.Time, e.RecordTime} {
				if t.After(newest) {
					newest = t
				}
			}
		}
	}
	return newest
}

func isSBDH(f Field) bool {
	return f.Name.Space == sbdhSpace && f.Name.Local == "StandardBusinessDocumentHeader"
}

func (w *xmlWriter) header(d *Document) {
	query := d.Type == "EPCISQueryDocument"
	given := slices.IndexFunc(d.Extensions, isSBDH)
	if given < 0 && d.Sender+d.Receiver+d.Instance == "" && (len(d.MasterData) == 0 || query) {
		return
	}
	w.open("EPCISHeader", func() {
		if given >= 0 {
			w.fields(d.Extensions[given : given+1])
		} else if d.Sender+d.Receiver+d.Instance != "" {
			w.businessHeader(d)
		}
		if len(d.MasterData) > 0 && !query {
			w.open("extension", func() { w.open("EPCISMasterData", func() { w.vocabularies(d.MasterData) }) })
		}
	})
}

// businessHeader is the standard business document header that XML has for what JSON calls sender, receiver and
// instanceIdentifier (EPCIS 2.0, section 9.3).
func (w *xmlWriter) businessHeader(d *Document) {
	partner := func(name, id string) {
		w.open("sbdh:"+name, func() { w.element("sbdh:Identifier", nil, func() { w.write(id) }) })
	}
	w.element("sbdh:StandardBusinessDocumentHeader", []attr{{"xmlns:sbdh", sbdhSpace}}, func() {
		w.leaf("sbdh:HeaderVersion", "1.0")
		partner("Sender", d.Sender)
		partner("Receiver", d.Receiver)
		w.open("sbdh:DocumentIdentification", func() {
			w.leaf("sbdh:Standard", "EPCglobal")
			w.leaf("sbdh:TypeVersion", "2.0")
			w.element("sbdh:InstanceIdentifier", nil, func() { w.write(d.Instance) })
			w.leaf("sbdh:Type", "Events")
			w.leaf("sbdh:CreationDateAndTime", stamp(d.created()))
		})
	})
}

func (w *xmlWriter) ignoreFields(names []Name) {
	if len(names) == 0 {
		return
	}
	w.element("tallyway:"+escapeName(ignoreMember), []attr{{"xmlns:tallyway", bareSpace}}, func() {
		for _, n := range names {
			w.element(w.name(n), nil, nil)
		}
	})
}

func (w *xmlWriter) queryResults(d *Document) {
	w.open("epcisq:QueryResults", func() {
		w.element("queryName", nil, func() { w.write(d.QueryName) })
		w.leaf("subscriptionID", d.Subscription)
		w.open("resultsBody", func() {
			if len(d.MasterData) > 0 {
				w.vocabularies(d.MasterData)
			} else {
				w.events(d.Events)
			}
		})
	})
}

func (w *xmlWriter) vocabularies(all []Vocabulary) {
	w.open("VocabularyList", func() {
		for _, v := range all {
			w.element("Vocabulary", []attr{{"type", v.Type}}, func() {
				if len(v.Elements) > 0 {
					w.open("VocabularyElementList", func() {
						for _, e := range v.Elements {
							w.vocabularyElement(e)
						}
					})
				}
			})
		}
	})
}

func (w *xmlWriter) vocabularyElement(e VocabularyElement) {
	w.element("VocabularyElement", []attr{{"id", e.ID}}, func() {
		for _, a := range e.Attributes {
			for _, f := range flatten(nil, Name{}, a.Value) {
				w.element("attribute", []attr{{"id", a.ID}}, func() { w.content(f.Value) })
			}
		}
		w.list("children", "id", e.Children)
	})
}

func (w *xmlWriter) events(events []Event) {
	w.open("EventList", func() {
		for i := range events {
			w.path = atIndex("", i)
			w.event(&events[i])
		}
		w.path = ""
	})
}

// The order of each type's elements after those that all have (EPCIS 2.0, section 9.5).
var (
	placesFirst = []string{"action", "bizStep", "disposition", "readPoint", "bizLocation"}
	partiesLast = []string{"sourceList", "destinationList", "sensorElementList", "persistentDisposition", "ilmd"}
	orderOfType = map[string][]string{
		ObjectEvent:      slices.Concat([]string{"epcList"}, placesFirst, []string{"bizTransactionList", "quantityList"}, partiesLast),
		AggregationEvent: slices.Concat([]string{"parentID", "childEPCs"}, placesFirst, []string{"bizTransactionList", "childQuantityList"}, partiesLast),
		TransactionEvent: slices.Concat([]string{"bizTransactionList", "parentID", "epcList"}, placesFirst, []string{"quantityList"}, partiesLast),
		TransformationEvent: slices.Concat([]string{"inputEPCList", "inputQuantityList", "outputEPCList", "outputQuantityList", "transformationID"},
			placesFirst, []string{"bizTransactionList"}, partiesLast),
		AssociationEvent: slices.Concat([]string{"parentID", "childEPCs", "childQuantityList"}, placesFirst, []string{"bizTransactionList"}, partiesLast),
	}
	// everyElement is what an event of any type may hold: what is not of its type comes last, so that nothing is lost.
	everyElement = []string{"parentID", "epcList", "quantityList", "childEPCs", "childQuantityList", "inputEPCList", "inputQuantityList",
		"outputEPCList", "outputQuantityList", "transformationID"}
)

func (w *xmlWriter) event(e *Event) {
	order, known := orderOfType[e.Type]
	if !known {
		w.problems.add(at(w.path, "type"), "epcis/event-type", quote(e.Type)+" is no event type", "Write one of the five event types of EPCIS 2.0.")
		return
	}
	outer := w.prefixes
	declared := w.declare(e.namesUsed(), len(e.Contexts) > 0)
	declared = append(declared, attr{"tallyway:" + escapeName(contextMember), strings.Join(e.Contexts, " ")})
	w.element(e.Type, declared, func() {
		w.leaf("eventTime", stamp(e.Time))
		w.leaf("recordTime", stamp(e.RecordTime))
		w.leaf("eventTimeZoneOffset", e.Offset)
		w.leaf("eventID", e.ID)
		if e.Error != nil {
			w.errorDeclaration(e.Error)
		}
		for _, c := range e.CertificationInfo {
			w.leaf("certificationInfo", c)
		}
		for _, name := range order {
			w.member(e, name)
		}
		for _, name := range everyElement {
			if !slices.Contains(order, name) {
				w.member(e, name)
			}
		}
		w.fields(e.Extensions)
	})
	w.prefixes = outer
}

func (w *xmlWriter) errorDeclaration(d *ErrorDeclaration) {
	w.open("errorDeclaration", func() {
		w.leaf("declarationTime", stamp(d.Time))
		w.leaf("reason", w.spell(errorReasons, d.Reason))
		w.list("correctiveEventIDs", "correctiveEventID", d.Corrective)
		w.fields(d.Extensions)
	})
}

func (w *xmlWriter) member(e *Event, name string) {
	switch name {
	case "epcList":
		if e.needsEPCList() {
			w.element(name, nil, nil)
		}
		w.list(name, "epc", e.EPCs)
	case "childEPCs":
		w.list(name, "epc", e.ChildEPCs)
	case "inputEPCList":
		w.list(name, "epc", e.InputEPCs)
	case "outputEPCList":
		w.list(name, "epc", e.OutputEPCs)
	case "quantityList":
		w.quantities(name, e.Quantities)
	case "childQuantityList":
		w.quantities(name, e.ChildQuantities)
	case "inputQuantityList":
		w.quantities(name, e.InputQuantities)
	case "outputQuantityList":
		w.quantities(name, e.OutputQuantities)
	case "parentID":
		w.leaf(name, e.Parent)
	case "transformationID":
		w.leaf(name, e.TransformationID)
	default:
		w.business(e, name)
	}
}

func (w *xmlWriter) business(e *Event, name string) {
	switch name {
	case "action":
		w.leaf(name, e.Action)
	case "bizStep":
		w.leaf(name, w.spell(bizSteps, e.BizStep))
	case "disposition":
		w.leaf(name, w.spell(dispositions, e.Disposition))
	case "readPoint":
		w.place(name, e.ReadPoint, e.ReadPointExtensions)
	case "bizLocation":
		w.place(name, e.BizLocation, e.BizLocationExtensions)
	case "bizTransactionList":
		w.typed(name, "bizTransaction", e.BizTransactions, transactionTypes)
	case "sourceList":
		w.typed(name, "source", e.Sources, partyTypes)
	case "destinationList":
		w.typed(name, "destination", e.Destinations, partyTypes)
	case "sensorElementList":
		w.sensors(e.Sensors)
	case "persistentDisposition":
		w.persistent(e.PersistentSet, e.PersistentUnset)
	case "ilmd":
		if len(e.ILMD) > 0 {
			w.open(name, func() { w.fields(e.ILMD) })
		}
	}
}

func (w *xmlWriter) persistent(set, unset []string) {
	if len(set)+len(unset) == 0 {
		return
	}
	w.open("persistentDisposition", func() {
		for _, d := range unset {
			w.leaf("unset", w.spell(dispositions, d))
		}
		for _, d := range set {
			w.leaf("set", w.spell(dispositions, d))
		}
	})
}

func (w *xmlWriter) place(name, id string, extensions []Field) {
	if id == "" && len(extensions) == 0 {
		return
	}
	w.open(name, func() {
		w.element("id", nil, func() { w.write(id) })
		w.fields(extensions)
	})
}

func (w *xmlWriter) quantities(name string, list []Quantity) {
	if len(list) == 0 {
		return
	}
	w.open(name, func() {
		for _, q := range list {
			w.open("quantityElement", func() {
				w.leaf("epcClass", q.Class)
				if q.HasAmount {
					w.leaf("quantity", q.Amount.String())
				}
				w.leaf("uom", q.Unit)
			})
		}
	})
}

func (w *xmlWriter) typed(list, name string, values []Typed, words vocabulary) {
	if len(values) == 0 {
		return
	}
	w.open(list, func() {
		for _, t := range values {
			w.element(name, []attr{{"type", w.spell(words, t.Type)}}, func() { w.write(t.Value) })
		}
	})
}

func (w *xmlWriter) sensors(list []SensorElement) {
	if len(list) == 0 {
		return
	}
	w.open("sensorElementList", func() {
		for i := range list {
			s := &list[i]
			w.open("sensorElement", func() {
				if !s.Metadata.empty() {
					w.sensorMetadata(&s.Metadata)
				}
				for j := range s.Reports {
					w.sensorReport(&s.Reports[j])
				}
				w.fields(s.Extensions)
			})
		}
	})
}

func (w *xmlWriter) sensorMetadata(s *SensorMetadata) {
	var attrs []attr
	for _, name := range metadataTimes {
		attrs = append(attrs, attr{name, stamp(*s.timeOf(name))})
	}
	for _, name := range metadataTexts {
		attrs = append(attrs, attr{name, *s.textOf(name)})
	}
	w.measured("sensorMetadata", attrs, s.Extensions)
}

func (w *xmlWriter) sensorReport(report *SensorReport) {
	r := *report
	r.Type, r.Exception, r.Component = w.spell(measurements, r.Type), w.spell(sensorAlerts, r.Exception), w.spell(components, r.Component)
	attrs := []attr{{"time", stamp(r.Time)}}
	for _, name := range reportTexts {
		attrs = append(attrs, attr{name, *r.textOf(name)})
	}
	if r.BooleanValue != nil {
		attrs = append(attrs, attr{"booleanValue", strconv.FormatBool(*r.BooleanValue)})
	}
	for _, name := range reportNumbers {
		attrs = append(attrs, attr{name, string(*r.numberOf(name))})
	}
	w.measured("sensorReport", attrs, r.Extensions)
}

// measured writes own fields as attributes where they are plain.
func (w *xmlWriter) measured(name string, attrs []attr, extensions []Field) {
	var structured []Field
	for _, f := range extensions {
		plain := f.Value.Text
		switch f.Value.Kind {
		case Digits:
			plain = canonicalNumber(plain) // an attribute has no type, and an exponent without one makes no number
		case Text, Bool:
		default:
			plain = ""
		}
		name := w.name(f.Name)
		if plain == "" || slices.ContainsFunc(attrs, func(a attr) bool { return a.name == name }) {
			structured = append(structured, f)
		} else {
			attrs = append(attrs, attr{name, plain})
		}
	}
	w.element(name, attrs, func() { w.fields(structured) })
}

// declare gives the namespaces of some names their prefixes and returns the declarations.
func (w *xmlWriter) declare(names []Name, bare bool) []attr {
	w.prefixes = map[string]string{}
	used := maps.Clone(w.reserved)
	var attrs []attr
	if len(names) > 0 {
		attrs = []attr{{"xmlns:xsi", xsi}, {"xmlns:xsd", xsdSpace}}
	}
	for _, n := range names {
		n = n.resolved()
		space := xmlSpace(n)
		bare = bare || n.Space == "" && strings.Contains(n.spelled(), ":")
		if space == "" || w.prefixes[space] != "" {
			continue
		}
		prefix := n.Prefix
		for i := 1; used[prefix] || !isNCName(prefix) || strings.HasPrefix(strings.ToLower(prefix), "xml"); i++ {
			prefix = "ns" + strconv.Itoa(i)
		}
		used[prefix], w.prefixes[space] = true, prefix
		attrs = append(attrs, attr{"xmlns:" + prefix, space})
	}
	if bare {
		attrs = append(attrs, attr{"xmlns:tallyway", bareSpace})
	}
	return attrs
}

// xmlSpace is the namespace as XML documents spell it: the CBV's own has no colon at its end there.
func xmlSpace(n Name) string {
	if n.Space == masterData {
		return strings.TrimSuffix(masterData, ":")
	}
	return n.Space
}

// spelled is a name without a namespace as JSON has it.
func (n Name) spelled() string {
	if n.Prefix == "" {
		return n.Local
	}
	return n.Prefix + ":" + n.Local
}

// name is an extension's name in XML.
func (w *xmlWriter) name(n Name) string {
	n = n.resolved()
	switch {
	case n.Space == bareSpace, isEPCIS(n.Space), n.Space == xsi:
		w.problems.add(w.path, "epcis/no-xml", quote(n.spelled())+" stands in a namespace that XML has for itself", "Read the event in JSON.")
	case n.Space != "":
		return w.prefixes[xmlSpace(n)] + ":" + escapeName(n.Local)
	case n.Prefix == "xml" && isNCName(n.Local):
		return n.spelled()
	case strings.Contains(n.spelled(), ":"):
		return "tallyway:" + escapeName(n.spelled())
	}
	return escapeName(n.Local)
}

func (w *xmlWriter) fields(fields []Field) {
	for _, f := range fields {
		w.value(w.name(f.Name), f.Value)
	}
}

// value writes one field. XML knows no types: what is no text says so by xsi:type, and is read back as such.
func (w *xmlWriter) value(name string, v Value) {
	switch v.Kind {
	case Array:
		for _, item := range v.Items {
			w.value(name, item)
		}
	case Object:
		attrs, rest := w.attributes(v)
		w.element(name, attrs, func() { w.content(Value{Text: v.Text, Fields: rest}) })
	case Null:
		w.element(name, []attr{{"xsi:nil", "true"}}, nil)
	case Digits:
		w.element(name, []attr{{"xsi:type", numberType(v.Text)}}, func() { w.write(v.Text) })
	case Bool:
		w.element(name, []attr{{"xsi:type", "xsd:boolean"}}, func() { w.write(v.Text) })
	default:
		w.element(name, spaced(v.Text), func() { w.write(v.Text) })
	}
}

// content is the text and the fields of an object.
func (w *xmlWriter) content(v Value) {
	w.write(v.Text)
	w.fields(v.Fields)
}

// attributes parts an object into attributes and elements. One that mixes text and plain fields came from an element
// with attributes, and becomes one again.
func (w *xmlWriter) attributes(v Value) (attrs []attr, rest []Field) {
	attrs = spaced(v.Text)
	for _, f := range v.Fields {
		name := w.name(f.Name)
		plain := f.Value.Kind == Text && f.Value.Text != "" && strings.TrimSpace(f.Value.Text) == f.Value.Text
		twice := slices.ContainsFunc(attrs, func(a attr) bool { return a.name == name })
		if plain && !twice && (v.Text != "" || strings.HasPrefix(name, "xml:")) {
			attrs = append(attrs, attr{name, f.Value.Text})
		} else {
			rest = append(rest, f)
		}
	}
	return attrs, rest
}

// spaced keeps white space that readers would trim.
func spaced(text string) []attr {
	if strings.TrimSpace(text) == text {
		return nil
	}
	return []attr{{"xml:space", "preserve"}}
}

func numberType(text string) string {
	if strings.ContainsAny(text, "eE") {
		return "xsd:double"
	}
	return "xsd:decimal"
}

func (w *xmlWriter) open(name string, content func()) { w.element(name, nil, content) }

func (w *xmlWriter) element(name string, attrs []attr, content func()) {
	w.buf.WriteString("<" + name)
	for _, a := range attrs {
		if a.value != "" {
			w.buf.WriteString(" " + a.name + `="`)
			w.write(a.value)
			w.buf.WriteByte('"')
		}
	}
	start := w.buf.Len()
	w.buf.WriteByte('>')
	if content != nil {
		content()
	}
	if w.buf.Len() == start+1 {
		w.buf.Truncate(start)
		w.buf.WriteString("/>")
		return
	}
	w.buf.WriteString("</" + name + ">")
}

// leaf is an element of the standard; an empty one is left out.
func (w *xmlWriter) leaf(name, text string) {
	if text != "" {
		w.element(name, nil, func() { w.write(text) })
	}
}

func (w *xmlWriter) list(name, item string, values []string) {
	if len(values) == 0 {
		return
	}
	w.open(name, func() {
		for _, v := range values {
			w.element(item, nil, func() { w.write(v) })
		}
	})
}

func (w *xmlWriter) write(text string) {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, noXML) {
		w.problems.add(w.path, "epcis/control-character", "a text holds a character that XML cannot write", "Read the event in JSON, and ask its sender to mend it.")
	}
	_ = xml.EscapeText(&w.buf, []byte(text)) // a buffer does not fail
}

// noXML tells the characters that XML 1.0 has no way to write.
func noXML(c rune) bool {
	return c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0xFFFE || c == 0xFFFF
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
