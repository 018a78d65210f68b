package traceability

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/bundle"
	"github.com/tallyway/tallyway/apps/traceability/seals"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/store"
	"github.com/tallyway/tallyway/shared/ledger/proof"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// apiReadingProof proves one reading.
func (a *app) apiReadingProof(c *web.Ctx) error {
	d, err := a.device(c, c.Param("owner"), c.Param("name"))
	if err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339Nano, c.QueryParam("at"))
	if err != nil {
		return errSpan.Refuse("at is %s", c.QueryParam("at")).On("at")
	}
	if a.station.Store == nil {
		return store.ErrNoReading.Refuse("%s", d.id())
	}
	one, err := a.station.Store.Prove(c.Context(), d.id(), c.QueryParam("channel"), at)
	if err != nil {
		return err
	}
	p := seals.Proof{Format: seals.Format, Readings: []store.Proof{*one}}
	if p.Ledger, err = a.proveSeals(c.Context(), []store.Window{{Device: d.id(), From: one.From, Part: one.Part}}); err != nil {
		return err
	}
	c.Response().Header().Set("Content-Disposition", `attachment; filename="`+d.Name+`-reading-proof.json"`)
	return c.JSON(http.StatusOK, p)
}

// sealedAt is where a window's seal stands.
type sealedAt struct {
	Owner  string    `db:"owner"`
	Device string    `db:"device"`
	Starts time.Time `db:"starts"`
	Ends   time.Time `db:"ends"`
	Part   int64     `db:"part"`
	Count  int64     `db:"count"`
	Root   string    `db:"root"`
	Block  int64     `db:"block"`
	Tx     string    `db:"tx"`
}

const sealColumns = `owner, device, starts, ends, part, count, root, block, tx`

func (s sealedAt) window() trace.Window {
	return trace.Window{Device: s.Device, From: s.Starts.UTC(), To: s.Ends.UTC(), Part: s.Part, Count: s.Count, Root: s.Root}
}

// proveSeals proves by the ledger that windows were sealed.
func (a *app) proveSeals(ctx context.Context, windows []store.Window) (*proof.Proof, error) {
	wanted := map[uint64]proof.Wanted{}
	for _, w := range windows {
		rows, err := readmodel.All[sealedAt](ctx, a.db, `SELECT `+sealColumns+` FROM tr_seals WHERE owner = $1 AND device = $2 AND starts = $3 AND part = $4`,
			w.Device.Party, w.Device.Name, w.From.UTC(), w.Part)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			return nil, store.ErrNotSealed.Refuse("%s", w.From.UTC().Format(time.RFC3339))
		}
		want(wanted, rows[0])
	}
	return a.host.Prove(ctx, wanted)
}

// want asks for the transaction of a seal, whole: so it shows who signed it.
func want(wanted map[uint64]proof.Wanted, s sealedAt) {
	w := wanted[uint64(s.Block)]
	if w.Shows == nil {
		w.Shows = func(string, string, json.RawMessage) bool { return false }
	}
	if !slices.Contains(w.Whole, s.Tx) {
		w.Whole = append(w.Whole, s.Tx)
	}
	wanted[uint64(s.Block)] = w
}

// mostWhole bounds the windows that one proof of an exposure shows whole.
const mostWhole = 1000

// wholeWindows are the sealed windows of devices in spans, each with all its
// readings; it asks for the proof of their seals. Those that are thinned, or
// whose readings lie elsewhere, are left out.
func (a *app) wholeWindows(ctx context.Context, with []companion, wanted map[uint64]proof.Wanted) (all []seals.Whole, err error) {
	seen := map[string]bool{}
	for _, k := range with {
		rows, err := readmodel.All[sealedAt](ctx, a.db, `SELECT `+sealColumns+` FROM tr_seals WHERE owner = $1 AND device = $2 AND ends > $3 AND starts < $4 ORDER BY starts, part LIMIT $5`,
			k.Device.Owner, k.Device.Name, k.From.UTC(), k.To.UTC(), mostWhole)
		if err != nil {
			return nil, err
		}
		for _, s := range rows {
			w := store.Window{Device: iot.ID{Party: s.Owner, Name: s.Device}, From: s.Starts.UTC(), To: s.Ends.UTC(), Part: s.Part, Count: s.Count, Root: s.Root}
			if seen[w.String()] || len(all) == mostWhole {
				continue
			}
			seen[w.String()] = true
			readings, err := a.station.Store.Contents(ctx, w)
			if err != nil {
				return nil, err
			}
			if int64(len(readings)) == w.Count {
				all = append(all, seals.Whole{Device: w.Device.String(), Window: s.window(), Readings: store.Values(readings)})
				want(wanted, s)
			}
		}
	}
	return all, nil
}

// apiExposureProof answers /api/lots/{id}/exposure/proof with the sealed windows
// of the devices, whole.
func (a *app) apiExposureProof(c *web.Ctx, lot lotRow) error {
	if a.station.Store == nil {
		return errNoStation.Refuse("")
	}
	with, err := a.companions(c.Context(), lot.ID, lot.At, a.host.Now())
	if err != nil {
		return err
	}
	p, wanted := seals.Proof{Format: seals.Format, Readings: []store.Proof{}}, map[uint64]proof.Wanted{}
	if p.Windows, err = a.wholeWindows(c.Context(), with, wanted); err != nil {
		return err
	}
	if len(wanted) == 0 {
		return store.ErrNotSealed.Refuse("%s", lot.ID)
	}
	if p.Ledger, err = a.host.Prove(c.Context(), wanted); err != nil {
		return err
	}
	c.Response().Header().Set("Content-Disposition", `attachment; filename="`+fileName(lot)+`-readings-proof.json"`)
	return c.JSON(http.StatusOK, p)
}

// gatherReadings takes into a bundle what sensors measured where the lot was, as
// far as it is sealed and kept here.
func (a *app) gatherReadings(ctx context.Context, b *chosen, lot lotRow) error {
	if !a.station.HasDevices() {
		return nil
	}
	with, err := a.companions(ctx, lot.ID, lot.At, a.host.Now())
	if err != nil {
		return err
	}
	if b.Windows, err = a.wholeWindows(ctx, with, b.wanted); err != nil || len(b.Windows) == 0 {
		return err
	}
	for _, k := range with {
		b.Stays = append(b.Stays, bundle.Stay{Device: k.Device.id().String(), Thing: k.Thing, From: k.From.UTC(), To: k.To.UTC(), Interval: k.Device.Interval})
	}
	return nil
}
