//go:build unix

package embedded

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"

	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

// limitFiles makes every write beyond a file's n-th byte fail, in this whole
// process, until the returned function is called.
func limitFiles(t *testing.T, n uint64) (lift func()) {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	lift = sync.OnceFunc(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(lift)
	return lift
}

func TestAFullDiskLosesNothing(t *testing.T) {
	m, dir := ledgertest.NewMembers(ledgertest.Orgs...), t.TempDir()
	var acknowledged []ledger.Receipt
	for round := range 8 {
		l, err := Open(t.Context(), configFor(dir, m))
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for _, want := range acknowledged {
			if got, err := l.Outcome(t.Context(), want.TxID); err != nil || got.Block != want.Block || got.Index != want.Index {
				t.Fatalf("round %d: acknowledged %+v, found %+v, %v", round, want, got, err)
			}
		}
		if err := l.Verify(t.Context(), nil); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		info, err := os.Stat(blockFile(dir))
		if err != nil {
			t.Fatal(err)
		}
		lift := limitFiles(t, uint64(info.Size())+rand.Uint64N(150_000))
		done, unknown := writeUntilStopped(t, l, m)
		if _, err := l.Query(t.Context(), command(m.User("DairyMSP", "p", "u"), 0)); err != nil {
			t.Fatalf("round %d: reads do not go on: %v", round, err)
		}
		lift()
		if err := l.Close(); err != nil {
			t.Logf("round %d: close: %v", round, err)
		}
		acknowledged = append(acknowledged, done...)
		if unknown == 0 {
			t.Fatalf("round %d: writing stopped, and nothing is unknown", round)
		}
	}
	t.Logf("%d acknowledged transactions, none lost", len(acknowledged))
}

func writeUntilStopped(t *testing.T, l *Ledger, m *ledgertest.Members) (done []ledger.Receipt, unknown int) {
	alice := m.User("DairyMSP", "dairy", "alice")
	var mu sync.Mutex
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for i := worker; ; i += 16 {
				r, err := l.Submit(t.Context(), command(alice, i))
				mu.Lock()
				var u *ledger.Unknown
				switch {
				case err == nil:
					done = append(done, r)
				case errors.As(err, &u):
					unknown++
				case !errors.Is(err, ledger.ErrStopped):
					t.Error(err)
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return done, unknown
}
