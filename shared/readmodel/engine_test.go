package readmodel_test

import (
	"context"
	"encoding/json"
	"iter"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/readmodel/pgtest"
)

// onBoth runs a test on each engine, with the address of an empty database.
func onBoth(t *testing.T, test func(t *testing.T, address string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "sqlite:"+filepath.Join(t.TempDir(), "read.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, pgtest.URL(t)) })
}

func open(t testing.TB, address string) *readmodel.DB {
	t.Helper()
	db, err := readmodel.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func exec(t testing.TB, db *readmodel.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func one[T any](t testing.TB, db *readmodel.DB, query string, args ...any) T {
	t.Helper()
	v, err := readmodel.One[T](t.Context(), db, query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// memory is a ledger's feed without the ledger: blocks in a slice.
type memory struct {
	mu     sync.Mutex
	blocks []ledger.Block
	grown  chan struct{}
	again  uint64 // Events begins this many blocks too early: at least once
	fails  error  // given instead of the next block, once
}

func newMemory() *memory { return &memory{grown: make(chan struct{})} }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.FixedZone("", 8*3600))

// add appends a block of one transaction and returns its number.
func (m *memory) add(t testing.TB, events ...any) uint64 {
	t.Helper()
	var packed []chaincode.Event
	for _, e := range events {
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		packed = append(packed, chaincode.Event{Name: chaincode.NameOf(e), Data: data})
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	number := uint64(len(m.blocks) + 1)
	m.blocks = append(m.blocks, ledger.Block{Number: number, Transactions: []ledger.Transaction{{
		TxID: "tx", Index: 3, Envelope: chaincode.Envelope{
			By: chaincode.Caller{Org: "DairyMSP", Party: "dairy", User: "ann"}, At: noon, Events: packed}}}})
	close(m.grown)
	m.grown = make(chan struct{})
	return number
}

func (m *memory) Head() ledger.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return ledger.Position{Block: uint64(len(m.blocks))}
}

func (m *memory) Events(ctx context.Context, after ledger.Position) iter.Seq2[ledger.Block, error] {
	return func(yield func(ledger.Block, error) bool) {
		m.mu.Lock()
		next := after.Block - min(after.Block, m.again)
		m.mu.Unlock()
		for {
			m.mu.Lock()
			blocks, grown, failed := m.blocks, m.grown, m.fails
			m.fails = nil
			m.mu.Unlock()
			if failed != nil {
				yield(ledger.Block{}, failed)
				return
			}
			if next < uint64(len(blocks)) {
				if !yield(blocks[next], nil) {
					return
				}
				next++
				continue
			}
			select {
			case <-grown:
			case <-ctx.Done():
				return
			}
		}
	}
}
