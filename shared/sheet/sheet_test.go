package sheet

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// workbook is a sheet with every kind of cell.
func workbook(t testing.TB) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	date, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	if err != nil {
		t.Fatal(err)
	}
	for cell, v := range map[string]any{"A1": "Date", "B1": "Quantity", "C1": "GTIN", "D1": "Sum", "A2": 46346, "B2": 0.1 + 0.2, "C2": "00123", "A4": 46346.5, "B4": 1e12, "C4": true} {
		if err := f.SetCellValue("Sheet1", cell, v); err != nil {
			t.Fatal(err)
		}
	}
	f.SetCellStyle("Sheet1", "A2", "A4", date)
	f.SetCellFormula("Sheet1", "D2", "B2*2")
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAWorkbookIsReadCellByCell(t *testing.T) {
	got, err := Read("any name", workbook(t))
	if err != nil {
		t.Fatal(err)
	}
	want := "1:[{Date false false false} {Quantity false false false} {GTIN false false false} {Sum false false false}] " +
		"2:[{46346 true true false} {0.3 true false false} {00123 false false false} { false false true}] 4:[{46346.5 true true false} {1000000000000 true false false} {TRUE false false false}] "
	text := ""
	for _, r := range append([]Row{got.Head}, got.Rows...) {
		text += fmt.Sprintf("%d:%v ", r.Number, r.Cells)
	}
	if text != want {
		t.Errorf("read\n%s, want\n%s", text, want)
	}
}

func TestTextsAreReadHoweverTheyAreWritten(t *testing.T) {
	for name, file := range map[string]string{
		"comma":     "Lot,数量\r\nL1,\"1,5\"\r\n",
		"semicolon": "\ufeffLot;数量\nL1;1,5\n",
		"tab":       "Lot\t数量\nL1\t1,5\n",
		"utf-16":    "\xff\xfeL\x00o\x00t\x00\t\x00\x70\x65\xcf\x91\n\x00L\x001\x00\t\x001\x00,\x005\x00",
		"gb 18030":  "Lot;\xca\xfd\xc1\xbf\nL1;1,5\n",
	} {
		got, err := Read("f.csv", []byte(file))
		if err != nil || len(got.Rows) != 1 || got.Head.Cells[1].Text != "数量" || got.Rows[0].Cells[0].Text != "L1" || got.Rows[0].Cells[1].Text != "1,5" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestFilesThatAreTooMuchAreRefused(t *testing.T) {
	long := "Lot\n" + strings.Repeat("L1\n", MaxRows+1)
	for name, c := range map[string]struct {
		file []byte
		err  error
	}{
		"rows": {[]byte(long), ErrRows}, "bytes": {make([]byte, MaxBytes+1), ErrLarge}, "nothing": {nil, ErrEmpty}, "headings alone": {[]byte("Lot\n"), ErrEmpty},
		"a cell": {[]byte("Lot\n" + strings.Repeat("x", MaxCell+1)), ErrCell}, "an old workbook": {[]byte("\xd0\xcf\x11\xe0rest"), ErrKind},
		"no zip": {[]byte("PK\x03\x04rest"), ErrBroken}, "a bomb": {bomb(t), ErrLarge}, "zeros": {[]byte("a\x00b"), ErrCode},
	} {
		if _, err := Read("f.csv", c.file); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
	}
}

// bomb unpacks to a thousand times its size.
func bomb(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	put := func(name, text string, times int) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		for range times {
			w.Write([]byte(text))
		}
	}
	put("xl/workbook.xml", `<workbook xmlns:r="r"><sheets><sheet r:id="rId1"/></sheets></workbook>`, 1)
	put("xl/_rels/workbook.xml.rels", `<R><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></R>`, 1)
	put("xl/worksheets/sheet1.xml", strings.Repeat(" ", 1<<20), 50)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestATemplateIsReadAsItWasWritten(t *testing.T) {
	form := Template{Sheet: "Lots", Guide: "Guide", Heads: [2]string{"Column", "What"}, Rules: []string{"One."}, Columns: []Column{
		{Head: "GTIN *", Kind: Digits, Width: 20, Example: "00123", Choices: []string{"=1+1", "00456"}, Note: strings.Repeat("long ", 100)}, {Head: "日期", Kind: Date, Width: 12, Example: "2026-11-20"}}}
	var b bytes.Buffer
	if err := form.XLSX(&b); err != nil {
		t.Fatal(err)
	}
	got, err := Read("t.xlsx", b.Bytes())
	if err != nil || got.Head.Cells[0].Text != "GTIN *" || got.Rows[0].Cells[0].Text != "00123" || got.Rows[0].Cells[1].Text != "2026-11-20" {
		t.Fatalf("%+v, %v", got, err)
	}
	var mended bytes.Buffer
	if err := Annotated(&mended, got, "What to mend", map[int]string{2: "=HYPERLINK(1)"}); err != nil {
		t.Fatal(err)
	}
	again, err := Read("t.xlsx", mended.Bytes())
	if err != nil || again.Rows[0].Cells[0].Text != "00123" || again.Rows[0].Cells[2] != (Cell{Text: "=HYPERLINK(1)"}) {
		t.Fatalf("%+v, %v", again, err)
	}
}

// FuzzRead wants no panic and bounded answers of any file.
func FuzzRead(f *testing.F) {
	f.Add("f.xlsx", workbook(f))
	f.Add("f.csv", []byte("Lot;Quantity\nL1;1,5\n"))
	f.Fuzz(func(t *testing.T, name string, file []byte) { wellRead(t, name, file) })
}

func wellRead(t testing.TB, name string, file []byte) {
	got, err := Read(name, file)
	if err != nil && len(got.Rows) > 0 || len(got.Rows) > MaxRows {
		t.Fatalf("%d rows, %v", len(got.Rows), err)
	}
	for _, r := range got.Rows {
		if len(r.Cells) > MaxColumns || r.Blank() {
			t.Fatalf("row %d has %d cells", r.Number, len(r.Cells))
		}
	}
}

// Mutated files are read or refused in bounded memory. With TALLYWAY_TORTURE
// there are a hundred thousand of them.
func TestMutatedFilesDoNoHarm(t *testing.T) {
	n := 300
	if os.Getenv("TALLYWAY_TORTURE") != "" {
		n = 100_000
	}
	whole, inside := workbook(t), opened(t, workbook(t))
	random := rand.New(rand.NewPCG(1, 2))
	var most uint64
	for i := range n {
		var file []byte
		name := "f.xlsx"
		switch i % 3 {
		case 0:
			file = mutated(random, whole)
		case 1: // the parts of a workbook rather than its zip
			parts := map[string][]byte{}
			for part, text := range inside {
				parts[part] = text
			}
			for part := range parts {
				if random.IntN(2) == 0 {
					parts[part] = mutated(random, parts[part])
				}
			}
			file = closed(t, parts)
		default:
			name, file = "f.csv", mutated(random, []byte("Lot;Quantity;Unit\r\n\"L;1\";1,5;kg\r\nL2;3;千克\r\n"))
		}
		wellRead(t, name, file)
		if i%1000 == 0 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
		}
	}
	if most > 256<<20 {
		t.Errorf("%d MB of memory in use", most>>20)
	}
	t.Logf("%d files, at most %d MB of memory in use", n, most>>20)
}

func mutated(random *rand.Rand, file []byte) []byte {
	out := bytes.Clone(file)
	for range 1 + random.IntN(8) {
		if len(out) == 0 {
			return out
		}
		at := random.IntN(len(out))
		switch random.IntN(5) {
		case 0:
			out[at] = byte(random.IntN(256))
		case 1:
			out = out[:at]
		case 2:
			end := min(len(out), at+random.IntN(40))
			out = append(out[:at:at], out[end:]...)
		case 3:
			end := min(len(out), at+random.IntN(200))
			out = append(out[:end:end], out[at:]...)
		default:
			out[at] ^= 1 << random.IntN(8)
		}
	}
	return out
}

func opened(t testing.TB, file []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		b.ReadFrom(r)
		r.Close()
		parts[f.Name] = b.Bytes()
	}
	return parts
}

func closed(t testing.TB, parts map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range parts {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		w.Write(text)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
