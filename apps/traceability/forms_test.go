package traceability

import (
	"net/url"
	"testing"
)

// TestADeliveryByForms walks goods through the forms as a browser without
// scripts would.
func TestADeliveryByForms(t *testing.T) {
	h := start(t)
	dairy, creamery := visit(t, h, "greenfield-dairy"), visit(t, h, "alpine-creamery")
	const lot = "01/" + milkGTIN + "/10/L1"

	dairy.open("/traceability/lots/new").send("/traceability/lots/new", url.Values{"gtin": {"123"}, "number": {"L1"}, "quantity": {"500"}}).
		refused("traceability/gtin", "gtin")
	dairy.send("/traceability/lots/new", url.Values{"gtin": {milkGTIN}, "number": {"L1"}, "quantity": {"500"}, "at.zone": {"+08:00"}})

	dairy.open("/traceability/ship?lot="+lot).send("/traceability/ship", url.Values{"to": {"alpine-creamery"}, "advice": {"DA-1"},
		"lines.0.lot": {lot}, "lines.0.quantity": {"501"}}).refused("trace/not-enough", "lines-0-quantity")
	dairy.send("/traceability/ship", url.Values{"to": {"alpine-creamery"}, "carrier": {"polar-haulage"}, "advice": {"DA-1"}, "lines.0.lot": {lot}, "lines.0.quantity": {"500"}}).
		sees("DA-1", "On its way", "Greenfield Dairy sent 500 kg Fresh milk L1 to Alpine Creamery", "carried by Polar Haulage")
	shipment := dairy.at

	creamery.open("/traceability/shipments").sees("DA-1", "500 kg Fresh milk L1")
	creamery.open(shipment).send(shipment+"/accept", url.Values{"lines.0.lot": {lot}, "lines.0.quantity": {"480"}, "lines.0.unit": {"KGM"}}).
		sees("Alpine Creamery accepted 480 of 500 kg Fresh milk L1, 20 kg short", "Mismatch to settle")
	creamery.send(shipment+"/settle", url.Values{"outcome": {"lost"}}).sees("the other side has to say the same")
	dairy.open(shipment).send(shipment+"/settle", url.Values{"outcome": {"lost"}}).sees("Mismatch settled")
}
