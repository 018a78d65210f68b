package webtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Viewport is a screen that pages are looked at on.
type Viewport struct {
	Name          string
	Width, Height int64
	Phone         bool
}

// The two screens of the house.
var (
	Desktop = Viewport{Name: "desktop", Width: 1280, Height: 900}
	Phone   = Viewport{Name: "phone", Width: 390, Height: 844, Phone: true}
)

// Browser is one tab of a real Chromium with an empty profile.
type Browser struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex
	problems []string
}

// chromium is where the distributions put it, beside what the PATH says.
var chromium = []string{"chromium", "chromium-browser", "google-chrome", "/usr/bin/chromium"}

// NewBrowser opens a browser that closes with the test. It fails the test when
// there is none: a page that nobody has looked at is not tested.
func NewBrowser(t testing.TB, v Viewport) *Browser {
	t.Helper()
	program := find()
	if program == "" {
		t.Fatalf("no Chromium was found (looked for %s): install it to run the tests of pages", strings.Join(chromium, ", "))
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(program), chromedp.UserDataDir(profile(t)),
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true)}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	b := &Browser{t: t, ctx: ctx}
	t.Cleanup(func() { cancel(); stop() })
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	call(b, log.Enable, cdp.Empty{})
	call(b, runtime.Enable, cdp.Empty{})
	call(b, network.Enable, network.EnableParams{})
	b.View(v)
	return b
}

// profile is an empty folder. Chromium's children may write there for a moment
// after it has ended, so what cannot be removed at once is tried again.
func profile(t testing.TB) string {
	dir, err := os.MkdirTemp("", "webtest-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 50 {
			if os.RemoveAll(dir) == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	return dir
}

// call sends one command of the protocol, within patience.
func call[P, R any](b *Browser, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	r, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatalf("browser: %s: %v", command.Method, err)
	}
	return r
}

// Get runs an action of chromedp and gives its value.
func Get[T any](b *Browser, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatalf("browser: %v", err)
	}
	return v
}

// patience is how long a page may take on a busy machine.
const patience = 30 * time.Second

func find() string {
	for _, name := range chromium {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// listen collects what a page complains about: errors of scripts, violations
// of the content security policy, files that are missing.
func (b *Browser) listen(event any) {
	problem := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		problem = (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error()
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" {
			problem = "console.error"
			for _, a := range e.Args {
				problem += " " + string(a.Value)
			}
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			problem = string(e.Entry.Source) + ": " + e.Entry.Text + " " + e.Entry.URL
		}
	}
	if problem != "" {
		b.mu.Lock()
		b.problems = append(b.problems, problem)
		b.mu.Unlock()
	}
}

// Problems are the complaints so far; reading them forgets them. A status of
// 4xx on the page itself is one of them.
func (b *Browser) Problems() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.problems
	b.problems = nil
	return all
}

// Quiet fails the test when a page has complained.
func (b *Browser) Quiet() {
	b.t.Helper()
	if all := b.Problems(); len(all) > 0 {
		b.t.Errorf("the page complains:\n%s", strings.Join(all, "\n"))
	}
}

// Do runs actions of chromedp and fails the test when one fails.
func (b *Browser) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("browser: %v", err)
	}
}

// View changes the screen.
func (b *Browser) View(v Viewport) {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: v.Width, Height: v.Height, DeviceScaleFactor: 1, Mobile: v.Phone})
	call(b, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: v.Phone})
}

// Dark prefers a dark or a light page; motion is reduced, so that screenshots
// are alike.
func (b *Browser) Dark(dark bool) {
	b.t.Helper()
	value := "light"
	if dark {
		value = "dark"
	}
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: value}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
}

// Speak sets Accept-Language: "en", "zh-CN".
func (b *Browser) Speak(lang string) {
	b.t.Helper()
	call(b, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": lang}})
}

// Scripts switches the page's scripts on or off.
func (b *Browser) Scripts(on bool) {
	b.t.Helper()
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
}

// Open goes to an address and waits for the page.
func (b *Browser) Open(address string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(address), chromedp.WaitReady(chromedp.CSS("body")))
}

// Login signs in by the login page, as a person would.
func (b *Browser) Login(base, name, password string) {
	b.t.Helper()
	b.Open(base + "/login")
	b.Do(chromedp.SendKeys(chromedp.CSS("#f-name"), name), chromedp.SendKeys(chromedp.CSS("#f-password"), password),
		chromedp.Click(chromedp.CSS("main form button")), chromedp.WaitNotPresent(chromedp.CSS("#f-password")))
}

// Click clicks the first element that matches.
func (b *Browser) Click(css string) { b.t.Helper(); b.Do(chromedp.Click(chromedp.CSS(css))) }

// Type types into an entry.
func (b *Browser) Type(css, text string) {
	b.t.Helper()
	b.Do(chromedp.SendKeys(chromedp.CSS(css), text))
}

// Upload chooses a file in an entry.
func (b *Browser) Upload(css, file string) {
	b.t.Helper()
	b.Do(chromedp.SetUploadFiles(chromedp.CSS(css), []string{file}))
}

// See waits until an element is there to be seen.
func (b *Browser) See(css string) { b.t.Helper(); b.Do(chromedp.WaitVisible(chromedp.CSS(css))) }

// Text is what the first element that matches shows, once there is one. It is
// read in one go: a live page may replace the element at any moment.
func (b *Browser) Text(css string) string {
	b.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		found := Eval[[]string](b, fmt.Sprintf(`[...document.querySelectorAll(%q)].slice(0, 1).map(e => e.innerText)`, css))
		if len(found) > 0 {
			return found[0]
		}
		if time.Now().After(end) {
			b.t.Fatalf("browser: there is no %s", css)
		}
	}
}

// Eval runs a script in the page and gives its value.
func Eval[T any](b *Browser, script string) T {
	b.t.Helper()
	return Get(b, chromedp.Evaluate[T](script))
}

// Overflow is how many pixels the page is wider than the screen: 0 where
// nothing is cut.
func (b *Browser) Overflow() int {
	b.t.Helper()
	return Eval[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`)
}

// Screenshot writes the whole page as name.png into the folder that
// WEBTEST_SHOTS names, else into the test's own.
func (b *Browser) Screenshot(name string) string {
	b.t.Helper()
	dir := os.Getenv("WEBTEST_SHOTS")
	if dir == "" {
		dir = b.t.TempDir()
	}
	png := Get(b, chromedp.FullScreenshot(100))
	path := filepath.Join(dir, name+".png")
	if err := os.WriteFile(path, png, 0o644); err != nil {
		b.t.Fatal(fmt.Errorf("write a screenshot: %w", err))
	}
	return path
}

// slowNetwork are the parameters of Network.emulateNetworkConditions.
type slowNetwork struct {
	Offline            bool    `json:"offline"`
	Latency            float64 `json:"latency"`            // ms
	DownloadThroughput float64 `json:"downloadThroughput"` // bytes/s
	UploadThroughput   float64 `json:"uploadThroughput"`
}

// Throttle makes of the browser a slow phone on a slow net, with nothing cached:
// bits a second, the time to an answer's first byte, and how many times slower
// than this machine.
func (b *Browser) Throttle(bits float64, latency time.Duration, slower float64) {
	b.t.Helper()
	call(b, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	call(b, cdp.Command[slowNetwork, cdp.Empty]{Method: "Network.emulateNetworkConditions"},
		slowNetwork{Latency: float64(latency.Milliseconds()), DownloadThroughput: bits / 8, UploadThroughput: bits / 16})
	call(b, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: slower})
}
