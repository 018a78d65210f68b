package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mostIdle is what the program may hold a moment after its first start, in MB.
// The ledger's own pages and the program's are about fifty, the broker and the
// readings' database another twelve; what founding and opening have left behind
// would be thirty more.
const mostIdle = 80

func TestAnIdleProgramGivesMemoryBack(t *testing.T) {
	cmd := exec.Command(os.Args[0], "serve", "--data", t.TempDir()+"/data", "--listen", "127.0.0.1:0", "--mqtt", "embedded://127.0.0.1:0")
	cmd.Env = append(os.Environ(), asProgram+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Signal(syscall.SIGTERM); cmd.Wait() }()
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.Contains(lines.Text(), "serves on"); {
	}
	held := 0
	for range 100 { // as long as a busy machine needs
		if held = residentMB(t, cmd.Process.Pid); held <= mostIdle {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("the program holds %d MB while it idles, want at most %d", held, mostIdle)
}

// residentMB is a process's memory as the kernel counts it.
func residentMB(t *testing.T, pid int) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kb / 1024
}
