package network

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// script is a process that a shell plays.
func script(name, text string) process {
	return process{name: name, program: "/bin/sh", arguments: []string{"-c", text}}
}

func emptyNetwork(t *testing.T) *Network {
	t.Helper()
	n, err := Open(t.TempDir(), Default())
	must(t, err)
	return n
}

func TestAProcessIsStartedOnceAndEnds(t *testing.T) {
	n := emptyNetwork(t)
	p := script("play.one", "echo begun; exec sleep 60")
	must(t, n.start(p))
	first := n.pid(p.name)
	if first == 0 {
		t.Fatal("it does not live")
	}
	if session, err := syscall.Getpgid(first); err != nil || session != first {
		t.Errorf("it shares the launcher's terminal: %d %v", session, err)
	}
	must(t, n.start(p))
	if again := n.pid(p.name); again != first {
		t.Errorf("started twice: %d, %d", first, again)
	}
	must(t, n.end(t.Context(), syscall.SIGTERM, p.name))
	if pid := n.pid(p.name); pid != 0 {
		t.Errorf("it lives as %d", pid)
	}
	must(t, n.end(t.Context(), syscall.SIGTERM, p.name)) // nothing to end
	must(t, n.start(p))
	t.Cleanup(func() { must(t, n.end(context.Background(), syscall.SIGKILL, p.name)) })
	if again := n.pid(p.name); again == 0 || again == first {
		t.Errorf("started anew: %d, %d", first, again)
	}
}

func TestWhoDoesNotEndIsKilled(t *testing.T) {
	defer func(usual time.Duration) { patience = usual }(patience)
	patience = 300 * time.Millisecond
	n := emptyNetwork(t)
	p := script("play.deaf", "trap '' TERM; echo deaf; while :; do sleep 0.1; done")
	must(t, n.start(p))
	until(t, 10*time.Second, "the script to begin", func() error {
		if n.lastWords(p.name) != "deaf" {
			return os.ErrNotExist
		}
		return nil
	})
	start := time.Now()
	must(t, n.end(t.Context(), syscall.SIGTERM, p.name))
	if took := time.Since(start); took < patience || n.pid(p.name) != 0 {
		t.Errorf("ended after %s", took)
	}
}

// TestAnothersNumberIsNotOurs writes a living process's number into a pid file,
// as a crash of the machine may leave it there.
func TestAnothersNumberIsNotOurs(t *testing.T) {
	n := emptyNetwork(t)
	must(t, writeFile(n.pidFile("play.one"), []byte(strconv.Itoa(os.Getpid())), 0o644))
	if pid := n.pid("play.one"); pid != 0 {
		t.Fatalf("%d was taken for ours", pid)
	}
	must(t, n.signal("play.one", syscall.SIGKILL)) // or this test ends here
}

func TestAnErrorHoldsLastWords(t *testing.T) {
	n := emptyNetwork(t)
	p := script("orderer.tax", "for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done; echo no space left; exit 1")
	p.org = n.definition.Organisations[1]
	must(t, n.start(p))
	until(t, 10*time.Second, "its end", func() error {
		if n.pid(p.name) != 0 {
			return os.ErrExist
		}
		return nil
	})
	err := n.await(t.Context(), p)
	if err == nil || !strings.Contains(err.Error(), "orderer.tax has ended") || !strings.HasSuffix(err.Error(), "no space left") ||
		strings.Contains(err.Error(), "line 1\n") {
		t.Error(err)
	}
	var log bytes.Buffer
	must(t, n.Log(p.name, &log))
	if lines := strings.Count(log.String(), "\n"); lines != 10 {
		t.Errorf("%d lines", lines)
	}
	if n.Log("../definition", &log) == nil {
		t.Error("a file that is no log was shown")
	}
}

func TestALongLogIsPutAside(t *testing.T) {
	n := emptyNetwork(t)
	p := script("play.one", "echo new")
	file := n.logFile(p.name)
	must(t, writeFile(file, []byte("old\n"), 0o644))
	must(t, os.Truncate(file, longestLog+1))
	must(t, n.start(p))
	if !exists(file + ".old") {
		t.Error("it goes on for ever")
	}
	until(t, 10*time.Second, "the new log", func() error {
		if n.lastWords(p.name) != "new" {
			return os.ErrNotExist
		}
		return nil
	})
}

// TestNothingOfTheCallersEnvironmentGetsIn: a CORE_ variable would change a
// peer's configuration.
func TestNothingOfTheCallersEnvironmentGetsIn(t *testing.T) {
	t.Setenv("CORE_PEER_ID", "another")
	n := emptyNetwork(t)
	p := script("play.one", "env")
	p.env = []string{"FABRIC_CFG_PATH=/here"}
	must(t, n.start(p))
	var log bytes.Buffer
	until(t, 10*time.Second, "its end", func() error {
		if n.pid(p.name) != 0 {
			return os.ErrExist
		}
		return nil
	})
	must(t, n.Log(p.name, &log))
	if !strings.Contains(log.String(), "FABRIC_CFG_PATH=/here") || strings.Contains(log.String(), "CORE_") {
		t.Error(log.String())
	}
}
