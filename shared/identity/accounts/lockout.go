package accounts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"
)

// lockout says how many failures in a row lock, and for how long: the first
// time for firstLock, then twice as long with every further failure.
const (
	accountFailures = 5
	addressFailures = 20 // an office may stand behind one address
	firstLock       = time.Minute
	longestLock     = time.Hour
	// forgetAfter is when an old failure no longer counts.
	forgetAfter = 24 * time.Hour
)

// failures is what stands against one account or one address.
type failures struct {
	n           int64
	last, until time.Time
}

// fail counts a failure, or tells that attempts are refused: those change
// nothing, so that knocking on does not lock for longer.
func (f failures) fail(now time.Time, allowed int64) (after failures, locked bool) {
	if f.until.After(now) {
		return f, true
	}
	if now.Sub(f.last) > forgetAfter {
		f.n = 0
	}
	f.n, f.last = f.n+1, now
	if over := f.n - allowed; over >= 0 {
		f.until = now.Add(lockFor(over))
	}
	return f, false
}

// lockFor doubles firstLock up to longestLock.
func lockFor(over int64) time.Duration {
	d := firstLock
	for ; over > 0 && d < longestLock; over-- {
		d *= 2
	}
	return min(d, longestLock)
}

// subject is an account or an address under its hash: a name that does not
// exist is counted like one that does, and none can be read from the table.
type subject struct {
	id      string
	allowed int64
}

// subjects are always in the same order, so that two attempts never wait for
// each other's rows in a circle.
func subjects(t Attempt) [2]subject {
	id := func(kind, value string) string {
		sum := sha256.Sum256([]byte(kind + "\x00" + value))
		return hex.EncodeToString(sum[:])
	}
	return [2]subject{
		{id("account", login(t.Name)), accountFailures},
		{id("address", network(t.Address)), addressFailures},
	}
}

// network is the part of an address that one customer has: all of an IPv4
// address, the first 64 bits of an IPv6 one.
func network(address string) string {
	if ap, err := netip.ParseAddrPort(address); err == nil {
		address = ap.Addr().String()
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	p, _ := ip.Prefix(64) // 64 bits fit into 128
	return p.String()
}

// charge counts the attempt as a failure against the account and the address,
// or refuses it when one of them is locked.
func (a *Accounts) charge(ctx context.Context, t Attempt) error {
	now := a.config.Clock()
	return a.config.DB.InTx(ctx, func(q Queries) error {
		for _, s := range subjects(t) {
			f, err := hold(ctx, q, s.id)
			if err != nil {
				return err
			}
			after, locked := f.fail(now, s.allowed)
			if locked {
				return ErrLocked.Refuse("try again after %s", f.until.UTC().Format(time.RFC3339))
			}
			if err := put(ctx, q, s.id, after); err != nil {
				return err
			}
		}
		return nil
	})
}

// acquit clears the account, and takes back this attempt from the address: one
// own password must not pay for guessing others'.
func (a *Accounts) acquit(ctx context.Context, t Attempt) error {
	return a.config.DB.InTx(ctx, func(q Queries) error {
		s := subjects(t)
		if _, err := hold(ctx, q, s[0].id); err != nil {
			return err
		}
		if err := put(ctx, q, s[0].id, failures{}); err != nil {
			return err
		}
		f, err := hold(ctx, q, s[1].id)
		if err != nil {
			return err
		}
		f.n = max(0, f.n-1)
		if f.n < addressFailures {
			f.until = time.Time{}
		}
		return put(ctx, q, s[1].id, f)
	})
}

// hold reads a row, made if need be, and keeps others from it until the
// transaction ends.
func hold(ctx context.Context, q Queries, id string) (f failures, err error) {
	var last, until int64
	err = q.QueryRowContext(ctx, `INSERT INTO account_failures (subject, failures, last, until) VALUES ($1, 0, 0, 0)
		ON CONFLICT (subject) DO UPDATE SET failures = account_failures.failures RETURNING failures, last, until`, id).
		Scan(&f.n, &last, &until)
	if err != nil {
		return f, fmt.Errorf("read the failed logins: %w", err)
	}
	f.last, f.until = timeOf(last), timeOf(until)
	return f, nil
}

func put(ctx context.Context, q Queries, id string, f failures) error {
	_, err := q.ExecContext(ctx, `UPDATE account_failures SET failures = $1, last = $2, until = $3 WHERE subject = $4`,
		f.n, micros(f.last), micros(f.until), id)
	if err != nil {
		return fmt.Errorf("count the failed login: %w", err)
	}
	return nil
}

// micros stores a time; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Unlock forgets the failures against an account, for its administrator.
func (a *Accounts) Unlock(ctx context.Context, name string) error {
	_, err := a.config.DB.ExecContext(ctx, `DELETE FROM account_failures WHERE subject = $1`, subjects(Attempt{Name: name})[0].id)
	return err
}

// Prune drops what no longer counts: old failures and ended sessions. A host
// calls it now and then.
func (a *Accounts) Prune(ctx context.Context) error {
	now := a.config.Clock()
	_, err := a.config.DB.ExecContext(ctx, `DELETE FROM account_failures WHERE last < $1 AND until < $2`,
		now.Add(-forgetAfter).UnixMicro(), now.UnixMicro())
	if err != nil {
		return fmt.Errorf("drop old failures: %w", err)
	}
	_, err = a.config.DB.ExecContext(ctx, `DELETE FROM account_sessions WHERE expires <= $1 OR seen <= $2`,
		now.UnixMicro(), now.Add(-a.config.Idle).UnixMicro())
	if err != nil {
		return fmt.Errorf("drop ended sessions: %w", err)
	}
	return nil
}
