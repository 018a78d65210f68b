//go:build conformance

package epcis

import (
	"os"
	"path/filepath"
	"testing"
)

// data is a file or folder of the conformance data (CONFORMANCE_DATA names its root).
func data(t *testing.T, path ...string) string {
	t.Helper()
	root := os.Getenv("CONFORMANCE_DATA")
	if root == "" {
		t.Fatal("CONFORMANCE_DATA is not set: it names the folder with the published documents (it holds epcis/)")
	}
	return filepath.Join(append([]string{root, "epcis"}, path...)...)
}

func files(t *testing.T, pattern ...string) []string {
	t.Helper()
	var all []string
	for depth := ""; len(depth) < 8; depth += "*/" {
		p := append(append([]string{}, pattern[:len(pattern)-1]...), depth+pattern[len(pattern)-1])
		found, err := filepath.Glob(data(t, p...))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

func decodeFile(t *testing.T, file string) *Document {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := DecodeJSON(b)
	if err != nil {
		t.Fatalf("%s: %v", filepath.Base(file), err)
	}
	return doc
}

// Every published JSON document decodes.
func TestPublishedJSON(t *testing.T) {
	for _, set := range []struct {
		want int
		path []string
	}{
		{47, []string{"gs1-epcis", "JSON", "*.jsonld"}},
		{7, []string{"openepcis-fsma204", "fsma204", "epcis", "*.jsonld"}},
	} {
		all := files(t, set.path...)
		if len(all) != set.want {
			t.Errorf("%v: %d documents, want %d", set.path, len(all), set.want)
		}
		for _, file := range all {
			t.Run(filepath.Base(file), func(t *testing.T) {
				if doc := decodeFile(t, file); len(doc.Events) == 0 {
					t.Error("no events")
				}
			})
		}
	}
}
