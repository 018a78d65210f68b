package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"

	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/embedded"
	"github.com/tallyway/tallyway/shared/ledger/fabric"
)

// Ledger is what a host asks of its ledger.
type Ledger interface {
	ledger.Ledger
	// Health is nil while the ledger can be read and written.
	Health() error
	// Verify reads every block and checks hashes and signatures. The error
	// names the first thing that is wrong.
	Verify(ctx context.Context, progress func(block, of uint64)) error
	// Block reads a block as it stands.
	Block(ctx context.Context, number uint64) (*common.Block, error)
}

func (h *Host) openLedger(ctx context.Context) (err error) {
	if h.Profile != nil {
		h.Ledger, err = h.openFabric(ctx)
	} else {
		h.Ledger, err = h.openEmbedded(ctx)
	}
	if err != nil {
		return err
	}
	h.closers = append(h.closers, h.Ledger.Close)
	return nil
}

func (h *Host) openEmbedded(ctx context.Context) (Ledger, error) {
	members, err := h.Wallet.Members()
	if err != nil {
		return nil, err
	}
	if len(members) == 0 {
		return nil, errors.New("there is no member: the program names none and the wallet holds none")
	}
	return embedded.Open(ctx, embedded.Config{
		Dir: h.Config.path("ledger"), Contracts: h.Program.Contracts, Orgs: members,
		Verifier: identity.NewVerifier(h.Wallet, h.Now),
		Endorser: func(org string) (ledger.Signer, error) { return h.Wallet.Node(org) },
		Clock:    h.Now, Log: h.Log.With("room", "ledger"),
		ScrubRate: h.Config.ScrubRate, ScrubPause: h.Config.ScrubPause,
		OnFault: func(f embedded.Fault) { h.Log.Error("the ledger contradicts itself", "fault", f) },
	})
}

// reachWithin is how long a starting host waits for its peer.
const reachWithin = time.Minute

func (h *Host) openFabric(ctx context.Context) (Ledger, error) {
	authorities, err := h.Profile.Authorities()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, reachWithin)
	defer cancel()
	return fabric.Open(ctx, fabric.Config{
		Profile: *h.Profile, Contracts: h.Program.Contracts, Clock: h.Now, Log: h.Log.With("room", "ledger"),
		Reader:   func() (ledger.Signer, error) { return h.Wallet.Get(h.Profile.Members[0].MSP, readerName) },
		Verifier: identity.NewVerifier(authorities, h.Now),
	})
}

// readerName is the identity with which a host reads blocks from its peer.
const readerName = "tallyway-host"

// joinNetwork takes over the authorities of the members for whom the profile
// acts, and gives the host an identity of its own.
func (h *Host) joinNetwork() error {
	profile, err := fabric.ReadProfile(h.Config.Profile)
	if err != nil {
		return fmt.Errorf("--profile: %w", err)
	}
	h.Profile = &profile
	for _, m := range profile.Members {
		if err := h.importMember(m); err != nil {
			return fmt.Errorf("--profile: %w", err)
		}
	}
	if h.Program.Since != nil { // what is founded in the past is read then, too
		h.TurnClock(h.Program.Since(h.Config.Clock()))
		defer h.TurnClock(time.Time{})
	}
	_, err = h.Wallet.Issue(identity.Enrolment{MSP: profile.Members[0].MSP, User: readerName, Device: true})
	if errors.Is(err, identity.ErrTaken) {
		return nil
	}
	return err
}

func (h *Host) importMember(m fabric.Member) error {
	cert, err := os.ReadFile(m.CACert)
	if err != nil {
		return err
	}
	key, err := os.ReadFile(m.CAKey)
	if err != nil {
		return err
	}
	return h.Wallet.ImportMember(m.MSP, cert, key)
}

// Holds says whether this host has the keys of a member.
func (h *Host) Holds(mspID string) bool {
	_, err := h.Wallet.Authority(mspID)
	return err == nil
}

// CACert is the certificate of a member's authority in PEM: from the wallet, or
// of another founder of the network from its connection profile.
func (h *Host) CACert(mspID string) ([]byte, error) {
	if h.Holds(mspID) || h.Profile == nil {
		return h.Wallet.CACert(mspID)
	}
	for _, f := range h.Profile.Founders {
		if f.MSP == mspID {
			return os.ReadFile(f.CACert)
		}
	}
	return nil, fmt.Errorf("the connection profile names no founder %s", mspID)
}
