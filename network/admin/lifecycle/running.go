package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/hyperledger/fabric-sdk-go/pkg/client/resmgmt"

	"github.com/tallyway/tallyway/network/admin/session"
)

// Running is what a peer knows of a contract. A package that is installed and
// in no member's use has no name.
type Running struct {
	Member, Peer  string
	Name, Version string
	Sequence      int64
	PackageID     string // empty where the member has approved no package
	Installed     bool   // whether the peer holds that package
}

// Running tells what runs on the peers of the profile's members, in order.
func (o Office) Running(ctx context.Context) ([]Running, error) {
	var all []Running
	var mutex sync.Mutex
	err := o.Session.Each(ctx, func(ctx context.Context, a *session.Admin) error {
		for _, peer := range a.Peers {
			rows, err := running(ctx, a, peer.Name)
			if err != nil {
				return fmt.Errorf("%s: %w", peer.Name, err)
			}
			mutex.Lock()
			all = append(all, rows...)
			mutex.Unlock()
		}
		return nil
	})
	slices.SortFunc(all, func(x, y Running) int {
		return slices.Compare([]string{x.Member, x.Peer, x.Name, x.PackageID}, []string{y.Member, y.Peer, y.Name, y.PackageID})
	})
	return all, err
}

func running(ctx context.Context, a *session.Admin, peer string) ([]Running, error) {
	at := resmgmt.WithTargetEndpoints(peer)
	packages, err := a.LifecycleQueryInstalledCC(at, resmgmt.WithParentContext(ctx))
	if err != nil {
		return nil, err
	}
	idle := map[string]bool{}
	for _, p := range packages {
		idle[p.PackageID] = true
	}
	contracts, err := committed(ctx, a, peer)
	if err != nil {
		return nil, err
	}
	var rows []Running
	for _, t := range contracts {
		d, err := approval(ctx, a, t)
		if err != nil {
			return nil, err
		}
		rows = append(rows, Running{a.MSPID, peer, t.Name, t.Version, t.Sequence, d.PackageID, idle[d.PackageID]})
	}
	for _, r := range rows {
		delete(idle, r.PackageID)
	}
	for id := range idle {
		rows = append(rows, Running{Member: a.MSPID, Peer: peer, PackageID: id, Installed: true})
	}
	return rows, nil
}
