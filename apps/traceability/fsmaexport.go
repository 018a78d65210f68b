package traceability

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/fsma"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/export"
	"github.com/tallyway/tallyway/shared/manifest"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// sheets are the records as tables: one a critical tracking event, and the
// places that they name.
func (a *app) sheets(ctx context.Context, q *recordQuery) []export.Table {
	places := map[string]fsma.Place{}
	var tables []export.Table
	for _, s := range fsma.Sheets {
		if asked := q.Get("cte"); asked != "" && asked != string(s.CTE) {
			continue
		}
		tables = append(tables, export.Table{Title: s.Name, Note: q.note(), Columns: slices.Clone(s.Columns), At: a.host.Now(), Rows: ahead(ctx, 200, q.cells(ctx, s, places))})
	}
	locations := export.Table{Title: fsma.Locations.Name, Columns: slices.Clone(fsma.Locations.Columns), At: a.host.Now(), Rows: func(yield func([]any, error) bool) {
		for _, gln := range slices.Sorted(maps.Keys(places)) {
			if !yield(fsma.Locations.Cells(places[gln], ""), nil) {
				return
			}
		}
	}}
	return append(tables, locations)
}

func (q *recordQuery) note() string { return strings.TrimPrefix(q.Query(), "?") }

// mostPlaces bounds the sheet of locations.
const mostPlaces = 100_000

func (q *recordQuery) cells(ctx context.Context, s fsma.Sheet, places map[string]fsma.Place) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for r, err := range q.rows(ctx, s.CTE) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !q.hasGap(r) {
				continue
			}
			for _, p := range []fsma.Place{r.Here, r.From, r.To, r.Farm, r.Cooler, r.TLCSource} {
				if p.GLN != "" && len(places) < mostPlaces {
					places[p.GLN] = p
				}
			}
			if !yield(s.Cells(&r), nil) {
				return
			}
		}
	}
}

// ahead reads some rows, so many at a time, ahead of who uses them, so that neither
// waits for the other. It walks the rows to their end, or until who uses them stops.
func ahead[R any](ctx context.Context, many int, rows iter.Seq2[R, error]) iter.Seq2[R, error] {
	type read struct {
		row R
		err error
	}
	return func(yield func(R, error) bool) {
		var none R
		ctx, stop := context.WithCancel(ctx)
		line := make(chan []read, 2)
		go func() {
			defer close(line)
			var some []read
			send := func() bool {
				select {
				case line <- some:
					some = nil
					return true
				case <-ctx.Done():
					return false
				}
			}
			for row, err := range rows {
				if some = append(some, read{row, err}); len(some) == many && !send() {
					return
				}
			}
			send()
		}()
		defer func() {
			stop()
			for range line { // until the reader has let go of the tables
			}
		}()
		for some := range line {
			for _, r := range some {
				if !yield(r.row, r.err) {
					return
				}
			}
		}
		if err := ctx.Err(); err != nil {
			yield(none, err)
		}
	}
}

// sheetOfRecords is the sortable spreadsheet.
func (a *app) sheetOfRecords(c *web.Ctx) error {
	q, err := a.recordQuery(c)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Type", sheetWriters["xlsx"].kind)
	h.Set("Content-Disposition", `attachment; filename="fsma204.xlsx"`)
	h.Set("Cache-Control", "no-store")
	return export.Workbook(c.Response(), a.sheets(c.Context(), q)...)
}

// packageRecords is what is handed over within 24 hours (21 CFR 1.1455(c)(3)):
// the spreadsheet, the events, the plan, and a manifest that the user signs.
func (a *app) packageRecords(c *web.Ctx) error {
	q, err := a.recordQuery(c)
	if err != nil {
		return err
	}
	signer, err := a.host.Wallet.Get(c.User().MSP, c.User().ID)
	if err != nil {
		return fmt.Errorf("sign the records: %w", err)
	}
	authorities, err := a.host.CACert(c.User().MSP)
	if err != nil {
		return fmt.Errorf("sign the records: %w", err)
	}
	now := a.host.Now().UTC()
	m := manifest.Manifest{Title: "Records under 21 CFR part 1, subpart S (FSMA section 204)", Note: q.note(), Made: now,
		Member: c.User().MSP, Party: c.User().Party, User: c.User().ID}
	h := c.Response().Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", `attachment; filename="fsma204-`+now.Format("20060102-1504")+`.zip"`)
	h.Set("Cache-Control", "no-store")
	z := zip.NewWriter(c.Response())
	p := &recordPackage{z: z, m: &m, at: now}
	if err := p.fill(c.Context(), a, q); err != nil {
		return err
	}
	text, jws, err := m.Sign(signer, authorities)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		body []byte
	}{{manifest.Name, text}, {manifest.Signature, jws}} {
		w, err := p.entry(f.name)
		if err != nil {
			return err
		}
		if _, err := w.Write(f.body); err != nil {
			return err
		}
	}
	return z.Close()
}

// recordPackage is a package being written; it goes out as it is made.
type recordPackage struct {
	z  *zip.Writer
	m  *manifest.Manifest
	at time.Time
}

func (p *recordPackage) entry(name string) (io.Writer, error) {
	return p.z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: p.at})
}

func (p *recordPackage) add(name string, write func(io.Writer) error) error {
	w, err := p.entry(name)
	if err != nil {
		return err
	}
	return p.m.Add(w, name, write)
}

func (p *recordPackage) fill(ctx context.Context, a *app, q *recordQuery) error {
	err := p.add("fsma204.xlsx", func(w io.Writer) error { return export.Workbook(w, a.sheets(ctx, q)...) })
	if err != nil {
		return err
	}
	if err := p.addEvents(ctx, q); err != nil {
		return err
	}
	companies := []string{q.who.user.Party}
	if q.who.all {
		companies = []string{q.Get("company")}
	}
	if companies[0] == "" {
		if companies, err = readmodel.All[string](ctx, a.db, `SELECT DISTINCT party FROM tr_plans ORDER BY party LIMIT $1`, most); err != nil {
			return err
		}
	}
	for _, company := range companies {
		plan, err := a.planOf(ctx, company)
		if err != nil {
			return err
		}
		name, err := a.company(ctx, company)
		if err != nil {
			return err
		}
		err = p.add("traceability-plan-"+company+".md", func(w io.Writer) error { return writePlan(w, name.Name, plan) })
		if err != nil {
			return err
		}
	}
	return nil
}

// eventsAFile is how many events stand in one document.
const eventsAFile = 500

// addEvents adds the events that the records tell of, in EPCIS documents.
func (p *recordPackage) addEvents(ctx context.Context, q *recordQuery) error {
	var hashes []string
	seen := map[string]bool{} // 80 bytes an event: the package names each once
	files := 0
	flush := func() error {
		if len(hashes) == 0 {
			return nil
		}
		files++
		err := p.add(fmt.Sprintf("events-%03d.jsonld", files), func(w io.Writer) error { return q.writeEvents(ctx, w, hashes, p.at) })
		hashes = nil
		return err
	}
	for _, cte := range fsma.CTEs {
		if asked := q.Get("cte"); asked != "" && asked != string(cte) {
			continue
		}
		for r, err := range q.rows(ctx, cte) {
			if err != nil {
				return err
			}
			if hash := r.Line.Event; q.hasGap(r) && !seen[hash] {
				seen[hash] = true
				hashes = append(hashes, hash)
			}
			if len(hashes) == eventsAFile {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	return flush()
}

func (q *recordQuery) writeEvents(ctx context.Context, w io.Writer, hashes []string, at time.Time) error {
	doc := epcis.Document{Type: "EPCISDocument", Version: "2.0", CreationDate: at}
	for _, some := range chunks(hashes) {
		list, args := inList(1, some)
		found, err := readmodel.All[storedEvent](ctx, q.app.db, storedEvents+` WHERE e.hash IN `+list+` ORDER BY e.at, e.hash`, args...)
		if err != nil {
			return err
		}
		for _, s := range found {
			e, err := q.who.read(s)
			if err != nil {
				return err
			}
			if e != nil {
				doc.Events = append(doc.Events, *e)
			}
		}
	}
	text, err := doc.JSON()
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}
