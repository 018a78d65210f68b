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
	identity, err := s.identity(m)
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

func (s *Session) identity(m profile.Member) (mspctx.SigningIdentity, error) {
	cert, err := os.ReadFile(m.Admin.Cert)
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(m.Admin.Key)
	if err != nil {
		return nil, err
	}
	members, err := msp.New(s.sdk.Context(), msp.WithOrg(m.OrgName))
	if err != nil {
		return nil, err
	}
	return members.CreateSigningIdentity(mspctx.WithCert(cert), mspctx.WithPrivateKey(key))
}

// Channel is the profile's channel.
func (a *Admin) Channel() string { return a.session.Channel }

// Ledger asks about the blocks of the profile's channel.
func (a *Admin) Ledger() (*ledger.Client, error) {
	return ledger.New(a.session.sdk.ChannelContext(a.session.Channel, a.context))
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
