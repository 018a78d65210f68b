package quantity

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/tallyway/tallyway/shared/gs1"
)

func q(text, unit string) gs1.Quantity {
	a, err := gs1.ParseAmount(text)
	if err != nil {
		panic(err)
	}
	return gs1.Quantity{Amount: a, Unit: unit}
}

func kg(lot, text string) Line { return Line{lot, q(text, "KGM")} }

// say writes a part as "least–most, even".
func (p Part) say() string {
	even := "?"
	if p.Even != nil {
		even = p.Even.RatString()
	}
	return fmt.Sprintf("%s–%s, %s", p.Least.RatString(), p.Most.RatString(), even)
}

// Milk is shared out between cheese and yoghurt, with water, a loss, grams and
// pieces.
var dairy = Flow{
	Made: map[string]gs1.Quantity{"milk": q("600", "KGM"), "cream": q("200", "KGM"), "curd": q("300", "KGM"), "whey": q("400", "KGM"),
		"cheese": q("250", "KGM"), "packs": q("500", ""), "box": q("500", ""), "far": q("1", "KGM")},
	Processes: []Process{
		{In: []Line{kg("milk", "600"), {"cream", q("200000", "GRM")}}, Out: []Line{kg("curd", "300"), kg("whey", "400")}}, // 100 kg lost
		{In: []Line{kg("curd", "250")}, Out: []Line{kg("cheese", "250")}},
		{In: []Line{kg("cheese", "200")}, Out: []Line{{"packs", q("500", "")}}},
		{In: []Line{{"packs", q("500", "")}}, Out: []Line{{"box", q("500", "")}}},
		{In: []Line{kg("whey", "1")}, Out: []Line{kg("far", "1")}, Hidden: true},
	},
}

func TestMilkGoesForward(t *testing.T) {
	got := dairy.Forward("milk")
	for lot, want := range map[string]string{
		"curd":   "1/6–1/2, 3/8", // 100 kg at least: whey, loss and cream hold 500 of the 600
		"whey":   "1/3–2/3, 1/2",
		"cheese": "1/12–5/12, 5/16", // 250 of 300
		"packs":  "0–1/3, 1/4",      // 200 of 250, which is a third of the milk at most
		"box":    "0–1/3, 1/4",
	} {
		if got[lot].say() != want {
			t.Errorf("milk in %s: %s, want %s", lot, got[lot].say(), want)
		}
	}
	if _, told := got["far"]; told {
		t.Error("told of a lot behind a hidden process")
	}
	if _, told := got["cream"]; told {
		t.Error("cream is not made of milk")
	}
}

func TestPacksGoBack(t *testing.T) {
	got := dairy.Back("box")
	for lot, want := range map[string]string{
		"packs":  "1–1, 1",
		"cheese": "4/5–4/5, 4/5",
		"curd":   "2/3–2/3, 2/3", // 200 of 250 made of 250 of 300
		"milk":   "0–1/3, 1/4",
		"cream":  "0–1, 1/4",
	} {
		if got[lot].say() != want {
			t.Errorf("%s in the box: %s, want %s", lot, got[lot].say(), want)
		}
	}
	if of := Of(got["cheese"].Even, dairy.Made["cheese"]); of != q("200", "KGM") && of.Amount.Cmp(gs1.Whole(200)) != 0 {
		t.Errorf("the packs hold %s of cheese", of)
	}
}

func TestNothingIsToldOfWhatGoesRound(t *testing.T) {
	f := Flow{Made: map[string]gs1.Quantity{"a": q("10", "KGM"), "b": q("20", "KGM"), "c": q("20", "KGM")}, Processes: []Process{
		{In: []Line{kg("a", "10"), kg("c", "5")}, Out: []Line{kg("b", "15")}},
		{In: []Line{kg("b", "15")}, Out: []Line{kg("c", "15")}},
	}}
	if got := f.Forward("a"); len(got) != 0 {
		t.Errorf("told %v", got)
	}
}

// batch is a lot of whole kilograms, each of which knows where it is from.
type batch struct {
	grains []string
	used   int
}

// plant runs random processes on real grains, so that the truth is known.
type plant struct {
	r    *rand.Rand
	lots []string
	of   map[string]*batch
	flow Flow
}

func newPlant(seed uint64) *plant {
	p := &plant{r: rand.New(rand.NewPCG(seed, 9)), of: map[string]*batch{}, flow: Flow{Made: map[string]gs1.Quantity{}}}
	for i := range 3 {
		b, name := &batch{}, fmt.Sprint("raw", i)
		for range 5 + p.r.IntN(20) {
			b.grains = append(b.grains, name)
		}
		p.put(name, b)
	}
	for i := range 4 + p.r.IntN(8) {
		p.process(i)
	}
	return p
}

func (p *plant) put(name string, b *batch) {
	p.lots = append(p.lots, name)
	p.of[name] = b
	p.flow.Made[name] = gs1.Quantity{Amount: gs1.Whole(int64(len(b.grains))), Unit: "KGM"}
}

func (p *plant) process(i int) {
	var pot []string
	var made Process
	for _, k := range p.r.Perm(len(p.lots))[:1+p.r.IntN(2)] {
		b := p.of[p.lots[k]]
		if left := len(b.grains) - b.used; left > 0 {
			n := 1 + p.r.IntN(left)
			pot = append(pot, b.grains[b.used:b.used+n]...)
			b.used += n
			made.In = append(made.In, kg(p.lots[k], fmt.Sprint(n)))
		}
	}
	if p.r.IntN(2) == 0 { // mixed by chance; else each kind stays together
		p.r.Shuffle(len(pot), func(i, j int) { pot[i], pot[j] = pot[j], pot[i] })
	}
	for o := range 1 + p.r.IntN(2) {
		if len(pot) == 0 {
			break
		}
		n := 1 + p.r.IntN(len(pot))
		name := fmt.Sprint("made", i, "-", o)
		p.put(name, &batch{grains: append([]string(nil), pot[:n]...)})
		made.Out = append(made.Out, kg(name, fmt.Sprint(n)))
		pot = pot[n:] // what is left is lost
	}
	if len(made.In) > 0 && len(made.Out) > 0 {
		p.flow.Processes = append(p.flow.Processes, made)
	}
}

// Whatever grain went where, the bounds hold; and back says what forward says.
func TestBoundsHoldForRealGrains(t *testing.T) {
	tight := 0
	for seed := range uint64(300) {
		p := newPlant(seed)
		for _, raw := range p.lots[:3] {
			all := float64(len(p.of[raw].grains))
			forward := p.flow.Forward(raw)
			for _, lot := range p.lots[3:] {
				n := 0
				for _, g := range p.of[lot].grains {
					if g == raw {
						n++
					}
				}
				part, reached := forward[lot]
				if !reached {
					if n > 0 {
						t.Fatalf("seed %d: %d kg of %s are in %s, and nothing is told", seed, n, raw, lot)
					}
					continue
				}
				true_ := big.NewRat(int64(n), int64(all))
				if true_.Cmp(part.Least) < 0 || true_.Cmp(part.Most) > 0 {
					t.Fatalf("seed %d: %s of %s are in %s, told %s", seed, true_.RatString(), raw, lot, part.say())
				}
				if part.Least.Cmp(part.Most) == 0 {
					tight++
				}
				back := p.flow.Back(lot)[raw]
				if true_.Cmp(back.Least) < 0 || true_.Cmp(back.Most) > 0 {
					t.Fatalf("seed %d: %s of %s are in %s, told back %s", seed, true_.RatString(), raw, lot, back.say())
				}
			}
		}
	}
	if tight == 0 {
		t.Error("no bound was ever tight")
	}
}

// Evenly mixed, one and the same comes out both ways.
func TestEvenSharesAgreeBothWays(t *testing.T) {
	for seed := range uint64(100) {
		p := newPlant(seed)
		for _, raw := range p.lots[:3] {
			for lot, part := range p.flow.Forward(raw) {
				back := p.flow.Back(lot)[raw]
				inside := func(x *big.Rat, p Part) bool { return x.Cmp(p.Least) >= 0 && x.Cmp(p.Most) <= 0 }
				if !inside(part.Even, part) || !inside(back.Even, back) {
					t.Fatalf("seed %d: %s in %s: %s and %s", seed, raw, lot, part.say(), back.say())
				}
				if part.Even.Cmp(back.Even) != 0 {
					t.Fatalf("seed %d: %s in %s: forward %s, back %s", seed, raw, lot, part.Even.RatString(), back.Even.RatString())
				}
			}
		}
	}
}

// A long chain of mixings keeps its numbers short, and says that it rounded.
func TestLongChainsStayShort(t *testing.T) {
	f := Flow{Made: map[string]gs1.Quantity{"0": q("997", "KGM")}}
	for i := range 300 {
		from, to, more := fmt.Sprint(i), fmt.Sprint(i+1), fmt.Sprint("more", i)
		f.Made[to], f.Made[more] = q("997", "KGM"), q("1000", "KGM")
		f.Processes = append(f.Processes, Process{In: []Line{kg(from, "991"), kg(more, "6")}, Out: []Line{kg(to, "997")}})
	}
	got := f.Forward("0")
	end := got["300"]
	if !end.Rounded || end.Even.Num().BitLen()+end.Even.Denom().BitLen() > 2*longest || end.Even.Cmp(end.Most) > 0 {
		t.Errorf("after 300 mixings: %s", end.say())
	}
	if got["10"].Rounded {
		t.Error("ten mixings are kept exactly")
	}
}

func BenchmarkFiveThousandLots(b *testing.B) {
	f := Flow{Made: map[string]gs1.Quantity{}}
	const width = 625
	for layer := range 8 {
		for i := range width {
			lot := fmt.Sprint(layer, "/", i)
			f.Made[lot] = q("100", "KGM")
			if layer > 0 {
				f.Processes = append(f.Processes, Process{In: []Line{kg(fmt.Sprint(layer-1, "/", i), "50"), kg(fmt.Sprint(layer-1, "/", (i+1)%width), "50")}, Out: []Line{kg(lot, "100")}})
			}
		}
	}
	for b.Loop() {
		f.Forward("0/0")
		f.Back("7/0")
	}
}
