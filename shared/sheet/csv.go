package sheet

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// readCSV reads RFC 4180 and what spreadsheets make of it: a semicolon or a tab
// for the comma, and the code pages that Excel writes in China.
func readCSV(file []byte) (Table, error) {
	text, err := decodeText(file)
	if err != nil {
		return Table{}, err
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = separator(text), -1, true, true
	var c collector
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return c.done()
		}
		if err != nil {
			return Table{}, ErrBroken
		}
		line, _ := r.FieldPos(0)
		row := Row{Number: line}
		for _, field := range record[:min(len(record), MaxColumns)] {
			row.Cells = append(row.Cells, Cell{Text: unguard(field)})
		}
		if err := c.add(row); err != nil {
			return Table{}, err
		}
	}
}

// unguard takes off the apostrophe that keeps a spreadsheet from running a text,
// as package export writes it.
func unguard(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && strings.IndexAny(rest, "=+-@\t\r\n＝＋－＠") == 0 {
		return rest
	}
	return s
}

// decodeText finds out how the text is written.
func decodeText(file []byte) (string, error) {
	switch {
	case bytes.HasPrefix(file, []byte("\xef\xbb\xbf")):
		file = file[3:]
	case bytes.HasPrefix(file, []byte("\xff\xfe")):
		return fromUTF16(file[2:], binary.LittleEndian), nil
	case bytes.HasPrefix(file, []byte("\xfe\xff")):
		return fromUTF16(file[2:], binary.BigEndian), nil
	}
	if bytes.IndexByte(file, 0) >= 0 {
		return "", ErrCode
	}
	if utf8.Valid(file) {
		return string(file), nil
	}
	text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(file)
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return "", ErrCode
	}
	return string(text), nil
}

func fromUTF16(file []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(file)/2)
	for i := range units {
		units[i] = order.Uint16(file[2*i:])
	}
	return string(utf16.Decode(units))
}

// separator is the sign that stands most often in the first line.
func separator(text string) rune {
	line, _, _ := strings.Cut(strings.TrimLeft(text, "\r\n"), "\n")
	best := ','
	for _, sign := range []rune{';', '\t'} {
		if strings.Count(line, string(sign)) > strings.Count(line, string(best)) {
			best = sign
		}
	}
	return best
}
