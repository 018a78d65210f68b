package traceability

import (
	"bytes"
	"strconv"

	"github.com/tallyway/tallyway/shared/export"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/web"
)

// mostLabels is what one file may hold.
const mostLabels = 500

// printLabel is the labels of a lot as PDF: ?copies=8&stock=a4. Its QR code
// holds the GS1 Digital Link at this host's base address, which opens the shopper's page.
func (a *app) printLabel(c *web.Ctx) error {
	lot, _, err := a.asked(c, "/traceability/label/", "pdf")
	if err != nil {
		return err
	}
	copies := 1
	if text := c.QueryParam("copies"); text != "" {
		if copies, err = strconv.Atoi(text); err != nil || copies < 1 || copies > mostLabels {
			return web.ErrField.Refuse("1 to %s copies", mostLabels).On("copies")
		}
	}
	stock := export.Roll100x60
	switch c.QueryParam("stock") {
	case "", "roll":
	case "a4":
		stock = export.SheetA4
	default:
		return web.ErrField.Refuse("stock is roll or a4").On("stock")
	}
	labels := make([]export.Label, copies)
	for i := range labels {
		labels[i] = a.label(c, lot)
	}
	var b bytes.Buffer
	if err := export.LabelPDF(&b, labels, export.LabelOptions{Stock: stock, At: a.host.Now()}); err != nil {
		return err
	}
	c.Response().Header().Set("Content-Disposition", `inline; filename="label-`+fileName(lot)+`.pdf"`)
	return c.Blob(200, "application/pdf", b.Bytes())
}

func (a *app) label(c *web.Ctx, lot lotRow) export.Label {
	n := a.names(c)
	l := export.Label{Name: n.Product(lot.GTIN), URL: a.host.Base(c) + "/" + lot.ID}
	line := func(caption, value string) {
		if value != "" {
			l.Lines = append(l.Lines, export.LabelLine{Caption: c.T(caption), Value: value})
		}
	}
	line("GTIN", lot.GTIN)
	line("Lot", lot.Number)
	line("Serial number", lot.Serial)
	line("Best before", day(c, lot.bestBefore()))
	line("Made by", n.Party(lot.Maker))
	if key, err := gs1.Parse(lot.ID); err == nil {
		l.HRI = "(" + key.Primary.AI + ")" + key.Primary.Value
		for _, q := range key.Qualifiers {
			l.HRI += "(" + q.AI + ")" + q.Value
		}
	}
	return l
}
