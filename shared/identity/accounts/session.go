package accounts

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Session is a browser that is logged in. Its secret is in the browser's
// cookie only.
type Session struct {
	ID      string    `json:"id"` // SHA-256 of the secret
	Created time.Time `json:"created"`
	Seen    time.Time `json:"seen"`    // to about a minute
	Expires time.Time `json:"expires"` // whatever happens
	Address string    `json:"address"`
	Agent   string    `json:"agent"`
}

// secretSize is a session's and a token's randomness in bytes.
const secretSize = 32

// touchEvery is how much a session's or a token's last use may lag behind, so
// that reading a page does not write.
const touchEvery = time.Minute

// maxAgent bounds what a browser may say of itself, in bytes.
const maxAgent = 200

// Login authenticates and begins a session; its secret goes into a cookie. The
// session that the browser had before, if any, ends: a secret from before the
// login never becomes one after it.
func (a *Accounts) Login(ctx context.Context, t Attempt, previous string) (User, string, error) {
	u, err := a.Authenticate(ctx, t)
	if err != nil {
		return User{}, "", err
	}
	secret := newSecret()
	now := a.config.Clock()
	err = a.config.DB.InTx(ctx, func(q Queries) error {
		if _, err := q.ExecContext(ctx, `DELETE FROM account_sessions WHERE id = $1`, digest(previous)); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, `INSERT INTO account_sessions (id, login, created, seen, expires, address, agent)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`, digest(secret), login(u.Name), now.UnixMicro(), now.UnixMicro(),
			now.Add(a.config.Absolute).UnixMicro(), t.Address, cut(t.Agent, maxAgent))
		return err
	})
	if err != nil {
		return User{}, "", fmt.Errorf("begin the session of %s: %w", u.Name, err)
	}
	return u, secret, nil
}

// BySession tells whose session it is.
func (a *Accounts) BySession(ctx context.Context, secret string) (User, Session, error) {
	var r record
	var s Session
	var created, seen, expires int64
	err := a.config.DB.QueryRowContext(ctx, `SELECT `+sessionColumns+`, `+userColumns+`
		FROM account_sessions JOIN accounts ON accounts.login = account_sessions.login WHERE id = $1`, digest(secret)).
		Scan(append([]any{&s.ID, &created, &seen, &expires, &s.Address, &s.Agent}, r.fields()...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return User{}, Session{}, ErrSessionExpired.Refuse("")
	}
	if err != nil {
		return User{}, Session{}, fmt.Errorf("find the session: %w", err)
	}
	s.Created, s.Seen, s.Expires = timeOf(created), timeOf(seen), timeOf(expires)
	now := a.config.Clock()
	if !a.alive(s, now) {
		return User{}, Session{}, ErrSessionExpired.Refuse("")
	}
	u, err := a.admit(r.user())
	if err != nil {
		return User{}, Session{}, err
	}
	if now.Sub(s.Seen) >= min(touchEvery, a.config.Idle/10) {
		s.Seen = now.UTC()
		if _, err := a.config.DB.ExecContext(ctx, `UPDATE account_sessions SET seen = $1 WHERE id = $2`, now.UnixMicro(), s.ID); err != nil {
			return User{}, Session{}, fmt.Errorf("keep the session: %w", err)
		}
	}
	return u, s, nil
}

func (a *Accounts) alive(s Session, now time.Time) bool {
	return now.Before(s.Expires) && now.Sub(s.Seen) < a.config.Idle
}

const sessionColumns = `account_sessions.id, account_sessions.created, account_sessions.seen, account_sessions.expires,
	account_sessions.address, account_sessions.agent`

// Sessions lists a user's live sessions, the last used first.
func (a *Accounts) Sessions(ctx context.Context, name string) ([]Session, error) {
	rows, err := a.config.DB.QueryContext(ctx, `SELECT `+sessionColumns+` FROM account_sessions WHERE login = $1 ORDER BY seen DESC, id`, login(name))
	if err != nil {
		return nil, fmt.Errorf("list the sessions of %s: %w", name, err)
	}
	defer rows.Close()
	var all []Session
	for rows.Next() {
		var s Session
		var created, seen, expires int64
		if err := rows.Scan(&s.ID, &created, &seen, &expires, &s.Address, &s.Agent); err != nil {
			return nil, fmt.Errorf("list the sessions of %s: %w", name, err)
		}
		s.Created, s.Seen, s.Expires = timeOf(created), timeOf(seen), timeOf(expires)
		if a.alive(s, a.config.Clock()) {
			all = append(all, s)
		}
	}
	return all, rows.Err()
}

// Logout ends a session; one that has ended stays so.
func (a *Accounts) Logout(ctx context.Context, secret string) error {
	_, err := a.config.DB.ExecContext(ctx, `DELETE FROM account_sessions WHERE id = $1`, digest(secret))
	return err
}

// RevokeSession ends one of a user's own sessions by its id.
func (a *Accounts) RevokeSession(ctx context.Context, name, id string) error {
	done, err := a.config.DB.ExecContext(ctx, `DELETE FROM account_sessions WHERE login = $1 AND id = $2`, login(name), id)
	if err != nil {
		return err
	}
	return one(done, ErrSessionExpired.Refuse(""))
}

// RevokeSessions ends all of a user's sessions.
func (a *Accounts) RevokeSessions(ctx context.Context, name string) error {
	return endSessions(ctx, a.config.DB, name)
}

func endSessions(ctx context.Context, q Queries, name string) error {
	if _, err := q.ExecContext(ctx, `DELETE FROM account_sessions WHERE login = $1`, login(name)); err != nil {
		return fmt.Errorf("end the sessions of %s: %w", name, err)
	}
	return nil
}

// CSRF is what a form of the session carries. It is an HMAC under the
// session's secret, which the server does not keep, so it cannot be made from
// the database.
func CSRF(secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("tallyway csrf"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// CheckCSRF refuses a form that was not made for the session.
func CheckCSRF(secret, token string) error {
	if secret == "" || !hmac.Equal([]byte(CSRF(secret)), []byte(token)) {
		return ErrCSRF.Refuse("")
	}
	return nil
}

func newSecret() string {
	b := make([]byte, secretSize)
	rand.Read(b) // never fails: the runtime stops the program first
	return base64.RawURLEncoding.EncodeToString(b)
}

// digest is what is stored of a secret. It needs no salt: nobody guesses 256
// random bits.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
