package export

import (
	"math"
	"strconv"
	"time"
)

// Chart is what was measured over time, drawn in a report: the limits as a band,
// extremes as an area, gaps hatched. It can be read without colour.
type Chart struct {
	Title    string
	Unit     string
	From, To time.Time
	Points   []ChartPoint
	Pause    time.Duration // a longer one between two points is a gap
	Low      *float64      // limits
	High     *float64
	Note     string // below it: what hatching means
}

// ChartPoint is a step of time.
type ChartPoint struct {
	At        time.Time
	Low, High float64
	Mean      float64
}

// The size of a chart, in millimetres.
const (
	chartTall = 70.0
	chartLeft = 12.0
)

// chart draws a chart below what is there already.
func (p *tablePage) chart(c Chart, zone *time.Location) {
	if zone == nil {
		zone = time.UTC
	}
	p.room(chartTall + 20)
	p.SetTextColor(22, 36, 44)
	p.say(margin, p.y+4, 12, true, c.Title)
	p.y += 8
	low, span := c.scale()
	left, wide, top := margin+chartLeft, p.right-margin-chartLeft, p.y
	x := func(at time.Time) float64 {
		share := at.Sub(c.From).Seconds() / math.Max(c.To.Sub(c.From).Seconds(), 1)
		return left + wide*math.Max(0, math.Min(1, share))
	}
	y := func(v float64) float64 { return top + chartTall*(1-(v-low)/span) }
	p.band(c, left, wide, y, low, span)
	p.grid(c, zone, left, wide, top, x, y, low, span)
	p.line(c, x, y, top)
	p.y = top + chartTall + 7
	if c.Note != "" {
		p.SetTextColor(96, 110, 118)
		p.say(margin, p.y+2, 8.5, false, p.fit(p.right-margin, 8.5, false, c.Note))
		p.y += 5
	}
	p.SetDashPattern(nil, 0)
	p.SetLineWidth(0.2)
}

func (c Chart) scale() (low, span float64) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range c.Points {
		low, high = math.Min(low, p.Low), math.Max(high, p.High)
	}
	for _, limit := range []*float64{c.Low, c.High} {
		if limit != nil {
			low, high = math.Min(low, *limit), math.Max(high, *limit)
		}
	}
	if math.IsInf(low, 0) {
		return 0, 1
	}
	span = math.Max(high-low, 1)
	return low - span*0.06, span * 1.12
}

func (p *tablePage) band(c Chart, left, wide float64, y func(float64) float64, low, span float64) {
	from, to := low, low+span
	if c.Low != nil {
		from = *c.Low
	}
	if c.High != nil {
		to = *c.High
	}
	if c.Low == nil && c.High == nil {
		return
	}
	p.SetFillColor(230, 243, 235)
	p.Rect(left, y(to), wide, y(from)-y(to), "F")
	p.SetDrawColor(60, 120, 80)
	p.SetDashPattern([]float64{1.6, 1.2}, 0)
	for _, limit := range []*float64{c.Low, c.High} {
		if limit != nil {
			p.Line(left, y(*limit), left+wide, y(*limit))
		}
	}
	p.SetDashPattern(nil, 0)
}

func (p *tablePage) grid(c Chart, zone *time.Location, left, wide, top float64, x func(time.Time) float64, y func(float64) float64, low, span float64) {
	p.SetDrawColor(214, 221, 225)
	p.SetLineWidth(0.15)
	p.SetTextColor(96, 110, 118)
	step := roundStep(span / 6)
	places := max(0, int(-math.Floor(math.Log10(step))))
	for v := math.Ceil(low/step) * step; v <= low+span; v += step {
		p.Line(left, y(v), left+wide, y(v))
		text := strconv.FormatFloat(math.Round(v/step)*step, 'f', places, 64)
		p.say(left-2-p.width(8, false, text), y(v)+1, 8, false, text)
	}
	p.say(margin, top-1, 8, false, c.Unit)
	every, layout := timeSteps(c.To.Sub(c.From))
	at := c.From.In(zone)
	mark := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, zone)
	for mark.Before(c.From) {
		mark = mark.Add(every)
	}
	for ; !mark.After(c.To); mark = mark.Add(every) {
		p.Line(x(mark), top, x(mark), top+chartTall)
		text := mark.Format(layout)
		p.say(x(mark)-p.width(8, false, text)/2, top+chartTall+4, 8, false, text)
	}
}

func roundStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 5} {
		if n*power >= v {
			return n * power
		}
	}
	return 10 * power
}

// timeSteps are how far marks lie apart, and how they read.
func timeSteps(length time.Duration) (time.Duration, string) {
	for _, d := range []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour} {
		if length/d <= 10 {
			return d, "15:04"
		}
	}
	days := 24 * time.Hour
	for length/days > 10 {
		days *= 2
	}
	return days, "01-02"
}

// line draws what was measured, and hatches what was not.
func (p *tablePage) line(c Chart, x func(time.Time) float64, y func(float64) float64, top float64) {
	hatch := func(from, to time.Time) {
		p.SetDrawColor(120, 132, 140)
		p.SetLineWidth(0.15)
		p.ClipRect(x(from), top, math.Max(0.3, x(to)-x(from)), chartTall, true)
		for at := x(from) - chartTall; at < x(to); at += 2 {
			p.Line(at, top+chartTall, at+chartTall, top)
		}
		p.ClipEnd()
	}
	last := c.From
	for i, point := range c.Points {
		gap := c.Pause > 0 && point.At.Sub(last) > c.Pause
		if gap {
			hatch(last, point.At)
		}
		if i > 0 && !gap {
			before := c.Points[i-1]
			p.SetDrawColor(150, 190, 185)
			p.SetLineWidth(0.9)
			if point.High-point.Low > 0.05 {
				p.Line(x(point.At), y(point.Low), x(point.At), y(point.High))
			}
			p.SetDrawColor(11, 95, 88)
			p.SetLineWidth(0.45)
			p.Line(x(before.At), y(before.Mean), x(point.At), y(point.Mean))
		}
		last = point.At
	}
	if c.Pause > 0 && c.To.Sub(last) > c.Pause {
		hatch(last, c.To)
	}
}
