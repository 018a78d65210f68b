package host

import (
	"context"
	"errors"

	"github.com/tallyway/tallyway/shared/ledger"
)

// Run submits a command that the caller knows by its wire name and body only,
// as programs send it. It promises what Do promises; whether the actor may, the
// contract decides.
func (h *Host) Run(ctx context.Context, by Actor, name string, body []byte) (ledger.Receipt, error) {
	signer, err := h.Wallet.Get(by.MSP, by.User)
	if err != nil {
		return ledger.Receipt{}, err
	}
	request := ledger.Request{Signer: signer, Name: name, Body: body, At: h.Clock(), Tx: ledger.NewTx(signer)}
	receipt, err := h.Ledger.Submit(ctx, request)
	var unknown *ledger.Unknown
	if errors.As(err, &unknown) {
		receipt, err = h.resolve(ctx, unknown)
	}
	if err != nil {
		return receipt, err
	}
	if err := h.Follower.Await(ctx, receipt.Block); err != nil {
		h.Log.Warn("the read model is behind", "block", receipt.Block, "error", err)
	}
	return receipt, nil
}
