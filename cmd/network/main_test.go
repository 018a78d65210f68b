package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/network"
)

// call runs a command line that starts nothing.
func call(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := words.Run(t.Context(), args, &out)
	return out.String(), err
}

func TestUsageNamesEveryCommand(t *testing.T) {
	out, err := call(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range words.Commands {
		if !strings.Contains(out, "  "+c.Name+" ") {
			t.Errorf("%s is not named", c.Name)
		}
		if _, err := call(t, c.Name, "--help"); err != nil {
			t.Errorf("%s --help: %v", c.Name, err)
		}
	}
}

func TestWrongCommandLinesAreRefusedInOneSentence(t *testing.T) {
	empty := t.TempDir()
	made := t.TempDir()
	if _, err := network.Open(made, network.Default()); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"fly":                                 `there is no command "fly"`,
		"status --dir " + empty:               "there is no network in " + empty,
		"logs --dir " + made:                  "usage: network logs [NAME]",
		"logs peer.x --dir " + made:           "no such file",
		"start a b --dir " + made:             "usage: network start",
		"renew tax --dir " + made:             "what can be renewed is",
		"renew peer.x --dir " + made:          "there is no organisation \"x\"",
		"contracts fly 1 --dir " + made:       "start or stop",
		"contracts stop 1 --dir " + made:      "is not served",
		"bundle --dir " + made:                "wants --organisation and --to",
		"down --organisation x --dir " + made: "there is no organisation \"x\"",
		"up --definition none.yaml":           "none.yaml",
		"deploy --dir " + made:                "usage: network deploy [VERSION]",
	} {
		if _, err := call(t, strings.Fields(line)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestStatusOfANetworkThatIsDown(t *testing.T) {
	dir := t.TempDir()
	d, err := network.Default().OnFreePorts()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "network")
	n, err := network.Open(file, d)
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	out, err := call(t, "status", "--dir", file)
	if err == nil || err.Error() != "8 of 8 processes are not ready" {
		t.Error(err)
	}
	if lines := strings.Split(out, "\n"); len(lines) != 10 || !strings.Contains(lines[1], "orderer.producer") || !strings.Contains(lines[1], "it does not run") {
		t.Error(out)
	}
}

func TestTheDefaultDefinitionIsPrinted(t *testing.T) {
	if out, err := call(t, "definition"); err != nil || out != string(network.DefaultText()) {
		t.Errorf("%s %v", out, err)
	}
}
