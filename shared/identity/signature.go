package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	casn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// halfOrder is half of P-256's order. Of the two signatures (r, s) and
// (r, n-s), Fabric takes the one with s at most this, so that nobody can turn
// a valid signature into another.
var halfOrder = new(big.Int).Rsh(elliptic.P256().Params().N, 1)

type rs struct{ R, S *big.Int }

// lowS signs with the smaller of the two possible S. As a crypto.Signer it
// makes certificates and revocation lists of the same kind, which older
// Fabric clients require of a root.
type lowS struct{ *ecdsa.PrivateKey }

func (k lowS) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	der, err := k.PrivateKey.Sign(random, digest, opts)
	if err != nil {
		return nil, err
	}
	if hasLowS(der) == nil {
		return der, nil
	}
	var sig rs
	if _, err := asn1.Unmarshal(der, &sig); err != nil {
		return nil, err
	}
	sig.S.Sub(elliptic.P256().Params().N, sig.S)
	return asn1.Marshal(sig)
}

func sign(key *ecdsa.PrivateKey, message []byte) ([]byte, error) {
	digest := sha256.Sum256(message)
	return lowS{key}.Sign(rand.Reader, digest[:], crypto.SHA256)
}

// errHighS tells a malleable signature from a wrong one.
var errHighS = errors.New("the signature's S is above half of the curve's order")

// hasLowS checks that the bytes are one DER signature with a low S.
func hasLowS(der []byte) error {
	var sig cryptobyte.String
	rest, r, s := cryptobyte.String(der), new(big.Int), new(big.Int)
	whole := rest.ReadASN1(&sig, casn1.SEQUENCE) && rest.Empty() &&
		sig.ReadASN1Integer(r) && sig.ReadASN1Integer(s) && sig.Empty()
	switch {
	case !whole || s.Sign() <= 0:
		return errors.New("the signature is not ASN.1 DER")
	case s.Cmp(halfOrder) > 0:
		return errHighS
	}
	return nil
}

func verify(key *ecdsa.PublicKey, message, der []byte) error {
	if err := hasLowS(der); err != nil {
		return err
	}
	digest := sha256.Sum256(message)
	if !ecdsa.VerifyASN1(key, digest[:], der) {
		return errors.New("the signature does not belong to the message and the certificate")
	}
	return nil
}
