package traceability

import (
	"time"

	"github.com/tallyway/tallyway/shared/export"
	"github.com/tallyway/tallyway/shared/web"
)

// sheet is a trace as rows, with all that the JSON has: its lots, the arrows
// between them, and what carried them. The first column says which a row is.
func (t *tracing) sheet(c *web.Ctx) export.Table {
	header := func(text string, kind export.Kind, width float64) export.Column {
		return export.Column{Header: c.T(text), Kind: kind, Width: width}
	}
	sheet := export.Table{Title: c.T("Trace of %s", t.names.Lot(t.seed.ID)), Note: t.note(c), Columns: []export.Column{
		header("Kind", export.Text, 11), header("Id", export.Text, 32), header("Name", export.Text, 26), header("Other end", export.Text, 32), header("Step", export.Integer, 6),
		header("Company", export.Text, 22), header("When", export.Time, 20), header("Until", export.Time, 20), header("Quantity", export.Text, 14),
		header("At least", export.Quantity, 11), header("At most", export.Quantity, 11), header("Evenly mixed", export.Quantity, 12), header("Unit", export.Text, 7),
		header("Part at least", export.Text, 10), header("Part at most", export.Text, 10), header("Part evenly mixed", export.Text, 12),
		header("Unaccounted", export.Quantity, 12), header("State", export.Text, 13)}}
	sheet.Rows = func(yield func([]any, error) bool) {
		for _, k := range t.nodes {
			if !yield(t.lotCells(c, k), nil) {
				return
			}
		}
		for _, s := range t.strands {
			if !yield([]any{c.T("went into"), s.From, t.names.Lot(s.From), s.To, nil, nil, nil, nil, s.Amount, nil, nil, nil, nil, nil, nil, nil, nil, nil}, nil) {
				return
			}
		}
		for _, l := range t.links {
			if !yield(t.linkCells(c, l), nil) {
				return
			}
		}
	}
	return sheet
}

func (t *tracing) lotCells(c *web.Ctx, k card) []any {
	var part partView
	if k.Part != nil {
		part = *k.Part
	}
	unit := any(nil)
	if k.Part != nil {
		unit = t.names.Unit(part.Unit)
	}
	decimal := func(amount string) any {
		if amount == "" {
			return nil
		}
		return parseAmount(amount).Decimal(6)
	}
	return []any{c.T("Lot"), k.ID, k.Title(), nil, k.Depth, k.Maker, k.At, nil, k.Amount,
		decimal(part.AtLeast), decimal(part.AtMost), decimal(part.Evenly), unit, part.Least, part.Most, part.Even, decimal(k.Missing), c.T(k.Word)}
}

func (t *tracing) linkCells(c *web.Ctx, l link) []any {
	kind := map[string]string{packedIn: "Packed in", attachedTo: "Attached to", shippedTo: "Shipped to"}[l.Kind]
	id, to, by, until := l.From, l.To, l.By, time.Time{}
	if l.Kind == shippedTo {
		id, to, by = l.Lot, t.names.Party(l.To), l.From
	}
	if l.Until != nil {
		until = *l.Until
	}
	return []any{c.T(kind), id, t.thing(id), to, nil, t.names.Party(by), l.Since, until, l.Amount, nil, nil, nil, nil, nil, nil, nil, nil, c.T(l.State)}
}

// note says what the trace was asked for, and what it leaves out.
func (t *tracing) note(c *web.Ctx) string {
	said := c.T(map[string]string{both: "Back and forward", back: "Back: what it was made of", forward: "Forward: what became of it"}[t.asked.way])
	if t.asked.depth > 0 {
		said += " · " + c.T("Steps") + ": " + itoa(t.asked.depth)
	}
	if !t.asked.known.IsZero() {
		said += " · " + c.T("As known at %s", t.asked.known.In(c.Zone()).Format(time.DateTime+" MST"))
	}
	if t.hidden > 0 {
		said += " · " + c.T("%s lots of others lie outside your chain and are not shown.", t.hidden)
	}
	if t.cut {
		said += " · " + c.T("The trace goes on: this page ends after 5,000 lots.")
	}
	return said
}
