// Package export turns a table into a spreadsheet, a CSV file or a PDF, and a
// pack's address into a QR code and a label.
//
// Rows are taken one at a time, so a list of a million is written as it is
// read. Nothing that stands in a cell can run on the reader's machine. Which
// columns a list has, and in whose language, is left to the apps.
package export

import (
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind says what a column holds and so how it is set.
type Kind int

// The kinds, with the Go values that their cells may be. Any cell may be nil.
const (
	Text     Kind = iota // string, fmt.Stringer
	Integer              // an integer of any size
	Quantity             // a decimal as string or fmt.Stringer ("480.5"), or an integer
	Date                 // time.Time, or a string, which is set as it stands
	Time                 // time.Time, set in the table's zone to the second
	Link                 // an address, as string
	Percent              // an int from 0 to 100; on paper a bar stands beside it
)

// Column is one column of a table.
type Column struct {
	Header string
	Kind   Kind
	Width  float64 // in digits; 0 is the usual one of the kind
}

// Table is what is exported. Rows may be walked once; an error among them ends
// the export, and what was written by then is worthless.
type Table struct {
	Title   string
	Columns []Column
	Rows    iter.Seq2[[]any, error]
	Note    string         // below the title: the filters, the period
	At      time.Time      // when it was drawn up; the same table and time give the same bytes
	Zone    *time.Location // of the Time cells; nil is UTC
}

// each hands on the rows with their place, after checking their number of cells.
func (t Table) each(f func(n int, row []any) error) error {
	n := 0
	for row, err := range t.Rows {
		if err != nil {
			return fmt.Errorf("export %q, row %d: %w", t.Title, n+1, err)
		}
		if len(row) != len(t.Columns) {
			return fmt.Errorf("export %q, row %d: %d cells for %d columns", t.Title, n+1, len(row), len(t.Columns))
		}
		if err := f(n, row); err != nil {
			return fmt.Errorf("export %q, row %d: %w", t.Title, n+1, err)
		}
		n++
	}
	return nil
}

func (t Table) zone() *time.Location {
	if t.Zone == nil {
		return time.UTC
	}
	return t.Zone
}

// text is a cell as a person reads it.
func (t Table) text(kind Kind, cell any) string {
	switch v := cell.(type) {
	case nil:
		return ""
	case string:
		return clean(v)
	case time.Time:
		switch {
		case v.IsZero():
			return ""
		case kind == Date:
			return v.Format(time.DateOnly)
		default:
			return v.In(t.zone()).Format(time.DateTime)
		}
	default:
		if kind == Percent {
			return fmt.Sprint(v) + "%"
		}
		return clean(fmt.Sprint(v))
	}
}

func (c Column) width() float64 {
	if c.Width > 0 {
		return c.Width
	}
	return map[Kind]float64{Text: 24, Integer: 10, Quantity: 14, Date: 12, Time: 20, Link: 40, Percent: 16}[c.Kind]
}

func (c Column) numeric() bool { return c.Kind == Integer || c.Kind == Quantity }

// clean leaves out what XML 1.0 (section 2.2) and a page cannot hold: control
// characters beside tab and line breaks, halves of characters, non-characters.
func clean(s string) string {
	plain := true
	for i := 0; i < len(s) && plain; i++ {
		plain = ' ' <= s[i] && s[i] < 0x7f
	}
	if plain {
		return s
	}
	keep := func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return r
		case r < ' ' || r == 0x7f || r == utf8.RuneError || r == 0xfffe || r == 0xffff:
			return -1
		}
		return r
	}
	return strings.Map(keep, s)
}
