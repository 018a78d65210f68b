package fabric

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	adapter "github.com/tallyway/tallyway/chaincode/fabric"
	"github.com/tallyway/tallyway/shared/ledger"
)

// complete fills in what a request may leave out, and refuses an id that does
// not belong to its nonce and creator.
func (l *Ledger) complete(r ledger.Request) (ledger.Request, error) {
	if r.Signer == nil {
		return r, errors.New("a request needs a Signer")
	}
	if r.Tx.ID == "" {
		r.Tx = ledger.NewTx(r.Signer)
	}
	if idOf(r.Tx.Nonce, r.Signer.Creator()) != r.Tx.ID {
		return r, fmt.Errorf("the transaction id %s does not belong to this nonce and creator; make it with NewTx", r.Tx.ID)
	}
	if r.At.IsZero() {
		r.At = l.config.Clock()
	}
	for _, org := range r.Orgs {
		if !slices.Contains(l.config.Profile.Orgs, org) {
			return r, fmt.Errorf("%s is no member of this network; its members are %v", org, l.config.Profile.Orgs)
		}
	}
	return r, nil
}

func idOf(nonce, creator []byte) string {
	sum := sha256.Sum256(slices.Concat(nonce, creator))
	return hex.EncodeToString(sum[:])
}

// successor is the id under which a command is tried again after a conflict:
// an id that stands in a block can never be used again. It follows from the one
// before, so whoever knows the first id finds the one that was committed, and a
// command has one effect whoever tries it again.
func successor(tx ledger.TxID, creator []byte) ledger.TxID {
	nonce := sha256.Sum256(append([]byte("tallyway again\x00"), tx.Nonce...))
	return ledger.TxID{ID: idOf(nonce[:24], creator), Nonce: nonce[:24]}
}

// propose makes the proposal of a call, as the gateway's client would, but
// under the id and at the time that the request says. Its body is transient.
func (l *Ledger) propose(r ledger.Request, function string, body []byte, orgs []string) (*client.Proposal, error) {
	own, err := memberOf(r.Signer)
	if err != nil {
		return nil, err
	}
	gw, err := l.nodes.gateway(own, r.Signer)
	if err != nil {
		return nil, err
	}
	contract := &peer.ChaincodeID{Name: l.config.Profile.Contract}
	header := must(&common.Header{
		ChannelHeader: must(&common.ChannelHeader{Type: int32(common.HeaderType_ENDORSER_TRANSACTION), TxId: r.Tx.ID,
			Timestamp: timestamppb.New(r.At), ChannelId: l.config.Profile.Channel,
			Extension: must(&peer.ChaincodeHeaderExtension{ChaincodeId: contract})}),
		SignatureHeader: must(&common.SignatureHeader{Nonce: r.Tx.Nonce, Creator: r.Signer.Creator()}),
	})
	payload := must(&peer.ChaincodeProposalPayload{
		Input: must(&peer.ChaincodeInvocationSpec{ChaincodeSpec: &peer.ChaincodeSpec{ChaincodeId: contract,
			Input: &peer.ChaincodeInput{Args: [][]byte{[]byte(function)}}}}),
		TransientMap: map[string][]byte{adapter.BodyField: body},
	})
	proposal := must(&peer.Proposal{Header: header, Payload: payload})
	return gw.NewProposal(must(&gateway.ProposedTransaction{TransactionId: r.Tx.ID,
		Proposal: &peer.SignedProposal{ProposalBytes: proposal}, EndorsingOrganizations: orgs}))
}

// must writes a message of bytes, ids and configured names, which cannot fail.
func must(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}
