// Package lifecycle brings contracts into force on the channel as Fabric has
// members do it: each installs the package on its peers and approves the terms,
// then one commits what enough have approved.
//
// Every step asks first what stands already, so that repeating it is harmless
// and a step whose outcome was lost is taken up again where it stopped.
package lifecycle

import (
	"fmt"
	"strings"

	"github.com/golang/protobuf/proto"
	"github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric-sdk-go/pkg/client/resmgmt"
	"github.com/hyperledger/fabric-sdk-go/third_party/github.com/hyperledger/fabric/common/policydsl"
)

// Terms are what members agree on for a contract. The package is not among
// them: each member approves its own.
type Terms struct {
	Name     string
	Version  string
	Sequence int64 // counts a contract's terms from 1
	Policy   Policy
}

func (t Terms) String() string {
	return fmt.Sprintf("%s %s, sequence %d", t.Name, t.Version, t.Sequence)
}

// same tells whether both ask for the same, whatever their sequence.
func (t Terms) same(other Terms) bool {
	return t.Name == other.Name && t.Version == other.Version && t.Policy.same(other.Policy)
}

// is tells whether both are the same terms, sequence and all.
func (t Terms) is(other Terms) bool { return t.same(other) && t.Sequence == other.Sequence }

// Policy says whose endorsement a transaction of the contract needs: the
// channel's policy of that name, or a signature policy of its own.
type Policy struct {
	reference string
	signature *common.SignaturePolicyEnvelope
}

// ChannelPolicy is the endorsement policy of the channel's application, which
// peers also take where terms name none.
var ChannelPolicy = Policy{reference: "/Channel/Application/Endorsement"}

// ParsePolicy reads a policy: empty for the channel's, a path such as
// /Channel/Application/Endorsement, or an expression such as
// OutOf(2, 'DairyMSP.peer', 'ShopMSP.peer', 'BankMSP.peer').
func ParsePolicy(text string) (Policy, error) {
	switch {
	case text == "":
		return ChannelPolicy, nil
	case strings.HasPrefix(text, "/"):
		return Policy{reference: text}, nil
	}
	signature, err := policydsl.FromString(text)
	if err != nil {
		return Policy{}, fmt.Errorf("policy %q: %w", text, err)
	}
	return Policy{signature: signature}, nil
}

func (p Policy) same(other Policy) bool {
	return p.reference == other.reference && proto.Equal(p.signature, other.signature)
}

// The SDK has a type of its own for the terms of each step.

func (t Terms) approval(packageID string) resmgmt.LifecycleApproveCCRequest {
	return resmgmt.LifecycleApproveCCRequest{
		Name: t.Name, Version: t.Version, Sequence: t.Sequence, PackageID: packageID,
		SignaturePolicy: t.Policy.signature, ChannelConfigPolicy: t.Policy.reference,
	}
}

func (t Terms) readiness() resmgmt.LifecycleCheckCCCommitReadinessRequest {
	return resmgmt.LifecycleCheckCCCommitReadinessRequest{
		Name: t.Name, Version: t.Version, Sequence: t.Sequence,
		SignaturePolicy: t.Policy.signature, ChannelConfigPolicy: t.Policy.reference,
	}
}

func (t Terms) commitment() resmgmt.LifecycleCommitCCRequest {
	return resmgmt.LifecycleCommitCCRequest(t.readiness())
}

func committedTerms(d resmgmt.LifecycleChaincodeDefinition) Terms {
	return Terms{Name: d.Name, Version: d.Version, Sequence: d.Sequence, Policy: Policy{d.ChannelConfigPolicy, d.SignaturePolicy}}
}

func approvedTerms(d resmgmt.LifecycleApprovedChaincodeDefinition) Terms {
	return Terms{Name: d.Name, Version: d.Version, Sequence: d.Sequence, Policy: Policy{d.ChannelConfigPolicy, d.SignaturePolicy}}
}
