// Package curve draws what a sensor measured over time as an SVG that stands in
// a page: the limits as a band, extremes as an area, gaps hatched, excursions
// marked. It takes its colours from the page, in light and dark.
package curve

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"
)

// Point is what was measured in a step of time.
type Point struct {
	At, Last  time.Time
	Low, High float64
	Mean      float64
}

// Span is a time between two moments.
type Span struct {
	From, To time.Time
	Label    string
}

// Curve is what is drawn.
type Curve struct {
	From, To   time.Time
	Points     []Point
	Pause      time.Duration // a longer one between two points is a gap
	Low, High  *float64      // limits
	Excursions []Span
	Unit       string
	Zone       *time.Location
	Label      string // what the picture shows, in words
	Step       bool   // a state: it lasts until the next
}

// The drawing's size and margins, in its own units.
const (
	wide, high               = 760.0, 240.0
	left, right, top, bottom = 46.0, 10.0, 10.0, 24.0
	mostTicksX, mostTicksY   = 7, 6
)

// SVG draws the curve.
func (c Curve) SVG() template.HTML {
	var b strings.Builder
	low, span := c.scale()
	x := func(at time.Time) float64 {
		return left + (wide-left-right)*math.Max(0, math.Min(1, at.Sub(c.From).Seconds()/math.Max(c.To.Sub(c.From).Seconds(), 1)))
	}
	y := func(v float64) float64 { return top + (high-top-bottom)*(1-(v-low)/span) }
	fmt.Fprintf(&b, `<svg class="sensor-curve" viewBox="0 0 %g %g" role="img" aria-label="%s"><defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="6" class="hatch"/></pattern></defs>`,
		wide, high, template.HTMLEscapeString(c.Label))
	c.band(&b, y, low, span)
	for _, e := range c.Excursions {
		fmt.Fprintf(&b, `<rect class="out" x="%.1f" y="%g" width="%.1f" height="%g"><title>%s</title></rect>`, x(e.From), top, math.Max(2, x(e.To)-x(e.From)), high-top-bottom, template.HTMLEscapeString(e.Label))
	}
	c.axes(&b, x, y, low, span)
	for _, g := range c.Gaps() {
		fmt.Fprintf(&b, `<rect class="gap" x="%.1f" y="%g" width="%.1f" height="%g"/>`, x(g.From), top, math.Max(1, x(g.To)-x(g.From)), high-top-bottom)
	}
	for _, s := range c.stretches() {
		c.line(&b, s, x, y)
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // numbers, and texts that are escaped above
}

// scale is the lowest value and the height of what is shown.
func (c Curve) scale() (low, span float64) {
	low, top := math.Inf(1), math.Inf(-1)
	for _, p := range c.Points {
		low, top = math.Min(low, p.Low), math.Max(top, p.High)
	}
	for _, limit := range []*float64{c.Low, c.High} {
		if limit != nil {
			low, top = math.Min(low, *limit), math.Max(top, *limit)
		}
	}
	if math.IsInf(low, 0) {
		low, top = 0, 1
	}
	span = math.Max(top-low, 1)
	return low - span*0.06, span * 1.12
}

func (c Curve) band(b *strings.Builder, y func(float64) float64, low, span float64) {
	if c.Low == nil && c.High == nil {
		return
	}
	from, to := low, low+span
	if c.Low != nil {
		from = *c.Low
	}
	if c.High != nil {
		to = *c.High
	}
	fmt.Fprintf(b, `<rect class="band" x="%g" y="%.1f" width="%g" height="%.1f"/>`, left, y(to), wide-left-right, y(from)-y(to))
	for _, limit := range []*float64{c.Low, c.High} {
		if limit != nil {
			fmt.Fprintf(b, `<line class="limit" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/>`, left, wide-right, y(*limit), y(*limit))
		}
	}
}

func (c Curve) axes(b *strings.Builder, x func(time.Time) float64, y func(float64) float64, low, span float64) {
	step := nice(span / mostTicksY)
	for v := math.Ceil(low/step) * step; v <= low+span; v += step {
		fmt.Fprintf(b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/><text class="tick" x="%g" y="%.1f" text-anchor="end">%s</text>`,
			left, wide-right, y(v), y(v), left-6, y(v)+4, strconv.FormatFloat(math.Round(v/step)*step, 'f', decimals(step), 64))
	}
	if c.Unit != "" {
		fmt.Fprintf(b, `<text class="tick" x="4" y="%g">%s</text>`, top+8, template.HTMLEscapeString(c.Unit))
	}
	every, layout := c.ticks()
	for at := c.first(every); !at.After(c.To); at = at.Add(every) {
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/><text class="tick" x="%.1f" y="%g" text-anchor="middle">%s</text>`,
			x(at), x(at), top, high-bottom, x(at), high-8, at.Format(layout))
	}
}

// nice is the least of 1, 2 or 5 times a power of ten that is no smaller.
func nice(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 5} {
		if n*power >= v {
			return n * power
		}
	}
	return 10 * power
}

func decimals(step float64) int { return max(0, int(-math.Floor(math.Log10(step)))) }

// ticks are how far the marks of time lie apart, and how they read.
func (c Curve) ticks() (time.Duration, string) {
	length := c.To.Sub(c.From)
	for _, d := range []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour} {
		if length/d <= mostTicksX {
			return d, "15:04"
		}
	}
	days := 24 * time.Hour
	for length/days > mostTicksX {
		days *= 2
	}
	return days, "01-02"
}

func (c Curve) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// first is the first mark, on a round moment of the zone.
func (c Curve) first(every time.Duration) time.Time {
	at := c.From.In(c.zone())
	midnight := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, c.zone())
	for midnight.Before(c.From) {
		midnight = midnight.Add(every)
	}
	return midnight
}

// Gaps are the pauses between points, at the end too.
func (c Curve) Gaps() (all []Span) {
	if c.Pause <= 0 {
		return nil
	}
	last := c.From
	for _, p := range c.Points {
		if p.At.Sub(last) > c.Pause {
			all = append(all, Span{From: last, To: p.At})
		}
		last = p.At
		if p.Last.After(last) {
			last = p.Last
		}
	}
	if c.To.Sub(last) > c.Pause {
		all = append(all, Span{From: last, To: c.To})
	}
	return all
}

// stretches are the points between gaps.
func (c Curve) stretches() (all [][]Point) {
	for i, p := range c.Points {
		if i == 0 || c.Pause > 0 && p.At.Sub(c.Points[i-1].end()) > c.Pause {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], p)
	}
	return all
}

func (p Point) end() time.Time {
	if p.Last.After(p.At) {
		return p.Last
	}
	return p.At
}

func (c Curve) line(b *strings.Builder, s []Point, x func(time.Time) float64, y func(float64) float64) {
	if len(s) == 1 {
		fmt.Fprintf(b, `<circle class="dot" cx="%.1f" cy="%.1f" r="2.5"/>`, x(s[0].At), y(s[0].Mean))
	}
	var line, area, back strings.Builder
	for i, p := range s {
		move := "L"
		if i == 0 {
			move = "M"
		}
		if c.Step && i > 0 {
			fmt.Fprintf(&line, "L%.1f %.1f", x(p.At), y(s[i-1].Mean))
		}
		fmt.Fprintf(&line, "%s%.1f %.1f", move, x(p.At), y(p.Mean))
		fmt.Fprintf(&area, "%s%.1f %.1f", move, x(p.At), y(p.High))
	}
	for i := len(s) - 1; i >= 0; i-- {
		fmt.Fprintf(&back, "L%.1f %.1f", x(s[i].At), y(s[i].Low))
	}
	fmt.Fprintf(b, `<path class="area" d="%s%sZ"/><path class="line" d="%s"/>`, area.String(), back.String(), line.String())
}
