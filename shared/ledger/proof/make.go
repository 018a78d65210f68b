package proof

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/block"
)

// Ledger is what proofs are taken from.
type Ledger interface {
	Head() ledger.Position
	// Block MUST be the block as it stands on the ledger.
	Block(ctx context.Context, number uint64) (*common.Block, error)
}

// Verifier says who signed, as of a moment.
type Verifier interface {
	VerifyAt(creator, message, signature []byte, at time.Time) (chaincode.Caller, error)
	VerifyNodeAt(creator, message, signature []byte, at time.Time) (mspID string, err error)
}

// Maker makes proofs.
type Maker struct {
	Ledger   Ledger
	Contract string // its name on the ledger
	Verifier Verifier
	Signers  []ledger.Signer // members who put their name to it
	Members  []Member        // all that vouch for anybody on this ledger
}

// Wanted chooses what a proof shows of one block.
type Wanted struct {
	// Shows says whether an event of a transaction is shown.
	Shows func(tx, name string, event json.RawMessage) bool
	// Whole are ids of transactions whose envelopes are shown, and with them
	// all their events.
	Whole []string
}

// Make proves the wanted parts of blocks. It checks each shown transaction's
// signatures first, for a member puts its name to them.
func (m Maker) Make(ctx context.Context, wanted map[uint64]Wanted, at time.Time) (*Proof, error) {
	if len(m.Signers) == 0 {
		return nil, errors.New("make a proof: no member signs it")
	}
	genesis, err := m.Ledger.Block(ctx, 0)
	if err != nil {
		return nil, err
	}
	s := Statement{Format: Format, Contract: m.Contract, Genesis: headerHash(genesis.GetHeader()), Made: at.UTC(), Head: m.Ledger.Head().Block}
	p := &Proof{Members: m.Members}
	for _, number := range sortedNumbers(wanted) {
		root, excerpt, err := m.excerpt(ctx, number, wanted[number])
		if err != nil {
			return nil, err
		}
		s.Blocks, p.Blocks = append(s.Blocks, root), append(p.Blocks, excerpt)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	p.Statement = string(text)
	for _, signer := range m.Signers {
		signature, err := signer.Sign(text)
		if err != nil {
			return nil, fmt.Errorf("sign a proof: %w", err)
		}
		p.Signatures = append(p.Signatures, Signature{signer.Creator(), signature})
	}
	return p, nil
}

func (m Maker) excerpt(ctx context.Context, number uint64, w Wanted) (root BlockRoot, x Excerpt, err error) {
	b, err := m.Ledger.Block(ctx, number)
	if err != nil {
		return root, x, err
	}
	if err := fits(b, number); err != nil {
		return root, x, err
	}
	t, err := plant(b, m.Contract)
	if err != nil {
		return root, x, err
	}
	root = BlockRoot{Number: number, Header: headerHash(b.GetHeader()), Leaves: uint64(len(t.leaves)), Root: hex.EncodeToString(t.root())}
	shown := map[string]bool{}
	for i, leaf := range t.leaves {
		var e Event
		if err := json.Unmarshal([]byte(leaf.Data), &e); err != nil {
			return root, x, err
		}
		if slices.Contains(w.Whole, e.Tx) || w.Shows(e.Tx, e.Name, e.Data) {
			x.Leaves, shown[e.Tx] = append(x.Leaves, t.leaf(i)), true
		}
	}
	return root, x, m.envelopes(b, w, shown, &x)
}

// envelopes checks the transactions of the shown leaves, and adds those that
// are shown whole.
func (m Maker) envelopes(b *common.Block, w Wanted, shown map[string]bool, x *Excerpt) error {
	for i, envelope := range b.GetData().GetData() {
		if !block.Valid(b, i) {
			continue
		}
		e, err := block.Open(envelope)
		if err != nil {
			return fmt.Errorf("block %d, transaction %d: %w", b.GetHeader().GetNumber(), i, err)
		}
		id := e.Channel.GetTxId()
		if !shown[id] {
			continue
		}
		if _, err := signed(e, m.Verifier); err != nil {
			return fmt.Errorf("block %d, transaction %s: %w", b.GetHeader().GetNumber(), id, err)
		}
		if slices.Contains(w.Whole, id) {
			x.Transactions = append(x.Transactions, envelope)
		}
	}
	return nil
}

// fits checks that a block is the one that was asked for, and whole.
func fits(b *common.Block, number uint64) error {
	switch h := b.GetHeader(); {
	case h.GetNumber() != number:
		return fmt.Errorf("block %d: it says that it is block %d", number, h.GetNumber())
	case string(h.GetDataHash()) != string(protoutil.ComputeBlockDataHash(b.GetData())):
		return fmt.Errorf("block %d: its data hash does not fit its transactions", number)
	}
	return nil
}

func headerHash(h *common.BlockHeader) string {
	return hex.EncodeToString(protoutil.BlockHeaderHash(h))
}

func sortedNumbers(of map[uint64]Wanted) (all []uint64) {
	for n := range of {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}
