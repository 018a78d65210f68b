package accounts

import (
	"testing"
	"time"
)

func (h *house) login(t *testing.T, previous string) string {
	t.Helper()
	_, secret, err := h.Login(t.Context(), Attempt{Name: "alice", Password: phrase, Address: "192.0.2.1", Agent: "Firefox"}, previous)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func (h *house) session(t *testing.T, secret string) error {
	_, _, err := h.BySession(t.Context(), secret)
	return err
}

func TestSessionsEnd(t *testing.T) {
	h := open(t)
	secret := h.login(t, "")
	h.now = h.now.Add(DefaultIdle - time.Second)
	is(t, "just before idling out", h.session(t, secret), nil)
	h.now = h.now.Add(DefaultIdle - time.Second)
	is(t, "kept by use", h.session(t, secret), nil)
	h.now = h.now.Add(DefaultIdle)
	is(t, "idle", h.session(t, secret), ErrSessionExpired)

	secret = h.login(t, "")
	for end := h.now.Add(DefaultAbsolute); h.now.Before(end); h.now = h.now.Add(20 * time.Minute) {
		is(t, "in use", h.session(t, secret), nil)
	}
	is(t, "in use for too long", h.session(t, secret), ErrSessionExpired)
	for _, s := range []string{"", "x", secret + "x"} {
		is(t, "no secret of ours", h.session(t, s), ErrSessionExpired)
	}
	if err := h.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if dump := dumpTable(t, h.sql, "account_sessions"); dump != "" {
		t.Errorf("kept: %s", dump)
	}
}

func TestALoginChangesTheSecret(t *testing.T) {
	h := open(t)
	first := h.login(t, "")
	second := h.login(t, first)
	if first == second || len(second) < 43 {
		t.Errorf("%q after %q", second, first)
	}
	is(t, "the secret from before", h.session(t, first), ErrSessionExpired)
	is(t, "the new one", h.session(t, second), nil)
}

func TestSessionsAreListedAndEnded(t *testing.T) {
	h := open(t)
	ctx := t.Context()
	h.enrol(t, "bob", phrase2)
	first := h.login(t, "")
	h.now = h.now.Add(time.Minute)
	second, third := h.login(t, ""), h.login(t, "")
	all, err := h.Sessions(ctx, "Alice")
	if err != nil || len(all) != 3 || all[2].ID != digest(first) || all[2].Agent != "Firefox" || all[2].Address != "192.0.2.1" {
		t.Fatalf("%+v, %v", all, err)
	}
	is(t, "another user's", h.RevokeSession(ctx, "bob", digest(first)), ErrSessionExpired)
	is(t, "still there", h.session(t, first), nil)
	is(t, "one's own", h.RevokeSession(ctx, "alice", digest(first)), nil)
	is(t, "revoked", h.session(t, first), ErrSessionExpired)
	if err := h.Logout(ctx, second); err != nil {
		t.Fatal(err)
	}
	is(t, "logged out", h.session(t, second), ErrSessionExpired)
	is(t, "another browser", h.session(t, third), nil)
	if err := h.RevokeSessions(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	is(t, "all revoked", h.session(t, third), ErrSessionExpired)
}

func TestCSRF(t *testing.T) {
	h := open(t)
	mine, other := h.login(t, ""), h.login(t, "")
	is(t, "one's own", CheckCSRF(mine, CSRF(mine)), nil)
	is(t, "another session's", CheckCSRF(mine, CSRF(other)), ErrCSRF)
	is(t, "none", CheckCSRF(mine, ""), ErrCSRF)
	is(t, "no session", CheckCSRF("", CSRF("")), ErrCSRF)
}
