package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// The test's program is also the child that the rows start.
func TestMain(m *testing.M) {
	if asked, err := answerAsChild(context.Background()); asked {
		exit(err)
	}
	os.Exit(m.Run())
}

// Every row runs, on next to nothing: what it measures here says nothing about
// speed, only that the bench has not rotted.
func TestEveryRowRuns(t *testing.T) {
	for _, r := range rows {
		if testing.Short() && (r.name == "start" || r.name == "fabric") {
			continue // they build programs, and start a dozen
		}
		t.Run(r.name, func(t *testing.T) {
			results, err := r.run(t.Context(), options{rounds: 2, size: tiny, raw: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			if len(results) == 0 {
				t.Fatal("no line of the table")
			}
			for _, got := range results {
				for _, figure := range got.Figures {
					if !(figure > 0) || math.IsInf(figure, 0) {
						t.Errorf("%s beside %s: %v", got.Job, got.Beside, got.Figures)
					}
				}
				if got.Missing != "" {
					t.Logf("%s was not measured: %s", got.Job, got.Missing)
				}
			}
		})
	}
}

func TestSidesTakeTurns(t *testing.T) {
	var order []string
	call := func(name string) side {
		return func(context.Context) (float64, error) { order = append(order, name); return float64(len(order)), nil }
	}
	figures, err := inTurns(t.Context(), 3, call("a"), call("b"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, ""); got != "ababab" {
		t.Errorf("the sides ran as %s", got)
	}
	if got := fmt.Sprint(figures); got != "[[1 3 5] [2 4 6]]" {
		t.Errorf("figures %s", got)
	}
	if got := ratios(figures[1], figures[0]); !slices.Equal(got, []float64{2, 4. / 3, 6. / 5}) {
		t.Errorf("ratios %v", got)
	}
}

func TestASideThatDidNothing(t *testing.T) {
	for _, c := range []struct {
		figures []float64 // of one side, call by call
		want    float64
		fails   bool
	}{
		{[]float64{7}, 7, false},
		{[]float64{0, 7}, 7, false},
		{[]float64{math.NaN(), 7}, 7, false}, // a quantile of nothing
		{[]float64{math.Inf(1), 0}, 0, true},
	} {
		calls := 0
		figures, err := inTurns(t.Context(), 1, func(context.Context) (float64, error) { calls++; return c.figures[calls-1], nil })
		if errors.Is(err, errIdle) != c.fails || calls != len(c.figures) || !c.fails && figures[0][0] != c.want {
			t.Errorf("%v: %v, %v after %d calls", c.figures, figures, err, calls)
		}
	}
}

func TestTheVerdictIsTheMedians(t *testing.T) {
	for _, c := range []struct {
		r    result
		want string
	}{
		{result{Figures: []float64{0.5, 0.9, 0.95}, AtLeast: 0.9}, "reached"},
		{result{Figures: []float64{0.5, 0.89, 2}, AtLeast: 0.9}, "**missed**"},
		{result{Figures: []float64{0.1, 0.11}, AtMost: 0.1}, "**missed**"},
		{result{Figures: []float64{7}}, "for comparison"},
		{result{Missing: "no disk", AtLeast: 1}, "not measured: no disk"},
	} {
		if got := c.r.verdict(); got != c.want {
			t.Errorf("%v: %s, want %s", c.r, got, c.want)
		}
	}
	var table bytes.Buffer
	writeTable(&table, []result{{Job: "a", Beside: "b", Unit: "x", Figures: []float64{1, 2, 3}, AtLeast: 1}})
	if want := "| a | b | 2 x [1.2–2.8] | ≥ 1 x | reached |"; !strings.Contains(table.String(), want) {
		t.Errorf("the table has no line %s:\n%s", want, table.String())
	}
}
