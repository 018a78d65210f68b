package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/hyperledger/fabric-sdk-go/pkg/client/channel"
	"github.com/hyperledger/fabric-sdk-go/pkg/client/msp"
	"github.com/hyperledger/fabric-sdk-go/pkg/common/errors/retry"
	mspctx "github.com/hyperledger/fabric-sdk-go/pkg/common/providers/msp"
	"github.com/hyperledger/fabric-sdk-go/pkg/core/config"
	"github.com/hyperledger/fabric-sdk-go/pkg/fabsdk"

	"github.com/tallyway/tallyway/network/admin/profile"
)

// member is what the contracts keep of a member.
type member struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	CA   string `json:"ca"`
}

// found has the four found their register, endorsed by two of them.
func found(t *testing.T, c consortium) {
	t.Helper()
	p := profileOf(t, c.profile("consortium"))
	var founders []member
	for _, m := range p.Members {
		founders = append(founders, member{m.MSPID, m.OrgName, read(t, m.CA.Cert)})
	}
	transact(t, p, "party.Found", map[string]any{"members": founders}, "peer.org1", "peer.org2")
}

// admit has one of the four propose the newcomer, endorsed by the newcomer's
// peer and one other. It is valid only if the channel's endorsement policy
// counts the newcomer.
func admit(t *testing.T, c consortium, joined string, _ consortium) {
	t.Helper()
	newcomer := profileOf(t, joined).Members[0]
	// The proposer's profile knows the newcomer's peer.
	file := t.TempDir() + "/five.yaml"
	admin(t, "member", "profile", "--profile", c.profile("org1"), "--with", joined, "--out", file)
	transact(t, profileOf(t, file), "party.Admit", map[string]any{"member": member{newcomer.MSPID, newcomer.OrgName, read(t, newcomer.CA.Cert)}}, "peer.dairy", "peer.org2")
}

// transact submits a command as a user with the role of an administrator, and
// waits until it is committed and valid.
func transact(t *testing.T, p *profile.Profile, command string, body any, endorsers ...string) {
	t.Helper()
	document, err := p.Document(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	sdk, err := fabsdk.New(config.FromRaw(document, "yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer sdk.Close()
	members, err := msp.New(sdk.Context(), msp.WithOrg(p.Members[0].OrgName))
	if err != nil {
		t.Fatal(err)
	}
	cert, key := user(t, p.Members[0])
	identity, err := members.CreateSigningIdentity(mspctx.WithCert(cert), mspctx.WithPrivateKey(key))
	if err != nil {
		t.Fatal(err)
	}
	client, err := channel.New(sdk.ChannelContext(p.Channel, fabsdk.WithIdentity(identity)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request := channel.Request{ChaincodeID: p.Contract, Fcn: command, TransientMap: map[string][]byte{"body": text}}
	if _, err := client.Execute(request, channel.WithTargetEndpoints(endorsers...), channel.WithRetry(retry.DefaultChannelOpts)); err != nil {
		t.Fatalf("%s: %v", command, err)
	}
}

// user issues a certificate as a Fabric CA would, with the role admin.
func user(t *testing.T, m profile.Member) (cert, key []byte) {
	t.Helper()
	authority, err := x509.ParseCertificate(der(t, m.CA.Cert))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := x509.ParsePKCS8PrivateKey(der(t, m.CA.Key))
	if err != nil {
		t.Fatal(err)
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "ana", OrganizationalUnit: []string{"client"}},
		NotBefore:    time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature,
		ExtraExtensions: []pkix.Extension{{
			Id: asn1.ObjectIdentifier{1, 2, 3, 4, 5, 6, 7, 8, 1}, Value: []byte(`{"attrs":{"tw.roles":"admin"}}`),
		}},
	}
	issued, err := x509.CreateCertificate(rand.Reader, &template, authority, own.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issued}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
}

func der(t *testing.T, file string) []byte {
	t.Helper()
	block, _ := pem.Decode([]byte(read(t, file)))
	if block == nil {
		t.Fatalf("%s is not PEM", file)
	}
	return block.Bytes
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func profileOf(t *testing.T, file string) *profile.Profile {
	t.Helper()
	p, err := profile.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
