package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// Window is a part of a span of a device's readings, with the root of their
// tree.
type Window struct {
	Device iot.ID
	From   time.Time
	To     time.Time
	Part   int64
	Count  int64
	Root   string // SHA-256, hexadecimal
}

func (w Window) String() string {
	return fmt.Sprintf("%s from %s part %d", w.Device, w.From.UTC().Format(time.RFC3339), w.Part)
}

// stored is a reading as the table has it.
type stored struct {
	Channel string
	At      int64
	Value   float64
	Part    int64
}

func (r stored) reading(id iot.ID) iot.Reading {
	return iot.Reading{Device: id, Channel: r.Channel, At: time.UnixMicro(r.At).UTC(), Value: r.Value}
}

// CloseWindows closes windows whose grace is over, and tells how many. It is run every
// few seconds.
func (s *Store) CloseWindows(ctx context.Context, now time.Time) (closed int, err error) {
	limit := now.Add(-s.config.Grace).UnixMicro() - s.config.Window.Microseconds()
	s.mu.Lock()
	var due []opening
	for _, d := range s.devices {
		for _, starts := range slices.Sorted(maps.Keys(d.windows)) {
			if w := d.windows[starts]; w.open && starts <= limit {
				due = append(due, opening{d, w})
			}
		}
	}
	s.mu.Unlock()
	for some := range slices.Chunk(due, closedAtOnce) {
		if err := s.closeSome(ctx, some); err != nil {
			return closed, fmt.Errorf("close windows: %w", err)
		}
		closed += len(some)
	}
	return closed, nil
}

// closedAtOnce is how many windows one transaction closes: few enough that
// readings do not wait long.
const closedAtOnce = 50

// closeSome closes windows. It holds up the writer: a reading that is stored
// meanwhile would belong to a part that no longer takes any.
func (s *Store) closeSome(ctx context.Context, some []opening) error {
	s.closing.Lock()
	defer s.closing.Unlock()
	err := s.db.InTx(ctx, func(tx *readmodel.Tx) error {
		for _, o := range some {
			if err := s.closeWindow(ctx, tx, o.device, o.window); err != nil {
				return fmt.Errorf("of %s: %w", o.device.id, err)
			}
		}
		return nil
	})
	if err == nil {
		s.mu.Lock()
		for _, o := range some {
			delete(o.device.windows, o.window.starts)
		}
		s.mu.Unlock()
	}
	return err
}

// closeWindow computes the root of a part and fixes it.
func (s *Store) closeWindow(ctx context.Context, tx *readmodel.Tx, d *device, w *window) error {
	all, err := s.rows(ctx, tx, d, w.starts, w.starts+s.config.Window.Microseconds())
	if err != nil {
		return err
	}
	part := partOf(all, w.part)
	leaves := leavesOf(d.id, part)
	root, err := rootOf(leaves)
	if err != nil {
		return err
	}
	if len(part) == 0 { // all that opened it were repeats
		_, err = tx.ExecContext(ctx, `DELETE FROM iot_windows WHERE device = $1 AND starts = $2 AND part = $3`, d.number, w.starts, w.part)
	} else {
		_, err = tx.ExecContext(ctx, `UPDATE iot_windows SET root = $1, count = $2 WHERE device = $3 AND starts = $4 AND part = $5 AND root = ''`, root, len(part), d.number, w.starts, w.part)
	}
	if err == nil {
		err = s.sum(ctx, tx, d, w.starts, all)
	}
	return err
}

// rows are a device's readings of a span in the order of leaves, of all parts.
func (s *Store) rows(ctx context.Context, q readmodel.Querier, d *device, from, to int64) (all []stored, err error) {
	s.mu.Lock()
	channels := slices.Sorted(maps.Keys(d.series))
	numbers := make([]int64, len(channels))
	for i, c := range channels {
		numbers[i] = d.series[c].number
	}
	s.mu.Unlock()
	for i, channel := range channels {
		rows, err := q.QueryContext(ctx, `SELECT at, value, part FROM iot_readings WHERE series = $1 AND at >= $2 AND at < $3 ORDER BY at`, numbers[i], from, to)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			r := stored{Channel: channel}
			if err := rows.Scan(&r.At, &r.Value, &r.Part); err != nil {
				rows.Close()
				return nil, err
			}
			all = append(all, r)
		}
		if err := rows.Close(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func partOf(all []stored, part int64) (some []stored) {
	for _, r := range all {
		if r.Part == part {
			some = append(some, r)
		}
	}
	return some
}

func leavesOf(id iot.ID, part []stored) [][]byte {
	leaves := make([][]byte, len(part))
	for i, r := range part {
		leaves[i] = hashOf(r.reading(id))
	}
	return leaves
}

// sum keeps what a span holds, of each series.
func (s *Store) sum(ctx context.Context, tx *readmodel.Tx, d *device, starts int64, all []stored) error {
	for len(all) > 0 {
		n := 1
		low, high, total := all[0].Value, all[0].Value, all[0].Value
		for n < len(all) && all[n].Channel == all[0].Channel {
			low, high, total = min(low, all[n].Value), max(high, all[n].Value), total+all[n].Value
			n++
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO iot_rollups (series, starts, count, low, high, total, first, last) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (series, starts) DO UPDATE SET count = excluded.count, low = excluded.low, high = excluded.high, total = excluded.total, first = excluded.first, last = excluded.last`,
			d.series[all[0].Channel].number, starts, n, low, high, total, all[0].At, all[n-1].At)
		if err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// Unsealed are closed windows of which no ledger is known to hold the root, at
// most so many, the oldest first. A window may be given again before Sealed is
// told of it: what it says never changes.
func (s *Store) Unsealed(ctx context.Context, limit int) ([]Window, error) {
	return s.windowsWhere(ctx, `w.block = 0 AND w.root <> '' ORDER BY w.starts, w.device, w.part LIMIT $1`, limit)
}

type windowRow struct {
	Party  string `db:"party"`
	Name   string `db:"name"`
	Starts int64  `db:"starts"`
	Ends   int64  `db:"ends"`
	Part   int64  `db:"part"`
	Count  int64  `db:"count"`
	Root   string `db:"root"`
}

func (s *Store) windowsWhere(ctx context.Context, where string, args ...any) ([]Window, error) {
	rows, err := readmodel.All[windowRow](ctx, s.db, `SELECT d.party AS party, d.name AS name, w.starts AS starts, w.ends AS ends, w.part AS part, w.count AS count, w.root AS root
		FROM iot_windows w JOIN iot_devices d ON d.id = w.device WHERE `+where, args...)
	all := make([]Window, len(rows))
	for i, r := range rows {
		all[i] = r.window()
	}
	return all, err
}

func (r windowRow) window() Window {
	return Window{Device: iot.ID{Party: r.Party, Name: r.Name}, From: time.UnixMicro(r.Starts).UTC(), To: time.UnixMicro(r.Ends).UTC(), Part: r.Part, Count: r.Count, Root: r.Root}
}

// Sealed notes in which block of the ledger windows stand.
func (s *Store) Sealed(ctx context.Context, windows []Window, block uint64, txID string) error {
	return s.db.InTx(ctx, func(tx *readmodel.Tx) error {
		for _, w := range windows {
			d := s.find(w.Device)
			if d == nil {
				continue
			}
			_, err := tx.ExecContext(ctx, `UPDATE iot_windows SET block = $1, tx = $2 WHERE device = $3 AND starts = $4 AND part = $5 AND root = $6`,
				int64(block), txID, d.number, w.From.UnixMicro(), w.Part, w.Root)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) find(id iot.ID) *device {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.devices[id]; d != nil && !d.pending {
		return d
	}
	return nil
}

// Windows are the sealed or closed ones of a device that touch a span, in order.
func (s *Store) Windows(ctx context.Context, id iot.ID, from, to time.Time) ([]Window, error) {
	return s.windowsWhere(ctx, `d.party = $1 AND d.name = $2 AND w.ends > $3 AND w.starts < $4 AND w.root <> '' ORDER BY w.starts, w.part`,
		id.Party, id.Name, from.UnixMicro(), to.UnixMicro())
}
