package traceability

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
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
	Notice   string        `json:"notice,omitempty"` // address of the public notice of its recall
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
		return a.shelf.send(c, status, a.shelf.render(key, v, false))
	}
	return a.shelf.send(c, http.StatusOK, a.shelf.put(key, version, today, v))
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
	w, err := a.scanned(c.Context(), key)
	switch {
	case err != nil:
		return nil, err
	case w == nil, parseAmount(w.lot.Made).IsZero(): // or its making was declared an error
		v.Verdict = unknown
		return v, nil
	}
	v.Maker, v.Expiry = cmp.Or(n.Party(w.lot.Maker), v.Maker), w.lot.bestBefore()
	if err := a.judge(c.Context(), n, w, today, v); err != nil {
		return nil, err
	}
	w.tell(n, v)
	return v, nil
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

func (a *app) aboutProduct(ctx context.Context, n *names, v *shopperView) error {
	l, err := a.directory.look(ctx, question{`SELECT owner, storage FROM tr_products WHERE gtin = $1`, v.GTIN})
	switch {
	case err != nil:
		return fmt.Errorf("read the product %s: %w", v.GTIN, err)
	case !l.found:
		v.Verdict = unknown
		return nil
	}
	v.Product, v.Maker, v.Storage, v.Verdict = n.Product(v.GTIN), n.Party(l.first), l.second, fine
	return nil
}

// aboutRecalls tells which lots of a product are recalled, for who scanned a
// code without a lot.
func (a *app) aboutRecalls(ctx context.Context, v *shopperView) (err error) {
	v.Recalled, err = readmodel.All[string](ctx, a.db, `SELECT number FROM tr_lots WHERE gtin = $1 AND blocked = 'recall' AND number <> '' ORDER BY number LIMIT 50`, v.GTIN)
	return err
}

// judge says whether the pack is fine.
func (a *app) judge(ctx context.Context, n *names, w *way, today string, v *shopperView) error {
	lot := w.lot
	if lot.Serial != "" && lot.Batch != "" {
		batch, err := a.batch(ctx, w)
		if err != nil {
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
		if v.Verdict == recalled {
			v.Notice = "/recalls/" + url.PathEscape(cases[0].ID)
		}
	}
	return err
}
