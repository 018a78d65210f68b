package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math/big"
	"path"
	"strconv"
	"strings"
)

// book is a workbook (ECMA-376, part 1, section 12.3) while it is read: only the
// parts that hold the first sheet's values are opened.
type book struct {
	parts   map[string]*zip.File
	left    int64 // bytes that may still be unpacked
	strings []string
	dates   []bool // by style: its numbers are shown as dates
	shift   int64  // days between the workbook's epoch and 1899-12-30
}

func readXLSX(file []byte) (Table, error) {
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return Table{}, ErrBroken
	}
	b := &book{parts: map[string]*zip.File{}, left: maxUnzip}
	for _, f := range z.File {
		b.parts[strings.TrimPrefix(path.Clean(strings.ReplaceAll(f.Name, `\`, "/")), "/")] = f
	}
	sheet, err := b.firstSheet()
	if err != nil {
		return Table{}, err
	}
	if err := b.readStrings("xl/sharedStrings.xml"); err != nil {
		return Table{}, err
	}
	if err := b.readStyles("xl/styles.xml"); err != nil {
		return Table{}, err
	}
	return b.readSheet(sheet)
}

// tokens walks a part's XML. A part that is not there has no tokens.
func (b *book) tokens(name string, visit func(*xml.Decoder, xml.StartElement) error) error {
	f := b.parts[name]
	if f == nil {
		return nil
	}
	r, err := f.Open()
	if err != nil {
		return ErrBroken
	}
	defer r.Close()
	bounded := &bound{r, &b.left}
	d := xml.NewDecoder(bounded)
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return broken(err)
		}
		if start, ok := t.(xml.StartElement); ok {
			if err := visit(d, start); err != nil {
				return broken(err)
			}
		}
	}
}

// bound stops a file that unpacks to more than it may.
type bound struct {
	io.Reader
	left *int64
}

func (b *bound) Read(p []byte) (int, error) {
	if *b.left <= 0 {
		return 0, ErrLarge
	}
	n, err := b.Reader.Read(p[:min(int64(len(p)), *b.left)])
	*b.left -= int64(n)
	return n, err
}

// broken keeps our own errors and hides the decoder's.
func broken(err error) error {
	for _, own := range []error{ErrLarge, ErrRows, ErrCell, errEnough} {
		if errors.Is(err, own) {
			return own
		}
	}
	return ErrBroken
}

// errEnough ends a walk early.
var errEnough = errors.New("enough")

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// firstSheet finds the part of the first sheet that is to be seen.
func (b *book) firstSheet() (string, error) {
	id := ""
	err := b.tokens("xl/workbook.xml", func(_ *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			if v := attribute(e, "date1904"); v == "1" || v == "true" {
				b.shift = 1462
			}
		case "sheet":
			if id == "" && attribute(e, "state") == "" {
				id = relation(e)
			}
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	target := ""
	err = b.tokens("xl/_rels/workbook.xml.rels", func(_ *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local == "Relationship" && attribute(e, "Id") == id {
			target = attribute(e, "Target")
		}
		return nil
	})
	if err != nil || target == "" {
		return "", ErrBroken
	}
	if rest, ok := strings.CutPrefix(target, "/"); ok {
		return path.Clean(rest), nil
	}
	return path.Join("xl", target), nil
}

// relation is a sheet's r:id; its sheetId is another matter.
func relation(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name.Local == "id" && a.Name.Space != "" {
			return a.Value
		}
	}
	return ""
}

func (b *book) readStrings(name string) error {
	size := 0
	return b.tokens(name, func(d *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		text, err := runs(d, "si")
		if size += len(text) + 16; err == nil && size > maxStrings {
			err = ErrLarge
		}
		b.strings = append(b.strings, text)
		return err
	})
}

// runs joins the texts inside an element, without the readings that stand above
// Chinese and Japanese signs.
func runs(d *xml.Decoder, end string) (string, error) {
	var text strings.Builder
	inside, phonetic := false, false
	for {
		t, err := d.RawToken()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			inside = t.Name.Local == "t"
			phonetic = phonetic || t.Name.Local == "rPh"
		case xml.EndElement:
			inside = false
			if t.Name.Local == "rPh" {
				phonetic = false
			}
			if t.Name.Local == end {
				return text.String(), nil
			}
		case xml.CharData:
			if inside && !phonetic && text.Len() <= 4*MaxCell {
				text.Write(t)
			}
		}
	}
}

// mostStyles is what a workbook may have by its own rules.
const mostStyles = 65_490

func (b *book) readStyles(name string) error {
	formats, cells := map[string]string{}, false
	return b.tokens(name, func(_ *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "numFmt":
			if len(formats) < mostStyles {
				formats[attribute(e, "numFmtId")] = attribute(e, "formatCode")
			}
		case "cellXfs":
			cells = true
		case "cellStyles", "dxfs":
			cells = false
		case "xf":
			if cells && len(b.dates) < mostStyles {
				id := attribute(e, "numFmtId")
				b.dates = append(b.dates, isDate(id, formats[id]))
			}
		}
		return nil
	})
}

// isDate tells whether a number format shows a date (ECMA-376, section 18.8.30).
func isDate(id, code string) bool {
	if code == "" {
		n, _ := strconv.Atoi(id)
		return n >= 14 && n <= 22 || n >= 27 && n <= 36 || n >= 45 && n <= 47 || n >= 50 && n <= 58
	}
	quoted, bracket := false, false
	for i, r := range code {
		switch {
		case r == '"':
			quoted = !quoted
		case r == '[':
			bracket = true
		case r == ']':
			bracket = false
		case !quoted && !bracket && (i == 0 || code[i-1] != '\\') && strings.ContainsRune("ymdhYMDH", r):
			return true
		}
	}
	return false
}

func (b *book) readSheet(name string) (Table, error) {
	if b.parts[name] == nil {
		return Table{}, ErrBroken
	}
	var c collector
	number := 0
	err := b.tokens(name, func(d *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local != "row" {
			return nil
		}
		number++
		if n, err := strconv.Atoi(attribute(e, "r")); err == nil && n > 0 {
			number = n
		}
		row, err := b.readRow(d, number)
		if err != nil {
			return err
		}
		return c.add(row)
	})
	if err != nil {
		return Table{}, err
	}
	return c.done()
}

func (b *book) readRow(d *xml.Decoder, number int) (Row, error) {
	row, column := Row{Number: number}, -1
	for {
		t, err := d.RawToken()
		if err != nil {
			return row, err
		}
		switch t := t.(type) {
		case xml.EndElement:
			if t.Name.Local == "row" {
				return row, nil
			}
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			column++
			if at := columnOf(attribute(t, "r")); at >= 0 {
				column = at
			}
			cell, err := b.readCell(d, t)
			if err != nil {
				return row, err
			}
			if column >= MaxColumns {
				continue
			}
			for len(row.Cells) <= column {
				row.Cells = append(row.Cells, Cell{})
			}
			row.Cells[column] = cell
		}
	}
}

// columnOf reads the letters of "AB12", from 0; -1 where there are none.
func columnOf(ref string) int {
	n := 0
	for i := 0; i < len(ref) && i < 4; i++ {
		if ref[i] < 'A' || ref[i] > 'Z' {
			break
		}
		n = n*26 + int(ref[i]-'A') + 1
	}
	return n - 1
}

func (b *book) readCell(d *xml.Decoder, start xml.StartElement) (Cell, error) {
	var cell Cell
	var value strings.Builder
	kind, inside := attribute(start, "t"), ""
	for {
		t, err := d.RawToken()
		if err != nil {
			return cell, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			inside = t.Name.Local
			switch inside {
			case "f":
				cell.Formula = true
			case "is":
				if cell.Text, err = runs(d, "is"); err != nil {
					return cell, err
				}
			}
		case xml.CharData:
			if inside == "v" && value.Len() <= 4*MaxCell {
				value.Write(t)
			}
		case xml.EndElement:
			if inside = ""; t.Name.Local == "c" {
				return b.valued(cell, kind, value.String(), attribute(start, "s")), nil
			}
		}
	}
}

// valued reads a cell's value by its type (ECMA-376, section 18.18.11).
func (b *book) valued(cell Cell, kind, value, style string) Cell {
	switch kind {
	case "inlineStr":
	case "s":
		if i, err := strconv.Atoi(value); err == nil && i >= 0 && i < len(b.strings) {
			cell.Text = b.strings[i]
		}
	case "b":
		cell.Text = map[string]string{"1": "TRUE", "0": "FALSE"}[value]
	case "", "n":
		cell.Text = plain(value)
		cell.Number = cell.Text != ""
		if i, err := strconv.Atoi(style); err == nil && i >= 0 && i < len(b.dates) {
			cell.Date = cell.Number && b.dates[i]
		}
		if cell.Date && b.shift != 0 {
			cell.Text = shifted(cell.Text, b.shift)
		}
	default: // "str", "d", "e"
		cell.Text = value
	}
	return cell
}

// plain writes a number without an exponent. Excel counts in binary: what it
// stores as 0.30000000000000004 was typed as 0.3.
func plain(value string) string {
	if len(value) > 40 {
		return ""
	}
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || f > 1e22 || f < -1e22 || f != f {
		return ""
	}
	digits := strings.Trim(strings.TrimLeft(value, "-"), "0.")
	if !strings.ContainsAny(value, "eE") && len(strings.ReplaceAll(digits, ".", "")) <= 15 {
		return value
	}
	short := strconv.FormatFloat(f, 'g', 15, 64)
	if exact, ok := new(big.Rat).SetString(short); ok {
		text := exact.FloatString(20)
		return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return ""
}

func shifted(serial string, days int64) string {
	n, ok := new(big.Rat).SetString(serial)
	if !ok {
		return serial
	}
	text := n.Add(n, new(big.Rat).SetInt64(days)).FloatString(10)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
