package export

import (
	"fmt"
	"io"
	"time"

	"github.com/jung-kurt/gofpdf"
	"github.com/xuri/excelize/v2"
)

// Report is a document of several tables below a summary: what a record comes
// to, for who keeps paper or sends it on.
type Report struct {
	Title    string
	Note     string
	Figures  []Figure
	Facts    []Fact
	Head     [2]string // headings of the facts in a workbook, with the name of their sheet
	Charts   []Chart   // in a PDF
	Sections []Section
	At       time.Time
	Zone     *time.Location
}

// Figure is a number that the reader came for.
type Figure struct{ Label, Value string }

// Fact is a line of the summary.
type Fact struct{ Label, Value string }

// Section is a table with what it says where it has no rows.
type Section struct {
	Table
	Empty string
}

// table of a section, with the report's time and zone.
func (r Report) table(s Section) Table {
	s.At, s.Zone = r.At, r.Zone
	return s.Table
}

// ReportPDF writes the report on A4 pages across.
func ReportPDF(w io.Writer, r Report) error {
	pdf := newPDF("L", r.Title, r.At)
	page := &tablePage{pen: newPen(pdf), table: Table{Title: r.Title, Note: r.Note, At: r.At, Zone: r.Zone}, orientation: "L", right: 297 - margin, end: 210 - margin - 4}
	pdf.SetFooterFunc(page.footer)
	page.next()
	page.title()
	page.figures(r.Figures)
	page.facts(r.Facts)
	for _, c := range r.Charts {
		page.chart(c, r.Zone)
	}
	for _, s := range r.Sections {
		if err := page.section(r.table(s), s.Empty); err != nil {
			return err
		}
	}
	if err := pdf.Output(w); err != nil {
		return fmt.Errorf("export %q: write the PDF: %w", r.Title, err)
	}
	return nil
}

func (p *tablePage) next() {
	p.AddPageFormat(p.orientation, gofpdf.SizeType{Wd: 210, Ht: 297})
	p.y = margin
}

// figures stand side by side.
func (p *tablePage) figures(all []Figure) {
	if len(all) == 0 {
		return
	}
	const tall, gap = 17.0, 3.0
	wide := (p.right - margin - gap*float64(len(all)-1)) / float64(len(all))
	for i, f := range all {
		x := margin + float64(i)*(wide+gap)
		p.SetFillColor(240, 244, 246)
		p.Rect(x, p.y, wide, tall, "F")
		p.SetTextColor(96, 110, 118)
		p.say(x+3, p.y+5.5, 8, false, p.fit(wide-6, 8, false, f.Label))
		p.SetTextColor(22, 36, 44)
		p.say(x+3, p.y+13, 15, true, p.fit(wide-6, 15, true, f.Value))
	}
	p.y += tall + 5
}

// facts stand below each other: what, and beside it how.
func (p *tablePage) facts(all []Fact) {
	const label = 46.0
	for _, f := range all {
		lines := p.wrap(p.right-margin-label, 9, false, f.Value, 12)
		p.room(float64(len(lines)) * 4.6)
		p.SetTextColor(96, 110, 118)
		p.say(margin, p.y+3.4, 9, false, p.fit(label-3, 9, false, f.Label))
		p.SetTextColor(22, 36, 44)
		for _, line := range lines {
			p.say(margin+label, p.y+3.4, 9, false, line)
			p.y += 4.6
		}
	}
	p.y += 3
}

// room begins a page where so much does not fit on this one.
func (p *tablePage) room(tall float64) {
	if p.y+tall > p.end {
		p.next()
	}
}

// section sets a heading and a table below what is there already.
func (p *tablePage) section(t Table, empty string) error {
	p.table, p.widths = t, nil
	total := 0.0
	for _, c := range t.Columns {
		total += c.width()
	}
	for _, c := range t.Columns {
		p.widths = append(p.widths, c.width()*(p.right-margin)/total)
	}
	p.room(32)
	p.y += 8
	p.SetTextColor(22, 36, 44)
	p.say(margin, p.y, 12, true, t.Title)
	p.y += 3
	if t.Note != "" {
		p.SetTextColor(96, 110, 118)
		p.say(margin, p.y+2, 8.5, false, p.fit(p.right-margin, 8.5, false, t.Note))
		p.y += 5
	}
	p.header()
	rows := 0
	err := t.each(func(n int, row []any) error {
		rows++
		return p.row(n, row)
	})
	if rows == 0 {
		p.SetTextColor(96, 110, 118)
		p.say(margin+padding, p.y+5, 8.5, false, empty)
		p.y += 8
	}
	return err
}

// ReportXLSX writes the report as a workbook: a sheet with the summary, and one
// for each section.
func ReportXLSX(w io.Writer, r Report) error {
	file := excelize.NewFile()
	defer file.Close()
	file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return quickZip(w) })
	summary := Section{Table: Table{Title: r.Head[0], Columns: []Column{{Header: r.Head[0], Width: 36}, {Header: r.Head[1], Width: 90}}, Rows: r.summary}}
	for i, s := range append([]Section{summary}, r.Sections...) {
		book := &workbook{file: file, table: r.table(s), rowsPerSheet: rowsPerSheet, whole: i}
		if err := book.write(); err != nil {
			return err
		}
	}
	at := r.At.UTC().Format(time.RFC3339)
	if err := file.SetDocProps(&excelize.DocProperties{Title: clean(r.Title), Description: clean(r.Note), Created: at, Modified: at}); err != nil {
		return fmt.Errorf("export %q: %w", r.Title, err)
	}
	if err := file.Write(io.Discard); err != nil {
		return fmt.Errorf("export %q: write the workbook: %w", r.Title, err)
	}
	return nil
}

// summary are the figures and facts as rows.
func (r Report) summary(yield func([]any, error) bool) {
	if !yield([]any{r.Title, r.Note}, nil) {
		return
	}
	for _, f := range r.Figures {
		if !yield([]any{f.Label, f.Value}, nil) {
			return
		}
	}
	for _, f := range r.Facts {
		if !yield([]any{f.Label, f.Value}, nil) {
			return
		}
	}
}
