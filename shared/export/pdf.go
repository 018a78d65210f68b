package export

import (
	"fmt"
	"io"
	"time"

	"github.com/jung-kurt/gofpdf"
)

// The page, in millimetres and points.
const (
	margin     = 14.0
	cellSize   = 8.0
	lineHeight = 3.8
	padding    = 2.0
	mostLines  = 4    // of one cell
	perDigit   = 1.75 // of a column's width
)

// PDF writes the table on A4 pages: upright if the columns fit, else across. The
// header is repeated, long cells are wrapped. All pages are held in memory until
// the end, as the format wants.
func PDF(w io.Writer, t Table) error {
	pdf := newPDF("P", t.Title, t.At)
	page := &tablePage{pen: newPen(pdf), table: t}
	page.layOut()
	pdf.SetFooterFunc(page.footer)
	pdf.AddPageFormat(page.orientation, gofpdf.SizeType{Wd: 210, Ht: 297})
	page.title()
	page.header()
	if err := t.each(page.row); err != nil {
		return err
	}
	if err := pdf.Output(w); err != nil {
		return fmt.Errorf("export %q: write the PDF: %w", t.Title, err)
	}
	return nil
}

// newPDF is an empty A4 document whose bytes depend on nothing but its content.
func newPDF(orientation, title string, at time.Time) *gofpdf.Fpdf {
	pdf := gofpdf.New(orientation, "mm", "A4", "")
	pdf.SetCatalogSort(true)
	if at.IsZero() {
		at = time.Unix(0, 0) // gofpdf takes the zero time for now
	}
	pdf.SetCreationDate(at.UTC())
	pdf.SetModificationDate(at.UTC())
	pdf.SetTitle(clean(title), true)
	pdf.SetCreator("Tallyway", true)
	pdf.SetMargins(margin, margin, margin)
	pdf.SetAutoPageBreak(false, 0)
	pdf.AliasNbPages("{pages}")
	return pdf
}

// tablePage is where the table is being set.
type tablePage struct {
	*pen
	table       Table
	orientation string
	widths      []float64
	right, end  float64 // of what may be set on
	y           float64
}

// layOut shares the page's width among the columns.
func (p *tablePage) layOut() {
	total := 0.0
	for _, c := range p.table.Columns {
		total += c.width() * perDigit
	}
	width, height := 210.0, 297.0
	p.orientation = "P"
	if total > width-2*margin {
		width, height, p.orientation = height, width, "L"
	}
	p.right, p.end = width-margin, height-margin-4
	for _, c := range p.table.Columns {
		p.widths = append(p.widths, c.width()*perDigit*(width-2*margin)/total)
	}
}

func (p *tablePage) title() {
	p.y = margin + 4
	p.SetTextColor(22, 36, 44)
	for _, line := range p.wrap(p.right-margin, 15, true, p.table.Title, 2) {
		p.say(margin, p.y, 15, true, line)
		p.y += 6.5
	}
	p.SetTextColor(96, 110, 118)
	for _, line := range p.wrap(p.right-margin, 8.5, false, p.table.Note, 3) {
		p.say(margin, p.y, 8.5, false, line)
		p.y += 4.2
	}
	p.y += 2
}

// header sets the names of the columns and leaves the page ready for rows.
func (p *tablePage) header() {
	height, lines := 0, make([][]string, len(p.table.Columns))
	for i, c := range p.table.Columns {
		lines[i] = p.wrap(p.widths[i]-2*padding, cellSize, true, c.Header, 2)
		height = max(height, len(lines[i]))
	}
	tall := float64(height)*lineHeight + 2*padding
	p.SetFillColor(232, 238, 241)
	p.Rect(margin, p.y, p.right-margin, tall, "F")
	p.SetTextColor(22, 36, 44)
	p.cells(lines, true)
	p.y += tall
	p.rule(138, 160, 171, 0.3)
}

func (p *tablePage) row(n int, row []any) error {
	height, lines := 1, make([][]string, len(row))
	for i, cell := range row {
		c := p.table.Columns[i]
		lines[i] = p.wrap(p.widths[i]-2*padding, cellSize, false, p.table.text(c.Kind, cell), mostLines)
		height = max(height, len(lines[i]))
	}
	tall := float64(height)*lineHeight + 2*padding - 0.6
	if p.y+tall > p.end {
		p.AddPageFormat(p.orientation, gofpdf.SizeType{Wd: 210, Ht: 297})
		p.y = margin
		p.header()
	}
	if n%2 == 1 {
		p.SetFillColor(247, 249, 250)
		p.Rect(margin, p.y, p.right-margin, tall, "F")
	}
	p.bars(row)
	p.SetTextColor(22, 36, 44)
	p.cells(lines, false)
	p.y += tall
	p.rule(222, 228, 231, 0.1)
	return p.Error()
}

// bars draws what a share comes to, behind its figure's right.
func (p *tablePage) bars(row []any) {
	x := margin
	for i, c := range p.table.Columns {
		if share, ok := row[i].(int); ok && c.Kind == Percent {
			const figure = 9.0 // room for "100%"
			left, wide := x+padding+figure, p.widths[i]-2*padding-figure
			p.SetFillColor(222, 228, 231)
			p.Rect(left, p.y+padding+0.6, wide, 2.2, "F")
			p.SetFillColor(38, 112, 86)
			if share < 100 {
				p.SetFillColor(176, 104, 20)
			}
			p.Rect(left, p.y+padding+0.6, wide*float64(max(0, min(share, 100)))/100, 2.2, "F")
		}
		x += p.widths[i]
	}
}

// cells sets one row's lines: numbers to the right, the rest to the left.
func (p *tablePage) cells(lines [][]string, bold bool) {
	x := margin
	for i, c := range p.table.Columns {
		y := p.y + padding + lineHeight*0.72
		for _, line := range lines[i] {
			at := x + padding
			if c.numeric() {
				at = x + p.widths[i] - padding - p.width(cellSize, bold, line)
			}
			p.say(at, y, cellSize, bold, line)
			y += lineHeight
		}
		x += p.widths[i]
	}
}

func (p *tablePage) rule(r, g, b int, width float64) {
	p.SetDrawColor(r, g, b)
	p.SetLineWidth(width)
	p.Line(margin, p.y, p.right, p.y)
}

func (p *tablePage) footer() {
	_, height := p.GetPageSize()
	y := height - 9
	p.SetTextColor(96, 110, 118)
	if !p.table.At.IsZero() {
		p.say(margin, y, 7.5, false, p.table.At.In(p.table.zone()).Format("2006-01-02 15:04 -07:00"))
	}
	number := fmt.Sprintf("%d / ", p.PageNo())
	wide := p.width(7.5, false, number+"0000") // the total is known at the end only
	p.say(p.right-wide, y, 7.5, false, number+"{pages}")
}
