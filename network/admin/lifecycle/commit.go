package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hyperledger/fabric-sdk-go/pkg/client/resmgmt"

	"github.com/tallyway/tallyway/network/admin/session"
)

// Readiness is who has approved terms, as far as peers know.
type Readiness struct {
	Approvals map[string]bool // by MSP
	// Endorsers are peers that can endorse a commit, one of an organisation:
	// their own has approved, and they know of the others' approvals.
	Endorsers []string
	witnesses int // peers that know of these approvals, endorsers or not
}

// Enough tells whether a majority has approved, which the channel's lifecycle
// policy wants unless the consortium chose another.
func (r Readiness) Enough() bool { return r.majority(r.approved()) }

// endorsed tells whether the peers of a majority can endorse a commit.
func (r Readiness) endorsed() bool { return r.majority(len(r.Endorsers)) }

func (r Readiness) majority(n int) bool { return 2*n > len(r.Approvals) }

// approved counts who has approved, missing names who has not.
func (r Readiness) approved() int { return len(r.Approvals) - len(r.missing()) }

func (r Readiness) missing() []string {
	var names []string
	for msp, yes := range r.Approvals {
		if !yes {
			names = append(names, msp)
		}
	}
	slices.Sort(names)
	return names
}

// answer is what one organisation's peer knows.
type answer struct {
	msp, peer string
	approvals map[string]bool
	err       error
}

// Ready asks a peer of every organisation that the profile knows who has
// approved terms.
func (o Office) Ready(ctx context.Context, t Terms) (Readiness, error) {
	a, err := o.Session.Admin(o.Session.Members[0])
	if err != nil {
		return Readiness{}, err
	}
	var answers []*answer
	var asking sync.WaitGroup
	for msp, peer := range o.Session.FirstPeers() {
		here := &answer{msp: msp, peer: peer.Name}
		answers = append(answers, here)
		asking.Go(func() {
			r, err := a.LifecycleCheckCCCommitReadiness(a.Channel(), t.readiness(), resmgmt.WithTargetEndpoints(here.peer), resmgmt.WithParentContext(ctx))
			here.approvals, here.err = r.Approvals, err
		})
	}
	asking.Wait()
	return agree(answers)
}

// agree believes the peers that know most. Those that lag, or do not answer,
// cannot endorse yet.
func agree(answers []*answer) (Readiness, error) {
	var best Readiness
	for _, a := range answers {
		if r := (Readiness{Approvals: a.approvals}); a.err == nil && (best.Approvals == nil || r.approved() > best.approved()) {
			best = r
		}
	}
	var errs []error
	for _, a := range answers {
		switch {
		case a.err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", a.peer, a.err))
		case maps.Equal(a.approvals, best.Approvals):
			best.witnesses++
			if best.Approvals[a.msp] {
				best.Endorsers = append(best.Endorsers, a.peer)
			}
		}
	}
	if best.Approvals == nil {
		return best, errors.Join(errs...)
	}
	return best, nil
}

// Commit puts terms in force, in the name of the profile's first member.
func (o Office) Commit(ctx context.Context, t Terms) error {
	a, err := o.Session.Admin(o.Session.Members[0])
	if err != nil {
		return err
	}
	stands := func() (bool, error) {
		newest, err := o.newest(ctx)
		return newest[t.Name].is(t), err
	}
	acted, err := settle(ctx, stands, func() error {
		ready, err := o.awaitReady(ctx, t)
		if err != nil {
			return err
		}
		_, err = a.LifecycleCommitCC(a.Channel(), t.commitment(), resmgmt.WithTargetEndpoints(ready.Endorsers...), resmgmt.WithParentContext(ctx))
		return err
	})
	switch {
	case errors.As(err, new(refusal)):
		return err
	case err != nil:
		return fmt.Errorf("commit %s: %w", t, err)
	}
	o.Say("%s %s", t, word(acted, "comes into force", "is in force"))
	return nil
}

// awaitReady waits until peers know of enough approvals: until all do, or a
// little longer than that takes where some are down. Where too few have
// approved it waits only for what the session's own members approved.
func (o Office) awaitReady(ctx context.Context, t Terms) (Readiness, error) {
	own := o.approvers(ctx, t)
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	var enough time.Time
	for {
		ready, err := o.Ready(ctx, t)
		if err != nil {
			return ready, err
		}
		known := !slices.ContainsFunc(own, func(msp string) bool { return !ready.Approvals[msp] })
		if ready.endorsed() && enough.IsZero() {
			enough = time.Now()
		}
		switch {
		case ready.endorsed() && (len(ready.Endorsers) == ready.approved() || time.Since(enough) > 3*time.Second):
			return ready, nil
		case !ready.Enough() && known && ready.majority(ready.witnesses):
			return ready, refusal{t, ready}
		}
		if !pause(ctx, 200*time.Millisecond) {
			return ready, refusal{t, ready}
		}
	}
}

// approvers are the session's members who have approved terms, with whatever
// package. Their own peers know at once; one that does not answer is not waited
// for.
func (o Office) approvers(ctx context.Context, t Terms) (msps []string) {
	var mutex sync.Mutex
	o.Session.Each(ctx, func(ctx context.Context, a *session.Admin) error {
		d, err := approval(ctx, a, t)
		if err == nil && approvedTerms(d).same(t) {
			mutex.Lock()
			defer mutex.Unlock()
			msps = append(msps, a.MSPID)
		}
		return nil
	})
	return msps
}

// refusal says why terms cannot be committed.
type refusal struct {
	terms Terms
	ready Readiness
}

func (r refusal) Error() string {
	if r.ready.Enough() {
		return fmt.Sprintf("%s is approved by a majority, but too few of their peers answer: %s", r.terms, strings.Join(r.ready.Endorsers, ", "))
	}
	return fmt.Sprintf("%s waits for a majority; still to approve: %s", r.terms, strings.Join(r.ready.missing(), ", "))
}
