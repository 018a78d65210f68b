package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// work stores what comes until the queue is closed. One load is read while the
// one before is committed.
func (s *Store) work() {
	loads := make(chan []item)
	s.ended.Go(func() {
		defer close(loads)
		for {
			some := s.queue.take()
			if len(some) == 0 {
				return
			}
			loads <- some
		}
	})
	for messages := range loads {
		s.keep(messages)
	}
}

// retries is how often a transaction is tried before its senders are told to
// send again.
const retries = 3

// keep stores messages and tells their senders.
func (s *Store) keep(messages []item) {
	var l *load
	var err error
	s.closing.Lock()
	for try := range retries {
		l = s.read(messages) // anew: a transaction that failed may have been stored after all
		if err = s.store(l); err == nil {
			break
		}
		s.config.Log.Error("store readings", "error", err, "try", try+1)
		time.Sleep(time.Duration(try+1) * 50 * time.Millisecond)
	}
	if err != nil {
		s.failed.Store(&err)
	} else {
		s.failed.Store(nil)
		s.noted(l)
	}
	s.closing.Unlock()
	for _, m := range messages {
		m.Done(err)
	}
}

// noted takes what is durable into memory, and tells of it.
func (s *Store) noted(l *load) {
	s.mu.Lock()
	for d := range l.devices {
		d.pending = false
	}
	for x := range l.series {
		x.pending = false
	}
	for _, o := range l.opened {
		o.window.open = true
		o.device.windows[o.window.starts] = o.window
	}
	told := make([]iot.Reading, 0, len(l.values))
	for _, r := range l.values {
		r.series.note(r.at, r.v)
		told = append(told, iot.Reading{Device: r.device.id, Channel: r.series.channel, At: time.UnixMicro(r.at).UTC(), Value: r.v})
	}
	s.mu.Unlock()
	s.counts.Messages.Add(int64(len(l.messages)))
	s.counts.Readings.Add(int64(len(l.values)))
	s.counts.Refused.Add(int64(len(l.letters)))
	if s.config.OnStored != nil && len(told) > 0 {
		s.config.OnStored(told)
	}
}

// store commits a load.
func (s *Store) store(l *load) error {
	ctx := context.Background() // what was taken is stored, whoever leaves meanwhile
	return s.db.InTx(ctx, func(tx *readmodel.Tx) error {
		if err := s.introduce(ctx, tx, l); err != nil {
			return err
		}
		if err := s.place(ctx, tx, l); err != nil {
			return err
		}
		if err := s.insert(ctx, tx, l); err != nil {
			return err
		}
		return s.letters.store(ctx, tx, l.letters)
	})
}

// introduce writes devices and series that are new.
func (s *Store) introduce(ctx context.Context, tx *readmodel.Tx, l *load) error {
	for d := range l.devices {
		if _, err := tx.ExecContext(ctx, `INSERT INTO iot_devices (id, party, name) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`, d.number, d.id.Party, d.id.Name); err != nil {
			return err
		}
	}
	owner := map[*series]*device{}
	for _, r := range l.values {
		owner[r.series] = r.device
	}
	for x := range l.series {
		if owner[x] == nil {
			delete(l.series, x) // nothing of it is stored yet
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO iot_series (id, device, channel) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`, x.number, owner[x].number, x.channel); err != nil {
			return err
		}
	}
	return nil
}

// place gives each value the part of its window that is open, and opens those
// that are not.
func (s *Store) place(ctx context.Context, tx *readmodel.Tx, l *load) error {
	l.opened = nil
	fresh := map[*device]map[int64]*window{}
	for i := range l.values {
		r := &l.values[i]
		starts := s.startOf(r.at)
		w := r.device.windows[starts]
		if w == nil || !w.open {
			if w = fresh[r.device][starts]; w == nil {
				var err error
				if w, err = s.openPart(ctx, tx, r.device, starts); err != nil {
					return err
				}
				if fresh[r.device] == nil {
					fresh[r.device] = map[int64]*window{}
				}
				fresh[r.device][starts] = w
				l.opened = append(l.opened, opening{r.device, w})
			}
		}
		r.part = w.part
	}
	return nil
}

func (s *Store) startOf(at int64) int64 {
	length := s.config.Window.Microseconds()
	starts := at - at%length
	if at < 0 && at%length != 0 {
		starts -= length
	}
	return starts
}

// openPart writes the row of the first part that is not closed.
func (s *Store) openPart(ctx context.Context, tx *readmodel.Tx, d *device, starts int64) (*window, error) {
	var part sql.NullInt64
	if err := tx.QueryRowContext(ctx, `SELECT MAX(part) FROM iot_windows WHERE device = $1 AND starts = $2 AND root <> ''`, d.number, starts).Scan(&part); err != nil {
		return nil, err
	}
	w := &window{starts: starts, part: part.Int64 + 1}
	_, err := tx.ExecContext(ctx, `INSERT INTO iot_windows (device, starts, part, ends, count, root, block, tx, thinned) VALUES ($1, $2, $3, $4, 0, '', 0, '', FALSE) ON CONFLICT DO NOTHING`,
		d.number, starts, w.part, starts+s.config.Window.Microseconds())
	return w, err
}

// runs are how many rows one statement inserts: few different statements, each
// prepared once.
var runs = []int{256, 32, 4, 1}

var inserts = func() map[int]string {
	all := map[int]string{}
	for _, n := range runs {
		var b strings.Builder
		b.WriteString(`INSERT INTO iot_readings (series, at, value, part) VALUES `)
		for i := range n {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "($%d, $%d, $%d, $%d)", 4*i+1, 4*i+2, 4*i+3, 4*i+4)
		}
		b.WriteString(" ON CONFLICT (series, at) DO NOTHING")
		all[n] = b.String()
	}
	return all
}()

// insert writes the values. Those that stand there already are told apart: a
// repeat is silent, another value is a letter.
func (s *Store) insert(ctx context.Context, tx *readmodel.Tx, l *load) error {
	kept, rest := l.values[:0:0], l.values
	for _, n := range runs {
		for len(rest) >= n {
			some := rest[:n]
			rest = rest[n:]
			fresh, err := s.insertRun(ctx, tx, l, some)
			if err != nil {
				return err
			}
			kept = append(kept, fresh...)
		}
	}
	l.values = kept
	return nil
}

func (s *Store) insertRun(ctx context.Context, tx *readmodel.Tx, l *load, some []row) ([]row, error) {
	args := make([]any, 0, 4*len(some))
	for _, r := range some {
		args = append(args, r.series.number, r.at, r.v, r.part)
	}
	result, err := tx.ExecContext(ctx, inserts[len(some)], args...)
	if err != nil {
		return nil, err
	}
	if n, err := result.RowsAffected(); err != nil || n == int64(len(some)) {
		return some, err
	}
	if len(some) == 1 {
		return nil, s.standing(ctx, tx, l, some[0])
	}
	return s.sift(ctx, tx, l, some)
}

// sift finds which of some rows stood there before this load: those of another
// value or part.
func (s *Store) sift(ctx context.Context, tx *readmodel.Tx, l *load, some []row) (fresh []row, err error) {
	for _, r := range some {
		var v float64
		var part int64
		if err := tx.QueryRowContext(ctx, `SELECT value, part FROM iot_readings WHERE series = $1 AND at = $2`, r.series.number, r.at).Scan(&v, &part); err != nil {
			return nil, err
		}
		switch {
		case v != r.v:
			l.letters = append(l.letters, letterAbout(r, contradiction(r.series.channel, r.at, v, r.v)))
		default: // a repeat that is told once more does no harm
			fresh = append(fresh, r)
		}
	}
	return fresh, nil
}

func (s *Store) standing(ctx context.Context, tx *readmodel.Tx, l *load, r row) error {
	var v float64
	err := tx.QueryRowContext(ctx, `SELECT value FROM iot_readings WHERE series = $1 AND at = $2`, r.series.number, r.at).Scan(&v)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("a reading of series %d is neither stored nor there", r.series.number)
	case err == nil && v != r.v:
		l.letters = append(l.letters, letterAbout(r, contradiction(r.series.channel, r.at, v, r.v)))
	case err == nil:
		s.counts.Duplicates.Add(1)
	}
	return err
}
