package traceability

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/fsma"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

func (a *app) fsmaRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/traceability/fsma", Name: "fsma", Access: readers, Handler: a.showRecords},
		{Method: "GET", Path: "/traceability/fsma.xlsx", Name: "fsma.xlsx", Access: readers, Handler: a.sheetOfRecords},
		{Method: "POST", Path: "/traceability/fsma/package", Name: "fsma.package", Access: readers, Handler: a.packageRecords},
		{Method: "GET", Path: "/traceability/fsma/plan", Name: "fsma.plan", Access: readers, Handler: a.showPlan},
		{Method: "GET", Path: "/traceability/fsma/plan/edit", Name: "fsma.editPlan", Access: planKeepers, Handler: a.editPlan},
		{Method: "POST", Path: "/traceability/fsma/plan/edit", Name: "fsma.keepPlan", Access: planKeepers, Handler: a.editPlan},
	}
}

// recordQuery reads what was asked for from the address.
func (a *app) recordQuery(c *web.Ctx) (*recordQuery, error) {
	r, err := a.reader(c)
	if err != nil {
		return nil, err
	}
	options := web.ListOptions{Search: true, Sort: []string{"gaps", "at", "-at", "lot"}, Limit: 25}
	if options.Filters, err = a.recordFilters(c, r); err != nil {
		return nil, err
	}
	q := &recordQuery{List: c.List(options), app: a, who: r}
	return q, q.readKept(c.Context())
}

func (a *app) recordFilters(c *web.Ctx, r *reader) ([]web.Filter, error) {
	n := a.names(c)
	events := web.Filter{Name: "cte", Label: "Event"}
	for _, cte := range fsma.CTEs {
		events.Options = append(events.Options, web.Option{Value: string(cte), Text: cte.Title()})
	}
	gaps := web.Filter{Name: "gap", Label: "Missing", Options: []web.Option{{Value: "any", Text: "Anything"}}}
	for _, e := range everyElement() {
		gaps.Options = append(gaps.Options, web.Option{Value: e.ID, Text: e.Name})
	}
	products := web.Filter{Name: "product", Label: "Product"}
	listed, err := readmodel.All[string](c.Context(), a.db, `SELECT p.gtin FROM tr_product_facts f JOIN tr_products p ON p.gtin = f.gtin
		WHERE f.list <> '' AND NOT f.kill_step ORDER BY p.name, p.gtin LIMIT $1`, most)
	if err != nil {
		return nil, err
	}
	for _, gtin := range listed {
		products.Options = append(products.Options, web.Option{Value: gtin, Text: n.Product(gtin)})
	}
	places, err := a.placeFilter(c, r, n)
	if err != nil {
		return nil, err
	}
	whose := web.Filter{Name: "whose", Label: "Whose", Options: []web.Option{{Value: "own", Text: "Our own"}}}
	if r.all {
		whose = web.Filter{Name: "company", Label: "Company"}
		ids, err := readmodel.All[string](c.Context(), a.db, `SELECT id FROM tr_parties ORDER BY name, id LIMIT $1`, most)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			whose.Options = append(whose.Options, web.Option{Value: id, Text: n.Party(id)})
		}
	}
	return []web.Filter{events, gaps, products, places, whose, {Name: "from", Label: "Since", Date: true}, {Name: "to", Label: "Until", Date: true}}, nil
}

// placeFilter offers the company's own places, to a regulator all of them.
func (a *app) placeFilter(c *web.Ctx, r *reader, n *names) (web.Filter, error) {
	f := web.Filter{Name: "place", Label: "Place"}
	own := r.user.Party
	if r.all {
		own = ""
	}
	glns, err := readmodel.All[string](c.Context(), a.db, `SELECT gln FROM tr_places WHERE $1 = '' OR owner = $2 ORDER BY name, gln LIMIT $3`, own, own, most)
	for _, gln := range glns {
		f.Options = append(f.Options, web.Option{Value: gln, Text: n.Place(gln)})
	}
	return f, err
}

// everyElement are the key data elements, each id once.
func everyElement() (all []fsma.Element) {
	seen := map[string]bool{}
	for _, cte := range fsma.CTEs {
		for _, e := range fsma.Elements[cte] {
			if !seen[e.ID] {
				seen[e.ID] = true
				all = append(all, e)
			}
		}
	}
	return all
}

// mostRecords is how many records of an event a page looks through.
const mostRecords = 2000

type recordsView struct {
	Acts      []web.Act    `json:"-"`
	Note      *web.Banner  `json:"-"`
	Summary   web.Table    `json:"-"`
	Gaps      web.Table    `json:"-"`
	Tables    []web.Table  `json:"-"`
	Items     []recordLine `json:"items"`
	Truncated bool         `json:"truncated,omitempty"`
}

// recordLine is one record.
type recordLine struct {
	CTE      fsma.CTE  `json:"event"`
	Hash     string    `json:"hash"`
	At       time.Time `json:"at"`
	Lot      string    `json:"lot"`
	GTIN     string    `json:"gtin"`
	Amount   string    `json:"quantity,omitempty"`
	Unit     string    `json:"unit,omitempty"`
	From     string    `json:"from,omitempty"`
	To       string    `json:"to,omitempty"`
	Place    string    `json:"place,omitempty"`
	Document string    `json:"document,omitempty"`
	Gaps     []gapLine `json:"gaps"`
	row      fsma.Row
}

// gapLine is a missing element as a program reads it.
type gapLine struct {
	ID     string   `json:"id"`
	Clause string   `json:"clause"`
	Lacks  []string `json:"lacks,omitempty"`
	Place  string   `json:"place,omitempty"`
}

func (a *app) showRecords(c *web.Ctx) error {
	q, err := a.recordQuery(c)
	if err != nil {
		return err
	}
	v := &recordsView{Items: []recordLine{}, Acts: []web.Act{{Label: "Traceability plan", Href: "/traceability/fsma/plan", Icon: "list"},
		{Label: "24-hour package", Href: "/traceability/fsma/package" + q.Query(), Icon: "down", Post: true, Main: true,
			Help: "A ZIP with the sheet, the events, the plan and a list of them that you sign: what is asked for within 24 hours."}}}
	n := a.names(c)
	counts, missing := map[fsma.CTE][2]int{}, map[string]*gapCount{}
	for _, cte := range fsma.CTEs {
		if asked := q.Get("cte"); asked != "" && asked != string(cte) {
			continue
		}
		lines, more, err := q.lines(c.Context(), cte)
		if err != nil {
			return err
		}
		v.Truncated = v.Truncated || more
		short := 0
		for _, l := range lines {
			countGaps(missing, l.row)
			if len(l.row.Gaps) > 0 {
				short++
			}
		}
		counts[cte] = [2]int{len(lines), short}
		if len(lines) > 0 {
			v.Tables = append(v.Tables, recordTable(c, n, q, cte, lines))
		}
		v.Items = append(v.Items, lines[:min(len(lines), q.Limit)]...)
	}
	v.Summary = summaryTable(c, q, counts)
	v.Gaps = gapTable(c, n, q, missing)
	if v.Truncated {
		v.Note = &web.Banner{Tone: web.Warn, Title: c.T("There is more than this page looks through."), Text: c.T("It counts the first %s records of each event. Narrow it by product, place or date; the sheet has all of them.", web.Group(mostRecords))}
	}
	return c.Render("fsma.html", v)
}

// lines are the records of one event as a page shows them: gaps first.
func (q *recordQuery) lines(ctx context.Context, cte fsma.CTE) (lines []recordLine, more bool, err error) {
	seen := 0
	for r, err := range q.rows(ctx, cte) {
		if err != nil {
			return nil, false, err
		}
		if seen++; seen > mostRecords {
			more = true
			break
		}
		if q.hasGap(r) {
			lines = append(lines, recordLineOf(r))
		}
	}
	slices.SortStableFunc(lines, q.order())
	return lines, more, nil
}

// hasGap is the filter by what is missing.
func (q *recordQuery) hasGap(r fsma.Row) bool {
	switch id := q.Get("gap"); id {
	case "":
		return true
	case "any":
		return len(r.Gaps) > 0
	default:
		return slices.ContainsFunc(r.Gaps, func(g fsma.Gap) bool { return g.ID == id })
	}
}

func (q *recordQuery) order() func(a, b recordLine) int {
	at := func(a, b recordLine) int { return a.At.Compare(b.At) }
	switch {
	case q.Sort == "lot":
		return func(a, b recordLine) int { return cmp.Or(cmp.Compare(a.Lot, b.Lot), at(a, b)) }
	case q.Sort == "at" && q.Desc:
		return func(a, b recordLine) int { return at(b, a) }
	case q.Sort == "at":
		return at
	}
	return func(a, b recordLine) int { return cmp.Or(cmp.Compare(len(b.Gaps), len(a.Gaps)), at(b, a)) }
}

func recordLineOf(r fsma.Row) recordLine {
	l := recordLine{CTE: r.CTE, Hash: r.Line.Event, At: r.Line.At, Lot: r.Line.Lot, GTIN: r.Line.GTIN, Amount: r.Line.Amount, Unit: r.Line.Unit,
		From: r.From.GLN, To: r.To.GLN, Place: r.Here.GLN, Document: r.Doc.Number, Gaps: []gapLine{}, row: r}
	for _, g := range r.Gaps {
		l.Gaps = append(l.Gaps, gapLine{g.ID, g.Clause, g.Lacks, g.Place})
	}
	return l
}

// gapCount is how often an element is missing, and what mends it.
type gapCount struct {
	gap    fsma.Gap
	n      int
	places map[string]bool
}

func countGaps(all map[string]*gapCount, r fsma.Row) {
	for _, g := range r.Gaps {
		key := g.Clause + " " + g.ID
		if g.Missing() {
			key += " missing"
		}
		if all[key] == nil {
			all[key] = &gapCount{gap: g, places: map[string]bool{}}
		}
		all[key].n++
		if g.Place != "" {
			all[key].places[g.Place] = true
		}
	}
}

func summaryTable(c *web.Ctx, q *recordQuery, counts map[fsma.CTE][2]int) web.Table {
	t := web.Table{List: q.List, Label: "Critical tracking events", Exports: q.Dresses("xlsx"), Live: "ledger",
		Columns: []web.Column{{Label: "Event"}, {Label: "Records", Number: true}, {Label: "With gaps", Number: true}, {Label: "State"}}}
	for _, cte := range fsma.CTEs {
		n, ok := counts[cte]
		if !ok {
			continue
		}
		state := web.Chip{Word: "complete", Tone: web.Good}
		switch {
		case n[0] == 0:
			state = web.Chip{Word: "no records", Tone: web.Idle}
		case n[1] > 0:
			state = web.Chip{Word: "has gaps", Tone: web.Warn}
		}
		t.Rows = append(t.Rows, web.TableRow{Href: q.With("cte", string(cte)), Cells: []any{c.T(cte.Title()), n[0], n[1], state}})
	}
	return t
}

func gapTable(c *web.Ctx, n *names, q *recordQuery, missing map[string]*gapCount) web.Table {
	t := web.Table{Label: "What is missing", Columns: []web.Column{{Label: "Missing"}, {Label: "Clause"}, {Label: "Records", Number: true}, {Label: "Where"}, {Label: "Who can fill it in"}, {Label: "How"}},
		Empty: web.Empty{Title: "Nothing is missing.", Text: "Every record here tells what the regulation asks for."}}
	all := slices.SortedFunc(maps.Values(missing), func(a, b *gapCount) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.gap.Clause, b.gap.Clause))
	})
	for _, g := range all {
		who, how := g.gap.Remedy()
		var where []string
		for _, gln := range slices.Sorted(maps.Keys(g.places)) {
			where = append(where, n.Place(gln))
		}
		t.Rows = append(t.Rows, web.TableRow{Href: q.With("gap", g.gap.ID), Cells: []any{gapText(c, g.gap), "21 CFR " + g.gap.Clause, g.n,
			strings.Join(where[:min(len(where), 3)], ", "), c.T(who), c.T(how)}})
	}
	return t
}

// gapText says what is missing in words.
func gapText(c *web.Ctx, g fsma.Gap) string {
	if g.Missing() {
		return c.T(g.Name)
	}
	var lacks []string
	for _, word := range g.Lacks {
		lacks = append(lacks, c.T(word))
	}
	return c.T(g.Name) + ": " + strings.Join(lacks, ", ")
}

func recordTable(c *web.Ctx, n *names, q *recordQuery, cte fsma.CTE, lines []recordLine) web.Table {
	shown := lines[:min(len(lines), q.Limit)]
	t := web.Table{Label: cte.Title(), Count: c.T("%s of %s records", len(shown), len(lines)),
		Columns: []web.Column{{Label: "Lot"}, {Label: "Date"}, {Label: "Quantity", Number: true}, {Label: "From"}, {Label: "To"}, {Label: "Reference document"}, {Label: "Missing"}}}
	for _, l := range shown {
		r := l.row
		from, to := r.From.GLN, r.To.GLN
		switch cte {
		case fsma.Receiving:
			to = r.Here.GLN
		case fsma.Harvesting, fsma.Cooling:
			from = r.Here.GLN
		case fsma.Transformation, fsma.InitialPacking, fsma.FirstReceiving:
			from, to = r.Here.GLN, ""
		}
		var quantity any
		if l.Amount != "" {
			quantity = web.Num{Text: grouped(n.Amount(l.Amount)), Unit: n.Unit(l.Unit)}
		}
		row := web.TableRow{Href: eventHref(l.Hash), Cells: []any{orElse(n.Lot(l.Lot), n.Product(l.GTIN)), l.row.Date().Format(time.DateOnly), quantity, placeName(n, from), placeName(n, to), l.Document, web.Chip{Word: "complete", Tone: web.Good}}}
		if len(r.Gaps) > 0 {
			var said []string
			for _, g := range r.Gaps {
				said = append(said, gapText(c, g))
			}
			row.Tone, row.Cells[6] = web.Warn, strings.Join(said, "; ")
		}
		t.Rows = append(t.Rows, row)
	}
	if len(lines) > len(shown) {
		t.Count = c.T("%s of %s records; choose the event to see more", len(shown), len(lines))
	}
	return t
}

// placeName is a place's name, or its company's where only a party's number is known.
func placeName(n *names, id string) string {
	if name := n.Place(id); name != id {
		return name
	}
	return n.find("gln", id, `SELECT name, name_zh FROM tr_parties WHERE gln = $1`)
}
