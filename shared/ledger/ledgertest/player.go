package ledgertest

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
)

// Player plays calls on a ledger as whoever they name, one at a time: business
// stories that were written for no ledger in particular run on all of them.
type Player struct {
	t       testing.TB
	ledger  ledger.Ledger
	members *Members
	signers map[string]ledger.Signer
}

// NewPlayer plays on a ledger of these members.
func NewPlayer(t testing.TB, l ledger.Ledger, m *Members) *Player {
	return &Player{t: t, ledger: l, members: m, signers: map[string]ledger.Signer{}}
}

// Submit commits a command and gives back the events of its transaction.
func (p *Player) Submit(call chaincode.Call) ([]byte, []chaincode.Event, error) {
	r := p.request(call) // whose collections it touches, the ledger finds out
	receipt, err := p.ledger.Submit(p.t.Context(), r)
	if err != nil {
		return nil, nil, err
	}
	return receipt.Reply, p.events(receipt), nil
}

// Query answers without committing: on the node of the keeper that the query
// names, else on that of the caller's own organisation.
func (p *Player) Query(call chaincode.Call) ([]byte, error) {
	r := p.request(call)
	var named struct{ Keeper string }
	if json.Unmarshal(call.Body, &named) == nil && named.Keeper != "" {
		r.Orgs = []string{named.Keeper}
	}
	return p.ledger.Query(p.t.Context(), r)
}

func (p *Player) request(call chaincode.Call) ledger.Request {
	c := call.Caller
	name := strings.Join(append([]string{c.Org, c.Party, c.User}, c.Roles...), "\x00")
	if p.signers[name] == nil {
		p.signers[name] = p.members.User(c.Org, c.Party, c.User, c.Roles...)
	}
	signer := p.signers[name]
	return ledger.Request{Signer: signer, Name: call.Name, Body: call.Body, At: call.At, Tx: ledger.NewTx(signer)}
}

// events are those of one transaction.
func (p *Player) events(r ledger.Receipt) []chaincode.Event {
	if r.Block == 0 {
		return nil // nothing was written
	}
	if r.Block > p.ledger.Head().Block {
		p.t.Fatalf("the receipt names block %d, the head is %d", r.Block, p.ledger.Head().Block)
	}
	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	for block, err := range p.ledger.Events(ctx, ledger.Position{Block: r.Block - 1}) {
		if err != nil {
			p.t.Fatal(err)
		}
		for _, t := range block.Transactions {
			if t.TxID == r.TxID {
				return t.Events
			}
		}
		return nil
	}
	return nil
}
