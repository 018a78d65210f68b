package traceability

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/schedule"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/epcis/query"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
	"github.com/tallyway/tallyway/shared/webhook"
)

// feed tells subscribers of new events. Each subscription walks along the
// events in the order of the ledger; how far it has come is kept in the same
// SQL transaction that queues what it is told, and moves only from where it was
// read: so each event is queued once, whichever of several hosts does it, and
// none is lost when all of them stop. What its company may not read at that
// moment is passed over.
type feed struct {
	app   *app
	awake chan struct{}
}

// How much one report holds and looks at.
const (
	mostReported = 100 // events of one document
	mostWalked   = 200 // rows that one step looks at
)

func (a *app) openFeed(ctx context.Context) {
	a.feed = &feed{app: a, awake: make(chan struct{}, 1)}
	a.queryGone = a.endSubscriptions
	a.host.Go(func() { a.feed.run(ctx) })
}

func (f *feed) wake() {
	select {
	case f.awake <- struct{}{}:
	default: // it will look anyway
	}
}

// run looks after the streams when the read model moves, and after the
// schedules every second; so too after a stream that could not be brought to
// the end.
func (f *feed) run(ctx context.Context) {
	changes := f.app.host.Follower.Subscribe(ctx)
	beat := time.NewTicker(time.Second)
	defer beat.Stop()
	for behind := true; ; {
		streams := true
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			streams = behind
		case <-changes:
		case <-f.awake:
		}
		done, err := f.round(ctx, streams)
		if err != nil && ctx.Err() == nil {
			f.app.host.Log.Error("tell subscribers", "error", err)
		}
		behind = !done && streams || behind && !streams
	}
}

// round brings the subscriptions on that have something to do, and tells
// whether all came to the end. What hinders one does not hinder another.
func (f *feed) round(ctx context.Context, streams bool) (done bool, err error) {
	due, err := readmodel.All[subscription](ctx, f.app.db, `SELECT `+subscriptionColumns+` FROM tr_subscriptions
		WHERE NOT paused AND (stream AND $1 OR due IS NOT NULL AND due <= $2) ORDER BY id`, streams, f.app.host.Now())
	if err != nil {
		return false, err
	}
	done = true
	for _, s := range due {
		if err := f.bring(ctx, s); err != nil {
			done = false
			if ctx.Err() == nil && !errors.Is(err, webhook.ErrFull) {
				f.app.host.Log.Error("tell a subscriber", "subscription", s.ID, "error", err)
			}
		}
	}
	return done, ctx.Err()
}

// bring queues for one subscription what is new, report by report. Where too
// much waits for its receiver already, it stays where it is: webhook.ErrFull.
func (f *feed) bring(ctx context.Context, s subscription) error {
	t, err := f.app.listener(ctx, s.Owner, s.Login, s.Query, s.EPCFormat, s.Since)
	var no *chaincode.Refusal
	if errors.As(err, &no) { // its user may not sign in any more, or the query cannot be read
		return f.halt(ctx, s, no.Code)
	} else if err != nil {
		return err
	}
	for first := true; ; first = false {
		events, next, more, err := t.step(s.footing)
		if err != nil {
			return err
		}
		moved, err := f.report(ctx, s, t, events, next, more, first)
		if err != nil || !moved || !more {
			f.app.host.Webhooks.Wake()
			return err
		}
		s.footing = next
	}
}

// halt stops a subscription with a reason that its company reads.
func (f *feed) halt(ctx context.Context, s subscription, code string) error {
	_, err := f.app.db.ExecContext(ctx, `UPDATE tr_subscriptions SET paused = $1, problem = $2 WHERE id = $3`, true, code, s.ID)
	return err
}

// report moves a subscription on and queues what it is told, both or neither.
// It tells nothing where somebody else has moved it meanwhile.
func (f *feed) report(ctx context.Context, s subscription, t *listener, events []*epcis.Event, next footing, more, first bool) (moved bool, err error) {
	due := s.Due
	if !s.Stream && !more {
		if due, err = s.next(f.app.host.Now()); err != nil {
			return false, err
		}
	}
	var bodies [][]byte
	if len(events) > 0 || s.ReportEmpty && !s.Stream && first && !more {
		if bodies, err = t.documents(events, s.ID); err != nil {
			return false, err
		}
	} else if next == s.footing && s.Stream {
		return false, nil
	}
	err = f.app.db.InTx(ctx, func(tx *readmodel.Tx) error {
		done, err := tx.ExecContext(ctx, `UPDATE tr_subscriptions SET block = $1, hash = $2, due = $3 WHERE id = $4 AND block = $5 AND hash = $6 AND NOT paused AND (stream OR due = $7)`,
			next.Block, next.Hash, due, s.ID, s.Block, s.Hash, s.Due)
		if err != nil {
			return fmt.Errorf("move the subscription %s: %w", s.ID, err)
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return err
		}
		moved = true
		for _, body := range bodies {
			if _, err := f.app.host.Webhooks.Queue(ctx, tx, s.ID, jsonKind, body); err != nil {
				return err
			}
		}
		return nil
	})
	return moved && err == nil, err
}

// next is when a schedule comes round again. One that was missed is not made
// up for: the next report holds all that is new.
func (s subscription) next(now time.Time) (*time.Time, error) {
	var plan schedule.Schedule
	if err := json.Unmarshal([]byte(s.Schedule), &plan); err != nil {
		return nil, err
	}
	at, err := plan.Next(now)
	return &at, err
}

// begin is where somebody starts who wants what comes from now on, or what was
// recorded since a time.
func (a *app) begin(ctx context.Context, since *time.Time) (p footing, err error) {
	if since == nil {
		p.Block, err = readmodel.One[int64](ctx, a.db, `SELECT COALESCE(MAX(block), 0) FROM tr_events`)
		return p, err
	}
	p.Block, err = readmodel.One[int64](ctx, a.db, `SELECT COALESCE(MIN(block), (SELECT COALESCE(MAX(block), 0) + 1 FROM tr_events)) - 1 FROM tr_events WHERE captured >= $1`, *since)
	return p, err
}

// listener says what a user may read of a query's events. It is for a short time:
// what they may read changes.
type listener struct {
	reader *reader
	query  *query.Query
	name   string
	since  *time.Time
	spell  func(uri string) string
}

func (a *app) listener(ctx context.Context, owner, login, name, format string, since *time.Time) (*listener, error) {
	u, err := a.host.UserNow(ctx, login)
	if err != nil {
		return nil, err
	}
	if ownerOf(u) != owner {
		return nil, errNoQuery.Refuse("%s", name)
	}
	_, q, err := a.findQuery(ctx, owner, name)
	if errors.As(err, new(*query.Error)) {
		err = errNoQuery.Refuse("%s", name)
	}
	if err != nil {
		return nil, err
	}
	return a.listenerOf(ctx, u, q, name, format, since)
}

func (a *app) listenerOf(ctx context.Context, u *web.User, q *query.Query, name, format string, since *time.Time) (*listener, error) {
	r, err := a.readerFor(ctx, u)
	if err != nil {
		return nil, err
	}
	spell, err := a.spelling(ctx, format)
	return &listener{r, q, name, since, spell}, err
}

// step looks at the next rows behind a place: it gives what is to be told of
// them, the place behind them, and whether there are more.
func (l *listener) step(at footing) (events []*epcis.Event, next footing, more bool, err error) {
	rows, err := readmodel.All[storedEvent](l.reader.ctx, l.reader.app.db, storedEvents+`
		WHERE e.block > $1 OR e.block = $2 AND $3 <> '' AND e.hash > $4 ORDER BY e.block, e.hash LIMIT $5`, at.Block, at.Block, at.Hash, at.Hash, mostWalked)
	if err != nil {
		return nil, at, false, fmt.Errorf("read new events: %w", err)
	}
	seen, err := l.reader.seen(rows)
	if err != nil {
		return nil, at, false, err
	}
	around := l.reader.around()
	for i, s := range rows {
		if len(events) == mostReported {
			return events, at, true, nil
		}
		if seen[s.Hash] && (l.since == nil || !s.Captured.Before(*l.since)) {
			e, err := l.reader.event(s)
			if err != nil {
				return nil, at, false, err
			}
			if e != nil && l.query.MatchIn(e, around(s)) {
				events = append(events, e)
			}
		}
		at = footing{s.Block, s.Hash}
		if i == len(rows)-1 && len(rows) < mostWalked {
			at.Hash = "" // what one block brings is there at once
		}
	}
	return events, at, len(rows) == mostWalked, nil
}

// documents are the events as query documents that a webhook carries, one for
// all of them where they fit.
func (l *listener) documents(events []*epcis.Event, subscription string) ([][]byte, error) {
	doc := epcis.Document{Type: "EPCISQueryDocument", Version: "2.0", CreationDate: l.reader.app.host.Now(), QueryName: l.name, Subscription: subscription}
	for _, e := range events {
		e.Respell(l.spell)
		doc.Events = append(doc.Events, *e)
	}
	b, err := doc.JSON()
	switch {
	case err != nil || len(b) <= webhook.MaxBody:
		return [][]byte{b}, err
	case len(events) == 1:
		l.reader.app.host.Log.Warn("an event is too large to be sent to a subscriber", "event", events[0].ID, "subscription", subscription)
		return nil, nil
	}
	first, err := l.documents(events[:len(events)/2], subscription)
	if err != nil {
		return nil, err
	}
	second, err := l.documents(events[len(events)/2:], subscription)
	return append(first, second...), err
}
