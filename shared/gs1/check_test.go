package gs1

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckDigit(t *testing.T) {
	for digits, want := range map[string]byte{"0950600013435": '2', "950600013435": '2', "10614141234567890": '8', "9638507": '4', "03600029145": '2'} {
		if got, err := CheckDigit(digits); err != nil || got != want {
			t.Errorf("CheckDigit(%s) = %c, %v, want %c", digits, got, err, want)
		}
	}
	for _, digits := range []string{"", "12a", "１２"} {
		if _, err := CheckDigit(digits); err == nil {
			t.Errorf("CheckDigit(%q) is accepted", digits)
		}
	}
}

// codeOfError is "" for nil.
func codeOfError(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestCheck(t *testing.T) {
	for _, c := range []struct{ ai, value, code string }{
		{"01", "09506000134352", ""},
		{"01", "09506000134353", codeCheckDigit},
		{"01", "9506000134352", codeLength},
		{"01", "0950600013435X", codeCharacter},
		{"00", "395060001340000013", codeCheckDigit},
		{"10", "L-1/2", ""},
		{"10", "", codeLength},
		{"10", strings.Repeat("A", 21), codeLength},
		{"10", "batch 7", codeCharacter},
		{"10", "批1", codeCharacter},
		{"17", "280229", ""},
		{"17", "270229", codeValue},
		{"17", "270200", ""},
		{"7006", "270200", codeValue},
		{"17", "271301", codeValue},
		{"7250", "19000229", codeValue},
		{"7250", "20000229", ""},
		{"3105", "000480", ""},
		{"3106", "000480", codeUnknownKey},
		{"3932", "97812345", ""},
		{"3932", "97712345", ""},
		{"3932", "00112345", codeValue},
		{"423", "056528", ""},
		{"423", "05652", codeLength},
		{"423", "056001", codeValue},
		{"426", "999", codeValue},
		{"7030", "999A1", ""},
		{"4307", "CN", ""},
		{"4307", "XX", codeValue},
		{"4309", "02790858483015297971", ""},
		{"4309", "18000000013015297971", codeValue},
		{"4300", "A%20B", ""},
		{"4300", "A%2", codeValue},
		{"4321", "2", codeValue},
		{"4324", "2705302460", codeValue},
		{"4330", "000125-", ""},
		{"4330", "000125+", codeValue},
		{"7007", "270101", ""},
		{"7007", "270101270199", codeValue},
		{"7011", "2701012359", ""},
		{"7011", "2701012400", codeValue},
		{"7040", "1ABC", ""},
		{"7040", "1AB/", codeValue},
		{"7041", "PX", ""},
		{"7041", "QZZ", codeValue},
		{"7241", "80", ""},
		{"7241", "11", codeValue},
		{"7252", "9", ""},
		{"7252", "3", codeValue},
		{"7258", "2/3", ""},
		{"7258", "3/2", codeValue},
		{"7258", "0/2", codeValue},
		{"8001", "00010000100191", ""},
		{"8001", "00000000100191", codeValue},
		{"8001", "00010000100131", codeValue},
		{"8003", "09506000134352S1", ""},
		{"8003", "19506000134352S1", codeValue},
		{"8004", "9506000134A1", ""},
		{"8004", "AB12", codeValue},
		{"8006", "095060001343520102", ""},
		{"8006", "095060001343520201", codeValue},
		{"8006", "095060001343520001", codeValue},
		{"8007", "BE71096123456769", ""},
		{"8007", "BE71096123456768", codeCheckDigit},
		{"8007", "BE71096-23456769", codeCharacter},
		{"8007", "BE7109612345", codeLength},
		{"8008", "2701012359", codeLength + "?"},
		{"8010", "9506000134ab", codeCharacter},
		{"8011", "012", codeValue},
		{"8013", "1987654Ad4X4bL5ttr2310c2K", ""},
		{"8013", "1987654Ad4X4bL5ttr2310c3K", codeCheckDigit},
		{"8014", "12345", codeCheckDigit},
		{"8030", "QUJD-_", ""},
		{"8030", "QUJD+/", codeCharacter},
		{"8030", "A=BC", codeCharacter},
		{"8110", "106141416543213500110000310123196000", ""},
		{"8110", "1061414165432135001100003101231960002", codeLength},
		{"8110", "012345612345611110123" + "35006064500607", codeValue},
		{"8110", "012345612345611110123" + "30001064991231", ""},
		{"8112", "001234561234560123456", ""},
		{"8112", "201234561234560123456", codeValue},
		{"05", "1", codeUnknownKey},
		{"", "1", codeUnknownKey},
	} {
		want := c.code
		if strings.HasSuffix(want, "?") { // (8008) may end after its hour
			want = ""
			c.value = "27010123"
		}
		if err := Check(c.ai, c.value); codeOfError(err) != want {
			t.Errorf("Check(%s, %q) = %v, want %q", c.ai, c.value, err, want)
		}
	}
}

func TestErrorNamesFieldRuleAndRemedy(t *testing.T) {
	err := Check("01", "09506000134353")
	const want = "GTIN (01) ends in check digit 3, which does not fit the digits before it. The computed check digit is 2: check each digit."
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if !errors.Is(err, &Error{Code: "gs1/check-digit"}) || errors.Is(err, &Error{Code: "gs1/length"}) {
		t.Error("errors.Is does not go by the code")
	}
}

func TestDictionaryIsWhole(t *testing.T) {
	if len(dictionary) != 224 {
		t.Errorf("%d rows, want 224", len(dictionary))
	}
	keys := 0
	for ai, e := range byAI {
		if len(e.parts) == 0 {
			t.Errorf("(%s) has no parts", ai)
		}
		all, isKey := sequences(ai)
		if isKey {
			keys++
		}
		for _, sequence := range all {
			for _, q := range sequence {
				if byAI[q] == nil {
					t.Errorf("(%s) takes unknown qualifier %s", ai, q)
				}
			}
		}
	}
	if keys != 16 {
		t.Errorf("%d keys, want 16", keys)
	}
	for word, ai := range shortNames {
		if byAI[ai] == nil {
			t.Errorf("%s stands for unknown (%s)", word, ai)
		}
	}
}

func TestFields(t *testing.T) {
	for _, c := range []struct {
		check    func(string) (string, error)
		in, want string
	}{
		{CheckGTIN, " 9506000134352 ", "09506000134352"},
		{CheckGTIN, "0950-6000 134352", "09506000134352"},
		{CheckGTIN, "96385074", "00000096385074"},
		{CheckGTIN, "036000291452", "00036000291452"},
		{CheckGTIN, "036000291453", ""},
		{CheckGTIN, "12345", ""},
		{CheckGLN, "9506000134352", "9506000134352"},
		{CheckGLN, "9506000134351", ""},
		{CheckSSCC, "106141412345678908", "106141412345678908"},
		{CheckSSCC, "106141412345678909", ""},
		{CheckLot, " L1 ", "L1"},
		{CheckLot, "L 1", ""},
	} {
		got, err := c.check(c.in)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q: %q, %v, want %q", c.in, got, err, c.want)
		}
	}
}
