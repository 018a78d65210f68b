package host

import (
	"errors"
	"regexp"
	"time"

	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/web"
)

// transactionView tells somebody whose command was not answered what became of
// it.
type transactionView struct {
	Tx    string    `json:"tx"`
	State string    `json:"state"` // committed, invalid, waiting
	Block uint64    `json:"block,omitempty"`
	At    time.Time `json:"at,omitzero"`
}

// askAgain is how often the page of a transaction that nobody knows of yet
// loads itself anew, in seconds, so that it works without a script.
const askAgain = "3"

var transactionID = regexp.MustCompile(`^[0-9a-f]{64}$`)

// showTransaction answers with what is known now. That the ledger has no such
// transaction means little while it may still be on its way: the page says so
// and looks again.
func (h *Host) showTransaction(c *web.Ctx) error {
	id := c.Param("id")
	if !transactionID.MatchString(id) {
		return web.ErrNoPage.Refuse("")
	}
	receipt, err := h.Ledger.Outcome(c.Context(), id)
	view := transactionView{Tx: id, State: "committed", Block: receipt.Block, At: receipt.At}
	switch {
	case errors.Is(err, ledger.ErrInvalid):
		view = transactionView{Tx: id, State: "invalid"}
	case errors.Is(err, ledger.ErrNotFound), errors.Is(err, ledger.ErrUnavailable), errors.As(err, new(*ledger.Unknown)):
		view = transactionView{Tx: id, State: "waiting"}
		c.Response().Header().Set("Refresh", askAgain)
	case err != nil:
		return err
	}
	return c.Render("transaction.html", view)
}
