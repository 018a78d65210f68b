package identity

import (
	"crypto/elliptic"
	"encoding/asn1"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"

	"github.com/tallyway/tallyway/chaincode"
)

var message = []byte("480 of 500 kg accepted")

func signed(t testing.TB, id *Identity) []byte {
	t.Helper()
	sig, err := id.Sign(message)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func TestVerifyRefuses(t *testing.T) {
	w, alice, c := open(t)
	good := signed(t, alice)
	if err := w.CreateMember("Bank"); err != nil {
		t.Fatal(err)
	}
	revoked := issue(t, w, "revoked")
	if err := w.Revoke("Producer", "revoked"); err != nil {
		t.Fatal(err)
	}
	// another wallet's "Producer" is a different authority
	_, stranger, _ := open(t)
	root, _ := w.member("Producer")
	v := NewVerifier(w, c.now)
	tests := []struct {
		name              string
		creator, msg, sig []byte
		at                time.Duration
		want              error
	}{
		{"a good one", alice.Creator(), message, good, 0, nil},
		{"another message", alice.Creator(), []byte("500 kg"), good, 0, ErrSignature},
		{"no signature", alice.Creator(), message, nil, 0, ErrSignature},
		{"high S", alice.Creator(), message, highS(t, good), 0, ErrSignature},
		{"bytes after the signature", alice.Creator(), message, append(good[:len(good):len(good)], 0), 0, ErrSignature},
		{"expired", alice.Creator(), message, good, userValidity + time.Hour, ErrExpired},
		{"not yet valid", alice.Creator(), message, good, -time.Hour, ErrExpired},
		{"revoked", revoked.Creator(), message, signed(t, revoked), 0, ErrRevoked},
		{"another wallet's root", stranger.Creator(), message, signed(t, stranger), 0, ErrCertificate},
		{"under another member's name", renamed(t, alice, "Bank"), message, good, 0, ErrCertificate},
		{"under a stranger's name", renamed(t, alice, "Nobody"), message, good, 0, ErrUnknownMember},
		{"the root itself", creatorOf(t, "Producer", encodeCertificate(root.current().cert.Raw)), message, good, 0, ErrCertificate},
		{"a certificate with something after it", creatorOf(t, "Producer", append(encodeCertificate(alice.cert.Raw), "x"...)), message, good, 0, ErrCertificate},
		{"no identity", []byte("\xff\xff"), message, good, 0, ErrCertificate},
		{"nothing", nil, message, good, 0, ErrUnknownMember},
		{"a huge creator", make([]byte, maxCreator+1), message, good, 0, ErrCertificate},
	}
	for _, tt := range tests {
		for _, pass := range []string{"cold", "warm"} {
			caller, err := v.VerifyAt(tt.creator, tt.msg, tt.sig, c.now().Add(tt.at))
			if tt.want == nil && (err != nil || caller.User != "alice" || !caller.Has("viewer")) {
				t.Errorf("%s, %s: %+v, %v", tt.name, pass, caller, err)
			}
			if tt.want != nil && (!errors.Is(err, tt.want) || caller.User != "") {
				t.Errorf("%s, %s: %+v, %v; want %v", tt.name, pass, caller, err, tt.want)
			}
		}
	}
}

func TestARevocationCountsAtOnceAndNotBefore(t *testing.T) {
	w, alice, c := open(t)
	v := NewVerifier(w, c.now)
	sig := signed(t, alice)
	if _, err := v.Verify(alice.Creator(), message, sig); err != nil {
		t.Fatal(err)
	}
	before := c.now()
	c.Time = c.Add(time.Hour)
	if err := w.Revoke("Producer", "alice"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(alice.Creator(), message, sig); !errors.Is(err, ErrRevoked) {
		t.Errorf("after the revocation: %v", err)
	}
	if _, err := v.VerifyAt(alice.Creator(), message, sig, before); err != nil {
		t.Errorf("a block from before the revocation: %v", err)
	}
}

func TestEarlierRootsStayKnown(t *testing.T) {
	w, alice, c := open(t)
	v := NewVerifier(w, c.now)
	if err := w.RenewAuthority("Producer"); err != nil {
		t.Fatal(err)
	}
	bob := issue(t, w, "bob")
	for _, id := range []*Identity{alice, bob} {
		if _, err := v.Verify(id.Creator(), message, signed(t, id)); err != nil {
			t.Errorf("%s: %v", id.Caller().User, err)
		}
	}
	if alice.cert.CheckSignatureFrom(bob.cert) == nil || string(alice.cert.AuthorityKeyId) == string(bob.cert.AuthorityKeyId) {
		t.Error("the renewed authority has the old key")
	}
}

func TestAPublishedAuthorityVerifiesWithoutTheWallet(t *testing.T) {
	w, alice, c := open(t)
	bob := issue(t, w, "bob")
	if err := w.Revoke("Producer", "bob"); err != nil {
		t.Fatal(err)
	}
	root, _ := w.CACert("Producer")
	crl, err := w.CRL("Producer")
	if err != nil {
		t.Fatal(err)
	}
	a, err := ParseAuthority("Producer", root, crl)
	if err != nil {
		t.Fatal(err)
	}
	v := NewVerifier(Known{"Producer": a}, c.now)
	if _, err := v.Verify(alice.Creator(), message, signed(t, alice)); err != nil {
		t.Error(err)
	}
	if _, err := v.Verify(bob.Creator(), message, signed(t, bob)); !errors.Is(err, ErrRevoked) {
		t.Errorf("bob: %v", err)
	}
	if err := w.RenewAuthority("Producer"); err != nil {
		t.Fatal(err)
	}
	carol := issue(t, w, "carol")
	roots, _ := w.CACert("Producer")
	if crl, err = w.CRL("Producer"); err != nil {
		t.Fatal(err)
	}
	if a, err = ParseAuthority("Producer", roots, crl); err != nil || len(a.Roots) != 2 || strings.Count(string(crl), "BEGIN") != 2 {
		t.Fatalf("%d roots, %v, %s", len(a.Roots), err, crl)
	}
	v = NewVerifier(Known{"Producer": a}, c.now)
	for id, want := range map[*Identity]error{alice: nil, bob: ErrRevoked, carol: nil} {
		if _, err := v.Verify(id.Creator(), message, signed(t, id)); !errors.Is(err, want) {
			t.Errorf("%s: %v", id.Caller().User, err)
		}
	}
	other, _, _ := open(t)
	foreign, _ := other.CRL("Producer")
	if _, err := ParseAuthority("Producer", root, foreign); err == nil {
		t.Error("a list that another root signed was believed")
	}
}

// A rotation with an overlap leaves the published list empty until its end.
func TestAPublishedListHoldsWhatIsRevokedByNow(t *testing.T) {
	w, old, c := open(t)
	if _, err := w.Rotate("Producer", "alice", time.Hour+time.Millisecond); err != nil {
		t.Fatal(err)
	}
	roots, _ := w.CACert("Producer")
	for _, want := range []int{0, 1} {
		crl, err := w.CRL("Producer")
		if err != nil {
			t.Fatal(err)
		}
		a, err := ParseAuthority("Producer", roots, crl)
		if err != nil || len(a.Revoked) != want {
			t.Errorf("%v, %v", a.Revoked, err)
		}
		if _, err := NewVerifier(Known{"Producer": a}, c.now).Verify(old.Creator(), message, signed(t, old)); err != nil {
			t.Errorf("signed before the revocation's second ended: %v", err)
		}
		c.Time = c.Add(time.Hour + time.Millisecond)
	}
}

func TestOnlyNodesEndorse(t *testing.T) {
	w, alice, c := open(t)
	node, err := w.Node("Producer")
	if err != nil {
		t.Fatal(err)
	}
	v := NewVerifier(w, c.now)
	if org, err := v.VerifyNodeAt(node.Creator(), message, signed(t, node), c.now()); err != nil || org != "Producer" {
		t.Errorf("%q, %v", org, err)
	}
	if _, err := v.VerifyNodeAt(alice.Creator(), message, signed(t, alice), c.now()); !errors.Is(err, ErrNotNode) {
		t.Error(err)
	}
	if _, err := v.VerifyNodeAt(node.Creator(), []byte("other"), signed(t, node), c.now()); !errors.Is(err, ErrSignature) {
		t.Error(err)
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	v := NewVerifier(Known{}, time.Now)
	for i := range 5 * generation {
		v.remember(big.NewInt(int64(i)).Bytes(), &verified{})
	}
	if n := len(v.young) + len(v.aged); n > 2*generation {
		t.Errorf("%d creators are kept", n)
	}
}

func highS(t testing.TB, der []byte) []byte {
	t.Helper()
	var sig rs
	if _, err := asn1.Unmarshal(der, &sig); err != nil {
		t.Fatal(err)
	}
	sig.S.Sub(elliptic.P256().Params().N, sig.S)
	high, err := asn1.Marshal(sig)
	if err != nil {
		t.Fatal(err)
	}
	return high
}

func renamed(t testing.TB, id *Identity, mspID string) []byte {
	return creatorOf(t, mspID, encodeCertificate(id.cert.Raw))
}

func creatorOf(t testing.TB, mspID string, certPEM []byte) []byte {
	t.Helper()
	b, err := proto.Marshal(&msp.SerializedIdentity{Mspid: mspID, IdBytes: certPEM})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzVerify changes one place of what was signed: whatever comes of it, only
// the exact signature over the exact message is accepted.
func FuzzVerify(f *testing.F) {
	w, alice, c := open(f)
	v := NewVerifier(w, c.now)
	sig := signed(f, alice)
	f.Add(alice.Creator(), message, sig)
	f.Add(alice.Creator()[:40], message, sig)
	f.Add(alice.Creator(), message, highS(f, sig))
	f.Add([]byte{0x0a, 0x00}, []byte{}, []byte{0x30, 0x06, 2, 1, 1, 2, 1, 1})
	f.Fuzz(func(t *testing.T, creator, msg, s []byte) {
		caller, err := v.Verify(creator, msg, s)
		if err != nil {
			var refusal *chaincode.Refusal
			if !errors.As(err, &refusal) {
				t.Fatalf("no refusal: %v", err)
			}
			return
		}
		if caller.User != "alice" || string(msg) != string(message) || string(s) != string(sig) {
			t.Fatalf("%x over %q passed for %+v", s, msg, caller)
		}
	})
}

func BenchmarkVerifyWarm(b *testing.B) {
	w, alice, c := open(b)
	v := NewVerifier(w, c.now)
	sig := signed(b, alice)
	for b.Loop() {
		if _, err := v.Verify(alice.Creator(), message, sig); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyECDSAAlone(b *testing.B) {
	_, alice, _ := open(b)
	sig := signed(b, alice)
	for b.Loop() {
		if err := verify(&alice.key.PublicKey, message, sig); err != nil {
			b.Fatal(err)
		}
	}
}
