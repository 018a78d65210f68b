package gs1

import (
	"slices"
	"strings"
	"testing"
)

func TestPattern(t *testing.T) {
	for _, c := range []struct{ pattern, means, not string }{
		{"urn:epc:id:sgtin:9506000.013435.S1", "https://shop.example/gtin/9506000134352/ser/S1 01/09506000134352/10/L/21/S1", "01/09506000134352/21/S2 01/09506000134352"},
		{"urn:epc:idpat:sgtin:9506000.013435.*", "01/09506000134352/21/S1 01/09506000134352 urn:epc:idpat:sgtin:9506000.013435.*", "01/09506000134352/10/L1 01/09521321000018/21/S1"},
		{"urn:epc:idpat:sgtin:9506000.*.*", "01/09506000134352/21/S1 01/19506000134359/21/S1", "01/09506000134352/10/L1 01/09521321000018/21/S1 414/9506000134352"},
		{"urn:epc:idpat:sgtin:*.*.*", "01/09521321000018/21/S1", "00/095060000000000015"},
		{"urn:epc:classpat:lgtin:9506000.013435.*", "01/09506000134352/10/L1", "01/09506000134352 01/09506000134352/21/S1"},
		{"urn:epc:class:lgtin:9506000.*.*", "01/09506000134352/10/L1", "01/09506000134352/21/S1"},
		{"urn:epc:idpat:upui:9506000.013435.*", "01/09506000134352/235/T1", "01/09506000134352/21/T1 01/09506000134352"},
		{"urn:epc:idpat:sscc:9506000.*", "00/095060000000000015 00/395060000000000016", "00/095213210000000015"},
		{"urn:epc:idpat:sgln:9506000.13435.*", "414/9506000134352 414/9506000134352/254/7", "414/9521321000018"},
		{"urn:epc:idpat:grai:9506000.13435.*", "8003/09506000134352X9", "8003/09521321000018X9"},
		{"urn:epc:idpat:grai:9506000.*.*", "8003/09506000134352X9", "8003/09521321000018X9"},
		{"urn:epc:idpat:giai:9506000.*", "8004/9506000A1", "8004/9521321A1"},
		{"urn:epc:idpat:cpi:9506000.AB.*", "8010/9506000AB/8011/1 8010/9506000AB", "8010/9506000ABC/8011/1"},
		{"urn:epc:idpat:itip:9506000.*.*.*.*", "8006/095060001343520102/21/S", "8006/095213210000180102/21/S"},
		{"urn:epc:idpat:itip:9506000.013435.01.02.*", "8006/095060001343520102/21/S", "8006/095060001343520202/21/S"},
		{"urn:epc:idpat:pgln:9506000.*", "417/9506000134352", "414/9506000134352"},
		{"https://shop.example/gtin/9506000134352/lot/*", "01/09506000134352/10/L1", "01/09506000134352 01/09506000134352/21/L1"},
		{"urn:example:thing", "urn:example:thing", "urn:example:things"},
	} {
		p, err := ParsePattern(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		for want, list := range map[bool]string{true: c.means, false: c.not} {
			for _, id := range strings.Fields(list) {
				if !strings.Contains(id, ":") {
					id = canonicalDomain + id
				}
				if p.Match(id) != want {
					t.Errorf("%s means %s: want %t", c.pattern, id, want)
				}
				if !want {
					continue
				}
				canonical, _ := Canonical(id)
				one, single := p.One()
				begins := slices.ContainsFunc(p.Starts(), func(s string) bool { return strings.HasPrefix(strings.TrimPrefix(canonical, canonicalDomain), s) })
				if single != (one == canonical) || single == begins {
					t.Errorf("%s: an index does not find %s by %q or %q", c.pattern, canonical, one, p.Starts())
				}
			}
		}
	}
	for _, s := range []string{"urn:epc:idpat:sgtin:9506000.*.S1", "urn:epc:idpat:sgtin:*", "urn:epc:idpat:sgtin:95.*.*", "urn:epc:idpat:nosuch:*.*", "urn:epc:id:sgtin:9506000.013435.*",
		"urn:epc:idpat:itip:9506000.013435.*.*.*", "urn:epc:idpat:sgtin:9506000.12.*", "urn:epc:*", "https://id.gs1.org/01/09506000134352/*", "https://id.gs1.org/01/09506000134352/254/*", "/*",
		strings.Repeat("x", 3000)} {
		if p, err := ParsePattern(s); err == nil || codeOfError(err) == "" {
			t.Errorf("%.60s: %v, %v", s, p, err)
		}
	}
	if (Pattern{}).Match("") || (Pattern{}).Match("https://id.gs1.org/01/09506000134352") {
		t.Error("no pattern means nothing")
	}
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{"urn:epc:idpat:sgtin:9506000.013435.*", "urn:epc:idpat:grai:*.*.*", "https://id.gs1.org/01/09506000134352/10/*", "urn:x"} {
		f.Add(s, "https://id.gs1.org/01/09506000134352/21/S1")
	}
	f.Fuzz(func(t *testing.T, pattern, id string) {
		p, err := ParsePattern(pattern)
		if err == nil {
			p.Match(id)
		} else if codeOfError(err) == "" {
			t.Errorf("%v", err)
		}
	})
}
