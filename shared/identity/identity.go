// Package identity is who signs: X.509 identities as Fabric knows them, a
// small certificate authority per member, the wallet that keeps keys
// encrypted at rest, and the check of a signature before a transaction
// commits.
//
// It knows nothing of logging in: people, their passwords, sessions and
// tokens are in the package accounts below this one.
package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"

	"github.com/tallyway/tallyway/chaincode"
)

// Identity is a certificate with its key: a ledger.Signer. It is immutable
// and safe for concurrent use.
type Identity struct {
	creator []byte
	caller  chaincode.Caller
	cert    *x509.Certificate
	key     *ecdsa.PrivateKey
}

// New joins a member's id, a certificate in PEM and its key, for identities
// that another authority issued (Fabric CA, cryptogen).
func New(mspID string, certPEM []byte, key *ecdsa.PrivateKey) (*Identity, error) {
	cert, err := parseCertificate(certPEM)
	if err != nil {
		return nil, err
	}
	if key == nil || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("the key is not the certificate's")
	}
	creator, err := proto.Marshal(&msp.SerializedIdentity{Mspid: mspID, IdBytes: certPEM})
	if err != nil {
		return nil, fmt.Errorf("serialize the identity: %w", err)
	}
	caller, err := CallerOf(mspID, cert)
	if err != nil {
		return nil, err
	}
	return &Identity{creator: creator, caller: caller, cert: cert, key: key}, nil
}

// Creator is the serialized Fabric identity. Callers must not change it.
func (i *Identity) Creator() []byte { return i.creator }

// Caller is what the certificate says.
func (i *Identity) Caller() chaincode.Caller {
	c := i.caller
	c.Roles = slices.Clone(c.Roles)
	return c
}

// Sign signs the message with ECDSA P-256 and SHA-256, low S, ASN.1 DER.
func (i *Identity) Sign(message []byte) ([]byte, error) { return sign(i.key, message) }

// Certificate is the identity's certificate. Callers must not change it.
func (i *Identity) Certificate() *x509.Certificate { return i.cert }

// Key is the private key, for the programs that need it as a file or as a
// TLS key. It leaves the wallet's protection.
func (i *Identity) Key() *ecdsa.PrivateKey { return i.key }

// parseCertificate reads exactly one certificate with a P-256 key, in PEM.
// Anything beside it is refused, so that one certificate has one spelling.
func parseCertificate(certPEM []byte) (*x509.Certificate, error) {
	block, rest := pem.Decode(certPEM)
	switch {
	case block == nil:
		return nil, errors.New("the certificate is not in PEM")
	case block.Type != "CERTIFICATE" || len(block.Headers) > 0 || len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("the PEM holds something beside one certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	if k, ok := cert.PublicKey.(*ecdsa.PublicKey); !ok || k.Curve != elliptic.P256() {
		return nil, errors.New("the certificate's key is not ECDSA P-256")
	}
	return cert, nil
}

func encodeCertificate(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
