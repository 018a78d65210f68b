package traceability

import (
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/readmodel"
)

// A sheet tells times in the zone in which the reader's browser shows them, and
// says which.
func TestSheetsTellTheReadersTime(t *testing.T) {
	w := viewsHost(t)
	w.log("greenfield-dairy", m1, "1000", "2026-12-24")
	at, err := readmodel.One[time.Time](t.Context(), w.DB, `SELECT at FROM tr_lots WHERE id = $1`, m1)
	if err != nil {
		t.Fatal(err)
	}
	auckland, err := time.LoadLocation("Pacific/Auckland")
	if err != nil {
		t.Fatal(err)
	}
	for cookie, want := range map[string]struct {
		name string
		zone *time.Location
	}{
		"":                   {"UTC", time.UTC},
		"Pacific%2FAuckland": {"Pacific/Auckland", auckland},
		"Moon%2FCrater":      {"UTC", time.UTC},
		"..%2F..%2Fetc":      {"UTC", time.UTC},
		"Local":              {"UTC", time.UTC},
	} {
		dairy := w.signedIn("greenfield-dairy")
		header := []string{"Cookie", "tw_zone=" + cookie}
		_, csv := dairy.get("/traceability/lots.csv", header...)
		has(t, csv, "Made on ("+want.name+")", at.In(want.zone).Format(time.DateTime))
		_, pdf := dairy.get("/traceability/lots.pdf", header...)
		has(t, pdf, "%PDF-")
	}
}
