package trace

import (
	"strings"

	"github.com/tallyway/tallyway/chaincode"
)

// ErrCoordinates asks for a point on earth, or for none.
var ErrCoordinates = chaincode.Rule{Code: "trace/coordinates", Kind: chaincode.Malformed,
	Text:   "A point is a latitude of -90 to 90 and a longitude of -180 to 180 in decimal degrees with at most six decimals, or neither.",
	Remedy: "Write both like 39.9042 and 116.4074, with a point, a minus sign for south and west, and no letters."}

// checkPoint refuses what is no place on earth: both coordinates or none.
func checkPoint(latitude, longitude string) error {
	switch {
	case latitude == "" && longitude == "":
		return nil
	case !degrees(latitude, 90):
		return ErrCoordinates.Refuse("%s", latitude).On("latitude")
	case !degrees(longitude, 180):
		return ErrCoordinates.Refuse("%s", longitude).On("longitude")
	}
	return nil
}

// degrees reports whether a text is a number of -most to most degrees in digits
// alone, with at most six decimals (a tenth of a metre).
func degrees(text string, most int) bool {
	whole, decimals, pointed := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	if len(whole) < 1 || len(whole) > 3 || len(whole) > 1 && whole[0] == '0' || pointed && (len(decimals) < 1 || len(decimals) > 6) {
		return false
	}
	micro := 0
	for _, c := range whole + decimals + strings.Repeat("0", 6-len(decimals)) {
		if c < '0' || c > '9' {
			return false
		}
		micro = 10*micro + int(c-'0')
	}
	return micro <= most*1_000_000
}
