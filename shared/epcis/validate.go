package epcis

import (
	"slices"
	"strings"
	"time"
)

// Validate checks the event against EPCIS 2.0 and CBV 2.0 in one pass: the JSON schema's demands of each event type,
// the rules that the schema misses, identifiers with their check digits, and units. Paths start at the event. Partners'
// own profiles and the state of the ledger are for others to check.
func (e *Event) Validate() Problems {
	v := &validator{}
	if v.base(e); slices.Contains(eventTypes, e.Type) {
		v.fieldsOfType(e)
		v.action(e)
		v.content(e)
	}
	v.objects(e)
	v.business(e)
	v.places(e)
	for i := range e.Sensors {
		v.sensor(&e.Sensors[i], atIndex("/sensorElementList", i))
	}
	if e.Error != nil {
		v.errorDeclaration(e)
	}
	v.extensions(e)
	return v.problems
}

// Validate checks every event; paths start at the document.
func (d *Document) Validate() Problems {
	var all Problems
	for i := range d.Events {
		for _, p := range d.Events[i].Validate().moved(d.EventPath(i)) {
			all.add(p.Path, p.Code, p.Text, p.Remedy)
		}
	}
	return all
}

// EventPath is the JSON pointer of an event in the document it was read from; empty for a bare event.
func (d *Document) EventPath(i int) string {
	if d.eventPath == "" {
		return ""
	}
	return atIndex(d.eventPath, i)
}

type validator struct {
	problems Problems
}

func (v *validator) missing(path, text, remedy string) {
	v.problems.add(path, "epcis/missing", text, remedy)
}

func (v *validator) base(e *Event) {
	if !slices.Contains(eventTypes, e.Type) {
		v.problems.add("/type", "epcis/event-type", quote(e.Type)+" is no event type", "Write one of "+strings.Join(eventTypes, ", ")+".")
	}
	if e.Time.IsZero() {
		v.missing("/eventTime", "the event has no time", "Say when it happened.")
	}
	switch {
	case e.Offset == "":
		v.missing("/eventTimeZoneOffset", "the event has no time zone offset", "Say what the clocks showed where it happened, like +08:00.")
	case !isOffset(e.Offset):
		v.problems.add("/eventTimeZoneOffset", "epcis/offset", quote(e.Offset)+" is no time zone offset", "Write it like +08:00, between -14:00 and +14:00.")
	}
	if e.ID != "" {
		v.uri(e.ID, "/eventID")
	}
	for i, c := range e.CertificationInfo {
		v.uri(c, atIndex("/certificationInfo", i))
	}
}

// isOffset follows the schema: a sign, two digits of hours and two of minutes, at most 14:00.
func isOffset(s string) bool {
	if len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':' || !isDigits(s[1:3]+s[4:]) {
		return false
	}
	return s[1:3] < "14" && s[4:] < "60" || s[1:] == "14:00"
}

// fieldsOfType refuses fields that the event's type does not have.
func (v *validator) fieldsOfType(e *Event) {
	is := func(types ...string) bool { return slices.Contains(types, e.Type) }
	for _, f := range []struct {
		name string
		used bool
		fits bool
	}{
		{"epcList", len(e.EPCs) > 0, is(ObjectEvent, TransactionEvent)},
		{"quantityList", len(e.Quantities) > 0, is(ObjectEvent, TransactionEvent)},
		{"parentID", e.Parent != "", is(AggregationEvent, AssociationEvent, TransactionEvent)},
		{"childEPCs", len(e.ChildEPCs) > 0, is(AggregationEvent, AssociationEvent)},
		{"childQuantityList", len(e.ChildQuantities) > 0, is(AggregationEvent, AssociationEvent)},
		{"inputEPCList", len(e.InputEPCs) > 0, is(TransformationEvent)},
		{"inputQuantityList", len(e.InputQuantities) > 0, is(TransformationEvent)},
		{"outputEPCList", len(e.OutputEPCs) > 0, is(TransformationEvent)},
		{"outputQuantityList", len(e.OutputQuantities) > 0, is(TransformationEvent)},
		{"transformationID", e.TransformationID != "", is(TransformationEvent)},
		{"action", e.Action != "", !is(TransformationEvent)},
		{"ilmd", len(e.ILMD) > 0, is(ObjectEvent, TransformationEvent)},
	} {
		if f.used && !f.fits {
			v.problems.add(at("", f.name), "epcis/unknown-field", "a "+e.Type+" has no "+f.name, "Remove it, or choose the type of event that has it.")
		}
	}
}

func (v *validator) action(e *Event) {
	if e.Type == TransformationEvent {
		return
	}
	switch e.Action {
	case Add, Observe, Delete:
	case "":
		v.missing("/action", "the event has no action", "Write ADD, OBSERVE or DELETE.")
	default:
		v.problems.add("/action", "epcis/action", quote(e.Action)+" is no action", "Write ADD, OBSERVE or DELETE.")
	}
	if e.Type == ObjectEvent && e.Action != Add && len(e.ILMD) > 0 {
		v.problems.add("/ilmd", "epcis/ilmd", "master data belongs to the birth of an object", "Use action ADD, or remove ilmd.")
	}
}

// content asks for what an event of its type must be about (EPCIS 2.0, sections 7.4.2 to 7.4.6).
func (v *validator) content(e *Event) {
	children := len(e.ChildEPCs) + len(e.ChildQuantities)
	objects := len(e.EPCs) + len(e.Quantities)
	switch e.Type {
	case ObjectEvent:
		if objects == 0 && (len(e.Sensors) == 0 || e.ReadPoint == "") {
			v.missing("/epcList", "the event is about no object", "Add an epcList or quantityList, or a sensorElementList with a readPoint.")
		}
	case AggregationEvent:
		if e.Parent == "" && e.Action != Observe {
			v.missing("/parentID", "the event names no parent", "Add parentID; only an OBSERVE may leave it out.")
		}
		v.children(children, e.Action)
	case AssociationEvent:
		if e.Parent == "" {
			v.missing("/parentID", "the event names no parent", "Add parentID: the asset or place that the children belong to.")
		}
		v.children(children, e.Action)
	case TransactionEvent:
		if len(e.BizTransactions) == 0 {
			v.missing("/bizTransactionList", "the event names no business transaction", "Add at least one.")
		}
		if objects == 0 && e.Action != Delete {
			v.missing("/epcList", "the event is about no object", "Add an epcList or quantityList; only a DELETE may leave both out.")
		}
	case TransformationEvent:
		v.transformation(e)
	}
}

func (v *validator) children(n int, action string) {
	if n == 0 && action != Delete {
		v.missing("/childEPCs", "the event names no children", "Add childEPCs or childQuantityList; only a DELETE may leave both out.")
	}
}

func (v *validator) transformation(e *Event) {
	in := len(e.InputEPCs) + len(e.InputQuantities)
	out := len(e.OutputEPCs) + len(e.OutputQuantities)
	switch {
	case e.TransformationID != "" && in+out == 0:
		v.missing("/inputEPCList", "the event names neither inputs nor outputs", "Add those of this step.")
	case e.TransformationID == "" && in == 0:
		v.missing("/inputEPCList", "the event names no inputs", "Add inputEPCList or inputQuantityList, or join the steps by a transformationID.")
	case e.TransformationID == "" && out == 0:
		v.missing("/outputEPCList", "the event names no outputs", "Add outputEPCList or outputQuantityList, or join the steps by a transformationID.")
	}
}

func (v *validator) objects(e *Event) {
	v.instances(e.EPCs, "/epcList")
	v.quantities(e.Quantities, "/quantityList")
	if e.Parent != "" {
		v.instance(e.Parent, "/parentID")
	}
	v.instances(e.ChildEPCs, "/childEPCs")
	v.quantities(e.ChildQuantities, "/childQuantityList")
	v.instances(e.InputEPCs, "/inputEPCList")
	v.quantities(e.InputQuantities, "/inputQuantityList")
	v.instances(e.OutputEPCs, "/outputEPCList")
	v.quantities(e.OutputQuantities, "/outputQuantityList")
	if e.TransformationID != "" {
		v.identifier(e.TransformationID, "/transformationID")
	}
}

func (v *validator) instances(list []string, path string) {
	seen := make(map[string]bool, len(list))
	for i, epc := range list {
		here := atIndex(path, i)
		v.instance(epc, here)
		canonical := canonicalText(epc)
		if seen[canonical] {
			v.problems.add(here, "epcis/duplicate", quote(epc)+" stands twice in the list", "Name every object once.")
		}
		seen[canonical] = true
	}
}

func (v *validator) quantities(list []Quantity, path string) {
	for i, q := range list {
		here := atIndex(path, i)
		if q.Class == "" {
			v.missing(at(here, "epcClass"), "the quantity names no class", "Say what it is an amount of.")
		} else {
			v.class(q.Class, at(here, "epcClass"))
		}
		v.amount(q, here)
		if q.Unit != "" {
			v.unit(q.Unit, at(here, "uom"))
		}
	}
}

func (v *validator) amount(q Quantity, path string) {
	if !q.HasAmount {
		if q.Unit != "" {
			v.missing(at(path, "quantity"), "there is a unit but no amount", "Add the amount, or remove the unit.")
		}
		return
	}
	path = at(path, "quantity")
	text, ok := plainDecimal(q.Amount.String())
	switch {
	case !ok:
		v.problems.add(path, "epcis/number", quote(text)+" is not a decimal of at most 40 digits", "Use a smaller unit or fewer digits.")
	case q.Amount.Sign() < 0:
		v.problems.add(path, "epcis/quantity", "a quantity is not negative", "Write how much there is; the business step tells the direction.")
	case q.Unit == "" && strings.Contains(text, "."):
		v.problems.add(path, "epcis/quantity", "a count of instances has no fraction", "Add the unit of measure as uom, or write a whole number.")
	}
}

func (v *validator) business(e *Event) {
	v.word(bizSteps, e.BizStep, "/bizStep")
	v.word(dispositions, e.Disposition, "/disposition")
	seen := map[string]bool{}
	v.persistent(e.PersistentSet, "/persistentDisposition/set", seen)
	v.persistent(e.PersistentUnset, "/persistentDisposition/unset", seen)
	v.typed(e.BizTransactions, "/bizTransactionList", "bizTransaction", transactionTypes, false)
	v.typed(e.Sources, "/sourceList", "source", partyTypes, true)
	v.typed(e.Destinations, "/destinationList", "destination", partyTypes, true)
}

func (v *validator) persistent(list []string, path string, seen map[string]bool) {
	for i, d := range list {
		here := atIndex(path, i)
		v.word(dispositions, d, here)
		if seen[d] {
			v.problems.add(here, "epcis/duplicate", quote(d)+" is named twice, or both set and unset", "Name it once.")
		}
		seen[d] = true
	}
}

func (v *validator) typed(list []Typed, path, name string, words vocabulary, needsType bool) {
	for i, t := range list {
		here := atIndex(path, i)
		if t.Type == "" && needsType {
			v.missing(at(here, "type"), "it has no type", "Write one of "+strings.Join(words.words, ", ")+".")
		}
		v.word(words, t.Type, at(here, "type"))
		if t.Value == "" {
			v.missing(at(here, name), "it has no "+name, "Add its identifier as a URI.")
		} else {
			v.identifier(t.Value, at(here, name))
		}
	}
}

// word lets pass the words of a vocabulary and the URIs of other vocabularies.
func (v *validator) word(words vocabulary, word, path string) {
	if word == "" || words.has(word) {
		return
	}
	if !isURI(word) || strings.HasPrefix(word, words.canonical) || strings.HasPrefix(word, "urn:epcglobal:cbv:") {
		v.problems.add(path, "epcis/vocabulary", quote(word)+" is no "+words.title+" of the standard", "Write one of "+strings.Join(words.words, ", ")+"; or the full URI of a word of your own.")
	}
}

func (v *validator) places(e *Event) {
	v.place(e.ReadPoint, e.ReadPointExtensions, "/readPoint/id")
	v.place(e.BizLocation, e.BizLocationExtensions, "/bizLocation/id")
}

func (v *validator) place(id string, extensions []Field, path string) {
	if id != "" {
		v.identifier(id, path)
	} else if len(extensions) > 0 {
		v.missing(path, "the place has no id", "Add its GLN as a URI.")
	}
}

func (v *validator) errorDeclaration(e *Event) {
	const path = "/errorDeclaration"
	switch d := e.Error; {
	case d.Time.IsZero():
		v.missing(path+"/declarationTime", "the error declaration has no time", "Say when the error was declared.")
	case d.Time.Before(e.Time):
		v.problems.add(path+"/declarationTime", "epcis/time-order", "the error was declared before the event happened", "Check both times.")
	}
	v.word(errorReasons, e.Error.Reason, path+"/reason")
	seen := map[string]bool{e.ID: true}
	for i, id := range e.Error.Corrective {
		here := atIndex(path+"/correctiveEventIDs", i)
		v.uri(id, here)
		if seen[id] {
			v.problems.add(here, "epcis/duplicate", "an event does not correct itself, nor twice", "Name each corrective event once.")
		}
		seen[id] = true
	}
}

// extensions asks that own fields can be written in XML as well as in JSON: a repository answers in both.
func (v *validator) extensions(e *Event) {
	v.own(e.Extensions, "")
	v.own(e.ILMD, "/ilmd")
	v.own(e.ReadPointExtensions, "/readPoint")
	v.own(e.BizLocationExtensions, "/bizLocation")
	if e.Error != nil {
		v.own(e.Error.Extensions, "/errorDeclaration")
	}
	for i, s := range e.Sensors {
		here := atIndex("/sensorElementList", i)
		v.own(s.Extensions, here)
		v.own(s.Metadata.Extensions, at(here, "sensorMetadata"))
		for j, r := range s.Reports {
			report := atIndex(at(here, "sensorReport"), j)
			v.own(r.Extensions, report)
			v.printable(r.StringValue, at(report, "stringValue"))
		}
	}
}

func (v *validator) own(fields []Field, path string) {
	for _, f := range fields {
		here := at(path, f.Name.spelled())
		if n := f.Name.resolved(); isEPCIS(n.Space) || n.Space == bareSpace || n.Space == xsi {
			v.problems.add(here, "epcis/no-xml", quote(f.Name.spelled())+" stands in a namespace that XML has for itself", "Give the field a namespace of your own.")
		}
		v.ownValue(f.Value, here)
	}
}

func (v *validator) ownValue(value Value, path string) {
	v.printable(value.Text, path)
	v.own(value.Fields, path)
	for i, item := range value.Items {
		v.ownValue(item, atIndex(path, i))
	}
}

func (v *validator) printable(text, path string) {
	if strings.ContainsFunc(text, noXML) {
		v.problems.add(path, "epcis/control-character", "a text holds a control character", "Remove it; XML has no way to write it.")
	}
}

func (v *validator) order(start, end time.Time, path string) {
	if !start.IsZero() && !end.IsZero() && end.Before(start) {
		v.problems.add(path, "epcis/time-order", "the end lies before the start", "Check both times.")
	}
}

func (v *validator) uri(s, path string) bool {
	if isURI(s) {
		return true
	}
	v.problems.add(path, "epcis/uri", quote(s)+" is not a URI", "Write it with its scheme, like https://… or urn:….")
	return false
}

// isURI asks for a scheme, something after it, and none of the characters that RFC 3987 bars.
func isURI(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || rest == "" {
		return false
	}
	for i, c := range scheme {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || strings.ContainsRune("+-.", c))) {
			return false
		}
	}
	return !strings.ContainsFunc(rest, func(c rune) bool { return c <= ' ' || strings.ContainsRune("<>\"{}|\\^`\u007f", c) })
}
