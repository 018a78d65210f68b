package ledgertest

import (
	"errors"
	"strings"

	"github.com/tallyway/tallyway/chaincode"
)

// The corpus' own noun: entries, counters and secrets.
type (
	// Put stores an entry.
	Put struct {
		Key  string `json:"key"`
		Text string `json:"text"`
	}
	// Delete removes an entry.
	Delete struct {
		Key string `json:"key"`
	}
	// Get reads an entry.
	Get struct {
		Key string `json:"key"`
	}
	// List reads all entries whose first key part is Shelf.
	List struct {
		Shelf string `json:"shelf"`
	}
	// Claim puts an entry on a shelf that has fewer than Limit.
	Claim struct {
		Shelf string `json:"shelf"`
		Key   string `json:"key"`
		Limit int    `json:"limit"`
	}
	// Count adds one to a counter and answers its new value.
	Count struct {
		Key string `json:"key"`
	}
	// Hide stores a secret with each keeper.
	Hide struct {
		Key     string   `json:"key"`
		Text    string   `json:"text"`
		Keepers []string `json:"keepers"`
	}
	// Reveal reads one keeper's copy of a secret.
	Reveal struct {
		Key    string `json:"key"`
		Keeper string `json:"keeper"`
	}
	// Spy is a command that reads a secret, which no command may.
	Spy struct {
		Key    string `json:"key"`
		Keeper string `json:"keeper"`
	}
	// Shout emits one event of Size bytes.
	Shout struct {
		Size int `json:"size"`
	}
	// Whoami answers who the ledger takes the caller for.
	Whoami struct{}

	// Stored tells of Put, Claim and Hide.
	Stored struct {
		Key string `json:"key"`
	}
	// Counted tells of Count.
	Counted struct {
		Key   string `json:"key"`
		Value int    `json:"value"`
	}
	// Shouted tells of Shout.
	Shouted struct {
		Noise string `json:"noise"`
	}
)

type row struct {
	Text  string `json:"text,omitempty"`
	Value int    `json:"value,omitempty"`
}

// The corpus' rules.
var (
	ErrEmpty = chaincode.Rule{Code: "ledgertest/empty", Kind: chaincode.Malformed,
		Text: "An entry has a text.", Remedy: "Give it one."}
	ErrMissing = chaincode.Rule{Code: "ledgertest/missing", Kind: chaincode.NotFound,
		Text: "There is no such entry.", Remedy: "Look at the list."}
	ErrFull = chaincode.Rule{Code: "ledgertest/full", Kind: chaincode.Conflict,
		Text: "The shelf is full.", Remedy: "Take another shelf."}
)

var (
	entries  = chaincode.Table[row]{Name: "entry"}
	counters = chaincode.Table[row]{Name: "counter"}
	secrets  = chaincode.Private[row]{Name: "secret"}
)

// Contracts are what a ledger under test runs.
func Contracts() *chaincode.Contracts {
	return chaincode.New(chaincode.Contract{
		Name: "ledgertest",
		Functions: []chaincode.Function{
			chaincode.Command(put), chaincode.Command(remove), chaincode.Command(claim), chaincode.Command(count),
			chaincode.Command(hide), chaincode.Command(spy), chaincode.Command(shout), chaincode.Command(whoami, "tester"),
			chaincode.Query(get), chaincode.Query(list), chaincode.Query(reveal),
		},
		Rules:  []chaincode.Rule{ErrEmpty, ErrMissing, ErrFull},
		Events: []any{Stored{}, Counted{}, Shouted{}},
	})
}

// Confidential is every secret.
func (Hide) Confidential() bool { return true }

func path(key string) []string { return strings.Split(key, "/") }

func put(tx *chaincode.Tx, c Put) (string, error) {
	if c.Text == "" {
		return "", ErrEmpty.Refuse("entry %s", c.Key).On("text")
	}
	entries.Put(tx, row{Text: c.Text}, path(c.Key)...)
	tx.Emit(Stored{c.Key})
	return c.Key, nil
}

func remove(tx *chaincode.Tx, c Delete) (string, error) {
	if !entries.Has(tx, path(c.Key)...) {
		return "", ErrMissing.Refuse("entry %s", c.Key).On("key")
	}
	entries.Delete(tx, path(c.Key)...)
	return c.Key, nil
}

func claim(tx *chaincode.Tx, c Claim) (int, error) {
	n := 0
	entries.Scan(tx, func([]string, row) bool { n++; return true }, c.Shelf)
	if n >= c.Limit {
		return 0, ErrFull.Refuse("shelf %s holds %s", c.Shelf, n)
	}
	entries.Put(tx, row{Text: tx.Caller().User}, c.Shelf, c.Key)
	tx.Emit(Stored{c.Shelf + "/" + c.Key})
	return n + 1, nil
}

func count(tx *chaincode.Tx, c Count) (int, error) {
	r, _ := counters.Get(tx, c.Key)
	r.Value++
	counters.Put(tx, r, c.Key)
	tx.Emit(Counted{c.Key, r.Value})
	return r.Value, nil
}

func hide(tx *chaincode.Tx, c Hide) (string, error) {
	for _, org := range c.Keepers {
		secrets.Put(tx, org, row{Text: c.Text + " kept by " + org}, c.Key)
	}
	tx.Emit(Stored{c.Key})
	return c.Key, nil
}

func spy(tx *chaincode.Tx, c Spy) (string, error) {
	r, _ := secrets.Get(tx, c.Keeper, c.Key)
	return r.Text, nil
}

func shout(tx *chaincode.Tx, c Shout) (int, error) {
	if c.Size < 0 {
		return 0, errors.New("a size is not negative")
	}
	tx.Emit(Shouted{strings.Repeat("a", c.Size)})
	return c.Size, nil
}

func whoami(tx *chaincode.Tx, _ Whoami) (chaincode.Caller, error) { return tx.Caller(), nil }

func get(tx *chaincode.Tx, c Get) (string, error) {
	r, ok := entries.Get(tx, path(c.Key)...)
	if !ok {
		return "", ErrMissing.Refuse("entry %s", c.Key).On("key")
	}
	return r.Text, nil
}

func list(tx *chaincode.Tx, c List) ([]string, error) {
	all := []string{}
	entries.Scan(tx, func(key []string, r row) bool {
		all = append(all, strings.Join(key, "/")+"="+r.Text)
		return true
	}, path(c.Shelf)...)
	return all, nil
}

func reveal(tx *chaincode.Tx, c Reveal) (string, error) {
	r, ok := secrets.Get(tx, c.Keeper, c.Key)
	if !ok {
		return "", ErrMissing.Refuse("secret %s", c.Key).On("key")
	}
	return r.Text, nil
}
