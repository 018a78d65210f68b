package traceability

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/bundle"
	"github.com/tallyway/tallyway/apps/traceability/seals"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// sensorWorld is a host with a broker, and a logger of the dairy on a pallet of
// its milk.
type sensorWorld struct {
	*machineWorld
	t        *testing.T
	password string
	lot      string
}

const (
	sensorAPI    = "/api/devices/greenfield-dairy/logger-1"
	sensorPallet = "00/395060001340000001"
	loggerID     = "8004/9506000134LOGGER-1"
)

func startSensors(t *testing.T) *sensorWorld {
	t.Helper()
	w := &sensorWorld{t: t, machineWorld: &machineWorld{&world{t: t, folder: t.TempDir(), now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), firms: machineFirms, tokens: map[string]string{}, mqtt: "embedded://127.0.0.1:0"}}}
	w.open()
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	six, two := "6", "2"
	register := map[string]any{"name": "logger-1", "title": "Pallet logger", "titleZh": "托盘记录仪", "type": "logger", "thing": loggerID, "interval": 60, "class": "0.5",
		"channels": []any{map[string]any{"name": "temperature", "unit": "CEL", "low": two, "high": six, "grace": 600}, map[string]any{"name": "door", "unit": ""}}}
	w.post("/api/devices", register, 201)
	var made passwordReply
	w.call(t, "greenfield-dairy", "POST", sensorAPI+"/password", nil).want(t, 200).into(t, &made)
	w.password = made.Password
	if made.Device != "greenfield-dairy/logger-1" || made.Address == "" {
		t.Fatalf("%+v", made)
	}
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(milking("SENSED", 5, 1))).want(t, 201)
	w.lot = lotID("https://id.gs1.org/01/09506000134352/10/SENSED")
	w.event(`"type":"AggregationEvent","action":"ADD","bizStep":"packing","parentID":"https://id.gs1.org/` + sensorPallet + `","childQuantityList":[{"epcClass":"https://id.gs1.org/` + w.lot + `","quantity":2,"uom":"KGM"}]`)
	w.event(`"type":"AssociationEvent","action":"ADD","bizStep":"installing","parentID":"https://id.gs1.org/` + sensorPallet + `","childEPCs":["https://id.gs1.org/` + loggerID + `"]`)
	return w
}

func (w *sensorWorld) post(path string, body any, status int) machineAnswer {
	w.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.call(w.t, "greenfield-dairy", "POST", path, b).want(w.t, status)
}

// event captures one of the dairy's, now.
func (w *sensorWorld) event(members string) {
	w.t.Helper()
	w.call(w.t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(`{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"eventTime":"`+
		w.clock().Format(time.RFC3339Nano)+`","eventTimeZoneOffset":"+00:00",`+members+`}`)).want(w.t, 201)
}

// publish sends a message as a device would, with Debian's own client.
func (w *sensorWorld) publish(user, password, topic, payload string) error {
	w.t.Helper()
	host, port, err := net.SplitHostPort(w.room.station.Address())
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := exec.Command("mosquitto_pub", "-h", host, "-p", port, "-u", user, "-P", password, "-q", "1", "-t", topic, "-m", payload, "-V", "mqttv5").CombinedOutput()
	if err != nil && strings.Contains(err.Error(), "not found") {
		w.t.Fatalf("mosquitto_pub is missing: run make setup: %v", err)
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// measure sends temperatures, one a minute up to now.
func (w *sensorWorld) measure(values ...float64) {
	w.t.Helper()
	from := w.sleep(time.Duration(len(values)) * time.Minute).Add(-time.Duration(len(values)-1) * time.Minute)
	var pack []string
	for i, v := range values {
		pack = append(pack, fmt.Sprintf(`{"n":"temperature","u":"Cel","t":%d,"v":%v}`, from.Add(time.Duration(i)*time.Minute).Unix(), v))
	}
	if err := w.publish("greenfield-dairy/logger-1", w.password, "tw/greenfield-dairy/logger-1/senml", "["+strings.Join(pack, ",")+"]"); err != nil {
		w.t.Fatal(err)
	}
}

// eventually asks until it is so.
func (w *sensorWorld) eventually(what string, so func() bool) {
	w.t.Helper()
	for end := time.Now().Add(15 * time.Second); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("not in time: %s", what)
		}
	}
}

func even(n int, v float64) (all []float64) {
	for range n {
		all = append(all, v)
	}
	return all
}

// TestFromMQTTToProof: a reading is on its device's page within a second; a
// warm spell is an event on the ledger that names the lot; the lot shows what it
// was exposed to; all of it is sealed, proved, and a changed byte is found.
func TestFromMQTTToProof(t *testing.T) {
	w := startSensors(t)
	begun := time.Now()
	w.measure(even(20, 4)...)
	w.eventually("the reading is shown", func() bool {
		var d deviceReply
		w.call(t, "greenfield-dairy", "GET", sensorAPI, nil).want(t, 200).into(t, &d)
		return len(d.Last) == 1 && d.Last[0].Value == 4 && d.State == "Live"
	})
	t.Logf("shown after %v, mosquitto_pub's own start included", time.Since(begun))
	w.measure(append(even(12, 9), even(5, 4)...)...)
	var found []excursionRow
	w.eventually("the excursion is on the ledger and over", func() bool {
		found = w.excursionsOn("limits:hot:temperature")
		return len(found) == 1 && found[0].Until != nil
	})
	x := found[0]
	if x.High != "9" || x.Rule != "urn:tallyway:rule:limits:hot:temperature" || x.Name != "logger-1" || x.Unit != "CEL" {
		t.Errorf("%+v", x)
	}
	w.namesLot(x.Event)
	if home := string(w.call(t, "greenfield-dairy", "GET", "/traceability", nil, "Accept", "text/html").want(t, 200).body); !strings.Contains(home, "Pallet logger: Above the limit: Temperature") {
		t.Error("the company's home does not ask for an explanation")
	}
	w.post("/api/excursions/explain", trace.ExplainExcursion{Event: x.Event, Cause: "loading", Measure: "moved"}, 200)
	var list struct{ Items []excursionRow }
	w.call(t, "greenfield-dairy", "GET", "/api/excursions?state=explained", nil).want(t, 200).into(t, &list)
	if len(list.Items) != 1 || list.Items[0].Cause != "loading" {
		t.Errorf("%+v", list.Items)
	}
	w.exposed()
	w.sealedAndProved()
}

// send sends one temperature of the past.
func (w *sensorWorld) send(ago time.Duration, v float64) {
	w.t.Helper()
	payload := fmt.Sprintf(`[{"n":"temperature","u":"Cel","t":%d,"v":%v}]`, w.clock().Add(-ago).Unix(), v)
	if err := w.publish("greenfield-dairy/logger-1", w.password, "tw/greenfield-dairy/logger-1/senml", payload); err != nil {
		w.t.Fatal(err)
	}
}

// excursionsOn is what the ledger has of one rule.
func (w *sensorWorld) excursionsOn(rule string) (some []excursionRow) {
	w.t.Helper()
	var list struct{ Items []excursionRow }
	w.call(w.t, "greenfield-dairy", "GET", "/api/excursions", nil).want(w.t, 200).into(w.t, &list)
	for _, x := range list.Items {
		if x.Rule == "urn:tallyway:rule:"+rule {
			some = append(some, x)
		}
	}
	return some
}

// TestALateReadingTakesAnAlarmBack: what was told on the ledger is declared in
// error there when a late reading shows that it never was.
func TestALateReadingTakesAnAlarmBack(t *testing.T) {
	w := startSensors(t)
	w.measure(even(12, 9)...)
	var told []excursionRow
	w.eventually("the alarm is on the ledger", func() bool { told = w.excursionsOn("limits:hot:temperature"); return len(told) == 1 })
	w.send(6*time.Minute+30*time.Second, 4)
	w.eventually("the alarm is taken back", func() bool { return len(w.excursionsOn("limits:hot:temperature")) == 0 })
	reason, err := readmodel.One[string](t.Context(), w.DB, `SELECT error FROM tr_events WHERE hash = $1`, told[0].Event)
	if err != nil || reason != "did_not_occur" {
		t.Errorf("%s, %v", reason, err)
	}
}

// TestTheWatchGoesOnAfterARestart: an alarm that goes on is told once, and its
// end is told by the host that starts again, as is a reading that the watch had
// not seen; silence while nobody listened is not told.
func TestTheWatchGoesOnAfterARestart(t *testing.T) {
	w := startSensors(t)
	w.measure(even(12, 9)...)
	w.eventually("the alarm is on the ledger", func() bool { return len(w.excursionsOn("limits:hot:temperature")) == 1 })
	first := w.excursionsOn("limits:hot:temperature")[0]
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.open()
	w.sleep(time.Hour)
	w.room.station.Look(t.Context())
	if n := len(w.excursionsOn("silent::")); n != 0 {
		t.Errorf("%d silences are told", n)
	}
	w.measure(even(3, 4)...)
	w.eventually("the alarm is over", func() bool {
		x := w.excursionsOn("limits:hot:temperature")
		return len(x) == 1 && x[0].Event == first.Event && x[0].Until != nil
	})
	w.sleep(time.Hour)
	w.room.station.Look(t.Context())
	w.eventually("the silence is on the ledger", func() bool { return len(w.excursionsOn("silent::")) == 1 })
	page := string(w.call(t, "greenfield-dairy", "GET", "/traceability/excursions", nil, "Accept", "text/html").want(t, 200).body)
	if !strings.Contains(page, "Above the limit: Temperature") || !strings.Contains(page, ">Silent<") {
		t.Error(page)
	}
}

// namesLot: the alarm's event tells what was there.
func (w *sensorWorld) namesLot(hash string) {
	w.t.Helper()
	lots, err := readmodel.All[string](context.Background(), w.DB, `SELECT thing FROM tr_named WHERE hash = $1 ORDER BY thing`, hash)
	if err != nil || fmt.Sprint(lots) != fmt.Sprint([]string{sensorPallet, w.lot, loggerID}) {
		w.t.Errorf("the alarm names %v, %v", lots, err)
	}
}

func (w *sensorWorld) exposed() {
	w.t.Helper()
	at := "/api/lots/" + w.lot + "/exposure"
	var x exposureReply
	w.call(w.t, "greenfield-dairy", "GET", at, nil).want(w.t, 200).into(w.t, &x)
	if math.Round(x.Covered) != 36 || math.Round(x.Silent) != 1 || math.Round(x.Without) != 120 || len(x.Gaps) != 2 || x.Gaps[0].Reason != "without" || x.Gaps[1].Reason != "silent" ||
		len(x.Legs) != 1 || x.Legs[0].Where != sensorPallet || x.Legs[0].Exposure.Without != 0 {
		w.t.Errorf("%+v", x)
	}
	if x.High == nil || *x.High != 9 || *x.Low != 4 || math.Abs(*x.Mean-(24*4+12*9)/36.0) > 1e-3 || *x.Kinetic < *x.Mean || *x.Kinetic > 9 {
		w.t.Errorf("%+v", x.exposureFigures)
	}
	w.call(w.t, "stranger", "GET", at, nil).want(w.t, 404)
	for form, begins := range map[string]string{"pdf": "%PDF", "xlsx": "PK"} {
		if got := w.call(w.t, "greenfield-dairy", "GET", at+"."+form, nil).want(w.t, 200); !strings.HasPrefix(string(got.body), begins) {
			w.t.Errorf("%s begins with %.20q", form, got.body)
		}
		w.call(w.t, "stranger", "GET", at+"."+form, nil).want(w.t, 404)
	}
	w.call(w.t, "stranger", "GET", sensorAPI, nil).want(w.t, 404)
	w.call(w.t, "food-safety", "GET", sensorAPI, nil).want(w.t, 200)
	w.call(w.t, "food-safety", "GET", at, nil).want(w.t, 200)
}

func (w *sensorWorld) sealedAndProved() {
	t := w.t
	t.Helper()
	ctx := context.Background()
	first := time.Date(2026, 3, 1, 8, 1, 0, 0, time.UTC)
	proofAt := sensorAPI + "/proof?channel=temperature&at=" + url.QueryEscape(first.Format(time.RFC3339))
	w.call(t, "greenfield-dairy", "GET", proofAt, nil).want(t, 409)
	w.sleep(time.Hour)
	if err := w.room.station.SealDue(ctx); err != nil {
		t.Fatal(err)
	}
	var p seals.Proof
	w.call(t, "greenfield-dairy", "GET", proofAt, nil).want(t, 200).into(t, &p)
	if c, err := p.Check(); err != nil || c.Readings != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	p.Readings[0].Value += 0.1
	if _, err := p.Check(); err == nil {
		t.Error("another value is proved as well")
	}
	var whole seals.Proof
	w.call(t, "greenfield-dairy", "GET", "/api/lots/"+w.lot+"/exposure/proof", nil).want(t, 200).into(t, &whole)
	if c, err := whole.Check(); err != nil || c.Inside != 37 || c.Windows != 3 {
		t.Fatalf("%+v, %v", c, err)
	}
	whole.Windows[0].Readings = whole.Windows[0].Readings[1:]
	if _, err := whole.Check(); err == nil {
		t.Error("a window is proved with a reading left out")
	}
	w.bundled()
	if err := w.Verify(ctx, func(text string) { t.Log(text) }); err != nil {
		t.Fatal(err)
	}
	db, err := readmodel.Open(ctx, "sqlite:"+filepath.Join(w.folder, "readings.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, `UPDATE iot_readings SET value = 8.5 WHERE value = 9 AND at = (SELECT MIN(at) FROM iot_readings WHERE value = 9)`); err != nil {
		t.Fatal(err)
	}
	if err := w.Verify(ctx, func(string) {}); err == nil || !strings.Contains(err.Error(), "greenfield-dairy/logger-1 from 2026-03-01T08:15:00Z part 1") {
		t.Errorf("verify says %v", err)
	}
}

// bundled: the lot's proof bundle tells what it was exposed to, from the sealed
// readings alone, and tells nothing where one of them is changed.
func (w *sensorWorld) bundled() {
	t := w.t
	t.Helper()
	file := w.call(t, "greenfield-dairy", "GET", "/api/lots/"+w.lot+"/bundle", nil).want(t, 200).body
	p := checkBundle(t, file)
	if p.Exposure == nil || p.Inside != 37 || p.Exposure.Max != 9 || p.Exposure.Min != 4 || p.Exposure.Hot != 0 || p.Exposure.Covered < 36*time.Minute {
		t.Fatalf("%+v", p.Exposure)
	}
	for what, change := range map[string]func(b *bundle.Bundle){
		"its readings are not those":  func(b *bundle.Bundle) { b.Windows[0].Readings[0].Value += 0.5 },
		"its readings are not those ": func(b *bundle.Bundle) { b.Windows[1].Readings = b.Windows[1].Readings[1:] },
		"was not with the lot":        func(b *bundle.Bundle) { b.Stays = nil },
		"is no stay":                  func(b *bundle.Bundle) { b.Stays[0].Interval = 0 },
		"no seal is shown":            func(b *bundle.Bundle) { b.Windows[0].Window.Part = 7 },
		" no seal is shown":           func(b *bundle.Bundle) { b.Windows[0].Device = "swift-cold/truck-7" },
	} {
		b, d, err := bundle.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		change(b)
		if _, err := bundle.Check(b, d); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(what)) {
			t.Errorf("%q: %v", what, err)
		}
	}
	if _, _, err := bundle.Read(without(t, file, "readings.json")); err == nil {
		t.Error("a bundle is read without its readings")
	}
}

// without is a ZIP file that lacks one of its files.
func without(t *testing.T, file []byte, name string) []byte {
	t.Helper()
	from, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	to := zip.NewWriter(&out)
	for _, f := range from.File {
		if f.Name != name {
			if err := to.Copy(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// What is refused stands where its company sees it, with the reason.
func TestRefusedMessagesAreSeen(t *testing.T) {
	w := startSensors(t)
	topic := "tw/greenfield-dairy/logger-1/senml"
	own := "greenfield-dairy/logger-1"
	if err := w.publish(own, "wrong", topic, "[]"); err == nil {
		t.Error("let in with a wrong password")
	}
	_ = w.publish(own, w.password, "tw/greenfield-dairy/logger-2/senml", "[]") // the answer says no
	for _, payload := range []string{"nonsense", `[{"n":"pressure","v":1}]`, `[{"n":"temperature","u":"%RH","v":1}]`, fmt.Sprintf(`[{"n":"temperature","v":4,"t":%d}]`, w.clock().Add(time.Hour).Unix())} {
		if err := w.publish(own, w.password, topic, payload); err != nil {
			t.Error(err)
		}
	}
	var page string
	for _, code := range []string{"iot/sign-in", "iot/not-your-topic", "iot/payload", "iot/channel", "iot/unit", "iot/clock"} {
		n, err := readmodel.One[int64](t.Context(), w.readings(), `SELECT COUNT(*) FROM iot_refused WHERE code = $1`, code)
		if err != nil || n != 1 {
			t.Errorf("%d letters say %s, %v", n, code, err)
		}
	}
	page = string(w.call(t, "greenfield-dairy", "GET", "/traceability/refused", nil, "Accept", "text/html").want(t, 200).body)
	if !strings.Contains(page, "nonsense") || !strings.Contains(page, "A device publishes under its own topic only.") {
		t.Error(page)
	}
	if page := string(w.call(t, "stranger", "GET", "/traceability/refused", nil, "Accept", "text/html").want(t, 200).body); strings.Contains(page, "nonsense") {
		t.Error("a stranger reads another's refused messages")
	}
	w.post(sensorAPI+"/decommission", endForm{Reason: "lost"}, 409) // it rides on a pallet
	w.event(`"type":"AssociationEvent","action":"DELETE","bizStep":"removing","parentID":"https://id.gs1.org/` + sensorPallet + `","childEPCs":["https://id.gs1.org/` + loggerID + `"]`)
	w.post(sensorAPI+"/decommission", endForm{Reason: "lost"}, 200)
	w.eventually("it is let in no longer", func() bool { return w.publish(own, w.password, topic, `[{"n":"temperature","v":4}]`) != nil })
}

func (w *sensorWorld) readings() *readmodel.DB {
	w.t.Helper()
	db, err := w.OpenReadings(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return db
}
