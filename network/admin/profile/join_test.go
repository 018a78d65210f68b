package profile

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// alone is the profile of one that is not on the channel yet.
const alone = `
channels:
  tallyway: {orderers: [orderer.farm], peers: {peer.farm: {eventSource: true}}}
organizations:
  farm: {mspid: FarmMSP, cryptoPath: /y, peers: [peer.farm]}
peers:
  peer.farm: {url: "grpcs://127.0.0.1:9051", tlsCACerts: {path: /tls/farm.pem}}
x-tallyway:
  channel: tallyway
  contract: tallyway
  members:
    - mspid: FarmMSP
      organization: farm
      admin: {cert: /admin.pem, key: /admin.key}
      orderer: {name: orderer.farm}
`

func TestJoin(t *testing.T) {
	own, err := read(t, alone+orderers("farm", "9050"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := read(t, two+orderers("dairy", "7050"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ordering []string // addresses
		orderers []string
		own      string // orderer for which the holder acts
	}{
		{[]string{"127.0.0.1:7050"}, []string{"orderer.dairy"}, ""},
		{[]string{"127.0.0.1:7050", "127.0.0.1:9050"}, []string{"orderer.dairy", "orderer.farm"}, "orderer.farm"},
	} {
		text, err := own.Join(other, func(address string) bool { return slices.Contains(c.ordering, address) })
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "joined.yaml")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := Read(file)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if len(p.Organizations) != 3 || len(p.Members) != 1 || p.Members[0].MSPID != "FarmMSP" {
			t.Errorf("knows %v, acts for %v", p.Organizations, p.Members)
		}
		if !slices.Equal(p.Orderers, c.orderers) || p.Members[0].Orderer.Name != c.own {
			t.Errorf("ordered by %v, acts for %q", p.Orderers, p.Members[0].Orderer.Name)
		}
	}
	other.Channel = "other"
	if _, err := own.Join(other, func(string) bool { return true }); err == nil {
		t.Error("joined profiles of different channels")
	}
}

func orderers(name, port string) string {
	return "orderers:\n  orderer." + name + ": {url: \"grpcs://127.0.0.1:" + port + "\"}\n"
}
