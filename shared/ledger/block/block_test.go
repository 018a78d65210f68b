package block

import (
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func must(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return b
}

var at = time.Date(2026, 11, 28, 1, 2, 3, 0, time.UTC)

// envelope is a transaction of a contract as a client would send it.
func envelope(txID, contract, event string) []byte {
	action := &peer.ChaincodeAction{ChaincodeId: &peer.ChaincodeID{Name: contract}, Response: &peer.Response{Status: 200, Payload: []byte("reply")}}
	if event != "" {
		action.Events = must(&peer.ChaincodeEvent{Payload: []byte(event)})
	}
	payload := &common.Payload{
		Header: &common.Header{ChannelHeader: must(&common.ChannelHeader{Type: int32(common.HeaderType_ENDORSER_TRANSACTION), TxId: txID, Timestamp: timestamppb.New(at)}),
			SignatureHeader: must(&common.SignatureHeader{Nonce: []byte("n")})},
		Data: must(&peer.Transaction{Actions: []*peer.TransactionAction{{Payload: must(&peer.ChaincodeActionPayload{
			Action: &peer.ChaincodeEndorsedAction{ProposalResponsePayload: must(&peer.ProposalResponsePayload{Extension: must(action)})}})}}}),
	}
	return must(&common.Envelope{Payload: must(payload), Signature: []byte("s")})
}

func blockOf(codes []peer.TxValidationCode, envelopes ...[]byte) *common.Block {
	filter := make([]byte, len(codes))
	for i, c := range codes {
		filter[i] = byte(c)
	}
	meta := make([][]byte, len(common.BlockMetadataIndex_name))
	meta[common.BlockMetadataIndex_TRANSACTIONS_FILTER] = filter
	return &common.Block{Header: &common.BlockHeader{Number: 9}, Data: &common.BlockData{Data: envelopes}, Metadata: &common.BlockMetadata{Metadata: meta}}
}

const told = `{"by":{"org":"DairyMSP"},"at":"2026-11-28T01:02:03Z","events":[{"name":"trace.Captured","data":{}}]}`

func TestEventsAreThoseThatCount(t *testing.T) {
	const valid, conflict = peer.TxValidationCode_VALID, peer.TxValidationCode_MVCC_READ_CONFLICT
	config := must(&common.Envelope{Payload: must(&common.Payload{Header: &common.Header{ChannelHeader: must(&common.ChannelHeader{Type: int32(common.HeaderType_CONFIG)})}})})
	b := blockOf([]peer.TxValidationCode{valid, conflict, valid, valid, valid},
		envelope("mine", "tallyway", told), envelope("late", "tallyway", told), envelope("silent", "tallyway", ""), envelope("theirs", "other", told), config)
	got, err := Events(b, "tallyway")
	if err != nil || got.Number != 9 || len(got.Transactions) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if tx := got.Transactions[0]; tx.TxID != "mine" || tx.Index != 0 || tx.By.Org != "DairyMSP" || tx.Events[0].Name != "trace.Captured" {
		t.Errorf("%+v", tx)
	}
	r, code, e, err := Find(b, "late")
	if err != nil || code != conflict || r.Block != 9 || r.Index != 1 || !r.At.Equal(at) || string(r.Reply) != "reply" || string(e.Creator.Nonce) != "n" {
		t.Errorf("%+v %v %v", r, code, err)
	}
	if _, _, _, err := Find(b, "never"); err == nil || !strings.Contains(err.Error(), "does not hold") {
		t.Errorf("what is not there: %v", err)
	}
	if Code(b, 7) != peer.TxValidationCode_NOT_VALIDATED || Valid(&common.Block{}, 0) {
		t.Error("what is not told counts")
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(envelope("tx", "tallyway", told))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := Open(b); err == nil {
			e.At()
			e.Events("tallyway")
		}
	})
}
