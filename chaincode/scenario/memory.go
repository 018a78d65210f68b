package scenario

import (
	"slices"

	"github.com/tallyway/tallyway/chaincode"
)

// Memory is the smallest ledger: what was committed, in a map. It serves one
// caller at a time.
type Memory struct {
	contracts *chaincode.Contracts
	rows      map[place][]byte
	keys      []string // of the public state, sorted
}

type place struct{ org, key string }

// NewMemory is an empty ledger for the contracts.
func NewMemory(contracts *chaincode.Contracts) *Memory {
	return &Memory{contracts: contracts, rows: map[place][]byte{}}
}

// Submit runs a command and commits it.
func (m *Memory) Submit(call chaincode.Call) ([]byte, []chaincode.Event, error) {
	r, err := m.contracts.Run(m, call)
	if err != nil {
		return nil, nil, err
	}
	for _, w := range r.Writes {
		m.write(w)
	}
	return r.Reply, r.Events, nil
}

func (m *Memory) write(w chaincode.Write) {
	p := place{w.Org, w.Key}
	i, there := slices.BinarySearch(m.keys, w.Key)
	switch {
	case w.Value == nil:
		delete(m.rows, p)
		if there && w.Org == "" {
			m.keys = slices.Delete(m.keys, i, i+1)
		}
		return
	case !there && w.Org == "":
		m.keys = slices.Insert(m.keys, i, w.Key)
	}
	m.rows[p] = w.Value
}

// Query runs a function without committing anything.
func (m *Memory) Query(call chaincode.Call) ([]byte, error) {
	r, err := m.contracts.Run(m, call)
	return r.Reply, err
}

// Get reads the public state.
func (m *Memory) Get(key string) ([]byte, error) { return m.rows[place{"", key}], nil }

// GetPrivate reads one organisation's collection; Memory keeps them all.
func (m *Memory) GetPrivate(org, key string) ([]byte, error) { return m.rows[place{org, key}], nil }

// Scan visits the keys in [from, to) in byte order.
func (m *Memory) Scan(from, to string, visit func(string, []byte) bool) error {
	i, _ := slices.BinarySearch(m.keys, from)
	for ; i < len(m.keys) && m.keys[i] < to; i++ {
		if !visit(m.keys[i], m.rows[place{"", m.keys[i]}]) {
			break
		}
	}
	return nil
}
