package web

import (
	"bufio"
	"compress/gzip"
	"container/list"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
)

// guard counts who asks how often, and how many are at work.
type guard struct {
	addresses, users *buckets
	atWork           atomic.Int64
	most             int64 // at work at once
}

func newGuard(l Limits) *guard {
	return &guard{addresses: newBuckets(l.PerAddress, 1<<16), users: newBuckets(l.PerUser, 1<<16), most: int64(l.Concurrent)}
}

// admit keeps an address to its rate and the house to its size.
func (s *Server) admit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(ec echo.Context) error {
		c := s.ctx(ec)
		if wait := s.guard.addresses.take(network(c.RealIP()), c.begun); wait > 0 {
			return c.tooMany(wait)
		}
		if s.isStream(ec) {
			return next(ec)
		}
		defer s.guard.atWork.Add(-1)
		if s.guard.atWork.Add(1) > s.guard.most {
			return ErrBusy.Refuse("")
		}
		return next(ec)
	}
}

// spend keeps a user to their rate, from however many addresses.
func (s *Server) spend(c *Ctx) error {
	if c.user == nil {
		return nil
	}
	if wait := s.guard.users.take(c.user.ID, time.Now()); wait > 0 {
		return c.tooMany(wait)
	}
	return nil
}

func (c *Ctx) tooMany(wait time.Duration) error {
	c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return ErrTooMany.Refuse("")
}

// network is what counts as one address: a whole /64 of IPv6, because that is
// what one visitor is given.
func network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if addr.Is4() {
		return ip // it has one form only
	}
	if addr.Is4In6() {
		return addr.Unmap().String()
	}
	p, err := addr.Prefix(64)
	if err != nil {
		return ip
	}
	return p.String()
}

// buckets are token buckets by key, in bounded memory: the key that was seen
// longest ago gives way, and it has refilled by then.
type buckets struct {
	rate Rate
	max  int
	mu   sync.Mutex
	byID map[string]*list.Element
	seen *list.List // most recent first
}

type bucket struct {
	key    string
	tokens float64
	at     time.Time
}

func newBuckets(rate Rate, max int) *buckets {
	return &buckets{rate: rate, max: max, byID: map[string]*list.Element{}, seen: list.New()}
}

// take spends one token, or tells how long to wait for it.
func (b *buckets) take(key string, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.byID[key]
	if !ok {
		if len(b.byID) >= b.max {
			last := b.seen.Back()
			delete(b.byID, last.Value.(*bucket).key)
			b.seen.Remove(last)
		}
		e = b.seen.PushFront(&bucket{key, float64(b.rate.Burst), now})
		b.byID[key] = e
	}
	b.seen.MoveToFront(e)
	k := e.Value.(*bucket)
	if passed := now.Sub(k.at); passed > 0 { // requests come to the lock in another order than they began in
		k.tokens = min(float64(b.rate.Burst), k.tokens+passed.Seconds()*b.rate.PerSecond)
		k.at = now
	}
	if k.tokens >= 1 {
		k.tokens--
		return 0
	}
	return time.Duration((1 - k.tokens) / b.rate.PerSecond * float64(time.Second))
}

// limitBody refuses a body that says it is too large at once, and cuts one
// that turns out to be.
func (s *Server) limitBody(c *Ctx, r Route) error {
	limit := s.cfg.Limits.PageBody
	if isAPI(r.Path) {
		limit = s.cfg.Limits.APIBody
	}
	if r.Body > 0 {
		limit = r.Body
	}
	req := c.Request()
	if req.ContentLength > limit {
		return ErrTooLarge.Refuse("at most %s bytes", limit)
	}
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = http.MaxBytesReader(c.Response().Writer, req.Body, limit)
	}
	return nil
}

// compress gzips text for visitors who take it, from the first write on.
func compress(next echo.HandlerFunc) echo.HandlerFunc {
	return func(ec echo.Context) error {
		if !strings.Contains(ec.Request().Header.Get(echo.HeaderAcceptEncoding), "gzip") ||
			ec.Request().Method == http.MethodHead {
			return next(ec)
		}
		plain := ec.Response().Writer
		z := &zipper{ResponseWriter: plain}
		ec.Response().Writer = z
		defer func() {
			z.close()
			ec.Response().Writer = plain
		}()
		err := next(ec)
		if err != nil {
			ec.Error(err) // now, while the answer can still be compressed
		}
		return nil
	}
}

var gzips = sync.Pool{New: func() any { z, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed); return z }}

// zipper decides at the header whether the answer is worth compressing.
type zipper struct {
	http.ResponseWriter
	gz *gzip.Writer
}

func (z *zipper) WriteHeader(status int) {
	h := z.Header()
	if h.Get(echo.HeaderContentEncoding) == "" && compressible(h, status) {
		h.Set(echo.HeaderContentEncoding, "gzip")
		h.Del(echo.HeaderContentLength)
		z.gz = gzips.Get().(*gzip.Writer)
		z.gz.Reset(z.ResponseWriter)
	}
	z.ResponseWriter.WriteHeader(status)
}

func compressible(h http.Header, status int) bool {
	if status < 200 || status == http.StatusNoContent || status == http.StatusNotModified || status == http.StatusPartialContent {
		return false
	}
	if n, err := strconv.Atoi(h.Get(echo.HeaderContentLength)); err == nil && n < 1024 {
		return false
	}
	kind := h.Get(echo.HeaderContentType)
	return strings.HasPrefix(kind, "text/") && !strings.HasPrefix(kind, "text/event-stream") ||
		strings.Contains(kind, "json") || strings.Contains(kind, "xml") && !strings.Contains(kind, "openxml") || strings.Contains(kind, "javascript")
}

func (z *zipper) Write(b []byte) (int, error) {
	if z.gz != nil {
		return z.gz.Write(b)
	}
	return z.ResponseWriter.Write(b)
}

func (z *zipper) close() {
	if z.gz != nil {
		_ = z.gz.Close() // the visitor has left: nobody is there to tell
		gzips.Put(z.gz)
		z.gz = nil
	}
}

// Flush, Hijack and Unwrap let streams through.
func (z *zipper) Flush() {
	if z.gz != nil {
		_ = z.gz.Flush()
	}
	_ = http.NewResponseController(z.ResponseWriter).Flush()
}

func (z *zipper) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(z.ResponseWriter).Hijack()
}

func (z *zipper) Unwrap() http.ResponseWriter { return z.ResponseWriter }
