package traceability

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tallyway/tallyway/apps/traceability/scans"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// What the tables know of where a thing has been and may be, for package scans.

// custody is a company's part in the way of a thing or of its lot.
type custody struct {
	Lot       string `db:"lot"`
	Party     string `db:"party"`
	Kinds     string `db:"kinds"`
	Held      string `db:"held"`
	Packed    string `db:"packed"`
	Sent      string `db:"sent"`
	Used      string `db:"used"`
	Sold      string `db:"sold"`
	Destroyed string `db:"destroyed"`
	Gone      string `db:"gone"`
}

// endStages are the stages of single things that were sold, or cannot be in
// anybody's hands: one statement for a whole batch.
func endStages(ctx context.Context, tx *readmodel.Tx, all []judged) (map[string]scans.Stage, error) {
	stages := map[string]scans.Stage{}
	var things []string
	for _, j := range all {
		if j.thing != "" && !slices.Contains(things, j.thing) {
			things = append(things, j.thing)
		}
	}
	for _, some := range chunks(things) {
		rows, err := custodies(ctx, tx, some)
		if err != nil {
			return nil, err
		}
		byThing := map[string][]custody{}
		for _, r := range rows {
			byThing[r.Lot] = append(byThing[r.Lot], r)
		}
		for thing, parts := range byThing {
			stages[thing] = stageOf(parts, false)
		}
	}
	return stages, nil
}

func custodies(ctx context.Context, q readmodel.Querier, lots []string) ([]custody, error) {
	list, args := inList(1, lots)
	rows, err := readmodel.All[custody](ctx, q, `SELECT a.lot, a.party, COALESCE(p.kinds, '') AS kinds, a.held, a.packed, a.sent, a.used, a.sold, a.destroyed, a.gone
		FROM tr_accounts a LEFT JOIN tr_parties p ON p.id = a.party WHERE a.lot IN `+list, args...)
	if err != nil {
		return nil, fmt.Errorf("read who had scanned things: %w", err)
	}
	return rows, nil
}

// stageOf is how far a thing has come. Of a lot, whose things are in different
// hands, it is the furthest that allows most: what holds for the things in a
// shop must not raise an alarm for them.
func stageOf(parts []custody, lot bool) scans.Stage {
	stage, somewhere := scans.Stock, false
	reach := func(s scans.Stage) { stage = max(stage, s) }
	for _, c := range parts {
		if some(c.Held) || some(c.Packed) || some(c.Sent) {
			somewhere = true
		}
		if some(c.Sent) {
			reach(scans.Moving)
		}
		if some(c.Sold) || some(c.Gone) || slices.Contains(strings.Fields(c.Kinds), party.KindRetailer) && (some(c.Held) || some(c.Packed)) {
			reach(scans.Shop)
		}
		if some(c.Sold) && !lot {
			reach(scans.Sold)
		}
		if (some(c.Destroyed) || some(c.Used)) && !lot {
			reach(scans.Gone)
		}
	}
	if stage == scans.Gone && somewhere {
		stage = scans.Shop // some of it is still there
	}
	return stage
}

func some(amount string) bool { return parseAmount(amount).Sign() > 0 }

// scanWay reads the whole way of a thing with its lot: for looks with a place.
func scanWay(ctx context.Context, q readmodel.Querier, thing, lot string) (scans.Way, error) {
	ids := slices.DeleteFunc([]string{thing, lot}, func(id string) bool { return id == "" })
	parts, err := custodies(ctx, q, ids)
	if err != nil {
		return scans.Way{}, err
	}
	own := slices.DeleteFunc(slices.Clone(parts), func(c custody) bool { return c.Lot != thing })
	w := scans.Way{}
	if len(own) > 0 {
		w.Stage = stageOf(own, false)
	} else {
		w.Stage = stageOf(parts, true)
	}
	list, args := inList(1, ids)
	offered, err := readmodel.All[string](ctx, q, fmt.Sprintf(`SELECT DISTINCT s.receiver FROM tr_shipment_lines l JOIN tr_shipments s ON s.id = l.shipment
		WHERE l.lot IN %s AND s.state IN ($%d, $%d)`, list, len(args)+1, len(args)+2), append(args, trace.Offered, trace.Accepted)...)
	if err != nil {
		return w, fmt.Errorf("read where scanned things are sent: %w", err)
	}
	for _, c := range parts {
		offered = append(offered, c.Party)
		w.Open = w.Open || some(c.Gone) // who has it now is not known here
	}
	slices.Sort(offered)
	w.Companies = slices.Compact(offered)
	return w, placesOf(ctx, q, &w)
}

// placesOf adds where the companies of a way are. One that has told no point may
// be anywhere: then nothing can be said of where the thing never was.
func placesOf(ctx context.Context, q readmodel.Querier, w *scans.Way) error {
	if len(w.Companies) == 0 {
		w.Open = true
		return nil
	}
	type row struct {
		Owner     string `db:"owner"`
		Country   string `db:"country"`
		Latitude  string `db:"latitude"`
		Longitude string `db:"longitude"`
	}
	told, nowhere := map[string]bool{}, false
	for _, of := range chunks(w.Companies) {
		list, args := inList(1, of)
		rows, err := readmodel.All[row](ctx, q, `SELECT owner, country, latitude, longitude FROM tr_places WHERE owner IN `+list+` ORDER BY gln LIMIT 2000`, args...)
		if err != nil {
			return fmt.Errorf("read the places of companies: %w", err)
		}
		for _, r := range rows {
			p, ok := scans.ReadPoint(r.Latitude, r.Longitude)
			if !ok {
				continue
			}
			told[r.Owner] = true
			w.Places = append(w.Places, p)
			nowhere = nowhere || r.Country == ""
			if r.Country != "" && !slices.Contains(w.Countries, r.Country) {
				w.Countries = append(w.Countries, r.Country)
			}
		}
	}
	if nowhere {
		w.Countries = nil // it may be any
	}
	w.Open = w.Open || len(told) < len(w.Companies)
	return nil
}
