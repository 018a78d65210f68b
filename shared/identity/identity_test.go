package identity

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/cid"

	"github.com/tallyway/tallyway/shared/ledger"
)

var _ ledger.Signer = (*Identity)(nil)

// clock is a time that a test moves.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

var secret = []byte("a secret of thirty-two bytes !!!")

// open begins a wallet with the member Producer and the user alice.
func open(t testing.TB) (*Wallet, *Identity, *clock) {
	t.Helper()
	c := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	w := reopen(t, t.TempDir(), secret, c)
	if err := w.CreateMember("Producer"); err != nil {
		t.Fatal(err)
	}
	return w, issue(t, w, "alice"), c
}

func reopen(t testing.TB, dir string, secret []byte, c *clock) *Wallet {
	t.Helper()
	w, err := Open(dir, secret, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func issue(t testing.TB, w *Wallet, user string) *Identity {
	t.Helper()
	id, err := w.Issue(Enrolment{MSP: "Producer", User: user, Party: "greenfield-dairy", Roles: []string{"operator", "viewer"}})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// stub lends Fabric's cid library a creator.
type stub []byte

func (s stub) GetCreator() ([]byte, error) { return s, nil }

func TestFabricReadsTheAttributes(t *testing.T) {
	_, alice, _ := open(t)
	c, err := cid.New(stub(alice.Creator()))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"hf.EnrollmentID": "alice", "tw.party": "greenfield-dairy", "tw.roles": "operator,viewer",
	} {
		if got, ok, err := c.GetAttributeValue(name); got != want || !ok || err != nil {
			t.Errorf("%s = %q, %v, %v; want %q", name, got, ok, err, want)
		}
	}
	if org, _ := c.GetMSPID(); org != "Producer" {
		t.Errorf("MSP = %q", org)
	}
	if client, err := c.HasOUValue("client"); !client || err != nil {
		t.Errorf("the certificate is no client's: %v", err)
	}
}

func TestCallerComesFromTheCertificate(t *testing.T) {
	w, alice, _ := open(t)
	c := alice.Caller()
	if c.Org != "Producer" || c.Party != "greenfield-dairy" || c.User != "alice" || !slices.Equal(c.Roles, []string{"operator", "viewer"}) {
		t.Errorf("caller = %+v", c)
	}
	c.Roles[0] = "regulator"
	if alice.Caller().Has("regulator") {
		t.Error("a caller changed the identity")
	}
	node, err := w.Node("Producer")
	if err != nil {
		t.Fatal(err)
	}
	if c := node.Caller(); c.Org != "Producer" || c.Party != "" || c.Roles != nil {
		t.Errorf("node = %+v", c)
	}
	if !slices.Equal(node.Certificate().Subject.OrganizationalUnit, []string{"peer"}) {
		t.Errorf("node's units = %v", node.Certificate().Subject.OrganizationalUnit)
	}
}

// One signature in two has a high S by nature, so thirty low ones are no luck.
func TestEverySignatureIsLow(t *testing.T) {
	w, alice, _ := open(t)
	for i := range 30 {
		sig, err := alice.Sign([]byte{byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		if err := hasLowS(sig); err != nil {
			t.Fatalf("signature %d: %v", i, err)
		}
		id := issue(t, w, fmt.Sprintf("user%d", i))
		if err := hasLowS(id.Certificate().Signature); err != nil {
			t.Fatalf("certificate %d: %v", i, err)
		}
		a, err := newAuthority("Bank", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := hasLowS(a.cert.Signature); err != nil {
			t.Fatalf("root %d: %v", i, err)
		}
	}
}

func TestIssuedChainIsOneThatX509Accepts(t *testing.T) {
	w, alice, c := open(t)
	root, err := w.CACert("Producer")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	_, err = alice.Certificate().Verify(x509.VerifyOptions{
		Roots: pool, CurrentTime: c.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		t.Error(err)
	}
}

func TestNewRefusesAForeignKey(t *testing.T) {
	w, alice, _ := open(t)
	bob := issue(t, w, "bob")
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: alice.Certificate().Raw})
	if _, err := New("Producer", certPEM, bob.Key()); err == nil {
		t.Error("alice's certificate went with bob's key")
	}
	again, err := New("Producer", certPEM, alice.Key())
	if err != nil || string(again.Creator()) != string(alice.Creator()) {
		t.Errorf("alice's own parts gave another identity: %v", err)
	}
}
