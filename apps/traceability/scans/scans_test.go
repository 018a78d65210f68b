package scans

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

var (
	noon    = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	beijing = Point{39.90, 116.41}
	tianjin = Point{39.08, 117.20}
	chengdu = Point{30.57, 104.07}
	london  = Point{51.51, -0.13}
	sydney  = Point{-33.87, 151.21}
)

func at(p Point, hours int, visitor uint64) Scan {
	return Scan{At: noon.Add(time.Duration(hours) * time.Hour), Point: &p, Visitor: visitor}
}

// way is from Beijing to Tianjin, as far as a stage.
func way(s Stage) Way {
	return Way{Stage: s, Places: []Point{beijing, tianjin}, Countries: []string{"CN"}, Companies: []string{"maker", "shop"}}
}

func TestSigns(t *testing.T) {
	between := Point{39.5, 116.8}
	for _, c := range []struct {
		name  string
		way   Way
		looks []Scan
		want  []Kind
		alarm bool
	}{
		{"at home, near the shop", way(Shop), []Scan{at(tianjin, 0, 1), at(Point{39.5, 117.9}, 20, 2)}, nil, false},
		{"staff of the plant", way(Stock), []Scan{at(beijing, 0, 1)}, nil, false},
		{"a truck between two places", way(Moving), []Scan{at(between, 0, 1)}, nil, false},
		{"far away before any shop had it", way(Moving), []Scan{at(chengdu, 0, 1)}, []Kind{Early}, false},
		{"the same by two", way(Moving), []Scan{at(chengdu, 0, 1), at(chengdu, 3, 2)}, []Kind{Early}, true},
		{"again by the same visitor", way(Moving), []Scan{at(chengdu, 0, 1), at(chengdu, 1, 1)}, []Kind{Early}, false},
		{"one journey after the sale", way(Sold), []Scan{at(chengdu, 0, 1)}, []Kind{Off}, false},
		{"a journey by air", way(Shop), []Scan{at(beijing, 0, 1), at(london, 12, 2)}, []Kind{Off}, false},
		{"faster than any journey", way(Shop), []Scan{at(beijing, 0, 1), at(london, 1, 2)}, []Kind{Off, Speed}, false},
		{"three continents", way(Shop), []Scan{at(beijing, 0, 1), at(london, 100, 2), at(sydney, 300, 3)}, []Kind{Off, Spread}, true},
		{"no way is known", Way{Open: true, Stage: Shop}, []Scan{at(chengdu, 0, 1), at(chengdu, 1, 2), at(chengdu, 2, 3)}, nil, false},
		{"a shop that never got it", way(Shop), []Scan{{At: noon, Shop: "other"}}, []Kind{Astray}, true},
		{"the shop that got it", way(Shop), []Scan{{At: noon, Shop: "shop"}}, nil, false},
		{"another shop after the sale", way(Sold), []Scan{{At: noon, Shop: "other"}}, []Kind{Resold}, true},
		{"after it was destroyed", way(Gone), []Scan{{At: noon, Visitor: 1}}, []Kind{After}, false},
		{"again and again after it was destroyed", way(Gone), []Scan{{At: noon, Visitor: 1}, {At: noon, Visitor: 2}}, []Kind{After}, true},
	} {
		var m Memory
		for _, s := range c.looks {
			m.See(s, c.way)
		}
		var got []Kind
		for _, s := range m.Signs {
			got = append(got, s.Kind)
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) || m.Alarming() != c.alarm {
			t.Errorf("%s: %v (%d points), want %v, alarm %v", c.name, m.Signs, m.Score(), c.want, c.alarm)
		}
	}
}

func TestACrowdIsOneSign(t *testing.T) {
	var m Memory
	for i := range 400 {
		m.See(Scan{At: noon.Add(time.Duration(i/20) * 24 * time.Hour), Visitor: uint64(i + 1)}, way(Shop))
	}
	if len(m.Signs) != 1 || m.Signs[0].Kind != Crowd || !m.Alarming() {
		t.Errorf("%+v", m.Signs)
	}
}

// Whatever comes, a memory stays small.
func TestMemoriesAreBounded(t *testing.T) {
	var m Memory
	var l LotMemory
	for i := range 20_000 {
		s := at(Point{float64(i%170) - 85, float64(i*7%360) - 180}, i%5000, uint64(i+1))
		s.Thing, s.Shop, s.Country = fmt.Sprint(i), fmt.Sprint("shop", i), string([]byte{'A' + byte(i%26), 'A' + byte(i/26%26)})
		m.See(s, way(Stage(i%5)))
		l.See(s, way(Shop))
	}
	for _, of := range []any{m, l} {
		b, err := json.Marshal(of)
		if err != nil || len(b) > 64<<10 {
			t.Errorf("%T takes %d bytes, %v", of, len(b), err)
		}
	}
}

func TestDistances(t *testing.T) {
	for _, c := range []struct {
		a, b Point
		km   float64
	}{{beijing, tianjin, 113}, {beijing, london, 8140}, {Point{0, 179.9}, Point{0, -179.9}, 22}, {Point{90, 0}, Point{-90, 0}, 20015}} {
		if km := c.a.Km(c.b); math.Abs(km-c.km) > c.km*0.02 {
			t.Errorf("%v to %v is %.0f km, want %.0f", c.a, c.b, km, c.km)
		}
	}
}

// FuzzReadPoint says that what is read lies on earth, and that rounding keeps it
// there, close by.
func FuzzReadPoint(f *testing.F) {
	for _, s := range [][2]string{{"39.9", "116.4"}, {"NaN", "0"}, {"999", "0"}, {"-90", "180"}, {"89.999", "-179.999"}, {"1e400", "Inf"}, {"0x1p4", "+1"}, {"", ""}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, lat, lon string) {
		p, ok := ReadPoint(lat, lon)
		if !ok {
			return
		}
		q := p.Coarse()
		if !p.OnEarth() || !q.OnEarth() || p.Km(q) > 6 {
			t.Errorf("%q, %q: %v, rounded %v, %.1f km apart", lat, lon, p, q, p.Km(q))
		}
		var m Memory
		m.See(at(p, 0, 1), way(Shop))
		CityAt(p)
	})
}
