package traceability

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/lineage"
	"github.com/tallyway/tallyway/shared/readmodel/pgtest"
)

const (
	pallet = "https://id.gs1.org/00/395012300000000010"
	logger = "https://id.gs1.org/8004/9506000134LOG1"
	crate  = "https://id.gs1.org/8003/095060001343521001"
	milkM2 = "01/" + milkGTIN + "/10/M2"
)

// read asks for a trace as JSON.
func (v *visitor) trace(path string) (got traceView) {
	v.w.t.Helper()
	res, body := v.get(path, "Accept", "application/json")
	if res.StatusCode != http.StatusOK {
		v.w.t.Fatalf("GET %s: %s %s", path, res.Status, body)
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		v.w.t.Fatal(err)
	}
	return got
}

func (v *traceView) node(id string) card {
	for _, k := range v.Nodes {
		if k.ID == id {
			return k
		}
	}
	return card{}
}

// tied is the story of milk to shelf, and a pallet of cheese with a logger in a
// crate.
func tied(t *testing.T, w *viewsWorld) *viewsWorld {
	t.Helper()
	w.milkToShelf()
	w.capture("harbour-foods", epcis.Event{Type: epcis.AggregationEvent, Action: epcis.Add, BizStep: "packing", Parent: pallet, ChildQuantities: []epcis.Quantity{kilos(c1, "20")}})
	for _, pair := range [][2]string{{pallet, logger}, {crate, pallet}} {
		w.capture("harbour-foods", epcis.Event{Type: epcis.AssociationEvent, Action: epcis.Add, BizStep: "installing", Parent: pair[0], ChildEPCs: []string{pair[1]}})
	}
	return w
}

// onBoth runs a story over both engines of the tables.
func onBoth(t *testing.T, story func(t *testing.T, w *viewsWorld)) {
	for name, database := range map[string]func(testing.TB) string{"SQLite": func(testing.TB) string { return "" }, "PostgreSQL": pgtest.URL} {
		t.Run(name, func(t *testing.T) {
			story(t, &viewsWorld{world: startOn(t, database(t), viewsStart, viewsParties, describe)})
		})
	}
}

func TestTraceTellsQuantitiesPacksAndWhatIsAttached(t *testing.T) { onBoth(t, tellsQuantities) }

func tellsQuantities(t *testing.T, w *viewsWorld) {
	tied(t, w)
	harbour := w.signedIn("harbour-foods")
	got := harbour.trace(traceHref(c1) + ".json")
	milk := got.node(m1)
	// 400 of the 480 kg that arrived went into 600 kg of which 60 kg are cheese.
	if milk.Part == nil || milk.Part.AtLeast != "0" || milk.Part.AtMost != "60" || milk.Part.Evenly != "40" || milk.Part.Even != "1/25" {
		t.Errorf("milk in the cheese: %+v", milk.Part)
	}
	if milk.Missing != "20" || got.node(c1).Missing != "0" { // 20 kg never arrived
		t.Errorf("unaccounted: %q of the milk, %q of the cheese", milk.Missing, got.node(c1).Missing)
	}
	kinds := map[string]string{}
	for _, l := range got.Links {
		kinds[l.Kind] += l.From + ">" + l.To + " "
	}
	if kinds[packedIn] != c1+">00/395012300000000010 " || !strings.Contains(kinds[attachedTo], "8004/9506000134LOG1>00/395012300000000010") ||
		!strings.Contains(kinds[attachedTo], "00/395012300000000010>8003/095060001343521001") || !strings.Contains(kinds[shippedTo], "harbour-foods>city-market") {
		t.Errorf("links: %v", kinds)
	}
	for _, e := range got.Edges {
		if strings.HasPrefix(e.From, "800") || strings.HasPrefix(e.To, "800") {
			t.Errorf("an attached thing is an ingredient: %+v", e)
		}
	}
	forward := harbour.trace("/api/lots/" + m1 + "/trace?direction=forward")
	if p := forward.node(c1).Part; p == nil || p.Evenly != "40" || len(forward.Nodes) != 2 {
		t.Errorf("milk forward: %+v in %d lots", p, len(forward.Nodes))
	}
	_, page := harbour.get(traceHref(c1))
	has(t, page, "40 kg (0–60 kg)", "SSCC 395012300000000010", "Packed in or attached: no ingredient", "strand tie attached")
}

// The retailer sees its own shelf's neighbour, not what the cheese is made of in
// which amounts; a stranger sees nothing.
func TestTraceKeepsAmountsToNeighbours(t *testing.T) {
	w := tied(t, viewsHost(t))
	market := w.signedIn("city-market")
	for _, path := range []string{traceHref(c1) + ".json", "/api/lots/" + c1 + "/trace"} {
		got := market.trace(path)
		if milk := got.node(m1); milk.ID == "" || milk.Part != nil || milk.Missing != "" || milk.Amount != "" {
			t.Errorf("%s: the retailer reads of the milk: %+v", path, milk)
		}
		for _, l := range got.Links {
			if l.Kind == shippedTo && l.To != "city-market" && l.From != "city-market" {
				t.Errorf("the retailer reads of another's shipment: %+v", l)
			}
		}
	}
	_, sheet := market.get(traceHref(c1) + ".csv")
	if strings.Contains(sheet, "1/25") || strings.Contains(sheet, "corner-shop") || strings.Contains(sheet, "Corner Shop") {
		t.Errorf("the retailer's sheet tells: %s", sheet)
	}
	far := w.signedIn("far-shop")
	for _, path := range []string{traceHref(c1), traceHref(c1) + ".csv", traceHref(c1) + ".xlsx", traceHref(c1) + ".pdf", "/api/lots/" + c1 + "/trace", "/api/lots/" + c1 + "/trace.pdf"} {
		if res, _ := far.get(path); res.StatusCode != http.StatusNotFound {
			t.Errorf("a stranger asks for %s: %s", path, res.Status)
		}
	}
}

func TestTraceComesInEveryDress(t *testing.T) {
	w := tied(t, viewsHost(t))
	harbour := w.signedIn("harbour-foods")
	data := harbour.trace(traceHref(c1) + ".json")
	_, text := harbour.get("/api/lots/" + c1 + "/trace.csv")
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range data.Nodes {
		if !slices.ContainsFunc(rows, func(r []string) bool { return slices.Contains(r, k.ID) && slices.Contains(r, k.Word) }) {
			t.Errorf("the sheet lacks %s", k.ID)
		}
	}
	if want := len(data.Nodes) + len(data.Edges) + len(data.Links); len(rows) < want || len(rows) > want+4 {
		t.Errorf("the sheet has %d rows, the JSON %d things", len(rows), want)
	}
	for form, magic := range map[string]string{"xlsx": "PK", "pdf": "%PDF"} {
		for _, path := range []string{traceHref(c1) + "." + form, "/api/lots/" + c1 + "/trace." + form} {
			if res, body := harbour.get(path); res.StatusCode != http.StatusOK || !strings.HasPrefix(body, magic) {
				t.Errorf("%s: %s", path, res.Status)
			}
		}
	}
	for path, code := range map[string]string{traceHref(c1) + "?knownAt=yesterday": "trace/known-at", "/api/lots/" + c1 + "/trace?direction=up": "api/direction"} {
		if res, body := harbour.get(path, "Accept", "application/json"); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, code) {
			t.Errorf("%s: %s %s", path, res.Status, body)
		}
	}
}

// retract declares the event an error that the world told last.
func (w *viewsWorld) retract(by string, e epcis.Event) {
	w.t.Helper()
	e.Error = &epcis.ErrorDeclaration{Time: w.clock().Truncate(time.Second), Reason: "incorrect_data"}
	w.send(by, e)
}

func at(t time.Time) string { return "?knownAt=" + t.UTC().Format(time.RFC3339) }

// A lot is logged, worked up, shipped; both are declared errors, and a recall
// opened and closed. Asked for each time between, the ledger tells what it knew.
func TestAsKnownAtATime(t *testing.T) { onBoth(t, asKnown) }

func asKnown(t *testing.T, w *viewsWorld) {
	mark := func() time.Time { w.sleep(time.Minute); now := w.clock(); w.sleep(time.Minute); return now }
	unborn := mark()
	w.log("greenfield-dairy", m1, "1000", "2026-11-25")
	logged := mark()
	w.transform("greenfield-dairy", []epcis.Quantity{kilos(m1, "100")}, []epcis.Quantity{kilos(milkM2, "90")})
	cooking := w.last
	cooked := mark()
	w.ship("greenfield-dairy", "harbour-foods", m1, "400")
	shipping := w.last
	shipped := mark()
	w.retract("greenfield-dairy", shipping)
	unshipped := mark()
	w.retract("greenfield-dairy", cooking)
	w.recall("greenfield-dairy", "R-9", "Listeria", m1)
	recalled := mark()
	w.do("food-safety", trace.Release{Case: "R-9", Reason: "all clear"})
	released := mark()
	dairy := w.signedIn("greenfield-dairy")

	if res, _ := dairy.get("/api/lots/" + m1 + at(unborn)); res.StatusCode != http.StatusNotFound {
		t.Errorf("before it was logged: %s", res.Status)
	}
	for _, c := range []struct {
		name             string
		at               time.Time
		held, sent, used string
		made             bool // milkM2 is traced
		blocked          string
	}{
		{"logged", logged, "1000", "0", "0", false, ""},
		{"cooked", cooked, "900", "0", "100", true, ""},
		{"shipped", shipped, "500", "400", "100", true, ""},
		{"unshipped", unshipped, "900", "0", "100", true, ""},
		{"recalled", recalled, "1000", "0", "0", false, "recall"},
		{"released", released, "1000", "0", "0", false, ""},
	} {
		var lot lotReply
		_, body := dairy.get("/api/lots/"+m1+at(c.at), "Accept", "application/json")
		if err := json.Unmarshal([]byte(body), &lot); err != nil || len(lot.Holdings) != 1 {
			t.Fatalf("%s: %v %s", c.name, err, body)
		}
		if h := lot.Holdings[0]; h.Held != c.held || h.Sent != c.sent || h.Used != c.used || lot.Blocked != c.blocked {
			t.Errorf("%s: %+v, blocked %q", c.name, h, lot.Blocked)
		}
		for _, path := range []string{traceHref(m1) + ".json", "/api/lots/" + m1 + "/trace"} {
			got := dairy.trace(path + at(c.at))
			if made := got.node(milkM2).ID != ""; made != c.made {
				t.Errorf("%s: %s traces M2: %v", c.name, path, made)
			}
			if c.made && (len(got.Edges) != 1 || got.Edges[0].Amount != "100 kg" || got.node(milkM2).Part.Evenly != "90") {
				t.Errorf("%s: edges %+v, part %+v", c.name, got.Edges, got.node(milkM2).Part)
			}
			if ships := slices.ContainsFunc(got.Links, func(l link) bool { return l.Kind == shippedTo && l.State == trace.Offered }); ships != (c.name == "shipped") {
				t.Errorf("%s: links %+v", c.name, got.Links)
			}
		}
	}
	if got := dairy.trace(traceHref(m1) + ".json"); got.node(milkM2).ID != "" || len(got.Edges) != 0 {
		t.Errorf("now M2 is still traced: %+v", got.Edges)
	}
	_, then := dairy.get(lotHref(m1) + at(shipped))
	has(t, then, "shipped 400 kg to Harbour Foods", "You see what the ledger knew then")
	lacks(t, then, "Declared an error", "recalled", "/traceability/ship?lot=")
	_, now := dairy.get(lotHref(m1))
	has(t, now, "Declared an error", "As known at a time")
	if res, _ := dairy.get("/traceability/cases/R-9" + at(unshipped)); res.StatusCode != http.StatusNotFound {
		t.Errorf("a case before it was opened: %s", res.Status)
	}
	_, open := dairy.get("/traceability/cases/R-9" + at(recalled))
	has(t, open, "These lots are recalled")
	lacks(t, open, "all clear")
	var kase recallReply
	_, body := dairy.get("/api/recalls/R-9"+at(recalled), "Accept", "application/json")
	if err := json.Unmarshal([]byte(body), &kase); err != nil || kase.State != trace.CaseOpen || kase.Closed != nil {
		t.Errorf("the case while it was open: %v %s", err, body)
	}
}

// The graph in memory takes in what is captured and takes out what is declared
// an error, without being read anew.
func TestLineageFollowsWhatIsTakenBack(t *testing.T) {
	w := viewsHost(t)
	w.log("greenfield-dairy", m1, "1000", "2026-11-25")
	cache := newLineageCache(w.Host.DB, w.Host.Follower)
	reached := func() []string {
		t.Helper()
		graph, err := cache.current(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return graph.Names(lineage.Forward, m1)[1:]
	}
	if got := reached(); len(got) != 0 {
		t.Errorf("reached %v", got)
	}
	w.transform("greenfield-dairy", []epcis.Quantity{kilos(m1, "100")}, []epcis.Quantity{kilos(milkM2, "90")})
	cooking := w.last
	w.transform("greenfield-dairy", []epcis.Quantity{kilos(m1, "10")}, []epcis.Quantity{kilos(lotOf(milkGTIN, "M3"), "9")})
	if got := reached(); len(got) != 2 {
		t.Errorf("after two makings reached %v", got)
	}
	w.retract("greenfield-dairy", cooking)
	if got := reached(); !slices.Equal(got, []string{lotOf(milkGTIN, "M3")}) {
		t.Errorf("after an error declaration reached %v", got)
	}
	w.transform("greenfield-dairy", []epcis.Quantity{kilos(m1, "50")}, []epcis.Quantity{kilos(milkM2, "40")})
	if got := reached(); len(got) != 2 || cache.reloads != 1 {
		t.Errorf("made again: reached %v, read anew %d times", got, cache.reloads)
	}
}
