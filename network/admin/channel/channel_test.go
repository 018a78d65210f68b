package channel

import (
	"strings"
	"testing"

	"github.com/golang/protobuf/proto"
	"github.com/hyperledger/fabric-protos-go/common"
)

func TestTheWrongBlockIsRefusedBeforeAnyoneJoins(t *testing.T) {
	config := int32(common.HeaderType_CONFIG)
	for _, c := range []struct {
		block   []byte
		genesis bool
		want    string // nothing if it will do
	}{
		{block(t, 0, "food", config), true, ""},
		{block(t, 7, "food", config), false, ""},
		{block(t, 7, "food", config), true, "begins with block 0, this is block 7"},
		{block(t, 0, "fuel", config), true, "the block is of channel fuel, the profile of food"},
		{block(t, 0, "food", int32(common.HeaderType_ENDORSER_TRANSACTION)), false, "not a configuration"},
		{[]byte("hello"), false, "this is not a config block"},
		{nil, false, "does not hold exactly one transaction"},
	} {
		err := check(c.block, "food", c.genesis)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("want %q, got %v", c.want, err)
		}
	}
}

func block(t *testing.T, number uint64, channel string, kind int32) []byte {
	t.Helper()
	marshal := func(m proto.Message) []byte {
		text, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	header := &common.Header{ChannelHeader: marshal(&common.ChannelHeader{Type: kind, ChannelId: channel})}
	envelope := marshal(&common.Envelope{Payload: marshal(&common.Payload{Header: header})})
	return marshal(&common.Block{Header: &common.BlockHeader{Number: number}, Data: &common.BlockData{Data: [][]byte{envelope}}})
}
