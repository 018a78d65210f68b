package embedded

import (
	"fmt"
	"path/filepath"
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
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Collection names a member's implicit private collection, as Fabric does.
func Collection(org string) string { return "_implicit_org_" + org }

// store is Fabric's ledger provider over one folder.
type store struct{ provider *kvledger.Provider }

func openStore(dir string, orgs []string) (s *store, err error) {
	defer recovered(&err, "open the ledger in %s", dir)
	hashes, err := bccsp.NewDefaultSecurityLevelWithKeystore(bccsp.NewDummyKeyStore())
	if err != nil {
		return nil, fmt.Errorf("open the ledger in %s: %w", dir, err)
	}
	provider, err := kvledger.NewProvider(&fabric.Initializer{
		Config: &fabric.Config{
			RootFSPath:    dir,
			StateDBConfig: &fabric.StateDBConfig{StateDatabase: fabric.GoLevelDB},
			PrivateDataConfig: &fabric.PrivateDataConfig{
				MaxBatchSize: 5000, BatchesInterval: 1000, PurgeInterval: 100,
				DeprioritizedDataReconcilerInterval: time.Hour,
			},
			HistoryDBConfig: &fabric.HistoryDBConfig{Enabled: true},
			SnapshotsConfig: &fabric.SnapshotsConfig{RootDir: filepath.Join(dir, "snapshots")},
		},
		HashProvider:                  hashes,
		MetricsProvider:               &disabled.Provider{},
		HealthCheckRegistry:           noChecks{},
		DeployedChaincodeInfoProvider: deployed{orgs},
		MembershipInfoProvider:        everyMember{},
	})
	if err != nil {
		return nil, fmt.Errorf("open the ledger in %s: %w", dir, err)
	}
	return &store{provider}, nil
}

// openChannel opens the channel, or founds it with a genesis block.
func (s *store) openChannel(clock func() time.Time) (l fabric.PeerLedger, err error) {
	defer recovered(&err, "open the channel %s", Channel)
	switch exists, err := s.provider.Exists(Channel); {
	case err != nil:
		return nil, fmt.Errorf("look for the channel %s: %w", Channel, err)
	case exists:
		l, err = s.provider.Open(Channel)
		return l, wrap(err, "open the channel %s", Channel)
	default:
		l, err = s.provider.CreateFromGenesisBlock(genesis(clock()))
		return l, wrap(err, "found the channel %s", Channel)
	}
}

func (s *store) close() (err error) {
	defer recovered(&err, "close the ledger")
	s.provider.Close()
	return nil
}

// genesis is block 0: a configuration envelope that names the channel and when
// it was founded.
func genesis(at time.Time) *common.Block {
	header := &common.Header{
		ChannelHeader: protoutil.MarshalOrPanic(&common.ChannelHeader{
			Type: int32(common.HeaderType_CONFIG), ChannelId: Channel, Timestamp: timestamppb.New(at)}),
		SignatureHeader: protoutil.MarshalOrPanic(&common.SignatureHeader{}),
	}
	envelope := &common.Envelope{Payload: protoutil.MarshalOrPanic(&common.Payload{Header: header})}
	return newBlock(0, nil, [][]byte{protoutil.MarshalOrPanic(envelope)})
}

// newBlock makes a block of envelopes, all of them valid until kvledger says
// otherwise.
func newBlock(number uint64, previous []byte, envelopes [][]byte) *common.Block {
	b := protoutil.NewBlock(number, previous)
	b.Data.Data = envelopes
	b.Header.DataHash = protoutil.ComputeBlockDataHash(b.Data)
	b.Metadata.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER] = make([]byte, len(envelopes))
	return b
}

// recovered turns a panic of Fabric's storage into an error: it panics where a
// file is damaged or a disk is full.
func recovered(err *error, doing string, args ...any) {
	if r := recover(); r != nil {
		*err = fmt.Errorf(doing+": %v", append(args, r)...)
	}
}

func wrap(err error, doing string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(doing+": %w", append(args, err)...)
}

type noChecks struct{}

func (noChecks) RegisterChecker(string, healthz.HealthChecker) error { return nil }

// everyMember keeps every collection: this process is the node of all members.
type everyMember struct{}

func (everyMember) AmMemberOf(string, *peer.CollectionPolicyConfig) (bool, error) { return true, nil }

func (everyMember) MyImplicitCollectionName() string { return "" }

// deployed tells kvledger of the one chaincode and its private collections.
type deployed struct{ orgs []string }

func (deployed) Namespaces() []string { return nil }

func (deployed) UpdatedChaincodes(map[string][]*kvrwset.KVWrite) ([]*fabric.ChaincodeLifecycleInfo, error) {
	return nil, nil
}

func (deployed) ChaincodeInfo(string, string, fabric.SimpleQueryExecutor) (*fabric.DeployedChaincodeInfo, error) {
	return &fabric.DeployedChaincodeInfo{Name: Namespace}, nil
}

func (d deployed) AllChaincodesInfo(string, fabric.SimpleQueryExecutor) (map[string]*fabric.DeployedChaincodeInfo, error) {
	return map[string]*fabric.DeployedChaincodeInfo{Namespace: {Name: Namespace}}, nil
}

func (d deployed) CollectionInfo(_, _, name string, _ fabric.SimpleQueryExecutor) (*peer.StaticCollectionConfig, error) {
	for _, org := range d.orgs {
		if Collection(org) == name {
			return d.GenerateImplicitCollectionForOrg(org), nil
		}
	}
	return nil, nil
}

func (d deployed) ImplicitCollections(string, string, fabric.SimpleQueryExecutor) ([]*peer.StaticCollectionConfig, error) {
	var all []*peer.StaticCollectionConfig
	for _, org := range d.orgs {
		all = append(all, d.GenerateImplicitCollectionForOrg(org))
	}
	return all, nil
}

func (deployed) GenerateImplicitCollectionForOrg(org string) *peer.StaticCollectionConfig {
	return &peer.StaticCollectionConfig{Name: Collection(org)}
}

func (d deployed) AllCollectionsConfigPkg(string, string, fabric.SimpleQueryExecutor) (*peer.CollectionConfigPackage, error) {
	p := &peer.CollectionConfigPackage{}
	for _, org := range d.orgs {
		p.Config = append(p.Config, &peer.CollectionConfig{Payload: &peer.CollectionConfig_StaticCollectionConfig{
			StaticCollectionConfig: d.GenerateImplicitCollectionForOrg(org)}})
	}
	return p, nil
}
