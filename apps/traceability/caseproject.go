package traceability

import (
	"context"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// What the events of a case's life, and of a mismatch's, do to the tables.

func projectCaseLife(p *readmodel.Projection) {
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.CaseWidened) error {
		if err := nameLots(ctx, tx, m, e.Case, e.Lots); err != nil {
			return err
		}
		return note(ctx, tx, m, noted{e.Case, "widened", e.By, words(e.Lots), e.Reason, e.At})
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.CaseNarrowed) error {
		for _, lot := range e.Lots {
			if err := run(ctx, tx, `UPDATE tr_case_lots SET named = $1 WHERE kase = $2 AND lot = $3`, false, e.Case, lot); err != nil {
				return err
			}
		}
		return note(ctx, tx, m, noted{e.Case, "narrowed", e.By, words(e.Lots), e.Reason, e.At})
	})
	readmodel.On(p, upgraded)
	readmodel.On(p, notified)
	readmodel.On(p, checked)
	readmodel.On(p, reconciled)
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.LotReturned) error {
		return run(ctx, tx, `INSERT INTO tr_returned (lot, party, amount) VALUES ($1, $2, $3)
			ON CONFLICT (lot, party) DO UPDATE SET amount = excluded.amount`, e.Lot, e.Party, e.Amount.String())
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.MismatchEscalated) error {
		return run(ctx, tx, `UPDATE tr_mismatches SET escalated = $1, escalated_at = $2 WHERE shipment = $3`, e.By, e.At, e.Shipment)
	})
}

// noted is a line of a case's log.
type noted struct {
	kase, kind, party, about, said string
	at                             time.Time
}

func note(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, n noted) error {
	return run(ctx, tx, `INSERT INTO tr_case_log (kase, block, tx, seq, at, kind, party, about, said) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		n.kase, int64(m.Block), m.TxID, m.Seq, n.at, n.kind, n.party, n.about, n.said)
}

func putTerms(ctx context.Context, tx *readmodel.Tx, c trace.Case, by chaincode.Caller) error {
	t := c.Terms
	return run(ctx, tx, `INSERT INTO tr_case_terms (kase, class, depth, hours, level, share, reason_zh, advice, advice_zh, contact, upgraded, unreconciled, by_org, by_user)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, '', $11, $12)`,
		c.ID, t.Class, t.Depth, t.Hours, t.Level, t.Share, t.ReasonZh, t.Advice, t.AdviceZh, t.Contact, by.Org, by.User)
}

// nameLots notes the lots that a case names. A lot may be in it already, as one
// that was derived.
func nameLots(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, id string, lots []string) error {
	for _, lot := range lots {
		err := run(ctx, tx, `INSERT INTO tr_case_lots (kase, lot, named, round, block) VALUES ($1, $2, $3, 0, $4)
			ON CONFLICT (kase, lot) DO UPDATE SET named = excluded.named`, id, lot, true, int64(m.Block))
		if err != nil {
			return err
		}
		if err := caseLotThen(ctx, tx, m, id, lot); err != nil {
			return err
		}
	}
	return nil
}

// freeBefore takes out of a case what only earlier rounds had marked.
func freeBefore(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, id string, round int) error {
	err := run(ctx, tx, `UPDATE tr_case_lots_then SET until = $1 WHERE kase = $2 AND lot IN (SELECT lot FROM tr_case_lots WHERE kase = $3 AND round < $4)`, m.At, id, id, round)
	if err != nil {
		return err
	}
	if err := run(ctx, tx, `DELETE FROM tr_case_lots WHERE kase = $1 AND round < $2`, id, round); err != nil {
		return err
	}
	return run(ctx, tx, blockedBy+` WHERE id IN (SELECT lot FROM tr_case_lots_then WHERE kase = $1 AND until = $2)`, id, m.At)
}

func upgraded(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.CaseUpgraded) error {
	t := e.Terms
	for _, do := range []struct {
		statement string
		args      []any
	}{
		{`UPDATE tr_cases SET kind = $1, reason = $2, code = $3, authority = $4 WHERE id = $5`, []any{trace.KindRecall, e.Reason, e.Code, e.Authority, e.Case}},
		{`UPDATE tr_case_terms SET class = $1, depth = $2, hours = $3, level = $4, share = $5, reason_zh = $6, advice = $7, advice_zh = $8, contact = $9, upgraded = $10
			WHERE kase = $11`, []any{t.Class, t.Depth, t.Hours, t.Level, t.Share, t.ReasonZh, t.Advice, t.AdviceZh, t.Contact, e.At, e.Case}},
		{blockedBy + ` WHERE id IN (SELECT lot FROM tr_case_lots WHERE kase = $1)`, []any{e.Case}},
	} {
		if err := run(ctx, tx, do.statement, do.args...); err != nil {
			return err
		}
	}
	return note(ctx, tx, m, noted{e.Case, "upgraded", e.By, "", e.Reason, e.At})
}

func notified(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.CaseNotified) error {
	err := run(ctx, tx, `INSERT INTO tr_notices (kase, party, lots, at, due, times, last, method, contacted, result, checked)
		VALUES ($1, $2, $3, $4, $5, $6, $7, '', $8, '', NULL)
		ON CONFLICT (kase, party) DO UPDATE SET lots = excluded.lots, times = excluded.times, last = excluded.last`,
		e.Case, e.Party, e.Lots, e.At, e.Due, e.Times, e.At, false)
	if err != nil {
		return err
	}
	kind := "notified"
	if e.Times > 1 {
		kind = "reminded"
	}
	return note(ctx, tx, m, noted{e.Case, kind, m.By.Party, e.Party, "", e.At})
}

func checked(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.CaseChecked) error {
	err := run(ctx, tx, `UPDATE tr_notices SET method = $1, contacted = $2, result = $3, checked = $4 WHERE kase = $5 AND party = $6`,
		e.Check.Method, e.Check.Contacted, e.Check.Result, e.At, e.Case, e.Party)
	if err != nil {
		return err
	}
	return note(ctx, tx, m, noted{e.Case, "checked", e.By, e.Party, e.Check.Result, e.At})
}

func reconciled(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.CaseReconciled) error {
	for _, l := range e.Lines {
		err := run(ctx, tx, `INSERT INTO tr_bookings (kase, party, lot, unit, had, quarantined, destroyed, returned, recovered, beyond, outstanding, at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
			ON CONFLICT (kase, party, lot) DO UPDATE SET unit = excluded.unit, had = excluded.had, quarantined = excluded.quarantined, destroyed = excluded.destroyed,
				returned = excluded.returned, recovered = excluded.recovered, beyond = excluded.beyond, outstanding = excluded.outstanding, at = excluded.at`,
			e.Case, e.By, l.Lot, l.Unit, l.Had.String(), l.Quarantined.String(), l.Destroyed.String(), l.Returned.String(), l.Recovered.String(), l.Beyond.String(), l.Outstanding.String(), e.At)
		if err != nil {
			return err
		}
	}
	return note(ctx, tx, m, noted{e.Case, "reconciled", e.By, "", "", e.At})
}

// putMismatch opens the case of a mismatch. One from before mismatches had a
// deadline is due at once.
func putMismatch(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, d trace.Mismatch) error {
	at, due := d.At, d.Due
	if at.IsZero() {
		at, due = m.At, m.At
	}
	return run(ctx, tx, `INSERT INTO tr_mismatches (shipment, sender, receiver, state, at, due, escalated, escalated_at, settled, block, tx)
		VALUES ($1, $2, $3, $4, $5, $6, '', NULL, NULL, $7, $8)`, d.Shipment, d.From, d.To, d.State, at, due, int64(m.Block), m.TxID)
}

func stated(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.MismatchAnswered) error {
	agreed := e.Agreed || e.State == trace.MismatchSettled
	err := run(ctx, tx, `INSERT INTO tr_statements (shipment, block, tx, seq, at, party, item, amount, unit, outcome, agreed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		e.Shipment, int64(m.Block), m.TxID, m.Seq, m.At, e.By, e.Item, e.Amount.String(), e.Unit, e.Outcome, agreed)
	if err != nil || e.State != trace.MismatchSettled {
		return err
	}
	return run(ctx, tx, `UPDATE tr_mismatches SET state = $1, settled = $2 WHERE shipment = $3`, e.State, m.At, e.Shipment)
}
