package accounts

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Scope is what an API token may be used for.
type Scope string

// The scopes. Admin holds all others, and write holds read.
const (
	Read    Scope = "read"
	Write   Scope = "write"
	Capture Scope = "capture" // events in, nothing else: for machines
	Admin   Scope = "admin"
)

var scopes = []Scope{Read, Write, Capture, Admin}

// A token's validity.
const (
	DefaultTokenValidity = 90 * 24 * time.Hour
	minTokenValidity     = time.Minute
	maxTokenValidity     = 366 * 24 * time.Hour
)

// maxLabel bounds what a user may call a token, in bytes.
const maxLabel = 100

// Token is an API token without its secret.
type Token struct {
	ID      string    `json:"id"`
	Label   string    `json:"label"`
	Scopes  []Scope   `json:"scopes"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	Used    time.Time `json:"used"`    // to about a minute; zero when never
	Revoked time.Time `json:"revoked"` // zero when it is not
}

// Allows tells whether the token may be used for the scope.
func (t Token) Allows(s Scope) bool {
	return slices.Contains(t.Scopes, s) || slices.Contains(t.Scopes, Admin) ||
		s == Read && slices.Contains(t.Scopes, Write)
}

// CreateToken makes a token for a user. The secret is shown this once: only
// its hash is kept. A validity of zero is the default's 90 days.
func (a *Accounts) CreateToken(ctx context.Context, name, label string, granted []Scope, validFor time.Duration) (secret string, t Token, err error) {
	if validFor == 0 {
		validFor = DefaultTokenValidity
	}
	if validFor < minTokenValidity || validFor > maxTokenValidity {
		return "", Token{}, ErrTokenValidity.Refuse("%s", validFor).On("expires")
	}
	known := func(s Scope) bool { return slices.Contains(scopes, s) }
	if i := slices.IndexFunc(granted, func(s Scope) bool { return !known(s) }); i >= 0 {
		return "", Token{}, ErrUnknownScope.Refuse("%s", granted[i]).On("scopes")
	}
	if len(granted) == 0 {
		return "", Token{}, ErrUnknownScope.Refuse("").On("scopes")
	}
	u, err := a.User(ctx, name)
	if err != nil {
		return "", Token{}, err
	}
	now := a.config.Clock().UTC().Truncate(time.Microsecond)
	t = Token{ID: tokenID(), Label: cut(label, maxLabel), Scopes: slices.Clone(granted), Created: now, Expires: now.Add(validFor)}
	secret = newToken()
	_, err = a.config.DB.ExecContext(ctx, `INSERT INTO account_tokens (id, hash, login, label, scopes, created, expires, used, revoked)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0)`, t.ID, digest(secret), login(u.Name), t.Label, joinScopes(t.Scopes),
		t.Created.UnixMicro(), t.Expires.UnixMicro())
	if err != nil {
		return "", Token{}, fmt.Errorf("make a token for %s: %w", name, err)
	}
	return secret, t, nil
}

// ByToken tells whose token it is, when it may be used for the scope. No scope
// asks for none: the caller compares what the token allows.
func (a *Accounts) ByToken(ctx context.Context, secret string, wanted Scope) (User, Token, error) {
	if !wellFormed(secret) {
		return User{}, Token{}, ErrToken.Refuse("")
	}
	var r record
	var row tokenRow
	err := a.config.DB.QueryRowContext(ctx, `SELECT `+tokenColumns+`, `+userColumns+`
		FROM account_tokens JOIN accounts ON accounts.login = account_tokens.login WHERE hash = $1`, digest(secret)).
		Scan(append(row.fields(), r.fields()...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return User{}, Token{}, ErrToken.Refuse("")
	}
	if err != nil {
		return User{}, Token{}, fmt.Errorf("find the token: %w", err)
	}
	t, now := row.token(), a.config.Clock()
	switch {
	case !t.Revoked.IsZero():
		return User{}, Token{}, ErrTokenRevoked.Refuse("%s, on %s", t.Label, t.Revoked.Format(time.DateOnly))
	case !now.Before(t.Expires):
		return User{}, Token{}, ErrTokenExpired.Refuse("%s, on %s", t.Label, t.Expires.Format(time.DateOnly))
	case wanted != "" && !t.Allows(wanted):
		return User{}, Token{}, ErrScope.Refuse("%s is needed", wanted)
	}
	u, err := a.admit(r.user())
	if err != nil {
		return User{}, Token{}, err
	}
	if now.Sub(t.Used) >= touchEvery {
		t.Used = now.UTC()
		if _, err := a.config.DB.ExecContext(ctx, `UPDATE account_tokens SET used = $1 WHERE id = $2`, now.UnixMicro(), t.ID); err != nil {
			return User{}, Token{}, fmt.Errorf("note the token's use: %w", err)
		}
	}
	return u, t, nil
}

// Tokens lists a user's tokens, the newest first.
func (a *Accounts) Tokens(ctx context.Context, name string) ([]Token, error) {
	rows, err := a.config.DB.QueryContext(ctx, `SELECT `+tokenColumns+` FROM account_tokens WHERE login = $1
		ORDER BY account_tokens.created DESC, account_tokens.id`, login(name))
	if err != nil {
		return nil, fmt.Errorf("list the tokens of %s: %w", name, err)
	}
	defer rows.Close()
	var all []Token
	for rows.Next() {
		var r tokenRow
		if err := rows.Scan(r.fields()...); err != nil {
			return nil, fmt.Errorf("list the tokens of %s: %w", name, err)
		}
		all = append(all, r.token())
	}
	return all, rows.Err()
}

// RevokeToken ends one of a user's tokens by its id.
func (a *Accounts) RevokeToken(ctx context.Context, name, id string) error {
	done, err := a.config.DB.ExecContext(ctx, `UPDATE account_tokens SET revoked = CASE revoked WHEN 0 THEN $1 ELSE revoked END
		WHERE login = $2 AND id = $3`, a.now(), login(name), id)
	if err != nil {
		return fmt.Errorf("revoke a token of %s: %w", name, err)
	}
	return one(done, ErrToken.Refuse("%s", id))
}

const tokenColumns = `account_tokens.id, account_tokens.label, account_tokens.scopes, account_tokens.created,
	account_tokens.expires, account_tokens.used, account_tokens.revoked`

type tokenRow struct {
	Token
	scopes                          string
	created, expires, used, revoked int64
}

func (r *tokenRow) fields() []any {
	return []any{&r.ID, &r.Label, &r.scopes, &r.created, &r.expires, &r.used, &r.revoked}
}

func (r *tokenRow) token() Token {
	for s := range strings.SplitSeq(r.scopes, " ") {
		r.Scopes = append(r.Scopes, Scope(s))
	}
	r.Created, r.Expires, r.Used, r.Revoked = timeOf(r.created), timeOf(r.expires), timeOf(r.used), timeOf(r.revoked)
	return r.Token
}

func joinScopes(list []Scope) string {
	var words []string
	for _, s := range list {
		words = append(words, string(s))
	}
	return strings.Join(words, " ")
}

// A token's text is the prefix, 256 random bits and their CRC-32, in base32
// without padding. The prefix lets scanners find a leaked one, the checksum
// tells a mistyped one without asking the database.
const (
	tokenPrefix = "tw_"
	bodySize    = 52 // characters of 32 bytes
	checkSize   = 7  // characters of 4 bytes
)

var tokenBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func newToken() string {
	b := make([]byte, secretSize)
	rand.Read(b)
	return tokenText(tokenBase32.EncodeToString(b))
}

func tokenText(body string) string {
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(body)))
	return tokenPrefix + body + tokenBase32.EncodeToString(sum)
}

func wellFormed(secret string) bool {
	body, ok := strings.CutPrefix(secret, tokenPrefix)
	if !ok || len(body) != bodySize+checkSize {
		return false
	}
	if _, err := tokenBase32.DecodeString(body[:bodySize]); err != nil {
		return false
	}
	return tokenText(body[:bodySize]) == secret
}

func tokenID() string {
	b := make([]byte, 8)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// cut shortens text to at most n bytes, between characters.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
