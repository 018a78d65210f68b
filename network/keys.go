package network

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// An organisation's folder holds its three authorities, its two MSPs as others
// see them, and what each of its processes and administrators signs with:
//
//	ca, tlsca, ordererca (.crt, .key)
//	msp, orderermsp                    certificates only, for the genesis block
//	users/Admin, users/OrdererAdmin    msp
//	users/Participation                tls
//	peer, orderer                      msp and tls
//	contracts                          tls
//
// Of other organisations a host knows tlsca.crt.
type keys struct {
	dir string
	org Organisation
}

func (n *Network) keys(o Organisation) keys {
	return keys{filepath.Join(n.dir, "organisations", o.Name), o}
}

func (k keys) Path(parts ...string) string {
	return filepath.Join(append([]string{k.dir}, parts...)...)
}

// The files of TLS, as the configurations name them.
func (k keys) TLSAuthority() string      { return k.Path("tlsca.crt") }
func (k keys) TLSCert(who string) string { return k.Path(who, "tls", "server.crt") }
func (k keys) TLSKey(who string) string  { return k.Path(who, "tls", "server.key") }

// mspFolder, signCert and signKey are what a node or user signs with.
func (k keys) MSP(who string) string      { return k.Path(who, "msp") }
func (k keys) SignCert(who string) string { return k.Path(who, "msp", "signcerts", "cert.pem") }
func (k keys) signKey(who string) (string, error) {
	found, err := filepath.Glob(k.Path(who, "msp", "keystore", "*_sk"))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%s: one key was expected, there are %d", k.Path(who, "msp", "keystore"), len(found))
	}
	return found[0], nil
}

// authorities of an organisation, by the names of their files.
const (
	memberAuthority  = "ca"
	tlsAuthority     = "tlsca"
	ordererAuthority = "ordererca"
)

func (k keys) authority(name string) (pair, error) {
	return readPair(k.Path(name+".crt"), k.Path(name+".key"))
}

// holders are those who sign: where their keys lie, by which authority, as
// what, for how long. An orderer signs with one certificate as long as its
// authority lives: the others know it by that certificate, byte for byte, from
// the channel's configuration.
var holders = []struct {
	who, authority, unit string
	lifetime             time.Duration
}{
	{"peer", memberAuthority, "peer", nodeLifetime},
	{"users/Admin", memberAuthority, "admin", nodeLifetime},
	{ordererSigner, ordererAuthority, "orderer", authorityLifetime},
	{"users/OrdererAdmin", ordererAuthority, "admin", nodeLifetime},
}

const ordererSigner = "orderer"

// speakers are those who speak TLS; the last one only to orderers'
// administration.
var speakers = []string{"peer", "orderer", "contracts", "users/Participation"}

// make makes the organisation's keys if it has none yet, all or nothing.
func (k keys) make(now time.Time) error {
	if _, err := os.Stat(k.dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fresh := keys{k.dir + ".new", k.org}
	if err := os.RemoveAll(fresh.dir); err != nil {
		return err
	}
	if err := fresh.makeAll(now); err != nil {
		return fmt.Errorf("make the keys of %s: %w", k.org.Name, err)
	}
	return os.Rename(fresh.dir, k.dir)
}

func (k keys) makeAll(now time.Time) error {
	for _, name := range []string{memberAuthority, tlsAuthority, ordererAuthority} {
		ca, err := newAuthority(k.org.MSPID, name+"."+k.org.Name, now)
		if err != nil {
			return err
		}
		if err := ca.write(k.Path(name+".crt"), k.Path(name+".key")); err != nil {
			return err
		}
	}
	if err := k.describeMSP(k.Path("msp"), memberAuthority); err != nil {
		return err
	}
	if err := k.describeMSP(k.Path("orderermsp"), ordererAuthority); err != nil {
		return err
	}
	for _, h := range holders {
		if err := k.certify(h.who, now, nil); err != nil {
			return err
		}
	}
	for _, who := range speakers {
		if err := k.certifyTLS(who, now, nil); err != nil {
			return err
		}
	}
	return nil
}

// certify gives a node or user its signing certificate, and a new key unless
// it keeps one.
func (k keys) certify(who string, now time.Time, key *ecdsa.PrivateKey) error {
	for _, h := range holders {
		if h.who != who {
			continue
		}
		ca, err := k.authority(h.authority)
		if err != nil {
			return err
		}
		p, err := ca.issue(leaf{name: filepath.Base(who) + "." + k.org.Name, unit: h.unit, key: key, lifetime: h.lifetime}, now)
		if err != nil {
			return err
		}
		if err := k.describeMSP(k.MSP(who), h.authority); err != nil {
			return err
		}
		return p.write(k.SignCert(who), k.Path(who, "msp", "keystore", p.keyFile()))
	}
	return fmt.Errorf("%s does not sign", who)
}

// certifyTLS gives a process its TLS certificate, valid for the organisation's
// host and, so that the launcher can ask on the host itself, for 127.0.0.1.
func (k keys) certifyTLS(who string, now time.Time, key *ecdsa.PrivateKey) error {
	ca, err := k.authority(tlsAuthority)
	if err != nil {
		return err
	}
	hosts := []string{k.org.Host}
	for _, local := range []string{"127.0.0.1", "localhost"} {
		if local != k.org.Host {
			hosts = append(hosts, local)
		}
	}
	p, err := ca.issue(leaf{name: filepath.Base(who) + "." + k.org.Name, hosts: hosts, key: key, lifetime: nodeLifetime}, now)
	if err != nil {
		return err
	}
	return p.write(k.TLSCert(who), k.TLSKey(who))
}

// nodeUnits makes a certificate's organisational unit say what its holder is.
const nodeUnits = `NodeOUs:
  Enable: true
  ClientOUIdentifier: {OrganizationalUnitIdentifier: client}
  PeerOUIdentifier: {OrganizationalUnitIdentifier: peer}
  AdminOUIdentifier: {OrganizationalUnitIdentifier: admin}
  OrdererOUIdentifier: {OrganizationalUnitIdentifier: orderer}
`

// describeMSP writes what makes a folder an MSP: whom it trusts.
func (k keys) describeMSP(folder, authority string) error {
	for file, from := range map[string]string{
		"cacerts/ca.pem":       k.Path(authority + ".crt"),
		"tlscacerts/tlsca.pem": k.Path(tlsAuthority + ".crt"),
	} {
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(folder, file), text, 0o644); err != nil {
			return err
		}
	}
	return writeFile(filepath.Join(folder, "config.yaml"), []byte(nodeUnits), 0o644)
}
