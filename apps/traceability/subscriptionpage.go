package traceability

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/tallyway/tallyway/apps/traceability/schedule"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
	"github.com/tallyway/tallyway/shared/webhook"
)

// The pages on which a company sees whom its events are sent to and how that
// goes, tries a receiver, and pauses or ends a subscription.

func (a *app) subscriptionPageRoutes() []web.Route {
	const base = "/traceability/subscriptions"
	own := web.AnyUser.Owned()
	return []web.Route{
		{Method: "GET", Path: base, Name: "subscriptions", Access: own, Handler: a.subscriptionList},
		{Method: "GET", Path: base + "/new", Name: "subscriptions.new", Access: own, Handler: a.newSubscription},
		{Method: "POST", Path: base + "/new", Name: "subscriptions.add", Access: own, Handler: a.newSubscription},
		{Method: "GET", Path: base + "/:id", Name: "subscriptions.show", Access: own, Handler: a.subscriptionPage},
		{Method: "POST", Path: base + "/:id/test", Name: "subscriptions.test", Access: own, Handler: a.actOn(a.testSubscription, "A test is on its way.")},
		{Method: "POST", Path: base + "/:id/pause", Name: "subscriptions.pause", Access: own, Handler: a.actOn(a.pauseSubscription, "The subscription is paused.")},
		{Method: "POST", Path: base + "/:id/resume", Name: "subscriptions.resume", Access: own, Handler: a.actOn(a.resumeSubscription, "The subscription goes on.")},
		{Method: "POST", Path: base + "/:id/delete", Name: "subscriptions.delete", Access: own, Handler: a.actOn(a.endSubscription, "The subscription is deleted.")},
	}
}

func subscriptionHref(id string) string { return "/traceability/subscriptions/" + id }

// ownSubscription is the one that the address names, of the user's company.
func (a *app) ownSubscription(c *web.Ctx) (subscription, error) {
	s, err := readmodel.One[subscription](c.Context(), a.db, `SELECT `+subscriptionColumns+` FROM tr_subscriptions WHERE id = $1 AND owner = $2`, c.Param("id"), ownerOf(c.User()))
	if errors.Is(err, sql.ErrNoRows) {
		return s, errNoSubscription.Refuse("%s", c.Param("id"))
	}
	return s, err
}

// actOn does something to a subscription of one's own and says so.
func (a *app) actOn(act func(ctx context.Context, s subscription) error, done string) func(*web.Ctx) error {
	return func(c *web.Ctx) error {
		s, err := a.ownSubscription(c)
		if err == nil {
			err = act(c.Context(), s)
		}
		if err != nil {
			return err
		}
		c.Flash(done)
		if _, err := a.ownSubscription(c); err != nil {
			return c.Redirect("/traceability/subscriptions")
		}
		return c.Redirect(subscriptionHref(s.ID))
	}
}

// testSubscription sends a report without events.
func (a *app) testSubscription(ctx context.Context, s subscription) error {
	l, err := a.listener(ctx, s.Owner, s.Login, s.Query, s.EPCFormat, nil)
	if err != nil {
		return err
	}
	bodies, err := l.documents(nil, s.ID)
	if err != nil {
		return err
	}
	err = a.db.InTx(ctx, func(tx *readmodel.Tx) error {
		_, err := a.host.Webhooks.Queue(ctx, tx, s.ID, jsonKind, bodies[0])
		return err
	})
	if errors.Is(err, webhook.ErrFull) {
		return errQueueFull.Refuse("%s", webhook.MaxQueue)
	}
	a.host.Webhooks.Wake()
	return err
}

// pauseSubscription looks no further; what is queued waits as well.
func (a *app) pauseSubscription(ctx context.Context, s subscription) error {
	_, err := a.db.ExecContext(ctx, `UPDATE tr_subscriptions SET paused = $1 WHERE id = $2`, true, s.ID)
	return errors.Join(err, a.host.Webhooks.Pause(ctx, s.ID))
}

// resumeSubscription goes on where it stopped.
func (a *app) resumeSubscription(ctx context.Context, s subscription) error {
	_, err := a.db.ExecContext(ctx, `UPDATE tr_subscriptions SET paused = $1, problem = '' WHERE id = $2`, false, s.ID)
	if err = errors.Join(err, a.host.Webhooks.Resume(ctx, s.ID)); err == nil {
		a.feed.wake()
	}
	return err
}

func (a *app) endSubscription(ctx context.Context, s subscription) error {
	return a.unsubscribe(ctx, s.ID)
}

func (a *app) subscriptionList(c *web.Ctx) error {
	rows, err := readmodel.All[subscriptionRow](c.Context(), a.db, subscriptionRows+` WHERE s.owner = $1 ORDER BY s.created DESC, s.id`, ownerOf(c.User()))
	if err != nil {
		return fmt.Errorf("list the subscriptions: %w", err)
	}
	v := struct {
		Table web.Table          `json:"-"`
		Items []subscriptionView `json:"items"`
	}{Items: []subscriptionView{}}
	v.Table = web.Table{List: c.List(web.ListOptions{}), Label: "Subscriptions", Count: c.T("%s subscriptions", len(rows)),
		Columns: []web.Column{{Label: "Query"}, {Label: "Receiving system"}, {Label: "When"}, {Label: "State"}, {Label: "Waiting", Number: true}, {Label: "Last delivered"}},
		Empty: web.Empty{Title: "Nobody is told yet.", Text: "Have new events sent to a system of yours as they come, or once a day.",
			Act: &web.Act{Label: "New subscription", Href: "/traceability/subscriptions/new", Icon: "plus", Main: true}}}
	for _, r := range rows {
		item, err := r.view()
		if err != nil {
			return err
		}
		v.Items = append(v.Items, item)
		v.Table.Rows = append(v.Table.Rows, web.TableRow{Href: subscriptionHref(r.ID),
			Cells: []any{r.Query, r.Dest, r.when(c), r.chip(), web.Num{Text: web.Group(r.Waiting)}, deliveredAt(r.Succeeded)}})
	}
	return c.Render("subscriptions.html", v)
}

func deliveredAt(t sql.NullTime) any {
	if !t.Valid {
		return nil
	}
	return t.Time
}

// when says in words when one is told.
func (r subscription) when(c *web.Ctx) string {
	switch {
	case r.Stream:
		return c.T("as it comes")
	case r.Due == nil:
		return ""
	}
	return c.T("on a schedule, next %s UTC", r.Due.UTC().Format("2006-01-02 15:04"))
}

func (r subscriptionRow) chip() web.Chip {
	switch {
	case r.Problem != "":
		return web.Chip{Word: "stopped", Tone: web.Bad}
	case r.State == webhook.Dead:
		return web.Chip{Word: "given up", Tone: web.Bad}
	case r.Paused || r.State == webhook.Paused:
		return web.Chip{Word: "paused", Tone: web.Warn}
	case r.Error != "":
		return web.Chip{Word: "failing", Tone: web.Warn}
	}
	return web.Chip{Word: "active", Tone: web.Good}
}

// shownDeliveries is how many deliveries the page of a subscription lists.
const shownDeliveries = 100

func (a *app) subscriptionPage(c *web.Ctx) error {
	s, err := a.ownSubscription(c)
	if err != nil {
		return err
	}
	row, err := readmodel.One[subscriptionRow](c.Context(), a.db, subscriptionRows+` WHERE s.id = $1`, s.ID)
	if err != nil {
		return fmt.Errorf("read the subscription %s: %w", s.ID, err)
	}
	deliveries, err := a.host.Webhooks.History(c.Context(), s.ID, shownDeliveries)
	if err != nil {
		return err
	}
	v := struct {
		Query, Error string
		About        []web.Pair
		Acts         []web.Act
		Table        web.Table
	}{Query: s.Query, Error: orElse(row.Problem, row.Error), Acts: row.acts()}
	v.About = []web.Pair{{Label: "Receiving system", Value: s.Dest}, {Label: "When", Value: row.when(c)}, {Label: "State", Value: row.chip()},
		{Label: "Waiting", Value: strconv.Itoa(row.Waiting)}, {Label: "Read in the name of", Value: s.Login}, {Label: "Since", Value: s.Created}}
	v.Table = web.Table{Label: "Deliveries", Columns: []web.Column{{Label: "Queued"}, {Label: "Id"}, {Label: "State"}, {Label: "Attempts", Number: true}, {Label: "Answer"}, {Label: "Size in bytes", Number: true}},
		Empty: web.Empty{Title: "Nothing was sent yet.", Text: "Send a test to see whether the receiver answers."}}
	for _, d := range deliveries {
		v.Table.Rows = append(v.Table.Rows, web.TableRow{Cells: []any{d.Created, d.ID, deliveryChip(d), web.Num{Text: web.Group(d.Attempts)}, answerText(d), web.Num{Text: web.Group(d.Size)}}})
	}
	return c.Render("subscription.html", v)
}

func deliveryChip(d webhook.Delivery) web.Chip {
	switch {
	case d.Done != nil:
		return web.Chip{Word: "delivered", Tone: web.Good}
	case d.Attempts > 0:
		return web.Chip{Word: "failing", Tone: web.Warn}
	}
	return web.Chip{Word: "waiting"}
}

func answerText(d webhook.Delivery) string {
	if d.Error != "" {
		return d.Error
	}
	if d.Status == 0 {
		return ""
	}
	return strconv.Itoa(d.Status)
}

func (r subscriptionRow) acts() []web.Act {
	at := subscriptionHref(r.ID)
	acts := []web.Act{{Label: "Send a test", Href: at + "/test", Post: true}}
	if r.Paused || r.State != webhook.Active {
		acts = append(acts, web.Act{Label: "Go on", Href: at + "/resume", Post: true, Main: true})
	} else {
		acts = append(acts, web.Act{Label: "Pause", Href: at + "/pause", Post: true})
	}
	return append(acts, web.Act{Label: "Delete", Href: at + "/delete", Post: true, Danger: true, Confirm: "Delete this subscription? What waits is not sent."})
}

// subscriptionForm is a new subscription as a person enters it. Programs have
// finer schedules.
type subscriptionForm struct {
	Query string `form:"query,required"`
	Dest  string `form:"dest,required"`
	Token string `form:"token"`
	When  string `form:"when,required"`
	Hour  int    `form:"hour"`
	Empty bool   `form:"empty"`
}

// everything is the query that the form offers to who has none.
const everything = "all-events"

var whens = []web.Option{{Value: "stream", Text: "As they come"}, {Value: "hour", Text: "Every hour"}, {Value: "day", Text: "Once a day"}}

func (f subscriptionForm) wanted() (wanted, error) {
	w := wanted{Dest: f.Dest, Token: f.Token, ReportEmpty: f.Empty}
	switch f.When {
	case "stream":
		w.Stream = true
	case "hour":
		w.Schedule = &schedule.Schedule{Minute: "0"}
	default:
		w.Schedule = &schedule.Schedule{Hour: strconv.Itoa(f.Hour)}
	}
	if err := w.when(); err != nil {
		return w, errSubscription.Refuse("").On("hour")
	}
	if len(w.Token) > mostToken {
		return w, errSubscription.Refuse("").On("token")
	}
	return w, nil
}

func (a *app) newSubscription(c *web.Ctx) error {
	owner := ownerOf(c.User())
	names, err := readmodel.All[string](c.Context(), a.db, `SELECT name FROM tr_queries WHERE owner = $1 AND name <> $2 ORDER BY name`, owner, everything)
	if err != nil {
		return err
	}
	options := []web.Option{{Value: everything, Text: "All events that we may read"}}
	for _, name := range names {
		options = append(options, web.Option{Value: name, Text: name})
	}
	show := func(f *web.Form[subscriptionForm]) error {
		return c.Render("subscription_new.html", struct {
			Form           *web.Form[subscriptionForm]
			Queries, Whens []web.Option
		}{f, options, whens})
	}
	return web.Post(c, subscriptionForm{Query: everything, When: "stream"}, show, func(f *web.Form[subscriptionForm]) (string, error) {
		w, err := f.Value.wanted()
		if err != nil {
			return "", err
		}
		if f.Value.Query == everything {
			_, err := a.db.ExecContext(c.Context(), `INSERT INTO tr_queries (owner, name, body, login, created) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
				owner, everything, "{}", c.User().ID, a.host.Now())
			if err != nil {
				return "", fmt.Errorf("keep the query of everything: %w", err)
			}
		}
		s, err := a.subscribe(c.Context(), c.User(), f.Value.Query, "", w)
		if err != nil {
			return "", err
		}
		c.Flash("New events go to %s from now on.", s.Dest)
		return subscriptionHref(s.ID), nil
	})
}
