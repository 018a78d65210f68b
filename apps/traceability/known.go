package traceability

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/lineage"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// asOf is a time to ask the ledger's knowledge of: what was captured later is
// unknown then, and what was declared an error later still stands. The zero
// asOf is now. Who may read what is asked of today, whatever the time.
type asOf struct{ time.Time }

var errKnownAt = chaincode.Rule{Code: "trace/known-at", Kind: chaincode.Malformed,
	Text: "This is no time to ask the ledger's knowledge of.", Remedy: "Send knownAt as 2026-11-28T10:00:00Z, or leave it out for now."}

// localTime is what a browser's field for date and time sends.
const localTime = "2006-01-02T15:04"

// askedMoment reads ?knownAt=, in the form of RFC 3339 or, from a page's field,
// in the reader's own zone.
func askedMoment(c *web.Ctx) (asOf, error) {
	text := strings.TrimSpace(c.QueryParam("knownAt"))
	if text == "" {
		return asOf{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		if at, err = time.ParseInLocation(localTime, text, c.Zone()); err == nil {
			at = at.Add(time.Minute - time.Nanosecond) // to the end of the minute that people name
		}
	}
	if err != nil || at.Year() < 1970 || at.Year() > 9999 {
		return asOf{}, errKnownAt.Refuse("%s", clip(text, 40)).On("knownAt")
	}
	return asOf{at.UTC()}, nil
}

// field is the moment as a page's field shows it.
func (m asOf) field(c *web.Ctx) string {
	if m.IsZero() {
		return ""
	}
	return m.In(c.Zone()).Format(localTime)
}

// on is the day that is today then.
func (m asOf) on(now time.Time) time.Time {
	if m.IsZero() {
		return now
	}
	return m.Time
}

// query is the moment in an address.
func (m asOf) query() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339Nano)
}

// table is a table as it was: name now, or then, whose arguments come to one
// more: the moment.
func (m asOf) table(now, then string, args []any) (string, []any) {
	if m.IsZero() {
		return now, args
	}
	args = append(args, m.Time)
	return strings.ReplaceAll(then, "$then", fmt.Sprintf("$%d", len(args))), args
}

func (m asOf) accounts(args []any) (string, []any) {
	return m.table("tr_accounts", `(SELECT t.lot, t.party, t.held, t.packed, t.sent, t.used, t.sold, t.destroyed, t.gone, t.lost FROM tr_accounts_then t
		WHERE t.since = (SELECT MAX(u.since) FROM tr_accounts_then u WHERE u.lot = t.lot AND u.party = t.party AND u.since <= $then))`, args)
}

func (m asOf) lots(args []any) (string, []any) {
	return m.table("tr_lots", `(SELECT n.id, n.gtin, n.number, n.serial, n.batch, t.maker, t.unit, t.made, n.at, t.expiry, n.origin, t.flags, n.block,
			COALESCE((SELECT MAX(CASE WHEN ct.upgraded > $then THEN 'hold' ELSE c.kind END) FROM tr_case_lots_then cl JOIN tr_cases c ON c.id = cl.kase LEFT JOIN tr_case_terms ct ON ct.kase = c.id
				WHERE cl.lot = n.id AND cl.since <= $then AND (cl.until IS NULL OR cl.until > $then) AND (c.closed IS NULL OR c.closed > $then) AND c.kind <> 'mock'), '') AS blocked
		FROM tr_lots n JOIN tr_lots_then t ON t.id = n.id
		WHERE t.since = (SELECT MAX(u.since) FROM tr_lots_then u WHERE u.id = t.id AND u.since <= $then))`, args)
}

func (m asOf) lines(args []any) (string, []any) {
	return m.table("tr_process_lines", `(SELECT t.process, t.side, t.lot, t.amount, t.unit FROM tr_process_lines_then t WHERE t.side <> ''
		AND t.since = (SELECT MAX(u.since) FROM tr_process_lines_then u WHERE u.process = t.process AND u.since <= $then))`, args)
}

func (m asOf) shipments(args []any) (string, []any) {
	return m.table("tr_shipments", `(SELECT s.id, s.sender, s.receiver, s.carrier, t.state, s.at, s.event, t.answer, t.answered, t.reason, s.documents, t.mismatch, s.block
		FROM tr_shipments s JOIN tr_shipments_then t ON t.id = s.id
		WHERE t.since = (SELECT MAX(u.since) FROM tr_shipments_then u WHERE u.id = t.id AND u.since <= $then))`, args)
}

func (m asOf) contents(args []any) (string, []any) {
	return m.table("tr_contents", `(SELECT t.pack, t.child, t.amount, t.unit FROM tr_contents_then t WHERE t.amount <> ''
		AND t.since = (SELECT MAX(u.since) FROM tr_contents_then u WHERE u.pack = t.pack AND u.child = t.child AND u.since <= $then))`, args)
}

func (m asOf) packs(args []any) (string, []any) {
	return m.table("tr_packs", `(SELECT t.pack, t.holder, t.parent, t.shipment FROM tr_packs_then t
		WHERE t.since = (SELECT MAX(u.since) FROM tr_packs_then u WHERE u.pack = t.pack AND u.since <= $then))`, args)
}

// stood is the condition that an event was known and not declared an error.
func (m asOf) stood(args []any) (string, []any) {
	return m.table(`e.error = ''`, `e.captured <= $then AND NOT EXISTS (SELECT 1 FROM tr_retractions x WHERE x.hash = e.hash AND x.since <= $then)`, args)
}

// lot is the lot as it was known then.
func (a *app) lotThen(ctx context.Context, lot lotRow, m asOf) (lotRow, error) {
	if m.IsZero() {
		return lot, nil
	}
	table, args := m.lots([]any{lot.ID})
	all, err := readmodel.All[lotRow](ctx, a.db, `SELECT `+lotColumns+` FROM `+table+` l WHERE l.id = $1`, args...)
	switch {
	case err != nil:
		return lot, fmt.Errorf("read what was known of the lot %s: %w", lot.ID, err)
	case len(all) == 0:
		return lot, trace.ErrNoLot.Refuse("%s", lot.ID)
	}
	return all[0], nil
}

// caseThen is the case as it was known then.
func (k kase) then(m asOf) (kase, error) {
	switch {
	case m.IsZero():
	case k.At.After(m.Time):
		return k, trace.ErrNoCase.Refuse("%s", k.ID)
	case k.Closed != nil && k.Closed.After(m.Time):
		k.State, k.Closed, k.ClosedBy, k.Closing = trace.CaseOpen, nil, "", ""
	}
	k.known = m
	return k, nil
}

// walk follows the lineage as it is now, or as it was known then.
func (a *app) walk(ctx context.Context, m asOf, d lineage.Direction, limit, steps int, seed string) (lineage.Walk, error) {
	if !m.IsZero() {
		return a.walkThen(ctx, m, d, limit, steps, seed)
	}
	graph, err := a.lineage.current(ctx)
	if err != nil {
		return lineage.Walk{}, err
	}
	return graph.WalkSteps(d, limit, steps, seed), nil
}

// walkThen asks the tables of the past, one step of the trace after the other.
func (a *app) walkThen(ctx context.Context, m asOf, d lineage.Direction, limit, steps int, seed string) (w lineage.Walk, err error) {
	seen, level := map[string]bool{seed: true}, []string{seed}
	w.Nodes = []lineage.Reached{{Name: seed}}
	for depth := 1; len(level) > 0 && (steps == 0 || depth <= steps); depth++ {
		var next []string
		for _, some := range chunks(level) {
			edges, err := a.edgesThen(ctx, m, d, some)
			if err != nil {
				return w, err
			}
			for _, e := range edges {
				to := e.To
				if d == lineage.Back {
					to = e.From
				}
				if !seen[to] && len(seen) >= limit {
					w.Cut = true
					continue
				}
				w.Edges = append(w.Edges, e)
				if !seen[to] {
					seen[to] = true
					next = append(next, to)
					w.Nodes = append(w.Nodes, lineage.Reached{Name: to, Depth: depth})
				}
			}
		}
		level = next
	}
	return w, nil
}

// edgesThen are the edges from some lots on, in the direction of the walk.
func (a *app) edgesThen(ctx context.Context, m asOf, d lineage.Direction, lots []string) (edges []lineage.Edge, err error) {
	near, from, to := "in", "batch", "id"
	if d == lineage.Back {
		near, from, to = "out", "id", "batch"
	}
	list, args := inList(1, lots)
	args = append(args, near, m.Time)
	k := len(args)
	type edge struct {
		Near string `db:"near"`
		Far  string `db:"far"`
	}
	rows, err := readmodel.All[edge](ctx, a.db, fmt.Sprintf(`SELECT DISTINCT i.lot AS near, o.lot AS far FROM tr_process_lines_then i
			JOIN tr_process_lines_then o ON o.process = i.process AND o.since = i.since AND o.side <> i.side AND o.side <> ''
			WHERE i.side = $%[1]d AND i.lot IN %[3]s AND i.since = (SELECT MAX(u.since) FROM tr_process_lines_then u WHERE u.process = i.process AND u.since <= $%[2]d)
		UNION SELECT l.%[4]s, l.%[5]s FROM tr_lots l WHERE l.batch <> '' AND l.%[4]s IN %[3]s
			AND EXISTS (SELECT 1 FROM tr_lots_then t WHERE t.id = l.id AND t.since <= $%[2]d) ORDER BY 1, 2`, k-1, k, list, from, to), args...)
	if err != nil {
		return nil, fmt.Errorf("read the lineage of then: %w", err)
	}
	for _, e := range rows {
		if d == lineage.Back {
			e.Near, e.Far = e.Far, e.Near
		}
		edges = append(edges, lineage.Edge{From: e.Near, To: e.Far})
	}
	return edges, nil
}

// retractedAfter are those of some events whose errors became known later.
func (a *app) retractedAfter(ctx context.Context, m asOf, deeds []deed) (map[string]bool, error) {
	later := map[string]bool{}
	var hashes []string
	for _, d := range deeds {
		if d.Error != "" {
			hashes = append(hashes, d.Hash)
		}
	}
	for _, some := range chunks(hashes) {
		list, args := inList(2, some)
		found, err := readmodel.All[string](ctx, a.db, `SELECT hash FROM tr_retractions WHERE since > $1 AND hash IN `+list, append([]any{m.Time}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("read when errors were declared: %w", err)
		}
		for _, hash := range found {
			later[hash] = true
		}
	}
	return later, nil
}
