//go:build conformance

package gs1

import (
	"encoding/json"
	"fmt"
	"html"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// rulesByName gives the rules the names that the syntax dictionary uses.
var rulesByName = map[string]rule{
	"csum": endsInCheckDigit, "csumalpha": endsInCheckPair, "gcppos1": prefixAt0, "gcppos2": prefixAt1,
	"yymmdd": yymmdd, "yymmd0": yymmd0, "yyyymmdd": yyyymmdd, "yyyymmd0": func(s string) *flaw { return date(s, 4, 0) },
	"hh": hour, "mi": minute, "ss": second, "hhmi": hourMinute,
	"iso3166": countryNumber, "iso3166999": countryNumberOr999, "iso3166alpha2": countryLetter, "iso4217": currencyNumber,
	"iso5218": sex, "packagetype": packageType, "mediatype": mediaType, "iban": iban, "importeridx": importerIndex,
	"latitude": latitude, "longitude": longitude, "pcenc": percentEncoded, "pieceoftotal": pieceOfTotal,
	"posinseqslash": positionInSequence, "zero": allZero, "nonzero": notZero, "nozeroprefix": noLeadingZero,
	"hasnondigit": hasNonDigit, "hyphen": hyphens, "winding": winding, "yesno": yesNo,
	"couponcode": couponCode, "couponposoffer": couponOffer,
	"csetnumeric": inSet(isDigit), "cset82": inSet(is82), "cset39": inSet(is39), "cset64": padded64,
}

func inSet(set func(byte) bool) rule {
	return func(s string) *flaw {
		if notIn(s, set) >= 0 {
			return &flaw{code: codeCharacter}
		}
		return nil
	}
}

func factsFolder(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CONFORMANCE_DATA")
	if dir == "" {
		t.Fatal("CONFORMANCE_DATA is unset: it names the folder that holds epcis/gs1-syntax-dictionary")
	}
	return filepath.Join(dir, "epcis")
}

func facts(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(factsFolder(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestConformanceLinterVectors(t *testing.T) {
	var vectors []struct {
		Linter, Data, Error string
		Pass                bool
	}
	if err := json.Unmarshal(facts(t, "gs1-syntax-dictionary/linter_vectors.json"), &vectors); err != nil {
		t.Fatal(err)
	}
	asked, registry := 0, 0
	for _, v := range vectors {
		// These suppose that a registry of company prefixes was asked, and
		// that it said no or did not answer; this package asks none.
		if v.Error == "GS1_LINTER_INVALID_GCP_PREFIX" || v.Error == "GS1_LINTER_GCP_DATASOURCE_OFFLINE" {
			registry++
			continue
		}
		r := rulesByName[v.Linter]
		if r == nil {
			t.Fatalf("no rule for linter %s", v.Linter)
		}
		asked++
		if f := r(v.Data); (f == nil) != v.Pass {
			t.Errorf("%s(%q) = %v, want pass %v (%s)", v.Linter, v.Data, f, v.Pass, v.Error)
		}
	}
	if asked != 5659 || registry != 12 {
		t.Errorf("asked %d vectors and left %d to a registry, want 5659 and 12", asked, registry)
	}
}

// TestConformanceDictionary compares each row with the published dictionary.
func TestConformanceDictionary(t *testing.T) {
	rows := 0
	for line := range strings.Lines(string(facts(t, "gs1-syntax-dictionary/gs1-syntax-dictionary.txt"))) {
		body, title, _ := strings.Cut(line, "#")
		words := strings.Fields(body)
		if len(words) == 0 {
			continue
		}
		from, to, found := strings.Cut(words[0], "-")
		if !found {
			to = from
		}
		e := byAI[from]
		if e == nil || e != byAI[to] || e.title != strings.TrimSpace(title) {
			t.Errorf("%s: row %+v", words[0], e)
			continue
		}
		rows++
		compareRow(t, e, words[1:])
	}
	if rows != 224 || len(dictionary) != rows {
		t.Errorf("%d rows agree of %d, want 224", rows, len(dictionary))
	}
}

func compareRow(t *testing.T, e *entry, words []string) {
	qualifiers, specs := "", []string(nil)
	for _, w := range words {
		switch {
		case w == "dlpkey":
			qualifiers = "-"
		case strings.HasPrefix(w, "dlpkey="):
			qualifiers = strings.TrimPrefix(w, "dlpkey=")
		case strings.Contains(w, "="), strings.Trim(w, "*?") == "":
		default:
			specs = append(specs, w)
		}
	}
	if e.qualifiers != qualifiers {
		t.Errorf("%s: qualifiers %q, want %q", e.from, e.qualifiers, qualifiers)
	}
	if len(specs) != len(e.parts) {
		t.Fatalf("%s: %d parts, want %v", e.from, len(e.parts), specs)
	}
	for i, spec := range specs {
		comparePart(t, e.from, e.parts[i], spec)
	}
}

func comparePart(t *testing.T, ai string, p part, spec string) {
	format, names, _ := strings.Cut(spec, ",")
	bare := strings.Trim(format, "[]")
	length, err := strconv.Atoi(strings.TrimPrefix(bare[1:], ".."))
	if err != nil {
		t.Fatal(err)
	}
	least := length
	if strings.Contains(bare, "..") {
		least = 1
	}
	sets := map[byte]func(byte) bool{'N': isDigit, 'X': is82, 'Y': is39, 'Z': isBase64}
	if p.optional != (bare != format) || p.min != least || p.max != length || pointer(p.set) != pointer(sets[bare[0]]) {
		t.Errorf("%s: part %+v, want %s", ai, p, spec)
	}
	var want []uintptr
	for name := range strings.SplitSeq(names, ",") {
		if name != "" {
			want = append(want, pointer(rulesByName[name]))
		}
	}
	if bare[0] == 'Z' {
		want = append(want, pointer(padded64))
	}
	var got []uintptr
	for _, r := range p.rules {
		got = append(got, pointer(r))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: the rules of %s differ", ai, spec)
	}
}

func pointer(f any) uintptr { return reflect.ValueOf(f).Pointer() }

func TestConformanceCanonicalVectors(t *testing.T) {
	var vectors []struct {
		Input  any
		Expect *string
	}
	if err := json.Unmarshal(facts(t, "event-hash-ralphtro/dl_normaliser_vectors.json"), &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) != 71 {
		t.Fatalf("%d vectors, want 71", len(vectors))
	}
	for _, v := range vectors {
		input, isString := v.Input.(string)
		if !isString {
			input = fmt.Sprint(v.Input)
		}
		want := input
		if v.Expect != nil {
			want = *v.Expect
		}
		if got, ok := Canonical(input); got != want || ok != (v.Expect != nil) {
			t.Errorf("Canonical(%q) = %q, %v, want %q", input, got, ok, want)
		}
	}
}

// TestConformancePublishedIdentifiers reads every EPC URN and id.gs1.org link in the EPCIS
// examples that GS1 publishes.
func TestConformancePublishedIdentifiers(t *testing.T) {
	pattern := regexp.MustCompile(`urn:epc:(id|class|idpat):[a-z]+:[^"<?\\\s]+|https://id\.gs1\.org/[0-9][^"<?\\\s]*`)
	seen := map[string]bool{}
	root := filepath.Join(factsFolder(t), "gs1-epcis")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		for _, s := range pattern.FindAllString(string(data), -1) {
			seen[html.UnescapeString(s)] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for s := range seen {
		id, err := Parse(s)
		if err != nil {
			t.Errorf("Parse(%s): %v", s, err)
		}
		if c, ok := Canonical(s); !ok || id.Lot() == "" && c != id.URI() {
			t.Errorf("Canonical(%s) = %s, %v, want %s", s, c, ok, id.URI())
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d identifiers found", len(seen))
	}
}
