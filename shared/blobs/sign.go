package blobs

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// signer signs requests to S3: AWS Signature Version 4.
type signer struct {
	key, secret, token, region string
	now                        func() time.Time
}

// sign adds the headers that say who asks. sum is the SHA-256 of the body.
func (s signer) sign(r *http.Request, sum string) {
	at := s.now().UTC()
	stamp, day := at.Format("20060102T150405Z"), at.Format("20060102")
	r.Header.Set("X-Amz-Date", stamp)
	r.Header.Set("X-Amz-Content-Sha256", sum)
	if s.token != "" {
		r.Header.Set("X-Amz-Security-Token", s.token)
	}
	names, lines := signedHeaders(r)
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), canonicalQuery(r.URL.RawQuery), lines, names, sum}, "\n")
	scope := day + "/" + s.region + "/s3/aws4_request"
	key := []byte("AWS4" + s.secret)
	for _, part := range []string{day, s.region, "s3", "aws4_request"} {
		key = mac(key, part)
	}
	signature := mac(key, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+Name([]byte(canonical)))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s.key+"/"+scope+",SignedHeaders="+names+",Signature="+hex.EncodeToString(signature))
}

// signedHeaders are the host and all of X-Amz-: their names, and a line each.
func signedHeaders(r *http.Request) (names, lines string) {
	all := []string{"host"}
	for name := range r.Header {
		if low := strings.ToLower(name); strings.HasPrefix(low, "x-amz-") {
			all = append(all, low)
		}
	}
	slices.Sort(all)
	for _, name := range all {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.URL.Host
		}
		lines += name + ":" + strings.TrimSpace(value) + "\n"
	}
	return strings.Join(all, ";"), lines
}

// canonicalQuery has the parameters in order, each with a sign of equality.
func canonicalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	parts := strings.Split(raw, "&")
	for i, p := range parts {
		if !strings.Contains(p, "=") {
			parts[i] += "="
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "&")
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text)) // never fails
	return h.Sum(nil)
}
