package web_test

import (
	"io"
	"net/http"
	"testing"
)

func TestSmoke(t *testing.T) {
	h := start(t, nil)
	for _, p := range []string{"/demo/open", "/login", "/api", "/problems", "/api/openapi.json", "/problems/web/role", "/healthz", "/metrics", "/nope", "/demo/panic"} {
		r, err := http.Get(h.URL + p)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(r.Body)
		t.Log(p, r.Status, len(b))
		if r.StatusCode >= 500 {
			t.Log(string(b), h.log.String())
		}
	}
}
