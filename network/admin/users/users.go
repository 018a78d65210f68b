// Package users enters people and devices at a member's Fabric CA and enrols
// them: the certificate that comes back says for which party its holder acts,
// and in which roles, as the contracts read it.
//
// It keeps no wallet: what an enrolment gives is two files.
package users

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hyperledger/fabric-sdk-go/pkg/client/msp"
	"github.com/hyperledger/fabric-sdk-go/pkg/core/config"
	"github.com/hyperledger/fabric-sdk-go/pkg/fabsdk"
	"gopkg.in/yaml.v2"
)

// The attributes of a certificate that the contracts read. Roles are separated
// by commas.
const (
	PartyAttribute = "tw.party"
	RolesAttribute = "tw.roles"
)

// The files of an enrolled user, in PEM.
const (
	certFile = "cert.pem"
	keyFile  = "key.pem"
)

// Authority is a member's Fabric CA.
type Authority struct {
	URL       string
	Name      string // of the CA on its server; empty for its first
	TLSCACert string // file
}

// User is who is entered.
type User struct {
	ID    string
	Party string
	Roles []string
}

// Register enters a user in the name of a registrar, whose enrolment is in a
// folder as Enrol writes it, and gives the secret that lets the user enrol.
func Register(a Authority, registrar string, u User) (secret string, err error) {
	if u.ID == "" || u.Party == "" || len(u.Roles) == 0 {
		return "", errors.New("a user has an id, a party and a role")
	}
	err = a.with(func(stores string) (string, error) { return deposit(stores, registrar) }, func(ca *msp.Client, _ string) error {
		secret, err = ca.Register(&msp.RegistrationRequest{
			Name: u.ID, Type: "client", MaxEnrollments: -1,
			Attributes: []msp.Attribute{
				{Name: PartyAttribute, Value: u.Party, ECert: true},
				{Name: RolesAttribute, Value: strings.Join(u.Roles, ","), ECert: true},
			},
		})
		return err
	})
	if err != nil {
		return "", fmt.Errorf("register %s: %w", u.ID, err)
	}
	return secret, nil
}

// Enrol makes a key, has its certificate issued, and writes both to a folder.
// The key never leaves this machine.
func Enrol(a Authority, id, secret, folder string) error {
	err := a.with(nil, func(ca *msp.Client, stores string) error {
		if err := ca.Enroll(id, msp.WithSecret(secret)); err != nil {
			return err
		}
		enrolled, err := ca.GetSigningIdentity(id)
		if err != nil {
			return err
		}
		// The SDK's key cannot be exported: its file is moved.
		key := filepath.Join(stores, "keystore", hex.EncodeToString(enrolled.PrivateKey().SKI())+"_sk")
		return withdraw(folder, enrolled.EnrollmentCertificate(), key)
	})
	if err != nil {
		return fmt.Errorf("enrol %s: %w", id, err)
	}
	return nil
}

func withdraw(folder string, cert []byte, key string) error {
	text, err := os.ReadFile(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, keyFile), text, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, certFile), cert, 0o644)
}

// organization is what the SDK wants a name for, though a CA serves but one.
const organization = "member"

// with opens the SDK on the authority and on stores that it forgets
// afterwards. The identity put there by prepare is the registrar.
func (a Authority) with(prepare func(stores string) (registrar string, err error), act func(ca *msp.Client, stores string) error) (err error) {
	if !strings.HasPrefix(a.URL, "https://") {
		return fmt.Errorf("%q is not https://: secrets would travel in the clear", a.URL)
	}
	stores, err := os.MkdirTemp("", "fabric-admin-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(stores)) }()
	var registrar string
	if prepare != nil {
		if registrar, err = prepare(stores); err != nil {
			return err
		}
	}
	document, err := yaml.Marshal(a.document(stores, registrar))
	if err != nil {
		return err
	}
	sdk, err := fabsdk.New(config.FromRaw(document, "yaml"))
	if err != nil {
		return err
	}
	defer sdk.Close()
	ca, err := msp.New(sdk.Context(), msp.WithOrg(organization))
	if err != nil {
		return err
	}
	return act(ca, stores)
}

// document is the SDK's configuration.
func (a Authority) document(stores, registrar string) any {
	type m = map[string]any
	authority := m{"url": a.URL, "caName": a.Name, "tlsCACerts": m{"path": a.TLSCACert}}
	if registrar != "" {
		authority["registrar"] = m{"enrollId": registrar}
	}
	return m{
		"version": "1.0",
		"client": m{
			"organization":    organization,
			"logging":         m{"level": "critical"},
			"credentialStore": m{"path": stores, "cryptoStore": m{"path": stores}},
		},
		"organizations":          m{organization: m{"mspid": organization, "cryptoPath": stores, "certificateAuthorities": []string{"ca"}}},
		"certificateAuthorities": m{"ca": authority},
	}
}

// deposit lays an enrolment into the SDK's stores, under the names by which it
// looks for them, and tells whose it is.
func deposit(stores, folder string) (id string, err error) {
	cert, err := os.ReadFile(filepath.Join(folder, certFile))
	if err != nil {
		return "", err
	}
	key, err := os.ReadFile(filepath.Join(folder, keyFile))
	if err != nil {
		return "", err
	}
	block, _ := pem.Decode(cert)
	if block == nil {
		return "", fmt.Errorf("%s holds no certificate", filepath.Join(folder, certFile))
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", err
	}
	ski, err := subjectKeyIdentifier(parsed)
	if err != nil {
		return "", err
	}
	id = parsed.Subject.CommonName
	if err := os.MkdirAll(filepath.Join(stores, "keystore"), 0o700); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(stores, "keystore", ski+"_sk"), key, 0o600); err != nil {
		return "", err
	}
	return id, os.WriteFile(filepath.Join(stores, id+"@"+organization+"-cert.pem"), cert, 0o600)
}

// subjectKeyIdentifier is how Fabric names a key: the SHA-256 of its public
// point.
func subjectKeyIdentifier(c *x509.Certificate) (string, error) {
	public, ok := c.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return "", errors.New("the registrar's key is not ECDSA")
	}
	point, err := public.ECDH()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(point.Bytes())
	return hex.EncodeToString(sum[:]), nil
}
