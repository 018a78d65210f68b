package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startRow is how long the program takes to be ready, what it holds in memory
// while it idles, and how large it is, beside a Fabric peer on this machine.
func startRow(ctx context.Context, o options) ([]result, error) {
	binary := filepath.Join(o.raw, "suite")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, module+"/cmd/tallyway")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build tallyway: %w\n%s", err, out)
	}
	n := o.pick(500, 100_000, 1_000_000)
	loaded, err := lots(ctx, o, n)
	if err != nil {
		return nil, err
	}
	var empty, full, peer startFigures
	sides := []side{
		empty.side(func(ctx context.Context) (*started, error) { return startEmpty(ctx, binary, o.raw) }),
		full.side(func(ctx context.Context) (*started, error) { return startTallyway(ctx, binary, loaded) }),
	}
	peerBinary, missing := buildPeer(ctx, o.raw)
	if missing == nil {
		sides = append(sides, peer.side(func(ctx context.Context) (*started, error) { return startPeer(ctx, peerBinary, o.raw) }))
	}
	if _, err := inTurns(ctx, o.rounds, sides...); err != nil {
		return nil, err
	}
	all := []result{
		{Job: "first start, empty folder", Beside: "the clock", Unit: "ms", Figures: empty.ready, AtMost: 300},
		{Job: fmt.Sprintf("start over %d lots", n), Beside: "the clock", Unit: "ms", Figures: full.ready, AtMost: 1000},
	}
	if missing != nil {
		return append(all, result{Job: "start, memory, size", Beside: "a Fabric peer", Missing: missing.Error()}), nil
	}
	ours, err := os.Stat(binary)
	if err != nil {
		return all, err
	}
	theirs, err := os.Stat(peerBinary)
	if err != nil {
		return all, err
	}
	return append(all,
		result{Job: "first start, empty folder", Beside: "a Fabric peer without a channel", Unit: "x", Figures: ratios(empty.ready, peer.ready),
			Sides: map[string][]float64{"ours, ms": empty.ready, "peer, ms": peer.ready}},
		result{Job: "idle memory, empty folder", Beside: "a Fabric peer without a channel", Unit: "x", Figures: ratios(empty.resident, peer.resident), AtMost: 0.8,
			Sides: map[string][]float64{"ours, MB": empty.resident, "peer, MB": peer.resident}},
		result{Job: fmt.Sprintf("idle memory, %d lots", n), Beside: "a Fabric peer without a channel", Unit: "x", Figures: ratios(full.resident, peer.resident),
			Sides: map[string][]float64{"ours, MB": full.resident}},
		result{Job: "size of the program", Beside: "a Fabric peer, built alike", Unit: "x",
			Figures: []float64{float64(ours.Size()) / float64(theirs.Size())}, AtMost: 0.8},
	), nil
}

// module is this one's path.
const module = "github.com/tallyway/tallyway"

// startFigures are milliseconds and megabytes, one a round.
type startFigures struct{ ready, resident []float64 }

// settle is how long a started program idles before its memory is read.
const settle = 2 * time.Second

func (f *startFigures) side(start func(context.Context) (*started, error)) side {
	return func(ctx context.Context) (float64, error) {
		begun := time.Now()
		s, err := start(ctx)
		if err != nil {
			return 0, err
		}
		defer s.stop()
		ready := float64(time.Since(begun).Microseconds()) / 1000
		time.Sleep(settle)
		resident, err := residentMB(s.cmd.Process.Pid)
		if err != nil {
			return 0, fmt.Errorf("%s: %w\n%s", filepath.Base(s.cmd.Path), err, s.cmd.Stderr)
		}
		f.ready, f.resident = append(f.ready, ready), append(f.resident, resident)
		return ready, err
	}
}

// started is a program that runs and is ready.
type started struct {
	cmd   *exec.Cmd
	clean func()
}

func (s *started) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.cmd.Wait()
	s.clean()
}

// startEmpty starts on a folder that is not there yet: keys, ledger and tables
// are made on the way.
func startEmpty(ctx context.Context, binary, raw string) (*started, error) {
	dir, err := os.MkdirTemp(raw, "empty-")
	if err != nil {
		return nil, err
	}
	s, err := startTallyway(ctx, binary, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	s.clean = func() { os.RemoveAll(dir) }
	return s, nil
}

// startTallyway returns when the program says that it serves and answers.
func startTallyway(ctx context.Context, binary, data string) (*started, error) {
	cmd := exec.CommandContext(ctx, binary, "serve", "--data", data, "--listen", "127.0.0.1:0", "--mqtt", "embedded://127.0.0.1:0")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &started{cmd, func() {}}
	address, said := "", ""
	lines := bufio.NewScanner(out)
	for address == "" && lines.Scan() {
		said += lines.Text() + "\n"
		if at := strings.Index(lines.Text(), "serves on http://"); at >= 0 {
			address = lines.Text()[at+len("serves on "):]
		}
	}
	if address == "" {
		s.stop()
		return nil, fmt.Errorf("tallyway does not say where it serves: %s%s", said, complaints.String())
	}
	go func() {
		for lines.Scan() { // what else it says must not block it
		}
	}()
	response, err := getOnce(ctx, address+"/healthz")
	if err != nil {
		s.stop()
		return nil, err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
		s.stop()
		return nil, fmt.Errorf("tallyway is not well: %s", response.Status)
	}
	return s, nil
}

// residentMB is a process's memory as the kernel counts it.
func residentMB(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, fmt.Errorf("process %d tells no VmRSS", pid)
}
