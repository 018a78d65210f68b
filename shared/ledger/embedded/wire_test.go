package embedded

import (
	"bytes"
	"testing"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

// Every message around a transaction is, byte for byte, what protobuf makes of
// it, with nothing that protobuf does not know.
func TestTransactionsAreWrittenAsProtobufWrites(t *testing.T) {
	m := ledgertest.NewMembers(ledgertest.Orgs...)
	l := openIn(t, t.TempDir(), m)
	receipts := load(t, l, m, 8) // with events and without, public and private
	for _, r := range receipts {
		block, err := l.peer.GetBlockByNumber(r.Block)
		if err != nil {
			t.Fatal(err)
		}
		envelope, payload, tx := &common.Envelope{}, &common.Payload{}, &peer.Transaction{}
		again(t, block.Data.Data[r.Index], envelope)
		again(t, envelope.Payload, payload)
		again(t, payload.Data, tx)
		outer, response, action := &peer.ChaincodeActionPayload{}, &peer.ProposalResponsePayload{}, &peer.ChaincodeAction{}
		again(t, tx.Actions[0].Payload, outer)
		again(t, outer.Action.ProposalResponsePayload, response)
		again(t, response.Extension, action)
		again(t, action.Events, &peer.ChaincodeEvent{})
		if !bytes.Equal(tx.Actions[0].Header, payload.Header.SignatureHeader) || len(outer.Action.Endorsements) == 0 ||
			action.Response.GetStatus() != 200 || action.ChaincodeId.GetName() != Namespace {
			t.Errorf("%s: %v", r.TxID, tx)
		}
	}
}

// again reads a message and writes it again.
func again(t *testing.T, b []byte, into proto.Message) {
	t.Helper()
	if err := proto.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
	written, err := proto.MarshalOptions{Deterministic: true}.Marshal(into)
	if err != nil || !bytes.Equal(written, b) || len(into.ProtoReflect().GetUnknown()) > 0 {
		t.Errorf("%T: %x is written %x, %v", into, b, written, err)
	}
}
