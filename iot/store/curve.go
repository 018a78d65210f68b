package store

import (
	"context"
	"slices"
	"time"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// Point is what a channel measured in a step of time. No extreme is hidden.
type Point struct {
	At    time.Time // of the first reading in it
	Last  time.Time // of the last
	Low   float64
	High  float64
	Mean  float64
	Count int64
}

// Curve is a channel over a span of time.
type Curve struct {
	Points []Point
	Step   time.Duration // 0: every reading is a point of its own
}

// mostRaw is how many readings are read one by one before they are summed up.
const mostRaw = 100_000

// Curve gives a channel's readings between two moments in at most so many
// points. Long spans come from what closed windows hold.
func (s *Store) Curve(ctx context.Context, id iot.ID, channel string, from, to time.Time, points int) (*Curve, error) {
	d := s.find(id)
	if d == nil {
		return &Curve{}, nil
	}
	s.mu.Lock()
	x := d.series[channel]
	s.mu.Unlock()
	if x == nil || x.pending || !to.After(from) {
		return &Curve{}, nil
	}
	points = max(points, 1)
	step := to.Sub(from) / time.Duration(points)
	if step >= s.config.Window {
		return s.longCurve(ctx, d, x, from, to, step)
	}
	n, err := readmodel.One[int64](ctx, s.db, `SELECT COUNT(*) FROM (SELECT 1 FROM iot_readings WHERE series = $1 AND at >= $2 AND at < $3 LIMIT $4) few`,
		x.number, from.UnixMicro(), to.UnixMicro(), points+1)
	if err != nil {
		return nil, err
	}
	if n <= int64(points) {
		return s.rawCurve(ctx, x, from, to)
	}
	return s.steps(ctx, x, from, to, step)
}

func (s *Store) rawCurve(ctx context.Context, x *series, from, to time.Time) (*Curve, error) {
	type row struct {
		At    int64   `db:"at"`
		Value float64 `db:"value"`
	}
	rows, err := readmodel.All[row](ctx, s.db, `SELECT at, value FROM iot_readings WHERE series = $1 AND at >= $2 AND at < $3 ORDER BY at LIMIT $4`, x.number, from.UnixMicro(), to.UnixMicro(), mostRaw)
	c := &Curve{Points: make([]Point, len(rows))}
	for i, r := range rows {
		at := time.UnixMicro(r.At).UTC()
		c.Points[i] = Point{At: at, Last: at, Low: r.Value, High: r.Value, Mean: r.Value, Count: 1}
	}
	return c, err
}

type stepRow struct {
	First int64   `db:"first"`
	Last  int64   `db:"last"`
	Low   float64 `db:"low"`
	High  float64 `db:"high"`
	Total float64 `db:"total"`
	Count int64   `db:"count"`
}

func (r stepRow) point() Point {
	return Point{At: time.UnixMicro(r.First).UTC(), Last: time.UnixMicro(r.Last).UTC(), Low: r.Low, High: r.High, Mean: r.Total / float64(r.Count), Count: r.Count}
}

func (s *Store) steps(ctx context.Context, x *series, from, to time.Time, step time.Duration) (*Curve, error) {
	rows, err := readmodel.All[stepRow](ctx, s.db, `SELECT MIN(at) AS first, MAX(at) AS last, MIN(value) AS low, MAX(value) AS high, SUM(value) AS total, COUNT(*) AS count
		FROM iot_readings WHERE series = $1 AND at >= $2 AND at < $3 GROUP BY (at - $4) / $5 ORDER BY 1`,
		x.number, from.UnixMicro(), to.UnixMicro(), from.UnixMicro(), max(step.Microseconds(), 1))
	c := &Curve{Step: step, Points: make([]Point, len(rows))}
	for i, r := range rows {
		c.Points[i] = r.point()
	}
	return c, err
}

// longCurve sums up closed windows; those that are open, or whose latest part
// is, are read as they are.
func (s *Store) longCurve(ctx context.Context, d *device, x *series, from, to time.Time, step time.Duration) (*Curve, error) {
	length := s.config.Window.Microseconds()
	rows, err := readmodel.All[stepRow](ctx, s.db, `SELECT MIN(first) AS first, MAX(last) AS last, MIN(low) AS low, MAX(high) AS high, SUM(total) AS total, SUM(count) AS count
		FROM iot_rollups WHERE series = $1 AND starts >= $2 AND starts < $3 GROUP BY (starts - $4) / $5 ORDER BY 1`,
		x.number, s.startOf(from.UnixMicro()), to.UnixMicro(), s.startOf(from.UnixMicro()), max(step.Microseconds(), length))
	if err != nil {
		return nil, err
	}
	c := &Curve{Step: step}
	for _, r := range rows {
		c.Points = append(c.Points, r.point())
	}
	s.mu.Lock()
	first := int64(1<<63 - 1)
	for starts, w := range d.windows {
		if w.open && w.part == 1 {
			first = min(first, starts)
		}
	}
	s.mu.Unlock()
	if first > to.UnixMicro() {
		return c, nil
	}
	open, err := s.steps(ctx, x, time.UnixMicro(max(first, from.UnixMicro())), to, step)
	if err != nil {
		return nil, err
	}
	for _, p := range open.Points {
		if n := len(c.Points); n == 0 || p.At.After(c.Points[n-1].Last) {
			c.Points = append(c.Points, p)
		}
	}
	return c, nil
}

// Each calls visit for every reading of a device between two moments, channel by
// channel in the order of time.
func (s *Store) Each(ctx context.Context, id iot.ID, from, to time.Time, visit func(iot.Reading) error) error {
	d := s.find(id)
	if d == nil {
		return nil
	}
	for _, channel := range s.Channels(id) {
		rows, err := s.db.QueryContext(ctx, `SELECT at, value FROM iot_readings WHERE series = $1 AND at >= $2 AND at < $3 ORDER BY at`, d.series[channel].number, from.UnixMicro(), to.UnixMicro())
		if err != nil {
			return err
		}
		for rows.Next() {
			var at int64
			r := iot.Reading{Device: id, Channel: channel}
			if err = rows.Scan(&at, &r.Value); err != nil {
				break
			}
			r.At = time.UnixMicro(at).UTC()
			if err = visit(r); err != nil {
				break
			}
		}
		if bad := rows.Close(); err == nil {
			err = bad
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Channels are those of which something is stored, in order.
func (s *Store) Channels(id iot.ID) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	if d := s.devices[id]; d != nil {
		for name, x := range d.series {
			if !x.pending {
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	return all
}

// Latest is what a device told last: each channel's newest reading, and when
// something of it came last. The zero time is that nothing came since the host
// started; then the newest reading tells.
func (s *Store) Latest(ctx context.Context, id iot.ID) (readings []iot.Reading, seen time.Time, err error) {
	d := s.find(id)
	if d == nil {
		return nil, time.Time{}, nil
	}
	for _, channel := range s.Channels(id) {
		s.mu.Lock()
		x := d.series[channel]
		last := x.last
		s.mu.Unlock()
		if last.at == 0 {
			if last, err = s.newest(ctx, x); err != nil {
				return nil, time.Time{}, err
			}
		}
		if last.at != 0 {
			readings = append(readings, iot.Reading{Device: id, Channel: channel, At: time.UnixMicro(last.at).UTC(), Value: last.v})
		}
	}
	s.mu.Lock()
	seen = d.seen
	s.mu.Unlock()
	return readings, seen, nil
}

func (s *Store) newest(ctx context.Context, x *series) (value, error) {
	type row struct {
		At    int64   `db:"at"`
		Value float64 `db:"value"`
	}
	rows, err := readmodel.All[row](ctx, s.db, `SELECT at, value FROM iot_readings WHERE series = $1 ORDER BY at DESC LIMIT 1`, x.number)
	if err != nil || len(rows) == 0 {
		return value{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if rows[0].At > x.last.at {
		x.last = value{rows[0].At, rows[0].Value}
	}
	return x.last, nil
}
