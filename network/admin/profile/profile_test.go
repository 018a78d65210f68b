package profile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const two = `
name: tallyway
client: {organization: dairy}
channels:
  tallyway: {orderers: [orderer.dairy], peers: {}}
organizations:
  shop: {mspid: ShopMSP, cryptoPath: /x, peers: [peer.shop]}
  dairy: {mspid: DairyMSP, cryptoPath: /x, peers: [peer.dairy, peer2.dairy]}
peers:
  peer.dairy: {url: "grpcs://127.0.0.1:7051", tlsCACerts: {path: /tls/dairy.pem}}
  peer2.dairy: {url: "grpcs://127.0.0.1:7151", tlsCACerts: {path: /tls/dairy.pem}}
  peer.shop: {url: "grpcs://127.0.0.1:8051", tlsCACerts: {path: /tls/shop.pem}}
x-tallyway:
  channel: tallyway
  contract: tallyway
  members:
    - mspid: DairyMSP
      organization: dairy
      ca: {cert: /ca.pem, key: /ca.key}
      admin: {cert: /admin.pem, key: /admin.key}
      orderer: {name: orderer.dairy, mspid: DairyOrdererMSP, participation: "https://127.0.0.1:7053", tlsCACert: /o.pem, clientCert: /c.pem, clientKey: /c.key}
`

func read(t *testing.T, text string) (*Profile, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "profile.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Read(file)
}

func TestRead(t *testing.T) {
	p, err := read(t, two)
	if err != nil {
		t.Fatal(err)
	}
	if p.Channel != "tallyway" || p.Contract != "tallyway" || len(p.Organizations) != 2 || len(p.Members) != 1 {
		t.Fatalf("read %+v", p)
	}
	m := p.Members[0]
	if m.Name != "dairy" || len(m.Peers) != 2 || m.Peers[1] != (Peer{"peer2.dairy", "grpcs://127.0.0.1:7151", "/tls/dairy.pem"}) {
		t.Errorf("the member's organisation: %+v", m.Organization)
	}
	if m.Admin != (KeyPair{"/admin.pem", "/admin.key"}) || m.Orderer.Participation != "https://127.0.0.1:7053" {
		t.Errorf("the member: %+v", m)
	}
	if peers := p.FirstPeers(); len(peers) != 2 || peers["DairyMSP"].Name != "peer.dairy" {
		t.Errorf("first peers: %v", peers)
	}
}

func TestDocumentKeepsTheNetworkAndReplacesTheClient(t *testing.T) {
	p, err := read(t, two)
	if err != nil {
		t.Fatal(err)
	}
	text, err := p.Document("/stores")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"path: /stores", "level: critical", "organization: dairy", "grpcs://127.0.0.1:8051", "dairy-orderers:"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for want, change := range map[string][2]string{
		"not under peers":              {"[peer.shop]", "[peer.market]"},
		"no channel or no contract":    {"  contract: tallyway\n", ""},
		"dairy is not under organizat": {"  dairy: {mspid: DairyMSP", "  creamery: {mspid: DairyMSP"},
		"has mspid DairyMSP there":     {"dairy: {mspid: DairyMSP", "dairy: {mspid: MilkMSP"},
		"organizations.dairy has no p": {"[peer.dairy, peer2.dairy]", "[]"},
		"no administrator's cert":      {"admin: {cert: /admin.pem, key: /admin.key}", "admin: {cert: /admin.pem}"},
		"organizations.shop has no ms": {"shop: {mspid: ShopMSP", "shop: {msp: ShopMSP"},
		"acts for nobody":              {two[strings.Index(two, "    - mspid"):], ""},
		"channels.tallyway has no ord": {"[orderer.dairy]", "[]"},
		"mapping values":               {"name: tallyway", "name: a: b"},
	} {
		changed := strings.Replace(two, change[0], change[1], 1)
		if changed == two {
			t.Fatalf("nothing changed by %q", change[0])
		}
		if _, err := read(t, changed); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
