package epcis

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/shared/gs1"
)

// Hash is the event's fingerprint of CBV 2.0, section 8.9: "ni:///sha-256;<hex>?ver=CBV2.0". It is the same for an
// event in JSON and in XML, in whatever order and spelling its sender chose. It leaves out the event's ID, the time of
// recording and the error declaration, so that an event and the declaration against it share one hash.
func (e *Event) Hash() (string, error) { return e.HashIgnoring(nil) }

// HashIgnoring is Hash with some extension fields left out, wherever in the event they stand. It reproduces the figure
// of a sender who says so (Document.HashIgnore); what it leaves out it does not protect.
func (e *Event) HashIgnoring(names []Name) (string, error) {
	pre, err := e.preHash(names)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(pre))
	return "ni:///sha-256;" + hex.EncodeToString(sum[:]) + "?ver=CBV2.0", nil
}

// PreHash is the canonical text under the hash: every field that has a value as name=value, in the order of CBV 2.0,
// lists sorted.
func (e *Event) PreHash() (string, error) { return e.preHash(nil) }

func (e *Event) preHash(ignore []Name) (string, error) {
	if !slices.Contains(eventTypes, e.Type) {
		return "", Problems{refusal("/type", "epcis/event-type", quote(e.Type)+" is no event type", "Write one of the five event types of EPCIS 2.0.")}
	}
	h := hasher{ignore: ignore}
	h.write("eventType=" + e.Type)
	h.time("eventTime", e.Time)
	h.text("eventTimeZoneOffset", e.Offset)
	h.texts("certificationInfo", e.CertificationInfo)
	h.list("epcList", "epc", e.EPCs)
	h.uri("parentID", e.Parent)
	h.list("inputEPCList", "epc", e.InputEPCs)
	h.list("childEPCs", "epc", e.ChildEPCs)
	h.quantities("quantityList", e.Quantities)
	h.quantities("childQuantityList", e.ChildQuantities)
	h.quantities("inputQuantityList", e.InputQuantities)
	h.list("outputEPCList", "epc", e.OutputEPCs)
	h.quantities("outputQuantityList", e.OutputQuantities)
	h.text("action", e.Action)
	h.uri("transformationID", e.TransformationID)
	h.text("bizStep", bizSteps.uri(e.BizStep))
	h.text("disposition", dispositions.uri(e.Disposition))
	h.persistent(e.PersistentSet, e.PersistentUnset)
	h.place("readPoint", e.ReadPoint, e.ReadPointExtensions)
	h.place("bizLocation", e.BizLocation, e.BizLocationExtensions)
	h.typed("bizTransactionList", "bizTransaction", e.BizTransactions, transactionTypes)
	h.typed("destinationList", "destination", e.Destinations, partyTypes)
	h.typed("sourceList", "source", e.Sources, partyTypes)
	h.sensors(e.Sensors)
	h.group("ilmd", func(h *hasher) { h.fields(e.ILMD) })
	h.fields(e.Extensions)
	return h.String(), nil
}

// hasher gathers the pre-hash string.
type hasher struct {
	strings.Builder
	ignore []Name
}

func (h *hasher) write(s string) { h.WriteString(s) }

// text adds name=value unless the value is empty.
func (h *hasher) text(name, value string) {
	if value = strings.TrimSpace(value); value != "" {
		h.write(name + "=" + value)
	}
}

func (h *hasher) uri(name, value string) { h.text(name, canonicalText(value)) }

func (h *hasher) time(name string, t time.Time) {
	if !t.IsZero() {
		h.text(name, canonicalTime(t))
	}
}

func (h *hasher) number(name string, n Number) { h.text(name, canonicalNumber(string(n))) }

func (h *hasher) texts(name string, values []string) {
	h.sorted(len(values), func(h *hasher, i int) { h.uri(name, values[i]) })
}

// group adds a name followed by its content, or nothing where there is no content.
func (h *hasher) group(name string, content func(*hasher)) {
	sub := hasher{ignore: h.ignore}
	content(&sub)
	if sub.Len() > 0 {
		h.write(name + sub.String())
	}
}

// sorted adds n pieces in the order of their texts, so that lists count as the sets they are.
func (h *hasher) sorted(n int, piece func(h *hasher, i int)) {
	pieces := make([]string, 0, n)
	for i := range n {
		sub := hasher{ignore: h.ignore}
		piece(&sub, i)
		pieces = append(pieces, sub.String())
	}
	slices.Sort(pieces)
	for _, p := range pieces {
		h.write(p)
	}
}

func (h *hasher) list(name, item string, values []string) {
	h.group(name, func(h *hasher) { h.texts(item, values) })
}

func (h *hasher) quantities(name string, list []Quantity) {
	h.group(name, func(h *hasher) {
		h.sorted(len(list), func(h *hasher, i int) {
			q := list[i]
			h.group("quantityElement", func(h *hasher) {
				h.uri("epcClass", q.Class)
				if q.HasAmount {
					h.text("quantity", canonicalNumber(q.Amount.String()))
				}
				h.text("uom", q.Unit)
			})
		})
	})
}

func (h *hasher) persistent(set, unset []string) {
	h.group("persistentDisposition", func(h *hasher) {
		h.sorted(len(set), func(h *hasher, i int) { h.text("set", dispositions.uri(set[i])) })
		h.sorted(len(unset), func(h *hasher, i int) { h.text("unset", dispositions.uri(unset[i])) })
	})
}

func (h *hasher) place(name, id string, extensions []Field) {
	h.group(name, func(h *hasher) {
		h.uri("id", id)
		h.fields(extensions)
	})
}

func (h *hasher) typed(list, name string, values []Typed, v vocabulary) {
	h.group(list, func(h *hasher) {
		h.sorted(len(values), func(h *hasher, i int) {
			h.text("type", v.uri(values[i].Type))
			h.uri(name, values[i].Value)
		})
	})
}

func (h *hasher) sensors(list []SensorElement) {
	h.group("sensorElementList", func(h *hasher) {
		h.sorted(len(list), func(h *hasher, i int) {
			s := list[i]
			h.group("sensorElement", func(h *hasher) {
				h.group("sensorMetadata", func(h *hasher) { h.sensorMetadata(s.Metadata) })
				h.sorted(len(s.Reports), func(h *hasher, i int) {
					h.group("sensorReport", func(h *hasher) { h.sensorReport(s.Reports[i]) })
				})
				h.fields(s.Extensions)
			})
		})
	})
}

func (h *hasher) sensorMetadata(s SensorMetadata) {
	h.time("time", s.Time)
	h.time("startTime", s.Start)
	h.time("endTime", s.End)
	h.uri("deviceID", s.DeviceID)
	h.uri("deviceMetadata", s.DeviceMetadata)
	h.uri("rawData", s.RawData)
	h.uri("dataProcessingMethod", s.DataProcessingMethod)
	h.uri("bizRules", s.BizRules)
	h.fields(s.Extensions)
}

func (h *hasher) sensorReport(r SensorReport) {
	h.text("type", measurements.uri(r.Type))
	h.text("exception", sensorAlerts.uri(r.Exception))
	h.uri("deviceID", r.DeviceID)
	h.uri("deviceMetadata", r.DeviceMetadata)
	h.uri("rawData", r.RawData)
	h.uri("dataProcessingMethod", r.DataProcessingMethod)
	h.uri("bizRules", r.BizRules)
	h.time("time", r.Time)
	h.uri("microorganism", r.Microorganism)
	h.uri("chemicalSubstance", r.ChemicalSubstance)
	h.number("value", r.Value)
	h.text("component", components.uri(r.Component))
	h.uri("stringValue", r.StringValue)
	if r.BooleanValue != nil {
		h.text("booleanValue", strconv.FormatBool(*r.BooleanValue))
	}
	h.text("hexBinaryValue", r.HexBinaryValue)
	h.uri("uriValue", r.URIValue)
	h.number("minValue", r.MinValue)
	h.number("maxValue", r.MaxValue)
	h.number("meanValue", r.MeanValue)
	h.number("sDev", r.SDev)
	h.number("percRank", r.PercRank)
	h.number("percValue", r.PercValue)
	h.text("uom", r.Unit)
	h.uri("coordinateReferenceSystem", r.CoordinateReferenceSystem)
	h.fields(r.Extensions)
}

// fields adds extensions by their full names. An array adds its name once for every item, as repeated XML elements do.
func (h *hasher) fields(fields []Field) {
	var flat []Field
	for _, f := range fields {
		if !h.ignored(f.Name) {
			flat = flatten(flat, f.Name, f.Value)
		}
	}
	h.sorted(len(flat), func(h *hasher, i int) {
		f := flat[i]
		h.write(hashName(f.Name))
		if text := canonicalValue(f.Value); text != "" {
			h.write("=" + text)
		}
		h.fields(f.Value.Fields)
	})
}

func (h *hasher) ignored(n Name) bool {
	for _, other := range h.ignore {
		if hashName(n) == hashName(other) {
			return true
		}
	}
	return false
}

func flatten(flat []Field, name Name, v Value) []Field {
	if v.Kind != Array {
		return append(flat, Field{name, v})
	}
	for _, item := range v.Items {
		flat = flatten(flat, name, item)
	}
	return flat
}

// hashName is "{namespace}local". The master data namespace counts with its last colon, which many leave out.
func hashName(n Name) string {
	n = n.resolved()
	switch {
	case n.Space+":" == masterData:
		return "{" + masterData + "}" + n.Local
	case n.Space != "":
		return "{" + n.Space + "}" + n.Local
	case n.Prefix != "":
		return n.Prefix + ":" + n.Local
	}
	return n.Local
}

func canonicalValue(v Value) string {
	switch v.Kind {
	case Digits:
		return canonicalNumber(v.Text)
	case Bool:
		return v.Text
	case Text, Object:
		return canonicalText(v.Text)
	}
	return ""
}

// canonicalText brings to one form what may be spelled in several: identifiers, times and numbers. XML knows no
// types, so what looks like a number is one. An exponent does not make one, though: "12E5" is a lot.
func canonicalText(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	if canonical, ok := gs1.Canonical(text); ok {
		return strings.ReplaceAll(canonical, "%27", "'") // the published hashes leave this one mark as it is
	}
	if t, ok := parseTime(text); ok {
		return canonicalTime(t)
	}
	if !strings.ContainsAny(text, "eE") {
		return canonicalNumber(text)
	}
	return text
}

func canonicalNumber(text string) string {
	plain, _ := plainDecimal(text)
	return plain
}

// canonicalTime is UTC with milliseconds; finer digits are cut.
func canonicalTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
