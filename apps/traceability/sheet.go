package traceability

import (
	"io"
	"iter"
	"strings"

	"github.com/tallyway/tallyway/shared/export"
	"github.com/tallyway/tallyway/shared/web"
)

// sheetForms are what a list is exported as.
var sheetForms = []string{"xlsx", "csv", "pdf"}

var sheetWriters = map[string]struct {
	kind  string
	write func(io.Writer, export.Table) error
}{
	"xlsx": {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", export.XLSX},
	"csv":  {"text/csv; charset=utf-8", export.CSV},
	"pdf":  {"application/pdf", export.PDF},
}

// send streams a table: what is written is on its way while the next rows are
// read. An error after the first byte can only cut the file short.
func (a *app) send(c *web.Ctx, t export.Table, form, name string) error {
	w := sheetWriters[form]
	t.At, t.Zone = a.host.Now(), c.Zone()
	for i, column := range t.Columns {
		if column.Kind == export.Time {
			t.Columns[i].Header += " (" + t.Zone.String() + ")"
		}
	}
	h := c.Response().Header()
	h.Set("Content-Type", w.kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+"."+form+`"`)
	h.Set("Cache-Control", "no-store")
	return w.write(c.Response(), t)
}

// sheetOfLots is the list of lots, exactly as it is seen, to its end.
func (a *app) sheetOfLots(c *web.Ctx, form string) error {
	q, err := a.lotQuery(c)
	if err != nil {
		return err
	}
	header := func(text string, kind export.Kind) export.Column { return export.Column{Header: c.T(text), Kind: kind} }
	t := export.Table{Title: c.T("Lots"), Note: q.note(c), Rows: a.sheetRows(c, q), Columns: []export.Column{
		header("Lot", export.Text), header("Product", export.Text), header("GTIN", export.Text), header("Made by", export.Text),
		header("In stock", export.Quantity), header("Made", export.Quantity), header("Unit", export.Text),
		header("Made on", export.Time), header("Best before", export.Date), header("State", export.Text)}}
	for i, width := range []float64{14, 24, 20, 24, 12, 12, 9, 25, 15, 16} { // no number or date breaks on paper
		t.Columns[i].Width = width
	}
	return a.send(c, t, form, "lots")
}

// note says below a sheet's title what it was narrowed to.
func (q lotQuery) note(c *web.Ctx) string {
	var said []string
	if q.Search != "" {
		said = append(said, c.T("Search")+": "+q.Search)
	}
	for _, f := range q.Can.Filters {
		for _, o := range f.Options {
			if o.Value == q.Get(f.Name) {
				said = append(said, c.T(f.Label)+": "+c.T(o.Text))
			}
		}
	}
	return strings.Join(said, " · ")
}

func (a *app) sheetRows(c *web.Ctx, q lotQuery) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		n := a.names(c)
		flush := func(some []lotRow) bool {
			lines, err := a.lines(c, q, some)
			if err != nil {
				return yield(nil, err)
			}
			for _, x := range lines {
				row := []any{x.Number, x.Product, x.GTIN, x.Maker, x.Stock, x.Made, n.Unit(x.Unit), x.At, x.Expiry, c.T(x.State)}
				if !yield(row, nil) {
					return false
				}
			}
			return true
		}
		var some []lotRow
		for l, err := range a.rows(c.Context(), q, "") {
			if err != nil {
				yield(nil, err)
				return
			}
			if some = append(some, l); len(some) == 400 {
				if !flush(some) {
					return
				}
				some = some[:0]
			}
		}
		flush(some)
	}
}

// sheetOfLot is a lot's history as a workbook.
func (a *app) sheetOfLot(c *web.Ctx, lot lotRow) error {
	n := a.names(c)
	known, err := askedMoment(c)
	if err != nil {
		return err
	}
	if lot, err = a.lotThen(c.Context(), lot, known); err != nil {
		return err
	}
	story, err := a.history(c, lot, n, known)
	if err != nil {
		return err
	}
	t := export.Table{Title: n.Lot(lot.ID), Note: c.T("Best before") + ": " + day(c, lot.bestBefore()), Columns: []export.Column{
		{Header: c.T("When"), Kind: export.Time}, {Header: c.T("What happened"), Width: 60}, {Header: c.T("Where"), Width: 32},
		{Header: c.T("User")}, {Header: c.T("Declared an error")}, {Header: c.T("Block"), Kind: export.Integer}, {Header: c.T("Transaction"), Width: 66}},
		Rows: func(yield func([]any, error) bool) {
			for _, e := range story {
				if !yield([]any{e.At, e.Text, e.Where, e.By, e.Struck, e.Block, e.Tx}, nil) {
					return
				}
			}
		}}
	return a.send(c, t, "xlsx", fileName(lot))
}
