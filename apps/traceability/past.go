package traceability

import (
	"context"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// What the tables keep of the past, so that they can be asked what the ledger
// knew at a time (known.go). A row stands from the time of its transaction until
// that of the next one; what one transaction writes twice counts once.

func lotThen(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, l trace.Lot) error {
	return run(ctx, tx, `INSERT INTO tr_lots_then (id, since, maker, unit, made, expiry, flags) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id, since) DO UPDATE SET maker = excluded.maker, unit = excluded.unit, made = excluded.made, expiry = excluded.expiry, flags = excluded.flags`,
		l.ID, m.At, l.Maker, l.Unit, l.Made.String(), l.Expiry, words(l.Flags))
}

// accountThen copies the account as it stands now.
func accountThen(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, lot, party string) error {
	const columns = `held, packed, sent, used, sold, destroyed, gone, lost`
	return run(ctx, tx, `INSERT INTO tr_accounts_then (lot, party, since, `+columns+`)
		SELECT lot, party, $1, `+columns+` FROM tr_accounts WHERE lot = $2 AND party = $3
		ON CONFLICT (lot, party, since) DO UPDATE SET held = excluded.held, packed = excluded.packed, sent = excluded.sent, used = excluded.used,
			sold = excluded.sold, destroyed = excluded.destroyed, gone = excluded.gone, lost = excluded.lost`, m.At, lot, party)
}

// processThen copies all lines of a process, and marks the version: it may have
// none left.
func processThen(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, process string) error {
	if err := run(ctx, tx, `DELETE FROM tr_process_lines_then WHERE process = $1 AND since = $2`, process, m.At); err != nil {
		return err
	}
	err := run(ctx, tx, `INSERT INTO tr_process_lines_then (process, since, side, lot, amount, unit, block) VALUES ($1, $2, '', '', '', '', $3)`, process, m.At, int64(m.Block))
	if err != nil {
		return err
	}
	return run(ctx, tx, `INSERT INTO tr_process_lines_then (process, since, side, lot, amount, unit, block)
		SELECT process, $1, side, lot, amount, unit, $2 FROM tr_process_lines WHERE process = $3`, m.At, int64(m.Block), process)
}

func shipmentThen(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, id string) error {
	const columns = `state, answer, answered, reason, mismatch`
	return run(ctx, tx, `INSERT INTO tr_shipments_then (id, since, `+columns+`) SELECT id, $1, `+columns+` FROM tr_shipments WHERE id = $2
		ON CONFLICT (id, since) DO UPDATE SET state = excluded.state, answer = excluded.answer, answered = excluded.answered,
			reason = excluded.reason, mismatch = excluded.mismatch`, m.At, id)
}

func packThen(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, p trace.Pack) error {
	return run(ctx, tx, `INSERT INTO tr_packs_then (pack, since, holder, parent, shipment) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (pack, since) DO UPDATE SET holder = excluded.holder, parent = excluded.parent, shipment = excluded.shipment`,
		p.ID, m.At, p.Holder, p.Parent, p.Shipment)
}

// contentThen notes how much of a child a pack holds from now on; "" is none.
func contentThen(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, pack, child, amount, unit string) error {
	return run(ctx, tx, `INSERT INTO tr_contents_then (pack, child, since, amount, unit) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (pack, child, since) DO UPDATE SET amount = excluded.amount, unit = excluded.unit`, pack, child, m.At, amount, unit)
}

func caseLotThen(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, kase, lot string) error {
	return run(ctx, tx, `INSERT INTO tr_case_lots_then (kase, lot, since, until) VALUES ($1, $2, $3, NULL) ON CONFLICT (kase, lot) DO UPDATE SET until = NULL`, kase, lot, m.At)
}

// projectAssociations keeps every association, also those that ended.
func projectAssociations(p *readmodel.Projection) {
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.Associated) error {
		a := e.Association
		return run(ctx, tx, `INSERT INTO tr_associations (parent, child, event, party, amount, unit, since, until, ended, noted, noted_end, undone)
			VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, '', $8, NULL, $9)
			ON CONFLICT (parent, child, event) DO UPDATE SET until = NULL, ended = '', noted_end = NULL, undone = excluded.undone`,
			a.Parent, a.Child, a.Event, a.By, a.Amount.String(), a.Unit, a.Since, m.At, false)
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.Dissociated) error {
		a := e.Association
		return run(ctx, tx, `UPDATE tr_associations SET until = $1, ended = $2, noted_end = $3, undone = $4 WHERE parent = $5 AND child = $6 AND event = $7`,
			a.Until, a.Ended, m.At, e.Undone, a.Parent, a.Child, a.Event)
	})
}
