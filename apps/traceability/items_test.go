package traceability

import (
	"slices"
	"testing"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

// A single item leads to its batch and on to what that was made of, and a batch to
// its items: for whoever has one item, but not to its siblings. How much of the
// milk is in an item is told where the batch is counted in pieces, and nowhere
// guessed: not of a batch by weight, nor of what is made of its items.
func TestItemsAreOfTheirBatch(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	wheels, basket, board := lotOf(cheeseGTIN, "W1"), lotOf(cheeseGTIN, "BASKET"), lotOf(cheeseGTIN, "BOARD")
	pieces := func(lot string, n int64) []epcis.Quantity {
		return []epcis.Quantity{{Class: "https://id.gs1.org/" + lot, Amount: gs1.Whole(n), HasAmount: true}}
	}
	item := func(batch, serial string) string { return "https://id.gs1.org/" + batch + "/21/" + serial }
	of := func(serial string) string { return "01/" + cheeseGTIN + "/21/" + serial }
	w.transform("harbour-foods", []epcis.Quantity{kilos(m1, "40")}, pieces(wheels, 40))
	w.capture("harbour-foods", epcis.Event{Type: epcis.ObjectEvent, Action: epcis.Add, BizStep: "commissioning", Disposition: "active",
		EPCs: []string{item(wheels, "7"), item(wheels, "8"), item(wheels, "9"), item(c1, "K1")}})
	move := func(by, step, serial, to string) {
		e := epcis.Event{Type: epcis.ObjectEvent, Action: epcis.Observe, BizStep: step, EPCs: []string{"https://id.gs1.org/" + of(serial)}}
		if to != "" {
			e.Destinations = []epcis.Typed{{Type: "owning_party", Value: "urn:tallyway:party:" + to}}
		}
		w.capture(by, e)
	}
	move("harbour-foods", "shipping", "7", "far-shop")
	move("far-shop", "receiving", "7", "")
	for serial, made := range map[string]string{"9": basket, "K1": board} {
		w.capture("harbour-foods", epcis.Event{Type: epcis.TransformationEvent, BizStep: "creating_class_instance", InputEPCs: []string{"https://id.gs1.org/" + of(serial)}, OutputQuantities: pieces(made, 1)})
	}
	paper, _ := w.attach("greenfield-dairy", m1, trace.Linked, pdfOf("milk"))
	batchPaper, _ := w.attach("harbour-foods", wheels, trace.Linked, pdfOf("wheels"))

	shop := w.signedIn("far-shop")
	back := shop.trace(traceHref(of("7")) + "?way=back")
	for _, lot := range []string{wheels, m1} {
		if back.node(lot).ID == "" {
			t.Errorf("the trace of the item does not come to %s", lot)
		}
	}
	for lot, want := range map[string]int{of("7"): 200, wheels: 200, m1: 200, of("8"): 404, basket: 404, c1: 404} {
		if res, _ := shop.get("/api/lots/" + lot); res.StatusCode != want {
			t.Errorf("who has one item is answered %d on %s, want %d", res.StatusCode, lot, want)
		}
	}
	for _, id := range []string{paper, batchPaper} {
		if res, _ := shop.get("/api/documents/" + id); res.StatusCode != 200 {
			t.Errorf("who has one item is answered %d on a document linked to its chain", res.StatusCode)
		}
	}
	if res, _ := w.signedIn("corner-shop").get("/api/documents/" + batchPaper); res.StatusCode != 404 {
		t.Errorf("who has none of the batch is answered %d", res.StatusCode)
	}

	harbour := w.signedIn("harbour-foods")
	forward := harbour.trace(traceHref(m1) + "?way=forward")
	share := func(in traceView, lot string) string {
		if in.node(lot).ID == "" {
			t.Errorf("the trace does not come to %s", lot)
		}
		if p := in.node(lot).Part; p != nil {
			return p.Even
		}
		return "untold"
	}
	for lot, want := range map[string]string{wheels: "1/25", of("7"): "1/1000", of("8"): "1/1000", basket: "1/1000", of("K1"): "untold", board: "untold"} {
		if got := share(forward, lot); got != want {
			t.Errorf("of the milk, %s is in %s, want %s", got, lot, want)
		}
	}
	if got := share(harbour.trace(traceHref(basket)+"?way=back"), wheels); got != "1/40" {
		t.Errorf("of the batch, %s is in the basket", got)
	}
	if got := share(harbour.trace(traceHref(board)+"?way=back"), c1); got != "untold" {
		t.Errorf("of the batch by weight, %s is in the board", got)
	}
	edges := []string{}
	for _, e := range forward.Edges {
		if e.From == wheels {
			edges = append(edges, e.To)
		}
	}
	if slices.Sort(edges); !slices.Equal(edges, []string{of("7"), of("8"), of("9")}) {
		t.Errorf("of the batch came %v", edges)
	}
}
