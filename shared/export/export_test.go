package export

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

const attack = "=cmd|' /C calc'!A0"

var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

func rowsOf(rows ...[]any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// sample has every kind, both languages and what must not get through.
func sample() Table {
	at := time.Date(2026, 3, 1, 23, 30, 15, 0, time.UTC)
	return Table{
		Title: "Shipments / 发运", Note: "March 2026 · held by greenfield-dairy", At: at, Zone: shanghai,
		Columns: []Column{{"Lot", Text, 0}, {"Product 产品", Text, 26}, {"Pieces", Integer, 0}, {"Quantity kg", Quantity, 0},
			{"Best before", Date, 0}, {"Shipped at", Time, 0}, {"Link", Link, 0}},
		Rows: rowsOf(
			[]any{"00123", "Fresh milk 鲜牛奶", 480, "480.500", at, at, "https://id.example/01/09506000134352"},
			[]any{attack, "+1 @x -2\x00\x0b\ufffe & <b>", int64(-7), "-0.000001", nil, time.Time{}, "javascript:alert(1)"},
			[]any{"\ttab", "line\nbreak, \"quoted\"", uint8(3), "12345678901234567890.5", "2026-04-01", nil, nil},
		),
	}
}

func TestXLSXReadsBackAsItWas(t *testing.T) {
	var out bytes.Buffer
	if err := XLSX(&out, sample()); err != nil {
		t.Fatal(err)
	}
	file, err := excelize.OpenReader(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	sheet := "Shipments   发运"
	cases := []struct{ cell, want string }{
		{"A1", "Lot"}, {"B1", "Product 产品"},
		{"A2", "00123"}, {"B2", "Fresh milk 鲜牛奶"}, {"C2", "480"}, {"D2", "480.5"},
		{"E2", "2026-03-01"}, {"F2", "2026-03-02 07:30:15"}, {"G2", "https://id.example/01/09506000134352"},
		{"A3", attack}, {"B3", "+1 @x -2 & <b>"}, {"C3", "-7"}, {"D3", "-0.000001"}, {"E3", ""}, {"F3", ""}, {"G3", "javascript:alert(1)"},
		{"A4", "\ttab"}, {"D4", "12345678901234567890.5"}, {"E4", "2026-04-01"},
	}
	for _, c := range cases {
		if got, err := file.GetCellValue(sheet, c.cell); err != nil || got != c.want {
			t.Errorf("%s: got %q (%v), want %q", c.cell, got, err, c.want)
		}
		if f, _ := file.GetCellFormula(sheet, c.cell); f != "" {
			t.Errorf("%s is the formula %q", c.cell, f)
		}
	}
	if raw, _ := file.GetCellValue(sheet, "F2", excelize.Options{RawCellValue: true}); !strings.HasPrefix(raw, "46083.31267") {
		t.Errorf("F2 is kept as %q, want an Excel date", raw)
	}
	if has, target, _ := file.GetCellHyperLink(sheet, "G2"); !has || target != "https://id.example/01/09506000134352" {
		t.Errorf("G2 links to %q", target)
	}
	if has, target, _ := file.GetCellHyperLink(sheet, "G3"); has {
		t.Errorf("G3 links to %q", target)
	}
	xml := part(t, out.Bytes(), "xl/worksheets/sheet1.xml")
	for _, want := range []string{`<autoFilter ref="$A$1:$G$4"`, `state="frozen"`, `ySplit="1"`} {
		if !strings.Contains(xml, want) {
			t.Errorf("the sheet has no %s", want)
		}
	}
	if strings.Contains(xml, "<f>") {
		t.Error("the sheet has a formula")
	}
}

func TestXLSXLeavesEmptyCellsToTheirColumns(t *testing.T) {
	table := Table{Title: "Gaps", Columns: []Column{{Header: "Lot"}, {Header: "Made", Kind: Date}, {Header: "Note"}, {Header: "Count", Kind: Integer}},
		Rows: rowsOf([]any{"", time.Time{}, "00123", nil}, []any{"L2", nil, "", 0})}
	var out bytes.Buffer
	if err := XLSX(&out, table); err != nil {
		t.Fatal(err)
	}
	sheet := part(t, out.Bytes(), "xl/worksheets/sheet1.xml")
	for _, ref := range []string{"A2", "B2", "D2", "B3", "C3"} {
		if strings.Contains(sheet, `r="`+ref+`"`) {
			t.Errorf("the empty cell %s stands in the sheet", ref)
		}
	}
	file, err := excelize.OpenReader(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for ref, want := range map[string]string{"A2": "", "C2": "00123", "A3": "L2", "C3": "", "D3": "0"} {
		if got, err := file.GetCellValue("Gaps", ref); err != nil || got != want {
			t.Errorf("%s is %q (%v), not %q", ref, got, err, want)
		}
	}
	if id, err := file.GetColStyle("Gaps", "C"); err != nil || id == 0 {
		t.Errorf("column C has style %d (%v): a lot typed into a gap would lose its zeros", id, err)
	}
}

func TestXLSXHasOnlySoManyLinks(t *testing.T) {
	var out bytes.Buffer
	table := Table{Title: "Packs", Columns: []Column{{"Address", Link, 0}}, Rows: func(yield func([]any, error) bool) {
		for i := range mostLinks + 1 {
			yield([]any{fmt.Sprint("https://id.example/", i)}, nil)
		}
	}}
	if err := XLSX(&out, table); err != nil {
		t.Fatal(err)
	}
	xml := part(t, out.Bytes(), "xl/worksheets/sheet1.xml")
	if n := strings.Count(xml, "<hyperlink "); n != mostLinks || strings.Count(xml, "https://id.example/") != mostLinks+1 {
		t.Errorf("%d links", n)
	}
}

func part(t *testing.T, archive []byte, name string) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestXLSXGoesOnOnFurtherSheets(t *testing.T) {
	file := excelize.NewFile()
	defer file.Close()
	table := Table{Title: "Lots", Columns: []Column{{"N", Integer, 0}}, Rows: func(yield func([]any, error) bool) {
		for i := range 7 {
			yield([]any{i}, nil)
		}
	}}
	book := &workbook{file: file, table: table, rowsPerSheet: 3}
	if err := book.write(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := file.Write(&out); err != nil {
		t.Fatal(err)
	}
	back, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	got := ""
	for _, sheet := range back.GetSheetList() {
		rows, err := back.GetRows(sheet)
		if err != nil {
			t.Fatal(err)
		}
		got += fmt.Sprint(sheet, rows, "; ")
	}
	if want := "Lots[[N] [0] [1] [2]]; Lots 2[[N] [3] [4] [5]]; Lots 3[[N] [6]]; "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCSVReadsBackAndRunsNothing(t *testing.T) {
	var out bytes.Buffer
	if err := CSV(&out, sample()); err != nil {
		t.Fatal(err)
	}
	text, ok := strings.CutPrefix(out.String(), "\ufeff")
	if !ok || strings.Count(text, "\r\n") != 5 {
		t.Errorf("no byte order mark or no CRLF: %q", text)
	}
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"Lot", "Product 产品", "Pieces", "Quantity kg", "Best before", "Shipped at", "Link"},
		{"00123", "Fresh milk 鲜牛奶", "480", "480.500", "2026-03-01", "2026-03-02 07:30:15", "https://id.example/01/09506000134352"},
		{"'" + attack, "'+1 @x -2 & <b>", "-7", "-0.000001", "", "", "javascript:alert(1)"},
		{"'\ttab", "line\nbreak, \"quoted\"", "3", "12345678901234567890.5", "2026-04-01", "", ""},
	}
	if fmt.Sprint(lines) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", lines, want)
	}
}

func FuzzCSVCellNeverStartsAFormula(f *testing.F) {
	for _, s := range []string{attack, "@x", "\r=1", "\x00=1", "＝1", "-1+cmd", "-1", "ok"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var out bytes.Buffer
		if err := CSV(&out, Table{Columns: []Column{{"a", Quantity, 0}}, Rows: rowsOf([]any{s})}); err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), "\ufeff"))).ReadAll()
		if err != nil {
			t.Fatalf("%q: %v", out.String(), err)
		}
		if len(lines) == 2 && strings.IndexAny(lines[1][0], "=+-@＝＋－＠\t\r\n") == 0 && !isDecimal(lines[1][0]) {
			t.Errorf("the cell reads %q", lines[1][0])
		}
	})
}

func TestErrorsAmongTheRowsEndTheExport(t *testing.T) {
	broken := errors.New("connection lost")
	writers := map[string]func(io.Writer, Table) error{"csv": CSV, "xlsx": XLSX, "pdf": PDF}
	for name, write := range writers {
		table := Table{Title: "Lots", Columns: []Column{{"A", Text, 0}}, Rows: func(yield func([]any, error) bool) {
			_ = yield([]any{"x"}, nil) && yield(nil, broken)
		}}
		if err := write(io.Discard, table); !errors.Is(err, broken) || !strings.Contains(err.Error(), "row 2") {
			t.Errorf("%s: got %v", name, err)
		}
		table.Rows = rowsOf([]any{"x", "y"})
		if err := write(io.Discard, table); err == nil || !strings.Contains(err.Error(), "2 cells for 1 columns") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
