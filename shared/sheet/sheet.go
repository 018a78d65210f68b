// Package sheet reads what people fill in with a spreadsheet, XLSX or CSV, and
// writes the templates that they fill in.
//
// A file comes from anybody: it is read in bounded memory, macros and outside
// links are never looked at, and no formula is worked out, the value that the
// spreadsheet kept beside it is taken. What a cell means is left to the apps.
package sheet

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// What one file may hold.
const (
	MaxBytes   = 4 << 20  // of the file
	MaxRows    = 5000     // below the headings, blank ones not counted
	MaxColumns = 64       // to the right of which nothing is read
	MaxCell    = 2000     // characters of one cell
	maxUnzip   = 48 << 20 // of what a workbook unpacks to
	maxStrings = 16 << 20 // bytes of a workbook's shared texts
)

// Cell is what stands in one cell.
type Cell struct {
	Text string // as typed; of a number its decimal digits, with a point
	// Number tells that the spreadsheet keeps a number, so that a point in Text
	// is a decimal point for certain.
	Number bool
	Date   bool // a Number that is shown as a date: days since 1899-12-30
	// Formula tells that Text is what the formula came to when the file was
	// last saved; it is empty where the program that wrote it kept no value.
	Formula bool
}

// Row is one line with its number in the sheet, from 1.
type Row struct {
	Number int
	Cells  []Cell
}

// Blank reports whether nothing stands in the row.
func (r Row) Blank() bool {
	for _, c := range r.Cells {
		if c.Text != "" || c.Formula {
			return false
		}
	}
	return true
}

// Table is a file's first sheet: its headings and what stands below.
type Table struct {
	Head Row
	Rows []Row
}

// Errors of a file as a whole. Their texts are for people.
var (
	ErrKind   = errors.New("this is neither a workbook (.xlsx) nor a CSV file")
	ErrBroken = errors.New("the file is damaged or is no workbook")
	ErrLarge  = errors.New("the file is too large")
	ErrRows   = fmt.Errorf("the file has more than %d rows", MaxRows)
	ErrEmpty  = errors.New("the file has no rows")
	ErrCell   = fmt.Errorf("a cell holds more than %d characters", MaxCell)
	ErrCode   = errors.New("the text is neither UTF-8 nor UTF-16 nor GB 18030")
)

// Read reads a file by what it is; its name decides only between texts.
func Read(name string, file []byte) (Table, error) {
	switch {
	case len(file) > MaxBytes:
		return Table{}, ErrLarge
	case len(file) == 0:
		return Table{}, ErrEmpty
	case strings.HasPrefix(string(file), "PK\x03\x04"):
		return readXLSX(file)
	case strings.HasPrefix(string(file), "\xd0\xcf\x11\xe0"): // a workbook of before 2007, or one with a password
		return Table{}, ErrKind
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".csv", ".txt", ".tsv":
		return readCSV(file)
	}
	return Table{}, ErrKind
}

// collector gathers rows within the limits.
type collector struct {
	table Table
	rows  int
}

// add takes the next row; the first that is not blank holds the headings.
func (c *collector) add(r Row) error {
	r.Cells = r.Cells[:min(len(r.Cells), MaxColumns)]
	for i := range r.Cells {
		r.Cells[i].Text = strings.TrimSpace(r.Cells[i].Text)
		if len(r.Cells[i].Text) > 4*MaxCell || len([]rune(r.Cells[i].Text)) > MaxCell {
			return ErrCell
		}
	}
	if r.Blank() {
		return nil
	}
	if c.table.Head.Number == 0 {
		c.table.Head = r
		return nil
	}
	if c.rows++; c.rows > MaxRows {
		return ErrRows
	}
	c.table.Rows = append(c.table.Rows, r)
	return nil
}

func (c *collector) done() (Table, error) {
	if len(c.table.Rows) == 0 {
		return Table{}, ErrEmpty
	}
	return c.table, nil
}
