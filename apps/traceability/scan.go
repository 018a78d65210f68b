package traceability

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/scans"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// scanDesk counts looks at the shoppers' pages and hands them to package scans.
// A request leaves no more than a note in a bounded queue; what is written, a
// worker of its own writes, many looks at once. Under overload looks are dropped
// and their number is told: a shopper never waits for a statistic.
type scanDesk struct {
	app   *app
	db    *readmodel.DB
	queue chan seen
	salts salts
	lost  func(n int) // counts what was dropped

	revision atomic.Uint64 // of the alarms: pages made before a change are made anew
	strange  atomic.Pointer[map[string]bool]

	reloading sync.Mutex
	latest    int64 // revision that strange was read at

	recent recentLooks
	fresh  allowance // memories of new things
}

// seen is one look on its way to the tables.
type seen struct {
	address string
	at      time.Time
	visitor uint64
	shop    string // party of a signed-in user
	unknown bool   // the number is not on the ledger
	placed  bool
	point   *scans.Point
	city    string // code of scans.City, or a country
	country string
}

const (
	mostQueued = 1 << 13
	mostAtOnce = 512
	writeEvery = 500 * time.Millisecond
)

func newScanDesk(a *app) *scanDesk {
	d := &scanDesk{app: a, db: a.db, queue: make(chan seen, mostQueued), fresh: allowance{most: 2000, every: time.Minute},
		lost: a.host.Counter("tallyway_traceability_scans_dropped_total", "Looks at shoppers' pages that were not counted because too many came at once.")}
	d.strange.Store(&map[string]bool{})
	return d
}

// changes grows whenever what shoppers are told of alarms does.
func (d *scanDesk) changes() uint64 { return d.revision.Load() }

// unusual reports whether an alarm about a thing has not been dismissed.
func (d *scanDesk) unusual(thing string) bool { return (*d.strange.Load())[thing] }

// look notes a page view by a person. It is in the way of every scan and asks no
// database.
func (d *scanDesk) look(c *web.Ctx, address, verdict string) {
	if verdict == unread || !byPerson(c.Request()) {
		return
	}
	now := d.app.host.Now()
	s := seen{address: address, at: now, visitor: d.salts.visitor(c, now), unknown: verdict == unknown}
	if u := c.User(); u != nil {
		s.shop = u.Party
	}
	d.note(s)
}

// note never waits.
func (d *scanDesk) note(s seen) {
	select {
	case d.queue <- s:
	default:
		d.lost(1)
	}
}

// byPerson reports whether a browser shows the page to somebody: no program, no
// preview, no page fetched ahead of need or by the page's own script. What calls
// itself a browser and behaves like one is believed.
func byPerson(r *http.Request) bool {
	h := r.Header
	if r.Method != http.MethodGet || len(h["Sec-Purpose"])+len(h["Purpose"])+len(h["X-Moz"]) > 0 {
		return false
	}
	if dest := h["Sec-Fetch-Dest"]; len(dest) > 0 && dest[0] != "document" || len(dest) == 0 && !strings.Contains(h.Get("Accept"), "text/html") {
		return false
	}
	agent := h.Get("User-Agent")
	if !strings.HasPrefix(agent, "Mozilla/") || len(agent) > 1000 {
		return false
	}
	for _, mark := range programs {
		if strings.Contains(agent, mark) {
			return false
		}
	}
	return true
}

// programs are marks of agents that are nobody's eyes.
var programs = []string{"bot", "Bot", "BOT", "rawler", "pider", "review", "eadless", "compatible;", "ghthouse", "+http"}

// salts tell visitors apart for a day: their number is a hash with a salt that is
// kept in memory only and forgotten at midnight, UTC. The address goes nowhere.
type salts struct {
	mu   sync.Mutex
	day  int64
	salt [32]byte
}

func (s *salts) of(now time.Time) [32]byte {
	day := now.Unix() / 86400
	s.mu.Lock()
	defer s.mu.Unlock()
	if day != s.day || s.salt == [32]byte{} {
		rand.Read(s.salt[:]) // it never fails: crypto/rand ends the program instead
		s.day = day
	}
	return s.salt
}

func (s *salts) visitor(c *web.Ctx, now time.Time) uint64 {
	salt := s.of(now)
	r := c.Request()
	b := append(make([]byte, 0, 512), salt[:]...)
	b = append(append(append(append(append(b, c.RealIP()...), 0), r.Header.Get("User-Agent")...), 0), r.Header.Get("Accept-Language")...)
	sum := sha256.Sum256(b)
	return max(binary.LittleEndian.Uint64(sum[:8]), 1)
}

// recentLooks forgets repeats: the same visitor looks at the same page again
// within minutes. Two halves take turns, so that nothing grows.
type recentLooks struct {
	turned        time.Time
	newer, before map[repeat]bool
}

type repeat struct {
	visitor       uint64
	address, shop string
	placed        bool
}

const (
	again      = 10 * time.Minute // and at most twice as long
	mostRecent = 1 << 16
)

// first reports whether a look is no repeat.
func (r *recentLooks) first(s seen) bool {
	age := s.at.Sub(r.turned)
	if age > 2*again {
		r.newer = nil
	}
	if r.newer == nil || age > again || len(r.newer) >= mostRecent {
		r.before, r.newer, r.turned = r.newer, map[repeat]bool{}, s.at
	}
	k := repeat{s.visitor, s.address, s.shop, s.placed}
	if r.newer[k] || r.before[k] {
		return false
	}
	r.newer[k] = true
	return true
}

// allowance is how many of something may come in a while.
type allowance struct {
	most  int
	every time.Duration
	since time.Time
	used  int
}

func (a *allowance) take(now time.Time) bool {
	if now.Sub(a.since) > a.every || now.Before(a.since) {
		a.since, a.used = now, 0
	}
	a.used++
	return a.used <= a.most
}

// run writes what is queued, until ctx ends; then what is left of it.
func (d *scanDesk) run(ctx context.Context) {
	clean := time.NewTicker(time.Hour)
	defer clean.Stop()
	listen := time.NewTicker(30 * time.Second) // alarms that another host raised or judged
	defer listen.Stop()
	d.clear(ctx)
	for {
		select {
		case <-ctx.Done():
			d.write(context.WithoutCancel(ctx), d.gather(nil))
			return
		case first := <-d.queue:
			select {
			case <-ctx.Done():
			case <-time.After(writeEvery):
			}
			d.write(context.WithoutCancel(ctx), d.gather([]seen{first}))
		case <-listen.C:
			d.refresh(ctx)
		case <-clean.C:
			d.clear(ctx)
		}
	}
}

// gather takes what waits, up to a batch.
func (d *scanDesk) gather(some []seen) []seen {
	for len(some) < mostAtOnce {
		select {
		case s := <-d.queue:
			some = append(some, s)
		default:
			return some
		}
	}
	return some
}

func (d *scanDesk) write(ctx context.Context, some []seen) {
	if len(some) == 0 {
		return
	}
	if err := d.keep(ctx, some); err != nil {
		d.lost(len(some))
		d.app.host.Log.Error("count looks", "looks", len(some), "error", err)
	}
}

// The times for which things are kept.
const (
	placesFor   = 90 * 24 * time.Hour
	memoriesFor = 180 * 24 * time.Hour
)

// clear forgets what is old.
func (d *scanDesk) clear(ctx context.Context) {
	now := d.app.host.Now()
	for statement, age := range map[string]time.Duration{`DELETE FROM tr_scan_places WHERE at < $1`: placesFor, `DELETE FROM tr_scan_memory WHERE at < $1`: memoriesFor} {
		if _, err := d.db.ExecContext(ctx, statement, now.Add(-age)); err != nil && ctx.Err() == nil {
			d.app.host.Log.Error("forget old looks", "error", err)
		}
	}
	d.refresh(ctx)
}

// openScans starts the desk; it ends with ctx.
func (a *app) openScans(ctx context.Context) error {
	a.scans = newScanDesk(a)
	if err := a.scans.reload(ctx); err != nil {
		return err
	}
	a.host.Go(func() { a.scans.run(ctx) })
	return nil
}

// sortedID is a new id that sorts by time and cannot be guessed.
func sortedID(at time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(at.UnixMilli())<<16)
	rand.Read(b[6:])
	return hex.EncodeToString(b[:])
}
