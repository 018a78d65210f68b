package network

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestTheDefaultDefinition(t *testing.T) {
	d := Default()
	if len(d.Organisations) != 4 || d.Endorsers != 2 || d.Channel != "tallyway" || d.Contract != "tallyway" {
		t.Errorf("%+v", d)
	}
	if want := "OutOf(2, 'ProducerMSP.peer', 'TaxMSP.peer', 'BankMSP.peer', 'RegulatorMSP.peer')"; d.Endorsement() != want {
		t.Error(d.Endorsement())
	}
	if o := d.Organisations[1]; o.OrdererMSPID() != "TaxOrdererMSP" || o.Orderer() != "orderer.tax" || o.PeerAddress() != "127.0.0.1:7061" {
		t.Errorf("%+v", o)
	}
	text, err := yaml.Marshal(d)
	must(t, err)
	again, err := parse(text)
	must(t, err)
	if twice, err := yaml.Marshal(again); err != nil || !bytes.Equal(text, twice) {
		t.Errorf("%s\n%s %v", text, twice, err)
	}
}

func TestDefinitionsThatNoNetworkCanBeMadeFrom(t *testing.T) {
	for why, change := range map[string]func(*Definition){
		"channel":              func(d *Definition) { d.Channel = "Tally Way" },
		"contract":             func(d *Definition) { d.Contract = "" },
		"one organisation":     func(d *Definition) { d.Organisations = nil },
		"5 of 4":               func(d *Definition) { d.Endorsers = 5 },
		"0 of 4":               func(d *Definition) { d.Endorsers = 0 },
		"interval":             func(d *Definition) { d.Batch.Interval = 0 },
		"sizes":                func(d *Definition) { d.Batch.AbsoluteBytes = "10 megabytes" },
		"complain":             func(d *Definition) { d.BFT.Complain = d.BFT.Forward },
		"both have the name":   func(d *Definition) { d.Organisations[1].Name = "producer" },
		"both have MSP":        func(d *Definition) { d.Organisations[1].MSPID = "ProducerMSP" },
		"ProducerOrdererMSP":   func(d *Definition) { d.Organisations[1].MSPID = "ProducerOrdererMSP" },
		"both have port":       func(d *Definition) { d.Organisations[1].Port = 7059 },
		"nine more above":      func(d *Definition) { d.Organisations[1].Port = 65530 },
		`organisation "a.b"`:   func(d *Definition) { d.Organisations[1].Name = "a.b" },
		`organisation "../up"`: func(d *Definition) { d.Organisations[1].Name = "../up" },
		`MSP id "a b"`:         func(d *Definition) { d.Organisations[1].MSPID = "a b" },
	} {
		d := Default()
		change(&d)
		if err := d.Check(); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

func TestADefinitionWithAMistypedWordIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "definition.yaml")
	must(t, os.WriteFile(file, append(DefaultText(), "endorsrs: 3\n"...), 0o600))
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "endorsrs") {
		t.Error(err)
	}
}

func TestAFolderKeepsItsDefinition(t *testing.T) {
	dir := t.TempDir()
	if _, err := Reopen(dir); err == nil || !strings.Contains(err.Error(), "there is no network") {
		t.Error(err)
	}
	_, err := Open(dir, Default())
	must(t, err)
	_, err = Open(dir, Default())
	must(t, err)
	other := Default()
	other.Endorsers = 3
	if _, err := Open(dir, other); err == nil || !strings.Contains(err.Error(), "another definition") {
		t.Error(err)
	}
	n, err := Reopen(dir)
	must(t, err)
	if n.definition.Endorsers != 2 {
		t.Errorf("%+v", n.definition)
	}
	if _, err := n.Of("nobody"); err == nil {
		t.Error("an organisation that is not in the network")
	}
}

func TestFreePortsAreNobodyElses(t *testing.T) {
	taken := map[int]bool{}
	for range 10 {
		d, err := Default().OnFreePorts()
		must(t, err)
		must(t, d.Check())
		for _, o := range d.Organisations {
			if taken[o.Port] {
				t.Errorf("port %d twice", o.Port)
			}
			taken[o.Port] = true
		}
	}
	if Default().Organisations[0].Port != 7050 {
		t.Error("the default changed")
	}
}
