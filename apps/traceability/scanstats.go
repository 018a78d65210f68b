package traceability

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/tallyway/tallyway/shared/export"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// How often a brand's packs are looked at: by day, by product and by place. These
// are counts; of a place with few looks only that there were some is told.

// fewLooks is the smallest number that is told of a place and a day.
const fewLooks = 5

// statDays is how far the page looks back.
const statDays = 30

// lookCount is a row of tr_scan_days.
type lookCount struct {
	Day   string `db:"day"`
	GTIN  string `db:"gtin"`
	Place string `db:"place"`
	Count int    `db:"count"`
}

// countedLooks are those of the reader's products; of all for a regulator.
func (a *app) countedLooks(r *reader, from string) ([]lookCount, error) {
	rows, err := readmodel.All[lookCount](r.ctx, a.db, `SELECT s.day, s.gtin, s.place, s.count FROM tr_scan_days s JOIN tr_products p ON p.gtin = s.gtin
		WHERE s.day >= $1 AND ($2 = 'all' OR p.owner = $3 AND p.owner <> '') AND s.count > 0 ORDER BY s.day DESC, s.gtin, s.place LIMIT 100000`, from, map[bool]string{true: "all"}[r.all], r.user.Party)
	if err != nil {
		return nil, fmt.Errorf("read how often packs were scanned: %w", err)
	}
	return rows, nil
}

type statsView struct {
	Tabs     []web.Act
	Stats    []web.Stat
	Products web.Table
	Places   web.Table
	Days     web.Table
}

func (a *app) scanStats(c *web.Ctx) error {
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	now := a.host.Now().UTC()
	rows, err := a.countedLooks(r, now.AddDate(0, 0, -statDays).Format(time.DateOnly))
	if err != nil {
		return err
	}
	n := a.names(c)
	total, today := 0, 0
	for _, s := range rows {
		total += s.Count
		if s.Day == now.Format(time.DateOnly) {
			today += s.Count
		}
	}
	open, err := a.alarmsOf(r, alarmOpen, "", 100)
	if err != nil {
		return err
	}
	v := statsView{Tabs: shopperTabs("scans"), Stats: []web.Stat{{Label: "Scans today", Value: web.Group(today)}, {Label: "Scans in 30 days", Value: web.Group(total)},
		{Label: "Open alarms", Value: web.Group(len(open)), Tone: toneOf(len(open), web.Warn), Href: "/traceability/alarms?state=open"}}}
	list := c.List(web.ListOptions{})
	v.Products = countTable(c, "Scans by product", "Product", sumBy(rows, func(s lookCount) string { return n.Product(s.GTIN) }), byCount)
	v.Products.Exports = list.Dresses("csv", "xlsx")
	v.Places = countTable(c, "Scans by place", "Place", few(sumBy(rows, func(s lookCount) string { return placeOr(c, s.Place) })), byCount)
	v.Days = countTable(c, "Scans by day", "Day", sumBy(rows, func(s lookCount) string { return day(c, s.Day) }), nil)
	v.Products.Empty = web.Empty{Title: "No scans yet.", Text: "Print labels with a QR code: what shoppers look at is counted here."}
	return c.Render("scans.html", v)
}

func placeOr(c *web.Ctx, code string) string {
	if code == "" {
		return c.T("not told")
	}
	return cityName(c.Lang(), code)
}

// counted is a name with its number.
type counted struct {
	name  string
	count int
}

func byCount(x, y counted) int { return cmp.Or(y.count-x.count, cmp.Compare(x.name, y.name)) }

func sumBy(rows []lookCount, name func(lookCount) string) (all []counted) {
	at := map[string]int{}
	for _, s := range rows {
		key := name(s)
		i, known := at[key]
		if !known {
			i = len(all)
			at[key], all = i, append(all, counted{name: key})
		}
		all[i].count += s.Count
	}
	return all
}

// few keeps small numbers to themselves: 0 stands for them.
func few(all []counted) []counted {
	for i := range all {
		if all[i].count < fewLooks {
			all[i].count = 0
		}
	}
	return all
}

func fewText(n int) string {
	if n < fewLooks {
		return "< " + strconv.Itoa(fewLooks)
	}
	return web.Group(n)
}

func countTable(c *web.Ctx, label, column string, all []counted, order func(x, y counted) int) web.Table {
	if order != nil {
		slices.SortStableFunc(all, order)
	}
	t := web.Table{Label: label, Columns: []web.Column{{Label: column}, {Label: "Scans", Number: true}}, Empty: web.Empty{Title: "No scans yet."}}
	for _, s := range all[:min(len(all), web.MaxLimit)] {
		text := web.Group(s.count)
		if s.count == 0 {
			text = fewText(0)
		}
		t.Rows = append(t.Rows, web.TableRow{Cells: []any{s.name, web.Num{Text: text}}})
	}
	return t
}

// scanSheet exports the counts of a year by day, product and place, with small
// numbers left out as on the page.
func (a *app) scanSheet(form string) func(*web.Ctx) error {
	return func(c *web.Ctx) error {
		r, err := a.reader(c)
		if err != nil {
			return err
		}
		rows, err := a.countedLooks(r, a.host.Now().UTC().AddDate(-1, 0, 0).Format(time.DateOnly))
		if err != nil {
			return err
		}
		header := func(text string, kind export.Kind) export.Column { return export.Column{Header: c.T(text), Kind: kind} }
		t := export.Table{Title: c.T("Scans"), Note: c.T("Counts below %s are not told.", fewLooks), Rows: a.countRows(c, rows),
			Columns: []export.Column{header("Day", export.Date), header("GTIN", export.Text), header("Product", export.Text), header("Place", export.Text), header("Scans", export.Text)}}
		return a.send(c, t, form, "scans")
	}
}

func (a *app) countRows(c *web.Ctx, rows []lookCount) iter.Seq2[[]any, error] {
	n := a.names(c)
	return func(yield func([]any, error) bool) {
		for _, s := range rows {
			text := fewText(s.Count)
			if s.Place == "" {
				text = web.Group(s.Count) // says nothing of where anybody was
			}
			if !yield([]any{s.Day, s.GTIN, n.Product(s.GTIN), placeOr(c, s.Place), text}, nil) {
				return
			}
		}
	}
}
