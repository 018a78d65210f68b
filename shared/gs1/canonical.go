package gs1

import "strings"

// Canonical brings a GS1 key in URN or Digital Link form to the canonical
// Digital Link URI that the CBV 2.0 event hash is computed of (CBV 2.0, 8.9).
// It reports false, and returns the URI unchanged, for everything else.
//
// Events are hashed as they were captured: lengths and characters decide what
// is a key, wrong check digits stay. What has no place in the URN form is
// dropped as well, so that both forms hash alike: a consumer product variant
// always, and a lot where a serial stands.
func Canonical(uri string) (string, bool) {
	if _, web := webPath(uri); !web && !strings.HasPrefix(uri, "urn:epc:") {
		return uri, false
	}
	id, err := parse(uri, false)
	if err != nil {
		return uri, false
	}
	if id.GTIN() != "" {
		id.Qualifiers = finest(id.Qualifiers)
	}
	return id.URI(), true
}

// finest keeps the one qualifier of a trade item that its EPC would have.
func finest(qualifiers []Element) []Element {
	for i := len(qualifiers) - 1; i >= 0; i-- {
		if qualifiers[i].AI != "22" {
			return qualifiers[i : i+1]
		}
	}
	return nil
}
