package traceability

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/tallyway/tallyway/apps/traceability/scans"
	"github.com/tallyway/tallyway/shared/web"
)

// mapSpot is a point on a drawing: of the way, or where somebody scanned.
type mapSpot struct {
	scans.Point
	name string
	seen bool
}

const mapWide, mapHigh = 640.0, 320.0

// drawMap sets points to where they lie to each other. It shows no coast and asks
// nobody for a map; the table below it says the same in words.
func drawMap(c *web.Ctx, spots []mapSpot) template.HTML {
	west, east, south, north := 180.0, -180.0, 90.0, -90.0
	for _, s := range spots {
		west, east, south, north = min(west, s.Lon), max(east, s.Lon), min(south, s.Lat), max(north, s.Lat)
	}
	narrow := max(math.Cos((south+north)/2*math.Pi/180), 0.1)
	scale := min((mapWide-160)/max((east-west)*narrow, 0.5), (mapHigh-60)/max(north-south, 0.5))
	at := func(p scans.Point) (x, y float64) {
		return mapWide/2 + (p.Lon-(west+east)/2)*narrow*scale, mapHigh/2 - (p.Lat-(south+north)/2)*scale
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="scan-map" viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">`, mapWide, mapHigh, template.HTMLEscapeString(c.T("Where it was scanned, beside the places of its way")))
	for i := 1; i < 8; i++ { // a net to read distances by
		fmt.Fprintf(&b, `<path d="M%.0f 0V%.0fM0 %.0fH%.0f" stroke="currentColor" stroke-opacity=".12"/>`, mapWide*float64(i)/8, mapHigh, mapHigh*float64(i)/8, mapWide)
	}
	var labels []mapLabel
	for _, s := range spots {
		x, y := at(s.Point)
		if s.seen {
			fmt.Fprintf(&b, `<path d="M%.1f %.1fl7 -12h-14z" fill="none" stroke="currentColor" stroke-width="2"/>`, x, y+6)
		} else {
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="5" fill="currentColor"/>`, x, y)
		}
		labels = label(labels, x, y, s.name)
	}
	for _, l := range labels {
		anchor, x := "start", l.x+11
		if l.x > mapWide*0.6 {
			anchor, x = "end", l.x-11
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" font-size="13" fill="currentColor" text-anchor="%s">%s</text>`, x, l.y+4, anchor, template.HTMLEscapeString(strings.Join(l.names, " · ")))
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// mapLabel names what lies too close together to be named apart.
type mapLabel struct {
	x, y  float64
	names []string
}

const mostNames = 4

func label(all []mapLabel, x, y float64, name string) []mapLabel {
	for i, l := range all {
		if math.Abs(l.x-x) < 120 && math.Abs(l.y-y) < 16 {
			if !slices.Contains(l.names, name) && len(l.names) < mostNames {
				all[i].names = append(l.names, name)
			}
			return all
		}
	}
	return append(all, mapLabel{x, y, []string{name}})
}
