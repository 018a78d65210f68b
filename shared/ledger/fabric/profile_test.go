package fabric

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

const profileText = `
name: tallyway
version: "1.0"
client: {organization: producer}
organizations:
  producer: {mspid: ProducerMSP, peers: [peer.producer]}
  regulator: {mspid: RegulatorMSP, peers: [peer.regulator]}
peers:
  peer.producer: {url: "grpcs://127.0.0.1:7051", tlsCACerts: {path: ca.pem}}
  peer.regulator: {url: "grpcs://10.0.0.2:7051", tlsCACerts: {path: ca.pem}, grpcOptions: {ssl-target-name-override: peer}}
x-tallyway:
  channel: tallyway
  contract: tallyway
  witnesses: [RegulatorMSP]
  founders:
    - {mspid: ProducerMSP, name: Producers, ca: {cert: ca.pem}}
    - {mspid: RegulatorMSP, name: Regulators, authority: true, ca: {cert: ca.pem}}
  members:
    - {mspid: ProducerMSP, ca: {cert: ca.pem, key: /keys/ca.key}}
`

func profileIn(t testing.TB, text string) (Profile, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string][]byte{"profile.yaml": []byte(text), "ca.pem": ledgertest.NewMembers("ProducerMSP").CACert("ProducerMSP")} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return ReadProfile(filepath.Join(dir, "profile.yaml"))
}

func TestProfileIsRead(t *testing.T) {
	p, err := profileIn(t, profileText)
	if err != nil {
		t.Fatal(err)
	}
	if p.Channel != "tallyway" || p.Contract != "tallyway" || strings.Join(p.Orgs, " ") != "ProducerMSP RegulatorMSP" ||
		strings.Join(p.Witnesses, " ") != "RegulatorMSP" || len(p.Founders) != 2 || !p.Founders[1].Authority {
		t.Errorf("read as %+v", p)
	}
	if m := p.Members[0]; m.MSP != "ProducerMSP" || m.CAKey != "/keys/ca.key" || !filepath.IsAbs(m.CACert) {
		t.Errorf("the member is %+v", m)
	}
	if n := p.peers["RegulatorMSP"][0]; n.address != "10.0.0.2:7051" || n.override != "peer" {
		t.Errorf("the peer is %+v", n)
	}
	if known, err := p.Authorities(); err != nil || len(known) != 2 {
		t.Errorf("%d authorities, %v", len(known), err)
	}
}

// A mistake in a profile is told by what is wrong in it.
func TestProfileMistakesAreNamed(t *testing.T) {
	for says, change := range map[string][2]string{
		"no channel":             {"  channel: tallyway\n", ""},
		"has no peer":            {"mspid: ProducerMSP, peers: [peer.producer]", "mspid: ProducerMSP, peers: []"},
		"is not described":       {"peers: [peer.producer]", "peers: [peer.nobody]"},
		"no address":             {"grpcs://127.0.0.1:7051", "127.0.0.1:7051"},
		"is no organisation":     {"witnesses: [RegulatorMSP]", "witnesses: [NobodyMSP]"},
		"two organisations":      {"  regulator: {mspid: RegulatorMSP, peers: [peer.regulator]}\n", ""},
		"no such file":           {"tlsCACerts: {path: ca.pem}", "tlsCACerts: {path: none.pem}"},
		"no certificate in PEM":  {"tlsCACerts: {path: ca.pem}", "tlsCACerts: {pem: nonsense}"},
		"connection profile":     {"name: tallyway", "name: [tallyway"},
		"cannot unmarshal !!str": {"  peer.producer: {url", "  peer.producer: nothing\n  peer.spare: {url"},
	} {
		if _, err := profileIn(t, strings.Replace(profileText, change[0], change[1], 1)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", says, err)
		}
	}
}

func FuzzProfile(f *testing.F) {
	f.Add([]byte(profileText))
	f.Add([]byte(`{"x-tallyway": {"members": [{}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var file profileFile
		if yaml.Unmarshal(text, &file) == nil {
			file.profile(t.TempDir()) // an error or a profile, never a panic
		}
	})
}
