package gs1

import "strings"

// The rules of single fields, for forms and spreadsheets: they take what people
// type, and return what is stored.

// CheckGTIN verifies a GTIN of 8, 12, 13 or 14 digits and returns it with 14.
// Blanks and hyphens between digits are dropped.
func CheckGTIN(s string) (string, error) { return checkField("01", padGTIN(squeeze(s))) }

// CheckSSCC verifies the 18 digits of an SSCC.
func CheckSSCC(s string) (string, error) { return checkField("00", squeeze(s)) }

// CheckGLN verifies the 13 digits of a GLN.
func CheckGLN(s string) (string, error) { return checkField("414", squeeze(s)) }

// CheckLot verifies a batch or lot number: 1 to 20 characters of the GS1 set,
// which has no blank. Blanks around it are dropped.
func CheckLot(s string) (string, error) { return checkField("10", strings.TrimSpace(s)) }

func checkField(ai, value string) (string, error) {
	if err := Check(ai, value); err != nil {
		return "", err
	}
	return value, nil
}

func squeeze(s string) string {
	return strings.NewReplacer(" ", "", "-", "").Replace(strings.TrimSpace(s))
}
