package traceability

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// coldCurve is how cold something was kept, ready to be drawn and to be said.
type coldCurve struct {
	From      time.Time    `json:"from"`
	To        time.Time    `json:"to"`
	Coldest   float64      `json:"coldest"`
	Warmest   float64      `json:"warmest"`
	Low       *float64     `json:"low,omitempty"` // the limits, where its storage names them
	High      *float64     `json:"high,omitempty"`
	Beyond    int          `json:"beyond,omitempty"` // readings outside of the limits
	Gaps      int          `json:"gaps,omitempty"`
	Stretches [][]coldSpot `json:"stretches"` // without a gap in them
}

type coldSpot struct {
	At   time.Time `json:"at"`
	Low  float64   `json:"low"`
	High float64   `json:"high"`
}

// longestPause between two readings is no gap: loggers that report every few
// hours are common. Where most pauses are short, a gap is four of them.
const longestPause = 6 * time.Hour

func newCurve(all []reading, storage string) *coldCurve {
	c := &coldCurve{From: all[0].At, To: all[len(all)-1].At}
	c.Low, c.High = limits(storage)
	pause := usualPause(all)
	for i, r := range all {
		s := coldSpot{r.At, r.Low, r.High}
		if i == 0 || s.Low < c.Coldest {
			c.Coldest = s.Low
		}
		if i == 0 || s.High > c.Warmest {
			c.Warmest = s.High
		}
		if c.Low != nil && (s.Low < *c.Low || s.High > *c.High) {
			c.Beyond++
		}
		if i == 0 || r.At.Sub(all[i-1].At) > pause {
			c.Stretches = append(c.Stretches, nil)
		}
		last := len(c.Stretches) - 1
		c.Stretches[last] = append(c.Stretches[last], s)
	}
	c.Gaps = len(c.Stretches) - 1
	return c
}

func usualPause(all []reading) time.Duration {
	var pauses []time.Duration
	for i := 1; i < len(all); i++ {
		pauses = append(pauses, all[i].At.Sub(all[i-1].At))
	}
	if len(pauses) == 0 {
		return longestPause
	}
	slices.Sort(pauses)
	return max(min(4*pauses[len(pauses)/2], longestPause), time.Minute)
}

// limits are those of a text like "2 to 6 °C".
func limits(storage string) (low, high *float64) {
	from, to, ok := rangeOf(storage)
	if !ok {
		return nil, nil
	}
	return &from, &to
}

// The drawing's size; text stands beside it in the page.
const curveWide, curveHigh = 320.0, 120.0

// cold draws the curve: the limits as a band, each stretch as a line between its
// lowest and highest, and nothing where nothing is known.
func (w *pageWriter) cold(v *shopperView) {
	c := v.Cold
	if c == nil {
		return
	}
	low, high := c.Coldest, c.Warmest
	if c.Low != nil {
		low, high = min(low, *c.Low), max(high, *c.High)
	}
	span, length := max(high-low, 1)*1.15, max(c.To.Sub(c.From).Seconds(), 1)
	x := func(at time.Time) float64 { return 4 + (curveWide-8)*at.Sub(c.From).Seconds()/length }
	y := func(t float64) float64 { return 4 + (curveHigh-8)*(1-(t-low+span*0.07)/span) }
	w.raw(`<section class="card">`).heading("How cold it was kept").raw(`<p class="cold">`).coldSummary(c).raw("</p>\n").
		raw(fmt.Sprintf(`<svg class="curve" viewBox="0 0 %.0f %.0f" role="img" aria-label="`, curveWide, curveHigh)).
		say("Temperature from %s to %s °C over time", degree(c.Coldest), degree(c.Warmest)).raw(`">`)
	if c.Low != nil {
		w.raw(fmt.Sprintf(`<rect class="band" x="0" y="%.1f" width="%.0f" height="%.1f"/>`, y(*c.High), curveWide, y(*c.Low)-y(*c.High)))
	}
	for i, s := range c.Stretches {
		if i > 0 {
			last := c.Stretches[i-1]
			from := x(last[len(last)-1].At)
			w.raw(fmt.Sprintf(`<rect class="gap" x="%.1f" y="0" width="%.1f" height="%.0f"/>`, from, x(s[0].At)-from, curveHigh))
		}
		w.raw(`<path class="line" d="`).raw(stretch(s, x, y)).raw(`"/>`)
	}
	w.raw("</svg>\n" + `<p class="ends"><span>`).text(dayIn(w.lang, c.From.UTC().Format(time.DateOnly))).raw("</span><span>").
		text(dayIn(w.lang, c.To.UTC().Format(time.DateOnly))).raw("</span></p>")
	if c.Gaps > 0 {
		w.raw(`<p class="note">`).say("Grey: no readings are known of that time.").raw("</p>")
	}
	w.raw("</section>\n")
}

// stretch is the line there along the highest readings and back along the lowest.
func stretch(s []coldSpot, x func(time.Time) float64, y func(float64) float64) string {
	var b strings.Builder
	for i, p := range s {
		fmt.Fprintf(&b, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[i == 0], x(p.At), y(p.High))
	}
	for _, p := range slices.Backward(s) {
		fmt.Fprintf(&b, "L%.1f %.1f", x(p.At), y(p.Low))
	}
	return b.String() + "Z"
}

// coldSummary says what the curve shows, for who does not see it.
func (w *pageWriter) coldSummary(c *coldCurve) *pageWriter {
	w.raw("<b>").say("%s to %s °C", degree(c.Coldest), degree(c.Warmest)).raw("</b> ")
	switch {
	case c.Low == nil:
	case c.Beyond == 0:
		w.say("All readings lie within %s to %s °C.", degree(*c.Low), degree(*c.High))
	default:
		w.say("%s readings lie outside of %s to %s °C.", c.Beyond, degree(*c.Low), degree(*c.High))
	}
	if c.Gaps > 0 {
		w.raw(" ").say("%s gaps.", c.Gaps)
	}
	return w
}

func degree(t float64) string { return strconv.FormatFloat(t, 'f', -1, 64) }

// certificates lists the public documents of a pack, and what events say of
// certification. An address in an event is shown as text: nobody here has looked
// at what stands there.
func (w *pageWriter) certificates(v *shopperView) {
	if len(v.Certificates)+len(v.Documents) == 0 {
		return
	}
	w.raw(`<section class="card">`).heading("Certificates").raw(`<ul class="certs">`)
	for _, d := range v.Documents {
		w.document(d)
	}
	for _, text := range v.Certificates {
		w.raw("<li>").text(text).raw("</li>")
	}
	w.raw(`</ul><p class="note">`).say("As the companies on its way entered them. We have not checked what they point to.").raw("</p></section>\n")
}
