package service

import (
	"strings"
	"testing"
)

func TestAServiceIsToldEverything(t *testing.T) {
	for _, s := range settings {
		t.Setenv(s.variable, "")
	}
	all := []string{"--id=i", "--address=a", "--cert=/dev/null", "--key=/dev/null", "--client-ca=/dev/null", "--member=Org1MSP"}
	for i, missing := range all {
		rest := append(append([]string{}, all[:i]...), all[i+1:]...)
		name, _, _ := strings.Cut(missing, "=")
		if _, err := configure(rest); err == nil || !strings.Contains(err.Error(), name+" or $") {
			t.Errorf("without %s: %v", name, err)
		}
	}
	if _, err := configure(append(all, "more")); err == nil {
		t.Error("a word that is no flag was taken")
	}
	server, err := configure(all)
	if err != nil || server.CCID != "i" || server.Address != "a" {
		t.Errorf("%+v %v", server, err)
	}
}

func TestTheEnvironmentTellsAsFlagsDo(t *testing.T) {
	for _, s := range settings {
		t.Setenv(s.variable, "/dev/null")
	}
	if server, err := configure(nil); err != nil || server.CCID != "/dev/null" {
		t.Errorf("%+v %v", server, err)
	}
}
