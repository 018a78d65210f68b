package traceability

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/web"
)

// floatOf is an amount for a drawing.
func floatOf(a gs1.Amount) float64 {
	f, err := strconv.ParseFloat(a.Decimal(6), 64)
	if err != nil {
		return 0 // Decimal writes digits
	}
	return f
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
	var drawn []strand
	var weights []float64
	focused := ""
	for i, weight := range p.weights() {
		s := p.strands[i]
		from, ok := index[s.From]
		to, ok2 := index[s.To]
		if ok && ok2 {
			arrows, drawn, weights = append(arrows, arrow{from, to}), append(drawn, s), append(weights, weight)
		}
		if s.on {
			focused = " focused"
		}
	}
	spots, routes, columns, rows := arrange(len(p.nodes), arrows)
	width, height := cardX(columns)-columnGap+border, cardY(float64(rows))-rowGap+border
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="trace%s" xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %s %s" role="group" aria-labelledby="trace-title trace-desc">`,
		focused, px(width), px(height), px(width), px(height))
	fmt.Fprintf(&b, `<title id="trace-title">%s</title><desc id="trace-desc">%s</desc>`, esc(c.T("Trace graph")),
		esc(c.T("What a lot was made of stands to its left, what became of it to its right. %s lots. A table below says the same.", len(p.nodes))))
	b.WriteString(`<defs><marker id="trace-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="11" markerHeight="11" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>`)
	for i, r := range routes {
		drawRoute(&b, r, drawn[i], p.nodes[r.from].Tone, weights[i], len(routes) <= mostAmounts)
	}
	for i, k := range p.nodes {
		drawCard(&b, c, k, i, cardX(spots[i].column), cardY(spots[i].row))
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

// mostAmounts is how many arrows can carry their amount in plain sight; of more,
// it is told when one points at them.
const mostAmounts = 60

// drawRoute is a smooth curve through the spots that an arrow passes: level at
// each of them.
func drawRoute(b *strings.Builder, r route, s strand, tone string, weight float64, labels bool) {
	first, last := r.via[0], r.via[len(r.via)-1]
	forward := last.column >= first.column
	start, end := cardX(first.column)+cardWidth, cardX(last.column)-2
	if !forward {
		start, end = cardX(first.column), cardX(last.column)+cardWidth+2
	}
	x, y := start, middle(first.row)
	class, ends := "strand "+tone, ` marker-end="url(#trace-tip)"`
	if s.kind != "" {
		class, ends = "strand tie "+s.kind, ""
	}
	if s.on {
		class += " on"
	}
	width := 1.6
	if weight > 0 { // thrice as wide is nine times as much, for all to be seen
		width = 1.2 + 4.8*math.Sqrt(weight)
	}
	ends += ` stroke-width="` + px(width) + `"`
	fmt.Fprintf(b, `<g class="%s" data-e="%d %d"><path%s d="M%s %s`, class, r.from, r.to, ends, px(x), px(y))
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
	if s.Amount != "" && !labels {
		fmt.Fprintf(b, `<title>%s</title>`, esc(s.Amount))
	} else if s.Amount != "" {
		// In the middle of the first bend, where curves that begin or end at one
		// card are apart.
		next, gap := r.via[min(1, len(r.via)-1)], columnGap/2
		if !forward {
			gap = -gap
		}
		fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="middle">%s</text>`, px(start+gap), px((middle(first.row)+middle(next.row))/2+4), esc(s.Amount))
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

func drawCard(b *strings.Builder, c tongue, k card, n int, x, y float64) {
	class := strings.Join(nonEmpty([]string{"lot-card", k.Tone, map[bool]string{true: "seed"}[k.Seed], map[bool]string{true: "on"}[k.on], k.thing}), " ")
	when := k.when(c)
	href, does := k.Href, ""
	if k.Open != "" {
		href, does = k.Open, c.T("Show them one by one")
	}
	label := strings.Join(nonEmpty([]string{k.Title(), c.T(k.Word), k.Amount, when, does}), ", ")
	fmt.Fprintf(b, `<a class="%s" href="%s" data-n="%d" aria-label="%s"%s>`, class, esc(href), n, esc(label), map[bool]string{true: ` aria-current="true"`}[k.Seed])
	if k.Count > 1 {
		fmt.Fprintf(b, `<rect class="behind" x="%s" y="%s" width="%s" height="%s" rx="10"/>`, px(x+5), px(y+5), px(cardWidth), px(cardHeight))
	}
	fmt.Fprintf(b, `<rect x="%s" y="%s" width="%s" height="%s" rx="10"/><rect class="edge" x="%s" y="%s" width="4" height="%s" rx="2"/>`,
		px(x), px(y), px(cardWidth), px(cardHeight), px(x), px(y+10), px(cardHeight-20))
	line := func(class string, dy float64, text string, room int) {
		if text != "" {
			fmt.Fprintf(b, `<text class="%s" x="%s" y="%s">%s</text>`, class, px(x+14), px(y+dy), esc(clip(text, room)))
		}
	}
	line("product", 24, k.Product, 22)
	if k.thing != "" {
		line("", 42, k.Number, 30)
	} else {
		line("number", 42, k.Number, 24)
	}
	line("", 60, strings.Join(nonEmpty([]string{k.Amount, k.Place}), " · "), 32)
	line("", 76, when, 33)
	if k.Word != "" {
		fmt.Fprintf(b, `<g class="state"><svg x="%s" y="%s" width="13" height="13" viewBox="0 0 16 16">%s</svg><text x="%s" y="%s">%s</text></g>`,
			px(x+14), px(y+83), shapes[k.Tone], px(x+31), px(y+93.5), esc(c.T(k.Word)))
	}
	if k.Open != "" {
		fmt.Fprintf(b, `<path class="plus" d="M%s %sh12m-6-6v12"/>`, px(x+cardWidth-26), px(y+20))
	}
	b.WriteString(`</a>`)
	if k.Way != "" {
		fmt.Fprintf(b, `<a class="lot-way" href="%s" aria-label="%s"><rect x="%s" y="%s" width="28" height="20" rx="6"/><path d="M%s %sh4l4 8h4"/></a>`,
			esc(k.Way), esc(c.T("Show the way between it and %s", k.Title())), px(x+cardWidth-34), px(y+cardHeight-25), px(x+cardWidth-26), px(y+cardHeight-19))
	}
}

// when is who made the lots of a card, and on which day or days.
func (k card) when(c tongue) string {
	if k.thing != "" {
		return dayIn(c.Lang(), dayThere(k.At, k.zone))
	}
	first, last := dayIn(c.Lang(), dayThere(k.At, k.zone)), dayIn(c.Lang(), dayThere(k.until, k.zone))
	if !k.until.IsZero() && first != last {
		return c.T("%s, %s to %s", k.Maker, first, last)
	}
	return c.T("%s, %s", k.Maker, first)
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

// orNone is a cell that says when there is nothing to say.
func orNone(text string) any {
	if text == "" {
		return nil
	}
	return text
}
