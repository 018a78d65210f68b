package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	bccsp "github.com/hyperledger/fabric-lib-go/bccsp/sw"
	"github.com/hyperledger/fabric-lib-go/common/metrics/disabled"
	"github.com/hyperledger/fabric-lib-go/healthz"
	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	fabric "github.com/hyperledger/fabric/core/ledger"
	"github.com/hyperledger/fabric/core/ledger/kvledger"
	"github.com/hyperledger/fabric/protoutil"

	"github.com/tallyway/tallyway/shared/ledger/embedded"
)

// bare is Fabric's engine with nothing of the suite around it. It commits the
// very blocks that the embedded ledger has just committed.
type bare struct {
	provider *kvledger.Provider
	ledger   fabric.PeerLedger
	head     []byte // hash of the last header
	height   uint64
}

func openBare(dir string) (*bare, error) {
	hashes, err := bccsp.NewDefaultSecurityLevelWithKeystore(bccsp.NewDummyKeyStore())
	if err != nil {
		return nil, err
	}
	provider, err := kvledger.NewProvider(&fabric.Initializer{
		Config: &fabric.Config{
			RootFSPath:    dir,
			StateDBConfig: &fabric.StateDBConfig{StateDatabase: fabric.GoLevelDB},
			PrivateDataConfig: &fabric.PrivateDataConfig{MaxBatchSize: 5000, BatchesInterval: 1000, PurgeInterval: 100,
				DeprioritizedDataReconcilerInterval: time.Hour},
			HistoryDBConfig: &fabric.HistoryDBConfig{Enabled: true},
			SnapshotsConfig: &fabric.SnapshotsConfig{RootDir: filepath.Join(dir, "snapshots")},
		},
		HashProvider: hashes, MetricsProvider: &disabled.Provider{}, HealthCheckRegistry: noChecks{},
		DeployedChaincodeInfoProvider: noCollections{}, MembershipInfoProvider: noCollections{},
	})
	if err != nil {
		return nil, err
	}
	header := &common.Header{
		ChannelHeader:   protoutil.MarshalOrPanic(&common.ChannelHeader{Type: int32(common.HeaderType_CONFIG), ChannelId: embedded.Channel}),
		SignatureHeader: protoutil.MarshalOrPanic(&common.SignatureHeader{}),
	}
	genesis := blockOf(0, nil, [][]byte{protoutil.MarshalOrPanic(&common.Envelope{
		Payload: protoutil.MarshalOrPanic(&common.Payload{Header: header})})})
	l, err := provider.CreateFromGenesisBlock(genesis)
	if err != nil {
		return nil, err
	}
	return &bare{provider, l, protoutil.BlockHeaderHash(genesis.Header), 1}, nil
}

func (b *bare) close() {
	b.ledger.Close()
	b.provider.Close()
}

func blockOf(number uint64, previous []byte, envelopes [][]byte) *common.Block {
	block := protoutil.NewBlock(number, previous)
	block.Data.Data = envelopes
	block.Header.DataHash = protoutil.ComputeBlockDataHash(block.Data)
	block.Metadata.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER] = make([]byte, len(envelopes))
	return block
}

// replay signs, checks and commits the transactions in their blocks. As many
// are under way at once as there were writers, so the next block is signed
// while one is committed, wherever the blocks are smaller than that.
func (b *bare) replay(all []written, check func(written) ([]byte, error)) (float64, error) {
	slices.SortFunc(all, func(x, y written) int {
		return cmp.Or(cmp.Compare(x.Block, y.Block), cmp.Compare(x.Index, y.Index))
	})
	envelopes, failures, signed := make([][]byte, len(all)), make([]error, len(all)), make([]chan struct{}, len(all))
	for i := range signed {
		signed[i] = make(chan struct{})
	}
	underWay, next := make(chan struct{}, writers), make(chan int)
	var group sync.WaitGroup
	defer group.Wait()
	for range writers {
		group.Go(func() {
			for i := range next {
				var signature []byte
				signature, failures[i] = check(all[i])
				envelopes[i] = protoutil.MarshalOrPanic(&common.Envelope{Payload: all[i].payload, Signature: signature})
				close(signed[i])
			}
		})
	}
	begun := time.Now()
	group.Go(func() {
		defer close(next)
		for i := range all {
			underWay <- struct{}{}
			next <- i
		}
	})
	var failed error
	for from := 0; from < len(all); {
		to := from
		for ; to < len(all) && all[to].Block == all[from].Block; to++ {
			<-signed[to]
		}
		if failed == nil {
			failed = errors.Join(errors.Join(failures[from:to]...), b.commit(all[from].Block, envelopes[from:to]))
		}
		for range to - from {
			<-underWay
		}
		from = to
	}
	return float64(len(all)) / time.Since(begun).Seconds(), failed
}

// commit makes one block durable. Its number must be the one that it had in the
// embedded ledger, for its transactions read by block and place.
func (b *bare) commit(number uint64, envelopes [][]byte) error {
	if number != b.height {
		return fmt.Errorf("the embedded ledger's block %d does not follow on %d", number, b.height-1)
	}
	block := blockOf(number, b.head, envelopes)
	if err := b.ledger.CommitLegacy(&fabric.BlockAndPvtData{Block: block}, &fabric.CommitOptions{}); err != nil {
		return err
	}
	for i, code := range block.Metadata.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER] {
		if code != byte(peer.TxValidationCode_VALID) {
			return fmt.Errorf("block %d, transaction %d: %s", number, i, peer.TxValidationCode(code))
		}
	}
	b.head, b.height = protoutil.BlockHeaderHash(block.Header), number+1
	return nil
}

type noChecks struct{}

func (noChecks) RegisterChecker(string, healthz.HealthChecker) error { return nil }

// noCollections tells kvledger that there is one chaincode and nothing private.
type noCollections struct{}

func (noCollections) AmMemberOf(string, *peer.CollectionPolicyConfig) (bool, error) {
	return false, nil
}
func (noCollections) MyImplicitCollectionName() string { return "" }
func (noCollections) Namespaces() []string             { return nil }
func (noCollections) GenerateImplicitCollectionForOrg(string) *peer.StaticCollectionConfig {
	return nil
}

func (noCollections) UpdatedChaincodes(map[string][]*kvrwset.KVWrite) ([]*fabric.ChaincodeLifecycleInfo, error) {
	return nil, nil
}

func (noCollections) ChaincodeInfo(string, string, fabric.SimpleQueryExecutor) (*fabric.DeployedChaincodeInfo, error) {
	return &fabric.DeployedChaincodeInfo{Name: embedded.Namespace}, nil
}

func (noCollections) AllChaincodesInfo(string, fabric.SimpleQueryExecutor) (map[string]*fabric.DeployedChaincodeInfo, error) {
	return map[string]*fabric.DeployedChaincodeInfo{embedded.Namespace: {Name: embedded.Namespace}}, nil
}

func (noCollections) CollectionInfo(string, string, string, fabric.SimpleQueryExecutor) (*peer.StaticCollectionConfig, error) {
	return nil, nil
}

func (noCollections) ImplicitCollections(string, string, fabric.SimpleQueryExecutor) ([]*peer.StaticCollectionConfig, error) {
	return nil, nil
}

func (noCollections) AllCollectionsConfigPkg(string, string, fabric.SimpleQueryExecutor) (*peer.CollectionConfigPackage, error) {
	return &peer.CollectionConfigPackage{}, nil
}
