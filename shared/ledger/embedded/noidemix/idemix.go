// Package idemix stands where Fabric's msp package looks for anonymous
// credentials, and has none. No ledger here knows them, yet kvledger imports
// msp, and msp the real package: six libraries of pairing curves whose tables
// every start computes before main. The go.mod of the suite puts this module in
// its place.
//
// What it declares is what msp needs to compile. Nobody can come by a value:
// both ways in refuse.
package idemix

import (
	"errors"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
)

// ErrLeftOut refuses a member with anonymous credentials.
var ErrLeftOut = errors.New("this program was built without Idemix: members have X.509 certificates")

// NewIdemixMsp refuses with ErrLeftOut.
func NewIdemixMsp(MSPVersion) (MSP, error) { return nil, ErrLeftOut }

// GetIdemixMspConfig refuses with ErrLeftOut.
func GetIdemixMspConfig(dir, id string) (*msp.MSPConfig, error) { return nil, ErrLeftOut }

type (
	// MSPVersion and ProviderType are converted to Fabric's own.
	MSPVersion   int
	ProviderType int

	// Idemixmsp, Idemixidentity and IdemixSigningIdentity have no values.
	Idemixmsp             struct{ MSP }
	Idemixidentity        struct{ Identity }
	IdemixSigningIdentity struct{ SigningIdentity }

	// OUIdentifier and IdentityIdentifier are copied by field.
	OUIdentifier struct {
		CertifiersIdentifier         []byte
		OrganizationalUnitIdentifier string
	}
	IdentityIdentifier struct{ Mspid, Id string }
)

// MSP has the methods that Fabric's interface of that name asks for.
type MSP interface {
	Setup(*msp.MSPConfig) error
	GetVersion() MSPVersion
	GetType() ProviderType
	GetIdentifier() (string, error)
	GetDefaultSigningIdentity() (SigningIdentity, error)
	GetTLSRootCerts() [][]byte
	GetTLSIntermediateCerts() [][]byte
	IsWellFormed(*msp.SerializedIdentity) error
	DeserializeIdentity([]byte) (Identity, error)
	DeserializeIdentityInternal([]byte) (Identity, error)
	Validate(Identity) error
	SatisfiesPrincipal(Identity, *msp.MSPPrincipal) error
}

// Identity has the methods that Fabric's interface of that name asks for.
type Identity interface {
	ExpiresAt() time.Time
	GetIdentifier() *IdentityIdentifier
	GetMSPIdentifier() string
	GetOrganizationalUnits() []*OUIdentifier
	Anonymous() bool
	Validate() error
	Verify(message, signature []byte) error
	Serialize() ([]byte, error)
	SatisfiesPrincipal(*msp.MSPPrincipal) error
}

// SigningIdentity has the methods that Fabric's interface of that name asks for.
type SigningIdentity interface {
	Identity
	Sign(message []byte) ([]byte, error)
	GetPublicVersion() Identity
}
