//go:build conformance

package senml

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// TestConformanceRFC8428 resolves the RFC's own packs, in JSON and through CBOR.
func TestConformanceRFC8428(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(os.Getenv("CONFORMANCE_DATA"), "epcis", "senml", "rfc8428_examples.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name     string
		Pack     json.RawMessage
		Resolved []map[string]any
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		for _, r := range c.Resolved {
			if r["t"] == "now+0" {
				r["t"] = seconds(noon)
			}
		}
		slices.SortStableFunc(c.Resolved, func(a, b map[string]any) int { return cmp.Compare(a["t"].(float64), b["t"].(float64)) })
		fromJSON, err := ReadJSON(c.Pack)
		if err != nil {
			t.Fatal(err)
		}
		if got := resolved(t, fromJSON); !reflect.DeepEqual(got, c.Resolved) {
			t.Errorf("%s: %v\nwant %v", c.Name, got, c.Resolved)
		}
		if fromJSON[0].BaseVersion != nil {
			continue // a version is written by the pack's author, in whole numbers
		}
		written, err := WriteCBOR(fromJSON)
		if err != nil {
			t.Fatal(err)
		}
		fromCBOR, err := ReadCBOR(written)
		if err != nil {
			t.Fatal(err)
		}
		if got := resolved(t, fromCBOR); !reflect.DeepEqual(got, c.Resolved) {
			t.Errorf("%s through CBOR: %v", c.Name, got)
		}
	}
}

func resolved(t *testing.T, p Pack) (all []map[string]any) {
	t.Helper()
	r, err := p.Resolve(noon)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}
