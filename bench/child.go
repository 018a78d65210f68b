package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
)

// Some things can only be measured from outside a process: its system calls, or
// its work on a slower disk. Then the bench starts itself again, under a
// wrapper such as strace, with one job.

// errand is what a child is asked to do.
type errand struct {
	Job    string
	Size   size
	Rounds int
	Raw    string
}

// errands are the jobs that a child knows; the answer travels as JSON.
var errands = map[string]func(ctx context.Context, o options) (any, error){
	"ledger": func(ctx context.Context, o options) (any, error) { return ledgerSides(ctx, o) },
	"fsyncs": func(ctx context.Context, o options) (any, error) { return countedWrites(ctx, o) },
}

const errandVariable = "TALLYWAY_BENCH_ERRAND"

// answerAsChild does the errand that the environment names, if it names one.
func answerAsChild(ctx context.Context) (asked bool, err error) {
	text := os.Getenv(errandVariable)
	if text == "" {
		return false, nil
	}
	var e errand
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return true, fmt.Errorf("read %s: %w", errandVariable, err)
	}
	answer, err := errands[e.Job](ctx, options{rounds: e.Rounds, size: e.Size, raw: e.Raw})
	if err != nil {
		return true, err
	}
	return true, json.NewEncoder(os.Stdout).Encode(answer)
}

// runChild starts the bench again behind the wrapper's words and reads its
// answer.
func runChild(ctx context.Context, o options, job string, answer any, wrapper ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	text, err := json.Marshal(errand{job, o.size, o.rounds, o.raw})
	if err != nil {
		return err
	}
	words := append(wrapper, self)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(os.Environ(), errandVariable+"="+string(text))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("the child for %s: %w", job, err)
	}
	return json.Unmarshal(out.Bytes(), answer)
}
