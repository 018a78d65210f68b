package web

import (
	"errors"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/tallyway/tallyway/chaincode"
)

type fuzzed struct {
	Name  string    `form:"name,required" json:"name"`
	Count int8      `form:"count" json:"count"`
	At    time.Time `form:"at" json:"at"`
	Tags  []string  `form:"tags" json:"tags"`
	Lines []struct {
		N uint `form:"n,required" json:"n"`
	} `form:"lines" json:"lines"`
}

// FuzzForm: any form is read or refused beside a field, and what was read
// fills the same form again.
func FuzzForm(f *testing.F) {
	f.Add("name=x&count=7&at=2026-11-21T10:00&at.zone=%2B08:00&lines.0.n=1&lines.7.n=2&tags=a&tags=b")
	f.Add("name=+&count=999&at=never&lines.-1.n=1&lines.99999999999.n=1&lines.0=x&lines..n=1")
	f.Fuzz(func(t *testing.T, query string) {
		typed, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		first, refusals := read(typed)
		for _, no := range refusals {
			if no.Field == "" || no.Code == "" {
				t.Fatalf("refused without a field: %v", no)
			}
		}
		if len(refusals) > 0 {
			return
		}
		again := url.Values{}
		unbind(reflect.ValueOf(first), "", again)
		second, refusals := read(again)
		if len(refusals) > 0 || second.Name != first.Name || second.Count != first.Count || len(second.Lines) > len(first.Lines) {
			t.Fatalf("%+v became %+v: %v", first, second, refusals)
		}
	})
}

func read(typed url.Values) (v fuzzed, refusals []*chaincode.Refusal) {
	b := binder{typed: typed, zone: time.UTC}
	b.bind(reflect.ValueOf(&v).Elem(), "")
	return v, b.refusals
}

// FuzzJSON: any body is read or refused by a rule, and nothing nests deeper
// than allowed.
func FuzzJSON(f *testing.F) {
	f.Add(`{"name":"x","lines":[{"n":1}]}`)
	f.Add(strings.Repeat("[", 100))
	f.Add(`"\"[[["`)
	f.Fuzz(func(t *testing.T, body string) {
		var v fuzzed
		var no *chaincode.Refusal
		if err := decodeJSON([]byte(body), &v); err != nil && !errors.As(err, &no) {
			t.Fatal(err)
		}
	})
}

// FuzzWords: facts stay facts, whatever they hold, and headers never panic.
func FuzzWords(f *testing.F) {
	f.Add("%s of %s", "500", "%s", "zh;q=0.9, en")
	f.Add("%2 / %1 %", "a", "b", ";q=;,")
	f.Fuzz(func(t *testing.T, format, a, b, header string) {
		got := fill("<"+format+">", []string{a, b})
		if !strings.HasPrefix(got, "<") || !strings.HasSuffix(got, ">") {
			t.Fatal(got)
		}
		if got := fill("%s|%s", []string{a, b}); got != a+"|"+b {
			t.Fatalf("%q", got)
		}
		if lang := negotiate(header); lang != "en" && lang != "zh" {
			t.Fatal(lang)
		}
		_ = prefers(header, "application/json", "text/html")
		if to := local(header); !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
			t.Fatal(to)
		}
	})
}

func TestBucketsForgetTheOldest(t *testing.T) {
	b, now := newBuckets(Rate{PerSecond: 1, Burst: 1}, 2), time.Unix(0, 0)
	for _, key := range []string{"a", "b", "c"} {
		if wait := b.take(key, now); wait != 0 {
			t.Errorf("%s waits %v", key, wait)
		}
	}
	if len(b.byID) != 2 || b.seen.Len() != 2 {
		t.Errorf("%d keys, %d seen", len(b.byID), b.seen.Len())
	}
	if wait := b.take("c", now.Add(time.Second/2)); wait != time.Second/2 {
		t.Errorf("waits %v", wait)
	}
	if wait := b.take("c", now.Add(time.Second)); wait != 0 {
		t.Errorf("still waits %v", wait)
	}
	if network("2001:db8::1") != network("2001:db8::ffff") || network("::ffff:192.0.2.1") != "192.0.2.1" {
		t.Error("addresses of one visitor count apart")
	}
}

func TestOneRecordHasManyDresses(t *testing.T) {
	for _, x := range []struct{ id, accept, wantID, want string }{
		{"L-1", "text/html,*/*;q=0.8", "L-1", ""}, {"L-1", "*/*", "L-1", ""}, {"L-1", "", "L-1", ""},
		{"L-1.pdf", "text/html", "L-1", "pdf"}, {"urn:epc:id:sgtin:9506000.134352.1.xlsx", "", "urn:epc:id:sgtin:9506000.134352.1", "xlsx"},
		{"L.2", "application/xml", "L.2", "xml"}, {"L-1", "application/ld+json, text/html;q=0.9", "L-1", "jsonld"}, {".pdf", "", ".pdf", ""},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept", x.accept)
		ec := echo.New().NewContext(r, httptest.NewRecorder())
		ec.SetParamNames("id")
		ec.SetParamValues(x.id)
		if id, dress := (&Ctx{request: ec}).Dress("id"); id != x.wantID || dress != x.want {
			t.Errorf("%s as %q: %s in %q", x.id, x.accept, id, dress)
		}
	}
}
