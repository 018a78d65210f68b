package epcis

import (
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/gs1"
)

// departing is the first example of CBV 2.0, section 8.9, filled in Go: forms make events this way.
func departing() *Event {
	ex := func(local string, v Value) Field {
		return Field{Name{Space: "https://ns.example.com/epcis/", Local: local}, v}
	}
	words := func(texts ...string) Value {
		v := Value{Kind: Array}
		for _, s := range texts {
			v.Items = append(v.Items, Value{Text: s})
		}
		return v
	}
	return &Event{
		Type:      ObjectEvent,
		Time:      time.Date(2020, 3, 4, 10, 0, 30, 0, time.UTC),
		Offset:    "+01:00",
		EPCs:      []string{"urn:epc:id:sscc:4012345.0000000333", "urn:epc:id:sscc:4012345.0000000111", "urn:epc:id:sscc:4012345.0000000222"},
		Action:    Observe,
		BizStep:   "departing",
		ReadPoint: "urn:epc:id:sgln:4012345.00011.987",
		Extensions: []Field{
			ex("myField1", Value{Kind: Object, Fields: []Field{ex("mySubField1", Value{Text: "2"}), ex("mySubField2", Value{Kind: Digits, Text: "5.0"})}}),
			ex("myField2", Value{Text: "0"}),
			ex("myField3", Value{Kind: Object, Fields: []Field{ex("mySubField3", words("3", "1"))}}),
		},
	}
}

func TestHashOfStandard(t *testing.T) {
	e := departing()
	if ps := e.Validate(); len(ps) > 0 {
		t.Error(ps)
	}
	got, err := e.Hash()
	if want := "ni:///sha-256;6ae96341e0acc6d7a261364751f60e68278a81cdf51da0abb6b4e617014e39d7?ver=CBV2.0"; got != want {
		t.Errorf("%v\nhave %s\nwant %s", err, got, want)
	}
	roundTrip(t, e)
}

// TestHashIsBlind: what the standard leaves out, and what is only spelling, does not change the hash.
func TestHashIsBlind(t *testing.T) {
	want, _ := departing().Hash()
	for name, change := range map[string]func(*Event){
		"id":             func(e *Event) { e.ID = "urn:uuid:0a1f4fe1-5ac4-4e94-9d7a-0c9d4e1f2a3b" },
		"record time":    func(e *Event) { e.RecordTime = e.Time },
		"error":          func(e *Event) { e.Error = &ErrorDeclaration{Time: e.Time, Reason: "incorrect_data"} },
		"list order":     func(e *Event) { e.EPCs[0], e.EPCs[2] = e.EPCs[2], e.EPCs[0] },
		"digital link":   func(e *Event) { e.EPCs[0] = "https://anywhere.example/x/00/040123450000003338?q=1" },
		"vocabulary":     func(e *Event) { e.BizStep = "urn:epcglobal:cbv:bizstep:departing" },
		"field order":    func(e *Event) { e.Extensions[0], e.Extensions[2] = e.Extensions[2], e.Extensions[0] },
		"prefix":         func(e *Event) { e.Extensions[1].Name.Prefix = "other" },
		"microseconds":   func(e *Event) { e.Time = e.Time.Add(999 * time.Microsecond) },
		"clock":          func(e *Event) { e.Time = e.Time.In(time.FixedZone("", 3600)) },
		"trailing zeros": func(e *Event) { e.Extensions[1].Value.Text = "0.00" },
	} {
		e := departing()
		change(e)
		if got, _ := e.Hash(); got != want {
			pre, _ := e.PreHash()
			t.Errorf("%s changed the hash: %s", name, pre)
		}
	}
}

// TestHashSees: every field that the standard hashes changes the hash.
func TestHashSees(t *testing.T) {
	amount, err := gs1.ParseAmount("2.5")
	if err != nil {
		t.Fatal(err)
	}
	quantity := []Quantity{{Class: "https://id.gs1.org/01/09506000134352/10/L1", Amount: amount, HasAmount: true, Unit: "KGM"}}
	yes := true
	seen := map[string]string{}
	for name, change := range map[string]func(*Event){
		"nothing":           func(e *Event) {},
		"type":              func(e *Event) { e.Type = TransactionEvent },
		"time":              func(e *Event) { e.Time = e.Time.Add(time.Millisecond) },
		"offset":            func(e *Event) { e.Offset = "+02:00" },
		"action":            func(e *Event) { e.Action = Add },
		"epc":               func(e *Event) { e.EPCs = e.EPCs[:2] },
		"quantity":          func(e *Event) { e.Quantities = quantity },
		"quantity's unit":   func(e *Event) { e.Quantities = []Quantity{{Class: quantity[0].Class, Amount: amount, HasAmount: true}} },
		"quantity's amount": func(e *Event) { e.Quantities = []Quantity{{Class: quantity[0].Class}} },
		"parent":            func(e *Event) { e.Parent = e.EPCs[0] },
		"children":          func(e *Event) { e.ChildEPCs = e.EPCs },
		"child quantity":    func(e *Event) { e.ChildQuantities = quantity },
		"inputs":            func(e *Event) { e.InputEPCs = e.EPCs },
		"input quantity":    func(e *Event) { e.InputQuantities = quantity },
		"outputs":           func(e *Event) { e.OutputEPCs = e.EPCs },
		"output quantity":   func(e *Event) { e.OutputQuantities = quantity },
		"transformation":    func(e *Event) { e.TransformationID = "urn:x:1" },
		"step":              func(e *Event) { e.BizStep = "arriving" },
		"disposition":       func(e *Event) { e.Disposition = "in_transit" },
		"set":               func(e *Event) { e.PersistentSet = []string{"recalled"} },
		"unset":             func(e *Event) { e.PersistentUnset = []string{"recalled"} },
		"read point":        func(e *Event) { e.ReadPoint = "urn:epc:id:sgln:4012345.00011.0" },
		"read point's own":  func(e *Event) { e.ReadPointExtensions = e.Extensions[1:2] },
		"location":          func(e *Event) { e.BizLocation = e.ReadPoint },
		"location's own":    func(e *Event) { e.BizLocation, e.BizLocationExtensions = e.ReadPoint, e.Extensions[1:2] },
		"transaction":       func(e *Event) { e.BizTransactions = []Typed{{"po", "urn:x:1"}} },
		"transaction type":  func(e *Event) { e.BizTransactions = []Typed{{"inv", "urn:x:1"}} },
		"source":            func(e *Event) { e.Sources = []Typed{{"location", "urn:x:1"}} },
		"destination":       func(e *Event) { e.Destinations = []Typed{{"location", "urn:x:1"}} },
		"certificate":       func(e *Event) { e.CertificationInfo = []string{"urn:x:1"} },
		"master data":       func(e *Event) { e.ILMD = e.Extensions[1:2] },
		"extension":         func(e *Event) { e.Extensions = e.Extensions[1:] },
		"namespace":         func(e *Event) { e.Extensions[1].Name.Space = "https://other.example/" },
		"sensor": func(e *Event) {
			e.Sensors = []SensorElement{{Reports: []SensorReport{{Type: "Temperature", Value: "4"}}}}
		},
		"sensor value": func(e *Event) {
			e.Sensors = []SensorElement{{Reports: []SensorReport{{Type: "Temperature", Value: "4.01"}}}}
		},
		"sensor yes":    func(e *Event) { e.Sensors = []SensorElement{{Reports: []SensorReport{{BooleanValue: &yes}}}} },
		"sensor device": func(e *Event) { e.Sensors = []SensorElement{{Metadata: SensorMetadata{DeviceID: "urn:x:1"}}} },
		"sensor's own":  func(e *Event) { e.Sensors = []SensorElement{{Extensions: e.Extensions[1:2]}} },
	} {
		e := departing()
		change(e)
		got, err := e.Hash()
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%s and %s have one hash", name, other)
		}
		seen[got] = name
	}
}

func TestHashSameInXMLAndJSON(t *testing.T) {
	fromXML, err := DecodeXML([]byte(shippingXML))
	if err != nil {
		t.Fatal(err)
	}
	fromJSON, err := DecodeJSON([]byte(shippingJSON))
	if err != nil {
		t.Fatal(err)
	}
	a, _ := fromXML.Events[0].PreHash()
	b, _ := fromJSON.Events[0].PreHash()
	if a != b {
		t.Errorf("\n%s\n%s", a, b)
	}
	for _, p := range append(fromXML.Validate(), fromJSON.Validate()...) {
		t.Error(p)
	}
	roundTrip(t, &fromXML.Events[0])
}

func TestHashIgnoring(t *testing.T) {
	doc, err := DecodeJSON([]byte(allFieldsJSON))
	if err != nil {
		t.Fatal(err)
	}
	e := &doc.Events[0]
	whole, _ := e.PreHash()
	part, _ := e.preHash(doc.HashIgnore)
	if want := "{https://dairy.example/terms/}line=7"; strings.Replace(whole, want, "", 1) != part || whole == part {
		t.Errorf("\n%s\n%s", whole, part)
	}
}

func TestHashNeedsType(t *testing.T) {
	if h, err := (&Event{Type: "Note"}).Hash(); err == nil {
		t.Error(h)
	}
}

func TestPlainDecimal(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "-0.0": "0", "+5": "5", "007": "7", "26.0": "26", "12.10000": "12.1", "0.50": "0.5", "-1.5": "-1.5",
		"1e2": "100", "1.5E-3": "0.0015", "4.805e2": "480.5", "12345678901234567890": "12345678901234567890",
	} {
		if got, ok := plainDecimal(in); got != want || !ok {
			t.Errorf("%s: %s %v, want %s", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "-", ".", ".5", "5.", "1e", "e5", "1e999999999", "0x10", "1_0", "--1", "1.2.3", "NaN", strings.Repeat("9", 41), "1 "} {
		if got, ok := plainDecimal(in); ok || got != in {
			t.Errorf("%q became %q", in, got)
		}
	}
}
