package identity

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"
)

// crlValidity is how long a published list may be relied upon.
const crlValidity = 7 * 24 * time.Hour

// Authority is a member as others see it: its roots of all generations, and
// which certificates it has revoked from when on. It does not change: a
// member that changes is another value.
type Authority struct {
	MSP     string
	Roots   []*x509.Certificate
	Revoked map[string]time.Time // by serial number, hexadecimal
}

// ParseAuthority reads a member's roots (one or more certificates in PEM) and
// its revocation list (PEM, may be empty), where no wallet is at hand.
func ParseAuthority(mspID string, rootsPEM, crlPEM []byte) (*Authority, error) {
	a := &Authority{MSP: mspID, Revoked: map[string]time.Time{}}
	for block, rest := pem.Decode(rootsPEM); block != nil; block, rest = pem.Decode(rest) {
		cert, err := parseCertificate(pem.EncodeToMemory(block))
		if err != nil {
			return nil, fmt.Errorf("the root of %s: %w", mspID, err)
		}
		if !cert.IsCA {
			return nil, fmt.Errorf("the root of %s is no authority's certificate", mspID)
		}
		a.Roots = append(a.Roots, cert)
	}
	if len(a.Roots) == 0 {
		return nil, fmt.Errorf("%s has no root in PEM", mspID)
	}
	if len(crlPEM) == 0 {
		return a, nil
	}
	return a, a.readCRL(crlPEM)
}

func (a *Authority) readCRL(crlPEM []byte) error {
	block, rest := pem.Decode(crlPEM)
	if block == nil {
		return fmt.Errorf("the revocation list of %s is not in PEM", a.MSP)
	}
	for ; block != nil; block, rest = pem.Decode(rest) {
		list, err := x509.ParseRevocationList(block.Bytes)
		if err != nil {
			return fmt.Errorf("read the revocation list of %s: %w", a.MSP, err)
		}
		signed := func(root *x509.Certificate) bool { return list.CheckSignatureFrom(root) == nil }
		if !slices.ContainsFunc(a.Roots, signed) {
			return fmt.Errorf("the revocation list of %s is signed by none of its roots", a.MSP)
		}
		for _, entry := range list.RevokedCertificateEntries {
			a.Revoked[serialText(entry.SerialNumber)] = entry.RevocationTime
		}
	}
	return nil
}

// member is a member with its authorities' keys.
type member struct {
	msp         string
	authorities []*authority // the last one issues
	revoked     map[string]time.Time
	public      *Authority
}

func (m *member) current() *authority { return m.authorities[len(m.authorities)-1] }

func (m *member) clone() *member {
	return &member{msp: m.msp, authorities: slices.Clone(m.authorities), revoked: maps.Clone(m.revoked)}
}

// crl signs the list of what is revoked by now. Revocations that a rotation
// has set for later stay out: Fabric does not look at the date of an entry.
func (m *member) crl(now time.Time) ([]byte, error) {
	template := &x509.RevocationList{
		Number:     big.NewInt(now.UnixMicro()),
		ThisUpdate: now,
		NextUpdate: now.Add(crlValidity),
	}
	for _, text := range slices.Sorted(maps.Keys(m.revoked)) {
		n, ok := new(big.Int).SetString(text, 16)
		if !ok {
			return nil, fmt.Errorf("%s is no serial number", text)
		}
		if at := m.revoked[text]; !at.After(now) {
			template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
				x509.RevocationListEntry{SerialNumber: n, RevocationTime: nextSecond(at)})
		}
	}
	var all []byte
	for _, a := range slices.Backward(m.authorities) {
		der, err := x509.CreateRevocationList(rand.Reader, template, a.cert, lowS{a.key})
		if err != nil {
			return nil, fmt.Errorf("sign the revocation list of %s: %w", m.msp, err)
		}
		all = append(all, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})...)
	}
	return all, nil
}

// nextSecond rounds up, as a list knows whole seconds only and must not revoke
// what was signed before.
func nextSecond(t time.Time) time.Time { return t.Add(time.Second - 1).Truncate(time.Second) }

type memberFile struct {
	MSP         string               `json:"msp"`
	Authorities []authorityRow       `json:"authorities"`
	Revoked     map[string]time.Time `json:"revoked"`
}

type authorityRow struct {
	Cert []byte `json:"cert"`
	Key  []byte `json:"key"`
}

func (w *Wallet) writeMember(m *member) error {
	f := memberFile{MSP: m.msp, Revoked: m.revoked}
	for _, a := range m.authorities {
		key, err := x509.MarshalPKCS8PrivateKey(a.key)
		if err != nil {
			return err
		}
		f.Authorities = append(f.Authorities, authorityRow{a.cert.Raw, key})
	}
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	defer w.forget(memberPath(m.msp))
	return w.vault.write(memberPath(m.msp), b)
}

func decodeMember(b []byte) (*member, error) {
	var f memberFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	if len(f.Authorities) == 0 {
		return nil, errors.New("the member has no authority")
	}
	m := &member{msp: f.MSP, revoked: f.Revoked, public: &Authority{MSP: f.MSP, Revoked: f.Revoked}}
	if m.revoked == nil {
		m.revoked = map[string]time.Time{}
	}
	for _, row := range f.Authorities {
		cert, err := x509.ParseCertificate(row.Cert)
		if err != nil {
			return nil, err
		}
		key, err := decodeKey(row.Key)
		if err != nil {
			return nil, err
		}
		m.authorities = append(m.authorities, &authority{cert, key})
		m.public.Roots = append(m.public.Roots, cert)
	}
	return m, nil
}
