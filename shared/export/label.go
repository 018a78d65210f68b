package export

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/jung-kurt/gofpdf"
)

// Label is what stands on a pack, a case or a pallet.
type Label struct {
	Name  string      // of the product, largest
	Lines []LabelLine // GTIN, lot, best before, quantity, …
	HRI   string      // what the code says, for people: "(01)09506000134352(10)L1"
	URL   string      // GS1 Digital Link, as QR code
	// Matrix is a GS1 element string, with U+001D behind what varies in length: it is
	// shown as a GS1 DataMatrix in place of the QR code.
	Matrix string
	// Unit makes it the label of a logistic unit.
	Unit *UnitLabel
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

// The stocks at hand: for label printers, and sheets for an office printer.
var (
	Roll100x60  = roll(100, 60)
	Roll70x40   = roll(70, 40)
	RollA6      = roll(105, 148)
	Roll100x150 = roll(100, 150)
	SheetA4     = Stock{PageWidth: 210, PageHeight: 297, Columns: 2, Rows: 4, Width: 99.1, Height: 67.7, Left: 4.65, Top: 13.1, GapX: 2.5}
	SheetA4x14  = Stock{PageWidth: 210, PageHeight: 297, Columns: 2, Rows: 7, Width: 99.1, Height: 38.1, Left: 4.65, Top: 15.15, GapX: 2.5}
	SheetA4x24  = Stock{PageWidth: 210, PageHeight: 297, Columns: 3, Rows: 8, Width: 70, Height: 36, Top: 4.5}
	SheetA4x40  = Stock{PageWidth: 210, PageHeight: 297, Columns: 4, Rows: 10, Width: 52.5, Height: 29.7}
	SheetA4x4   = Stock{PageWidth: 210, PageHeight: 297, Columns: 2, Rows: 2, Width: 105, Height: 148}
)

func roll(width, height float64) Stock {
	return Stock{PageWidth: width, PageHeight: height, Columns: 1, Rows: 1, Width: width, Height: height}
}

// LabelOptions says what to print on.
type LabelOptions struct {
	Stock Stock
	Skip  int       // places of the first sheet that are used up
	At    time.Time // when they were drawn up; the same labels and time give the same bytes
}

const (
	edge        = 4.0  // free at a label's border, which printers miss
	smallEdge   = 2.5  // of a small label
	small       = 45.0 // mm; labels less high have their code beside everything else
	leastModule = 0.4  // mm; smaller ones blur in print and in a phone's camera
	mostModule  = edge / 4
	codeShare   = 0.42 // of the label's width, at most
	footHeight  = 4.5  // of the line below the code
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
	pen := newPen(pdf)
	sheet := &labelSheet{pen: pen, ink: pdfInk{pen}, stock: s, codes: codes}
	for i, label := range labels {
		place := (i + options.Skip) % (s.Columns * s.Rows)
		if place == 0 || i == 0 {
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

// LabelSVG draws one label as it will be printed, to be looked at.
func LabelSVG(label Label, s Stock) ([]byte, error) {
	codes, err := encode([]Label{label})
	if err != nil {
		return nil, fmt.Errorf("label: %w", err)
	}
	pen := newPen(newPDF("P", "", time.Time{}))
	picture := &svgInk{pen: pen}
	sheet := &labelSheet{pen: pen, ink: picture, stock: s, codes: codes}
	if err := sheet.label(0, 0, label); err != nil {
		return nil, err
	}
	return picture.whole(s.Width, s.Height), nil
}

type labelSheet struct {
	*pen  // measures
	ink   // draws
	stock Stock
	codes map[string]drawnCode // by what they say
}

// drawnCode is a code ready for the page.
type drawnCode struct {
	*code
	path string
}

// symbol names a label's code among those that were drawn.
func (l Label) symbol() string {
	if l.Matrix != "" {
		return "\x1d" + l.Matrix
	}
	return l.URL
}

// encode prepares the codes of all labels; those of one lot share one.
func encode(labels []Label) (map[string]drawnCode, error) {
	var symbols []string
	known := map[string]bool{}
	for _, l := range labels {
		if s := l.symbol(); !known[s] {
			known[s] = true
			symbols = append(symbols, s)
		}
	}
	codes, err := newCodes(symbols)
	if err != nil {
		return nil, err
	}
	drawn := make(map[string]drawnCode, len(codes))
	for symbol, c := range codes {
		drawn[symbol] = drawnCode{c, c.pdfPath()}
	}
	return drawn, nil
}

// module is the size of a code's modules, as large as there is room.
func (s *labelSheet) module(c drawnCode, room float64) (float64, error) {
	module := min(math.Floor(room/float64(c.size+2*quiet)*100)/100, mostModule)
	if module < leastModule {
		return 0, fmt.Errorf("a code of %d modules of at least %.1f mm does not fit on a label of %.0f x %.0f mm: shorten the address or take larger labels",
			c.size, leastModule, s.stock.Width, s.stock.Height)
	}
	return module, nil
}

// label sets one label.
func (s *labelSheet) label(x, y float64, l Label) error {
	s.black()
	var err error
	switch {
	case l.Unit != nil:
		err = s.unit(x, y, l)
	case s.stock.Height < small:
		err = s.small(x, y, l)
	default:
		err = s.large(x, y, l)
	}
	if err != nil {
		return err
	}
	return s.Error()
}

// large sets the name over the label's whole width, below it the facts at the left
// and the code at the right, and the code's text along the foot.
func (s *labelSheet) large(x, y float64, l Label) error {
	left, right := x+edge, x+s.stock.Width-edge
	bottom := y + s.stock.Height - edge
	top := s.name(left, right, y+edge, l.Name)
	foot := bottom - footHeight

	// The code's margin may reach down to the letters of the foot.
	height := foot + 1 - top
	c := s.codes[l.symbol()]
	module, err := s.module(c, min(s.stock.Width*codeShare, height))
	if err != nil {
		return err
	}
	side := float64(c.size) * module // without the margin, which at the right is the border
	s.square(c, module, right-side, top+(height-side)/2)
	s.facts(left, top, right-side-2*quiet*module, foot, l.Lines)
	s.hri(left, bottom, right-left, l.HRI)
	return nil
}

// small sets the code at the right over the label's whole height, and the rest
// beside it.
func (s *labelSheet) small(x, y float64, l Label) error {
	c := s.codes[l.symbol()]
	// The margin of the code may be the border's.
	module, err := s.module(c, min(s.stock.Width*0.48, s.stock.Height-1))
	if err != nil {
		return err
	}
	module = min(module, (s.stock.Height-2*smallEdge)/float64(c.size))
	side := float64(c.size) * module
	s.square(c, module, x+s.stock.Width-max(smallEdge, quiet*module)-side, y+(s.stock.Height-side)/2)
	left, right := x+smallEdge, x+s.stock.Width-max(smallEdge, quiet*module)-side-quiet*module
	top, size := y+smallEdge, 8.5
	for _, line := range s.wrap(right-left, size, true, l.Name, 2) {
		top += size * 0.4
		s.text(left, top-0.5, size, true, line)
	}
	bottom := y + s.stock.Height - smallEdge
	lines := s.wrap(right-left, 4.5, false, l.HRI, 3)
	for i, line := range lines {
		s.text(left, bottom-float64(len(lines)-1-i)*1.9, 4.5, false, line)
	}
	facts := l.Lines
	for len(facts) > 3 && strings.Contains(l.HRI, facts[0].Value) { // it stands there anyway
		facts = facts[1:]
	}
	s.facts(left, top, right, bottom-float64(len(lines))*1.9, facts)
	return nil
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
		s.text(left, top-lead*0.2, size, true, line)
	}
	top += 1.5
	s.rule(left, top, right, top, 0.3)
	return top
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
		s.text(left, y+step*0.34, caption, false, s.fit(right-left, caption, false, line.Caption))
		size := value
		if wide := s.width(size, true, line.Value); wide > right-left {
			size = max(value*0.7, size*(right-left)/wide) // a GTIN is worth more small than cut
		}
		s.text(left, y+step*0.82, size, true, s.fit(right-left, size, true, line.Value))
		y += step
	}
}

// hri sets the text of the code along the foot, smaller if it is long.
func (s *labelSheet) hri(left, bottom, width float64, text string) {
	size := 9.0
	if wide := s.width(size, false, text); wide > width {
		size = max(5, size*width/wide)
	}
	s.text(left, bottom-0.8, size, false, s.fit(width, size, false, text))
}
