package traceability

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web/webtest"
)

// bigChain are the products of a long chain, from the farm to the shelf.
var bigChain = []struct{ gtin, name, maker string }{
	{milkGTIN, "Fresh milk", "greenfield-dairy"},
	{cheeseGTIN, "Curd", "harbour-foods"},
	{"09501101530027", "Cheese wheel", "harbour-foods"},
	{"09501101530034", "Cheese slices", "harbour-foods"},
	{"09501101530041", "Sandwich", "harbour-foods"},
}

var bigSeed = lotOf(milkGTIN, "SEED")

// bulk writes so many lots of a chain straight into the tables: one lot of milk,
// and what was made of it, each of two of the layer before.
func (w *viewsWorld) bulk(n int) {
	w.t.Helper()
	err := w.DB.InTx(context.Background(), func(tx *readmodel.Tx) error {
		for _, p := range bigChain {
			if err := run(context.Background(), tx, `INSERT INTO tr_products (gtin, name, name_zh, unit, shelf_life, storage, owner) VALUES ($1, $2, '', 'KGM', 9, '', $3) ON CONFLICT DO NOTHING`, p.gtin, p.name, p.maker); err != nil {
				return err
			}
		}
		if err := w.bulkLot(tx, bigSeed, 0, viewsStart, ""); err != nil {
			return err
		}
		width := (n - 1) / (len(bigChain) - 1)
		for layer := 1; layer < len(bigChain); layer++ {
			for i := range width {
				blocked := ""
				if layer == 3 && i%97 == 5 {
					blocked = "recall"
				}
				lot := bigLot(layer, i)
				if err := w.bulkLot(tx, lot, layer, viewsStart.Add(time.Duration(layer)*72*time.Hour+time.Duration(i*20/width)*24*time.Hour), blocked); err != nil {
					return err
				}
				from := map[string]bool{bigSeed: true}
				if layer > 1 {
					from = map[string]bool{bigLot(layer-1, i): true, bigLot(layer-1, (i+1)%width): true}
				}
				if err := w.bulkProcess(tx, lot, from); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func bigLot(layer, i int) string {
	return lotOf(bigChain[layer].gtin, fmt.Sprintf("B%d-%04d", layer, i))
}

func (w *viewsWorld) bulkLot(tx *readmodel.Tx, id string, layer int, at time.Time, blocked string) error {
	p, ctx := bigChain[layer], context.Background()
	number := id[strings.LastIndex(id, "/")+1:]
	err := run(ctx, tx, `INSERT INTO tr_lots (id, gtin, number, serial, batch, maker, unit, made, at, expiry, origin, flags, blocked, block, told)
		VALUES ($1, $2, $3, '', '', $4, 'KGM', $5, $6, '', '', '', $7, 1, FALSE)`, id, p.gtin, number, p.maker, map[bool]string{true: "100000", false: "100"}[layer == 0], at, blocked)
	if err != nil {
		return err
	}
	return run(ctx, tx, `INSERT INTO tr_accounts (lot, party, held, packed, sent, used, sold, destroyed, gone, lost, in_stock) VALUES ($1, $2, '90', '0', '0', '10', '0', '0', '0', '0', $3)`, id, p.maker, true)
}

func (w *viewsWorld) bulkProcess(tx *readmodel.Tx, lot string, from map[string]bool) error {
	line := func(side, of, amount string) error {
		return run(context.Background(), tx, `INSERT INTO tr_process_lines (process, side, lot, amount, unit, block) VALUES ($1, $2, $3, $4, 'KGM', 1)`, "p "+lot, side, of, amount)
	}
	for of := range from {
		if err := line("in", of, map[bool]string{true: "20", false: "40"}[of == bigSeed]); err != nil {
			return err
		}
	}
	return line("out", lot, map[bool]string{true: "20", false: "80"}[from[bigSeed]])
}

// A trace of five thousand lots is a page that a phone can take: it is drawn in
// groups that open by link, its table pages, and it says what it left out.
func TestTraceOfThousandsStaysSmall(t *testing.T) {
	w := viewsHost(t)
	w.bulk(5000)
	officer := w.signedIn("food-safety")
	begun := time.Now()
	_, page := officer.get(traceHref(bigSeed))
	t.Logf("%d bytes in %v", len(page), time.Since(begun))
	if len(page) > 400_000 {
		t.Errorf("the page has %d bytes", len(page))
	}
	cards := strings.Count(page, `class="lot-card`)
	if cards < 10 || cards > mostDrawn {
		t.Errorf("%d cards", cards)
	}
	has(t, page, "share a card", "Recalled", "Next page", "Show them one by one")
	open := page[strings.Index(page, `href="`+traceHref(bigSeed)+"?open=")+6:]
	open = strings.ReplaceAll(open[:strings.Index(open, `"`)], "&amp;", "&")
	_, opened := officer.get(strings.TrimSuffix(open, "#graph"))
	if more := strings.Count(opened, `class="lot-card`); more <= cards || more > cards+mostDrawn {
		t.Errorf("opened: %d cards after %d", more, cards)
	}
	has(t, opened, "Close all groups")
	_, way := officer.get(traceHref(bigSeed) + "?path=" + bigLot(4, 7))
	has(t, way, `class="trace focused"`, "Only the way between")
	_, second := officer.get(traceHref(bigSeed) + "?sort=-share&after=50&way=forward")
	has(t, second, "First page", "sort=share")
	if res, _ := officer.get(traceHref(bigSeed) + "?after=-7&open=" + strings.Repeat("x,", 200)); res.StatusCode != http.StatusOK {
		t.Errorf("a bent address: %s", res.Status)
	}
}

// The trace page in a browser: zoom by keyboard, the overview, no sideways
// scrolling of the page, in both languages.
func TestTracePageInABrowser(t *testing.T) {
	w := viewsHost(t)
	w.bulk(200)
	b := webtest.NewBrowser(t, webtest.Desktop)
	b.Login(w.Address(), "food-safety", password)
	b.Problems()
	b.Open(w.Address() + traceHref(bigSeed))
	b.See("[data-trace-tools] [data-zoom=fit]")
	b.See("[data-trace-map]")
	before := webtest.Eval[float64](b, `document.querySelector("svg.trace").clientWidth`)
	b.Click("[data-zoom=fit]")
	if after := webtest.Eval[float64](b, `document.querySelector("svg.trace").clientWidth`); after >= before {
		t.Errorf("all of it: %v pixels wide after %v", after, before)
	}
	webtest.Eval[bool](b, `document.querySelector("[data-trace]").dispatchEvent(new KeyboardEvent("keydown", {key: "1", bubbles: true, cancelable: true}))`)
	if again := webtest.Eval[float64](b, `document.querySelector("svg.trace").clientWidth`); again != before {
		t.Errorf("the lot: %v pixels wide, want %v", again, before)
	}
	for _, v := range []webtest.Viewport{webtest.Phone, webtest.Desktop} {
		b.View(v)
		for _, lang := range []string{"en", "zh-CN"} {
			b.Speak(lang)
			b.Open(w.Address() + traceHref(bigSeed))
			if cut := b.Overflow(); cut > 0 {
				t.Errorf("%s, %s: the page is %d pixels too wide", v.Name, lang, cut)
			}
			b.Screenshot("trace-" + v.Name + "-" + lang)
		}
	}
	b.Quiet()
}

// The page of five thousand lots, from the request to its last byte.
func BenchmarkTracePage(b *testing.B) {
	w := &viewsWorld{world: start(b, viewsStart, viewsParties, describe)}
	w.bulk(5000)
	officer := w.signedIn("food-safety")
	officer.get(traceHref(bigSeed))
	for b.Loop() {
		officer.get(traceHref(bigSeed))
	}
}
