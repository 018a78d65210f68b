package traceability

import (
	"fmt"
	"testing"
	"time"
)

// wayOf is cheese with its milk; the cheese arrived at so many shops.
func wayOf(shops int) (*way, *names) {
	n := &names{lang: "en", seen: map[string]string{"product " + milkGTIN: "Milk", "product " + cheeseGTIN: "Cheese", "party dairy": "Dairy", "party harbour": "Harbour", "city ": ""}}
	day := func(d int) time.Time { return time.Date(2026, 11, d, 23, 0, 0, 0, time.UTC) }
	arrived, block, entered := day(2), int64(7), day(9)
	milk := waymark{lotRow: lotRow{ID: "milk", GTIN: milkGTIN, Maker: "dairy", At: day(1)}, Zone: "+02:00", Open: true,
		Receiver: "harbour", Arrived: &arrived, ArrivedOpen: true}
	cheese := waymark{lotRow: lotRow{ID: "cheese", GTIN: cheeseGTIN, Maker: "harbour", At: day(3)}, Open: true, Entry: &block, Entered: &entered}
	w := &way{lot: cheese.lotRow, makers: map[string]bool{"dairy": true, "harbour": true}, marks: []waymark{cheese, milk}}
	for i := range shops {
		at := day(4 + i)
		m := cheese
		m.Receiver, m.Arrived, m.ArrivedOpen = fmt.Sprint("shop ", i), &at, true
		n.seen["party "+m.Receiver] = m.Receiver
		w.marks = append(w.marks, m)
	}
	return w, n
}

func steps(v *shopperView) (all []string) {
	for _, s := range v.Path {
		all = append(all, fmt.Sprint(s.Product, " ", s.Kind, " ", s.Company, s.Firms, " ", s.Day, " ", s.Lots))
	}
	return all
}

func TestAWayIsToldOnce(t *testing.T) {
	for shops, want := range map[int]string{
		2: "[Milk made Dairy0 2026-11-02 1 Milk arrived Harbour0 2026-11-02 1 Cheese made Harbour0 2026-11-03 1 Cheese arrived shop 00 2026-11-04 1 Cheese arrived shop 10 2026-11-05 1]",
		4: "[Milk made Dairy0 2026-11-02 1 Milk arrived Harbour0 2026-11-02 1 Cheese made Harbour0 2026-11-03 1 Cheese arrived 4 2026-11-04 0]",
	} {
		w, n := wayOf(shops)
		v := &shopperView{}
		w.tell(n, v)
		if got := fmt.Sprint(steps(v)); got != want {
			t.Errorf("%d shops:\n%s, want\n%s", shops, got, want)
		}
		if v.Gaps || v.Block != 7 || v.Entered.Day() != 9 {
			t.Errorf("gaps %v, block %d at %v", v.Gaps, v.Block, v.Entered)
		}
	}
}

func TestAWayHidesWhatItsCompaniesKeep(t *testing.T) {
	w, n := wayOf(1)
	for i := range w.marks {
		w.marks[i].Open, w.marks[i].ArrivedOpen = false, false
	}
	v := &shopperView{}
	w.tell(n, v)
	if len(v.Path) > 0 || !v.Gaps {
		t.Errorf("tells %v, gaps %v", steps(v), v.Gaps)
	}
}
