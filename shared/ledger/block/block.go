// Package block reads blocks and envelopes as Fabric writes them, from a file
// or from a peer. Whether what it reads is true (hashes, signatures) is left to
// who asks.
package block

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/tallyway/tallyway/shared/ledger"
)

// Envelope is a transaction's envelope taken apart.
type Envelope struct {
	Payload      []byte // what the creator signed
	Signature    []byte
	Header       *common.Header
	Channel      *common.ChannelHeader
	Creator      *common.SignatureHeader
	Proposed     []byte // the public proposal payload
	Response     []byte // what the endorsers signed
	ProposalHash []byte
	Endorsements []*peer.Endorsement
	Action       *peer.ChaincodeAction // nil for what is no endorser transaction
}

// At is the transaction's time: the client's word.
func (e *Envelope) At() time.Time { return e.Channel.GetTimestamp().AsTime() }

// Open takes an envelope apart.
func Open(envelope []byte) (*Envelope, error) {
	e, env, payload := &Envelope{}, &common.Envelope{}, &common.Payload{}
	e.Channel, e.Creator = &common.ChannelHeader{}, &common.SignatureHeader{}
	if err := unmarshal(envelope, env, env.GetPayload, payload); err != nil {
		return nil, err
	}
	e.Payload, e.Signature, e.Header = env.Payload, env.Signature, payload.Header
	if err := proto.Unmarshal(payload.GetHeader().GetChannelHeader(), e.Channel); err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(payload.GetHeader().GetSignatureHeader(), e.Creator); err != nil {
		return nil, err
	}
	if e.Channel.Type != int32(common.HeaderType_ENDORSER_TRANSACTION) {
		return e, nil
	}
	return e, e.openAction(payload.Data)
}

func (e *Envelope) openAction(data []byte) error {
	tx, outer := &peer.Transaction{}, &peer.ChaincodeActionPayload{}
	response, action := &peer.ProposalResponsePayload{}, &peer.ChaincodeAction{}
	if err := proto.Unmarshal(data, tx); err != nil {
		return err
	}
	if len(tx.Actions) != 1 {
		return fmt.Errorf("%d actions, want one", len(tx.Actions))
	}
	if err := proto.Unmarshal(tx.Actions[0].Payload, outer); err != nil {
		return err
	}
	e.Proposed, e.Endorsements = outer.ChaincodeProposalPayload, outer.GetAction().GetEndorsements()
	e.Response = outer.GetAction().GetProposalResponsePayload()
	if err := unmarshal(e.Response, response, response.GetExtension, action); err != nil {
		return err
	}
	e.ProposalHash, e.Action = response.ProposalHash, action
	return nil
}

// unmarshal reads a message and the one that it carries.
func unmarshal(b []byte, outer proto.Message, carried func() []byte, inner proto.Message) error {
	if err := proto.Unmarshal(b, outer); err != nil {
		return err
	}
	return proto.Unmarshal(carried(), inner)
}

// Code is what the committing peer said of a block's i-th transaction.
func Code(b *common.Block, i int) peer.TxValidationCode {
	meta := b.GetMetadata().GetMetadata()
	filter := int(common.BlockMetadataIndex_TRANSACTIONS_FILTER)
	if len(meta) <= filter || i >= len(meta[filter]) {
		return peer.TxValidationCode_NOT_VALIDATED
	}
	return peer.TxValidationCode(meta[filter][i])
}

// Valid says whether a block's i-th transaction counts.
func Valid(b *common.Block, i int) bool { return Code(b, i) == peer.TxValidationCode_VALID }

// Events are the envelopes of events of a block's valid transactions of one
// contract, in their order.
func Events(b *common.Block, contract string) (ledger.Block, error) {
	out := ledger.Block{Number: b.GetHeader().GetNumber()}
	for i, envelope := range b.GetData().GetData() {
		if !Valid(b, i) {
			continue
		}
		e, err := Open(envelope)
		if err != nil {
			return ledger.Block{}, fmt.Errorf("block %d, transaction %d: %w", out.Number, i, err)
		}
		t, ok, err := e.Events(contract)
		if err != nil {
			return ledger.Block{}, fmt.Errorf("block %d, transaction %s: %w", out.Number, e.Channel.TxId, err)
		}
		if ok {
			t.Index = i
			out.Transactions = append(out.Transactions, t)
		}
	}
	return out, nil
}

// Events unpacks a transaction's envelope of events, if it has one.
func (e *Envelope) Events(contract string) (t ledger.Transaction, ok bool, err error) {
	if len(e.Action.GetEvents()) == 0 || e.Action.GetChaincodeId().GetName() != contract {
		return t, false, nil
	}
	var event peer.ChaincodeEvent
	if err := proto.Unmarshal(e.Action.Events, &event); err != nil {
		return t, false, err
	}
	t = ledger.Transaction{TxID: e.Channel.TxId}
	err = json.Unmarshal(event.Payload, &t.Envelope)
	return t, err == nil, err
}

// Find looks a transaction up in a block that holds it. Where an id stands
// twice, the first one counts: Fabric calls every later one a duplicate.
func Find(b *common.Block, txID string) (ledger.Receipt, peer.TxValidationCode, *Envelope, error) {
	for i, envelope := range b.GetData().GetData() {
		e, err := Open(envelope)
		if err != nil || e.Channel.TxId != txID {
			continue
		}
		return ledger.Receipt{TxID: txID, Block: b.GetHeader().GetNumber(), Index: i, At: e.At(),
			Reply: e.Action.GetResponse().GetPayload()}, Code(b, i), e, nil
	}
	return ledger.Receipt{}, 0, nil, fmt.Errorf("block %d does not hold transaction %s, which the index finds there", b.GetHeader().GetNumber(), txID)
}
