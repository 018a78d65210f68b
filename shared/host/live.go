package host

import (
	"context"
	"strconv"

	"github.com/tallyway/tallyway/shared/web"
)

// live tells open pages that the read model has moved. What changed is said by
// the names of the events, which are public; a page that shows such things
// asks for itself again, and sees what its reader may see.
func (h *Host) live(ctx context.Context, _ *web.User, _ string) (<-chan web.Change, error) {
	out := make(chan web.Change)
	changes := h.Follower.Subscribe(ctx)
	go func() {
		defer close(out)
		for change := range changes {
			event := web.Change{ID: strconv.FormatUint(change.Block, 10), Topic: "ledger", Data: change.Events}
			select {
			case out <- event:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}
