package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/tallyway/tallyway/shared/readmodel"
)

// Run delivers until ctx ends, and returns when nothing is under way any more.
func (w *Webhooks) Run(ctx context.Context) {
	defer w.done.Wait()
	beat := time.NewTicker(time.Second)
	defer beat.Stop()
	for {
		if err := w.Dispatch(ctx); err != nil && ctx.Err() == nil {
			w.config.Log.Error("look for webhooks to deliver", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		case <-w.wake:
		}
	}
}

// Dispatch starts what is due, each target by itself, and waits for none.
func (w *Webhooks) Dispatch(ctx context.Context) error {
	due, err := readmodel.All[string](ctx, w.config.DB, `SELECT t.id FROM wh_targets t WHERE t.state = $1 AND t.due <= $2
		AND EXISTS (SELECT 1 FROM wh_deliveries d WHERE d.target = t.id AND d.done IS NULL)`, Active, w.config.Clock())
	if err != nil {
		return err
	}
	for _, id := range due {
		if w.claim(id) {
			w.done.Go(func() {
				defer w.release(id)
				if err := w.serve(ctx, id); err != nil && ctx.Err() == nil {
					w.config.Log.Error("deliver to a webhook", "target", id, "error", err)
				}
			})
		}
	}
	return nil
}

func (w *Webhooks) claim(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy[id] {
		return false
	}
	w.busy[id] = true
	return true
}

func (w *Webhooks) release(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.busy, id)
}

// afterwards is how long a host that stops may take to write down how the
// attempt under way went.
const afterwards = 5 * time.Second

// serve delivers to one target, in order, until nothing waits or one fails.
// What a receiver has taken is written down, and the lease given back, also
// where the host stops meanwhile: the next one neither repeats nor waits.
func (w *Webhooks) serve(ctx context.Context, id string) error {
	mine, err := w.lease(ctx, id)
	if err != nil || !mine {
		return err
	}
	defer w.free(ctx, id)
	for range aTurn {
		more, err := w.deliver(ctx, id)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if mine, err := w.lease(ctx, id); err != nil || !mine {
			return err
		}
	}
	w.Wake()
	return nil
}

// deliver sends the message that is next in line. It tells whether to go on.
func (w *Webhooks) deliver(ctx context.Context, id string) (more bool, err error) {
	t, ok, err := w.Get(ctx, id)
	if err != nil || !ok || t.State != Active || t.Due.After(w.config.Clock()) {
		return false, err
	}
	next, err := readmodel.All[Delivery](ctx, w.config.DB, `SELECT `+deliveryColumns+` FROM wh_deliveries WHERE target = $1 AND done IS NULL ORDER BY id LIMIT 1`, id)
	if err != nil || len(next) == 0 {
		return false, err
	}
	status, sent := w.send(ctx, t, next[0])
	if sent != nil && ctx.Err() != nil {
		return false, ctx.Err() // nothing is known, and it will be sent again
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
	defer cancel()
	return sent == nil, w.note(after, t, next[0], status, sent)
}

// free gives the lease of a target back.
func (w *Webhooks) free(ctx context.Context, id string) {
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwards)
	defer cancel()
	if _, err := w.config.DB.ExecContext(after, `UPDATE wh_targets SET leased_to = NULL WHERE id = $1 AND leased_by = $2`, id, w.host); err != nil {
		w.config.Log.Error("free a webhook", "target", id, "error", err)
	}
}

// lease lets one host at a time deliver to a target.
func (w *Webhooks) lease(ctx context.Context, id string) (bool, error) {
	now := w.config.Clock()
	done, err := w.config.DB.ExecContext(ctx, `UPDATE wh_targets SET leased_by = $1, leased_to = $2
		WHERE id = $3 AND (leased_to IS NULL OR leased_to < $4 OR leased_by = $5)`, w.host, now.Add(lease), id, now, w.host)
	if err != nil {
		return false, fmt.Errorf("lease the webhook %s: %w", id, err)
	}
	n, err := done.RowsAffected()
	return n == 1, err
}

// send is one attempt. Where the host stops meanwhile, the receiver has a
// moment more to answer.
func (w *Webhooks) send(stop context.Context, t Target, d Delivery) (status int, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(stop), attemptWithin)
	defer cancel()
	defer context.AfterFunc(stop, func() { time.AfterFunc(w.grace, cancel) })()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader([]byte(d.Body)))
	if err != nil {
		return 0, err
	}
	w.sign(r.Header, t, d)
	answer, err := w.client.Do(r)
	if err != nil {
		return 0, plain(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	if answer.StatusCode/100 != 2 {
		return answer.StatusCode, fmt.Errorf("the receiver answered %d", answer.StatusCode)
	}
	return answer.StatusCode, nil
}

// sign names the message and, where the target gave a secret, proves that it
// is from here and when it was sent: HMAC-SHA256 over "id.timestamp.body", the
// way of Standard Webhooks.
func (w *Webhooks) sign(h http.Header, t Target, d Delivery) {
	at := strconv.FormatInt(w.config.Clock().Unix(), 10)
	h.Set("Content-Type", d.Kind)
	h.Set("User-Agent", w.config.UserAgent)
	h.Set("Webhook-Id", d.ID)
	h.Set("Webhook-Timestamp", at)
	if t.Secret == "" {
		return
	}
	signature := Sign(t.Secret, d.ID, at, []byte(d.Body))
	h.Set("Webhook-Signature", signature)
	if w.config.SignatureHeader != "" {
		h.Set(w.config.SignatureHeader, signature)
	}
}

// Sign is the signature of a message: "v1," and base64. Receivers compute the
// same, and refuse a timestamp that is minutes old.
func Sign(secret, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// note writes down how an attempt went.
func (w *Webhooks) note(ctx context.Context, t Target, d Delivery, status int, sent error) error {
	now := w.config.Clock()
	if sent == nil {
		return w.config.DB.InTx(ctx, func(tx *readmodel.Tx) error {
			_, err := tx.ExecContext(ctx, `UPDATE wh_deliveries SET done = $1, status = $2, attempts = attempts + 1, error = '', body = '' WHERE id = $3`, now, status, d.ID)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, `UPDATE wh_targets SET succeeded = $1, failures = 0, failing = NULL, error = '' WHERE id = $2`, now, t.ID)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, `DELETE FROM wh_deliveries WHERE target = $1 AND done IS NOT NULL AND id <
				(SELECT MIN(id) FROM (SELECT id FROM wh_deliveries WHERE target = $2 AND done IS NOT NULL ORDER BY id DESC LIMIT $3) latest)`, t.ID, t.ID, kept)
			return err
		})
	}
	state, since := Active, now
	if t.Failing != nil {
		since = *t.Failing
	}
	if status == http.StatusGone || now.Sub(since) >= giveUp {
		state = Dead
	}
	return w.config.DB.InTx(ctx, func(tx *readmodel.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE wh_deliveries SET status = $1, attempts = attempts + 1, error = $2 WHERE id = $3`, status, sent.Error(), d.ID)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE wh_targets SET state = CASE WHEN state = 'active' THEN $1 ELSE state END, error = $2, failures = failures + 1, failing = $3, due = $4, leased_to = NULL WHERE id = $5`,
			state, sent.Error(), since, now.Add(backoff(t.Failures)), t.ID)
		return err
	})
}

// The first wait after a failure, and the longest.
const (
	firstWait   = 5 * time.Second
	longestWait = 2 * time.Hour
)

// backoff doubles with each failure, up or down by a quarter, so that targets
// that failed together do not come back together.
func backoff(failures int) time.Duration {
	wait := longestWait
	if failures < 20 {
		wait = min(wait, firstWait<<failures)
	}
	return wait*3/4 + rand.N(wait/2)
}
