package traceability

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/recalls"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/export"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// The report of a case: scope, notices, reconciliation, checks and what
// happened when. Who leads the case gets all of it, a company its own part.

// dossier is what a report is written from.
type dossier struct {
	kase  kase
	terms caseTerms
	firms []recalls.Firm
	lots  []reportLot
	story []web.Entry
}

type reportLot struct {
	ID     string `db:"id"`
	Named  bool   `db:"named"`
	Maker  string `db:"maker"`
	Made   string `db:"made"`
	Unit   string `db:"unit"`
	Expiry string `db:"expiry"`
}

func (a *app) caseReport(c *web.Ctx) error {
	form := c.Param("form")
	if form != "pdf" && form != "xlsx" {
		return errNotAcceptable.Refuse("%s", form)
	}
	k, err := a.kase(c)
	if err != nil {
		return err
	}
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	d, err := a.dossier(c, r, k)
	if err != nil {
		return err
	}
	if len(d.firms) == 0 && !r.leads(k) {
		return trace.ErrNoCase.Refuse("%s", k.ID)
	}
	h := c.Response().Header()
	h.Set("Content-Type", sheetWriters[form].kind)
	h.Set("Content-Disposition", `attachment; filename="`+safeName(k.ID)+"."+form+`"`)
	h.Set("Cache-Control", "no-store")
	report := a.report(c, d)
	if form == "pdf" {
		return export.ReportPDF(c.Response(), report)
	}
	return export.ReportXLSX(c.Response(), report)
}

// safeName is a case number as the name of a file.
func safeName(id string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, id)
}

func (a *app) dossier(c *web.Ctx, r *reader, k kase) (d dossier, err error) {
	d.kase = k
	if d.terms, err = a.terms(c.Context(), k.ID); err != nil {
		return d, err
	}
	ids, err := a.caseLots(r, k)
	if err != nil {
		return d, err
	}
	shares, err := a.shares(c.Context(), ids, asOf{})
	if err != nil {
		return d, err
	}
	if d.firms, err = a.standing(r, k, shares); err != nil {
		return d, err
	}
	if d.lots, err = a.reportLots(r, k, ids); err != nil {
		return d, err
	}
	d.story, err = a.caseHistory(c, a.names(c), r, k, a.firstAndLast(c, k, d))
	return d, err
}

// reportLots are the lots of a case with what was made of each, where the
// reader sees that.
func (a *app) reportLots(r *reader, k kase, ids []string) (all []reportLot, err error) {
	near, err := r.near(ids...)
	if err != nil {
		return nil, err
	}
	for _, some := range chunks(ids) {
		list, args := inList(2, some)
		rows, err := readmodel.All[reportLot](r.ctx, a.db, `SELECT l.id, x.named, l.maker, l.made, l.unit, l.expiry FROM tr_lots l
			JOIN tr_case_lots x ON x.lot = l.id AND x.kase = $1 WHERE l.id IN `+list, append([]any{k.ID}, args...)...)
		if err != nil {
			return nil, err
		}
		for _, l := range rows {
			if !r.leads(k) && !near.sees(l.ID, l.Maker) {
				l.Made = ""
			}
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(x, y reportLot) int {
		if x.Named != y.Named {
			return map[bool]int{true: -1, false: 1}[x.Named]
		}
		return strings.Compare(x.ID, y.ID)
	})
	return all, nil
}

// firstAndLast are the opening, the acknowledgements and the closing.
func (a *app) firstAndLast(c *web.Ctx, k kase, d dossier) (told []web.Entry) {
	n := a.names(c)
	if k.Closed != nil {
		told = append(told, web.Entry{Text: c.T("%s closed the case: %s", n.Party(k.ClosedBy), k.Closing), At: *k.Closed})
	}
	var answers []web.Entry
	for _, f := range d.firms {
		if f.Answered != nil {
			answers = append(answers, web.Entry{Text: c.T("%s acknowledged the notice", n.Party(f.Party)), At: f.Answered.At})
		}
	}
	slices.SortFunc(answers, func(x, y web.Entry) int { return y.At.Compare(x.At) })
	told = append(told, answers...)
	return append(told, web.Entry{Text: c.T("%s opened the case: %s", n.Party(k.Author), k.Reason), At: k.At, Block: uint64(k.Block), Tx: k.Tx})
}

func (a *app) report(c *web.Ctx, d dossier) export.Report {
	n, k := a.names(c), d.kase
	r := export.Report{Title: c.T("Report: %s", c.T("%s %s", c.T(textOf(kinds, k.Kind)), k.ID)), Note: d.terms.why(k, c.Lang()), At: a.host.Now(), Zone: c.Zone(),
		Head: [2]string{c.T("Summary"), c.T("What it says")}}
	for _, s := range a.progressStats(c, k, d.terms, d.firms) {
		r.Figures = append(r.Figures, export.Figure{Label: c.T(s.Label), Value: s.Value})
	}
	r.Facts = a.reportFacts(c, n, d)
	r.Sections = []export.Section{a.scopeSection(c, n, d), noticeSection(c, n, d), lotSection(c, n, d)}
	if k.Kind == trace.KindMock {
		r.Sections = append(r.Sections, mockSection(c, n, d))
	}
	if d.terms.toCheck(len(d.firms)) > 0 || slices.ContainsFunc(d.firms, func(f recalls.Firm) bool { return f.Notice != nil && f.Notice.Method != "" }) {
		r.Sections = append(r.Sections, checkSection(c, n, d))
	}
	r.Sections = append(r.Sections, a.timeSection(c, d))
	return r
}

func (a *app) reportFacts(c *web.Ctx, n *names, d dossier) []export.Fact {
	k := d.kase
	facts := []export.Fact{{Label: c.T("State"), Value: c.T(k.chip().Word)}, {Label: c.T("Opened by"), Value: n.Party(k.Author)}, {Label: c.T("Opened"), Value: moments(c, k.At)}}
	if d.terms.Upgraded != nil {
		facts = append(facts, export.Fact{Label: c.T("Recalled since"), Value: moments(c, *d.terms.Upgraded)})
	}
	if k.Code != "" {
		facts = append(facts, export.Fact{Label: c.T("Cause"), Value: c.T(textOf(caseCodes, k.Code))})
	}
	for _, p := range d.terms.pairs(c) {
		facts = append(facts, export.Fact{Label: c.T(p.Label), Value: fmt.Sprint(p.Value)})
	}
	if k.Closed != nil {
		facts = append(facts, export.Fact{Label: c.T("Closed"), Value: moments(c, *k.Closed) + " · " + k.Closing})
	}
	if d.terms.Unreconciled != "" {
		facts = append(facts, export.Fact{Label: c.T("Closed before all was accounted for"), Value: d.terms.Unreconciled})
	}
	return facts
}

// section is a table of a report.
func section(c *web.Ctx, title, empty string, columns []export.Column, rows iter.Seq[[]any]) export.Section {
	for i := range columns {
		columns[i].Header = c.T(columns[i].Header)
	}
	return export.Section{Empty: c.T(empty), Table: export.Table{Title: c.T(title), Columns: columns, Rows: func(yield func([]any, error) bool) {
		for row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}}}
}

func (a *app) scopeSection(c *web.Ctx, n *names, d dossier) export.Section {
	return section(c, "Lots", "No lot of the case is known yet.", []export.Column{{Header: "Lot", Width: 38}, {Header: "Made by", Width: 28}, {Header: "Named or derived", Width: 18},
		{Header: "Made", Kind: export.Quantity, Width: 12}, {Header: "Unit", Width: 8}, {Header: "Best before", Width: 14}},
		func(yield func([]any) bool) {
			for _, l := range d.lots {
				how := c.T("derived")
				if l.Named {
					how = c.T("named")
				}
				if !yield([]any{n.Lot(l.ID), n.Party(l.Maker), how, blankNil(l.Made), n.Unit(l.Unit), l.Expiry}) {
					return
				}
			}
		})
}

func blankNil(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func noticeSection(c *web.Ctx, n *names, d dossier) export.Section {
	return section(c, "Notices and acknowledgements", "Nobody was notified.", []export.Column{{Header: "Company", Width: 30}, {Header: "Lots", Kind: export.Integer, Width: 8},
		{Header: "Notified", Kind: export.Time, Width: 21}, {Header: "Until", Kind: export.Time, Width: 21}, {Header: "Times told", Kind: export.Integer, Width: 10},
		{Header: "Acknowledged", Kind: export.Time, Width: 21}, {Header: "In time", Width: 12}, {Header: "Accounted for", Kind: export.Percent, Width: 22}},
		func(yield func([]any) bool) {
			for _, f := range d.firms {
				row := []any{n.Party(f.Party), f.Lots, nil, nil, nil, nil, "", f.Percent}
				if x := f.Notice; x != nil {
					row[2], row[3], row[4], row[6] = x.At, x.Due, x.Times, c.T("waiting")
				}
				if f.Answered != nil {
					row[5], row[6] = f.Answered.At, c.T("in time")
				}
				if f.Late {
					row[6] = c.T("late")
				}
				if !yield(row) {
					return
				}
			}
		})
}

func lotSection(c *web.Ctx, n *names, d dossier) export.Section {
	quantity := func(header string) export.Column {
		return export.Column{Header: header, Kind: export.Quantity, Width: 13}
	}
	return section(c, "Reconciliation", "Nobody had any of the goods.", []export.Column{{Header: "Company", Width: 27}, {Header: "Lot", Width: 30}, {Header: "Unit", Width: 8},
		quantity("Had"), quantity("Kept apart"), quantity("Destroyed"), quantity("Given back"), quantity("Recovered"), quantity("Beyond reach"), quantity("Outstanding")},
		func(yield func([]any) bool) {
			for _, f := range d.firms {
				for _, l := range f.Lines {
					if !yield([]any{n.Party(f.Party), n.Lot(l.Lot()), n.Unit(l.Unit), l.Had(), l.Quarantined, l.Booking.Destroyed, l.Booking.Returned, l.Recovered, l.Beyond, l.Outstanding}) {
						return
					}
				}
			}
		})
}

// mockSection is the result of an exercise: how much each company found, and
// how long that took from the opening.
func mockSection(c *web.Ctx, n *names, d dossier) export.Section {
	return section(c, "Result of the exercise", "Nobody had any of the goods.", []export.Column{{Header: "Company", Width: 34}, {Header: "Lots", Kind: export.Integer, Width: 10},
		{Header: "Located", Kind: export.Percent, Width: 26}, {Header: "Time taken", Width: 24}},
		func(yield func([]any) bool) {
			for _, f := range d.firms {
				took, _ := recalls.Clock(d.kase.At, closedAt(d.kase), time.Time{}, []recalls.Firm{f})
				if !yield([]any{n.Party(f.Party), f.Lots, f.Located(), duration(c, max(took, 0))}) {
					return
				}
			}
		})
}

func checkSection(c *web.Ctx, n *names, d dossier) export.Section {
	e := recalls.EffectOf(d.firms, d.terms.toCheck(len(d.firms)))
	s := section(c, "Effectiveness checks", "No company was checked.", []export.Column{{Header: "Company", Width: 34}, {Header: "Method", Width: 14}, {Header: "Result", Width: 44}, {Header: "When", Kind: export.Time, Width: 21}},
		func(yield func([]any) bool) {
			for _, f := range d.firms {
				x := f.Notice
				if x == nil || x.Method == "" {
					continue
				}
				if !yield([]any{n.Party(f.Party), c.T(textOf(checkMethods, x.Method)), c.T(textOf(checkResults, x.Result)), x.Checked}) {
					return
				}
			}
		})
	s.Note = c.T("%s of %s companies were asked, %s were wanted; %s were reached, %s acted on the notice.", e.Asked, len(d.firms), e.Wanted, e.Contacted, e.Acted)
	return s
}

func (a *app) timeSection(c *web.Ctx, d dossier) export.Section {
	return section(c, "Timeline", "", []export.Column{{Header: "When", Kind: export.Time, Width: 21}, {Header: "What happened", Width: 70}, {Header: "Block", Kind: export.Integer, Width: 9}, {Header: "Transaction", Width: 44}},
		func(yield func([]any) bool) {
			for _, e := range slices.Backward(d.story) {
				var block any
				if e.Block > 0 {
					block = e.Block
				}
				text := e.Text
				if e.Detail != "" {
					text += " · " + e.Detail
				}
				if !yield([]any{e.At, text, block, e.Tx}) {
					return
				}
			}
		})
}
