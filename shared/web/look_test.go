package web_test

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var colour = regexp.MustCompile(`(--[a-z0-9-]+): (#[0-9a-f]{3,6});`)

// TestColoursAreReadable holds every text colour to 4.5:1 on every ground that
// it stands on (WCAG 2.2, 1.4.3), light and dark.
func TestColoursAreReadable(t *testing.T) {
	css, err := os.ReadFile("assets/tallyway.css")
	if err != nil {
		t.Fatal(err)
	}
	light, rest, _ := strings.Cut(string(css), ":root[data-theme=dark]")
	dark, system, _ := strings.Cut(rest, "@media (prefers-color-scheme: dark)")
	system, _, _ = strings.Cut(system, "\n} }")
	if palette(dark) != palette(system) {
		t.Error("the switch and the system give different darks")
	}
	for name, block := range map[string]string{"light": light, "dark": dark} {
		colours := map[string]string{}
		for _, m := range colour.FindAllStringSubmatch(block, -1) {
			colours[m[1]] = m[2]
		}
		check := func(text, ground string) {
			if r := contrast(colours["--"+text], colours["--"+ground]); r < 4.5 {
				t.Errorf("%s: --%s on --%s is %.2f:1", name, text, ground, r)
			}
		}
		for _, text := range []string{"ink", "ink-2", "accent"} {
			for _, ground := range []string{"ground", "surface", "sunk"} {
				check(text, ground)
			}
		}
		for _, tone := range []string{"good", "busy", "warn", "bad", "idle"} {
			check(tone, tone+"-soft")
			check(tone, "surface")
			check("ink-2", tone+"-soft")
		}
		check("accent", "accent-soft")
		check("accent-ink", "accent")
		check("surface", "bad")
	}
}

func palette(block string) string {
	var b strings.Builder
	for _, m := range colour.FindAllString(block, -1) {
		b.WriteString(m)
	}
	return b.String()
}

func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (math.Max(x, y) + .05) / (math.Min(x, y) + .05)
}

func luminance(hex string) float64 {
	hex = strings.TrimPrefix(hex, "#")
	if len(hex) == 3 {
		hex = fmt.Sprintf("%c%c%c%c%c%c", hex[0], hex[0], hex[1], hex[1], hex[2], hex[2])
	}
	sum := 0.0
	for i, weight := range []float64{.2126, .7152, .0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		if err != nil {
			return math.NaN()
		}
		c := float64(n) / 255
		if c <= .03928 {
			c /= 12.92
		} else {
			c = math.Pow((c+.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func TestThePageIsLight(t *testing.T) {
	for name, limit := range map[string]int64{"tallyway.css": 40 << 10, "tallyway.js": 15 << 10} {
		f, err := os.Stat("assets/" + name)
		if err != nil || f.Size() > limit {
			t.Errorf("%s: %v, limit %d", name, err, limit)
		}
	}
}
