package host

import (
	"context"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// Program is what a host runs: the contracts and the apps. It is a value, so
// that the server, the tests, the demo and the benchmarks start the same one.
type Program struct {
	Contracts *chaincode.Contracts
	Apps      []App
	// Members are the organisations that an empty ledger is founded with.
	Members []string
	// Found fills an empty ledger; nil leaves it empty. It acts through Do, as
	// any user would. The host serves when it returns; what a crash leaves of
	// it is cleared away at the next start.
	Found func(ctx context.Context, h *Host) error
	// Opened goes on with the founding once the apps are open and have their own
	// tables, before the host serves; nil has nothing to add. It runs after Found
	// has, and what a crash leaves is cleared away with that.
	Opened func(ctx context.Context, h *Host) error
	// Since is when the founding begins, where that lies in the past: then the
	// members' certificates are valid from there on. See Host.TurnClock.
	Since func(now time.Time) time.Time
}

// App is one vertical of the suite.
type App struct {
	Name string
	// Projection is the app's read model.
	Projection *readmodel.Projection
	// Open gives the app's pages over an open host. It runs once, before the
	// host serves; what it starts ends with ctx.
	Open func(ctx context.Context, h *Host) (web.App, error)
	// Verify checks what the app keeps beside the read model; nil: nothing.
	Verify func(ctx context.Context, h *Host, progress func(text string)) error
}
