// Package webhook tells other systems what happened: messages go by POST to the
// addresses that asked for them, signed, in order, and again until they arrive.
//
// A message is queued in the same SQL transaction in which its sender notes
// that it was sent, so that neither a crash nor a restart loses it or queues it
// twice. It is delivered at least once; its id tells a repeat. Each address has
// a queue of its own: one that is slow or down holds up nobody else. Several
// hosts may share the tables: a lease lets one of them deliver to an address at
// a time. What is in the messages is left to others.
package webhook

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/tallyway/tallyway/shared/readmodel"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Bounds of what is kept and sent.
const (
	MaxQueue = 1000     // messages that wait for one address
	MaxBody  = 16 << 20 // bytes of one
	kept     = 100      // finished deliveries that an address's history shows

	lease  = time.Minute // longer than one attempt may take
	aTurn  = 100         // deliveries that an address gets before its lease is renewed
	giveUp = 24 * time.Hour
)

// ErrFull says that an address has too many messages waiting: its sender waits
// too, and loses nothing.
var ErrFull = errors.New("the queue of the webhook is full")

// The states of a target.
const (
	Active = "active"
	Paused = "paused" // by its owner
	Dead   = "dead"   // gave no good answer for a day; its messages wait
)

// Config is what an operator and a program decide.
type Config struct {
	DB      *readmodel.DB
	Log     *slog.Logger
	Clock   func() time.Time
	Private bool // also to private and loopback addresses
	// SignatureHeader is a further header that carries the signature, where the
	// messages' own standard names one.
	SignatureHeader string
	UserAgent       string
}

// Webhooks delivers. Its methods may be called at the same time.
type Webhooks struct {
	config Config
	host   string // this host's name in leases
	client *http.Client
	wake   chan struct{}
	grace  time.Duration // for the answer that a host waits for when it is to stop

	mu   sync.Mutex
	busy map[string]bool // targets that this host delivers to now
	done sync.WaitGroup
}

// Open prepares the tables. Run delivers.
func Open(ctx context.Context, c Config) (*Webhooks, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := c.DB.Migrate(ctx, "webhook", files); err != nil {
		return nil, err
	}
	name := make([]byte, 8)
	rand.Read(name) // never fails: the runtime stops the program first
	return &Webhooks{config: c, host: hex.EncodeToString(name), client: newClient(c.Private), wake: make(chan struct{}, 1), grace: 2 * time.Second, busy: map[string]bool{}}, nil
}

// Target is an address that is told, with how it goes.
type Target struct {
	ID        string     `db:"id"`
	URL       string     `db:"url"`
	Secret    string     `db:"secret"`
	State     string     `db:"state"`
	Error     string     `db:"error"`
	Failures  int        `db:"failures"`
	Failing   *time.Time `db:"failing"`
	Due       time.Time  `db:"due"`
	Succeeded *time.Time `db:"succeeded"`
}

const targetColumns = `id, url, secret, state, error, failures, failing, due, succeeded`

// Delivery is one message on its way or there.
type Delivery struct {
	ID       string     `db:"id"`
	Target   string     `db:"target"`
	Kind     string     `db:"kind"`
	Body     string     `db:"body"`
	Size     int        `db:"size"`
	Created  time.Time  `db:"created"`
	Attempts int        `db:"attempts"`
	Status   int        `db:"status"`
	Error    string     `db:"error"`
	Done     *time.Time `db:"done"`
}

const deliveryColumns = `id, target, kind, body, size, created, attempts, status, error, done`

// Add makes an address known, in the sender's transaction.
func (w *Webhooks) Add(ctx context.Context, tx *readmodel.Tx, id, url, secret string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO wh_targets (id, url, secret, state, error, failures, due, leased_by) VALUES ($1, $2, $3, $4, '', 0, $5, '')`,
		id, url, secret, Active, w.config.Clock())
	if err != nil {
		return fmt.Errorf("add the webhook %s: %w", id, err)
	}
	return nil
}

// Remove forgets an address and what waits for it.
func (w *Webhooks) Remove(ctx context.Context, tx *readmodel.Tx, id string) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM wh_deliveries WHERE target = $1`, id); err != nil {
		return fmt.Errorf("remove the deliveries of %s: %w", id, err)
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM wh_targets WHERE id = $1`, id); err != nil {
		return fmt.Errorf("remove the webhook %s: %w", id, err)
	}
	return nil
}

// Queue puts a message in line, in the sender's transaction. It returns ErrFull
// where too many wait.
func (w *Webhooks) Queue(ctx context.Context, tx *readmodel.Tx, target, kind string, body []byte) (id string, err error) {
	waiting, err := readmodel.One[int](ctx, tx, `SELECT COUNT(*) FROM wh_deliveries WHERE target = $1 AND done IS NULL`, target)
	switch {
	case err != nil:
		return "", fmt.Errorf("count what waits for %s: %w", target, err)
	case waiting >= MaxQueue:
		return "", ErrFull
	case len(body) > MaxBody:
		return "", fmt.Errorf("a message of %d bytes is larger than a webhook carries", len(body))
	}
	id = w.newID()
	_, err = tx.ExecContext(ctx, `INSERT INTO wh_deliveries (id, target, kind, body, size, created, attempts, status, error) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, '')`,
		id, target, kind, string(body), len(body), w.config.Clock())
	if err != nil {
		return "", fmt.Errorf("queue a message for %s: %w", target, err)
	}
	return id, nil
}

// newID sorts by time, and within a millisecond by chance.
func (w *Webhooks) newID() string {
	b := make([]byte, 8)
	rand.Read(b)
	return fmt.Sprintf("%013x%s", w.config.Clock().UnixMicro(), hex.EncodeToString(b))
}

// Wake has what was queued delivered at once rather than with the next beat.
func (w *Webhooks) Wake() {
	select {
	case w.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// Get finds a target.
func (w *Webhooks) Get(ctx context.Context, id string) (Target, bool, error) {
	t, err := readmodel.One[Target](ctx, w.config.DB, `SELECT `+targetColumns+` FROM wh_targets WHERE id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return t, false, nil
	}
	return t, err == nil, err
}

// Waiting is how many messages wait for a target.
func (w *Webhooks) Waiting(ctx context.Context, id string) (int, error) {
	return readmodel.One[int](ctx, w.config.DB, `SELECT COUNT(*) FROM wh_deliveries WHERE target = $1 AND done IS NULL`, id)
}

// History is a target's latest deliveries, the newest first.
func (w *Webhooks) History(ctx context.Context, id string, most int) ([]Delivery, error) {
	return readmodel.All[Delivery](ctx, w.config.DB, `SELECT `+deliveryColumns+` FROM wh_deliveries WHERE target = $1 ORDER BY id DESC LIMIT $2`, id, most)
}

// Pause holds a target's messages back; Resume lets them go, also to one that
// was given up.
func (w *Webhooks) Pause(ctx context.Context, id string) error {
	_, err := w.config.DB.ExecContext(ctx, `UPDATE wh_targets SET state = $1 WHERE id = $2`, Paused, id)
	return err
}

// Resume undoes Pause, and gives who was given up another day.
func (w *Webhooks) Resume(ctx context.Context, id string) error {
	_, err := w.config.DB.ExecContext(ctx, `UPDATE wh_targets SET state = $1, failures = 0, failing = NULL, due = $2 WHERE id = $3`, Active, w.config.Clock(), id)
	w.Wake()
	return err
}
