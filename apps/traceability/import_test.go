package traceability

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// upload posts a file in the form of the page that is shown.
func (v *guest) upload(path, name string, file []byte, more url.Values) *guest {
	v.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, m := range hidden.FindAllStringSubmatch(v.page, -1) {
		more.Set(m[1], strings.ReplaceAll(m[2], "&#43;", "+"))
	}
	for key, values := range more {
		form.WriteField(key, values[0])
	}
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		v.t.Fatal(err)
	}
	part.Write(file)
	form.Close()
	response, err := v.client.Post(v.base+path, form.FormDataContentType(), &body)
	v.read(response, err)
	return v
}

func (v *guest) look(kind, name, file string) *guest {
	v.t.Helper()
	return v.open("/traceability/import?kind="+kind).upload("/traceability/import", name, []byte(file), url.Values{"kind": {kind}})
}

// confirm confirms the preview that is shown and waits for the job.
func (v *guest) confirm() *guest {
	v.t.Helper()
	v.send(v.at, url.Values{"behaviour": {"rollback"}, "share.mode": {"linked"}})
	if !strings.HasPrefix(v.at, "/traceability/import/jobs/") {
		v.t.Fatalf("confirming leads to %s: %s", v.at, v.text())
	}
	for end := time.Now().Add(20 * time.Second); strings.Contains(v.page, "At work"); time.Sleep(10 * time.Millisecond) {
		if v.open(v.at); time.Now().After(end) {
			v.t.Fatalf("the job does not end: %s", v.text())
		}
	}
	return v
}

func (v *guest) says(texts ...string) *guest {
	v.t.Helper()
	for _, text := range texts {
		if !strings.Contains(v.text(), text) {
			v.t.Errorf("%s does not say %q:\n%s", v.at, text, v.text())
		}
	}
	return v
}

func count(t *testing.T, h *host.Host, what string, args ...any) int {
	t.Helper()
	n, err := readmodel.One[int](context.Background(), h.DB, `SELECT COUNT(*) FROM `+what, args...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A firm's sheets go their whole way: made, packed, shipped, received, made into
// something else and sold, each with a file; and the same file again does
// nothing twice.
func TestSheetsGoTheirWholeWay(t *testing.T) {
	h := formsHost(t)
	day := time.Now().UTC().AddDate(0, 0, -3).Format(time.DateOnly)
	at := func(text string) string { return strings.ReplaceAll(text, "DAY", day) }
	dairy, cheese := visit(t, h, "greenfield-dairy"), visit(t, h, "alpine-creamery")

	lots := at("\ufeffLot number;Quantity;Unit;Product;Date;Colour\r\nEXAMPLE-1;5;kg;Fresh milk;DAY;\r\nL-118;500,5;kg;Fresh milk;DAY 06:00;white\r\nL-119;\"1 200\";千克;9506000134352;DAY 07:30;\r\n")
	dairy.look("lots", "milk.csv", lots)
	dairy.says("Logs 500.5 kg of Fresh milk, lot L-118", "Logs 1,200 kg of Fresh milk, lot L-119", "Row 2 is the template's example", "The column Colour is not read", "Nothing is imported yet")
	if n := count(t, h, `tr_lots`); n != 0 {
		t.Fatalf("%d lots before anybody confirmed", n)
	}
	dairy.confirm().says("Everything is on the ledger", "Event hash", "ni:///sha-256;")
	dairy.look("lots", "milk.csv", lots).says("Everything in this file is on the ledger already")
	if n := count(t, h, `tr_events`); n != 2 {
		t.Fatalf("%d events after the same file twice, want 2", n)
	}

	dairy.look("packs", "packs.csv", at("Pack (SSCC),Date,Product,Lot number,Quantity,Unit,Inner pack (SSCC)\n095060001340000017,DAY 08:00,Fresh milk,L-118,100,kg,\n")).confirm().says("Everything is on the ledger")
	dairy.look("shipments", "ship.csv", at(`发货通知单号,日期,收货方,承运方,产品,批号,数量,单位,物流单元（SSCC）,退货
DA-1,DAY 09:00,高山奶酪坊,极地冷链,鲜牛奶,L-119,1000,kg,,否
DA-1,DAY 09:00,Alpine Creamery,polar-haulage,,,,,95060001340000017,no
`)).says("Ships 1,000 kg of Fresh milk, lot L-119; SSCC 095060001340000017 to Alpine Creamery, carried by Polar Haulage", "2–3")
	dairy.confirm().says("Everything is on the ledger")

	cheese.look("received", "in.csv", at("Despatch advice number,Date,Sender,Product,Lot number,Quantity,Pack (SSCC)\nDA-1,DAY 12:00,Greenfield Dairy,09506000134352,L-119,990,\nDA-1,DAY 12:00,Greenfield Dairy,,,,095060001340000017\n"))
	cheese.says("from Greenfield Dairy").confirm().says("Everything is on the ledger")
	if n := count(t, h, `tr_shipments WHERE state = 'accepted' AND mismatch = 'open'`); n != 1 {
		t.Errorf("%d accepted shipments with what is missing, want 1", n)
	}
	process := at("Process number,Date,In or out,Product,Lot number,Quantity,Unit\nP-7,DAY 15:00,in,09506000134352,L-119,900,kg\nP-7,DAY 15:00,out,Mountain cheese,C-1,90,kg\n")
	cheese.look("processes", "make.csv", process).says("Makes 90 kg of Mountain cheese, lot C-1 out of 900 kg of Fresh milk, lot L-119").confirm().says("Everything is on the ledger")
	cheese.look("processes", "make.csv", process).says("Everything in this file is on the ledger already")
	cheese.look("disposals", "sold.csv", at("Date,Sold or destroyed,Product,Lot number,Quantity\nDAY 18:00,sold,Mountain cheese,C-1,3\nDAY 18:00,销毁,Mountain cheese,C-1,1\n")).confirm().says("Everything is on the ledger")
	left, err := readmodel.One[string](context.Background(), h.DB, `SELECT held FROM tr_accounts WHERE lot = $1 AND party = $2`, "01/"+cheeseProduct+"/10/C-1", "alpine-creamery")
	if err != nil || left != "86" {
		t.Errorf("%s kg of the cheese are left, %v; want 86", left, err)
	}
}

// Master data is described by a sheet, and only what changed is written.
func TestSheetsDescribeProductsAndPlaces(t *testing.T) {
	h := formsHost(t)
	dairy := visit(t, h, "greenfield-dairy")
	file := "GTIN,Name,Name in Chinese,Unit,Shelf life in days,Storage\n9506000134352,Fresh milk,鲜牛奶,kg,14,2 to 6 °C\n9506000134369,Butter,黄油,kilogram,60,\n"
	dairy.look("products", "products.csv", file).says("Describes Butter (09506000134369)", "On the ledger already")
	dairy.confirm().says("Everything is on the ledger")
	dairy.look("products", "products.csv", file).says("Everything in this file is on the ledger already")
	dairy.look("places", "places.csv", "GLN,Name,City,Country\n9506000134352,Greenfield plant,Hohhot,cn\n").confirm().says("Everything is on the ledger")
	if n := count(t, h, `tr_places WHERE gln = '9506000134352' AND country = 'CN'`); n != 1 {
		t.Errorf("the place was not described")
	}
}

// What is wrong stands by row and column, with rule and remedy, and nothing is
// imported, however much of the file is right.
func TestNothingIsImportedUntilEverythingIsRight(t *testing.T) {
	h := formsHost(t)
	dairy := visit(t, h, "greenfield-dairy")
	day := time.Now().UTC().AddDate(0, 0, -3).Format(time.DateOnly)
	row := func(cells string) string { return strings.ReplaceAll(cells, "DAY", day) }
	for _, c := range []struct{ kind, head, row, column, code string }{
		{"lots", "Date,Product,Lot number,Quantity,Unit", "03/04/2026,Fresh milk,L1,5,kg", "Date", "traceability/import-date"},
		{"lots", "Date,Product,Lot number,Quantity,Unit", "DAY,9.50600013435E+12,L1,5,kg", "Product", "traceability/import-digits"},
		{"lots", "Date,Product,Lot number,Quantity,Unit", "DAY,09506000134353,L1,5,kg", "Product", "traceability/gtin"},
		{"lots", "Date,Product,Lot number,Quantity,Unit", "DAY,Buttermilk,L1,5,kg", "Product", "traceability/import-product"},
		{"lots", "Date,Product,Lot number,Quantity,Unit", "DAY,Fresh milk,a lot,5,kg", "Lot number", "traceability/lot-number"},
		{"lots", "Date,Product,Lot number,Quantity,Unit", "DAY,Fresh milk,L1,\"1,234\",kg", "Quantity", "traceability/import-number"},
		{"lots", "Date,Product,Lot number,Quantity,Unit", "DAY,Fresh milk,L1,0,kg", "Quantity", "trace/amount"},
		{"lots", "Date,Product,Lot number,Quantity,Unit", "DAY,Fresh milk,L1,5,armful", "Unit", "traceability/import-unit"},
		{"lots", "Date,Product,Lot number,Quantity,Unit", "DAY,Fresh milk,,5,kg", "Lot number", "web/required"},
		{"lots", "Date,Product,Lot number,Quantity,Unit,Best before", "DAY,Fresh milk,L1,5,kg,2001-01-01", "Best before", "traceability/best-before"},
		{"lots", "Date,Product,Lot number,Quantity,Unit", "2099-01-01,Fresh milk,L1,5,kg", "Date", "trace/future"},
		{"lots", "Date,Product,Lot number,Quantity,Unit", "DAY,09506000164359,L1,5,kg", "Product", "trace/not-your-prefix"},
		{"lots", "Date,Product,Lot number,Quantity,Unit", "DAY,Fresh milk,L0,5,kg", "", "traceability/import-twice"},
		{"shipments", "Despatch advice number,Date,Receiver,Product,Lot number,Quantity", "D1,DAY,Nobody Ltd,Fresh milk,L1,5", "Receiver", "traceability/import-company"},
		{"shipments", "Despatch advice number,Date,Receiver,Product,Lot number,Quantity", "D1,DAY,city-market,,,", "Pack (SSCC)", "traceability/import-incomplete"},
		{"shipments", "Despatch advice number,Date,Receiver,Product,Lot number,Quantity", "D1,DAY,city-market,Fresh milk,NONE,5", "Lot number", "trace/no-lot"},
		{"received", "Despatch advice number,Date,Sender,Product,Lot number,Quantity", "D9,DAY,city-market,Fresh milk,L1,5", "Despatch advice number", "trace/no-shipment"},
		{"processes", "Process number,Date,In or out,Product,Lot number,Quantity", "P1,DAY,sideways,Fresh milk,L1,5", "In or out", "traceability/import-choice"},
		{"packs", "Pack,Date,Product,Lot number,Quantity", "095060001340000013,DAY,Fresh milk,L1,5", "Pack (SSCC)", "traceability/sscc"},
		{"products", "GTIN,Name,Unit", "09506000134352, ,kg", "Name", "web/required"},
		{"places", "GLN,Name", "9506000134353,Plant", "GLN", "trace/place"},
	} {
		file := c.head + "\n" + row(c.row) + "\n"
		if c.code == "traceability/import-twice" {
			file += row(c.row) + "\n"
		}
		dairy.look(c.kind, "f.csv", file)
		at := 2
		if c.code == "traceability/import-twice" {
			at = 3
		}
		want := regexp.MustCompile(fmt.Sprintf(`(?s)<li data-code="%s">.*?<strong>Row %d%s:</strong>.*?<small>.+?</small>`, regexp.QuoteMeta(c.code), at, regexp.QuoteMeta(strings.Replace(", "+c.column, ", \x00", "", 1))))
		if c.column == "" {
			want = regexp.MustCompile(fmt.Sprintf(`(?s)<li data-code="%s">.*?<strong>Row %d:</strong>`, regexp.QuoteMeta(c.code), at))
		}
		if !want.MatchString(dairy.page) {
			t.Errorf("%s %q: no %s at row %d, %s:\n%s", c.kind, c.row, c.code, at, c.column, dairy.text())
			continue
		}
		draft := dairy.at
		if c.code != "traceability/import-date" {
			continue
		}
		mend, err := dairy.client.Get(dairy.base + draft + "/mend")
		if err != nil {
			t.Fatal(err)
		}
		sheet, _ := io.ReadAll(mend.Body)
		mend.Body.Close()
		if mend.StatusCode != http.StatusOK || !bytes.HasPrefix(sheet, []byte("PK")) {
			t.Errorf("%s: the sheet with what to mend: %d", c.code, mend.StatusCode)
		}
		if dairy.send(draft, url.Values{"share.mode": {"linked"}}); dairy.status != http.StatusConflict || !strings.Contains(dairy.page, "traceability/import-not-ready") {
			t.Errorf("%s: confirming all the same answers %d", c.code, dairy.status)
		}
	}
	if n := count(t, h, `tr_events`) + count(t, h, `tr_captures`); n != 0 {
		t.Errorf("%d events and jobs", n)
	}
}

// Goods that somebody moves between the look and the act are refused then, and
// nothing of the file is taken.
func TestWhatChangedMeanwhileTakesTheWholeFileBack(t *testing.T) {
	h := formsHost(t)
	dairy := visit(t, h, "greenfield-dairy")
	own := events.Company{ID: "greenfield-dairy", GLN: "9506000134352"}
	goods := func(n int64) []events.Goods {
		return []events.Goods{{Lot: "01/" + milkProduct + "/10/M", Amount: gs1.Whole(n), Unit: "KGM"}}
	}
	now := h.Now()
	capture(t, h, "greenfield-dairy", events.Logged(own, now.Add(-time.Hour), goods(100)[0], ""))
	file := "Date,Sold or destroyed,Product,Lot number,Quantity\n" + now.Add(-30*time.Minute).Format("2006-01-02 15:04") + ",sold,Fresh milk,M,10\n" +
		now.Add(-20*time.Minute).Format("2006-01-02 15:04") + ",sold,Fresh milk,M,80\n"
	dairy.look("disposals", "sold.csv", file).says("Ready")
	capture(t, h, "greenfield-dairy", events.Destroyed(own, now.Add(-10*time.Minute), goods(50)))
	if dairy.send(dairy.at, url.Values{"share.mode": {"linked"}}); dairy.status != http.StatusConflict || !strings.Contains(dairy.page, `data-code="trace/not-enough"`) {
		t.Errorf("confirming answers %d: %s", dairy.status, dairy.text())
	}
	dairy.says("Row 3, Quantity:")
	if n := count(t, h, `tr_events`); n != 2 {
		t.Errorf("%d events, want the 2 of before", n)
	}
}

func capture(t *testing.T, h *host.Host, by string, e epcis.Event) {
	t.Helper()
	command, err := events.Capture(e, gs1.Amount{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := host.Do[trace.Outcome](context.Background(), h, actor(by), command); err != nil {
		t.Fatal(err)
	}
}

// An EPCIS document is shown before it is taken: what each event would do, and
// what is wrong with it by path. Going on past what is refused is a choice.
func TestAnEPCISDocumentIsShownFirst(t *testing.T) {
	h := formsHost(t)
	dairy := visit(t, h, "greenfield-dairy")
	at := h.Now().Add(-time.Hour)
	own := events.Company{ID: "greenfield-dairy", GLN: "9506000134352"}
	goods := func(number string, n int64) events.Goods {
		return events.Goods{Lot: "01/" + milkProduct + "/10/" + number, Amount: gs1.Whole(n), Unit: "KGM"}
	}
	doc := func(all ...epcis.Event) []byte {
		body, err := (&epcis.Document{Type: "EPCISDocument", Version: "2.0", CreationDate: at, Events: all}).JSON()
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	made, sold := events.Logged(own, at, goods("E1", 100), ""), events.Sold(own, at.Add(time.Minute), []events.Goods{goods("E1", 30)})
	more := events.Sold(own, at.Add(2*time.Minute), []events.Goods{goods("E1", 80)})
	look := func(file []byte) *guest {
		return dairy.open("/traceability/import/epcis").upload("/traceability/import/epcis", "events.json", file, url.Values{})
	}
	look(doc(made, sold, more)).says("Logs 100 kg of Fresh milk, lot E1", "Sells 30 kg of Fresh milk, lot E1", "/epcisBody/eventList/2", "There is not enough of the lot.").wants("Take what is right")
	if n := count(t, h, `tr_events`); n != 0 {
		t.Fatalf("%d events before anybody confirmed", n)
	}
	dairy.send(dairy.at, url.Values{"behaviour": {"rollback"}, "share.mode": {"linked"}})
	if dairy.status != http.StatusConflict {
		t.Errorf("all or nothing answers %d", dairy.status)
	}
	dairy.send(dairy.at, url.Values{"behaviour": {"proceed"}, "share.mode": {"linked"}})
	for end := time.Now().Add(20 * time.Second); strings.Contains(dairy.page, "At work") && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		dairy.open(dairy.at)
	}
	dairy.says("Imported in part", "There is not enough of the lot.", "Sells 80 kg of Fresh milk, lot E1")
	if n := count(t, h, `tr_events`); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
	job := dairy.at
	dairy.open("/traceability/import/jobs").says("events.json", "In part")
	visit(t, h, "alpine-creamery").stranger(job)
	look(doc(made, sold)).says("Everything in this file is on the ledger already")
	for _, file := range []string{"neither", "{", "<a/>", `{"type": "EPCISDocument"}`, "[]", ""} {
		if look([]byte(file)); dairy.status >= 500 || dairy.status == http.StatusOK && !strings.Contains(dairy.page, `class="troubles"`) {
			t.Errorf("%q answers %d: %s", file, dairy.status, dairy.text())
		}
	}
}
