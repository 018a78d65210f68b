package traceability

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tallyway/tallyway/apps/traceability/fsma"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// putFacts keeps what records tell of a product. A product that comes onto the
// Food Traceability List, or changes its place on it, has its events read anew.
func putFacts(ctx context.Context, tx *readmodel.Tx, p trace.Product) error {
	before, err := categories(ctx, tx, []string{p.GTIN})
	if err != nil {
		return err
	}
	err = run(ctx, tx, `INSERT INTO tr_product_facts (gtin, list, kill_step, brand, commodity, variety, packaging) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (gtin) DO UPDATE SET list = excluded.list, kill_step = excluded.kill_step, brand = excluded.brand,
			commodity = excluded.commodity, variety = excluded.variety, packaging = excluded.packaging`,
		p.GTIN, p.List, p.KillStep, p.Brand, p.Commodity, p.Variety, p.Packaging)
	now := p.List
	if p.KillStep {
		now = ""
	}
	if err != nil || before[p.GTIN] == now {
		return err
	}
	return reread(ctx, tx, p.GTIN)
}

func putContact(ctx context.Context, tx *readmodel.Tx, p trace.Place) error {
	return run(ctx, tx, `INSERT INTO tr_place_facts (gln, phone, street, region, postcode) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (gln) DO UPDATE SET phone = excluded.phone, street = excluded.street, region = excluded.region, postcode = excluded.postcode`,
		p.GLN, p.Phone, p.Street, p.Region, p.Postcode)
}

// categories are those of some products that are on the list, without the ones
// that a kill step exempts.
func categories(ctx context.Context, q readmodel.Querier, gtins []string) (map[string]string, error) {
	type row struct {
		GTIN string `db:"gtin"`
		List string `db:"list"`
	}
	all := map[string]string{}
	for _, some := range chunks(gtins) {
		list, args := inList(1, some)
		rows, err := readmodel.All[row](ctx, q, `SELECT gtin, list FROM tr_product_facts WHERE list <> '' AND NOT kill_step AND gtin IN `+list, args...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			all[r.GTIN] = r.List
		}
	}
	return all, nil
}

// reread makes the rows of every event that names a lot of a product anew, in
// the order in which they happened on the ledger.
func reread(ctx context.Context, tx *readmodel.Tx, gtin string) error {
	type row struct {
		Hash     string `db:"hash"`
		Shipment string `db:"shipment"`
		Body     string `db:"body"`
	}
	// Not all at once: a product may have been moved very often.
	const some = 500
	last := int64(-1)
	hash := ""
	for {
		type keyed struct {
			row
			Block int64 `db:"block"`
		}
		rows, err := readmodel.All[keyed](ctx, tx, `SELECT e.hash, e.shipment, e.body, e.block FROM tr_events e WHERE (e.block > $1 OR e.block = $2 AND e.hash > $3) AND e.body <> '' AND
			(EXISTS (SELECT 1 FROM tr_named n WHERE n.hash = e.hash AND n.thing >= $4 AND n.thing < $5)
			OR EXISTS (SELECT 1 FROM tr_shipment_lines l WHERE e.shipment <> '' AND l.shipment = e.shipment AND l.lot >= $6 AND l.lot < $7))
			ORDER BY e.block, e.hash LIMIT $8`, last, last, hash, "01/"+gtin+"/", "01/"+gtin+"0", "01/"+gtin+"/", "01/"+gtin+"0", some)
		if err != nil {
			return err
		}
		for _, r := range rows {
			last, hash = r.Block, r.Hash
			event, err := eventIn([]byte(r.Body))
			if err != nil {
				return fmt.Errorf("read the event %s: %w", r.Hash, err)
			}
			if err := run(ctx, tx, `DELETE FROM tr_fsma WHERE hash = $1`, r.Hash); err != nil {
				return err
			}
			if err := recordFoods(ctx, tx, r.Hash, r.Shipment, event); err != nil {
				return err
			}
		}
		if len(rows) < some {
			return nil
		}
	}
}

// recordFoods keeps what an event tells of foods on the list.
func recordFoods(ctx context.Context, tx *readmodel.Tx, hash, shipment string, event *epcis.Event) error {
	if event == nil {
		return nil
	}
	lines, err := foodLines(ctx, tx, hash, shipment, event)
	if err != nil || len(lines) == 0 {
		return err
	}
	for _, l := range lines {
		text, err := json.Marshal(l.Line)
		if err != nil {
			return err
		}
		err = run(ctx, tx, `INSERT INTO tr_fsma (hash, n, cte, side, lot, gtin, place, at, line) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			hash, l.Line.N, string(l.CTE), l.Line.Side, l.Line.Lot, l.Line.GTIN, l.Line.Place, l.Line.At, string(text))
		if err != nil {
			return err
		}
		if l.CTE == fsma.Harvesting || l.CTE == fsma.Cooling {
			if err := wasRaw(ctx, tx, l.Line.Lot); err != nil {
				return err
			}
		}
	}
	return nil
}

// wasRaw puts right what was read before it was known that a lot was raw: its
// way to the packer is no shipping, and what was made of it was packed.
func wasRaw(ctx context.Context, tx *readmodel.Tx, lot string) error {
	err := run(ctx, tx, `UPDATE tr_fsma SET cte = $1 WHERE lot = $2 AND cte IN ($3, $4)
		AND NOT EXISTS (SELECT 1 FROM tr_fsma o WHERE o.lot = $5 AND o.side = 'out')`, string(fsma.Before), lot, string(fsma.Shipping), string(fsma.Receiving), lot)
	if err != nil {
		return err
	}
	return run(ctx, tx, `UPDATE tr_fsma SET cte = $1 WHERE cte = $2 AND hash IN (SELECT hash FROM tr_fsma WHERE lot = $3 AND side = 'in')`,
		string(fsma.InitialPacking), string(fsma.Transformation), lot)
}

// foodLines are the lines of an event about foods on the list, each with its
// critical tracking event.
func foodLines(ctx context.Context, q readmodel.Querier, hash, shipment string, event *epcis.Event) ([]fsma.Past, error) {
	packed, err := packedLines(ctx, q, shipment)
	if err != nil {
		return nil, err
	}
	packs := 0
	lines := fsma.Lines(event, hash, func(string) []fsma.Line { // a shipment tells what its packs hold together
		all := packed
		packed, packs = nil, packs+1
		return all
	})
	var gtins []string
	for i, l := range lines {
		gtins = append(gtins, l.GTIN)
		if packs > 1 {
			lines[i].Pack = "" // which of them holds it is not told
		}
	}
	listed, err := categories(ctx, q, gtins)
	if err != nil || len(listed) == 0 {
		return nil, err
	}
	raw, err := rawLots(ctx, q, lines)
	if err != nil {
		return nil, err
	}
	rawIn := false
	for _, l := range lines {
		rawIn = rawIn || l.Side == fsma.Input && raw[l.Lot]
	}
	var all []fsma.Past
	for _, l := range lines {
		if listed[l.GTIN] == "" {
			continue
		}
		is := raw[l.Lot]
		if l.Step == fsma.Process {
			is = rawIn
		}
		if cte := fsma.Classify(l.Step, listed[l.GTIN], is); cte != "" {
			all = append(all, fsma.Past{CTE: cte, Line: l})
		}
	}
	return all, nil
}

// packedLines are the goods of a shipment that travel in packs.
func packedLines(ctx context.Context, q readmodel.Querier, shipment string) ([]fsma.Line, error) {
	if shipment == "" {
		return nil, nil
	}
	type row struct {
		Lot    string `db:"lot"`
		Amount string `db:"amount"`
		Unit   string `db:"unit"`
	}
	rows, err := readmodel.All[row](ctx, q, `SELECT lot, amount, unit FROM tr_shipment_lines WHERE shipment = $1 AND pack = 'packed' ORDER BY lot`, shipment)
	var lines []fsma.Line
	for _, r := range rows {
		l := fsma.Line{Lot: r.Lot, Amount: parseAmount(r.Amount).String(), Unit: r.Unit}
		if key, err := gs1.Parse(r.Lot); err == nil {
			l.GTIN, l.Batch = key.GTIN(), orElse(key.Lot(), key.Serial())
		}
		lines = append(lines, l)
	}
	return lines, err
}

// rawLots are those lots of some lines that were harvested or cooled and did
// not come out of a process.
func rawLots(ctx context.Context, q readmodel.Querier, lines []fsma.Line) (map[string]bool, error) {
	var lots []string
	for _, l := range lines {
		if l.Lot != "" {
			lots = append(lots, l.Lot)
		}
	}
	raw := map[string]bool{}
	for _, some := range chunks(lots) {
		list, args := inList(1, some)
		found, err := readmodel.All[string](ctx, q, `SELECT DISTINCT lot FROM tr_fsma f WHERE cte IN ('harvesting', 'cooling') AND lot IN `+list+`
			AND NOT EXISTS (SELECT 1 FROM tr_fsma o WHERE o.lot = f.lot AND o.side = 'out')`, args...)
		if err != nil {
			return nil, err
		}
		for _, lot := range found {
			raw[lot] = true
		}
	}
	return raw, nil
}
