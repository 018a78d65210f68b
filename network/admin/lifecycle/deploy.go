package lifecycle

import (
	"context"
	"errors"
	"sync"

	"github.com/tallyway/tallyway/network/admin/ccaas"
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
	terms, err := o.Next(ctx, name, version, policy)
	if err != nil {
		return err
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
