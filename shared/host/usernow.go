package host

import (
	"context"

	"github.com/tallyway/tallyway/shared/web"
)

// UserNow is a user as they are now, for what is done in their name while they
// are away. Whoever may not sign in any more is refused.
func (h *Host) UserNow(ctx context.Context, name string) (*web.User, error) {
	u, err := h.Accounts.Admitted(ctx, name)
	if err != nil {
		return nil, err
	}
	return userOf(u), nil
}
