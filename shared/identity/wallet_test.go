package identity

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestTheWalletKeepsItsIdentities(t *testing.T) {
	w, alice, c := open(t)
	again := reopen(t, w.vault.dir, secret, c)
	got, err := again.Get("Producer", "alice")
	if err != nil || !bytes.Equal(got.Creator(), alice.Creator()) {
		t.Fatalf("after reopening: %v", err)
	}
	if members, err := again.Members(); err != nil || len(members) != 1 || members[0] != "Producer" {
		t.Errorf("members = %v, %v", members, err)
	}
	if err := again.CreateMember("Producer"); err != nil {
		t.Error(err)
	}
	if same, _ := again.Get("Producer", "alice"); same == nil {
		t.Error("creating a member twice lost its user")
	}
}

func TestWalletRefuses(t *testing.T) {
	w, _, _ := open(t)
	get := func(mspID, user string) error { _, err := w.Get(mspID, user); return err }
	issue := func(e Enrolment) error { _, err := w.Issue(e); return err }
	for name, tt := range map[string]struct{ got, want error }{
		"an unknown member":     {get("Bank", "alice"), ErrUnknownMember},
		"a path as a member":    {get("../..", "alice"), ErrUnknownMember},
		"an unknown user":       {get("Producer", "bob"), ErrUnknownUser},
		"a path as a user":      {get("Producer", ".."), ErrUnknownUser},
		"a taken name":          {issue(Enrolment{MSP: "Producer", User: "alice"}), ErrTaken},
		"a slash":               {issue(Enrolment{MSP: "Producer", User: "a/b"}), ErrEnrolment},
		"a comma in a role":     {issue(Enrolment{MSP: "Producer", User: "b", Roles: []string{"a,b"}}), ErrEnrolment},
		"a name that is a dot":  {issue(Enrolment{MSP: "Producer", User: "."}), ErrEnrolment},
		"a negative validity":   {issue(Enrolment{MSP: "Producer", User: "b", ValidFor: -1}), ErrEnrolment},
		"a long name":           {issue(Enrolment{MSP: "Producer", User: strings.Repeat("a", 65)}), ErrEnrolment},
		"a member with a slash": {w.CreateMember("a/b"), ErrEnrolment},
	} {
		if !errors.Is(tt.got, tt.want) {
			t.Errorf("%s: %v", name, tt.got)
		}
	}
	if err := issue(Enrolment{MSP: "Producer", User: "王小明", Device: true}); err != nil {
		t.Errorf("a Chinese name: %v", err)
	}
	if err := get("Producer", "王小明"); err != nil {
		t.Error(err)
	}
}

func TestRotation(t *testing.T) {
	for _, overlap := range []time.Duration{0, 24 * time.Hour} {
		t.Run(overlap.String(), func(t *testing.T) {
			w, old, c := open(t)
			v := NewVerifier(w, c.now)
			fresh, err := w.Rotate("Producer", "alice", overlap)
			if err != nil {
				t.Fatal(err)
			}
			if fresh.Key().Equal(old.Key()) {
				t.Error("the key stayed")
			}
			if got, _ := w.Get("Producer", "alice"); got == nil || !got.Key().Equal(fresh.Key()) || got.Caller().Party != "greenfield-dairy" {
				t.Error("the wallet does not hold the new key with the old attributes")
			}
			_, err = v.Verify(old.Creator(), message, signed(t, old))
			if overlap > 0 && err != nil || overlap == 0 && !errors.Is(err, ErrRevoked) {
				t.Errorf("the old key: %v", err)
			}
			c.Time = c.Add(overlap)
			if _, err = v.Verify(old.Creator(), message, signed(t, old)); !errors.Is(err, ErrRevoked) {
				t.Errorf("the old key after the overlap: %v", err)
			}
			if _, err = v.Verify(fresh.Creator(), message, signed(t, fresh)); err != nil {
				t.Errorf("the new key: %v", err)
			}
		})
	}
}

func TestRevokingEndsAnOverlapToo(t *testing.T) {
	w, old, c := open(t)
	fresh, err := w.Rotate("Producer", "alice", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Revoke("Producer", "alice"); err != nil {
		t.Fatal(err)
	}
	v := NewVerifier(w, c.now)
	for _, id := range []*Identity{old, fresh} {
		if _, err := v.Verify(id.Creator(), message, signed(t, id)); !errors.Is(err, ErrRevoked) {
			t.Error(err)
		}
	}
	if _, err := w.Get("Producer", "alice"); !errors.Is(err, ErrRevoked) {
		t.Error(err)
	}
	if cards, err := w.List("Producer"); err != nil || len(cards) != 1 || cards[0].Revoked.IsZero() {
		t.Errorf("cards = %+v, %v", cards, err)
	}
}

func TestReissueChangesRoles(t *testing.T) {
	w, _, _ := open(t)
	id, err := w.Reissue(Enrolment{MSP: "Producer", User: "alice", Party: "greenfield-dairy", Roles: []string{"admin"}}, 0)
	if err != nil || !id.Caller().Has("admin") || id.Caller().Has("operator") {
		t.Errorf("%+v, %v", id.Caller(), err)
	}
}

func TestExpiringIdentitiesAreRenewed(t *testing.T) {
	w, _, c := open(t)
	if _, err := w.Issue(Enrolment{MSP: "Producer", User: "gauge", Device: true, ValidFor: 10 * 24 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	due, err := w.Expiring(30 * 24 * time.Hour)
	if err != nil || len(due) != 1 || due[0].User != "gauge" || !due[0].Device {
		t.Fatalf("due = %+v, %v", due, err)
	}
	c.Time = c.Add(11 * 24 * time.Hour)
	if _, err := w.Get("Producer", "gauge"); !errors.Is(err, ErrExpired) {
		t.Errorf("an expired identity was given out: %v", err)
	}
	if _, err := w.RotateExpiring(5 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Get("Producer", "gauge"); err != nil {
		t.Error(err)
	}
	c.Time = c.Add(nodeValidity)
	if node, err := w.Node("Producer"); err != nil || !node.Certificate().NotAfter.After(c.now()) {
		t.Errorf("the node was not renewed: %v", err)
	}
}

func TestAChangedFileIsNamed(t *testing.T) {
	for _, name := range []string{"authority", "node", "users/alice"} {
		t.Run(name, func(t *testing.T) {
			w, _, c := open(t)
			path := filepath.Join(w.vault.dir, "members/Producer", name)
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(whole, []byte("Producer")) {
				t.Error("the file can be read without the secret")
			}
			for what, b := range map[string][]byte{
				"a flipped bit": flip(whole, len(whole)-1), "a flipped nonce": flip(whole, sealHeader-1),
				"cut short": whole[:len(whole)-1], "emptied": nil,
			} {
				if err := os.WriteFile(path, b, 0o600); err != nil {
					t.Fatal(err)
				}
				_, err := Open(w.vault.dir, secret, c.now)
				if !errors.Is(err, ErrTampered) || !strings.Contains(err.Error(), "members/Producer/"+name) {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}

func TestFilesCannotBeExchanged(t *testing.T) {
	w, _, c := open(t)
	issue(t, w, "bob")
	users := filepath.Join(w.vault.dir, "members/Producer/users")
	b, err := os.ReadFile(filepath.Join(users, "bob"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(users, "alice"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Get("Producer", "alice"); !errors.Is(err, ErrTampered) {
		t.Errorf("bob's file passed for alice's: %v", err)
	}
	if _, err := Open(w.vault.dir, secret, c.now); !errors.Is(err, ErrTampered) {
		t.Error(err)
	}
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

func TestAWrongSecretIsToldApart(t *testing.T) {
	w, _, c := open(t)
	if _, err := Open(w.vault.dir, []byte("another secret of thirty-two byt"), c.now); !errors.Is(err, ErrSecret) || errors.Is(err, ErrTampered) {
		t.Errorf("another secret: %v", err)
	}
	if _, err := Open(w.vault.dir, []byte("short"), c.now); err == nil {
		t.Error("a short secret was taken")
	}
}

func TestMasterSecret(t *testing.T) {
	dir := t.TempDir()
	first, err := MasterSecret(dir)
	if err != nil || len(first) != 32 {
		t.Fatalf("%x, %v", first, err)
	}
	if again, err := MasterSecret(dir); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the secret changed: %v", err)
	}
	name := filepath.Join(dir, secretName)
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := MasterSecret(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a secret for all to read: %v", err)
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	w, _, _ := open(t)
	err := filepath.Walk(w.vault.dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 && path != w.vault.dir {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A crash before the rename leaves a stage file beside the old one.
func TestACrashBeforeTheRenameLeavesTheOldKey(t *testing.T) {
	w, alice, c := open(t)
	stage := filepath.Join(w.vault.dir, "members/Producer/users", stagePrefix+"1")
	if err := os.WriteFile(stage, []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := reopen(t, w.vault.dir, secret, c)
	if got, err := again.Get("Producer", "alice"); err != nil || !got.Key().Equal(alice.Key()) {
		t.Errorf("the old key: %v", err)
	}
	if _, err := os.Stat(stage); !os.IsNotExist(err) {
		t.Error("the stage file stayed")
	}
}

// A crash after the new key and before the revocation is made good at Open.
func TestACrashInARotationIsMadeGood(t *testing.T) {
	w, old, c := open(t)
	member := filepath.Join(w.vault.dir, "members/Producer/authority")
	before, err := os.ReadFile(member)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Rotate("Producer", "alice", 0); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(member, before, 0o600); err != nil {
		t.Fatal(err)
	}
	v := NewVerifier(reopen(t, w.vault.dir, secret, c), c.now)
	if _, err := v.Verify(old.Creator(), message, signed(t, old)); !errors.Is(err, ErrRevoked) {
		t.Errorf("the old key outlived the crash: %v", err)
	}
}

func TestRekey(t *testing.T) {
	next := []byte("the next secret of 32 bytes ....")
	w, alice, c := open(t)
	if err := w.Rekey(next); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Get("Producer", "alice"); err != nil {
		t.Error(err)
	}
	if _, err := Open(w.vault.dir, secret, c.now); !errors.Is(err, ErrSecret) {
		t.Errorf("the old secret: %v", err)
	}
	if got, err := reopen(t, w.vault.dir, next, c).Get("Producer", "alice"); err != nil || !got.Key().Equal(alice.Key()) {
		t.Errorf("the new secret: %v", err)
	}
}

// Wherever a change of the secret is cut off, either secret opens the wallet.
func TestRekeySurvivesACrash(t *testing.T) {
	next := []byte("the next secret of 32 bytes ....")
	for _, opener := range [][]byte{secret, next} {
		w, alice, c := open(t)
		path := filepath.Join(w.vault.dir, "members/Producer/users/alice")
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		from, to := w.vault.key(), mustKey(t, next)
		if err := w.Rekey(next); err != nil {
			t.Fatal(err)
		}
		// as it was in the middle: one file not resealed yet, the bridge still there
		bridge := append(from.seal(rekeyName, to.raw), to.seal(rekeyName, from.raw)...)
		if err := errors.Join(os.WriteFile(path, old, 0o600), os.WriteFile(filepath.Join(w.vault.dir, rekeyName), bridge, 0o600)); err != nil {
			t.Fatal(err)
		}
		again := reopen(t, w.vault.dir, opener, c)
		if got, err := again.Get("Producer", "alice"); err != nil || !got.Key().Equal(alice.Key()) {
			t.Errorf("%q: %v", opener, err)
		}
		reopen(t, w.vault.dir, opener, c)
	}
}

func mustKey(t *testing.T, secret []byte) *sealKey {
	t.Helper()
	k, err := deriveKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Two processes enrol users of the same member in the same folder.
func TestTwoProcessesShareAWallet(t *testing.T) {
	const each = 20
	if dir := os.Getenv("IDENTITY_TEST_DIR"); dir != "" {
		w := reopen(t, dir, secret, &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)})
		for i := range each {
			user := fmt.Sprintf("child%d", i)
			issue(t, w, user)
			if err := w.Revoke("Producer", user); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	w, _, _ := open(t)
	child := exec.Command(os.Args[0], "-test.run=^TestTwoProcessesShareAWallet$")
	child.Env = append(os.Environ(), "IDENTITY_TEST_DIR="+w.vault.dir)
	out := &bytes.Buffer{}
	child.Stdout, child.Stderr = out, out
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range each {
		wg.Go(func() {
			user := fmt.Sprintf("own%d", i)
			issue(t, w, user)
			if err := w.Revoke("Producer", user); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := child.Wait(); err != nil {
		t.Fatalf("the other process: %v\n%s", err, out)
	}
	a, err := w.Authority("Producer")
	if err != nil || len(a.Revoked) != 2*each {
		t.Errorf("%d of %d revocations stand, %v", len(a.Revoked), 2*each, err)
	}
}

// A process is killed while it rotates; whatever it leaves opens, and holds a
// key that is valid.
func TestKilledInTheMiddle(t *testing.T) {
	if dir := os.Getenv("IDENTITY_TEST_KILLED"); dir != "" {
		w := reopen(t, dir, secret, &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)})
		for fmt.Println("rotating"); ; {
			if _, err := w.Rotate("Producer", "alice", 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	w, first, c := open(t)
	for round := range 6 {
		child := exec.Command(os.Args[0], "-test.run=^TestKilledInTheMiddle$")
		child.Env = append(os.Environ(), "IDENTITY_TEST_KILLED="+w.vault.dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Fatalf("the other process did not begin: %v", err)
		}
		time.Sleep(time.Duration(10+7*round) * time.Millisecond)
		child.Process.Kill()
		child.Wait()
		again := reopen(t, w.vault.dir, secret, c)
		alice, err := again.Get("Producer", "alice")
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		v := NewVerifier(again, c.now)
		if _, err := v.Verify(alice.Creator(), message, signed(t, alice)); err != nil {
			t.Errorf("round %d: the key that is left: %v", round, err)
		}
		if _, err := v.Verify(first.Creator(), message, signed(t, first)); !errors.Is(err, ErrRevoked) && !alice.Key().Equal(first.Key()) {
			t.Errorf("round %d: the first key: %v", round, err)
		}
		first = alice
	}
}
