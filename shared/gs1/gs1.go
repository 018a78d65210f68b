// Package gs1 reads and writes what GS1 standards put into events: keys
// (GTIN, SSCC, GLN, …) with their check digits, the EPC URN and the GS1 Digital
// Link form of a key, units of measure and exact quantities.
//
// Everything here is a value: no clock, no network, no float, so that a client,
// a contract and a verifier come to the same answer. Who owns a company prefix,
// what a product is called and what an event means is left to others.
package gs1

// Error tells why a value is refused. It is always returned as *Error.
type Error struct {
	Code   string // the rule: gs1/check-digit, gs1/length, gs1/character, gs1/value, gs1/syntax, gs1/unknown-key, gs1/order, gs1/unit, gs1/amount
	Field  string // what is wrong, as the reader knows it: "GTIN (01)", "unit", "amount"
	Text   string // one sentence
	Remedy string // what to do about it
}

// Error returns the sentence and the remedy.
func (e *Error) Error() string {
	if e.Remedy == "" {
		return e.Text
	}
	return e.Text + " " + e.Remedy
}

// Is reports whether target is an *Error with the same code, so that
// errors.Is(err, &Error{Code: "gs1/unit"}) asks for a rule.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Field == "" && t.Text == ""
}

// The rules, as they stand in Error.Code.
const (
	codeCheckDigit = "gs1/check-digit"
	codeLength     = "gs1/length"
	codeCharacter  = "gs1/character"
	codeValue      = "gs1/value"
	codeSyntax     = "gs1/syntax"
	codeUnknownKey = "gs1/unknown-key"
	codeOrder      = "gs1/order"
	codeUnit       = "gs1/unit"
	codeAmount     = "gs1/amount"
)
