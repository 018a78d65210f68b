package sheet

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/xuri/excelize/v2"
)

// Kind says how a template's column is set.
type Kind int

// Digits are text, so that no spreadsheet drops a leading zero.
const (
	Text Kind = iota
	Digits
	Quantity
	Date
)

// Column is one column of a template.
type Column struct {
	Head    string
	Note    string // shown beside the cell
	Kind    Kind
	Width   float64
	Choices []string // offered in a list; other entries are taken as well
	Example string
}

// Template is an empty form with an example and a sheet that explains it.
type Template struct {
	Sheet   string // names of the two sheets
	Guide   string
	Columns []Column
	Rules   []string // sentences above the columns' notes
	Heads   [2]string
}

// listSheet holds the lists of choices, out of sight.
const listSheet = "Lists"

// XLSX writes the template as a workbook.
func (t Template) XLSX(w io.Writer) error {
	f := excelize.NewFile()
	defer f.Close()
	d := &drawer{f: f}
	d.try(f.SetSheetName("Sheet1", t.Sheet))
	d.newSheet(t.Guide)
	head := d.style(&excelize.Style{Font: &excelize.Font{Bold: true}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E8EEF1"}},
		Alignment: &excelize.Alignment{Vertical: "center", WrapText: true}})
	grey := &excelize.Font{Color: "7A868C", Italic: true}
	for i, c := range t.Columns {
		letter, _ := excelize.ColumnNumberToName(i + 1)
		d.set(t.Sheet, letter+"1", c.Head)
		d.try(f.SetColWidth(t.Sheet, letter, letter, c.Width))
		d.try(f.SetColStyle(t.Sheet, letter, d.style(c.Kind.style(nil))))
		d.try(f.SetCellStyle(t.Sheet, letter+"1", letter+"1", head))
		d.set(t.Sheet, letter+"2", c.Example)
		d.try(f.SetCellStyle(t.Sheet, letter+"2", letter+"2", d.style(c.Kind.style(grey))))
		d.offer(t.Sheet, letter, i, c)
	}
	d.try(f.SetRowHeight(t.Sheet, 1, 32))
	d.try(f.SetPanes(t.Sheet, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}))
	t.explain(d, head)
	f.SetActiveSheet(0)
	if d.err == nil {
		d.err = f.Write(w)
	}
	if d.err != nil {
		return fmt.Errorf("write the template %s: %w", t.Sheet, d.err)
	}
	return nil
}

func (k Kind) style(font *excelize.Font) *excelize.Style {
	s := &excelize.Style{Font: font}
	switch k {
	case Date:
		format := "yyyy-mm-dd"
		s.CustomNumFmt = &format
	case Text, Digits:
		s.NumFmt = 49
	}
	return s
}

// explain writes the sheet of instructions.
func (t Template) explain(d *drawer, head int) {
	row := 1
	wrap := d.style(&excelize.Style{Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}})
	for _, sentence := range t.Rules {
		d.set(t.Guide, "A"+strconv.Itoa(row), sentence)
		row++
	}
	row++
	d.set(t.Guide, "A"+strconv.Itoa(row), t.Heads[0])
	d.set(t.Guide, "B"+strconv.Itoa(row), t.Heads[1])
	d.try(d.f.SetCellStyle(t.Guide, "A"+strconv.Itoa(row), "B"+strconv.Itoa(row), head))
	for _, c := range t.Columns {
		row++
		d.set(t.Guide, "A"+strconv.Itoa(row), c.Head)
		d.set(t.Guide, "B"+strconv.Itoa(row), c.Note)
		d.try(d.f.SetCellStyle(t.Guide, "A"+strconv.Itoa(row), "B"+strconv.Itoa(row), wrap))
	}
	d.try(d.f.SetColWidth(t.Guide, "A", "A", 28))
	d.try(d.f.SetColWidth(t.Guide, "B", "B", 90))
}

// CSV writes the headings and the example.
func (t Template) CSV(w io.Writer) error {
	var head, example []string
	for _, c := range t.Columns {
		head, example = append(head, c.Head), append(example, c.Example)
	}
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	return out.WriteAll([][]string{head, example})
}

// Annotated writes a file as it was read with one more column: what is to be
// mended in each row. Every row keeps its number.
func Annotated(w io.Writer, t Table, head string, notes map[int]string) error {
	f := excelize.NewFile()
	defer f.Close()
	d := &drawer{f: f}
	const name = "Sheet1"
	last := len(t.Head.Cells)
	for _, r := range t.Rows {
		last = max(last, len(r.Cells))
	}
	letter, _ := excelize.ColumnNumberToName(last + 1)
	text := d.style(&excelize.Style{NumFmt: 49})
	wrong := d.style(&excelize.Style{NumFmt: 49, Font: &excelize.Font{Color: "B42318"}, Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}})
	marked := d.style(&excelize.Style{NumFmt: 49, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"FDECEA"}}})
	date := d.style(Date.style(nil))
	for _, r := range append([]Row{t.Head}, t.Rows...) {
		for i, c := range r.Cells {
			at, _ := excelize.CoordinatesToCellName(i+1, r.Number)
			style := text
			if n, err := strconv.ParseFloat(c.Text, 64); err == nil && c.Number {
				d.try(f.SetCellValue(name, at, n))
				if style = 0; c.Date {
					style = date
				}
			} else {
				d.set(name, at, c.Text)
			}
			if notes[r.Number] != "" && style == text {
				style = marked
			}
			d.try(f.SetCellStyle(name, at, at, style))
		}
		if note := notes[r.Number]; note != "" {
			d.set(name, letter+strconv.Itoa(r.Number), note)
			d.try(f.SetCellStyle(name, letter+strconv.Itoa(r.Number), letter+strconv.Itoa(r.Number), wrong))
		}
	}
	d.set(name, letter+strconv.Itoa(t.Head.Number), head)
	d.try(f.SetColWidth(name, "A", letter, 18))
	d.try(f.SetColWidth(name, letter, letter, 80))
	if d.err == nil {
		d.err = f.Write(w)
	}
	if d.err != nil {
		return fmt.Errorf("write a sheet with its problems: %w", d.err)
	}
	return nil
}

// drawer keeps the first error of many small steps.
type drawer struct {
	f   *excelize.File
	err error
}

func (d *drawer) try(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *drawer) set(sheet, cell, text string) {
	if text != "" {
		d.try(d.f.SetCellStr(sheet, cell, text)) // a text, whatever it begins with: never a formula
	}
}

func (d *drawer) newSheet(name string) {
	_, err := d.f.NewSheet(name)
	d.try(err)
}

func (d *drawer) style(s *excelize.Style) int {
	id, err := d.f.NewStyle(s)
	d.try(err)
	return id
}

// offer hangs a list of choices on a column; its texts stand on a hidden sheet,
// because a list within the cell holds 255 characters.
func (d *drawer) offer(sheet, letter string, column int, c Column) {
	v := excelize.NewDataValidation(true)
	v.SetSqref(letter + "2:" + letter + strconv.Itoa(MaxRows+1))
	if c.Note != "" {
		v.SetInput(cut(c.Head, 32), cut(c.Note, 250))
	}
	if len(c.Choices) > 0 {
		if i, _ := d.f.GetSheetIndex(listSheet); i < 0 {
			d.newSheet(listSheet)
			d.try(d.f.SetSheetVisible(listSheet, false))
		}
		at, _ := excelize.ColumnNumberToName(column + 1)
		for i, choice := range c.Choices {
			d.set(listSheet, at+strconv.Itoa(i+1), choice)
		}
		v.SetSqrefDropList(fmt.Sprintf("%s!$%s$1:$%s$%d", listSheet, at, at, len(c.Choices)))
	}
	d.try(d.f.AddDataValidation(sheet, v))
}

func cut(text string, most int) string {
	runes := []rune(text)
	return string(runes[:min(len(runes), most)])
}
