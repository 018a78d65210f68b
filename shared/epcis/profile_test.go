package epcis

import (
	"slices"
	"strings"
	"testing"
)

func TestProfileChecks(t *testing.T) {
	own := Field{Name{Space: "https://dairy.example/terms/", Prefix: "d", Local: "line"}, Value{Text: "7"}}
	lotNumber := Field{Name{Prefix: "cbvmda", Local: "lotNumber"}, Value{Text: "L1"}}
	for name, c := range map[string]struct {
		demand Demand
		change func(e *Event)
		want   string // path and code, or nothing
	}{
		"a member that is missing":     {Demand{Fields: []string{"bizLocation"}}, nil, "/bizLocation profile/field"},
		"a member that is there":       {Demand{Fields: []string{"readPoint"}}, nil, ""},
		"master data that is missing":  {Demand{Fields: []string{"ilmd/cbvmda:lotNumber"}}, nil, "/ilmd/cbvmda:lotNumber profile/field"},
		"master data that is there":    {Demand{Fields: []string{"ilmd/cbvmda:lotNumber"}}, func(e *Event) { e.ILMD = []Field{lotNumber} }, ""},
		"an own field":                 {Demand{Fields: []string{"https://dairy.example/terms/line"}}, func(e *Event) { e.Extensions = []Field{own} }, ""},
		"an own field in the ilmd":     {Demand{Fields: []string{"https://dairy.example/terms/line"}}, func(e *Event) { e.ILMD = []Field{own} }, "/https:~1~1dairy.example~1terms~1line profile/field"},
		"no order":                     {Demand{Transactions: []string{"po"}}, nil, "/bizTransactionList profile/transaction"},
		"an order":                     {Demand{Transactions: []string{"https://ref.gs1.org/cbv/BTT-po"}}, func(e *Event) { e.BizTransactions = []Typed{{"po", "urn:x:1"}} }, ""},
		"another unit":                 {Demand{Units: []string{"LTR"}}, nil, "/quantityList/0/uom profile/unit"},
		"the unit":                     {Demand{Units: []string{"LTR", "KGM"}}, nil, ""},
		"pieces":                       {Demand{Units: []string{"-"}}, func(e *Event) { e.Quantities[0].Unit = "" }, ""},
		"another step":                 {Demand{OnlySteps: []string{"receiving"}}, nil, "/bizStep profile/step"},
		"the step":                     {Demand{OnlySteps: []string{"urn:epcglobal:cbv:bizstep:shipping"}}, nil, ""},
		"another place":                {Demand{OnlyReadPoints: []string{"urn:epc:id:sgln:9521234.00000.0"}}, nil, "/readPoint/id profile/read-point"},
		"the place, spelled otherwise": {Demand{OnlyReadPoints: []string{"urn:epc:id:sgln:9506000.13435.0"}}, nil, ""},
		"not of this step":             {Demand{Steps: []string{"receiving"}, Fields: []string{"bizLocation"}}, nil, ""},
		"not of this type":             {Demand{Types: []string{TransformationEvent}, Fields: []string{"bizLocation"}}, nil, ""},
	} {
		e := right(ObjectEvent)
		if c.change != nil {
			c.change(e)
		}
		if ps := (Profile{c.demand}).Validate(); len(ps) > 0 {
			t.Errorf("%s: %v", name, ps)
		}
		got := ""
		for _, f := range (Profile{c.demand}).Check(e) {
			got += f.Path + " " + f.Code
			if f.Remedy == "" || f.Flag {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	flagged := Profile{{Fields: []string{"readPoint"}}, {Fields: []string{"eventID"}, Severity: Flag, Note: "Our ERP needs it."}}.Check(right(ObjectEvent))
	if len(flagged) != 1 || !flagged[0].Flag || flagged[0].Demand != 1 || !strings.Contains(flagged[0].Remedy, "Our ERP") {
		t.Errorf("%+v", flagged)
	}
}

func TestProfileRefuses(t *testing.T) {
	for want, p := range map[string]Profile{
		"profile/empty":    {{Steps: []string{"shipping"}}},
		"profile/severity": {{Fields: []string{"ilmd"}, Severity: "shout"}},
		"profile/note":     {{Fields: []string{"ilmd"}, Note: strings.Repeat("x", 301)}},
		"profile/too-big":  slices.Repeat(Profile{{Fields: []string{"ilmd"}}}, maxDemands+1),
		"profile/entry":    {{Fields: []string{"ilmd/lot"}}},
	} {
		if ps := p.Validate(); len(ps) != 1 || ps[0].Code != want || ps[0].Remedy == "" {
			t.Errorf("%v, want %s", ps, want)
		}
	}
	for _, d := range []Demand{{Steps: []string{"sailing"}, Units: []string{"-"}}, {Types: []string{"Note"}, Units: []string{"-"}}, {Units: []string{"KILO"}},
		{Transactions: []string{"order"}}, {OnlySteps: []string{"sailing"}}, {OnlyReadPoints: []string{"here"}}, {Fields: []string{"colour"}}} {
		if ps := (Profile{d}).Validate(); len(ps) != 1 || ps[0].Code != "profile/entry" {
			t.Errorf("%+v: %v", d, ps)
		}
	}
}
