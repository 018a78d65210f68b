//go:build conformance

package epcis

import (
	"os"
	"path/filepath"
	"strings"
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
	decode := DecodeJSON
	if filepath.Ext(file) == ".xml" {
		decode = DecodeXML
	}
	doc, err := decode(b)
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

// TestPublishedHashes: every expected hash, from JSON and from XML.
func TestPublishedHashes(t *testing.T) {
	documents, events := 0, 0
	for _, file := range files(t, "event-hash-ralphtro", "examples", "*.hashes") {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Fields(string(b))
		base := strings.TrimSuffix(file, ".hashes")
		for _, input := range []string{base + ".jsonld", base + ".xml"} {
			if _, err := os.Stat(input); err != nil {
				continue
			}
			documents++
			t.Run(filepath.Base(input), func(t *testing.T) {
				doc := decodeFile(t, input)
				if len(doc.Events) != len(want) {
					t.Fatalf("%d events, want %d", len(doc.Events), len(want))
				}
				for i := range doc.Events {
					events++
					got, err := doc.Events[i].HashIgnoring(doc.HashIgnore)
					if err != nil || got != want[i] {
						pre, _ := doc.Events[i].PreHash()
						t.Errorf("event %d: %v\nhave %s\nwant %s\nof   %s", i, err, got, want[i], pre)
					}
				}
			})
		}
	}
	t.Logf("%d documents, %d events", documents, events)
}

// TestEqualHashes: documents whose events all say the same.
func TestEqualHashes(t *testing.T) {
	for _, file := range append(files(t, "event-hash-ralphtro", "expected_equal", "*.xml"), files(t, "event-hash-ralphtro", "expected_equal", "*.json")...) {
		t.Run(filepath.Base(file), func(t *testing.T) { oneHash(t, decodeFile(t, file).Events) })
	}
	t.Run("WithEventHashID", func(t *testing.T) {
		var events []Event
		all := files(t, "gs1-epcis", "XML", "WithEventHashID", "*.*")
		if len(all) != 7 {
			t.Fatalf("%d documents, want 7", len(all))
		}
		for _, file := range all {
			events = append(events, decodeFile(t, file).Events...)
		}
		oneHash(t, events)
	})
}

func oneHash(t *testing.T, events []Event) {
	t.Helper()
	if len(events) < 2 {
		t.Fatalf("%d events: nothing to compare", len(events))
	}
	for i := range events {
		first, _ := events[0].PreHash()
		other, err := events[i].PreHash()
		if err != nil || first != other {
			t.Errorf("event %d: %v\n%s\n%s", i, err, first, other)
		}
	}
}
