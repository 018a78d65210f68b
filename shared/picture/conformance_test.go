//go:build conformance

package picture

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestConformancePDQ holds the hashes of published photos against those of two
// reference implementations, which differ from each other by a few bits.
func TestConformancePDQ(t *testing.T) {
	dir := filepath.Join(os.Getenv("CONFORMANCE_DATA"), "evidence")
	b, err := os.ReadFile(filepath.Join(dir, "pdq-expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var told struct {
		Vectors []struct {
			File, Python, Wasm string
			PythonVsWasm       int
		}
	}
	if err := json.Unmarshal(b, &told); err != nil || len(told.Vectors) < 10 {
		t.Fatalf("%d vectors, %v", len(told.Vectors), err)
	}
	for _, v := range told.Vectors {
		file, err := os.ReadFile(filepath.Join(dir, "perceptual-hash/pdq/pdq/data/bridge-mods", v.File))
		if err != nil {
			t.Fatal(err)
		}
		p, err := Decode(file)
		if err != nil {
			t.Fatalf("%s: %v", v.File, err)
		}
		all, quality := p.Hashes()
		for name, text := range map[string]string{"python": v.Python, "wasm": v.Wasm} {
			if text == "" {
				continue
			}
			want, err := ParsePDQ(text)
			if err != nil {
				t.Fatal(err)
			}
			if d := all[0].Distance(want); d > 10 {
				t.Errorf("%s: %d bits from %s (the two references: %d)\n got %s\nwant %s", v.File, d, name, v.PythonVsWasm, all[0], want)
			} else {
				t.Logf("%s: %d bits from %s, quality %d", v.File, d, name, quality)
			}
		}
	}
}
