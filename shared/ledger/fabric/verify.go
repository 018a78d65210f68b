package fabric

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger/block"
)

// Verifier says who signed.
type Verifier interface {
	// VerifyAt checks a user's signature as of a moment.
	VerifyAt(creator, message, signature []byte, at time.Time) (chaincode.Caller, error)
	// VerifyNodeAt is for endorsements: it names the member, and refuses
	// whoever is not a member's node.
	VerifyNodeAt(creator, message, signature []byte, at time.Time) (mspID string, err error)
}

// Verify reads every block from this host's peer and checks what a member can
// check without believing the peer: that the chain is whole (hashes and
// numbers), and of each transaction that counts its id, its creator's signature
// and the endorsements of two members and of all that keep its private content.
// That the orderers agreed on each block is checked by the peer when it takes
// the block in.
func (l *Ledger) Verify(ctx context.Context, progress func(block, of uint64)) error {
	if l.config.Verifier == nil {
		return errors.New("verify the blocks: nobody to check signatures with")
	}
	ctx, leave, err := l.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	gw, err := l.reader(l.home())
	if err != nil {
		return err
	}
	head, c := l.Head().Block, &chain{verifier: l.config.Verifier, contract: l.config.Profile.Contract}
	blocks, err := gw.GetNetwork(l.config.Profile.Channel).BlockEvents(ctx, client.WithStartBlock(0))
	if err != nil {
		return fmt.Errorf("read the blocks: %w", err)
	}
	for b := range blocks {
		if err := c.check(b); err != nil {
			return err
		}
		if progress != nil {
			progress(b.GetHeader().GetNumber(), head+1)
		}
		if b.GetHeader().GetNumber() >= head {
			return nil
		}
	}
	return fmt.Errorf("the peer stopped telling of blocks at block %d of %d: %w", c.next, head+1, context.Cause(ctx))
}

// chain checks block after block against what came before.
type chain struct {
	verifier Verifier
	contract string
	next     uint64
	previous []byte // hash of the last block's header
}

func (c *chain) check(b *common.Block) error {
	header := b.GetHeader()
	switch {
	case header.GetNumber() != c.next:
		return fmt.Errorf("block %d: it says that it is block %d", c.next, header.GetNumber())
	case !bytes.Equal(header.GetPreviousHash(), c.previous):
		return fmt.Errorf("block %d: its previous hash is not the hash of the block before", c.next)
	case !bytes.Equal(header.GetDataHash(), protoutil.ComputeBlockDataHash(b.GetData())):
		return fmt.Errorf("block %d: its data hash does not fit its transactions", c.next)
	}
	for i, envelope := range b.GetData().GetData() {
		if !block.Valid(b, i) {
			continue
		}
		e, err := block.Open(envelope)
		if err != nil {
			return fmt.Errorf("block %d: transaction %d cannot be read: %w", c.next, i, err)
		}
		if err := c.checkTransaction(e); err != nil {
			return fmt.Errorf("block %d, transaction %s: %w", c.next, e.Channel.GetTxId(), err)
		}
	}
	c.next, c.previous = c.next+1, protoutil.BlockHeaderHash(header)
	return nil
}

// checkTransaction checks a transaction of the contract; those of the network
// itself (configuration, deployment) follow policies that the peers check.
func (c *chain) checkTransaction(e *block.Envelope) error {
	if e.Action == nil || e.Action.GetChaincodeId().GetName() != c.contract {
		return nil
	}
	if idOf(e.Creator.GetNonce(), e.Creator.GetCreator()) != e.Channel.GetTxId() {
		return errors.New("its id is not made of its nonce and creator")
	}
	proposal := sha256.Sum256(slices.Concat(e.Header.GetChannelHeader(), e.Header.GetSignatureHeader(), e.Proposed))
	if !bytes.Equal(e.ProposalHash, proposal[:]) {
		return errors.New("its endorsements are of another proposal")
	}
	if _, err := c.verifier.VerifyAt(e.Creator.GetCreator(), e.Payload, e.Signature, e.At()); err != nil {
		return fmt.Errorf("its creator's signature does not hold: %w", err)
	}
	var by []string
	for i, n := range e.Endorsements {
		org, err := c.verifier.VerifyNodeAt(n.GetEndorser(), slices.Concat(e.Response, n.GetEndorser()), n.GetSignature(), e.At())
		if err != nil {
			return fmt.Errorf("its endorsement %d does not hold: %w", i+1, err)
		}
		by = append(by, org)
	}
	_, keepers, err := footprintIn(e.Action.GetResults(), c.contract)
	if err != nil {
		return fmt.Errorf("its read-write set cannot be read: %w", err)
	}
	for _, org := range keepers {
		if !slices.Contains(by, org) {
			return fmt.Errorf("it lacks the endorsement of %s, which keeps private content of it", org)
		}
	}
	slices.Sort(by)
	if len(slices.Compact(by)) < 2 {
		return fmt.Errorf("it is endorsed by %v, want two members", by)
	}
	return nil
}
