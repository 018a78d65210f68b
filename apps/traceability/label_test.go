package traceability

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tallyway/tallyway/shared/web"
	"github.com/tallyway/tallyway/shared/web/webtest"
)

// TestALabelLeadsToTheBase: a code on a pack outlives the address that its
// printer came to.
func TestALabelLeadsToTheBase(t *testing.T) {
	w := viewsHost(t)
	a := &app{host: w.Host, directory: newDirectory(w.DB, w.Follower)}
	face := web.New(web.Config{Auth: webtest.NewUsers()})
	face.Mount(web.App{Name: "labels", Routes: []web.Route{{Method: "GET", Path: "/label", Name: "labels.show", Access: web.Public,
		Handler: func(c *web.Ctx) error { return c.String(http.StatusOK, a.label(c, lotRow{ID: m1, GTIN: milkGTIN}).URL) }}}})
	for base, want := range map[string]string{"": "http://127.0.0.1:8080/" + m1, "https://trace.example.com": "https://trace.example.com/" + m1} {
		w.Host.Config.BaseURL = base
		answer := httptest.NewRecorder()
		asked := httptest.NewRequest("GET", "http://127.0.0.1:8080/label", nil)
		asked.RemoteAddr = "127.0.0.1:50000"           // a proxy here, …
		asked.Header.Set("X-Forwarded-Proto", "https") // … which passes on what anybody can say
		asked.Header.Set("X-Forwarded-Host", "evil.example")
		face.ServeHTTP(answer, asked)
		if got := answer.Body.String(); got != want {
			t.Errorf("with the base %q the code holds %q, want %q", base, got, want)
		}
	}
}
