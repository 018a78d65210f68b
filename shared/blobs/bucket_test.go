package blobs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// object is the store of an S3 server in this program, and what it was asked.
// wrap may stand between.
func object(t *testing.T, wrap func(http.Handler) http.Handler) (*Store, *s3mem.Backend) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	mem := s3mem.New()
	if err := mem.CreateBucket("papers"); err != nil {
		t.Fatal(err)
	}
	handler := http.Handler(gofakes3.New(mem, gofakes3.WithIntegrityCheck(true)).Server())
	if wrap != nil {
		handler = wrap(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	s, err := Open("s3://papers/farm/one?region=eu-west-1&endpoint=" + url.QueryEscape(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	s.place.(*bucket).pause = time.Millisecond
	return s, mem
}

// What a folder does, a bucket does.
func TestABucketKeepsBlobs(t *testing.T) {
	s, mem := object(t, nil)
	name, err := s.Put(t.Context(), []byte("milk"))
	if err != nil || name != Name([]byte("milk")) {
		t.Fatal(name, err)
	}
	if _, err := s.Put(t.Context(), []byte("milk")); err != nil {
		t.Error(err)
	}
	if got, err := s.Get(t.Context(), name); err != nil || string(got) != "milk" {
		t.Errorf("%s, %v", got, err)
	}
	put(t, mem, "farm/one/"+name, "whey")
	if _, err := s.Get(t.Context(), name); !errors.Is(err, ErrDamaged) {
		t.Errorf("a damaged file is read: %v", err)
	}
	if err := errors.Join(s.Delete(t.Context(), name), s.Delete(t.Context(), name), s.Delete(t.Context(), "../x")); err != nil {
		t.Error(err)
	}
	for _, gone := range []string{name, "", "..", name[1:]} {
		if _, err := s.Get(t.Context(), gone); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", gone, err)
		}
	}
	large := bytes.Repeat([]byte("0123456789abcdef"), 20<<16) // 20 MB
	if name, err = s.Put(t.Context(), large); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), name); err != nil || !bytes.Equal(got, large) {
		t.Errorf("%d bytes come back: %v", len(got), err)
	}
}

func put(t *testing.T, mem *s3mem.Backend, key, content string) {
	t.Helper()
	if _, err := mem.PutObject("papers", key, map[string]string{}, strings.NewReader(content), int64(len(content)), nil); err != nil {
		t.Fatal(err)
	}
}

// A sweep reads every page of the list, and lets be what others have put there.
func TestASweepOfABucket(t *testing.T) {
	s, mem := object(t, nil)
	const many = 1100 // a page has 1,000
	keep := map[string]bool{}
	for i := range many {
		name := Name(fmt.Append(nil, i))
		put(t, mem, "farm/one/"+name, fmt.Sprint(i))
		keep[name] = i%100 == 0
	}
	put(t, mem, "farm/one/README", "not ours")
	put(t, mem, "farm/two/"+Name([]byte("x")), "another host's")
	wanted := func(name string) (bool, error) { return keep[name], nil }
	if err := s.Sweep(t.Context(), time.Now().Add(-time.Hour), wanted); err != nil || left(t, mem) != many+2 {
		t.Fatalf("what is young is swept: %d left, %v", left(t, mem), err)
	}
	if err := s.Sweep(t.Context(), time.Now().Add(time.Hour), wanted); err != nil {
		t.Fatal(err)
	}
	if n := left(t, mem); n != many/100+2 {
		t.Errorf("%d objects are left", n)
	}
	for name, kept := range keep {
		if _, err := s.Get(t.Context(), name); (err == nil) != kept {
			t.Fatalf("%s is there: %v", name, err == nil)
		}
	}
}

func left(t *testing.T, mem *s3mem.Backend) int {
	t.Helper()
	all, err := mem.ListBucket("papers", &gofakes3.Prefix{}, gofakes3.ListBucketPage{MaxKeys: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	return len(all.Contents)
}

// A store that stumbles is asked again; one that refuses is not, and its answer
// does not become an ErrNotFound that would take a file for lost.
func TestAStoreThatStumbles(t *testing.T) {
	var asked atomic.Int64
	var answer atomic.Value
	answer.Store(func(w http.ResponseWriter, n int64) bool { return false })
	s, _ := object(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !answer.Load().(func(http.ResponseWriter, int64) bool)(w, asked.Add(1)) {
				next.ServeHTTP(w, r)
			}
		})
	})
	say := func(code, text string, status, first int) {
		asked.Store(0)
		answer.Store(func(w http.ResponseWriter, n int64) bool {
			if n > int64(first) {
				return false
			}
			w.WriteHeader(status)
			io.WriteString(w, "<Error><Code>"+code+"</Code><Message>"+text+"</Message></Error>")
			return true
		})
	}
	say("SlowDown", "", 503, 2)
	if _, err := s.Put(t.Context(), []byte("milk")); err != nil || asked.Load() != 3 {
		t.Errorf("%v after %d tries", err, asked.Load())
	}
	say("SlowDown", "", 503, 99)
	if _, err := s.Put(t.Context(), []byte("milk")); err == nil || asked.Load() != tries || !strings.Contains(err.Error(), "SlowDown") {
		t.Errorf("%v after %d tries", err, asked.Load())
	}
	say("AccessDenied", "key AKIDEXAMPLE", 403, 99)
	_, err := s.Get(t.Context(), Name([]byte("milk")))
	if err == nil || errors.Is(err, ErrNotFound) || asked.Load() != 1 || !strings.Contains(err.Error(), "AccessDenied") || strings.Contains(err.Error(), "AKID") {
		t.Errorf("%v after %d tries", err, asked.Load())
	}
	say("NoSuchBucket", "", 404, 99)
	if _, err := s.Get(t.Context(), Name([]byte("milk"))); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("a bucket that is gone is taken for a file that is: %v", err)
	}
}

// The signatures of Amazon's own examples: "Signature Calculations for the
// Authorization Header" in the reference of S3's API.
func TestSignaturesAreAmazons(t *testing.T) {
	s := signer{key: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", region: "us-east-1",
		now: func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) }}
	for query, want := range map[string]string{
		"lifecycle":           "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
		"max-keys=2&prefix=J": "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
		"prefix=J&max-keys=2": "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
	} {
		r := httptest.NewRequest("GET", "https://examplebucket.s3.amazonaws.com/?"+query, nil)
		s.sign(r, Name(nil))
		if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, ",Signature="+want) ||
			!strings.HasPrefix(got, "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;x-amz-content-sha256;x-amz-date,") {
			t.Errorf("%s: %s", query, got)
		}
	}
	s.token = "for a day"
	r := httptest.NewRequest("GET", "https://examplebucket.s3.amazonaws.com/", nil)
	if s.sign(r, Name(nil)); !strings.Contains(r.Header.Get("Authorization"), ";x-amz-security-token,") || r.Header.Get("X-Amz-Security-Token") != "for a day" {
		t.Error("a session's token is not signed")
	}
}

func TestTheAddressOfABucket(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "k")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	for address, want := range map[string]string{
		"s3://papers?region=eu-west-1":                              "https://s3.eu-west-1.amazonaws.com/papers",
		"s3://papers/a/b/?endpoint=http://127.0.0.1:9000":           "http://127.0.0.1:9000/papers",
		"s3://papers?endpoint=https://s3.example.com/&region=north": "https://s3.example.com/papers",
	} {
		s, err := Open(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.place.(*bucket).at.String(); got != want || s.Dir() != "" {
			t.Errorf("%s is %s", address, got)
		}
	}
	for _, bad := range []string{"s3://papers", "s3://", "s3://UPPER?region=x", "s3://key:secret@papers?region=x", "s3://papers?region=x&key=y", "s3://papers?endpoint=ftp://x", "s3://papers?endpoint=https://x/path"} {
		if _, err := Open(bad); err == nil {
			t.Errorf("%q opens", bad)
		}
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if _, err := Open("s3://papers?region=x"); err == nil || !strings.Contains(err.Error(), "AWS_SECRET_ACCESS_KEY") {
		t.Errorf("without keys: %v", err)
	}
}
