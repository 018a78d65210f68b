// Package membership lets a new member into a channel that runs: it computes
// the change of the channel's configuration, has administrators sign it and
// hands it to the orderers.
//
// A newcomer presents itself by the genesis block of a network of its own, as
// the launcher makes it for an organisation that stands alone: everything that
// others need to know of it is in there, and nothing secret.
package membership

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/golang/protobuf/proto"
	"github.com/hyperledger/fabric-protos-go/common"
	mspproto "github.com/hyperledger/fabric-protos-go/msp"
	"github.com/hyperledger/fabric-sdk-go/third_party/github.com/hyperledger/fabric/common/policydsl"
)

// The parts of a channel's configuration that a newcomer changes.
const (
	application     = "Application"
	ordering        = "Orderer"
	consenters      = "Orderers"
	endorsement     = "Endorsement"
	blockValidation = "BlockValidation"
)

// Newcomer is an organisation as its genesis block presents it.
type Newcomer struct {
	MSPID       string
	Member      *common.ConfigGroup // its peers' and users' side
	OrdererMSP  string
	Ordering    *common.ConfigGroup // its orderer's side
	ordererNode *consenter
}

// Present reads a newcomer from the genesis block of its own network.
func Present(block []byte) (Newcomer, error) {
	config, err := configOf(block)
	if err != nil {
		return Newcomer{}, fmt.Errorf("the newcomer's genesis block: %w", err)
	}
	var n Newcomer
	if n.MSPID, n.Member, err = only(config, application); err != nil {
		return n, fmt.Errorf("the newcomer's genesis block: %w", err)
	}
	if n.OrdererMSP, n.Ordering, err = only(config, ordering); err != nil {
		return n, fmt.Errorf("the newcomer's genesis block: %w", err)
	}
	nodes, err := consentersOf(config)
	if err != nil {
		return n, fmt.Errorf("the newcomer's genesis block: %w", err)
	}
	if len(nodes.Mapping) != 1 {
		return n, fmt.Errorf("the newcomer's genesis block has %d orderers; one is let in at a time", len(nodes.Mapping))
	}
	n.ordererNode = nodes.Mapping[0]
	return n, nil
}

// only is the one organisation of a group.
func only(config *common.Config, group string) (name string, organization *common.ConfigGroup, err error) {
	all := groups(config, group)
	if len(all) != 1 {
		return "", nil, fmt.Errorf("%d organisations under %s; a newcomer comes alone", len(all), group)
	}
	for name, organization = range all {
	}
	return name, organization, nil
}

func groups(config *common.Config, group string) map[string]*common.ConfigGroup {
	return config.GetChannelGroup().GetGroups()[group].GetGroups()
}

// admit is the configuration with the newcomer, and with its orderer if it is
// to order as well.
func (n Newcomer) admit(current *common.Config, withOrderer bool) (*common.Config, error) {
	next := proto.Clone(current).(*common.Config)
	if _, member := groups(next, application)[n.MSPID]; !member {
		if err := widen(next.ChannelGroup.Groups[application], n.MSPID); err != nil {
			return nil, err
		}
		groups(next, application)[n.MSPID] = proto.Clone(n.Member).(*common.ConfigGroup)
	}
	if _, orders := groups(next, ordering)[n.OrdererMSP]; withOrderer && !orders {
		if err := n.order(next); err != nil {
			return nil, err
		}
	}
	return next, nil
}

// widen lets the newcomer's peers count as endorsers where the channel's
// endorsement policy lists every member by name, as "any two of the four" does.
// A policy of another kind is the consortium's to change.
func widen(group *common.ConfigGroup, mspid string) error {
	policy := group.Policies[endorsement]
	if policy.GetPolicy().GetType() != int32(common.Policy_SIGNATURE) {
		return nil // it counts members by itself
	}
	var signature common.SignaturePolicyEnvelope
	if err := proto.Unmarshal(policy.Policy.Value, &signature); err != nil {
		return fmt.Errorf("the channel's endorsement policy: %w", err)
	}
	rule := signature.Rule.GetNOutOf()
	if rule == nil || len(rule.Rules) != len(group.Groups) || len(signature.Identities) != len(group.Groups) {
		return errors.New("the channel's endorsement policy does not list every member once: change it first")
	}
	for name := range group.Groups {
		if !slices.ContainsFunc(signature.Identities, isPeerOf(name)) {
			return fmt.Errorf("the channel's endorsement policy does not list the peers of %s: change it first", name)
		}
	}
	rule.Rules = append(rule.Rules, policydsl.SignedBy(int32(len(signature.Identities))))
	signature.Identities = append(signature.Identities, policydsl.SignedByMspPeer(mspid).Identities[0])
	value, err := proto.Marshal(&signature)
	policy.Policy.Value = value
	return err
}

func isPeerOf(mspid string) func(*mspproto.MSPPrincipal) bool {
	peer := policydsl.SignedByMspPeer(mspid).Identities[0]
	return func(p *mspproto.MSPPrincipal) bool { return proto.Equal(p, peer) }
}

// order lets the newcomer's orderer order: its organisation, its node, and the
// policy that says how many nodes sign a block.
func (n Newcomer) order(next *common.Config) error {
	nodes, err := consentersOf(next)
	if err != nil {
		return err
	}
	node := proto.Clone(n.ordererNode).(*consenter)
	for _, c := range nodes.Mapping {
		node.ID = max(node.ID, c.ID+1)
		if c.Host == node.Host && c.Port == node.Port {
			return fmt.Errorf("an orderer at %s:%d orders already", c.Host, c.Port)
		}
	}
	nodes.Mapping = append(nodes.Mapping, node)
	group := next.ChannelGroup.Groups[ordering]
	group.Groups[n.OrdererMSP] = proto.Clone(n.Ordering).(*common.ConfigGroup)
	if group.Values[consenters].Value, err = proto.Marshal(nodes); err != nil {
		return err
	}
	return signBlocks(group, nodes)
}

// signBlocks writes the policy under which orderers' signatures make a block
// valid. Orderers refuse a configuration whose policy is another.
func signBlocks(group *common.ConfigGroup, nodes *orderers) error {
	n := int32(len(nodes.Mapping))
	faulty := (n - 1) / 3
	quorum := (n + faulty + 2) / 2 // (n + faulty + 1) / 2, rounded up
	var rules []*common.SignaturePolicy
	var identities []*mspproto.MSPPrincipal
	for i, c := range nodes.Mapping {
		identity, err := proto.Marshal(&mspproto.SerializedIdentity{Mspid: c.MSPID, IdBytes: c.Identity})
		if err != nil {
			return err
		}
		rules = append(rules, policydsl.SignedBy(int32(i)))
		identities = append(identities, &mspproto.MSPPrincipal{PrincipalClassification: mspproto.MSPPrincipal_IDENTITY, Principal: identity})
	}
	value, err := proto.Marshal(&common.SignaturePolicyEnvelope{Rule: policydsl.NOutOf(quorum, rules), Identities: identities})
	group.Policies[blockValidation].Policy = &common.Policy{Type: int32(common.Policy_SIGNATURE), Value: value}
	return err
}

// consentersOf reads who orders.
func consentersOf(config *common.Config) (*orderers, error) {
	value := config.GetChannelGroup().GetGroups()[ordering].GetValues()[consenters]
	if value == nil {
		return nil, errors.New("the configuration names no orderers: it is not of BFT ordering")
	}
	var all orderers
	if err := proto.Unmarshal(value.Value, &all); err != nil {
		return nil, fmt.Errorf("the configuration's orderers: %w", err)
	}
	return &all, nil
}

// members are the organisations of a group, in order.
func members(config *common.Config, group string) []string {
	return slices.Sorted(maps.Keys(groups(config, group)))
}

// configOf unpacks a config block.
func configOf(block []byte) (*common.Config, error) {
	var b common.Block
	var envelope common.Envelope
	var payload common.Payload
	var config common.ConfigEnvelope
	if err := proto.Unmarshal(block, &b); err != nil {
		return nil, err
	}
	if len(b.GetData().GetData()) != 1 {
		return nil, errors.New("it is not a config block")
	}
	if err := proto.Unmarshal(b.Data.Data[0], &envelope); err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(envelope.Payload, &payload); err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(payload.Data, &config); err != nil {
		return nil, err
	}
	if config.Config.GetChannelGroup() == nil {
		return nil, errors.New("it is not a config block")
	}
	return config.Config, nil
}
