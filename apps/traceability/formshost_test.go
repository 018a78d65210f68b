package traceability

import (
	"context"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/host"
)

// The firms that fill in forms: a dairy, a creamery, a supermarket, a carrier
// and a food authority.
var formFirms = []party.Register{
	{ID: "greenfield-dairy", Profile: party.Profile{Name: "Greenfield Dairy", NameZh: "绿野乳业", Kinds: []string{party.KindManufacturer},
		Prefixes: []string{"9506000134"}, GLNs: []string{"9506000134352"}}},
	{ID: "alpine-creamery", Profile: party.Profile{Name: "Alpine Creamery", NameZh: "高山奶酪坊", Kinds: []string{party.KindProcessor},
		Prefixes: []string{"9506000164"}, GLNs: []string{"9506000164908"}}},
	{ID: "city-market", Profile: party.Profile{Name: "City Market", NameZh: "都市超市", Kinds: []string{party.KindRetailer},
		Prefixes: []string{"9506000178"}, GLNs: []string{"9506000178004"}}},
	{ID: "polar-haulage", Profile: party.Profile{Name: "Polar Haulage", NameZh: "极地冷链", Kinds: []string{party.KindCarrier},
		Prefixes: []string{"9506000187"}, GLNs: []string{"9506000187006"}}},
	{ID: "food-authority", Profile: party.Profile{Name: "Food Authority", NameZh: "食品监管局", Kinds: []string{party.KindRegulator},
		GLNs: []string{"9506000193007"}, Field: "food"}},
}

const (
	milkProduct   = "09506000134352"
	cheeseProduct = "09506000164359"
)

// formsHost starts a world with the two products that the forms speak of.
func formsHost(t testing.TB) *host.Host {
	t.Helper()
	return start(t, time.Now().UTC(), formFirms, func(ctx context.Context, h *host.Host) error {
		milk := trace.DescribeProduct{GTIN: milkProduct, Name: "Fresh milk", NameZh: "鲜牛奶", Unit: "KGM", ShelfLife: 14, Storage: "2 to 6 °C"}
		if _, _, err := host.Do[trace.Described](ctx, h, actor("greenfield-dairy"), milk); err != nil {
			return err
		}
		cheese := trace.DescribeProduct{GTIN: cheeseProduct, Name: "Mountain cheese", NameZh: "高山奶酪", Unit: "KGM", ShelfLife: 90, Storage: "4 to 8 °C"}
		_, _, err := host.Do[trace.Described](ctx, h, actor("alpine-creamery"), cheese)
		return err
	}).Host
}

// guest is a browser without scripts.
type guest struct {
	t      testing.TB
	base   string
	client *http.Client
	at     string // path of the page that is shown
	page   string
	status int
}

// visit signs a user in.
func visit(t testing.TB, h *host.Host, user string) *guest {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &guest{t: t, base: h.Address(), client: &http.Client{Jar: jar, Timeout: time.Minute}}
	v.open("/login")
	v.send("/login", url.Values{"name": {user}, "password": {password}})
	if strings.HasPrefix(v.at, "/login") {
		t.Fatalf("%s cannot sign in: %s", user, v.text())
	}
	return v
}

// open goes to a page.
func (v *guest) open(path string) *guest {
	v.t.Helper()
	response, err := v.client.Get(v.base + path)
	v.read(response, err)
	if v.status != http.StatusOK {
		v.t.Fatalf("%s answers %d: %s", path, v.status, v.text())
	}
	return v
}

var hidden = regexp.MustCompile(`name="(csrf|once)" value="([^"]*)"`)

// send posts a form of the page that is shown, with its tokens.
func (v *guest) send(path string, form url.Values) *guest {
	v.t.Helper()
	for _, m := range hidden.FindAllStringSubmatch(v.page, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	response, err := v.client.PostForm(v.base+path, form)
	v.read(response, err)
	return v
}

func (v *guest) read(response *http.Response, err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	v.page, v.status, v.at = string(body), response.StatusCode, response.Request.URL.Path
}

// sees fails the test when the page lacks a text.
func (v *guest) sees(texts ...string) *guest {
	v.t.Helper()
	for _, text := range texts {
		if !strings.Contains(v.text(), text) {
			v.t.Fatalf("%s (%d) does not say %q:\n%s", v.at, v.status, text, v.text())
		}
	}
	return v
}

// wants fails the test when the page's markup lacks a text.
func (v *guest) wants(markup string) *guest {
	v.t.Helper()
	if !strings.Contains(v.page, markup) {
		v.t.Fatalf("%s (%d) lacks %s:\n%s", v.at, v.status, markup, v.page)
	}
	return v
}

// stranger fails the test unless the page is not there for this user.
func (v *guest) stranger(path string) {
	v.t.Helper()
	response, err := v.client.Get(v.base + path)
	v.read(response, err)
	if v.status != http.StatusNotFound {
		v.t.Fatalf("%s answers %d to a stranger", path, v.status)
	}
}

// refused fails the test unless the page shows the rule beside the entry.
func (v *guest) refused(code, entry string) *guest {
	v.t.Helper()
	if v.status < 400 || !strings.Contains(v.page, `id="f-`+entry+`-error" data-code="`+code+`"`) {
		v.t.Fatalf("%s (%d) does not refuse by %s beside %s:\n%s", v.at, v.status, code, entry, v.text())
	}
	return v
}

var (
	markup = regexp.MustCompile(`(?s)<(style|script|svg|option).*?</(style|script|svg|option)>|<[^>]*>`)
	blanks = regexp.MustCompile(`\s+`)
)

// text is what the page says.
func (v *guest) text() string {
	return strings.TrimSpace(blanks.ReplaceAllString(html.UnescapeString(markup.ReplaceAllString(v.page, " ")), " "))
}
