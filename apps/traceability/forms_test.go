package traceability

import (
	"net/url"
	"strings"
	"testing"
)

// TestADeliveryByForms walks goods through the forms as a browser without
// scripts would.
func TestADeliveryByForms(t *testing.T) {
	h := formsHost(t)
	dairy, creamery := visit(t, h, "greenfield-dairy"), visit(t, h, "alpine-creamery")
	const lot = "01/" + milkProduct + "/10/L1"

	dairy.open("/traceability/lots/new").send("/traceability/lots/new", url.Values{"gtin": {"123"}, "number": {"L1"}, "quantity": {"500"}}).
		refused("traceability/gtin", "gtin")
	dairy.send("/traceability/lots/new", url.Values{"gtin": {milkProduct}, "number": {"L1"}, "quantity": {"500"}, "at.zone": {"+08:00"}})

	dairy.open("/traceability/ship?lot="+lot).send("/traceability/ship", url.Values{"to": {"alpine-creamery"}, "advice": {"DA-1"},
		"lines.0.lot": {lot}, "lines.0.quantity": {"501"}}).refused("trace/not-enough", "lines-0-quantity")
	dairy.send("/traceability/ship", url.Values{"to": {"alpine-creamery"}, "carrier": {"polar-haulage"}, "advice": {"DA-1"}, "lines.0.lot": {lot}, "lines.0.quantity": {"500"}}).
		sees("DA-1", "On its way", "Greenfield Dairy sent 500 kg Fresh milk L1 to Alpine Creamery", "carried by Polar Haulage")
	shipment := dairy.at

	creamery.open("/traceability/shipments").sees("DA-1", "500 kg Fresh milk L1")
	creamery.open(shipment).send(shipment+"/accept", url.Values{"lines.0.lot": {lot}, "lines.0.quantity": {"480"}, "lines.0.unit": {"KGM"}}).
		sees("Alpine Creamery accepted 480 of 500 kg Fresh milk L1, 20 kg short", "Mismatch to settle")
	mismatch := strings.Replace(shipment, "/shipments/", "/mismatches/", 1)
	creamery.open(mismatch).send(mismatch+"/settle", url.Values{"outcome": {"lost"}})
	dairy.open(mismatch).send(mismatch+"/settle", url.Values{"outcome": {"lost"}})
	dairy.open(shipment).sees("Mismatch settled")

	// Cheese is made, packed, sent on, accepted in one tap, and recalled by its milk.
	market, authority := visit(t, h, "city-market"), visit(t, h, "food-authority")
	const cheese = "01/" + cheeseProduct + "/10/C1"
	process := url.Values{"lines.0.lot": {lot}, "lines.0.quantity": {"480"}, "outputs.0.gtin": {cheeseProduct}, "outputs.0.lot": {"C1"}, "outputs.0.quantity": {"500"}}
	creamery.open("/traceability/transform?lot="+lot).wants("480 kg").send("/traceability/transform", process).refused("trace/more-out-than-in", "outputs-0-quantity")
	process.Set("outputs.0.quantity", "48")
	creamery.send("/traceability/transform", process)
	creamery.open("/traceability/pack?lot="+cheese).send("/traceability/pack", url.Values{"sscc": {"095060001640000015"}, "lines.0.lot": {cheese}, "lines.0.quantity": {"40"}}).
		refused("traceability/sscc", "sscc")
	creamery.send("/traceability/pack", url.Values{"sscc": {"095060001640000014"}, "lines.0.lot": {cheese}, "lines.0.quantity": {"40"}}).
		sees("SSCC 095060001640000014", "40 kg Mountain cheese C1").wants("095060001640000021")
	creamery.open("/traceability/ship").send("/traceability/ship", url.Values{"to": {"city-market"}, "packs": {"00/095060001640000014"}, "lines.0.lot": {cheese}, "lines.0.quantity": {"8"}}).
		sees("On its way")
	second := creamery.at
	visit(t, h, "polar-haulage").stranger(second)
	market.open("/traceability").sees("Alpine Creamery sends you").send(second+"/accept", url.Values{"all": {"on"}}).sees("City Market accepted everything")

	authority.open("/traceability/cases/new?q=L1").sees("Fresh milk L1")
	authority.open("/traceability/cases/new?lots="+lot).sees("Mountain cheese C1", "City Market")
	authority.send("/traceability/cases/new", url.Values{"lots": {lot}, "kind": {"recall"}, "id": {"R-1"}}).refused("web/required", "reason")
	authority.send("/traceability/cases/new", url.Values{"lots": {lot}, "kind": {"recall"}, "id": {"R-1"}, "code": {"listeria"}, "reason": {"Listeria in the milk."}}).
		sees("These lots are recalled", "Mountain cheese C1")
	market.open("/traceability").sees("R-1 touches your goods").open("/traceability/dispose?lot="+cheese).
		send("/traceability/dispose", url.Values{"how": {"sold"}, "lines.0.lot": {cheese}, "lines.0.quantity": {"1"}}).refused("trace/recalled", "lines-0-lot")
	market.open("/traceability/cases/R-1").send("/traceability/cases/R-1/acknowledge", url.Values{"found.0.lot": {cheese}, "found.0.quantity": {"47"}, "found.0.unit": {"KGM"}}).
		sees("City Market acknowledged the notice", "47 kg Mountain cheese C1")
	authority.open("/traceability").sees("R-1", "waiting for")
	authority.open("/traceability/cases/R-1").send("/traceability/cases/R-1/release", url.Values{"reason": {"The milk was safe."}, "unreconciled": {"The goods may be sold."}}).sees("Food Authority closed the case: The milk was safe.")
}

// TestLinesWithoutScript adds and removes lines by buttons that send the form.
func TestLinesWithoutScript(t *testing.T) {
	h := formsHost(t)
	dairy := visit(t, h, "greenfield-dairy").open("/traceability/ship")
	dairy.send("/traceability/ship", url.Values{"_add": {"lines"}, "lines.0.lot": {"kept"}}).wants(`name="lines.1.lot"`).wants(`value="kept"`)
	dairy.open("/traceability/ship").send("/traceability/ship", url.Values{"to": {"city-market"}}).refused("traceability/nothing", "lines-0-lot")
}

// TestPagesOfEverybody opens every page of the forms as every kind of user.
func TestPagesOfEverybody(t *testing.T) {
	h := formsHost(t)
	for user, pages := range map[string][]string{
		"greenfield-dairy": {"", "/lots/new", "/ship", "/transform", "/pack", "/dispose", "/shipments", "/cases", "/cases/new", "/products", "/products/edit?gtin=" + milkProduct, "/places/edit"},
		"food-authority":   {"", "/shipments?state=mismatch&q=milk&sort=number", "/cases?kind=recall&q=x", "/cases/new?kind=mock", "/products?owner=own&q=m"},
	} {
		v := visit(t, h, user)
		for _, page := range pages {
			v.open("/traceability" + page)
		}
	}
	dairy := visit(t, h, "greenfield-dairy")
	dairy.open("/traceability/products/edit").send("/traceability/products/edit", url.Values{"gtin": {"123"}, "name": {"Cream"}, "unit": {"LTR"}}).refused("traceability/gtin", "gtin")
	dairy.send("/traceability/products/edit", url.Values{"gtin": {"09506000134369"}, "name": {"Cream"}, "unit": {"LTR"}, "shelfLife": {"21"}}).sees("Cream", "21 days")
	dairy.open("/traceability/places/edit").send("/traceability/places/edit", url.Values{"gln": {"9506000134352"}, "name": {"Plant 1"}, "city": {"Hohhot"}, "country": {"CN"}}).sees("Plant 1", "Hohhot")
}

// TestOneProcessWithTwoDates makes two lots that keep for different times of
// one input: two events, all or nothing.
func TestOneProcessWithTwoDates(t *testing.T) {
	h := formsHost(t)
	dairy := visit(t, h, "greenfield-dairy").open("/traceability/lots/new")
	dairy.send("/traceability/lots/new", url.Values{"gtin": {milkProduct}, "number": {"L1"}, "quantity": {"10"}})
	const lot = "01/" + milkProduct + "/10/L1"
	process := url.Values{"lines.0.lot": {lot}, "lines.0.quantity": {"10"},
		"outputs.0.gtin": {milkProduct}, "outputs.0.lot": {"A"}, "outputs.0.quantity": {"6"}, "outputs.0.bestBefore": {"2099-01-01"},
		"outputs.1.gtin": {milkProduct}, "outputs.1.lot": {"B"}, "outputs.1.quantity": {"4"}, "outputs.1.bestBefore": {"2099-02-01"}}
	dairy.open("/traceability/transform").send("/traceability/transform", process)
	dairy.open("/traceability/dispose").wants("Fresh milk A · 6 kg · best before 1 Jan 2099").wants("Fresh milk B · 4 kg · best before 1 Feb 2099")
}

func TestAmountReadsWhatPeopleType(t *testing.T) {
	for text, want := range map[string]string{"480": "480", "480.50": "480.5", "1 200": "1200", "0": "0"} {
		var a amount
		if err := a.UnmarshalText([]byte(text)); err != nil || a.String() != want {
			t.Errorf("%q is %s (%v), want %s", text, a, err, want)
		}
	}
	for _, text := range []string{"-1", "ten", "1,5"} {
		var a amount
		if err := a.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was taken for %s", text, a)
		}
	}
}
