package scans

import (
	"fmt"
	"math"
	"math/rand"
	"slices"
	"testing"
	"time"
)

// The simulator plays shoppers, staff, travellers and crooks with a pinned seed
// and knows who was what. Its people are guesses, written down here so that they
// can be doubted: change one and see what becomes of the rates.
const (
	scansAtAll  = 0.4  // of packs are scanned by who bought them
	sharesPlace = 0.3  // of looks come with a place
	rescans     = 0.03 // of packs are looked at daily for weeks
	travelsFar  = 0.03 // of packs are carried out of the region
	sharesLink  = 0.01 // of packs have their address sent to friends
	wrongPlace  = 0.003
	lateRecord  = 0.05 // of shops enter an arrival up to two days late
	lotSize     = 50
)

// cities are where shops, travellers and crooks are.
var cities = []struct {
	Point
	country string
}{
	{Point{40.84, 111.75}, "CN"}, {Point{39.90, 116.41}, "CN"}, {Point{39.08, 117.20}, "CN"}, {Point{31.23, 121.47}, "CN"}, {Point{30.57, 104.07}, "CN"},
	{Point{23.13, 113.26}, "CN"}, {Point{22.54, 114.06}, "CN"}, {Point{34.34, 108.94}, "CN"}, {Point{30.59, 114.31}, "CN"}, {Point{45.80, 126.53}, "CN"},
	{Point{36.07, 120.38}, "CN"}, {Point{43.83, 87.62}, "CN"}, {Point{37.57, 126.98}, "KR"}, {Point{35.68, 139.69}, "JP"}, {Point{1.35, 103.82}, "SG"},
	{Point{13.76, 100.50}, "TH"}, {Point{10.82, 106.63}, "VN"}, {Point{-33.87, 151.21}, "AU"}, {Point{51.51, -0.13}, "GB"}, {Point{52.37, 4.90}, "NL"},
	{Point{40.71, -74.01}, "US"}, {Point{34.05, -118.24}, "US"}, {Point{55.76, 37.62}, "RU"}, {Point{48.86, 2.35}, "FR"},
}

type simulator struct {
	*rand.Rand
	start    time.Time
	visitors uint64
}

// pack is one serial number with what is true of it.
type pack struct {
	memory Memory
	looks  []look
}

// look is a scan with the way as the ledger tells it at that time.
type look struct {
	Scan
	way Way
}

func newSimulator(seed int64) *simulator {
	return &simulator{Rand: rand.New(rand.NewSource(seed)), start: time.Date(2026, 11, 2, 6, 0, 0, 0, time.UTC)}
}

func (s *simulator) visitor() uint64 { s.visitors++; return s.visitors }

func (s *simulator) chance(p float64) bool { return s.Float64() < p }

// near is a point some km around another, more often close by.
func (s *simulator) near(p Point, km float64) Point {
	angle, r := s.Float64()*2*math.Pi, km*s.Float64()*s.Float64()/111
	return Point{p.Lat + r*math.Sin(angle), p.Lon + r*math.Cos(angle)/math.Cos(p.Lat*math.Pi/180)}
}

// scan is a look at a place, of which the house hears if the visitor likes.
func (s *simulator) scan(at time.Time, visitor uint64, city int, km float64) Scan {
	seen := Scan{At: at, Visitor: visitor}
	if s.chance(sharesPlace) {
		if s.chance(wrongPlace) {
			city = s.Intn(len(cities))
		}
		p := s.near(cities[city].Point, km).Coarse()
		seen.Point, seen.Country = &p, cities[city].country
	}
	return seen
}

// journey is a pack's way from the plant (city 0) to a shop, where it is sold.
type journey struct {
	shop                          int
	shipped, arrived, noted, sold time.Time
}

func (s *simulator) journey(shop int) journey {
	j := journey{shop: shop, shipped: s.start.Add(time.Duration(12+s.Intn(48)) * time.Hour)}
	j.arrived = j.shipped.Add(time.Duration(20+s.Intn(50)) * time.Hour)
	j.noted = j.arrived
	if s.chance(lateRecord) {
		j.noted = j.arrived.Add(time.Duration(s.Intn(48)) * time.Hour)
	}
	j.sold = j.arrived.Add(time.Duration(4+s.Intn(240)) * time.Hour)
	return j
}

// way is what the ledger knows of it at a time; that a single pack was sold,
// shops seldom enter.
func (j journey) way(at time.Time) Way {
	w := Way{Stage: Stock, Places: []Point{cities[0].Point}, Countries: []string{"CN"}, Companies: []string{"maker"}}
	if at.After(j.shipped) {
		w.Stage, w.Places, w.Companies = Moving, append(w.Places, cities[j.shop].Point), append(w.Companies, fmt.Sprint("shop", j.shop))
		w.Countries = append(w.Countries, cities[j.shop].country)
	}
	if at.After(j.noted) {
		w.Stage = Shop
	}
	return w
}

// honest is a pack that nobody copied.
func (s *simulator) honest(j journey) *pack {
	p := &pack{}
	tell := func(c Scan) { p.looks = append(p.looks, look{c, j.way(c.At)}) }
	if s.chance(0.05) { // at the plant's end of the line
		tell(s.scan(j.shipped.Add(-2*time.Hour), s.visitor(), 0, 20))
	}
	if s.chance(0.3) { // on the shelf, by staff or curious customers
		c := s.scan(j.arrived.Add(time.Duration(s.Intn(48))*time.Hour), s.visitor(), j.shop, 10)
		if s.chance(0.2) {
			c.Shop = fmt.Sprint("shop", j.shop)
		}
		tell(c)
	}
	if s.chance(scansAtAll) {
		s.household(j, tell)
	}
	if s.chance(sharesLink) {
		for range 2 + s.Intn(8) {
			c := s.scan(j.sold.Add(time.Duration(s.Intn(72))*time.Hour), s.visitor(), s.Intn(len(cities)), 20)
			if !s.chance(0.1) { // who has no pack in hand is hardly asked where it is
				c.Point, c.Country = nil, ""
			}
			tell(c)
		}
	}
	return p
}

// household is one to three people who look a few times, at home or far away.
func (s *simulator) household(j journey, tell func(Scan)) {
	city, km, at := j.shop, 60.0, j.sold.Add(time.Hour)
	if s.chance(travelsFar) {
		city = s.Intn(len(cities))
		at = at.Add(time.Duration(cities[city].Km(cities[j.shop].Point)/100) * time.Hour)
	}
	for range 1 + s.Intn(3) {
		visitor := s.visitor()
		for range 1 + s.Intn(3) {
			tell(s.scan(at.Add(time.Duration(s.Intn(40))*time.Minute), visitor, city, km))
		}
	}
	if s.chance(rescans) {
		for day := range 10 + s.Intn(15) {
			tell(s.scan(at.Add(time.Duration(24*day)*time.Hour), s.visitor(), city, km))
		}
	}
}

// copied is a genuine pack with copies of its code on others, sold anywhere.
func (s *simulator) copied(j journey, copies int) *pack {
	p := s.honest(j)
	for range copies {
		city := s.Intn(12)
		at := j.sold.Add(time.Duration(s.Intn(30*24)) * time.Hour)
		tell := func(c Scan) { p.looks = append(p.looks, look{c, j.way(c.At)}) }
		if s.chance(0.05) { // a shop is offered it, and looks
			tell(Scan{At: at, Visitor: s.visitor(), Shop: fmt.Sprint("other", city)})
		}
		if s.chance(scansAtAll) {
			k := j
			k.shop, k.sold = city, at
			s.household(k, tell)
		}
	}
	return p
}

// stolen is a pack that never got to the shop it was sent to: it is sold far
// away while the ledger has it on its way.
func (s *simulator) stolen(j journey) *pack {
	p := &pack{}
	fence := j
	fence.shop, fence.sold = 3+s.Intn(9), j.shipped.Add(time.Duration(24+s.Intn(48))*time.Hour)
	j.noted = fence.sold.AddDate(1, 0, 0)
	s.household(fence, func(c Scan) { p.looks = append(p.looks, look{c, j.way(c.At)}) })
	return p
}

// play shows the looks in their order and reports an alarm.
func (p *pack) play() bool {
	slices.SortStableFunc(p.looks, func(a, b look) int { return a.At.Compare(b.At) })
	for _, l := range p.looks {
		p.memory.See(l.Scan, l.way)
	}
	return p.memory.Alarming()
}

// lotOf plays a lot's packs together and reports the lot's own alarm.
func lotAlarm(packs []*pack, way Way) bool {
	var all []look
	for i, p := range packs {
		for _, l := range p.looks {
			l.Thing = fmt.Sprint(i)
			all = append(all, l)
		}
	}
	slices.SortStableFunc(all, func(a, b look) int { return a.At.Compare(b.At) })
	var m LotMemory
	for _, l := range all {
		m.See(l.Scan, way)
	}
	return len(m.Signs) > 0
}

// rates are what the simulation comes to.
type rates struct {
	honest, falseAlarms     int
	lots, falseLots         int
	clones, foundClones     map[int]int // by number of copies
	stolen, foundStolen     int
	diverted, foundDiverted int
}

func simulate(seed int64, lots int) rates {
	s := newSimulator(seed)
	r := rates{clones: map[int]int{}, foundClones: map[int]int{}}
	for range lots {
		shop := s.Intn(11) + 1
		var packs []*pack
		for range lotSize {
			p := s.honest(s.journey(shop))
			packs = append(packs, p)
			if r.honest++; p.play() {
				r.falseAlarms++
			}
		}
		j := s.journey(shop)
		if r.lots++; lotAlarm(packs, j.way(j.noted.AddDate(0, 1, 0))) {
			r.falseLots++
		}
	}
	for range 400 {
		for _, n := range []int{5, 20, 100} {
			if r.clones[n]++; s.copied(s.journey(s.Intn(11)+1), n).play() {
				r.foundClones[n]++
			}
		}
		if p := s.stolen(s.journey(1)); slices.ContainsFunc(p.looks, func(l look) bool { return l.Point != nil }) {
			if r.stolen++; p.play() { // of one pack alone: its lot tells more
				r.foundStolen++
			}
		}
		r.diverted++
		shop, wrong := s.Intn(11)+1, 12+s.Intn(len(cities)-12)
		var packs []*pack
		j := s.journey(shop)
		for i := range lotSize {
			k := j
			if i < 30 { // the buyer of the lot sold most of it on, elsewhere
				k.shop = wrong
			}
			p := s.honest(k)
			packs = append(packs, p)
		}
		if lotAlarm(packs, j.way(j.noted.AddDate(0, 1, 0))) {
			r.foundDiverted++
		}
	}
	return r
}

// TestRecallAndFalseAlarms holds the rates of docs/shoppers.md.
func TestRecallAndFalseAlarms(t *testing.T) {
	r := simulate(1, 1200)
	share := func(found, of int) float64 { return float64(found) / float64(of) }
	per := func(found, of int) float64 { return 1e4 * share(found, of) }
	t.Logf("%d honest serials: %.1f false alarms in 10,000; %d honest lots: %.1f in 10,000", r.honest, per(r.falseAlarms, r.honest), r.lots, per(r.falseLots, r.lots))
	t.Logf("copied 5 times: %.3f, 20 times: %.3f, 100 times: %.3f; stolen packs with a place: %.3f; diverted lots: %.3f",
		share(r.foundClones[5], r.clones[5]), share(r.foundClones[20], r.clones[20]), share(r.foundClones[100], r.clones[100]),
		share(r.foundStolen, r.stolen), share(r.foundDiverted, r.diverted))
	for _, c := range []struct {
		name  string
		value float64
		least bool
		bound float64
	}{
		{"false alarms in 10,000 serials", per(r.falseAlarms, r.honest), false, 5},
		{"false alarms in 10,000 lots", per(r.falseLots, r.lots), false, 50},
		{"found of serials copied 20 times", share(r.foundClones[20], r.clones[20]), true, 0.9},
		{"found of serials copied 100 times", share(r.foundClones[100], r.clones[100]), true, 0.99},
		{"found of diverted lots", share(r.foundDiverted, r.diverted), true, 0.9},
	} {
		if c.least && c.value < c.bound || !c.least && c.value > c.bound {
			t.Errorf("%s: %.3f, the bound is %.3f", c.name, c.value, c.bound)
		}
	}
}
