package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
)

// Submit runs a command and returns when it is on disk.
func (l *Ledger) Submit(ctx context.Context, r ledger.Request) (ledger.Receipt, error) {
	madeHere := r.Tx.ID == "" // then it is new: there is nothing to look for
	r, err := l.complete(r)
	if err != nil {
		return ledger.Receipt{}, err
	}
	if err := l.enter(true); err != nil {
		return ledger.Receipt{}, err
	}
	defer l.submits.Done()
	arrived := l.line.expect()
	defer arrived()
	p, err := l.proposeKnown(r)
	if err != nil {
		return ledger.Receipt{}, err
	}
	for {
		held := l.line.take(r.Tx.ID)
		if held == nil {
			break
		}
		arrived()
		select {
		case <-held.released:
		case <-ctx.Done():
			return ledger.Receipt{}, &ledger.Unknown{TxID: r.Tx.ID, Cause: ctx.Err()}
		}
	}
	if !madeHere {
		if receipt, err := l.find(r.Tx.ID); !errors.Is(err, ledger.ErrNotFound) {
			l.line.release(r.Tx.ID)
			return receipt, err
		}
	}
	return l.carry(ctx, r, p, arrived)
}

// proposeKnown proposes a command of somebody who has signed here before, or
// signs now.
func (l *Ledger) proposeKnown(r ledger.Request) (*proposal, error) {
	p, err := propose(r)
	if err != nil {
		return nil, err
	}
	if caller, ok := l.callers.find(p.creator); ok {
		p.call.Caller = caller
		return p, nil
	}
	if err := p.authenticate(r, l.config.Verifier); err != nil {
		return nil, err
	}
	l.callers.remember(p.creator, p.call.Caller)
	return p, nil
}

// complete fills in what a request may leave out.
func (l *Ledger) complete(r ledger.Request) (ledger.Request, error) {
	if r.Signer == nil {
		return r, errors.New("a request needs a Signer")
	}
	if r.Tx.ID == "" {
		r.Tx = ledger.NewTx(r.Signer)
	}
	if r.At.IsZero() {
		r.At = l.config.Clock()
	}
	for _, org := range r.Orgs {
		if !slices.Contains(l.config.Orgs, org) {
			return r, fmt.Errorf("%s is no member of this ledger; its members are %v", org, l.config.Orgs)
		}
	}
	return r, nil
}

// enter registers a call, so that Close waits for it.
func (l *Ledger) enter(write bool) error {
	l.line.mu.Lock()
	defer l.line.mu.Unlock()
	if l.line.closed || write && l.line.broken != nil {
		return l.line.stopped()
	}
	l.submits.Add(1)
	return nil
}

// optimistic is the number of executions beside others; later ones keep the
// line still while they run, so that they take their place for certain.
const optimistic = 2

// carry takes a command through the line and owns the claim on its id.
func (l *Ledger) carry(ctx context.Context, r ledger.Request, p *proposal, arrived func()) (ledger.Receipt, error) {
	left := false // somebody else releases the claim
	defer func() {
		if !left {
			l.line.release(r.Tx.ID)
		}
	}()
	for attempt := range l.config.Attempts {
		if err := cmp.Or(ctx.Err(), l.line.whyBroken()); err != nil {
			return ledger.Receipt{}, err
		}
		e, err := l.execute(ctx, p, attempt >= optimistic, arrived)
		if errors.Is(err, errStale) {
			continue
		}
		if err != nil {
			return ledger.Receipt{}, err
		}
		if e.txn == nil { // no transaction is signed: the proposal has to be
			if err := p.authenticate(r, l.config.Verifier); err != nil {
				l.callers.forget(p.creator)
				return ledger.Receipt{}, err
			}
			return ledger.Receipt{At: p.call.At, Reply: e.result.Reply}, nil
		}
		if err := l.sign(e, r, p); err != nil {
			l.line.leave(e.txn)
			return ledger.Receipt{}, err
		}
		arrived()
		select {
		case <-e.done:
		case <-ctx.Done():
			left = true
			l.submits.Add(1)
			go func() { defer l.submits.Done(); <-e.done; l.line.release(r.Tx.ID) }()
			return ledger.Receipt{}, &ledger.Unknown{TxID: r.Tx.ID, Cause: ctx.Err()}
		}
		if e.aborted && e.err == nil {
			continue
		}
		if e.err != nil {
			return ledger.Receipt{}, e.err
		}
		return ledger.Receipt{TxID: r.Tx.ID, Block: e.block, Index: e.index, At: p.call.At, Reply: e.result.Reply}, nil
	}
	return ledger.Receipt{}, fmt.Errorf("%s: %w", r.Name, ledger.ErrConflict)
}

// execution is a command that has been run and stands in line, unless it has
// nothing to write.
type execution struct {
	*txn   // nil where there is nothing to write
	result chaincode.Result
	rwset  []byte
}

// execute runs the contract and takes a place in line. errStale asks for
// another try.
func (l *Ledger) execute(ctx context.Context, p *proposal, locked bool, arrived func()) (*execution, error) {
	sim, err := l.peer.NewTxSimulator(p.call.TxID)
	if err != nil {
		return nil, fmt.Errorf("open the state: %w", err)
	}
	defer sim.Done()
	v := newView(&l.line, sim, locked)
	e, refused := l.runInLine(v, p)
	if refused != nil {
		arrived()
		return nil, l.refuse(ctx, v, refused)
	}
	if e.txn == nil {
		arrived()
		return e, l.settled(ctx, v)
	}
	if e.rwset, e.private, err = v.results(e.result); err != nil {
		l.line.leave(e.txn)
		return nil, err
	}
	return e, nil
}

// runInLine runs the contract and gives it its place, in one step if the view
// is a locked one.
func (l *Ledger) runInLine(v *view, p *proposal) (*execution, error) {
	if v.locked { // the simulator is open already: opening one in here could wait for a commit for ever
		l.line.mu.Lock()
		defer l.line.mu.Unlock()
	}
	result, err := l.config.Contracts.Run(v, p.call)
	if err != nil {
		return nil, err
	}
	if result.Empty() {
		return &execution{result: result}, nil
	}
	t := &txn{id: p.call.TxID, done: make(chan struct{}), writes: map[string][]byte{}}
	for _, w := range result.Writes {
		if w.Org == "" {
			t.writes[w.Key] = w.Value
		}
	}
	return &execution{txn: t, result: result}, l.line.stand(t, v)
}

// refuse passes a refusal on if it rests on what is true.
func (l *Ledger) refuse(ctx context.Context, v *view, refused error) error {
	var refusal *chaincode.Refusal
	if !errors.As(refused, &refusal) {
		return refused
	}
	return cmp.Or(l.settled(ctx, v), refused)
}

// settled returns when all that an answer without a transaction rests on is
// true: nil on a fresh view, and on transactions that have been committed by
// then.
func (l *Ledger) settled(ctx context.Context, v *view) error {
	if !v.locked { // a locked view was fresh when the contract ran
		l.line.mu.Lock()
		fresh := v.fresh()
		l.line.mu.Unlock()
		if !fresh {
			return errStale
		}
	}
	v.sim.Done() // the commit that is waited for needs the state
	for _, w := range v.sources() {
		select {
		case <-w.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if !w.committed() {
			return errStale
		}
	}
	return nil
}

// sign has the execution endorsed and signed, and lets it into a block.
func (l *Ledger) sign(e *execution, r ledger.Request, p *proposal) error {
	response, err := p.responsePayload(e.result, e.rwset)
	if err != nil {
		return err
	}
	endorsements, err := l.endorse(response, endorsers(p.call.Caller.Org, e.result.Keepers(), r.Orgs))
	if err != nil {
		return err
	}
	envelope, err := l.seal(p, r.Signer, response, endorsements)
	if err != nil {
		return err
	}
	l.line.signed(e.txn, envelope)
	return nil
}

// endorsers lists whose nodes sign: the caller's own, the keepers of what is
// written, and whom the request names; each once, in order.
func endorsers(own string, keepers, named []string) []string {
	all := slices.Concat([]string{own}, keepers, named)
	slices.Sort(all)
	return slices.Compact(all)
}
