package export

import (
	"fmt"

	"github.com/boombuler/barcode/code128"
)

// UnitLabel is what a logistic unit's label tells besides: who sends it to whom
// (GS1 Logistic Label Guideline 1.3: free text at the top, data in the middle, bar
// codes at the bottom).
type UnitLabel struct {
	From, To Address
	SSCC     string // 18 digits, as GS1-128 with AI (00)
}

// Address is one of the two, with its caption in the reader's language.
type Address struct {
	Caption string
	Lines   []string
}

const (
	barHeight = 32.0 // mm, at least 31.75 (GS1 General Specifications, 5.12.3.8)
	barModule = 0.5  // mm, between 0.495 and 1.016
	barQuiet  = 10   // modules on both sides (ISO/IEC 15417)
)

// gs1Bars are the modules of a GS1-128 symbol of an SSCC.
func gs1Bars(sscc string) ([]bool, error) {
	image, err := code128.Encode(string(code128.FNC1) + "00" + sscc)
	if err != nil {
		return nil, fmt.Errorf("GS1-128 of %q: %w", sscc, err)
	}
	bars := make([]bool, image.Bounds().Dx())
	for x := range bars {
		bars[x] = dark(image.At(x, 0))
	}
	return bars, nil
}

// unit sets the label of a logistic unit, from A6 on.
func (s *labelSheet) unit(x, y float64, l Label) error {
	bars, err := gs1Bars(l.Unit.SSCC)
	if err != nil {
		return err
	}
	wide := float64(len(bars)+2*barQuiet) * barModule
	if wide > s.stock.Width || s.stock.Height < 120 {
		return fmt.Errorf("the label of a logistic unit does not fit on %.0f x %.0f mm: take A6 (105 x 148 mm) or larger", s.stock.Width, s.stock.Height)
	}
	left, right, bottom := x+edge, x+s.stock.Width-edge, y+s.stock.Height-edge
	top := s.addresses(left, right, y+edge, l.Unit)

	bottom -= 6
	s.stripes(bars, barModule, x+(s.stock.Width-float64(len(bars))*barModule)/2, bottom-barHeight, barHeight)
	hri := "(00) " + l.Unit.SSCC
	s.text(x+(s.stock.Width-s.width(12, false, hri))/2, bottom+5, 12, false, hri)
	foot := bottom - barHeight - 3
	s.rule(left, foot, right, foot, 0.3)

	top = s.name(left, right, top+1, l.Name)
	c := s.codes[l.symbol()]
	module, err := s.module(c, min(s.stock.Width*codeShare, foot-top))
	if err != nil {
		return err
	}
	side := float64(c.size) * module
	s.square(c, module, right-side, top+(foot-top-side)/2)
	s.facts(left, top, right-side-quiet*module-1, foot, l.Lines)
	return nil
}

// addresses sets sender and receiver beside each other, and returns where the rule
// below them is.
func (s *labelSheet) addresses(left, right, top float64, u *UnitLabel) float64 {
	const lead, most = 4.4, 3
	middle := (left + right) / 2
	for i, a := range []Address{u.From, u.To} {
		at := left
		if i == 1 {
			at = middle + 2
		}
		s.text(at, top+3, 7, false, a.Caption)
		y := top + 3 + lead
		for j, line := range a.Lines {
			if j < most {
				s.text(at, y, 9.5, j == 0, s.fit(middle-left-2, 9.5, j == 0, line))
				y += lead
			}
		}
	}
	end := top + 3 + lead*(most+0.6)
	s.rule(middle, top, middle, end, 0.3)
	s.rule(left, end, right, end, 0.3)
	return end
}
