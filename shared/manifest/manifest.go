// Package manifest lists the files that are handed over together, each with its
// SHA-256, and signs the list with a key of the wallet: a detached JWS (RFC 7515,
// appendix F) with ES256 and the certificate chain in its header. Whoever has
// the files can check them without a server; which files belong together is
// left to the apps.
package manifest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/shared/identity"
)

// The names under which a manifest and its signature lie beside the files.
const (
	Name      = "manifest.json"
	Signature = "manifest.jws"
)

// Manifest is the list.
type Manifest struct {
	Title  string    `json:"title"`
	Note   string    `json:"note,omitempty"` // what the files were narrowed to
	Made   time.Time `json:"made"`
	Member string    `json:"member"` // who signs: MSP, company, user
	Party  string    `json:"party,omitempty"`
	User   string    `json:"user"`
	Files  []File    `json:"files"`
}

// File is one file of the list.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hexadecimal
}

// Add writes a file to w and lists it.
func (m *Manifest) Add(w io.Writer, name string, write func(io.Writer) error) error {
	c := &counter{to: w, sum: sha256.New()}
	if err := write(c); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	m.Files = append(m.Files, File{name, c.size, hex.EncodeToString(c.sum.Sum(nil))})
	return nil
}

type counter struct {
	to   io.Writer
	sum  hash.Hash
	size int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	c.sum.Write(b[:n])
	c.size += int64(n)
	return n, err
}

type header struct {
	Alg   string   `json:"alg"`
	Chain []string `json:"x5c"` // base64 of DER, the signer's first
}

// Sign gives the manifest's text and its signature. The authorities are PEM;
// the one that issued the signer's certificate goes along.
func (m Manifest) Sign(by *identity.Identity, authorities []byte) (text, jws []byte, err error) {
	if text, err = json.MarshalIndent(m, "", "  "); err != nil {
		return nil, nil, err
	}
	h := header{"ES256", []string{base64.StdEncoding.EncodeToString(by.Certificate().Raw)}}
	for block, rest := pem.Decode(authorities); block != nil; block, rest = pem.Decode(rest) {
		ca, err := x509.ParseCertificate(block.Bytes)
		if err == nil && by.Certificate().CheckSignatureFrom(ca) == nil {
			h.Chain = append(h.Chain, base64.StdEncoding.EncodeToString(ca.Raw))
			break
		}
	}
	if len(h.Chain) < 2 {
		return nil, nil, errors.New("sign a manifest: the authority of the signer's certificate is not at hand")
	}
	head, err := json.Marshal(h)
	if err != nil {
		return nil, nil, err
	}
	protected := base64.RawURLEncoding.EncodeToString(head)
	der, err := by.Sign(signed(protected, text))
	if err != nil {
		return nil, nil, fmt.Errorf("sign a manifest: %w", err)
	}
	var sig struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &sig); err != nil {
		return nil, nil, fmt.Errorf("sign a manifest: %w", err)
	}
	raw := make([]byte, 64)
	sig.R.FillBytes(raw[:32])
	sig.S.FillBytes(raw[32:])
	return text, []byte(protected + ".." + base64.RawURLEncoding.EncodeToString(raw)), nil
}

// signed is what a signature is over.
func signed(protected string, text []byte) []byte {
	return []byte(protected + "." + base64.RawURLEncoding.EncodeToString(text))
}

// Checked is a manifest whose signature holds.
type Checked struct {
	Manifest
	Signer    *x509.Certificate
	Authority *x509.Certificate // what the chain ends in
	Trusted   bool              // it is among the authorities that were named
}

// Check reads a manifest and its signature. Trusted authorities are PEM; without
// any, the chain in the signature is taken, and whoever reads compares its end.
func Check(text, jws, trusted []byte) (Checked, error) {
	var c Checked
	parts := strings.Split(strings.TrimSpace(string(jws)), ".")
	if len(parts) != 3 || parts[1] != "" {
		return c, errors.New("the signature is not a detached JWS")
	}
	chain, err := chainOf(parts[0])
	if err != nil {
		return c, err
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[2])
	key, ok := chain[0].PublicKey.(*ecdsa.PublicKey)
	if err != nil || len(raw) != 64 || !ok || key.Curve != elliptic.P256() {
		return c, errors.New("the signature is not one of ES256")
	}
	digest := sha256.Sum256(signed(parts[0], text))
	if !ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])) {
		return c, errors.New("the signature does not fit the manifest: one of the two was changed")
	}
	if err := json.Unmarshal(text, &c.Manifest); err != nil {
		return c, fmt.Errorf("read the manifest: %w", err)
	}
	c.Signer, c.Authority = chain[0], chain[len(chain)-1]
	return c, c.trust(chain, trusted)
}

func chainOf(protected string) ([]*x509.Certificate, error) {
	b, err := base64.RawURLEncoding.DecodeString(protected)
	var h header
	if err != nil || json.Unmarshal(b, &h) != nil || h.Alg != "ES256" || len(h.Chain) < 2 || len(h.Chain) > 10 {
		return nil, errors.New("the signature's header is not one with ES256 and a certificate chain")
	}
	var chain []*x509.Certificate
	for _, text := range h.Chain {
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("read the signature's chain: %w", err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("read the signature's chain: %w", err)
		}
		chain = append(chain, cert)
	}
	return chain, nil
}

// trust checks the chain as it was when the manifest was made.
func (c *Checked) trust(chain []*x509.Certificate, trusted []byte) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	if c.Trusted = len(trusted) > 0; !c.Trusted {
		roots.AddCert(c.Authority)
	} else if !roots.AppendCertsFromPEM(trusted) {
		return errors.New("no certificate of an authority was given")
	}
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	_, err := c.Signer.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: c.Made, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	if err != nil {
		return fmt.Errorf("the signer's certificate is not of the authority: %w", err)
	}
	is, err := identity.CallerOf(c.Member, c.Signer)
	if err != nil {
		return fmt.Errorf("read the signer's certificate: %w", err)
	}
	if is.User != c.User || is.Party != c.Party || !slices.Contains(c.Signer.Subject.Organization, c.Member) {
		return fmt.Errorf("the manifest names %s of %q, the certificate is of %s of %q", c.User, c.Party, is.User, is.Party)
	}
	return nil
}

// Fingerprint is a certificate's SHA-256, in hexadecimal.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// Compare compares the files, each of which open gives, with the list. The first
// that differs or lacks is the error.
func (m Manifest) Compare(open func(name string) (io.ReadCloser, error)) error {
	for _, f := range m.Files {
		r, err := open(f.Name)
		if err != nil {
			return fmt.Errorf("%s is listed but not there: %w", f.Name, err)
		}
		sum := sha256.New()
		n, err := io.Copy(sum, io.LimitReader(r, f.Size+1))
		if err = errors.Join(err, r.Close()); err != nil {
			return fmt.Errorf("read %s: %w", f.Name, err)
		}
		want, err := hex.DecodeString(f.SHA256)
		if err != nil || n != f.Size || !bytes.Equal(sum.Sum(nil), want) {
			return fmt.Errorf("%s differs from what was signed", f.Name)
		}
	}
	return nil
}
