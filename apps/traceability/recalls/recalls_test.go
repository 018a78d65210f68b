package recalls

import (
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/gs1"
)

func amount(s string) gs1.Amount {
	a, err := gs1.ParseAmount(s)
	if err != nil {
		panic(err)
	}
	return a
}

var opened = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

func TestPercentRoundsDownAndNeverFlatters(t *testing.T) {
	for _, c := range []struct {
		part, whole string
		want        int
	}{{"0", "0", 100}, {"0", "1", 0}, {"1", "3", 33}, {"2", "3", 66}, {"999.999999", "1000", 99}, {"1000", "1000", 100}, {"5", "4", 100}} {
		if got := Percent(amount(c.part), amount(c.whole)); got != c.want {
			t.Errorf("%s of %s is %d %%, not %d", c.part, c.whole, got, c.want)
		}
	}
}

func facts() Facts {
	return Facts{Now: opened.Add(30 * time.Hour),
		Shares: []Share{
			{Party: "market", Lot: "L1", Unit: "KGM", Held: amount("30"), Gone: amount("60"), Destroyed: amount("10")},
			{Party: "cheese", Lot: "L1", Unit: "KGM", Held: amount("50"), Returned: amount("20")},
			{Party: "cheese", Lot: "S1", Packed: amount("4")},
			{Party: "used", Lot: "L1", Unit: "KGM"}, // used up in other lots
		},
		Bookings: []Booking{{Party: "market", Lot: "L1", Quarantined: amount("30"), Destroyed: amount("10"), Beyond: amount("60"), At: opened.Add(3 * time.Hour)},
			{Party: "cheese", Lot: "L1", Quarantined: amount("35"), At: opened.Add(2 * time.Hour)}},
		Notices: []Notice{{Party: "market", At: opened, Due: opened.Add(24 * time.Hour), Method: "phone", Contacted: true, Result: "acted"},
			{Party: "cheese", At: opened, Due: opened.Add(24 * time.Hour), Method: "visit", Result: "no-answer"}},
		Answers: []Answer{{Party: "market", At: opened.Add(time.Hour)}}}
}

func TestProgressOfEachCompany(t *testing.T) {
	firms := Progress(facts())
	if len(firms) != 2 || firms[0].Party != "cheese" || firms[1].Party != "market" {
		t.Fatalf("the companies are %+v", firms)
	}
	cheese, market := firms[0], firms[1]
	if cheese.Percent != 25 || cheese.Complete || !cheese.Late || cheese.Lots != 2 { // 50 % of the one lot, none of the other
		t.Errorf("cheese: %+v", cheese)
	}
	if left := cheese.Lines[0].Outstanding.String(); left != "35" {
		t.Errorf("outstanding is %s", left)
	}
	if market.Percent != 100 || !market.Complete || market.Late {
		t.Errorf("market: %+v", market)
	}
	if e := EffectOf(firms, 2); e != (Effect{Asked: 2, Contacted: 1, Acted: 1, Wanted: 2}) {
		t.Errorf("the checks found %+v", e)
	}
}

// The clock of an exercise stops when the last company has told where its goods are.
func TestTheClockStopsWithTheLastCompany(t *testing.T) {
	f := facts()
	if took, stopped := Clock(opened, time.Time{}, f.Now, Progress(f)); stopped || took != 30*time.Hour {
		t.Errorf("running: %s, %v", took, stopped)
	}
	if took, stopped := Clock(opened, opened.Add(10*time.Hour), f.Now, Progress(f)); !stopped || took != 10*time.Hour {
		t.Errorf("closed: %s, %v", took, stopped)
	}
	f.Bookings = f.Bookings[:1]
	f.Answers = append(f.Answers, Answer{Party: "cheese", At: opened.Add(5 * time.Hour), Found: map[string]gs1.Amount{"L1": amount("70"), "S1": amount("4")}})
	firms := Progress(f)
	if took, stopped := Clock(opened, time.Time{}, f.Now, firms); !stopped || took != 5*time.Hour {
		t.Errorf("all located: %s, %v", took, stopped)
	}
	if got := LocatedOf(firms); got != 100 {
		t.Errorf("%d %% are located", got)
	}
}
