package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
)

// Actor is on whose behalf something is done: a user of a member, whose key is
// in the wallet.
type Actor struct{ MSP, User string }

// Do submits a command, signed by the actor's key, and returns when it is
// committed and the pages show it. The receipt of one that had nothing to write
// names no transaction.
func Do[R any](ctx context.Context, h *Host, by Actor, command any) (R, ledger.Receipt, error) {
	var reply R
	body, err := json.Marshal(command)
	if err != nil {
		return reply, ledger.Receipt{}, fmt.Errorf("encode %T: %w", command, err)
	}
	receipt, err := h.Run(ctx, by, chaincode.NameOf(command), body)
	if err != nil {
		return reply, receipt, err
	}
	if err := json.Unmarshal(receipt.Reply, &reply); err != nil {
		return reply, receipt, fmt.Errorf("read the reply of %s: %w", chaincode.NameOf(command), err)
	}
	return reply, receipt, nil
}

// Run is Do for a command that the caller knows by its wire name and body
// only, as programs send it. Whether the actor may, the contract decides.
func (h *Host) Run(ctx context.Context, by Actor, name string, body []byte) (ledger.Receipt, error) {
	request, err := h.request(by, name, body)
	if err != nil {
		return ledger.Receipt{}, err
	}
	request.Tx = ledger.NewTx(request.Signer)
	receipt, err := h.Ledger.Submit(ctx, request)
	var unknown *ledger.Unknown
	if errors.As(err, &unknown) {
		receipt, err = h.resolve(ctx, unknown)
	}
	if err != nil {
		return receipt, err
	}
	shown := receipt.Block
	if shown == 0 { // nothing was written: the reply tells of what stands already
		shown = h.Ledger.Head().Block
	}
	if err := h.Follower.Await(ctx, shown); err != nil {
		// The command stands; only the page is behind.
		h.Log.Warn("the read model is behind", "block", shown, "error", err)
	}
	return receipt, nil
}

// Ask runs a query of a contract as the actor: on the node of the organisation
// that keeps what is asked for, where one is named, else on the actor's own.
func Ask[R any](ctx context.Context, h *Host, by Actor, query any, keeper ...string) (R, error) {
	var reply R
	body, err := json.Marshal(query)
	if err != nil {
		return reply, fmt.Errorf("encode %T: %w", query, err)
	}
	request, err := h.request(by, chaincode.NameOf(query), body)
	if err != nil {
		return reply, err
	}
	request.Orgs = keeper
	b, err := h.Ledger.Query(ctx, request)
	if err != nil {
		return reply, err
	}
	if err := json.Unmarshal(b, &reply); err != nil {
		return reply, fmt.Errorf("read the reply of %s: %w", request.Name, err)
	}
	return reply, nil
}

func (h *Host) request(by Actor, name string, body []byte) (ledger.Request, error) {
	signer, err := h.Wallet.Get(by.MSP, by.User)
	if err != nil {
		return ledger.Request{}, err
	}
	return ledger.Request{Signer: signer, Name: name, Body: body, At: h.Now()}, nil
}

// resolveWithin is how long a lost answer is asked for before the user is told
// that the outcome is unknown.
const resolveWithin = 3 * time.Second

// resolve asks the ledger, by transaction id, what became of a command whose
// answer was lost. It never submits again: that could happen twice.
func (h *Host) resolve(ctx context.Context, unknown *ledger.Unknown) (ledger.Receipt, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveWithin)
	defer cancel()
	for {
		receipt, err := h.Ledger.Outcome(ctx, unknown.TxID)
		if err == nil {
			return receipt, nil
		}
		select {
		case <-ctx.Done():
			return ledger.Receipt{}, unknown
		case <-time.After(50 * time.Millisecond):
		}
	}
}
