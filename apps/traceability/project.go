package traceability

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
)

//go:embed read.sql
var schema string

// tables are those of read.sql, in its order.
var tables = []string{
	"tr_members",
	"tr_parties",
	"tr_places",
	"tr_products",
	"tr_lots",
	"tr_accounts",
	"tr_events",
	"tr_named",
	"tr_process_lines",
	"tr_contents",
	"tr_packs",
	"tr_shipments",
	"tr_shipment_lines",
	"tr_shipment_packs",
	"tr_cases",
	"tr_case_lots",
	"tr_acknowledgements",
	"tr_demands",
	"tr_event_facts",
	"tr_product_facts",
	"tr_place_facts",
	"tr_fsma",
	"tr_readings",
	"tr_warnings",
	"tr_certificates",
	"tr_links",
	"tr_lots_then",
	"tr_accounts_then",
	"tr_process_lines_then",
	"tr_shipments_then",
	"tr_packs_then",
	"tr_contents_then",
	"tr_retractions",
	"tr_case_lots_then",
	"tr_associations",
	"tr_case_terms",
	"tr_notices",
	"tr_bookings",
	"tr_case_log",
	"tr_returned",
	"tr_mismatches",
	"tr_statements",
	"tr_photos",
	"tr_documents",
	"tr_devices",
	"tr_seals",
	"tr_excursions",
}

// projection says what each event does to the tables.
func projection() *readmodel.Projection {
	p := readmodel.NewProjection("traceability", schema, tables)
	projectParties(p)
	projectGoods(p)
	projectAssociations(p)
	projectShipments(p)
	projectCases(p)
	projectWarnings(p)
	projectLinks(p)
	projectCaseLife(p)
	readmodel.On(p, photoRegistered)
	readmodel.On(p, documentAttached)
	readmodel.On(p, documentWithdrawn)
	projectDevices(p)
	return p
}

// run is one statement of a projection; the first error is the handler's.
func run(ctx context.Context, tx *readmodel.Tx, statement string, args ...any) error {
	_, err := tx.ExecContext(ctx, statement, args...)
	return err
}

func words(list []string) string { return strings.Join(list, " ") }

func projectParties(p *readmodel.Projection) {
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e party.MemberAdmitted) error {
		return run(ctx, tx, `INSERT INTO tr_members (id, name, authority) VALUES ($1, $2, $3)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, authority = excluded.authority`,
			e.Member.ID, e.Member.Name, e.Member.Authority)
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e party.Registered) error {
		return putParty(ctx, tx, e.Party)
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e party.Changed) error {
		return putParty(ctx, tx, e.Party)
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e party.Suspended) error {
		return run(ctx, tx, `UPDATE tr_parties SET standing = $1, reason = $2 WHERE id = $3`, party.Barred, e.Reason, e.ID)
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e party.Reinstated) error {
		return run(ctx, tx, `UPDATE tr_parties SET standing = $1, reason = '' WHERE id = $2`, party.Vouched, e.ID)
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.ProductDescribed) error {
		d := e.Product
		if err := putFood(ctx, tx, d); err != nil {
			return err
		}
		return run(ctx, tx, `INSERT INTO tr_products (gtin, name, name_zh, unit, shelf_life, storage, owner)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (gtin) DO UPDATE SET name = excluded.name, name_zh = excluded.name_zh, unit = excluded.unit,
				shelf_life = excluded.shelf_life, storage = excluded.storage, owner = excluded.owner`,
			d.GTIN, d.Name, d.NameZh, d.Unit, d.ShelfLife, d.Storage, d.Owner)
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.Demanded) error {
		if len(e.Profile) == 0 {
			return run(ctx, tx, `DELETE FROM tr_demands WHERE party = $1`, e.Party)
		}
		profile, err := json.Marshal(e.Profile)
		if err != nil {
			return err
		}
		return run(ctx, tx, `INSERT INTO tr_demands (party, profile) VALUES ($1, $2) ON CONFLICT (party) DO UPDATE SET profile = excluded.profile`, e.Party, string(profile))
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.PlaceDescribed) error {
		d := e.Place
		if err := putContact(ctx, tx, d); err != nil {
			return err
		}
		return run(ctx, tx, `INSERT INTO tr_places (gln, name, name_zh, city, city_zh, country, owner, latitude, longitude)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			ON CONFLICT (gln) DO UPDATE SET name = excluded.name, name_zh = excluded.name_zh, city = excluded.city,
				city_zh = excluded.city_zh, country = excluded.country, owner = excluded.owner,
				latitude = excluded.latitude, longitude = excluded.longitude`,
			d.GLN, d.Name, d.NameZh, d.City, d.CityZh, d.Country, d.Owner, d.Latitude, d.Longitude)
	})
}

func putParty(ctx context.Context, tx *readmodel.Tx, p party.Party) error {
	gln := ""
	if len(p.GLNs) > 0 {
		gln = p.GLNs[0]
	}
	return run(ctx, tx, `INSERT INTO tr_parties (id, member, name, name_zh, kinds, prefixes, gln, standing, reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET member = excluded.member, name = excluded.name, name_zh = excluded.name_zh,
			kinds = excluded.kinds, prefixes = excluded.prefixes, gln = excluded.gln, standing = excluded.standing, reason = excluded.reason`,
		p.ID, p.Member, p.Name, p.NameZh, words(p.Kinds), words(p.Prefixes), gln, p.Standing, p.Reason)
}

func projectGoods(p *readmodel.Projection) {
	readmodel.On(p, captured)
	readmodel.On(p, retracted)
	readmodel.On(p, lotLogged)
	readmodel.On(p, holdingChanged)
	readmodel.On(p, derived)
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.Packed) error {
		return putContent(ctx, tx, m, e.Pack, e.Child, e.Line)
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.PackPlaced) error {
		err := run(ctx, tx, `INSERT INTO tr_packs (pack, holder, parent, shipment) VALUES ($1, $2, $3, $4)
			ON CONFLICT (pack) DO UPDATE SET holder = excluded.holder, parent = excluded.parent, shipment = excluded.shipment`,
			e.Pack.ID, e.Pack.Holder, e.Pack.Parent, e.Pack.Shipment)
		if err != nil {
			return err
		}
		return packThen(ctx, tx, m, e.Pack)
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.Unpacked) error {
		if e.Child != "" || e.Line.Amount.IsZero() {
			err := run(ctx, tx, `DELETE FROM tr_contents WHERE pack = $1 AND child = $2`, e.Pack, e.Child+e.Line.Lot)
			if err != nil {
				return err
			}
			return contentThen(ctx, tx, m, e.Pack, e.Child+e.Line.Lot, "", "")
		}
		return putContent(ctx, tx, m, e.Pack, "", e.Line)
	})
}

func captured(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.Captured) error {
	event, err := eventIn(e.Event)
	if err != nil {
		return fmt.Errorf("read the event %s: %w", e.Hash, err)
	}
	id := "" // the eventID that the sender gave
	if event != nil {
		id = event.ID
	}
	err = run(ctx, tx, `INSERT INTO tr_events (hash, type, author, by_user, at, zone, captured, action, biz_step, disposition,
			read_point, place, sharing, body, flags, shipment, error, corrective, block, tx, event_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, '', '', $17, $18, $19)`,
		e.Hash, e.Type, e.Author, m.By.User, e.Time, e.Offset, m.At, e.Action, e.BizStep, e.Disposition,
		thing(e.ReadPoint), thing(e.BizLocation), e.Sharing, string(e.Event), words(e.Flags), e.Shipment, int64(m.Block), m.TxID, id)
	if err != nil {
		return err
	}
	if err := projectSensed(ctx, tx, e, event); err != nil {
		return err
	}
	for _, n := range e.Named {
		err := run(ctx, tx, `INSERT INTO tr_named (thing, hash, role, block) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, n.ID, e.Hash, n.Role, int64(m.Block))
		if err != nil {
			return err
		}
	}
	if err := putEventFacts(ctx, tx, e.Hash, factsOf(e, event)); err != nil {
		return err
	}
	if err := recordReadings(ctx, tx, e, event); err != nil {
		return err
	}
	if err := recordExcursions(ctx, tx, m, e, event); err != nil {
		return err
	}
	return recordFoods(ctx, tx, e.Hash, e.Shipment, event)
}

// eventIn is the event in a body; a body that is not for everybody does not
// travel in the ledger's events, and there is none.
func eventIn(body []byte) (*epcis.Event, error) {
	if len(body) == 0 {
		return nil, nil
	}
	doc, err := epcis.DecodeJSON(body)
	if err != nil {
		return nil, err
	}
	return &doc.Events[0], nil
}

// thing is the GLN of a place, or what the event says where it is no GS1 key.
func thing(uri string) string {
	if key, err := gs1.Parse(uri); err == nil && key.Primary.AI == "414" {
		return key.Primary.Value
	}
	return uri
}

func retracted(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.EventRetracted) error {
	reason := e.Error.Reason
	if reason == "" {
		reason = "did_not_occur"
	}
	err := run(ctx, tx, `UPDATE tr_events SET error = $1, error_at = $2, corrective = $3, error_block = $4 WHERE hash = $5`,
		reason, e.Error.Time, words(e.Error.Corrective), int64(m.Block), e.Hash)
	if err != nil {
		return err
	}
	if err := run(ctx, tx, `UPDATE tr_excursions SET error = TRUE WHERE hash = $1`, e.Hash); err != nil {
		return err
	}
	return run(ctx, tx, `INSERT INTO tr_retractions (hash, since) VALUES ($1, $2) ON CONFLICT DO NOTHING`, e.Hash, m.At)
}

func lotLogged(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.LotLogged) error {
	l := e.Lot
	err := run(ctx, tx, `INSERT INTO tr_lots (id, gtin, number, serial, batch, maker, unit, made, at, expiry, origin, flags, blocked, block, told)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', $13, FALSE)
		ON CONFLICT (id) DO UPDATE SET maker = excluded.maker, unit = excluded.unit, made = excluded.made, at = excluded.at,
			expiry = excluded.expiry, origin = excluded.origin, flags = excluded.flags, batch = excluded.batch`,
		l.ID, l.GTIN, l.Number, l.Serial, l.Batch, l.Maker, l.Unit, l.Made.String(), l.At, l.Expiry, l.Origin, words(l.Flags), int64(m.Block))
	if err != nil {
		return err
	}
	return lotThen(ctx, tx, m, l)
}

func holdingChanged(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.HoldingChanged) error {
	a := e.Account
	inStock := a.Held.Sign() > 0 || a.Packed.Sign() > 0
	err := run(ctx, tx, `INSERT INTO tr_accounts (lot, party, held, packed, sent, used, sold, destroyed, gone, lost, in_stock)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (lot, party) DO UPDATE SET held = excluded.held, packed = excluded.packed, sent = excluded.sent,
			used = excluded.used, sold = excluded.sold, destroyed = excluded.destroyed, gone = excluded.gone,
			lost = excluded.lost, in_stock = excluded.in_stock`,
		e.Lot, e.Party, a.Held.String(), a.Packed.String(), a.Sent.String(), a.Used.String(), a.Sold.String(),
		a.Destroyed.String(), a.Left.String(), a.Lost.String(), inStock)
	if err != nil {
		return err
	}
	return accountThen(ctx, tx, m, e.Lot, e.Party)
}

// derived replaces the lines of a process: the event tells all of them. The
// block stays that of the latest change, by which the lineage catches up.
func derived(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.Derived) error {
	if err := run(ctx, tx, `DELETE FROM tr_process_lines WHERE process = $1`, e.Process); err != nil {
		return err
	}
	for side, lines := range map[string][]trace.Line{"in": e.Inputs, "out": e.Outputs} {
		for _, l := range lines {
			if l.Amount.IsZero() {
				continue
			}
			err := run(ctx, tx, `INSERT INTO tr_process_lines (process, side, lot, amount, unit, block) VALUES ($1, $2, $3, $4, $5, $6)`,
				e.Process, side, l.Lot, l.Amount.String(), l.Unit, int64(m.Block))
			if err != nil {
				return err
			}
		}
	}
	return processThen(ctx, tx, m, e.Process)
}

func putContent(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, pack, child string, l trace.Line) error {
	err := run(ctx, tx, `INSERT INTO tr_contents (pack, child, inner_pack, amount, unit) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (pack, child) DO UPDATE SET amount = excluded.amount, unit = excluded.unit`,
		pack, child+l.Lot, child != "", l.Amount.String(), l.Unit)
	if err != nil {
		return err
	}
	return contentThen(ctx, tx, m, pack, child+l.Lot, l.Amount.String(), l.Unit)
}

func projectShipments(p *readmodel.Projection) {
	readmodel.On(p, shipmentOffered)
	answer := func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, id, state, event, reason string) error {
		err := run(ctx, tx, `UPDATE tr_shipments SET state = $1, answer = $2, reason = $3, answered = $4, block = $5 WHERE id = $6`,
			state, event, reason, m.At, int64(m.Block), id)
		if err != nil {
			return err
		}
		return shipmentThen(ctx, tx, m, id)
	}
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.ShipmentAccepted) error {
		return answer(ctx, tx, m, e.Shipment, trace.Accepted, e.Event, "")
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.ShipmentDeclined) error {
		return answer(ctx, tx, m, e.Shipment, trace.Declined, "", e.Reason)
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.ShipmentCancelled) error {
		return answer(ctx, tx, m, e.Shipment, trace.Cancelled, "", "")
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.ShipmentReopened) error {
		err := run(ctx, tx, `UPDATE tr_shipments SET state = $1, answer = '', answered = NULL, mismatch = '', said = '', block = $2 WHERE id = $3`,
			trace.Offered, int64(m.Block), e.Shipment)
		if err != nil {
			return err
		}
		if err := run(ctx, tx, `DELETE FROM tr_mismatches WHERE shipment = $1`, e.Shipment); err != nil {
			return err
		}
		if err := run(ctx, tx, `UPDATE tr_shipment_lines SET received = '' WHERE shipment = $1`, e.Shipment); err != nil {
			return err
		}
		return shipmentThen(ctx, tx, m, e.Shipment)
	})
	readmodel.On(p, mismatchOpened)
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.MismatchAnswered) error {
		said, err := readmodel.One[string](ctx, tx, `SELECT said FROM tr_shipments WHERE id = $1`, e.Shipment)
		if err != nil {
			return err
		}
		answers := map[string]string{}
		if said != "" {
			if err := json.Unmarshal([]byte(said), &answers); err != nil {
				return err
			}
		}
		if e.Item == "" {
			answers[e.By] = e.Outcome
		}
		b, err := json.Marshal(answers)
		if err != nil {
			return err
		}
		if err := run(ctx, tx, `UPDATE tr_shipments SET mismatch = $1, said = $2 WHERE id = $3`, e.State, string(b), e.Shipment); err != nil {
			return err
		}
		if err := stated(ctx, tx, m, e); err != nil {
			return err
		}
		return shipmentThen(ctx, tx, m, e.Shipment)
	})
}

func shipmentOffered(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.ShipmentOffered) error {
	s := e.Shipment
	err := run(ctx, tx, `INSERT INTO tr_shipments (id, sender, receiver, carrier, state, at, event, answer, answered, reason, documents, mismatch, said, block)
		VALUES ($1, $2, $3, $4, $5, $6, $7, '', NULL, '', $8, '', '', $9)`,
		s.ID, s.From, s.To, s.Carrier, s.State, s.At, s.Event, words(s.Documents), int64(m.Block))
	if err != nil {
		return err
	}
	for pack, lines := range map[string][]trace.Line{"": s.Lines, "packed": s.Packed} {
		for _, l := range lines {
			err := run(ctx, tx, `INSERT INTO tr_shipment_lines (shipment, lot, pack, amount, unit, received) VALUES ($1, $2, $3, $4, $5, '')`,
				s.ID, l.Lot, pack, l.Amount.String(), l.Unit)
			if err != nil {
				return err
			}
		}
	}
	for _, pack := range s.Packs {
		if err := run(ctx, tx, `INSERT INTO tr_shipment_packs (shipment, pack, missing) VALUES ($1, $2, $3)`, s.ID, pack, false); err != nil {
			return err
		}
	}
	return shipmentThen(ctx, tx, m, s.ID)
}

func mismatchOpened(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.MismatchOpened) error {
	d := e.Mismatch
	if err := putMismatch(ctx, tx, m, d); err != nil {
		return err
	}
	if err := run(ctx, tx, `UPDATE tr_shipments SET mismatch = $1 WHERE id = $2`, d.State, d.Shipment); err != nil {
		return err
	}
	for _, l := range d.Lines {
		err := run(ctx, tx, `INSERT INTO tr_shipment_lines (shipment, lot, pack, amount, unit, received) VALUES ($1, $2, '', $3, $4, $5)
			ON CONFLICT (shipment, lot, pack) DO UPDATE SET received = excluded.received`,
			d.Shipment, l.Lot, l.Shipped.String(), l.Unit, l.Received.String())
		if err != nil {
			return err
		}
	}
	for _, pack := range d.Packs {
		if err := run(ctx, tx, `UPDATE tr_shipment_packs SET missing = $1 WHERE shipment = $2 AND pack = $3`, true, d.Shipment, pack); err != nil {
			return err
		}
	}
	return shipmentThen(ctx, tx, m, d.Shipment)
}

func projectCases(p *readmodel.Projection) {
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.CaseOpened) error {
		c := e.Case
		err := run(ctx, tx, `INSERT INTO tr_cases (id, kind, reason, code, author, authority, at, state, marked, done, closed, closed_by, closing, block, tx)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, '', '', $11, $12)`,
			c.ID, c.Kind, c.Reason, c.Code, c.By, c.Authority, c.At, c.State, c.Marked, c.Done, int64(m.Block), m.TxID)
		if err != nil {
			return err
		}
		if err := putTerms(ctx, tx, c, m.By); err != nil {
			return err
		}
		return nameLots(ctx, tx, m, c.ID, c.Lots)
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.LotBlocked) error {
		err := run(ctx, tx, `INSERT INTO tr_case_lots (kase, lot, named, round, block) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (kase, lot) DO UPDATE SET round = excluded.round, block = excluded.block`, e.Case, e.Lot, false, e.Round, int64(m.Block))
		if err != nil {
			return err
		}
		return caseLotThen(ctx, tx, m, e.Case, e.Lot)
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.CaseExtended) error {
		err := run(ctx, tx, `UPDATE tr_cases SET marked = $1, done = $2 WHERE id = $3`, e.Marked, e.Done, e.Case)
		if err == nil { // what the marks before this event, in its transaction, block
			err = run(ctx, tx, blockedBy+` WHERE id IN (SELECT lot FROM tr_case_lots WHERE kase = $1 AND block = $2)`, e.Case, int64(m.Block))
		}
		if err == nil && e.Done && e.Round > 0 {
			err = freeBefore(ctx, tx, m, e.Case, e.Round)
		}
		return err
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.CaseClosed) error {
		err := run(ctx, tx, `UPDATE tr_cases SET state = $1, closed = $2, closed_by = $3, closing = $4, closed_block = $5 WHERE id = $6`,
			trace.CaseOver, e.At, e.By, e.Reason, int64(m.Block), e.Case)
		if err != nil {
			return err
		}
		if err := run(ctx, tx, `UPDATE tr_case_terms SET unreconciled = $1 WHERE kase = $2`, e.Unreconciled, e.Case); err != nil {
			return err
		}
		return run(ctx, tx, blockedBy+` WHERE id IN (SELECT lot FROM tr_case_lots WHERE kase = $1)`, e.Case)
	})
	readmodel.On(p, acknowledged)
}

// blockedBy sets a lot's blocked to the gravest open case: a recall before a
// hold. A mock recall blocks nothing.
const blockedBy = `UPDATE tr_lots SET blocked = COALESCE((SELECT MAX(c.kind) FROM tr_case_lots l JOIN tr_cases c ON c.id = l.kase
	WHERE l.lot = tr_lots.id AND c.state = 'open' AND c.kind <> 'mock'), '')` // "recall" sorts after "hold"

func acknowledged(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.CaseAcknowledged) error {
	found, err := json.Marshal(e.Found)
	if err != nil {
		return err
	}
	return run(ctx, tx, `INSERT INTO tr_acknowledgements (kase, party, at, found) VALUES ($1, $2, $3, $4)
		ON CONFLICT (kase, party) DO UPDATE SET at = excluded.at, found = excluded.found`, e.Case, e.By, e.At, string(found))
}
