package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/labstack/echo/v4"
)

// Socket is an open web socket of one visitor, to write to. Whoever reads too
// slowly is cut off: nothing is kept for them here.
type Socket struct {
	conn *websocket.Conn
	wait time.Duration
}

// WantsSocket reports whether the request asks for a web socket. A route that
// offers one says so by Sockets.
func (c *Ctx) WantsSocket() bool { return wantsSocket(c.Request()) }

func wantsSocket(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket") &&
		strings.Contains(strings.ToLower(r.Header.Get("Connection")), "upgrade")
}

// isStream reports whether a request stays for long, and so keeps no place
// among the concurrent.
func (s *Server) isStream(ec echo.Context) bool {
	return s.streams[ec.Path()] || s.sockets[ec.Path()] && wantsSocket(ec.Request())
}

// Socket turns the request into a web socket and runs a function that writes to
// it. Pages of other origins are refused, whoever is signed in. The function's
// context ends when the visitor leaves, does not answer a ping, or the server
// stops.
func (c *Ctx) Socket(run func(ctx context.Context, s *Socket) error) error {
	release, ok := c.server.live.claim(c.liveKey())
	if !ok {
		return ErrTooMany.Refuse("")
	}
	defer release()
	conn, err := websocket.Accept(c.Response(), c.Request(), &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		c.Log().Info("a web socket was refused", "error", err)
		return nil // the library has answered
	}
	defer conn.CloseNow()
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.Request().Context()))
	defer cancel()
	ctx = conn.CloseRead(ctx) // who is told has nothing to say
	beat := c.server.cfg.Limits.LiveBeat
	go c.beatSocket(ctx, cancel, conn, beat)
	if err := run(ctx, &Socket{conn, beat}); err != nil {
		conn.Close(websocket.StatusInternalError, "see the log of request "+c.id)
		return err
	}
	return conn.Close(websocket.StatusGoingAway, "")
}

// beatSocket asks whether the visitor is still there.
func (c *Ctx) beatSocket(ctx context.Context, cancel context.CancelFunc, conn *websocket.Conn, beat time.Duration) {
	defer cancel()
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.server.stopping:
			return
		case <-tick.C:
			alive, done := context.WithTimeout(ctx, beat)
			err := conn.Ping(alive)
			done()
			if err != nil {
				return
			}
		}
	}
}

// Send writes one text, and gives up on a visitor who does not take it in time.
func (s *Socket) Send(ctx context.Context, text []byte) error {
	ctx, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, text)
}
