package export

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

// rowsPerSheet is what a sheet holds beside its header: 2^20 rows in all. What
// is more goes on further sheets.
const rowsPerSheet = 1<<20 - 1

// mostLinks is how many addresses of a sheet can be clicked; further ones are
// text. The library looks through all links before it adds one, so their cost
// grows with the square; Excel itself stops at 65,530.
const mostLinks = 2000

// XLSX writes the table as an Excel workbook: a bold header that stays in view,
// filters, numbers as numbers, dates as dates. The rows go through a temporary
// file and the zip straight to w, so memory does not grow with them.
//
// No cell is a formula, whatever it holds.
func XLSX(w io.Writer, t Table) error { return Workbook(w, t) }

// Workbook writes several tables as one workbook, as XLSX does with one: each
// on sheets of its own, named by its title. The first tells the workbook's own
// title, note and time.
func Workbook(w io.Writer, tables ...Table) error {
	if len(tables) == 0 {
		return errors.New("export a workbook: there is no table for it")
	}
	file := excelize.NewFile()
	defer file.Close()
	file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return quickZip(w) })
	book := &workbook{file: file, rowsPerSheet: rowsPerSheet}
	for _, t := range tables {
		book.table, book.sheets = t, 0
		if err := book.write(); err != nil {
			return err
		}
	}
	if err := file.Write(io.Discard); err != nil { // the zip writer has it all
		return fmt.Errorf("export %q: write the workbook: %w", tables[0].Title, err)
	}
	return nil
}

// quickZip compresses lightly: the time goes into rows rather than into the
// last tenth of the size.
func quickZip(w io.Writer) *zip.Writer {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestSpeed)
	})
	return z
}

// workbook is one being written.
type workbook struct {
	file         *excelize.File
	table        Table
	rowsPerSheet int

	header int
	linked int
	styles []int // of each column
	sheets int   // of the table
	whole  int   // of the workbook, with those of other tables
	sheet  string
	stream *excelize.StreamWriter
	row    int // of the sheet, the header being 1
	links  int // on the sheet
	cells  []excelize.Cell
	values []any // the cells, as excelize takes them
}

func (b *workbook) write() error {
	if err := b.prepare(); err != nil {
		return fmt.Errorf("export %q: %w", b.table.Title, err)
	}
	if err := b.open(); err != nil {
		return fmt.Errorf("export %q: open a sheet: %w", b.table.Title, err)
	}
	if err := b.table.each(b.add); err != nil {
		return err
	}
	if err := b.close(); err != nil {
		return fmt.Errorf("export %q: close a sheet: %w", b.table.Title, err)
	}
	return nil
}

func (b *workbook) prepare() (err error) {
	if b.whole == 0 {
		at := b.table.At.UTC().Format(time.RFC3339)
		err := b.file.SetDocProps(&excelize.DocProperties{Title: clean(b.table.Title), Description: clean(b.table.Note),
			Created: at, Modified: at})
		if err != nil {
			return err
		}
	}
	b.styles = nil
	b.header, err = b.file.NewStyle(&excelize.Style{
		Font:      &excelize.Font{Bold: true},
		Fill:      excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E8EEF1"}},
		Border:    []excelize.Border{{Type: "bottom", Style: 1, Color: "8AA0AB"}},
		Alignment: &excelize.Alignment{Vertical: "center", WrapText: true},
	})
	if err != nil {
		return err
	}
	b.linked, err = b.file.NewStyle(&excelize.Style{NumFmt: 49,
		Font: &excelize.Font{Color: "0563C1", Underline: "single"}})
	if err != nil {
		return err
	}
	for _, c := range b.table.Columns {
		style, err := b.file.NewStyle(cellStyle(c.Kind))
		if err != nil {
			return err
		}
		b.styles = append(b.styles, style)
	}
	b.cells = make([]excelize.Cell, len(b.table.Columns))
	b.values = make([]any, len(b.table.Columns))
	return nil
}

func cellStyle(kind Kind) *excelize.Style {
	format := func(f string) *excelize.Style { return &excelize.Style{CustomNumFmt: &f} }
	switch kind {
	case Integer:
		return format("#,##0")
	case Quantity:
		return format("#,##0.######")
	case Percent:
		return format("0%")
	case Date:
		return format("yyyy-mm-dd")
	case Time:
		return format("yyyy-mm-dd hh:mm:ss")
	default:
		return &excelize.Style{NumFmt: 49} // text: a lot "00123" keeps its zeros when edited
	}
}

// open begins the next sheet with its header.
func (b *workbook) open() (err error) {
	b.sheets++
	b.whole++
	b.sheet = sheetName(b.table.Title, b.sheets)
	if b.whole == 1 {
		err = b.file.SetSheetName("Sheet1", b.sheet)
	} else {
		_, err = b.file.NewSheet(b.sheet)
	}
	if err != nil {
		return err
	}
	if b.stream, err = b.file.NewStreamWriter(b.sheet); err != nil {
		return err
	}
	b.row, b.links = 1, 0
	var header []any
	for i, c := range b.table.Columns {
		header = append(header, excelize.Cell{StyleID: b.header, Value: clean(c.Header)})
		if err := b.stream.SetColWidth(i+1, i+1, min(c.width()+2, 255)); err != nil {
			return err
		}
		if err := b.stream.SetColStyle(i+1, i+1, b.styles[i]); err != nil {
			return err
		}
	}
	err = b.stream.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
	if err != nil {
		return err
	}
	return b.stream.SetRow("A1", header, excelize.RowOpts{Height: 20})
}

// close ends the sheet at hand. The filters cover what it has.
func (b *workbook) close() error {
	if len(b.table.Columns) > 0 {
		end, err := excelize.CoordinatesToCellName(len(b.table.Columns), b.row)
		if err != nil {
			return err
		}
		if err := b.file.AutoFilter(b.sheet, "A1:"+end, nil); err != nil {
			return err
		}
	}
	return b.stream.Flush()
}

func (b *workbook) add(_ int, row []any) error {
	if b.row > b.rowsPerSheet {
		if err := b.close(); err != nil {
			return err
		}
		if err := b.open(); err != nil {
			return err
		}
	}
	b.row++
	for i, cell := range row {
		kind := b.table.Columns[i].Kind
		value := b.value(kind, cell)
		if value == nil || value == "" { // its column has the style
			b.values[i] = nil
			continue
		}
		b.cells[i] = excelize.Cell{StyleID: b.styles[i], Value: value}
		b.values[i] = &b.cells[i]
		if address, ok := b.clickable(kind, cell); ok {
			if err := b.link(i+1, address); err != nil {
				return err
			}
			b.cells[i] = excelize.Cell{StyleID: b.linked, Value: address}
		}
	}
	return b.stream.SetRow("A"+strconv.Itoa(b.row), b.values)
}

// value is what Excel keeps: a number, a date or a string, never a formula.
func (b *workbook) value(kind Kind, cell any) any {
	switch v := cell.(type) {
	case time.Time:
		switch {
		case v.IsZero():
			return nil
		case kind == Date:
			return float64(days(v))
		case kind == Time:
			// Excel's times know no zone: the reading on the zone's clock counts.
			v = v.In(b.table.zone())
			hour, minute, second := v.Clock()
			return float64(days(v)) + float64(hour*3600+minute*60+second)/86400
		}
	case int:
		if kind == Percent {
			return float64(v) / 100
		}
		if -1e15 < v && v < 1e15 {
			return v
		}
	case int64:
		if -1e15 < v && v < 1e15 {
			return v
		}
	case nil:
		return nil
	}
	text := b.table.text(kind, cell)
	if kind == Integer || kind == Quantity {
		if number, exact := exactly(text); exact {
			return number
		}
	}
	return text
}

// days counts from 1899-12-30, which makes Excel's dates right from March 1900.
func days(t time.Time) int64 {
	year, month, day := t.Date()
	const of1970 = 25569
	return of1970 + time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix()/86400
}

// exactly is the number that Excel shows for a decimal, if it keeps all of its
// digits. Excel counts in binary and to fifteen of them; so many always survive.
func exactly(decimal string) (float64, bool) {
	if !isDecimal(decimal) || significant(decimal) > 15 {
		return 0, false
	}
	number, err := strconv.ParseFloat(decimal, 64)
	return number, err == nil
}

// significant counts the digits that a decimal's value needs.
func significant(decimal string) int {
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(decimal, "-"), ".")
	digits := strings.TrimLeft(whole+strings.TrimRight(fraction, "0"), "0")
	return len(digits)
}

// clickable gives the address of a cell that Excel may open.
func (b *workbook) clickable(kind Kind, cell any) (string, bool) {
	if kind != Link || b.links >= mostLinks {
		return "", false
	}
	address := b.table.text(kind, cell)
	return address, strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")
}

func (b *workbook) link(column int, address string) error {
	b.links++
	cell, err := excelize.CoordinatesToCellName(column, b.row)
	if err != nil {
		return err
	}
	return b.file.SetCellHyperLink(b.sheet, cell, address, "External")
}

// sheetName is the title without what Excel forbids in a sheet's name, with a
// number from the second sheet on.
func sheetName(title string, n int) string {
	name := strings.TrimSpace(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`:\/?*[]`, r) || r < ' ' {
			return ' '
		}
		return r
	}, clean(title)))
	name = strings.Trim(name, "'")
	if name == "" {
		name = "Sheet"
	}
	suffix := ""
	if n > 1 {
		suffix = " " + strconv.Itoa(n)
	}
	runes := []rune(name)
	const longest = 31 - 4 // room for the number
	return string(runes[:min(len(runes), longest)]) + suffix
}
