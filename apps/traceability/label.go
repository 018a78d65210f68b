package traceability

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/export"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

func (a *app) labelRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/traceability/labels", Name: "labels.page", Access: readers, Handler: a.labelPage},
		{Method: "GET", Path: "/traceability/labels.pdf", Name: "labels.pdf", Access: readers, Handler: a.labelsPDF},
	}
}

// mostLabels is what one file may hold, mostLabelled how many different things.
const (
	mostLabels   = 2000
	mostLabelled = 1000
)

// ErrLabels asks for labels that can be printed.
var ErrLabels = chaincode.Rule{Code: "traceability/labels", Kind: chaincode.Malformed,
	Text: "These labels cannot be printed.", Remedy: "Choose lots, single items or packs, and a stock that has room for their codes."}

// labelStock is something to print on, as the page offers it.
type labelStock struct {
	name, text string
	stock      export.Stock
	unit       bool // has room for the label of a logistic unit
}

var labelStocks = []labelStock{
	{"roll", "Label printer, 100 x 60 mm", export.Roll100x60, false},
	{"roll70", "Label printer, 70 x 40 mm", export.Roll70x40, false},
	{"a6", "Label printer, A6 (105 x 148 mm)", export.RollA6, true},
	{"roll150", "Label printer, 100 x 150 mm", export.Roll100x150, true},
	{"a4", "A4 sheet, 8 labels (2 x 4)", export.SheetA4, false},
	{"a4-14", "A4 sheet, 14 labels (2 x 7)", export.SheetA4x14, false},
	{"a4-24", "A4 sheet, 24 labels (3 x 8)", export.SheetA4x24, false},
	{"a4-40", "A4 sheet, 40 labels (4 x 10)", export.SheetA4x40, false},
	{"a4-4", "A4 sheet, 4 labels of A6 (2 x 2)", export.SheetA4x4, true},
}

// labelOrder is what is to be printed: everything stands in the address.
type labelOrder struct {
	Kind   string // "lot", "item" or "unit"
	Things []string
	All    bool // of the filter, instead of those chosen
	Copies int
	Skip   int
	Stock  string
	Code   string // "qr" or "datamatrix"
	From   string // first serial number of the items
	To     string
}

// labelOrder reads the request's query.
func readLabelOrder(c *web.Ctx) (o labelOrder, err error) {
	q := c.Request().URL.Query()
	o = labelOrder{Kind: cmp.Or(q.Get("kind"), "lot"), Things: q["thing"], All: q.Get("all") != "", Copies: 1, Code: cmp.Or(q.Get("code"), "qr"), From: strings.TrimSpace(q.Get("from")), To: strings.TrimSpace(q.Get("to"))}
	if len(o.Things) > 0 && strings.HasPrefix(o.Things[0], "00/") {
		o.Kind = "unit"
	}
	o.Stock = cmp.Or(q.Get("stock"), map[bool]string{true: "a6", false: "roll"}[o.Kind == "unit"])
	if o.Copies, err = number(q.Get("copies"), 1, 1, mostLabels, "copies"); err != nil {
		return o, err
	}
	if o.Skip, err = number(q.Get("skip"), 0, 0, 39, "skip"); err != nil {
		return o, err
	}
	switch {
	case !slices.Contains([]string{"lot", "item", "unit"}, o.Kind):
		return o, web.ErrField.Refuse("kind is lot, item or unit").On("kind")
	case o.Code != "qr" && o.Code != "datamatrix":
		return o, web.ErrField.Refuse("code is qr or datamatrix").On("code")
	case !slices.ContainsFunc(labelStocks, func(s labelStock) bool { return s.name == o.Stock }):
		return o, web.ErrField.Refuse("there is no stock %s", o.Stock).On("stock")
	case len(o.Things) > mostLabelled:
		return o, ErrLabels.Refuse("at most %s things at once", mostLabelled).On("thing")
	}
	return o, nil
}

func number(text string, usual, least, most int, field string) (int, error) {
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return usual, web.ErrField.Refuse("%s to %s", least, most).On(field)
	}
	return n, nil
}

func (o labelOrder) stock() export.Stock {
	for _, s := range labelStocks {
		if s.name == o.Stock {
			return s.stock
		}
	}
	return export.Roll100x60
}

// printLabel is the labels of a lot as PDF: ?copies=8&stock=a4. Its QR code
// holds the GS1 Digital Link at this host's base address, which opens the shopper's page.
func (a *app) printLabel(c *web.Ctx) error {
	lot, _, err := a.asked(c, "/traceability/label/", "pdf")
	if err != nil {
		return err
	}
	o, err := readLabelOrder(c)
	if err != nil {
		return err
	}
	return a.sendLabels(c, o, []export.Label{a.label(c, lot)}, "label-"+fileName(lot))
}

// labelsPDF prints what was chosen.
func (a *app) labelsPDF(c *web.Ctx) error {
	o, err := readLabelOrder(c)
	if err != nil {
		return err
	}
	labels, err := a.ordered(c, o)
	if err != nil {
		return err
	}
	if len(labels) == 0 {
		return ErrLabels.Refuse("nothing is chosen").On("thing")
	}
	return a.sendLabels(c, o, labels, "labels")
}

// sendLabels writes so many copies of each label.
func (a *app) sendLabels(c *web.Ctx, o labelOrder, labels []export.Label, name string) error {
	if len(labels)*o.Copies > mostLabels {
		return ErrLabels.Refuse("%s labels, at most %s at once", len(labels)*o.Copies, mostLabels).On("copies")
	}
	all := make([]export.Label, 0, len(labels)*o.Copies)
	for _, l := range labels {
		for range o.Copies {
			all = append(all, l)
		}
	}
	var b bytes.Buffer
	if err := export.LabelPDF(&b, all, export.LabelOptions{Stock: o.stock(), Skip: o.Skip, At: a.host.Now()}); err != nil {
		return ErrLabels.Refuse("%s", err).On("stock")
	}
	c.Response().Header().Set("Content-Disposition", `inline; filename="`+name+`.pdf"`)
	return c.Blob(200, "application/pdf", b.Bytes())
}

// ordered makes the labels of an order, each once.
func (a *app) ordered(c *web.Ctx, o labelOrder) (labels []export.Label, err error) {
	if o.Kind == "unit" {
		ids := o.Things
		if o.All {
			if ids, err = a.ownUnits(c); err != nil {
				return nil, err
			}
		}
		return a.unitLabels(c, ids)
	}
	lots, err := a.lotsToLabel(c, o)
	if err != nil {
		return nil, err
	}
	for _, lot := range lots {
		l := a.label(c, lot)
		if o.Code == "datamatrix" {
			l.Matrix = matrixOf(lot)
		}
		labels = append(labels, l)
	}
	return labels, nil
}

// lotsToLabel are the lots that were chosen, or the single items of these that were
// logged, as far as the reader may read them.
func (a *app) lotsToLabel(c *web.Ctx, o labelOrder) (lots []lotRow, err error) {
	r, err := a.reader(c)
	if err != nil {
		return nil, err
	}
	if o.All {
		q, err := a.lotQuery(c)
		if err != nil {
			return nil, err
		}
		for l, err := range a.rows(c.Context(), q, "") {
			if err != nil {
				return nil, err
			}
			if len(lots) == mostLabelled {
				return nil, ErrLabels.Refuse("at most %s things at once", mostLabelled).On("all")
			}
			lots = append(lots, l)
		}
	} else {
		var ids []string
		for _, thing := range o.Things {
			id := lotID(thing)
			if !r.reads(id) {
				return nil, trace.ErrNoLot.Refuse("%s", id)
			}
			ids = append(ids, id)
		}
		if lots, err = a.lotRows(c, `l.id`, ids, ""); err != nil {
			return nil, err
		}
	}
	if o.Kind != "item" {
		return lots, nil
	}
	var ids []string
	for _, l := range lots {
		ids = append(ids, l.ID)
	}
	items, err := a.lotRows(c, `l.batch`, ids, "serial")
	return slices.DeleteFunc(items, func(l lotRow) bool { return !r.reads(l.ID) || !o.inRange(l.Serial) }), err
}

// inRange reports whether a serial number lies in the order's: numbers by what they
// count, others as they are written.
func (o labelOrder) inRange(serial string) bool {
	before := func(x, y string) bool {
		if notDigits(x) || notDigits(y) {
			return x < y
		}
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		return len(x) < len(y) || len(x) == len(y) && x < y
	}
	return (o.From == "" || !before(serial, o.From)) && (o.To == "" || !before(o.To, serial))
}

func notDigits(s string) bool { return s == "" || strings.Trim(s, "0123456789") != "" }

// lotRows reads lots whose column is one of the ids.
func (a *app) lotRows(c *web.Ctx, column string, ids []string, order string) (lots []lotRow, err error) {
	for _, some := range chunks(ids) {
		list, args := inList(1, some)
		rows, err := readmodel.All[lotRow](c.Context(), a.db, `SELECT `+lotColumns+` FROM tr_lots l WHERE `+column+` IN `+list+` ORDER BY `+cmp.Or(order, "l.id")+`, l.id LIMIT `+strconv.Itoa(mostLabels+1), args...)
		if err != nil {
			return nil, err
		}
		if lots = append(lots, rows...); len(lots) > mostLabels {
			return nil, ErrLabels.Refuse("more than %s labels", mostLabels).On("thing")
		}
	}
	return lots, nil
}

// matrixOf is a lot's element string: what varies in length ends with U+001D, if
// something follows.
func matrixOf(lot lotRow) string {
	key, err := gs1.Parse(lot.ID)
	if err != nil {
		return ""
	}
	text := key.Primary.AI + key.Primary.Value
	if best := strings.ReplaceAll(lot.bestBefore(), "-", ""); len(best) == 8 {
		text += "15" + best[2:]
	}
	for i, q := range key.Qualifiers {
		if i > 0 {
			text += "\x1d"
		}
		text += q.AI + q.Value
	}
	return text
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
		l.HRI = elementString(key)
	}
	return l
}

// ownUnits are the packs that the company has in hand.
func (a *app) ownUnits(c *web.Ctx) ([]string, error) {
	return readmodel.All[string](c.Context(), a.db, `SELECT pack FROM tr_packs WHERE holder = $1 AND EXISTS (SELECT 1 FROM tr_contents c WHERE c.pack = tr_packs.pack)
		ORDER BY pack LIMIT $2`, c.User().Party, mostLabelled)
}

// unitContent is one thing in a pack.
type unitContent struct {
	Pack string `db:"pack"`
	content
}

// unitLabels are the labels of packs, as far as the reader may read of them.
func (a *app) unitLabels(c *web.Ctx, ids []string) (labels []export.Label, err error) {
	r, err := a.reader(c)
	if err != nil {
		return nil, err
	}
	n := a.names(c)
	for _, some := range chunks(ids) {
		units, inside, journeys, err := a.unitsOf(r, some)
		if err != nil {
			return nil, err
		}
		for _, u := range units {
			l := export.Label{Name: c.T("Logistic unit"), URL: a.host.Base(c) + "/" + u.ID, HRI: "(00)" + u.ID[3:], Unit: &export.UnitLabel{SSCC: u.ID[3:]}}
			tellContents(c, n, &l, inside[u.ID])
			if err := a.tellJourney(c, n, &l, u, journeys[u.Shipment]); err != nil {
				return nil, err
			}
			labels = append(labels, l)
		}
	}
	return labels, nil
}

// unitsOf reads packs with what the reader sees of their contents, and their
// shipments where the reader's company is part of them.
func (a *app) unitsOf(r *reader, ids []string) (units []logisticUnit, inside map[string][]unitLine, journeys map[string]shipment, err error) {
	list, args := inList(1, ids)
	all, err := readmodel.All[logisticUnit](r.ctx, a.db, `SELECT pack, holder, parent, shipment FROM tr_packs WHERE pack IN `+list+` ORDER BY pack`, args...)
	if err != nil {
		return nil, nil, nil, err
	}
	holder := map[string]string{}
	for _, u := range all {
		may := r.all || u.Holder != "" && u.Holder == r.user.Party
		if !may {
			if may, err = r.readsPack(u.ID); err != nil {
				return nil, nil, nil, err
			}
		}
		if !may || !strings.HasPrefix(u.ID, "00/") {
			return nil, nil, nil, trace.ErrNoLot.Refuse("%s", u.ID)
		}
		units, holder[u.ID] = append(units, u), u.Holder
	}
	rows, err := readmodel.All[unitContent](r.ctx, a.db, `SELECT pack, child, inner_pack, amount, unit FROM tr_contents WHERE pack IN `+list+` ORDER BY pack, child`, args...)
	if err != nil {
		return nil, nil, nil, err
	}
	var lots []string
	for _, in := range rows {
		lots = append(lots, in.Child)
	}
	near, err := r.near(lots...)
	if err != nil {
		return nil, nil, nil, err
	}
	inside = map[string][]unitLine{}
	for _, in := range rows {
		own := r.all || holder[in.Pack] == r.user.Party && r.user.Party != ""
		if !own && !in.Inner && !r.reads(in.Child) {
			continue
		}
		l := unitLine{Thing: in.Child, Unit: in.Unit}
		if own || !in.Inner && near.sees(in.Child, holder[in.Pack]) {
			l.Amount = in.Amount
		}
		inside[in.Pack] = append(inside[in.Pack], l)
	}
	journeys = map[string]shipment{}
	list, args = inList(2, ids)
	some, err := readmodel.All[shipment](r.ctx, a.db, `SELECT `+shipmentColumns+` FROM tr_shipments WHERE (sender = $1 OR receiver = $1 OR carrier = $1) AND id IN
		(SELECT shipment FROM tr_packs WHERE pack IN `+list+`)`, append([]any{r.user.Party}, args...)...)
	for _, s := range some {
		journeys[s.ID] = s
	}
	return units, inside, journeys, err
}

// tellContents sums up what is in a pack: one product by its name, lot and date,
// several by their number; and the net weight, where all of it is weighed.
func tellContents(c *web.Ctx, n *names, l *export.Label, lines []unitLine) {
	line := func(caption, value string) {
		if value != "" {
			l.Lines = append(l.Lines, export.LabelLine{Caption: c.T(caption), Value: value})
		}
	}
	products, lots, weight, weighed, cases := []string{}, []string{}, gs1.Quantity{Unit: "KGM"}, len(lines) > 0, 0
	for _, in := range lines {
		key, err := gs1.Parse(in.Thing)
		if err != nil || key.GTIN() == "" {
			cases, weighed = cases+1, false
			continue
		}
		if !slices.Contains(products, key.GTIN()) {
			products = append(products, key.GTIN())
		}
		lots = append(lots, cmp.Or(key.Lot(), key.Serial()))
		kilos, err := gs1.Quantity{Amount: parseAmount(in.Amount), Unit: in.Unit}.In("KGM")
		if weighed = weighed && err == nil && in.Amount != ""; weighed {
			weight.Amount = weight.Amount.Add(kilos.Amount)
		}
	}
	line("SSCC", l.Unit.SSCC)
	if len(products) == 1 {
		l.Name = n.Product(products[0])
		line("GTIN", products[0])
	} else if len(products) > 1 {
		line("Contents", c.T("%s products", len(products)))
	}
	if cases > 0 {
		line("Packs inside", strconv.Itoa(cases))
	}
	if len(lots) > 0 && len(lots) <= 3 {
		line("Lot", strings.Join(lots, ", "))
	} else if len(lots) > 3 {
		line("Lot", c.T("%s lots", len(lots)))
	}
	if weighed {
		line("Net weight", n.Quantity(weight.Amount.String(), "KGM"))
	}
}

// tellJourney tells who sends a pack to whom: to those who are part of it.
func (a *app) tellJourney(c *web.Ctx, n *names, l *export.Label, u logisticUnit, journey shipment) error {
	from, to := journey.Sender, journey.Receiver
	if from == "" && u.Holder == c.User().Party {
		from = u.Holder
	}
	var err error
	if l.Unit.From, err = a.address(c, n, "Ship from", from); err == nil {
		l.Unit.To, err = a.address(c, n, "Ship to", to)
	}
	return err
}

// address is a company with its city, as a label has it.
func (a *app) address(c *web.Ctx, n *names, caption, id string) (export.Address, error) {
	address := export.Address{Caption: c.T(caption)}
	if id == "" {
		return address, nil
	}
	l, err := a.directory.look(c.Context(), question{`SELECT gln, name FROM tr_parties WHERE id = $1`, id})
	address.Lines = []string{n.Party(id)}
	if l.first != "" {
		if city := n.City(l.first); city != "" {
			address.Lines = append(address.Lines, city)
		}
		address.Lines = append(address.Lines, "GLN "+l.first)
	}
	return address, err
}

// labelView is the printing page.
type labelView struct {
	List    web.List
	Kind    string
	Kinds   []web.Option
	Rows    []labelRow
	Stocks  []web.Option
	Order   labelOrder
	Preview template.URL
	Problem string
	More    bool // than are listed
}

// labelRow is one thing that can be chosen.
type labelRow struct {
	ID, Title, Note string
	Chosen          bool
}

const mostChoices = 200

func (a *app) labelPage(c *web.Ctx) error {
	o, err := readLabelOrder(c)
	if err != nil {
		return err
	}
	v := labelView{List: c.List(lotList), Kind: o.Kind, Order: o, Kinds: []web.Option{{Value: "lot", Text: "Lots"}, {Value: "item", Text: "Single items of lots"}, {Value: "unit", Text: "Cases and pallets"}}}
	for _, s := range labelStocks {
		if s.unit == (o.Kind == "unit") {
			v.Stocks = append(v.Stocks, web.Option{Value: s.name, Text: s.text})
		}
	}
	if v.Rows, v.More, err = a.labelChoices(c, o); err != nil {
		return err
	}
	labels, err := a.ordered(c, o)
	if err != nil {
		return err
	}
	if len(labels) > 0 {
		svg, err := export.LabelSVG(labels[0], o.stock())
		if err != nil {
			v.Problem = err.Error()
		}
		v.Preview = template.URL("data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString(svg))
	} else if len(o.Things) > 0 || o.All {
		v.Problem = c.T("Nothing is left of this choice: no single items with such serial numbers were logged.")
	}
	return c.Render("labels.html", v)
}

// labelChoices lists what can be printed, the chosen first ticked.
func (a *app) labelChoices(c *web.Ctx, o labelOrder) (rows []labelRow, more bool, err error) {
	n := a.names(c)
	if o.Kind == "unit" {
		ids, err := a.ownUnits(c)
		for _, id := range o.Things {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		for _, id := range ids[:min(len(ids), mostChoices)] {
			rows = append(rows, labelRow{ID: id, Title: packTitle(id), Chosen: slices.Contains(o.Things, id)})
		}
		return rows, len(ids) > mostChoices, err
	}
	q, err := a.lotQuery(c)
	if err != nil {
		return nil, false, err
	}
	for l, err := range a.rows(c.Context(), q, "") {
		if err != nil {
			return nil, false, err
		}
		if len(rows) == mostChoices {
			return rows, true, nil
		}
		rows = append(rows, labelRow{ID: l.ID, Title: n.Product(l.GTIN) + " " + l.name(), Note: day(c, l.bestBefore()), Chosen: slices.Contains(o.Things, l.ID)})
	}
	return rows, false, nil
}
