package export

import (
	"fmt"
	"html"
	"strings"
)

// ink is what labels are drawn with: a PDF's page, or a picture of one label. All
// measures are millimetres from the upper left corner, sizes of type are points.
type ink interface {
	black()
	text(x, y, size float64, bold bool, text string)
	rule(x1, y1, x2, y2, width float64)
	square(c drawnCode, module, x, y float64)       // a code of so large modules
	stripes(widths []bool, module, x, y, h float64) // a bar code of so wide modules
}

// pdfInk draws on the page of a PDF.
type pdfInk struct{ *pen }

func (p pdfInk) black() { p.SetTextColor(0, 0, 0) } // thermal printers know no grey

func (p pdfInk) text(x, y, size float64, bold bool, text string) { p.say(x, y, size, bold, text) }

func (p pdfInk) rule(x1, y1, x2, y2, width float64) {
	p.SetDrawColor(0, 0, 0)
	p.SetLineWidth(width)
	p.Line(x1, y1, x2, y2)
}

func (p pdfInk) square(c drawnCode, module, x, y float64) {
	_, height := p.GetPageSize()
	p.RawWriteStr(fmt.Sprintf("q 0 g %.4f 0 0 %.4f %.3f %.3f cm %s Q", module*pointsPerMM, module*pointsPerMM,
		x*pointsPerMM, (height-y-float64(c.size)*module)*pointsPerMM, c.path))
}

func (p pdfInk) stripes(bars []bool, module, x, y, h float64) {
	_, height := p.GetPageSize()
	var b strings.Builder
	fmt.Fprintf(&b, "q 0 g %.4f 0 0 %.4f %.3f %.3f cm ", module*pointsPerMM, h*pointsPerMM, x*pointsPerMM, (height-y-h)*pointsPerMM)
	for _, r := range darkRuns(bars) {
		fmt.Fprintf(&b, "%d 0 %d 1 re ", r.x, r.length)
	}
	p.RawWriteStr(b.String() + "f Q")
}

// svgInk draws a picture.
type svgInk struct {
	pen  *pen // measures, so that a browser's own fonts take the same room
	body strings.Builder
}

func (p *svgInk) black() {}

func (p *svgInk) text(x, y, size float64, bold bool, text string) {
	weight := ""
	if bold {
		weight = ` font-weight="700"`
	}
	fmt.Fprintf(&p.body, `<text x="%.2f" y="%.2f" font-size="%.2f"%s textLength="%.2f" lengthAdjust="spacingAndGlyphs">%s</text>`,
		x, y, size/pointsPerMM, weight, p.pen.width(size, bold, text), html.EscapeString(text))
}

func (p *svgInk) rule(x1, y1, x2, y2, width float64) {
	fmt.Fprintf(&p.body, `<path d="M%.2f %.2fL%.2f %.2f" stroke="#000" stroke-width="%.2f"/>`, x1, y1, x2, y2, width)
}

func (p *svgInk) square(c drawnCode, module, x, y float64) {
	fmt.Fprintf(&p.body, `<path transform="translate(%.3f %.3f) scale(%.4f)" d="`, x, y, module)
	for _, b := range c.bars {
		fmt.Fprintf(&p.body, "M%d %dh%dv1h-%dz", b.x, b.y, b.length, b.length)
	}
	p.body.WriteString(`"/>`)
}

func (p *svgInk) stripes(bars []bool, module, x, y, h float64) {
	fmt.Fprintf(&p.body, `<path transform="translate(%.3f %.3f) scale(%.4f %.3f)" d="`, x, y, module, h)
	for _, b := range darkRuns(bars) {
		fmt.Fprintf(&p.body, "M%d 0h%dv1h-%dz", b.x, b.length, b.length)
	}
	p.body.WriteString(`"/>`)
}

func (p *svgInk) whole(width, height float64) []byte {
	return []byte(fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.2f %.2f" width="%.0fmm" font-family="DejaVu Sans Condensed,Arial Narrow,PingFang SC,Microsoft YaHei,sans-serif"><rect width="%.2f" height="%.2f" fill="#fff"/>%s</svg>`,
		width, height, width, width, height, p.body.String()))
}

// darkRuns are the stretches of dark modules.
func darkRuns(bars []bool) (runs []bar) {
	for x := 0; x < len(bars); x++ {
		from := x
		for x < len(bars) && bars[x] {
			x++
		}
		if x > from {
			runs = append(runs, bar{x: from, length: x - from})
		}
	}
	return runs
}
