package traceability

import (
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/recalls"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// How far a case has come, for who leads it: company by company, live.

// checkForm is what asking one company found.
type checkForm struct {
	Party  string `form:"party,required"`
	Method string `form:"method,required"`
	Result string `form:"result,required"`
}

var (
	checkMethods = []web.Option{{Value: "visit", Text: "Visit"}, {Value: "phone", Text: "Phone"}, {Value: "mail", Text: "Mail"}, {Value: "letter", Text: "Letter"}}
	checkResults = []web.Option{{Value: "acted", Text: "It got the notice and acted"}, {Value: "not-acted", Text: "It got the notice and did not act"},
		{Value: "not-received", Text: "It did not get the notice"}, {Value: "no-answer", Text: "Nobody was reached"}}
)

type progressView struct {
	Case    kase
	Title   string
	Crumbs  []web.Crumb
	Chip    web.Chip
	Stats   []web.Stat
	Steps   []web.Step
	Firms   []firmView
	History []web.Entry
	Remind  *web.Act
	Dresses []web.Dress
	Checks  bool                 // a company can be checked
	Check   *web.Form[checkForm] `json:"-"`
	Parties []web.Option
	Methods []web.Option
	Results []web.Option
}

// firmView is one company's line.
type firmView struct {
	Name, Tone string
	Percent    int
	Lots       int
	Notice     string // what it was told and said, in words
	Check      string
	Left       []string // outstanding
	More       int      // lots with something outstanding that are not shown
}

func (a *app) caseProgress(c *web.Ctx) error {
	k, err := a.kase(c)
	if err != nil {
		return err
	}
	return a.showProgress(c, k, nil)
}

func (a *app) checkCase(c *web.Ctx) error {
	k, err := a.ledCase(c)
	if err != nil {
		return err
	}
	show := func(f *web.Form[checkForm]) error { return a.showProgress(c, k, f) }
	return web.Post(c, checkForm{}, show, func(f *web.Form[checkForm]) (string, error) {
		v := f.Value
		check := trace.Check{Method: v.Method, Result: v.Result, Contacted: v.Result != "no-answer"}
		_, err := do[trace.CaseState](a, c, trace.CheckConsignee{Case: k.ID, Party: v.Party, Check: check})
		c.Flash("The check is noted.")
		return caseHref(k.ID) + "/progress", err
	})
}

// firmsOf are the companies of a case, as its leader sees them.
func (a *app) firmsOf(r *reader, k kase) ([]recalls.Firm, error) {
	lots, err := a.caseLots(r, k)
	if err != nil {
		return nil, err
	}
	shares, err := a.shares(r.ctx, lots, asOf{})
	if err != nil {
		return nil, err
	}
	return a.standing(r, k, shares)
}

func (a *app) showProgress(c *web.Ctx, k kase, check *web.Form[checkForm]) error {
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	if !r.leads(k) { // how others stand is told to who leads the case
		return trace.ErrNotYoursToRelease.Refuse("%s was opened by %s", k.ID, k.Author)
	}
	firms, err := a.firmsOf(r, k)
	if err != nil {
		return err
	}
	t, err := a.terms(c.Context(), k.ID)
	if err != nil {
		return err
	}
	n := a.names(c)
	v := progressView{Case: k, Title: c.T("Progress of %s", k.ID), Chip: k.chip(), Steps: caseSteps(k, firms, t), Check: check, Methods: checkMethods, Results: checkResults,
		Crumbs:  []web.Crumb{{Text: c.T("Recalls"), Href: "/traceability/cases"}, {Text: k.ID, Href: caseHref(k.ID)}, {Text: c.T("Progress")}},
		Dresses: []web.Dress{{Word: "PDF", Href: caseHref(k.ID) + "/report.pdf"}, {Word: "XLSX", Href: caseHref(k.ID) + "/report.xlsx"}},
		Stats:   a.progressStats(c, k, t, firms)}
	silent := 0
	for _, f := range firms {
		v.Firms = append(v.Firms, firmLine(c, n, f))
		if f.Notice != nil {
			v.Parties = append(v.Parties, web.Option{Value: f.Party, Text: n.Party(f.Party)})
			if f.Answered == nil {
				silent++
			}
		}
	}
	leads := k.open() && recallers.Allows(c.User()) && (r.all || !k.Authority)
	if v.Checks = leads && k.Kind != trace.KindHold && len(v.Parties) > 0; v.Check == nil {
		v.Check = web.NewForm(c, checkForm{})
	}
	if leads && silent > 0 {
		v.Remind = &web.Act{Label: "Send a reminder", Href: caseHref(k.ID) + "/remind", Post: true,
			Help: "Every company that has not acknowledged is told again. The time to answer stays the same."}
	}
	if v.History, err = a.caseHistory(c, n, r, k, nil); err != nil {
		return err
	}
	return c.Render("case_progress.html", v)
}

func (a *app) progressStats(c *web.Ctx, k kase, t caseTerms, firms []recalls.Firm) []web.Stat {
	answered, complete, late := 0, 0, 0
	for _, f := range firms {
		if f.Answered != nil {
			answered++
		} else if f.Late {
			late++
		}
		if f.Complete {
			complete++
		}
	}
	of := func(n int) string { return web.Group(n) + " / " + web.Group(len(firms)) }
	all := []web.Stat{{Label: "Lots reached", Value: web.Group(int(k.Marked)), Tone: map[bool]string{false: web.Busy}[k.Done]},
		{Label: "Acknowledged", Value: of(answered), Tone: fullTone(answered, len(firms))},
		{Label: "Late", Value: web.Group(late), Tone: toneOf(late, web.Bad)}}
	if k.Kind != trace.KindHold {
		all = append(all, web.Stat{Label: "Accounted for", Value: of(complete), Tone: fullTone(complete, len(firms))},
			web.Stat{Label: "Goods located", Value: percent(recalls.LocatedOf(firms)), Tone: fullTone(recalls.LocatedOf(firms), 100)})
	}
	took, stopped := recalls.Clock(k.At, closedAt(k), a.host.Now(), firms)
	clock := web.Stat{Label: "Time taken", Value: duration(c, took)}
	if !stopped {
		clock.Label, clock.Tone = "Running for", web.Busy
	}
	all = append(all, clock)
	if wanted := t.toCheck(len(firms)); wanted > 0 {
		e := recalls.EffectOf(firms, wanted)
		all = append(all, web.Stat{Label: "Checked", Value: web.Group(e.Asked) + " / " + web.Group(wanted), Tone: fullTone(e.Asked, wanted), Note: c.T("%s acted on the notice", web.Group(e.Acted))})
	}
	return all
}

func closedAt(k kase) time.Time {
	if k.Closed == nil {
		return time.Time{}
	}
	return *k.Closed
}

func fullTone(n, of int) string {
	if n < of {
		return web.Busy
	}
	return web.Good
}

// duration is a time in the two units that matter.
func duration(c *web.Ctx, d time.Duration) string {
	minutes := int(d.Minutes())
	switch {
	case minutes < 1:
		return c.T("< 1 min")
	case minutes < 60:
		return c.T("%s min", minutes)
	case minutes < 48*60:
		return c.T("%s h %s min", minutes/60, minutes%60)
	}
	return c.T("%s d %s h", minutes/1440, minutes%1440/60)
}

func percent(n int) string { return web.Group(n) + " %" }

// shownLeft bounds the outstanding lots of a company's line.
const shownLeft = 5

func firmLine(c *web.Ctx, n *names, f recalls.Firm) firmView {
	v := firmView{Name: n.Party(f.Party), Percent: f.Percent, Lots: f.Lots, Tone: web.Busy, Notice: noticeWords(c, f)}
	switch {
	case f.Late && f.Answered == nil:
		v.Tone = web.Bad
	case f.Complete && f.Answered != nil:
		v.Tone = web.Good
	}
	if x := f.Notice; x != nil && x.Method != "" {
		v.Check = c.T(textOf(checkMethods, x.Method)) + ": " + c.T(textOf(checkResults, x.Result))
	}
	for _, l := range f.Lines {
		switch {
		case l.Outstanding.Sign() <= 0:
		case len(v.Left) < shownLeft:
			v.Left = append(v.Left, c.T("%s of %s", n.Quantity(l.Outstanding.String(), l.Unit), n.Lot(l.Lot())))
		default:
			v.More++
		}
	}
	return v
}

func noticeWords(c *web.Ctx, f recalls.Firm) string {
	switch x := f.Notice; {
	case f.Answered != nil && f.Late:
		return c.T("acknowledged late, on %s", moments(c, f.Answered.At))
	case f.Answered != nil:
		return c.T("acknowledged on %s", moments(c, f.Answered.At))
	case x == nil:
		return c.T("not notified yet")
	case f.Late:
		return c.T("should have answered by %s, told %s times", moments(c, x.Due), x.Times)
	default:
		return c.T("has until %s to answer", moments(c, x.Due))
	}
}

// moments is a time in the house's zone, to the minute.
func moments(c *web.Ctx, at time.Time) string { return at.In(c.Zone()).Format("2006-01-02 15:04") }

// logged is a row of tr_case_log.
type logged struct {
	At    time.Time `db:"at"`
	Kind  string    `db:"kind"`
	Party string    `db:"party"`
	About string    `db:"about"`
	Said  string    `db:"said"`
	Block int64     `db:"block"`
	Tx    string    `db:"tx"`
}

// caseHistory adds what was done about a case to what is told already, the
// latest first. What concerns single companies is told to these and to who
// leads the case.
func (a *app) caseHistory(c *web.Ctx, n *names, r *reader, k kase, told []web.Entry) ([]web.Entry, error) {
	only := r.narrowed(k)
	rows, err := readmodel.All[logged](c.Context(), a.db, `SELECT at, kind, party, about, said, block, tx FROM tr_case_log
		WHERE kase = $1 AND ($2 = '' OR kind IN ('widened', 'narrowed', 'upgraded') OR party = $3 OR about = $4) ORDER BY block DESC, seq DESC LIMIT 500`, k.ID, only, only, only)
	if err != nil {
		return nil, err
	}
	var entries []web.Entry
	for i := 0; i < len(rows); {
		same := 1 // several companies in one go are one line
		for i+same < len(rows) && rows[i+same].Tx == rows[i].Tx && rows[i+same].Kind == rows[i].Kind {
			same++
		}
		e := rows[i].entry(c, n, rows[i:i+same])
		if (rows[i].Kind == "widened" || rows[i].Kind == "narrowed") && r.leads(k) {
			e.Detail = lotWords(n, strings.Fields(rows[i].About))
		}
		entries = append(entries, e)
		i += same
	}
	return merged(told, entries), nil
}

func lotWords(n *names, lots []string) string {
	var words []string
	for _, lot := range lots[:min(len(lots), 10)] {
		words = append(words, n.Lot(lot))
	}
	return strings.Join(words, ", ")
}

func (l logged) entry(c *web.Ctx, n *names, all []logged) web.Entry {
	e := web.Entry{At: l.At, Block: uint64(l.Block), Tx: l.Tx, Tone: web.Busy}
	who, about := n.Party(l.Party), n.Party(l.About)
	if len(all) > 1 {
		about = c.T("%s companies", len(all))
	}
	switch l.Kind {
	case "widened":
		e.Text = c.T("%s widened the case: %s", who, l.Said)
	case "narrowed":
		e.Text = c.T("%s narrowed the case: %s", who, l.Said)
	case "upgraded":
		e.Text, e.Tone = c.T("%s turned the hold into a recall: %s", who, l.Said), web.Bad
	case "notified":
		e.Text = c.T("%s notified %s", who, about)
	case "reminded":
		e.Text, e.Tone = c.T("%s reminded %s", who, about), web.Warn
	case "checked":
		e.Text = c.T("%s checked %s: %s", who, about, c.T(textOf(checkResults, l.Said)))
	case "reconciled":
		e.Text, e.Tone = c.T("%s accounted for its goods", who), web.Good
	}
	return e
}

// merged puts two histories into one, the latest first.
func merged(a, b []web.Entry) []web.Entry {
	var all []web.Entry
	for len(a) > 0 && len(b) > 0 {
		if a[0].At.Before(b[0].At) {
			all, b = append(all, b[0]), b[1:]
		} else {
			all, a = append(all, a[0]), a[1:]
		}
	}
	return append(append(all, a...), b...)
}
