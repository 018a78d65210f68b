// Package proof lets single events of a ledger be checked by somebody who has
// neither the ledger nor a server to ask.
//
// The events of a block's valid transactions, in their order, are the leaves
// of a Merkle tree as RFC 6962 builds it. A proof holds some of the leaves, the
// paths to their blocks' roots, and a statement of the roots, which members
// sign who hold the ledger. Whoever may read a transaction whole gets its
// envelope too, with its creator's and its endorsers' signatures.
//
// What stands beside a leaf in its block stays unknown: each leaf is hashed with
// a salt of its own, which every holder of the block can compute and nobody
// else can guess. What the events mean is left to the packages that know.
package proof

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tallyway/tallyway/shared/ledger"
)

// Proof is what a file of one holds about the ledger.
type Proof struct {
	// Statement is what was signed, byte for byte: a Statement as JSON.
	Statement string `json:"statement"`
	// Signatures of members under the statement, one a member.
	Signatures []Signature `json:"signatures"`
	// Members are the authorities that issued the certificates of all who
	// signed anything here.
	Members []Member  `json:"members"`
	Blocks  []Excerpt `json:"blocks"` // in the statement's order
}

// Statement is what members say of a ledger's blocks.
type Statement struct {
	Format   string      `json:"format"`
	Contract string      `json:"contract"` // its name on the ledger
	Genesis  string      `json:"genesis"`  // hash of the first block's header: which ledger it is
	Made     time.Time   `json:"made"`
	Head     uint64      `json:"head"` // the last block when it was made
	Blocks   []BlockRoot `json:"blocks"`
}

// Format is the form of statements.
const Format = "tallyway/ledger-proof/1"

// BlockRoot says what one block holds.
type BlockRoot struct {
	Number uint64 `json:"number"`
	Header string `json:"header"` // hash of its header as Fabric computes it
	Leaves uint64 `json:"leaves"`
	Root   string `json:"root"` // of the tree over its events (RFC 6962, section 2.1)
}

// Signature is a member's.
type Signature struct {
	Creator   []byte `json:"creator"` // msp.SerializedIdentity
	Signature []byte `json:"signature"`
}

// Member is an authority as it vouches for others.
type Member struct {
	MSP   string `json:"msp"`
	Roots string `json:"roots"`         // PEM
	CRL   string `json:"crl,omitempty"` // PEM
}

// Excerpt is what a proof shows of one block.
type Excerpt struct {
	Leaves       []Leaf   `json:"leaves"`
	Transactions [][]byte `json:"transactions,omitempty"` // envelopes of those that are shown whole
}

// Leaf is one event with its path to the root.
type Leaf struct {
	Index uint64   `json:"index"`
	Salt  []byte   `json:"salt"`
	Data  string   `json:"data"` // an Event as JSON, byte for byte
	Path  [][]byte `json:"path"`
}

// Event is what a leaf says: an event, who caused it and where it stands.
type Event struct {
	Block uint64          `json:"block"`
	Tx    string          `json:"tx"`
	Place int             `json:"place"` // among its transaction's events
	Org   string          `json:"org"`   // member of who caused it
	Party string          `json:"party"`
	At    time.Time       `json:"at"` // the transaction's time: its creator's word
	Name  string          `json:"name"`
	Data  json.RawMessage `json:"event"`
}

// eventsOf are a transaction's, as leaves tell them.
func eventsOf(number uint64, t ledger.Transaction) (all []string, err error) {
	for place, event := range t.Events {
		data, err := json.Marshal(Event{Block: number, Tx: t.TxID, Place: place, Org: t.By.Org, Party: t.By.Party, At: t.At, Name: event.Name, Data: event.Data})
		if err != nil {
			return nil, fmt.Errorf("block %d, transaction %s: %w", number, t.TxID, err)
		}
		all = append(all, string(data))
	}
	return all, nil
}
