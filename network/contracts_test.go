package network

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pack puts a package there as the administrator's program would.
func pack(t *testing.T, n *Network, version, id string) {
	t.Helper()
	must(t, writeFile(filepath.Join(n.VersionDir(version), "package.id"), []byte(id+"\n"), 0o644))
}

func TestVersionsHavePortsOfTheirOwn(t *testing.T) {
	n := emptyNetwork(t)
	for i := range contractSlots {
		version := fmt.Sprint("1.", i)
		pack(t, n, version, "tallyway_"+version+":00")
		s, err := n.admit(version)
		must(t, err)
		if s.Slot != i {
			t.Errorf("%+v", s)
		}
		again, err := n.admit(version)
		if must(t, err); again != s {
			t.Errorf("%+v, then %+v", s, again)
		}
	}
	pack(t, n, "2.0", "tallyway_2.0:00")
	if _, err := n.admit("2.0"); err == nil || !strings.Contains(err.Error(), "stop one first") {
		t.Error(err)
	}
	must(t, n.StopContracts(t.Context(), "1.2"))
	s, err := n.admit("2.0")
	must(t, err)
	if p := n.service(n.definition.Organisations[0], s); s.Slot != 2 || p.address != "127.0.0.1:7058" || p.name != "contracts.producer.2.0" {
		t.Errorf("%+v %+v", s, p)
	}
}

func TestAVersionIsWhatItWas(t *testing.T) {
	n := emptyNetwork(t)
	pack(t, n, "1.0", "tallyway:00")
	_, err := n.admit("1.0")
	must(t, err)
	pack(t, n, "1.0", "tallyway:11")
	if _, err := n.admit("1.0"); err == nil || !strings.Contains(err.Error(), "another package") {
		t.Error(err)
	}
	pack(t, n, "1.1", "tallyway:11")
	if _, err := n.admit("1.1"); err == nil || !strings.Contains(err.Error(), "share the label tallyway") {
		t.Error(err)
	}
	must(t, n.keepProgram("1.0", "/bin/true"))
	must(t, n.keepProgram("1.0", "/bin/true"))
	must(t, n.keepProgram("1.0", ""))
	if err := n.keepProgram("1.0", "/bin/sh"); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Error(err)
	}
	for _, version := range []string{"", "../1", "a b"} {
		if err := n.StartContracts(t.Context(), version, ""); err == nil || !strings.Contains(err.Error(), "letters, digits") {
			t.Errorf("%q: %v", version, err)
		}
	}
}

// TestAPeerIsToldWhereItsServiceIs follows a version whose ports changed, with
// a peer that had installed it before.
func TestAPeerIsToldWhereItsServiceIs(t *testing.T) {
	n := emptyNetwork(t)
	must(t, n.makeKeys())
	o := n.definition.Organisations[1]
	built := filepath.Join(n.node(o.Peer()), "data", "externalbuilder", "builds", "tallyway_1.0-00ff", "release", "chaincode", "server", "connection.json")
	must(t, writeFile(built, []byte("{}"), 0o600))
	_, err := n.connect(service{Version: "1.0", Package: "tallyway_1.0:00ff", Slot: 1})
	must(t, err)
	for _, file := range []string{built, filepath.Join(n.connections(o), "tallyway_1.0.json")} {
		var c connection
		must(t, json.Unmarshal(read(t, file), &c))
		if c.Address != "127.0.0.1:7067" || !c.TLSRequired || !c.ClientAuthRequired || c.ClientKey == "" || c.ClientCert == "" || c.RootCert == "" {
			t.Errorf("%s: %+v", file, c)
		}
		if about, err := os.Stat(file); err != nil || about.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", file, about.Mode(), err)
		}
	}
}
