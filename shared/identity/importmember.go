package identity

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
)

// ImportMember takes over a member's authority that was made elsewhere, such as
// the certificate authority of an organisation of a Fabric network, so that the
// wallet issues its users' certificates. One that is known already stays as it
// is; another one becomes the member's newest.
func (w *Wallet) ImportMember(mspID string, certPEM, keyPEM []byte) error {
	if err := (Enrolment{MSP: mspID, User: nodeFile}).check(); err != nil {
		return err
	}
	a, err := parseAuthorityWithKey(certPEM, keyPEM)
	if err != nil {
		return fmt.Errorf("import the authority of %s: %w", mspID, err)
	}
	return w.change(func() error {
		m, err := w.member(mspID)
		if errors.Is(err, ErrUnknownMember) {
			m, err = &member{msp: mspID}, nil
		}
		if err != nil {
			return err
		}
		for _, known := range m.authorities {
			if bytes.Equal(known.cert.Raw, a.cert.Raw) {
				return nil
			}
		}
		next := m.clone()
		next.authorities = append(next.authorities, a)
		return w.writeMember(next)
	})
}

func parseAuthorityWithKey(certPEM, keyPEM []byte) (*authority, error) {
	cert, err := parseCertificate(certPEM)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(keyPEM)
	if block == nil {
		return nil, errors.New("the key is not in PEM")
	}
	key, err := decodeKey(block.Bytes)
	switch {
	case err != nil:
		return nil, err
	case !cert.IsCA:
		return nil, errors.New("the certificate is no authority's")
	case !key.PublicKey.Equal(cert.PublicKey):
		return nil, errors.New("the key is not the certificate's")
	}
	return &authority{cert, key}, nil
}
