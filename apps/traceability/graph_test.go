package traceability

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/web"
)

var update = flag.Bool("update", false, "write the expected files anew")

func cardOf(id, product, blocked string, seed bool) card {
	k := card{ID: id, Product: product, Number: id, Maker: "Firm", Amount: "10 kg", At: viewsStart, Place: "Port Alma", Seed: seed, Count: 1, Href: "/lot/" + id,
		row: lotRow{ID: id, GTIN: product, Blocked: blocked, Maker: "firm"}}
	k.Word, k.Tone = blockWord(blocked)
	return k
}

func went(from, to, kilos string) strand {
	return strand{From: from, To: to, Amount: kilos + " kg", size: gs1.Quantity{Amount: parseAmount(kilos), Unit: "KGM"}}
}

func say(q gs1.Quantity) string { return q.String() }

// sayer says English.
type sayer struct{}

func (sayer) T(text string, facts ...any) string {
	for _, f := range facts {
		text = strings.Replace(text, "%s", fmt.Sprint(f), 1)
	}
	return text
}

func (sayer) Lang() string { return "en" }

func TestDrawing(t *testing.T) {
	p := &pedigree{nodes: []card{cardOf("M1", "Fresh milk", "recall", false), cardOf("M2", "Fresh <milk>", "", false), cardOf("C1", "Cheese", "recall", true), cardOf("G1", "Gratin", "hold", false)},
		strands: []strand{went("M1", "C1", "400"), went("M2", "C1", "200"), went("C1", "G1", "5"), went("M2", "G1", "1")}}
	got := strings.ReplaceAll(string(p.draw(sayer{})), "><", ">\n<") + "\n"
	const file = "testdata/trace.svg"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the drawing has changed; look at it and run with -update:\n%s", got)
	}
}

func TestManyLotsShareCards(t *testing.T) {
	p := &pedigree{nodes: []card{cardOf("C1", "Cheese", "", true)}}
	for i := range 1000 {
		k := cardOf(fmt.Sprint("M", i), "Milk", map[bool]string{true: "recall"}[i%100 == 0], false)
		k.At = viewsStart.Add(time.Duration(i%20) * 24 * time.Hour)
		p.nodes = append(p.nodes, k)
		p.strands = append(p.strands, went(k.ID, "C1", "1"))
	}
	p.collapse(sayer{}, nil, say)
	count, bad := 0, 0
	for _, k := range p.nodes {
		count += k.Count
		if k.Tone == web.Bad {
			bad += k.Count
		}
	}
	if !p.grouped || len(p.nodes) > mostDrawn || count != 1001 || bad != 10 || len(p.strands) != len(p.nodes)-1 {
		t.Errorf("%d cards with %d lots, %d recalled, %d arrows", len(p.nodes), count, bad, len(p.strands))
	}
}

// A drawing of hundreds of cards takes milliseconds.
func BenchmarkDrawing(b *testing.B) {
	p := &pedigree{}
	for i := range mostDrawn {
		p.nodes = append(p.nodes, cardOf(fmt.Sprint("L", i), "Milk", "", i == 0))
		if i > 0 {
			p.strands = append(p.strands, went(fmt.Sprint("L", i/3), fmt.Sprint("L", i), "1"))
		}
	}
	for b.Loop() {
		p.draw(sayer{})
	}
}
