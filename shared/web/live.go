package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Change tells that something which pages show has changed.
type Change struct {
	ID    string // grows; a browser that comes back tells the last one it saw
	Topic string // pages with data-live="topic" reload that region
	Data  any    // optional
}

// Source yields changes for one visitor (nil: a stranger), after the one whose
// ID is given ("" for from now on). It shows what the visitor may see. It MUST
// close the channel when ctx ends. It is not given the request's Ctx, which
// belongs to another request as soon as this one ends.
type Source func(ctx context.Context, u *User, after string) (<-chan Change, error)

// LiveRoute streams a source's changes as server-sent events, with a beat so
// that proxies keep the connection open.
func LiveRoute(path, name string, access Access, source Source) Route {
	return Route{Method: http.MethodGet, Path: path, Name: name, Access: access, stream: true,
		Doc: &Doc{Summary: "Changes as server-sent events.", Type: "text/event-stream"},
		Handler: func(c *Ctx) error {
			release, ok := c.server.live.claim(c.liveKey())
			if !ok {
				return ErrTooMany.Refuse("")
			}
			defer release()
			changes, err := source(c.Context(), c.user, c.Request().Header.Get("Last-Event-ID"))
			if err != nil {
				return err
			}
			return c.stream(changes)
		}}
}

// stream writes changes until the visitor leaves or the source ends.
func (c *Ctx) stream(changes <-chan Change) error {
	h := c.Response().Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no")
	c.Response().WriteHeader(http.StatusOK)
	_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Time{}) // nothing more is to be read
	beat := time.NewTicker(c.server.cfg.Limits.LiveBeat)
	defer beat.Stop()
	for err := c.push("retry: 3000\n\n"); err == nil; {
		select {
		case <-c.Context().Done():
			return nil
		case <-c.server.stopping:
			return nil
		case <-beat.C:
			err = c.push(": beat\n\n")
		case change, ok := <-changes:
			if !ok {
				return nil
			}
			err = c.pushChange(change)
		}
	}
	return nil // the visitor has left
}

func (c *Ctx) pushChange(change Change) error {
	data := []byte("{}")
	if change.Data != nil {
		b, err := json.Marshal(change.Data)
		if err != nil {
			c.Log().Error("write a change", "topic", change.Topic, "error", err)
			return nil
		}
		data = b
	}
	id := ""
	if change.ID != "" {
		id = "id: " + oneLine(change.ID) + "\n"
	}
	return c.push(fmt.Sprintf("%sevent: change\ndata: {\"topic\":%q,\"data\":%s}\n\n", id, oneLine(change.Topic), data))
}

func oneLine(s string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(s) }

// push writes and flushes, and moves the connection's write deadline ahead.
func (c *Ctx) push(text string) error {
	ctl := http.NewResponseController(c.Response())
	_ = ctl.SetWriteDeadline(time.Now().Add(2 * c.server.cfg.Limits.LiveBeat)) // a recorder in a test has none
	if _, err := c.Response().Write([]byte(text)); err != nil {
		return err
	}
	return ctl.Flush()
}

func (c *Ctx) liveKey() string {
	if c.user != nil {
		return "user " + c.user.ID
	}
	return "address " + network(c.RealIP())
}

// liveCount bounds the open streams of one visitor.
type liveCount struct {
	max  int
	mu   sync.Mutex
	open map[string]int
}

func (l *liveCount) claim(key string) (release func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[key] >= l.max {
		return nil, false
	}
	l.open[key]++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.open[key]--; l.open[key] == 0 {
			delete(l.open, key)
		}
	}, true
}
