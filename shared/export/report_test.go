package export

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

func sampleReport() Report {
	section := Section{Empty: "Nobody.", Table: Table{Title: "Companies", Columns: []Column{{Header: "Company"}, {Header: "Done", Kind: Percent}}, Rows: func(yield func([]any, error) bool) {
		for i := range 60 {
			if !yield([]any{"=1+1", i}, nil) {
				return
			}
		}
	}}}
	empty := Section{Empty: "Nothing yet.", Table: Table{Title: "Checks", Columns: []Column{{Header: "Company"}}, Rows: func(func([]any, error) bool) {}}}
	return Report{Title: "Report", Note: "note", Figures: []Figure{{"Lots", "2"}}, Facts: []Fact{{"State", strings.Repeat("long ", 80)}}, Head: [2]string{"Summary", "What"},
		Sections: []Section{section, empty}, At: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)}
}

func TestReportIsTheSameEachTimeAndGoesOverPages(t *testing.T) {
	var one, two bytes.Buffer
	if err := ReportPDF(&one, sampleReport()); err != nil {
		t.Fatal(err)
	}
	if err := ReportPDF(&two, sampleReport()); err != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Errorf("the same report gives other bytes: %v", err)
	}
	if pages := bytes.Count(one.Bytes(), []byte("/Type /Page\n")); pages < 2 {
		t.Errorf("60 rows stand on %d pages", pages)
	}
}

// A chart says what it shows in text too: marks, unit and the note.
func TestAReportDrawsACurve(t *testing.T) {
	r, at := sampleReport(), time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)
	low, high := 2.0, 6.0
	chart := Chart{Title: "Temperature", Unit: "°C", From: at, To: at.Add(6 * time.Hour), Pause: 10 * time.Minute, Low: &low, High: &high, Note: "Hatched: nothing was measured."}
	for i := range 300 {
		if i < 100 || i > 140 {
			v := 4 + 2*math.Sin(float64(i)/20)
			chart.Points = append(chart.Points, ChartPoint{At: at.Add(time.Duration(i) * time.Minute), Low: v - 0.3, High: v + 0.3, Mean: v})
		}
	}
	r.Charts = []Chart{chart, {Title: "Nothing", From: at, To: at, Pause: time.Minute}}
	var one, two bytes.Buffer
	if err := errors.Join(ReportPDF(&one, r), ReportPDF(&two, r)); err != nil || !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Fatalf("the same report gives other bytes: %v", err)
	}
	text := poppler(t, one.Bytes(), "pdftotext", "-layout", "$PDF", "-")
	for _, want := range []string{"Temperature", "°C", "08:00", "Hatched: nothing was measured.", "Nothing"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not stand in\n%s", want, text)
		}
	}
	keep(t, "chart.pdf", one.Bytes())
}

func TestReportIsAWorkbookOfItsSections(t *testing.T) {
	var out bytes.Buffer
	if err := ReportXLSX(&out, sampleReport()); err != nil {
		t.Fatal(err)
	}
	file, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	if sheets := strings.Join(file.GetSheetList(), ","); sheets != "Summary,Companies,Checks" {
		t.Errorf("the sheets are %s", sheets)
	}
	rows, err := file.GetRows("Companies")
	if err != nil || len(rows) != 61 || rows[51][0] != "=1+1" || rows[51][1] != "50%" {
		t.Errorf("the companies: %v %v", rows, err)
	}
	if formula, _ := file.GetCellFormula("Companies", "A2"); formula != "" {
		t.Errorf("a cell runs %s", formula)
	}
}

func TestAnErrorInASectionEndsTheReport(t *testing.T) {
	r, wrong := sampleReport(), errors.New("cut off")
	r.Sections[1].Rows = func(yield func([]any, error) bool) { yield(nil, wrong) }
	if err := ReportPDF(&bytes.Buffer{}, r); !errors.Is(err, wrong) {
		t.Errorf("the PDF: %v", err)
	}
	if err := ReportXLSX(&bytes.Buffer{}, r); !errors.Is(err, wrong) {
		t.Errorf("the workbook: %v", err)
	}
}
