package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tallyway/tallyway/chaincode"
)

// Validity of what an authority issues, unless an enrolment says otherwise.
const (
	rootValidity = 20 * 365 * 24 * time.Hour
	userValidity = 365 * 24 * time.Hour
	nodeValidity = 5 * 365 * 24 * time.Hour
	// backdate lets a machine whose clock is behind accept a new certificate.
	backdate = 5 * time.Minute
)

// attributeOID is Fabric CA's attribute extension: a JSON object as the
// extension's value, read by Fabric's cid library.
var attributeOID = asn1.ObjectIdentifier{1, 2, 3, 4, 5, 6, 7, 8, 1}

// Attributes of a user's certificate.
const (
	attrUser  = "hf.EnrollmentID"
	attrParty = "tw.party"
	attrRoles = "tw.roles" // separated by commas
)

type attributes struct {
	Attrs map[string]string `json:"attrs"`
}

// Enrolment is what a certificate is to say.
type Enrolment struct {
	MSP      string        `json:"msp"`
	User     string        `json:"user"`
	Party    string        `json:"party,omitempty"`
	Roles    []string      `json:"roles,omitempty"`
	Device   bool          `json:"device,omitempty"` // a machine, not a person
	ValidFor time.Duration `json:"validFor,omitempty"`
	node     bool
}

// authority is a member's root of one generation.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(mspID string, now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the authority's key: %w", err)
	}
	id, err := keyID(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "ca." + mspID, Organization: []string{mspID}},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(rootValidity),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
		SubjectKeyId:          id,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, lowS{key})
	if err != nil {
		return nil, fmt.Errorf("sign the authority's certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	return &authority{cert, key}, err
}

// issue makes a key and a certificate that says what the enrolment says.
func (a *authority) issue(e Enrolment, now time.Time) (certDER []byte, key *ecdsa.PrivateKey, err error) {
	if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, nil, fmt.Errorf("make the key of %s: %w", e.User, err)
	}
	template, err := e.template(&key.PublicKey, now)
	if err != nil {
		return nil, nil, err
	}
	if template.NotAfter.After(a.cert.NotAfter) {
		template.NotAfter = a.cert.NotAfter
	}
	certDER, err = x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, lowS{a.key})
	if err != nil {
		return nil, nil, fmt.Errorf("sign the certificate of %s: %w", e.User, err)
	}
	return certDER, key, nil
}

func (e Enrolment) template(key *ecdsa.PublicKey, now time.Time) (*x509.Certificate, error) {
	id, err := keyID(key)
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: e.User, Organization: []string{e.MSP}, OrganizationalUnit: e.units()},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(e.validFor()),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		SubjectKeyId:          id,
	}
	if e.node {
		return t, nil
	}
	value, err := json.Marshal(attributes{map[string]string{
		attrUser: e.User, attrParty: e.Party, attrRoles: strings.Join(e.Roles, ","),
	}})
	if err != nil {
		return nil, fmt.Errorf("encode the attributes of %s: %w", e.User, err)
	}
	t.ExtraExtensions = []pkix.Extension{{Id: attributeOID, Value: value}}
	return t, nil
}

// Units of a certificate.
const (
	unitClient = "client"
	unitNode   = "peer"
	unitDevice = "device"
)

// units are the organisational units by which Fabric tells clients from
// peers. Its node classification reads exactly one of its own words; "device"
// beside it is ours.
func (e Enrolment) units() []string {
	switch {
	case e.node:
		return []string{unitNode}
	case e.Device:
		return []string{unitClient, unitDevice}
	default:
		return []string{unitClient}
	}
}

func (e Enrolment) validFor() time.Duration {
	switch {
	case e.ValidFor > 0:
		return e.ValidFor
	case e.node:
		return nodeValidity
	default:
		return userValidity
	}
}

// check keeps an enrolment to what a certificate, a file name and a list
// separated by commas can carry.
func (e Enrolment) check() error {
	switch {
	case !validMSP(e.MSP):
		return ErrEnrolment.Refuse("the member %s", e.MSP).On("msp")
	case !validName(e.User, nameMarks):
		return ErrEnrolment.Refuse("the user name %s", e.User).On("user")
	case e.Party != "" && !validName(e.Party, "._-:"):
		return ErrEnrolment.Refuse("the party %s", e.Party).On("party")
	case e.ValidFor < 0:
		return ErrEnrolment.Refuse("the validity %s", e.ValidFor).On("validFor")
	}
	for _, role := range e.Roles {
		if !validName(role, "._-") {
			return ErrEnrolment.Refuse("the role %s", role).On("roles")
		}
	}
	return nil
}

// nameMarks may stand in a user's name, beside letters and digits.
const nameMarks = "._@-"

// maxName is in bytes: X.520's upper bound for a common name.
const maxName = 64

// validName takes letters and digits of any script, and the given marks after
// the first place.
func validName(s, marks string) bool {
	if s == "" || len(s) > maxName || !utf8.ValidString(s) {
		return false
	}
	for i, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) && (i == 0 || !strings.ContainsRune(marks, r)) {
			return false
		}
	}
	return true
}

// validMSP keeps to ASCII: a member's id names a private collection too.
func validMSP(s string) bool {
	return validName(s, "._-") && strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

// CallerOf reads what a certificate says of its holder. One without the
// attribute extension (a node, an identity of cryptogen) acts for no party
// and has no roles.
func CallerOf(mspID string, cert *x509.Certificate) (chaincode.Caller, error) {
	c := chaincode.Caller{Org: mspID, User: cert.Subject.CommonName}
	for _, ext := range cert.Extensions {
		if !ext.Id.Equal(attributeOID) {
			continue
		}
		var a attributes
		if err := json.Unmarshal(ext.Value, &a); err != nil {
			return chaincode.Caller{}, fmt.Errorf("read the certificate's attributes: %w", err)
		}
		c.Party = a.Attrs[attrParty]
		if user := a.Attrs[attrUser]; user != "" {
			c.User = user
		}
		if roles := a.Attrs[attrRoles]; roles != "" {
			c.Roles = strings.Split(roles, ",")
		}
	}
	if c.User == "" {
		return chaincode.Caller{}, errors.New("the certificate names nobody")
	}
	return c, nil
}

// serial is 127 random bits: positive, and within RFC 5280's 20 bytes.
func serial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b) // never fails: the runtime stops the program first
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b)
}

// keyID is RFC 5280's key identifier, section 4.2.1.2, method 1.
func keyID(key *ecdsa.PublicKey) ([]byte, error) {
	point, err := key.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encode the public key: %w", err)
	}
	sum := sha1.Sum(point)
	return sum[:], nil
}
