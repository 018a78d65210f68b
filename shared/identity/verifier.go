package identity

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"

	"github.com/tallyway/tallyway/chaincode"
)

// Authorities knows the members. Wallet and Known are two.
type Authorities interface {
	// Authority MUST return ErrUnknownMember for a stranger, and what holds
	// now: a revocation counts from the next call on.
	Authority(mspID string) (*Authority, error)
}

// Known is a fixed set of members by id, for those who verify without a wallet.
type Known map[string]*Authority

// Authority finds a member.
func (k Known) Authority(mspID string) (*Authority, error) {
	if a, ok := k[mspID]; ok {
		return a, nil
	}
	return nil, ErrUnknownMember.Refuse("%s", mspID)
}

// Verifier checks who signed. A creator that it has seen costs one ECDSA
// verification. It is safe for concurrent use.
type Verifier struct {
	authorities Authorities
	clock       func() time.Time

	mu          sync.Mutex
	young, aged map[string]*verified // two generations: bounded without a list
}

// generation is how many creators each of the two generations keeps.
const generation = 4096

// maxCreator bounds what is parsed for a stranger; certificates here have
// about one kilobyte.
const maxCreator = 16 << 10

// verified is a creator whose certificate its member issued.
type verified struct {
	msp    string
	cert   *x509.Certificate
	root   *x509.Certificate
	serial string
	key    *ecdsa.PublicKey
	caller chaincode.Caller
}

// NewVerifier makes a verifier over the members that it may believe.
func NewVerifier(authorities Authorities, clock func() time.Time) *Verifier {
	return &Verifier{authorities: authorities, clock: clock, young: map[string]*verified{}}
}

// Verify tells whose signature over the message this is, or refuses it with
// ErrUnknownMember, ErrCertificate, ErrExpired, ErrRevoked or ErrSignature.
func (v *Verifier) Verify(creator, message, signature []byte) (chaincode.Caller, error) {
	return v.VerifyAt(creator, message, signature, v.clock())
}

// VerifyAt asks the same of another moment: the certificate must have been
// valid then, and a revocation after it does not count.
func (v *Verifier) VerifyAt(creator, message, signature []byte, at time.Time) (chaincode.Caller, error) {
	known, err := v.verifyAt(creator, message, signature, at)
	if err != nil {
		return chaincode.Caller{}, err
	}
	caller := known.caller
	caller.Roles = slices.Clone(caller.Roles)
	return caller, nil
}

// VerifyNodeAt tells which member's node made the signature, as an endorsement
// needs it: a user's is refused with ErrNotNode.
func (v *Verifier) VerifyNodeAt(creator, message, signature []byte, at time.Time) (mspID string, err error) {
	known, err := v.verifyAt(creator, message, signature, at)
	if err != nil {
		return "", err
	}
	if !slices.Contains(known.cert.Subject.OrganizationalUnit, unitNode) {
		return "", ErrNotNode.Refuse("%s of %s", known.caller.User, known.msp)
	}
	return known.msp, nil
}

func (v *Verifier) verifyAt(creator, message, signature []byte, at time.Time) (*verified, error) {
	known, a, err := v.creator(creator)
	if err != nil {
		return nil, err
	}
	if since, ok := a.Revoked[known.serial]; ok && !since.After(at) {
		return nil, ErrRevoked.Refuse("%s of %s, on %s", known.caller.User, known.msp, since.UTC().Format(time.DateOnly))
	}
	if err := within(known.cert, at); err != nil {
		return nil, err
	}
	if err := within(known.root, at); err != nil {
		return nil, err
	}
	if err := verify(known.key, message, signature); err != nil {
		return nil, ErrSignature.Refuse("%s of %s: %s", known.caller.User, known.msp, err)
	}
	return known, nil
}

// creator finds the creator's certificate among those seen, or checks it.
func (v *Verifier) creator(creator []byte) (*verified, *Authority, error) {
	known := v.seen(creator)
	if known != nil {
		a, err := v.authorities.Authority(known.msp)
		if err != nil {
			return nil, nil, err
		}
		if slices.ContainsFunc(a.Roots, known.root.Equal) {
			return known, a, nil
		}
	}
	if len(creator) > maxCreator {
		return nil, nil, ErrCertificate.Refuse("%s bytes", len(creator))
	}
	var id msp.SerializedIdentity
	if err := proto.Unmarshal(creator, &id); err != nil {
		return nil, nil, ErrCertificate.Refuse("%s", "no serialized identity")
	}
	a, err := v.authorities.Authority(id.Mspid)
	if err != nil {
		return nil, nil, err
	}
	if known, err = a.check(id.IdBytes); err != nil {
		return nil, nil, ErrCertificate.Refuse("%s: %s", id.Mspid, err)
	}
	v.remember(creator, known)
	return known, a, nil
}

// check finds the root that issued the certificate.
func (a *Authority) check(certPEM []byte) (*verified, error) {
	cert, err := parseCertificate(certPEM)
	if err != nil {
		return nil, err
	}
	switch {
	case cert.IsCA:
		return nil, fmt.Errorf("an authority's certificate signs no transaction")
	case cert.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return nil, fmt.Errorf("the certificate is not for signatures")
	case len(cert.UnhandledCriticalExtensions) > 0:
		return nil, fmt.Errorf("the certificate has a critical extension that is not known here")
	}
	if err := hasLowS(cert.Signature); err != nil {
		return nil, fmt.Errorf("the certificate: %w", err)
	}
	i := slices.IndexFunc(a.Roots, func(root *x509.Certificate) bool {
		return string(root.RawSubject) == string(cert.RawIssuer) && cert.CheckSignatureFrom(root) == nil
	})
	if i < 0 {
		return nil, fmt.Errorf("none of its roots issued the certificate")
	}
	caller, err := CallerOf(a.MSP, cert)
	if err != nil {
		return nil, err
	}
	return &verified{
		msp: a.MSP, cert: cert, root: a.Roots[i], serial: serialText(cert.SerialNumber),
		key: cert.PublicKey.(*ecdsa.PublicKey), caller: caller,
	}, nil
}

func (v *Verifier) seen(creator []byte) *verified {
	v.mu.Lock()
	defer v.mu.Unlock()
	if known, ok := v.young[string(creator)]; ok {
		return known
	}
	known, ok := v.aged[string(creator)]
	if ok {
		v.put(string(creator), known)
	}
	return known
}

func (v *Verifier) remember(creator []byte, known *verified) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.put(string(creator), known)
}

func (v *Verifier) put(creator string, known *verified) {
	if len(v.young) >= generation {
		v.aged, v.young = v.young, map[string]*verified{}
	}
	v.young[creator] = known
}

// within refuses a certificate that is not valid at the moment.
func within(cert *x509.Certificate, at time.Time) error {
	if at.Before(cert.NotBefore) || at.After(cert.NotAfter) {
		return ErrExpired.Refuse("%s: valid from %s to %s", cert.Subject.CommonName,
			cert.NotBefore.UTC().Format(time.RFC3339), cert.NotAfter.UTC().Format(time.RFC3339))
	}
	return nil
}

// Vouches reports whether a certificate, shown to open a connection, is one of
// the member's for somebody of a company, valid now and not revoked.
func (a *Authority) Vouches(cert *x509.Certificate, party string, now time.Time) bool {
	known, err := a.check(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
	if err != nil || known.caller.Party != party || within(cert, now) != nil {
		return false
	}
	revoked, ends := a.Revoked[known.serial]
	return !ends || revoked.After(now)
}
