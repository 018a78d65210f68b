package station

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/watch"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// How long what failed waits, how often what the watch knows is kept, and how far
// it looks back where nothing was kept.
const (
	tryAgain  = 2 * time.Second
	tries     = 5
	keepEvery = 2 * time.Minute
	lookBack  = 3 * time.Hour
)

// watchNote is the name of what is kept of the watch.
const watchNote = "watch"

// keepWatch gives readings to the watch, and what it finds to the ledger.
func (s *Station) keepWatch(ctx context.Context) {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	kept := s.host.Now()
	for {
		if s.behind.Swap(false) {
			s.report(ctx, s.catchUp(ctx))
		}
		select {
		case <-ctx.Done():
			s.keepState(context.WithoutCancel(ctx))
			return
		case readings := <-s.arrived:
			s.report(ctx, s.watch.Take(readings))
		case <-tick.C:
			s.Look(ctx)
			if now := s.host.Now(); now.Sub(kept) >= keepEvery {
				s.keepState(ctx)
				kept = now
			}
		}
	}
}

// Look finds what no reading tells: silence, and doors that stay open.
func (s *Station) Look(ctx context.Context) { s.report(ctx, s.watch.Tick(s.host.Now())) }

// keepState keeps what the watch knows over a restart. If it is lost, the watch
// reads the last hours again and finds the same.
func (s *Station) keepState(ctx context.Context) {
	state, err := s.watch.State()
	if err == nil {
		err = s.Store.Keep(ctx, watchNote, state)
	}
	if err != nil {
		s.log.Warn("keep what the watch knows", "error", err)
	}
}

// recall lets the watch go on where it was. What came since then it reads when
// it begins.
func (s *Station) recall(ctx context.Context) error {
	state, err := s.Store.Kept(ctx, watchNote)
	if err != nil {
		return err
	}
	if state != nil {
		if err := s.watch.Restore(state); err != nil {
			s.log.Warn("what the watch knew cannot be read: it looks back", "error", err)
		}
	}
	s.behind.Store(true)
	return nil
}

// catchUp gives the watch what is stored and may be news to it. It knows what it
// has seen: readings twice change nothing.
func (s *Station) catchUp(ctx context.Context) (told []watch.Excursion) {
	now := s.host.Now()
	for id, k := range *s.registry.all.Load() {
		if !k.store.Active {
			continue
		}
		from := s.watch.From(id)
		if from.IsZero() {
			from = now.Add(-lookBack)
		}
		var some []iot.Reading
		err := s.Store.Each(ctx, id, from, now.Add(time.Hour), func(r iot.Reading) error {
			if some = append(some, r); len(some) == 1000 {
				told = append(told, s.watch.Take(some)...)
				some = some[:0]
			}
			return ctx.Err()
		})
		told = append(told, s.watch.Take(some)...)
		if err != nil && ctx.Err() == nil {
			s.log.Error("read what the watch missed", "device", id.String(), "error", err)
		}
	}
	return told
}

// watchMissed notes that the watch fell behind by hundreds of transactions: it
// finds them in the tables.
func (s *Station) watchMissed() {
	if !s.behind.Swap(true) {
		s.log.Warn("the watch fell behind, and reads again what is stored")
	}
}

// report tells of excursions: pages at once, then the ledger. Of a device that
// fell silent before anybody listened, nobody can say so.
func (s *Station) report(ctx context.Context, all []watch.Excursion) {
	if len(all) == 0 {
		return
	}
	s.tell(News{Alarms: all})
	for _, x := range all {
		if x.Kind == watch.Silent && !x.Since.After(s.began) {
			continue
		}
		for try := 1; ; try++ {
			err := s.put(ctx, x)
			if err == nil || ctx.Err() != nil {
				break
			}
			s.log.Error("put an excursion on the ledger", "device", x.Device.String(), "rule", x.Rule(), "phase", string(x.Phase), "try", try, "error", err)
			if try == tries {
				break
			}
			select {
			case <-ctx.Done():
			case <-time.After(tryAgain):
			}
		}
	}
}

func (s *Station) put(ctx context.Context, x watch.Excursion) error {
	k, ok := s.registry.find(x.Device)
	if !ok {
		return nil
	}
	if x.Phase == watch.Withdrawn {
		return s.takeBack(ctx, k, x)
	}
	about, err := s.around(ctx, k.thing, x.Moment())
	if err != nil {
		return fmt.Errorf("find what was around: %w", err)
	}
	about.Device = uri(k.thing)
	return s.capture(ctx, x.Device.Party, x.Event(about, x.Moment().In(time.Local).Format("-07:00")))
}

// takeBack declares in error what was told of an excursion that, as late readings
// show, never was (EPCIS 2.0, section 7.4.1.3).
func (s *Station) takeBack(ctx context.Context, k known, x watch.Excursion) error {
	told, err := readmodel.All[string](ctx, s.host.DB, `SELECT e.body FROM tr_excursions x JOIN tr_events e ON e.hash IN (x.hash, x.closed)
		WHERE x.author = $1 AND x.thing = $2 AND x.rule = $3 AND x.since = $4 AND e.error = ''`, x.Device.Party, k.thing, x.Rule(), x.Since.UTC().Truncate(time.Millisecond))
	if err != nil {
		return err
	}
	for _, body := range told {
		doc, err := epcis.DecodeJSON(json.RawMessage(body))
		if err != nil {
			return err
		}
		e := doc.Events[0]
		e.Error = &epcis.ErrorDeclaration{Time: s.host.Now().UTC().Truncate(time.Millisecond), Reason: "did_not_occur"}
		if err := s.capture(ctx, x.Device.Party, e); err != nil {
			return err
		}
	}
	return nil
}

func uri(thing string) string {
	if key, err := gs1.Parse(thing); err == nil {
		return key.URI()
	}
	return thing
}

// Going are the excursions that go on, silent devices too.
func (s *Station) Going() []watch.Excursion { return s.watch.Open() }
