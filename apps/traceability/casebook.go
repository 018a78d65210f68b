package traceability

import (
	"cmp"
	"slices"

	"github.com/tallyway/tallyway/apps/traceability/recalls"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/web"
)

// What a company books of the lots of a case: where all of it is.

// bookForm is a reconciliation; each line is one lot.
type bookForm struct {
	Lines []bookLine `form:"lines"`
}

type bookLine struct {
	Lot         string `form:"lot"`
	Unit        string `form:"unit"`
	Quarantined amount `form:"quarantined"`
	Destroyed   amount `form:"destroyed"`
	Returned    amount `form:"returned"`
	Recovered   amount `form:"recovered"`
	Beyond      amount `form:"beyond"`
}

type bookView struct {
	Case   kase
	Title  string
	Crumbs []web.Crumb
	Form   *web.Form[bookForm] `json:"-"`
	Rows   []bookRow
	More   int // lots that a further booking takes
	Acts   []web.Act
}

// bookRow is a lot with what the ledger knows of it.
type bookRow struct {
	Href, Text, Unit, Had, AtHand, Gone, Destroyed, Returned, Outstanding string
	Entry                                                                 web.Line
}

// bookedAtOnce is how many lots the form shows: those with something
// outstanding first.
const bookedAtOnce = 50

func (a *app) reconcile(c *web.Ctx) error {
	k, err := a.kase(c)
	if err != nil {
		return err
	}
	if !k.open() {
		return trace.ErrCaseClosed.Refuse("%s", k.ID)
	}
	lines, err := a.ownLines(c, k)
	if err != nil {
		return err
	}
	if len(lines) == 0 {
		return trace.ErrNotConcerned.Refuse("%s", k.ID)
	}
	shown := lines[:min(len(lines), bookedAtOnce)]
	start := bookForm{}
	for _, l := range shown {
		start.Lines = append(start.Lines, suggested(l))
	}
	show := func(f *web.Form[bookForm]) error { return a.showBooking(c, k, f, shown, len(lines)-len(shown)) }
	return web.Post(c, start, show, func(f *web.Form[bookForm]) (string, error) {
		if _, err := do[trace.CaseState](a, c, trace.Reconcile{Case: k.ID, Lines: f.Value.booked()}); err != nil {
			return "", blame(f, err, "lines", nil)
		}
		c.Flash("Thank you. Your booking is noted.")
		return caseHref(k.ID), nil
	})
}

func (f bookForm) booked() (all []trace.Booked) {
	for _, l := range f.Lines {
		all = append(all, trace.Booked{Lot: lotID(l.Lot), Unit: l.Unit, Quarantined: l.Quarantined.Amount, Destroyed: l.Destroyed.Amount,
			Returned: l.Returned.Amount, Recovered: l.Recovered.Amount, Beyond: l.Beyond.Amount})
	}
	return all
}

// ownLines are the lots of a case that the user's company accounts for.
func (a *app) ownLines(c *web.Ctx, k kase) ([]recalls.Line, error) {
	r, err := a.reader(c)
	if err != nil {
		return nil, err
	}
	lots, err := a.caseLots(r, k)
	if err != nil {
		return nil, err
	}
	shares, err := a.shares(c.Context(), lots, asOf{})
	if err != nil {
		return nil, err
	}
	firms, err := a.standing(r, k, shares)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(firms, func(f recalls.Firm) bool { return f.Party == r.user.Party })
	if i < 0 {
		return nil, nil
	}
	lines := firms[i].Lines
	slices.SortStableFunc(lines, func(x, y recalls.Line) int { return cmp.Compare(y.Outstanding.Sign(), x.Outstanding.Sign()) })
	return lines, nil
}

// suggested is what the ledger already knows: what was destroyed and given
// back. What is at hand and what is beyond reach, the company says.
func suggested(l recalls.Line) bookLine {
	entry := bookLine{Lot: l.Lot(), Unit: l.Unit, Quarantined: amount{l.Quarantined}, Destroyed: amount{l.Share.Destroyed},
		Returned: amount{l.Share.Returned}, Recovered: amount{l.Recovered}, Beyond: amount{l.Beyond}}
	return entry
}

func (a *app) showBooking(c *web.Ctx, k kase, f *web.Form[bookForm], lines []recalls.Line, more int) error {
	n := a.names(c)
	v := bookView{Case: k, Title: c.T("Account for your goods"), Form: f, More: more,
		Crumbs: []web.Crumb{{Text: c.T("Recalls"), Href: "/traceability/cases"}, {Text: k.ID, Href: caseHref(k.ID)}, {Text: c.T("Account for your goods")}}}
	if k.Kind == trace.KindRecall {
		v.Acts = []web.Act{{Label: "Destroy", Href: "/traceability/dispose?how=destroyed", Icon: "close"}, {Label: "Send back", Href: "/traceability/ship?return=on", Icon: "truck"}}
	}
	entries := f.Lines("lines", len(lines))
	for i, l := range lines {
		row := bookRow{Href: lotHref(l.Lot()), Text: n.Lot(l.Lot()), Unit: n.Unit(l.Unit), Had: n.Amount(l.Had().String()), AtHand: n.Amount(l.AtHand().String()),
			Gone: n.Amount(l.Gone.String()), Destroyed: n.Amount(l.Share.Destroyed.String()), Returned: n.Amount(l.Share.Returned.Add(l.Sent).String()), Outstanding: n.Amount(l.Outstanding.String())}
		if i < len(entries) {
			row.Entry = entries[i]
		}
		v.Rows = append(v.Rows, row)
	}
	return c.Render("case_book.html", v)
}
