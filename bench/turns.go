package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strconv"
)

// side is one of the things that are compared. It runs once and gives its
// figure: transactions a second, seconds a walk, …
type side func(ctx context.Context) (float64, error)

// errIdle is a figure that compares with nothing: in its time the side did not do
// one piece of work.
var errIdle = errors.New("it did nothing in its time")

// atWork runs the side, and a second time where the machine was too busy with
// others for it to do anything.
func (run side) atWork(ctx context.Context) (float64, error) {
	for range 2 {
		figure, err := run(ctx)
		if err != nil || figure > 0 && !math.IsInf(figure, 0) {
			return figure, err
		}
	}
	return 0, errIdle
}

// inTurns runs the sides one after the other, round for round (A B A B …), so
// that whatever else the machine does falls on all of them. It gives the
// figures of each side, one a round.
func inTurns(ctx context.Context, rounds int, sides ...side) ([][]float64, error) {
	figures := make([][]float64, len(sides))
	for range rounds {
		for i, run := range sides {
			runtime.GC() // nobody pays for another's garbage
			figure, err := run.atWork(ctx)
			if err != nil {
				return nil, fmt.Errorf("side %d: %w", i+1, err)
			}
			figures[i] = append(figures[i], figure)
		}
	}
	return figures, nil
}

// ratios pairs two sides round by round.
func ratios(a, b []float64) []float64 {
	all := make([]float64, len(a))
	for i := range a {
		all[i] = a[i] / b[i]
	}
	return all
}

// result is one line of the table.
type result struct {
	Job, Beside string
	Unit        string    // "x" for ratios, else of the figures
	Figures     []float64 // one a round
	AtLeast     float64   // the goal; zero is none
	AtMost      float64
	Missing     string               // why it was not measured
	Sides       map[string][]float64 `json:",omitempty"` // what the figures were made from
}

// quantile of the figures, by linear interpolation.
func quantile(figures []float64, q float64) float64 {
	if len(figures) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(figures))
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

func (r result) figure() string {
	if len(r.Figures) == 0 {
		return "—"
	}
	text := fmt.Sprintf("%s %s", short(quantile(r.Figures, 0.5)), r.Unit)
	if len(r.Figures) > 1 {
		text += fmt.Sprintf(" [%s–%s]", short(quantile(r.Figures, 0.1)), short(quantile(r.Figures, 0.9)))
	}
	return text
}

func (r result) goal() string {
	switch {
	case r.AtLeast > 0:
		return fmt.Sprintf("≥ %s %s", short(r.AtLeast), r.Unit)
	case r.AtMost > 0:
		return fmt.Sprintf("≤ %s %s", short(r.AtMost), r.Unit)
	}
	return "—"
}

func (r result) verdict() string {
	median := quantile(r.Figures, 0.5)
	switch {
	case r.Missing != "":
		return "not measured: " + r.Missing
	case r.AtLeast == 0 && r.AtMost == 0:
		return "for comparison"
	case r.AtLeast > 0 && median < r.AtLeast, r.AtMost > 0 && median > r.AtMost:
		return "**missed**"
	}
	return "reached"
}

// short writes three significant digits.
func short(v float64) string {
	if math.Abs(v) >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// writeTable prints the results as a Markdown table.
func writeTable(w io.Writer, all []result) {
	fmt.Fprintln(w, "| job | beside | median [p10–p90] | must reach | verdict |")
	fmt.Fprintln(w, "|---|---|---|---|---|")
	for _, r := range all {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", r.Job, r.Beside, r.figure(), r.goal(), r.verdict())
	}
}
