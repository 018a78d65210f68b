package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hyperledger/fabric-sdk-go/pkg/client/resmgmt"

	"github.com/tallyway/tallyway/network/admin/ccaas"
	"github.com/tallyway/tallyway/network/admin/session"
)

// Deploy brings a package into force under one or more names at once: it
// installs it, has every member of the profile approve, and commits.
func (o Office) Deploy(ctx context.Context, p ccaas.Package, version string, names []string, policy Policy) error {
	if err := o.Install(ctx, p); err != nil {
		return err
	}
	errs := make([]error, len(names))
	var deploying sync.WaitGroup
	for i, name := range names {
		deploying.Go(func() { errs[i] = o.deploy(ctx, p, name, version, policy) })
	}
	deploying.Wait()
	return errors.Join(errs...)
}

func (o Office) deploy(ctx context.Context, p ccaas.Package, name, version string, policy Policy) error {
	terms, _, err := o.Next(ctx, name, version, policy)
	if err != nil {
		return fmt.Errorf("%s: which terms are in force: %w", name, err)
	}
	// A member that came later approves terms that are in force for others.
	if err := o.Approve(ctx, terms, p.ID); err != nil {
		return err
	}
	if err := o.Commit(ctx, terms); err != nil {
		return err
	}
	return o.awaitInForce(ctx, terms)
}

// awaitInForce waits until the peers of the profile's members know.
func (o Office) awaitInForce(ctx context.Context, t Terms) error {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	return o.Session.Each(ctx, func(ctx context.Context, a *session.Admin) error {
		for _, peer := range a.Peers {
			for {
				ok, err := inForce(ctx, a, t, peer.Name)
				if ok {
					break
				}
				if !pause(ctx, firstPause/5) {
					return errors.Join(err, fmt.Errorf("%s does not know that %s is in force", peer.Name, t))
				}
			}
		}
		return nil
	})
}

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
		return strings.Compare(x.Member+"\x00"+x.Peer+"\x00"+x.Name+"\x00"+x.PackageID, y.Member+"\x00"+y.Peer+"\x00"+y.Name+"\x00"+y.PackageID)
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
	contracts, err := committed(ctx, a, at)
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
