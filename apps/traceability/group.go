package traceability

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/tallyway/tallyway/shared/gs1"
)

const (
	mostDrawn  = 120 // cards that people can still take in, unless they open more
	mostArrows = 700 // arrows beside them
	mostOpened = 12  // groups that are open at a time
	handful    = 40  // lots that one opened group shows at a time
)

// grain is how finely lots share cards: all of a product, of a month, of a day,
// a handful, or each alone. Only lots of one maker and state share one, and only
// at one step from the seed.
type grain int

const (
	ofProduct grain = iota
	ofMonth
	ofDay
	ofHandful
	alone
)

// key names the card that a lot is on at a grain; place is the lot's among those
// of its day.
func (k card) key(g grain, place int) string {
	if k.Seed || k.row.GTIN == "" || g == alone {
		return k.ID
	}
	parts := []string{k.row.GTIN, k.row.Maker, k.row.Blocked, map[bool]string{true: "<", false: ">"}[k.Depth < 0]}
	if form := map[grain]string{ofMonth: "2006-01", ofDay: "2006-01-02", ofHandful: "2006-01-02"}[g]; form != "" {
		parts = append(parts, k.At.Format(form))
	}
	if g == ofHandful {
		parts = append(parts, itoa(place/handful))
	}
	h := fnv.New64a()
	h.Write([]byte(strings.Join(parts, "|")))
	return fmt.Sprintf("g%x", h.Sum64())
}

// groups says which card each lot is on: the finest grain that keeps the
// drawing readable, and a finer one where a group is open.
func groups(nodes []card, open []string) map[string]string {
	places, days := make([]int, len(nodes)), map[string]int{}
	for i, k := range nodes {
		day := k.key(ofDay, 0)
		places[i] = days[day]
		days[day]++
	}
	base := alone
	for base > ofProduct && cards(nodes, places, base) > mostDrawn {
		base--
	}
	of := map[string]string{}
	for i, k := range nodes {
		g := base
		for g < alone && slices.Contains(open, k.key(g, places[i])) {
			g++
		}
		of[k.ID] = k.key(g, places[i])
	}
	return of
}

func cards(nodes []card, places []int, g grain) int {
	seen := map[string]bool{}
	for i, k := range nodes {
		seen[k.key(g, places[i])] = true
	}
	return len(seen)
}

// collapse joins lots that share a card, and the arrows between them.
func (p *pedigree) collapse(c tongue, open []string, say func(gs1.Quantity) string) {
	of := groups(p.nodes, open)
	at := map[string]int{}
	var nodes []card
	for _, k := range p.nodes {
		i, seen := at[of[k.ID]]
		if !seen {
			at[of[k.ID]] = len(nodes)
			nodes = append(nodes, k)
			continue
		}
		nodes[i].join(k)
	}
	for key, i := range at {
		if k := &nodes[i]; k.Count > 1 {
			p.grouped = true
			k.ID, k.Open, k.Part, k.Way = key, key, nil, ""
			k.Number, k.Amount, k.Missing = c.T("%s lots", k.Count), "", ""
		}
	}
	for key, i := range at {
		nodes[i].ID = key
	}
	p.nodes, p.strands = nodes, joined(p.strands, of)
	for i, s := range p.strands {
		if s.Amount == "" && s.size.Amount.Sign() > 0 {
			p.strands[i].Amount = say(s.size)
		}
	}
	p.thinOut()
}

// join takes one more lot onto the card.
func (k *card) join(other card) {
	k.Count += other.Count
	k.on = k.on || other.on
	if k.until.IsZero() {
		k.until = k.At
	}
	if other.At.After(k.until) {
		k.until = other.At
	}
	if other.At.Before(k.At) {
		k.At = other.At
	}
	if k.Place != other.Place {
		k.Place = ""
	}
}

// joined are the arrows between cards, with the amounts summed up where all of
// them are told in one unit.
func joined(strands []strand, of map[string]string) []strand {
	at := map[[2]string]int{}
	var all []strand
	for _, s := range strands {
		s.From, s.To = of[s.From], of[s.To]
		if s.From == s.To {
			continue
		}
		i, seen := at[[2]string{s.From, s.To}]
		if !seen {
			at[[2]string{s.From, s.To}] = len(all)
			all = append(all, s)
			continue
		}
		x := &all[i]
		x.on = x.on || s.on
		if sum, err := x.size.Add(s.size); err == nil && x.size.Amount.Sign() > 0 && s.size.Amount.Sign() > 0 {
			x.size, x.Amount = sum, ""
		} else {
			x.size, x.Amount = gs1.Quantity{}, ""
		}
	}
	return all
}

// thinOut leaves the thinnest arrows out of a drawing that has too many.
func (p *pedigree) thinOut() {
	if len(p.strands) <= mostArrows {
		return
	}
	weights := p.weights()
	order := make([]int, len(p.strands))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int {
		a, b := p.strands[x], p.strands[y]
		if a.on != b.on {
			if a.on {
				return -1
			}
			return 1
		}
		switch {
		case weights[x] > weights[y]:
			return -1
		case weights[x] < weights[y]:
			return 1
		}
		return 0
	})
	keep := order[:mostArrows]
	slices.Sort(keep)
	var strands []strand
	for _, i := range keep {
		strands = append(strands, p.strands[i])
	}
	p.thin = len(p.strands) - len(strands)
	p.strands = strands
}

// weights are the arrows' amounts beside the largest of their kind of unit, from
// 0 (unknown) to 1.
func (p *pedigree) weights() []float64 {
	sizes, most := make([]float64, len(p.strands)), map[string]float64{}
	kinds := make([]string, len(p.strands))
	for i, s := range p.strands {
		if s.size.Amount.Sign() <= 0 {
			continue
		}
		kinds[i], sizes[i] = measure(s.size)
		most[kinds[i]] = max(most[kinds[i]], sizes[i])
	}
	for i := range sizes {
		if sizes[i] > 0 {
			sizes[i] /= most[kinds[i]]
		}
	}
	return sizes
}

// measure is a quantity's dimension and its size in that dimension's first unit
// that fits.
func measure(q gs1.Quantity) (dimension string, size float64) {
	for _, unit := range []string{"KGM", "LTR", "MTR", "MTK"} {
		if in, err := q.In(unit); err == nil {
			return unit, floatOf(in.Amount)
		}
	}
	return q.Unit, floatOf(q.Amount)
}
