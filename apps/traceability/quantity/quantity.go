// Package quantity says how much of one lot is in another, through any number
// of processes: what it is at least and at most, whatever was taken from where,
// and what it comes to if every process mixes evenly.
//
// A process takes amounts of lots in and gives amounts of lots out. Nobody
// writes down which kilogram went where, so the truth lies between two bounds:
//
//   - at most: all that a process took of the source went into this output, as
//     far as the output's amount holds it;
//   - at least: the output is filled with everything else first, losses
//     included.
//
// Where what goes in and what comes out cannot be converted into one unit
// (pieces out of kilograms), no loss can be seen, and none is assumed.
//
// Back is the same with the two sides of every process exchanged. How the
// amounts are read, and who may read them, is left to the caller.
package quantity

import (
	"math/big"
	"slices"

	"github.com/tallyway/tallyway/shared/gs1"
)

// Line is an amount of a lot on one side of a process.
type Line struct {
	Lot string
	gs1.Quantity
}

// Process is one making. Hidden is one whose amounts the reader may not know:
// nothing can be said of what lies behind it.
type Process struct {
	In, Out []Line
	Hidden  bool
}

// Flow is what happened between some lots. Made is how much there ever was of
// each; a lot without is one whose amount the reader may not know.
type Flow struct {
	Made      map[string]gs1.Quantity
	Processes []Process
}

// Part is how much of the source is in a lot, as fractions of the source: 0 is
// none of it and 1 all. Even is nil where no common measure exists. Rounded
// says that the fractions had grown beyond what is kept exactly: Least is
// rounded down then, Most up.
type Part struct {
	Least, Most, Even *big.Rat
	Rounded           bool
}

// Of is a part of a quantity.
func Of(part *big.Rat, whole gs1.Quantity) gs1.Quantity {
	return gs1.Quantity{Amount: gs1.AmountOf(new(big.Rat).Mul(part, whole.Amount.Rat())), Unit: whole.Unit}
}

// Forward says for every lot made of the source how much of the source is in
// it. Lots behind a hidden process are left out.
func (f Flow) Forward(source string) map[string]Part { return f.spread(source, false) }

// Back says for every lot that the target was made of how much of that lot is
// in the target.
func (f Flow) Back(target string) map[string]Part { return f.spread(target, true) }

// walk is one spreading. Fractions are of each lot in a walk back, of the source
// in a walk forward.
type walk struct {
	Flow
	back  bool
	seed  string
	parts map[string]Part
	from  map[string][]int // processes that take a lot in, in the walk's direction
	into  map[string][]int // and that give it out
	waits []int            // lots that a process waits for
	lots  map[string]int   // processes that a lot waits for
	dark  map[string]bool  // lots behind something hidden
}

func (f Flow) spread(seed string, back bool) map[string]Part {
	w := &walk{Flow: f, back: back, seed: seed, parts: map[string]Part{seed: {Least: whole(), Most: whole(), Even: whole()}},
		from: map[string][]int{}, into: map[string][]int{}, lots: map[string]int{}, dark: map[string]bool{}}
	if f.Made[seed].Amount.Sign() <= 0 {
		return nil
	}
	w.reach()
	w.settle()
	for lot := range w.dark {
		delete(w.parts, lot)
	}
	delete(w.parts, seed)
	return w.parts
}

// sides are what a process takes and gives in the walk's direction.
func (w *walk) sides(p Process) (near, far []Line) {
	if w.back {
		return p.Out, p.In
	}
	return p.In, p.Out
}

// reach finds the processes that the walk goes through and how many of each
// lot's makings it has to wait for.
func (w *walk) reach() {
	takes := map[string][]int{}
	for i, p := range w.Processes {
		near, _ := w.sides(p)
		for _, l := range near {
			takes[l.Lot] = append(takes[l.Lot], i)
		}
	}
	w.waits = make([]int, len(w.Processes))
	seen, queue := map[string]bool{w.seed: true}, []string{w.seed}
	used := map[int]bool{}
	for len(queue) > 0 {
		lot := queue[0]
		queue = queue[1:]
		for _, i := range takes[lot] {
			w.from[lot] = append(w.from[lot], i)
			w.waits[i]++
			if used[i] {
				continue
			}
			used[i] = true
			_, far := w.sides(w.Processes[i])
			for _, l := range far {
				w.into[l.Lot] = append(w.into[l.Lot], i)
				w.lots[l.Lot]++
				if !seen[l.Lot] {
					seen[l.Lot] = true
					queue = append(queue, l.Lot)
				}
			}
		}
	}
}

// settle takes lots whose makings are all known, and the processes whose lots
// are. What waits for itself (goods worked into an earlier lot) is dark: no
// order of mixing is told there.
func (w *walk) settle() {
	ready, done := []string{w.seed}, map[string]bool{}
	if w.lots[w.seed] > 0 {
		w.dark[w.seed] = true // it came out of itself again
	}
	for len(ready) > 0 {
		lot := ready[0]
		ready, done[lot] = ready[1:], true
		for _, i := range w.from[lot] {
			if w.waits[i]--; w.waits[i] > 0 {
				continue
			}
			w.pass(w.Processes[i])
			_, far := w.sides(w.Processes[i])
			for _, l := range far {
				if w.lots[l.Lot]--; w.lots[l.Lot] == 0 && !done[l.Lot] {
					w.cap(l.Lot)
					ready = append(ready, l.Lot)
				}
			}
		}
	}
	for lot := range w.into {
		if !done[lot] {
			w.dark[lot] = true
		}
	}
}

// pass carries what a process takes over to what it gives.
func (w *walk) pass(p Process) {
	near, far := w.sides(p)
	if p.Hidden || slices.ContainsFunc(near, func(l Line) bool { return w.dark[l.Lot] }) {
		w.darken(far)
		return
	}
	for _, l := range slices.Concat(near, far) {
		if m := w.Made[l.Lot]; m.Amount.Sign() <= 0 || l.Amount.Sign() <= 0 {
			w.darken(far)
			return
		}
	}
	if w.back {
		w.passBack(near, far)
	} else {
		w.passForward(near, far)
	}
	if slices.ContainsFunc(near, func(l Line) bool { return w.parts[l.Lot].Rounded }) {
		for _, l := range far {
			part := w.parts[l.Lot]
			part.Rounded = true
			w.parts[l.Lot] = part
		}
	}
}

func (w *walk) darken(lines []Line) {
	for _, l := range lines {
		w.dark[l.Lot] = true
	}
}

// passForward adds to each output its part of what the inputs hold of the
// source, in fractions of the source.
func (w *walk) passForward(in, out []Line) {
	least, most, even := zero(), zero(), zero()
	source := w.Made[w.seed]
	for _, l := range in {
		part, ok := w.parts[l.Lot]
		if !ok {
			continue
		}
		taken, rest := w.share(l) // of the lot
		top := part.Most
		if size, ok := ratio(l.Quantity, source); ok {
			top = smaller(top, size)
			left := new(big.Rat).Mul(size, new(big.Rat).Quo(rest, taken))
			least.Add(least, positive(new(big.Rat).Sub(part.Least, left)))
		} else if rest.Sign() == 0 {
			least.Add(least, part.Least)
		}
		most.Add(most, top)
		even = product(part.Even, taken, even)
	}
	most = smaller(most, whole())
	weights, other, measured := w.weights(in, out)
	for i, l := range out {
		give := Part{Least: least, Most: most}
		size, comparable := ratio(l.Quantity, source)
		switch {
		case measured && comparable:
			give.Most = smaller(most, size)
			room := new(big.Rat).Mul(other[i], size) // what else there is to be filled
			give.Least = positive(new(big.Rat).Sub(least, room))
		case len(out) > 1, measured && weights[i].Cmp(whole()) < 0: // how much went with the rest, no unit tells
			give.Least = zero()
		}
		if even != nil && weights != nil {
			give.Even = new(big.Rat).Mul(even, weights[i])
		}
		w.add(l.Lot, give)
	}
}

// share is which fraction of its lot a line is, and which is left.
func (w *walk) share(l Line) (taken, rest *big.Rat) {
	taken, ok := ratio(l.Quantity, w.Made[l.Lot])
	if !ok {
		return whole(), zero()
	}
	taken = smaller(taken, whole())
	return taken, new(big.Rat).Sub(whole(), taken)
}

// weights are which fraction of a process each output is, if it mixes evenly,
// and how much the rest of the process is, losses included, in multiples of the
// output. They are nil where outputs have no common unit; measured says that
// inputs and outputs have one.
func (w *walk) weights(in, out []Line) (weights, other []*big.Rat, measured bool) {
	unit := out[0].Unit
	all, ok := total(out, unit)
	if !ok {
		if len(out) == 1 {
			return []*big.Rat{whole()}, nil, false
		}
		return nil, nil, false
	}
	if given, ok := total(in, unit); ok {
		measured, all = true, larger(all, given)
	}
	for _, l := range out {
		size, _ := l.In(unit)
		weight := new(big.Rat).Quo(size.Amount.Rat(), all)
		weights = append(weights, weight)
		other = append(other, new(big.Rat).Quo(new(big.Rat).Sub(whole(), weight), weight))
	}
	return weights, other, measured
}

// passBack adds to each input which fraction of its lot went into the target
// through this process.
func (w *walk) passBack(out, in []Line) {
	unit := out[0].Unit
	given, ok := total(out, unit)
	taken, okIn := total(in, unit)
	measured := ok && okIn
	least, most, even := w.outflow(out, unit, measured, ok, given)
	if measured {
		all := larger(given, taken)
		least = new(big.Rat).Sub(all, least) // what certainly or possibly goes elsewhere
		if even != nil {
			even = new(big.Rat).Quo(even, all)
		}
	}
	for _, l := range in {
		of, _ := w.share(l)
		p := Part{Least: new(big.Rat).Set(least), Most: new(big.Rat).Set(most)}
		if measured {
			q, _ := l.In(unit)
			size := q.Amount.Rat()
			p.Most = new(big.Rat).Quo(smaller(most, size), size)
			p.Least = new(big.Rat).Quo(positive(new(big.Rat).Sub(size, least)), size)
		}
		p.Least.Mul(p.Least, of)
		p.Most.Mul(p.Most, of)
		if even != nil {
			p.Even = new(big.Rat).Mul(even, of)
		}
		w.add(l.Lot, p)
	}
}

// outflow is how much of a process ends in the target: amounts in a unit where
// the process is measured, else fractions of the process.
func (w *walk) outflow(out []Line, unit string, measured, comparable bool, given *big.Rat) (least, most, even *big.Rat) {
	least, most, even = zero(), zero(), zero()
	if !measured {
		least = whole()
	}
	for _, l := range out {
		p, size := w.within(l), whole()
		if comparable {
			q, _ := l.In(unit)
			size = q.Amount.Rat()
		}
		switch {
		case measured:
			least.Add(least, new(big.Rat).Mul(p.Least, size))
			most.Add(most, new(big.Rat).Mul(p.Most, size))
			even = product(p.Even, size, even)
		default:
			least, most = smaller(least, p.Least), larger(most, p.Most)
			switch {
			case len(out) == 1:
				even = p.Even
			case comparable:
				even = product(p.Even, new(big.Rat).Quo(size, given), even)
			default:
				even = nil
			}
		}
	}
	return least, most, even
}

// within is which fraction of a line, as a part of its lot, ends in the target.
func (w *walk) within(l Line) Part {
	part, ok := w.parts[l.Lot]
	if !ok {
		return Part{Least: zero(), Most: zero(), Even: zero()}
	}
	taken, rest := w.share(l)
	p := Part{Most: smaller(whole(), new(big.Rat).Quo(part.Most, taken)), Even: part.Even}
	p.Least = positive(new(big.Rat).Quo(new(big.Rat).Sub(part.Least, rest), taken))
	return p
}

// add sums up what several processes bring to a lot.
func (w *walk) add(lot string, p Part) {
	sum, ok := w.parts[lot]
	if !ok {
		sum = Part{Least: zero(), Most: zero(), Even: zero()}
	}
	sum.Least, sum.Most = new(big.Rat).Add(sum.Least, p.Least), new(big.Rat).Add(sum.Most, p.Most)
	sum.Even = product(p.Even, whole(), sum.Even)
	w.parts[lot] = sum
}

// cap ends a lot's sum: no part is more than all, and none grows for ever.
func (w *walk) cap(lot string) {
	p, ok := w.parts[lot]
	if !ok {
		return // it is dark
	}
	p.Most = smaller(p.Most, whole())
	p.Least = smaller(p.Least, p.Most)
	if p.Even != nil {
		p.Even = larger(smaller(p.Even, p.Most), p.Least)
	}
	w.parts[lot] = p.rounded()
}

// longest is how many bits of a fraction's two numbers are kept exactly: chains
// of many mixings would make them grow without end.
const longest = 512

var billionth = big.NewInt(1e18)

func (p Part) rounded() Part {
	long := func(r *big.Rat) bool { return r != nil && r.Num().BitLen()+r.Denom().BitLen() > longest }
	if long(p.Least) {
		p.Least, p.Rounded = nearby(p.Least, 0), true
	}
	if long(p.Most) {
		p.Most, p.Rounded = smaller(nearby(p.Most, 1), whole()), true
	}
	if long(p.Even) {
		p.Even, p.Rounded = nearby(p.Even, 0), true
	}
	return p
}

// nearby is r in parts of 10^18, cut off, and so many of them more.
func nearby(r *big.Rat, more int64) *big.Rat {
	n := new(big.Int).Mul(r.Num(), billionth)
	n.Quo(n, r.Denom()).Add(n, big.NewInt(more))
	return new(big.Rat).SetFrac(n, billionth)
}

func total(lines []Line, unit string) (*big.Rat, bool) {
	sum := zero()
	for _, l := range lines {
		q, err := l.In(unit)
		if err != nil {
			return nil, false
		}
		sum.Add(sum, q.Amount.Rat())
	}
	return sum, sum.Sign() > 0
}

// ratio is a in multiples of b, where they can be converted.
func ratio(a, b gs1.Quantity) (*big.Rat, bool) {
	q, err := a.In(b.Unit)
	if err != nil || b.Amount.IsZero() {
		return nil, false
	}
	return new(big.Rat).Quo(q.Amount.Rat(), b.Amount.Rat()), true
}

// product is sum + a × b; nil is unknown, and stays so.
func product(a, b, sum *big.Rat) *big.Rat {
	if a == nil || sum == nil {
		return nil
	}
	return new(big.Rat).Add(sum, new(big.Rat).Mul(a, b))
}

func zero() *big.Rat  { return new(big.Rat) }
func whole() *big.Rat { return big.NewRat(1, 1) }

func smaller(a, b *big.Rat) *big.Rat {
	if a.Cmp(b) <= 0 {
		return a
	}
	return b
}

func larger(a, b *big.Rat) *big.Rat {
	if a.Cmp(b) >= 0 {
		return a
	}
	return b
}

func positive(r *big.Rat) *big.Rat { return larger(r, zero()) }
