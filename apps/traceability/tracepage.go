package traceability

import (
	"cmp"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/web"
)

// traceForms are the dresses of a trace beside its page.
var traceForms = []string{"json", "csv", "xlsx", "pdf"}

// traceView is a trace as programs see it, and its page.
type traceView struct {
	Lot    string   `json:"lot"`
	Way    string   `json:"direction"`
	Depth  int      `json:"depth,omitempty"`
	Known  string   `json:"knownAt,omitempty"`
	Nodes  []card   `json:"nodes"`
	Edges  []strand `json:"edges"`
	Links  []link   `json:"links"`
	Hidden int      `json:"hidden,omitempty"`
	Cut    bool     `json:"cut,omitempty"`

	Title   string        `json:"-"`
	Href    string        `json:"-"`
	At      string        `json:"-"` // the moment in the page's field
	Ask     asOf          `json:"-"`
	Crumbs  []web.Crumb   `json:"-"`
	Ways    []web.Option  `json:"-"`
	Depths  []web.Option  `json:"-"`
	Graph   template.HTML `json:"-"`
	Grouped bool          `json:"-"`
	Thin    int           `json:"-"`
	Opened  []web.Link    `json:"-"` // closes a group again
	Path    *web.Link     `json:"-"` // ends the showing of one way
	Table   web.Table     `json:"-"`
	Ties    web.Table     `json:"-"`
	Sum     string        `json:"-"`
	Legend  []legendLine  `json:"-"`
}

// legendLine explains one sign of the drawing.
type legendLine struct{ Class, Text string }

// traceList is what the table of a trace can be asked for; the rest of the
// address says what the trace is.
var traceList = web.ListOptions{Sort: []string{"step", "lot", "maker", "at", "share", "state"}, Keep: []string{"way", "depth", "knownAt", "open", "path"}}

// askedTrace reads what a trace is asked for.
func askedTrace(c *web.Ctx) (q traceAsk, err error) {
	q.way = cmp.Or(c.QueryParam("way"), c.QueryParam("direction"))
	if q.way != back && q.way != forward {
		q.way = both
	}
	if n, err := strconv.Atoi(c.QueryParam("depth")); err == nil && n > 0 && n < 100 {
		q.depth = n
	}
	q.known, err = askedMoment(c)
	return q, err
}

func (a *app) showTrace(c *web.Ctx) error {
	lot, suffix, err := a.asked(c, "/traceability/trace/", traceForms...)
	if err != nil {
		return err
	}
	if suffix == "" && c.WantsJSON() {
		suffix = "json"
	}
	return a.trace(c, lot, suffix)
}

// lotSuffixes are what may follow a lot's id in the API.
var lotSuffixes = []string{"/trace", "/trace.json", "/trace.csv", "/trace.xlsx", "/trace.pdf"}

// apiTraceOf is the trace of a lot for programs: JSON unless the address names
// another form.
func (a *app) apiTraceOf(c *web.Ctx, lot lotRow, suffix string) error {
	if way := c.QueryParam("direction"); way != "" && way != both && way != back && way != forward {
		return errDirection.Refuse("%s", clip(way, 40)).On("direction")
	}
	_, form, _ := strings.Cut(suffix, ".")
	return a.trace(c, lot, cmp.Or(form, "json"))
}

// trace answers with the trace of a lot in one of its dresses; "" is the page.
func (a *app) trace(c *web.Ctx, lot lotRow, form string) error {
	asked, err := askedTrace(c)
	if err != nil {
		return err
	}
	if lot, err = a.lotThen(c.Context(), lot, asked.known); err != nil {
		return err
	}
	t, err := a.pedigree(c, lot, asked)
	if err != nil {
		return err
	}
	if err := t.ties(); err != nil {
		return err
	}
	if form == "" {
		return t.page(c)
	}
	if err := t.unaccounted(t.nodes); err != nil {
		return err
	}
	showParts(t.nodes)
	if form == "json" {
		return c.JSON(200, t.view())
	}
	return a.send(c, t.sheet(c), form, "trace-"+fileName(lot))
}

func (t *tracing) view() *traceView {
	v := &traceView{Lot: t.seed.ID, Way: t.asked.way, Depth: t.asked.depth, Known: t.asked.known.query(), Nodes: t.nodes, Edges: t.strands, Links: t.links, Hidden: t.hidden, Cut: t.cut}
	if v.Nodes == nil {
		v.Nodes = []card{}
	}
	if v.Edges == nil {
		v.Edges = []strand{}
	}
	if v.Links == nil {
		v.Links = []link{}
	}
	return v
}

func (t *tracing) page(c *web.Ctx) error {
	v := t.view()
	name := t.names.Lot(t.seed.ID)
	v.frame(c, name, t.asked)
	v.Sum = c.T("%s lots, %s steps between them", len(t.nodes), len(t.strands))
	list := c.List(traceList)
	q := c.Request().URL.Query()
	open := slices.DeleteFunc(strings.Split(q.Get("open"), ","), func(s string) bool { return s == "" || len(s) > 20 })
	open = open[:min(len(open), mostOpened)]
	here := func(name, value string) string {
		u := url.Values{}
		for _, k := range traceList.Keep {
			if x := q.Get(k); x != "" && len(x) <= 500 {
				u.Set(k, x)
			}
		}
		if u.Set(name, value); value == "" {
			u.Del(name)
		}
		if len(u) == 0 {
			return v.Href
		}
		return v.Href + "?" + u.Encode()
	}
	if path := q.Get("path"); t.light(path) {
		v.Path = &web.Link{Text: c.T("Only the way between %s and %s stands out", name, t.names.Lot(path)), Href: here("path", "")}
	}
	for i, k := range t.nodes {
		if !k.Seed {
			t.nodes[i].Way = here("path", k.ID) + "#graph"
		}
	}
	if err := t.table(c, v, list); err != nil {
		return err
	}
	t.tieTable(c, v)
	t.collapse(c, open, func(q gs1.Quantity) string { return t.names.Quantity(q.Amount.String(), q.Unit) })
	for i, k := range t.nodes {
		if k.Open != "" {
			t.nodes[i].Open = here("open", strings.Join(append(slices.Clone(open), k.Open), ",")) + "#graph"
		}
	}
	if v.Grouped, v.Thin = t.grouped, t.thin; len(open) > 0 {
		v.Opened = []web.Link{{Text: c.T("Close the last group"), Href: here("open", strings.Join(open[:len(open)-1], ",")) + "#graph"}, {Text: c.T("Close all groups"), Href: here("open", "") + "#graph"}}
	}
	t.drawTies(c)
	v.Graph = t.draw(c)
	v.Legend = t.legend()
	return c.Render("trace.html", v)
}

func (v *traceView) frame(c *web.Ctx, name string, asked traceAsk) {
	v.Title, v.Href, v.Ask, v.At = name, traceHref(v.Lot), asked.known, asked.known.field(c)
	v.Crumbs = []web.Crumb{{Text: c.T("Lots"), Href: "/traceability/lots"}, {Text: name, Href: lotHref(v.Lot)}, {Text: c.T("Trace")}}
	v.Ways = []web.Option{{Value: both, Text: "Back and forward"}, {Value: back, Text: "Back: what it was made of"}, {Value: forward, Text: "Forward: what became of it"}}
	for _, n := range []int{1, 2, 3, 5, 10} {
		v.Depths = append(v.Depths, web.Option{Value: itoa(n), Text: itoa(n)})
	}
}

// dresses are the trace's other forms, asked for what the page was asked for.
func (v *traceView) dresses() (all []web.Dress) {
	u := url.Values{"way": {v.Way}}
	if v.Depth > 0 {
		u.Set("depth", itoa(v.Depth))
	}
	if v.Known != "" {
		u.Set("knownAt", v.Known)
	}
	for _, form := range []string{"xlsx", "csv", "pdf", "json"} {
		all = append(all, web.Dress{Word: strings.ToUpper(form), Href: v.Href + "." + form + "?" + u.Encode()})
	}
	return all
}

// light marks what lies between the seed and a lot of the trace; it reports
// whether there is such a lot.
func (t *tracing) light(id string) bool {
	i := slices.IndexFunc(t.nodes, func(k card) bool { return k.ID == id && !k.Seed })
	if i < 0 {
		return false
	}
	from, to := t.seed.ID, id
	if t.nodes[i].Depth < 0 {
		from, to = to, from
	}
	next, before := map[string][]string{}, map[string][]string{}
	for _, s := range t.strands {
		next[s.From], before[s.To] = append(next[s.From], s.To), append(before[s.To], s.From)
	}
	down, up := reachable(next, from), reachable(before, to)
	for i, k := range t.nodes {
		t.nodes[i].on = down[k.ID] && up[k.ID]
	}
	for i, s := range t.strands {
		t.strands[i].on = down[s.From] && up[s.From] && down[s.To] && up[s.To]
	}
	return true
}

func reachable(next map[string][]string, from string) map[string]bool {
	seen, queue := map[string]bool{from: true}, []string{from}
	for len(queue) > 0 {
		id := queue[0]
		queue = queue[1:]
		for _, to := range next[id] {
			if !seen[to] {
				seen[to] = true
				queue = append(queue, to)
			}
		}
	}
	return seen
}

// mostTies are the packs and associated things that a drawing shows beside its
// lots; more of them stand in the table only.
const mostTies = 16

// drawTies puts packs and what is attached into the drawing, where they are few.
func (t *tracing) drawTies(c tongue) {
	things := map[string]link{}
	for _, l := range t.links {
		for _, end := range []string{l.From, l.To} {
			if _, lot := t.rows[end]; !lot && l.Kind != shippedTo {
				if _, seen := things[end]; !seen || l.Kind == packedIn && end == l.To {
					things[end] = l
				}
			}
		}
	}
	if t.grouped || len(things) > mostTies {
		return
	}
	for _, id := range slices.Sorted(func(yield func(string) bool) {
		for id := range things {
			if !yield(id) {
				return
			}
		}
	}) {
		l := things[id]
		word := "Attached"
		if l.Kind == packedIn {
			word = "Pack"
		}
		t.nodes = append(t.nodes, card{ID: id, Product: c.T(word), Number: packTitle(id), At: l.Since, Count: 1, Href: l.Href, thing: l.Kind})
	}
	for _, l := range t.links {
		if l.Kind != shippedTo {
			t.strands = append(t.strands, strand{From: l.From, To: l.To, Amount: l.Amount, kind: l.Kind})
		}
	}
}

// legend explains the signs that this drawing has.
func (t *tracing) legend() []legendLine {
	all := []legendLine{{"seed", "The lot that is traced"}}
	has := func(f func(card) bool) bool { return slices.ContainsFunc(t.nodes, f) }
	for _, x := range []struct {
		there       bool
		class, text string
	}{
		{has(func(k card) bool { return k.Tone == web.Bad }), "bad", "Recalled"},
		{has(func(k card) bool { return k.Tone == web.Warn }), "warn", "On hold"},
		{has(func(k card) bool { return k.Count > 1 }), "group", "Several lots: open the card to see them"},
		{len(t.strands) > 0, "arrow", "What went into what: the thicker, the more"},
		{has(func(k card) bool { return k.thing != "" }), "tie", "Packed in or attached: no ingredient"},
	} {
		if x.there {
			all = append(all, legendLine{x.class, x.text})
		}
	}
	return all
}

// table is a page of the trace's lots, a lot a line, in the order asked for.
func (t *tracing) table(c *web.Ctx, v *traceView, list web.List) error {
	nodes := slices.Clone(t.nodes)
	sortCards(nodes, list)
	from, err := strconv.Atoi(list.After)
	if err != nil || from < 0 || from > len(nodes) {
		from = 0
	}
	rows := nodes[from:min(from+list.Limit, len(nodes))]
	if err := t.unaccounted(rows); err != nil {
		return err
	}
	showParts(rows)
	v.Table = web.Table{List: list, Label: "Lots of the trace", Exports: v.dresses(), Columns: []web.Column{{Label: "Lot", Sort: "lot"}, {Label: "Step", Sort: "step"}, {Label: "Made by", Sort: "maker"}, {Label: "Made on", Sort: "at"},
		{Label: "Made", Number: true}, {Label: "Part", Sort: "share", Number: true}, {Label: "Unaccounted", Number: true}, {Label: "State", Sort: "state"}}}
	for _, k := range rows {
		var missing any
		if k.Missing != "" {
			missing = t.names.Quantity(k.Missing, k.row.Unit)
		}
		v.Table.Rows = append(v.Table.Rows, web.TableRow{Href: k.Href, Cells: []any{k.Title(), stepsAway(k), k.Maker, k.At, orNone(k.Amount),
			orNone(k.Part.said(t.names)), missing, web.Chip{Word: k.Word, Tone: k.Tone}}})
	}
	v.Table.Count = c.T("%s lots", web.Group(len(nodes)))
	if end := from + len(rows); end < len(nodes) {
		v.Table.Next = itoa(end)
	}
	return nil
}

func stepsAway(k card) string {
	if k.Depth > 0 {
		return "+" + itoa(k.Depth)
	}
	return itoa(k.Depth)
}

// sortCards orders the lots of a table; the trace's own order settles the rest.
func sortCards(nodes []card, list web.List) {
	by := map[string]func(x, y card) int{
		"lot":   func(x, y card) int { return cmp.Compare(x.Title(), y.Title()) },
		"maker": func(x, y card) int { return cmp.Compare(x.Maker, y.Maker) },
		"at":    func(x, y card) int { return x.At.Compare(y.At) },
		"state": func(x, y card) int { return cmp.Compare(y.row.Blocked, x.row.Blocked) },
		"share": func(x, y card) int { return cmp.Compare(x.weight(), y.weight()) },
		"step":  func(x, y card) int { return cmp.Compare(x.Depth, y.Depth) },
	}[list.Sort]
	slices.SortStableFunc(nodes, func(x, y card) int {
		if list.Desc {
			return by(y, x)
		}
		return by(x, y)
	})
}

// weight is what a column of parts is sorted by: how much it can be.
func (k card) weight() float64 {
	if k.part == nil {
		return -1
	}
	most, _ := k.part.Most.Float64()
	return most
}

// shownTies bounds the page; the dresses have all.
const shownTies = 200

// tieTable lists what carried the lots and who handed them on.
func (t *tracing) tieTable(c *web.Ctx, v *traceView) {
	words := map[string]string{packedIn: "Packed in", attachedTo: "Attached to", shippedTo: "Shipped to"}
	v.Ties = web.Table{Label: "Packs, attached things and shipments", Columns: []web.Column{{Label: "What"}, {Label: "Relation"}, {Label: "Other end"}, {Label: "Quantity", Number: true}, {Label: "Since"}, {Label: "Until"}, {Label: "By"}}}
	for _, l := range t.links[:min(len(t.links), shownTies)] {
		from, to := t.thing(l.From), t.thing(l.To)
		if l.Kind == shippedTo {
			from, to = t.thing(l.Lot), t.names.Party(l.To)
		}
		var until any
		if l.Until != nil {
			until = *l.Until
		}
		by := l.By
		if l.Kind == shippedTo {
			by = l.From
		}
		v.Ties.Rows = append(v.Ties.Rows, web.TableRow{Href: l.Href, Cells: []any{from, c.T(words[l.Kind]), orNone(to), orNone(l.Amount), l.Since, until, t.names.Party(by)}})
	}
	v.Ties.Count = c.T("%s of %s", web.Group(len(v.Ties.Rows)), web.Group(len(t.links)))
}

// thing is what people call a lot, a pack or an asset.
func (t *tracing) thing(id string) string {
	if _, lot := t.rows[id]; lot {
		return t.names.Lot(id)
	}
	return packTitle(id)
}
