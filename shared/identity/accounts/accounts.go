// Package accounts is the people and programs that log in: passwords,
// sessions, API tokens and the lock-out of those who guess.
//
// What someone may do is not decided here: party and roles are read from the
// user's certificate each time, and the contracts read them from there too.
package accounts

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the goose files of this room's tables, for SQLite and
// PostgreSQL alike.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// Empty deletes every account with all that hangs on it.
func Empty(ctx context.Context, q Queries) error {
	for _, table := range []string{"account_tokens", "account_sessions", "account_failures", "accounts"} {
		if _, err := q.ExecContext(ctx, `DELETE FROM `+table); err != nil {
			return fmt.Errorf("empty %s: %w", table, err)
		}
	}
	return nil
}

// Queries runs statements with $1, $2, …; each stands once in a statement and
// in order. *sql.DB and *sql.Tx are two.
type Queries interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// DB is the database: single statements, and a transaction that commits when
// the function returns nil.
type DB struct {
	Queries
	InTx func(ctx context.Context, f func(Queries) error) error
}

// State says whether someone may log in.
type State string

// The states.
const (
	Active   State = "active"
	Disabled State = "disabled"
)

// User is someone who may log in. Party and Roles are those of the
// certificate.
type User struct {
	Name     string    `json:"name"`
	Display  string    `json:"display"`
	MSP      string    `json:"msp"`
	Party    string    `json:"party,omitempty"`
	Roles    []string  `json:"roles,omitempty"`
	Language string    `json:"language"`
	State    State     `json:"state"`
	Created  time.Time `json:"created"`
}

// Config is what accounts are kept with. Zero durations and a zero Hashing
// mean the defaults.
type Config struct {
	DB DB
	// Caller reads what a user's certificate says, or refuses when there is
	// none that may be used now.
	Caller func(msp, user string) (chaincode.Caller, error)
	Clock  func() time.Time
	// Idle ends a session that nobody used, Absolute any session.
	Idle, Absolute time.Duration
	Hashing        Hashing
	// Words may not make up a password: the company's names.
	Words []string
}

// Defaults of a session's life.
const (
	DefaultIdle     = 30 * time.Minute
	DefaultAbsolute = 12 * time.Hour
)

// Accounts answers who is asking. It is safe for concurrent use, and any
// number of hosts may share its database.
type Accounts struct {
	config Config
	hasher *hasher
}

// New opens accounts over a database that Migrations have prepared.
func New(c Config) (*Accounts, error) {
	if c.Idle == 0 {
		c.Idle = DefaultIdle
	}
	if c.Absolute == 0 {
		c.Absolute = DefaultAbsolute
	}
	if c.Hashing == (Hashing{}) {
		c.Hashing = DefaultHashing
	}
	h, err := newHasher(c.Hashing)
	if err != nil {
		return nil, err
	}
	return &Accounts{c, h}, nil
}

// Bounds of what a user may be called and addressed in, in bytes.
const (
	maxDisplay  = 200
	maxLanguage = 35 // BCP 47's longest tags in use
)

// Registration is a new user, who must hold a certificate of the same name.
type Registration struct {
	Name, Display, MSP, Language, Password string
}

// Create enters a new user who holds a key already; see Enter.
func (a *Accounts) Create(ctx context.Context, r Registration) (User, error) {
	caller, err := a.config.Caller(r.MSP, r.Name)
	if err != nil {
		return User{}, err
	}
	if err := a.checkPassword(r.Password, r.Name, r.Display, caller.Party, r.MSP); err != nil {
		return User{}, err
	}
	phc, err := a.hasher.hash(ctx, r.Password)
	if err != nil {
		return User{}, err
	}
	if err := a.insert(ctx, r, Active, phc); err != nil {
		return User{}, err
	}
	return a.User(ctx, r.Name)
}

// User finds a user by name, whatever the letters' case.
func (a *Accounts) User(ctx context.Context, name string) (User, error) {
	row, err := a.find(ctx, name)
	if err != nil {
		return User{}, err
	}
	return a.complete(row.User), nil
}

// Admitted is a user who could sign in now, with what the certificate says.
func (a *Accounts) Admitted(ctx context.Context, name string) (User, error) {
	row, err := a.find(ctx, name)
	if err != nil {
		return User{}, err
	}
	return a.admit(row.User)
}

// List shows all users by name. One whose certificate cannot be used has
// neither party nor roles.
func (a *Accounts) List(ctx context.Context) ([]User, error) {
	rows, err := a.config.DB.QueryContext(ctx, `SELECT `+userColumns+` FROM accounts WHERE state <> $1 ORDER BY login`, string(entering))
	if err != nil {
		return nil, fmt.Errorf("list the users: %w", err)
	}
	defer rows.Close()
	var all []User
	for rows.Next() {
		var r record
		if err := rows.Scan(r.fields()...); err != nil {
			return nil, fmt.Errorf("list the users: %w", err)
		}
		all = append(all, a.complete(r.user()))
	}
	return all, rows.Err()
}

// Update changes how a user is shown and addressed.
func (a *Accounts) Update(ctx context.Context, name, display, language string) error {
	return a.change(ctx, name, `UPDATE accounts SET display = $1, language = $2 WHERE login = $3`,
		cut(display, maxDisplay), cut(language, maxLanguage), login(name))
}

// Enable lets a disabled user log in again.
func (a *Accounts) Enable(ctx context.Context, name string) error {
	return a.change(ctx, name, `UPDATE accounts SET state = $1 WHERE login = $2 AND state <> $3`, string(Active), login(name), string(entering))
}

// Disable ends a user's sessions and keeps out their password and tokens.
func (a *Accounts) Disable(ctx context.Context, name string) error {
	err := a.change(ctx, name, `UPDATE accounts SET state = $1 WHERE login = $2 AND state <> $3`, string(Disabled), login(name), string(entering))
	if err != nil {
		return err
	}
	return a.RevokeSessions(ctx, name)
}

// SetPassword gives a user another password and ends their sessions.
func (a *Accounts) SetPassword(ctx context.Context, name, password string) error {
	u, err := a.User(ctx, name)
	if err != nil {
		return err
	}
	if err := a.checkPassword(password, u.Name, u.Display, u.Party, u.MSP); err != nil {
		return err
	}
	phc, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return a.config.DB.InTx(ctx, func(q Queries) error {
		if _, err := q.ExecContext(ctx, `UPDATE accounts SET password = $1 WHERE login = $2`, phc, login(name)); err != nil {
			return fmt.Errorf("set the password of %s: %w", name, err)
		}
		return endSessions(ctx, q, name)
	})
}

// Attempt is someone who says who they are.
type Attempt struct {
	Name, Password string
	Address        string // where it comes from: an IP address
	Agent          string // the browser's name for itself
}

// Authenticate checks a name and a password. A name that does not exist costs
// the same work and gets the same answer as a wrong password. Every attempt
// is counted before the password is looked at, so that many at once gain
// nothing.
func (a *Accounts) Authenticate(ctx context.Context, t Attempt) (User, error) {
	if err := a.charge(ctx, t); err != nil {
		return User{}, err
	}
	row, err := a.find(ctx, t.Name)
	unknown := errors.Is(err, ErrUnknownName)
	if err != nil && !unknown {
		return User{}, err
	}
	if unknown {
		row.password = a.hasher.decoy
	}
	ok, stale, err := a.hasher.verify(ctx, row.password, t.Password)
	if err != nil {
		return User{}, fmt.Errorf("check the password of %s: %w", t.Name, err)
	}
	if !ok || unknown {
		return User{}, ErrWrongLogin.Refuse("")
	}
	if err := a.acquit(ctx, t); err != nil {
		return User{}, err
	}
	if stale {
		if err := a.rehash(ctx, t, row.password); err != nil {
			return User{}, err
		}
	}
	return a.admit(row.User)
}

// rehash stores the password under today's parameters, unless it was changed
// in between.
func (a *Accounts) rehash(ctx context.Context, t Attempt, old string) error {
	phc, err := a.hasher.hash(ctx, t.Password)
	if err != nil {
		return err
	}
	_, err = a.config.DB.ExecContext(ctx, `UPDATE accounts SET password = $1 WHERE login = $2 AND password = $3`, phc, login(t.Name), old)
	return err
}

// admit lets an active user with a usable certificate in.
func (a *Accounts) admit(u User) (User, error) {
	if u.State != Active {
		return User{}, ErrDisabled.Refuse("%s", u.Name)
	}
	caller, err := a.config.Caller(u.MSP, u.Name)
	if err != nil {
		return User{}, err
	}
	u.Party, u.Roles = caller.Party, caller.Roles
	return u, nil
}

// complete fills in what the certificate says, if there is one to ask.
func (a *Accounts) complete(u User) User {
	if caller, err := a.config.Caller(u.MSP, u.Name); err == nil {
		u.Party, u.Roles = caller.Party, caller.Roles
	}
	return u
}

const userColumns = `accounts.name, accounts.display, accounts.msp, accounts.language, accounts.state, accounts.password, accounts.created`

// record is a user's row.
type record struct {
	User
	password string
	created  int64
}

func (r *record) fields() []any {
	return []any{&r.Name, &r.Display, &r.MSP, &r.Language, &r.State, &r.password, &r.created}
}

func (r *record) user() User {
	r.Created = timeOf(r.created)
	return r.User
}

func (a *Accounts) find(ctx context.Context, name string) (r record, err error) {
	err = a.config.DB.QueryRowContext(ctx, `SELECT `+userColumns+` FROM accounts WHERE login = $1 AND state <> $2`, login(name), string(entering)).Scan(r.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		return r, ErrUnknownName.Refuse("%s", name)
	}
	if err != nil {
		return r, fmt.Errorf("find the user %s: %w", name, err)
	}
	r.user()
	return r, nil
}

// change runs a statement that must meet the user.
func (a *Accounts) change(ctx context.Context, name, statement string, args ...any) error {
	done, err := a.config.DB.ExecContext(ctx, statement, args...)
	if err != nil {
		return fmt.Errorf("change the user %s: %w", name, err)
	}
	return one(done, ErrUnknownName.Refuse("%s", name))
}

// one gives the refusal when a statement met no row.
func one(done sql.Result, otherwise error) error {
	n, err := done.RowsAffected()
	if err == nil && n == 0 {
		return otherwise
	}
	return err
}

// login is the name by which a user is found: people do not remember which
// letters were large. What PostgreSQL's text cannot hold becomes a character
// that no name has.
func login(name string) string {
	return strings.ReplaceAll(strings.ToLower(strings.ToValidUTF8(name, "\ufffd")), "\x00", "\ufffd")
}

func (a *Accounts) now() int64 { return a.config.Clock().UnixMicro() }

// timeOf reads a time as stored; 0 is the zero time.
func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
