package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/hyperledger/fabric-sdk-go/pkg/client/resmgmt"

	"github.com/tallyway/tallyway/network/admin/session"
)

// Next tells the terms that a wish amounts to now: those in force if they say
// the same, else the next in the contract's sequence.
func (o Office) Next(ctx context.Context, name, version string, p Policy) (Terms, error) {
	newest, err := o.newest(ctx)
	if err != nil {
		return Terms{}, fmt.Errorf("%s: which terms are in force: %w", name, err)
	}
	t := Terms{Name: name, Version: version, Policy: p}
	if now := newest[name]; now.same(t) {
		return now, nil
	}
	t.Sequence = newest[name].Sequence + 1
	return t, nil
}

// newest asks a peer of every organisation for the terms in force, and keeps a
// contract's latest: a peer that lags by a block knows the ones before, and
// would have its administrator approve what is past.
func (o Office) newest(ctx context.Context) (map[string]Terms, error) {
	a, err := o.Session.Admin(o.Session.Members[0])
	if err != nil {
		return nil, err
	}
	var known [][]Terms // by peer
	var errs []error
	var mutex sync.Mutex
	var asking sync.WaitGroup
	peers := o.Session.FirstPeers()
	for _, peer := range peers {
		asking.Go(func() {
			all, err := committed(ctx, a, peer.Name)
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", peer.Name, err))
			}
			known = append(known, all)
		})
	}
	asking.Wait()
	if len(errs) == len(peers) {
		return nil, errors.Join(errs...)
	}
	return latest(known), nil
}

func latest(known [][]Terms) map[string]Terms {
	newest := map[string]Terms{}
	for _, all := range known {
		for _, t := range all {
			if t.Sequence > newest[t.Name].Sequence {
				newest[t.Name] = t
			}
		}
	}
	return newest
}

// committed are the terms in force as far as a peer knows.
func committed(ctx context.Context, a *session.Admin, peer string) ([]Terms, error) {
	definitions, err := a.LifecycleQueryCommittedCC(a.Channel(), resmgmt.LifecycleQueryCommittedCCRequest{},
		resmgmt.WithTargetEndpoints(peer), resmgmt.WithParentContext(ctx))
	var all []Terms
	for _, d := range definitions {
		all = append(all, committedTerms(d))
	}
	return all, err
}

// awaitInForce waits until the peers of the profile's members know.
func (o Office) awaitInForce(ctx context.Context, t Terms) error {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	return o.Session.Each(ctx, func(ctx context.Context, a *session.Admin) error {
		for _, peer := range a.Peers {
			for {
				all, err := committed(ctx, a, peer.Name)
				if slices.ContainsFunc(all, t.is) {
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
