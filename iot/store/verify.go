package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// Report is what Verify found.
type Report struct {
	Devices, Windows, Readings int64
	Thinned                    int64    // windows of which only some readings are kept
	Faults                     []string // each names device and window
}

// mostFaults keeps a report readable.
const mostFaults = 100

// Verify holds every stored reading against the roots on the ledger: one that
// was changed, taken away or added shows as the window that it is in. ledger
// calls yield for every sealed window. It reads what is committed, whoever stores
// meanwhile.
func Verify(ctx context.Context, db *readmodel.DB, ledger func(yield func(Window) error) error) (*Report, error) {
	s := &Store{config: Config{DB: db, Window: usualWindow}, db: db, devices: map[iot.ID]*device{}, byID: map[int64]*device{}}
	if err := s.remember(ctx); err != nil {
		return nil, fmt.Errorf("read the devices: %w", err)
	}
	read := func() (map[iot.ID][]Window, error) {
		roots := map[iot.ID][]Window{}
		err := ledger(func(w Window) error { roots[w.Device] = append(roots[w.Device], w); return nil })
		return roots, err
	}
	roots, err := read()
	if err != nil {
		return nil, fmt.Errorf("read the seals on the ledger: %w", err)
	}
	for id := range s.devices {
		if roots[id] == nil {
			roots[id] = []Window{} // what only the store knows
		}
	}
	v := &verifying{store: s, report: &Report{Devices: int64(len(roots))}, again: sync.OnceValues(read)}
	work := make(chan iot.ID)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for id := range work {
				v.device(ctx, id, roots[id])
			}
		})
	}
	for _, id := range slices.SortedFunc(maps.Keys(roots), iot.ID.Compare) {
		work <- id
	}
	close(work)
	workers.Wait()
	slices.Sort(v.report.Faults)
	return v.report, v.err
}

type verifying struct {
	store  *Store
	again  func() (map[iot.ID][]Window, error) // the seals as they are by now
	mu     sync.Mutex
	report *Report
	err    error
}

func (v *verifying) fault(format string, facts ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.report.Faults) < mostFaults {
		v.report.Faults = append(v.report.Faults, fmt.Sprintf(format, facts...))
	}
}

// windowState is a part as the store's own table tells of it.
type windowState struct {
	Starts  int64  `db:"starts"`
	Part    int64  `db:"part"`
	Count   int64  `db:"count"`
	Root    string `db:"root"`
	Block   int64  `db:"block"`
	Thinned bool   `db:"thinned"`
}

type part struct{ starts, part int64 }

// device checks one device. What looks wrong is looked at once more: readings come
// in and are thinned meanwhile, and what is truly wrong stays so.
func (v *verifying) device(ctx context.Context, id iot.ID, sealed []Window) {
	one := &verifying{store: v.store, report: &Report{}}
	if one.check(ctx, id, sealed); len(one.report.Faults) > 0 {
		one = &verifying{store: v.store, report: &Report{}}
		now, err := v.again()
		if one.err = err; err == nil {
			one.check(ctx, id, now[id])
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.report.Windows += one.report.Windows
	v.report.Readings += one.report.Readings
	v.report.Thinned += one.report.Thinned
	v.report.Faults = append(v.report.Faults, one.report.Faults[:min(len(one.report.Faults), mostFaults-min(mostFaults, len(v.report.Faults)))]...)
	if one.err != nil {
		v.err = one.err
	}
}

func (v *verifying) check(ctx context.Context, id iot.ID, sealed []Window) {
	d := v.store.find(id)
	if d == nil {
		for _, w := range sealed {
			v.fault("%s: the ledger knows its seal, and nothing of the device is stored", w)
		}
		return
	}
	own, err := readmodel.All[windowState](ctx, v.store.db, `SELECT starts, part, count, root, block, thinned FROM iot_windows WHERE device = $1 ORDER BY starts, part`, d.number)
	if err == nil {
		err = v.windows(ctx, d, sealed, own)
	}
	if err != nil {
		v.mu.Lock()
		v.err = err
		v.mu.Unlock()
	}
}

// tally is what is stored of a part: its tree, leaf by leaf.
type tally struct {
	tree  *compact.Range
	count int64
}

// windows compares what is stored with what is sealed. Channels come in their
// order and readings in that of time, so each part's leaves come in theirs.
func (v *verifying) windows(ctx context.Context, d *device, sealed []Window, own []windowState) error {
	known, tallies := map[part]windowState{}, map[part]*tally{}
	for _, w := range own {
		known[part{w.Starts, w.Part}] = w
	}
	ledger := map[part]Window{}
	for _, w := range sealed {
		ledger[part{w.From.UnixMicro(), w.Part}] = w
	}
	for _, channel := range slices.Sorted(maps.Keys(d.series)) {
		if err := v.channel(ctx, d, d.series[channel], known, ledger, tallies); err != nil {
			return err
		}
	}
	for p, w := range ledger {
		v.sealed(w, known[p], tallies[p])
	}
	for p, w := range known {
		if _, ok := ledger[p]; !ok && w.Root != "" {
			v.closed(v.name(d, p), w, tallies[p])
		}
	}
	if err := v.strays(ctx, d, known, ledger, tallies); err != nil {
		return err
	}
	v.mu.Lock()
	v.report.Windows += int64(len(ledger))
	v.mu.Unlock()
	return nil
}

// strays are readings that no window knows: a window that was opened meanwhile was
// so together with its readings.
func (v *verifying) strays(ctx context.Context, d *device, known map[part]windowState, ledger map[part]Window, tallies map[part]*tally) error {
	for p, t := range tallies {
		_, stands := known[p]
		if _, ok := ledger[p]; ok || stands {
			continue
		}
		n, err := readmodel.One[int64](ctx, v.store.db, `SELECT COUNT(*) FROM iot_windows WHERE device = $1 AND starts = $2 AND part = $3`, d.number, p.starts, p.part)
		if err != nil {
			return err
		}
		if n == 0 {
			v.fault("%s: %d readings that no window knows", v.name(d, p), t.count)
		}
	}
	return nil
}

func (v *verifying) name(d *device, p part) string {
	return Window{Device: d.id, From: time.UnixMicro(p.starts), Part: p.part}.String()
}

// channel walks one series.
func (v *verifying) channel(ctx context.Context, d *device, x *series, known map[part]windowState, ledger map[part]Window, tallies map[part]*tally) error {
	paths, err := v.paths(ctx, x)
	if err != nil {
		return err
	}
	rows, err := v.store.db.QueryContext(ctx, `SELECT at, value, part FROM iot_readings WHERE series = $1 ORDER BY at`, x.number)
	if err != nil {
		return err
	}
	defer rows.Close()
	var n int64
	for rows.Next() {
		r := stored{Channel: x.channel}
		if err := rows.Scan(&r.At, &r.Value, &r.Part); err != nil {
			return err
		}
		n++
		p := part{v.store.startOf(r.At), r.Part}
		if known[p].Thinned {
			v.kept(d, p, r, ledger[p], paths[r.At])
			continue
		}
		t := tallies[p]
		if t == nil {
			t = &tally{tree: trees.NewEmptyRange(0)}
			tallies[p] = t
		}
		t.count++
		if err := t.tree.Append(hashOf(r.reading(d.id)), nil); err != nil {
			return err
		}
	}
	v.mu.Lock()
	v.report.Readings += n
	v.mu.Unlock()
	return rows.Err()
}

func (t *tally) root() (string, int64) {
	if t == nil {
		return "", 0
	}
	root, err := t.tree.GetRootHash(nil)
	if err != nil {
		return "", t.count
	}
	return hex.EncodeToString(root), t.count
}

// sealed holds a part against its seal.
func (v *verifying) sealed(w Window, own windowState, t *tally) {
	root, count := t.root()
	switch {
	case own.Thinned && own.Root == w.Root:
		v.mu.Lock()
		v.report.Thinned++
		v.mu.Unlock()
	case own.Root == "" && count == 0:
		v.fault("%s: sealed with %d readings, and none is stored", w, w.Count)
	case root != w.Root && count != w.Count:
		v.fault("%s: %d readings are stored, %d were sealed", w, count, w.Count)
	case root != w.Root:
		v.fault("%s: its readings are not those that were sealed", w)
	case own.Root != w.Root:
		v.fault("%s: the store's own root is not the sealed one", w)
	}
}

// closed holds a part that waits for its seal against the root it was closed
// with.
func (v *verifying) closed(name string, w windowState, t *tally) {
	root, count := t.root()
	switch {
	case w.Block != 0:
		v.fault("%s: it is said to be sealed in block %d, and the ledger knows no seal", name, w.Block)
	case root != w.Root:
		v.fault("%s: %d readings are stored, and they are not those that it was closed with", name, count)
	}
}

func (v *verifying) paths(ctx context.Context, x *series) (map[int64]pathAt, error) {
	rows, err := readmodel.All[pathAt](ctx, v.store.db, `SELECT at, leaf, path FROM iot_paths WHERE series = $1`, x.number)
	all := map[int64]pathAt{}
	for _, r := range rows {
		all[r.At] = r
	}
	return all, err
}

type pathAt struct {
	At   int64  `db:"at"`
	Leaf int64  `db:"leaf"`
	Path string `db:"path"`
}

// kept checks a reading that stayed of a window that was thinned.
func (v *verifying) kept(d *device, p part, r stored, w Window, at pathAt) {
	root, err := hex.DecodeString(w.Root)
	var path [][]byte
	for _, text := range strings.Fields(at.Path) {
		b, bad := hex.DecodeString(text)
		if bad != nil {
			err = bad
		}
		path = append(path, b)
	}
	if err == nil {
		err = proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(at.Leaf), uint64(w.Count), hashOf(r.reading(d.id)), path, root)
	}
	if err != nil {
		v.fault("%s: a reading of %s that was kept is not one that was sealed", v.name(d, p), r.Channel)
	}
}
