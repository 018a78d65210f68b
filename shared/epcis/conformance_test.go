//go:build conformance

package epcis

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// refused are the published documents that are wrong, and the rule they break.
var refused = map[string]string{
	"AssociationEvent-h.jsonld": "epcis/duplicate",     // eventID stands twice
	"CBV-11.4-2020-06-16a.xml":  "epcis/type",          // an EPCISMasterDataDocument: no events
	"Example-masterData.xml":    "epcis/type",          // the same
	"farm-harvest.xml":          "epcis/unknown-field", // an element of ilmd without a namespace
	"fishing.xml":               "epcis/unknown-field", // the same
}

func refusedFor(t *testing.T, file, code string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var ps Problems
	if _, err := DecodeJSON(b); !errors.As(err, &ps) || ps[0].Code != code {
		t.Errorf("have %v, want %s", err, code)
	}
}

// Every published JSON document decodes.
func TestConformancePublishedJSON(t *testing.T) {
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
				if code := refused[filepath.Base(file)]; code != "" {
					refusedFor(t, file, code)
					return
				}
				if doc := decodeFile(t, file); len(doc.Events) == 0 {
					t.Error("no events")
				}
			})
		}
	}
}

// TestPublishedHashes: every expected hash, from JSON and from XML.
func TestConformancePublishedHashes(t *testing.T) {
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
func TestConformanceEqualHashes(t *testing.T) {
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
			doc := decodeFile(t, file)
			if filepath.Base(file) == otherOffset {
				otherHash(t, events[0], doc.Events[0])
				continue
			}
			events = append(events, doc.Events...)
		}
		oneHash(t, events)
	})
}

// otherOffset is meant to share the others' hash but states another eventTimeZoneOffset, which CBV 2.0 hashes.
const otherOffset = "event_with_identical_hash_id_2.xml"

func otherHash(t *testing.T, first, other Event) {
	t.Helper()
	if first.Offset == other.Offset {
		t.Error("the offsets are the same: no exception is due")
	}
	other.Offset = first.Offset
	oneHash(t, []Event{first, other})
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

// TestPublishedRules: every published event obeys the rules, but for the five that show all fields at once: they give
// one attribute in sensorMetadata and in the report, which TCR-53 tells repositories to refuse.
func TestConformancePublishedRules(t *testing.T) {
	all := append(files(t, "gs1-epcis", "JSON", "*.jsonld"), files(t, "openepcis-fsma204", "fsma204", "epcis", "*.jsonld")...)
	for _, file := range all {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if refused[filepath.Base(file)] != "" {
				return
			}
			allFields := strings.HasSuffix(file, "_all_possible_fields.jsonld")
			problems := decodeFile(t, file).Validate()
			for _, p := range problems {
				if !allFields || p.Code != "epcis/sensor-inline" {
					t.Error(p)
				}
			}
			if allFields && len(problems) == 0 {
				t.Error("no exception is due any more")
			}
		})
	}
}

// TestPublishedRoundTrip: each published event survives encoding, in JSON and in XML.
func TestConformancePublishedRoundTrip(t *testing.T) {
	all := files(t, "gs1-epcis", "JSON", "*.jsonld")
	all = append(all, files(t, "openepcis-fsma204", "fsma204", "epcis", "*.jsonld")...)
	all = append(all, files(t, "event-hash-ralphtro", "examples", "*.xml")...)
	all = append(all, files(t, "event-hash-ralphtro", "examples", "*.jsonld")...)
	for _, file := range all {
		if refused[filepath.Base(file)] != "" {
			continue
		}
		doc := decodeFile(t, file)
		for i := range doc.Events {
			roundTrip(t, &doc.Events[i])
			roundTripXML(t, &doc.Events[i])
		}
		b, err := doc.JSON()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if again, err := DecodeJSON(b); err != nil || len(again.Events) != len(doc.Events) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestPublishedXML: the other XML documents decode or are refused for what is wrong with them.
func TestConformancePublishedXML(t *testing.T) {
	for _, file := range append(files(t, "gs1-epcis", "XML", "*.xml"), files(t, "gdst", "examples", "*.xml")...) {
		if strings.Contains(file, "CaptureJob") {
			continue // no event documents
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := DecodeXML(b)
			var ps Problems
			if code := refused[filepath.Base(file)]; code != "" && errors.As(err, &ps) && ps[0].Code == code {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range doc.Events {
				roundTrip(t, &doc.Events[i])
				roundTripXML(t, &doc.Events[i])
			}
		})
	}
}

// TestConformanceXMLSchema: whatever document is read, JSON or XML, 2.0 or 1.2, is written in XML that the standard's
// own schemas hold valid, with Web URIs and with URNs, as document and as query document.
func TestConformanceXMLSchema(t *testing.T) {
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Fatal("xmllint is not installed: scripts/setup.sh installs it")
	}
	all := slices.Concat(files(t, "gs1-epcis", "JSON", "*.jsonld"), files(t, "gs1-epcis", "XML", "*.xml"), files(t, "gdst", "examples", "*.xml"),
		files(t, "openepcis-fsma204", "fsma204", "epcis", "*.jsonld"), files(t, "event-hash-ralphtro", "examples", "*.xml"),
		files(t, "event-hash-ralphtro", "examples", "*.jsonld"))
	dir, written := t.TempDir(), map[string][]string{}
	for n, file := range all {
		if refused[filepath.Base(file)] != "" || strings.Contains(file, "CaptureJob") {
			continue
		}
		doc := decodeFile(t, file)
		for i, write := range []func(*Document) ([]byte, error){(*Document).XML, (*Document).XMLWithURNs} {
			for schema, kind := range map[string]string{"EPCglobal-epcis-2_0.xsd": "EPCISDocument", "EPCglobal-epcis-query-2_0.xsd": "EPCISQueryDocument"} {
				doc := *doc
				if doc.Type = kind; kind == "EPCISQueryDocument" {
					doc.MasterData = nil // a query answers with events or with master data
				}
				b, err := write(&doc)
				if err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				name := filepath.Join(dir, fmt.Sprintf("%d-%d-%s-%s.xml", n, i, kind, filepath.Base(file)))
				if err := os.WriteFile(name, b, 0o600); err != nil {
					t.Fatal(err)
				}
				written[schema] = append(written[schema], name)
			}
		}
	}
	for schema, names := range written {
		t.Logf("%s: %d documents", schema, len(names))
		args := append([]string{"--noout", "--nonet", "--schema", data(t, "gs1-epcis", "XSD", schema)}, names...)
		if out, err := exec.Command("xmllint", args...).CombinedOutput(); err != nil {
			for line := range strings.Lines(string(out)) {
				if !strings.HasSuffix(strings.TrimSpace(line), "validates") {
					t.Error(line)
				}
			}
		}
	}
}
