package blobs

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"
)

// bucket keeps files as objects of a store that speaks S3: Amazon's, MinIO,
// Ceph, Garage and others. Four requests are all it takes, so no client library
// is in the program: the one of the Go CDK makes it 16 MB larger.
type bucket struct {
	http   *http.Client
	at     *url.URL // of the bucket
	prefix string   // of every key
	signer signer
	pause  time.Duration // before the second try, twice as long before the third
}

// Bounds of what a store may answer with.
const (
	mostBytes = 64 << 20 // of an object; what the apps keep is smaller
	mostList  = 8 << 20  // of a page of a list
	tries     = 3
)

// bucketName is what S3 allows.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// openBucket takes s3://bucket/prefix?endpoint=https://host&region=name. Without
// an endpoint it is Amazon's of the region. The keys come from the environment,
// under the names that all tools of S3 read.
func openBucket(u *url.URL) (place, error) {
	q := u.Query()
	b := &bucket{http: &http.Client{Timeout: 2 * time.Minute}, prefix: strings.Trim(u.Path, "/"), pause: 200 * time.Millisecond,
		signer: signer{key: os.Getenv("AWS_ACCESS_KEY_ID"), secret: os.Getenv("AWS_SECRET_ACCESS_KEY"), token: os.Getenv("AWS_SESSION_TOKEN"), region: q.Get("region"), now: time.Now}}
	for name := range q {
		if name != "endpoint" && name != "region" {
			return nil, fmt.Errorf("%q is no part of an address: say endpoint and region", name)
		}
	}
	switch {
	case !bucketName.MatchString(u.Host) || u.User != nil:
		return nil, errors.New("say s3://, the name of a bucket and nothing secret: keys are in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	case b.signer.key == "" || b.signer.secret == "":
		return nil, errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set")
	case b.signer.region == "" && q.Get("endpoint") == "":
		return nil, errors.New("say the region, or the endpoint of a store that is not Amazon's")
	}
	if b.signer.region == "" {
		b.signer.region = "us-east-1" // what stores without regions go by
	}
	if b.prefix != "" {
		b.prefix += "/"
	}
	endpoint := q.Get("endpoint")
	if endpoint == "" {
		endpoint = "https://s3." + b.signer.region + ".amazonaws.com"
	}
	at, err := url.Parse(endpoint)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" || strings.Trim(at.Path, "/") != "" || at.RawQuery != "" || at.User != nil {
		return nil, fmt.Errorf("the endpoint %q is no https:// with a host and nothing behind it", endpoint)
	}
	b.at = at.JoinPath("/" + u.Host)
	return b, nil
}

func (b *bucket) folder() string { return "" }

// put sends the content with its name as checksum, which the store compares: S3
// answers when the object is stored safely, and never with half of it.
func (b *bucket) put(ctx context.Context, name string, content []byte) error {
	_, err := b.do(ctx, http.MethodPut, b.at.JoinPath(b.prefix+name), content, 1<<20)
	return err
}

func (b *bucket) get(ctx context.Context, name string) ([]byte, error) {
	return b.do(ctx, http.MethodGet, b.at.JoinPath(b.prefix+name), nil, mostBytes)
}

func (b *bucket) remove(ctx context.Context, name string) error {
	_, err := b.do(ctx, http.MethodDelete, b.at.JoinPath(b.prefix+name), nil, 1<<20)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// listed is a page of ListObjectsV2.
type listed struct {
	Contents []struct {
		Key          string
		LastModified time.Time
	}
	IsTruncated           bool
	NextContinuationToken string
}

// sweep leaves alone what has no blob's name: no half write lies in a bucket,
// and what does is somebody else's.
func (b *bucket) sweep(ctx context.Context, before time.Time, wanted func(name string) (bool, error)) error {
	for token := ""; ; {
		page, err := b.list(ctx, token)
		if err != nil {
			return err
		}
		for _, o := range page.Contents {
			name, ours := strings.CutPrefix(o.Key, b.prefix)
			if !ours || !isName(name) || o.LastModified.After(before) {
				continue
			}
			keep, err := wanted(name)
			if err == nil && !keep {
				err = b.remove(ctx, name)
			}
			if err != nil {
				return err
			}
		}
		if token = page.NextContinuationToken; !page.IsTruncated || token == "" {
			return nil
		}
	}
}

func (b *bucket) list(ctx context.Context, token string) (page listed, err error) {
	u, q := *b.at, url.Values{"list-type": {"2"}, "prefix": {b.prefix}}
	if token != "" {
		q.Set("continuation-token", token)
	}
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
	body, err := b.do(ctx, http.MethodGet, &u, nil, mostList)
	if err != nil {
		return page, err
	}
	return page, xml.Unmarshal(body, &page)
}

// do sends a request, and again where the store could not answer: every one of
// them says the same the second time.
func (b *bucket) do(ctx context.Context, method string, to *url.URL, content []byte, most int64) (body []byte, err error) {
	for try := range tries {
		if try > 0 {
			select {
			case <-ctx.Done():
				return nil, err
			case <-time.After(b.pause << (try - 1)):
			}
		}
		var again bool
		if body, again, err = b.once(ctx, method, to, content, most); !again {
			return body, err
		}
	}
	return nil, err
}

func (b *bucket) once(ctx context.Context, method string, to *url.URL, content []byte, most int64) (body []byte, again bool, err error) {
	request, err := http.NewRequestWithContext(ctx, method, to.String(), bytes.NewReader(content))
	if err != nil {
		return nil, false, err
	}
	b.signer.sign(request, Name(content))
	answer, err := b.http.Do(request)
	if err != nil {
		return nil, ctx.Err() == nil, err
	}
	defer answer.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(answer.Body, most+1)); err != nil {
		return nil, ctx.Err() == nil, err
	}
	switch code := answer.StatusCode; {
	case code == http.StatusNotFound && method != http.MethodPut && !bytes.Contains(body, []byte("NoSuchBucket")):
		return nil, false, ErrNotFound
	case code/100 != 2:
		return nil, code >= 500 || code == http.StatusTooManyRequests, refused(answer.Status, body)
	case int64(len(body)) > most:
		return nil, false, fmt.Errorf("the object store answers with more than %d bytes", most)
	}
	return body, false, nil
}

// refused is what the store says, by its code: the rest may name keys.
func refused(status string, body []byte) error {
	var said struct{ Code string }
	if xml.Unmarshal(body, &said) != nil || said.Code == "" {
		return fmt.Errorf("the object store answers %s", status)
	}
	return fmt.Errorf("the object store answers %s: %.100s", status, said.Code)
}
