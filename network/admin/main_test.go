package main

import (
	"context"
	"io"
	"strings"
	"testing"
)

func TestTheCommandLineRefuses(t *testing.T) {
	for line, want := range map[string]string{
		"channel":                                                                     `there is no command "channel"`,
		"channel destroy":                                                             `there is no command "channel destroy"`,
		"channel info":                                                                "--profile is missing",
		"channel info --profile p extra":                                              `"extra" is not a flag`,
		"channel info --profile nowhere.yaml":                                         "read the profile: open nowhere.yaml",
		"channel create --profile p":                                                  "--block is missing",
		"contracts package --version 1/2 --out":                                       "flag needs an argument",
		"contracts package --out /x --version 1/2":                                    "cannot be a contract's name or version",
		"contracts deploy --profile p --version 1":                                    "--package is missing",
		"contracts commit --profile p --version 1 --name ,":                           "an empty word",
		"contracts ready --profile p --version 1 --policy OR(":                        "policy",
		"contracts install --profile p --package main.go":                             "main.go: this is not a chaincode package",
		"member add --profile p --definition main.go":                                 "the newcomer's genesis block",
		"member sign --profile p --update main.go":                                    "this is not a change of a configuration",
		"users register --ca https://x --tls-ca y --registrar d --id ana --party p":   "--roles is missing",
		"users enrol --ca http://x --tls-ca y --id ana --secret-file main.go --out d": "is not https://",
	} {
		var out strings.Builder
		err := run(context.Background(), strings.Fields(line), &out)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("admin %s: want %q, got %v", line, want, err)
		}
	}
}

func TestHelp(t *testing.T) {
	var out strings.Builder
	if err := run(context.Background(), []string{"help"}, &out); err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		contains(t, out.String(), c.name)
		if err := c.run(context.Background(), []string{"--help"}, io.Discard); err == nil {
			t.Errorf("%s --help does something", c.name)
		}
		if err := run(context.Background(), append(strings.Fields(c.name), "--help"), io.Discard); err != nil {
			t.Errorf("%s --help: %v", c.name, err)
		}
	}
}
