package traceability

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/recalls"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// The page of one recall, hold or mock recall, and what is done about it.

// kase is a row of tr_cases, and what programs see of it.
type kase struct {
	ID        string     `json:"id" db:"id"`
	Kind      string     `json:"kind" db:"kind"`
	Reason    string     `json:"reason" db:"reason"`
	Code      string     `json:"code,omitempty" db:"code"`
	Author    string     `json:"author" db:"author"`
	Authority bool       `json:"authority" db:"authority"`
	At        time.Time  `json:"at" db:"at"`
	State     string     `json:"state" db:"state"`
	Marked    int64      `json:"marked" db:"marked"`
	Done      bool       `json:"done" db:"done"` // everything made of its lots is marked
	Closed    *time.Time `json:"closed,omitempty" db:"closed"`
	ClosedBy  string     `json:"closedBy,omitempty" db:"closed_by"`
	Closing   string     `json:"closing,omitempty" db:"closing"`
	Block     int64      `json:"-" db:"block"`
	Tx        string     `json:"-" db:"tx"`

	known asOf // as the case was known then
}

const caseColumns = `id, kind, reason, code, author, authority, at, state, marked, done, closed, closed_by, closing, block, tx`

// releaseForm closes a case.
type releaseForm struct {
	Reason       string `form:"reason,required"`
	Unreconciled string `form:"unreconciled"`
}

// ackForm is what a company found of a case's lots.
type ackForm struct {
	Found []foundLine `form:"found"`
}

type foundLine struct {
	Lot      string `form:"lot"`
	Quantity amount `form:"quantity"`
	Unit     string `form:"unit"`
}

type caseView struct {
	Case                 kase
	At, Href             string // the time whose knowledge is shown, in the page's field
	Title                string
	Crumbs               []web.Crumb
	Chip                 web.Chip
	Banner               *web.Banner
	Stats                []web.Stat
	Pairs                []web.Pair
	Reach                *outreach
	Acks                 []ackView
	History              []web.Entry
	Ack                  *web.Form[ackForm]     `json:"-"`
	Release              *web.Form[releaseForm] `json:"-"`
	Mine                 []lineView
	Concerned, Releasing bool
	Acts                 []web.Act
	Dresses              []web.Dress
	Steps                []web.Step
	Terms                caseTerms
	Open                 bool // a recall with companies that have not accounted for all
}

type ackView struct {
	Party string
	At    time.Time
	Found []string
	Done  bool
}

func (a *app) kase(c *web.Ctx) (kase, error) {
	k, err := readmodel.One[kase](c.Context(), a.db, `SELECT `+caseColumns+` FROM tr_cases WHERE id = $1`, idOf(c))
	if errors.Is(err, sql.ErrNoRows) {
		return k, trace.ErrNoCase.Refuse("%s", idOf(c))
	}
	return k, err
}

// kaseThen is the case as the ledger knew it at ?knownAt=.
func (a *app) kaseThen(c *web.Ctx) (k kase, err error) {
	known, err := askedMoment(c)
	if err != nil {
		return k, err
	}
	if k, err = a.kase(c); err == nil {
		k, err = k.then(known)
	}
	return k, err
}

// leads reports whether the reader sees all of a case: its author, a regulator.
func (r *reader) leads(k kase) bool { return r.all || k.Author != "" && k.Author == r.user.Party }

// caseLots are the lots of a case that the reader may see, its own ones first.
func (a *app) caseLots(r *reader, k kase) ([]string, error) {
	marked, args := k.known.table(`1 = 1`, `EXISTS (SELECT 1 FROM tr_case_lots_then t WHERE t.kase = l.kase AND t.lot = l.lot AND t.since <= $then AND (t.until IS NULL OR t.until > $then))`, []any{k.ID})
	all, err := readmodel.All[string](r.ctx, a.db, `SELECT l.lot FROM tr_case_lots l WHERE l.kase = $1 AND `+marked+` ORDER BY l.named DESC, l.lot`, args...)
	if err != nil || r.leads(k) {
		return all, err
	}
	return r.only(all), nil
}

func (a *app) casePage(c *web.Ctx) error {
	k, err := a.kaseThen(c)
	if err != nil {
		return err
	}
	return a.showCase(c, k, nil, nil)
}

func (a *app) extendCase(c *web.Ctx) error {
	k, err := a.kase(c)
	if err != nil {
		return err
	}
	show := func(*web.Form[struct{}]) error { return a.showCase(c, k, nil, nil) }
	return web.Post(c, struct{}{}, show, func(*web.Form[struct{}]) (string, error) {
		_, err := a.extend(c, trace.CaseState{Case: k.ID})
		return caseHref(k.ID), err
	})
}

func (a *app) release(c *web.Ctx) error {
	k, err := a.kase(c)
	if err != nil {
		return err
	}
	show := func(f *web.Form[releaseForm]) error { return a.showCase(c, k, nil, f) }
	return web.Post(c, releaseForm{}, show, func(f *web.Form[releaseForm]) (string, error) {
		if _, err := do[trace.CaseState](a, c, trace.Release{Case: k.ID, Reason: f.Value.Reason, Unreconciled: f.Value.Unreconciled}); err != nil {
			return "", err
		}
		c.Flash("The case is closed.")
		return caseHref(k.ID), nil
	})
}

func (a *app) acknowledge(c *web.Ctx) error {
	k, err := a.kase(c)
	if err != nil {
		return err
	}
	show := func(f *web.Form[ackForm]) error { return a.showCase(c, k, f, nil) }
	return web.Post(c, ackForm{}, show, func(f *web.Form[ackForm]) (string, error) {
		ack := trace.Acknowledge{Case: k.ID}
		for _, l := range f.Value.Found {
			ack.Found = append(ack.Found, trace.Line{Lot: lotID(l.Lot), Amount: l.Quantity.Amount, Unit: l.Unit})
		}
		if _, err := do[trace.CaseState](a, c, ack); err != nil {
			return "", blame(f, err, "found", nil)
		}
		c.Flash("Thank you. Your acknowledgement is noted.")
		return caseHref(k.ID), nil
	})
}

func (a *app) showCase(c *web.Ctx, k kase, ack *web.Form[ackForm], release *web.Form[releaseForm]) error {
	n := a.names(c)
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	lots, err := a.caseLots(r, k)
	if err != nil {
		return err
	}
	shares, err := a.shares(c.Context(), lots, k.known)
	if err != nil {
		return err
	}
	v := caseView{Case: k, At: k.known.field(c), Href: caseHref(k.ID), Title: c.T("%s %s", c.T(textOf(kinds, k.Kind)), k.ID), Chip: k.chip(), Ack: ack, Release: release,
		Crumbs: []web.Crumb{{Text: c.T("Recalls"), Href: "/traceability/cases"}, {Text: k.ID}}}
	if v.Reach, err = a.holders(c, n, lots, k.known); err != nil {
		return err
	}
	if v.Acks, err = a.acks(r, n, k, shares); err != nil {
		return err
	}
	if v.Terms, err = a.terms(c.Context(), k.ID); err != nil {
		return err
	}
	firms, err := a.standing(r, k, shares)
	if err != nil {
		return err
	}
	v.Open = k.Kind == trace.KindRecall && slices.ContainsFunc(firms, func(f recalls.Firm) bool { return !f.Complete })
	if v.Ack, v.Release = ack, release; k.known.IsZero() { // nothing is done in the past
		a.caseForms(c, n, &v, shares, r.all)
		if err := a.caseActs(c, r, &v, firms); err != nil {
			return err
		}
	}
	v.tell(c, n)
	if v.History, err = a.caseHistory(c, n, r, k, v.History); err != nil {
		return err
	}
	return c.Render("case.html", v)
}

// caseActs are what this reader can do about the case, and the forms in which
// they can take it along.
func (a *app) caseActs(c *web.Ctx, r *reader, v *caseView, firms []recalls.Firm) error {
	k, base := v.Case, caseHref(v.Case.ID)
	if r.leads(k) || len(firms) > 0 {
		v.Dresses = []web.Dress{{Word: "PDF", Href: base + "/report.pdf"}, {Word: "XLSX", Href: base + "/report.xlsx"}}
	}
	if v.Concerned {
		v.Acts = append(v.Acts, web.Act{Label: "Account for your goods", Href: base + "/reconcile", Icon: "good"})
	}
	if !r.leads(k) {
		return nil
	}
	v.Acts = append(v.Acts, web.Act{Label: "Progress", Href: base + "/progress", Icon: "list"})
	v.Steps = caseSteps(k, firms, v.Terms)
	if !v.Releasing {
		return nil
	}
	v.Acts = append(v.Acts, web.Act{Label: "Change the case", Href: base + "/scope", Icon: "settings"})
	untold, err := a.untold(c.Context(), k.ID)
	if err == nil && len(untold) > 0 {
		v.Acts = append(v.Acts, web.Act{Label: "Send the notices", Href: base + "/notify", Post: true, Main: true,
			Help: "Every company that has or had any of the lots is told, with the time until when it answers."})
	}
	if !k.Done {
		v.Acts = append(v.Acts, web.Act{Label: "Go on marking", Href: base + "/extend", Post: true})
	}
	return err
}

// caseSteps are how far a case has come. A mock recall is not reconciled, nor a
// hold checked.
func caseSteps(k kase, firms []recalls.Firm, t caseTerms) []web.Step {
	done := func(word string, is func(recalls.Firm) bool) web.Step {
		return web.Step{Word: word, State: map[bool]string{true: "done"}[len(firms) > 0 && !slices.ContainsFunc(firms, func(f recalls.Firm) bool { return !is(f) })]}
	}
	all := []web.Step{{Word: "Opened", State: "done", At: k.At},
		done("Notified", func(f recalls.Firm) bool { return f.Notice != nil }),
		done("Acknowledged", func(f recalls.Firm) bool { return f.Answered != nil })}
	if k.Kind != trace.KindHold {
		all = append(all, done("Accounted for", func(f recalls.Firm) bool { return f.Complete }))
	}
	if wanted := t.toCheck(len(firms)); k.Kind == trace.KindRecall && wanted > 0 {
		check := web.Step{Word: "Checked"}
		if recalls.EffectOf(firms, wanted).Asked >= wanted {
			check.State = "done"
		}
		all = append(all, check)
	}
	closed := web.Step{Word: "Closed"}
	if k.Closed != nil {
		closed.State, closed.At = "done", *k.Closed
	}
	all = append(all, closed)
	for i := range all {
		if all[i].State == "" && k.open() {
			all[i].State = "now"
			break
		}
	}
	return all
}

// caseForms starts the forms that this reader can send.
func (a *app) caseForms(c *web.Ctx, n *names, v *caseView, shares []share, supervises bool) {
	own, start := c.User().Party, ackForm{}
	for _, s := range shares {
		if s.Party != own {
			continue
		}
		v.Concerned = v.Case.open() && keepers.Allows(c.User())
		if s.atHand().IsZero() {
			continue // there is nothing to put apart
		}
		start.Found = append(start.Found, foundLine{s.Lot, amount{s.atHand()}, s.Unit})
		v.Mine = append(v.Mine, lineView{Lot: s.Lot, Href: lotHref(s.Lot), Text: n.Lot(s.Lot), Shipped: n.Amount(s.atHand().String()), Unit: n.Unit(s.Unit)})
	}
	if v.Ack == nil {
		v.Ack = web.NewForm(c, start)
	}
	if v.Release == nil {
		v.Release = web.NewForm(c, releaseForm{})
	}
	for i, line := range v.Ack.Lines("found", len(v.Mine)) {
		if i < len(v.Mine) {
			v.Mine[i].Entry = line
		}
	}
	v.Releasing = v.Case.open() && (supervises || !v.Case.Authority && v.Case.Author == own && recallers.Allows(c.User()))
}

// acks are the companies that had any of the lots, and whether they answered.
// Whom a case concerns beyond the reader's chain is told to who leads it. What a
// company found is an answer to who leads the case; of others its neighbours
// read it, as they see its account.
func (a *app) acks(r *reader, n *names, k kase, shares []share) ([]ackView, error) {
	type row struct {
		Party string    `db:"party"`
		At    time.Time `db:"at"`
		Found string    `db:"found"`
	}
	said, args := k.known.table(`1 = 1`, `at <= $then`, []any{k.ID})
	rows, err := readmodel.All[row](r.ctx, a.db, `SELECT party, at, found FROM tr_acknowledgements WHERE kase = $1 AND `+said+` ORDER BY at`, args...)
	if err != nil {
		return nil, err
	}
	var views []ackView
	answered := map[string]bool{}
	for _, said := range rows {
		if !r.leads(k) && !slices.ContainsFunc(shares, func(s share) bool { return s.Party == said.Party }) {
			continue // it has none of the lots that the reader knows of
		}
		var found []trace.Line
		if err := json.Unmarshal([]byte(said.Found), &found); err != nil {
			return nil, fmt.Errorf("read an acknowledgement: %w", err)
		}
		near, err := r.near(lotsOfLines(found)...)
		if err != nil {
			return nil, err
		}
		view := ackView{Party: n.Party(said.Party), At: said.At, Done: true}
		for _, l := range found {
			if r.leads(k) || near.sees(l.Lot, said.Party) {
				view.Found = append(view.Found, n.Quantity(l.Amount.String(), l.Unit)+" "+n.Lot(l.Lot))
			}
		}
		answered[said.Party] = true
		views = append(views, view)
	}
	for _, s := range shares {
		if !answered[s.Party] {
			answered[s.Party] = true
			views = append(views, ackView{Party: n.Party(s.Party)})
		}
	}
	return views, nil
}

func lotsOfLines(lines []trace.Line) (lots []string) {
	for _, l := range lines {
		lots = append(lots, l.Lot)
	}
	return lots
}

// tell fills in what the page says of the case.
func (v *caseView) tell(c *web.Ctx, n *names) {
	k, done := v.Case, 0
	for _, ack := range v.Acks {
		if ack.Done {
			done++
		}
	}
	tone := web.Good
	if done < len(v.Acks) {
		tone = web.Busy
	}
	v.Stats = append(v.Reach.Stats, web.Stat{Label: "Acknowledged", Value: fmt.Sprintf("%d / %d", done, len(v.Acks)), Tone: tone})
	v.Pairs = []web.Pair{{Label: "Reason", Value: k.Reason}}
	if k.Code != "" {
		v.Pairs = append(v.Pairs, web.Pair{Label: "Cause", Value: c.T(textOf(caseCodes, k.Code))})
	}
	v.Pairs = append(v.Pairs, v.Terms.pairs(c)...)
	v.Pairs = append(v.Pairs, web.Pair{Label: "Opened by", Value: n.Party(k.Author)}, web.Pair{Label: "Opened", Value: k.At},
		web.Pair{Label: "Block", Value: k.Block})
	if k.open() && k.Kind != trace.KindMock {
		v.Banner = &web.Banner{Tone: v.Chip.Tone, Title: blockedTitle(k.Kind), Text: k.Reason}
	}
	if k.Closed != nil {
		v.History = append(v.History, web.Entry{Text: c.T("%s closed the case: %s", n.Party(k.ClosedBy), k.Closing), Detail: v.Terms.Unreconciled, At: *k.Closed, Tone: web.Good})
	}
	for _, ack := range slices.Backward(v.Acks) {
		if ack.Done {
			v.History = append(v.History, web.Entry{Text: c.T("%s acknowledged the notice", ack.Party), Detail: strings.Join(ack.Found, ", "), At: ack.At, Tone: web.Good})
		}
	}
	v.History = append(v.History, web.Entry{Text: c.T("%s opened the case: %s", n.Party(k.Author), k.Reason), At: k.At, Tone: web.Busy, Block: uint64(k.Block), Tx: k.Tx})
}

func blockedTitle(kind string) string {
	if kind == trace.KindRecall {
		return "These lots are recalled: they are not shipped, sold or used."
	}
	return "These lots are on hold: they stay where they are."
}
