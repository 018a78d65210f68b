package store

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// The bounds of dead letters.
const (
	mostPayload = 2 << 10 // bytes that are kept of one
	mostLetters = 20_000
	lettersLive = 30 * 24 * time.Hour
	foldWithin  = time.Minute // the same from the same device is one letter
	mostFolds   = 10_000      // that are remembered
)

// letter is a message, or a value of one, that was not stored.
type letter struct {
	device   iot.ID
	sender   iot.ID
	topic    string
	payload  []byte
	received time.Time
	no       *chaincode.Refusal
}

func letterOf(m iot.Message, err error) letter {
	x := letter{sender: m.By, topic: m.Topic, payload: m.Payload[:min(len(m.Payload), mostPayload)], received: m.Received, no: refusal(err)}
	if topic, err := iot.ParseTopic(m.Topic); err == nil {
		x.device = topic.Device
	} else {
		x.device = m.By
	}
	return x
}

func letterAbout(r row, err error) letter {
	return letter{device: r.device.id, received: time.UnixMicro(r.at), topic: r.series.channel, no: refusal(err)}
}

// letters remembers which letters are folded into which row.
type letters struct {
	rows map[fold]folded
	last int64
}

type fold struct {
	device iot.ID
	sender iot.ID
	code   string
	field  string
}

type folded struct {
	id    int64
	since time.Time
}

// store writes letters: one row for those of a device that are alike, so that a
// flood fills no disk.
func (x *letters) store(ctx context.Context, tx *readmodel.Tx, all []letter) error {
	if x.rows == nil || len(x.rows) > mostFolds {
		x.rows = map[fold]folded{}
	}
	for _, l := range all {
		at, f := l.received.UTC(), fold{l.device, l.sender, l.no.Code, l.no.Field}
		if before, ok := x.rows[f]; ok && at.Sub(before.since) < foldWithin && !at.Before(before.since) {
			n, err := tx.ExecContext(ctx, `UPDATE iot_refused SET repeats = repeats + 1, last = $1 WHERE id = $2`, at, before.id)
			if err != nil {
				return err
			}
			if rows, err := n.RowsAffected(); err == nil && rows > 0 {
				continue
			}
		}
		id := max(x.last+1, at.UnixMicro())
		facts, err := json.Marshal(l.no.Facts)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO iot_refused (id, first, last, repeats, party, device, sender, topic, code, field, format, facts, payload)
			VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING`, id, at, at, l.device.Party, l.device.Name, nameOf(l.sender),
			printable(l.topic), l.no.Code, printable(l.no.Field), l.no.Format, printable(string(facts)), strconv.QuoteToASCII(string(l.payload)))
		if err != nil {
			return err
		}
		x.last, x.rows[f] = id, folded{id, at}
	}
	return nil
}

func nameOf(id iot.ID) string {
	if id == (iot.ID{}) {
		return ""
	}
	return id.String()
}

// printable is a text as every database takes it.
func printable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// Letter is a dead letter as people read it.
type Letter struct {
	ID      int64     `json:"id" db:"id"`
	First   time.Time `json:"first" db:"first"`
	Last    time.Time `json:"last" db:"last"`
	Repeats int64     `json:"repeats" db:"repeats"` // further ones like it
	Party   string    `json:"owner" db:"party"`
	Device  string    `json:"device" db:"device"`
	Sender  string    `json:"sender,omitempty" db:"sender"`
	Topic   string    `json:"topic" db:"topic"`
	Code    string    `json:"code" db:"code"`
	Field   string    `json:"field,omitempty" db:"field"`
	Format  string    `json:"-" db:"format"`
	Facts   string    `json:"-" db:"facts"`
	Payload string    `json:"payload" db:"payload"` // its beginning, quoted
}

// Case is what was found, with its facts, for a translation.
func (l Letter) Case() (format string, facts []string) {
	_ = json.Unmarshal([]byte(l.Facts), &facts) // what store wrote
	return l.Format, facts
}

// Letters are those of a company and, where it is named, of a device, the newest
// first, before an id; "" is every company.
func (s *Store) Letters(ctx context.Context, party, name string, before int64, limit int) ([]Letter, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	return readmodel.All[Letter](ctx, s.db, `SELECT id, first, last, repeats, party, device, sender, topic, code, field, format, facts, payload FROM iot_refused
		WHERE ($1 = '' OR party = $2) AND ($3 = '' OR device = $4) AND id < $5 ORDER BY id DESC LIMIT $6`, party, party, name, name, before, limit)
}

// Sweep forgets letters that are old, and the oldest of too many.
func (s *Store) Sweep(ctx context.Context, now time.Time) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM iot_refused WHERE last < $1 OR id <= (SELECT COALESCE(MIN(id), 0) FROM (SELECT id FROM iot_refused ORDER BY id DESC LIMIT $2) newest) - 1`,
		now.Add(-lettersLive).UTC(), mostLetters)
	return err
}
