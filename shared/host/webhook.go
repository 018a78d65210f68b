package host

import (
	"context"

	"github.com/tallyway/tallyway/shared/webhook"
)

// openWebhooks begins to deliver what the apps queue. Where several hosts share
// one database, each message is delivered by one of them.
func (h *Host) openWebhooks(ctx context.Context) error {
	hooks, err := webhook.Open(ctx, webhook.Config{DB: h.DB, Log: h.Log.With("room", "webhook"), Clock: h.Now,
		Private: h.Config.WebhookPrivate || h.Config.Demo, SignatureHeader: "GS1-Signature", UserAgent: "Tallyway"})
	if err != nil {
		return err
	}
	h.Webhooks = hooks
	h.background.Go(func() { hooks.Run(ctx) })
	return nil
}
