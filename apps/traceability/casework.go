package traceability

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/recalls"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// What a case says, and how far the companies that it concerns have come.

// caseTerms is a row of tr_case_terms, and what programs see of it.
type caseTerms struct {
	Class        string     `json:"class,omitempty" db:"class"`
	Depth        string     `json:"depth,omitempty" db:"depth"`
	Hours        int64      `json:"hours,omitempty" db:"hours"`
	Level        string     `json:"level,omitempty" db:"level"`
	Share        int64      `json:"share,omitempty" db:"share"`
	ReasonZh     string     `json:"reasonZh,omitempty" db:"reason_zh"`
	Advice       string     `json:"advice,omitempty" db:"advice"`
	AdviceZh     string     `json:"adviceZh,omitempty" db:"advice_zh"`
	Contact      string     `json:"contact,omitempty" db:"contact"`
	Upgraded     *time.Time `json:"upgraded,omitempty" db:"upgraded"`
	Unreconciled string     `json:"unreconciled,omitempty" db:"unreconciled"`
}

const termsColumns = `class, depth, hours, level, share, reason_zh, advice, advice_zh, contact, upgraded, unreconciled`

func (a *app) terms(ctx context.Context, id string) (caseTerms, error) {
	t, err := readmodel.One[caseTerms](ctx, a.db, `SELECT `+termsColumns+` FROM tr_case_terms WHERE kase = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return t, nil
	}
	return t, err
}

// toCheck is how many companies the case's level asks.
func (t caseTerms) toCheck(companies int) int {
	return trace.Terms{Level: t.Level, Share: int(t.Share)}.ToCheck(companies)
}

// noticeRow is a row of tr_notices, and what programs see of it.
type noticeRow struct {
	Party     string     `json:"party" db:"party"`
	Lots      int64      `json:"lots" db:"lots"`
	At        time.Time  `json:"at" db:"at"`
	Due       time.Time  `json:"due" db:"due"`
	Times     int64      `json:"times" db:"times"`
	Last      time.Time  `json:"last" db:"last"`
	Method    string     `json:"method,omitempty" db:"method"`
	Contacted bool       `json:"contacted,omitempty" db:"contacted"`
	Result    string     `json:"result,omitempty" db:"result"`
	Checked   *time.Time `json:"checked,omitempty" db:"checked"`
}

// bookingRow is a row of tr_bookings, and what programs see of it.
type bookingRow struct {
	Party       string    `json:"party" db:"party"`
	Lot         string    `json:"lot" db:"lot"`
	Unit        string    `json:"unit,omitempty" db:"unit"`
	Had         string    `json:"had" db:"had"`
	Quarantined string    `json:"quarantined" db:"quarantined"`
	Destroyed   string    `json:"destroyed" db:"destroyed"`
	Returned    string    `json:"returned" db:"returned"`
	Recovered   string    `json:"recovered" db:"recovered"`
	Beyond      string    `json:"beyond" db:"beyond"`
	Outstanding string    `json:"outstanding" db:"outstanding"`
	At          time.Time `json:"at" db:"at"`
}

// notices and bookings are those that the reader may see: all for who leads the
// case, else those of the own company.
func (a *app) notices(r *reader, k kase) ([]noticeRow, error) {
	return readmodel.All[noticeRow](r.ctx, a.db, `SELECT party, lots, at, due, times, last, method, contacted, result, checked FROM tr_notices
		WHERE kase = $1 AND ($2 = '' OR party = $3) ORDER BY party`, k.ID, r.narrowed(k), r.narrowed(k))
}

func (a *app) bookings(r *reader, k kase) ([]bookingRow, error) {
	return readmodel.All[bookingRow](r.ctx, a.db, `SELECT party, lot, unit, had, quarantined, destroyed, returned, recovered, beyond, outstanding, at FROM tr_bookings
		WHERE kase = $1 AND ($2 = '' OR party = $3) ORDER BY party, lot`, k.ID, r.narrowed(k), r.narrowed(k))
}

// narrowed is the one company whose part in a case the reader sees; "" is all.
func (r *reader) narrowed(k kase) string {
	switch {
	case r.leads(k):
		return ""
	case r.user.Party == "":
		return "-" // nobody's
	}
	return r.user.Party
}

// standing is how far the companies have come that the reader may see.
func (a *app) standing(r *reader, k kase, shares []share) ([]recalls.Firm, error) {
	f := recalls.Facts{Now: a.host.Now()}
	if k.Closed != nil {
		f.Now = *k.Closed
	}
	only := r.narrowed(k)
	for _, s := range shares {
		if only == "" || s.Party == only {
			f.Shares = append(f.Shares, s.known())
		}
	}
	notices, err := a.notices(r, k)
	if err != nil {
		return nil, err
	}
	for _, n := range notices {
		x := recalls.Notice{Party: n.Party, At: n.At, Due: n.Due, Times: int(n.Times), Method: n.Method, Contacted: n.Contacted, Result: n.Result}
		if n.Checked != nil {
			x.Checked = *n.Checked
		}
		f.Notices = append(f.Notices, x)
	}
	bookings, err := a.bookings(r, k)
	if err != nil {
		return nil, err
	}
	for _, b := range bookings {
		f.Bookings = append(f.Bookings, b.booked())
	}
	f.Answers, err = a.answers(r, k)
	return recalls.Progress(f), err
}

func (s share) known() recalls.Share {
	return recalls.Share{Party: s.Party, Lot: s.Lot, Unit: s.Unit, Held: parseAmount(s.Held), Packed: parseAmount(s.Packed), Sent: parseAmount(s.Sent),
		Gone:      parseAmount(s.Sold).Add(parseAmount(s.Gone)).Add(parseAmount(s.Lost)),
		Destroyed: parseAmount(s.Destroyed), Returned: parseAmount(s.Returned)}
}

func (b bookingRow) booked() recalls.Booking {
	return recalls.Booking{Party: b.Party, Lot: b.Lot, Quarantined: parseAmount(b.Quarantined), Destroyed: parseAmount(b.Destroyed),
		Returned: parseAmount(b.Returned), Recovered: parseAmount(b.Recovered), Beyond: parseAmount(b.Beyond), At: b.At}
}

// answers are the acknowledgements that the reader may see.
func (a *app) answers(r *reader, k kase) (all []recalls.Answer, err error) {
	type row struct {
		Party string    `db:"party"`
		At    time.Time `db:"at"`
		Found string    `db:"found"`
	}
	rows, err := readmodel.All[row](r.ctx, a.db, `SELECT party, at, found FROM tr_acknowledgements WHERE kase = $1 AND ($2 = '' OR party = $3)`, k.ID, r.narrowed(k), r.narrowed(k))
	if err != nil {
		return nil, err
	}
	for _, said := range rows {
		var found []trace.Line
		if err := json.Unmarshal([]byte(said.Found), &found); err != nil {
			return nil, fmt.Errorf("read an acknowledgement: %w", err)
		}
		answer := recalls.Answer{Party: said.Party, At: said.At, Found: map[string]gs1.Amount{}}
		for _, l := range found {
			answer.Found[l.Lot] = answer.Found[l.Lot].Add(l.Amount)
		}
		all = append(all, answer)
	}
	return all, nil
}

// concerned are the companies with something to account for, as Notify wants
// them; those who only used up their share account for what they made of it.
func concerned(shares []share) (all []trace.Concerned) {
	at := map[string]int{}
	for _, s := range shares {
		if s.known().Had().IsZero() {
			continue
		}
		i, seen := at[s.Party]
		if !seen {
			i = len(all)
			at[s.Party] = i
			all = append(all, trace.Concerned{Party: s.Party})
		}
		all[i].Lots++
	}
	return all
}

// notify tells companies of a case, as many a command as one may hold.
func (a *app) notify(c *web.Ctx, id string, to []trace.Concerned) error {
	const some = 100
	for ; len(to) > 0; to = to[min(some, len(to)):] {
		if _, err := do[trace.CaseState](a, c, trace.Notify{Case: id, Companies: to[:min(some, len(to))]}); err != nil {
			return err
		}
	}
	return nil
}

// notifyAll tells of a case everybody whom it concerns and who has not been
// told how many of its lots they have.
func (a *app) notifyAll(c *web.Ctx, id string) error {
	to, err := a.untold(c.Context(), id)
	if err != nil {
		return err
	}
	return a.notify(c, id, to)
}

// untold are the concerned companies that have no notice, or one of fewer lots.
func (a *app) untold(ctx context.Context, id string) (out []trace.Concerned, err error) {
	lots, err := readmodel.All[string](ctx, a.db, `SELECT lot FROM tr_case_lots WHERE kase = $1`, id)
	if err != nil {
		return nil, err
	}
	shares, err := a.shares(ctx, lots, asOf{})
	if err != nil {
		return nil, err
	}
	type told struct {
		Party string `db:"party"`
		Lots  int    `db:"lots"`
	}
	rows, err := readmodel.All[told](ctx, a.db, `SELECT party, lots FROM tr_notices WHERE kase = $1`, id)
	if err != nil {
		return nil, err
	}
	before := map[string]int{}
	for _, n := range rows {
		before[n.Party] = n.Lots
	}
	for _, x := range concerned(shares) {
		if before[x.Party] < x.Lots {
			out = append(out, x)
		}
	}
	return out, nil
}
