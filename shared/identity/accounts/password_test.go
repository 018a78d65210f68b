package accounts

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPasswords(t *testing.T) {
	a := &Accounts{config: Config{Words: []string{"Greenfield Dairy"}}}
	for password, want := range map[string]error{
		phrase:                     nil,
		phrase2:                    nil,
		"fKx9#mQ2vLp8&Zr":          nil,
		"  leading and trailing  ": nil,
		"春天的风吹过江南的小桥流水人":  ErrPasswordShort, // 14
		"春天的风吹过江南的小桥流水人家": nil,              // 15
		"":                             ErrPasswordShort,
		"fourteen chars":               ErrPasswordShort,
		strings.Repeat("ab1 ", 33):     ErrPasswordLong,
		"valid but \xff not text":      ErrPasswordText,
		"aaaaaaaaaaaaaaaa":             ErrPasswordCommon,
		"abcabcabcabcabcabc":           ErrPasswordCommon,
		"hT4k!hT4k!hT4k!hT4k!":         ErrPasswordCommon,
		"abcdefghijklmnopqrst":         ErrPasswordCommon,
		"98765432109876543210":         ErrPasswordCommon,
		"qwertyuiopasdfghjkl":          ErrPasswordCommon,
		"1qaz2wsx3edc4rfv":             ErrPasswordCommon,
		"password12345678":             ErrPasswordCommon,
		"P@ssw0rdP@ssw0rd!":            ErrPasswordCommon,
		"Correct Horse Battery Staple": ErrPasswordCommon,
		"tallyway-tallyway-2026":       ErrPasswordCommon,
		"Greenfield2026Dairy!":         ErrPasswordCommon,
		"gr33nf1eld-d@1ry-99":          ErrPasswordCommon,
		"alice.liddell.alice":          ErrPasswordCommon,
		"monkey dragon football":       ErrPasswordCommon,
		"我爱中国我爱中国我爱中国我爱中国": ErrPasswordCommon,
		"111111222222333333": ErrPasswordCommon,
	} {
		is(t, fmt.Sprintf("%q", password), a.checkPassword(password, "alice", "Alice Liddell"), want)
	}
	if err := a.checkPassword(strings.Repeat("word gap ", 14)+"mn", "alice"); err != nil { // 128
		t.Error(err)
	}
}

func TestSetPassword(t *testing.T) {
	h := open(t)
	ctx := t.Context()
	_, session, err := h.Login(ctx, Attempt{Name: "alice", Password: phrase}, "")
	if err != nil {
		t.Fatal(err)
	}
	is(t, "too short", h.SetPassword(ctx, "alice", "short"), ErrPasswordShort)
	is(t, "the old one still", h.try("alice", phrase), nil)
	is(t, "a good one", h.SetPassword(ctx, "alice", phrase2), nil)
	is(t, "the old one", h.try("alice", phrase), ErrWrongLogin)
	is(t, "the new one", h.try("alice", phrase2), nil)
	is(t, "with a space after it", h.try("alice", phrase2+" "), ErrWrongLogin)
	_, _, err = h.BySession(ctx, session)
	is(t, "the old session", err, ErrSessionExpired)
}

func TestALoginBringsTheHashUpToDate(t *testing.T) {
	h := open(t)
	dearer := h.host(t, Hashing{Memory: 128, Passes: 2, Threads: 1})
	for _, who := range []*Accounts{h.Accounts, dearer, dearer} {
		if _, err := who.Authenticate(t.Context(), Attempt{Name: "alice", Password: phrase}); err != nil {
			t.Fatal(err)
		}
		row, err := h.find(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		if p, err := parsePHC(row.password); err != nil || p.Hashing != who.config.Hashing {
			t.Errorf("stored %s after a login at %+v: %v", row.password, who.config.Hashing, err)
		}
	}
}

func TestDefaultHashing(t *testing.T) {
	h, err := newHasher(DefaultHashing)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := h.hash(t.Context(), phrase)
	if err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatalf("%s, %v", stored, err)
	}
	if ok, stale, err := h.verify(t.Context(), stored, phrase); !ok || stale || err != nil {
		t.Error(ok, stale, err)
	}
	if ok, _, _ := h.verify(t.Context(), stored, phrase2); ok {
		t.Error("another password fits")
	}
}

// A known answer from outside: RFC 9106 has none without a secret and
// associated data, so this is the reference program's own test.
func TestArgon2KnownAnswer(t *testing.T) {
	h, err := newHasher(cheap)
	if err != nil {
		t.Fatal(err)
	}
	const stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if ok, stale, err := h.verify(t.Context(), stored, "password"); !ok || !stale || err != nil {
		t.Error(ok, stale, err)
	}
}

func TestHashesWaitForASlot(t *testing.T) {
	h, err := newHasher(cheap)
	if err != nil {
		t.Fatal(err)
	}
	for range cap(h.slots) {
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := h.hash(ctx, phrase); err == nil {
		t.Error("one hash more than there are slots")
	}
	for range cap(h.slots) {
		<-h.slots
	}
	var wg sync.WaitGroup
	for range 10 * cap(h.slots) {
		wg.Go(func() {
			if _, err := h.hash(t.Context(), phrase); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$argon2id$v=19$m=+64,t=01,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePHC(s)
		if err == nil && (p.String() != s || p.Memory > maxMemory || p.Passes > maxPasses || p.Threads == 0) {
			t.Errorf("%q was read as %+v", s, p)
		}
	})
}
