package traceability

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
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
			if said := strings.Contains(html, "further companies on the chain"); said != (want == nil) {
				t.Errorf("%s: %s: the page tells of others: %v", reader, lot, said)
			}
		}
	}
	market := w.signedIn("city-market")
	_, csv := market.get("/traceability/lots.csv")
	has(t, csv, "C1,Harbour cheese,"+cheeseGTIN+",Harbour Foods,50,", "M1,Fresh milk,"+milkGTIN+",Greenfield Dairy,0,", "With others on the chain")
	_, stock := market.get("/traceability/lots.csv?state=stock")
	has(t, stock, "C1,")
	lacks(t, stock, "M1,")
}
