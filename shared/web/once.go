package web

import (
	"bytes"
	"container/list"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// Answers remembers what was answered to a request with an idempotency key.
// Implementations are safe for concurrent use; with several hosts they share
// one store.
type Answers interface {
	// Begin claims a key for a body's hash. It returns the answer of a request
	// that has ended, ErrKeyBusy's refusal while the first is at work, and
	// ErrKeyReused's when the key stands for another body.
	Begin(ctx context.Context, key string, body [32]byte) (*Answer, error)
	// End stores the answer; nil forgets the key, so that the request may be
	// sent again.
	End(ctx context.Context, key string, a *Answer) error
}

// Answer is a stored answer.
type Answer struct {
	Status   int
	Type     string // its media type
	Location string
	Body     []byte
}

// once keeps an API's POST from being done twice under one key. Only answers
// that settle the matter are stored: a fault, a conflict and a refusal for
// haste may be tried again.
func (s *Server) once(next func(*Ctx) error) func(*Ctx) error {
	return func(c *Ctx) error {
		key := c.Request().Header.Get("Idempotency-Key")
		if len(key) == 0 || len(key) > 255 {
			return ErrKeyMissing.Refuse("")
		}
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		c.Request().Body = io.NopCloser(bytes.NewReader(body))
		key = c.onceKey(key)
		stored, err := s.cfg.Answers.Begin(c.Context(), key, sha256.Sum256(body))
		if err != nil {
			return err
		}
		if stored != nil {
			return c.replay(stored)
		}
		return c.record(key, next)
	}
}

// onceKey keeps the keys of users and routes apart.
func (c *Ctx) onceKey(key string) string {
	who := "address " + c.RealIP()
	if c.user != nil {
		who = "user " + c.user.ID
	}
	return strings.Join([]string{who, c.Request().Method, c.Request().URL.Path, key}, "\n")
}

func (c *Ctx) replay(a *Answer) error {
	h := c.Response().Header()
	h.Set("Idempotency-Replayed", "true")
	if a.Location != "" {
		h.Set(echo.HeaderLocation, a.Location)
	}
	return c.Blob(a.Status, a.Type, a.Body)
}

// record lets the handler answer and keeps what it said. The claim ends in any
// case, also when the handler panics or the visitor has left.
func (c *Ctx) record(key string, next func(*Ctx) error) error {
	var answer *Answer
	ctx := context.WithoutCancel(c.Context())
	defer func() {
		if err := c.server.cfg.Answers.End(ctx, key, answer); err != nil {
			c.Log().Error("store an idempotent answer", "error", err)
		}
	}()
	plain := c.Response().Writer
	copied := &copier{ResponseWriter: plain}
	c.Response().Writer = copied
	defer func() { c.Response().Writer = plain }()
	if err := next(c); err != nil {
		if err := c.Refuse(err); err != nil {
			return err
		}
	}
	if status := c.Response().Status; settled(status) {
		h := c.Response().Header()
		answer = &Answer{status, h.Get(echo.HeaderContentType), h.Get(echo.HeaderLocation), copied.body.Bytes()}
	}
	return nil
}

func settled(status int) bool {
	return status < 500 && status != http.StatusConflict && status != http.StatusTooManyRequests &&
		status != http.StatusUnauthorized && status != http.StatusForbidden
}

// copier keeps what passes.
type copier struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (w *copier) Write(b []byte) (int, error) {
	w.body.Write(b)
	return w.ResponseWriter.Write(b)
}

func (w *copier) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// doOnce does a form's act once. The second of two clicks waits for the first
// and goes where that one went, because its answer is the one the browser
// shows.
func (c *Ctx) doOnce(token string, do func() (string, error)) (string, error) {
	key, answers := c.onceKey("form "+token), c.server.cfg.Answers
	for {
		stored, err := answers.Begin(c.Context(), key, [32]byte{})
		if stored != nil {
			return stored.Location, nil
		}
		if err == nil {
			break
		}
		if !errors.Is(err, ErrKeyBusy) {
			return "", err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-c.Context().Done():
			return "", err
		}
	}
	var answer *Answer
	defer func() {
		if err := answers.End(context.WithoutCancel(c.Context()), key, answer); err != nil {
			c.Log().Error("store where a form went", "error", err)
		}
	}()
	to, err := do()
	if err == nil {
		answer = &Answer{Status: http.StatusSeeOther, Location: to}
	}
	return to, err
}

// memory keeps answers in this process, for one host.
type memory struct {
	max   int
	age   time.Duration
	mu    sync.Mutex
	byKey map[string]*list.Element
	order *list.List // oldest first
}

type remembered struct {
	key    string
	body   [32]byte
	answer *Answer // nil while at work
	since  time.Time
}

// NewAnswers remembers at most max answers for an age, in memory.
func NewAnswers(max int, age time.Duration) Answers {
	return &memory{max: max, age: age, byKey: map[string]*list.Element{}, order: list.New()}
}

func (m *memory) Begin(_ context.Context, key string, body [32]byte) (*Answer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep(time.Now())
	if e, ok := m.byKey[key]; ok {
		r := e.Value.(*remembered)
		switch {
		case r.body != body:
			return nil, ErrKeyReused.Refuse("")
		case r.answer == nil:
			return nil, ErrKeyBusy.Refuse("")
		}
		return r.answer, nil
	}
	m.byKey[key] = m.order.PushBack(&remembered{key: key, body: body, since: time.Now()})
	return nil, nil
}

// sweep drops the old, and the oldest when there are too many; never one that
// is still at work.
func (m *memory) sweep(now time.Time) {
	for e := m.order.Front(); e != nil; {
		r, next := e.Value.(*remembered), e.Next()
		if len(m.byKey) < m.max && now.Sub(r.since) < m.age {
			return
		}
		if r.answer != nil {
			m.order.Remove(e)
			delete(m.byKey, r.key)
		}
		e = next
	}
}

func (m *memory) End(_ context.Context, key string, a *Answer) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.byKey[key]
	if !ok {
		return nil
	}
	if a == nil {
		m.order.Remove(e)
		delete(m.byKey, key)
		return nil
	}
	e.Value.(*remembered).answer = a
	return nil
}
