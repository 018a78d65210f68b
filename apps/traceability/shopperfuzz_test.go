package traceability

import (
	"strings"
	"testing"

	"github.com/tallyway/tallyway/shared/epcis"
)

// FuzzPackAddress says that an address that came from outside leads to a pack's
// page of this house, or nowhere.
func FuzzPackAddress(f *testing.F) {
	for _, s := range []string{"/01/09506000134352/10/M1", "/01/09506000134352/10/A%2F1/21/9", "//evil.example/01/09506000134352/10/M1", "https://evil.example/01/09506000134352/10/M1", "/01/09506000134352", "", "/", "/01/09506000134352/10/\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, to := range []string{packAddress(text), packPage(text)} {
			if to != "" && (!strings.HasPrefix(to, "/01/") || strings.ContainsAny(to, "\r\n\"<>\\ ")) {
				t.Errorf("%q leads to %q", text, to)
			}
		}
	})
}

// FuzzStorage says that no text of a storage and no reading breaks the drawing.
func FuzzStorage(f *testing.F) {
	for _, s := range [][2]string{{"2 to 6 °C", "4"}, {"-18 °C", "NaN"}, {"0–4℃", "1e9"}, {"2至6℃", "-300"}, {"9 to 2 °C", ""}} {
		f.Add(s[0], s[1])
	}
	pages := newShopperPages("en", func(_, text string, facts ...any) string { return sayer{}.T(text, facts...) }, "", "")
	f.Fuzz(func(t *testing.T, storage, value string) {
		var e epcis.Event
		e.Sensors = []epcis.SensorElement{{Reports: []epcis.SensorReport{{Type: "Temperature", Value: epcis.Number(value), Unit: "CEL"}, {Type: "Temperature", Value: "3", Unit: "FAH"}}}}
		c := newCurve(readingsOf(&e), storage)
		if c.Low != nil && *c.Low > *c.High {
			t.Errorf("%q is read as %v to %v", storage, *c.Low, *c.High)
		}
		page := string(pages.whole(nil, pages.write(&shopperView{Product: "x", Cold: c})))
		if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") {
			t.Errorf("%q, %q: the drawing holds no numbers", storage, value)
		}
	})
}

func TestLimitsOfStorage(t *testing.T) {
	for text, want := range map[string][2]float64{"2 to 6 °C": {2, 6}, "-20 to -18 °C": {-20, -18}, "2至6℃": {2, 6}, "0–4 °C, dry": {0, 4}} {
		low, high := limits(text)
		if low == nil || *low != want[0] || *high != want[1] {
			t.Errorf("%q is read as %v, %v", text, low, high)
		}
	}
	for _, text := range []string{"", "cool and dry", "below 8 °C", "9 to 2 °C"} {
		if low, _ := limits(text); low != nil {
			t.Errorf("%q is read as limits", text)
		}
	}
}
