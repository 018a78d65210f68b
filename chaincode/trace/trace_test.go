package trace

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

func amount(t *testing.T, s string) gs1.Amount {
	t.Helper()
	a, err := gs1.ParseAmount(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func breaks(t *testing.T, err error, want chaincode.Rule) {
	t.Helper()
	if want.Code == "" && err != nil || want.Code != "" && !errors.Is(err, want) {
		t.Errorf("got %v, want %q", err, want.Code)
	}
}

func TestAccountGivesNoMoreThanItHas(t *testing.T) {
	a := Account{Held: amount(t, "10"), Packed: amount(t, "5")}
	breaks(t, a.Move(Step{From: held, To: used, Amount: amount(t, "10.001")}), ErrNotEnough)
	breaks(t, a.Move(Step{From: held, To: used, Amount: amount(t, "9")}), chaincode.Rule{})
	breaks(t, a.Move(Step{From: held, To: sold, Amount: amount(t, "4")}), ErrAlreadyPacked)
	breaks(t, a.Move(Step{From: outside, To: held, Amount: amount(t, "3")}), chaincode.Rule{})
	if a.Held.String() != "4" || a.Used.String() != "9" || a.Total().String() != "18" {
		t.Errorf("%+v", a)
	}
}

func TestProcessYieldsNoMoreThanWentIn(t *testing.T) {
	for _, c := range []struct {
		in, out, outUnit, tolerance string
		want                        chaincode.Rule
		flag                        string
	}{
		{"100", "100", "KGM", "0", chaincode.Rule{}, ""},
		{"100", "100000", "GRM", "0", chaincode.Rule{}, ""},
		{"100", "100000.1", "GRM", "0", ErrMoreOut, ""},
		{"100", "102", "KGM", "0.02", chaincode.Rule{}, ""},
		{"100", "102.01", "KGM", "0.02", ErrMoreOut, ""},
		{"100", "5000", "", "0", chaincode.Rule{}, FlagNotComparable},
	} {
		p := Process{Tolerance: amount(t, c.tolerance), Inputs: []Line{{"a", amount(t, c.in), "KGM"}}, Outputs: []Line{{"b", amount(t, c.out), c.outUnit}}}
		breaks(t, p.Balance(), c.want)
		if got := len(p.Flags) > 0; got != (c.flag != "") || got && p.Flags[0] != c.flag {
			t.Errorf("%+v: flags %v", c, p.Flags)
		}
	}
	p := Process{Outputs: []Line{{"b", amount(t, "1"), "KGM"}}}
	if breaks(t, p.Balance(), chaincode.Rule{}); len(p.Flags) != 1 || p.Flags[0] != FlagInputsUnknown {
		t.Errorf("without inputs: %v", p.Flags)
	}
}

func TestMismatchCreditsWhatArrivedAndNoMore(t *testing.T) {
	s := Shipment{ID: "s", From: "a", To: "b", Lines: []Line{{"x", amount(t, "10"), "KGM"}, {"y", amount(t, "5"), "KGM"}, {"z", amount(t, "1"), "KGM"}}}
	m := s.compare([]Line{{"x", amount(t, "7"), "KGM"}, {"y", amount(t, "6"), "KGM"}, {"w", amount(t, "2"), "KGM"}})
	credit := m.credited(s.Lines)
	if len(credit) != 2 || credit[0].Amount.String() != "7" || credit[1].Amount.String() != "5" {
		t.Errorf("credited %v", credit)
	}
	short := m.lines(false)
	if len(short) != 2 || short[0].Amount.String() != "3" || short[1].Lot != "z" || !m.surplus() || len(m.Lines) != 4 {
		t.Errorf("short %v of %+v", short, m)
	}
	breaks(t, m.maySpeak(party.Party{ID: "c"}), ErrNotYourShipment)
	m.say("a", OutcomeLost)
	if m.say("b", OutcomeReturned) || !m.disputed() {
		t.Error("settled though both sides differ")
	}
	if !m.say("a", OutcomeReturned) {
		t.Error("not settled though both sides agree")
	}
}

// What is settled of a line is open no more, and no part of it is open twice.
func TestWhatIsOpenOfAMismatchShrinks(t *testing.T) {
	m := Mismatch{From: "a", To: "b", Packs: []string{"p"}, Lines: []Difference{{"x", amount(t, "10"), amount(t, "4"), "KGM"}, {"y", amount(t, "1"), amount(t, "3"), "KGM"}}}
	m.Settled = []Statement{{Item: "x", Amount: amount(t, "2.5")}, {Item: "p"}, {Item: "y", Amount: amount(t, "2")}}
	if open := m.lines(false); len(open) != 1 || open[0].Amount.String() != "3.5" || m.surplus() || len(m.packs()) > 0 || m.over() {
		t.Errorf("open is %v, surplus %v, packs %v", open, m.lines(true), m.packs())
	}
	breaks(t, func() error {
		_, err := m.statement(Settle{Item: "x", Outcome: OutcomeLost, Amount: amount(t, "3.51")})
		return err
	}(), ErrSettlement)
	m.Settled = append(m.Settled, Statement{Item: "x", Amount: amount(t, "3.5")})
	if !m.over() {
		t.Error("something is still open")
	}
}

// Levels of effectiveness checks round up: 2 % of ten is one company.
func TestHowManyCompaniesAreChecked(t *testing.T) {
	for level, want := range map[string]int{"A": 51, "B": 13, "C": 6, "D": 2, "E": 0, "": 0} {
		terms := Terms{Level: level}
		if level == "B" {
			terms.Share = 25
		}
		if got := terms.ToCheck(51); got != want {
			t.Errorf("level %s: %d of 51 companies, not %d", level, got, want)
		}
	}
}

func TestOnlyTheRightSideEndsAShipment(t *testing.T) {
	offer := Shipment{From: "a", To: "b", State: Offered}
	for _, c := range []struct {
		by, state, reason string
		want              chaincode.Rule
	}{
		{"a", Declined, "damaged", ErrNotYourShipment},
		{"b", Cancelled, "", ErrNotYourShipment},
		{"b", Declined, "mood", ErrReason},
		{"b", Declined, "damaged", chaincode.Rule{}},
		{"a", Cancelled, "", chaincode.Rule{}},
	} {
		s := offer
		breaks(t, s.End(c.by, c.state, c.reason), c.want)
	}
	done := Shipment{From: "a", To: "b", State: Accepted}
	breaks(t, done.End("a", Cancelled, ""), ErrShipmentDone)
}

func TestCaseIsClosedByWhoIsResponsible(t *testing.T) {
	at := time.Unix(0, 0)
	byMaker, byRegulator := Case{By: "maker"}, Case{By: "office", Authority: true}
	breaks(t, byMaker.close("other", false, at, "x"), ErrNotYoursToRelease)
	breaks(t, byMaker.close("maker", false, at, " "), ErrCase)
	breaks(t, byRegulator.close("office", false, at, "x"), ErrNotYoursToRelease)
	breaks(t, byMaker.close("office", true, at, "x"), chaincode.Rule{})
	breaks(t, byRegulator.close("another office", true, at, "x"), chaincode.Rule{})
}

// A thing has one id, however its key is written.
func TestOneIDForEverySpelling(t *testing.T) {
	for _, c := range []struct{ uri, want string }{
		{"urn:epc:class:lgtin:9506000134.035.L1", "01/09506000134352/10/L1"},
		{"https://id.gs1.org/01/09506000134352/10/L1", "01/09506000134352/10/L1"},
		{"https://shop.example/01/9506000134352/10/L1?15=261201", "01/09506000134352/10/L1"},
		{"https://id.gs1.org/01/09506000134352/22/A/10/L1/21/S", "01/09506000134352/21/S"},
		{"urn:epc:id:sgtin:9506000134.035.S", "01/09506000134352/21/S"},
	} {
		key, err := gs1.Parse(c.uri)
		if err != nil {
			t.Errorf("%s: %v", c.uri, err)
		} else if got := itemPath(key); got != c.want {
			t.Errorf("%s is %s, want %s", c.uri, got, c.want)
		}
	}
}

func TestExpiryPrefersTheHarderDate(t *testing.T) {
	field := func(name, v string) epcis.Field {
		return epcis.Field{Name: epcis.Name{Local: name}, Value: epcis.Value{Text: v}}
	}
	ilmd := []epcis.Field{field("sellByDate", "2026-11-01"), field("itemExpirationDate", " 2026-12-01 ")}
	if got := expiry(ilmd); got != "2026-12-01" {
		t.Error(got)
	}
	if got := expiry(ilmd[:1]); got != "2026-11-01" {
		t.Error(got)
	}
}

// FuzzDegrees holds coordinates against another reader: what is taken is a plain
// number within its bounds.
func FuzzDegrees(f *testing.F) {
	for _, s := range []string{"39.9042", "-90", "90.000000", "90.000001", "0", "-0", "00", "1.", ".5", "+1", "1e1", "NaN", "１", "", "-", "180.0000001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, most := range []int{90, 180} {
			if !degrees(text, most) {
				continue
			}
			v, err := strconv.ParseFloat(text, 64)
			if err != nil || v < -float64(most) || v > float64(most) || strings.ContainsAny(text, "eExXpP+_") {
				t.Errorf("%q is taken for degrees", text)
			}
		}
	})
}
