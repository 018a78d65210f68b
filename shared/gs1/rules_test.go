package gs1

import (
	"strings"
	"testing"
)

// TestRules gives each rule what it takes and what it refuses; other parts of
// a value would stop some of these before the rule is asked.
func TestRules(t *testing.T) {
	for name, c := range map[string]struct {
		rule           rule
		takes, refuses string // separated by blanks; "_" is the empty string
	}{
		"check digit":  {endsInCheckDigit, "02345673 416000336108 123456789012345675", "_ 02345674 0234567x x2345673"},
		"check pair":   {endsInCheckPair, "22 !22 12345678901234567890123NT", "_ 2 33 \x7f22 " + strings.Repeat("1", 98) + "NT"},
		"prefix at 0":  {prefixAt0, "9506 9506A", "_ 950 950A6"},
		"prefix at 1":  {prefixAt1, "09506 X9506", "9506 09A06"},
		"yymmdd":       {yymmdd, "000229 960229 271231", "270229 271232 270001 271301 270100 27010 2701011 27010x"},
		"yymmd0":       {yymmd0, "270200", "270229 270000"},
		"yyyymmdd":     {yyyymmdd, "20000229 20240229 99991231", "19000229 21000229 20230229 20230100"},
		"hour":         {hour, "00 23", "24 1 001 x1"},
		"minute":       {minute, "00 59", "60 1"},
		"second":       {second, "00 59", "60 5x"},
		"hour, minute": {hourMinute, "0000 2359", "2400 2360 000 00000 00x0"},
		"country":      {countryNumber, "156 528", "_ 000 999 15 1566"},
		"countries":    {countryNumberOr999, "156 999", "998 99"},
		"alpha-2":      {countryLetter, "CN NL", "_ cn XX C CNN"},
		"currency":     {currencyNumber, "156 978", "_ 000 15"},
		"package":      {packageType, "PX 8 X20", "_ 0 px"},
		"sex":          {sex, "0 1 2 9", "_ 3 01"},
		"winding":      {winding, "0 1 9", "_ 2 01"},
		"yes or no":    {yesNo, "0 1", "_ 2 01"},
		"media":        {mediaType, "01 10 80 99", "_ 00 11 79 1 AA"},
		"IBAN":         {iban, "GB98MIDL07009312345678 CH5604835012345678009", "_ GB98MIDL07009312345679 XX98MIDL07009312345678 GB98midl07009312345678 GB98 GB98" + strings.Repeat("1", 31)},
		"importer":     {importerIndex, "A z 0 -", "_ AA /"},
		"latitude":     {latitude, "0000000000 1800000000", "1800000001 180000000 180000000x"},
		"longitude":    {longitude, "0000000000 3600000000", "3600000001 36000000000"},
		"percent":      {percentEncoded, "A %20 %fF%00", "% %2 %g0 A%0g"},
		"piece":        {pieceOfTotal, "11 0102 003003", "_ 1 111 00 01 10 0201 0x02"},
		"position":     {positionInSequence, "1/1 9/10", "_ / 1 1/ /1 0/1 1/02 3/2 10/9 1/2/3 a/b"},
		"not zero":     {notZero, "1 010", "_ 0 00 1x"},
		"zero":         {allZero, "0 00", "_ 1 01 x"},
		"no leading 0": {noLeadingZero, "1 10", "0 01 1x"},
		"non-digit":    {hasNonDigit, "A 1A /", "_ 1 123"},
		"hyphens":      {hyphens, "- --", "_ + -+"},
		"base64url":    {padded64, "A AB- _x 12= 1==", "= 123= 12== 1=== A=B +"},
		"coupon": {couponCode, "012345612345611110123 10614141011111275110111 106141410222223100110222111101231023456721104561045678991201 " +
			"106141411234562891101201212085010048000214025610048000310123191000 1061414165432131501101201211014092110256100126663101231 012345612345611110123101101239",
			"_ 0 7 012345 0123456 01234561 0123456123456 01234561234560 012345612345611 012345612345611110 012345612345611115123 0123456123456111101230 0123456123456111101231 " +
				"01234561234561111012314 012345612345611110123101101237 0123456123456111101233271301 01234561234561111012342 012345612345611110123590123 " +
				"01234561234561111012360 01234561234561111012393 0123456123456111101239003 01234561234561111012390002 0123456123456111101234270101327 01234561234561111012x"},
		"offer": {couponOffer, "001234561234560123456 061234567890121234569123456789012345", "_ 0 2 07 00123456123456012345 0012345612345601234567"},
	} {
		for s := range strings.FieldsSeq(c.takes) {
			if f := c.rule(s); f != nil {
				t.Errorf("%s: %q is refused: %+v", name, s, f)
			}
		}
		for s := range strings.FieldsSeq(c.refuses) {
			if s == "_" {
				s = ""
			}
			f := c.rule(s)
			if f == nil {
				t.Errorf("%s: %q is taken", name, s)
			} else if f.code == "" || f.says == "" || f.remedy == "" {
				t.Errorf("%s: %q is refused without a word: %+v", name, s, f)
			}
		}
	}
}

func TestLevelNames(t *testing.T) {
	var names []string
	for l := Other; l <= Party; l++ {
		names = append(names, l.String())
	}
	if got := strings.Join(names, " "); got != "other class lot instance place party" {
		t.Error(got)
	}
}
