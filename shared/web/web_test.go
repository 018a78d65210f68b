package web_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/web"
)

var update = flag.Bool("update", false, "write the goldens")

// client is a browser without a face: it keeps cookies and follows nothing.
type client struct {
	*http.Client
	t    testing.TB
	base string
}

func (h *house) client(t testing.TB) *client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &client{&http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, t, h.URL}
}

// as signs a user in.
func (h *house) as(t testing.TB, name string) *client {
	c := h.client(t)
	if a := c.post("/login", url.Values{"name": {name}, "password": {name}, "next": {"/demo"}}); a.status != 303 || a.header.Get("Location") != "/demo" {
		t.Fatalf("sign in: %d %s", a.status, a.body)
	}
	return c
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (c *client) do(method, path string, body io.Reader, headers ...string) answer {
	c.t.Helper()
	r, err := http.NewRequest(method, c.base+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := c.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

func (c *client) get(path string, headers ...string) answer {
	c.t.Helper()
	return c.do("GET", path, nil, headers...)
}

func (c *client) post(path string, form url.Values, headers ...string) answer {
	c.t.Helper()
	return c.do("POST", path, strings.NewReader(form.Encode()), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

var hidden = regexp.MustCompile(`name="(csrf|once)" value="([^"]*)"`)

// fill opens a page and takes its tokens, as a browser would.
func (c *client) fill(path string, form url.Values) url.Values {
	c.t.Helper()
	for _, m := range hidden.FindAllStringSubmatch(c.get(path).body, -1) {
		form.Set(m[1], m[2])
	}
	return form
}

func shipping(lot string) url.Values {
	return url.Values{"to": {"9506000134369"}, "mode": {"road"}, "at": {"2026-11-21T14:05"}, "at.zone": {"+08:00"}, "cold": {"on"},
		"lines.0.lot": {lot}, "lines.0.quantity": {"12.500"}, "lines.1.lot": {""}, "lines.1.quantity": {" "}, "lines.2.lot": {"L-2"}, "lines.2.quantity": {"3"}}
}

func TestAFormBecomesACommand(t *testing.T) {
	h := start(t, nil)
	c := h.as(t, "lin")
	a := c.post("/demo/ship", c.fill("/demo/ship", shipping("L-1")))
	if a.status != 303 || a.header.Get("Location") != "/demo" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	got := h.shipped[0]
	at, _ := time.Parse(time.RFC3339, "2026-11-21T14:05:00+08:00")
	if got.To != "9506000134369" || !got.Cold || !got.At.Equal(at) || !slices.Equal(got.Lines, []lineForm{{"L-1", "12.500"}, {"L-2", "3"}}) {
		t.Errorf("read %+v", got)
	}
	if body := c.get("/demo").body; !strings.Contains(body, "Shipped to 9506000134369") {
		t.Error("the next page does not say what was done")
	}
	if body := c.get("/demo").body; strings.Contains(body, "Shipped to 9506000134369") {
		t.Error("the page after that still says it")
	}
}

func TestARefusalStandsBesideItsField(t *testing.T) {
	h := start(t, nil)
	c := h.as(t, "lin")
	a := c.post("/demo/ship", c.fill("/demo/ship", shipping("L-RECALLED")), "Accept-Language", "zh-CN,zh;q=0.9")
	if a.status != 409 {
		t.Fatalf("%d", a.status)
	}
	for _, want := range []string{`id="f-lines-0-lot-error" data-code="demo/recalled"`, "已召回的批次不得移动。", `value="12.500"`, `aria-invalid="true"`, `href="#f-lines-0-lot"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	bad := shipping("L-1")
	bad.Set("lines.2.quantity", "three")
	bad.Set("at", "yesterday")
	bad.Del("to")
	a = c.post("/demo/ship", c.fill("/demo/ship", bad))
	for _, want := range []string{`id="f-lines-2-quantity-error" data-code="web/field"`, `id="f-at-error" data-code="web/field"`, `id="f-to-error" data-code="web/required"`, `value="three"`, "three is no quantity"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if a.status != 422 || len(h.shipped) != 0 {
		t.Errorf("%d, shipped %d", a.status, len(h.shipped))
	}
}

func TestLinesAreAddedAndRemovedWithoutScript(t *testing.T) {
	h := start(t, nil)
	c := h.as(t, "lin")
	form := c.fill("/demo/ship", shipping("L-1"))
	form.Set("_add", "lines")
	if a := c.post("/demo/ship", form); a.status != 200 || !strings.Contains(a.body, `name="lines.3.lot"`) {
		t.Errorf("no fourth line: %d", a.status)
	}
	form.Del("_add")
	form.Set("_remove", "lines.0")
	a := c.post("/demo/ship", form)
	if strings.Contains(a.body, `value="L-1"`) || !strings.Contains(a.body, `name="lines.1.lot" type="text" value="L-2"`) || strings.Contains(a.body, "lines.2.") {
		t.Error("the first line is still there, or the last has gone")
	}
	if len(h.shipped) != 0 {
		t.Error("editing has shipped")
	}
}

func TestADoubleClickCountsOnce(t *testing.T) {
	h := start(t, nil)
	c := h.as(t, "lin")
	form := c.fill("/demo/ship", shipping("L-1"))
	var wait sync.WaitGroup
	for range 5 {
		wait.Go(func() {
			if a := c.post("/demo/ship", form); a.status != 303 || a.header.Get("Location") != "/demo" {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	wait.Wait()
	if len(h.shipped) != 1 {
		t.Errorf("shipped %d times", len(h.shipped))
	}
}

func TestOtherSitesCannotActForAUser(t *testing.T) {
	h := start(t, nil)
	c := h.as(t, "lin")
	form := c.fill("/demo/ship", shipping("L-1"))
	for name, change := range map[string]func(url.Values) []string{
		"no token":    func(f url.Values) []string { f.Del("csrf"); return nil },
		"wrong token": func(f url.Values) []string { f.Set("csrf", strings.Repeat("0", 64)); return nil },
		"other origin, right token": func(f url.Values) []string {
			return []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}
		},
	} {
		f := url.Values{}
		for k, v := range form {
			f[k] = v
		}
		if a := c.post("/demo/ship", f, change(f)...); a.status != 403 || !strings.Contains(a.body, `data-code="web/forged"`) {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	if a := h.client(t).post("/login", url.Values{"name": {"lin"}, "password": {"lin"}}, "Sec-Fetch-Site", "cross-site"); a.status != 403 {
		t.Errorf("a foreign sign-in: %d", a.status)
	}
	if a := c.post("/demo/report", nil); a.status != 403 {
		t.Errorf("a session without its token on a public route: %d", a.status)
	}
	if len(h.shipped) != 0 {
		t.Error("it went through")
	}
}

// TestTheMatrixHolds walks every route as every kind of visitor.
func TestTheMatrixHolds(t *testing.T) {
	h := start(t, nil)
	stranger, viewer, operator := h.client(t), h.as(t, "ray"), h.as(t, "lin")
	for _, row := range h.Web.Matrix() {
		if row.Path == "/logout" || row.Path == "/live" || row.Path == "/login" || row.Path == "/demo/slow" {
			continue
		}
		path := strings.NewReplacer(":kind", "conflict", "*", "x").Replace(row.Path)
		for who, c := range map[string]*client{"stranger": stranger, "viewer": viewer, "operator": operator} {
			a := c.do(row.Method, path, nil, "Accept", "application/json", "X-CSRF-Token", "")
			var p web.Problem
			_ = json.Unmarshal([]byte(a.body), &p)
			open := row.Access.Who() == "public" || who != "stranger" && (row.Access.Who() == "user" || who == "operator")
			switch {
			case !open && who == "stranger" && p.Code != "web/sign-in":
				t.Errorf("%s %s %s: %d %s", who, row.Method, row.Path, a.status, a.body)
			case !open && who != "stranger" && p.Code != "web/role":
				t.Errorf("%s %s %s: %d %s", who, row.Method, row.Path, a.status, a.body)
			case open && row.CSRF && who != "stranger" && p.Code != "web/forged":
				t.Errorf("%s %s %s without a token: %d %s", who, row.Method, row.Path, a.status, a.body)
			case open && !row.CSRF && (a.status == 401 || a.status == 403):
				t.Errorf("%s %s %s: %d %s", who, row.Method, row.Path, a.status, a.body)
			}
		}
	}
}

func TestARouteNeedsAccess(t *testing.T) {
	h := start(t, nil)
	ok := func(*web.Ctx) error { return nil }
	for name, r := range map[string]web.Route{
		"no access": {Method: "GET", Path: "/a", Name: "a", Handler: ok},
		"no role":   {Method: "GET", Path: "/b", Name: "b", Access: web.Roles(), Handler: ok},
		"no doc":    {Method: "GET", Path: "/api/c", Name: "c", Access: web.Public, Handler: ok},
		"twice":     {Method: "GET", Path: "/d", Name: "demo.home", Access: web.Public, Handler: ok},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: mounted", name)
				}
			}()
			h.Web.Mount(web.App{Name: name, Routes: []web.Route{r}})
		}()
	}
}

func TestTokensAreScoped(t *testing.T) {
	h := start(t, nil)
	c := h.client(t)
	add := func(token string) answer {
		return c.do("POST", "/api/items", strings.NewReader(`{"to":"x"}`), "Authorization", "Bearer "+token, "Content-Type", "application/json", "Idempotency-Key", token)
	}
	if a := add("tok-capture"); a.status != 201 {
		t.Errorf("capture: %d %s", a.status, a.body)
	}
	if a := add("tok-read"); a.status != 403 || !strings.Contains(a.body, "web/scope") {
		t.Errorf("read: %d %s", a.status, a.body)
	}
	if a := add("nobody"); a.status != 401 || a.header.Get("WWW-Authenticate") == "" {
		t.Errorf("nobody: %d %s", a.status, a.body)
	}
	if a := c.get("/api/items", "Authorization", "Bearer tok-capture"); a.status != 403 {
		t.Errorf("capture reads: %d", a.status)
	}
}

func TestAKeyIsAnsweredOnce(t *testing.T) {
	h := start(t, nil)
	c := h.client(t)
	add := func(key, body string) answer {
		return c.do("POST", "/api/items", strings.NewReader(body), "Authorization", "Bearer tok-capture", "Content-Type", "application/json", "Idempotency-Key", key)
	}
	first, again := add("k1", `{"to":"x"}`), add("k1", `{"to":"x"}`)
	if first.status != 201 || again.status != 201 || first.body != again.body || again.header.Get("Idempotency-Replayed") != "true" || len(h.shipped) != 1 {
		t.Errorf("%d %s, %d %s, shipped %d", first.status, first.body, again.status, again.body, len(h.shipped))
	}
	if a := add("k1", `{"to":"y"}`); a.status != 422 || !strings.Contains(a.body, "idempotency/key-reused") {
		t.Errorf("reused: %d %s", a.status, a.body)
	}
	if a := add("", `{"to":"y"}`); a.status != 400 || !strings.Contains(a.body, "idempotency/key-missing") {
		t.Errorf("missing: %d %s", a.status, a.body)
	}
}

func TestJSONIsReadWithCare(t *testing.T) {
	h := start(t, nil)
	c := h.client(t)
	for i, x := range []struct {
		body   string
		status int
		code   string
		field  string
	}{
		{`{"to":`, 400, "web/unreadable", ""},
		{strings.Repeat("[", 1_000_000), 400, "web/unreadable", ""},
		{`{"to":"x"}{"to":"y"}`, 400, "web/unreadable", ""},
		{`{"to":7}`, 422, "web/field", "to"},
		{`{"from":"x"}`, 422, "web/field", "from"},
		{`{"lines":[{"quantity":"x"}]}`, 422, "web/field", ""},
		{"\x00\xff", 400, "web/unreadable", ""},
	} {
		a := c.do("POST", "/api/items", strings.NewReader(x.body), "Authorization", "Bearer tok-capture", "Content-Type", "application/json", "Idempotency-Key", fmt.Sprint(i))
		var p web.Problem
		if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.status != x.status || p.Code != x.code || p.Field != x.field {
			t.Errorf("%.40q: %d %s", x.body, a.status, a.body)
		}
		if a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%.40q: %s", x.body, a.header.Get("Content-Type"))
		}
	}
}

// TestAHugeBodyIsRefusedAtOnce writes 100 MB to a bare connection and reads the
// answer meanwhile, as curl does.
func TestAHugeBodyIsRefusedAtOnce(t *testing.T) {
	h := start(t, nil)
	for name, framing := range map[string]string{"declared": "Content-Length: 104857600", "chunked": "Transfer-Encoding: chunked"} {
		conn, err := net.Dial("tcp", h.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(conn, "POST /api/items HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer tok-capture\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\n%s\r\n\r\n", framing)
		sent := make(chan int)
		go func() {
			mega, n := strings.Repeat("0", 1<<20), 0
			for ; n < 100; n++ {
				chunk := mega
				if name == "chunked" {
					chunk = fmt.Sprintf("%x\r\n%s\r\n", len(mega), mega)
				}
				if _, err := io.WriteString(conn, chunk); err != nil {
					break
				}
			}
			sent <- n
		}()
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || !strings.Contains(line, " 413 ") {
			t.Errorf("%s: %q %v", name, line, err)
		}
		conn.Close()
		if n := <-sent; n > 30 {
			t.Errorf("%s: %d MiB were taken", name, n)
		}
	}
	if a := h.client(t).do("POST", "/login", io.LimitReader(zeros{}, 1<<20+1000), "Content-Type", "application/x-www-form-urlencoded"); a.status != 413 {
		t.Errorf("a form of more than 1 MiB: %d", a.status)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = '0'
	}
	return len(b), nil
}

func TestFaultsTellTheirKind(t *testing.T) {
	h := start(t, nil)
	c := h.client(t)
	for kind, want := range map[string]struct {
		status int
		code   string
		retry  bool
	}{"boom": {500, "web/fault", false}, "conflict": {409, "ledger/conflict", true}, "unknown": {503, "ledger/unknown", true},
		"stopped": {503, "ledger/stopped", true}, "unavailable": {503, "ledger/unavailable", true}, "busy": {503, "web/busy", true}, "recalled": {409, "demo/recalled", false}} {
		a := c.get("/api/faults/" + kind)
		var p web.Problem
		if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.status != want.status || p.Code != want.code || (a.header.Get("Retry-After") != "") != want.retry {
			t.Errorf("%s: %d %s %v", kind, a.status, a.body, a.header)
		}
		if strings.Contains(a.body, "fire") || p.Instance != "urn:request:"+a.header.Get("X-Request-Id") {
			t.Errorf("%s: %s", kind, a.body)
		}
	}
	a := c.get("/api/faults/recalled", "Accept-Language", "zh", "X-Request-Id", "golden-request")
	golden(t, "problem.json", a.body)
	if page := c.get("/problems/demo/recalled", "Accept-Language", "zh"); page.status != 200 || !strings.Contains(page.body, "请监管方先结束召回。") {
		t.Errorf("the rule's page: %d", page.status)
	}
}

func TestAPanicIsAFault(t *testing.T) {
	h := start(t, nil)
	a := h.client(t).get("/demo/panic")
	if a.status != 500 || strings.Contains(a.body, "secret stack") || !strings.Contains(a.body, a.header.Get("X-Request-Id")) {
		t.Errorf("%d %s", a.status, a.body)
	}
	h.Server.Close()
	if log := h.log.String(); !strings.Contains(log, "secret stack") || !strings.Contains(log, a.header.Get("X-Request-Id")) {
		t.Error("the log lacks the panic or the request")
	}
}

func TestTheEagerWait(t *testing.T) {
	h := start(t, func(c *web.Config) { c.Limits.PerAddress = web.Rate{PerSecond: 1, Burst: 3} })
	c := h.client(t)
	var last answer
	for range 5 {
		last = c.get("/healthz")
	}
	if last.status != 429 || last.header.Get("Retry-After") != "1" {
		t.Errorf("%d %v", last.status, last.header)
	}
	h = start(t, func(c *web.Config) { c.Limits.PerUser = web.Rate{PerSecond: 0.1, Burst: 2} })
	for range 4 {
		last = h.client(t).get("/api/items", "Authorization", "Bearer tok-read")
	}
	if last.status != 429 || last.header.Get("Retry-After") == "" {
		t.Errorf("a user: %d", last.status)
	}
}

func TestHeaders(t *testing.T) {
	h := start(t, func(c *web.Config) { c.TLS = true })
	a := h.client(t).get("/login")
	for _, name := range []string{"Content-Security-Policy", "Strict-Transport-Security", "X-Content-Type-Options", "Referrer-Policy", "Permissions-Policy", "X-Request-Id"} {
		if a.header.Get(name) == "" {
			t.Errorf("no %s", name)
		}
	}
	if csp := a.header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Error(csp)
	}
	if nonce := regexp.MustCompile(`nonce="([^"]+)"`).FindStringSubmatch(a.body); nonce != nil && !strings.Contains(a.header.Get("Content-Security-Policy"), "'nonce-"+nonce[1]+"'") {
		t.Errorf("the page's nonce %s is not in its policy", nonce[1])
	}
	if strings.Contains(a.body, "<script>") || strings.Contains(a.body, " style=") || strings.Contains(a.body, "http://") || strings.Contains(a.body, "https://") {
		t.Error("an inline script or style, or a foreign address")
	}
	css := regexp.MustCompile(`/assets/tallyway\.[0-9a-f]+\.css`).FindString(a.body)
	file := h.client(t).get(css)
	if !strings.Contains(file.header.Get("Cache-Control"), "immutable") || len(file.body) > 40<<10 {
		t.Errorf("%s: %v, %d bytes", css, file.header, len(file.body))
	}
	if next := h.client(t).get("/login"); next.header.Get("Cache-Control") != "no-store" {
		t.Errorf("an answer changed the headers of the next: %v", next.header)
	}
	if again := h.client(t).get(css, "If-None-Match", file.header.Get("ETag")); again.status != 304 {
		t.Errorf("%d", again.status)
	}
	if z := h.client(t).get("/login", "Accept-Encoding", "gzip"); z.header.Get("Content-Encoding") != "gzip" || len(z.body) > len(a.body)/2 {
		t.Errorf("not compressed: %d of %d", len(z.body), len(a.body))
	}
	for _, path := range []string{"/login", css, "/healthz", "/nowhere"} {
		for _, takes := range []string{"identity", "gzip"} {
			vary := h.client(t).get(path, "Accept-Encoding", takes).header.Values("Vary")
			if n := strings.Count(strings.Join(vary, ","), "Accept-Encoding"); n != 1 {
				t.Errorf("%s to a visitor who takes %s varies by %v", path, takes, vary)
			}
		}
	}
}

func TestLanguages(t *testing.T) {
	h := start(t, nil)
	for header, want := range map[string]string{"": "en", "zh-CN,zh;q=0.9,en;q=0.8": "zh", "en-GB,en;q=0.9,zh;q=0.8": "en", "de, zh;q=0.5": "zh", "zh;q=0, en;q=0.1": "en", "fr": "en", ";;q=": "en"} {
		if a := h.client(t).get("/login", "Accept-Language", header); strings.Contains(a.body, "登录") != (want == "zh") {
			t.Errorf("%q is not answered in %s", header, want)
		}
	}
	c := h.client(t)
	if a := c.get("/login?lang=zh&next=%2Fdemo"); a.status != 303 || a.header.Get("Location") != "/login?next=%2Fdemo" {
		t.Errorf("%d %s", a.status, a.header.Get("Location"))
	}
	if a := c.get("/login", "Accept-Language", "en"); !strings.Contains(a.body, "登录") {
		t.Error("the switch is not kept")
	}
}

func TestRedirectsStayInTheHouse(t *testing.T) {
	h := start(t, nil)
	for _, next := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "/\t/evil.example", "javascript:alert(1)", "evil"} {
		a := h.client(t).post("/login", url.Values{"name": {"lin"}, "password": {"lin"}, "next": {next}})
		if a.status != 303 || a.header.Get("Location") != "/" {
			t.Errorf("%q: %d %s", next, a.status, a.header.Get("Location"))
		}
	}
	if a := h.client(t).get("/demo?state=sent"); a.header.Get("Location") != "/login?next=%2Fdemo%3Fstate%3Dsent" {
		t.Errorf("a stranger is sent to %s", a.header.Get("Location"))
	}
}

func TestAListIsAskedByItsAddress(t *testing.T) {
	h := start(t, nil)
	c := h.as(t, "lin")
	body := c.get("/demo?q=milk&state=sent&sort=quantity&after=L-9&limit=20&other=1").body
	for _, want := range []string{`value="milk"`, `<option value="sent" selected>`, `aria-sort="ascending"`, "sort=-quantity&amp;state=sent",
		"/demo.xlsx?limit=20&amp;q=milk&amp;sort=quantity&amp;state=sent", "after=L-4&amp;limit=20"} {
		if !strings.Contains(body, want) {
			t.Errorf("the list lacks %s", want)
		}
	}
	if !strings.Contains(c.get("/demo?sort=password&state=nope").body, `name="sort" value="-at"`) {
		t.Error("an unknown column was taken")
	}
	if a := c.get("/demo", "Accept", "application/json"); !strings.HasPrefix(a.body, `{"Title":"L-2026-0412"`) {
		t.Errorf("the view as data: %.80s", a.body)
	}
}

func TestLiveChanges(t *testing.T) {
	h := start(t, func(c *web.Config) {
		c.Limits.LivePerUser, c.Limits.LiveBeat, c.Limits.ReadTimeout = 1, 100*time.Millisecond, 200*time.Millisecond
	})
	c := h.as(t, "lin")
	res, err := c.Get(h.URL + "/live")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if a := c.get("/live"); a.status != 429 {
		t.Errorf("a second stream: %d", a.status)
	}
	h.live <- web.Change{ID: "7\nevent: evil", Topic: "lots", Data: map[string]int{"n": 1}}
	lines, beats, seen := bufio.NewScanner(res.Body), 0, false
	for (!seen || beats < 6) && lines.Scan() { // past the timeout of an ordinary request
		switch lines.Text() {
		case ": beat":
			beats++
		case `data: {"topic":"lots","data":{"n":1}}`:
			seen = true
		case "event: evil":
			t.Error("a change breaks out of its line")
		}
	}
	if !seen || beats < 6 {
		t.Errorf("seen %t, %d beats: the stream ended: %v", seen, beats, lines.Err())
	}
}

func TestMetricsStayInTheHouse(t *testing.T) {
	h := start(t, nil)
	if a := h.client(t).get("/metrics", "X-Forwarded-For", "203.0.113.7"); a.status != 403 {
		t.Errorf("%d", a.status)
	}
}

func TestTheAPIDescribesItself(t *testing.T) {
	h := start(t, nil)
	a := h.client(t).get("/api/openapi.json")
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(a.body), "", "  "); err != nil {
		t.Fatal(err)
	}
	golden(t, "openapi.json", indented.String())
	if page := h.client(t).get("/api"); !strings.Contains(page.body, "chaincode.Batch") || !strings.Contains(page.body, "/api/items") {
		t.Error("the page lacks a route or a command")
	}
}

func TestMetricsCountRequests(t *testing.T) {
	h := start(t, nil)
	c := h.client(t)
	c.get("/nowhere/at/all")
	c.get("/login")
	c.do("INVENTED", "/login", nil)
	body := c.get("/metrics").body
	for _, want := range []string{`tallyway_web_request_seconds_count{method="GET",route="/login",status="200"} 1`, `route="none",status="404"`, `method="other"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if strings.Contains(body, "nowhere") || strings.Contains(body, "INVENTED") {
		t.Error("an unknown address or method became a label")
	}
}

// TestTheDemoPage is the golden of every part, without what changes each time.
func TestTheDemoPage(t *testing.T) {
	h := start(t, nil)
	body := h.client(t).get("/demo/open", "X-Request-Id", "golden-request").body
	main := body[strings.Index(body, "<main"):strings.Index(body, "</main>")]
	golden(t, "demo.html", hidden.ReplaceAllString(main, `name="$1" value="…"`))
	if words := h.Web.Words().Missing(); len(words) > 0 {
		t.Errorf("missing %q", words)
	}
	h.client(t).get("/demo/open", "Accept-Language", "zh")
	if words := h.Web.Words().Missing(); len(words) > 0 {
		t.Errorf("not in Chinese: %q", words)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || string(want) != got {
		t.Errorf("%s differs (%v): run with -update and read the diff", path, err)
	}
}

func TestABusyHouseSaysSo(t *testing.T) {
	h := start(t, func(c *web.Config) { c.Limits.Concurrent = 1 })
	first := make(chan answer, 1)
	go func() {
		a := h.client(t).get("/demo/slow")
		for a.status == 503 { // the question below was there first
			a = h.client(t).get("/demo/slow")
		}
		first <- a
	}()
	var a answer
	for range 500 {
		if a = h.client(t).get("/healthz"); a.status == 503 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %v", a.status, a.header)
	}
	h.slow <- struct{}{}
	if a := <-first; a.status != 204 {
		t.Errorf("the first: %d", a.status)
	}
	if a := h.client(t).get("/healthz"); a.status != 200 {
		t.Errorf("afterwards: %d", a.status)
	}
}

func TestAHandlerHasADeadline(t *testing.T) {
	h := start(t, func(c *web.Config) { c.Limits.Deadline = 50 * time.Millisecond })
	if a := h.client(t).get("/demo/slow"); a.status != 503 || !strings.Contains(a.body, `data-code="web/busy"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestShutdown lets a request finish and ends the streams.
func TestShutdown(t *testing.T) {
	h := start(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- h.Web.Serve(ctx, l) }()
	h.URL = "http://" + l.Addr().String()
	c := h.as(t, "lin")
	stream, err := c.Get(h.URL + "/live")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	first := make(chan answer, 1)
	go func() { first <- h.client(t).get("/demo/slow") }()
	time.Sleep(100 * time.Millisecond) // the request is on its way
	stop()
	if _, err := io.Copy(io.Discard, stream.Body); err != nil {
		t.Errorf("the stream broke: %v", err)
	}
	h.slow <- struct{}{}
	if a := <-first; a.status != 204 {
		t.Errorf("the request under way: %d", a.status)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// BenchmarkPage is one page of the demo, with everything around it.
func BenchmarkPage(b *testing.B) {
	h := start(b, func(c *web.Config) { c.Limits.PerAddress = web.Rate{PerSecond: 1e9, Burst: 1e9} })
	for b.Loop() {
		w := httptest.NewRecorder()
		h.Web.ServeHTTP(w, httptest.NewRequest("GET", "/demo/open", nil))
		if w.Code != 200 {
			b.Fatal(w.Code)
		}
		b.ReportMetric(float64(w.Body.Len()), "bytes/page")
	}
}
