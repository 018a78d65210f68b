package traceability

import (
	"context"
	"slices"
	"time"

	"github.com/tallyway/tallyway/iot/watch"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// Where a lot was, and with which devices: in packs, on what the packs rode on,
// and at places, by the time of the events that say so.

// sojourn is a time that a thing spent in, on or at another.
type sojourn struct {
	Thing string
	From  time.Time
	To    time.Time // the moment of asking, where it lasts
}

// deepestStay is how far packs in packs on vehicles are followed.
const deepestStay = 6

// sojourns are where a lot was until a moment: itself, and whatever it was in, on
// or at.
func (a *app) sojourns(ctx context.Context, lot string, from, until time.Time) ([]sojourn, error) {
	all := []sojourn{{lot, from, until}}
	for next, depth := all, 0; len(next) > 0 && depth < deepestStay; depth++ {
		var found []sojourn
		for _, s := range next {
			outer, err := a.around(ctx, s)
			if err != nil {
				return nil, err
			}
			found = append(found, outer...)
		}
		next = nil
		for _, s := range found {
			if s.To.After(s.From) && !slices.Contains(all, s) {
				all, next = append(all, s), append(next, s)
			}
		}
	}
	return all, nil
}

// movement is an event that names a thing, with what it was put into or on.
type movement struct {
	Type   string    `db:"type"`
	Action string    `db:"action"`
	Step   string    `db:"biz_step"`
	At     time.Time `db:"at"`
	Place  string    `db:"place"`
	Role   string    `db:"role"`
	Parent string    `db:"parent"`
}

// around are the sojourns of a thing within one of its own.
func (a *app) around(ctx context.Context, s sojourn) (all []sojourn, err error) {
	moves, err := readmodel.All[movement](ctx, a.db, `SELECT e.type, e.action, e.biz_step, e.at, e.place, n.role, COALESCE(p.thing, '') AS parent FROM tr_named n JOIN tr_events e ON e.hash = n.hash
		LEFT JOIN tr_named p ON p.hash = n.hash AND p.role = 'parent' WHERE n.thing = $1 AND e.error = '' AND e.at < $2 AND n.role <> 'parent' ORDER BY e.at, e.captured LIMIT 2000`, s.Thing, s.To.UTC())
	if err != nil {
		return nil, err
	}
	inside := map[string]time.Time{}
	place, since := "", time.Time{}
	leave := func(at time.Time) {
		if place != "" {
			all = append(all, sojourn{"414/" + place, since, at})
		}
		place = ""
	}
	for _, m := range moves {
		switch {
		case m.Type == epcis.AggregationEvent && m.Action == epcis.Add && m.Parent != "":
			inside[m.Parent] = m.At
		case m.Type == epcis.AggregationEvent && m.Action == epcis.Delete && m.Parent != "":
			if from, in := inside[m.Parent]; in {
				all = append(all, sojourn{m.Parent, from, m.At})
			}
			delete(inside, m.Parent)
		}
		switch {
		case m.Step == "shipping" || m.Step == "departing":
			leave(m.At)
		case m.Step == "sensor_reporting": // it says where the device was, not that goods moved
		case m.Place != "" && m.Place != place && m.Type != epcis.AssociationEvent:
			leave(m.At)
			place, since = m.Place, m.At
		}
	}
	leave(s.To)
	for parent, from := range inside {
		all = append(all, sojourn{parent, from, s.To})
	}
	rides, err := readmodel.All[attachment](ctx, a.db, `SELECT parent, since, until, event FROM tr_associations WHERE child = $1 AND NOT undone AND since < $2`, s.Thing, s.To.UTC())
	for _, r := range rides {
		x := sojourn{r.Parent, r.Since, s.To}
		if r.Until != nil {
			x.To = *r.Until
		}
		all = append(all, x)
	}
	return within(all, s), err
}

// within cuts sojourns to the time of the one that they are part of.
func within(all []sojourn, outer sojourn) (some []sojourn) {
	for _, s := range all {
		if s.From.Before(outer.From) {
			s.From = outer.From
		}
		if s.To.After(outer.To) {
			s.To = outer.To
		}
		if s.To.After(s.From) {
			some = append(some, s)
		}
	}
	slices.SortFunc(some, func(x, y sojourn) int { return x.From.Compare(y.From) })
	return some
}

// companion is a device that was where a thing was, for a time.
type companion struct {
	Device deviceRow
	Thing  string // where they met: a pack, a vehicle, a place
	From   time.Time
	To     time.Time
}

// companions are the devices that were where a lot was.
func (a *app) companions(ctx context.Context, lot string, from, until time.Time) (all []companion, err error) {
	sojourns, err := a.sojourns(ctx, lot, from, until)
	if err != nil {
		return nil, err
	}
	known := map[string]deviceRow{}
	devices, err := a.devices(ctx, "")
	if err != nil || len(devices) == 0 {
		return nil, err
	}
	for _, d := range devices {
		known[d.Thing] = d
	}
	for _, s := range sojourns {
		type ride struct {
			Child string     `db:"child"`
			Since time.Time  `db:"since"`
			Until *time.Time `db:"until"`
		}
		rides, err := readmodel.All[ride](ctx, a.db, `SELECT child, since, until FROM tr_associations WHERE parent = $1 AND NOT undone AND since < $2 AND (until IS NULL OR until > $3)`,
			s.Thing, s.To.UTC(), s.From.UTC())
		if err != nil {
			return nil, err
		}
		for _, r := range rides {
			d, ok := known[r.Child]
			if !ok {
				continue
			}
			k := companion{d, s.Thing, r.Since, s.To}
			if r.Until != nil && r.Until.Before(k.To) {
				k.To = *r.Until
			}
			if k.From.Before(s.From) {
				k.From = s.From
			}
			if k.To.After(k.From) {
				all = append(all, k)
			}
		}
	}
	slices.SortStableFunc(all, func(x, y companion) int { return x.From.Compare(y.From) })
	return all, nil
}

// surroundings are what was where a device was at a moment: what it rode on, and
// the lots in it, on it or at it.
func (a *app) surroundings(ctx context.Context, device string, at time.Time) (about watch.About, err error) {
	rides, err := readmodel.All[attachment](ctx, a.db, `SELECT parent, since, until, event FROM tr_associations WHERE child = $1 AND NOT undone AND since <= $2 AND (until IS NULL OR until > $3)`, device, at.UTC(), at.UTC())
	if err != nil {
		return about, err
	}
	seen := map[string]bool{}
	var lots []string
	for _, r := range rides {
		about.Things = append(about.Things, uriOf(r.Parent))
		inside, err := a.contentsAt(ctx, r.Parent, at, seen, 0)
		if err != nil {
			return about, err
		}
		lots = append(lots, inside...)
	}
	lots, err = a.inStock(ctx, lots)
	for _, lot := range lots[:min(len(lots), mostAround)] {
		switch key, bad := gs1.Parse(lot); {
		case bad == nil && key.Level() == gs1.Lot:
			about.Lots = append(about.Lots, key.URI())
		case uriOf(lot) != "":
			about.Things = append(about.Things, uriOf(lot))
		}
	}
	return about, err
}

// inStock are those lots of which somebody still has some, each once.
func (a *app) inStock(ctx context.Context, lots []string) (some []string, err error) {
	slices.Sort(lots)
	for part := range slices.Chunk(slices.Compact(lots), 400) {
		list, args := inList(1, part)
		rows, err := readmodel.All[string](ctx, a.db, `SELECT DISTINCT lot FROM tr_accounts WHERE lot IN `+list+` AND (held <> '0' OR packed <> '0' OR sent <> '0') ORDER BY lot`, args...)
		if err != nil {
			return nil, err
		}
		some = append(some, rows...)
	}
	return some, nil
}

// mostAround bounds the lots that one alarm names.
const mostAround = 100

// contentsAt are the lots that were in, on or at a thing at a moment.
func (a *app) contentsAt(ctx context.Context, thing string, at time.Time, seen map[string]bool, depth int) (lots []string, err error) {
	if seen[thing] || depth > deepestStay {
		return nil, nil
	}
	seen[thing] = true
	type candidate struct {
		Thing string `db:"thing"`
		Lot   bool   `db:"lot"`
	}
	all, err := readmodel.All[candidate](ctx, a.db, `SELECT DISTINCT n.thing AS thing, EXISTS (SELECT 1 FROM tr_lots l WHERE l.id = n.thing) AS lot FROM tr_named p JOIN tr_named n ON n.hash = p.hash AND n.role = 'child'
		JOIN tr_events e ON e.hash = p.hash WHERE p.thing = $1 AND p.role = 'parent' AND e.error = '' AND e.at <= $2 LIMIT 2000`, thing, at.UTC())
	if err != nil {
		return nil, err
	}
	if gln, is := placeOf(thing); is {
		here, err := readmodel.All[candidate](ctx, a.db, `SELECT DISTINCT n.thing AS thing, EXISTS (SELECT 1 FROM tr_lots l WHERE l.id = n.thing) AS lot FROM tr_events e JOIN tr_named n ON n.hash = e.hash
			WHERE e.place = $1 AND e.error = '' AND e.at <= $2 AND e.at > $3 AND n.role <> 'parent' LIMIT 2000`, gln, at.UTC(), at.AddDate(0, 0, -60).UTC())
		if err != nil {
			return nil, err
		}
		all = append(all, here...)
	}
	for _, k := range all {
		outer, err := a.around(ctx, sojourn{k.Thing, at.Add(-time.Nanosecond), at.Add(time.Nanosecond)})
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(outer, func(s sojourn) bool { return s.Thing == thing }) {
			continue
		}
		if k.Lot {
			lots = append(lots, k.Thing)
			continue
		}
		inner, err := a.contentsAt(ctx, k.Thing, at, seen, depth+1)
		if err != nil {
			return nil, err
		}
		lots = append(lots, inner...)
	}
	return lots, nil
}

// placeOf is the GLN of a place's key.
func placeOf(thing string) (gln string, is bool) {
	if key, err := gs1.Parse(thing); err == nil && key.Primary.AI == "414" {
		return key.Primary.Value, true
	}
	return "", false
}

func uriOf(thing string) string {
	if key, err := gs1.Parse(thing); err == nil {
		return key.URI()
	}
	return thing
}
