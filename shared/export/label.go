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
	edge        = 4.0      // free at a label's border, which printers miss
	leastModule = 0.4      // mm; smaller ones blur in print and in a phone's camera
	mostModule  = edge / 4 // mm, so that the border is the code's margin too
	codeShare   = 0.42     // of the label's width, at most
	footHeight  = 4.5      // of the line below the code
	pointsPerMM = 72 / 25.4
)

// LabelPDF writes the labels, one after the other, on as many pages as they
// take. An address too long for a readable code on the stock is an error.
func LabelPDF(w io.Writer, labels []Label, options LabelOptions) error {
	s := options.Stock
	codes, err := encode(labels)
	if err != nil {
		return fmt.Errorf("labels: %w", err)
	}
	pdf := newPDF("P", "Labels", options.At)
	sheet := &labelSheet{pen: newPen(pdf), stock: s, codes: codes}
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
	codes map[string]drawnCode // by address
}

// drawnCode is a code ready for the page.
type drawnCode struct {
	*code
	path string
}

// encode prepares the codes of all labels; those of one lot share one.
func encode(labels []Label) (map[string]drawnCode, error) {
	var addresses []string
	known := map[string]bool{}
	for _, l := range labels {
		if !known[l.URL] {
			known[l.URL] = true
			addresses = append(addresses, l.URL)
		}
	}
	codes, err := newCodes(addresses)
	if err != nil {
		return nil, err
	}
	drawn := make(map[string]drawnCode, len(codes))
	for address, c := range codes {
		drawn[address] = drawnCode{c, c.pdfPath()}
	}
	return drawn, nil
}

// module is the size of a code's modules, as large as there is room.
func (s *labelSheet) module(c drawnCode, height float64) (float64, error) {
	room := min(s.stock.Width*codeShare, height)
	module := min(math.Floor(room/float64(c.size+2*quiet)*100)/100, mostModule)
	if module < leastModule {
		return 0, fmt.Errorf("a QR code of %d modules of at least %.1f mm does not fit on a label of %.0f x %.0f mm: shorten the address or take larger labels",
			c.size, leastModule, s.stock.Width, s.stock.Height)
	}
	return module, nil
}

// label sets one label: the name over its whole width, below it the facts at
// the left and the code at the right, and the code's text along the foot.
func (s *labelSheet) label(x, y float64, l Label) error {
	s.SetTextColor(0, 0, 0) // thermal printers know no grey
	left, right := x+edge, x+s.stock.Width-edge
	bottom := y + s.stock.Height - edge
	top := s.name(left, right, y+edge, l.Name)
	foot := bottom - footHeight

	// The code's margin may reach down to the letters of the foot.
	height := foot + 1 - top
	c := s.codes[l.URL]
	module, err := s.module(c, height)
	if err != nil {
		return err
	}
	side := float64(c.size) * module // without the margin, which at the right is the border
	s.draw(c, module, right-side, top+(height-side)/2)
	s.facts(left, top, right-side-2*quiet*module, foot, l.Lines)
	s.hri(left, bottom, right-left, l.HRI)
	return s.Error()
}

// name sets the product's name over a rule and returns where the rule is.
func (s *labelSheet) name(left, right, top float64, name string) float64 {
	size := 15.0
	lines := s.wrap(right-left, size, true, name, 2)
	if len(lines) > 1 {
		size = 12
		lines = s.wrap(right-left, size, true, name, 2)
	}
	lead := size * 0.42
	for _, line := range lines {
		top += lead
		s.say(left, top-lead*0.2, size, true, line)
	}
	top += 1.5
	s.SetDrawColor(0, 0, 0)
	s.SetLineWidth(0.3)
	s.Line(left, top, right, top)
	return top
}

// draw puts the code on the page with its upper left corner at x, y.
func (s *labelSheet) draw(c drawnCode, module, x, y float64) {
	_, height := s.GetPageSize()
	s.RawWriteStr(fmt.Sprintf("q 0 g %.4f 0 0 %.4f %.3f %.3f cm %s Q", module*pointsPerMM, module*pointsPerMM,
		x*pointsPerMM, (height-y-float64(c.size)*module)*pointsPerMM, c.path))
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
