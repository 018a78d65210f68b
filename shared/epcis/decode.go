package epcis

import (
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/shared/gs1"
)

// DecodeJSON reads an EPCISDocument, an EPCISQueryDocument or a bare event with its @context. The error, if any, is
// Problems: what does not fit the shape of EPCIS 2.0 (unknown members, wrong types, unreadable times). When the
// envelope could be read the document is returned beside it, every event at its index, so that a caller may go on with
// the events that have no problem. Rules are not checked here: see Document.Validate.
func DecodeJSON(b []byte) (*Document, error) {
	root, err := parseJSON(b)
	if err != nil {
		return nil, err
	}
	d := &jsonReader{scope: newScope()}
	doc := d.document(root)
	return doc, d.problems.orNil()
}

// jsonReader turns JSON into the model and gathers what does not fit.
type jsonReader struct {
	scope    scope
	problems Problems
}

func (d *jsonReader) document(root node) *Document {
	if root.kind != Object {
		d.problems.add("", "epcis/type", "the document is not a JSON object", "Send an EPCISDocument, an EPCISQueryDocument or one event.")
		return nil
	}
	kind, _ := root.get("type")
	doc := &Document{Type: kind.text}
	context, ok := root.get("@context")
	if !ok {
		d.problems.add("/@context", "epcis/missing", "the document has no @context", `Add "@context": ["`+standardContext+`"].`)
	}
	d.scope = d.scope.with(context, "/@context", &d.problems)
	doc.Contexts = d.scope.all
	switch kind.text {
	case "EPCISDocument":
		d.envelope(doc, root)
	case "EPCISQueryDocument":
		d.envelope(doc, root)
	case ObjectEvent, AggregationEvent, TransactionEvent, TransformationEvent, AssociationEvent: // a bare event
		doc.Events = []Event{d.event(root, "")}
	default:
		d.problems.add("/type", "epcis/type", quote(kind.text)+" is neither a document nor an event",
			"Write EPCISDocument, EPCISQueryDocument or one of the five event types.")
		return nil
	}
	return doc
}

func (d *jsonReader) envelope(doc *Document, root node) {
	for _, m := range root.members {
		here := at("", m.name)
		switch m.name {
		case "@context", "type":
		case "id":
			doc.ID = d.text(m.value, here)
		case "schemaVersion":
			doc.Version = d.text(m.value, here)
		case "creationDate":
			doc.CreationDate = d.time(m.value, here)
		case "sender":
			doc.Sender = d.text(m.value, here)
		case "receiver":
			doc.Receiver = d.text(m.value, here)
		case "instanceIdentifier":
			doc.Instance = d.text(m.value, here)
		case "epcisHeader":
			d.header(doc, m.value, here)
		case "epcisBody":
			if doc.Type == "EPCISQueryDocument" {
				d.queryBody(doc, m.value, here)
			} else {
				d.body(doc, m.value, here)
			}
		default:
			d.documentExtension(doc, m, here)
		}
	}
	d.envelopeMembers(doc, root)
}

// envelopeMembers asks for what the schema demands of each kind of document.
func (d *jsonReader) envelopeMembers(doc *Document, root node) {
	required := []string{"schemaVersion", "creationDate", "epcisBody"}
	if doc.Type == "EPCISQueryDocument" {
		required = []string{"epcisBody"}
	}
	for _, name := range required {
		if _, ok := root.get(name); !ok {
			d.problems.add(at("", name), "epcis/missing", "the document has no "+name, "Add it.")
		}
	}
	if doc.Version != "" && !isVersion(doc.Version) {
		d.problems.add("/schemaVersion", "epcis/version", quote(doc.Version)+" is not a version", `Write "2.0".`)
	}
}

func isVersion(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if !isDigits(part) {
			return false
		}
	}
	return true
}

// documentExtension keeps a member of the envelope that the standard does not name. A leading underscore marks a
// comment, as JSON has none of its own; comments are dropped.
func (d *jsonReader) documentExtension(doc *Document, m member, here string) {
	if strings.HasPrefix(m.name, "_") {
		return
	}
	f, ok := d.extension(m, here)
	if !ok {
		return
	}
	if f.Name.Local != "ignoreFields" {
		doc.Extensions = append(doc.Extensions, f)
		return
	}
	for _, item := range m.value.items {
		doc.HashIgnore = append(doc.HashIgnore, d.scope.name(item.text))
	}
}

func (d *jsonReader) header(doc *Document, n node, path string) {
	if !d.is(n, Object, path) {
		return
	}
	for _, m := range n.members {
		here := at(path, m.name)
		if m.name != "epcisMasterData" {
			d.documentExtension(doc, m, here)
			continue
		}
		if list, ok := m.value.get("vocabularyList"); ok {
			doc.MasterData = d.vocabularies(list, at(here, "vocabularyList"))
		}
	}
}

func (d *jsonReader) body(doc *Document, n node, path string) {
	if !d.is(n, Object, path) {
		return
	}
	list, ok := n.get("eventList")
	if !ok {
		d.problems.add(at(path, "eventList"), "epcis/missing", "the document has no eventList", "Add it; it may be empty.")
		return
	}
	d.eventList(doc, list, at(path, "eventList"))
}

func (d *jsonReader) queryBody(doc *Document, n node, path string) {
	results, ok := n.get("queryResults")
	path = at(path, "queryResults")
	if !ok {
		d.problems.add(path, "epcis/missing", "the document has no queryResults", "Add it.")
		return
	}
	for _, m := range results.members {
		here := at(path, m.name)
		switch m.name {
		case "queryName":
			doc.QueryName = d.text(m.value, here)
		case "subscriptionID":
			doc.Subscription = d.text(m.value, here)
		case "resultsBody":
			d.body(doc, m.value, here)
			if list, ok := m.value.get("vocabularyList"); ok {
				doc.MasterData = d.vocabularies(list, at(here, "vocabularyList"))
			}
		default:
			d.documentExtension(doc, m, here)
		}
	}
}

func (d *jsonReader) eventList(doc *Document, list node, path string) {
	if !d.is(list, Array, path) {
		return
	}
	if len(list.items) > MaxEvents {
		d.problems = append(d.problems, tooBig(path))
		return
	}
	doc.eventPath = path
	for i, item := range list.items {
		here := atIndex(path, i)
		if d.is(item, Object, here) {
			doc.Events = append(doc.Events, d.event(item, here))
		} else {
			doc.Events = append(doc.Events, Event{})
		}
	}
}

func (d *jsonReader) vocabularies(list node, path string) []Vocabulary {
	var all []Vocabulary
	d.each(list, path, func(n node, here string) {
		v := Vocabulary{}
		if t, ok := n.get("type"); ok {
			v.Type = d.text(t, at(here, "type"))
		}
		elements, _ := n.get("vocabularyElementList")
		for _, item := range elements.items {
			v.Elements = append(v.Elements, d.vocabularyElement(item))
		}
		all = append(all, v)
	})
	return all
}

func (d *jsonReader) vocabularyElement(n node) VocabularyElement {
	id, _ := n.get("id")
	e := VocabularyElement{ID: id.text}
	attributes, _ := n.get("attributes")
	for _, item := range attributes.items {
		id, _ := item.get("id")
		value, _ := item.get("attribute")
		e.Attributes = append(e.Attributes, Attribute{id.text, d.scope.value(value)})
	}
	children, _ := n.get("children")
	for _, item := range children.items {
		e.Children = append(e.Children, item.text)
	}
	return e
}

// event reads one event. Its own @context, if it has one, adds to the document's.
func (d *jsonReader) event(n node, path string) Event {
	outer := d.scope
	defer func() { d.scope = outer }()
	if context, ok := n.get("@context"); ok && path != "" {
		d.scope = d.scope.with(context, at(path, "@context"), &d.problems)
	}
	e := Event{Contexts: slices.Clone(d.scope.unknown)}
	if kind, _ := n.get("type"); !slices.Contains(eventTypes, kind.text) {
		d.problems.add(at(path, "type"), "epcis/event-type", quote(kind.text)+" is no event type", "Write one of "+strings.Join(eventTypes, ", ")+".")
	}
	for _, m := range n.members {
		here := at(path, m.name)
		if !d.what(&e, m, here) && !d.why(&e, m, here) && !d.base(&e, m, here) {
			if f, ok := d.extension(m, here); ok {
				e.Extensions = append(e.Extensions, f)
			}
		}
	}
	return e
}

// base reads the members that every event has.
func (d *jsonReader) base(e *Event, m member, here string) bool {
	switch m.name {
	case "@context":
	case "type":
		e.Type = d.text(m.value, here)
	case "eventID":
		e.ID = d.text(m.value, here)
	case "eventTime":
		e.Time = d.time(m.value, here)
	case "recordTime":
		e.RecordTime = d.time(m.value, here)
	case "eventTimeZoneOffset":
		e.Offset = d.text(m.value, here)
	case "certificationInfo":
		if m.value.kind == Text {
			e.CertificationInfo = []string{m.value.text}
		} else {
			e.CertificationInfo = d.texts(m.value, here)
		}
	case "errorDeclaration":
		e.Error = d.errorDeclaration(m.value, here)
	case "sensorElementList":
		d.each(m.value, here, func(n node, here string) { e.Sensors = append(e.Sensors, d.sensor(n, here)) })
	case "ilmd":
		e.ILMD = d.fields(m.value, here)
	default:
		return false
	}
	return true
}

// what reads the members that say which objects the event is about.
func (d *jsonReader) what(e *Event, m member, here string) bool {
	switch m.name {
	case "action":
		e.Action = d.text(m.value, here)
	case "epcList":
		e.EPCs = d.texts(m.value, here)
	case "quantityList":
		e.Quantities = d.quantities(m.value, here)
	case "parentID":
		e.Parent = d.text(m.value, here)
	case "childEPCs":
		e.ChildEPCs = d.texts(m.value, here)
	case "childQuantityList":
		e.ChildQuantities = d.quantities(m.value, here)
	case "inputEPCList":
		e.InputEPCs = d.texts(m.value, here)
	case "inputQuantityList":
		e.InputQuantities = d.quantities(m.value, here)
	case "outputEPCList":
		e.OutputEPCs = d.texts(m.value, here)
	case "outputQuantityList":
		e.OutputQuantities = d.quantities(m.value, here)
	case "transformationID":
		e.TransformationID = d.text(m.value, here)
	default:
		return false
	}
	return true
}

// why reads the members that say where the event happened and in which business.
func (d *jsonReader) why(e *Event, m member, here string) bool {
	switch m.name {
	case "bizStep":
		e.BizStep = bizSteps.short(d.text(m.value, here))
	case "disposition":
		e.Disposition = dispositions.short(d.text(m.value, here))
	case "persistentDisposition":
		d.persistent(e, m.value, here)
	case "readPoint":
		e.ReadPoint, e.ReadPointExtensions = d.place(m.value, here)
	case "bizLocation":
		e.BizLocation, e.BizLocationExtensions = d.place(m.value, here)
	case "bizTransactionList":
		e.BizTransactions = d.typed(m.value, here, "bizTransaction", transactionTypes)
	case "sourceList":
		e.Sources = d.typed(m.value, here, "source", partyTypes)
	case "destinationList":
		e.Destinations = d.typed(m.value, here, "destination", partyTypes)
	default:
		return false
	}
	return true
}

func (d *jsonReader) persistent(e *Event, n node, path string) {
	d.members(n, path, func(m member, here string) bool {
		switch m.name {
		case "set":
			e.PersistentSet = shorts(dispositions, d.texts(m.value, here))
		case "unset":
			e.PersistentUnset = shorts(dispositions, d.texts(m.value, here))
		default:
			return false
		}
		return true
	})
}

func shorts(v vocabulary, words []string) []string {
	for i, word := range words {
		words[i] = v.short(word)
	}
	return words
}

func (d *jsonReader) place(n node, path string) (id string, extensions []Field) {
	if !d.is(n, Object, path) {
		return "", nil
	}
	if _, ok := n.get("id"); !ok {
		d.problems.add(at(path, "id"), "epcis/missing", "the place has no id", "Add its GLN as a URI.")
	}
	for _, m := range n.members {
		here := at(path, m.name)
		if m.name == "id" {
			id = d.text(m.value, here)
		} else if f, ok := d.extension(m, here); ok {
			extensions = append(extensions, f)
		}
	}
	return id, extensions
}

func (d *jsonReader) typed(list node, path, name string, v vocabulary) []Typed {
	var all []Typed
	d.each(list, path, func(n node, here string) {
		var t Typed
		d.members(n, here, func(m member, here string) bool {
			switch m.name {
			case "type":
				t.Type = v.short(d.text(m.value, here))
			case name:
				t.Value = d.text(m.value, here)
			default:
				return false
			}
			return true
		})
		all = append(all, t)
	})
	return all
}

func (d *jsonReader) quantities(list node, path string) []Quantity {
	var all []Quantity
	d.each(list, path, func(n node, here string) {
		var q Quantity
		d.members(n, here, func(m member, here string) bool {
			switch m.name {
			case "epcClass":
				q.Class = d.text(m.value, here)
			case "quantity":
				if d.is(m.value, Digits, here) {
					q.Amount, q.HasAmount = amount(m.value.text, here, &d.problems)
				}
			case "uom":
				q.Unit = d.text(m.value, here)
			default:
				return false
			}
			return true
		})
		all = append(all, q)
	})
	return all
}

// amount reads a quantity; a number too long to be one is refused.
func amount(text, path string, ps *Problems) (gs1.Amount, bool) {
	plain, ok := plainDecimal(text)
	a, err := gs1.ParseAmount(plain)
	if !ok || err != nil {
		ps.add(path, "epcis/number", quote(text)+" is not a number that can be counted exactly", "Write it as a decimal of at most 40 digits.")
		return gs1.Amount{}, false
	}
	return a, true
}

func (d *jsonReader) errorDeclaration(n node, path string) *ErrorDeclaration {
	e := &ErrorDeclaration{}
	if !d.is(n, Object, path) {
		return e
	}
	for _, m := range n.members {
		here := at(path, m.name)
		switch m.name {
		case "declarationTime":
			e.Time = d.time(m.value, here)
		case "reason":
			e.Reason = errorReasons.short(d.text(m.value, here))
		case "correctiveEventIDs":
			e.Corrective = d.texts(m.value, here)
		default:
			if f, ok := d.extension(m, here); ok {
				e.Extensions = append(e.Extensions, f)
			}
		}
	}
	return e
}

func (d *jsonReader) sensor(n node, path string) SensorElement {
	var s SensorElement
	if !d.is(n, Object, path) {
		return s
	}
	for _, m := range n.members {
		here := at(path, m.name)
		switch m.name {
		case "sensorMetadata":
			s.Metadata = d.sensorMetadata(m.value, here)
		case "sensorReport":
			d.each(m.value, here, func(n node, here string) { s.Reports = append(s.Reports, d.sensorReport(n, here)) })
		default:
			if f, ok := d.extension(m, here); ok {
				s.Extensions = append(s.Extensions, f)
			}
		}
	}
	return s
}

func (d *jsonReader) sensorMetadata(n node, path string) SensorMetadata {
	var s SensorMetadata
	if !d.is(n, Object, path) {
		return s
	}
	for _, m := range n.members {
		here := at(path, m.name)
		if t := s.timeOf(m.name); t != nil {
			*t = d.time(m.value, here)
		} else if p := s.textOf(m.name); p != nil {
			*p = d.text(m.value, here)
		} else if f, ok := d.extension(m, here); ok {
			s.Extensions = append(s.Extensions, f)
		}
	}
	return s
}

func (d *jsonReader) sensorReport(n node, path string) SensorReport {
	var r SensorReport
	if !d.is(n, Object, path) {
		return r
	}
	for _, m := range n.members {
		here := at(path, m.name)
		if p := r.textOf(m.name); p != nil {
			*p = d.text(m.value, here)
		} else if p := r.numberOf(m.name); p != nil {
			if d.is(m.value, Digits, here) {
				*p = Number(m.value.text)
			}
		} else if m.name == "time" {
			r.Time = d.time(m.value, here)
		} else if m.name == "booleanValue" {
			if d.is(m.value, Bool, here) {
				yes := m.value.text == "true"
				r.BooleanValue = &yes
			}
		} else if f, ok := d.extension(m, here); ok {
			r.Extensions = append(r.Extensions, f)
		}
	}
	r.shorten()
	return r
}

// extension takes a member that the standard does not name. Without a namespace it is a slip of the pen, not an
// extension, and is refused.
func (d *jsonReader) extension(m member, here string) (Field, bool) {
	if !strings.Contains(m.name, ":") {
		d.problems.add(here, "epcis/unknown-field", quote(m.name)+" is no field of EPCIS here",
			"Check the spelling, or give an own field the prefix of a namespace declared in @context.")
		return Field{}, false
	}
	return Field{d.scope.name(m.name), d.scope.value(m.value)}, true
}

func (d *jsonReader) fields(n node, path string) []Field {
	var fields []Field
	if !d.is(n, Object, path) {
		return nil
	}
	for _, m := range n.members {
		if f, ok := d.extension(m, at(path, m.name)); ok {
			fields = append(fields, f)
		}
	}
	return fields
}

// members walks an object that takes no extensions.
func (d *jsonReader) members(n node, path string, known func(m member, here string) bool) {
	if !d.is(n, Object, path) {
		return
	}
	for _, m := range n.members {
		if here := at(path, m.name); !known(m, here) {
			d.problems.add(here, "epcis/unknown-field", quote(m.name)+" is no field of EPCIS here",
				"Check the spelling. Own fields stand in the event or in its master data, not here.")
		}
	}
}

func (d *jsonReader) each(n node, path string, visit func(n node, here string)) {
	if !d.is(n, Array, path) {
		return
	}
	for i, item := range n.items {
		visit(item, atIndex(path, i))
	}
}

func (d *jsonReader) texts(n node, path string) []string {
	var all []string
	d.each(n, path, func(n node, here string) { all = append(all, d.text(n, here)) })
	return all
}

func (d *jsonReader) text(n node, path string) string {
	if !d.is(n, Text, path) {
		return ""
	}
	return n.text
}

func (d *jsonReader) time(n node, path string) time.Time {
	if !d.is(n, Text, path) {
		return time.Time{}
	}
	return timestamp(n.text, path, &d.problems)
}

// timestamp reads a time with its zone; without one nobody knows when it was.
func timestamp(text, path string, ps *Problems) time.Time {
	t, ok := parseTime(text)
	if !ok {
		ps.add(path, "epcis/time", quote(text)+" is not a time with a zone", "Write it like 2026-03-01T08:30:00+08:00.")
	}
	return t
}

// parseTime reads RFC 3339 with a zone of at most 14 hours. Go's own parser is laxer: it takes a comma for the point,
// an hour of one digit, and any zone.
func parseTime(text string) (time.Time, bool) {
	if len(text) < len("2006-01-02T15:04:05Z") || text[13] != ':' || strings.Contains(text, ",") {
		return time.Time{}, false
	}
	if !strings.HasSuffix(text, "Z") && !isOffset(text[len(text)-len("+08:00"):]) {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.UTC().Year() < 1 || t.UTC().Year() > 9999 {
		return time.Time{}, false
	}
	return t.UTC(), true
}

var kindNames = [...]string{Text: "a text", Digits: "a number", Bool: "true or false", Null: "null", Object: "an object", Array: "an array"}

func (d *jsonReader) is(n node, want Kind, path string) bool {
	if n.kind == want {
		return true
	}
	d.problems.add(path, "epcis/type", "here stands "+kindNames[n.kind]+", not "+kindNames[want], "Write "+kindNames[want]+".")
	return false
}
