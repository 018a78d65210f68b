// Command bench measures every claim of speed as a ratio: the suite beside a
// reference, run in turn on the same machine in the same minute. It prints one
// table and keeps the raw figures. Each row of the table has a file of its own;
// how the figures are made is in turns.go, what they mean in docs/performance.md.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// options are what the command line says.
type options struct {
	rounds int
	size   size
	raw    string // folder of raw figures, prepared data and everything temporary
}

// size scales the amounts of data.
type size int

const (
	tiny   size = iota // a smoke test
	quick              // a tenth of the records
	normal             // what the goals speak of
	full               // the largest graphs too
)

// pick is the amount for this run.
func (o options) pick(tinyN, quickN, normalN int) int {
	return [...]int{tinyN, quickN, normalN, normalN}[o.size]
}

// spell is how long one side runs in one round.
func (o options) spell() time.Duration {
	return [...]time.Duration{200 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second, 2 * time.Second}[o.size]
}

// row is one line of work of the bench; it may give several lines of the table.
type row struct {
	name string
	run  func(ctx context.Context, o options) ([]result, error)
}

var rows = []row{
	{"ledger", ledgerRow},
	{"qr", qrRow},
	{"trace", traceRow},
	{"labels", labelsRow},
	{"start", startRow},
	{"fsma", fsmaRow},
	{"mqtt", mqttRow},
	{"fabric", fabricRow},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if asked, err := answerAsChild(ctx); asked || err != nil {
		exit(err)
	}
	exit(run(ctx, os.Args[1:]))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func run(ctx context.Context, args []string) error {
	var names []string
	for _, r := range rows {
		names = append(names, r.name)
	}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	chosen := fs.String("rows", strings.Join(names, ","), "which rows, joined by commas")
	o := options{size: normal}
	fs.IntVar(&o.rounds, "rounds", 10, "rounds in which the sides take turns")
	fs.StringVar(&o.raw, "raw", filepath.Join("bench", "raw"), "folder of raw figures and prepared data")
	fs.BoolFunc("quick", "a tenth of the records, short spells", func(string) error { o.size = quick; return nil })
	fs.BoolFunc("full", "graphs of 10^7 edges too", func(string) error { o.size = full; return nil })
	profile := fs.String("profile", "", "write a CPU profile of this process to the file")
	if err := fs.Parse(args); err != nil {
		return err
	}
	stopProfile, err := profileTo(*profile)
	if err != nil {
		return err
	}
	defer stopProfile()
	raw, err := filepath.Abs(o.raw)
	if err != nil {
		return err
	}
	o.raw = raw
	if err := os.MkdirAll(o.raw, 0o755); err != nil {
		return err
	}
	var all []result
	var failed error
	for _, r := range rows {
		if !slices.Contains(strings.Split(*chosen, ","), r.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s %s …\n", time.Now().Format(time.TimeOnly), r.name)
		results, err := r.run(ctx, o)
		if err != nil { // the other rows still have something to say
			failed = errors.Join(failed, fmt.Errorf("row %s: %w", r.name, err))
		}
		all = append(all, results...)
	}
	fmt.Printf("%s, %s, %d processors, %d rounds\n\n", time.Now().Format(time.DateOnly), machine(), runtime.NumCPU(), o.rounds)
	writeTable(os.Stdout, all)
	return errors.Join(failed, keepRaw(o, all))
}

// profileTo writes a CPU profile until it is stopped, if a file is named.
func profileTo(file string) (stop func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); f.Close() }, nil
}

// keepRaw writes every figure of every round.
func keepRaw(o options, all []result) error {
	b, err := json.MarshalIndent(struct {
		At      time.Time
		Machine string
		Rounds  int
		Results []result
	}{time.Now(), machine(), o.rounds, all}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(o.raw, time.Now().Format("20060102-150405")+".json"), b, 0o644)
}

// machine is the processor's name.
func machine() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOOS + "/" + runtime.GOARCH
	}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
