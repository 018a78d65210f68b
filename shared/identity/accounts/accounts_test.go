package accounts

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/identity"
)

const (
	phrase  = "violet kettle under nine bridges"
	phrase2 = "seven quiet lanterns over marsh"
)

// cheap keeps tests fast; TestDefaultHashing uses the real cost.
var cheap = Hashing{Memory: 64, Passes: 1, Threads: 1}

// house is accounts over a real database and a real wallet, with alice in it.
type house struct {
	*Accounts
	wallet *identity.Wallet
	sql    *sql.DB
	now    time.Time
}

func open(t testing.TB) *house {
	t.Helper()
	h := &house{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return h.now }
	var err error
	if h.wallet, err = identity.Open(t.TempDir(), []byte(strings.Repeat("s", 32)), clock); err != nil {
		t.Fatal(err)
	}
	if err := h.wallet.CreateMember("Producer"); err != nil {
		t.Fatal(err)
	}
	h.sql = database(t)
	h.Accounts = h.host(t, cheap)
	h.enrol(t, "alice", phrase)
	return h
}

// database is a new one with the room's tables: SQLite, or PostgreSQL where
// TALLYWAY_TEST_POSTGRES holds an address.
func database(t testing.TB) *sql.DB {
	t.Helper()
	dialect, driver := goose.DialectSQLite3, "sqlite"
	address := "file:" + filepath.Join(t.TempDir(), "a.db") + "?_pragma=foreign_keys(1)&_txlock=immediate"
	if postgres := os.Getenv("TALLYWAY_TEST_POSTGRES"); postgres != "" {
		dialect, driver = goose.DialectPostgres, "pgx"
		address = schema(t, postgres)
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	if driver == "sqlite" {
		db.SetMaxOpenConns(1)
	}
	t.Cleanup(func() { db.Close() })
	provider, err := goose.NewProvider(dialect, db, Migrations())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// schema makes a schema of the test's own and gives the address that finds it.
func schema(t testing.TB, address string) string {
	t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	name := "t" + tokenID()
	if _, err := db.Exec("CREATE SCHEMA " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("DROP SCHEMA " + name + " CASCADE"); err != nil {
			t.Error(err)
		}
		db.Close()
	})
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

// host is another host over the same database.
func (h *house) host(t testing.TB, cost Hashing) *Accounts {
	t.Helper()
	a, err := New(Config{
		DB: DB{Queries: h.sql, InTx: inTx(h.sql)},
		Caller: func(msp, user string) (chaincode.Caller, error) {
			id, err := h.wallet.Get(msp, user)
			if err != nil {
				return chaincode.Caller{}, err
			}
			return id.Caller(), nil
		},
		Clock: func() time.Time { return h.now }, Hashing: cost, Words: []string{"Greenfield Dairy"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func inTx(db *sql.DB) func(context.Context, func(Queries) error) error {
	return func(ctx context.Context, f func(Queries) error) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := f(tx); err != nil {
			return err
		}
		return tx.Commit()
	}
}

func (h *house) enrol(t testing.TB, name, password string) User {
	t.Helper()
	_, err := h.wallet.Issue(identity.Enrolment{MSP: "Producer", User: name, Party: "greenfield-dairy", Roles: []string{"operator"}})
	if err != nil {
		t.Fatal(err)
	}
	u, err := h.Create(t.Context(), Registration{Name: name, Display: "Person " + name, MSP: "Producer", Language: "zh", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (h *house) try(name, password string) error {
	_, err := h.Authenticate(context.Background(), Attempt{Name: name, Password: password, Address: "192.0.2.1"})
	return err
}

func is(t *testing.T, what string, err error, want error) {
	t.Helper()
	if !errors.Is(err, want) || want == nil && err != nil {
		t.Errorf("%s: %v; want %v", what, err, want)
	}
}

func TestAUserIsWhatTheCertificateSays(t *testing.T) {
	h := open(t)
	_, err := h.wallet.Reissue(identity.Enrolment{MSP: "Producer", User: "alice", Party: "city-market", Roles: []string{"admin", "viewer"}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	u, err := h.Authenticate(t.Context(), Attempt{Name: "Alice", Password: phrase})
	if err != nil {
		t.Fatal(err)
	}
	if u.Name != "alice" || u.MSP != "Producer" || u.Party != "city-market" || strings.Join(u.Roles, " ") != "admin viewer" ||
		u.Display != "Person alice" || u.Language != "zh" || u.State != Active || !u.Created.Equal(h.now) {
		t.Errorf("user = %+v", u)
	}
	if err := h.wallet.Revoke("Producer", "alice"); err != nil {
		t.Fatal(err)
	}
	is(t, "a revoked certificate", h.try("alice", phrase), identity.ErrRevoked)
	all, err := h.List(t.Context())
	if err != nil || len(all) != 1 || all[0].Roles != nil {
		t.Errorf("list = %+v, %v", all, err)
	}
}

func TestCreateRefuses(t *testing.T) {
	h := open(t)
	create := func(r Registration) error { _, err := h.Create(t.Context(), r); return err }
	is(t, "no certificate", create(Registration{Name: "bob", MSP: "Producer", Password: phrase}), identity.ErrUnknownUser)
	if _, err := h.wallet.Issue(identity.Enrolment{MSP: "Producer", User: "ALICE"}); err != nil {
		t.Fatal(err)
	}
	is(t, "the name in capitals", create(Registration{Name: "ALICE", MSP: "Producer", Password: phrase}), ErrNameTaken)
	_, err := h.User(t.Context(), "bob")
	is(t, "an unknown name", err, ErrUnknownName)
	is(t, "an unknown name to disable", h.Disable(t.Context(), "bob"), ErrUnknownName)
}

func TestLoginTellsNobodyWhoExists(t *testing.T) {
	h := open(t)
	wrong, unknown := h.try("alice", phrase2), h.try("nobody", phrase2)
	is(t, "a wrong password", wrong, ErrWrongLogin)
	if wrong.Error() != unknown.Error() {
		t.Errorf("%q is not %q", unknown, wrong)
	}
	for _, odd := range []string{"", "al\x00ice", "\xff", strings.Repeat("a", 100_000)} {
		_, err := h.Authenticate(t.Context(), Attempt{Name: odd, Password: odd, Address: odd})
		is(t, "an odd name", err, ErrWrongLogin)
	}
	for range accountFailures - 1 {
		h.try("alice", phrase2)
		h.try("nobody", phrase2)
	}
	wrong, unknown = h.try("alice", phrase2), h.try("nobody", phrase2)
	is(t, "after many", wrong, ErrLocked)
	if wrong.Error() != unknown.Error() {
		t.Errorf("%q is not %q", unknown, wrong)
	}
}

// The work for a name that does not exist is a whole hash.
func TestUnknownNamesCostTheSame(t *testing.T) {
	h := open(t)
	type derivation struct {
		password, salt, size int // their lengths in bytes
		passes, memory       uint32
		threads              uint8
	}
	var derived []derivation
	derive := h.hasher.derive
	h.hasher.derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
		derived = append(derived, derivation{len(password), len(salt), int(size), passes, memory, threads})
		return derive(password, salt, passes, memory, threads, size)
	}
	cost := func(name string) []derivation {
		derived = nil
		is(t, name, h.try(name, phrase2), ErrWrongLogin)
		return derived
	}
	known, unknown := cost("alice"), cost("nobody")
	want := []derivation{{len(phrase2), saltSize, hashSize, cheap.Passes, cheap.Memory, cheap.Threads}}
	if !slices.Equal(known, want) || !slices.Equal(unknown, want) {
		t.Errorf("a known name costs %v, an unknown one %v, want %v", known, unknown, want)
	}
}

func TestDisabled(t *testing.T) {
	h := open(t)
	ctx := t.Context()
	_, session, err := h.Login(ctx, Attempt{Name: "alice", Password: phrase}, "")
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := h.CreateToken(ctx, "alice", "till", []Scope{Read}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Disable(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	is(t, "the right password", h.try("alice", phrase), ErrDisabled)
	is(t, "a wrong password", h.try("alice", phrase2), ErrWrongLogin)
	_, _, err = h.BySession(ctx, session)
	is(t, "the session", err, ErrSessionExpired)
	_, _, err = h.ByToken(ctx, token, Read)
	is(t, "the token", err, ErrDisabled)
	if err := h.Enable(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	is(t, "enabled again", h.try("alice", phrase), nil)
}

func TestUpdate(t *testing.T) {
	h := open(t)
	if err := h.Update(t.Context(), "alice", "王小明\x00", "en"); err != nil {
		t.Fatal(err)
	}
	if u, err := h.User(t.Context(), "ALICE"); err != nil || u.Display != "王小明" || u.Language != "en" {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestRulesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range append(Rules(), identity.Rules()...) {
		if seen[r.Code] || !strings.HasPrefix(r.Code, "identity/") || r.Kind == "" || r.Text == "" || r.Remedy == "" {
			t.Errorf("%+v", r)
		}
		seen[r.Code] = true
	}
}

// Nothing that lets someone in is kept as it is.
func TestTheDatabaseHoldsNoSecret(t *testing.T) {
	h := open(t)
	ctx := t.Context()
	_, session, err := h.Login(ctx, Attempt{Name: "alice", Password: phrase}, "")
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := h.CreateToken(ctx, "alice", "till", []Scope{Read}, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"accounts", "account_sessions", "account_tokens", "account_failures"} {
		dump := dumpTable(t, h.sql, table)
		for _, s := range []string{phrase, session, token, CSRF(session)} {
			if strings.Contains(dump, s) {
				t.Errorf("%s holds %q", table, s)
			}
		}
	}
}

func dumpTable(t *testing.T, db *sql.DB, table string) string {
	t.Helper()
	rows, err := db.Query("SELECT * FROM " + table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for rows.Next() {
		cells := make([]sql.NullString, len(names))
		into := make([]any, len(names))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for _, c := range cells {
			out.WriteString(c.String + "\n")
		}
	}
	return out.String()
}
