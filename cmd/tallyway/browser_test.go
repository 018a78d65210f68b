package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	_ "image/png"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/tallyway/tallyway/cmd/tallyway/demo"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/web/webtest"
)

// The lots of the story: a dairy's milk, and the cheese made of it.
const (
	milkGTIN   = "09506000134352"
	cheeseGTIN = "09521234560029"
	storyMilk  = "01/" + milkGTIN + "/10/STORY-M"
	storyWheel = "01/" + cheeseGTIN + "/10/STORY-C"
)

// within is how soon a page that lies open turns at a recall.
const within = 2 * time.Second

// TestStory walks the whole demo in a browser, from the milk that is logged to
// the shopper's page that turns.
func TestStory(t *testing.T) {
	for _, v := range []webtest.Viewport{webtest.Desktop, webtest.Phone} {
		t.Run(v.Name, func(t *testing.T) { tell(t, v) })
	}
}

func tell(t *testing.T, v webtest.Viewport) {
	furnished(t).tell(v)
}

func (s *story) tell(v webtest.Viewport) {
	t := s.t
	s.screen, s.desk, s.shopper = v, webtest.NewBrowser(t, v), webtest.NewBrowser(t, webtest.Phone)
	s.desk.Speak("en")

	s.as("greenfield-dairy")
	s.fill("/traceability/lots/new", map[string]string{"#f-gtin": milkGTIN, "#f-number": "STORY-M", "#f-quantity": "1000", "#f-unit": "KGM"})
	s.ship(storyMilk, "1000", "harbour-foods")

	s.as("harbour-foods")
	s.looks("en", "/", "/traceability/lots", "/traceability/shipments", "/account", "/people", "/api", "/problems", "/traceability/products", "/traceability/companies")
	s.acceptAtHome()
	s.fill("/traceability/transform", map[string]string{"#f-lines-0-lot": storyMilk, "#f-lines-0-quantity": "1000", "#f-lines-0-unit": "KGM",
		"#f-outputs-0-gtin": cheeseGTIN, "#f-outputs-0-lot": "STORY-C", "#f-outputs-0-quantity": "100", "#f-outputs-0-unit": "KGM"})
	s.ship(storyWheel, "100", "city-market")

	s.as("city-market")
	s.accept("100")
	address := s.scan()
	if want := s.base + "/" + storyWheel; address != want {
		t.Fatalf("the label's code leads to %s, want %s", address, want)
	}
	s.readsThePath(address)

	s.as("food-safety")
	s.recall(storyMilk, "Listeria found in the milk.")
	s.shopper.Quiet()

	s.as("city-market")
	s.cannotSell(storyWheel)
}

// TestStoryInChinese looks at every page of every login in Chinese, on both
// screens: nothing is cut, nothing complains, nothing is left in English.
func TestStoryInChinese(t *testing.T) {
	s := furnished(t)
	s.screen, s.desk = webtest.Phone, webtest.NewBrowser(t, webtest.Phone)
	s.desk.Speak("zh-CN")
	s.shopper = s.desk
	wheel := strings.TrimPrefix(demo.ShopperPage(s.now()), "/")
	common := []string{"/", "/traceability/lots", "/traceability/shipments", "/traceability/cases", "/traceability/products",
		"/traceability/companies", "/account", "/people", "/api", "/problems"}
	pages := map[string][]string{
		"greenfield-dairy": {"/traceability/lots/new", "/traceability/ship", "/traceability/pack", "/traceability/dispose",
			"/traceability/transform", "/traceability/products/edit", "/traceability/places/edit"},
		"harbour-foods": {"/traceability/lot/" + wheel, "/traceability/trace/" + wheel},
		"food-safety":   {"/traceability/cases/new?kind=recall&lots=" + wheel, "/traceability/cases/new?kind=hold"},
		"swift-cold":    nil, "city-market": nil, "tax-office": nil, "first-bank": nil,
	}
	for _, user := range demo.Logins() {
		own, walks := pages[user]
		if !walks {
			continue
		}
		s.as(user)
		s.looks("zh-CN", append(own, common...)...)
		s.follows("/traceability/shipments", "table a.row-link")
		s.follows("/traceability/cases", "table a.row-link")
	}
	s.as("food-safety")
	s.fill("/traceability/cases/new?kind=recall&lots="+wheel, map[string]string{"#f-id": "R-ZH", "#f-reason": "牛奶中检出李斯特菌。"})
	s.looks("zh-CN", "/", "/traceability/cases/R-ZH")
	s.as("city-market")
	s.looks("zh-CN", "/", "/traceability/cases/R-ZH", "/traceability/lot/"+wheel, "/traceability/trace/"+wheel, "/traceability/dispose?lot="+wheel)
	s.as("harbour-foods")
	for path, link := range map[string]string{"/traceability/lot/" + wheel: ".history a[href*='/event/']", "/traceability/shipments": "table a.row-link"} {
		if !s.follows(path, link) {
			t.Errorf("%s leads nowhere: there is no %s", path, link)
		}
	}
	s.looks("zh-CN", "/"+wheel)
	if missing := s.host.Web.Words().Missing(); len(missing) > 0 {
		t.Errorf("shown in English to a Chinese reader:\n%s", strings.Join(missing, "\n"))
	}
}

// story is the program with its demo, and who looks at it.
type story struct {
	t        testing.TB
	host     *host.Host
	base     string
	password string
	desk     *webtest.Browser // who is signed in
	screen   webtest.Viewport // of the desk
	shopper  *webtest.Browser // whose page lies open
	shipment string           // the latest
}

// furnished starts the program as `tallyway serve --demo` does.
func furnished(t *testing.T) *story {
	t.Helper()
	return furnish(t, host.Config{})
}

func furnish(t *testing.T, config host.Config) *story {
	t.Helper()
	config.Data, config.Listen, config.Demo = t.TempDir(), "127.0.0.1:0", true
	h, err := program(config).Start(t.Context(), config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	password, err := demo.Password(config.Data)
	if err != nil {
		t.Fatal(err)
	}
	return &story{t: t, host: h, base: h.Address(), password: password}
}

func (s *story) now() time.Time { return s.host.Now() }

// as signs the one at the desk out, and a company in.
func (s *story) as(user string) {
	s.t.Helper()
	s.leave()
	s.desk.Login(s.base, user, s.password)
	s.desk.Quiet()
}

// leave signs the one at the desk out.
func (s *story) leave() {
	s.t.Helper()
	s.open("/login")
	if webtest.Eval[bool](s.desk, `!!document.querySelector("form[action='/logout']")`) {
		webtest.Eval[bool](s.desk, `document.querySelector("form[action='/logout']").requestSubmit(), true`)
		s.until(`!document.querySelector("form[action='/logout']")`)
	}
}

// open goes to a page, which fits its screen.
func (s *story) open(path string) {
	s.t.Helper()
	s.desk.Open(s.base + path)
	if cut := s.desk.Overflow(); cut > 0 {
		s.t.Errorf("%s is %d pixels wider than the screen", path, cut)
	}
}

// until waits for the page to be so.
func (s *story) until(condition string) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if webtest.Eval[bool](s.desk, `document.readyState === "complete" && !!(`+condition+`)`) {
			return
		}
	}
	s.t.Fatalf("waited in vain for %s at %s:\n%s", condition, s.path(), s.desk.Text("main"))
}

func (s *story) path() string { return webtest.Eval[string](s.desk, `location.pathname`) }

// set enters values as a person does who chooses and types.
func (s *story) set(entries map[string]string) {
	s.t.Helper()
	for css, value := range entries {
		script := fmt.Sprintf(`(() => { const e = document.querySelector(%q); if (!e) return "none"; e.value = %q;
			e.dispatchEvent(new Event("input", {bubbles: true})); e.dispatchEvent(new Event("change", {bubbles: true})); return e.value })()`, css, value)
		if got := webtest.Eval[string](s.desk, script); got != value {
			s.t.Fatalf("%s: the entry %s takes %q for %q", s.path(), css, got, value)
		}
	}
}

// send presses a form's button and waits for the next page.
func (s *story) send(button string) {
	s.t.Helper()
	webtest.Eval[bool](s.desk, `window.before = true`)
	s.desk.Click(button)
	s.until(`!window.before`)
}

// fill fills a form in, sends it and sees it taken.
func (s *story) fill(path string, entries map[string]string) {
	s.t.Helper()
	s.open(path)
	s.set(entries)
	s.send("main form button[data-send]")
	if refused := webtest.Eval[bool](s.desk, `!!document.querySelector("[data-problems]")`); refused {
		s.t.Fatalf("%s refuses: %s", path, s.desk.Text("[data-problems]"))
	}
	s.desk.Quiet()
}

func (s *story) ship(lot, quantity, to string) {
	s.t.Helper()
	s.fill("/traceability/ship", map[string]string{"#f-to": to, "#f-carrier": "swift-cold", "#f-lines-0-lot": lot, "#f-lines-0-quantity": quantity, "#f-lines-0-unit": "KGM"})
	s.shipment = strings.TrimPrefix(s.path(), "/traceability/shipments/")
	if s.shipment == s.path() || s.shipment == "" {
		s.t.Fatalf("shipping leads to %s", s.path())
	}
}

// acceptAtHome takes the goods as they were shipped, in one tap.
func (s *story) acceptAtHome() {
	s.t.Helper()
	s.open("/")
	s.send(`form[action="/traceability/shipments/` + s.shipment + `/accept"] button`)
	s.desk.Quiet()
}

// accept counts what arrived.
func (s *story) accept(quantity string) {
	s.t.Helper()
	s.fill("/traceability/shipments/"+s.shipment, map[string]string{"#f-lines-0-quantity": quantity})
}

// scan prints the label and reads its code with a camera's eyes.
func (s *story) scan() string {
	s.t.Helper()
	pdf := webtest.Eval[string](s.desk, `(() => { const r = new XMLHttpRequest(); r.open("GET", "/traceability/label/`+storyWheel+`.pdf", false);
		r.overrideMimeType("text/plain; charset=x-user-defined"); r.send(); return btoa([...r.responseText].map(c => String.fromCharCode(c.charCodeAt(0) & 255)).join("")) })()`)
	document, err := base64.StdEncoding.DecodeString(pdf)
	if err != nil || !bytes.HasPrefix(document, []byte("%PDF")) {
		s.t.Fatalf("the label is no PDF: %v, %.80q", err, document)
	}
	dir := s.t.TempDir()
	file := filepath.Join(dir, "label.pdf")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		s.t.Fatal(err)
	}
	if out, err := exec.Command("pdftoppm", "-r", "300", "-png", "-singlefile", file, filepath.Join(dir, "label")).CombinedOutput(); err != nil {
		s.t.Fatalf("pdftoppm: %v: %s", err, out)
	}
	picture, err := os.Open(filepath.Join(dir, "label.png"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer picture.Close()
	seen, _, err := image.Decode(picture)
	if err != nil {
		s.t.Fatal(err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(seen)
	if err != nil {
		s.t.Fatal(err)
	}
	code, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		s.t.Fatalf("the label's code cannot be read: %v", err)
	}
	return code.GetText()
}

// readsThePath opens the shopper's page without a login and leaves it open.
func (s *story) readsThePath(address string) {
	s.t.Helper()
	s.shopper.Open(address)
	s.shopper.See(".verdict.good")
	const day = `\n\d{1,2} [A-Z][a-z]{2} 20\d{2}`
	way := regexp.MustCompile(`^Fresh milk made\nGreenfield Dairy, Hohhot` + day + `\s+Fresh milk arrived\nHarbour Foods, Tianjin` + day +
		`\s+Harbour Gouda made\nHarbour Foods, Tianjin` + day + `\s+Harbour Gouda arrived\nCity Market, Beijing` + day + `$`)
	if text := strings.TrimSpace(s.shopper.Text(".path")); !way.MatchString(text) {
		s.t.Fatalf("the shopper does not read the whole way:\n%s", text)
	}
	if cut := s.shopper.Overflow(); cut > 0 {
		s.t.Errorf("the shopper's page is %d pixels too wide", cut)
	}
	webtest.Eval[bool](s.shopper, `(() => { new MutationObserver(() => { if (!window.turned && document.querySelector(".verdict.bad")) window.turned = Date.now() })
		.observe(document.documentElement, {childList: true, subtree: true}); return true })()`)
}

// recall recalls a lot and measures, on the machine's one clock, from the
// answer to the recall until the open page has turned.
func (s *story) recall(lot, reason string) {
	s.t.Helper()
	s.open("/traceability/cases/new?kind=recall&lots=" + lot)
	if reach := s.desk.Text("main"); !strings.Contains(reach, "Harbour Gouda STORY-C") {
		s.t.Errorf("before it is confirmed, the recall does not show that it reaches the cheese:\n%s", reach)
	}
	s.set(map[string]string{"#f-reason": reason})
	s.send("main form button.danger[data-send]")
	answered := webtest.Eval[float64](s.desk, `(() => { const n = performance.getEntriesByType("navigation")[0]; return performance.timeOrigin + (n.redirectEnd || n.fetchStart) })()`)
	s.shopper.See(".verdict.bad")
	took := time.Duration(webtest.Eval[float64](s.shopper, `window.turned`)-answered) * time.Millisecond
	s.t.Logf("the open page turned %v after the recall's answer", took)
	if took > within {
		s.t.Errorf("the open page turned %v after the recall's answer, want %v at most", took, within)
	}
	if text := s.shopper.Text(".verdict"); !strings.Contains(text, "Recalled") || !strings.Contains(text, reason) {
		s.t.Errorf("the shopper reads: %s", text)
	}
	s.desk.Quiet()
}

// cannotSell finds the recalled lot marked, and its sale refused beside the
// field.
func (s *story) cannotSell(lot string) {
	s.t.Helper()
	s.open("/traceability/lot/" + lot)
	if text := s.desk.Text("main"); !strings.Contains(text, "Recalled") {
		s.t.Errorf("the lot's page does not say that it is recalled:\n%s", text)
	}
	s.open("/traceability/dispose?lot=" + lot)
	s.set(map[string]string{"#f-how": "sold", "#f-lines-0-lot": lot, "#f-lines-0-quantity": "10", "#f-lines-0-unit": "KGM"})
	s.desk.Quiet()
	s.send("main form button[data-send]")
	if code := webtest.Eval[string](s.desk, `document.querySelector("#f-lines-0-lot-error")?.dataset.code ?? document.querySelector("main").innerText`); code != "trace/recalled" {
		s.t.Errorf("beside the lot stands %s, want trace/recalled", code)
	}
	for _, p := range s.desk.Problems() { // the refusal's own status is no complaint
		if !strings.Contains(p, "409") && !strings.Contains(p, "422") {
			s.t.Errorf("the page complains: %s", p)
		}
	}
}

// looks opens pages on both screens.
func (s *story) looks(lang string, paths ...string) {
	s.t.Helper()
	for _, path := range paths {
		s.open(path)
		s.look(lang)
	}
}

// follows opens the first record that a page links to, where there is one.
func (s *story) follows(path, link string) bool {
	s.t.Helper()
	s.open(path)
	record := webtest.Eval[string](s.desk, fmt.Sprintf(`document.querySelector(%q)?.getAttribute("href") ?? ""`, link))
	if record == "" {
		return false
	}
	s.open(record)
	s.look("zh-CN")
	return true
}

func (s *story) look(want string) {
	s.t.Helper()
	defer s.desk.View(s.screen)
	for _, v := range []webtest.Viewport{webtest.Desktop, webtest.Phone} {
		s.desk.View(v)
		if cut := s.desk.Overflow(); cut > 0 {
			s.t.Errorf("%s on a %s is %d pixels too wide", s.path(), v.Name, cut)
		}
	}
	if lang := webtest.Eval[string](s.desk, `document.documentElement.lang`); lang != want {
		s.t.Errorf("%s is in %s", s.path(), lang)
	}
	s.desk.Quiet()
}
