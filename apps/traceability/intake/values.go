package intake

import (
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/sheet"
)

// Rules of sheets, beside those of the forms.
var (
	// ErrFile is about a file as a whole.
	ErrFile = chaincode.Rule{Code: "traceability/import-file", Kind: chaincode.Malformed,
		Text: "This file cannot be read.", Remedy: "Save it as an Excel workbook (.xlsx) or as CSV of at most 4 MB and 5,000 rows, without a password."}
	// ErrColumns asks for a sheet whose columns can be told apart.
	ErrColumns = chaincode.Rule{Code: "traceability/import-columns", Kind: chaincode.Malformed,
		Text: "A column is missing or stands twice.", Remedy: "Keep the headings of the template in the first row, in any order."}
	// ErrDate asks for a day that can be read in one way only.
	ErrDate = chaincode.Rule{Code: "traceability/import-date", Kind: chaincode.Malformed,
		Text: "This date cannot be read, or could mean two days.", Remedy: "Write it as 2026-11-20, with a time as 2026-11-20 14:30."}
	// ErrNumber asks for a number that can be read in one way only.
	ErrNumber = chaincode.Rule{Code: "traceability/import-number", Kind: chaincode.Malformed,
		Text: "This number cannot be read, or could mean two numbers.", Remedy: "Write it without separators between thousands: 1234 or 1234.5."}
	// ErrUnit asks for a unit that is known here.
	ErrUnit = chaincode.Rule{Code: "traceability/import-unit", Kind: chaincode.Malformed,
		Text: "This unit is not known.", Remedy: "Write a symbol (kg), a name (kilogram) or a UN/ECE code (KGM); pcs for pieces."}
	// ErrDigits refuses a number of which the spreadsheet has lost digits.
	ErrDigits = chaincode.Rule{Code: "traceability/import-digits", Kind: chaincode.Malformed,
		Text: "The spreadsheet has turned this number into 9.5E+12 or the like, and digits are lost.", Remedy: "Set the cell's format to text and enter the number again, or use the template."}
	// ErrFormula refuses a formula that was never worked out.
	ErrFormula = chaincode.Rule{Code: "traceability/import-formula", Kind: chaincode.Malformed,
		Text: "The formula in this cell has no value.", Remedy: "Open the file in your spreadsheet, save it, and upload it again; or enter the value itself."}
	// ErrCompany asks for a company of this network.
	ErrCompany = chaincode.Rule{Code: "traceability/import-company", Kind: chaincode.Malformed,
		Text: "No company of this network has this name.", Remedy: "Choose it from the template's list, or enter its id."}
	// ErrProduct asks for a product that is described.
	ErrProduct = chaincode.Rule{Code: "traceability/import-product", Kind: chaincode.Malformed,
		Text: "No single product of yours has this name.", Remedy: "Enter its GTIN, or describe the product first."}
	// ErrChoice asks for one of a few words.
	ErrChoice = chaincode.Rule{Code: "traceability/import-choice", Kind: chaincode.Malformed,
		Text: "This is none of the choices.", Remedy: "Choose from the template's list."}
	// ErrDiffers keeps rows of one record from contradicting each other.
	ErrDiffers = chaincode.Rule{Code: "traceability/import-differs", Kind: chaincode.Malformed,
		Text: "Rows of one record differ.", Remedy: "Give rows with the same number the same date and company, or give them different numbers."}
	// ErrTwice keeps the same record from being meant twice and booked once.
	ErrTwice = chaincode.Rule{Code: "traceability/import-twice", Kind: chaincode.Malformed,
		Text: "Two rows say exactly the same, and the ledger would take them for one.", Remedy: "Add the time of day to each, or add the quantities up in one row."}
	// ErrIncomplete asks for what was moved.
	ErrIncomplete = chaincode.Rule{Code: "traceability/import-incomplete", Kind: chaincode.Malformed,
		Text: "The row names neither goods with their quantity nor a pack, or it names both.", Remedy: "Fill in product, lot number and quantity, or the pack alone."}
)

// Rules are all of them.
var Rules = []chaincode.Rule{ErrFile, ErrColumns, ErrDate, ErrNumber, ErrUnit, ErrDigits, ErrFormula, ErrCompany, ErrProduct, ErrChoice, ErrDiffers, ErrTwice, ErrIncomplete}

// epoch is day 0 of a spreadsheet's dates.
var epoch = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)

// dateForms are those that mean one day only. Days stand before months where
// dots part them; where slashes do, the order is found out.
var dateForms = []string{time.DateOnly, "2006/1/2", "2006-1-2", "2006.1.2", "2.1.2006", "2006年1月2日", "2 Jan 2006", "2 January 2006", "Jan 2, 2006", "January 2, 2006", "20060102"}

var clockForms = []string{"15:04", "15:04:05", "15时04分"}

// readDate reads a date with or without the time of day, in a zone.
func readDate(c sheet.Cell, zone *time.Location) (time.Time, error) {
	if c.Number && (c.Date || len(c.Text) != 8) {
		return fromSerial(c.Text, zone)
	}
	text := strings.Join(strings.Fields(strings.ReplaceAll(c.Text, "　", " ")), " ")
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return sensible(t)
	}
	day, clock := text, ""
	if i := strings.LastIndexAny(text, " T日"); i >= 0 && strings.ContainsAny(text[i:], ":时") {
		day, clock = strings.TrimRight(text[:i], " T"), strings.Trim(text[i:], " T日")
		if strings.HasPrefix(text[i:], "日") {
			day += "日"
		}
	}
	t, err := readDay(day)
	if err != nil {
		return t, err
	}
	var of time.Time
	for _, form := range clockForms {
		if of, err = time.Parse(form, clock); clock == "" || err == nil {
			return sensible(time.Date(t.Year(), t.Month(), t.Day(), of.Hour()%24, of.Minute(), of.Second(), 0, zone))
		}
	}
	return t, ErrDate.Refuse("%s", c.Text)
}

func readDay(day string) (time.Time, error) {
	for _, form := range dateForms {
		if t, err := time.Parse(form, day); err == nil {
			return t, nil
		}
	}
	us, errUS := time.Parse("1/2/2006", day)
	world, errWorld := time.Parse("2/1/2006", day)
	switch {
	case errUS == nil && errWorld == nil && !us.Equal(world):
		return us, ErrDate.Refuse("%s: %s or %s", day, us.Format(time.DateOnly), world.Format(time.DateOnly))
	case errUS == nil:
		return us, nil
	case errWorld == nil:
		return world, nil
	}
	return us, ErrDate.Refuse("%s", day)
}

// fromSerial reads days since 1899-12-30, to the second.
func fromSerial(serial string, zone *time.Location) (time.Time, error) {
	days, ok := exact(serial)
	if !ok || days.Sign() < 0 || days.Cmp(big.NewRat(100_000, 1)) > 0 {
		return time.Time{}, ErrDate.Refuse("%s", serial)
	}
	half := new(big.Rat).Add(days.Mul(days, big.NewRat(86400, 1)), big.NewRat(1, 2))
	seconds := new(big.Int).Quo(half.Num(), half.Denom()).Int64()
	t := epoch.Add(time.Duration(seconds) * time.Second)
	return sensible(time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone))
}

// exact reads a short decimal; "1e999999999" would take all memory there is.
func exact(text string) (*big.Rat, bool) {
	if len(text) > 60 || strings.ContainsAny(text, "eE/xX_pP") {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

// sensible refuses slips of a century.
func sensible(t time.Time) (time.Time, error) {
	if t.Year() < 1990 || t.Year() > 2100 {
		return t, ErrDate.Refuse("%s", t.Format(time.DateOnly))
	}
	return t, nil
}

// readAmount reads a decimal as people write it: 1234.5, 1234,5, 1 234,5 or
// 1,234.50. A comma before three digits could part thousands or decimals.
func readAmount(c sheet.Cell) (gs1.Amount, error) {
	text := strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", "'", "", "’", "", "，", ",", "．", ".").Replace(c.Text)
	if !c.Number {
		comma, point := strings.LastIndexByte(text, ','), strings.LastIndexByte(text, '.')
		switch {
		case comma >= 0 && point > comma:
			if !thousands(text[:point], ",") {
				return gs1.Amount{}, ErrNumber.Refuse("%s", c.Text)
			}
			text = strings.ReplaceAll(text, ",", "")
		case comma > point && point >= 0:
			if !thousands(text[:comma], ".") {
				return gs1.Amount{}, ErrNumber.Refuse("%s", c.Text)
			}
			text = strings.Replace(strings.ReplaceAll(text, ".", ""), ",", ".", 1)
		case strings.Count(text, ",") > 1 && thousands(text, ","):
			text = strings.ReplaceAll(text, ",", "")
		case strings.Count(text, ",") == 1 && len(text)-comma-1 != 3, strings.HasPrefix(text, "0,"):
			text = strings.Replace(text, ",", ".", 1)
		}
	}
	a, err := gs1.ParseAmount(text)
	if err != nil || strings.ContainsAny(text, "eE/") {
		return gs1.Amount{}, ErrNumber.Refuse("%s", c.Text)
	}
	return a, nil
}

// thousands tells whether a sign parts a number into groups of three.
func thousands(text, sign string) bool {
	groups := strings.Split(text, sign)
	for i, g := range groups {
		if i > 0 && len(g) != 3 || i == 0 && (len(g) == 0 || len(g) > 3) || strings.Trim(g, "0123456789") != "" {
			return false
		}
	}
	return true
}

// pieces are words for the unit that events leave empty.
var pieces = map[string]bool{"pc": true, "pcs": true, "piece": true, "pieces": true, "ea": true, "each": true, "h87": true, "c62": true, "件": true, "个": true, "只": true, "-": true}

// readUnit reads a unit; the template's list says "kg · kilogram". H87 stands
// for pieces.
func readUnit(text string) (string, error) {
	first, _, _ := strings.Cut(text, "·")
	first = strings.TrimSpace(first)
	if pieces[strings.ToLower(first)] {
		return "H87", nil
	}
	u, ok := gs1.FindUnit(first)
	if !ok {
		return "", ErrUnit.Refuse("%s", text)
	}
	return u.Code, nil
}

// readDigits reads an identifying number: of "Fresh milk · 09506000134352" the
// last part. It gives leading zeros back that a spreadsheet has dropped, up to
// the length that is asked for, and says so; what was turned into 9.5E+12 has
// lost more than that.
func readDigits(c sheet.Cell, length int) (digits string, mended bool, err error) {
	text := c.Text
	if i := strings.LastIndex(text, "·"); i >= 0 {
		text = text[i+len("·"):]
	}
	text = strings.NewReplacer(" ", "", "\u00a0", "", "-", "").Replace(strings.TrimSpace(text))
	if scientific(text) || c.Number && len(text) > 15 {
		return "", false, ErrDigits.Refuse("%s", c.Text)
	}
	if text == "" || strings.Trim(text, "0123456789") != "" || len(text) >= length || len(text) < length/2 {
		return text, false, nil
	}
	return strings.Repeat("0", length-len(text)) + text, true, nil
}

// scientific recognises "9.50600013435E+12".
func scientific(text string) bool {
	upper := strings.ToUpper(text)
	mantissa, exponent, ok := strings.Cut(upper, "E")
	if !ok || mantissa == "" || strings.Trim(mantissa, "0123456789.,") != "" {
		return false
	}
	_, err := strconv.Atoi(strings.TrimPrefix(exponent, "+"))
	return err == nil && (strings.ContainsAny(mantissa, ".,") || strings.HasPrefix(exponent, "+"))
}
