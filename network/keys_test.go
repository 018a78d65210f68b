package network

import (
	"crypto/x509"
	"encoding/asn1"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// certificates are all that an organisation has, by their files.
func certificates(t *testing.T, k keys) map[string]*x509.Certificate {
	t.Helper()
	found := map[string]*x509.Certificate{}
	must(t, filepath.WalkDir(k.dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".crt", ".pem"}, filepath.Ext(file)) {
			return err
		}
		cert, err := readCertificate(file)
		name, _ := filepath.Rel(k.dir, file)
		found[filepath.ToSlash(name)] = cert
		return err
	}))
	return found
}

func newKeys(t *testing.T, now time.Time) keys {
	t.Helper()
	k := keys{filepath.Join(t.TempDir(), "dairy"), Organisation{Name: "dairy", MSPID: "DairyMSP", Host: "dairy.example", Port: 7050}}
	must(t, k.make(now))
	return k
}

// TestKeysSuitOldAndNewFabric looks at what Fabric asks of certificates, its
// older SDK included.
func TestKeysSuitOldAndNewFabric(t *testing.T) {
	now := time.Now()
	half := new(big.Int)
	for range 5 { // a signature is low by chance every other time
		k := newKeys(t, now)
		all := certificates(t, k)
		for name, cert := range all {
			var signature struct{ R, S *big.Int }
			_, err := asn1.Unmarshal(cert.Signature, &signature)
			must(t, err)
			if signature.S.Cmp(half.Rsh(elliptic256Order(t, k), 1)) > 0 {
				t.Errorf("%s: a high S", name)
			}
			if cert.NotBefore.After(now.Add(-89*24*time.Hour)) || cert.NotAfter.Before(now.Add(700*24*time.Hour)) {
				t.Errorf("%s: from %s to %s", name, cert.NotBefore, cert.NotAfter)
			}
		}
		chains(t, all)
	}
}

func elliptic256Order(t *testing.T, k keys) *big.Int {
	t.Helper()
	ca, err := k.authority(memberAuthority)
	must(t, err)
	return ca.key.Curve.Params().N
}

// chains checks who vouches for whom, as what.
func chains(t *testing.T, all map[string]*x509.Certificate) {
	t.Helper()
	for name, want := range map[string]struct{ ca, unit, host string }{
		"peer/msp/signcerts/cert.pem":               {"ca.crt", "peer", ""},
		"users/Admin/msp/signcerts/cert.pem":        {"ca.crt", "admin", ""},
		"orderer/msp/signcerts/cert.pem":            {"ordererca.crt", "orderer", ""},
		"users/OrdererAdmin/msp/signcerts/cert.pem": {"ordererca.crt", "admin", ""},
		"peer/tls/server.crt":                       {"tlsca.crt", "", "dairy.example"},
		"orderer/tls/server.crt":                    {"tlsca.crt", "", "127.0.0.1"},
		"contracts/tls/server.crt":                  {"tlsca.crt", "", "localhost"},
		"users/Participation/tls/server.crt":        {"tlsca.crt", "", ""},
	} {
		cert := all[name]
		if cert == nil {
			t.Errorf("there is no %s", name)
			continue
		}
		if err := cert.CheckSignatureFrom(all[want.ca]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if unit := strings.Join(cert.Subject.OrganizationalUnit, ","); unit != want.unit {
			t.Errorf("%s is a %q", name, unit)
		}
		if want.host != "" && cert.VerifyHostname(want.host) != nil {
			t.Errorf("%s is not for %s", name, want.host)
		}
	}
}

func TestKeysAreMadeOnceAndForTheirOwnerOnly(t *testing.T) {
	k := newKeys(t, time.Now())
	before := certificates(t, k)
	must(t, k.make(time.Now()))
	for name, cert := range certificates(t, k) {
		if !cert.Equal(before[name]) {
			t.Errorf("%s is another", name)
		}
	}
	must(t, filepath.WalkDir(k.dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || !(strings.HasSuffix(file, ".key") || strings.HasSuffix(file, "_sk")) {
			return err
		}
		about, err := d.Info()
		if err == nil && about.Mode().Perm() != 0o600 {
			t.Errorf("%s: %s", file, about.Mode())
		}
		return err
	}))
}

func TestRenewedCertificatesKeepTheirKeys(t *testing.T) {
	k := newKeys(t, time.Now().Add(-365*24*time.Hour))
	before := certificates(t, k)
	keyBefore, err := k.signKey("peer")
	must(t, err)
	for _, holders := range renewable {
		for _, who := range holders {
			must(t, k.renew(who, time.Now()))
		}
	}
	for name, cert := range certificates(t, k) {
		old := before[name]
		leaf := strings.Contains(name, "signcerts") || strings.Contains(name, "tls/")
		renewed := cert.NotAfter.After(old.NotAfter)
		// The channel knows an orderer by the certificate that it signs with.
		if want := leaf && name != "orderer/msp/signcerts/cert.pem"; renewed != want {
			t.Errorf("%s: renewed %v", name, renewed)
		}
		if string(cert.RawSubjectPublicKeyInfo) != string(old.RawSubjectPublicKeyInfo) {
			t.Errorf("%s has another key", name)
		}
	}
	if key, err := k.signKey("peer"); err != nil || key != keyBefore {
		t.Errorf("%s %s %v", keyBefore, key, err)
	}
}

func TestAFileIsWrittenWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a", "b")
	must(t, writeFile(file, []byte("one"), 0o600))
	before, err := os.Stat(file)
	must(t, err)
	must(t, writeFile(file, []byte("one"), 0o600))
	if after, err := os.Stat(file); err != nil || !os.SameFile(before, after) {
		t.Error("a file that says the same already was written again")
	}
}
