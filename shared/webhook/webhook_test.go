package webhook

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/readmodel"
)

// receiver notes what arrives, and answers as it is told to.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	heads  []http.Header
	answer func(body string) int
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{answer: func(string) int { return 204 }}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		b, _ := io.ReadAll(q.Body)
		status := r.answer(string(b))
		r.mu.Lock()
		r.bodies, r.heads = append(r.bodies, string(b)), append(r.heads, q.Header.Clone())
		r.mu.Unlock()
		w.WriteHeader(status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.bodies)
}

// bench is the tables with a clock that the test turns.
type bench struct {
	t   *testing.T
	db  *readmodel.DB
	mu  sync.Mutex
	now time.Time
}

func newBench(t *testing.T) *bench {
	db, err := readmodel.Open(t.Context(), "sqlite:"+t.TempDir()+"/wh.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &bench{t: t, db: db, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(time.Microsecond)
	return b.now
}

func (b *bench) sleep(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) open(private bool) *Webhooks {
	w, err := Open(b.t.Context(), Config{DB: b.db, Log: slog.New(slog.DiscardHandler), Clock: b.clock, Private: private, SignatureHeader: "GS1-Signature", UserAgent: "Test"})
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

func (b *bench) add(w *Webhooks, id, url string) {
	if err := b.db.InTx(b.t.Context(), func(tx *readmodel.Tx) error { return w.Add(b.t.Context(), tx, id, url, "secret") }); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) queue(w *Webhooks, target string, bodies ...string) error {
	return b.db.InTx(b.t.Context(), func(tx *readmodel.Tx) error {
		for _, body := range bodies {
			if _, err := w.Queue(b.t.Context(), tx, target, "application/json", []byte(body)); err != nil {
				return err
			}
		}
		return nil
	})
}

// round delivers what is due and waits for it.
func (b *bench) round(all ...*Webhooks) {
	for _, w := range all {
		if err := w.Dispatch(b.t.Context()); err != nil {
			b.t.Fatal(err)
		}
	}
	for _, w := range all {
		w.done.Wait()
	}
}

func (b *bench) target(w *Webhooks, id string) Target {
	t, ok, err := w.Get(b.t.Context(), id)
	if err != nil || !ok {
		b.t.Fatal(err, ok)
	}
	return t
}

func TestDeliversInOrderAndSigned(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	w := b.open(true)
	b.add(w, "a", r.URL)
	if err := b.queue(w, "a", "1", "2", "3"); err != nil {
		t.Fatal(err)
	}
	b.round(w)
	if got := r.got(); !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Fatal(got)
	}
	h := r.heads[0]
	want := Sign("secret", h.Get("Webhook-Id"), h.Get("Webhook-Timestamp"), []byte("1"))
	if h.Get("Webhook-Signature") != want || h.Get("Gs1-Signature") != want || h.Get("Content-Type") != "application/json" || h.Get("Webhook-Id") == r.heads[1].Get("Webhook-Id") {
		t.Error(h)
	}
	if at, err := strconv.ParseInt(h.Get("Webhook-Timestamp"), 10, 64); err != nil || at != b.now.Unix() {
		t.Error(at, err)
	}
	done, err := w.History(t.Context(), "a", 10)
	if err != nil || len(done) != 3 || done[0].Done == nil || done[0].Body != "" || done[0].Status != 204 || b.target(w, "a").Succeeded == nil {
		t.Errorf("%v %+v", err, done)
	}
	b.round(w)
	if len(r.got()) != 3 {
		t.Error("what arrived was sent again")
	}
}

// TestSignature is the example that libraries of Standard Webhooks test against.
func TestSignature(t *testing.T) {
	secret, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := Sign(string(secret), "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Error(got)
	}
}

// TestRetriesForADay: what fails is tried again, later and later, in order and with the same id; after a day the target
// is given up with its error, and its messages wait until somebody resumes it.
func TestRetriesForADay(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	w := b.open(true)
	b.add(w, "a", r.URL)
	r.answer = func(string) int { return 503 }
	if err := b.queue(w, "a", "1", "2"); err != nil {
		t.Fatal(err)
	}
	began, last := b.now, time.Duration(0)
	for b.target(w, "a").State == Active {
		b.round(w)
		wait := b.target(w, "a").Due.Sub(b.now)
		if limit := longestWait * 5 / 4; wait > limit || wait < last/3 {
			t.Fatalf("a wait of %v after %v", wait, last)
		}
		last = wait
		b.sleep(wait)
	}
	attempts := len(r.got())
	if took := b.now.Sub(began); took < 24*time.Hour || took > 29*time.Hour || attempts < 12 || attempts > 60 {
		t.Errorf("given up after %v and %d attempts", took, attempts)
	}
	dead := b.target(w, "a")
	if dead.State != Dead || !strings.Contains(dead.Error, "503") {
		t.Errorf("%+v", dead)
	}
	b.round(w)
	if len(r.got()) != attempts || slices.Contains(r.got(), "2") {
		t.Error("a message overtook another, or went to the dead")
	}
	id := r.heads[0].Get("Webhook-Id")
	r.answer = func(string) int { return 200 }
	if err := w.Resume(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	b.round(w)
	if got := r.got()[attempts:]; !slices.Equal(got, []string{"1", "2"}) || r.heads[attempts].Get("Webhook-Id") != id {
		t.Error(got)
	}
}

// TestSlowOnesDelayNobody: while one receiver does not answer, another gets its messages.
func TestSlowOnesDelayNobody(t *testing.T) {
	b, slow, quick := newBench(t), newReceiver(t), newReceiver(t)
	w := b.open(true)
	b.add(w, "slow", slow.URL)
	b.add(w, "quick", quick.URL)
	hold, arrived := make(chan struct{}), make(chan struct{})
	slow.answer = func(string) int { <-hold; return 200 }
	quick.answer = func(string) int { close(arrived); return 200 }
	if err := errors.Join(b.queue(w, "slow", "1"), b.queue(w, "quick", "1")); err != nil {
		t.Fatal(err)
	}
	if err := w.Dispatch(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-arrived // or the test's own deadline
	close(hold)
	w.done.Wait()
}

// TestOneHostDelivers: of several hosts on one database, one delivers; when it vanishes, another takes over.
func TestOneHostDelivers(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	first, second := b.open(true), b.open(true)
	b.add(first, "a", r.URL)
	var want []string
	for i := range 30 {
		want = append(want, fmt.Sprint(i))
	}
	if err := b.queue(first, "a", want...); err != nil {
		t.Fatal(err)
	}
	b.round(first, second)
	b.round(second, first)
	if got := r.got(); !slices.Equal(got, want) {
		t.Fatal(got)
	}
	if mine, err := first.lease(t.Context(), "a"); !mine || err != nil {
		t.Fatal(mine, err)
	}
	if err := b.queue(first, "a", "last"); err != nil {
		t.Fatal(err)
	}
	b.round(second)
	if len(r.got()) != 30 {
		t.Error("two hosts deliver to one target")
	}
	b.sleep(2 * lease)
	b.round(second)
	if len(r.got()) != 31 {
		t.Error("nobody took over from a host that vanished")
	}
}

// TestQueueIsBounded, and paused targets get nothing.
func TestQueueIsBounded(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	w := b.open(true)
	b.add(w, "a", r.URL)
	if err := w.Pause(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := b.queue(w, "a", slices.Repeat([]string{"x"}, MaxQueue)...); err != nil {
		t.Fatal(err)
	}
	if err := b.queue(w, "a", "one more"); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	b.round(w)
	if n, err := w.Waiting(t.Context(), "a"); n != MaxQueue || err != nil || len(r.got()) > 0 {
		t.Error(n, err, len(r.got()))
	}
	if err := b.db.InTx(t.Context(), func(tx *readmodel.Tx) error { return w.Remove(t.Context(), tx, "a") }); err != nil {
		t.Fatal(err)
	}
	if n, err := w.Waiting(t.Context(), "a"); n != 0 || err != nil {
		t.Error(n, err)
	}
}

// TestHistoryIsBounded: of what arrived, the latest hundred are remembered.
func TestHistoryIsBounded(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	w := b.open(true)
	b.add(w, "a", r.URL)
	if err := b.queue(w, "a", slices.Repeat([]string{"x"}, kept+20)...); err != nil {
		t.Fatal(err)
	}
	b.round(w)
	b.round(w)
	if all, err := w.History(t.Context(), "a", 1000); err != nil || len(all) != kept {
		t.Error(len(all), err)
	}
}

// TestPrivateAddresses are dialled only where the operator allows it, also when a name leads to them, and a redirect is
// followed nowhere.
func TestPrivateAddresses(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	w := b.open(false)
	for _, url := range []string{"http://127.0.0.1/", "http://localhost:8080/", "http://a.localhost./", "https://10.0.0.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/",
		"http://169.254.169.254/latest/meta-data", "http://0.0.0.0/", "http://[fd00::1]/", "http://[64:ff9b::7f00:1]/", "http://100.64.0.1/", "http://[fe80::1%25eth0]/",
		"ftp://example.com/", "http:///x", "://", "http://user:pw@example.com/", "http://example.com/" + strings.Repeat("x", 2000)} {
		if w.CheckURL(url) == nil {
			t.Errorf("%.60s may be a webhook", url)
		}
	}
	for _, url := range []string{"https://example.com/hook", "http://93.184.215.14:8080/", "https://[2606:2800::1]/"} {
		if err := w.CheckURL(url); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	b.add(w, "a", r.URL) // as a name would lead there
	if err := b.queue(w, "a", "1"); err != nil {
		t.Fatal(err)
	}
	b.round(w)
	if got := b.target(w, "a"); len(r.got()) > 0 || !strings.Contains(got.Error, "--webhook-private") {
		t.Errorf("%v %+v", r.got(), got)
	}
	open := b.open(true)
	elsewhere := newReceiver(t)
	from := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer from.Close()
	b.add(open, "r", from.URL)
	if err := b.queue(open, "r", "1"); err != nil {
		t.Fatal(err)
	}
	b.round(open)
	if got := b.target(open, "r"); len(elsewhere.got()) > 0 || !strings.Contains(got.Error, "307") {
		t.Errorf("%v %+v", elsewhere.got(), got)
	}
}

// TestGoneIsGone: who answers 410 wants nothing more.
func TestGoneIsGone(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	w := b.open(true)
	b.add(w, "a", r.URL)
	r.answer = func(string) int { return 410 }
	if err := b.queue(w, "a", "1"); err != nil {
		t.Fatal(err)
	}
	b.round(w)
	if got := b.target(w, "a"); got.State != Dead {
		t.Errorf("%+v", got)
	}
}

// TestRunStops: what is under way ends with the host, and is sent again by the
// next, at once.
func TestRunStops(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	w := b.open(true)
	w.grace = time.Millisecond
	b.add(w, "a", r.URL)
	arrived, hold := make(chan struct{}, 10), make(chan struct{})
	r.answer = func(string) int { arrived <- struct{}{}; <-hold; return 200 }
	if err := b.queue(w, "a", "1"); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { w.Run(ctx); close(over) }()
	<-arrived
	stop()
	<-over
	close(hold)
	again := b.open(true)
	b.round(again)
	if got := r.got(); !slices.Equal(got, []string{"1", "1"}) {
		t.Error(got)
	}
}

// TestAnswerIsNoted: what a receiver takes while the host stops is not sent again,
// and the next host goes on with what waits behind it at once.
func TestAnswerIsNoted(t *testing.T) {
	b, r := newBench(t), newReceiver(t)
	w := b.open(true)
	w.grace = time.Minute
	b.add(w, "a", r.URL)
	ctx, stop := context.WithCancel(t.Context())
	r.answer = func(string) int { stop(); return 200 }
	if err := b.queue(w, "a", "1", "2"); err != nil {
		t.Fatal(err)
	}
	w.Run(ctx)
	b.round(b.open(true))
	if got := r.got(); !slices.Equal(got, []string{"1", "2"}) {
		t.Error(got)
	}
}
