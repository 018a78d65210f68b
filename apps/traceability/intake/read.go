package intake

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/sheet"
	"github.com/tallyway/tallyway/shared/web"
)

// Entry is one row of a sheet as it was read: what its kind has no column for
// stays empty.
type Entry struct {
	Row        int
	At         time.Time
	Product    string // a GTIN, as far as it could be read
	Lot        string
	Amount     gs1.Amount
	HasAmount  bool
	Unit       string // UN/ECE code, H87 for pieces, "" where none is told
	BestBefore string
	Document   string
	Partner    string // a company's id
	Carrier    string
	Pack       string
	Inner      string
	Yes        bool
	Process    string
	Out        bool
	Destroyed  bool
	Tolerance  gs1.Amount
	GTIN, GLN  string
	Name       string
	NameZh     string
	ShelfLife  int
	Storage    string
	City       string
	CityZh     string
	Country    string

	Notices  []Notice
	Problems []*chaincode.Refusal // their fields are keys of columns
}

// Notice tells what was read otherwise than it stands there; Text is an English
// key for Facts.
type Notice struct {
	Column string
	Text   string
	Facts  []any
}

// Say is a notice's sentence in the language of say.
func (n Notice) Say(say func(string, ...any) string) string { return say(n.Text, n.Facts...) }

// Refuse notes what is wrong in a column.
func (e *Entry) Refuse(column string, err error) {
	var no *chaincode.Refusal
	if errors.As(err, &no) {
		placed := *no
		e.Problems = append(e.Problems, placed.On(column))
	}
}

// Lists are the names that a company's sheets may use.
type Lists struct {
	Products  map[string][]string // GTINs by folded name
	Companies map[string][]string // ids by folded name or id
}

// Names makes a list of names ready to be looked up.
func Names() map[string][]string { return map[string][]string{} }

// AddName adds a name to such a list.
func AddName(list map[string][]string, name, id string) {
	key := folded(name)
	if key == "" {
		return
	}
	for _, known := range list[key] {
		if known == id {
			return
		}
	}
	list[key] = append(list[key], id)
}

// Sheet is a whole file as it was read.
type Sheet struct {
	Table   sheet.Table
	Entries []*Entry
	Notices []Notice             // about the file
	Columns []*chaincode.Refusal // about its headings; then nothing was read
}

// Read reads a file of a kind. The error is about the file as a whole.
func (k Kind) Read(name string, file []byte, zone *time.Location, lists Lists) (*Sheet, error) {
	t, err := sheet.Read(name, file)
	if err != nil {
		return nil, ErrFile.Refuse("%s", err).On("file")
	}
	s := &Sheet{Table: t}
	places := k.columns(s)
	if len(s.Columns) > 0 {
		return s, nil
	}
	r := reader{k, places, zone, lists}
	for _, row := range t.Rows {
		if isExample(row) {
			s.Notices = append(s.Notices, Notice{Text: "Row %s is the template's example and is left out.", Facts: []any{row.Number}})
			continue
		}
		s.Entries = append(s.Entries, r.entry(row))
	}
	if len(s.Entries) == 0 {
		return nil, ErrFile.Refuse("%s", sheet.ErrEmpty).On("file")
	}
	return s, nil
}

// isExample recognises the row that the templates bring along.
func isExample(row sheet.Row) bool {
	for _, c := range row.Cells {
		if strings.HasPrefix(c.Text, "EXAMPLE") {
			return true
		}
	}
	return false
}

// Remarks are the headings of the column that a sheet with its problems has.
var Remarks = map[string]string{"en": "What to mend", "zh": "待更正"}

// columns finds the columns by their headings.
func (k Kind) columns(s *Sheet) map[string]int {
	places := map[string]int{}
	for i, cell := range s.Table.Head.Cells {
		if cell.Text == "" || cell.Text == Remarks["en"] || cell.Text == Remarks["zh"] {
			continue
		}
		known := false
		for _, c := range k.Columns {
			if !c.means(cell.Text) {
				continue
			}
			known = true
			if _, twice := places[c.Key]; twice {
				s.Columns = append(s.Columns, ErrColumns.Refuse("%s stands twice", cell.Text).On(c.Key))
			}
			places[c.Key] = i
			break
		}
		if !known {
			s.Notices = append(s.Notices, Notice{Text: "The column %s is not read.", Facts: []any{cell.Text}})
		}
	}
	for _, c := range k.Columns {
		if _, there := places[c.Key]; c.Required && !there {
			s.Columns = append(s.Columns, ErrColumns.Refuse("%s (%s) is missing", c.En, c.Zh).On(c.Key))
		}
	}
	return places
}

// reader turns rows into entries.
type reader struct {
	kind   Kind
	places map[string]int
	zone   *time.Location
	lists  Lists
}

func (r reader) entry(row sheet.Row) *Entry {
	e := &Entry{Row: row.Number}
	for _, c := range r.kind.Columns {
		var cell sheet.Cell
		if at, ok := r.places[c.Key]; ok && at < len(row.Cells) {
			cell = row.Cells[at]
		}
		switch {
		case cell.Text == "" && cell.Formula:
			e.Refuse(c.Key, ErrFormula.Refuse(""))
		case cell.Text == "" && c.Required:
			e.Refuse(c.Key, web.ErrRequired.Refuse(""))
		case cell.Text != "":
			e.Refuse(c.Key, r.read(e, c.Key, cell))
		}
	}
	return e
}

// read fills one column's value in.
func (r reader) read(e *Entry, key string, cell sheet.Cell) (err error) {
	switch key {
	case Date:
		e.At, err = readDate(cell, r.zone)
	case BestBefore:
		var day time.Time
		if day, err = readDate(cell, r.zone); err == nil {
			e.BestBefore = day.Format(time.DateOnly)
		}
	case Amount:
		e.HasAmount = true
		e.Amount, err = readAmount(cell)
	case Unit:
		e.Unit, err = readUnit(cell.Text)
	case Product:
		e.Product, err = r.product(e, key, cell)
	case GTIN:
		e.GTIN, err = e.digits(key, cell, 14)
	case GLN:
		e.GLN, err = e.digits(key, cell, 13)
	case Pack:
		e.Pack, err = e.digits(key, cell, 18)
	case Inner:
		e.Inner, err = e.digits(key, cell, 18)
	case Partner:
		e.Partner, err = r.company(cell.Text)
	case Carrier:
		e.Carrier, err = r.company(cell.Text)
	case Side:
		e.Out, err = choice(cell.Text, "in input 投入 原料", "out output 产出 成品")
	case How:
		e.Destroyed, err = choice(cell.Text, "sold sale 售出 销售", "destroyed destruction waste 销毁 已销毁 报废")
	case Yes:
		e.Yes, err = choice(cell.Text, "no n false 0 否", "yes y true 1 x 是")
	case Tolerance:
		e.Tolerance, err = readShare(cell)
	case ShelfLife:
		if e.ShelfLife, err = strconv.Atoi(strings.TrimSuffix(cell.Text, ".0")); err != nil {
			err = ErrNumber.Refuse("%s", cell.Text)
		}
	default:
		return e.text(key, cell)
	}
	return err
}

// text fills in what is taken as it stands.
func (e *Entry) text(key string, cell sheet.Cell) error {
	into := map[string]*string{Lot: &e.Lot, Document: &e.Document, Process: &e.Process, Name: &e.Name, NameZh: &e.NameZh,
		Storage: &e.Storage, City: &e.City, CityZh: &e.CityZh, Country: &e.Country}[key]
	if (key == Lot || key == Document || key == Process) && (scientific(cell.Text) && strings.ContainsAny(cell.Text, "+") || cell.Number && len(cell.Text) > 15) {
		return ErrDigits.Refuse("%s", cell.Text)
	}
	*into = cell.Text
	return nil
}

// usual are the lengths of GTINs beside 14, which are no slip.
var usual = map[int]bool{8: true, 12: true, 13: true}

// digits is readDigits with its notice.
func (e *Entry) digits(key string, cell sheet.Cell, length int) (string, error) {
	digits, mended, err := readDigits(cell, length)
	if mended && !(length == 14 && usual[len(strings.TrimLeft(digits, "0"))]) {
		e.Notices = append(e.Notices, Notice{key, "Leading zeros that the spreadsheet had dropped were put back: %s.", []any{digits}})
	}
	return digits, err
}

// product is a GTIN, or that of the product with this name.
func (r reader) product(e *Entry, key string, cell sheet.Cell) (string, error) {
	if gtins := r.lists.Products[folded(cell.Text)]; len(gtins) > 0 && folded(cell.Text) != "" {
		if len(gtins) > 1 {
			return "", ErrProduct.Refuse("%s", cell.Text)
		}
		return gtins[0], nil
	}
	if !strings.ContainsAny(cell.Text, "0123456789") {
		return "", ErrProduct.Refuse("%s", cell.Text)
	}
	return e.digits(key, cell, 14)
}

func (r reader) company(text string) (string, error) {
	name := text
	if i := strings.LastIndex(text, "·"); i >= 0 {
		name = text[i+len("·"):]
	}
	ids := r.lists.Companies[folded(name)]
	if len(ids) != 1 {
		return "", ErrCompany.Refuse("%s", text)
	}
	return ids[0], nil
}

// choice reads one of two, each a list of words.
func choice(text, first, second string) (bool, error) {
	for i, words := range []string{first, second} {
		for word := range strings.FieldsSeq(words) {
			if folded(text) == folded(word) {
				return i == 1, nil
			}
		}
	}
	return false, ErrChoice.Refuse("%s", text)
}

// readShare reads "0.005", "0.5%" or "1 %".
func readShare(cell sheet.Cell) (gs1.Amount, error) {
	text, percent := strings.CutSuffix(strings.TrimSpace(cell.Text), "%")
	a, err := readAmount(sheet.Cell{Text: strings.TrimSpace(text), Number: cell.Number})
	if err != nil || !percent {
		return a, err
	}
	hundredth, err := gs1.ParseAmount("0.01")
	if err != nil {
		return a, err
	}
	return a.Mul(hundredth), nil
}
