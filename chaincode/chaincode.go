// Package chaincode is the kernel of the contracts: what a ledger lends them,
// what they give back, and how they refuse.
//
// A contract is a list of functions over a Tx. It knows no clock, no network
// and no storage: the same value runs inside Fabric's peer, over the embedded
// ledger and in a test's map, and gives the same bytes everywhere. What a
// contract means is left to the packages below this one (party, trace, ...);
// how bytes become durable is left to the ledgers.
package chaincode

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// State is what a ledger lends a contract for one call.
//
// Implementations MUST record every Get and every Scan for validation at
// commit, including keys that were not there and the ends of ranges, so that
// two calls which could have seen each other's writes cannot both commit.
// They MUST NOT show writes of the call itself: Tx does that.
type State interface {
	// Get returns nil for a key that does not exist.
	Get(key string) ([]byte, error)
	// Scan visits the keys in [from, to) in byte order until visit returns false.
	Scan(from, to string, visit func(key string, value []byte) bool) error
	// GetPrivate reads one organisation's private collection. It fails on a
	// node that does not keep that collection.
	GetPrivate(org, key string) ([]byte, error)
}

// Caller is who signed the call, as their certificate says. It never comes
// from an argument.
type Caller struct {
	Org   string   `json:"org"`   // the member (MSP) that issued the certificate
	Party string   `json:"party"` // the company the user acts for
	User  string   `json:"user"`
	Roles []string `json:"roles,omitempty"`
}

// Has reports whether the caller's certificate carries the role.
func (c Caller) Has(role string) bool { return slices.Contains(c.Roles, role) }

// Call is one command or query on its way in.
type Call struct {
	Name   string // wire name: "trace.Capture"
	Body   []byte // the command as JSON
	TxID   string
	At     time.Time // the client's word; UTC
	Caller Caller
}

// Result is what a call wants to become true. Nothing of it is true before
// the ledger commits it.
type Result struct {
	Reply  []byte
	Writes []Write // ordered by organisation, then key
	Events []Event
}

// Empty reports that the call has nothing to write and nothing to tell, as a
// batch whose commands were all refused or an event that is on record already.
// A ledger commits nothing then, and gives the reply back all the same.
func (r Result) Empty() bool { return len(r.Writes) == 0 && len(r.Events) == 0 }

// Write sets one key, or deletes it when Value is nil. Org names the private
// collection that keeps it; the public state has none.
type Write struct {
	Org   string
	Key   string
	Value []byte
}

// Event tells what happened, in the past tense. Events are the only feed of
// every read model: fields are added to them, never renamed.
type Event struct {
	Name string          `json:"name"` // "trace.Captured"
	Data json.RawMessage `json:"data"`
}

// Envelope carries all events of one transaction in its single Fabric event.
type Envelope struct {
	By     Caller    `json:"by"`
	At     time.Time `json:"at"`
	Events []Event   `json:"events"`
}

// EnvelopeName is the Fabric event name of every envelope.
const EnvelopeName = "tallyway"

// Keepers lists the organisations whose private collections the result writes,
// in order, each once. All of them must endorse it.
func (r Result) Keepers() []string {
	var orgs []string
	for _, w := range r.Writes {
		if w.Org != "" && !slices.Contains(orgs, w.Org) {
			orgs = append(orgs, w.Org)
		}
	}
	return orgs
}

// Function is one entry of a contract. Command and Query make it.
type Function struct {
	Name  string   // wire name, from the command's Go type
	Query bool     // may read private state, may not write
	Roles []string // the caller needs one of them; none means any caller
	run   func(tx *Tx, body []byte) ([]byte, error)
	// confidential tells whether a command with this body may write private
	// state; nil where none ever does.
	confidential func(c *Contracts, body []byte) bool
}

// Contract is one noun of the suite: what can be asked, which rules may
// refuse, which events tell of it.
type Contract struct {
	Name      string
	Functions []Function
	Rules     []Rule
	Events    []any // one zero value of each event's type
}

// Contracts is every contract of one ledger, by wire name.
type Contracts struct {
	list      []Contract
	functions map[string]Function
}

// New joins contracts. A wire name that stands twice is a mistake of the
// program, so it panics.
func New(list ...Contract) *Contracts {
	c := &Contracts{list: append([]Contract{kernel}, list...), functions: map[string]Function{}}
	for _, contract := range c.list {
		for _, f := range contract.Functions {
			if _, twice := c.functions[f.Name]; twice {
				panic("chaincode: two functions are named " + f.Name)
			}
			c.functions[f.Name] = f
		}
	}
	return c
}

// Functions lists every function in the order of the contracts.
func (c *Contracts) Functions() []Function {
	var all []Function
	for _, contract := range c.list {
		all = append(all, contract.Functions...)
	}
	return all
}

// Function finds one by wire name.
func (c *Contracts) Function(name string) (Function, bool) {
	f, ok := c.functions[name]
	return f, ok
}

// Rules lists every rule that may refuse, in the order of the contracts.
func (c *Contracts) Rules() []Rule {
	var all []Rule
	for _, contract := range c.list {
		all = append(all, contract.Rules...)
	}
	return all
}

// Events lists the wire names of every event.
func (c *Contracts) Events() []string {
	var names []string
	for _, contract := range c.list {
		for _, e := range contract.Events {
			names = append(names, NameOf(e))
		}
	}
	return names
}

// Run executes one call. The error is a *Refusal when a rule said no, and any
// other error when the ledger could not be read: then nothing is known, and
// nothing may be committed.
func (c *Contracts) Run(state State, call Call) (result Result, err error) {
	f, ok := c.functions[call.Name]
	if !ok {
		return Result{}, ErrUnknownFunction.Refuse("%s", call.Name)
	}
	tx := newTx(c, state, call, f.Query)
	defer tx.recoverFault(&err)
	reply, err := c.dispatch(tx, f, call.Body)
	if err != nil {
		return Result{}, err
	}
	return Result{Reply: reply, Writes: tx.sortedWrites(), Events: tx.events}, nil
}

// dispatch checks the caller's role and runs f on the transaction at hand.
func (c *Contracts) dispatch(tx *Tx, f Function, body []byte) ([]byte, error) {
	if len(f.Roles) > 0 && !slices.ContainsFunc(f.Roles, tx.call.Caller.Has) {
		return nil, ErrRole.Refuse("%s needs the role %s", f.Name, roleList(f.Roles))
	}
	return f.run(tx, body)
}

func roleList(roles []string) string {
	s := roles[0]
	for _, r := range roles[1:] {
		s += " / " + r
	}
	return s
}

// Envelope packs the events of the result as the ledger stores them, or nil
// when there are none.
func (r Result) Envelope(call Call) ([]byte, error) {
	if len(r.Events) == 0 {
		return nil, nil
	}
	by := call.Caller
	by.Roles = nil // a reader needs who, not what else they may do
	b, err := json.Marshal(Envelope{By: by, At: call.At.UTC(), Events: r.Events})
	if err != nil {
		return nil, fmt.Errorf("pack the events of %s: %w", call.Name, err)
	}
	return b, nil
}
