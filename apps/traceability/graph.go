package traceability

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/lineage"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// Which way a trace goes.
const (
	both    = "both"
	back    = "back"
	forward = "forward"
)

const (
	mostTraced = 5000 // lots that one page asks for
	mostDrawn  = 150  // cards that people can still take in
)

// card is one box of a trace: a lot, or several of one product and day.
type card struct {
	ID      string    `json:"id"`
	Product string    `json:"product"`
	Number  string    `json:"lot"`
	Maker   string    `json:"maker,omitempty"`
	Amount  string    `json:"made,omitempty"`
	At      time.Time `json:"at"`
	Place   string    `json:"place,omitempty"`
	Word    string    `json:"state"`
	Depth   int       `json:"depth"`
	Seed    bool      `json:"seed,omitempty"`
	Count   int       `json:"count,omitempty"` // lots behind one card
	Href    string    `json:"-"`
	Tone    string    `json:"-"`
	row     lotRow
	zone    string // of the event that made it
}

// tongue is the reader's language; web.Ctx is one.
type tongue interface {
	T(text string, facts ...any) string
	Lang() string
}

// Title is the card in one line.
func (k card) Title() string { return strings.TrimSpace(k.Product + " " + k.Number) }

// strand is one arrow of a trace: how much of the one went into the other.
type strand struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Amount string `json:"amount,omitempty"`
}

// pedigree is a trace that can be drawn, listed and handed out as data.
type pedigree struct {
	nodes   []card
	strands []strand
	hidden  int // lots outside the reader's chain
	cut     bool
	grouped bool
}

// traceView is the page of a trace.
type traceView struct {
	Lot     string   `json:"lot"`
	Way     string   `json:"direction"`
	Depth   int      `json:"depth,omitempty"`
	Nodes   []card   `json:"nodes"`
	Edges   []strand `json:"edges"`
	Hidden  int      `json:"hidden,omitempty"`
	Cut     bool     `json:"cut,omitempty"`
	Grouped bool     `json:"grouped,omitempty"`

	Title  string        `json:"-"`
	Href   string        `json:"-"`
	Crumbs []web.Crumb   `json:"-"`
	Ways   []web.Option  `json:"-"`
	Depths []web.Option  `json:"-"`
	Graph  template.HTML `json:"-"`
	Table  web.Table     `json:"-"`
	Sum    string        `json:"-"`
	JSON   []web.Dress   `json:"-"`
}

func (a *app) showTrace(c *web.Ctx) error {
	lot, suffix, err := a.asked(c, "/traceability/trace/", "json")
	if err != nil {
		return err
	}
	way, depth := c.QueryParam("way"), 0
	if way != back && way != forward {
		way = both
	}
	if n, err := strconv.Atoi(c.QueryParam("depth")); err == nil && n > 0 && n < 100 {
		depth = n
	}
	p, err := a.pedigree(c, lot, way, depth)
	if err != nil {
		return err
	}
	v := &traceView{Lot: lot.ID, Way: way, Depth: depth, Nodes: p.nodes, Edges: p.strands, Hidden: p.hidden, Cut: p.cut}
	if suffix == "json" || c.WantsJSON() {
		return c.JSON(200, v)
	}
	v.Table = p.table()
	v.Table.Count = c.T("%s lots", web.Group(len(p.nodes)))
	p.collapse(c)
	v.Grouped = p.grouped
	v.frame(c, a.names(c).Lot(lot.ID))
	v.Graph = p.draw(c)
	return c.Render("trace.html", v)
}

func (v *traceView) frame(c *web.Ctx, name string) {
	v.Title, v.Href = name, traceHref(v.Lot)
	v.Crumbs = []web.Crumb{{Text: c.T("Lots"), Href: "/traceability/lots"}, {Text: name, Href: lotHref(v.Lot)}, {Text: c.T("Trace")}}
	v.Ways = []web.Option{{Value: both, Text: "Back and forward"}, {Value: back, Text: "Back: what it was made of"}, {Value: forward, Text: "Forward: what became of it"}}
	for _, n := range []int{1, 2, 3, 5, 10} {
		v.Depths = append(v.Depths, web.Option{Value: itoa(n), Text: itoa(n)})
	}
	v.JSON = []web.Dress{{Word: "JSON", Href: v.Href + ".json?way=" + v.Way + "&depth=" + itoa(v.Depth)}}
	v.Sum = c.T("%s lots, %s steps between them", len(v.Nodes), len(v.Edges))
}

// pedigree walks the chain of a lot, as far as its reader may see.
func (a *app) pedigree(c *web.Ctx, lot lotRow, way string, depth int) (*pedigree, error) {
	graph, err := a.lineage.current(c.Context())
	if err != nil {
		return nil, err
	}
	r, err := a.reader(c)
	if err != nil {
		return nil, err
	}
	p, depths, edges := &pedigree{}, map[string]int{}, map[lineage.Edge]bool{}
	for _, d := range []struct {
		way       string
		direction lineage.Direction
		sign      int
	}{{back, lineage.Back, -1}, {forward, lineage.Forward, 1}} {
		if way != both && way != d.way {
			continue
		}
		walk := graph.Walk(d.direction, mostTraced, lot.ID)
		p.cut = p.cut || walk.Cut
		for _, lot := range walk.Nodes {
			switch _, seen := depths[lot.Name]; {
			case depth > 0 && lot.Depth > depth || seen:
			case !r.reads(lot.Name):
				p.hidden++
			default:
				depths[lot.Name] = d.sign * lot.Depth
			}
		}
		for _, e := range walk.Edges {
			edges[e] = true
		}
	}
	near, err := r.near(slices.Collect(maps.Keys(depths))...)
	if err != nil {
		return nil, err
	}
	if err := a.cards(c, r, near, p, lot.ID, depths); err != nil {
		return nil, err
	}
	return p, a.strands(c, near, p, edges)
}

func (a *app) cards(c *web.Ctx, who *reader, near near, p *pedigree, seed string, depths map[string]int) error {
	ids, n := slices.Sorted(maps.Keys(depths)), a.names(c)
	type placed struct {
		lotRow
		Place string `db:"place"`
		Zone  string `db:"zone"`
		Open  bool   `db:"open"` // its making is told to the whole chain
	}
	for _, some := range chunks(ids) {
		list, args := inList(1, some)
		rows, err := readmodel.All[placed](c.Context(), a.db, `SELECT `+lotColumns+`, COALESCE(NULLIF(e.place, ''), e.read_point, '') AS place, COALESCE(e.zone, '') AS zone, COALESCE(e.sharing IN ('linked', 'public'), TRUE) AS open
			FROM tr_lots l LEFT JOIN tr_events e ON e.hash = l.origin WHERE l.id IN `+list, args...)
		if err != nil {
			return fmt.Errorf("read the lots of a trace: %w", err)
		}
		for _, r := range rows {
			if !r.Open && !who.all && r.Maker != who.user.Party {
				r.Place = ""
			}
			k := card{ID: r.ID, Product: n.Product(r.GTIN), Number: r.name(), Maker: n.Party(r.Maker),
				At: r.At, Place: n.City(r.Place), Depth: depths[r.ID], Seed: r.ID == seed, Count: 1, Href: lotHref(r.ID), row: r.lotRow, zone: r.Zone}
			if near.sees(r.ID, r.Maker) {
				k.Amount = n.Quantity(r.Made, r.Unit)
			}
			k.Word, k.Tone = blockWord(r.Blocked)
			p.nodes = append(p.nodes, k)
		}
	}
	slices.SortFunc(p.nodes, func(x, y card) int {
		return cmp.Or(cmp.Compare(x.Depth, y.Depth), cmp.Compare(x.row.GTIN, y.row.GTIN), x.At.Compare(y.At), cmp.Compare(x.ID, y.ID))
	})
	return nil
}

// blockWord is whether a lot may move, in a word and a tone.
func blockWord(blocked string) (word, tone string) {
	switch blocked {
	case trace.KindRecall:
		return "Recalled", web.Bad
	case trace.KindHold:
		return "On hold", web.Warn
	}
	return "Free to move", web.Good
}

// strands puts amounts to the edges: how much of one lot went into the process
// that the other came out of. That is a part of what the other's maker used, and
// told to who sees that account.
func (a *app) strands(c *web.Ctx, near near, p *pedigree, edges map[lineage.Edge]bool) error {
	type line struct {
		Process string `db:"process"`
		Side    string `db:"side"`
		Lot     string `db:"lot"`
		Amount  string `db:"amount"`
		Unit    string `db:"unit"`
	}
	n, in, out, makers := a.names(c), map[string][]line{}, map[string][]string{}, map[string]string{}
	for _, k := range p.nodes {
		makers[k.ID] = k.row.Maker
	}
	for _, some := range chunks(slices.Sorted(maps.Keys(makers))) {
		list, args := inList(1, some)
		rows, err := readmodel.All[line](c.Context(), a.db, `SELECT process, side, lot, amount, unit FROM tr_process_lines WHERE lot IN `+list, args...)
		if err != nil {
			return fmt.Errorf("read the amounts of a trace: %w", err)
		}
		for _, r := range rows {
			if r.Side == "in" {
				in[r.Lot] = append(in[r.Lot], r)
			} else {
				out[r.Lot] = append(out[r.Lot], r.Process)
			}
		}
	}
	for e := range edges {
		_, from := makers[e.From]
		maker, to := makers[e.To]
		if !from || !to {
			continue
		}
		sum, unit := gs1.Amount{}, ""
		for _, l := range in[e.From] {
			if slices.Contains(out[e.To], l.Process) {
				sum, unit = sum.Add(parseAmount(l.Amount)), l.Unit
			}
		}
		s := strand{From: e.From, To: e.To}
		if sum.Sign() > 0 && near.sees(e.From, maker) {
			s.Amount = n.Quantity(sum.String(), unit)
		}
		p.strands = append(p.strands, s)
	}
	slices.SortFunc(p.strands, func(x, y strand) int { return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To)) })
	return nil
}

// collapse joins the lots of one product and day, or of one product where that
// is still too much, so that a drawing stays readable. The seed stays alone,
// and so do blocked lots beside free ones.
func (p *pedigree) collapse(c tongue) {
	for _, form := range []string{"2006-01-02", "2006-01", ""} {
		if len(p.nodes) <= mostDrawn {
			return
		}
		p.group(c, form)
	}
}

func (p *pedigree) group(c tongue, form string) {
	p.grouped = true
	at, of := map[string]int{}, map[string]string{}
	var nodes []card
	for _, k := range p.nodes {
		key := strings.Join([]string{k.row.GTIN, k.At.Format(form), k.row.Maker, k.row.Blocked}, "|")
		if k.Seed || k.row.GTIN == "" {
			key = k.ID
		}
		i, seen := at[key]
		if !seen {
			at[key] = len(nodes)
			nodes = append(nodes, k)
			of[k.ID] = k.ID
			continue
		}
		g := &nodes[i]
		g.Count += k.Count
		g.Number, g.Amount = c.T("%s lots", g.Count), ""
		g.Href = "/traceability/lots?q=" + template.URLQueryEscaper(g.row.GTIN)
		of[k.ID] = g.ID
	}
	seen := map[strand]bool{}
	var strands []strand
	for _, s := range p.strands {
		joined := strand{From: of[s.From], To: of[s.To]}
		if joined.From != joined.To && !seen[joined] {
			seen[joined] = true
			strands = append(strands, joined)
		}
	}
	p.nodes, p.strands = nodes, strands
}

// The drawing, in pixels.
const (
	cardWidth, cardHeight = 208.0, 106.0
	columnGap, rowGap     = 96.0, 22.0
	border                = 14.0
)

func cardX(column int) float64   { return border + float64(column)*(cardWidth+columnGap) }
func cardY(row float64) float64  { return border + row*(cardHeight+rowGap) }
func middle(row float64) float64 { return cardY(row) + cardHeight/2 }
func px(v float64) string        { return strconv.FormatFloat(v, 'f', 1, 64) }
func esc(s string) string        { return template.HTMLEscapeString(s) }

// draw is the trace as SVG: what a lot was made of stands to its left.
func (p *pedigree) draw(c tongue) template.HTML {
	index := map[string]int{}
	for i, k := range p.nodes {
		index[k.ID] = i
	}
	var arrows []arrow
	var amounts []string
	for _, s := range p.strands {
		from, ok := index[s.From]
		to, ok2 := index[s.To]
		if ok && ok2 {
			arrows, amounts = append(arrows, arrow{from, to}), append(amounts, s.Amount)
		}
	}
	spots, routes, columns, rows := arrange(len(p.nodes), arrows)
	width, height := cardX(columns)-columnGap+border, cardY(float64(rows))-rowGap+border
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="trace" xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %s %s" role="group" aria-labelledby="trace-title trace-desc">`,
		px(width), px(height), px(width), px(height))
	fmt.Fprintf(&b, `<title id="trace-title">%s</title><desc id="trace-desc">%s</desc>`, esc(c.T("Trace graph")),
		esc(c.T("What a lot was made of stands to its left, what became of it to its right. %s lots. A table below says the same.", len(p.nodes))))
	b.WriteString(`<defs><marker id="trace-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>`)
	for i, r := range routes {
		drawRoute(&b, r, amounts[i], p.nodes[r.from].Tone)
	}
	for i, k := range p.nodes {
		drawCard(&b, c, k, cardX(spots[i].column), cardY(spots[i].row))
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

// drawRoute is a smooth curve through the spots that an arrow passes: level at
// each of them.
func drawRoute(b *strings.Builder, r route, amount, tone string) {
	first, last := r.via[0], r.via[len(r.via)-1]
	forward := last.column >= first.column
	start, end := cardX(first.column)+cardWidth, cardX(last.column)-2
	if !forward {
		start, end = cardX(first.column), cardX(last.column)+cardWidth+2
	}
	x, y := start, middle(first.row)
	fmt.Fprintf(b, `<g class="strand %s"><path marker-end="url(#trace-tip)" d="M%s %s`, tone, px(x), px(y))
	for i, v := range r.via[1:] {
		enter, leave := cardX(v.column), cardX(v.column)+cardWidth
		if !forward {
			enter, leave = leave, enter
		}
		if i == len(r.via)-2 {
			enter = end
		}
		curve(b, x, y, enter, middle(v.row))
		x, y = enter, middle(v.row)
		if i < len(r.via)-2 {
			fmt.Fprintf(b, ` H%s`, px(leave))
			x = leave
		}
	}
	b.WriteString(`"/>`)
	if amount != "" {
		// In the middle of the first bend, where curves that begin or end at one
		// card are apart.
		next, gap := r.via[min(1, len(r.via)-1)], columnGap/2
		if !forward {
			gap = -gap
		}
		fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="middle">%s</text>`, px(start+gap), px((middle(first.row)+middle(next.row))/2+4), esc(amount))
	}
	b.WriteString(`</g>`)
}

func curve(b *strings.Builder, x, y, toX, toY float64) {
	bend := (toX - x) / 2
	fmt.Fprintf(b, ` C%s %s %s %s %s %s`, px(x+bend), px(y), px(toX-bend), px(toY), px(toX), px(toY))
}

// shapes are the tones' shapes at their size on a card.
var shapes = map[string]string{
	web.Good: `<circle cx="8" cy="8" r="6.2"/><path d="m5.2 8.3 2 2 3.6-4"/>`,
	web.Warn: `<path d="M8 1.8 14.8 14H1.200z"/><path d="M8 6.500v3.500M8 11.800v.2"/>`,
	web.Bad:  `<path d="M5.300 1.600h5.400L14.400 5.300v5.400L10.700 14.400H5.300L1.600 10.700V5.300z"/><path d="m5.800 5.800 4.400 4.400m0-4.400-4.400 4.400"/>`,
}

func drawCard(b *strings.Builder, c tongue, k card, x, y float64) {
	class := "lot-card " + k.Tone
	if k.Seed {
		class += " seed"
	}
	facts := []string{k.Amount}
	if k.Place != "" {
		facts = append(facts, k.Place)
	}
	when := c.T("%s, %s", k.Maker, dayIn(c.Lang(), dayThere(k.At, k.zone)))
	label := strings.Join(nonEmpty([]string{k.Title(), c.T(k.Word), k.Amount, when}), ", ")
	fmt.Fprintf(b, `<a class="%s" href="%s" aria-label="%s"%s>`, class, esc(k.Href), esc(label), map[bool]string{true: ` aria-current="true"`}[k.Seed])
	if k.Count > 1 {
		fmt.Fprintf(b, `<rect class="behind" x="%s" y="%s" width="%s" height="%s" rx="10"/>`, px(x+5), px(y+5), px(cardWidth), px(cardHeight))
	}
	fmt.Fprintf(b, `<rect x="%s" y="%s" width="%s" height="%s" rx="10"/><rect class="edge" x="%s" y="%s" width="4" height="%s" rx="2"/>`,
		px(x), px(y), px(cardWidth), px(cardHeight), px(x), px(y+10), px(cardHeight-20))
	line := func(class string, dy float64, text string, room int) {
		fmt.Fprintf(b, `<text class="%s" x="%s" y="%s">%s</text>`, class, px(x+14), px(y+dy), esc(clip(text, room)))
	}
	line("product", 24, k.Product, 26)
	line("number", 42, k.Number, 24)
	line("", 60, strings.TrimSpace(strings.Join(nonEmpty(facts), " · ")), 32)
	line("", 76, when, 33)
	fmt.Fprintf(b, `<g class="state"><svg x="%s" y="%s" width="13" height="13" viewBox="0 0 16 16">%s</svg><text x="%s" y="%s">%s</text></g></a>`,
		px(x+14), px(y+83), shapes[k.Tone], px(x+31), px(y+93.5), esc(c.T(k.Word)))
}

func nonEmpty(all []string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// clip shortens a text to so many Latin letters' width; a Chinese character is
// as wide as nearly two.
func clip(text string, room int) string {
	width := 0
	for i, r := range text {
		if width++; r > 0x2e80 {
			width++
		}
		if width > room {
			return strings.TrimSpace(text[:i]) + "…"
		}
	}
	return text
}

// table says what the drawing shows, a lot a line.
func (p *pedigree) table() web.Table {
	t := web.Table{Label: "Lots of the trace", Columns: []web.Column{{Label: "Lot"}, {Label: "Step"}, {Label: "Made by"}, {Label: "Made on"},
		{Label: "Made", Number: true}, {Label: "Went in", Number: true}, {Label: "State"}}}
	into := map[string][]string{}
	for _, s := range p.strands {
		if s.Amount != "" {
			into[s.From] = append(into[s.From], s.Amount)
		}
	}
	const most = 500
	for _, k := range p.nodes[:min(most, len(p.nodes))] {
		step := itoa(k.Depth)
		if k.Depth > 0 {
			step = "+" + step
		}
		t.Rows = append(t.Rows, web.TableRow{Href: k.Href, Cells: []any{k.Title(), step, k.Maker, k.At, orNone(k.Amount),
			orNone(strings.Join(into[k.ID], ", ")), web.Chip{Word: k.Word, Tone: k.Tone}}})
	}
	return t
}

// orNone is a cell that says when there is nothing to say.
func orNone(text string) any {
	if text == "" {
		return nil
	}
	return text
}
