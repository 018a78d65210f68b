package traceability

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/host"
)

// The firms of these tests, each with one user of the same name.
var viewsParties = []party.Register{
	{ID: "greenfield-dairy", Profile: party.Profile{Name: "Greenfield Dairy", NameZh: "绿野乳业", Kinds: []string{party.KindManufacturer},
		Prefixes: []string{"9506000134"}, GLNs: []string{"9506000134352"}}},
	{ID: "harbour-foods", Profile: party.Profile{Name: "Harbour Foods", NameZh: "海港食品", Kinds: []string{party.KindProcessor},
		Prefixes: []string{"950110153"}, GLNs: []string{"9501101530003"}}},
	{ID: "city-market", Profile: party.Profile{Name: "City Market", NameZh: "城市超市", Kinds: []string{party.KindRetailer}, GLNs: []string{"9521234000006"}}},
	{ID: "corner-shop", Profile: party.Profile{Name: "Corner Shop", NameZh: "街角小店", Kinds: []string{party.KindRetailer}, GLNs: []string{"9521234000013"}}},
	{ID: "far-shop", Profile: party.Profile{Name: "Far Shop", Kinds: []string{party.KindRetailer}, GLNs: []string{"9521234000020"}}},
	{ID: "food-safety", Profile: party.Profile{Name: "Food Safety Office", NameZh: "食品安全局", Kinds: []string{party.KindRegulator}, Field: "food"}},
}

const (
	milkGTIN   = "09506000134352"
	cheeseGTIN = "09501101530010"
)

var viewsStart = time.Date(2026, 11, 16, 5, 0, 0, 0, time.UTC)

// viewsWorld is a world whose story the tests tell.
type viewsWorld struct {
	*world
	last epcis.Event
}

// viewsHost starts one, with its products and places.
func viewsHost(t testing.TB) *viewsWorld {
	t.Helper()
	return &viewsWorld{world: start(t, viewsStart, viewsParties, describe)}
}

func describe(ctx context.Context, h *host.Host) error {
	for _, d := range []struct {
		by      string
		command any
	}{
		{"greenfield-dairy", trace.DescribeProduct{GTIN: milkGTIN, Name: "Fresh milk", NameZh: "鲜牛奶", Unit: "KGM", ShelfLife: 9, Storage: "2 to 6 °C"}},
		{"harbour-foods", trace.DescribeProduct{GTIN: cheeseGTIN, Name: "Harbour cheese", NameZh: "海港奶酪", Unit: "KGM", ShelfLife: 60, Storage: "2 to 8 °C"}},
		{"greenfield-dairy", trace.DescribePlace{GLN: "9506000134352", Name: "Greenfield plant", NameZh: "绿野工厂", City: "Meadowbrook", CityZh: "草溪镇", Country: "NZ"}},
		{"harbour-foods", trace.DescribePlace{GLN: "9501101530003", Name: "Harbour works", NameZh: "海港厂", City: "Port Alma", CityZh: "阿尔玛港", Country: "NZ"}},
		{"city-market", trace.DescribePlace{GLN: "9521234000006", Name: "City Market Main Street", NameZh: "城市超市大街店", City: "Springfield", CityZh: "春田市", Country: "NZ"}},
	} {
		var err error
		switch c := d.command.(type) {
		case trace.DescribeProduct:
			_, _, err = host.Do[json.RawMessage](ctx, h, actor(d.by), c)
		case trace.DescribePlace:
			_, _, err = host.Do[json.RawMessage](ctx, h, actor(d.by), c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// do runs a command as a firm, an hour after the last one.
func (w *viewsWorld) do(by string, command any) json.RawMessage {
	w.t.Helper()
	w.sleep(time.Hour)
	reply, _, err := host.Do[json.RawMessage](context.Background(), w.Host, actor(by), command)
	if err != nil {
		w.t.Fatalf("%s: %T: %v", by, command, err)
	}
	return reply
}

// capture brings an event that happens now, at the firm's place.
func (w *viewsWorld) capture(by string, e epcis.Event, sharing ...string) trace.Outcome {
	w.t.Helper()
	e.Time, e.Offset = w.sleep(time.Minute).Truncate(time.Second), "+12:00"
	for _, p := range viewsParties {
		if p.ID == by && len(p.GLNs) > 0 {
			e.ReadPoint = "https://id.gs1.org/414/" + p.GLNs[0]
			if e.BizStep != "shipping" {
				e.BizLocation = e.ReadPoint
			}
		}
	}
	w.last = e
	return w.send(by, e, sharing...)
}

// send brings an event as it is.
func (w *viewsWorld) send(by string, e epcis.Event, sharing ...string) trace.Outcome {
	w.t.Helper()
	body, err := e.JSON()
	if err != nil {
		w.t.Fatal(err)
	}
	c := trace.Capture{Event: body}
	if len(sharing) > 0 {
		c.Sharing, c.Salt = sharing[0], make([]byte, 16)
		rand.Read(c.Salt)
	}
	var out trace.Outcome
	if err := json.Unmarshal(w.do(by, c), &out); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func lotOf(gtin, number string) string { return "01/" + gtin + "/10/" + number }

func kilos(lot, amount string) epcis.Quantity {
	a, err := gs1.ParseAmount(amount)
	if err != nil {
		panic(err)
	}
	return epcis.Quantity{Class: "https://id.gs1.org/" + lot, Amount: a, HasAmount: true, Unit: "KGM"}
}

func (w *viewsWorld) log(by, lot, amount, expiry string) trace.Outcome {
	w.t.Helper()
	return w.capture(by, epcis.Event{Type: epcis.ObjectEvent, Action: epcis.Add, BizStep: "commissioning", Disposition: "active",
		Quantities: []epcis.Quantity{kilos(lot, amount)},
		ILMD:       expires(expiry)})
}

func expires(on string) []epcis.Field {
	return []epcis.Field{{Name: epcis.Name{Space: "https://ref.gs1.org/cbv/", Prefix: "cbvmda", Local: "itemExpirationDate"}, Value: epcis.Value{Text: on}}}
}

func (w *viewsWorld) ship(by, to, lot, amount string, sharing ...string) trace.Outcome {
	w.t.Helper()
	return w.capture(by, epcis.Event{Type: epcis.ObjectEvent, Action: epcis.Observe, BizStep: "shipping", Disposition: "in_transit",
		Quantities: []epcis.Quantity{kilos(lot, amount)}, Destinations: []epcis.Typed{{Type: "owning_party", Value: "urn:tallyway:party:" + to}}}, sharing...)
}

func (w *viewsWorld) receive(by, lot, amount string) trace.Outcome {
	w.t.Helper()
	return w.capture(by, epcis.Event{Type: epcis.ObjectEvent, Action: epcis.Observe, BizStep: "receiving", Disposition: "in_progress",
		Quantities: []epcis.Quantity{kilos(lot, amount)}})
}

func (w *viewsWorld) transform(by string, in, out []epcis.Quantity) trace.Outcome {
	w.t.Helper()
	return w.capture(by, epcis.Event{Type: epcis.TransformationEvent, BizStep: "creating_class_instance", Disposition: "active", InputQuantities: in, OutputQuantities: out,
		ILMD: expires("2027-01-16")})
}

// milkToShelf is the story that most tests look at: milk, cheese, shelf.
func (w *viewsWorld) milkToShelf() {
	w.log("greenfield-dairy", lotOf(milkGTIN, "M1"), "1000", "2026-11-25")
	w.log("greenfield-dairy", lotOf(milkGTIN, "M2"), "600", "2026-11-26")
	w.ship("greenfield-dairy", "harbour-foods", lotOf(milkGTIN, "M1"), "500")
	w.sleep(5 * time.Hour)
	w.receive("harbour-foods", lotOf(milkGTIN, "M1"), "480")
	w.ship("greenfield-dairy", "harbour-foods", lotOf(milkGTIN, "M2"), "300")
	w.receive("harbour-foods", lotOf(milkGTIN, "M2"), "300")
	w.sleep(20 * time.Hour)
	w.transform("harbour-foods", []epcis.Quantity{kilos(lotOf(milkGTIN, "M1"), "400"), kilos(lotOf(milkGTIN, "M2"), "200")},
		[]epcis.Quantity{kilos(lotOf(cheeseGTIN, "C1"), "60")})
	w.sleep(30 * time.Hour)
	w.ship("harbour-foods", "city-market", lotOf(cheeseGTIN, "C1"), "25")
	w.receive("city-market", lotOf(cheeseGTIN, "C1"), "25")
	w.ship("harbour-foods", "corner-shop", lotOf(cheeseGTIN, "C1"), "10")
}

// visitor is a browser without script.
type visitor struct {
	*http.Client
	w    *viewsWorld
	lang string
}

func (w *viewsWorld) stranger() *visitor {
	jar, _ := cookiejar.New(nil)
	return &visitor{&http.Client{Jar: jar}, w, "en"}
}

func (w *viewsWorld) signedIn(party string) *visitor {
	w.t.Helper()
	return &visitor{visit(w.t, w.Host, party).client, w, "en"}
}

func (v *visitor) get(path string, header ...string) (*http.Response, string) {
	v.w.t.Helper()
	req, err := http.NewRequest("GET", v.w.Address()+path, nil)
	if err != nil {
		v.w.t.Fatal(err)
	}
	req.Header.Set("Accept-Language", v.lang)
	req.Header.Set("Accept", "text/html")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := v.Do(req)
	if err != nil {
		v.w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.w.t.Fatal(err)
	}
	return res, string(body)
}

func (w *viewsWorld) recall(by, id, reason string, lots ...string) {
	w.t.Helper()
	w.do(by, trace.Recall{ID: id, Kind: trace.KindRecall, Lots: lots, Reason: reason, Code: "listeria"})
}
