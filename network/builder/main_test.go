package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAPeerBuildsAPackage walks the three steps as a peer does.
func TestAPeerBuildsAPackage(t *testing.T) {
	source, metadata, built, released, known := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(variable, known)
	write(filepath.Join(metadata, "metadata.json"), `{"type":"ccaas","label":"tallyway_1.0"}`)
	if err := run("detect", []string{source, metadata}); err != nil {
		t.Error(err)
	}
	if err := run("build", []string{source, metadata, built}); err == nil || !strings.Contains(err.Error(), "no service serves tallyway_1.0") {
		t.Errorf("before its service: %v", err)
	}
	write(filepath.Join(known, "tallyway_1.0.json"), `{"address":"127.0.0.1:7056"}`)
	for _, step := range [][]string{{"build", source, metadata, built}, {"release", built, released}} {
		if err := run(step[0], step[1:]); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(released, "chaincode", "server", "connection.json"))
	if err != nil || string(text) != `{"address":"127.0.0.1:7056"}` {
		t.Errorf("%s %v", text, err)
	}
}

func TestPackagesOfOthersAreLeftToTheirBuilders(t *testing.T) {
	for _, text := range []string{`{"type":"golang","label":"x"}`, `{"type":"ccaas"}`, `{"type":"ccaas","label":"../../etc"}`, `nonsense`} {
		metadata := t.TempDir()
		if err := os.WriteFile(filepath.Join(metadata, "metadata.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := run("detect", []string{t.TempDir(), metadata}); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
	if err := run("run", nil); err == nil {
		t.Error("a step that there is not")
	}
}
