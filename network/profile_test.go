package network

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestProfiles looks for what the administrator's program and the hosts read.
func TestProfiles(t *testing.T) {
	d := Default()
	d.Organisations = append(d.Organisations, Organisation{Name: "dairy", MSPID: "DairyMSP", Host: "dairy.example", Port: 7050})
	n, err := Open(t.TempDir(), d)
	must(t, err)
	must(t, n.makeKeys())
	must(t, n.writeProfiles())
	for name, members := range map[string][]string{
		"":      {"ProducerMSP", "TaxMSP", "BankMSP", "RegulatorMSP", "DairyMSP"},
		"bank":  {"BankMSP"},
		"dairy": {"DairyMSP"},
	} {
		var p profile
		must(t, yaml.Unmarshal(read(t, n.Profile(name)), &p))
		var acts []string
		for _, m := range p.Ours.Members {
			acts = append(acts, m.MSPID)
			o := m.Orderer
			for _, file := range []string{m.CA.Cert, m.CA.Key, m.Admin.Cert, m.Admin.Key, o.TLSCACert, o.ClientCert, o.ClientKey, o.Admin.Cert, o.Admin.Key} {
				if _, err := os.Stat(file); err != nil || !strings.HasPrefix(file, "/") {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		if strings.Join(acts, " ") != strings.Join(members, " ") {
			t.Errorf("%s acts for %s", name, acts)
		}
		if len(p.Organizations) != 5 || len(p.Peers) != 5 || len(p.Orderers) != 5 || len(p.Channels["tallyway"].Peers) != 5 {
			t.Errorf("%s: a profile knows every node: %+v", name, p)
		}
		if node := p.Peers["peer.dairy"]; node.URL != "grpcs://dairy.example:7051" || !exists(node.TLSCACerts["path"]) {
			t.Errorf("%+v", node)
		}
	}
}
