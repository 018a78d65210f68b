package gs1

import (
	"fmt"
	"strings"
)

// CheckDigit computes the digit that completes digits, which stand without
// their check digit (GS1 General Specifications, 7.9.1: weights 3 and 1 from
// the right).
func CheckDigit(digits string) (byte, error) {
	if digits == "" {
		return 0, &Error{codeLength, "digits", "There are no digits to compute a check digit of.", "Give the digits before the check digit."}
	}
	if i := notIn(digits, isDigit); i >= 0 {
		return 0, &Error{codeCharacter, "digits", fmt.Sprintf("A check digit is computed of digits, and %q is none.", digits[i:i+1]), "Leave digits only."}
	}
	return checkDigit(digits), nil
}

// checkDigit is CheckDigit for what is known to be digits.
func checkDigit(digits string) byte {
	sum, weight := 0, 3
	for i := len(digits) - 1; i >= 0; i-- {
		sum += weight * int(digits[i]-'0')
		weight = 4 - weight
	}
	return '0' + byte((10-sum%10)%10)
}

const (
	// cset82 is the character set of AI values, in the order of its reference
	// values (General Specifications, figure 7.11-1).
	cset82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
	// cset32 is what check character pairs are written in.
	cset32 = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
)

// pairWeights are the primes that weigh the characters before a check character
// pair, from the right. (8013) needs 23 of them; 97 is where the sum is still
// defined for every use of the algorithm.
var pairWeights = firstPrimes(97)

func firstPrimes(count int) []int {
	var primes []int
next:
	for v := 2; len(primes) < count; v++ {
		for _, p := range primes {
			if v%p == 0 {
				continue next
			}
		}
		primes = append(primes, v)
	}
	return primes
}

// checkPair computes the check character pair of a model number (General
// Specifications, 7.9.5); s holds cset82 only and is no longer than pairWeights.
func checkPair(s string) string {
	sum := 0
	for i := range len(s) {
		sum += pairWeights[i] * strings.IndexByte(cset82, s[len(s)-1-i])
	}
	sum %= 1021
	return string([]byte{cset32[sum>>5], cset32[sum&31]})
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isAlnum(c byte) bool { return isDigit(c) || isUpper(c) || 'a' <= c && c <= 'z' }
func is82(c byte) bool    { return strings.IndexByte(cset82, c) >= 0 }
func is39(c byte) bool    { return isDigit(c) || isUpper(c) || c == '#' || c == '-' || c == '/' }
func is64(c byte) bool    { return isAlnum(c) || c == '-' || c == '_' }

// notIn returns the place of the first byte of s outside a set, or -1.
func notIn(s string, set func(byte) bool) int {
	for i := range len(s) {
		if !set(s[i]) {
			return i
		}
	}
	return -1
}
