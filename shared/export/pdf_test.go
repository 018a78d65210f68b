package export

import (
	"bytes"
	"fmt"
	"image/png"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/multi/qrcode"
)

const link = "https://id.example/01/09506000134352/10/L2026-0301?17=260401&3103=000480"

func milk(n int) Label {
	return Label{
		Name: "Fresh milk 鲜牛奶 3.5 %",
		Lines: []LabelLine{{"GTIN", "09506000134352"}, {"Lot / 批次", fmt.Sprintf("L2026-%04d", n)},
			{"Best before / 保质期至", "2026-04-01"}, {"Quantity / 数量", "480 kg"}},
		HRI: "(01)09506000134352(10)L2026-0301(17)260401(3103)000480", URL: link,
	}
}

// poppler runs one of poppler's programs on a PDF.
func poppler(t testing.TB, pdf []byte, program string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.pdf")
	if err := os.WriteFile(path, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "$PDF", path)
	}
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: install the Debian package poppler-utils\n%s", program, err, out)
	}
	return string(out)
}

func TestPDFSaysTheTable(t *testing.T) {
	var out, again bytes.Buffer
	if err := PDF(&out, sample()); err != nil {
		t.Fatal(err)
	}
	if err := PDF(&again, sample()); err != nil || !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Errorf("the same table gave other bytes (%v)", err)
	}
	keep(t, "table.pdf", out.Bytes())
	text := poppler(t, out.Bytes(), "pdftotext", "-layout", "$PDF", "-")
	for _, want := range []string{"Shipments / 发运", "March 2026 · held by greenfield-dairy", "Product 产品", "Fresh milk 鲜牛奶", "480.500",
		"2026-03-01", "2026-03-02 07:30:15", attack, "line"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q:\n%s", want, text)
		}
	}
	if out.Len() > 100_000 {
		t.Errorf("%d bytes: the fonts were not cut down to what is used", out.Len())
	}
}

func TestPDFRepeatsTheHeaderOnEveryPage(t *testing.T) {
	table := Table{Title: "Lots", Columns: []Column{{"Lot", Text, 0}, {"Pieces", Integer, 0}}, At: time.Unix(0, 0)}
	table.Rows = func(yield func([]any, error) bool) {
		for i := range 500 {
			if !yield([]any{fmt.Sprintf("L%03d 批", i), i}, nil) {
				return
			}
		}
	}
	var out bytes.Buffer
	if err := PDF(&out, table); err != nil {
		t.Fatal(err)
	}
	text := poppler(t, out.Bytes(), "pdftotext", "-layout", "$PDF", "-")
	pages := strings.Count(text, "\f")
	if pages < 5 || strings.Count(text, "Pieces") != pages || !strings.Contains(strings.ReplaceAll(text, " ", ""), fmt.Sprintf("%d/%d\n", pages, pages)) {
		t.Errorf("%d pages, %d headers:\n%s", pages, strings.Count(text, "Pieces"), text)
	}
	for i := range 500 {
		if want := fmt.Sprintf("L%03d 批", i); strings.Count(text, want) != 1 {
			t.Fatalf("%s stands %d times", want, strings.Count(text, want))
		}
	}
}

func TestTextNoFontHasIsShownAsMissing(t *testing.T) {
	got := ""
	for _, r := range runs("ab 中文 🐄\u200bß\x00\tx") {
		got += fmt.Sprintf("%v:%s|", r.chinese, r.text)
	}
	if got != "false:ab |true:中文 |false:□□ß x|" && got != "false:ab |true:中文 |false:□\u200bß x|" {
		t.Errorf("got %q", got)
	}
	var out bytes.Buffer
	if err := PDF(&out, Table{Columns: []Column{{"🐄 \x01", Text, 0}}, Rows: rowsOf([]any{strings.Repeat("无尽", 400)}, []any{strings.Repeat("x", 4000)})}); err != nil {
		t.Fatal(err)
	}
}

func TestLabelsAreReadByAPhone(t *testing.T) {
	cases := []struct {
		name  string
		stock Stock
		n     int
		pages []int // codes on each page
	}{
		{"roll", Roll100x60, 2, []int{1, 1}},
		{"sheet", SheetA4, 10, []int{8, 2}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var labels []Label
			for i := range c.n {
				labels = append(labels, milk(i))
			}
			labels[0].Name = "Organic whole milk from the hills, not homogenised 有机全脂鲜牛奶" // two lines
			var out bytes.Buffer
			if err := LabelPDF(&out, labels, LabelOptions{Stock: c.stock}); err != nil {
				t.Fatal(err)
			}
			keep(t, "labels-"+c.name+".pdf", out.Bytes())
			page := 0
			for urls := range codesOf(t, out.Bytes()) {
				if page >= len(c.pages) || len(urls) != c.pages[page] {
					t.Fatalf("page %d has %d codes, want %v", page+1, len(urls), c.pages)
				}
				for _, url := range urls {
					if url != link {
						t.Errorf("the code says %q, want %q", url, link)
					}
				}
				page++
			}
			if page != len(c.pages) {
				t.Errorf("%d pages, want %d", page, len(c.pages))
			}
			text := poppler(t, out.Bytes(), "pdftotext", "-layout", "$PDF", "-")
			for i, l := range labels {
				for _, want := range []string{"鲜牛奶", l.HRI, "批次", l.Lines[1].Value, "480 kg"} {
					if !strings.Contains(text, want) {
						t.Fatalf("label %d does not say %q:\n%s", i, want, text)
					}
				}
			}
		})
	}
}

// codesOf renders the pages and reads what codes stand on each.
func codesOf(t testing.TB, pdf []byte) iter.Seq[[]string] {
	folder := t.TempDir()
	poppler(t, pdf, "pdftoppm", "-png", "-r", "150", "$PDF", filepath.Join(folder, "page"))
	files, _ := filepath.Glob(filepath.Join(folder, "page*.png"))
	return func(yield func([]string) bool) {
		for _, path := range files {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			picture, err := png.Decode(f)
			f.Close()
			if err != nil {
				t.Fatal(err)
			}
			bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
			if err != nil {
				t.Fatal(err)
			}
			results, err := qrcode.NewQRCodeMultiReader().DecodeMultipleWithoutHint(bitmap)
			if err != nil {
				t.Fatalf("%s: no code was read: %v", filepath.Base(path), err)
			}
			var urls []string
			for _, r := range results {
				urls = append(urls, r.GetText())
			}
			if !yield(urls) {
				return
			}
		}
	}
}

func TestLabelRefusesWhatNobodyCouldRead(t *testing.T) {
	l := milk(1)
	l.URL = "https://id.example/" + strings.Repeat("x", 900)
	err := LabelPDF(&bytes.Buffer{}, []Label{l}, LabelOptions{Stock: Roll100x60})
	if err == nil || !strings.Contains(err.Error(), "shorten the address") {
		t.Errorf("got %v", err)
	}
}

func BenchmarkXLSX(b *testing.B) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	table := Table{Title: "Lots", Columns: []Column{{"A", Text, 0}, {"B", Text, 0}, {"C", Text, 0}, {"D", Text, 0}, {"E", Integer, 0},
		{"F", Quantity, 0}, {"G", Quantity, 0}, {"H", Time, 0}, {"I", Date, 0}, {"J", Text, 0}}}
	const rows = 100_000
	table.Rows = func(yield func([]any, error) bool) {
		for i := range rows {
			yield([]any{"L2026-0301", "Fresh milk 鲜牛奶", "greenfield-dairy", "city-market", i, "480.500", "12.3", at, at, "in transit"}, nil)
		}
	}
	for b.Loop() {
		if err := XLSX(io.Discard, table); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkLabels(b *testing.B) {
	var labels []Label
	for i := range 1000 {
		l := milk(i)
		l.URL = fmt.Sprintf("https://id.example/01/09506000134352/10/L2026-%04d", i)
		labels = append(labels, l)
	}
	for b.Loop() {
		if err := LabelPDF(&bytes.Buffer{}, labels, LabelOptions{Stock: Roll100x60}); err != nil {
			b.Fatal(err)
		}
	}
}

// keep leaves a document where EXPORT_KEEP says, to be looked at.
func keep(t testing.TB, name string, b []byte) {
	if folder := os.Getenv("EXPORT_KEEP"); folder != "" {
		if err := os.WriteFile(filepath.Join(folder, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
