package web

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Filter is one choice that narrows a list; it stands in the address.
type Filter struct {
	Name    string // of the query parameter: "state"
	Label   string // an English key
	Options []Option
	None    string // the choice that narrows nothing, an English key; "" is "All"
	Date    bool   // a day ("2026-11-28") instead of an option
}

// takes reports whether a value can be asked for.
func (f Filter) takes(v string) bool {
	if f.Date {
		_, err := time.Parse(time.DateOnly, v)
		return err == nil
	}
	return slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == v && v != "" })
}

// ListOptions say what a list can be asked for.
type ListOptions struct {
	Search  bool
	Sort    []string // columns; the first is the usual one, "-" before it for descending
	Filters []Filter
	Limit   int // rows a page; 50 by default
}

// List is what a reader asked of a list, checked against what can be asked:
// anything else takes the default, so a page never fails over its address.
type List struct {
	Search string // what to look for, at most 200 bytes
	Sort   string // a column of ListOptions.Sort
	Desc   bool
	After  string // where the previous page ended: opaque, from Table.Next
	Limit  int
	Can    ListOptions
	path   string
	values url.Values // only what was understood
}

// MaxLimit is the largest page of a list.
const MaxLimit = 500

// List reads the request's query.
func (c *Ctx) List(can ListOptions) List {
	q := c.Request().URL.Query()
	l := List{Can: can, path: c.Request().URL.Path, values: url.Values{}, Limit: can.Limit}
	if l.Limit == 0 {
		l.Limit = 50
	}
	if n, err := strconv.Atoi(q.Get("limit")); err == nil && n >= 1 && n <= MaxLimit {
		l.Limit = n
		l.values.Set("limit", q.Get("limit"))
	}
	if s := strings.TrimSpace(q.Get("q")); can.Search && s != "" && len(s) <= 200 {
		l.Search = s
		l.values.Set("q", s)
	}
	for _, f := range can.Filters {
		if v := q.Get(f.Name); f.takes(v) {
			l.values.Set(f.Name, v)
		}
	}
	l.readSort(q.Get("sort"))
	if after := q.Get("after"); after != "" && len(after) <= 500 {
		l.After = after
	}
	return l
}

func (l *List) readSort(asked string) {
	column, desc := strings.CutPrefix(asked, "-")
	switch {
	case slices.ContainsFunc(l.Can.Sort, func(s string) bool { return strings.TrimPrefix(s, "-") == column }):
		l.Sort, l.Desc = column, desc
		l.values.Set("sort", asked)
	case len(l.Can.Sort) > 0:
		l.Sort, l.Desc = strings.CutPrefix(l.Can.Sort[0], "-")
	}
}

// Get is the chosen option of a filter, or "".
func (l List) Get(filter string) string { return l.values.Get(filter) }

// Narrowed reports whether a search or a filter is at work.
func (l List) Narrowed() bool {
	return l.Search != "" || slices.ContainsFunc(l.Can.Filters, func(f Filter) bool { return l.Get(f.Name) != "" })
}

// With is the address of this list with one filter set, from its beginning.
func (l List) With(filter, value string) string { return l.address(filter, value) }

// Query is what was asked for, as an address carries it: "?state=open", or "".
func (l List) Query() string { return strings.TrimPrefix(l.First(), l.path) }

// address of this list with one parameter changed; the place is given up,
// because it belongs to another order.
func (l List) address(name, value string) string {
	q := url.Values{}
	for k, v := range l.values {
		q[k] = v
	}
	if name != "" {
		q.Del(name)
	}
	if value != "" {
		q.Set(name, value)
	}
	if len(q) == 0 {
		return l.path
	}
	return l.path + "?" + q.Encode()
}

// First is the address of the list's beginning.
func (l List) First() string { return l.address("", "") }

// All is the address without search and filters.
func (l List) All() string { return l.path }

// Dresses are the exports of exactly what is seen: the same address with a
// suffix ("xlsx", "csv", "pdf"), without the page's end.
func (l List) Dresses(suffixes ...string) []Dress {
	var all []Dress
	query := l.Query()
	for _, s := range suffixes {
		all = append(all, Dress{strings.ToUpper(s), l.path + "." + s + query})
	}
	return all
}

// Table is a list as a page shows it: partial "table". On a phone each row is
// a card with its labels.
type Table struct {
	List    List
	Label   string // what the table holds: an English key, for readers by ear
	Columns []Column
	Rows    []TableRow
	Totals  []any  // the last line, one cell a column; nil for none
	Count   string // "1,204 lots", ready to be read
	Next    string // where the next page begins; "" on the last
	Exports []Dress
	Empty   Empty  // shown when there is nothing, and nothing was filtered out
	Live    string // topic whose changes reload the table
}

// Column is one column of a table.
type Column struct {
	Label  string // an English key
	Sort   string // a name of ListOptions.Sort, or "" where it cannot
	Number bool   // aligned right
}

// TableRow is one record. The first cell carries the link to its page.
type TableRow struct {
	Href  string
	Tone  string // marks the row's edge
	Cells []any  // string, Num, Chip, Link, Act, time.Time, integers, template.HTML
}

// SortHref is where a column's heading leads: its order, or the other way.
func (t Table) SortHref(column Column) string {
	if column.Sort == t.List.Sort && !t.List.Desc {
		return t.List.address("sort", "-"+column.Sort)
	}
	return t.List.address("sort", column.Sort)
}

// Sorted is the value of aria-sort.
func (t Table) Sorted(column Column) string {
	switch {
	case column.Sort == "" || column.Sort != t.List.Sort:
		return "none"
	case t.List.Desc:
		return "descending"
	}
	return "ascending"
}

// NextHref is the next page's address.
func (t Table) NextHref() string { return t.List.address("after", t.Next) }

// Column finds the column of a cell, for the labels on a phone.
func (t Table) Column(i int) Column {
	if i < len(t.Columns) {
		return t.Columns[i]
	}
	return Column{}
}
