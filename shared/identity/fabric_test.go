package identity

import (
	"encoding/pem"
	"testing"
	"time"

	"github.com/hyperledger/fabric-lib-go/bccsp/sw"
	protos "github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"github.com/hyperledger/fabric/msp"
	"google.golang.org/protobuf/proto"
)

// Fabric's own membership service takes the root, tells client from peer,
// accepts the signatures and believes the revocation list. It looks at the
// machine's clock, so the wallet does too.
func TestFabricsOwnMSPAgrees(t *testing.T) {
	c := &clock{time.Now()}
	w := reopen(t, t.TempDir(), secret, c)
	if err := w.CreateMember("Producer"); err != nil {
		t.Fatal(err)
	}
	alice, bob := issue(t, w, "alice"), issue(t, w, "bob")
	if err := w.RenewAuthority("Producer"); err != nil {
		t.Fatal(err)
	}
	carol := issue(t, w, "carol")
	if err := w.Revoke("Producer", "bob"); err != nil {
		t.Fatal(err)
	}
	node, err := w.Node("Producer")
	if err != nil {
		t.Fatal(err)
	}
	m := fabricMSP(t, w)
	for id, want := range map[*Identity]struct {
		role  protos.MSPRole_MSPRoleType
		valid bool
	}{
		alice: {protos.MSPRole_CLIENT, true}, bob: {protos.MSPRole_CLIENT, false},
		carol: {protos.MSPRole_CLIENT, true}, node: {protos.MSPRole_PEER, true},
	} {
		name := id.Caller().User
		theirs, err := m.DeserializeIdentity(id.Creator())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := m.Validate(theirs); (err == nil) != want.valid {
			t.Errorf("%s: valid should be %v: %v", name, want.valid, err)
		}
		if err := theirs.Verify(message, signed(t, id)); err != nil {
			t.Errorf("%s's signature: %v", name, err)
		}
		role, err := proto.Marshal(&protos.MSPRole{MspIdentifier: "Producer", Role: want.role})
		if err != nil {
			t.Fatal(err)
		}
		principal := &protos.MSPPrincipal{PrincipalClassification: protos.MSPPrincipal_ROLE, Principal: role}
		if err := m.SatisfiesPrincipal(theirs, principal); (err == nil) != want.valid {
			t.Errorf("%s as %v: %v", name, want.role, err)
		}
	}
}

// fabricMSP sets Fabric's membership service up with what the wallet publishes.
func fabricMSP(t *testing.T, w *Wallet) msp.MSP {
	t.Helper()
	roots, err := w.CACert("Producer")
	if err != nil {
		t.Fatal(err)
	}
	lists, err := w.CRL("Producer")
	if err != nil {
		t.Fatal(err)
	}
	config := &protos.FabricMSPConfig{
		Name: "Producer", RootCerts: blocks(roots), RevocationList: blocks(lists),
		CryptoConfig: &protos.FabricCryptoConfig{SignatureHashFamily: "SHA2", IdentityIdentifierHashFunction: "SHA256"},
		FabricNodeOus: &protos.FabricNodeOUs{Enable: true,
			ClientOuIdentifier: &protos.FabricOUIdentifier{OrganizationalUnitIdentifier: "client"},
			PeerOuIdentifier:   &protos.FabricOUIdentifier{OrganizationalUnitIdentifier: "peer"},
			AdminOuIdentifier:  &protos.FabricOUIdentifier{OrganizationalUnitIdentifier: "admin"},
		},
	}
	b, err := proto.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	csp, err := sw.NewDefaultSecurityLevelWithKeystore(sw.NewDummyKeyStore())
	if err != nil {
		t.Fatal(err)
	}
	m, err := msp.New(&msp.BCCSPNewOpts{NewBaseOpts: msp.NewBaseOpts{Version: msp.MSPv3_0}}, csp)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Setup(&protos.MSPConfig{Type: int32(msp.FABRIC), Config: b}); err != nil {
		t.Fatalf("Fabric does not take the member: %v", err)
	}
	return m
}

func blocks(text []byte) (all [][]byte) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		all = append(all, pem.EncodeToMemory(block))
	}
	return all
}
