package traceability

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/lineage"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// way is what the tables know of a scanned pack's way: what it was made of,
// where that came from, and where the goods have arrived since.
type way struct {
	lot    lotRow
	marks  []waymark
	makers map[string]bool // who made something of it
	cut    bool            // there is more than is told
}

// waymark is one lot of the way with its making and, once for each, its
// arrivals: one statement reads all of them.
type waymark struct {
	lotRow
	Told  bool   `db:"told"` // sensors or certificates tell of it
	Zone  string `db:"zone"`
	Place string `db:"place"`
	Open  bool   `db:"open"` // shoppers may hear of its making

	Receiver     string     `db:"receiver"`
	Arrived      *time.Time `db:"arrived"` // nil: nothing of it has arrived anywhere
	ArrivedZone  string     `db:"arrived_zone"`
	ArrivedPlace string     `db:"arrived_place"`
	ArrivedOpen  bool       `db:"arrived_open"`

	Entry   *int64     `db:"entry"` // the block of the last event that names the scanned lot
	Entered *time.Time `db:"entered"`
}

// waymarks asks for lots ($2, …) with their making (o), their arrivals (e) and
// the last entry (t) of the scanned one ($1).
const waymarks = `SELECT ` + lotColumns + `, l.told, COALESCE(o.zone, '') AS zone, COALESCE(NULLIF(o.place, ''), o.read_point, '') AS place,
	COALESCE(o.sharing IN ('linked', 'public') AND o.error = '', FALSE) AS open,
	COALESCE(s.receiver, '') AS receiver, e.at AS arrived, COALESCE(e.zone, '') AS arrived_zone,
	COALESCE(NULLIF(e.place, ''), e.read_point, '') AS arrived_place, COALESCE(e.sharing IN ('linked', 'public'), FALSE) AS arrived_open,
	t.block AS entry, t.captured AS entered
	FROM tr_lots l LEFT JOIN tr_events o ON o.hash = l.origin
	LEFT JOIN tr_shipment_lines sl ON sl.lot = l.id
	LEFT JOIN tr_shipments s ON s.id = sl.shipment AND s.state = 'accepted'
	LEFT JOIN tr_events e ON e.hash = s.answer AND e.error = ''
	LEFT JOIN tr_events t ON t.hash = (SELECT hash FROM tr_named WHERE thing = $1 ORDER BY block DESC, hash LIMIT 1)
	WHERE l.id IN `

const (
	mostAncestors = 300 // lots whose way is told
	mostFirms     = 3   // shops that are named; more are counted
)

// scanned is the way of the single thing, or of the lot that it belongs to; nil
// when the tables know neither.
func (a *app) scanned(ctx context.Context, key gs1.ID) (*way, error) {
	ids := []string{keyOfLot(key)}
	if key.Serial() != "" && key.Lot() != "" {
		if batch, err := gs1.LotID(key.GTIN(), key.Lot()); err == nil {
			ids = append(ids, batch.Path())
		}
	}
	for _, id := range ids {
		if w, err := a.way(ctx, id); w != nil || err != nil {
			return w, err
		}
	}
	return nil, nil
}

func (a *app) way(ctx context.Context, id string) (*way, error) {
	graph, err := a.lineage.current(ctx)
	if err != nil {
		return nil, err
	}
	walk := graph.Walk(lineage.Back, mostAncestors, id)
	w := &way{cut: walk.Cut, makers: map[string]bool{}}
	for some := range slices.Chunk(walk.Nodes, 400) {
		var ids []string
		for _, r := range some {
			ids = append(ids, r.Name)
		}
		list, args := inList(2, ids)
		marks, err := readmodel.All[waymark](ctx, a.db, waymarks+list, append([]any{id}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("read the way of a pack: %w", err)
		}
		w.marks = append(w.marks, marks...)
	}
	own := slices.IndexFunc(w.marks, func(m waymark) bool { return m.ID == id })
	if own < 0 {
		return nil, nil
	}
	w.lot = w.marks[own].lotRow
	for _, m := range w.marks {
		w.makers[m.Maker] = true
	}
	return w, nil
}

// batch is the lot of a single thing, which lies on its way. One that nobody
// has logged says nothing.
func (a *app) batch(ctx context.Context, w *way) (lotRow, error) {
	for _, m := range w.marks {
		if m.ID == w.lot.Batch {
			return m.lotRow, nil
		}
	}
	lot, err := a.lot(ctx, w.lot.Batch)
	if errors.Is(err, trace.ErrNoLot) {
		err = nil
	}
	return lot, err
}

// tell puts the stations into a shopper's view, and where the ledger last told
// of the lot.
func (w *way) tell(n *names, v *shopperView) {
	v.Gaps = w.cut
	w.makings(n, v)
	w.arrivals(n, v)
	slices.SortStableFunc(v.Path, func(x, y shopperStep) int { return cmp.Or(cmp.Compare(x.Day, y.Day), x.at.Compare(y.at)) })
	for _, m := range w.marks {
		if m.Entry != nil && m.Entered != nil && *m.Entry > v.Block {
			v.Block, v.Entered = *m.Entry, *m.Entered
		}
	}
}

// beyond is what shoppers are told of some companies that made or took over a
// lot: company, city and day of what its author shares with them.
func (a *app) beyond(ctx context.Context, n *names, lot lotRow, companies map[string]bool) ([]shopperStep, error) {
	marks, err := readmodel.All[waymark](ctx, a.db, waymarks+`($2)`, lot.ID, lot.ID)
	if err != nil {
		return nil, fmt.Errorf("read where else a lot is: %w", err)
	}
	w := way{lot: lot}
	for _, m := range marks {
		if !companies[m.Maker] {
			m.Maker = ""
		}
		if !companies[m.Receiver] {
			m.Arrived = nil
		}
		w.marks = append(w.marks, m)
	}
	v := &shopperView{}
	w.tell(n, v)
	return v.Path, nil
}

func (w *way) makings(n *names, v *shopperView) {
	slices.SortFunc(w.marks, func(x, y waymark) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.ID, y.ID)) })
	last := ""
	for _, m := range w.marks {
		if m.ID == last { // told already: another arrival of the same lot
			continue
		}
		last = m.ID
		switch {
		case m.Maker == "" || !m.Open:
			v.Gaps = true
		case m.Batch == "":
			v.add(shopperStep{Kind: "made", Product: n.Product(m.GTIN), Company: n.Party(m.Maker), City: n.City(m.Place), Day: dayThere(m.At, m.Zone), Lots: 1, Own: m.GTIN == w.lot.GTIN, at: m.At})
		}
	}
}

// arrivals are the hand-overs along the way: of what the pack was made of, at
// those who made something of it; of the pack's own lot, at the shops.
func (w *way) arrivals(n *names, v *shopperView) {
	var came, shops []waymark
	for _, m := range w.marks {
		if m.Arrived != nil {
			came = append(came, m)
		}
	}
	slices.SortStableFunc(came, func(x, y waymark) int { return x.Arrived.Compare(*y.Arrived) })
	firms := map[string]bool{}
	for _, m := range came {
		switch own := m.ID == w.lot.ID || m.ID == w.lot.Batch; {
		case !m.ArrivedOpen:
			v.Gaps = true
		case own:
			shops, firms[m.Receiver] = append(shops, m), true
		case w.makers[m.Receiver]:
			v.add(m.arrival(n, m.GTIN, false))
		}
	}
	if len(firms) > mostFirms {
		first := shops[0].arrival(n, w.lot.GTIN, true)
		first.Company, first.City, first.Lots, first.Firms = "", "", 0, len(firms)
		v.Path = append(v.Path, first)
		return
	}
	for _, m := range shops {
		v.add(m.arrival(n, w.lot.GTIN, true))
	}
}

func (m waymark) arrival(n *names, gtin string, own bool) shopperStep {
	return shopperStep{Kind: "arrived", Product: n.Product(gtin), Company: n.Party(m.Receiver), City: n.City(m.ArrivedPlace),
		Day: dayThere(*m.Arrived, m.ArrivedZone), Lots: 1, Own: own, at: *m.Arrived}
}

// dayThere is the one on the calendar where it happened.
func dayThere(at time.Time, offset string) string {
	if zone, err := time.Parse("-07:00", offset); err == nil {
		return at.In(zone.Location()).Format(time.DateOnly)
	}
	return at.UTC().Format(time.DateOnly)
}

// add puts a step to the path; lots that went the same way the same day go as
// one.
func (v *shopperView) add(s shopperStep) {
	for i := range v.Path {
		p := &v.Path[i]
		if p.Kind == s.Kind && p.Product == s.Product && p.Company == s.Company && p.City == s.City && p.Day == s.Day && p.Own == s.Own {
			p.Lots++
			return
		}
	}
	v.Path = append(v.Path, s)
}
