// Package store keeps readings: durably before their sender hears of it, once
// however often they come, and so that what is sealed can be proved.
//
// A device's readings fall into windows of fixed length by their own time. Some
// grace after its end a window is closed: the root of the Merkle tree (RFC 6962)
// over its readings stands from then on, and what comes later belongs to the
// window's next part. Who puts the roots on a ledger, and who may read, is left
// to others.
package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/shared/readmodel"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Device is what the store needs to know of a device.
type Device struct {
	ID       iot.ID
	Active   bool
	Via      string // name of the device that may speak for it
	Channels []string
	Mapping  []byte // of its plain JSON
}

// Registry knows devices. It is asked for each message and MUST answer from
// memory.
type Registry interface {
	Device(iot.ID) (Device, bool)
}

// Decode reads a payload of a device in a format. It is called by several senders
// at once, for one of them in the order of its messages. A session may tell of several
// devices; a batch of one is the device's own.
type Decode func(topic iot.Topic, device Device, payload []byte, received time.Time) ([]Batch, error)

// Batch is what one payload tells of one device.
type Batch struct {
	Device iot.ID
	Values []iot.Measurement
}

// Config is what an operator and a program decide.
type Config struct {
	DB       *readmodel.DB
	Registry Registry
	Decode   Decode
	Clock    func() time.Time
	Log      *slog.Logger
	// Window is the length of a window, and Grace how long after its end it is
	// closed. Zero takes the usual ones.
	Window, Grace time.Duration
	// OnStored hears of what is durable. It MUST NOT block.
	OnStored func([]iot.Reading)
}

// The usual lengths.
const (
	usualWindow = 15 * time.Minute
	usualGrace  = 2 * time.Minute
)

// Store keeps readings. Its methods may be called at the same time.
type Store struct {
	config Config
	db     *readmodel.DB
	queue  queue
	failed atomic.Pointer[error] // why nothing is stored at the moment

	mu      sync.Mutex // of what follows
	devices map[iot.ID]*device
	byID    map[int64]*device
	last    map[int64]int64 // ids given away: devices, series
	letters letters

	closing sync.Mutex // a load and the closing of a window are not stored at once
	ended   sync.WaitGroup
	counts  Counts
}

// Counts only grow.
type Counts struct {
	Messages, Readings, Duplicates, Refused atomic.Int64
}

// device is a device that readings came from.
type device struct {
	id      iot.ID
	number  int64
	series  map[string]*series
	windows map[int64]*window // that something is known of, by start
	seen    time.Time
	pending bool // not in the database yet
}

// series is a channel of a device.
type series struct {
	number  int64
	channel string
	pending bool
	recent  [32]value // ring of what is durable, to know repeats by
	next    int
	last    value // the newest by its own time
}

type value struct {
	at int64 // microseconds; 0: none
	v  float64
}

// window is the newest part of a span.
type window struct {
	starts int64
	part   int64
	open   bool // readings of this part are stored and it is not closed
}

// Open prepares the tables and starts to store.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Window == 0 {
		c.Window = usualWindow
	}
	if c.Grace == 0 {
		c.Grace = usualGrace
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{config: c, db: c.DB, devices: map[iot.ID]*device{}, byID: map[int64]*device{}}
	s.queue.init()
	if err := s.prepare(ctx); err != nil {
		return nil, fmt.Errorf("open the store of readings: %w", err)
	}
	s.ended.Go(s.work)
	return s, nil
}

// prepare makes the tables and remembers what was open.
func (s *Store) prepare(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	if err := s.db.Migrate(ctx, "iot", files); err != nil {
		return err
	}
	clustered := ""
	if s.db.Dialect() == readmodel.SQLite {
		clustered = " WITHOUT ROWID" // else SQLite keeps every reading twice: in the table, and in its index
	}
	_, err = s.db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS iot_readings (series BIGINT NOT NULL, at BIGINT NOT NULL, value DOUBLE PRECISION NOT NULL,
		part BIGINT NOT NULL, PRIMARY KEY (series, at))`+clustered)
	if err != nil {
		return err
	}
	return s.remember(ctx)
}

// remember loads the devices, their series and the windows that are not closed.
func (s *Store) remember(ctx context.Context) error {
	type row struct {
		ID     int64  `db:"id"`
		Party  string `db:"party"`
		Name   string `db:"name"`
		Series int64  `db:"series"`
		Chan   string `db:"channel"`
	}
	rows, err := readmodel.All[row](ctx, s.db, `SELECT d.id AS id, d.party AS party, d.name AS name, COALESCE(s.id, 0) AS series, COALESCE(s.channel, '') AS channel
		FROM iot_devices d LEFT JOIN iot_series s ON s.device = d.id`)
	if err != nil {
		return err
	}
	s.last = map[int64]int64{}
	for _, r := range rows {
		d := s.byID[r.ID]
		if d == nil {
			d = &device{id: iot.ID{Party: r.Party, Name: r.Name}, number: r.ID, series: map[string]*series{}, windows: map[int64]*window{}}
			s.byID[r.ID], s.devices[d.id] = d, d
		}
		if r.Series > 0 {
			d.series[r.Chan] = &series{number: r.Series, channel: r.Chan}
		}
		s.last[ofDevices], s.last[ofSeries] = max(s.last[ofDevices], r.ID), max(s.last[ofSeries], r.Series)
	}
	type open struct{ Device, Starts, Part int64 }
	windows, err := readmodel.All[open](ctx, s.db, `SELECT device, starts, part FROM iot_windows WHERE root = ''`)
	for _, w := range windows {
		if d := s.byID[w.Device]; d != nil {
			d.windows[w.Starts] = &window{starts: w.Starts, part: w.Part, open: true}
		}
	}
	return err
}

// The counters of ids.
const (
	ofDevices = int64(iota)
	ofSeries
)

// Health is nil while readings are stored.
func (s *Store) Health() error {
	if err := s.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// Counts are the store's figures.
func (s *Store) Counts() *Counts { return &s.counts }

// Waiting is how many messages are not stored yet.
func (s *Store) Waiting() int { return s.queue.waiting() }

// Close stores what waits and ends. Messages that come later are not taken.
func (s *Store) Close() {
	s.queue.close()
	s.ended.Wait()
}
