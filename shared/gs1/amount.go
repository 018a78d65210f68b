package gs1

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
)

// An Amount is an exact rational number. It does not change: arithmetic returns
// new amounts. The zero Amount is 0.
type Amount struct{ r *big.Rat } // nil is 0, and no other form of 0 is kept

const (
	// longestAmount bounds what people and systems may enter.
	longestAmount = 40
	// longestStored bounds what is read back: exact results grow.
	longestStored = 4000
	// highestExponent bounds the memory that a few characters can ask for.
	highestExponent = 60
)

// Whole returns n as an Amount.
func Whole(n int64) Amount { return amountOf(new(big.Rat).SetInt64(n)) }

func amountOf(r *big.Rat) Amount {
	if r.Sign() == 0 {
		return Amount{}
	}
	return Amount{r}
}

// AmountOf is an exact fraction as an Amount.
func AmountOf(r *big.Rat) Amount { return amountOf(new(big.Rat).Set(r)) }

// Rat is the value as a fraction of the caller's own, for arithmetic that
// amounts lack.
func (a Amount) Rat() *big.Rat { return new(big.Rat).Set(a.rat()) }

// rat lends the value for reading only.
func (a Amount) rat() *big.Rat {
	if a.r == nil {
		return new(big.Rat)
	}
	return a.r
}

// ParseAmount reads a decimal number such as "480.5", "-3" or "1.2e-3" of at
// most 40 characters.
func ParseAmount(s string) (Amount, error) { return parseDecimal(s, longestAmount) }

func parseDecimal(s string, longest int) (Amount, error) {
	if len(s) > longest {
		return Amount{}, &Error{codeAmount, "amount", fmt.Sprintf("The amount has %d characters.", len(s)), fmt.Sprintf("Use at most %d.", longest)}
	}
	if isDecimal(s) {
		if r, ok := new(big.Rat).SetString(s); ok {
			return amountOf(r), nil
		}
	}
	return Amount{}, &Error{codeAmount, "amount", fmt.Sprintf("%q is no decimal number.", s), "Write digits with a decimal point, such as 480.5."}
}

// isDecimal accepts a sign, digits with at most one point, and an exponent up
// to highestExponent. big.Rat alone would take hexadecimals, fractions and
// underscores as well.
func isDecimal(s string) bool {
	mantissa, exponent := s, ""
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, exponent = s[:i], unsigned(s[i+1:])
		if exponent == "" || len(exponent) > 2 || notIn(exponent, isDigit) >= 0 || number(exponent) > highestExponent {
			return false
		}
	}
	whole, fraction, _ := strings.Cut(unsigned(mantissa), ".")
	return whole+fraction != "" && notIn(whole+fraction, isDigit) < 0
}

func unsigned(s string) string {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return s[1:]
	}
	return s
}

// Add returns a + b.
func (a Amount) Add(b Amount) Amount { return amountOf(new(big.Rat).Add(a.rat(), b.rat())) }

// Sub returns a - b.
func (a Amount) Sub(b Amount) Amount { return amountOf(new(big.Rat).Sub(a.rat(), b.rat())) }

// Mul returns a × b.
func (a Amount) Mul(b Amount) Amount { return amountOf(new(big.Rat).Mul(a.rat(), b.rat())) }

// Cmp returns -1, 0 or 1 as a is below, equal to or above b.
func (a Amount) Cmp(b Amount) int { return a.rat().Cmp(b.rat()) }

// Sign returns -1, 0 or 1.
func (a Amount) Sign() int { return a.rat().Sign() }

// IsZero reports whether a is 0.
func (a Amount) IsZero() bool { return a.r == nil }

// String returns the shortest decimal that is exact, or "1/3" where none is.
func (a Amount) String() string {
	r := a.rat()
	if places, exact := r.FloatPrec(); exact {
		return r.FloatString(places)
	}
	return r.String()
}

// Decimal returns a with so many decimal places, halves rounded away from zero.
// It is for people to read: to store an amount, use String.
func (a Amount) Decimal(places int) string {
	s := a.rat().FloatString(max(places, 0))
	if strings.Trim(s, "-0.") == "" {
		return strings.TrimPrefix(s, "-")
	}
	return s
}

// MarshalJSON writes String as a JSON string, so that no reader turns it into
// a binary float.
func (a Amount) MarshalJSON() ([]byte, error) { return json.Marshal(a.String()) }

// UnmarshalJSON reads a JSON number, or a string as String writes it. Null
// leaves the amount as it is.
func (a *Amount) UnmarshalJSON(data []byte) error {
	s := string(data)
	if s == "null" {
		return nil
	}
	if strings.HasPrefix(s, `"`) {
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
	}
	numerator, denominator, isFraction := strings.Cut(s, "/")
	v, err := parseDecimal(numerator, longestStored)
	if err == nil && isFraction {
		v, err = v.over(denominator)
	}
	if err != nil {
		return err
	}
	*a = v
	return nil
}

// over divides by a denominator as String writes it: digits, not zero.
func (a Amount) over(denominator string) (Amount, error) {
	d, err := parseDecimal(denominator, longestStored)
	if err != nil {
		return Amount{}, err
	}
	if notIn(denominator, isDigit) >= 0 || d.IsZero() {
		return Amount{}, &Error{codeAmount, "amount", fmt.Sprintf("%q is no denominator.", denominator), "Write digits, not zero."}
	}
	return amountOf(new(big.Rat).Quo(a.rat(), d.rat())), nil
}
