package identity

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"time"
)

// holder is a user's or a node's file.
type holder struct {
	Enrolment
	Ends     []ending
	identity *Identity
}

// ending is when an earlier certificate of the same holder ends.
type ending struct {
	Serial   string    `json:"serial"`
	NotAfter time.Time `json:"notAfter"`
	At       time.Time `json:"at"`
}

type holderFile struct {
	Enrolment
	Node bool     `json:"node,omitempty"`
	Cert []byte   `json:"cert"`
	Key  []byte   `json:"key"`
	Ends []ending `json:"ends,omitempty"`
}

func (h *holder) serial() string { return serialText(h.identity.cert.SerialNumber) }

// ends lists the earlier certificates that have not run out by themselves.
func (h *holder) ends(now time.Time) []ending {
	return slices.DeleteFunc(slices.Clone(h.Ends), func(e ending) bool { return now.After(e.NotAfter) })
}

func (w *Wallet) writeHolder(h *holder) error {
	key, err := x509.MarshalPKCS8PrivateKey(h.identity.key)
	if err != nil {
		return err
	}
	b, err := json.Marshal(holderFile{h.Enrolment, h.node, h.identity.cert.Raw, key, h.Ends})
	if err != nil {
		return err
	}
	defer w.forget(h.path())
	return w.vault.write(h.path(), b)
}

func decodeHolder(b []byte) (*holder, error) {
	var f holderFile
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	key, err := decodeKey(f.Key)
	if err != nil {
		return nil, err
	}
	id, err := New(f.MSP, encodeCertificate(f.Cert), key)
	if err != nil {
		return nil, err
	}
	h := &holder{Enrolment: f.Enrolment, Ends: f.Ends, identity: id}
	h.node = f.Node
	return h, nil
}

func decodeKey(der []byte) (*ecdsa.PrivateKey, error) {
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := k.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("a %T where an ECDSA key was expected", k)
	}
	return key, nil
}

func (e Enrolment) path() string {
	if e.node {
		return nodePath(e.MSP)
	}
	return userPath(e.MSP, e.User)
}

func memberPath(mspID string) string {
	return strings.Join([]string{membersDir, mspID, authorityFile}, "/")
}

func nodePath(mspID string) string { return strings.Join([]string{membersDir, mspID, nodeFile}, "/") }

func userPath(mspID, user string) string {
	return strings.Join([]string{membersDir, mspID, usersDir, url.PathEscape(user)}, "/")
}

func serialText(n *big.Int) string { return n.Text(16) }
