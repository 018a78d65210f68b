package fabric

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/protobuf/proto"

	"github.com/tallyway/tallyway/chaincode"
	adapter "github.com/tallyway/tallyway/chaincode/fabric"
	"github.com/tallyway/tallyway/shared/ledger"
)

// endorsed is a command that enough members have executed with one result.
type endorsed struct {
	*client.Transaction
	reads  footprint
	result []byte
	empty  bool // has nothing to write: the result is the answer, and is not ordered
}

// errSeen says that the transaction's id stands in a block already.
var errSeen = errors.New("the transaction stands in a block already")

// endorse has a command executed by its own member's peer and by those whom it
// concerns, until they agree.
//
// Peers are some milliseconds apart, so the peer of another member may not
// have seen yet what this one's has: only the own peer's refusal counts, and
// different results are tried again. A member that does not answer is replaced by
// another one where any will do.
func (l *Ledger) endorse(ctx context.Context, r ledger.Request) (*endorsed, error) {
	within, cancel := context.WithTimeout(ctx, l.config.EndorseWithin)
	defer cancel()
	var last error
	for pause := newPause(10*time.Millisecond, time.Second); ; {
		e, err := l.endorseOnce(within, r)
		if err == nil {
			return e, nil
		}
		var unsettled *unsettled
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx) // nothing has been ordered yet
		case errors.As(err, &unsettled):
			last = err
		case within.Err() == nil:
			return nil, err
		}
		if !pause.wait(within) {
			return nil, fmt.Errorf("%w: %s is not endorsed: %w", ledger.ErrUnavailable, r.Name, errors.Join(last, ctx.Err()))
		}
	}
}

// unsettled is an answer that may be another one a moment later.
type unsettled struct{ error }

func (l *Ledger) endorseOnce(ctx context.Context, r ledger.Request) (*endorsed, error) {
	own, err := memberOf(r.Signer)
	if err != nil {
		return nil, err
	}
	if err := l.catchUp(ctx, own); err != nil {
		return nil, err
	}
	orgs, err := l.endorsers(ctx, own, r)
	if err != nil {
		return nil, err
	}
	proposal, err := l.propose(r, r.Name, r.Body, orgs)
	if err != nil {
		return nil, err
	}
	transaction, err := proposal.EndorseWithContext(ctx)
	if err != nil {
		return nil, l.judge(err, own, orgs)
	}
	action, err := actionOf(transaction)
	if err != nil {
		return nil, fmt.Errorf("read the results of %s: %w", r.Name, err)
	}
	reads, keepers, err := footprintIn(action.GetResults(), l.config.Profile.Contract)
	if err != nil {
		return nil, fmt.Errorf("read the results of %s: %w", r.Name, err)
	}
	for _, org := range keepers {
		if !slices.Contains(orgs, org) { // the plan was made on an earlier state
			return nil, &unsettled{fmt.Errorf("%s keeps content of %s and has not endorsed it", org, r.Name)}
		}
	}
	return &endorsed{Transaction: transaction, reads: reads, result: transaction.Result(),
		empty: action.GetResponse().GetStatus() == adapter.NothingToWrite}, nil
}

// endorsers lists whom the command is shown to: the caller's member, those that
// the request names, and if the command is confidential those that keep its
// content; the policy wants two. The second of a confidential command is a
// witness, of any other whoever answers.
func (l *Ledger) endorsers(ctx context.Context, own string, r ledger.Request) ([]string, error) {
	orgs, confidential := append([]string{own}, r.Orgs...), l.config.Contracts.Confidential(r.Name, r.Body)
	if confidential {
		keepers, err := l.plan(ctx, r)
		if err != nil {
			return nil, err
		}
		orgs = append(orgs, keepers...)
	}
	slices.Sort(orgs)
	if orgs = slices.Compact(orgs); len(orgs) > 1 {
		return orgs, nil
	}
	if !confidential {
		return append(orgs, l.second.choose(l.config.Profile.Orgs, own)), nil
	}
	for _, witness := range l.config.Profile.Witnesses {
		if witness != own {
			return append(orgs, witness), nil
		}
	}
	return nil, ErrNoWitness.Refuse("%s is kept by %s alone", r.Name, own)
}

// ErrNoWitness keeps a confidential command from members that may not see it.
var ErrNoWitness = chaincode.Rule{Code: "ledger/no-witness", Kind: chaincode.Conflict,
	Text: "Two members of the network must agree to this, and none but yours may see it.", Remedy: "Share it with a company of another member, or openly."}

// plan asks the caller's own peer which members keep what the command writes.
func (l *Ledger) plan(ctx context.Context, r ledger.Request) ([]string, error) {
	body, err := json.Marshal(chaincode.Plan{Name: r.Name, Body: r.Body})
	if err != nil { // a body that is no JSON: the contract's refusal says it better
		body = r.Body
	}
	ask := ledger.Request{Signer: r.Signer, Name: chaincode.NameOf(chaincode.Plan{}), Body: body, At: r.At, Tx: ledger.NewTx(r.Signer)}
	reply, err := l.evaluate(ctx, ask, nil)
	if err != nil {
		return nil, err
	}
	var keepers chaincode.Keepers
	if err := json.Unmarshal(reply, &keepers); err != nil {
		return nil, fmt.Errorf("read the plan of %s: %w", r.Name, err)
	}
	return keepers.Orgs, nil
}

// memberOf is the organisation in the signer's creator: what the peer believes.
func memberOf(s ledger.Signer) (string, error) {
	var id msp.SerializedIdentity
	if err := proto.Unmarshal(s.Creator(), &id); err != nil {
		return "", fmt.Errorf("read the creator: %w", err)
	}
	return id.Mspid, nil
}

// judge makes of a gateway's error what it means for the command. Only the
// caller's own peer refuses.
func (l *Ledger) judge(err error, own string, orgs []string) error {
	var failed *client.EndorseError
	if !errors.As(err, &failed) {
		return err
	}
	for _, d := range failed.Details() {
		said := verdict(d.GetMessage())
		if errors.Is(said, errSeen) || d.GetMspId() == own && said != nil {
			return said
		}
		if said == nil && d.GetMspId() != own {
			l.second.blame(d.GetMspId())
		}
	}
	for _, org := range orgs { // where the gateway knows no peer of a member, it has no details
		if len(failed.Details()) == 0 && org != own && strings.Contains(err.Error(), org) {
			l.second.blame(org)
		}
	}
	return &unsettled{failed}
}

// verdict reads what a peer said of a call: a refusal, a fault that trying again
// will not mend, or nil for what may pass.
func verdict(message string) error {
	refusal := adapter.Refusal(message)
	switch {
	case refusal != nil:
		return refusal
	case strings.Contains(message, "duplicate transaction found"):
		return errSeen
	case strings.Contains(message, adapter.FaultMark):
		return errors.New(message[strings.Index(message, adapter.FaultMark)+len(adapter.FaultMark):])
	case strings.Contains(message, "error validating proposal"), strings.Contains(message, "access denied"):
		return fmt.Errorf("the peer does not accept who signed: %s", message)
	}
	return nil
}

// chooser picks the second member of commands that any member may endorse: each
// in its turn, leaving out for a while who did not answer.
type chooser struct {
	mu   sync.Mutex
	next int
	down map[string]time.Time
}

// shun is how long a member that did not answer is left out.
const shun = 5 * time.Second

// choose picks one of from that is not own.
func (c *chooser) choose(from []string, own string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	others := slices.DeleteFunc(slices.Clone(from), func(org string) bool { return org == own })
	for range others {
		c.next++
		if org := others[c.next%len(others)]; time.Since(c.down[org]) > shun {
			return org
		}
	}
	return others[c.next%len(others)]
}

func (c *chooser) blame(org string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down == nil {
		c.down = map[string]time.Time{}
	}
	c.down[org] = time.Now()
}
