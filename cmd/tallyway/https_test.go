package main

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/web"
)

// TestTheBaseSaysWhetherVisitorsComeByHTTPS: behind an https address the session
// goes over TLS only and browsers are told to stay there. No header says so: one
// that a proxy sends, anybody can send.
func TestTheBaseSaysWhetherVisitorsComeByHTTPS(t *testing.T) {
	for base, tls := range map[string]bool{"": false, "https://trace.example.com": true} {
		h := open(t, host.Config{Data: filepath.Join(t.TempDir(), "data"), BaseURL: base})
		form := url.Values{"name": {operator.name}, "password": {passphrase}, "next": {"/"}}
		r, err := http.NewRequest("POST", h.Address()+"/login", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Forwarded-Proto", "https")
		a := send(t, r)
		cookies := (&http.Response{Header: a.header}).Cookies()
		if len(cookies) == 0 || a.status != http.StatusSeeOther {
			t.Fatalf("signing in answers %d with the cookies %v", a.status, cookies)
		}
		for _, c := range cookies {
			if c.Name == web.SessionCookie && (c.Secure != tls || !c.HttpOnly) {
				t.Errorf("with the base %q the session's cookie is %v", base, c)
			}
		}
		if hsts := a.header.Get("Strict-Transport-Security"); (hsts != "") != tls {
			t.Errorf("with the base %q browsers are told %q", base, hsts)
		}
		shut(t, h)
	}
}
