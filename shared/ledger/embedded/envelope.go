package embedded

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"github.com/hyperledger/fabric/protoutil"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
)

// BodyField is the transient field that carries a command's body past the block.
const BodyField = "body"

// proposal is a proposal as a peer would receive it.
type proposal struct {
	header  *common.Header
	public  []byte // the payload's part that goes into the block: no transient data
	creator []byte
	call    chaincode.Call
}

// propose builds the request's proposal. Who the caller is stands in the
// certificate, never in what the signer says of itself.
func propose(r ledger.Request) (*proposal, error) {
	creator := r.Signer.Creator()
	if got := protoutil.ComputeTxID(r.Tx.Nonce, creator); got != r.Tx.ID {
		return nil, fmt.Errorf("the transaction id %q does not belong to this nonce and creator; make it with NewTx", r.Tx.ID)
	}
	p := &proposal{creator: creator, header: header(r, creator)}
	p.public = protoutil.MarshalOrPanic(&peer.ChaincodeProposalPayload{Input: p.input(r)})
	p.call = chaincode.Call{Name: r.Name, Body: r.Body, TxID: r.Tx.ID, At: r.At.UTC()}
	return p, nil
}

func (p *proposal) input(r ledger.Request) []byte {
	return protoutil.MarshalOrPanic(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{
		Type: peer.ChaincodeSpec_GOLANG, ChaincodeId: &peer.ChaincodeID{Name: Namespace},
		Input: &peer.ChaincodeInput{Args: [][]byte{[]byte(r.Name)}},
	}})
}

// authenticate has the user sign the proposal with all that it carries, as a
// peer would want it.
func (p *proposal) authenticate(r ledger.Request, v Verifier) error {
	message := protoutil.MarshalOrPanic(&peer.Proposal{
		Header: protoutil.MarshalOrPanic(p.header),
		Payload: protoutil.MarshalOrPanic(&peer.ChaincodeProposalPayload{
			Input: p.input(r), TransientMap: map[string][]byte{BodyField: r.Body}}),
	})
	signature, err := r.Signer.Sign(message)
	if err != nil {
		return fmt.Errorf("sign the proposal of %s: %w", r.Name, err)
	}
	caller, err := v.Verify(p.creator, message, signature)
	if err != nil {
		return fmt.Errorf("check who proposes %s: %w", r.Name, err)
	}
	p.call.Caller = caller
	return nil
}

// callers are those who have signed here before, with what their certificates
// say. Their further commands need no signature under the proposal, which no
// block keeps: nothing of them counts before the transaction's own signature and
// the certificate have been checked.
type callers struct {
	mu    sync.Mutex
	known map[string]chaincode.Caller // by creator
}

// mostCallers bounds the memory; when it is full, all are asked anew.
const mostCallers = 4096

func (c *callers) find(creator []byte) (chaincode.Caller, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	caller, ok := c.known[string(creator)]
	caller.Roles = slices.Clone(caller.Roles)
	return caller, ok
}

func (c *callers) remember(creator []byte, caller chaincode.Caller) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= mostCallers {
		c.known = map[string]chaincode.Caller{}
	}
	c.known[string(creator)] = caller
}

// forget has somebody whose signature did not hold sign the next proposal.
func (c *callers) forget(creator []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, string(creator))
}

func header(r ledger.Request, creator []byte) *common.Header {
	return &common.Header{
		ChannelHeader: protoutil.MarshalOrPanic(&common.ChannelHeader{
			Type: int32(common.HeaderType_ENDORSER_TRANSACTION), TxId: r.Tx.ID, Timestamp: timestamppb.New(r.At), ChannelId: Channel,
			Extension: protoutil.MarshalOrPanic(&peer.ChaincodeHeaderExtension{ChaincodeId: &peer.ChaincodeID{Name: Namespace}}),
		}),
		SignatureHeader: protoutil.MarshalOrPanic(&common.SignatureHeader{Nonce: r.Tx.Nonce, Creator: creator}),
	}
}

// proposalHash binds an endorsement to its proposal (without transient data).
func proposalHash(h *common.Header, public []byte) []byte {
	hash := sha256.New()
	hash.Write(h.ChannelHeader)
	hash.Write(h.SignatureHeader)
	hash.Write(public)
	return hash.Sum(nil)
}

// responsePayload is what endorsers sign: results, reply and event.
func (p *proposal) responsePayload(result chaincode.Result, rwset []byte) ([]byte, error) {
	event, err := result.Envelope(p.call)
	if err != nil {
		return nil, err
	}
	return encode( // peer.ProposalResponsePayload
		field{number: 1, bytes: proposalHash(p.header, p.public)},
		field{number: 2, inner: []field{ // peer.ChaincodeAction
			{number: 1, bytes: rwset},
			{number: 2, inner: p.event(event)},
			{number: 3, bytes: protoutil.MarshalOrPanic(&peer.Response{Status: 200, Payload: result.Reply})},
			{number: 4, bytes: chaincodeID},
		}}), nil
}

// event is the transaction's one peer.ChaincodeEvent, or none.
func (p *proposal) event(envelope []byte) []field {
	if envelope == nil {
		return nil
	}
	return []field{
		{number: 1, bytes: []byte(Namespace)},
		{number: 2, bytes: []byte(p.call.TxID)},
		{number: 3, bytes: []byte(chaincode.EnvelopeName)},
		{number: 4, bytes: envelope},
	}
}

var chaincodeID = protoutil.MarshalOrPanic(&peer.ChaincodeID{Name: Namespace})

// endorse signs the response payload with each node's key and checks each
// signature, as the committing peers would.
func (l *Ledger) endorse(payload []byte, orgs []string) ([]field, error) {
	var all []field
	for _, org := range orgs {
		node, err := l.config.Endorser(org)
		if err != nil {
			return nil, fmt.Errorf("endorse for %s: %w", org, err)
		}
		endorser := node.Creator()
		message := slices.Concat(payload, endorser)
		signature, err := node.Sign(message)
		if err != nil {
			return nil, fmt.Errorf("endorse for %s: %w", org, err)
		}
		by, err := l.config.Verifier.VerifyNodeAt(endorser, message, signature, l.config.Clock())
		if err != nil {
			return nil, fmt.Errorf("check the endorsement of %s: %w", org, err)
		}
		if by != org {
			return nil, fmt.Errorf("the endorser for %s is a node of %s", org, by)
		}
		all = append(all, field{number: 2, inner: []field{ // peer.Endorsement
			{number: 1, bytes: endorser}, {number: 2, bytes: signature}}})
	}
	return all, nil
}

// seal makes the transaction's envelope, signed by the user and checked. The
// signature follows upon what it signs, in the same bytes.
func (l *Ledger) seal(p *proposal, signer ledger.Signer, response []byte, by []field) ([]byte, error) {
	inner := p.payload(response, by)
	size := sizeOf(inner)
	envelope := make([]byte, 0, size+roomAround) // common.Envelope
	envelope = protowire.AppendTag(envelope, 1, protowire.BytesType)
	envelope = protowire.AppendVarint(envelope, uint64(size))
	begins := len(envelope)
	envelope = appendFields(envelope, inner)
	payload := envelope[begins:len(envelope):len(envelope)]
	signature, err := signer.Sign(payload)
	if err != nil {
		return nil, fmt.Errorf("sign the transaction of %s: %w", p.call.Name, err)
	}
	if _, err := l.config.Verifier.Verify(p.creator, payload, signature); err != nil {
		l.callers.forget(p.creator)
		return nil, fmt.Errorf("check the signature under %s: %w", p.call.Name, err)
	}
	return appendFields(envelope, []field{{number: 2, bytes: signature}}), nil
}

// roomAround is enough for a signature in DER and the tags and lengths of an
// envelope's two fields.
const roomAround = 96

// payload is the common.Payload that the user signs.
func (p *proposal) payload(response []byte, by []field) []field {
	action := []field{ // peer.ChaincodeActionPayload
		{number: 1, bytes: p.public},
		{number: 2, inner: append([]field{{number: 1, bytes: response}}, by...)}, // peer.ChaincodeEndorsedAction
	}
	return []field{
		{number: 1, inner: []field{{number: 1, bytes: p.header.ChannelHeader}, {number: 2, bytes: p.header.SignatureHeader}}},
		{number: 2, inner: []field{ // peer.Transaction
			{number: 1, inner: []field{{number: 1, bytes: p.header.SignatureHeader}, {number: 2, inner: action}}},
		}},
	}
}
