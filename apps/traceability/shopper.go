package traceability

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// The verdicts on a pack.
const (
	fine     = "fine"
	recalled = "recalled"
	onHold   = "hold"
	expired  = "expired"
	warned   = "warned" // by its brand
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
	Warning  string        `json:"warning,omitempty"` // the brand's reason
	Unusual  bool          `json:"unusual,omitempty"` // its looks are being checked
	Cold     *coldCurve    `json:"cold,omitempty"`
	Rule     string        `json:"rule,omitempty"` // that the scanned number breaks
	Remedy   string        `json:"remedy,omitempty"`
	Links    []shopperLink `json:"links,omitempty"` // the brand's own
	Address  string        `json:"address"`
	Lang     string        `json:"lang"`

	Certificates []string          `json:"certificates,omitempty"` // as events name them
	Documents    []shopperDocument `json:"documents,omitempty"`    // public certificates and results
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
	case recalled, warned:
		return web.Bad
	}
	return web.Warn
}

// showPack answers with the page of a pack, which costs one look into a map where
// nothing has changed since it was last asked for.
func (a *app) showPack(c *web.Ctx, address string) error {
	key := shelfKey{address, c.Lang()}
	version, today := a.host.Follower.Version()+a.scans.changes(), a.host.Now().UTC().Format(time.DateOnly)
	if ready := a.shelf.get(key, version, today); ready != nil {
		a.scans.look(c, key.address, ready.view.Verdict)
		return a.shelf.send(c, http.StatusOK, ready)
	}
	v, err := a.shopperView(c, key.address, today)
	if err != nil {
		return err
	}
	a.scans.look(c, key.address, v.Verdict)
	status := map[string]int{unknown: http.StatusNotFound, unread: http.StatusBadRequest}[v.Verdict]
	if status != 0 && c.WantsJSON() {
		return a.refuseScan(c, v)
	}
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
	if err := a.brandLinks(c.Context(), key, v); err != nil {
		return nil, err
	}
	if err := a.publicDocuments(c.Context(), key, today, v); err != nil {
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
		return v, a.aboutSerial(c.Context(), n, key, v)
	}
	v.Maker, v.Expiry = cmp.Or(n.Party(w.lot.Maker), v.Maker), w.lot.bestBefore()
	if err := a.judge(c.Context(), n, w, today, v); err != nil {
		return nil, err
	}
	w.tell(n, v)
	if err := a.aboutStorage(c.Context(), w, v); err != nil {
		return nil, err
	}
	return v, a.aboutSerial(c.Context(), n, key, v)
}

// aboutSerial tells what is said of a single thing beside its way.
func (a *app) aboutSerial(ctx context.Context, n *names, key gs1.ID, v *shopperView) error {
	if v.Serial == "" {
		return nil
	}
	thing := keyOfLot(key)
	v.Unusual = a.scans.unusual(thing)
	return a.aboutWarning(ctx, n, thing, v)
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

// brandLinks are what the maker tells elsewhere, of the pack's own level first. Most
// products have none, which the directory remembers.
func (a *app) brandLinks(ctx context.Context, key gs1.ID, v *shopperView) error {
	some, err := a.directory.look(ctx, question{`SELECT id, title FROM tr_links WHERE thing = $1 OR thing > $1 || '/' AND thing < $1 || '0' LIMIT 1`, "01/" + v.GTIN})
	if err != nil || !some.found {
		return err
	}
	levels := key.Levels()
	rows, err := a.linksOf(ctx, levels)
	for _, level := range levels {
		for _, l := range rows {
			if l.Key == level.Path() && len(v.Links) < mostBrandLinks {
				v.Links = append(v.Links, shopperLink{Title: l.title(v.Lang), Href: l.Href, Type: l.Type, Lang: l.Lang})
			}
		}
	}
	return err
}

// mostBrandLinks keeps a page short.
const mostBrandLinks = 12

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
