package epcis

import "strings"

// maxDigits bounds a number: more of them measure nothing, and an exponent could ask for gigabytes of zeros.
const maxDigits = 40

// plainDecimal brings a number to its one decimal spelling: no exponent, no plus, no superfluous zeros. It is exact.
// What is no decimal of at most maxDigits digits is returned as it stands, with false.
func plainDecimal(text string) (string, bool) {
	digits, negative := strings.CutPrefix(text, "-")
	if !negative {
		digits = strings.TrimPrefix(digits, "+")
	}
	mantissa, exponent, ok := cutExponent(digits)
	whole, fraction, point := strings.Cut(mantissa, ".")
	if !ok || !isDigits(whole+fraction) || whole == "" || point && fraction == "" {
		return text, false
	}
	if len(whole)+len(fraction) > maxDigits || exponent > maxDigits || exponent < -maxDigits {
		return text, false
	}
	whole, fraction = shift(whole, fraction, exponent)
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	if len(whole)+len(fraction) > maxDigits {
		return text, false
	}
	plain := whole
	if plain == "" {
		plain = "0"
	}
	if fraction != "" {
		plain += "." + fraction
	}
	if negative && plain != "0" {
		plain = "-" + plain
	}
	return plain, true
}

func cutExponent(s string) (mantissa string, exponent int, ok bool) {
	i := strings.IndexAny(s, "eE")
	if i < 0 {
		return s, 0, true
	}
	digits, negative := strings.CutPrefix(s[i+1:], "-")
	digits = strings.TrimPrefix(digits, "+")
	if !isDigits(digits) || len(digits) > 4 {
		return s, 0, false
	}
	for _, c := range digits {
		exponent = exponent*10 + int(c-'0')
	}
	if negative {
		exponent = -exponent
	}
	return s[:i], exponent, true
}

// shift moves the point by exponent places.
func shift(whole, fraction string, exponent int) (string, string) {
	for ; exponent > 0; exponent-- {
		if fraction == "" {
			fraction = "0"
		}
		whole, fraction = whole+fraction[:1], fraction[1:]
	}
	for ; exponent < 0; exponent++ {
		if whole == "" {
			whole = "0"
		}
		fraction, whole = whole[len(whole)-1:]+fraction, whole[:len(whole)-1]
	}
	return whole, fraction
}

func isDigits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
