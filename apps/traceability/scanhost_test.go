package traceability

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/readmodel"
)

const phone = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36"

// shopWorld is milkToShelf with every place on the map.
func shopWorld(t *testing.T) *viewsWorld {
	w := viewsHost(t)
	w.milkToShelf()
	for i, p := range []trace.DescribePlace{
		{GLN: "9506000134352", Name: "Greenfield plant", NameZh: "绿野工厂", City: "Meadowbrook", CityZh: "草溪镇", Country: "NZ", Latitude: "-36.9", Longitude: "174.8"},
		{GLN: "9501101530003", Name: "Harbour works", City: "Port Alma", Country: "NZ", Latitude: "-37.2", Longitude: "174.9"},
		{GLN: "9521234000006", Name: "City Market Main Street", City: "Springfield", Country: "NZ", Latitude: "-36.85", Longitude: "174.76"},
		{GLN: "9521234000013", Name: "Corner Shop", City: "Springfield", Country: "NZ", Latitude: "-36.86", Longitude: "174.77"}} {
		w.do([]string{"greenfield-dairy", "harbour-foods", "city-market", "corner-shop"}[i], p)
	}
	return w
}

// scan looks at a page as a phone, or as whatever the header fields say.
func (w *viewsWorld) scan(path string, header ...string) int {
	w.t.Helper()
	res, _ := w.stranger().get(path, append([]string{"User-Agent", phone, "Sec-Fetch-Dest", "document"}, header...)...)
	return res.StatusCode
}

// share says where a visitor is, by the form.
func (w *viewsWorld) share(visitor string, form url.Values) (int, string) {
	w.t.Helper()
	return w.post(visitor, "/shopper/place", form)
}

func (w *viewsWorld) post(visitor, path string, form url.Values) (int, string) {
	w.t.Helper()
	r, _ := http.NewRequest("POST", w.Address()+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", phone+visitor)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

// sum reads one number of the tables, again until it is what is wanted: looks are
// written a moment after the answer.
func (w *viewsWorld) sum(want int, query string, args ...any) {
	w.t.Helper()
	got := -1
	for range 100 {
		var err error
		if got, err = readmodel.One[int](context.Background(), w.DB, query, args...); err != nil {
			w.t.Fatal(err)
		}
		if got == want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.t.Errorf("%s is %d, want %d", query, got, want)
}

// TestShoppers tells these stories on one host, each about packs of its own.
func TestShoppers(t *testing.T) {
	w := shopWorld(t)
	for _, story := range []struct {
		name string
		tell func(*testing.T)
	}{
		{"only people are counted", w.testOnlyPeopleAreCounted},
		{"forged places are refused", w.testForgedPlacesAreRefused},
		{"statistics keep small numbers", w.testStatisticsKeepSmallNumbers},
		{"a dismissed alarm is forgotten", w.testADismissedAlarmIsForgotten},
		{"a scan by a shop that never got it", w.testAScanByAShopThatNeverGotIt},
		{"forged scans in parallel", w.testForgedScansInParallel},
		{"reports", w.testReports},
		{"cold chain and certificates", w.testColdChainAndCertificates},
		{"an alarm from scan to warning", w.testAnAlarmFromScanToWarning},
	} {
		w.room.forms = limiter{}
		t.Run(story.name, story.tell)
	}
}

const looks = `SELECT COALESCE(SUM(count), 0) FROM tr_scan_days`

func (w *viewsWorld) testOnlyPeopleAreCounted(t *testing.T) {
	page := "/" + c1
	for _, header := range [][]string{
		{"Sec-Fetch-Dest", "empty"}, // the page's own script
		{"Sec-Purpose", "prefetch"},
		{"User-Agent", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
		{"User-Agent", "curl/8.5.0"},
		{"User-Agent", "Mozilla/5.0 HeadlessChrome/140.0"},
		{"User-Agent", phone + strings.Repeat("x", 2000)},
	} {
		w.scan(page, header...)
	}
	head, err := http.Head(w.Address() + page)
	if err != nil || head.StatusCode != 200 {
		t.Fatal(head, err)
	}
	w.scan("/01/09506000134353") // a number with a wrong digit
	w.scan(page)
	w.scan(page)                             // again
	w.scan(page, "User-Agent", phone+" two") // somebody else
	w.scan("/01/" + cheeseGTIN + "/10/NOBODY")
	w.sum(3, looks)
	w.sleep(time.Hour)
	w.scan(page) // later that day: a look of its own
	w.sum(4, looks)
	w.sum(0, `SELECT COUNT(*) FROM tr_scan_places`)
	w.sum(0, `SELECT COUNT(*) FROM tr_scan_memory`)
}

// A copied serial number is scanned on three continents in one hour: the brand is
// told, judges and warns; shoppers are told so much as is known.
func (w *viewsWorld) testAnAlarmFromScanToWarning(t *testing.T) {
	serial := "/" + c1 + "/21/S1"
	if status := w.scan(serial); status != 200 {
		t.Fatal(status)
	}
	for i, city := range []string{"auckland", "london", "newyork"} {
		if status, body := w.share(fmt.Sprint(i), url.Values{"of": {serial}, "city": {city}}); status != 303 {
			t.Fatal(city, status, body)
		}
	}
	w.sum(1, `SELECT COUNT(*) FROM tr_alarms WHERE state = 'open' AND brand = 'harbour-foods' AND thing LIKE '%/21/S1'`)
	_, page := w.stranger().get(serial)
	has(t, page, "This number was looked at in unusual ways")
	lacks(t, page, "not genuine")
	id, err := readmodel.One[string](context.Background(), w.DB, `SELECT id FROM tr_alarms WHERE thing LIKE '%/21/S1'`)
	if err != nil {
		t.Fatal(err)
	}
	brand, rival := w.signedIn("harbour-foods"), w.signedIn("greenfield-dairy")
	_, home := brand.get("/traceability")
	has(t, home, "may be copied or on a wrong way")
	_, list := rival.get("/traceability/alarms")
	lacks(t, list, id)
	if res, _ := rival.get("/traceability/alarms/" + id); res.StatusCode != 404 {
		t.Error("another brand reads the alarm:", res.StatusCode)
	}
	_, shown := brand.get("/traceability/alarms/" + id)
	has(t, shown, "London")
	has(t, shown, "New York")
	has(t, shown, "scan-map")
	has(t, shown, "no pack travels so fast")
	_, api := w.signedIn("food-safety").get("/api/alarms/" + id)
	var m alarm
	if err := json.Unmarshal([]byte(api), &m); err != nil || m.Score < 60 || len(m.Signs) < 2 {
		t.Error(api, err)
	}
	judge := func(firm string, j judgement) int { return w.postJSON(firm, "/api/alarms/"+id+"/judge", j) }
	for j, want := range map[judgement]int{{Reason: "spite"}: 422, {Reason: "journey", Publish: true}: 422} {
		if got := judge("harbour-foods", j); got != want {
			t.Errorf("%+v is answered %d, want %d", j, got, want)
		}
	}
	if got := judge("greenfield-dairy", judgement{Reason: "counterfeit", Publish: true}); got != 404 {
		t.Error("another brand judges:", got)
	}
	if got := judge("harbour-foods", judgement{Reason: "counterfeit", Note: "batch print is wrong", Publish: true}); got != 200 {
		t.Fatal(got)
	}
	_, page = w.stranger().get(serial)
	has(t, page, "The brand warns of this serial number")
	has(t, page, "Published by Harbour Foods")
	_, other := w.stranger().get("/" + c1 + "/21/S2")
	lacks(t, other, "The brand warns")
	w.recall("harbour-foods", "R-9", "Listeria in the cheese", c1)
	_, page = w.stranger().get(serial)
	has(t, page, "Recalled")
	has(t, page, "The brand warns of this serial number")
}

func (w *viewsWorld) testADismissedAlarmIsForgotten(t *testing.T) {
	serial := "/" + c1 + "/21/D1"
	for i, city := range []string{"auckland", "london", "newyork"} {
		w.share(fmt.Sprint(i), url.Values{"of": {serial}, "city": {city}})
	}
	w.sum(1, `SELECT COUNT(*) FROM tr_alarms WHERE thing LIKE '%/21/D1'`)
	id, _ := readmodel.One[string](context.Background(), w.DB, `SELECT id FROM tr_alarms WHERE thing LIKE '%/21/D1'`)
	if got := w.postJSON("harbour-foods", "/api/alarms/"+id+"/judge", judgement{Reason: "test"}); got != 200 {
		t.Fatal(got)
	}
	_, page := w.stranger().get(serial)
	lacks(t, page, "unusual ways")
	w.share("4", url.Values{"of": {serial}, "city": {"sydney"}})
	w.sum(4, `SELECT COUNT(*) FROM tr_scan_places WHERE thing LIKE '%/21/D1'`)
	w.sum(0, `SELECT COUNT(*) FROM tr_alarms WHERE state = 'open' AND thing LIKE '%/21/D1'`)
}

// Another shop's signed-in user looks at a pack that was never sent there.
func (w *viewsWorld) testAScanByAShopThatNeverGotIt(t *testing.T) {
	w.do("far-shop", trace.DescribePlace{GLN: "9521234000020", Name: "Far Shop", City: "Elsewhere", Country: "NZ", Latitude: "-46.4", Longitude: "168.3"})
	own := w.signedIn("city-market")
	own.get("/"+c1+"/21/S3", "User-Agent", phone, "Sec-Fetch-Dest", "document")
	w.sum(1, `SELECT COUNT(*) FROM tr_scan_places WHERE shop = 'city-market' AND lat <> ''`)
	w.sum(0, `SELECT COUNT(*) FROM tr_alarms WHERE thing LIKE '%/21/S3'`)
	w.signedIn("far-shop").get("/"+c1+"/21/S3", "User-Agent", phone, "Sec-Fetch-Dest", "document")
	w.sum(1, `SELECT COUNT(*) FROM tr_alarms WHERE brand = 'harbour-foods' AND thing LIKE '%/21/S3'`)
}

func (w *viewsWorld) testForgedPlacesAreRefused(t *testing.T) {
	for _, form := range []url.Values{
		{"of": {"/" + c1}, "lat": {"NaN"}, "lon": {"0"}}, {"of": {"/" + c1}, "lat": {"999"}, "lon": {"0"}}, {"of": {"/" + c1}, "lat": {"1e308"}, "lon": {"-Inf"}},
		{"of": {"/" + c1}, "lat": {"1"}}, {"of": {"/" + c1}, "lat": {strings.Repeat("1", 5000)}, "lon": {"0"}}, {"of": {"/" + c1}, "city": {"atlantis"}},
		{"of": {"/" + c1}}, {"of": {"/" + lotOf(cheeseGTIN, "NOBODY")}, "city": {"london"}}, {"of": {"//evil.example/10/A"}, "city": {"london"}}, {"of": {"/01/" + cheeseGTIN}, "city": {"london"}}, {"city": {"london"}},
	} {
		if status, body := w.share("x", form); status != 422 || !strings.Contains(body, "remedy") {
			t.Errorf("%v is answered %d %.200s", form, status, body)
		}
	}
	if status, _ := w.share("x", url.Values{"of": {"/" + c1}, "city": {strings.Repeat("a", 9<<10)}}); status != 413 {
		t.Error("a giant form is answered", status)
	}
	w.sum(0, `SELECT COUNT(*) FROM tr_scan_places`)
}

// Whoever sends forged scans from many connections fills no table, stops no page
// and is stopped.
func (w *viewsWorld) testForgedScansInParallel(t *testing.T) {
	w.room.scans.fresh = allowance{most: 100, every: time.Minute}
	giant := strings.Repeat("y", 30<<10)
	var all sync.WaitGroup
	tooMany := make(chan bool, 32*40)
	for i := range 32 {
		all.Go(func() {
			for j := range 40 {
				w.scan(fmt.Sprintf("/%s/21/F%d-%d", c1, i, j), "User-Agent", phone+fmt.Sprint(i), "Accept-Language", giant[:1000*(j%30)])
				if status, _ := w.share(fmt.Sprint(i, j), url.Values{"of": {fmt.Sprintf("/%s/21/F%d-%d", c1, i, j)}, "lat": {fmt.Sprint(i)}, "lon": {fmt.Sprint(4 * j)}}); status == 429 {
					tooMany <- true
				}
			}
		})
	}
	all.Wait()
	if len(tooMany) < 32*40-mostOfOne {
		t.Errorf("%d of %d forged places were stopped", len(tooMany), 32*40)
	}
	w.sum(0, `SELECT CASE WHEN COUNT(*) > 150 THEN COUNT(*) ELSE 0 END FROM tr_scan_memory`)
	if res, page := w.stranger().get("/" + c1); res.StatusCode != 200 || len(page) < 1000 {
		t.Error("the page is not served:", res.StatusCode)
	}
}

func TestALookNeverWaits(t *testing.T) {
	w := viewsHost(t)
	d := newDeskWithoutWorker(w)
	for range mostQueued + 5 {
		d.note(seen{})
	}
	if len(d.queue) != mostQueued || *d.dropped != 5 {
		t.Errorf("%d wait, %d are dropped", len(d.queue), *d.dropped)
	}
}

type idleDesk struct {
	*scanDesk
	dropped *int
}

func newDeskWithoutWorker(w *viewsWorld) idleDesk {
	n := new(int)
	return idleDesk{&scanDesk{queue: make(chan seen, mostQueued), lost: func(k int) { *n += k }}, n}
}

func (w *viewsWorld) testReports(t *testing.T) {
	form := func(more ...string) url.Values {
		v := url.Values{"of": {"/" + c1}, "kind": {"spoiled"}, "text": {`It smells <script>alert(1)</script>`}, "contact": {"me@example.com"}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	for _, bad := range []url.Values{form("of", ""), form("kind", "x"), form("text", "  "), form("text", strings.Repeat("a", 2001)), form("text", "\xff\xfe\xfd\xfc"), form("contact", strings.Repeat("a", 201)), form("of", "/01/04007630000116")} {
		if status, body := w.post("", "/shopper/report", bad); status != 422 && status != 400 {
			t.Errorf("%v is answered %d %.100s", bad, status, body)
		}
	}
	if status, _ := w.post("", "/shopper/report", form("website", "http://spam.example")); status != 303 {
		t.Error("a program learns that it was noticed:", status)
	}
	w.sum(0, `SELECT COUNT(*) FROM tr_reports`)
	w.room.forms = limiter{}
	for _, kind := range []string{"spoiled", "label"} {
		if status, body := w.post("", "/shopper/report", form("kind", kind)); status != 303 {
			t.Fatal(status, body)
		}
	}
	for range 10 {
		w.post("", "/shopper/report", form())
	}
	w.sum(mostOfOne/reporting, `SELECT COUNT(*) FROM tr_reports`)
	id, _ := readmodel.One[string](context.Background(), w.DB, `SELECT id FROM tr_reports WHERE kind = 'spoiled' ORDER BY id LIMIT 1`)
	label, _ := readmodel.One[string](context.Background(), w.DB, `SELECT id FROM tr_reports WHERE kind = 'label'`)
	brand, rival, state := w.signedIn("harbour-foods"), w.signedIn("greenfield-dairy"), w.signedIn("food-safety")
	_, list := brand.get("/traceability/reports")
	has(t, list, id)
	lacks(t, list, "<script>alert")
	_, list = rival.get("/traceability/reports")
	lacks(t, list, id)
	_, list = state.get("/traceability/reports")
	has(t, list, id)
	lacks(t, list, label)
	if res, _ := state.get("/traceability/reports/" + label); res.StatusCode != 404 {
		t.Error("the regulator reads what is not about safety:", res.StatusCode)
	}
	_, page := brand.get("/traceability/reports/" + id)
	has(t, page, "me@example.com")
	if err := w.room.workReport(context.Background(), "x", id, workForm{State: reportClosed, Note: "refunded"}); err != nil {
		t.Fatal(err)
	}
	_, page = brand.get("/traceability/reports/" + id)
	lacks(t, page, "me@example.com")
	has(t, page, "refunded")
	_, page = state.get("/traceability/reports/" + id)
	lacks(t, page, "refunded")
}

func (w *viewsWorld) testStatisticsKeepSmallNumbers(t *testing.T) {
	for i := range 7 {
		w.scan("/"+c1, "User-Agent", phone+fmt.Sprint(i))
		if i < 6 {
			w.share(fmt.Sprint(i), url.Values{"of": {"/" + c1}, "city": {"auckland"}})
		}
	}
	w.share("8", url.Values{"of": {"/" + c1}, "city": {"london"}})
	w.sum(1, `SELECT COALESCE(SUM(count), 0) FROM tr_scan_days WHERE place = 'london'`)
	w.sum(6, `SELECT COALESCE(SUM(count), 0) FROM tr_scan_days WHERE place = 'auckland'`)
	_, page := w.signedIn("harbour-foods").get("/traceability/scans")
	has(t, page, "Auckland")
	has(t, page, "&lt; 5")
	_, sheet := w.signedIn("harbour-foods").get("/traceability/scans.csv")
	has(t, sheet, "London,< 5")
	_, sheet = w.signedIn("greenfield-dairy").get("/traceability/scans.csv")
	lacks(t, sheet, "Auckland")
}

// A pack whose events tell of temperatures and certificates shows both, gaps
// included; what is private shows nothing.
func (w *viewsWorld) testColdChainAndCertificates(t *testing.T) {
	var element epcis.SensorElement
	for i, v := range []string{"3.5", "4.25", "41.0", "8.5"} {
		at := w.sleep(30 * time.Minute)
		if i == 3 {
			at = w.sleep(20 * time.Hour)
		}
		unit := map[bool]string{true: "FAH", false: "CEL"}[i == 2]
		element.Reports = append(element.Reports, epcis.SensorReport{Type: "Temperature", Time: at, Value: epcis.Number(v), Unit: unit})
	}
	sensed := epcis.Event{Type: epcis.ObjectEvent, Action: epcis.Observe, BizStep: "sensor_reporting", Quantities: []epcis.Quantity{kilos(c1, "1")},
		Sensors: []epcis.SensorElement{element}, CertificationInfo: []string{"https://certs.example/organic-77"}}
	w.capture("city-market", sensed)
	_, page := w.stranger().get("/" + c1)
	has(t, page, "How cold it was kept")
	has(t, page, "3.5 to 8.5 °C")
	has(t, page, "1 readings lie outside of 2 to 8 °C.")
	has(t, page, "1 gaps.")
	has(t, page, `class="gap"`)
	has(t, page, "https://certs.example/organic-77")
	sensed.CertificationInfo = []string{"https://certs.example/secret"}
	w.capture("city-market", sensed, trace.Private)
	_, page = w.stranger().get("/" + c1)
	lacks(t, page, "secret")
	if len(page) > 100_000 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

func (w *viewsWorld) postJSON(firm, path string, body any) int {
	w.t.Helper()
	b, _ := json.Marshal(body)
	r, _ := http.NewRequest("POST", w.Address()+path, strings.NewReader(string(b)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+w.tokens[firm])
	r.Header.Set("Idempotency-Key", fmt.Sprint(w.sleep(time.Second).UnixNano()))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

func (w *viewsWorld) one(query string) (string, error) {
	return readmodel.One[string](context.Background(), w.DB, query)
}
