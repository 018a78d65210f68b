//go:build conformance

package senml

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConformancePacks resolves the packs of RFC 8428, section 5.1, from JSON and
// from CBOR.
func TestConformancePacks(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(os.Getenv("CONFORMANCE_DATA"), "epcis/senml/rfc8428_examples.json"))
	if err != nil {
		t.Fatal(err)
	}
	var examples []struct {
		Name     string
		Pack     json.RawMessage
		Resolved []map[string]any
	}
	if err := json.Unmarshal(b, &examples); err != nil {
		t.Fatal(err)
	}
	for _, x := range examples {
		for _, isCBOR := range []bool{false, true} {
			payload := []byte(x.Pack)
			if isCBOR {
				payload = inCBOR(t, string(x.Pack))
			}
			got, err := Pack(payload, isCBOR)
			if err != nil || len(got) != len(x.Resolved) {
				t.Errorf("%s: %d records, %v; want %d", x.Name, len(got), err, len(x.Resolved))
				continue
			}
			for i, want := range x.Resolved {
				r := got[i]
				at, fixed := want["t"].(float64)
				if text, ok := want["t"].(string); ok {
					at, fixed = number(t, strings.TrimPrefix(text, "now")), false
				}
				unit, _ := want["u"].(string)
				if r.Name != want["n"] || r.Unit != unit || *r.Value != want["v"] || math.Abs(r.Time-at) > 1e-6 || fixed != (r.Time >= relative) {
					t.Errorf("%s: %+v, want %v", x.Name, r, want)
				}
			}
		}
	}
	t.Logf("%d packs", len(examples))
}

func number(t *testing.T, text string) (v float64) {
	if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "+")), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
