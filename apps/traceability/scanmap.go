package traceability

import (
	"fmt"
	"html/template"
	"math"
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
	said := map[string]bool{}
	for _, s := range spots {
		x, y := at(s.Point)
		if s.seen {
			fmt.Fprintf(&b, `<path d="M%.1f %.1fl6 -10h-12z" fill="none" stroke="currentColor" stroke-width="2"/>`, x, y+5)
		} else {
			fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="5" fill="currentColor"/>`, x, y)
		}
		spotKey := fmt.Sprintf("%s %.0f %.0f", s.name, x/40, y/16)
		if !said[spotKey] && len(said) < 40 {
			said[spotKey] = true
			fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" font-size="13" fill="currentColor">%s</text>`, x+9, y+4+map[bool]float64{true: 12, false: -6}[s.seen], template.HTMLEscapeString(s.name))
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}
