package curve

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"
)

func ptr(v float64) *float64 { return &v }

func TestDrawing(t *testing.T) {
	at := func(m int) time.Time { return time.Date(2026, 11, 28, 8, m, 0, 0, time.UTC) }
	c := Curve{From: at(0), To: at(120), Pause: 5 * time.Minute, Low: ptr(2), High: ptr(6), Unit: "°C", Label: `Temperature <"1">`, Zone: time.FixedZone("", 8*3600)}
	for m := range 110 {
		if m < 40 || m > 60 {
			c.Points = append(c.Points, Point{At: at(m), Low: 3, High: 4 + float64(m%5), Mean: 4})
		}
	}
	c.Excursions = []Span{{From: at(70), To: at(80), Label: "above"}}
	if gaps := c.Gaps(); len(gaps) != 2 || !gaps[0].From.Equal(at(39)) || !gaps[0].To.Equal(at(61)) || !gaps[1].To.Equal(at(120)) {
		t.Errorf("%v", gaps)
	}
	svg := string(c.SVG())
	if err := xml.Unmarshal([]byte(svg), new(struct{})); err != nil {
		t.Errorf("%v: %s", err, svg)
	}
	for text, want := range map[string]int{`class="gap"`: 2, `class="line"`: 2, `class="band"`: 1, `class="limit"`: 2, `class="out"`: 1, ">17:00<": 1, "&lt;&#34;1&#34;&gt;": 1} {
		if n := strings.Count(svg, text); n != want {
			t.Errorf("%d times %s, want %d: %s", n, text, want, svg)
		}
	}
	for _, c := range []Curve{{From: at(0), To: at(0)}, {From: at(0), To: at(1), Points: []Point{{At: at(0), Mean: 5}}}, {From: at(0), To: at(0).AddDate(3, 0, 0), Step: true, Points: []Point{{At: at(0)}, {At: at(9), Mean: 1, High: 1}}}} {
		if svg := string(c.SVG()); strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") || strings.Count(svg, "<text") > 40 {
			t.Error(svg)
		}
	}
}
