package export

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"time"

	"github.com/jung-kurt/gofpdf"
)

// Certificate is one page that tells facts about a thing, with a picture of it
// and the address where they can be checked.
type Certificate struct {
	Title string
	Lead  string
	Facts []Fact
	Foot  string
	JPEG  []byte // may be missing
	URL   string // as QR code
	At    time.Time
}

const (
	certificateSide = 74.0 // mm, of the picture
	captionWidth    = 44.0
)

// CertificatePDF writes a certificate on an A4 page.
func CertificatePDF(w io.Writer, c Certificate) error {
	code, err := newCode(c.URL)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	pdf := newPDF("P", c.Title, c.At)
	pdf.AddPageFormat("P", gofpdf.SizeType{Wd: 210, Ht: 297})
	p := newPen(pdf)
	const left, right = 24.0, 186.0
	y := 34.0
	p.SetTextColor(20, 24, 28)
	for _, line := range p.wrap(right-left, 22, true, c.Title, 2) {
		p.say(left, y, 22, true, line)
		y += 10
	}
	p.SetDrawColor(14, 116, 100)
	p.SetLineWidth(0.8)
	p.Line(left, y-4, right, y-4)
	y += 4
	for _, line := range p.wrap(right-left, 10.5, false, c.Lead, 6) {
		p.say(left, y, 10.5, false, line)
		y += 5.2
	}
	if y, err = p.picture(c.JPEG, left, y+2); err != nil {
		return err
	}
	for _, f := range c.Facts {
		y = p.fact(left, right, y+7, f)
	}
	p.foot(c, code, left, right)
	if err := pdf.Output(w); err != nil {
		return fmt.Errorf("write the certificate: %w", err)
	}
	return nil
}

// picture sets the picture and returns where it ends.
func (p *pen) picture(file []byte, x, y float64) (float64, error) {
	if len(file) == 0 {
		return y, nil
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return y, fmt.Errorf("certificate: read the picture: %w", err)
	}
	w, h := certificateSide, certificateSide*float64(size.Height)/float64(size.Width)
	if h > certificateSide {
		w, h = w*certificateSide/h, certificateSide
	}
	options := gofpdf.ImageOptions{ImageType: "JPG"}
	p.RegisterImageOptionsReader("picture", options, bytes.NewReader(file))
	p.ImageOptions("picture", x, y, w, h, false, options, 0, "")
	return y + h, p.Error()
}

// fact sets a caption and its value beside it, and returns the last baseline.
func (p *pen) fact(left, right, y float64, f Fact) float64 {
	p.SetTextColor(96, 104, 112)
	p.say(left, y, 9.5, false, p.fit(captionWidth-2, 9.5, false, f.Label))
	p.SetTextColor(20, 24, 28)
	for i, line := range p.wrap(right-left-captionWidth, 10, false, f.Value, 3) {
		if i > 0 {
			y += 4.8
		}
		p.say(left+captionWidth, y, 10, false, line)
	}
	return y
}

// foot sets the code with its address at the end of the page.
func (p *pen) foot(c Certificate, code *code, left, right float64) {
	const side, top = 30.0, 250.0
	module := side / float64(code.size)
	_, height := p.GetPageSize()
	p.RawWriteStr(fmt.Sprintf("q 0 g %.4f 0 0 %.4f %.3f %.3f cm %s Q", module*pointsPerMM, module*pointsPerMM,
		left*pointsPerMM, (height-top-side)*pointsPerMM, code.pdfPath()))
	y := top + 4
	for _, text := range []string{c.Foot, c.URL, c.At.UTC().Format("2006-01-02 15:04 UTC")} {
		for _, line := range p.wrap(right-left-side-6, 9, false, text, 3) {
			p.say(left+side+6, y, 9, false, line)
			y += 4.6
		}
		y += 1.5
	}
}
