package accounts

import (
	"strings"
	"testing"
	"time"
)

func TestTokens(t *testing.T) {
	h := open(t)
	ctx := t.Context()
	h.enrol(t, "bob", phrase2)
	secret, made, err := h.CreateToken(ctx, "alice", "the till", []Scope{Capture, Write}, time.Hour)
	if err != nil || !strings.HasPrefix(secret, "tw_") {
		t.Fatal(secret, err)
	}
	use := func(s Scope) error { _, _, err := h.ByToken(ctx, secret, s); return err }
	is(t, "a scope it has", use(Capture), nil)
	is(t, "read by write", use(Read), nil)
	is(t, "a scope it lacks", use(Admin), ErrScope)
	u, _, err := h.ByToken(ctx, secret, Write)
	if err != nil || u.Name != "alice" || u.MSP != "Producer" || u.Party != "greenfield-dairy" {
		t.Errorf("%+v, %v", u, err)
	}
	if all, err := h.Tokens(ctx, "alice"); err != nil || len(all) != 1 || all[0].ID != made.ID || all[0].Label != "the till" ||
		!all[0].Used.Equal(h.now) || !all[0].Expires.Equal(made.Expires) || len(all[0].Scopes) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
	is(t, "revoked by another", h.RevokeToken(ctx, "bob", made.ID), ErrToken)
	h.now = made.Expires
	is(t, "expired", use(Capture), ErrTokenExpired)
	h.now = h.now.Add(-time.Minute)
	is(t, "revoked by its owner", h.RevokeToken(ctx, "alice", made.ID), nil)
	is(t, "revoked", use(Capture), ErrTokenRevoked)
}

func TestTokenRefuses(t *testing.T) {
	h := open(t)
	ctx := t.Context()
	create := func(name string, validFor time.Duration, granted ...Scope) error {
		_, _, err := h.CreateToken(ctx, name, "", granted, validFor)
		return err
	}
	is(t, "no scope", create("alice", 0), ErrUnknownScope)
	is(t, "another scope", create("alice", 0, "everything"), ErrUnknownScope)
	is(t, "for ever", create("alice", 1000*24*time.Hour, Read), ErrTokenValidity)
	is(t, "backwards", create("alice", -time.Hour, Read), ErrTokenValidity)
	is(t, "nobody", create("nobody", 0, Read), ErrUnknownName)
	for _, s := range []string{"", "tw_", newToken(), newToken()[1:], strings.ToUpper(newToken())} {
		_, _, err := h.ByToken(ctx, s, Read)
		is(t, s, err, ErrToken)
	}
}

func TestAdminHoldsAllScopes(t *testing.T) {
	for _, s := range scopes {
		if !(Token{Scopes: []Scope{Admin}}).Allows(s) {
			t.Errorf("admin lacks %s", s)
		}
		if (Token{}).Allows(s) {
			t.Errorf("nothing allows %s", s)
		}
	}
	if (Token{Scopes: []Scope{Capture}}).Allows(Read) {
		t.Error("a machine that captures can read")
	}
}

// Every single wrong character is found without asking the database.
func TestAMistypedTokenIsNotWellFormed(t *testing.T) {
	good := newToken()
	if !wellFormed(good) {
		t.Fatal(good)
	}
	for i := range good {
		wrong := []byte(good)
		if wrong[i] == 'b' {
			wrong[i] = 'c'
		} else {
			wrong[i] = 'b'
		}
		if wellFormed(string(wrong)) {
			t.Errorf("%s passes for %s", wrong, good)
		}
	}
}

func FuzzWellFormed(f *testing.F) {
	f.Add(newToken())
	f.Add("tw_")
	f.Add("tw_" + strings.Repeat("a", bodySize+checkSize))
	f.Add("tw_" + strings.Repeat("\n", bodySize+checkSize))
	f.Fuzz(func(t *testing.T, s string) {
		if wellFormed(s) && (len(s) != len(newToken()) || tokenText(s[3:3+bodySize]) != s) {
			t.Errorf("%q", s)
		}
	})
}
