package traceability

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web/webtest"
)

// wire is the network between a handset and the host: it can be cut.
type wire struct {
	t       *testing.T
	address string
	to      string

	mu    sync.Mutex
	on    net.Listener
	conns []net.Conn
	lost  bool // requests pass, answers do not
}

func newWire(t *testing.T, h *host.Host) *wire {
	w := &wire{t: t, address: "127.0.0.1:0", to: strings.TrimPrefix(h.Address(), "http://")}
	w.mend()
	t.Cleanup(w.cut)
	return w
}

func (w *wire) mend() {
	w.t.Helper()
	on, err := net.Listen("tcp", w.address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.on, w.address, w.lost = on, on.Addr().String(), false
	w.mu.Unlock()
	go func() {
		for {
			c, err := on.Accept()
			if err != nil {
				return
			}
			go w.carry(c)
		}
	}()
}

func (w *wire) carry(c net.Conn) {
	there, err := net.Dial("tcp", w.to)
	if err != nil {
		c.Close()
		return
	}
	w.mu.Lock()
	w.conns = append(w.conns, c, there)
	w.mu.Unlock()
	go func() { io.Copy(there, c); there.Close() }()
	io.Copy(answers{w, c}, there)
	c.Close()
}

// answers are what comes back, until it is lost.
type answers struct {
	w *wire
	c net.Conn
}

func (a answers) Write(b []byte) (int, error) {
	a.w.mu.Lock()
	lost := a.w.lost
	a.w.mu.Unlock()
	if lost {
		a.c.Close()
		return 0, io.ErrClosedPipe
	}
	return a.c.Write(b)
}

// loseAnswers lets what is asked arrive, and nothing back.
func (w *wire) loseAnswers() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = true
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.on.Close()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

// handset is a browser behind a wire.
type handset struct {
	t    *testing.T
	h    *host.Host
	b    *webtest.Browser
	wire *wire
}

func (p *handset) open(path string) {
	p.t.Helper()
	p.b.Open("http://" + p.wire.address + path)
}

// until waits for the page to be so.
func (p *handset) until(condition string) {
	p.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if webtest.Eval[bool](p.b, `document.readyState === "complete" && !!(`+condition+`)`) {
			return
		}
	}
	p.t.Fatalf("waited in vain for %s at %s:\n%s", condition, webtest.Eval[string](p.b, `location.href`), p.b.Text("body"))
}

// ready waits until the browser has kept its pages.
func (p *handset) ready() { p.t.Helper(); p.until(`document.documentElement.dataset.ready`) }

func (p *handset) signIn(user string) {
	p.t.Helper()
	p.b.Login("http://"+p.wire.address, user, password)
	p.ready()
}

func (p *handset) signOut() {
	p.t.Helper()
	webtest.Eval[bool](p.b, `document.querySelector("form[action='/logout']").requestSubmit(), true`)
	p.until(`location.pathname === "/login"`)
}

// fill sends a form.
func (p *handset) fill(path string, entries map[string]string) {
	p.t.Helper()
	p.open(path)
	p.set(entries)
}

func (p *handset) set(entries map[string]string) {
	p.t.Helper()
	p.until(`document.querySelector("form[data-offline]")`)
	for css, value := range entries {
		webtest.Eval[bool](p.b, fmt.Sprintf(`(() => { const e = document.querySelector(%q); if (e.tagName === "SELECT" && ![...e.options].some(o => o.value === %q)) e.append(new Option(%q, %q)); e.value = %q; return true })()`, css, value, value, value, value))
	}
	webtest.Eval[bool](p.b, `window.before = true`)
	webtest.Eval[bool](p.b, `document.querySelector("form[data-offline]").requestSubmit(), true`)
	p.until(`!window.before`)
}

// waits wants so many entries in such a state on the page of what waits.
func (p *handset) waits(state string, n int) {
	p.t.Helper()
	p.until(fmt.Sprintf(`document.querySelectorAll("[data-waiting] [data-state=%s]").length === %d && document.querySelectorAll("[data-waiting] li").length >= %d`, state, n, n))
}

func (p *handset) empty() {
	p.t.Helper()
	p.until(`document.querySelector("[data-waiting-none]") && !document.querySelector("[data-waiting-none]").hidden && document.documentElement.dataset.ready`)
}

func (p *handset) events(thing string) (times []time.Time) {
	p.t.Helper()
	times, err := readmodel.All[time.Time](context.Background(), p.h.DB, `SELECT e.at FROM tr_events e JOIN tr_named n ON n.hash = e.hash WHERE n.thing = $1 ORDER BY e.at, e.block`, thing)
	if err != nil {
		p.t.Fatal(err)
	}
	return times
}

func newPhone(t *testing.T) *handset {
	h := formsHost(t)
	p := &handset{t: t, h: h, b: webtest.NewBrowser(t, webtest.Phone), wire: newWire(t, h)}
	p.b.Speak("en")
	return p
}

const offlineLot = "01/" + milkProduct + "/10/OFF-1"

// What is entered without a network waits, is sent once and in order when the
// network is back, and tells the time at which it was entered.
func TestFormsWaitForTheNetwork(t *testing.T) {
	p := newPhone(t)
	p.signIn("greenfield-dairy")
	p.wire.cut()
	entered := time.Now()
	p.fill("/traceability/lots/new", map[string]string{"#f-gtin": milkProduct, "#f-number": "OFF-1", "#f-quantity": "500", "#f-unit": "KGM"})
	p.waits("waiting", 1)
	p.open("/traceability/lots/new")
	p.until(`document.querySelector("#net-kept")`)
	p.until(`document.body.innerText.includes("No network.") && document.body.innerText.includes("1 waiting to be sent")`)
	p.fill("/traceability/ship", map[string]string{"#f-to": "city-market", "#f-lines-0-lot": offlineLot, "#f-lines-0-quantity": "200", "#f-lines-0-unit": "KGM"})
	p.waits("waiting", 2)
	p.fill("/traceability/dispose?how=destroyed", map[string]string{"#f-how": "destroyed", "#f-lines-0-lot": offlineLot, "#f-lines-0-quantity": "900", "#f-lines-0-unit": "KGM"})
	p.waits("waiting", 3)
	p.b.Screenshot("offline-waiting")
	left := time.Now()
	time.Sleep(time.Second) // the sending must not be taken for the entering
	p.wire.mend()
	p.open("/waiting")
	p.waits("refused", 1)
	p.until(`document.querySelectorAll("[data-waiting] li").length === 1`)
	if text := p.b.Text("[data-waiting]"); !strings.Contains(text, "There is not enough of the lot.") {
		t.Errorf("the refused one says:\n%s", text)
	}
	p.b.Screenshot("offline-refused")
	times := p.events(offlineLot)
	if len(times) != 2 {
		t.Fatalf("%d events of the lot, want that it was logged and shipped once", len(times))
	}
	for _, at := range times {
		if at.Before(entered.Add(-time.Second)) || at.After(left) {
			t.Errorf("an event of %v was entered between %v and %v", at, entered, left)
		}
	}

	p.b.Click("[data-waiting] a.button")
	p.until(`document.querySelector("#f-lines-0-quantity-error")`)
	if code := webtest.Eval[string](p.b, `document.querySelector("#f-lines-0-quantity-error").dataset.code`); code != "trace/not-enough" {
		t.Errorf("beside the quantity stands %s", code)
	}
	p.set(map[string]string{"#f-lines-0-quantity": "100"})
	p.open("/waiting")
	p.empty()
	if n := len(p.events(offlineLot)); n != 3 {
		t.Errorf("%d events after the mended one, want 3", n)
	}
}

// An answer that is lost on its way back makes nothing happen twice.
func TestALostAnswerHappensOnce(t *testing.T) {
	p := newPhone(t)
	p.signIn("greenfield-dairy")
	p.open("/traceability/lots/new")
	p.ready()
	p.wire.loseAnswers()
	webtest.Eval[bool](p.b, `(() => { for (const [q, v] of [["#f-gtin", "`+milkProduct+`"], ["#f-number", "OFF-1"], ["#f-quantity", "500"], ["#f-unit", "KGM"]]) document.querySelector(q).value = v; document.querySelector("form[data-offline]").requestSubmit(); return true })()`)
	p.until(`location.pathname === "/waiting"`)
	p.waits("waiting", 1)
	p.wire.cut()
	p.wire.mend()
	p.open("/waiting")
	p.empty()
	if n := len(p.events(offlineLot)); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

// Two users share a handset: what one has waiting the other neither sees nor
// sends, and no page of the first is left after signing out.
func TestTwoUsersShareAPhone(t *testing.T) {
	p := newPhone(t)
	p.signIn("greenfield-dairy")
	p.wire.cut()
	p.fill("/traceability/lots/new", map[string]string{"#f-gtin": milkProduct, "#f-number": "OFF-1", "#f-quantity": "500", "#f-unit": "KGM"})
	p.waits("waiting", 1)
	ctx := context.Background()
	if _, err := p.h.DB.ExecContext(ctx, `DELETE FROM account_sessions`); err != nil { // it ended in the meantime
		t.Fatalf("end the sessions: %v", err)
	}
	p.wire.mend()
	p.open("/login")
	if webtest.Eval[bool](p.b, `!!document.querySelector("form[action='/logout']")`) {
		p.signOut()
	}
	p.wire.cut()
	p.open("/traceability/lots/new")
	if text := p.b.Text("body"); !strings.Contains(text, "No network") || strings.Contains(text, "Fresh milk") {
		t.Errorf("after signing out the handset still shows:\n%s", text)
	}
	p.wire.mend()
	before := len(p.events(offlineLot))
	p.signIn("alpine-creamery")
	p.open("/waiting")
	p.empty()
	if n := len(p.events(offlineLot)); n != before {
		t.Errorf("the second user has sent what the first had waiting")
	}
	p.signOut()
	p.signIn("greenfield-dairy")
	p.open("/waiting")
	p.empty()
	if n := len(p.events(offlineLot)); n != 1 {
		t.Errorf("%d events once the first user is back, want 1", n)
	}
	author, err := readmodel.One[string](ctx, p.h.DB, `SELECT author FROM tr_events`)
	if err != nil || author != "greenfield-dairy" {
		t.Errorf("logged by %s, %v", author, err)
	}
}
