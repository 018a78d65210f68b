package traceability

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/apps/traceability/bundle"
	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

// bundleFor is the proof bundle of a lot as a company is given it.
func (w *viewsWorld) bundleFor(company, lot string) []byte {
	w.t.Helper()
	res, body := w.signedIn(company).get("/api/lots/" + lot + "/bundle")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/zip" {
		w.t.Fatalf("%s: %d %s", company, res.StatusCode, body)
	}
	return []byte(body)
}

func checkBundle(t testing.TB, file []byte) *bundle.Checked {
	t.Helper()
	b, document, err := bundle.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := bundle.Check(b, document)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// provenWorld has milk that became cheese, a private inspection of the cheese, an
// event that was an error, and a recall that was closed.
func provenWorld(t testing.TB) *viewsWorld {
	w := viewsHost(t)
	w.log("greenfield-dairy", m1, "1000", "2026-12-24")
	w.ship("greenfield-dairy", "harbour-foods", m1, "600")
	w.receive("harbour-foods", m1, "600")
	ten, _ := gs1.ParseAmount("10")
	cheese := events.Transformed(events.Company{}, w.Now(), "", []events.Goods{{Lot: m1, Amount: ten, Unit: "KGM"}},
		[]events.Made{{Goods: events.Goods{Lot: lotOf(cheeseGTIN, "C1"), Amount: ten, Unit: "KGM"}}})
	for _, e := range cheese {
		w.capture("harbour-foods", e)
	}
	w.capture("harbour-foods", inspected(lotOf(cheeseGTIN, "C1")), trace.Private)
	w.do("food-safety", trace.Recall{ID: "R-1", Kind: trace.KindRecall, Lots: []string{m1}, Reason: "listeria"})
	w.do("food-safety", trace.Release{Case: "R-1", Reason: "not found again"})
	return w
}

func inspected(lot string) epcis.Event {
	e := epcis.Event{Type: "ObjectEvent", Action: "OBSERVE", BizStep: "inspecting"}
	ten, _ := gs1.ParseAmount("10")
	key, _ := gs1.Parse(lot)
	e.Quantities = []epcis.Quantity{{Class: key.URI(), Amount: ten, HasAmount: true, Unit: "KGM"}}
	return e
}

func TestABundleProvesTheChain(t *testing.T) {
	w := provenWorld(t)
	for reader, events := range map[string]int{"harbour-foods": 5, "greenfield-dairy": 4, "food-safety": 5} {
		file := w.bundleFor(reader, lotOf(cheeseGTIN, "C1"))
		p := checkBundle(t, file)
		if len(p.Proved) != events || p.Withheld != 5-events || p.For != reader {
			t.Errorf("%s: %d events, %d withheld, want %d of 5", reader, len(p.Proved), p.Withheld, events)
		}
		if want := []bundle.Link{{From: m1, To: lotOf(cheeseGTIN, "C1")}}; !slices.Equal(p.Links, want) {
			t.Errorf("%s: links %v", reader, p.Links)
		}
		blocked := 0
		for _, k := range p.Cases {
			if !k.Closed {
				blocked++
			}
		}
		if blocked != 2 || len(p.Cases) != 3 {
			t.Errorf("%s: cases %+v", reader, p.Cases)
		}
		for _, e := range p.Proved {
			if own := reader == "food-safety" || e.Author == reader; own != (e.Proof.Author != "") {
				t.Errorf("%s: the signature under %s of %s is shown: %v", reader, e.BizStep, e.Author, !own)
			}
		}
	}
	for _, stranger := range []string{"far-shop", "city-market"} {
		if res, _ := w.signedIn(stranger).get("/api/lots/" + m1 + "/bundle"); res.StatusCode != 404 {
			t.Errorf("%s is given a bundle: %d", stranger, res.StatusCode)
		}
	}
}

// A bundle tells nothing that its reader may not read: the private inspection,
// and the accounts of companies that are not its neighbours.
func TestABundleTellsNoMore(t *testing.T) {
	w := provenWorld(t)
	w.ship("harbour-foods", "city-market", lotOf(cheeseGTIN, "C1"), "3")
	w.receive("city-market", lotOf(cheeseGTIN, "C1"), "3")
	for reader, never := range map[string][]string{
		"greenfield-dairy": {"inspecting", `\"lot\":\"` + lotOf(cheeseGTIN, "C1") + `\",\"party\"`},
		"city-market":      {"inspecting", `\"lot\":\"` + m1 + `\",\"party\"`},
	} {
		file := w.bundleFor(reader, m1)
		checkBundle(t, file)
		z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			r, _ := f.Open()
			text, _ := io.ReadAll(r)
			for _, word := range never {
				if strings.Contains(string(text), word) {
					t.Errorf("%s reads %q in %s", reader, word, f.Name)
				}
			}
		}
	}
}

func TestAnErrorIsPartOfTheProof(t *testing.T) {
	w := viewsHost(t)
	w.log("greenfield-dairy", m1, "1000", "2026-12-24")
	w.capture("greenfield-dairy", inspected(m1))
	wrong := w.last
	wrong.Error = &epcis.ErrorDeclaration{Time: w.Now().UTC(), Reason: "incorrect_data"}
	w.send("greenfield-dairy", wrong)
	p := checkBundle(t, w.bundleFor("greenfield-dairy", m1))
	if i := slices.IndexFunc(p.Proved, func(e bundle.Event) bool { return e.Error != nil }); i < 0 || p.Proved[i].BizStep != "inspecting" {
		t.Errorf("the error is not proved: %+v", p.Proved)
	}
}

// Whoever changes a bundle is found out.
func TestAChangedBundleProvesNothing(t *testing.T) {
	w := provenWorld(t)
	file := w.bundleFor("harbour-foods", lotOf(cheeseGTIN, "C1"))
	for want, change := range map[string]func(*bundle.Bundle, *epcis.Document){
		"holds 4 events": func(_ *bundle.Bundle, d *epcis.Document) { d.Events = d.Events[1:] },
		"is not on the":  func(_ *bundle.Bundle, d *epcis.Document) { d.Events[0].BizStep = "shipping" },
		"nothing proves": func(b *bundle.Bundle, _ *epcis.Document) {
			b.Events[0] = strings.Replace(b.Events[0], "sha-256;", "sha-256;0", 1)
		},
		"links are not":  func(b *bundle.Bundle, _ *epcis.Document) { b.Links[0].From = b.Links[0].To },
		"leave out":      func(b *bundle.Bundle, _ *epcis.Document) { b.Lot = lotOf(cheeseGTIN, "C2") },
		"no event of it": func(b *bundle.Bundle, _ *epcis.Document) { b.Lots = append(b.Lots, lotOf(cheeseGTIN, "C2")) },
		"commitment":     func(b *bundle.Bundle, _ *epcis.Document) { b.Kept = changed(b.Kept) },
		"signature under": func(b *bundle.Bundle, _ *epcis.Document) {
			b.Ledger.Statement = strings.Replace(b.Ledger.Statement, `"made":"2026`, `"made":"2025`, 1)
		},
	} {
		b, d, err := bundle.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		change(b, d)
		if _, err := bundle.Check(b, d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if _, _, err := bundle.Read(file[:len(file)/2]); err == nil {
		t.Error("half a bundle is read")
	}
}

func changed(kept map[string]bundle.Kept) map[string]bundle.Kept {
	for hash, k := range kept {
		k.Body = strings.Replace(k.Body, "inspecting", "accepting", 1)
		kept[hash] = k
	}
	return kept
}

// FuzzBundle gives the check whatever JSON a bundle may hold.
func FuzzBundle(f *testing.F) {
	w := provenWorld(f)
	b, d, err := bundle.Read(w.bundleFor("harbour-foods", lotOf(cheeseGTIN, "C1")))
	if err != nil {
		f.Fatal(err)
	}
	text, _ := json.Marshal(b)
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		var b bundle.Bundle
		if json.Unmarshal(text, &b) != nil || b.Ledger == nil {
			return
		}
		if p, err := bundle.Check(&b, d); err == nil && len(p.Proved) != len(d.Events) {
			t.Errorf("%d of %d events", len(p.Proved), len(d.Events))
		}
	})
}
