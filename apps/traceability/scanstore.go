package traceability

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/scans"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// What becomes of looks: counts, memories and alarms, many looks in one
// transaction.

// judged is a look with what it is about.
type judged struct {
	seen
	gtin, thing, lot string // thing is "" where the code names no single thing
}

// keep writes a batch. What is new to a memory is judged at once.
func (d *scanDesk) keep(ctx context.Context, some []seen) error {
	var all []judged
	for _, s := range some {
		if j, ok := d.about(s); ok {
			all = append(all, j)
		}
	}
	if err := d.resolve(ctx, all); err != nil {
		return err
	}
	for i := range all {
		if err := d.atWork(ctx, &all[i]); err != nil {
			return err
		}
	}
	changed := false
	err := d.db.InTx(ctx, func(tx *readmodel.Tx) error {
		if err := countDays(ctx, tx, all); err != nil {
			return err
		}
		if err := keepPlaces(ctx, tx, all); err != nil {
			return err
		}
		var err error
		changed, err = d.remember(ctx, tx, all)
		return err
	})
	if err == nil && changed {
		d.refresh(ctx)
	}
	return err
}

// about reads the address; a repeat is nothing.
func (d *scanDesk) about(s seen) (judged, bool) {
	key, err := gs1.Parse(strings.TrimPrefix(s.address, "/"))
	if err != nil || key.GTIN() == "" || !d.recent.first(s) {
		return judged{}, false
	}
	j := judged{seen: s, gtin: key.GTIN()}
	if s.unknown {
		return j, true // counted by its product only: anybody can make numbers up
	}
	if key.Serial() != "" {
		j.thing = keyOfLot(key)
	}
	if key.Lot() != "" {
		if lot, err := gs1.LotID(key.GTIN(), key.Lot()); err == nil {
			j.lot = lot.Path()
		}
	}
	return j, true
}

// resolve finds the lots of single things whose code names none.
func (d *scanDesk) resolve(ctx context.Context, all []judged) error {
	var things []string
	for _, j := range all {
		if j.thing != "" && j.lot == "" {
			things = append(things, j.thing)
		}
	}
	if len(things) == 0 {
		return nil
	}
	type row struct{ ID, Batch string }
	batches := map[string]string{}
	list, args := inList(1, things)
	rows, err := readmodel.All[row](ctx, d.db, `SELECT id, batch FROM tr_lots WHERE id IN `+list, args...)
	if err != nil {
		return fmt.Errorf("read the lots of scanned things: %w", err)
	}
	for _, r := range rows {
		batches[r.ID] = r.Batch
	}
	for i := range all {
		if all[i].lot == "" {
			all[i].lot = batches[all[i].thing]
		}
	}
	return nil
}

// countDays adds to the counts. A look that gains its place later moves from
// where nobody had said.
func countDays(ctx context.Context, tx *readmodel.Tx, all []judged) error {
	type cell struct{ day, gtin, place string }
	counts := map[cell]int{}
	var order []cell
	add := func(c cell, n int) {
		if _, known := counts[c]; !known {
			order = append(order, c)
		}
		counts[c] += n
	}
	for _, j := range all {
		day := j.at.UTC().Format(time.DateOnly)
		add(cell{day, j.gtin, j.city}, 1)
		if j.placed {
			add(cell{day, j.gtin, ""}, -1)
		}
	}
	for _, c := range order {
		err := run(ctx, tx, `INSERT INTO tr_scan_days (day, gtin, place, count) VALUES ($1, $2, $3, $4)
			ON CONFLICT (day, gtin, place) DO UPDATE SET count = CASE WHEN tr_scan_days.count + $5 > 0 THEN tr_scan_days.count + $6 ELSE 0 END`,
			c.day, c.gtin, c.place, max(counts[c], 0), counts[c], counts[c])
		if err != nil {
			return err
		}
	}
	return nil
}

// keepPlaces keeps where looks were, and nothing of who looked.
func keepPlaces(ctx context.Context, tx *readmodel.Tx, all []judged) error {
	for _, j := range all {
		if !j.placed && j.shop == "" || j.thing+j.lot == "" {
			continue
		}
		lat, lon := "", ""
		if j.point != nil {
			lat, lon = fmt.Sprintf("%.4f", j.point.Lat), fmt.Sprintf("%.4f", j.point.Lon)
		}
		err := run(ctx, tx, `INSERT INTO tr_scan_places (id, thing, lot, at, lat, lon, country, shop) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			sortedID(j.at), orElse(j.thing, j.lot), j.lot, j.at.Truncate(15*time.Minute), lat, lon, j.country, j.shop)
		if err != nil {
			return err
		}
	}
	return nil
}

// remember lets package scans see the looks, and raises what it finds.
func (d *scanDesk) remember(ctx context.Context, tx *readmodel.Tx, all []judged) (changed bool, err error) {
	memories, err := loadMemories(ctx, tx, all)
	if err != nil {
		return false, err
	}
	stages, err := endStages(ctx, tx, all)
	if err != nil {
		return false, err
	}
	ways := map[string]scans.Way{}
	for _, j := range all {
		way := scans.Way{Stage: stages[j.thing]}
		if (j.placed || j.shop != "") && j.thing+j.lot != "" {
			key := j.thing + " " + j.lot
			if _, known := ways[key]; !known {
				if ways[key], err = scanWay(ctx, tx, j.thing, j.lot); err != nil {
					return changed, err
				}
			}
			way = ways[key]
		}
		raised, err := d.see(ctx, tx, memories, j, way)
		if err != nil {
			return changed, err
		}
		changed = changed || raised
	}
	return changed, memories.save(ctx, tx)
}

// see shows one look to the memories of the thing and of its lot.
func (d *scanDesk) see(ctx context.Context, tx *readmodel.Tx, m *memories, j judged, way scans.Way) (raised bool, err error) {
	s := scans.Scan{At: j.at, Thing: j.thing, Visitor: j.visitor, Point: j.point, Country: j.country, Shop: j.shop}
	if j.thing != "" {
		if k := m.thing(j.thing, j.at, &d.fresh); k != nil && k.See(s, way) && k.Alarming() {
			if err := raise(ctx, tx, j, j.thing, k.Score(), k.Signs); err != nil {
				return false, err
			}
			raised = true
		}
	}
	if j.lot != "" && (j.point != nil || j.country != "") {
		if k := m.lot(j.lot, j.at); k.See(s, way) {
			score := 0
			for _, sign := range k.Signs {
				score = max(score, sign.Weight)
			}
			if err := raise(ctx, tx, j, j.lot, score, k.Signs); err != nil {
				return false, err
			}
			raised = true
		}
	}
	return raised, nil
}

// memories are those of one batch, by thing and by lot.
type memories struct {
	things map[string]*scans.Memory
	lots   map[string]*scans.LotMemory
	at     map[string]time.Time // of those that were seen
}

func loadMemories(ctx context.Context, tx *readmodel.Tx, all []judged) (*memories, error) {
	m := &memories{things: map[string]*scans.Memory{}, lots: map[string]*scans.LotMemory{}, at: map[string]time.Time{}}
	single, asked := map[string]bool{}, map[string]bool{}
	var ids []string
	for _, j := range all {
		single[j.thing] = true
		for _, id := range []string{j.thing, j.lot} {
			if id != "" && !asked[id] {
				asked[id] = true
				ids = append(ids, id)
			}
		}
	}
	type row struct{ Thing, Memory string }
	for _, some := range chunks(ids) {
		list, args := inList(1, some)
		rows, err := readmodel.All[row](ctx, tx, `SELECT thing, memory FROM tr_scan_memory WHERE thing IN `+list, args...)
		if err != nil {
			return nil, fmt.Errorf("read what is remembered of looks: %w", err)
		}
		for _, r := range rows {
			var into any
			if single[r.Thing] {
				m.things[r.Thing] = &scans.Memory{}
				into = m.things[r.Thing]
			} else {
				m.lots[r.Thing] = &scans.LotMemory{}
				into = m.lots[r.Thing]
			}
			if err := json.Unmarshal([]byte(r.Memory), into); err != nil {
				return nil, fmt.Errorf("read what is remembered of %s: %w", r.Thing, err)
			}
		}
	}
	return m, nil
}

// thing is what is remembered of a single thing; nil where too many new ones
// come, for anybody can make serial numbers up under a lot that there is.
func (m *memories) thing(id string, at time.Time, fresh *allowance) *scans.Memory {
	k := m.things[id]
	if k == nil {
		if !fresh.take(at) {
			return nil
		}
		k = &scans.Memory{}
		m.things[id] = k
	}
	m.at[id] = at
	return k
}

func (m *memories) lot(id string, at time.Time) *scans.LotMemory {
	if m.lots[id] == nil {
		m.lots[id] = &scans.LotMemory{}
	}
	m.at[id] = at
	return m.lots[id]
}

func (m *memories) save(ctx context.Context, tx *readmodel.Tx) error {
	for id, at := range m.at {
		var of any = m.lots[id]
		if m.things[id] != nil {
			of = m.things[id]
		}
		b, err := json.Marshal(of)
		if err != nil {
			return err
		}
		err = run(ctx, tx, `INSERT INTO tr_scan_memory (thing, memory, at) VALUES ($1, $2, $3)
			ON CONFLICT (thing) DO UPDATE SET memory = excluded.memory, at = excluded.at`, id, string(b), at)
		if err != nil {
			return err
		}
	}
	return nil
}

// nextRevision is written with every change of an alarm, so that hosts see that
// there was one.
const nextRevision = `(SELECT COALESCE(MAX(revision), 0) + 1 FROM tr_alarms)`

// raise opens an alarm, or adds to the one that is open or confirmed.
func raise(ctx context.Context, tx *readmodel.Tx, j judged, thing string, score int, signs []scans.Sign) error {
	b, err := json.Marshal(signs)
	if err != nil {
		return err
	}
	known, err := readmodel.All[string](ctx, tx, `SELECT id FROM tr_alarms WHERE thing = $1 AND state <> $2 ORDER BY id DESC LIMIT 1`, thing, alarmDismissed)
	if err != nil {
		return err
	}
	if len(known) > 0 {
		return run(ctx, tx, `UPDATE tr_alarms SET score = $1, signs = $2, latest = $3, revision = `+nextRevision+` WHERE id = $4`, score, string(b), j.at, known[0])
	}
	brand, err := brandOf(ctx, tx, j.gtin, thing, j.lot)
	if err != nil {
		return err
	}
	return run(ctx, tx, `INSERT INTO tr_alarms (id, thing, lot, gtin, brand, state, score, signs, first, latest, reason, note, judge, judged, revision)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', '', '', NULL, `+nextRevision+`)`,
		sortedID(j.at), thing, j.lot, j.gtin, brand, alarmOpen, score, string(b), j.at, j.at)
}

// brandOf is the company that answers for a product: who describes its GTIN,
// else who logged the thing or its lot.
func brandOf(ctx context.Context, q readmodel.Querier, gtin, thing, lot string) (string, error) {
	all, err := readmodel.All[string](ctx, q, `SELECT owner FROM tr_products WHERE gtin = $1
		UNION ALL SELECT maker FROM tr_lots WHERE id IN ($2, $3) AND maker <> ''`, gtin, thing, lot)
	if err != nil || len(all) == 0 {
		return "", err
	}
	return all[0], nil
}

// refresh looks whether alarms have changed, here or at another host.
func (d *scanDesk) refresh(ctx context.Context) {
	if err := d.reload(ctx); err != nil && ctx.Err() == nil {
		d.app.host.Log.Error("read the alarms", "error", err)
	}
}

func (d *scanDesk) reload(ctx context.Context) error {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	revision, err := readmodel.One[int64](ctx, d.db, `SELECT COALESCE(MAX(revision), 0) FROM tr_alarms`)
	if err != nil {
		return err
	}
	if revision == d.latest {
		return nil
	}
	things, err := readmodel.All[string](ctx, d.db, `SELECT thing FROM tr_alarms WHERE state <> $1 ORDER BY id DESC LIMIT 100000`, alarmDismissed)
	if err != nil {
		return err
	}
	strange := map[string]bool{}
	for _, thing := range things {
		strange[thing] = true
	}
	d.strange.Store(&strange)
	d.latest = revision
	d.revision.Add(1)
	return nil
}
