package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tallyway/tallyway/shared/readmodel"
)

// Thin drops readings of sealed windows that ended before a moment, but the
// lowest, the highest, the first and the last of each channel, which keep their
// proofs. It tells how many windows it thinned; it may be stopped and run again.
func (s *Store) Thin(ctx context.Context, before time.Time) (windows int, err error) {
	for {
		type row struct {
			Device int64 `db:"device"`
			Starts int64 `db:"starts"`
		}
		due, err := readmodel.All[row](ctx, s.db, `SELECT DISTINCT device, starts FROM iot_windows WHERE ends < $1 AND NOT thinned AND block <> 0 ORDER BY starts, device LIMIT 200`, before.UnixMicro())
		if err != nil || len(due) == 0 {
			return windows, err
		}
		for _, w := range due {
			s.mu.Lock()
			d := s.byID[w.Device]
			s.mu.Unlock()
			if d == nil {
				return windows, fmt.Errorf("thin a window: device %d is not known", w.Device)
			}
			n, err := s.thin(ctx, d, w.Starts)
			if err != nil {
				return windows, fmt.Errorf("thin a window of %s: %w", d.id, err)
			}
			windows += n
		}
	}
}

// thin thins the sealed parts of one span.
func (s *Store) thin(ctx context.Context, d *device, starts int64) (parts int, err error) {
	s.closing.Lock()
	defer s.closing.Unlock()
	err = s.db.InTx(ctx, func(tx *readmodel.Tx) error {
		sealed, err := readmodel.All[int64](ctx, tx, `SELECT part FROM iot_windows WHERE device = $1 AND starts = $2 AND block <> 0 AND NOT thinned`, d.number, starts)
		if err != nil {
			return err
		}
		all, err := s.rows(ctx, tx, d, starts, starts+s.config.Window.Microseconds())
		if err != nil {
			return err
		}
		for _, n := range sealed {
			if err := s.thinPart(ctx, tx, d, starts, n, partOf(all, n)); err != nil {
				return err
			}
		}
		parts = len(sealed)
		return nil
	})
	return parts, err
}

func (s *Store) thinPart(ctx context.Context, tx *readmodel.Tx, d *device, starts, n int64, all []stored) error {
	leaves, keep := leavesOf(d.id, all), telling(all)
	for i, r := range all {
		x := d.series[r.Channel].number
		var err error
		if keep[i] {
			_, err = tx.ExecContext(ctx, `INSERT INTO iot_paths (series, at, leaf, path) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, x, r.At, i, strings.Join(texts(pathOf(leaves, i)), " "))
		} else {
			_, err = tx.ExecContext(ctx, `DELETE FROM iot_readings WHERE series = $1 AND at = $2`, x, r.At)
		}
		if err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `UPDATE iot_windows SET thinned = TRUE WHERE device = $1 AND starts = $2 AND part = $3`, d.number, starts, n)
	return err
}

// telling are the readings that tell most of each channel: its first and last,
// lowest and highest.
func telling(all []stored) map[int]bool {
	keep := map[int]bool{}
	for from := 0; from < len(all); {
		low, high, to := from, from, from
		for ; to < len(all) && all[to].Channel == all[from].Channel; to++ {
			if all[to].Value < all[low].Value {
				low = to
			}
			if all[to].Value > all[high].Value {
				high = to
			}
		}
		keep[from], keep[to-1], keep[low], keep[high] = true, true, true, true
		from = to
	}
	return keep
}
