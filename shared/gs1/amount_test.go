package gs1

import (
	"encoding/json"
	"math/big"
	"math/rand"
	"reflect"
	"strings"
	"testing"
)

func TestParseAmount(t *testing.T) {
	for in, want := range map[string]string{
		"480.5": "480.5", "0": "0", "-0": "0", "+3": "3", "007.50": "7.5", ".5": "0.5", "5.": "5", "-1.20e2": "-120",
		"1.2e-3": "0.0012", "9007199254740993": "9007199254740993", "0.1": "0.1", "1E+2": "100",
		strings.Repeat("9", 40): strings.Repeat("9", 40),
	} {
		if a, err := ParseAmount(in); err != nil || a.String() != want {
			t.Errorf("ParseAmount(%q) = %s, %v, want %s", in, a, err, want)
		}
	}
	for _, in := range []string{"", ".", "-", "+-1", "1e", "1e+", "1e61", "1e999", "NaN", "Inf", "-inf", "0x10", "1_000", "1,5", "1/3", " 1", "1 ",
		"1.2.3", "1e1e1", "１", "1p3", "0b1", strings.Repeat("9", 41)} {
		if a, err := ParseAmount(in); codeOfError(err) != codeAmount {
			t.Errorf("ParseAmount(%q) = %s, %v", in, a, err)
		}
	}
}

func TestAmountDecimal(t *testing.T) {
	for _, c := range []struct {
		in     string
		places int
		want   string
	}{{"2.345", 2, "2.35"}, {"-2.345", 2, "-2.35"}, {"2.5", 0, "3"}, {"-2.5", 0, "-3"}, {"-0.004", 2, "0.00"}, {"7", 3, "7.000"}, {"2.4", -1, "2"}} {
		a, err := ParseAmount(c.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Decimal(c.places); got != c.want {
			t.Errorf("%s with %d places: %s, want %s", c.in, c.places, got, c.want)
		}
	}
}

func TestZeroAmount(t *testing.T) {
	var zero Amount
	if !zero.IsZero() || zero.Sign() != 0 || zero.String() != "0" || zero.Cmp(Whole(0)) != 0 || zero.Add(Whole(2)).Cmp(Whole(2)) != 0 {
		t.Error("the zero Amount is not 0")
	}
	if !reflect.DeepEqual(Whole(2).Sub(Whole(2)), zero) || !reflect.DeepEqual(Whole(2).Mul(zero), zero) {
		t.Error("there is another 0")
	}
}

func TestAmountJSON(t *testing.T) {
	var q Quantity
	if err := json.Unmarshal([]byte(`{"amount":480.50,"unit":"KGM"}`), &q); err != nil {
		t.Fatal(err)
	}
	if data, err := json.Marshal(q); err != nil || string(data) != `{"amount":"480.5","unit":"KGM"}` {
		t.Errorf("%s, %v", data, err)
	}
	third := amountOf(big.NewRat(-1, 3))
	data, err := json.Marshal(third)
	if err != nil || string(data) != `"-1/3"` {
		t.Errorf("%s, %v", data, err)
	}
	var back Amount
	if err := json.Unmarshal(data, &back); err != nil || back.Cmp(third) != 0 {
		t.Errorf("%s, %v", back, err)
	}
	if err := json.Unmarshal([]byte("null"), &back); err != nil || back.Cmp(third) != 0 {
		t.Errorf("null: %s, %v", back, err)
	}
	for _, in := range []string{`"x"`, `""`, `true`, `[1]`, `"1/0"`, `"1/-3"`, `"1/"`, `"/3"`, `"1/2/3"`, `"0x1"`} {
		if err := json.Unmarshal([]byte(in), &back); err == nil {
			t.Errorf("%s is accepted", in)
		}
	}
}

// TestAmountArithmetic compares with big.Rat, and checks that operands stay.
func TestAmountArithmetic(t *testing.T) {
	random := rand.New(rand.NewSource(7))
	rat := func() *big.Rat { return big.NewRat(random.Int63n(2001)-1000, 1+random.Int63n(1000)) }
	for range 5000 {
		x, y := rat(), rat()
		a, b := amountOf(new(big.Rat).Set(x)), amountOf(new(big.Rat).Set(y))
		sum, difference, product := a.Add(b), a.Sub(b), a.Mul(b)
		if sum.rat().Cmp(new(big.Rat).Add(x, y)) != 0 || difference.rat().Cmp(new(big.Rat).Sub(x, y)) != 0 ||
			product.rat().Cmp(new(big.Rat).Mul(x, y)) != 0 || a.Cmp(b) != x.Cmp(y) || a.Sign() != x.Sign() {
			t.Fatalf("%s and %s", x, y)
		}
		if difference.Add(b).Cmp(a) != 0 || a.rat().Cmp(x) != 0 || b.rat().Cmp(y) != 0 {
			t.Fatalf("%s and %s changed", x, y)
		}
		data, err := json.Marshal(product)
		var back Amount
		if err != nil || json.Unmarshal(data, &back) != nil || back.Cmp(product) != 0 {
			t.Fatalf("%s reads back as %s", data, back)
		}
	}
}

func FuzzParseAmount(f *testing.F) {
	for _, s := range []string{"480.5", "-1.2e-3", "1e60", ".", "0x1p-2", "1_0", "Inf", "00", "1e+"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAmount(s)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok || a.rat().Cmp(want) != 0 {
			t.Fatalf("%q is read as %s", s, a)
		}
		again, ok := new(big.Rat).SetString(a.String())
		if !ok || again.Cmp(want) != 0 {
			t.Fatalf("%q is written as %s", s, a)
		}
		var back Amount
		data, err := json.Marshal(a)
		if err != nil || json.Unmarshal(data, &back) != nil || back.Cmp(a) != 0 {
			t.Fatalf("%s reads back as %s", data, back)
		}
	})
}
