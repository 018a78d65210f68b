package traceability

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/schedule"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
	"github.com/tallyway/tallyway/shared/webhook"
)

// This file is /queries/{name}/subscriptions (EPCIS 2.0, section 12.7.3): who
// is told of a query's new events. What is told and when is in feed.go.

var (
	errSubscription = chaincode.Rule{Code: "epcis/subscription", Kind: chaincode.Malformed,
		Text:   "A subscription has a destination, and either stream or a schedule.",
		Remedy: `Send {"dest": "https://…", "stream": true}, or in place of stream a schedule such as {"hour": "1", "minute": "5"}, whose parts are numbers, lists and [ranges].`}
	errDestination = chaincode.Rule{Code: "epcis/subscription-dest", Kind: chaincode.Malformed,
		Text:   "Events cannot be sent to this destination.",
		Remedy: "Name an https or http address that can be reached from the Internet, without user and password; the operator may allow private ones."}
	errNoSubscription = chaincode.Rule{Code: "epcis/no-subscription", Kind: chaincode.NotFound,
		Text: "There is no such subscription.", Remedy: "List the query's subscriptions with GET on their address."}
	errSubscriptions = chaincode.Rule{Code: "epcis/too-many-subscriptions", Kind: chaincode.Malformed,
		Text: "Your company keeps as many subscriptions as it may.", Remedy: "Delete one that is not needed."}
)

// errQueueFull keeps what waits for a receiver within bounds.
var errQueueFull = chaincode.Rule{Code: "epcis/queue-full", Kind: chaincode.Conflict,
	Text: "Too many messages wait for this receiver.", Remedy: "Wait until it has taken some, or delete the subscription."}

// mostToken is how long a secret may be.
const mostToken = 500

// mostSubscriptions is how many subscriptions a company keeps.
const mostSubscriptions = 100

// subscription is one as it is kept.
type subscription struct {
	ID          string     `db:"id"`
	Owner       string     `db:"owner"`
	Query       string     `db:"query"`
	MSP         string     `db:"msp"`
	Login       string     `db:"login"`
	Dest        string     `db:"dest"`
	EPCFormat   string     `db:"epc_format"`
	Stream      bool       `db:"stream"`
	Schedule    string     `db:"schedule"`
	ReportEmpty bool       `db:"report_empty"`
	Since       *time.Time `db:"since"`
	Created     time.Time  `db:"created"`
	Due         *time.Time `db:"due"`
	Paused      bool       `db:"paused"`
	Problem     string     `db:"problem"`
	footing
}

// footing is how far through the events somebody has looked.
type footing struct {
	Block int64  `db:"block"`
	Hash  string `db:"hash"` // empty: all of the block
}

const subscriptionColumns = `id, owner, query, msp, login, dest, epc_format, stream, schedule, report_empty, since, created, due, paused, problem, block, hash`

// subscriptionView is what the binding shows of one. The secret is not shown.
type subscriptionView struct {
	ID          string             `json:"subscriptionID"`
	Query       string             `json:"queryName"`
	Dest        string             `json:"dest"`
	Stream      bool               `json:"stream,omitempty"`
	Schedule    *schedule.Schedule `json:"schedule,omitempty"`
	ReportEmpty bool               `json:"reportIfEmpty,omitempty"`
	Since       *time.Time         `json:"initialRecordTime,omitempty"`
	Created     time.Time          `json:"createdAt"`
	Notified    *time.Time         `json:"lastNotifiedAt,omitempty"`
	EPCFormat   string             `json:"epcFormat"`
	State       string             `json:"state"` // "active", "paused", "dead"
	Error       string             `json:"lastError,omitempty"`
}

func (a *app) subscriptionRoutes() []web.Route {
	own := web.AnyUser.Owned()
	return append(
		epcisResource("/queries/:name/subscriptions", "subscriptions", "GET, POST",
			web.Route{Method: "GET", Access: own, Handler: a.listSubscriptions},
			web.Route{Method: "POST", Access: own, Handler: a.postSubscription}),
		epcisResource("/queries/:name/subscriptions/:id", "subscription", "GET, DELETE",
			web.Route{Method: "GET", Access: own, Handler: a.showSubscription},
			web.Route{Method: "DELETE", Access: own, Handler: a.deleteSubscription})...)
}

// wanted is what a client says of a subscription.
type wanted struct {
	Dest        string             `json:"dest"`
	Token       string             `json:"signatureToken"`
	Stream      bool               `json:"stream"`
	Schedule    *schedule.Schedule `json:"schedule"`
	ReportEmpty bool               `json:"reportIfEmpty"`
	Since       *time.Time         `json:"initialRecordTime"`
}

// when reports whether one says when to be told: as it comes, or on a schedule.
func (w wanted) when() error {
	switch {
	case w.Stream == (w.Schedule != nil && !w.Schedule.IsZero()):
		return errSubscription.Refuse("").On("stream")
	case w.Stream:
		return nil
	}
	var bad *schedule.Error
	if err := w.Schedule.Check(); errors.As(err, &bad) {
		return errSubscription.Refuse("%s", bad.Value).On("schedule." + bad.Part)
	}
	return nil
}

func readWanted(c *web.Ctx) (w wanted, err error) {
	kind, _, err := mime.ParseMediaType(c.Request().Header.Get("Content-Type"))
	if err != nil || kind != jsonKind && kind != jsonLDKind {
		return w, errMediaType.Refuse("%s", c.Request().Header.Get("Content-Type"))
	}
	b, err := io.ReadAll(http.MaxBytesReader(c.Response().Writer, c.Request().Body, 64<<10))
	if err != nil {
		return w, errLimit.Refuse("at most %s bytes", 64<<10)
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return w, errSubscription.Refuse("")
	}
	if len(w.Token) > mostToken || strings.ContainsRune(w.Token+w.Dest, 0) {
		return w, errSubscription.Refuse("").On("signatureToken")
	}
	return w, w.when()
}

func (a *app) postSubscription(c *web.Ctx) error {
	w, err := readWanted(c)
	if err != nil {
		return err
	}
	format := c.Request().Header.Get(epcFormat)
	if _, err := a.spelling(c.Context(), format); err != nil {
		return err
	}
	s, err := a.subscribe(c.Context(), c.User(), c.Param("name"), format, w)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Location", epcisBase+"/queries/"+s.Query+"/subscriptions/"+s.ID)
	return a.answerSubscription(c, http.StatusCreated, s.ID)
}

// subscribe keeps a subscription to a query of the user's company.
func (a *app) subscribe(ctx context.Context, u *web.User, name, format string, w wanted) (subscription, error) {
	if _, _, err := a.findQuery(ctx, ownerOf(u), name); err != nil {
		return subscription{}, err
	}
	if err := a.host.Webhooks.CheckURL(w.Dest); err != nil {
		return subscription{}, errDestination.Refuse("").On("dest")
	}
	s := subscription{ID: newSubscriptionID(), Owner: ownerOf(u), Query: name, MSP: u.MSP, Login: u.ID, Dest: w.Dest, EPCFormat: format,
		Stream: w.Stream, ReportEmpty: w.ReportEmpty, Since: w.Since, Created: a.host.Now().UTC()}
	if w.Schedule != nil && !w.Stream {
		b, err := json.Marshal(w.Schedule)
		if err != nil {
			return s, err
		}
		next, err := w.Schedule.Next(s.Created)
		if err != nil {
			return s, err
		}
		s.Schedule, s.Due = string(b), &next
	}
	var err error
	if s.footing, err = a.begin(ctx, s.Since); err != nil {
		return s, err
	}
	err = a.db.InTx(ctx, func(tx *readmodel.Tx) error {
		n, err := readmodel.One[int](ctx, tx, `SELECT COUNT(*) FROM tr_subscriptions WHERE owner = $1`, s.Owner)
		switch {
		case err != nil:
			return err
		case n >= mostSubscriptions:
			return errSubscriptions.Refuse("%s", mostSubscriptions)
		}
		err = run(ctx, tx, `INSERT INTO tr_subscriptions (`+subscriptionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
			s.ID, s.Owner, s.Query, s.MSP, s.Login, s.Dest, s.EPCFormat, s.Stream, s.Schedule, s.ReportEmpty, s.Since, s.Created, s.Due, false, "", s.Block, s.Hash)
		if err != nil {
			return fmt.Errorf("keep a subscription: %w", err)
		}
		return a.host.Webhooks.Add(ctx, tx, s.ID, s.Dest, w.Token)
	})
	a.feed.wake()
	return s, err
}

func newSubscriptionID() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails: the runtime stops the program first
	return hex.EncodeToString(b)
}

func (a *app) findSubscription(ctx context.Context, owner, name, id string) (subscription, error) {
	found, err := readmodel.All[subscription](ctx, a.db, `SELECT `+subscriptionColumns+` FROM tr_subscriptions WHERE owner = $1 AND query = $2 AND id = $3`, owner, name, id)
	if err != nil {
		return subscription{}, fmt.Errorf("read the subscription %s: %w", id, err)
	}
	if len(found) == 0 {
		return subscription{}, errNoSubscription.Refuse("%s", id)
	}
	return found[0], nil
}

// subscriptionRow is a subscription with how it goes with its receiver.
type subscriptionRow struct {
	subscription
	State     string       `db:"state"`
	Error     string       `db:"error"`
	Succeeded sql.NullTime `db:"succeeded"`
	Waiting   int          `db:"waiting"`
}

const subscriptionRows = `SELECT s.id, s.owner, s.query, s.msp, s.login, s.dest, s.epc_format, s.stream, s.schedule, s.report_empty, s.since, s.created, s.due, s.paused, s.problem, s.block, s.hash,
	t.state, t.error, t.succeeded, (SELECT COUNT(*) FROM wh_deliveries d WHERE d.target = s.id AND d.done IS NULL) AS waiting
	FROM tr_subscriptions s JOIN wh_targets t ON t.id = s.id`

// view is the subscription as the binding shows it.
func (r subscriptionRow) view() (v subscriptionView, err error) {
	v = subscriptionView{ID: r.ID, Query: r.Query, Dest: r.Dest, Stream: r.Stream, ReportEmpty: r.ReportEmpty, Since: r.Since, Created: r.Created,
		EPCFormat: orElse(r.EPCFormat, linkFormat), State: r.State, Error: orElse(r.Problem, r.Error)}
	if r.Succeeded.Valid {
		v.Notified = &r.Succeeded.Time
	}
	if r.Paused {
		v.State = webhook.Paused
	}
	if r.Schedule != "" {
		v.Schedule = &schedule.Schedule{}
		err = json.Unmarshal([]byte(r.Schedule), v.Schedule)
	}
	return v, err
}

// answerSubscription answers with one.
func (a *app) answerSubscription(c *web.Ctx, status int, id string) error {
	r, err := readmodel.One[subscriptionRow](c.Context(), a.db, subscriptionRows+` WHERE s.id = $1`, id)
	if err != nil {
		return fmt.Errorf("read the subscription %s: %w", id, err)
	}
	v, err := r.view()
	if err != nil {
		return err
	}
	return c.JSON(status, v)
}

func (a *app) listSubscriptions(c *web.Ctx) error {
	p, err := a.asks(c)
	if err == nil {
		err = p.none()
	}
	if err != nil {
		return err
	}
	owner := ownerOf(c.User())
	if _, _, err := a.findQuery(c.Context(), owner, c.Param("name")); err != nil {
		return err
	}
	found, err := readmodel.All[subscriptionRow](c.Context(), a.db, subscriptionRows+` WHERE s.owner = $1 AND s.query = $2 AND s.id > $3 ORDER BY s.id LIMIT $4`,
		owner, c.Param("name"), p.from.Name, p.size+1)
	if err != nil {
		return err
	}
	if len(found) > p.size {
		found = found[:p.size]
		if err := p.next(bookmark{Name: found[p.size-1].ID}); err != nil {
			return err
		}
	}
	views := []subscriptionView{}
	for _, s := range found {
		v, err := s.view()
		if err != nil {
			return err
		}
		views = append(views, v)
	}
	return c.JSON(http.StatusOK, views)
}

func (a *app) showSubscription(c *web.Ctx) error {
	s, err := a.findSubscription(c.Context(), ownerOf(c.User()), c.Param("name"), c.Param("id"))
	if err != nil {
		return err
	}
	return a.answerSubscription(c, http.StatusOK, s.ID)
}

func (a *app) deleteSubscription(c *web.Ctx) error {
	s, err := a.findSubscription(c.Context(), ownerOf(c.User()), c.Param("name"), c.Param("id"))
	if err != nil {
		return err
	}
	if err := a.unsubscribe(c.Context(), s.ID); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// unsubscribe forgets a subscription and what waits for its receiver.
func (a *app) unsubscribe(ctx context.Context, id string) error {
	return a.db.InTx(ctx, func(tx *readmodel.Tx) error { return a.dropSubscription(ctx, tx, id) })
}

func (a *app) dropSubscription(ctx context.Context, tx *readmodel.Tx, id string) error {
	if err := run(ctx, tx, `DELETE FROM tr_subscriptions WHERE id = $1`, id); err != nil {
		return fmt.Errorf("delete the subscription %s: %w", id, err)
	}
	return a.host.Webhooks.Remove(ctx, tx, id)
}

// endSubscriptions ends those of a query that is deleted.
func (a *app) endSubscriptions(ctx context.Context, tx *readmodel.Tx, owner, name string) error {
	ids, err := readmodel.All[string](ctx, tx, `SELECT id FROM tr_subscriptions WHERE owner = $1 AND query = $2`, owner, name)
	for _, id := range ids {
		err = errors.Join(err, a.dropSubscription(ctx, tx, id))
	}
	return err
}
