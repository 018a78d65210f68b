package traceability

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/lineage"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// tide counts how often the tables have changed since the host opened: what
// was worked out at one count holds while the count stands.
type tide struct{ count atomic.Uint64 }

// watch counts until ctx ends.
func (t *tide) watch(ctx context.Context, f *readmodel.Follower) {
	changes := f.Subscribe(ctx)
	go func() {
		for range changes {
			t.count.Add(1)
		}
	}()
}

// chains knows which lots each company may read: those it made, ever had in
// hand or is offered, and all that lies up and down the chain of these.
type chains struct {
	db      *readmodel.DB
	lineage *lineageCache
	tide    *tide

	mu      sync.Mutex
	at      uint64
	byParty map[string]map[string]bool
}

// reach is what one reader may read.
type reach struct {
	all  bool // a regulator reads all of its field
	lots map[string]bool
}

func (r reach) reads(lot string) bool { return r.all || r.lots[lot] }

// reach is that of whoever asks.
func (a *app) reach(c *web.Ctx) (reach, error) {
	if c.User().Has(party.Regulator) {
		return reach{all: true}, nil
	}
	lots, err := a.chains.of(c.Context(), c.User().Party)
	return reach{lots: lots}, err
}

// mostChains bounds the memory: that many companies read at a time.
const mostChains = 64

func (s *chains) of(ctx context.Context, party string) (map[string]bool, error) {
	if party == "" {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.tide.count.Load(); now != s.at || len(s.byParty) >= mostChains {
		s.at, s.byParty = now, map[string]map[string]bool{}
	}
	if lots, ok := s.byParty[party]; ok {
		return lots, nil
	}
	graph, err := s.lineage.current(ctx)
	if err != nil {
		return nil, err
	}
	own, err := readmodel.All[string](ctx, s.db, `SELECT lot FROM tr_accounts WHERE party = $1 UNION SELECT id FROM tr_lots WHERE maker = $1
		UNION SELECT l.lot FROM tr_shipment_lines l JOIN tr_shipments s ON s.id = l.shipment WHERE s.receiver = $1 AND s.state = $2`, party, trace.Offered)
	if err != nil {
		return nil, fmt.Errorf("read the lots of %s: %w", party, err)
	}
	lots := map[string]bool{}
	for _, direction := range []lineage.Direction{lineage.Back, lineage.Forward} {
		for _, lot := range graph.Names(direction, own...) {
			lots[lot] = true
		}
	}
	s.byParty[party] = lots
	return lots, nil
}

// lotRow is a lot as the tables have it.
type lotRow struct {
	ID      string    `db:"id"`
	GTIN    string    `db:"gtin"`
	Number  string    `db:"number"`
	Serial  string    `db:"serial"`
	Batch   string    `db:"batch"`
	Maker   string    `db:"maker"`
	Unit    string    `db:"unit"`
	Made    string    `db:"made"`
	At      time.Time `db:"at"`
	Expiry  string    `db:"expiry"`
	Origin  string    `db:"origin"`
	Flags   string    `db:"flags"`
	Blocked string    `db:"blocked"`
	Block   int64     `db:"block"`
}

const lotColumns = `l.id, l.gtin, l.number, l.serial, l.batch, l.maker, l.unit, l.made, l.at, l.expiry, l.origin, l.flags, l.blocked, l.block`

// name is what people call the lot within its product.
func (l lotRow) name() string {
	switch {
	case l.Serial != "":
		return l.Serial
	case l.Number != "":
		return l.Number
	}
	return l.ID
}

// bestBefore is the day of the expiry, or "".
func (l lotRow) bestBefore() string {
	if len(l.Expiry) < len("2006-01-02") {
		return ""
	}
	return l.Expiry[:len("2006-01-02")]
}

// lotHref is the page of a lot. The id of a GS1 key is a path already.
func lotHref(id string) string { return "/traceability/lot/" + lotPath(id) }

func traceHref(id string) string { return "/traceability/trace/" + lotPath(id) }

func eventHref(hash string) string { return "/traceability/event/" + url.PathEscape(hash) }

func caseHref(id string) string { return "/traceability/cases/" + url.PathEscape(id) }

func lotPath(id string) string {
	if key, err := gs1.Parse(id); err == nil && key.Path() == id {
		return id
	}
	return url.PathEscape(id)
}

// asked is the lot that an address below a prefix names, with the form that
// its suffix asks for. The reader must be allowed to read it: whoever may not
// is told what a stranger to the ledger is told.
func (a *app) asked(c *web.Ctx, prefix string, suffixes ...string) (lot lotRow, suffix string, err error) {
	rest := strings.TrimPrefix(c.Request().URL.EscapedPath(), prefix)
	if lot, err = a.lot(c.Context(), rest); err == nil {
		return lot, "", a.mayRead(c, lot.ID)
	}
	for _, s := range suffixes {
		if id, ok := strings.CutSuffix(rest, "."+s); ok {
			if lot, err = a.lot(c.Context(), id); err == nil {
				return lot, s, a.mayRead(c, lot.ID)
			}
		}
	}
	return lotRow{}, "", err
}

func (a *app) mayRead(c *web.Ctx, lot string) error {
	r, err := a.reach(c)
	if err == nil && !r.reads(lot) {
		err = trace.ErrNoLot.Refuse("%s", lot)
	}
	return err
}

// lot finds a lot by its id, as it is or escaped for an address.
func (a *app) lot(ctx context.Context, id string) (lotRow, error) {
	plain, err := url.PathUnescape(id)
	if err != nil {
		plain = id
	}
	all, err := readmodel.All[lotRow](ctx, a.db, `SELECT `+lotColumns+` FROM tr_lots l WHERE l.id IN ($1, $2)`, id, plain)
	switch {
	case err != nil:
		return lotRow{}, fmt.Errorf("read the lot %s: %w", plain, err)
	case len(all) == 0:
		return lotRow{}, trace.ErrNoLot.Refuse("%s", plain)
	}
	return all[0], nil
}

// inList is "($n, $n+1, …)" with its arguments, for one statement.
func inList(from int, values []string) (string, []any) {
	var b strings.Builder
	var args []any
	for i, v := range values {
		fmt.Fprintf(&b, ", $%d", from+i)
		args = append(args, v)
	}
	return "(" + strings.TrimPrefix(b.String(), ", ") + ")", args
}
