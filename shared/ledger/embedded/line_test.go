package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/syndtr/goleveldb/leveldb"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/block"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

// known has the user sign once: from then on a command is signed in line only.
func known(t *testing.T, l *Ledger, user ledger.Signer) ledger.Signer {
	t.Helper()
	if _, err := l.Submit(t.Context(), requestFor(user, ledgertest.Count{Key: "first"})); err != nil {
		t.Fatal(err)
	}
	return user
}

// moody takes its place in line, then does as it likes.
type moody struct {
	ledger.Signer
	then func() error
}

func (m moody) Sign(message []byte) ([]byte, error) {
	if err := m.then(); err != nil {
		return nil, err
	}
	return m.Signer.Sign(message)
}

func requestFor(by ledger.Signer, c any) ledger.Request {
	body, _ := json.Marshal(c)
	return ledger.Request{Signer: by, Name: chaincode.NameOf(c), Body: body, Tx: ledger.NewTx(by)}
}

func counted(t *testing.T, l *Ledger, by ledger.Signer) string {
	t.Helper()
	reply, err := l.Query(t.Context(), requestFor(by, ledgertest.Count{Key: "hot"}))
	if err != nil {
		t.Fatal(err)
	}
	return string(reply)
}

func TestWhoLeavesTheLineTakesNobodyDown(t *testing.T) {
	m, dir := ledgertest.NewMembers(ledgertest.Orgs...), t.TempDir()
	l := openIn(t, dir, m)
	alice := known(t, l, m.User("DairyMSP", "dairy", "alice"))
	changed := errors.New("changed my mind")
	var good, bad atomic.Int32
	var wg sync.WaitGroup
	for worker := range 32 {
		wg.Go(func() {
			for i := range 10 {
				r := requestFor(alice, ledgertest.Count{Key: "hot"})
				if worker%4 == 0 && i%3 == 0 {
					r.Signer = moody{alice, func() error { return changed }}
				}
				switch _, err := l.Submit(t.Context(), r); {
				case err == nil:
					good.Add(1)
				case errors.Is(err, changed):
					bad.Add(1)
				case !errors.Is(err, ledger.ErrConflict): // thrown out of the line too often: honest, and without effect
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if want := fmt.Sprint(good.Load() + 1); counted(t, l, alice) != want || bad.Load() != 32 {
		t.Fatalf("%d succeeded and %d left; the counter's next value is %s", good.Load(), bad.Load(), counted(t, l, alice))
	}
	if err := l.Verify(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

func TestASlowSignerHoldsNobodyUpForLong(t *testing.T) {
	m := ledgertest.NewMembers(ledgertest.Orgs...)
	c := configFor(t.TempDir(), m)
	c.SignWithin = 100 * time.Millisecond
	l, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	alice := known(t, l, m.User("DairyMSP", "dairy", "alice"))
	hangs, inLine := make(chan struct{}), make(chan struct{}, 1)
	r := requestFor(moody{alice, func() error { inLine <- struct{}{}; <-hangs; return nil }}, ledgertest.Count{Key: "hot"})
	slow := make(chan error)
	go func() { _, err := l.Submit(context.Background(), r); slow <- err }()
	<-inLine
	if _, err := l.Submit(t.Context(), requestFor(alice, ledgertest.Count{Key: "hot"})); err != nil {
		t.Fatal(err)
	}
	go func() { <-inLine }() // it is asked again
	close(hangs)
	if err := <-slow; err != nil {
		t.Fatalf("the slow one: %v", err)
	}
	if got := counted(t, l, alice); got != "3" {
		t.Fatalf("the counter's next value is %s", got)
	}
}

func TestACallerWhoLeavesCanAskForTheOutcome(t *testing.T) {
	m := ledgertest.NewMembers(ledgertest.Orgs...)
	l := openIn(t, t.TempDir(), m)
	alice := m.User("DairyMSP", "dairy", "alice")
	l.still.Lock() // the next commit waits
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r := requestFor(alice, ledgertest.Count{Key: "hot"})
	_, err := l.Submit(ctx, r)
	l.still.Unlock()
	var unknown *ledger.Unknown
	if !errors.As(err, &unknown) || unknown.TxID != r.Tx.ID || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("submit: %v", err)
	}
	if got, err := l.Outcome(t.Context(), r.Tx.ID); err != nil || got.TxID != r.Tx.ID {
		t.Fatalf("outcome: %+v, %v", got, err)
	}
	if _, err := l.Submit(t.Context(), r); err != nil {
		t.Fatalf("again: %v", err)
	}
	if got := counted(t, l, alice); got != "2" {
		t.Fatalf("the counter's next value is %s", got)
	}
}

func TestBlocksKeepTheirBounds(t *testing.T) {
	for name, bound := range map[string]func(*Config){
		"by count": func(c *Config) { c.MaxBlock = 3 },
		"by bytes": func(c *Config) { c.MaxBytes = 10_000 }, // a transaction here has about 3 kB
	} {
		t.Run(name, func(t *testing.T) {
			m := ledgertest.NewMembers(ledgertest.Orgs...)
			c := configFor(t.TempDir(), m)
			bound(&c)
			l, err := Open(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			load(t, l, m, 64)
			for n := range l.Head().Block {
				b, err := l.peer.GetBlockByNumber(n + 1)
				if err != nil || len(b.Data.Data) > 3 {
					t.Fatalf("block %d has %d transactions (%v)", n+1, len(b.GetData().GetData()), err)
				}
			}
		})
	}
}

func TestTheBlockHoldsNoBodyAndNoSecret(t *testing.T) {
	m, dir := ledgertest.NewMembers(ledgertest.Orgs...), t.TempDir()
	l := openIn(t, dir, m)
	alice := m.User("DairyMSP", "dairy", "alice")
	keepers := []string{"HarbourMSP", "AuthorityMSP"}
	receipt, err := l.Submit(t.Context(), requestFor(alice, ledgertest.Hide{Key: "k", Text: "unspeakable", Keepers: keepers}))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(blockFile(dir))
	if err != nil || strings.Contains(string(content), "unspeakable") || !strings.Contains(string(content), "ledgertest.Hide") {
		t.Fatalf("the block file tells the secret, or not even the command's name (%v)", err)
	}
	b, err := l.peer.GetBlockByNumber(receipt.Block)
	if err != nil {
		t.Fatal(err)
	}
	o, err := block.Open(b.Data.Data[0])
	if err != nil || len(o.Endorsements) != 3 {
		t.Fatalf("%d endorsements, want the caller's and two keepers' (%v)", len(o.Endorsements), err)
	}
}

func TestVerifyFindsAChangedState(t *testing.T) {
	m, dir := ledgertest.NewMembers(ledgertest.Orgs...), t.TempDir()
	l := openIn(t, dir, m)
	load(t, l, m, 40)
	l.Close()
	changeValue(t, filepath.Join(dir, "stateLeveldb"), `"text":"x"`, `"text":"y"`)
	l = openIn(t, dir, m)
	err := l.Verify(t.Context(), nil)
	var f *Fault
	if !errors.As(err, &f) || f.Block == 0 || f.Tx == "" || !strings.Contains(f.What, "put/") {
		t.Fatalf("got %v", err)
	}
}

func TestVerifyFindsAChangedSecret(t *testing.T) {
	m, dir := ledgertest.NewMembers(ledgertest.Orgs...), t.TempDir()
	l := openIn(t, dir, m)
	load(t, l, m, 40)
	l.Close()
	changeValue(t, filepath.Join(dir, "stateLeveldb"), `kept by HarbourMSP`, `kept by HarbourMST`)
	err := VerifyDir(t.Context(), dir, ledgertest.Orgs, m, nil)
	var f *Fault
	if !errors.As(err, &f) || !strings.Contains(f.What, "the collection of HarbourMSP") {
		t.Fatalf("got %v", err)
	}
}

// changeValue replaces text in the first value of a closed database that holds it.
func changeValue(t *testing.T, path, from, to string) {
	t.Helper()
	db, err := leveldb.OpenFile(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows := db.NewIterator(nil, nil)
	defer rows.Release()
	for rows.Next() {
		if strings.Contains(string(rows.Value()), from) {
			if err := db.Put(rows.Key(), []byte(strings.Replace(string(rows.Value()), from, to, 1)), nil); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("%s holds no %s", path, from)
}

func TestADamagedIndexIsAClearError(t *testing.T) {
	m, dir := ledgertest.NewMembers(ledgertest.Orgs...), t.TempDir()
	l := openIn(t, dir, m)
	load(t, l, m, 20)
	l.Close()
	if err := os.WriteFile(filepath.Join(dir, "chains", "index", "CURRENT"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := Open(t.Context(), configFor(dir, m))
	if err == nil {
		l.Close()
		t.Fatal("opened")
	}
	if !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "corrupted") {
		t.Fatalf("the error does not say what and where: %v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	m := ledgertest.NewMembers(ledgertest.Orgs...)
	for name, change := range map[string]func(*Config){
		"Dir":       func(c *Config) { c.Dir = "" },
		"Contracts": func(c *Config) { c.Contracts = nil },
		"Orgs":      func(c *Config) { c.Orgs = nil },
	} {
		c := configFor(t.TempDir(), m)
		change(&c)
		if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	l := openIn(t, t.TempDir(), m)
	r := requestFor(m.User("DairyMSP", "p", "u"), ledgertest.Count{Key: "hot"})
	r.Orgs = []string{"Org9MSP"}
	if _, err := l.Submit(t.Context(), r); err == nil || !strings.Contains(err.Error(), "Org9MSP") {
		t.Errorf("a stranger's organisation: %v", err)
	}
}

func FuzzRestore(f *testing.F) {
	f.Add([]byte(backupTitle))
	f.Add([]byte(backupTitle + "\x00\x00\x00\x05\x00\x00\x00\x01\x00\x00\x00\x00\x00"))
	f.Add([]byte("something else entirely"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &frameReader{from: strings.NewReader(string(b)), sum: sha256.New()}
		for {
			if _, err := r.block(); err != nil {
				return
			}
		}
	})
}

func FuzzDecodeBlock(f *testing.F) {
	f.Add(encodeBlock(genesis(time.Unix(0, 0))))
	f.Add([]byte{1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, content []byte) {
		b, err := decodeBlock(content)
		if err != nil {
			return
		}
		if again, err := decodeBlock(encodeBlock(b)); err != nil || string(encodeBlock(again)) != string(encodeBlock(b)) {
			t.Fatalf("%x does not survive (%v)", content, err)
		}
		for _, envelope := range b.Data.Data {
			block.Open(envelope) // must not panic
		}
	})
}

// forger signs what it was not asked to sign.
type forger struct{ ledger.Signer }

func (f forger) Sign(message []byte) ([]byte, error) { return f.Signer.Sign(append(message, '!')) }

// Whoever has signed before is not asked twice for one command, and not
// believed without a signature either.
func TestKnownCallersAreStillChecked(t *testing.T) {
	m := ledgertest.NewMembers(ledgertest.Orgs...)
	l := openIn(t, t.TempDir(), m)
	alice := m.User("DairyMSP", "dairy", "alice")
	for range 3 {
		if _, err := l.Submit(t.Context(), requestFor(alice, ledgertest.Count{Key: "hot"})); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Submit(t.Context(), requestFor(forger{alice}, ledgertest.Count{Key: "hot"})); err == nil {
			t.Fatal("a forged signature was believed")
		}
		if _, err := l.Query(t.Context(), requestFor(forger{alice}, ledgertest.List{Shelf: "x"})); err == nil {
			t.Fatal("a query under a forged signature was answered")
		}
	}
	if got := counted(t, l, alice); got != "4" {
		t.Errorf("the counter's next value is %s, want 4: the forger counted", got)
	}
}
