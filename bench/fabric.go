package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

// fabricRow is the ledger on a Fabric network beside a client of Fabric's
// gateway that does the least there is to do, and batches of commands beside
// commands one by one.
func fabricRow(ctx context.Context, o options) ([]result, error) {
	n, err := openFabric(ctx, o)
	if err != nil {
		return nil, err
	}
	defer n.close()
	var all []result
	for _, inFlight := range [][]int{{1, 16}, {1, 16, 64, 256}, {1, 16, 64, 256}, {1, 16, 64, 256}}[o.size] {
		results, err := n.besideBare(ctx, o, inFlight)
		all = append(all, results...)
		if err != nil {
			return all, err
		}
	}
	for _, submitters := range [][]int{{1}, {1, 4, 16}, {1, 4, 16}, {1, 4, 16}}[o.size] {
		result, err := n.batches(ctx, o, submitters)
		if err != nil {
			return all, err
		}
		all = append(all, result)
	}
	return all, nil
}

// fabricSpell gives a network, which orders tens of transactions a second, time
// for several rounds of what is in flight.
func fabricSpell(o options, inFlight int) time.Duration {
	return o.spell() * time.Duration(4+inFlight/128)
}

// besideBare compares the ledger and the bare client, with so many transactions
// under way.
func (n *fabricNetwork) besideBare(ctx context.Context, o options, inFlight int) ([]result, error) {
	spell := fabricSpell(o, inFlight)
	crowd := func(send submit) side {
		return func(ctx context.Context) (float64, error) { return n.senders(inFlight, send).crowd(ctx, spell) }
	}
	rates, err := inTurns(ctx, o.rounds, crowd(n.ours), crowd(n.bare.submit))
	if err != nil {
		return nil, err
	}
	// A steady half of what the slower of the two can do.
	rate := min(quantile(rates[0], 0.5), quantile(rates[1], 0.5)) / 2
	stream := func(send submit) side {
		return func(ctx context.Context) (float64, error) {
			return n.senders(inFlight, send).stream(ctx, 2*spell, rate)
		}
	}
	late, err := inTurns(ctx, o.rounds, stream(n.ours), stream(n.bare.submit))
	if err != nil {
		return nil, err
	}
	job, beside := fmt.Sprintf("Fabric network, %d in flight", inFlight), "bare fabric-gateway client, same contract, same network"
	sides := map[string][]float64{"ours": rates[0], "bare": rates[1], "p99 ours, s": late[0], "p99 bare, s": late[1]}
	return []result{
		{Job: job, Beside: beside, Unit: "x", Figures: ratios(rates[0], rates[1]), AtLeast: 0.95, Sides: sides},
		{Job: fmt.Sprintf("%s, p99 at %s a second", job, short(rate)), Beside: beside, Unit: "x", Figures: ratios(late[0], late[1]), AtMost: 1.1},
	}, nil
}

// inOneBatch is how many commands go in one transaction where there are many.
const inOneBatch = 50

// batches compares commands in batches with commands one by one.
func (n *fabricNetwork) batches(ctx context.Context, o options, submitters int) (result, error) {
	crowd := func(send submit) side {
		return func(ctx context.Context) (float64, error) {
			return n.senders(submitters, send).crowd(ctx, fabricSpell(o, submitters))
		}
	}
	rates, err := inTurns(ctx, o.rounds, crowd(n.batch), crowd(n.ours))
	if err != nil {
		return result{}, err
	}
	for i := range rates[0] {
		rates[0][i] *= inOneBatch
	}
	return result{Job: fmt.Sprintf("Fabric network, commands in batches of %d, %d batches in flight", inOneBatch, submitters),
		Beside: fmt.Sprintf("the same commands one by one, %d in flight", submitters), Unit: "x", Figures: ratios(rates[0], rates[1]), AtLeast: 10,
		Sides: map[string][]float64{"in batches": rates[0], "one by one": rates[1]}}, nil
}

// submit brings a command to the ledger, and returns when a peer has committed it.
type submit func(ctx context.Context, name string, body []byte) error

// senders send commands of their own by one of the ways, each on an entry that
// nobody has touched before.
func (n *fabricNetwork) senders(workers int, send submit) load {
	return load{workers, func(ctx context.Context) (func(uint64) error, func() error, error) {
		ask := func(uint64) error {
			body, err := json.Marshal(n.put())
			if err != nil {
				return err
			}
			return send(ctx, chaincode.NameOf(ledgertest.Put{}), body)
		}
		return ask, func() error { return nil }, nil
	}}
}

// puts counts the entries.
var puts atomic.Uint64

// put is a command with the size of an invoice.
func (n *fabricNetwork) put() ledgertest.Put {
	return ledgertest.Put{Key: fmt.Sprintf("bench/%09d", puts.Add(1)), Text: strings.Repeat("a line of an invoice; ", 28)}
}

// ours is the suite's ledger. It names the endorser that the bare client names.
func (n *fabricNetwork) ours(ctx context.Context, name string, body []byte) error {
	_, err := n.ledger.Submit(ctx, ledger.Request{Signer: n.user, Name: name, Body: body, Orgs: []string{n.second}})
	return err
}

// batch sends the command with others like it, in one transaction.
func (n *fabricNetwork) batch(ctx context.Context, name string, body []byte) error {
	all := chaincode.Batch{Commands: []chaincode.Item{{Name: name, Body: body}}}
	for len(all.Commands) < inOneBatch {
		body, err := json.Marshal(n.put())
		if err != nil {
			return err
		}
		all.Commands = append(all.Commands, chaincode.Item{Name: name, Body: body})
	}
	body, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return n.ours(ctx, chaincode.NameOf(all), body)
}
