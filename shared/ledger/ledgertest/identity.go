package ledgertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
)

// attributes is the extension that Fabric CA keeps a certificate's attributes in.
var attributes = asn1.ObjectIdentifier{1, 2, 3, 4, 5, 6, 7, 8, 1}

// Members are organisations with a certificate authority each: enough identity
// for a test, and the Verifier of what they issue.
type Members struct {
	authorities map[string]*authority
	mu          sync.Mutex
	known       map[string]*known // by creator
}

type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	node        ledger.Signer
}

type known struct {
	key    *ecdsa.PublicKey
	caller chaincode.Caller
}

// NewMembers founds the organisations.
func NewMembers(orgs ...string) *Members {
	m := &Members{authorities: map[string]*authority{}, known: map[string]*known{}}
	for _, org := range orgs {
		key := newKey()
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca." + org},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
		der := must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
		m.authorities[org] = &authority{certificate: must(x509.ParseCertificate(der)), key: key}
		m.authorities[org].node = m.User(org, "", nodeName(org))
	}
	return m
}

// User enrols somebody.
func (m *Members) User(org, party, user string, roles ...string) ledger.Signer {
	a, key := m.authorities[org], newKey()
	attrs := map[string]any{"attrs": map[string]string{"tw.party": party, "tw.roles": strings.Join(roles, ",")}}
	template := &x509.Certificate{SerialNumber: must(rand.Int(rand.Reader, big.NewInt(1<<62))),
		Subject: pkix.Name{CommonName: user, OrganizationalUnit: []string{unitOf(org, user)}}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:        x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{{Id: attributes, Value: must(json.Marshal(attrs))}}}
	der := issue(template, a, &key.PublicKey)
	creator := must(proto.Marshal(&msp.SerializedIdentity{Mspid: org,
		IdBytes: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}))
	return &signer{creator: creator, key: key,
		caller: chaincode.Caller{Org: org, Party: party, User: user, Roles: roles}}
}

// issue signs a certificate until its signature has a low S, as Fabric wants it.
func issue(template *x509.Certificate, by *authority, key *ecdsa.PublicKey) []byte {
	for {
		der := must(x509.CreateCertificate(rand.Reader, template, by.certificate, key, by.key))
		if lowS(must(x509.ParseCertificate(der)).Signature) {
			return der
		}
	}
}

// unitOf is how Fabric tells nodes from clients.
func unitOf(org, user string) string {
	if user == nodeName(org) {
		return "peer"
	}
	return "client"
}

func nodeName(org string) string { return "peer0." + org }

// Orgs are the members, in order.
func (m *Members) Orgs() []string { return slices.Sorted(maps.Keys(m.authorities)) }

// Node is a member's node.
func (m *Members) Node(org string) (ledger.Signer, error) {
	a, ok := m.authorities[org]
	if !ok {
		return nil, fmt.Errorf("%s has no node", org)
	}
	return a.node, nil
}

// VerifyAt is Verify: the members' certificates do not end.
func (m *Members) VerifyAt(creator, message, signature []byte, _ time.Time) (chaincode.Caller, error) {
	return m.Verify(creator, message, signature)
}

// VerifyNodeAt says whose node it is.
func (m *Members) VerifyNodeAt(creator, message, signature []byte, _ time.Time) (string, error) {
	caller, err := m.Verify(creator, message, signature)
	if err != nil {
		return "", err
	}
	if caller.User != nodeName(caller.Org) {
		return "", errors.New("only a member's node endorses")
	}
	return caller.Org, nil
}

// Verify checks a signature and the certificate of who made it.
func (m *Members) Verify(creator, message, signature []byte) (chaincode.Caller, error) {
	who, err := m.who(creator)
	if err != nil {
		return chaincode.Caller{}, err
	}
	digest := sha256.Sum256(message)
	if !lowS(signature) || !ecdsa.VerifyASN1(who.key, digest[:], signature) {
		return chaincode.Caller{}, errors.New("the signature is not by the creator")
	}
	return who.caller, nil
}

func (m *Members) who(creator []byte) (*known, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k, ok := m.known[string(creator)]; ok {
		return k, nil
	}
	var id msp.SerializedIdentity
	if err := proto.Unmarshal(creator, &id); err != nil {
		return nil, fmt.Errorf("read the creator: %w", err)
	}
	block, _ := pem.Decode(id.IdBytes)
	a := m.authorities[id.Mspid]
	if block == nil || a == nil {
		return nil, fmt.Errorf("the creator is nobody's certificate in %q", id.Mspid)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the creator's certificate: %w", err)
	}
	if err := c.CheckSignatureFrom(a.certificate); err != nil {
		return nil, fmt.Errorf("%s did not issue the certificate: %w", id.Mspid, err)
	}
	k := &known{c.PublicKey.(*ecdsa.PublicKey), callerOf(id.Mspid, c)}
	m.known[string(creator)] = k
	return k, nil
}

func callerOf(org string, c *x509.Certificate) chaincode.Caller {
	caller := chaincode.Caller{Org: org, User: c.Subject.CommonName}
	for _, e := range c.Extensions {
		var v struct{ Attrs map[string]string }
		if e.Id.Equal(attributes) && json.Unmarshal(e.Value, &v) == nil {
			caller.Party = v.Attrs["tw.party"]
			if v.Attrs["tw.roles"] != "" {
				caller.Roles = strings.Split(v.Attrs["tw.roles"], ",")
			}
		}
	}
	return caller
}

type signer struct {
	creator []byte
	key     *ecdsa.PrivateKey
	caller  chaincode.Caller
}

func (s *signer) Creator() []byte          { return s.creator }
func (s *signer) Caller() chaincode.Caller { return s.caller }

func (s *signer) Sign(message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	r, sv, err := ecdsa.Sign(rand.Reader, s.key, digest[:])
	if err != nil {
		return nil, err
	}
	if sv.Cmp(halfOrder) > 0 {
		sv.Sub(elliptic.P256().Params().N, sv)
	}
	return asn1.Marshal(rs{r, sv})
}

type rs struct{ R, S *big.Int }

var halfOrder = new(big.Int).Rsh(elliptic.P256().Params().N, 1)

func lowS(signature []byte) bool {
	var v rs
	_, err := asn1.Unmarshal(signature, &v)
	return err == nil && v.S.Cmp(halfOrder) <= 0
}

func newKey() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

// must panics: what it guards fails only if the program is wrong.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// exported is one authority on its way to another process: a certificate in
// DER and its key in PKCS #8.
type exported struct{ Certificate, Key []byte }

// Export writes the authorities, with their keys, for Import in another
// process of the same test.
func (m *Members) Export() []byte {
	all := map[string]exported{}
	for org, a := range m.authorities {
		all[org] = exported{a.certificate.Raw, must(x509.MarshalPKCS8PrivateKey(a.key))}
	}
	return must(json.Marshal(all))
}

// Import reads what Export wrote. Nodes are enrolled anew.
func Import(b []byte) (*Members, error) {
	var all map[string]exported
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	m := &Members{authorities: map[string]*authority{}, known: map[string]*known{}}
	for org, e := range all {
		certificate, err := x509.ParseCertificate(e.Certificate)
		if err != nil {
			return nil, err
		}
		key, err := x509.ParsePKCS8PrivateKey(e.Key)
		if err != nil {
			return nil, err
		}
		m.authorities[org] = &authority{certificate: certificate, key: key.(*ecdsa.PrivateKey)}
		m.authorities[org].node = m.User(org, "", nodeName(org))
	}
	return m, nil
}

// CACert is the certificate of a member's authority in PEM.
func (m *Members) CACert(org string) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: m.authorities[org].certificate.Raw})
}
