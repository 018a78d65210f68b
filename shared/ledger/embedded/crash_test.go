package embedded

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

// crashDir, when set, makes this test program the child that is killed.
const crashDir = "LEDGER_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := commitForEver(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// commitForEver keeps 16 writers busy and prints every receipt.
func commitForEver(dir string) error {
	authorities, err := os.ReadFile(filepath.Join(dir, "members"))
	if err != nil {
		return err
	}
	m, err := ledgertest.Import(authorities)
	if err != nil {
		return err
	}
	l, err := Open(context.Background(), configFor(filepath.Join(dir, "ledger"), m))
	if err != nil {
		return err
	}
	failed := make(chan error)
	alice, run := m.User("DairyMSP", "dairy", "alice"), rand.IntN(1<<30)*1000
	for worker := range 16 {
		go func() {
			for i := run + worker; ; i += 16 {
				r, err := l.Submit(context.Background(), command(alice, i))
				if err != nil {
					failed <- err
					return
				}
				fmt.Printf("%s %d %d\n", r.TxID, r.Block, r.Index) // one write: whole lines only, or none
			}
		}()
	}
	return <-failed
}

// rounds of the crash test; LEDGER_CRASHES asks for more.
func crashRounds(t *testing.T) int {
	if s := os.Getenv("LEDGER_CRASHES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("LEDGER_CRASHES: %v", err)
		}
		return n
	}
	return 30
}

func TestNothingAcknowledgedIsLostByKill(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a child process many times")
	}
	m, dir := ledgertest.NewMembers(ledgertest.Orgs...), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "members"), m.Export(), 0o600); err != nil {
		t.Fatal(err)
	}
	rounds, acknowledged := crashRounds(t), 0
	for round := range rounds {
		receipts := crash(t, dir, time.Duration(rand.IntN(250))*time.Millisecond)
		acknowledged += len(receipts)
		l, err := Open(t.Context(), configFor(filepath.Join(dir, "ledger"), m))
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for _, want := range receipts {
			got, err := l.Outcome(t.Context(), want.TxID)
			if err != nil || got.Block != want.Block || got.Index != want.Index {
				t.Fatalf("round %d: acknowledged %+v, found %+v, %v", round, want, got, err)
			}
		}
		if round == rounds-1 || round%100 == 99 {
			if err := l.Verify(t.Context(), nil); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d acknowledged transactions, none lost", rounds, acknowledged)
}

// crash runs the child, kills it some time after its first receipt, and
// returns what it had acknowledged.
func crash(t *testing.T, dir string, after time.Duration) (all []ledger.Receipt) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashDir+"="+dir)
	var complaints strings.Builder
	child.Stderr = &complaints
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	kill := sync.OnceFunc(func() { time.AfterFunc(after, func() { child.Process.Kill() }) })
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		var r ledger.Receipt
		if _, err := fmt.Sscanf(line, "%s %d %d\n", &r.TxID, &r.Block, &r.Index); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, r)
		kill()
	}
	child.Wait() // it was killed: the error says so
	if len(all) == 0 {
		t.Fatalf("the child acknowledged nothing: %s", complaints.String())
	}
	return all
}
