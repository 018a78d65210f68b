package gs1

import (
	"fmt"
	"math/big"
	"strings"
)

// What the content of an AI's value must be beyond its length and characters.
// Each rule stands alone: it may be given any string.

func wrong(remedy, format string, args ...any) *flaw {
	return &flaw{codeValue, fmt.Sprintf(format, args...), remedy}
}

// digits asks for digits, exactly length of them unless length is 0.
func digits(s string, length int) *flaw {
	if i := notIn(s, isDigit); i >= 0 {
		return &flaw{codeCharacter, fmt.Sprintf("holds %q where digits stand", character(s[i:])), "Leave digits only."}
	}
	if length > 0 && len(s) != length {
		return &flaw{codeLength, fmt.Sprintf("has %d digits where %d stand", len(s), length), "Check it for missing or additional digits."}
	}
	return nil
}

func endsInCheckDigit(s string) *flaw {
	if s == "" {
		return &flaw{codeLength, "is too short for a check digit", "Give all of its digits."}
	}
	if f := digits(s, 0); f != nil {
		return f
	}
	last := len(s) - 1
	if want := checkDigit(s[:last]); s[last] != want {
		return &flaw{codeCheckDigit, fmt.Sprintf("ends in check digit %c, which does not fit the digits before it", s[last]),
			fmt.Sprintf("The computed check digit is %c: check each digit.", want)}
	}
	return nil
}

func endsInCheckPair(s string) *flaw {
	if len(s) < 2 || len(s) > len(pairWeights)+2 {
		return &flaw{codeLength, "has no room for a check character pair", "Give the whole number with its pair."}
	}
	model, pair := s[:len(s)-2], s[len(s)-2:]
	if i := notIn(model, is82); i >= 0 {
		return &flaw{codeCharacter, fmt.Sprintf("holds %q, a character that may not stand there", character(model[i:])), "Remove it or replace it."}
	}
	if want := checkPair(model); pair != want {
		return &flaw{codeCheckDigit, fmt.Sprintf("ends in check characters %q, which do not fit the ones before them", pair),
			fmt.Sprintf("The computed pair is %s: check each character.", want)}
	}
	return nil
}

// shortestPrefix is the length of the shortest GS1 company prefix issued.
const shortestPrefix = 4

// A key begins with a company prefix, after an indicator digit if it has one.
// That the prefix was issued, only GS1's registry knows.

func prefixAt0(s string) *flaw { return companyPrefix(s, 0) }
func prefixAt1(s string) *flaw { return companyPrefix(s, 1) }

func companyPrefix(s string, at int) *flaw {
	if len(s) < at+shortestPrefix || notIn(s[at:at+shortestPrefix], isDigit) >= 0 {
		return wrong("Put the company's prefix in front.", "does not begin with a GS1 company prefix")
	}
	return nil
}

var monthDays = [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

func yymmdd(s string) *flaw   { return date(s, 2, 1) }
func yymmd0(s string) *flaw   { return date(s, 2, 0) }
func yyyymmdd(s string) *flaw { return date(s, 4, 1) }

// date checks a date with a year of so many digits. Day 00 stands for the end
// of the month where firstDay is 0. Of the years that two digits can mean, the
// one ending in 00 is 2000, a leap year (General Specifications, 7.12).
func date(s string, yearDigits, firstDay int) *flaw {
	if f := digits(s, yearDigits+4); f != nil {
		return f
	}
	year, month, day := number(s[:yearDigits]), number(s[yearDigits:yearDigits+2]), number(s[yearDigits+2:])
	if month < 1 || month > 12 {
		return wrong("Write the month as 01 to 12, after the year.", "has no month %02d", month)
	}
	days := monthDays[month-1]
	if month == 2 && year%4 == 0 && (yearDigits == 2 || year%100 != 0 || year%400 == 0) {
		days = 29
	}
	if day < firstDay || day > days {
		return wrong("Write the day last, as two digits.", "has no day %02d in its month", day)
	}
	return nil
}

// number reads a short string of digits.
func number(s string) int {
	v := 0
	for i := range len(s) {
		v = 10*v + int(s[i]-'0')
	}
	return v
}

func hour(s string) *flaw   { return upTo(s, 23, "hour") }
func minute(s string) *flaw { return upTo(s, 59, "minute") }
func second(s string) *flaw { return upTo(s, 59, "second") }

func upTo(s string, most int, what string) *flaw {
	if f := digits(s, 2); f != nil {
		return f
	}
	if number(s) > most {
		return wrong(fmt.Sprintf("Write it as 00 to %d.", most), "has no %s %s", what, s)
	}
	return nil
}

func hourMinute(s string) *flaw {
	if f := digits(s, 4); f != nil {
		return f
	}
	if f := hour(s[:2]); f != nil {
		return f
	}
	return minute(s[2:])
}

// listed looks a code up in a list of codelists.go.
func listed(s, list, what string) *flaw {
	if s == "" || strings.Contains(s, " ") || !strings.Contains(list, " "+s+" ") {
		return wrong("Take the code from the list.", "holds %q, which is no %s", s, what)
	}
	return nil
}

func countryNumber(s string) *flaw {
	return listed(s, countryNumbers, "country number of ISO 3166")
}

// countryNumberOr999 also takes 999, several countries.
func countryNumberOr999(s string) *flaw {
	if s == "999" {
		return nil
	}
	return countryNumber(s)
}

func countryLetter(s string) *flaw {
	return listed(s, countryLetters, "country code of ISO 3166")
}

func currencyNumber(s string) *flaw {
	return listed(s, currencyNumbers, "currency number of ISO 4217")
}

func packageType(s string) *flaw { return listed(s, packageTypes, "package type") }

func sex(s string) *flaw     { return listed(s, " 0 1 2 9 ", "code of ISO 5218") }
func winding(s string) *flaw { return listed(s, " 0 1 9 ", "winding direction") }
func yesNo(s string) *flaw   { return listed(s, " 0 1 ", "0 (no) or 1 (yes)") }

func mediaType(s string) *flaw {
	if f := digits(s, 2); f != nil {
		return f
	}
	if v := number(s); v < 1 || v > 10 && v < 80 {
		return wrong("Use 01 to 10, or 80 to 99 inside a company.", "has no media type %s", s)
	}
	return nil
}

// iban checks ISO 13616: country, length and the remainder modulo 97.
func iban(s string) *flaw {
	if len(s) < 15 || len(s) > 34 {
		return &flaw{codeLength, fmt.Sprintf("has %d characters, and an IBAN 15 to 34", len(s)), "Check it for missing or additional characters."}
	}
	if f := countryLetter(s[:2]); f != nil {
		return f
	}
	var value strings.Builder
	for _, c := range []byte(s[4:] + s[:4]) {
		switch {
		case isDigit(c):
			value.WriteByte(c)
		case isUpper(c):
			fmt.Fprint(&value, 10+c-'A')
		default:
			return &flaw{codeCharacter, "holds other characters than digits and capital letters", "Leave blanks and signs out."}
		}
	}
	v, _ := new(big.Int).SetString(value.String(), 10)
	if v.Mod(v, big.NewInt(97)).Int64() != 1 {
		return &flaw{codeCheckDigit, "has check digits that do not fit the account", "Check each character of the IBAN."}
	}
	return nil
}

func importerIndex(s string) *flaw {
	if len(s) != 1 || !is64(s[0]) {
		return wrong("Use one letter, digit, - or _.", "holds no importer index")
	}
	return nil
}

// latitude is in steps of 10⁻⁷ degrees from the south pole.
func latitude(s string) *flaw { return steps(s, "1800000000", "latitude") }

// longitude is in steps of 10⁻⁷ degrees eastward from Greenwich.
func longitude(s string) *flaw { return steps(s, "3600000000", "longitude") }

func steps(s, most, what string) *flaw {
	if f := digits(s, len(most)); f != nil {
		return f
	}
	if s > most {
		return wrong("It is counted in ten-millionths of a degree.", "holds no %s", what)
	}
	return nil
}

func percentEncoded(s string) *flaw {
	if _, ok := percentDecode(s); !ok {
		return wrong("Write % as %25.", "holds a %% without two hexadecimal digits")
	}
	return nil
}

// pieceOfTotal is a piece's number and the number of pieces, of equal length.
func pieceOfTotal(s string) *flaw {
	if f := digits(s, 0); f != nil {
		return f
	}
	if s == "" || len(s)%2 != 0 {
		return &flaw{codeLength, "does not divide into a piece and a total", "Write both with as many digits, such as 0102."}
	}
	piece, total := s[:len(s)/2], s[len(s)/2:]
	zero := strings.Repeat("0", len(piece))
	if piece == zero || total == zero || piece > total {
		return wrong("The piece is 1 or more, and no more than the total.", "names piece %s of %s", piece, total)
	}
	return nil
}

// positionInSequence is written as 2/3.
func positionInSequence(s string) *flaw {
	position, end, found := strings.Cut(s, "/")
	if !found || position == "" || end == "" || notIn(position+end, isDigit) >= 0 {
		return wrong("Write it as 2/3.", "holds no position in a sequence")
	}
	if position[0] == '0' || end[0] == '0' {
		return wrong("Leave leading zeros out.", "holds a number that begins with 0")
	}
	if len(position) > len(end) || len(position) == len(end) && position > end {
		return wrong("The position comes first, then the end.", "names position %s of %s", position, end)
	}
	return nil
}

func notZero(s string) *flaw {
	if f := digits(s, 0); f != nil {
		return f
	}
	if strings.Trim(s, "0") == "" {
		return wrong("Give a number above zero.", "holds a zero")
	}
	return nil
}

func allZero(s string) *flaw {
	if s == "" || strings.Trim(s, "0") != "" {
		return wrong("Put 0 there.", "holds %q where a 0 stands", s)
	}
	return nil
}

func noLeadingZero(s string) *flaw {
	if strings.HasPrefix(s, "0") {
		return wrong("Leave leading zeros out.", "begins with 0")
	}
	return digits(s, 0)
}

func hasNonDigit(s string) *flaw {
	if notIn(s, isDigit) < 0 {
		return wrong("Add a letter or sign.", "holds digits only")
	}
	return nil
}

// hyphens marks a temperature below zero.
func hyphens(s string) *flaw {
	if s == "" || strings.Trim(s, "-") != "" {
		return wrong("Write - for below zero, or nothing.", "ends in %q", s)
	}
	return nil
}

func isBase64(c byte) bool { return is64(c) || c == '=' }

// padded64 asks for base64url whose padding, if any, is one or two = that make
// the length a multiple of three.
func padded64(s string) *flaw {
	data := strings.TrimRight(s, "=")
	if i := notIn(data, is64); i >= 0 {
		return &flaw{codeCharacter, fmt.Sprintf("holds %q, which is not of base64url", character(data[i:])), "Encode it as base64url."}
	}
	if padding := len(s) - len(data); padding > 2 || padding > 0 && len(s)%3 != 0 {
		return wrong("Encode it as base64url.", "is not padded as base64url is")
	}
	return nil
}
