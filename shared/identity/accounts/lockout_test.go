package accounts

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode"
)

func TestLockGrowsAndSurvivesARestart(t *testing.T) {
	h := open(t)
	for range accountFailures {
		is(t, "a failure", h.try("alice", phrase2), ErrWrongLogin)
	}
	for _, wait := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute,
		16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour} {
		h.Accounts = h.host(t, cheap)
		err := h.try("alice", phrase)
		is(t, "the right password while locked", err, ErrLocked)
		var refusal *chaincode.Refusal
		until := h.now.Add(wait).Format(time.RFC3339)
		if !errors.As(err, &refusal) || !strings.Contains(refusal.Detail(), until) {
			t.Errorf("%v does not say %s", err, until)
		}
		h.now = h.now.Add(wait - time.Second)
		is(t, "a second before the end", h.try("alice", phrase), ErrLocked)
		h.now = h.now.Add(time.Second)
		is(t, "after the end", h.try("alice", phrase2), ErrWrongLogin)
	}
	h.now = h.now.Add(time.Hour)
	is(t, "the right password", h.try("alice", phrase), nil)
	is(t, "one failure after it", h.try("alice", phrase2), ErrWrongLogin)
	is(t, "the right password again", h.try("alice", phrase), nil)
}

func TestOldFailuresAreForgotten(t *testing.T) {
	h := open(t)
	for range 2 {
		for range accountFailures - 1 {
			is(t, "one failure less than lock", h.try("alice", phrase2), ErrWrongLogin)
		}
		h.now = h.now.Add(forgetAfter + time.Minute)
	}
	is(t, "a failure on the third day", h.try("alice", phrase2), ErrWrongLogin)
	is(t, "the right password after it", h.try("alice", phrase), nil)
	h.now = h.now.Add(forgetAfter + time.Minute)
	if err := h.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if dump := dumpTable(t, h.sql, "account_failures"); dump != "" {
		t.Errorf("kept: %s", dump)
	}
}

func TestAnAddressThatGuessesManyNamesIsLocked(t *testing.T) {
	h := open(t)
	from := func(address, name, password string) error {
		_, err := h.Authenticate(t.Context(), Attempt{Name: name, Password: password, Address: address})
		return err
	}
	for i := range addressFailures {
		is(t, "a guess", from(fmt.Sprintf("[2001:db8::%x]:1234", i+1), fmt.Sprint("user", i), phrase2), ErrWrongLogin)
	}
	is(t, "the same network", from("2001:db8::ffff", "alice", phrase), ErrLocked)
	is(t, "another network", from("2001:db8:0:1::1", "alice", phrase), nil)
}

// Logging in oneself does not pay for guessing others.
func TestOwnLoginsDoNotClearTheAddress(t *testing.T) {
	h := open(t)
	for i := range addressFailures {
		is(t, "a guess", h.try(fmt.Sprint("user", i), phrase2), ErrWrongLogin)
		if i < addressFailures-1 {
			is(t, "one's own", h.try("alice", phrase), nil)
		}
	}
	is(t, "after all guesses", h.try("alice", phrase), ErrLocked)
}

func TestManyAtOnceGuessNoMore(t *testing.T) {
	h := open(t)
	var looked atomic.Int32
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if errors.Is(h.try("alice", phrase2), ErrWrongLogin) {
				looked.Add(1)
			}
		})
	}
	wg.Wait()
	if looked.Load() != accountFailures {
		t.Errorf("%d guesses were looked at", looked.Load())
	}
}

func TestUnlock(t *testing.T) {
	h := open(t)
	for range accountFailures {
		h.try("alice", phrase2)
	}
	is(t, "locked", h.try("alice", phrase), ErrLocked)
	if err := h.Unlock(t.Context(), "Alice"); err != nil {
		t.Fatal(err)
	}
	is(t, "unlocked", h.try("alice", phrase), nil)
}

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "192.0.2.7:80": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "[fe80::1%eth0]:443": "fe80::/64", "": "", "pipe": "pipe",
	} {
		if got := network(address); got != want {
			t.Errorf("network(%q) = %q, want %q", address, got, want)
		}
	}
}
