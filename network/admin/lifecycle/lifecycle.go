package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hyperledger/fabric-sdk-go/pkg/client/resmgmt"

	"github.com/tallyway/tallyway/network/admin/ccaas"
	"github.com/tallyway/tallyway/network/admin/session"
)

// patience is how long peers may take to learn what others have approved or
// committed.
const patience = 30 * time.Second

// Office does a session's business with contracts.
type Office struct {
	Session *session.Session
	// Say reports what was done, for the person who waits. Members act at the
	// same time, so it is called by many.
	Say func(format string, args ...any)
}

// at aims at the member's first peer, which speaks for its organisation.
func at(a *session.Admin) resmgmt.RequestOption {
	return resmgmt.WithTargetEndpoints(a.Peers[0].Name)
}

// Install puts a package on every peer of the profile's members.
func (o Office) Install(ctx context.Context, p ccaas.Package) error {
	return o.Session.Each(ctx, func(ctx context.Context, a *session.Admin) error {
		for _, peer := range a.Peers {
			at := resmgmt.WithTargetEndpoints(peer.Name)
			acted, err := settle(ctx,
				func() (bool, error) { return installed(ctx, a, at, p.ID) },
				func() error {
					_, err := a.LifecycleInstallCC(resmgmt.LifecycleInstallCCRequest{Label: p.Label, Package: p.Bytes}, at, resmgmt.WithParentContext(ctx))
					return err
				})
			if err != nil {
				return fmt.Errorf("%s does not install %s: %w", peer.Name, p.ID, err)
			}
			o.Say("%s %s %s", peer.Name, word(acted, "installs", "has installed"), p.ID)
		}
		return nil
	})
}

func installed(ctx context.Context, a *session.Admin, at resmgmt.RequestOption, packageID string) (bool, error) {
	packages, err := a.LifecycleQueryInstalledCC(at, resmgmt.WithParentContext(ctx))
	return slices.ContainsFunc(packages, func(p resmgmt.LifecycleInstalledCC) bool { return p.PackageID == packageID }), err
}

// Approve has every member of the profile approve terms with a package.
func (o Office) Approve(ctx context.Context, t Terms, packageID string) error {
	return o.Session.Each(ctx, func(ctx context.Context, a *session.Admin) error {
		acted, err := settle(ctx,
			func() (bool, error) { return approved(ctx, a, t, packageID) },
			func() error {
				_, err := a.LifecycleApproveCC(a.Channel(), t.approval(packageID), at(a), resmgmt.WithParentContext(ctx))
				return err
			})
		if err != nil {
			return fmt.Errorf("approve %s: %w", t, err)
		}
		o.Say("%s %s %s", a.MSPID, word(acted, "approves", "has approved"), t)
		return nil
	})
}

// approved asks the member's own peer: only there its approval is written.
func approved(ctx context.Context, a *session.Admin, t Terms, packageID string) (bool, error) {
	d, err := approval(ctx, a, t)
	return err == nil && d.PackageID == packageID && approvedTerms(d).same(t), err
}

// approval is empty if the member has approved nothing at this sequence.
func approval(ctx context.Context, a *session.Admin, t Terms) (resmgmt.LifecycleApprovedChaincodeDefinition, error) {
	d, err := a.LifecycleQueryApprovedCC(a.Channel(), resmgmt.LifecycleQueryApprovedCCRequest{Name: t.Name, Sequence: t.Sequence},
		at(a), resmgmt.WithParentContext(ctx))
	if err != nil && strings.Contains(err.Error(), "could not fetch approved chaincode definition") {
		return resmgmt.LifecycleApprovedChaincodeDefinition{}, nil
	}
	return d, err
}
