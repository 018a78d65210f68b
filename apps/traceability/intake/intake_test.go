package intake

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/sheet"
)

func TestDatesAreReadInOneWayOnly(t *testing.T) {
	zone := time.FixedZone("", 8*3600)
	for text, want := range map[string]string{
		"2026-11-20": "2026-11-20T00:00:00+08:00", "2026-11-20 14:30": "2026-11-20T14:30:00+08:00", "2026/11/2": "2026-11-02T00:00:00+08:00",
		"20.11.2026": "2026-11-20T00:00:00+08:00", "03.04.2026": "2026-04-03T00:00:00+08:00", "20/11/2026": "2026-11-20T00:00:00+08:00",
		"11/20/2026": "2026-11-20T00:00:00+08:00", "2026年11月20日": "2026-11-20T00:00:00+08:00", "2026年11月20日 08:05": "2026-11-20T08:05:00+08:00",
		"20 Nov 2026": "2026-11-20T00:00:00+08:00", "2026-11-20T14:30:00+01:00": "2026-11-20T14:30:00+01:00", "20261120": "2026-11-20T00:00:00+08:00",
		"03/04/2026": "", "2026-13-01": "", "yesterday": "", "0026-01-01": "", "2026-11-20 25:00": "",
	} {
		got, err := readDate(sheet.Cell{Text: text}, zone)
		if want == "" && !errors.Is(err, ErrDate) || want != "" && (err != nil || got.Format(time.RFC3339) != want) {
			t.Errorf("%q is %v, %v; want %s", text, got, err, want)
		}
	}
	for serial, want := range map[string]string{"46346": "2026-11-20T00:00:00+08:00", "46346.604166666664": "2026-11-20T14:30:00+08:00", "-1": "", "1e999999999": ""} {
		got, err := readDate(sheet.Cell{Text: serial, Number: true, Date: true}, zone)
		if want == "" && !errors.Is(err, ErrDate) || want != "" && (err != nil || got.Format(time.RFC3339) != want) {
			t.Errorf("day %s is %v, %v; want %s", serial, got, err, want)
		}
	}
}

func TestNumbersAreReadInOneWayOnly(t *testing.T) {
	for text, want := range map[string]string{"5": "5", "1.5": "1.5", "1,5": "1.5", "0,125": "0.125", "1 200": "1200", "1.234,50": "1234.5", "1,234.5": "1234.5", "1,234,567": "1234567", "1'000": "1000",
		"1,234": "", "1,23,4": "", "1.2.3": "", "five": "", "1e5": "", "1/3": "", "12,34.5": ""} {
		got, err := readAmount(sheet.Cell{Text: text})
		if want == "" && !errors.Is(err, ErrNumber) || want != "" && (err != nil || got.String() != want) {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestIdentifiersKeepTheirDigits(t *testing.T) {
	for _, c := range []struct {
		cell   sheet.Cell
		length int
		want   string
		mended bool
		rule   chaincode.Rule
	}{
		{sheet.Cell{Text: "09506000134352"}, 14, "09506000134352", false, chaincode.Rule{}},
		{sheet.Cell{Text: "Fresh milk · 09506000134352"}, 14, "09506000134352", false, chaincode.Rule{}},
		{sheet.Cell{Text: "9506000134352", Number: true}, 14, "09506000134352", true, chaincode.Rule{}},
		{sheet.Cell{Text: "95060001340000017"}, 18, "095060001340000017", true, chaincode.Rule{}},
		{sheet.Cell{Text: "9.50600013435E+12"}, 14, "", false, ErrDigits},
		{sheet.Cell{Text: "9,50600013435E+12"}, 14, "", false, ErrDigits},
		{sheet.Cell{Text: "195060001340000000", Number: true}, 18, "", false, ErrDigits},
	} {
		got, mended, err := readDigits(c.cell, c.length)
		if got != c.want || mended != c.mended || c.rule.Code == "" && err != nil || c.rule.Code != "" && !errors.Is(err, c.rule) {
			t.Errorf("%+v is %q, %v, %v", c.cell, got, mended, err)
		}
	}
}

// Every heading of every kind means one column of it, in both languages.
func TestHeadingsMeanOneColumn(t *testing.T) {
	for _, k := range Kinds {
		for _, c := range k.Columns {
			for _, heading := range append([]string{c.Head("en"), c.Head("zh"), strings.ToUpper(c.En)}, c.Also...) {
				var found []string
				for _, other := range k.Columns {
					if other.means(heading) {
						found = append(found, other.Key)
					}
				}
				if len(found) != 1 || found[0] != c.Key {
					t.Errorf("%s: %q means %v, want %s", k.Name, heading, found, c.Key)
				}
			}
		}
	}
}

// FuzzRead wants an answer to any sheet of any kind: entries or refusals, never
// a panic.
func FuzzRead(f *testing.F) {
	f.Add("lots", "Date,Product,Lot number,Quantity,Unit\n2026-11-20,Fresh milk,L1,\"1,5\",kg\n")
	f.Add("processes", "加工编号;日期;投入或产出;产品;批号;数量;产出容差\nP1;46346;投入;9.5E+12;L1;1e99;0.5%\n")
	f.Add("products", "GTIN,Name,Unit,Shelf life\n1,x,件,9999999999999999999\n")
	f.Fuzz(func(t *testing.T, kind, text string) {
		k, ok := Of(kind)
		if !ok {
			return
		}
		s, err := k.Read("f.csv", []byte(text), time.UTC, Lists{Products: map[string][]string{"freshmilk": {"09506000134352"}}})
		if (s == nil) == (err == nil) {
			t.Fatalf("%v, %v", s, err)
		}
	})
}
