package traceability

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/web"
)

func TestStorageRanges(t *testing.T) {
	for text, want := range map[string]string{"2 to 6 °C": "2 6", "2–6 °C": "2 6", "-25 to -18 °C": "-25 -18", "−1,5 – 4 °C": "-1.5 4", "0-4": "0 4", "5–25 °C": "5 25",
		"2 °C to 6 °C": "2 6", "2 至 6 °C": "2 6", "dry": "", "": "", "6 to 2 °C": "", "below 8 °C": ""} {
		got := ""
		if low, high, ok := rangeOf(text); ok {
			got = fmt.Sprint(low, high)
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// Minutes by hand: from 8:00 a reading every five minutes.
func TestMinutesOutOfRange(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 1, 8, minute, 0, 0, time.UTC) }
	point := func(minute int, value float64) reading { return reading{At: at(minute), Low: value, High: value} }
	span := func(from, to int, low, high float64) reading {
		end := at(to)
		return reading{At: at(from), Until: &end, Low: low, High: high}
	}
	for name, c := range map[string]struct {
		all  []reading
		want int
	}{
		"nothing":                 {nil, 0},
		"all in range":            {[]reading{point(0, 2), point(5, 6)}, 0},
		"two, then back":          {[]reading{point(0, 7), point(5, 8), point(10, 5)}, 10},
		"too cold counts":         {[]reading{point(0, 1.9), point(5, 2)}, 5},
		"the last speaks for 15":  {[]reading{point(0, 4), point(5, 9)}, 15},
		"a gap is not counted":    {[]reading{point(0, 9), point(55, 4)}, 15},
		"a span counts whole":     {[]reading{span(0, 40, 4, 6.1)}, 40},
		"time counts once":        {[]reading{span(0, 40, 4, 9), span(20, 60, 4, 9)}, 60},
		"two devices at one time": {[]reading{point(0, 9), point(0, 9), point(5, 4)}, 5},
	} {
		if got := minutesOut(c.all, 2, 6); got != c.want {
			t.Errorf("%s: %d minutes, want %d", name, got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for want, all := range map[float64][]float64{3: {3}, 2: {3, 1, 2}, 2.5: {4, 1, 2, 3}} {
		if got := median(all); got != want {
			t.Errorf("%v: %v, want %v", all, got, want)
		}
	}
}

// A lot made at 00:00 with ten days of shelf life, on hand-computed days.
func TestShelfLifeLeft(t *testing.T) {
	made := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	s := stockRow{Made: made, Expiry: "2026-11-10", moved: made}
	for day, want := range map[int]struct {
		days  int
		share float64
		state string
	}{0: {10, 1, ""}, 5: {5, 0.5, ""}, 8: {2, 0.2, "near"}, 10: {0, 0, "expired"}, 12: {-2, -0.2, "expired"}, 14: {-4, -0.4, "expired slow"}} {
		now := made.AddDate(0, 0, day)
		days, share, told := s.left(now)
		if !told || days != want.days || math.Abs(share-want.share) > 1e-9 || strings.Join(s.states(now), " ") != want.state || s.age(now) != day {
			t.Errorf("day %d: %d days, %.2f, %v, want %+v", day, days, share, s.states(now), want)
		}
	}
}

// insight asks for one view as a program does.
func (w *viewsWorld) insight(who, query string) [][]any {
	w.t.Helper()
	_, body := w.signedIn(who).get("/traceability/insights?"+query, "Accept", "application/json")
	var v struct{ Items [][]any }
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		w.t.Fatalf("%v: %s", err, body)
	}
	return v.Items
}

func warm(minute time.Time, value string) epcis.SensorElement {
	return epcis.SensorElement{Metadata: epcis.SensorMetadata{Time: minute.UTC()}, Reports: []epcis.SensorReport{{Type: "Temperature", Value: epcis.Number(value), Unit: "CEL"}}}
}

// The story of milk and cheese with its figures by hand: 1000 + 600 kg of milk,
// 780 of 800 kg arrive, 600 kg of it become 60 kg of cheese, 25 and 10 of which
// are shipped.
func TestInsightsOfAStory(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	c1 := lotOf(cheeseGTIN, "C1")
	at := w.sleep(time.Hour).Truncate(time.Minute)
	w.capture("harbour-foods", epcis.Event{Type: epcis.ObjectEvent, Action: epcis.Observe, BizStep: "sensor_reporting", Quantities: []epcis.Quantity{kilos(c1, "25")},
		Sensors: []epcis.SensorElement{warm(at.Add(-20*time.Minute), "9.5"), warm(at.Add(-10*time.Minute), "5")}})

	stock := w.insight("harbour-foods", "sort=lot")
	if got := fmt.Sprintf("%v %v %v %v", stock[0][0], stock[0][3], stock[0][4], stock[0][9]); len(stock) != 3 || got != "C1 25 kg 10" {
		t.Errorf("the stock of the cheese maker: %v: %s", stock, got)
	}
	if got := w.insight("harbour-foods", "state=out"); len(got) != 1 {
		t.Errorf("out of range: %v", got)
	}
	if got := w.insight("city-market", ""); len(got) != 1 || fmt.Sprint(got[0][3]) != "25" {
		t.Errorf("the market's stock: %v", got)
	}
	if got := w.insight("far-shop", ""); len(got) != 0 {
		t.Errorf("a stranger reads %v", got)
	}
	if got := w.insight("food-safety", ""); len(got) != 6 {
		t.Errorf("the regulator reads %d lines of stock", len(got))
	}
	if got := w.insight("food-safety", "company=city-market"); len(got) != 1 {
		t.Errorf("the regulator reads of the market %v", got)
	}

	yield := w.insight("harbour-foods", "view=yield")
	if got := fmt.Sprintf("%v %v %v %v %v", yield[0][4], yield[0][5], yield[0][7], yield[0][8], yield[0][9]); len(yield) != 1 || got != "600 60 10 10 0" {
		t.Errorf("yield: %v", yield)
	}
	// M1 travels 5 hours and what one command takes, M2 only that; M1 was 20 kg short.
	in := w.insight("harbour-foods", "view=deliveries&sort=-count")
	if got := fmt.Sprint(in[0][2], in[0][5]); len(in) != 2 || got != "2 50" {
		t.Errorf("deliveries: %v", in)
	}
	dwell := w.insight("harbour-foods", "view=dwell")
	used := ""
	for _, row := range dwell {
		if row[1] == "until it was used" {
			used = fmt.Sprint(row[2])
		}
	}
	if used != "2" {
		t.Errorf("dwell: %v", dwell)
	}
	for _, form := range sheetForms {
		if res, body := w.signedIn("harbour-foods").get("/traceability/insights." + form + "?view=yield"); res.StatusCode != 200 || len(body) < 100 {
			t.Errorf("%s: %s", form, body)
		}
	}
	_, csv := w.signedIn("harbour-foods").get("/traceability/insights.csv?sort=lot")
	has(t, csv, "C1", "25", "10")
	visit(t, w.Host, "harbour-foods").open("/traceability/insights").sees("Out of range", "up to 7 days", "3 lots")
}

var headings = regexp.MustCompile(`(?s)<th scope="col"[^>]*>(.*?)</th>`)

// The headings of every view are Chinese to who reads Chinese.
func TestInsightsInChinese(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	v := w.signedIn("harbour-foods")
	for _, view := range append(insightViews, web.Option{}) {
		_, body := v.get("/traceability/insights?view="+view.Value, "Cookie", "tw_lang=zh")
		all := headings.FindAllStringSubmatch(body, -1)
		if len(all) == 0 {
			t.Errorf("%s has no headings", view.Value)
		}
		for _, h := range all {
			if text := tags.ReplaceAllString(h[1], ""); strings.ContainsAny(text, "abcdefghijklmnopqrstuvwxyz") {
				t.Errorf("%s: the heading %q", view.Value, text)
			}
		}
	}
	for _, text := range []string{"up to 7 days", "8 to 30 days", "31 to 90 days", "more than 90 days", "until it was shipped", "until it was used", "until it was sold", "on the way"} {
		if w.Web.Words().T("zh", text) == text {
			t.Errorf("not translated: %s", text)
		}
	}

	// What an event that is not for everybody says of temperatures does not stand
	// in the tables.
	e := epcis.Event{Type: epcis.ObjectEvent, Action: epcis.Observe, BizStep: "sensor_reporting", Quantities: []epcis.Quantity{kilos(lotOf(milkGTIN, "M1"), "80")},
		Sensors: []epcis.SensorElement{warm(w.sleep(time.Minute), "30")}}
	w.capture("harbour-foods", e, trace.Private)
	if got := w.insight("harbour-foods", "q=M1"); len(got) != 1 || got[0][9] != nil {
		t.Errorf("a private reading stands in the tables: %v", got)
	}
}

var tags = regexp.MustCompile(`(?s)<[^>]*>`)

// A hundred thousand lots in stock stay behind one page's bound.
func TestInsightsStayBounded(t *testing.T) {
	w := viewsHost(t)
	w.log("greenfield-dairy", lotOf(milkGTIN, "M1"), "1000", "2026-12-24")
	fill := `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) `
	for _, into := range []string{
		`INSERT INTO tr_lots (id, gtin, number, serial, batch, maker, unit, made, at, expiry, origin, flags, blocked, block, told)
			` + fill + `SELECT '01/` + milkGTIN + `/10/B' || i, gtin, 'B' || i, serial, batch, maker, unit, made, at, expiry, origin, flags, blocked, block, told FROM n, tr_lots WHERE number = 'M1'`,
		`INSERT INTO tr_accounts (lot, party, held, packed, sent, used, sold, destroyed, gone, lost, in_stock)
			` + fill + `SELECT '01/` + milkGTIN + `/10/B' || i, party, held, packed, sent, used, sold, destroyed, gone, lost, in_stock FROM n, tr_accounts WHERE lot LIKE '%/M1'`,
	} {
		if _, err := w.DB.ExecContext(t.Context(), into); err != nil {
			t.Fatal(err)
		}
	}
	page := visit(t, w.Host, "greenfield-dairy").open("/traceability/insights").sees("There is more than this page looks through.", "100 of 5000 lines")
	if len(page.page) > 300_000 {
		t.Errorf("the page has %d bytes", len(page.page))
	}
	if got := w.insight("greenfield-dairy", "q=B99999"); len(got) != 1 {
		t.Errorf("a search finds %d", len(got))
	}
}
