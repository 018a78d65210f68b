package traceability

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// Each choice on the form, and who reads the event then: on its page, in the
// history of its lot, in the lot's document, in the repository and on the
// shopper's page. The harbour lies on the chain; the market is named, and
// otherwise a stranger as the far shop is.
func TestWhoReadsWhatAFormShares(t *testing.T) {
	w := viewsHost(t)
	visit(t, w.Host, "greenfield-dairy").open("/traceability/lots/new").sees("Who can read it").wants(`value="linked" selected`).wants(`name="share.with" value="city-market"`)
	modes := []string{trace.Linked, trace.Public, trace.Restricted, trace.Private}
	event := map[string]string{}
	for _, mode := range modes {
		dairy, lot := visit(t, w.Host, "greenfield-dairy"), lotOf(milkGTIN, "S-"+mode) // sessions end as the clock goes on
		form := url.Values{"gtin": {milkGTIN}, "number": {"S-" + mode}, "quantity": {"100"}, "unit": {"KGM"}, "share.mode": {mode}}
		if mode == trace.Restricted {
			dairy.open("/traceability/lots/new").send("/traceability/lots/new", form).refused("traceability/audience", "share-mode")
			form.Set("share.with", "city-market")
		} else {
			form.Set("share.with", "far-shop") // ticked before another choice was made
		}
		dairy.open("/traceability/lots/new").send("/traceability/lots/new", form)
		if !strings.HasSuffix(dairy.at, lot) {
			t.Fatalf("%s: not logged: %s", mode, dairy.text())
		}
		w.ship("greenfield-dairy", "harbour-foods", lot, "10")
		w.receive("harbour-foods", lot, "10")
		hash, err := readmodel.One[string](t.Context(), w.DB, `SELECT origin FROM tr_lots WHERE id = $1`, lot)
		if err != nil {
			t.Fatal(err)
		}
		event[mode] = hash
	}
	w.sleep(time.Second)
	for reader, reads := range map[string][]string{
		"greenfield-dairy": modes, "food-safety": modes,
		"harbour-foods": {trace.Linked, trace.Public},
		"city-market":   {trace.Public, trace.Restricted},
		"far-shop":      {trace.Public},
	} {
		v := w.signedIn(reader)
		_, repository := v.get("/epcis/v2/events?perPage=100", "Accept", "application/json")
		for _, mode := range modes {
			lot, may := lotOf(milkGTIN, "S-"+mode), slices.Contains(reads, mode)
			told := func(where string, got, want bool) {
				if got != want {
					t.Errorf("%s, shared as %s: %s reads it: %v, want %v", where, mode, reader, got, want)
				}
			}
			page, _ := v.get(eventHref(event[mode]))
			told("page of the event", page.StatusCode == 200, may)
			told("repository", strings.Contains(repository, event[mode]), may)
			on := reader != "city-market" && reader != "far-shop"
			res, history := v.get(lotHref(lot) + ".json")
			told("lot", res.StatusCode == 200, on)
			told("history", strings.Contains(history, "Greenfield Dairy logged "), on && may)
			told("history without it", strings.Contains(history, "Something that is not shared with you"), on && !may)
			_, document := v.get(lotHref(lot) + ".jsonld")
			told("document", strings.Contains(document, event[mode]), on && may)
		}
	}
	for _, mode := range modes {
		_, page := w.stranger().get("/" + lotOf(milkGTIN, "S-"+mode))
		if open := mode == trace.Linked || mode == trace.Public; strings.Contains(page, "Meadowbrook") != open {
			t.Errorf("shared as %s: the shopper's page tells where it was made: %v", mode, !open)
		}
	}
}

// Every other form shares as it was told to.
func TestEveryFormShares(t *testing.T) {
	w := viewsHost(t)
	w.log("greenfield-dairy", m1, "1000", "2026-12-24")
	dairy, harbour := visit(t, w.Host, "greenfield-dairy"), visit(t, w.Host, "harbour-foods")
	form := func(more ...string) url.Values {
		v := url.Values{"lines.0.lot": {m1}, "lines.0.quantity": {"10"}, "lines.0.unit": {"KGM"}, "share.mode": {trace.Private}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	dairy.open("/traceability/ship").send("/traceability/ship", form("to", "harbour-foods", "advice", "DA-1"))
	shipment := dairy.at
	dairy.open("/traceability/dispose").send("/traceability/dispose", form("how", "destroyed"))
	dairy.open("/traceability/pack").send("/traceability/pack", form("sscc", "095060001340000017"))
	undo := url.Values{"pack": {"00/095060001340000017"}, "share.mode": {trace.Restricted}}
	dairy.open("/traceability/pack").send("/traceability/unpack", undo).sees("No company is named that may read this.")
	undo.Set("share.mode", trace.Private)
	dairy.open("/traceability/pack").send("/traceability/unpack", undo)
	dairy.open("/traceability/transform").send("/traceability/transform", form("outputs.0.gtin", milkGTIN, "outputs.0.lot", "T1", "outputs.0.quantity", "10"))
	harbour.open(shipment).wants(`name="share.mode"`).send(shipment+"/accept", form())
	for _, step := range []string{"shipping", "destroying", "packing", "unpacking", "commissioning", "receiving"} {
		n, err := readmodel.One[int](t.Context(), w.DB, `SELECT COUNT(*) FROM tr_events WHERE biz_step = $1 AND sharing = 'private'`, step)
		if err != nil || n != 1 {
			t.Errorf("%s: %d private events, %v", step, n, err)
		}
	}
}

// Who accepts in one tap, or by the API, chooses nothing: the answer is read by
// those who read what it answers.
func TestAnAnswerIsSharedAsItsShipment(t *testing.T) {
	w := viewsHost(t)
	w.log("greenfield-dairy", m1, "1000", "2026-12-24")
	for _, mode := range []string{trace.Linked, trace.Public, trace.Restricted, trace.Private} {
		form := url.Values{"to": {"harbour-foods"}, "advice": {"DA-" + mode}, "share.mode": {mode}, "share.with": {"harbour-foods", "city-market"},
			"lines.0.lot": {m1}, "lines.0.quantity": {"10"}, "lines.0.unit": {"KGM"}}
		shipment := visit(t, w.Host, "greenfield-dairy").open("/traceability/ship").send("/traceability/ship", form).at
		harbour := visit(t, w.Host, "harbour-foods").open("/traceability")
		harbour.wants("Who can read this is as for the shipment")
		harbour.send(shipment+"/accept", url.Values{"all": {"on"}})
		got, err := readmodel.One[string](t.Context(), w.DB, `SELECT e.sharing FROM tr_events e JOIN tr_shipments s ON s.answer = e.hash WHERE s.id = $1`, shipment[len("/traceability/shipments/"):])
		if err != nil || got != mode {
			t.Errorf("the answer to a shipment that is %s is shared as %q: %v", mode, got, err)
		}
		readers := map[string]bool{"greenfield-dairy": true, "food-safety": true, "city-market": mode == trace.Public, "far-shop": mode == trace.Public}
		hash, err := readmodel.One[string](t.Context(), w.DB, `SELECT answer FROM tr_shipments WHERE id = $1`, shipment[len("/traceability/shipments/"):])
		if err != nil {
			t.Fatal(err)
		}
		for reader, may := range readers {
			if page, _ := w.signedIn(reader).get(eventHref(hash)); (page.StatusCode == 200) != may {
				t.Errorf("the answer to a shipment that is %s: %s reads it: %s, want %v", mode, reader, page.Status, may)
			}
		}
	}
}
