package network

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Certificates begin in the past, so that a demo can tell a history that is
// older than its network.
const (
	backdated         = 90 * 24 * time.Hour
	authorityLifetime = 15 * 365 * 24 * time.Hour
	nodeLifetime      = 2 * 365 * 24 * time.Hour
)

// pair is a certificate with its key.
type pair struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// lowS signs as Fabric wants it: of the two signatures (r, s) and (r, n-s) that
// ECDSA accepts, the one with the smaller s. Older software of Fabric, which
// administers networks to this day, takes no certificate with the other.
type lowS struct{ *ecdsa.PrivateKey }

func (k lowS) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	der, err := k.PrivateKey.Sign(random, digest, opts)
	if err != nil {
		return nil, err
	}
	var signature struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &signature); err != nil {
		return nil, err
	}
	order := k.Curve.Params().N
	if half := new(big.Int).Rsh(order, 1); signature.S.Cmp(half) > 0 {
		signature.S.Sub(order, signature.S)
	}
	return asn1.Marshal(signature)
}

// newAuthority makes a certificate authority.
func newAuthority(organisation, name string, now time.Time) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{organisation}, CommonName: name},
		NotBefore:             now.Add(-backdated),
		NotAfter:              now.Add(authorityLifetime),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
	}
	return sign(template, key, pair{template, key})
}

// leaf says for whom an authority issues.
type leaf struct {
	name  string
	unit  string   // the node's kind: peer, orderer, admin or client; none for TLS
	hosts []string // for TLS: names and addresses under which it is reached
	key   *ecdsa.PrivateKey

	lifetime time.Duration
}

// issue makes a certificate, with a new key unless the leaf brings one.
func (ca pair) issue(l leaf, now time.Time) (pair, error) {
	template := &x509.Certificate{
		Subject:   pkix.Name{Organization: ca.cert.Subject.Organization, CommonName: l.name},
		NotBefore: now.Add(-backdated),
		NotAfter:  now.Add(l.lifetime),
		KeyUsage:  x509.KeyUsageDigitalSignature,
	}
	if l.unit != "" {
		template.Subject.OrganizationalUnit = []string{l.unit}
	} else {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	for _, host := range l.hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	if l.key == nil {
		var err error
		if l.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return pair{}, err
		}
	}
	return sign(template, l.key, ca)
}

func sign(template *x509.Certificate, key *ecdsa.PrivateKey, ca pair) (pair, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return pair{}, err
	}
	template.SerialNumber = serial
	if template.SubjectKeyId, err = keyID(key); err != nil {
		return pair{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), lowS{ca.key})
	if err != nil {
		return pair{}, err
	}
	cert, err := x509.ParseCertificate(der)
	return pair{cert, key}, err
}

// keyID is how Fabric names a key: the hash of its point.
func keyID(key *ecdsa.PrivateKey) ([]byte, error) {
	public, err := key.PublicKey.ECDH()
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(public.Bytes())
	return id[:], nil
}

// keyFile is the name under which Fabric's key stores look for the key.
func (p pair) keyFile() string { return hex.EncodeToString(p.cert.SubjectKeyId) + "_sk" }

func (p pair) certPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw})
}

func (p pair) keyPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// write puts both into files, the key for its owner only.
func (p pair) write(certFile, keyFile string) error {
	key, err := p.keyPEM()
	if err != nil {
		return err
	}
	if err := writeFile(keyFile, key, 0o600); err != nil {
		return err
	}
	return writeFile(certFile, p.certPEM(), 0o644)
}

// readPair reads what write wrote.
func readPair(certFile, keyFile string) (p pair, err error) {
	if p.cert, err = readCertificate(certFile); err != nil {
		return p, err
	}
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return p, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return p, fmt.Errorf("%s: not PEM", keyFile)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return p, fmt.Errorf("%s: %w", keyFile, err)
	}
	p.key, _ = key.(*ecdsa.PrivateKey)
	if p.key == nil {
		return p, errors.New(keyFile + ": not an ECDSA key")
	}
	return p, nil
}

func readCertificate(file string) (*x509.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s: not PEM", file)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return cert, nil
}

// writeFile writes whole or not at all, and makes the folder. A file that says
// the same already is left alone.
func writeFile(file string, content []byte, mode os.FileMode) error {
	if old, err := os.ReadFile(file); err == nil && string(old) == string(content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
