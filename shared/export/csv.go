package export

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
)

// CSV writes the table as RFC 4180 says, in UTF-8 with a byte order mark:
// without one Excel takes Chinese for the local code page.
//
// A spreadsheet takes a cell that begins with = + - @ for a formula. Such texts
// get an apostrophe in front; numbers stay as they are.
func CSV(w io.Writer, t Table) error {
	buffer := bufio.NewWriter(w)
	buffer.WriteString("\ufeff")
	out := csv.NewWriter(buffer)
	out.UseCRLF = true
	line := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		line[i] = harmless(clean(c.Header))
	}
	out.Write(line) // a failed write is told by Error below
	err := t.each(func(_ int, row []any) error {
		for i, cell := range row {
			line[i] = t.text(t.Columns[i].Kind, cell)
			if !t.Columns[i].numeric() || !isDecimal(line[i]) {
				line[i] = harmless(line[i])
			}
		}
		return out.Write(line)
	})
	if err != nil {
		return err
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("export %q: %w", t.Title, err)
	}
	return buffer.Flush()
}

// harmless keeps a spreadsheet from running a text. The full-width forms are
// taken for formulas by East Asian versions.
func harmless(s string) string {
	if strings.IndexAny(s, "=+-@\t\r\n＝＋－＠") == 0 {
		return "'" + s
	}
	return s
}

// isDecimal tells a plain number ("-480.5") from a text in a number's column.
func isDecimal(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	return allDigits(whole) && (!point || allDigits(fraction))
}

func allDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
