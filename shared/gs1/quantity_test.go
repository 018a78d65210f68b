package gs1

import (
	"strings"
	"testing"
	"unicode"
)

func quantity(t *testing.T, amount, unit string) Quantity {
	t.Helper()
	a, err := ParseAmount(amount)
	if err != nil {
		t.Fatal(err)
	}
	return Quantity{a, unit}
}

func TestConvert(t *testing.T) {
	for _, c := range []struct{ amount, from, to, want string }{
		{"1", "LBR", "KGM", "0.45359237 kg"},
		{"0.45359237", "KGM", "LBR", "1 lb"},
		{"16", "ONZ", "LBR", "1 lb"},
		{"14", "LBR", "STI", "1 st"},
		{"1", "KGM", "LBR", "100000000/45359237 lb"},
		{"2.5", "TNE", "KGM", "2500 kg"},
		{"1", "GLL", "INQ", "231 in³"},
		{"128", "OZA", "GLL", "1 gal (US)"},
		{"160", "OZI", "GLI", "1 gal (UK)"},
		{"42", "GLL", "BLL", "1 barrel (US)"},
		{"1", "FTQ", "INQ", "1728 in³"},
		{"8", "GLD", "BUA", "1 bu (US)"},
		{"1", "MTQ", "LTR", "1000 l"},
		{"5280", "FOT", "SMI", "1 mile"},
		{"640", "ACR", "MIK", "1 mile²"},
		{"2", "DZN", "", "24"},
		{"24", "", "DZN", "2 doz"},
		{"3", "PR", "EA", "6 ea"},
		{"100", "CEL", "FAH", "212 °F"},
		{"-40", "FAH", "CEL", "-40 °C"},
		{"4", "CEL", "KEL", "277.15 K"},
		{"491.67", "A48", "CEL", "0 °C"},
		{"90", "KMH", "MTS", "25 m/s"},
		{"1", "HUR", "MIN", "60 min"},
		{"1013.25", "A97", "ATM", "1 atm"},
		{"5", "A93", "GP", "5000 mg/m³"},
		{"55", "P1", "NX", "550 ‰"},
		{"7", "XPX", "XPX", "7 pallet"},
		{"500", "G42", "H61", "0.5 mS/cm"},
		{"1", "89", "C7", "100 cP"},
		{"1", "91", "4C", "100 cSt"},
	} {
		got, err := quantity(t, c.amount, c.from).In(c.to)
		if err != nil || got.String() != c.want {
			t.Errorf("%s %s in %s = %s, %v, want %s", c.amount, c.from, c.to, got, err, c.want)
			continue
		}
		if back, err := got.In(c.from); err != nil || back.Amount.Cmp(quantity(t, c.amount, c.from).Amount) != 0 {
			t.Errorf("%s back in %s = %s, %v", got, c.from, back, err)
		}
	}
}

func TestQuantityArithmetic(t *testing.T) {
	kg, lb, l := quantity(t, "10", "KGM"), quantity(t, "10", "LBR"), quantity(t, "10", "LTR")
	if sum, err := kg.Add(lb); err != nil || sum.String() != "14.5359237 kg" {
		t.Errorf("%s, %v", sum, err)
	}
	if rest, err := kg.Sub(lb); err != nil || rest.String() != "5.4640763 kg" {
		t.Errorf("%s, %v", rest, err)
	}
	if c, err := lb.Cmp(kg); err != nil || c != -1 {
		t.Errorf("%d, %v", c, err)
	}
	for _, err := range []error{errorOf(kg.Add(l)), errorOf(kg.Sub(l)), errorOf(kg.Cmp(l)), errorOf(kg.In("ZZZ")), errorOf(quantity(t, "1", "ZZZ").In("KGM")),
		errorOf(quantity(t, "1", "CEL").Add(quantity(t, "1", "CEL"))), errorOf(quantity(t, "1", "XPX").Cmp(quantity(t, "1", "XBX")))} {
		if codeOfError(err) != codeUnit {
			t.Errorf("%v, want gs1/unit", err)
		}
	}
	if sum, err := quantity(t, "1", "ZZZ").Add(quantity(t, "2", "ZZZ")); err != nil || sum.String() != "3 ZZZ" {
		t.Errorf("a unit of the partners' own: %s, %v", sum, err)
	}
}

func errorOf[T any](_ T, err error) error { return err }

func TestUnits(t *testing.T) {
	if len(unitByCode) != len(units) {
		t.Errorf("%d codes in %d rows: a code stands twice", len(unitByCode), len(units))
	}
	bases := map[string]bool{}
	for code, u := range unitByCode {
		factor, offset := u.factor, u.offset
		if u.Code != code || u.Symbol == "" || u.Name == "" || factor.Sign() <= 0 || len(code) > 3 || strings.ToUpper(code) != code {
			t.Errorf("%+v", u)
		}
		if !strings.ContainsFunc(u.NameZh, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s has no Chinese name", code)
		}
		if factor.IsInt() && factor.Num().Int64() == 1 && offset.Sign() == 0 {
			bases[u.Dimension] = true
		}
	}
	for code, u := range unitByCode {
		if !bases[u.Dimension] {
			t.Errorf("%s: %s has no base unit", code, u.Dimension)
		}
	}
	if u, err := UnitOf(""); err != nil || u.Code != "H87" {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := UnitOf("kgm"); codeOfError(err) != codeUnit {
		t.Error(err)
	}
}

func TestUnitsAreFoundAsPeopleWriteThem(t *testing.T) {
	for text, code := range map[string]string{"kg": "KGM", "KG": "KGM", "kgm": "KGM", "Kilograms": "KGM", "千克": "KGM", "克": "GRM", "l": "LTR",
		"L": "LTR", "t": "TNE", "吨": "TNE", "件": "H87", "pcs": "H87", "": "", "armful": ""} {
		if u, ok := FindUnit(text); u.Code != code || ok != (code != "") {
			t.Errorf("%q is %q, want %q", text, u.Code, code)
		}
	}
}
