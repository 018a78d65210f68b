package traceability

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/shared/export"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

func (a *app) insightRoutes() []web.Route {
	routes := []web.Route{{Method: "GET", Path: "/traceability/insights", Name: "insights", Access: readers, Handler: a.showInsights}}
	for _, form := range sheetForms {
		routes = append(routes, web.Route{Method: "GET", Path: "/traceability/insights." + form, Name: "insights." + form, Access: readers,
			Handler: func(c *web.Ctx) error { return a.sheetOfInsights(c, form) }})
	}
	return routes
}

// insight is one question's answer: a table, and a picture of it.
type insight struct {
	Title   string // an English key
	Asks    string // what its figures mean, an English key
	Columns []insightColumn
	Rows    []insightRow
	Bars    []bar
	More    bool // than mostInsight were there
	Empty   web.Empty
}

// insightColumn is a column on the page and on a sheet.
type insightColumn struct {
	Label string // an English key
	Sort  string
	Kind  export.Kind
	Sheet bool // on sheets only: the page shows it beside the figure before
}

// insightRow is one line: as the page shows it, and as sheets and orders take it.
type insightRow struct {
	Href  string
	Tone  string
	Cells []any // without those of the columns that are on sheets only
	Raw   []any // nil, string, int, float64, gs1.Amount or time.Time
}

// bar is one bar of a picture; it stands beside its label and its figure.
type bar struct {
	Label, Figure string
	Width         int // of 100
}

// mostInsight bounds the rows that a page looks through.
const mostInsight = 5000

// insightQuery is what one reader asked for: of their own company, or, who
// supervises, of all or one.
type insightQuery struct {
	web.List
	app     *app
	c       *web.Ctx
	n       *names
	company string // "" is every company: a regulator's
	now     time.Time
}

// insightViews are the questions beside the first, which is asked by default.
var insightViews = []web.Option{{Value: "products", Text: "Stock by product and place"}, {Value: "dwell", Text: "How long goods stay"},
	{Value: "deliveries", Text: "Deliveries"}, {Value: "yield", Text: "Yield"}}

func (a *app) insightQuery(c *web.Ctx) (*insightQuery, error) {
	r, err := a.reader(c)
	if err != nil {
		return nil, err
	}
	q := &insightQuery{app: a, c: c, n: a.names(c), company: c.User().Party, now: a.host.Now().UTC()}
	can := web.ListOptions{Search: true, Limit: 100, Sort: []string{"order", "lot", "product", "place", "stock", "lots", "age", "left", "share", "dwell", "out", "at", "median", "longest", "count", "late", "full", "yield", "usual", "off"}}
	can.Filters = []web.Filter{{Name: "view", Label: "Show", None: "Stock, age and shelf life", Options: insightViews},
		{Name: "state", Label: "State", Options: []web.Option{{Value: "near", Text: "Near expiry"}, {Value: "expired", Text: "Expired"}, {Value: "slow", Text: "Slow mover"}, {Value: "out", Text: "Out of range"}}},
		{Name: "age", Label: "Age", Options: ageOptions()}, {Name: "from", Label: "Since", Date: true}, {Name: "to", Label: "Until", Date: true}}
	if r.all {
		f := web.Filter{Name: "company", Label: "Company"}
		ids, err := readmodel.All[string](c.Context(), a.db, `SELECT id FROM tr_parties ORDER BY name, id LIMIT $1`, most)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			f.Options = append(f.Options, web.Option{Value: id, Text: q.n.Party(id)})
		}
		can.Filters = append(can.Filters, f)
	}
	q.List = c.List(can)
	if r.all {
		q.company = q.Get("company")
	} else if q.company == "" {
		q.company = "\x00" // somebody without a company has no stock, not everybody's
	}
	return q, nil
}

// answer is the insight that was asked for, in the order that was asked for.
func (q *insightQuery) answer() (insight, error) {
	ask := map[string]func() (insight, error){"": q.stock, "products": q.byProduct, "dwell": q.dwell, "deliveries": q.deliveries, "yield": q.yields}
	in, err := ask[q.Get("view")]()
	if err != nil {
		return in, err
	}
	i := slices.IndexFunc(in.Columns, func(c insightColumn) bool { return c.Sort == q.Sort }) // the usual order is no column's
	if i >= 0 {
		slices.SortStableFunc(in.Rows, func(a, b insightRow) int {
			if q.Desc {
				a, b = b, a
			}
			return compareRaw(a.Raw[i], b.Raw[i])
		})
	}
	return in, nil
}

// compareRaw orders two cells of a column; what is not told comes first.
func compareRaw(a, b any) int {
	switch x := a.(type) {
	case nil:
		if b == nil {
			return 0
		}
		return -1
	case string:
		if y, ok := b.(string); ok {
			return strings.Compare(x, y)
		}
	case int:
		if y, ok := b.(int); ok {
			return cmp.Compare(x, y)
		}
	case float64:
		if y, ok := b.(float64); ok {
			return cmp.Compare(x, y)
		}
	case gs1.Amount:
		if y, ok := b.(gs1.Amount); ok {
			return x.Cmp(y)
		}
	case time.Time:
		if y, ok := b.(time.Time); ok {
			return x.Compare(y)
		}
	}
	return 1
}

type insightsView struct {
	Title string      `json:"title"`
	Asks  string      `json:"-"`
	Note  *web.Banner `json:"-"`
	Bars  []bar       `json:"-"`
	Table web.Table   `json:"-"`
	Items [][]any     `json:"items"`
	More  bool        `json:"more,omitempty"`
}

func (a *app) showInsights(c *web.Ctx) error {
	q, err := a.insightQuery(c)
	if err != nil {
		return err
	}
	in, err := q.answer()
	if err != nil {
		return err
	}
	v := insightsView{Title: in.Title, Asks: in.Asks, Bars: in.Bars, Items: [][]any{}, More: in.More}
	if in.More {
		v.Note = &web.Banner{Tone: web.Warn, Title: c.T("There is more than this page looks through."), Text: c.T("It counts the first %s. Narrow it by search, age or date.", web.Group(mostInsight))}
	}
	v.Table = web.Table{List: q.List, Label: in.Title, Exports: q.Dresses(sheetForms...), Empty: in.Empty, Live: "ledger",
		Count: c.T("%s of %s lines", min(q.Limit, len(in.Rows)), len(in.Rows))}
	for _, column := range in.Columns {
		if column.Sheet {
			continue
		}
		v.Table.Columns = append(v.Table.Columns, web.Column{Label: column.Label, Sort: column.Sort, Number: column.Kind == export.Integer || column.Kind == export.Quantity})
	}
	for _, r := range in.Rows[:min(q.Limit, len(in.Rows))] {
		v.Table.Rows = append(v.Table.Rows, web.TableRow{Href: r.Href, Tone: r.Tone, Cells: r.Cells})
		v.Items = append(v.Items, r.Raw)
	}
	return c.Render("insights.html", v)
}

func (a *app) sheetOfInsights(c *web.Ctx, form string) error {
	q, err := a.insightQuery(c)
	if err != nil {
		return err
	}
	in, err := q.answer()
	if err != nil {
		return err
	}
	t := export.Table{Title: c.T(in.Title), Note: q.note(), Rows: rawRows(in.Rows)}
	for _, column := range in.Columns {
		t.Columns = append(t.Columns, export.Column{Header: c.T(column.Label), Kind: column.Kind, Width: map[export.Kind]float64{export.Text: 22, export.Time: 22}[column.Kind]})
	}
	return a.send(c, t, form, "insights")
}

func rawRows(rows []insightRow) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, r := range rows {
			cells := slices.Clone(r.Raw)
			for i, v := range cells {
				switch v := v.(type) {
				case float64:
					cells[i] = decimal(v)
				case gs1.Amount:
					cells[i] = v.Decimal(6)
				}
			}
			if !yield(cells, nil) {
				return
			}
		}
	}
}

// decimal is a figure to one place.
func decimal(f float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", f), ".0") }

// note tells a sheet's reader what it was narrowed to.
func (q *insightQuery) note() string { return strings.TrimPrefix(q.Query(), "?") }

// period is the time that was asked for, by default the last 90 days.
func (q *insightQuery) period() (from, to time.Time) {
	from, to = q.now.AddDate(0, 0, -90), q.now
	if t, err := time.Parse(time.DateOnly, q.Get("from")); err == nil {
		from = t
	}
	if t, err := time.Parse(time.DateOnly, q.Get("to")); err == nil {
		to = t.AddDate(0, 0, 1)
	}
	return from, to
}

// bars draws at most twelve figures, the longest bar being the largest.
func bars[T any](all []T, label func(T) string, figure func(T) (float64, string)) []bar {
	var drawn []bar
	largest := 0.0
	for _, x := range all {
		f, _ := figure(x)
		largest = max(largest, f)
	}
	for _, x := range all[:min(len(all), 12)] {
		f, text := figure(x)
		width := 0
		if largest > 0 && f > 0 {
			width = max(1, int(f/largest*100+0.5))
		}
		drawn = append(drawn, bar{label(x), text, width})
	}
	return drawn
}
