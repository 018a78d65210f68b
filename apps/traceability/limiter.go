package traceability

import (
	"net/netip"
	"sync"
	"time"

	"github.com/tallyway/tallyway/shared/web"
)

// limiter keeps what strangers may write to so much an hour from one network,
// and so much from all together: whoever commands many networks fills no table.
type limiter struct {
	mu    sync.Mutex
	since time.Time
	of    map[string]int
	all   int
}

// The bounds of strangers' forms, by the hour.
const (
	mostOfOne = 30   // places; a family behind one address scans a few packs
	mostOfAll = 5000 // of everybody
	reporting = 5    // reports cost as many places
)

// take spends so much of an hour's allowance, or refuses. The networks that it
// counts are forgotten with the hour.
func (l *limiter) take(c *web.Ctx, now time.Time, cost int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.since) >= time.Hour || now.Before(l.since) {
		l.since, l.of, l.all = now, map[string]int{}, 0
	}
	who := networkOf(c.RealIP())
	if l.of[who]+cost > mostOfOne || l.all+cost > mostOfAll {
		c.Response().Header().Set("Retry-After", "3600")
		return web.ErrTooMany.Refuse("")
	}
	l.of[who] += cost
	l.all += cost
	return nil
}

// networkOf is what one visitor is given: an address, or a /64 of IPv6.
func networkOf(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil || addr.Unmap().Is4() {
		return ip
	}
	prefix, _ := addr.WithZone("").Prefix(64) // it fits every IPv6 address
	return prefix.String()
}
