package epcis

import (
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/gs1"
)

const (
	lot    = "https://id.gs1.org/01/09506000134352/10/L1"
	item   = "https://id.gs1.org/01/09506000134352/21/S1"
	plant  = "https://id.gs1.org/414/9506000134352"
	pallet = "https://id.gs1.org/00/095060001343520000"
)

func some(class, amount, unit string) []Quantity {
	a, err := gs1.ParseAmount(amount)
	if err != nil {
		panic(err)
	}
	return []Quantity{{Class: class, Amount: a, HasAmount: true, Unit: unit}}
}

// right are events, one of each type, that break no rule.
func right(kind string) *Event {
	e := &Event{Type: kind, Time: time.Date(2026, 3, 1, 0, 30, 0, 0, time.UTC), Offset: "+08:00", Action: Add, BizStep: "shipping", ReadPoint: plant}
	switch kind {
	case ObjectEvent:
		e.EPCs, e.Quantities = []string{item}, some(lot, "480.5", "KGM")
	case TransactionEvent:
		e.EPCs, e.BizTransactions = []string{item}, []Typed{{"po", "urn:epcglobal:cbv:bt:9506000134352:PO-1"}}
	case AggregationEvent:
		e.Parent, e.ChildEPCs = pallet, []string{item}
	case AssociationEvent:
		e.Parent, e.ChildEPCs = plant, []string{"https://id.gs1.org/8004/95060001"}
	case TransformationEvent:
		e.Action = ""
		e.InputQuantities, e.OutputEPCs = some(lot, "5", "KGM"), []string{item}
	}
	return e
}

func TestValidateRight(t *testing.T) {
	for _, kind := range eventTypes {
		e := right(kind)
		if ps := e.Validate(); len(ps) > 0 {
			t.Errorf("%s: %v", kind, ps)
		}
		roundTrip(t, e)
		roundTripXML(t, e)
	}
}

func TestValidateRefuses(t *testing.T) {
	with := func(r SensorReport) []SensorElement { return []SensorElement{{Reports: []SensorReport{r}}} }
	for _, c := range []struct {
		kind       string
		path, code string
		breaks     func(e *Event)
	}{
		{ObjectEvent, "/type", "epcis/event-type", func(e *Event) { e.Type = "Note" }},
		{ObjectEvent, "/eventTime", "epcis/missing", func(e *Event) { e.Time = time.Time{} }},
		{ObjectEvent, "/eventTimeZoneOffset", "epcis/missing", func(e *Event) { e.Offset = "" }},
		{ObjectEvent, "/eventTimeZoneOffset", "epcis/offset", func(e *Event) { e.Offset = "+8:00" }},
		{ObjectEvent, "/eventTimeZoneOffset", "epcis/offset", func(e *Event) { e.Offset = "+14:30" }},
		{ObjectEvent, "/eventTimeZoneOffset", "epcis/offset", func(e *Event) { e.Offset = "Z" }},
		{ObjectEvent, "/eventID", "epcis/uri", func(e *Event) { e.ID = "event 7" }},
		{ObjectEvent, "/certificationInfo/0", "epcis/uri", func(e *Event) { e.CertificationInfo = []string{"ABC"} }},
		{ObjectEvent, "/action", "epcis/missing", func(e *Event) { e.Action = "" }},
		{ObjectEvent, "/action", "epcis/action", func(e *Event) { e.Action = "add" }},
		{TransformationEvent, "/action", "epcis/unknown-field", func(e *Event) { e.Action = Add }},
		{ObjectEvent, "/parentID", "epcis/unknown-field", func(e *Event) { e.Parent = pallet }},
		{ObjectEvent, "/ilmd", "epcis/ilmd", func(e *Event) {
			e.Action, e.ILMD = Observe, []Field{{Name: Name{Prefix: "cbvmda", Local: "lotNumber"}}}
		}},
		{AggregationEvent, "/ilmd", "epcis/unknown-field", func(e *Event) { e.ILMD = []Field{{Name: Name{Prefix: "cbvmda", Local: "lotNumber"}}} }},
		{ObjectEvent, "/epcList", "epcis/missing", func(e *Event) { e.EPCs, e.Quantities = nil, nil }},
		{AggregationEvent, "/parentID", "epcis/missing", func(e *Event) { e.Parent = "" }},
		{AggregationEvent, "/childEPCs", "epcis/missing", func(e *Event) { e.ChildEPCs = nil }},
		{TransactionEvent, "/bizTransactionList", "epcis/missing", func(e *Event) { e.BizTransactions = nil }},
		{TransactionEvent, "/epcList", "epcis/missing", func(e *Event) { e.EPCs = nil }},
		{TransformationEvent, "/inputEPCList", "epcis/missing", func(e *Event) { e.InputQuantities = nil }},
		{TransformationEvent, "/outputEPCList", "epcis/missing", func(e *Event) { e.OutputEPCs = nil }},
		{TransformationEvent, "/inputEPCList", "epcis/missing", func(e *Event) { e.TransformationID, e.InputQuantities, e.OutputEPCs = "urn:x:1", nil, nil }},
		// TCR-54, steps 3 and 4
		{AssociationEvent, "/parentID", "epcis/missing", func(e *Event) { e.Parent = "" }},
		{AssociationEvent, "/parentID", "epcis/missing", func(e *Event) { e.Action, e.Parent = Delete, "" }},
		{AssociationEvent, "/childEPCs", "epcis/missing", func(e *Event) { e.ChildEPCs = nil }},
		{AssociationEvent, "/childEPCs", "epcis/missing", func(e *Event) { e.Action, e.ChildEPCs = Observe, nil }},
		// identifiers
		{ObjectEvent, "/epcList/0", "gs1/check-digit", func(e *Event) { e.EPCs[0] = "https://id.gs1.org/01/09506000134353/21/S1" }},
		{ObjectEvent, "/epcList/0", "epcis/class-level", func(e *Event) { e.EPCs[0] = lot }},
		{ObjectEvent, "/epcList/0", "epcis/uri", func(e *Event) { e.EPCs[0] = "09506000134352" }},
		{ObjectEvent, "/epcList/1", "epcis/duplicate", func(e *Event) { e.EPCs = append(e.EPCs, "urn:epc:id:sgtin:9506000.013435.S1") }},
		{ObjectEvent, "/quantityList/0/epcClass", "epcis/instance-level", func(e *Event) { e.Quantities[0].Class = item }},
		{ObjectEvent, "/quantityList/0/epcClass", "epcis/missing", func(e *Event) { e.Quantities[0].Class = "" }},
		{ObjectEvent, "/quantityList/0/epcClass", "gs1/check-digit", func(e *Event) { e.Quantities[0].Class = "https://milk.example/01/09506000134353/10/L1" }},
		{ObjectEvent, "/quantityList/0/uom", "gs1/unit", func(e *Event) { e.Quantities[0].Unit = "KILO" }},
		{ObjectEvent, "/quantityList/0/quantity", "epcis/missing", func(e *Event) { e.Quantities[0].HasAmount = false }},
		{ObjectEvent, "/quantityList/0/quantity", "epcis/quantity", func(e *Event) { e.Quantities = some(lot, "-1", "KGM") }},
		{ObjectEvent, "/quantityList/0/quantity", "epcis/quantity", func(e *Event) { e.Quantities[0].Unit = "" }},
		{ObjectEvent, "/readPoint/id", "gs1/check-digit", func(e *Event) { e.ReadPoint = "https://id.gs1.org/414/9506000134353" }},
		{ObjectEvent, "/bizLocation/id", "epcis/missing", func(e *Event) { e.BizLocationExtensions = []Field{{}} }},
		// vocabulary
		{ObjectEvent, "/bizStep", "epcis/vocabulary", func(e *Event) { e.BizStep = "sailing" }},
		{ObjectEvent, "/bizStep", "epcis/vocabulary", func(e *Event) { e.BizStep = "https://ref.gs1.org/cbv/BizStep-sailing" }},
		{ObjectEvent, "/disposition", "epcis/vocabulary", func(e *Event) { e.Disposition = "urn:epcglobal:cbv:disp:lost" }},
		{ObjectEvent, "/persistentDisposition/set/0", "epcis/vocabulary", func(e *Event) { e.PersistentSet = []string{"lost"} }},
		{ObjectEvent, "/persistentDisposition/unset/0", "epcis/duplicate", func(e *Event) { e.PersistentSet, e.PersistentUnset = []string{"recalled"}, []string{"recalled"} }},
		{ObjectEvent, "/persistentDisposition/unset/1", "epcis/duplicate", func(e *Event) { e.PersistentUnset = []string{"recalled", "recalled"} }},
		{ObjectEvent, "/bizTransactionList/0/type", "epcis/vocabulary", func(e *Event) { e.BizTransactions = []Typed{{"order", "urn:x:1"}} }},
		{ObjectEvent, "/bizTransactionList/0/bizTransaction", "epcis/missing", func(e *Event) { e.BizTransactions = []Typed{{"po", ""}} }},
		{ObjectEvent, "/sourceList/0/type", "epcis/missing", func(e *Event) { e.Sources = []Typed{{"", plant}} }},
		{ObjectEvent, "/destinationList/0/destination", "gs1/check-digit", func(e *Event) { e.Destinations = []Typed{{"location", "https://id.gs1.org/414/9506000134353"}} }},
		// own fields
		{ObjectEvent, "/gs1:x/1", "epcis/control-character", func(e *Event) {
			e.Extensions = []Field{{Name{Prefix: "gs1", Local: "x"}, Value{Kind: Array, Items: []Value{{Text: "a"}, {Text: "b\u0007"}}}}}
		}},
		{ObjectEvent, "/ilmd/e:x", "epcis/no-xml", func(e *Event) {
			e.ILMD = []Field{{Name{epcisSpace, "e", "x"}, Value{Text: "a"}}}
		}},
		{ObjectEvent, "/sensorElementList/0/sensorReport/0/stringValue", "epcis/control-character", func(e *Event) {
			e.Sensors = with(SensorReport{Type: "Count", StringValue: "\x1b"})
		}},
		// error declaration
		{ObjectEvent, "/errorDeclaration/declarationTime", "epcis/missing", func(e *Event) { e.Error = &ErrorDeclaration{} }},
		{ObjectEvent, "/errorDeclaration/declarationTime", "epcis/time-order", func(e *Event) { e.Error = &ErrorDeclaration{Time: e.Time.Add(-1)} }},
		{ObjectEvent, "/errorDeclaration/reason", "epcis/vocabulary", func(e *Event) { e.Error = &ErrorDeclaration{Time: e.Time, Reason: "oops"} }},
		{ObjectEvent, "/errorDeclaration/correctiveEventIDs/0", "epcis/duplicate", func(e *Event) {
			e.ID, e.Error = "urn:x:1", &ErrorDeclaration{Time: e.Time, Corrective: []string{"urn:x:1"}}
		}},
		// sensors
		{ObjectEvent, "/sensorElementList/0/sensorReport", "epcis/missing", func(e *Event) { e.Sensors = []SensorElement{{}} }},
		{ObjectEvent, "/sensorElementList/0/sensorReport/0/type", "epcis/missing", func(e *Event) { e.Sensors = with(SensorReport{Value: "4", Unit: "CEL"}) }},
		{ObjectEvent, "/sensorElementList/0/sensorReport/0/type", "epcis/vocabulary", func(e *Event) { e.Sensors = with(SensorReport{Type: "Warmth"}) }},
		{ObjectEvent, "/sensorElementList/0/sensorReport/0/exception", "epcis/vocabulary", func(e *Event) { e.Sensors = with(SensorReport{Type: "Temperature", Exception: "HOT"}) }},
		{ObjectEvent, "/sensorElementList/0/sensorReport/0/uom", "epcis/missing", func(e *Event) { e.Sensors = with(SensorReport{Type: "Temperature", Value: "4"}) }},
		{ObjectEvent, "/sensorElementList/0/sensorReport/0/uom", "gs1/unit", func(e *Event) { e.Sensors = with(SensorReport{Type: "Temperature", Value: "4", Unit: "WARM"}) }},
		{ObjectEvent, "/sensorElementList/0/sensorReport/0/value", "epcis/number", func(e *Event) { e.Sensors = with(SensorReport{Type: "Temperature", Value: "four", Unit: "CEL"}) }},
		{ObjectEvent, "/sensorElementList/0/sensorReport/0/hexBinaryValue", "epcis/hex", func(e *Event) { e.Sensors = with(SensorReport{Type: "Count", HexBinaryValue: "xyz"}) }},
		{ObjectEvent, "/sensorElementList/0/sensorReport/0/maxValue", "epcis/range", func(e *Event) {
			e.Sensors = with(SensorReport{Type: "Temperature", MinValue: "-3.5", MaxValue: "-10", Unit: "CEL"})
		}},
		{ObjectEvent, "/sensorElementList/0/sensorReport/0/percRank", "epcis/range", func(e *Event) { e.Sensors = with(SensorReport{Type: "Count", PercRank: "100.1"}) }},
		{ObjectEvent, "/sensorElementList/0/sensorReport/0/sDev", "epcis/range", func(e *Event) { e.Sensors = with(SensorReport{Type: "Count", SDev: "-1"}) }},
		{ObjectEvent, "/sensorElementList/0/sensorMetadata/endTime", "epcis/time-order", func(e *Event) {
			e.Sensors = with(SensorReport{Type: "Count"})
			e.Sensors[0].Metadata = SensorMetadata{Start: e.Time, End: e.Time.Add(-1)}
		}},
		// TCR-53, step 29
		{ObjectEvent, "/sensorElementList/0/sensorReport/0/deviceID", "epcis/sensor-inline", func(e *Event) {
			e.Sensors = with(SensorReport{Type: "Count", DeviceID: "urn:x:1"})
			e.Sensors[0].Metadata.DeviceID = "urn:x:2"
		}},
		{ObjectEvent, "/sensorElementList/0/sensorReport/0/time", "epcis/sensor-inline", func(e *Event) {
			e.Sensors = with(SensorReport{Type: "Count", Time: e.Time})
			e.Sensors[0].Metadata.Time = e.Time
		}},
	} {
		e := right(c.kind)
		c.breaks(e)
		wantProblem(t, c.kind, e.Validate().orNil(), c.path, c.code)
	}
}

// TestValidateAccepts are the bounds at which rules stop: TCR-54 step 2, TCR-53 set2, and what only looks wrong.
func TestValidateAccepts(t *testing.T) {
	for name, c := range map[string]struct {
		kind   string
		change func(e *Event)
	}{
		"a place as parent":         {AssociationEvent, func(e *Event) { e.Parent = "urn:epc:id:sgln:9506000.13435.0" }},
		"all children leave":        {AssociationEvent, func(e *Event) { e.Action, e.ChildEPCs = Delete, nil }},
		"an observation, no parent": {AggregationEvent, func(e *Event) { e.Action, e.Parent = Observe, "" }},
		"one step of several":       {TransformationEvent, func(e *Event) { e.TransformationID, e.OutputEPCs = "urn:x:1", nil }},
		"a place and its climate": {ObjectEvent, func(e *Event) {
			e.EPCs, e.Quantities, e.Sensors = nil, nil, []SensorElement{{Reports: []SensorReport{{Type: "Temperature", Value: "4", Unit: "CEL"}}}}
		}},
		"some of a class":          {ObjectEvent, func(e *Event) { e.Quantities = []Quantity{{Class: lot}} }},
		"own words":                {ObjectEvent, func(e *Event) { e.BizStep = "https://milk.example/steps/ripening" }},
		"identifiers of one's own": {ObjectEvent, func(e *Event) { e.EPCs = []string{"https://milk.example/cans/7"} }},
		"a geographic read point":  {ObjectEvent, func(e *Event) { e.ReadPoint = "geo:42.698334,23.319941" }},
		"fourteen hours":           {ObjectEvent, func(e *Event) { e.Offset = "-14:00" }},
		"inline in metadata": {ObjectEvent, func(e *Event) {
			e.Sensors = []SensorElement{{Metadata: SensorMetadata{DeviceID: "urn:x:1"}, Reports: []SensorReport{{Type: "Count"}}}}
		}},
		"inline in the report": {ObjectEvent, func(e *Event) {
			e.Sensors = []SensorElement{{Reports: []SensorReport{{Type: "Count", DeviceID: "urn:x:1"}}}}
		}},
		"maximum above, in more digits": {ObjectEvent, func(e *Event) {
			e.Sensors = []SensorElement{{Reports: []SensorReport{{Type: "Count", MinValue: "9.5", MaxValue: "10"}}}}
		}},
	} {
		e := right(c.kind)
		c.change(e)
		if ps := e.Validate(); len(ps) > 0 {
			t.Errorf("%s: %v", name, ps)
		}
		roundTrip(t, e)
		roundTripXML(t, e)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for code, change := range map[string]func(*Event){
		"epcis/number": func(e *Event) {
			e.Extensions = []Field{{Name{Prefix: "gs1", Local: "x"}, Value{Kind: Digits, Text: "1]"}}}
		},
		"epcis/duplicate": func(e *Event) {
			e.ILMD = []Field{{Name: Name{Prefix: "gs1", Local: "x"}}, {Name: Name{Prefix: "gs1", Local: "x"}}}
		},
		"epcis/control-character": func(e *Event) { e.ID = "urn:x:\xff" },
	} {
		e := right(ObjectEvent)
		change(e)
		_, err := e.JSON()
		if ps, ok := err.(Problems); !ok || ps[0].Code != code {
			t.Errorf("%v, want %s", err, code)
		}
	}
}
