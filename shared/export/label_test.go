package export

import (
	"bytes"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	gozxingmatrix "github.com/makiuchi-d/gozxing/datamatrix"
	"github.com/makiuchi-d/gozxing/oned"
	"github.com/makiuchi-d/gozxing/qrcode"
)

const sscc = "095060001340000017"

func pallet(n int) Label {
	return Label{Name: "Fresh milk 鲜牛奶", URL: "https://id.example/00/" + sscc,
		Lines: []LabelLine{{"SSCC", sscc}, {"Contents / 内含物", "12 things"}, {"Net weight / 净重", "480 kg"}, {"Best before / 保质期至", "2026-04-01"}},
		Unit: &UnitLabel{SSCC: sscc, From: Address{"From / 发货方", []string{"Greenfield Dairy 绿野乳业", "Meadowbrook", "NZ"}},
			To: Address{"To / 收货方", []string{"City Market 城市超市", "Springfield", "NZ"}}}}
}

// pictures renders the pages of a document at so many dots an inch.
func pictures(t testing.TB, pdf []byte, dots string) (all []image.Image) {
	t.Helper()
	folder := t.TempDir()
	poppler(t, pdf, "pdftoppm", "-png", "-r", dots, "$PDF", filepath.Join(folder, "page"))
	files, _ := filepath.Glob(filepath.Join(folder, "page*.png"))
	slices.Sort(files)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		keep(t, t.Name()+filepath.Base(file), b)
		picture, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, picture)
	}
	return all
}

// place cuts one label out of a picture of a sheet.
func (s Stock) place(picture image.Image, n int) image.Image {
	scale := float64(picture.Bounds().Dx()) / s.PageWidth
	x := s.Left + float64(n%s.Columns)*(s.Width+s.GapX)
	y := s.Top + float64(n/s.Columns)*(s.Height+s.GapY)
	cut := image.NewRGBA(image.Rect(0, 0, int(s.Width*scale), int(s.Height*scale)))
	draw.Draw(cut, cut.Bounds(), picture, image.Pt(int(x*scale), int(y*scale)), draw.Src)
	return cut
}

func read(t testing.TB, reader gozxing.Reader, picture image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	result, err := reader.Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return "unread: " + err.Error()
	}
	return result.GetText()
}

// Every label on every stock is read, each with its own code in its own place.
func TestEveryStockIsRead(t *testing.T) {
	for name, stock := range map[string]Stock{"roll70": Roll70x40, "roll100": Roll100x60, "14": SheetA4x14, "24": SheetA4x24, "40": SheetA4x40, "8": SheetA4} {
		labels := []Label{milk(1), milk(2), milk(3)}
		for i := range labels {
			labels[i].URL += "&n=" + string(rune('A'+i))
		}
		labels[1].Name = "Organic whole milk from the hills, not homogenised 有机全脂鲜牛奶"
		var out bytes.Buffer
		if err := LabelPDF(&out, labels, LabelOptions{Stock: stock, Skip: 2}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		keep(t, "stock-"+name+".pdf", out.Bytes())
		pages := pictures(t, out.Bytes(), "150")
		for i, l := range labels {
			page, at := 0, 2+i
			if stock.Columns*stock.Rows == 1 {
				page, at = i, 0
			}
			if got := read(t, qrcode.NewQRCodeReader(), stock.place(pages[page], at)); got != l.URL {
				t.Errorf("%s: label %d says %q, want %q", name, i, got, l.URL)
			}
		}
	}
}

// symbolOf cuts the square symbol at the right out of a label: this reader finds none
// among letters.
func symbolOf(label image.Image) image.Image {
	b := label.Bounds()
	box := image.Rectangle{}
	for y := b.Dy() * 3 / 10; y < b.Dy()*8/10; y++ {
		for x := b.Dx() * 6 / 10; x < b.Dx(); x++ {
			if dark(label.At(x, y)) {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	box = image.Rect(box.Max.X-box.Dx(), b.Dy()/2-box.Dx()/2, box.Max.X, b.Dy()/2+box.Dx()/2)
	cut := image.NewRGBA(image.Rect(0, 0, box.Dx()+40, box.Dx()+40))
	draw.Draw(cut, cut.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(cut, image.Rect(20, 20, 20+box.Dx(), 20+box.Dx()), label, box.Min, draw.Src)
	return cut
}

// A GS1 DataMatrix begins with FNC1, which readers give back as U+001D.
func TestDataMatrixIsRead(t *testing.T) {
	l := milk(1)
	l.Matrix = "0109506000134352" + "10L2026-0001\x1d" + "21S1"
	for name, stock := range map[string]Stock{"40": SheetA4x40, "roll": Roll70x40} {
		var out bytes.Buffer
		if err := LabelPDF(&out, []Label{l}, LabelOptions{Stock: stock}); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimPrefix(read(t, gozxingmatrix.NewDataMatrixReader(), symbolOf(stock.place(pictures(t, out.Bytes(), "200")[0], 0))), "\x1d"); got != l.Matrix {
			t.Errorf("%s: the symbol says %q, want %q", name, got, l.Matrix)
		}
	}
}

// The label of a logistic unit holds its SSCC twice, as GS1-128 and as Digital Link.
func TestUnitLabelIsRead(t *testing.T) {
	for name, stock := range map[string]Stock{"a6": RollA6, "100x150": Roll100x150, "a4": SheetA4x4} {
		var out bytes.Buffer
		if err := LabelPDF(&out, []Label{pallet(1)}, LabelOptions{Stock: stock}); err != nil {
			t.Fatal(err)
		}
		keep(t, "unit-"+name+".pdf", out.Bytes())
		picture := stock.place(pictures(t, out.Bytes(), "200")[0], 0)
		if got := read(t, qrcode.NewQRCodeReader(), picture); got != pallet(1).URL {
			t.Errorf("%s: the QR code says %q", name, got)
		}
		if got := strings.TrimLeft(read(t, oned.NewCode128Reader(), picture), "\x1d"); got != "00"+sscc {
			t.Errorf("%s: the bar code says %q", name, got)
		}
		text := poppler(t, out.Bytes(), "pdftotext", "-layout", "$PDF", "-")
		for _, want := range []string{"(00) " + sscc, "Greenfield Dairy 绿野乳业", "City Market", "480 kg", "收货方"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q:\n%s", name, want, text)
			}
		}
	}
	if err := LabelPDF(&bytes.Buffer{}, []Label{pallet(1)}, LabelOptions{Stock: Roll100x60}); err == nil {
		t.Error("the label of a pallet fits on a roll of 100 x 60 mm")
	}
}

// The picture of a label has the same texts and is sound XML.
func TestLabelPicture(t *testing.T) {
	for _, l := range []Label{milk(1), pallet(1)} {
		l.Name += " <&>"
		svg, err := LabelSVG(l, RollA6)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"<svg xmlns", "&lt;&amp;&gt;", "鲜牛奶"} {
			if !bytes.Contains(svg, []byte(want)) {
				t.Errorf("the picture does not say %q", want)
			}
		}
	}
}
