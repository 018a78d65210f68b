package traceability

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/schedule"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/epcis/query"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// This file is the subscription by web socket (EPCIS 2.0, section 12.7.3): GET
// on an address that answers with a query's events, with Upgrade: websocket. It
// lasts as long as the connection; who comes back says initialRecordTime.

// orSocket lets a client choose between an answer and a web socket.
func (a *app) orSocket(answer func(*web.Ctx) error) func(*web.Ctx) error {
	return func(c *web.Ctx) error {
		if !c.WantsSocket() {
			return answer(c)
		}
		s, err := a.readSocket(c)
		if err != nil {
			return err
		}
		return c.Socket(s.run)
	}
}

// socketing is a query that is listened to.
type socketing struct {
	app    *app
	user   string
	owner  string
	query  *query.Query
	name   string
	format string
	wanted wanted
	at     footing
}

// readSocket reads what is asked for: the query, narrowed by the parameters in
// the address, and when to be told, which stands among them.
func (a *app) readSocket(c *web.Ctx) (*socketing, error) {
	u := c.Request().URL
	if len(u.RawQuery) > longestQuery {
		return nil, errLongAddress.Refuse("at most %s bytes", longestQuery)
	}
	params, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errParameter.Refuse("")
	}
	s := &socketing{app: a, user: c.User().ID, owner: ownerOf(c.User()), query: &query.Query{}, name: "SimpleEventQuery", format: c.Request().Header.Get(epcFormat)}
	if s.wanted, err = takeWanted(params); err != nil {
		return nil, err
	}
	if _, err := a.spelling(c.Context(), s.format); err != nil {
		return nil, err
	}
	if name := c.Param("name"); name != "" {
		s.name = name
		if _, s.query, err = a.findQuery(c.Context(), s.owner, name); err != nil {
			return nil, err
		}
	}
	more, err := query.Parse(params, prefixesOf(c))
	if err != nil {
		return nil, err
	}
	if s.query, err = s.query.And(more); err != nil {
		return nil, err
	}
	s.at, err = a.begin(c.Context(), s.wanted.Since)
	return s, err
}

// takeWanted takes the parameters that say when to be told out of a query's.
func takeWanted(params url.Values) (w wanted, err error) {
	take := func(name string) string {
		defer delete(params, name)
		return params.Get(name)
	}
	plan := schedule.Schedule{Second: take("second"), Minute: take("minute"), Hour: take("hour"),
		DayOfMonth: take("dayOfMonth"), Month: take("month"), DayOfWeek: take("dayOfWeek")}
	w.Schedule = &plan
	for name, into := range map[string]*bool{"stream": &w.Stream, "reportIfEmpty": &w.ReportEmpty} {
		if text := take(name); text != "" {
			if *into, err = strconv.ParseBool(text); err != nil {
				return w, errSubscription.Refuse("%s", text).On(name)
			}
		}
	}
	if text := take("initialRecordTime"); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return w, errSubscription.Refuse("%s", text).On("initialRecordTime")
		}
		w.Since = &at
	}
	take("perPage")
	take("nextPageToken")
	return w, w.when()
}

// run tells until the visitor leaves, or may not be told any more. A stream
// begins at once, with what was recorded since the time that it asked for.
func (s *socketing) run(ctx context.Context, socket *web.Socket) error {
	changes := s.app.host.Follower.Subscribe(ctx)
	for waits := !s.wanted.Stream; ; waits = true {
		if waits && !s.wait(ctx, changes) {
			return nil
		}
		err := s.tell(ctx, socket)
		var no *chaincode.Refusal
		switch {
		case ctx.Err() != nil, errors.As(err, &no), errors.Is(err, errSlow):
			return nil
		case err != nil:
			return err
		}
	}
}

// wait waits for something new, or for the schedule to come round.
func (s *socketing) wait(ctx context.Context, changes <-chan readmodel.Change) bool {
	if s.wanted.Stream {
		select {
		case <-changes:
			return ctx.Err() == nil
		case <-ctx.Done():
			return false
		}
	}
	now := s.app.host.Now()
	next, err := s.wanted.Schedule.Next(now)
	if err != nil {
		return false
	}
	timer := time.NewTimer(next.Sub(now))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

var errSlow = errors.New("the receiver does not take what it is sent")

// tell sends what is new, document by document.
func (s *socketing) tell(ctx context.Context, socket *web.Socket) error {
	u, err := s.app.host.UserNow(ctx, s.user)
	if err != nil {
		return err
	}
	if ownerOf(u) != s.owner {
		return errNoQuery.Refuse("%s", s.name)
	}
	l, err := s.app.listenerOf(ctx, u, s.query, s.name, s.format, s.wanted.Since)
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		events, next, more, err := l.step(s.at)
		if err != nil {
			return err
		}
		if len(events) > 0 || s.wanted.ReportEmpty && !s.wanted.Stream && first && !more {
			bodies, err := l.documents(events, "")
			if err != nil {
				return err
			}
			for _, body := range bodies {
				if err := socket.Send(ctx, body); err != nil {
					return errors.Join(errSlow, err)
				}
			}
		}
		if s.at = next; !more {
			return nil
		}
	}
}
