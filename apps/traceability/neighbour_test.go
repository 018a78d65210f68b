package traceability

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/apps/traceability/events"
)

// Who sees whose account of the milk and of the cheese: their own and their
// neighbours' in custody; a regulator everybody's. The market has the cheese and
// never had the milk; the corner shop is offered cheese and has not accepted.
func TestNeighboursSeeAccounts(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	both := []string{"greenfield-dairy", "harbour-foods"}
	shelf := []string{"city-market", "harbour-foods"}
	for reader, sees := range map[string]map[string][]string{
		"greenfield-dairy": {m1: both, c1: nil},
		"harbour-foods":    {m1: both, c1: shelf},
		"city-market":      {m1: nil, c1: shelf},
		"corner-shop":      {m1: nil, c1: nil},
		"food-safety":      {m1: both, c1: shelf},
	} {
		v := w.signedIn(reader)
		for lot, want := range sees {
			var page lotView
			_, body := v.get(lotHref(lot) + ".json")
			if err := json.Unmarshal([]byte(body), &page); err != nil {
				t.Fatalf("%s: %s: %v: %s", reader, lot, err, body)
			}
			var reply lotReply
			_, body = v.get("/api/lots/"+lot, "Accept", "application/json")
			if err := json.Unmarshal([]byte(body), &reply); err != nil {
				t.Fatal(err)
			}
			var onPage, inAPI []string
			for _, x := range page.Accounts {
				onPage = append(onPage, x.Party)
			}
			for _, x := range reply.Holdings {
				inAPI = append(inAPI, x.Party)
			}
			slices.Sort(onPage)
			if !slices.Equal(onPage, want) || !slices.Equal(inAPI, want) {
				t.Errorf("%s sees of %s the accounts of %v on the page and %v in the API, want %v", reader, lot, onPage, inAPI, want)
			}
			if page.Further != 2-len(want) || (page.Missing == "") != (want == nil) {
				t.Errorf("%s: %s: %d further accounts, unaccounted %q", reader, lot, page.Further, page.Missing)
			}
			_, html := v.get(lotHref(lot))
			if said := strings.Contains(html, "further companies on the chain are not your neighbours"); said != (want == nil) {
				t.Errorf("%s: %s: the page tells of others: %v", reader, lot, said)
			}
		}
	}
	market := w.signedIn("city-market")
	_, csv := market.get("/traceability/lots.csv")
	has(t, csv, "C1,Harbour cheese,"+cheeseGTIN+",Harbour Foods,50,", "M1,Fresh milk,"+milkGTIN+",Greenfield Dairy,,,kg,", "With others on the chain")
	_, stock := market.get("/traceability/lots.csv?state=stock")
	has(t, stock, "C1,")
	lacks(t, stock, "M1,")
}

// How much was made, used and packed are parts of accounts: who does not see the
// account does not read them on the page of the lot or in its trace, in sheets
// or in the API. What shoppers read of the way, everybody on the chain does.
func TestAmountsGoOneStep(t *testing.T) {
	w := viewsHost(t)
	w.milkToShelf()
	w.receive("corner-shop", c1, "10")
	const toHarbour = "Made: Greenfield Dairy, Meadowbrook · 16 Nov 2026|Arrived: Harbour Foods, Port Alma · 17 Nov 2026"
	const box, pallet = "00/095212345600000012", "00/095212345600000029"
	harbour := events.Company{ID: "harbour-foods", GLN: "9521234560012"}
	w.send("harbour-foods", events.Packed(harbour, w.now, box, []events.Goods{{Lot: c1, Amount: parseAmount("5"), Unit: "KGM"}}, nil))
	w.send("harbour-foods", events.Packed(harbour, w.now, pallet, nil, []string{box}))
	for reader, want := range map[string]told{
		"greenfield-dairy": {made: [2]string{"1000", ""}, used: "400 kg", others: [2]string{"", "Made: Harbour Foods, Port Alma · 18 Nov 2026|Arrived: City Market, Springfield · 19 Nov 2026|Arrived: Corner Shop · 19 Nov 2026"}},
		"harbour-foods":    {made: [2]string{"1000", "60"}, used: "400 kg", yield: "60 kg", packs: 1},
		"city-market":      {made: [2]string{"", "60"}, yield: "60 kg", packs: 1, others: [2]string{toHarbour, "Arrived: Corner Shop · 19 Nov 2026"}},
		"corner-shop":      {made: [2]string{"", "60"}, yield: "60 kg", packs: 1, others: [2]string{toHarbour, "Arrived: City Market, Springfield · 19 Nov 2026"}},
		"food-safety":      {made: [2]string{"1000", "60"}, used: "400 kg", yield: "60 kg", packs: 1},
	} {
		v := w.signedIn(reader)
		if got := v.told(t); got != want {
			t.Errorf("%s is told\n%+v, want\n%+v", reader, got, want)
		}
		v.readsOfMadeOnly(t, reader, want.made)
	}
}

// told is what a reader learns of the milk M1 and of the cheese C1.
type told struct {
	made        [2]string
	used, yield string // how much milk went in, how much cheese came out
	packs       int    // with cheese
	others      [2]string
}

// told reads the pages of both lots and the trace of one.
func (v *visitor) told(t *testing.T) (got told) {
	var milk, cheese lotView
	var trace traceView
	for address, page := range map[string]any{lotHref(m1): &milk, lotHref(c1): &cheese, traceHref(c1): &trace} {
		v.decode(t, address+".json", page)
	}
	got.made, got.packs = [2]string{milk.Made, cheese.Made}, len(cheese.Packs)
	for i, lot := range []string{m1, c1} {
		_, page := v.get(lotHref(lot))
		if _, list, found := strings.Cut(page, `<ul class="beyond">`); found {
			list, _, _ = strings.Cut(list, "</ul>")
			got.others[i] = strings.NewReplacer("</li><li>", "|", "<li>", "", "</li>", "").Replace(list)
		}
	}
	for _, m := range cheese.From {
		if m.Lot == m1 {
			got.used = m.Amount
		}
	}
	got.yield = milk.Into[0].Amount
	for _, e := range trace.Edges {
		if e.From == m1 && e.Amount != got.used {
			t.Errorf("the trace says that %q of the milk were used, the page %q", e.Amount, got.used)
		}
	}
	for _, node := range trace.Nodes {
		made, asked := map[string]string{m1: milk.Made, c1: cheese.Made}[node.ID]
		if asked && strings.ReplaceAll(strings.TrimSuffix(node.Amount, " kg"), ",", "") != made {
			t.Errorf("the trace says that %q of %s were made, the page %q", node.Amount, node.ID, made)
		}
	}
	return got
}

func (v *visitor) decode(t *testing.T, path string, into any) {
	t.Helper()
	if _, body := v.get(path, "Accept", "application/json"); json.Unmarshal([]byte(body), into) != nil {
		t.Fatalf("%s answers with %s", path, body)
	}
}

// readsOfMadeOnly looks at the same quantities in the API and in sheets.
func (v *visitor) readsOfMadeOnly(t *testing.T, reader string, made [2]string) {
	var list struct{ Items []lotReply }
	v.decode(t, "/api/lots?limit=100", &list)
	for i, lot := range []string{m1, c1} {
		var one lotReply
		v.decode(t, "/api/lots/"+lot, &one)
		if one.Made != made[i] {
			t.Errorf("%s: the API says that %q of %s were made, want %q", reader, one.Made, lot, made[i])
		}
		for _, l := range list.Items {
			if l.ID == lot && l.Made != made[i] {
				t.Errorf("%s: the API's list says that %q of %s were made, want %q", reader, l.Made, lot, made[i])
			}
		}
	}
	_, csv := v.get("/traceability/lots.csv")
	_, html := v.get("/traceability/lots")
	for i, quantity := range []string{"1000", "60"} {
		if strings.Contains(csv, ","+quantity+",kg,") != (made[i] != "") || strings.Contains(html, map[string]string{"1000": "1,000", "60": "60"}[quantity]+`<span class="unit"> kg`) != (made[i] != "") {
			t.Errorf("%s: the sheet or the list tells that %s were made, or does not: want %q\n%s", reader, quantity, made[i], csv)
		}
	}
}
