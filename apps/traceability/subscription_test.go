package traceability

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/web/webtest"
	"github.com/tallyway/tallyway/shared/webhook"
)

// hook is a subscriber's receiver.
type hook struct {
	*httptest.Server
	t    *testing.T
	mu   sync.Mutex
	docs []*epcis.Document
	seen []string
	head http.Header
	came chan struct{}
}

func newHook(t *testing.T) *hook {
	h := &hook{t: t, came: make(chan struct{}, 1000)}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		doc, err := epcis.DecodeJSON(b)
		if err != nil || doc.Type != "EPCISQueryDocument" {
			t.Errorf("%v: %s", err, b)
			return
		}
		if r.Header.Get("Gs1-Signature") != webhook.Sign("sesame", r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp"), b) {
			t.Error("the signature does not fit")
		}
		h.mu.Lock()
		h.docs, h.head = append(h.docs, doc), r.Header.Clone()
		for _, e := range doc.Events {
			h.seen = append(h.seen, e.ID)
		}
		h.mu.Unlock()
		h.came <- struct{}{}
	}))
	t.Cleanup(h.Close)
	return h
}

// events waits for so many, and gives their ids.
func (h *hook) events(n int) []string {
	h.t.Helper()
	for end := time.After(20 * time.Second); ; {
		h.mu.Lock()
		seen := slices.Clone(h.seen)
		h.mu.Unlock()
		if len(seen) >= n {
			return seen
		}
		select {
		case <-h.came:
		case <-end:
			h.t.Fatalf("%d events came, want %d", len(seen), n)
		}
	}
}

func (w *machineWorld) query(t *testing.T, by, name, body string) {
	t.Helper()
	w.call(t, by, "POST", "/epcis/v2/queries", []byte(`{"name": "`+name+`", "query": `+body+`}`)).want(t, 201)
}

func (w *machineWorld) subscribe(t *testing.T, by, name, dest, rest string) subscriptionView {
	t.Helper()
	var v subscriptionView
	w.call(t, by, "POST", "/epcis/v2/queries/"+name+"/subscriptions", []byte(`{"dest": "`+dest+`", "signatureToken": "sesame", `+rest+`}`)).want(t, 201).into(t, &v)
	return v
}

func (w *machineWorld) make(t *testing.T, from, to int) (ids []string) {
	t.Helper()
	for n := from; n < to; n++ {
		var reply eventReply
		w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(milking(fmt.Sprint("L", n), 5, n))).want(t, 201).into(t, &reply)
		ids = append(ids, reply.Hash)
	}
	return ids
}

// TestStreamIsTold: a subscriber hears of each event that its query means, once,
// in their order, over a restart too; and of nothing that it may not read.
func TestStreamIsTold(t *testing.T) {
	w := startPrivate(t)
	h, other := newHook(t), newHook(t)
	old := w.make(t, 1, 3)
	for _, firm := range []string{"greenfield-dairy", "stranger"} {
		w.query(t, firm, "made", `{"EQ_bizStep": ["commissioning"]}`)
	}
	v := w.subscribe(t, "greenfield-dairy", "made", h.URL, `"stream": true`)
	w.subscribe(t, "stranger", "made", other.URL, `"stream": true`)
	all := w.subscribe(t, "greenfield-dairy", "made", newHookAll(t, &old).URL, `"stream": true, "initialRecordTime": "2020-01-01T00:00:00Z"`)
	fresh := w.make(t, 3, 6)
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(shippingMilk("L1", 1, 9))).want(t, 201)
	if got := h.events(3); !slices.Equal(got, fresh) {
		t.Errorf("%v, want %v", got, fresh)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w.open()
	fresh = append(fresh, w.make(t, 6, 8)...)
	if got := h.events(5); !slices.Equal(got, fresh) {
		t.Errorf("%v, want %v", got, fresh)
	}
	var seen subscriptionView
	at := "/epcis/v2/queries/made/subscriptions/"
	w.call(t, "greenfield-dairy", "GET", at+v.ID, nil).want(t, 200).into(t, &seen)
	if seen.Notified == nil || seen.State != "active" || !seen.Stream || seen.Dest != h.URL {
		t.Errorf("%+v", seen)
	}
	if doc := h.docs[0]; doc.QueryName != "made" || doc.Subscription != v.ID {
		t.Errorf("%+v", doc)
	}
	w.call(t, "stranger", "GET", at+v.ID, nil).refusal(t, 404, "epcis/no-subscription", "NoSuchResourceException")
	w.call(t, "stranger", "DELETE", at+v.ID, nil).refusal(t, 404, "epcis/no-subscription", "NoSuchResourceException")
	w.call(t, "greenfield-dairy", "DELETE", at+all.ID, nil).want(t, 204)
	w.call(t, "greenfield-dairy", "DELETE", "/epcis/v2/queries/made", nil).want(t, 204) // and with it who subscribed
	w.call(t, "greenfield-dairy", "GET", at+v.ID, nil).want(t, 404)
	w.make(t, 8, 9)
	if len(other.seen) > 0 || len(h.events(5)) != 5 {
		t.Error("somebody was told what they may not read, or after the end")
	}
}

// TestFullQueueLosesNothing: a stream that had to wait, since too much waited for
// its receiver, goes on when there is room, though nothing new happens.
func TestFullQueueLosesNothing(t *testing.T) {
	w := startPrivate(t)
	h := newHook(t)
	w.query(t, "greenfield-dairy", "made", `{"EQ_bizStep": ["commissioning"]}`)
	v := w.subscribe(t, "greenfield-dairy", "made", h.URL, `"stream": true`)
	run := func(text string, args ...any) {
		t.Helper()
		if _, err := w.DB.ExecContext(t.Context(), text, args...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Webhooks.Pause(t.Context(), v.ID); err != nil {
		t.Fatal(err)
	}
	run(`INSERT INTO wh_deliveries (id, target, kind, body, size, created, attempts, status, error)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT 'full-' || i, $1, '', '', 0, $2, 0, 0, '' FROM n`, v.ID, w.Now())
	made := w.make(t, 1, 2)
	waiting := func() (n int) {
		n, err := w.Webhooks.Waiting(t.Context(), v.ID)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	time.Sleep(100 * time.Millisecond) // the feed has looked by then; where it has not, the test asks less
	if n := waiting(); n != webhook.MaxQueue {
		t.Fatalf("%d wait", n)
	}
	run(`DELETE FROM wh_deliveries WHERE id LIKE 'full-%'`)
	if err := w.Webhooks.Resume(t.Context(), v.ID); err != nil {
		t.Fatal(err)
	}
	if got := h.events(1); !slices.Equal(got, made) {
		t.Errorf("%v, want %v", got, made)
	}
}

// newHookAll is a receiver that asks of the first events that they are the old ones.
func newHookAll(t *testing.T, old *[]string) *hook {
	h := newHook(t)
	t.Cleanup(func() {
		if len(h.seen) < 2 || !slices.Equal(h.seen[:2], *old) {
			t.Errorf("initialRecordTime: %v, want %v first", h.seen, *old)
		}
	})
	return h
}

// TestScheduleIsTold: what is new when the schedule comes round, in one report;
// with reportIfEmpty, that nothing is.
func TestScheduleIsTold(t *testing.T) {
	w := startPrivate(t)
	h := newHook(t)
	w.query(t, "greenfield-dairy", "made", `{"EQ_bizStep": ["commissioning"]}`)
	w.subscribe(t, "greenfield-dairy", "made", h.URL, `"schedule": {"hour": "9"}, "reportIfEmpty": true`)
	made := w.make(t, 1, 4)
	w.sleep(time.Hour)
	if got := h.events(3); !slices.Equal(got, made) || len(h.docs) != 1 {
		t.Errorf("%v in %d reports", got, len(h.docs))
	}
	w.sleep(24 * time.Hour)
	<-h.came
	if doc := h.docs[len(h.docs)-1]; len(doc.Events) != 0 {
		t.Errorf("%+v", doc.Events)
	}
}

func TestSubscriptionsAreRefused(t *testing.T) {
	w := startMachines(t) // private addresses are not allowed
	w.query(t, "greenfield-dairy", "made", `{"EQ_bizStep": ["commissioning"]}`)
	at := "/epcis/v2/queries/made/subscriptions"
	for body, code := range map[string]string{
		`{"dest": "https://example.com/"}`:                                                                       "epcis/subscription",
		`{"dest": "https://example.com/", "stream": true, "schedule": {"hour": "1"}}`:                            "epcis/subscription",
		`{"dest": "https://example.com/", "schedule": {"hour": "25"}}`:                                           "epcis/subscription",
		`{"dest": "https://example.com/", "schedule": {"month": "2", "dayOfMonth": "30"}}`:                       "epcis/subscription",
		`{"dest": "https://example.com/", "stream": true, "colour": "red"}`:                                      "epcis/subscription",
		`{"dest": "https://example.com/", "stream": "yes"}`:                                                      "epcis/subscription",
		`{"dest": "https://example.com/", "stream": true, "initialRecordTime": "yesterday"}`:                     "epcis/subscription",
		`{"dest": "https://example.com/", "stream": true, "signatureToken": "` + strings.Repeat("x", 501) + `"}`: "epcis/subscription",
		`{"dest": "http://127.0.0.1:9/", "stream": true}`:                                                        "epcis/subscription-dest",
		`{"dest": "http://169.254.169.254/", "stream": true}`:                                                    "epcis/subscription-dest",
		`{"dest": "file:///etc/passwd", "stream": true}`:                                                         "epcis/subscription-dest",
		`{"stream": true}`: "epcis/subscription-dest",
	} {
		w.call(t, "greenfield-dairy", "POST", at, []byte(body)).refusal(t, 400, code, "SubscriptionControlsException")
	}
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/queries/none/subscriptions", []byte(`{"dest": "https://example.com/", "stream": true}`)).refusal(t, 404, "epcis/no-query", "NoSuchNameException")
	w.call(t, "stranger", "GET", at, nil).refusal(t, 404, "epcis/no-query", "NoSuchNameException")
	w.call(t, "greenfield-dairy", "POST", at, []byte(`{}`), "Content-Type", "text/plain").refusal(t, 415, "epcis/media-type", "UnsupportedMediaTypeException")
	var none []subscriptionView
	if w.call(t, "greenfield-dairy", "GET", at, nil).want(t, 200).into(t, &none); len(none) != 0 {
		t.Errorf("%+v", none)
	}
}

// TestSubscriberLeaves: a subscription whose user may not sign in any more tells nothing, and says so.
func TestSubscriberLeaves(t *testing.T) {
	w := startPrivate(t)
	h := newHook(t)
	w.query(t, "city-market", "made", `{"EQ_bizStep": ["commissioning"]}`)
	v := w.subscribe(t, "city-market", "made", h.URL, `"stream": true`)
	if err := w.Accounts.Disable(context.Background(), "city-market"); err != nil {
		t.Fatal(err)
	}
	w.make(t, 1, 2)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		s, err := (&app{db: w.DB}).findSubscription(context.Background(), "city-market", "made", v.ID)
		if err != nil {
			t.Fatal(err)
		}
		if s.Paused && s.Problem != "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%+v", s)
		}
	}
}

// TestSocketIsTold: the same by web socket, for whoever shows a token, and for no page of another origin.
func TestSocketIsTold(t *testing.T) {
	w := startMachines(t)
	old := w.make(t, 1, 2)
	w.query(t, "greenfield-dairy", "made", `{"EQ_bizStep": ["commissioning"]}`)
	dial := func(by, path string, header ...string) (*websocket.Conn, *http.Response, error) {
		h := http.Header{}
		if by != "" {
			h.Set("Authorization", "Bearer "+w.tokens[by])
		}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return websocket.Dial(t.Context(), w.Address()+path, &websocket.DialOptions{HTTPHeader: h})
	}
	next := func(conn *websocket.Conn) []epcis.Event {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		_, b, err := conn.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := epcis.DecodeJSON(b)
		if err != nil {
			t.Fatal(err)
		}
		return doc.Events
	}
	conn, _, err := dial("greenfield-dairy", "/epcis/v2/queries/made/events?stream=true&initialRecordTime=2020-01-01T00:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	if events := next(conn); len(events) != 1 || events[0].ID != old[0] {
		t.Errorf("%+v", events)
	}
	narrowed, _, err := dial("greenfield-dairy", "/epcis/v2/events?stream=true&EQ_bizStep=shipping")
	if err != nil {
		t.Fatal(err)
	}
	defer narrowed.CloseNow()
	fresh := w.make(t, 2, 3)
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(shippingMilk("L1", 1, 9))).want(t, 201)
	if events := next(conn); len(events) != 1 || events[0].ID != fresh[0] {
		t.Errorf("%+v", events)
	}
	if events := next(narrowed); len(events) != 1 || events[0].BizStep != "shipping" {
		t.Errorf("%+v", events)
	}
	for name, c := range map[string]struct {
		by, path string
		status   int
		header   []string
	}{
		"nobody":         {"", "/epcis/v2/events?stream=true", 401, nil},
		"another origin": {"greenfield-dairy", "/epcis/v2/events?stream=true", 403, []string{"Origin", "https://evil.example"}},
		"no when":        {"greenfield-dairy", "/epcis/v2/events", 400, nil},
		"both":           {"greenfield-dairy", "/epcis/v2/events?stream=true&hour=1", 400, nil},
		"bad query":      {"greenfield-dairy", "/epcis/v2/events?stream=true&colour=red", 400, nil},
		"no query":       {"stranger", "/epcis/v2/queries/made/events?stream=true", 404, nil},
	} {
		if conn, r, err := dial(c.by, c.path, c.header...); err == nil || r == nil || r.StatusCode != c.status {
			t.Errorf("%s: %v %v, want %d", name, r, err, c.status)
			if conn != nil {
				conn.CloseNow()
			}
		}
	}
}

// startPrivate is startMachines where webhooks may go to this machine.
func startPrivate(t *testing.T) *machineWorld {
	t.Helper()
	w := &world{t: t, folder: t.TempDir(), now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), firms: machineFirms, tokens: map[string]string{}, private: true}
	w.open()
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return &machineWorld{w}
}

// TestSubscriptionPage: a company subscribes, tries the receiver, pauses, goes on and deletes; another sees none of it.
func TestSubscriptionPage(t *testing.T) {
	w := startPrivate(t)
	h := newHook(t)
	b := webtest.NewBrowser(t, webtest.Desktop)
	b.Login(w.Address(), "greenfield-dairy", password)
	b.Open(w.Address() + "/traceability/subscriptions/new")
	b.Type("#f-dest", h.URL)
	b.Type("#f-token", "sesame")
	b.Screenshot("subscription-new-desktop")
	b.Click("button[data-send]")
	b.See(`form[action$="/test"]`)
	at := webtest.Eval[string](b, "location.pathname")
	made := w.make(t, 1, 2)
	if got := h.events(1); !slices.Equal(got, made) {
		t.Errorf("%v, want %v", got, made)
	}
	b.Click(`form[action$="/test"] button`)
	<-h.came // the test, behind the event's own
	b.See(`form[action$="/pause"]`)
	b.Click(`form[action$="/pause"] button`)
	b.See(`form[action$="/resume"]`)
	for _, v := range []webtest.Viewport{webtest.Phone, webtest.Desktop} {
		b.View(v)
		for _, lang := range []string{"en", "zh"} {
			for name, path := range map[string]string{"subscriptions": "/traceability/subscriptions", "subscription": at, "subscription-new": "/traceability/subscriptions/new"} {
				b.Open(w.Address() + path + "?lang=" + lang)
				if cut := b.Overflow(); cut > 0 {
					t.Errorf("%s on a %s in %s is %d pixels too wide", name, v.Name, lang, cut)
				}
				b.Screenshot(name + "-" + v.Name + "-" + lang)
			}
		}
	}
	paused := w.make(t, 2, 3)
	w.call(t, "stranger", "GET", at, nil).want(t, 404)
	for _, act := range []string{"test", "pause", "resume", "delete"} {
		w.call(t, "stranger", "POST", at+"/"+act, nil).want(t, 404)
	}
	w.call(t, "greenfield-dairy", "POST", at+"/resume", nil)
	if got := h.events(2); got[1] != paused[0] {
		t.Errorf("%v, want %v last", got, paused)
	}
	w.call(t, "greenfield-dairy", "POST", at+"/delete", nil)
	w.call(t, "greenfield-dairy", "GET", at, nil).want(t, 404)
	b.Quiet()
}
