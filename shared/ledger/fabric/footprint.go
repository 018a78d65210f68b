package fabric

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/proto"

	adapter "github.com/tallyway/tallyway/chaincode/fabric"
	"github.com/tallyway/tallyway/shared/ledger/block"
)

// footprint names what two commands cannot both do in one block: records that
// are read and changed, and ranges that are read. Sorted, each once.
type footprint []string

// actionOf is what the peers say that a transaction does.
func actionOf(t *client.Transaction) (*peer.ChaincodeAction, error) {
	b, err := t.Bytes()
	if err != nil {
		return nil, err
	}
	var prepared gateway.PreparedTransaction
	if err := proto.Unmarshal(b, &prepared); err != nil {
		return nil, err
	}
	e, err := block.Open(must(prepared.GetEnvelope()))
	if err != nil {
		return nil, err
	}
	return e.Action, nil
}

// footprintIn reads a transaction's footprint from its results, and which
// members keep private content of it.
func footprintIn(results []byte, contract string) (f footprint, keepers []string, err error) {
	var set rwset.TxReadWriteSet
	if err := proto.Unmarshal(results, &set); err != nil {
		return nil, nil, err
	}
	for _, ns := range set.GetNsRwset() {
		if ns.GetNamespace() != contract {
			continue
		}
		for _, c := range ns.GetCollectionHashedRwset() {
			org, ok := strings.CutPrefix(c.GetCollectionName(), adapter.Collection(""))
			if !ok {
				return nil, nil, fmt.Errorf("it writes to the collection %q", c.GetCollectionName())
			}
			keepers = append(keepers, org)
		}
		if f, err = publicFootprint(ns.GetRwset()); err != nil {
			return nil, nil, err
		}
	}
	return f, keepers, nil
}

func publicFootprint(public []byte) (f footprint, err error) {
	var set kvrwset.KVRWSet
	if err := proto.Unmarshal(public, &set); err != nil {
		return nil, err
	}
	read := map[string]bool{}
	for _, r := range set.GetReads() {
		read[r.GetKey()] = true
	}
	for _, w := range set.GetWrites() {
		if read[w.GetKey()] {
			f = append(f, "key "+w.GetKey())
		}
	}
	for _, q := range set.GetRangeQueriesInfo() {
		f = append(f, "range "+q.GetStartKey())
	}
	slices.Sort(f)
	return slices.Compact(f), nil
}
