package traceability

import (
	"iter"
	"slices"
	"time"

	"github.com/tallyway/tallyway/iot/watch"
	"github.com/tallyway/tallyway/shared/export"
	"github.com/tallyway/tallyway/shared/web"
)

// exposureReport answers /api/lots/{id}/exposure.pdf and .xlsx: what a lot was
// exposed to, drawn and in rows.
func (a *app) exposureReport(c *web.Ctx, lot lotRow, form string) error {
	x, err := a.exposureOf(c.Context(), lot, a.storageOf(c.Context(), lot.GTIN))
	if err != nil {
		return err
	}
	if x == nil {
		x = &lotExposure{}
	}
	r := a.exposureOnPaper(c, lot, x)
	w := sheetWriters[form]
	h := c.Response().Header()
	h.Set("Content-Type", w.kind)
	h.Set("Content-Disposition", `attachment; filename="`+fileName(lot)+"-temperature."+form+`"`)
	h.Set("Cache-Control", "no-store")
	if form == "pdf" {
		return export.ReportPDF(c.Response(), r)
	}
	return export.ReportXLSX(c.Response(), r)
}

func (a *app) exposureOnPaper(c *web.Ctx, lot lotRow, x *lotExposure) export.Report {
	n := a.names(c)
	r := export.Report{Title: c.T("How cold it was kept") + ": " + n.Lot(lot.ID), Note: lot.ID, At: a.host.Now(), Zone: c.Zone(), Head: [2]string{c.T("Summary"), c.T("Value")}}
	if x.Known {
		r.Figures = []export.Figure{{Label: c.T("Coldest"), Value: tenth(x.Min) + " °C"}, {Label: c.T("Warmest"), Value: tenth(x.Max) + " °C"},
			{Label: c.T("Mean kinetic temperature"), Value: tenth(x.MKT) + " °C"}, {Label: c.T("Minutes out of range"), Value: minutes(x.Hot + x.Cold)},
			{Label: c.T("Of the time measured"), Value: measuredShare(x.Coverage)}}
		r.Charts = []export.Chart{x.onPaper(c)}
	}
	column := func(text string, kind export.Kind, width float64) export.Column {
		return export.Column{Header: c.T(text), Kind: kind, Width: width}
	}
	zone := " (" + c.Zone().String() + ")"
	from, until := column("From", export.Time, 24), column("Until", export.Time, 24)
	from.Header, until.Header = from.Header+zone, until.Header+zone
	r.Sections = []export.Section{
		{Empty: c.T("No devices were with it."), Table: export.Table{Title: c.T("Devices that were with it"), Rows: legRows(c, n, x), Columns: []export.Column{column("Device", export.Text, 26), column("Company", export.Text, 20),
			column("Where", export.Text, 26), from, until, column("Coldest", export.Quantity, 12), column("Warmest", export.Quantity, 12), column("Calibration", export.Text, 18)}}},
		{Empty: c.T("No gaps."), Table: export.Table{Title: c.T("Times without readings"), Rows: gapRows(c, x.Gaps()), Columns: []export.Column{from, until, column("Minutes", export.Integer, 12), column("Why", export.Text, 24)}}},
	}
	return r
}

// onPaper is the curve as a report draws it.
func (x *lotExposure) onPaper(c *web.Ctx) export.Chart {
	drawn := export.Chart{Title: c.T("Temperature"), Unit: "°C", From: x.From, To: x.To, Low: x.Low, High: x.High, Pause: x.pause, Note: c.T("Hatched: nothing was measured. Dashed: the limits.")}
	const most = 600
	step := max(1, len(x.Points)/most)
	drawn.Pause = max(drawn.Pause, 2*x.To.Sub(x.From)/most)
	for part := range slices.Chunk(x.Points, step) {
		p := export.ChartPoint{At: part[0].At, Low: part[0].Low, High: part[0].High}
		for _, q := range part {
			p.Low, p.High, p.Mean = min(p.Low, q.Low), max(p.High, q.High), p.Mean+q.Mean/float64(len(part))
		}
		drawn.Points = append(drawn.Points, p)
	}
	return drawn
}

func legRows(c *web.Ctx, n *names, x *lotExposure) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, l := range x.Legs {
			state := c.T("Calibrated")
			if l.Doubtful {
				state = c.T("Out of calibration")
			} else if l.Device.CalUntil == "" {
				state = c.T("Not calibrated")
			}
			row := []any{l.Device.title(c.Lang()), n.Party(l.Device.Owner), n.Thing(l.Thing), l.From, l.To, nil, nil, state}
			if l.Exposure.Known {
				row[5], row[6] = tenth(l.Exposure.Min), tenth(l.Exposure.Max)
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

var gapWords = map[watch.Cover]string{watch.Mute: "A sensor told nothing", watch.Without: "No sensor was there"}

func gapRows(c *web.Ctx, gaps []watch.Piece) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, g := range gaps {
			if !yield([]any{g.From, g.To, int(g.To.Sub(g.From) / time.Minute), c.T(gapWords[g.Cover])}, nil) {
				return
			}
		}
	}
}
