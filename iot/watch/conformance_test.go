//go:build conformance

package watch

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// TestConformanceMKT computes the mean kinetic temperatures of USP <1079>.
func TestConformanceMKT(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(os.Getenv("CONFORMANCE_DATA"), "epcis/mkt/mkt_vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name    string
		Celsius []float64
		MKT     float64 `json:"mkt_celsius"`
	}
	if err := json.Unmarshal(b, &cases); err != nil || len(cases) != 6 {
		t.Fatal(len(cases), err)
	}
	for _, c := range cases {
		if got := MKT(c.Celsius, nil); math.Abs(got-c.MKT) > 5e-4 {
			t.Errorf("%s: %v, want %v", c.Name, got, c.MKT)
		}
	}
}
