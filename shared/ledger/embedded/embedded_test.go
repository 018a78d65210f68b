package embedded

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	fabric "github.com/hyperledger/fabric/core/ledger"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

func configFor(dir string, m *ledgertest.Members) Config {
	return Config{Dir: dir, Contracts: ledgertest.Contracts(), Orgs: ledgertest.Orgs, Verifier: m, Endorser: m.Node}
}

func openIn(t testing.TB, dir string, m *ledgertest.Members) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), configFor(dir, m))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestCorpus(t *testing.T) {
	ledgertest.Run(t, func(t testing.TB) (ledger.Ledger, *ledgertest.Members) {
		m := ledgertest.NewMembers(ledgertest.Orgs...)
		return openIn(t, t.TempDir(), m), m
	})
}

// load submits n commands of every sort, 16 at once, and returns their receipts.
func load(t testing.TB, l *Ledger, m *ledgertest.Members, n int) []ledger.Receipt {
	t.Helper()
	alice := m.User("DairyMSP", "dairy", "alice")
	receipts, errs := make([]ledger.Receipt, n), make([]error, n)
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for i := worker; i < n; i += 16 {
				receipts[i], errs[i] = l.Submit(t.Context(), command(alice, i))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return receipts
}

func command(by ledger.Signer, i int) ledger.Request {
	keepers := []string{"DairyMSP", "HarbourMSP"}
	commands := []any{
		ledgertest.Count{Key: "hot"}, ledgertest.Put{Key: fmt.Sprint("put/", i), Text: "x"},
		ledgertest.Hide{Key: fmt.Sprint("secret", i), Text: "s", Keepers: keepers},
		ledgertest.Claim{Shelf: "shelf", Key: fmt.Sprint(i), Limit: 1 << 30},
	}
	c := commands[i%len(commands)]
	body, _ := json.Marshal(c)
	return ledger.Request{Signer: by, Name: chaincode.NameOf(c), Body: body, Tx: ledger.NewTx(by)}
}

func TestVerifyFindsNothingWrong(t *testing.T) {
	m, dir := ledgertest.NewMembers(ledgertest.Orgs...), t.TempDir()
	l := openIn(t, dir, m)
	load(t, l, m, 200)
	stop := make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() { // Verify works beside others
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				load(t, l, m, 16)
			}
		}
	})
	last := uint64(0)
	err := l.Verify(t.Context(), func(block, of uint64) { last = block })
	close(stop)
	busy.Wait()
	if err != nil || last == 0 {
		t.Fatalf("verified up to block %d: %v", last, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := VerifyDir(t.Context(), dir, ledgertest.Orgs, m, nil); err != nil {
		t.Fatal(err)
	}
}

func blockFile(dir string) string {
	return filepath.Join(dir, "chains", "chains", Channel, "blockfile_000000")
}

func TestEveryFlippedByteIsFoundInItsBlock(t *testing.T) {
	m, dir := ledgertest.NewMembers(ledgertest.Orgs...), t.TempDir()
	l := openIn(t, dir, m)
	for i := range 4 {
		if _, err := l.Submit(t.Context(), command(m.User("DairyMSP", "p", "u"), i)); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
	content, err := os.ReadFile(blockFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	var ends []int64
	for b, err := range rawBlocks(dir, 0) {
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, b.offset+int64(b.size))
	}
	copyDir := t.TempDir()
	os.MkdirAll(filepath.Dir(blockFile(copyDir)), 0o700)
	for at := range content {
		if at%7 != 0 && !near(ends, at) { // every byte near a block's edge, where lengths, hashes and verdicts stand
			continue
		}
		broken := bytes.Clone(content)
		broken[at] ^= 1 << (at % 8)
		os.WriteFile(blockFile(copyDir), broken, 0o600)
		want := uint64(slices.IndexFunc(ends, func(end int64) bool { return int64(at) < end }))
		err := (&chain{verifier: m, replay: newReplay()}).walk(t.Context(), copyDir, uint64(len(ends)), nil)
		var f *Fault
		if !errors.As(err, &f) {
			t.Fatalf("byte %d of block %d is flipped, and Verify says %v", at, want, err)
		}
		if f.Block != want && !(want == 0 && f.Block == 1) { // nothing in the genesis block vouches for its own bytes but block 1
			t.Fatalf("byte %d of block %d is flipped, and Verify blames block %d: %v", at, want, f.Block, err)
		}
	}
	for _, size := range []int64{ends[2], ends[2] + 1, ends[3] - 1} {
		os.WriteFile(blockFile(copyDir), content[:size], 0o600)
		err := (&chain{verifier: m}).walk(t.Context(), copyDir, uint64(len(ends)), nil)
		var f *Fault
		if !errors.As(err, &f) || f.Block != 3 {
			t.Fatalf("the file ends at byte %d, within or before block 3, and Verify says %v", size, err)
		}
	}
}

func near(ends []int64, at int) bool {
	for _, end := range append([]int64{0}, ends...) {
		if d := int64(at) - end; d > -90 && d < 90 {
			return true
		}
	}
	return false
}

// flip changes one byte of a block file in place.
func flip(t testing.TB, dir string, at int64) {
	t.Helper()
	f, err := os.OpenFile(blockFile(dir), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	f.ReadAt(b, at)
	b[0] ^= 0x10
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

func TestTheScrubNoticesAFlippedByte(t *testing.T) {
	m, dir := ledgertest.NewMembers(ledgertest.Orgs...), t.TempDir()
	found := make(chan Fault, 1)
	c := configFor(dir, m)
	c.ScrubPause, c.ScrubRate = 10*time.Millisecond, 1<<30
	c.OnFault = func(f Fault) { found <- f }
	l, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	load(t, l, m, 50)
	if err := l.Health(); err != nil {
		t.Fatalf("before: %v", err)
	}
	var second rawBlock
	for b, err := range rawBlocks(dir, 3) {
		if err != nil {
			t.Fatal(err)
		}
		second = b
	}
	flip(t, dir, second.offset+int64(second.size)/2)
	select {
	case f := <-found:
		if f.Block != 2 || f.File != "blockfile_000000" {
			t.Fatalf("found %v", f.Error())
		}
	case <-time.After(20 * time.Second):
		t.Fatal("not noticed")
	}
	var f *Fault
	if err := l.Health(); !errors.As(err, &f) || f.Block != 2 {
		t.Fatalf("health: %v", err)
	}
}

func TestADamagedHeadIsNotOpened(t *testing.T) {
	m, dir := ledgertest.NewMembers(ledgertest.Orgs...), t.TempDir()
	l := openIn(t, dir, m)
	load(t, l, m, 20)
	l.Close()
	info, err := os.Stat(blockFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	flip(t, dir, info.Size()-2000)
	if l, err := Open(t.Context(), configFor(dir, m)); err == nil {
		l.Close()
		t.Fatal("opened")
	} else if !strings.Contains(err.Error(), fmt.Sprint("block ")) {
		t.Fatalf("no block is named: %v", err)
	}
}

func TestAFileThatLostBlocksIsNoticed(t *testing.T) {
	for name, keep := range map[string]func(last rawBlock) int64{
		"at a block's end": func(last rawBlock) int64 { return last.offset },
		"within a block":   func(last rawBlock) int64 { return last.offset + int64(last.size)/2 },
	} {
		t.Run(name, func(t *testing.T) {
			m, dir := ledgertest.NewMembers(ledgertest.Orgs...), t.TempDir()
			l := openIn(t, dir, m)
			load(t, l, m, 20)
			l.Close()
			var last rawBlock
			for b, err := range rawBlocks(dir, 0) {
				if err != nil {
					t.Fatal(err)
				}
				last = b
			}
			if err := os.Truncate(blockFile(dir), keep(last)); err != nil {
				t.Fatal(err)
			}
			var f *Fault
			if err := VerifyDir(t.Context(), dir, ledgertest.Orgs, m, nil); !errors.As(err, &f) || f.Block != last.Header.Number {
				t.Errorf("block %d is lost, and VerifyDir says %v", last.Header.Number, err)
			}
			if l, err := Open(t.Context(), configFor(dir, m)); err == nil {
				l.Close()
				t.Error("opened")
			}
		})
	}
}

func TestACommitErrorIsUnknownAndStopsWrites(t *testing.T) {
	m, dir := ledgertest.NewMembers(ledgertest.Orgs...), t.TempDir()
	for name, fails := range map[string]func(commit func(*fabric.BlockAndPvtData) error, b *fabric.BlockAndPvtData) error{
		"before the block was written": func(_ func(*fabric.BlockAndPvtData) error, b *fabric.BlockAndPvtData) error {
			return syscall.ENOSPC
		},
		"after the block was written": func(commit func(*fabric.BlockAndPvtData) error, b *fabric.BlockAndPvtData) error {
			return errors.Join(commit(b), syscall.EIO)
		},
		"by a panic": func(_ func(*fabric.BlockAndPvtData) error, b *fabric.BlockAndPvtData) error { panic("disk on fire") },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(dir, name)
			l := openIn(t, dir, m)
			load(t, l, m, 20)
			commit := l.commit
			l.still.Lock()
			l.commit = func(b *fabric.BlockAndPvtData) error { return fails(commit, b) }
			l.still.Unlock()
			alice := m.User("DairyMSP", "dairy", "alice")
			r := command(alice, 1)
			_, err := l.Submit(t.Context(), r)
			var unknown *ledger.Unknown
			if !errors.As(err, &unknown) || unknown.TxID != r.Tx.ID {
				t.Fatalf("submit: %v", err)
			}
			if _, err := l.Submit(t.Context(), command(alice, 1)); !errors.Is(err, ledger.ErrStopped) {
				t.Fatalf("the next submit: %v", err)
			}
			if _, err := l.Outcome(t.Context(), r.Tx.ID); !errors.As(err, &unknown) {
				t.Fatalf("outcome before reopening: %v", err)
			}
			if _, err := l.Query(t.Context(), command(alice, 0)); err != nil {
				t.Fatalf("reads do not go on: %v", err)
			}
			if l.Health() == nil {
				t.Fatal("it calls itself healthy")
			}
			l.Close()
			l = openIn(t, dir, m)
			_, err = l.Outcome(t.Context(), r.Tx.ID)
			if written := strings.HasPrefix(name, "after"); written != (err == nil) || !written && !errors.Is(err, ledger.ErrNotFound) {
				t.Fatalf("outcome after reopening: %v", err)
			}
			if _, err := l.Submit(t.Context(), r); err != nil {
				t.Fatalf("the same request again: %v", err)
			}
			if err := l.Verify(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestBackupAndRestore(t *testing.T) {
	m := ledgertest.NewMembers(ledgertest.Orgs...)
	l := openIn(t, t.TempDir(), m)
	receipts := load(t, l, m, 100)
	var stream bytes.Buffer
	if err := l.Backup(t.Context(), &stream); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "restored")
	if err := Restore(t.Context(), dir, ledgertest.Orgs, m, bytes.NewReader(stream.Bytes())); err != nil {
		t.Fatal(err)
	}
	back := openIn(t, dir, m)
	for _, r := range receipts {
		r.Reply = nil
		if got, err := back.Outcome(t.Context(), r.TxID); err != nil || got.Block != r.Block || got.Index != r.Index {
			t.Fatalf("restored as %+v, %v; want %+v", got, err, r)
		}
	}
	if err := back.Verify(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	bob := m.User("HarbourMSP", "grocer", "bob")
	body, _ := json.Marshal(ledgertest.Reveal{Key: "secret2", Keeper: "HarbourMSP"})
	got, err := back.Query(t.Context(), ledger.Request{Signer: bob, Name: "ledgertest.Reveal", Body: body})
	if err != nil || string(got) != `"s kept by HarbourMSP"` {
		t.Fatalf("the secret came back as %s, %v", got, err)
	}
	load(t, back, m, 20)
	if err := Restore(t.Context(), dir, ledgertest.Orgs, m, bytes.NewReader(stream.Bytes())); err == nil {
		t.Fatal("restored over a ledger")
	}
	for i, at := range []int{3, 40, stream.Len() / 3, stream.Len() / 2, stream.Len() - 3} {
		broken := bytes.Clone(stream.Bytes())
		broken[at] ^= 4
		if err := Restore(t.Context(), filepath.Join(t.TempDir(), fmt.Sprint(i)), ledgertest.Orgs, m, bytes.NewReader(broken)); err == nil {
			t.Errorf("byte %d is wrong, and the backup was restored", at)
		}
		if err := Restore(t.Context(), filepath.Join(t.TempDir(), fmt.Sprint(i)), ledgertest.Orgs, m, bytes.NewReader(stream.Bytes()[:at])); err == nil {
			t.Errorf("the backup ends at byte %d, and was restored", at)
		}
	}
}
