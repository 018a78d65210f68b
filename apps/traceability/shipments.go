package traceability

import (
	"fmt"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// The list of shipments.

var shipmentList = web.ListOptions{Search: true, Sort: []string{"-at", "number"}, Filters: []web.Filter{
	{Name: "state", Label: "State", Options: []web.Option{{Value: trace.Offered, Text: "On its way"}, {Value: trace.Accepted, Text: "Accepted"},
		{Value: "mismatch", Text: "Mismatch open"}, {Value: trace.Declined, Text: "Declined"}, {Value: trace.Cancelled, Text: "Called back"},
		{Value: trace.Departed, Text: "Left the network"}}},
	{Name: "direction", Label: "Direction", Options: []web.Option{{Value: "in", Text: "To us"}, {Value: "out", Text: "From us"}}},
}}

// shipments lists those that concern the user's company; a regulator's all.
func (a *app) shipments(c *web.Ctx) error {
	list := c.List(shipmentList)
	all, err := a.supervises(c)
	if err != nil {
		return err
	}
	where, args := a.shipmentFilter(c, list, all)
	total, err := readmodel.One[int](c.Context(), a.db, `SELECT COUNT(*) FROM tr_shipments s WHERE `+where, args...)
	if err != nil {
		return err
	}
	rows, next, err := a.shipmentRows(c, list, where, args)
	if err != nil {
		return err
	}
	n := a.names(c)
	goods, err := a.goodsOf(c, n, rows...)
	if err != nil {
		return err
	}
	t := web.Table{List: list, Label: "Shipments", Count: c.T("%s shipments", total), Next: next, Live: "ledger",
		Columns: []web.Column{{Label: "Despatch advice", Sort: "number"}, {Label: "Goods"}, {Label: "From"}, {Label: "To"}, {Label: "State"}, {Label: "Sent", Sort: "at"}},
		Empty:   web.Empty{Title: "No shipments yet.", Text: "What you send and what is sent to you stands here.", Act: shipAct(c)}}
	for _, s := range rows {
		chip := s.chip()
		t.Rows = append(t.Rows, web.TableRow{Href: "/traceability/shipments/" + s.ID, Tone: edge(chip.Tone),
			Cells: []any{s.number(), goods[s.ID], n.Party(s.Sender), orElse(n.Party(s.Receiver), c.T("outside the network")), chip, s.At}})
	}
	return c.Render("shipments.html", struct {
		Table web.Table
		Acts  []web.Act
	}{t, acts(shipAct(c))})
}

// edge marks the rows that need a look.
func edge(tone string) string {
	if tone == web.Warn || tone == web.Bad {
		return tone
	}
	return ""
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func shipAct(c *web.Ctx) *web.Act {
	if !c.User().Has(party.Operator) {
		return nil
	}
	return &web.Act{Label: "Ship goods", Href: "/traceability/ship", Icon: "truck", Main: true}
}

func acts(all ...*web.Act) (kept []web.Act) {
	for _, act := range all {
		if act != nil {
			kept = append(kept, *act)
		}
	}
	return kept
}

// shipmentFilter is what the reader may see (all of them, or the company's own)
// and asked for.
func (a *app) shipmentFilter(c *web.Ctx, list web.List, all bool) (where string, args []any) {
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)) }
	parts := []string{"1 = 1"}
	if own := c.User().Party; !all {
		parts = append(parts, "("+arg(own)+" <> '' AND "+arg(own)+" IN (s.sender, s.receiver, s.carrier))")
	}
	switch list.Get("direction") {
	case "in":
		parts = append(parts, "s.receiver = "+arg(c.User().Party))
	case "out":
		parts = append(parts, "s.sender = "+arg(c.User().Party))
	}
	switch state := list.Get("state"); state {
	case "":
	case "mismatch":
		parts = append(parts, "s.mismatch = "+arg(trace.MismatchOpen))
	default:
		parts = append(parts, "s.state = "+arg(state))
	}
	if list.Search != "" {
		has := func(column string) string { return readmodel.Contains(column, arg(readmodel.Pattern(list.Search))) }
		parts = append(parts, `(`+has("s.documents")+` OR `+has("s.id")+`
			OR EXISTS (SELECT 1 FROM tr_parties p WHERE p.id IN (s.sender, s.receiver) AND (`+has("p.name")+` OR `+has("p.name_zh")+`))
			OR EXISTS (SELECT 1 FROM tr_shipment_lines x JOIN tr_lots l ON l.id = x.lot LEFT JOIN tr_products g ON g.gtin = l.gtin
				WHERE x.shipment = s.id AND (`+has("l.id")+` OR `+has("g.name")+` OR `+has("g.name_zh")+`)))`)
	}
	return strings.Join(parts, " AND "), args
}

// shipmentRows is one page of the list, from where the previous one ended: by
// time or document, then id.
func (a *app) shipmentRows(c *web.Ctx, list web.List, where string, args []any) (rows []shipment, next string, err error) {
	column, order, beyond := "s.at", "ASC", ">"
	if list.Sort == "number" {
		column = "s.documents"
	}
	if list.Desc {
		order, beyond = "DESC", "<"
	}
	if mark, id, ok := strings.Cut(list.After, "|"); ok {
		var from any = mark
		if list.Sort == "at" {
			at, err := time.Parse(time.RFC3339Nano, mark)
			if err != nil {
				at = time.Time{}
			}
			from = at
		}
		args = append(args, from, from, id)
		k := len(args)
		where += fmt.Sprintf(" AND (%s %s $%d OR %s = $%d AND s.id %s $%d)", column, beyond, k-2, column, k-1, beyond, k)
	}
	args = append(args, list.Limit+1)
	rows, err = readmodel.All[shipment](c.Context(), a.db, fmt.Sprintf(`SELECT %s FROM tr_shipments s WHERE %s ORDER BY %s %s, s.id %s LIMIT $%d`,
		shipmentColumns, where, column, order, order, len(args)), args...)
	if err != nil || len(rows) <= list.Limit {
		return rows, "", err
	}
	rows = rows[:list.Limit]
	last := rows[len(rows)-1]
	mark := last.Documents
	if list.Sort == "at" {
		mark = last.At.Format(time.RFC3339Nano)
	}
	return rows, mark + "|" + last.ID, nil
}

// goodsOf says what each of some shipments holds, in words.
func (a *app) goodsOf(c *web.Ctx, n *names, all ...shipment) (map[string]string, error) {
	const shown = 2
	type line struct {
		Shipment string `db:"shipment"`
		Lot      string `db:"lot"`
		Amount   string `db:"amount"`
		Unit     string `db:"unit"`
		Place    int    `db:"place"`
		Total    int    `db:"total"`
	}
	var ids []string
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	texts := map[string]string{}
	for _, some := range chunks(ids) {
		list, args := inList(1, some)
		lines, err := readmodel.All[line](c.Context(), a.db, fmt.Sprintf(`SELECT * FROM (SELECT shipment, lot, amount, unit,
			ROW_NUMBER() OVER (PARTITION BY shipment ORDER BY pack, lot) AS place, COUNT(*) OVER (PARTITION BY shipment) AS total
			FROM tr_shipment_lines WHERE shipment IN %s) AS few WHERE place <= %d ORDER BY shipment, place`, list, shown), args...)
		if err != nil {
			return nil, fmt.Errorf("read what is in some shipments: %w", err)
		}
		for _, l := range lines {
			text := n.Quantity(l.Amount, l.Unit) + " " + n.Lot(l.Lot)
			if l.Place > 1 {
				text = texts[l.Shipment] + ", " + text
			}
			if more := l.Total - shown; more > 0 && l.Place == shown {
				text += " " + c.T("and %s more", more)
			}
			texts[l.Shipment] = text
		}
	}
	return texts, nil
}
