package all

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/wire.golden")

// A wire name is for ever: clients and stored events know it.
func TestWireNames(t *testing.T) {
	var b strings.Builder
	for _, f := range Contracts().Functions() {
		kind := "command"
		if f.Query {
			kind = "query"
		}
		b.WriteString(kind + " " + f.Name + " " + strings.Join(f.Roles, ",") + "\n")
	}
	for _, e := range Contracts().Events() {
		b.WriteString("event " + e + "\n")
	}
	for _, r := range Contracts().Rules() {
		b.WriteString("rule " + r.Code + "\n")
	}
	const file = "testdata/wire.golden"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the wire names changed. Adding is fine (-update); renaming breaks clients and stored events.\ngot:\n%s\nwant:\n%s", b.String(), want)
	}
}

// A rule that two contracts share would be told as one.
func TestRuleCodesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Contracts().Rules() {
		if seen[r.Code] {
			t.Errorf("two rules are %s", r.Code)
		}
		seen[r.Code] = true
		if r.Text == "" || r.Remedy == "" || r.Kind == "" {
			t.Errorf("%s lacks a sentence, a remedy or a kind", r.Code)
		}
	}
}
