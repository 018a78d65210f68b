// Package session opens fabric-sdk-go on a connection profile and lets each
// member of the profile act through its own administrator.
//
// What an administrator does is left to the rooms that ask for one.
package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/hyperledger/fabric-protos-go/common"
	"github.com/hyperledger/fabric-sdk-go/pkg/client/ledger"
	"github.com/hyperledger/fabric-sdk-go/pkg/client/msp"
	"github.com/hyperledger/fabric-sdk-go/pkg/client/resmgmt"
	mspctx "github.com/hyperledger/fabric-sdk-go/pkg/common/providers/msp"
	"github.com/hyperledger/fabric-sdk-go/pkg/core/config"
	"github.com/hyperledger/fabric-sdk-go/pkg/fabsdk"

	"github.com/tallyway/tallyway/network/admin/profile"
)

// Session is the SDK opened on a profile.
type Session struct {
	*profile.Profile
	sdk    *fabsdk.FabricSDK
	stores string
}

// Admin is a member's administrator, ready to act.
type Admin struct {
	profile.Member
	Identity mspctx.SigningIdentity
	*resmgmt.Client
	context fabsdk.ContextOption
	session *Session
}

// Open opens the SDK. It connects when something is asked.
func Open(p *profile.Profile) (*Session, error) {
	stores, err := os.MkdirTemp("", "fabric-admin-")
	if err != nil {
		return nil, err
	}
	s := &Session{Profile: p, stores: stores}
	document, err := p.Document(stores)
	if err == nil {
		s.sdk, err = fabsdk.New(config.FromRaw(document, "yaml"))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the SDK cannot use the profile: %w", err), os.RemoveAll(stores))
	}
	return s, nil
}

// Close closes every connection.
func (s *Session) Close() error {
	s.sdk.Close()
	return os.RemoveAll(s.stores)
}

// Admin lets a member act.
func (s *Session) Admin(m profile.Member) (*Admin, error) {
	identity, err := s.identity(m.OrgName, m.Admin)
	if err != nil {
		return nil, fmt.Errorf("the administrator of %s: %w", m.MSPID, err)
	}
	as := fabsdk.WithIdentity(identity)
	client, err := resmgmt.New(s.sdk.Context(as))
	if err != nil {
		return nil, fmt.Errorf("the administrator of %s: %w", m.MSPID, err)
	}
	return &Admin{Member: m, Identity: identity, Client: client, context: as, session: s}, nil
}

// OrderersAdmin is who decides for the orderers' side of a member.
func (s *Session) OrderersAdmin(m profile.Member) (mspctx.SigningIdentity, error) {
	identity, err := s.identity(m.OrderersOrganization(), m.Orderer.Admin)
	if err != nil {
		return nil, fmt.Errorf("the administrator of %s: %w", m.Orderer.MSPID, err)
	}
	return identity, nil
}

func (s *Session) identity(organization string, pair profile.KeyPair) (mspctx.SigningIdentity, error) {
	cert, err := os.ReadFile(pair.Cert)
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(pair.Key)
	if err != nil {
		return nil, err
	}
	members, err := msp.New(s.sdk.Context(), msp.WithOrg(organization))
	if err != nil {
		return nil, err
	}
	return members.CreateSigningIdentity(mspctx.WithCert(cert), mspctx.WithPrivateKey(key))
}

// Channel is the profile's channel.
func (a *Admin) Channel() string { return a.session.Channel }

// Block asks a peer for one of the channel's blocks.
func (a *Admin) Block(ctx context.Context, peer string, number uint64) (*common.Block, error) {
	blocks, err := a.blocks()
	if err != nil {
		return nil, err
	}
	return blocks.QueryBlock(number, ledger.WithTargetEndpoints(peer), ledger.WithParentContext(ctx))
}

func (a *Admin) blocks() (*ledger.Client, error) {
	return ledger.New(a.session.sdk.ChannelContext(a.session.Channel, a.context))
}

// Height asks a peer how many blocks of the channel it has.
func (a *Admin) Height(ctx context.Context, peer string) (uint64, error) {
	blocks, err := a.blocks()
	if err != nil {
		return 0, err
	}
	info, err := blocks.QueryInfo(ledger.WithTargetEndpoints(peer), ledger.WithParentContext(ctx))
	if err != nil {
		return 0, err
	}
	return info.BCI.Height, nil
}

// Highest is how many blocks any peer that the profile knows has. Peers that do
// not answer, or are not on the channel, do not count.
func (a *Admin) Highest(ctx context.Context) (highest uint64) {
	for _, o := range a.session.Organizations {
		for _, peer := range o.Peers {
			if height, err := a.Height(ctx, peer.Name); err == nil {
				highest = max(highest, height)
			}
		}
	}
	return highest
}

// ConfigBlock is the newest config block of the channel that any orderer has.
// One that is down, or behind, is made up for by the others.
func (a *Admin) ConfigBlock(ctx context.Context) (*common.Block, error) {
	blocks := make([]*common.Block, len(a.session.Orderers))
	errs := make([]error, len(blocks))
	var asking sync.WaitGroup
	for i, orderer := range a.session.Orderers {
		asking.Go(func() {
			blocks[i], errs[i] = a.QueryConfigBlockFromOrderer(a.session.Channel, resmgmt.WithOrdererEndpoint(orderer), resmgmt.WithParentContext(ctx))
		})
	}
	asking.Wait()
	var newest *common.Block
	for i, b := range blocks {
		if errs[i] == nil && (newest == nil || b.Header.Number > newest.Header.Number) {
			newest = b
		}
	}
	if newest == nil {
		return nil, fmt.Errorf("no orderer gives the channel's configuration: %w", errs[0])
	}
	return newest, nil
}

// AtOrderers tries the channel's orderers one after the other, for what the SDK
// asks of a single one.
func (a *Admin) AtOrderers(try func(resmgmt.RequestOption) error) (err error) {
	for _, orderer := range a.session.Orderers {
		if err = try(resmgmt.WithOrdererEndpoint(orderer)); err == nil {
			return nil
		}
	}
	return err
}

// Each has every member of the profile act at the same time, and gives all
// that went wrong.
func (s *Session) Each(ctx context.Context, act func(context.Context, *Admin) error) error {
	errs := make([]error, len(s.Members))
	var acting sync.WaitGroup
	for i, m := range s.Members {
		acting.Go(func() {
			admin, err := s.Admin(m)
			if err == nil {
				err = act(ctx, admin)
			}
			if err != nil {
				errs[i] = fmt.Errorf("%s: %w", m.MSPID, err)
			}
		})
	}
	acting.Wait()
	return errors.Join(errs...)
}
