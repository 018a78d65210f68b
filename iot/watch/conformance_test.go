//go:build conformance

package watch

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// TestConformanceMKT reckons the mean kinetic temperatures of USP <1079>.
func TestConformanceMKT(t *testing.T) {
	root := os.Getenv("CONFORMANCE_DATA")
	if root == "" {
		t.Fatal("CONFORMANCE_DATA is not set: it names the folder of reference data")
	}
	b, err := os.ReadFile(filepath.Join(root, "epcis", "mkt", "mkt_vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name    string
		Celsius []float64
		MKT     float64 `json:"mkt_celsius"`
		Mean    float64
	}
	if err := json.Unmarshal(b, &cases); err != nil || len(cases) != 6 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		q := Question{Kind: "temperature", From: at(0), To: at(60 * float64(len(c.Celsius))), Stays: []Stay{{truck, at(0), at(1e6)}}}
		for i, v := range c.Celsius {
			q.Readings = append(q.Readings, reading("temperature", 60*float64(i), v))
		}
		const printed = 0.00005 // four decimals
		if got := plainMKT(c.Celsius); math.Abs(got-c.MKT) > printed {
			t.Errorf("%s: %v, want %v", c.Name, got, c.MKT)
		}
		if got := Exposure(q); math.Abs(got.MKT-c.MKT) > printed || math.Abs(got.Mean-c.Mean) > printed {
			t.Errorf("%s, by time: %v, mean %v; want %v, %v", c.Name, got.MKT, got.Mean, c.MKT, c.Mean)
		}
	}
}
