package epcis

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MarshalJSON is JSON, so that an event may be a field of other values.
func (e Event) MarshalJSON() ([]byte, error) { return e.JSON() }

// UnmarshalJSON reads a bare event, as DecodeJSON does.
func (e *Event) UnmarshalJSON(b []byte) error {
	doc, err := DecodeJSON(b)
	if err != nil {
		return err
	}
	if doc.eventPath != "" || len(doc.Events) != 1 {
		return Problems{refusal("/type", "epcis/type", "here stands a document, not an event", "Give one event with its @context.")}
	}
	*e = doc.Events[0]
	return nil
}

// JSON is the event in EPCIS 2.0 JSON-LD, complete by itself: its @context declares every namespace that its extensions
// use, so that it may stand alone or in the event list of any document. DecodeJSON gives the same event back, with the
// same hash. The members have a fixed order. The error is Problems.
func (e *Event) JSON() ([]byte, error) {
	w := &jsonWriter{}
	w.event(e)
	return w.buf.Bytes(), w.problems.orNil()
}

// MarshalJSON is JSON.
func (d Document) MarshalJSON() ([]byte, error) { return d.JSON() }

// JSON is the document in EPCIS 2.0 JSON-LD, as EPCISQueryDocument where it is one and as EPCISDocument otherwise. Each
// event brings its own @context. The error is Problems.
func (d *Document) JSON() ([]byte, error) {
	w := &jsonWriter{}
	w.document(d)
	return w.buf.Bytes(), w.problems.orNil()
}

// jsonWriter writes members in the order it is asked to, leaving out the empty ones.
type jsonWriter struct {
	buf      bytes.Buffer
	path     string
	spaces   []binding // the prefixes in force; one prefix stands for one namespace
	reader   scope     // what a reader will make of names
	problems Problems
}

func (w *jsonWriter) event(e *Event) {
	spaces, reader := w.spaces, w.reader
	w.bind(e.namesUsed())
	w.object(func() {
		w.member("@context", func() { w.context(e.Contexts) })
		w.text("type", e.Type)
		w.text("eventID", e.ID)
		w.time("eventTime", e.Time)
		w.time("recordTime", e.RecordTime)
		w.text("eventTimeZoneOffset", e.Offset)
		w.texts("certificationInfo", e.CertificationInfo)
		if e.Error != nil {
			w.member("errorDeclaration", func() { w.errorDeclaration(e.Error) })
		}
		w.what(e)
		w.why(e)
		w.list("sensorElementList", len(e.Sensors), func(i int) { w.sensor(&e.Sensors[i]) })
		if len(e.ILMD) > 0 {
			w.member("ilmd", func() { w.object(func() { w.fields(e.ILMD) }) })
		}
		w.fields(e.Extensions)
	})
	w.spaces, w.reader = spaces, reader
}

// bind gives the names to be written their prefixes.
func (w *jsonWriter) bind(names []Name) {
	w.spaces = bindings(names)
	w.reader = newScope()
	w.reader.bindings = append(w.reader.bindings, w.spaces...)
}

func (w *jsonWriter) what(e *Event) {
	w.text("parentID", e.Parent)
	if e.needsEPCList() {
		w.member("epcList", func() { w.array(0, nil) })
	}
	w.texts("epcList", e.EPCs)
	w.quantities("quantityList", e.Quantities)
	w.texts("childEPCs", e.ChildEPCs)
	w.quantities("childQuantityList", e.ChildQuantities)
	w.texts("inputEPCList", e.InputEPCs)
	w.quantities("inputQuantityList", e.InputQuantities)
	w.texts("outputEPCList", e.OutputEPCs)
	w.quantities("outputQuantityList", e.OutputQuantities)
	w.text("transformationID", e.TransformationID)
	w.text("action", e.Action)
}

// needsEPCList tells whether the schema asks for an epcList although there is none to give.
func (e *Event) needsEPCList() bool {
	if len(e.EPCs)+len(e.Quantities) > 0 {
		return false
	}
	return e.Type == ObjectEvent && (len(e.Sensors) == 0 || e.ReadPoint == "") || e.Type == TransactionEvent && e.Action != Delete
}

func (w *jsonWriter) why(e *Event) {
	w.text("bizStep", bizSteps.short(e.BizStep))
	w.text("disposition", dispositions.short(e.Disposition))
	if len(e.PersistentSet)+len(e.PersistentUnset) > 0 {
		w.member("persistentDisposition", func() {
			w.object(func() {
				w.texts("set", shorts(dispositions, slices.Clone(e.PersistentSet)))
				w.texts("unset", shorts(dispositions, slices.Clone(e.PersistentUnset)))
			})
		})
	}
	w.place("readPoint", e.ReadPoint, e.ReadPointExtensions)
	w.place("bizLocation", e.BizLocation, e.BizLocationExtensions)
	w.typed("bizTransactionList", "bizTransaction", e.BizTransactions, transactionTypes)
	w.typed("sourceList", "source", e.Sources, partyTypes)
	w.typed("destinationList", "destination", e.Destinations, partyTypes)
}

func (w *jsonWriter) errorDeclaration(d *ErrorDeclaration) {
	w.object(func() {
		w.time("declarationTime", d.Time)
		w.text("reason", errorReasons.short(d.Reason))
		w.texts("correctiveEventIDs", d.Corrective)
		w.fields(d.Extensions)
	})
}

func (w *jsonWriter) place(name, id string, extensions []Field) {
	if id == "" && len(extensions) == 0 {
		return
	}
	w.member(name, func() {
		w.object(func() {
			w.member("id", func() { w.string(id) })
			w.fields(extensions)
		})
	})
}

func (w *jsonWriter) typed(list, name string, values []Typed, words vocabulary) {
	w.list(list, len(values), func(i int) {
		w.object(func() {
			w.text("type", words.short(values[i].Type))
			w.text(name, values[i].Value)
		})
	})
}

func (w *jsonWriter) quantities(name string, list []Quantity) {
	w.list(name, len(list), func(i int) {
		w.object(func() {
			w.text("epcClass", list[i].Class)
			if list[i].HasAmount {
				w.number("quantity", list[i].Amount.String())
			}
			w.text("uom", list[i].Unit)
		})
	})
}

func (w *jsonWriter) sensor(s *SensorElement) {
	w.object(func() {
		if !s.Metadata.empty() {
			w.member("sensorMetadata", func() { w.sensorMetadata(&s.Metadata) })
		}
		w.list("sensorReport", len(s.Reports), func(i int) { w.sensorReport(&s.Reports[i]) })
		w.fields(s.Extensions)
	})
}

func (w *jsonWriter) sensorMetadata(s *SensorMetadata) {
	w.object(func() {
		for _, name := range metadataTimes {
			w.time(name, *s.timeOf(name))
		}
		for _, name := range metadataTexts {
			w.text(name, *s.textOf(name))
		}
		w.fields(s.Extensions)
	})
}

func (w *jsonWriter) sensorReport(report *SensorReport) {
	r := *report
	r.shorten()
	w.object(func() {
		w.time("time", r.Time)
		for _, name := range reportTexts {
			w.text(name, *r.textOf(name))
		}
		if r.BooleanValue != nil {
			w.member("booleanValue", func() { w.buf.WriteString(strconv.FormatBool(*r.BooleanValue)) })
		}
		for _, name := range reportNumbers {
			if n := *r.numberOf(name); n != "" {
				w.number(name, string(n))
			}
		}
		w.fields(r.Extensions)
	})
}

func (w *jsonWriter) document(d *Document) {
	query := d.Type == "EPCISQueryDocument"
	w.object(func() {
		w.bind(d.namesUsed())
		w.member("@context", func() { w.context(d.Contexts) })
		w.text("id", d.ID)
		if query {
			w.text("type", d.Type)
		} else {
			w.text("type", "EPCISDocument")
		}
		w.text("schemaVersion", d.version())
		w.time("creationDate", d.CreationDate)
		w.text("sender", d.Sender)
		w.text("receiver", d.Receiver)
		w.text("instanceIdentifier", d.Instance)
		w.ignoreFields(d.HashIgnore)
		w.fields(d.Extensions)
		if len(d.MasterData) > 0 && !query {
			w.member("epcisHeader", func() { w.objectOf("epcisMasterData", func() { w.object(func() { w.vocabularies(d.MasterData) }) }) })
		}
		w.member("epcisBody", func() {
			if query {
				w.queryResults(d)
			} else {
				w.object(func() { w.events(d.Events) })
			}
		})
	})
}

func (d *Document) version() string {
	if d.Version == "" {
		return "2.0"
	}
	return d.Version
}

// ignoreFields writes under a namespace of this suite: the standard names the idea, not the member.
func (w *jsonWriter) ignoreFields(names []Name) {
	if len(names) == 0 {
		return
	}
	w.list(ignoreMember, len(names), func(i int) { w.string(w.spell(names[i])) })
}

func (w *jsonWriter) queryResults(d *Document) {
	w.objectOf("queryResults", func() {
		w.object(func() {
			w.text("subscriptionID", d.Subscription)
			w.member("queryName", func() { w.string(d.QueryName) })
			w.member("resultsBody", func() {
				w.object(func() {
					w.events(d.Events)
					w.vocabularies(d.MasterData)
				})
			})
		})
	})
}

func (w *jsonWriter) events(events []Event) {
	w.member("eventList", func() { w.array(len(events), func(i int) { w.event(&events[i]) }) })
}

func (w *jsonWriter) vocabularies(all []Vocabulary) {
	w.list("vocabularyList", len(all), func(i int) {
		w.object(func() {
			w.text("type", all[i].Type)
			w.list("vocabularyElementList", len(all[i].Elements), func(j int) { w.vocabularyElement(all[i].Elements[j]) })
		})
	})
}

func (w *jsonWriter) vocabularyElement(e VocabularyElement) {
	w.object(func() {
		w.text("id", e.ID)
		w.list("attributes", len(e.Attributes), func(i int) {
			w.object(func() {
				w.text("id", e.Attributes[i].ID)
				w.member("attribute", func() { w.value(e.Attributes[i].Value) })
			})
		})
		w.texts("children", e.Children)
	})
}

func (w *jsonWriter) context(unknown []string) {
	var own []binding
	for _, b := range w.spaces {
		if b.space != "" && !slices.Contains(standard, b) {
			own = append(own, b)
		}
	}
	addresses := []string{standardContext}
	for _, address := range unknown {
		if !isStandardContext(address) && !slices.Contains(addresses, address) {
			addresses = append(addresses, address)
		}
	}
	n := len(addresses)
	if n == 1 && len(own) == 0 {
		w.string(standardContext)
		return
	}
	if len(own) > 0 {
		n++
	}
	w.array(n, func(i int) {
		if i < len(addresses) {
			w.string(addresses[i])
			return
		}
		w.object(func() {
			for _, b := range own {
				w.text(b.prefix, b.space)
			}
		})
	})
}

// fields writes extensions beside the standard's own members: their names need a namespace.
func (w *jsonWriter) fields(fields []Field) {
	for _, f := range fields {
		if name := w.spell(f.Name); !strings.Contains(name, ":") {
			w.badName(name)
		}
	}
	w.nested(fields, false)
}

// nested writes the fields of an object. Two of one name would be two members of one name, which JSON does not have,
// and a name that a reader would take for another is not written at all.
func (w *jsonWriter) nested(fields []Field, hasText bool) {
	seen := map[string]bool{textMember: hasText}
	for _, f := range fields {
		name := w.spell(f.Name)
		if hashName(w.reader.name(name)) != hashName(f.Name) || name == textMember && f.Value.Kind == Text {
			w.badName(name)
		}
		if seen[name] {
			w.problems.add(at(w.path, name), "epcis/duplicate", "the field "+quote(name)+" stands twice", "Make the two one array.")
			continue
		}
		seen[name] = true
		w.member(name, func() { w.value(f.Value) })
	}
}

func (w *jsonWriter) badName(name string) {
	w.problems.add(at(w.path, name), "epcis/name", quote(name)+" is no name of an extension", "Give it a namespace, a prefix without colon and a local name.")
}

func (w *jsonWriter) spell(n Name) string {
	if n.Space == "" && n.Prefix == "" {
		return n.Local
	}
	prefix := n.Prefix
	for _, b := range w.spaces {
		if n.Space != "" && b.space == n.Space {
			if prefix = b.prefix; prefix == n.Prefix {
				break
			}
		}
	}
	return prefix + ":" + n.Local
}

func (w *jsonWriter) value(v Value) {
	switch v.Kind {
	case Digits, Bool:
		w.literal(v.Text)
	case Null:
		w.buf.WriteString("null")
	case Array:
		w.array(len(v.Items), func(i int) { w.value(v.Items[i]) })
	case Object:
		w.object(func() {
			w.text(textMember, v.Text)
			w.nested(v.Fields, v.Text != "")
		})
	default:
		w.string(v.Text)
	}
}

// literal writes a number, true or false as it stands.
func (w *jsonWriter) literal(text string) {
	if text != "true" && text != "false" && !validNumber(text) {
		w.problems.add(w.path, "epcis/number", quote(text)+" is not a number", "Write it as a decimal.")
		text = "null"
	}
	w.buf.WriteString(text)
}

// validNumber tells whether JSON takes text as a number.
func validNumber(text string) bool {
	return text != "" && strings.ContainsRune("-0123456789", rune(text[0])) && strings.TrimSpace(text) == text && json.Valid([]byte(text))
}

func (w *jsonWriter) object(members func()) {
	w.buf.WriteByte('{')
	members()
	w.buf.WriteByte('}')
}

func (w *jsonWriter) objectOf(name string, value func()) {
	w.object(func() { w.member(name, value) })
}

func (w *jsonWriter) array(n int, item func(i int)) {
	outer := w.path
	w.buf.WriteByte('[')
	for i := range n {
		if i > 0 {
			w.buf.WriteByte(',')
		}
		w.path = atIndex(outer, i)
		item(i)
	}
	w.buf.WriteByte(']')
	w.path = outer
}

func (w *jsonWriter) member(name string, value func()) {
	if last := w.buf.Bytes()[w.buf.Len()-1]; last != '{' {
		w.buf.WriteByte(',')
	}
	w.string(name)
	w.buf.WriteByte(':')
	outer := w.path
	w.path = at(outer, name)
	value()
	w.path = outer
}

func (w *jsonWriter) list(name string, n int, item func(i int)) {
	if n > 0 {
		w.member(name, func() { w.array(n, item) })
	}
}

func (w *jsonWriter) text(name, value string) {
	if value != "" {
		w.member(name, func() { w.string(value) })
	}
}

func (w *jsonWriter) texts(name string, values []string) {
	w.list(name, len(values), func(i int) { w.string(values[i]) })
}

func (w *jsonWriter) time(name string, t time.Time) {
	if !t.IsZero() {
		w.text(name, t.UTC().Format(time.RFC3339Nano))
	}
}

func (w *jsonWriter) number(name, text string) {
	w.member(name, func() { w.literal(text) })
}

func (w *jsonWriter) string(s string) {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		w.problems.add(w.path, "epcis/control-character", "a text is not UTF-8 or holds the character NUL", "Write it in UTF-8.")
	}
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string and a buffer do not fail
	w.buf.Write(bytes.TrimRight(line.Bytes(), "\n"))
}
