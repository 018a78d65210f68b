package export

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/jung-kurt/gofpdf"
)

// Label is what stands on a pack, a case or a pallet.
type Label struct {
	Name  string      // of the product, largest
	Lines []LabelLine // GTIN, lot, best before, quantity, …
	HRI   string      // what the code says, for people: "(01)09506000134352(10)L1"
	URL   string      // GS1 Digital Link, as QR code
}

// LabelLine is one fact with its name, in the reader's language.
type LabelLine struct{ Caption, Value string }

// Stock is what labels are printed on, in millimetres.
type Stock struct {
	PageWidth, PageHeight float64
	Columns, Rows         int
	Width, Height         float64 // of one label
	Left, Top             float64 // of the first
	GapX, GapY            float64
}

// The stocks at hand: a label printer's roll, and sheets of eight for an office
// printer (99.1 x 67.7 mm).
var (
	Roll100x60 = Stock{PageWidth: 100, PageHeight: 60, Columns: 1, Rows: 1, Width: 100, Height: 60}
	SheetA4    = Stock{PageWidth: 210, PageHeight: 297, Columns: 2, Rows: 4, Width: 99.1, Height: 67.7,
		Left: 4.65, Top: 13.1, GapX: 2.5}
)

// LabelOptions says what to print on.
type LabelOptions struct {
	Stock Stock
	At    time.Time // when they were drawn up; the same labels and time give the same bytes
}

const (
	edge        = 4.0  // free at a label's border, which printers miss
	leastModule = 0.4  // mm; what phones read from an arm's length (GS1 General Specifications, 5.12.3)
	mostModule  = 0.75 // mm; larger helps nobody
	codeShare   = 0.46 // of the label's width, at most
	pointsPerMM = 72 / 25.4
)

// LabelPDF writes the labels, one after the other, on as many pages as they
// take. An address too long for a readable code on the stock is an error.
func LabelPDF(w io.Writer, labels []Label, options LabelOptions) error {
	s := options.Stock
	pdf := newPDF("P", "Labels", options.At)
	sheet := &labelSheet{pen: newPen(pdf), stock: s, codes: map[string]*drawnCode{}}
	for i, label := range labels {
		place := i % (s.Columns * s.Rows)
		if place == 0 {
			pdf.AddPageFormat("P", gofpdf.SizeType{Wd: s.PageWidth, Ht: s.PageHeight})
		}
		x := s.Left + float64(place%s.Columns)*(s.Width+s.GapX)
		y := s.Top + float64(place/s.Columns)*(s.Height+s.GapY)
		if err := sheet.label(x, y, label); err != nil {
			return fmt.Errorf("label %d: %w", i+1, err)
		}
	}
	if len(labels) == 0 {
		pdf.AddPageFormat("P", gofpdf.SizeType{Wd: s.PageWidth, Ht: s.PageHeight})
	}
	if err := pdf.Output(w); err != nil {
		return fmt.Errorf("write the labels: %w", err)
	}
	return nil
}

type labelSheet struct {
	*pen
	stock Stock
	codes map[string]*drawnCode // many labels of one lot share one
}

// drawnCode is a code ready for the page.
type drawnCode struct {
	path   string
	side   float64 // with its margin, in mm
	margin float64
}

// code draws the address as large as the label allows.
func (s *labelSheet) code(address string) (*drawnCode, error) {
	if known := s.codes[address]; known != nil {
		return known, nil
	}
	c, err := newCode(address)
	if err != nil {
		return nil, err
	}
	modules := float64(c.size + 2*quiet)
	// The code's own margin may lie in the label's free border.
	room := min(s.stock.Width*codeShare, s.stock.Height-edge-8)
	module := min(math.Floor(room/modules*100)/100, mostModule)
	if module < leastModule {
		return nil, fmt.Errorf("QR code of %q: %d modules of at least %.1f mm do not fit on a label of %.0f x %.0f mm: shorten the address or take larger labels",
			address, c.size, leastModule, s.stock.Width, s.stock.Height)
	}
	d := &drawnCode{path: c.pdfPath(module * pointsPerMM), side: modules * module, margin: quiet * module}
	s.codes[address] = d
	return d, nil
}

func (s *labelSheet) label(x, y float64, l Label) error {
	c, err := s.code(l.URL)
	if err != nil {
		return err
	}
	s.SetTextColor(0, 0, 0) // thermal printers know no grey
	top := y + edge
	right := x + s.stock.Width - edge
	left := x + edge

	// The code stands at the right, level with the facts; the name runs over
	// both.
	nameSize := 15.0
	name := s.wrap(right-left, nameSize, true, l.Name, 2)
	if len(name) > 1 {
		nameSize = 12
		name = s.wrap(right-left, nameSize, true, l.Name, 2)
	}
	lead := nameSize * 0.42
	for _, line := range name {
		top += lead
		s.say(left, top-lead*0.2, nameSize, true, line)
	}
	top += 1.5
	s.SetDrawColor(0, 0, 0)
	s.SetLineWidth(0.3)
	s.Line(left, top, right, top)

	bottom := y + s.stock.Height - edge
	foot := bottom - 4.5
	codeTop := top + max(0, (foot-top-c.side)/2)
	if codeTop+c.side > foot+c.margin {
		codeTop = foot + c.margin - c.side // its margin may meet the line's free space
	}
	s.draw(c, right-c.side+c.margin, codeTop)
	s.facts(left, top, right-c.side, foot, l.Lines)
	s.hri(left, bottom, right-left, l.HRI)
	return s.Error()
}

// draw puts the code on the page with its margin's upper left corner at x, y.
func (s *labelSheet) draw(c *drawnCode, x, y float64) {
	_, height := s.GetPageSize()
	s.RawWriteStr(fmt.Sprintf("q 0 g 1 0 0 1 %.3f %.3f cm %s Q",
		(x+c.margin)*pointsPerMM, (height-y-c.side+c.margin)*pointsPerMM, c.path))
}

// facts sets the lines between top and foot, each with its caption above it.
func (s *labelSheet) facts(left, top, right, foot float64, lines []LabelLine) {
	if len(lines) == 0 {
		return
	}
	step := min((foot-top-1)/float64(len(lines)), 10.5)
	caption, value := step*0.62, step*1.15 // points of size for millimetres of place
	y := top + 0.8
	for _, line := range lines {
		s.say(left, y+step*0.34, caption, false, s.fit(right-left, caption, false, line.Caption))
		size := value
		if wide := s.width(size, true, line.Value); wide > right-left {
			size = max(value*0.7, size*(right-left)/wide) // a GTIN is worth more small than cut
		}
		s.say(left, y+step*0.82, size, true, s.fit(right-left, size, true, line.Value))
		y += step
	}
}

// hri sets the text of the code along the foot, smaller if it is long.
func (s *labelSheet) hri(left, bottom, width float64, text string) {
	size := 9.0
	if wide := s.width(size, false, text); wide > width {
		size = max(5, size*width/wide)
	}
	s.say(left, bottom-0.8, size, false, s.fit(width, size, false, text))
}
