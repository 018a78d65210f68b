package traceability

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/lineage"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// shopperRoutes are the addresses in the QR codes (GS1 Digital Link): no
// sign-in stands before them.
func (a *app) shopperRoutes() []web.Route {
	var routes []web.Route
	for name, path := range map[string]string{"product": "/01/:gtin", "lot": "/01/:gtin/10/:lot", "item": "/01/:gtin/21/:serial", "lot.item": "/01/:gtin/10/:lot/21/:serial"} {
		routes = append(routes, web.Route{Method: "GET", Path: path, Name: "shopper." + name, Access: web.Public, Handler: a.showPack})
	}
	slices.SortFunc(routes, func(x, y web.Route) int { return cmp.Compare(x.Path, y.Path) })
	return routes
}

// The verdicts on a pack.
const (
	fine     = "fine"
	recalled = "recalled"
	onHold   = "hold"
	expired  = "expired"
	unknown  = "unknown"
	unread   = "unreadable"
)

// shopperView is all that a shopper is told: nothing commercial, no quantity,
// companies and cities only.
type shopperView struct {
	Verdict  string        `json:"verdict"`
	Product  string        `json:"product,omitempty"`
	Maker    string        `json:"maker,omitempty"`
	GTIN     string        `json:"gtin,omitempty"`
	Lot      string        `json:"lot,omitempty"`
	Serial   string        `json:"serial,omitempty"`
	Expiry   string        `json:"bestBefore,omitempty"`
	Storage  string        `json:"storage,omitempty"`
	Reason   string        `json:"reason,omitempty"`
	By       string        `json:"by,omitempty"`
	Since    string        `json:"since,omitempty"`
	Recalled []string      `json:"recalledLots,omitempty"` // of the product, where no lot was scanned
	Path     []shopperStep `json:"path,omitempty"`
	Gaps     bool          `json:"gaps,omitempty"` // some of the path is not known
	Block    int64         `json:"block,omitempty"`
	Entered  time.Time     `json:"entered,omitzero"`
	Rule     string        `json:"rule,omitempty"` // that the scanned number breaks
	Remedy   string        `json:"remedy,omitempty"`
	Address  string        `json:"address"`
	Lang     string        `json:"lang"`
	ETag     string        `json:"-"`
}

// shopperStep is one station of a pack's way.
type shopperStep struct {
	Kind    string `json:"kind"` // "made" or "arrived"
	Product string `json:"product"`
	Company string `json:"company"`
	City    string `json:"city,omitempty"`
	Day     string `json:"day,omitempty"`
	Lots    int    `json:"lots,omitempty"`
	Firms   int    `json:"companies,omitempty"` // where goods arrived at too many to name
	Own     bool   `json:"own,omitempty"`       // of the scanned product itself
	at      time.Time
}

// Tone is the verdict's colour and shape.
func (v *shopperView) Tone() string {
	switch v.Verdict {
	case fine:
		return web.Good
	case recalled:
		return web.Bad
	}
	return web.Warn
}

func (a *app) showPack(c *web.Ctx) error {
	key := shelfKey{c.Request().URL.EscapedPath(), c.Lang()}
	version, today := a.host.Follower.Version(), a.host.Now().UTC().Format(time.DateOnly)
	if ready := a.shelf.get(key, version, today); ready != nil {
		return a.shelf.send(c, http.StatusOK, ready)
	}
	v, err := a.shopperView(c, key.address, today)
	if err != nil {
		return err
	}
	status := map[string]int{unknown: http.StatusNotFound, unread: http.StatusBadRequest}[v.Verdict]
	if status != 0 { // not worth a place on the shelf
		page := &copyOnShelf{key: key}
		if err := a.shelf.render(page, v); err != nil {
			return err
		}
		if page.data, err = json.Marshal(v); err != nil {
			return err
		}
		return a.shelf.send(c, status, page)
	}
	made, err := a.shelf.put(key, version, today, v)
	if err != nil {
		return err
	}
	return a.shelf.send(c, http.StatusOK, made)
}

// shopperView reads what is true of the pack that an address names.
func (a *app) shopperView(c *web.Ctx, address, today string) (*shopperView, error) {
	v := &shopperView{Verdict: unread, Address: address, Lang: c.Lang()}
	key, err := gs1.Parse(address[1:])
	if err != nil {
		v.Rule, v.Remedy = broken(err), "Compare it with the number on the pack, digit by digit."
		return v, nil
	}
	v.GTIN, v.Lot, v.Serial = key.GTIN(), key.Lot(), key.Serial()
	n := a.names(c)
	if err := a.aboutProduct(c.Context(), n, v); err != nil {
		return nil, err
	}
	if key.Level() == gs1.Class {
		return v, a.aboutRecalls(c.Context(), v)
	}
	lot, err := a.scanned(c.Context(), address, key)
	switch {
	case errors.Is(err, trace.ErrNoLot), err == nil && parseAmount(lot.Made).IsZero(): // or its making was declared an error
		v.Verdict = unknown
		return v, nil
	case err != nil:
		return nil, err
	}
	v.Maker, v.Expiry = cmp.Or(n.Party(lot.Maker), v.Maker), lot.bestBefore()
	if err := a.judge(c.Context(), n, lot, today, v); err != nil {
		return nil, err
	}
	return v, a.aboutPath(c.Context(), n, lot, v)
}

// broken says in a shopper's words which rule a number breaks.
func broken(err error) string {
	for code, text := range map[string]string{
		"gs1/check-digit": "The last digit is a check digit, and it does not fit the digits before it.",
		"gs1/length":      "The number is too long or too short.",
		"gs1/character":   "The number holds a character that does not belong there.",
	} {
		if errors.Is(err, &gs1.Error{Code: code}) {
			return text
		}
	}
	return "The number does not have the form of a GS1 key."
}

// scanned finds the single thing, or the lot that it belongs to.
func (a *app) scanned(ctx context.Context, address string, key gs1.ID) (lotRow, error) {
	lot, err := a.lot(ctx, lotID(key.Path()))
	if err != nil && key.Serial() != "" && key.Lot() != "" {
		batch, wrong := gs1.LotID(key.GTIN(), key.Lot())
		if wrong != nil {
			return lotRow{}, err
		}
		return a.lot(ctx, batch.Path())
	}
	return lot, err
}

func (a *app) aboutProduct(ctx context.Context, n *names, v *shopperView) error {
	var owner string
	err := a.db.QueryRowContext(ctx, `SELECT owner, storage FROM tr_products WHERE gtin = $1`, v.GTIN).Scan(&owner, &v.Storage)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		v.Verdict = unknown
		return nil
	case err != nil:
		return fmt.Errorf("read the product %s: %w", v.GTIN, err)
	}
	v.Product, v.Maker, v.Verdict = n.Product(v.GTIN), n.Party(owner), fine
	return nil
}

// aboutRecalls tells which lots of a product are recalled, for who scanned a
// code without a lot.
func (a *app) aboutRecalls(ctx context.Context, v *shopperView) (err error) {
	v.Recalled, err = readmodel.All[string](ctx, a.db, `SELECT number FROM tr_lots WHERE gtin = $1 AND blocked = 'recall' AND number <> '' ORDER BY number LIMIT 50`, v.GTIN)
	return err
}

// judge says whether the pack is fine.
func (a *app) judge(ctx context.Context, n *names, lot lotRow, today string, v *shopperView) error {
	if lot.Serial != "" && lot.Batch != "" {
		batch, err := a.lot(ctx, lot.Batch)
		if err != nil && !errors.Is(err, trace.ErrNoLot) {
			return err // a recall of the batch could hide behind it
		}
		if lot.Blocked != trace.KindRecall {
			lot.Blocked = cmp.Or(batch.Blocked, lot.Blocked) // a recall outweighs a hold
		}
		v.Lot, v.Expiry = cmp.Or(v.Lot, batch.Number), cmp.Or(v.Expiry, batch.bestBefore())
	}
	v.Verdict = fine
	if v.Expiry != "" && v.Expiry < today {
		v.Verdict = expired
	}
	if lot.Blocked == "" {
		return nil
	}
	v.Verdict = onHold
	if lot.Blocked == trace.KindRecall {
		v.Verdict = recalled
	}
	cases, err := readmodel.All[incident](ctx, a.db, `SELECT c.id, c.kind, c.reason, c.author, c.at, c.state, c.closed, c.closed_by, c.closing, l.named, c.block, c.tx
		FROM tr_case_lots l JOIN tr_cases c ON c.id = l.kase WHERE l.lot IN ($1, $2) AND c.state = 'open' AND c.kind = $3 ORDER BY c.at`, lot.ID, lot.Batch, lot.Blocked)
	if err == nil && len(cases) > 0 {
		v.Reason, v.By, v.Since = cases[0].Reason, n.Party(cases[0].Author), cases[0].At.Format(time.DateOnly)
		v.Block, v.Entered = cases[0].Block, cases[0].At
	}
	return err
}

const (
	mostAncestors = 300 // lots whose way is told
	mostFirms     = 3   // shops that are named; more are counted
)

// aboutPath is the way of the goods: what they were made of, where that came
// from, and where they have arrived since.
func (a *app) aboutPath(ctx context.Context, n *names, lot lotRow, v *shopperView) error {
	graph, err := a.lineage.current(ctx)
	if err != nil {
		return err
	}
	walk := graph.Walk(lineage.Back, mostAncestors, lot.ID)
	v.Gaps = walk.Cut
	var ids []string
	for _, r := range walk.Nodes {
		ids = append(ids, r.Name)
	}
	makers := map[string]bool{}
	if err := a.makings(ctx, n, ids, lot, makers, v); err != nil {
		return err
	}
	if err := a.arrivals(ctx, n, ids, lot, makers, v); err != nil {
		return err
	}
	slices.SortStableFunc(v.Path, func(x, y shopperStep) int { return cmp.Or(cmp.Compare(x.Day, y.Day), x.at.Compare(y.at)) })
	return a.lastEntry(ctx, lot, v)
}

// told is an event that shoppers may hear of.
type told struct {
	Lot     string    `db:"lot"`
	GTIN    string    `db:"gtin"`
	Batch   string    `db:"batch"`
	Company string    `db:"company"`
	At      time.Time `db:"at"`
	Zone    string    `db:"zone"`
	Place   string    `db:"place"`
	Flags   string    `db:"flags"`
	Open    bool      `db:"open"`
}

// day is the one on the calendar where it happened.
func (t told) day() string {
	if zone, err := time.Parse("-07:00", t.Zone); err == nil {
		return t.At.In(zone.Location()).Format(time.DateOnly)
	}
	return t.At.UTC().Format(time.DateOnly)
}

func (a *app) makings(ctx context.Context, n *names, ids []string, lot lotRow, makers map[string]bool, v *shopperView) error {
	for _, some := range chunks(ids) {
		list, args := inList(1, some)
		rows, err := readmodel.All[told](ctx, a.db, `SELECT l.id AS lot, l.gtin, l.batch, l.maker AS company, l.at, COALESCE(e.zone, '') AS zone,
			COALESCE(NULLIF(e.place, ''), e.read_point, '') AS place, l.flags, COALESCE(e.sharing IN ('linked', 'public') AND e.error = '', FALSE) AS open
			FROM tr_lots l LEFT JOIN tr_events e ON e.hash = l.origin WHERE l.id IN `+list, args...)
		if err != nil {
			return fmt.Errorf("read where a pack came from: %w", err)
		}
		for _, r := range rows {
			makers[r.Company] = true
			switch {
			case r.Company == "" || !r.Open:
				v.Gaps = true
			case r.Batch == "":
				v.add(shopperStep{Kind: "made", Product: n.Product(r.GTIN), Company: n.Party(r.Company), City: n.City(r.Place), Day: r.day(), Lots: 1, Own: r.GTIN == lot.GTIN, at: r.At})
			}
		}
	}
	return nil
}

// arrivals are the hand-overs along the way: of what the pack was made of, at
// those who made something of it; of the pack's own lot, at the shops.
func (a *app) arrivals(ctx context.Context, n *names, ids []string, lot lotRow, makers map[string]bool, v *shopperView) error {
	var shops []told
	for _, some := range chunks(ids) {
		list, args := inList(1, some)
		rows, err := readmodel.All[told](ctx, a.db, `SELECT sl.lot, l.gtin, l.batch, s.receiver AS company, e.at, e.zone,
			COALESCE(NULLIF(e.place, ''), e.read_point) AS place, l.flags, e.sharing IN ('linked', 'public') AS open
			FROM tr_shipment_lines sl JOIN tr_shipments s ON s.id = sl.shipment JOIN tr_lots l ON l.id = sl.lot JOIN tr_events e ON e.hash = s.answer
			WHERE s.state = 'accepted' AND e.error = '' AND sl.lot IN `+list+` ORDER BY e.at`, args...)
		if err != nil {
			return fmt.Errorf("read the way of a pack: %w", err)
		}
		for _, r := range rows {
			switch own := r.Lot == lot.ID || r.Lot == lot.Batch; {
			case !r.Open:
				v.Gaps = true
			case own:
				shops = append(shops, r)
			case makers[r.Company]:
				v.add(shopperStep{Kind: "arrived", Product: n.Product(r.GTIN), Company: n.Party(r.Company), City: n.City(r.Place), Day: r.day(), Lots: 1, at: r.At})
			}
		}
	}
	firms := map[string]bool{}
	for _, r := range shops {
		firms[r.Company] = true
	}
	if len(firms) > mostFirms {
		first := shops[0]
		v.Path = append(v.Path, shopperStep{Kind: "arrived", Product: n.Product(lot.GTIN), Firms: len(firms), Day: first.day(), Own: true, at: first.At})
		return nil
	}
	for _, r := range shops {
		v.add(shopperStep{Kind: "arrived", Product: n.Product(lot.GTIN), Company: n.Party(r.Company), City: n.City(r.Place), Day: r.day(), Lots: 1, Own: true, at: r.At})
	}
	return nil
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

// lastEntry is where the ledger last told of the lot.
func (a *app) lastEntry(ctx context.Context, lot lotRow, v *shopperView) error {
	type at struct {
		Block    int64     `db:"block"`
		Captured time.Time `db:"captured"`
	}
	rows, err := readmodel.All[at](ctx, a.db, `SELECT e.block, e.captured FROM tr_named n JOIN tr_events e ON e.hash = n.hash WHERE n.thing = $1 ORDER BY e.block DESC LIMIT 1`, lot.ID)
	if err == nil && len(rows) > 0 && rows[0].Block > v.Block {
		v.Block, v.Entered = rows[0].Block, rows[0].Captured
	}
	return err
}
