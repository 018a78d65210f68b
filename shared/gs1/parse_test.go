package gs1

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ in, path string }{
		{"urn:epc:id:sgtin:9506000.013435.S%2F1", "01/09506000134352/21/S%2F1"},
		{"urn:epc:id:sgtin:9506000.013435.a.b", "01/09506000134352/21/a.b"},
		{"urn:epc:id:sgtin:9506000.013435.*", "01/09506000134352/21/%2A"},
		{"urn:epc:idpat:sgtin:9506000.013435.*", "01/09506000134352"},
		{"urn:epc:class:lgtin:9506000134.035.L1", "01/09506000134352/10/L1"},
		{"urn:epc:id:upui:9506000.013435.T1", "01/09506000134352/235/T1"},
		{"urn:epc:id:sscc:9506000134.1000001", "00/195060001340000014"},
		{"urn:epc:id:sgln:9506000134.35.0", "414/9506000134352"},
		{"urn:epc:id:sgln:9506000134.35.7", "414/9506000134352/254/7"},
		{"urn:epc:id:pgln:9506000134.35", "417/9506000134352"},
		{"urn:epc:id:grai:9506000134.35.X1", "8003/09506000134352X1"},
		{"urn:epc:idpat:grai:9506000134.35.*", "8003/09506000134352"},
		{"urn:epc:id:giai:9506000134.A.1", "8004/9506000134A.1"},
		{"urn:epc:id:gdti:9506000134.35.X1", "253/9506000134352X1"},
		{"urn:epc:id:sgcn:9506000134.35.99", "255/950600013435299"},
		{"urn:epc:id:cpi:9506000134.P%2F1.12", "8010/9506000134P%2F1/8011/12"},
		{"urn:epc:id:itip:9506000.013435.01.02.S1", "8006/095060001343520102/21/S1"},
		{"https://id.gs1.org/01/09506000134352/22/V/10/L1/21/S1", "01/09506000134352/22/V/10/L1/21/S1"},
		{"HTTP://shop.example:8080/a/b/01/9506000134352/10/L%2F1?17=271231#x", "01/09506000134352/10/L%2F1"},
		{"https://shop.example/gtin/09506000134352/lot/L1/", "01/09506000134352/10/L1"},
		{"https://shop.example/00/01/09506000134352", "01/09506000134352"},
		{"/414/9506000134352/254/7", "414/9506000134352/254/7"},
		{"01/9506000134352", "01/09506000134352"},
		{"(01)09506000134352(17)271231(10)L1", "01/09506000134352/10/L1"},
		{"(21)S1(10)L1(01)09506000134352", "01/09506000134352/10/L1/21/S1"},
		{`(01)09506000134352(10)A\(10)B`, "01/09506000134352/10/A%2810%29B"},
		{"(415)9506000134352(8020)R7", "415/9506000134352/8020/R7"},
	} {
		id, err := Parse(c.in)
		if err != nil || id.Path() != c.path {
			t.Errorf("Parse(%q) = %q, %v, want %q", c.in, id.Path(), err, c.path)
			continue
		}
		if again, err := Parse(id.URI()); err != nil || !reflect.DeepEqual(again, id) {
			t.Errorf("Parse(%q) = %+v, %v, want %+v", id.URI(), again, err, id)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ in, code string }{
		{"", codeUnknownKey},
		{"Hello World!", codeUnknownKey},
		{"x/01/09506000134352", codeUnknownKey},
		{"https://id.gs1.org", codeUnknownKey},
		{"https://id.gs1.org/99/09506000134352", codeUnknownKey},
		{"https://id.gs1.org/01/09506000134353", codeCheckDigit},
		{"https://id.gs1.org/01/97803", codeLength},
		{"https://id.gs1.org/01/09506000134352/99/X", codeOrder},
		{"https://id.gs1.org/01/09506000134352/05/X", codeUnknownKey},
		{"https://id.gs1.org/01/09506000134352/21/S1/10/L1", codeOrder},
		{"https://id.gs1.org/01/09506000134352/10/L1/10/L1", codeOrder},
		{"https://id.gs1.org/01/09506000134352/10/L1/235/T1", codeOrder},
		{"https://id.gs1.org/00/195060001340000014/10/L1", codeOrder},
		{"https://id.gs1.org/01/09506000134352/10/L%2", codeSyntax},
		{"https://id.gs1.org/01/09506000134352/10/", codeUnknownKey},
		{"(01)09506000134352(10)L1(10)L2", codeOrder},
		{"(01)09506000134352(00)195060001340000014", codeOrder},
		{"(01)09506000134352(22)V(235)T", codeOrder},
		{"(01)09506000134352(17)271399", codeValue},
		{"(10)L1", codeUnknownKey},
		{"(01", codeSyntax},
		{"urn:epc:id:sgtin:9506000.013435", codeSyntax},
		{"urn:epc:id:sgtin:9506000.01343.S1", codeLength},
		{"urn:epc:id:sgtin:95060.00013435.S1", codeSyntax},
		{"urn:epc:id:sgtin:9506000.013435.", codeLength},
		{"urn:epc:id:sgtin:9506000.013435.S%2", codeSyntax},
		{"urn:epc:id:sgtin:9506000.013435.a b", codeCharacter},
		{"urn:epc:id:lgtin:9506000.013435.L1", codeUnknownKey},
		{"urn:epc:class:sgtin:9506000.013435.S1", codeUnknownKey},
		{"urn:epc:idpat:sgtin:9506000.*.*", codeLength},
		{"urn:epc:idpat:giai:9506000134.*", codeSyntax},
		{"urn:epc:id:gid:1.2.3", codeUnknownKey},
		{"urn:epc:id:itip:9506000.013435.1.002.S1", codeLength},
		{"urn:epc:id:cpi:9506000134..1", codeSyntax},
		{"urn:uuid:0c2a", codeSyntax},
	} {
		if id, err := Parse(c.in); codeOfError(err) != c.code {
			t.Errorf("Parse(%q) = %+v, %v, want %s", c.in, id, err, c.code)
		}
	}
}

func TestID(t *testing.T) {
	for _, c := range []struct {
		path, gtin, lot, serial string
		level                   Level
	}{
		{"01/09506000134352", "09506000134352", "", "", Class},
		{"01/09506000134352/22/V", "09506000134352", "", "", Class},
		{"01/09506000134352/10/L1", "09506000134352", "L1", "", Lot},
		{"01/09506000134352/10/L1/21/S1", "09506000134352", "L1", "S1", Instance},
		{"01/09506000134352/235/T1", "09506000134352", "", "T1", Instance},
		{"8006/095060001343520102/10/L1", "09506000134352", "L1", "", Lot},
		{"00/195060001340000014", "", "", "", Instance},
		{"8003/09506000134352", "", "", "", Class},
		{"8003/09506000134352X1", "", "", "X1", Instance},
		{"253/9506000134352X1", "", "", "X1", Instance},
		{"8010/9506000134P/8011/12", "", "", "12", Instance},
		{"414/9506000134352", "", "", "", Place},
		{"417/9506000134352", "", "", "", Party},
		{"401/9506000134X", "", "", "", Other},
	} {
		id, err := Parse(c.path)
		if err != nil {
			t.Errorf("%s: %v", c.path, err)
			continue
		}
		if id.GTIN() != c.gtin || id.Lot() != c.lot || id.Serial() != c.serial || id.Level() != c.level {
			t.Errorf("%s: GTIN %q, lot %q, serial %q, level %s", c.path, id.GTIN(), id.Lot(), id.Serial(), id.Level())
		}
		if !id.HasPrefix("9506000134") || id.HasPrefix("9506000135") || id.HasPrefix("") || id.HasPrefix("095") {
			t.Errorf("%s: prefix", c.path)
		}
	}
	if (ID{}).HasPrefix("9506") || (ID{}).GTIN() != "" || (ID{}).Level() != Other {
		t.Error("the zero ID names something")
	}
}

func TestURN(t *testing.T) {
	for _, urn := range []string{
		"urn:epc:id:sgtin:9506000134.835.S%2F1!(*)", "urn:epc:class:lgtin:9506000134.035.L.1", "urn:epc:id:upui:9506000134.035.T1",
		"urn:epc:idpat:sgtin:9506000134.035.*", "urn:epc:id:itip:9506000134.035.01.02.S1", "urn:epc:idpat:itip:9506000134.035.01.02.*",
		"urn:epc:id:sscc:9506000134.1000001", "urn:epc:id:sgln:9506000134.35.0", "urn:epc:id:sgln:9506000134.35.7", "urn:epc:id:pgln:9506000134.35",
		"urn:epc:id:grai:9506000134.35.X1", "urn:epc:idpat:grai:9506000134.35.*", "urn:epc:id:giai:9506000134.A%2F1", "urn:epc:id:gdti:9506000134.35.X1",
		"urn:epc:id:gdti:950600013435..X1", "urn:epc:id:sgcn:9506000134.35.99", "urn:epc:id:cpi:9506000134.P%231.12", "urn:epc:idpat:cpi:9506000134.P1.*",
		"urn:epc:id:ginc:9506000134.A.1", "urn:epc:id:gsin:9506000134.000001", "urn:epc:id:gsrn:9506000134.0000001", "urn:epc:id:gsrnp:9506000134.0000001",
	} {
		id, err := Parse(urn)
		if err != nil {
			t.Errorf("%s: %v", urn, err)
			continue
		}
		prefix, _, _ := strings.Cut(strings.Split(urn, ":")[4], ".")
		if got, ok := id.URN(prefix); !ok || got != urn {
			t.Errorf("%s becomes %s and %s, %v", urn, id.URI(), got, ok)
		}
	}
	for path, prefix := range map[string]string{
		"01/09506000134352/10/L1":        "9506001",
		"01/09506000134352":              "",
		"414/9506000134352":              "9506000134352",
		"414/9506000134352/7040/1ABC":    "9506000134",
		"8006/095060001343520102/10/L1":  "9506000134",
		"8018/950600013400000012/8019/1": "9506000134",
		"415/9506000134352/8020/R7":      "9506000134",
		"8013/1987654Ad4X4bL5ttr2310c2K": "1987654",
		"01/00000096385074/21/A":         "963850",
	} {
		id, err := parse(path, false)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if urn, ok := id.URN(prefix); ok {
			t.Errorf("%s with prefix %q becomes %s", path, prefix, urn)
		}
	}
	if urn, ok := (ID{}).URN("9506000134"); ok {
		t.Errorf("nothing becomes %s", urn)
	}
}

func TestLotID(t *testing.T) {
	id, err := LotID("9506000134352", "L/1")
	if err != nil || id.URI() != "https://id.gs1.org/01/09506000134352/10/L%2F1" {
		t.Errorf("%q, %v", id.URI(), err)
	}
	if _, err := LotID("9506000134352", ""); codeOfError(err) != codeLength {
		t.Error(err)
	}
}

func TestSSCC(t *testing.T) {
	id, err := SSCC(1, "9506000134", 1)
	if want, _ := Parse("00/195060001340000014"); err != nil || !reflect.DeepEqual(id, want) {
		t.Errorf("%+v, %v", id, err)
	}
	for _, c := range []struct {
		extension int
		prefix    string
		serial    uint64
	}{{10, "9506000134", 1}, {-1, "9506000134", 1}, {0, "950", 1}, {0, "95x6", 1}, {0, "9506000134", 1000000}} {
		if id, err := SSCC(c.extension, c.prefix, c.serial); err == nil {
			t.Errorf("SSCC(%+v) = %v", c, id)
		}
	}
}

func TestCanonical(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"urn:epc:id:sgtin:9506000.013435.%22!()", "https://id.gs1.org/01/09506000134352/21/%22%21%28%29"},
		{"urn:epc:id:gdti:950600013435..9", "https://id.gs1.org/253/95060001343529"},
		{"http://shop.example/gtin/9506000134359/cpv/1/lot/L1/ser/S1?a=b", "https://id.gs1.org/01/09506000134359/21/S1"},
		{"http://shop.example/01/9506000134352/22/1", "https://id.gs1.org/01/09506000134352"},
		{"https://shop.example/8006/123456789101100190/22/A/10/L", "https://id.gs1.org/8006/123456789101100190/10/L"},
		{"https://shop.example/party/9506000134352", "https://id.gs1.org/417/9506000134352"},
		{"https://shop.example/01/97803", ""},
		{"https://shop.example/bin/9506000134352", ""},
		{"urn:epcglobal:cbv:bizstep:shipping", ""},
		{"urn:epc:id:gid:1.2.3", ""},
		{"01/09506000134352", ""},
		{"(01)09506000134352", ""},
		{"42", ""},
	} {
		want, known := c.want, c.want != ""
		if !known {
			want = c.in
		}
		if got, ok := Canonical(c.in); got != want || ok != known {
			t.Errorf("Canonical(%q) = %q, %v, want %q", c.in, got, ok, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"urn:epc:id:sgtin:9506000.013435.S%2F1", "https://x/01/9506000134352/10/L1?a", "(01)09506000134352(10)A\\(b",
		"01/09506000134352/22/%2f", "urn:epc:class:lgtin:9506000.013435.L1", "urn:epc:id:giai:9506000.", "https:///01//01/", "((", "8003/0950600013435201/01"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := Parse(s)
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Code == "" || e.Field == "" || e.Remedy == "" {
				t.Fatalf("error %#v", err)
			}
			return
		}
		for length := range len(id.Primary.Value) {
			id.URN(id.Primary.Value[prefixStart[id.Primary.AI]:][:max(0, length-1)])
		}
		again, err := Parse(id.URI())
		if err != nil || !reflect.DeepEqual(again, id) {
			t.Fatalf("%q reads as %+v, %v, want %+v", id.URI(), again, err, id)
		}
		if c, ok := Canonical(id.URI()); !ok || c == "" {
			t.Fatalf("%q has no canonical form", id.URI())
		}
	})
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{"urn:epc:id:sgtin:9506000.013435.S%2F1", "https://x/gtin/9506000134352/cpv/1/lot/L1/ser/2", "http://x/8006/123456789101100190/22/A", "http://x/01/01/01/01"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, ok := Canonical(s)
		if !ok && c != s {
			t.Fatalf("%q changed to %q", s, c)
		}
		if again, ok2 := Canonical(c); again != c || ok2 != ok {
			t.Fatalf("%q -> %q -> %q", s, c, again)
		}
	})
}
