package accounts

import (
	"errors"
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/identity"
)

// keys are those of the house's wallet; issue may fail or stop in its middle.
func (h *house) keys(user string, issue func(issued func() error) error) Keys {
	e := identity.Enrolment{MSP: "Producer", User: user, Party: "greenfield-dairy", Roles: []string{"operator"}}
	issued := func() error { _, err := h.wallet.Issue(e); return err }
	return Keys{Free: func() error { return h.wallet.Free(e) }, Withdraw: h.wallet.Withdraw, Issue: func() error { return issue(issued) }}
}

func whole(issued func() error) error { return issued() }

// neither expects that no account and no key of the name is left.
func (h *house) neither(t *testing.T, why, user string) {
	t.Helper()
	_, err := h.User(t.Context(), user)
	is(t, why+": account", err, ErrUnknownName)
	_, err = h.wallet.Get("Producer", user)
	is(t, why+": key", err, identity.ErrUnknownUser)
}

func TestAccountAndKeyComeTogether(t *testing.T) {
	h := open(t)
	enter := func(name, password string, issue func(func() error) error) error {
		return h.Enter(t.Context(), Registration{Name: name, Display: name, MSP: "Producer", Password: password}, "greenfield-dairy", h.keys(name, issue))
	}
	if err := enter("bob", phrase, whole); err != nil {
		t.Fatal(err)
	}
	if err := h.try("bob", phrase); err != nil {
		t.Fatalf("bob cannot log in: %v", err)
	}

	is(t, "the name in capitals", enter("BOB", phrase, whole), ErrNameTaken)
	_, err := h.wallet.Get("Producer", "BOB")
	is(t, "a key of a name that is taken", err, identity.ErrUnknownUser)
	is(t, "a short password", enter("carol", "short", whole), ErrPasswordShort)
	h.neither(t, "after a bad password", "carol")
	broken := errors.New("no room for a key")
	if err := enter("carol", phrase, func(func() error) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	h.neither(t, "after a fault", "carol")

	// Somebody who has a key and no account keeps it.
	if _, err := h.wallet.Issue(identity.Enrolment{MSP: "Producer", User: "secretary"}); err != nil {
		t.Fatal(err)
	}
	is(t, "a key that is held", enter("secretary", phrase, whole), identity.ErrTaken)
	if _, err := h.wallet.Get("Producer", "secretary"); err != nil {
		t.Error(err)
	}
}

// A program that dies between the steps leaves what the next one clears, and
// nobody finds a half user meanwhile.
func TestACrashLeavesNeitherAccountNorKey(t *testing.T) {
	h := open(t)
	dies := func(name string, after bool) {
		defer func() { recover() }()
		h.Enter(t.Context(), Registration{Name: name, Display: name, MSP: "Producer", Password: phrase}, "", h.keys(name, func(issued func() error) error {
			if after {
				issued()
			}
			panic("the lights go out")
		}))
	}
	dies("dave", false)
	dies("erin", true)
	dies("finn", true)
	_, err := h.User(t.Context(), "erin")
	is(t, "half a user", err, ErrUnknownName)
	is(t, "half a user at the door", h.try("erin", phrase), ErrWrongLogin)
	is(t, "half a user to enable", h.Enable(t.Context(), "erin"), ErrUnknownName)
	if all, err := h.List(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("listed %+v, %v", all, err)
	}
	again := func(name string) error {
		return h.Enter(t.Context(), Registration{Name: name, Display: name, MSP: "Producer", Password: phrase}, "", h.keys(name, whole))
	}
	is(t, "while it may be under way", again("dave"), ErrNameTaken)

	h.now = h.now.Add(2 * time.Minute)
	if err := again("finn"); err != nil {
		t.Errorf("the name is not free again: %v", err)
	}
	if err := h.ClearAbandoned(t.Context(), h.wallet.Withdraw); err != nil {
		t.Fatal(err)
	}
	h.neither(t, "before the key", "dave")
	h.neither(t, "after the key", "erin")
	if _, err := h.User(t.Context(), "finn"); err != nil {
		t.Error(err)
	}
}
