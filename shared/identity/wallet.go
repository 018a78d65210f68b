package identity

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// The wallet's files, all sealed: members/<MSP>/authority,
// members/<MSP>/node, members/<MSP>/users/<name>.
const (
	membersDir    = "members"
	authorityFile = "authority"
	nodeFile      = "node"
	usersDir      = "users"
)

// renewBefore is how long before its end a node's certificate is replaced.
const renewBefore = 30 * 24 * time.Hour

// Wallet keeps the members' authorities and everyone's keys in a folder,
// encrypted at rest. Several processes may share it: each sees what another
// wrote at its next look. It is safe for concurrent use.
type Wallet struct {
	vault *vault
	clock func() time.Time

	writing sync.Mutex // one change at a time in this process
	mu      sync.Mutex // guards what follows
	members map[string]cached[*member]
	holders map[string]cached[*holder]
}

// cached is a file's content as long as the file is the same one.
type cached[T any] struct {
	info  fs.FileInfo
	value T
}

// Open opens the wallet in the folder, or begins one. It reads every file, so
// that a damaged one, or a wrong secret, is told now and by name.
func Open(dir string, secret []byte, clock func() time.Time) (*Wallet, error) {
	v, err := openVault(dir, secret)
	if err != nil {
		return nil, err
	}
	w := &Wallet{vault: v, clock: clock, members: map[string]cached[*member]{}, holders: map[string]cached[*holder]{}}
	if err := w.change(w.readAll); err != nil {
		return nil, fmt.Errorf("open the wallet: %w", err)
	}
	return w, nil
}

// CreateMember makes a member's authority and its node's identity. A member
// that exists stays as it is.
func (w *Wallet) CreateMember(mspID string) error {
	if err := (Enrolment{MSP: mspID, User: nodeFile}).check(); err != nil {
		return err
	}
	return w.change(func() error {
		m, err := w.member(mspID)
		if errors.Is(err, ErrUnknownMember) {
			var a *authority
			if a, err = newAuthority(mspID, w.clock()); err != nil {
				return err
			}
			m = &member{msp: mspID, authorities: []*authority{a}, revoked: map[string]time.Time{}}
			err = w.writeMember(m)
		}
		if err != nil {
			return err
		}
		if _, err = w.holder(nodePath(mspID)); !errors.Is(err, ErrUnknownUser) {
			return err
		}
		_, err = w.enrol(m, nodeEnrolment(mspID), nil)
		return err
	})
}

// RenewAuthority gives the member a new root. Certificates of the earlier
// ones stay valid to their own ends.
func (w *Wallet) RenewAuthority(mspID string) error {
	return w.change(func() error {
		m, err := w.member(mspID)
		if err != nil {
			return err
		}
		a, err := newAuthority(mspID, w.clock())
		if err != nil {
			return err
		}
		next := m.clone()
		next.authorities = append(next.authorities, a)
		return w.writeMember(next)
	})
}

// Members lists the members by id, in order.
func (w *Wallet) Members() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(w.vault.dir, membersDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		if _, err := w.member(e.Name()); err == nil {
			all = append(all, e.Name())
		} else if !errors.Is(err, ErrUnknownMember) {
			return nil, err
		}
	}
	return all, nil
}

// Node is the identity with which the member's node endorses. It is renewed
// here when it nears its end.
func (w *Wallet) Node(mspID string) (*Identity, error) {
	h, err := w.live(nodePath(mspID), mspID, nodeFile)
	if err == nil && h.identity.cert.NotAfter.Sub(w.clock()) > renewBefore {
		return h.identity, nil
	}
	if err != nil && !errors.Is(err, ErrExpired) {
		return nil, err
	}
	return w.reissue(nodePath(mspID), nodeEnrolment(mspID), renewBefore)
}

// RotateNode gives the member's node a new key, as Rotate does for a user.
func (w *Wallet) RotateNode(mspID string, overlap time.Duration) (*Identity, error) {
	return w.reissue(nodePath(mspID), nodeEnrolment(mspID), overlap)
}

func nodeEnrolment(mspID string) Enrolment {
	return Enrolment{MSP: mspID, User: nodeFile, node: true}
}

// Free refuses a name that a user or device of the member holds already.
func (w *Wallet) Free(e Enrolment) error {
	if err := e.check(); err != nil {
		return err
	}
	if _, err := w.member(e.MSP); err != nil {
		return err
	}
	switch _, err := w.holder(e.path()); {
	case err == nil:
		return ErrTaken.Refuse("%s of %s", e.User, e.MSP).On("user")
	case !errors.Is(err, ErrUnknownUser):
		return err
	}
	return nil
}

// Issue makes the key and the certificate of a new user or device.
func (w *Wallet) Issue(e Enrolment) (*Identity, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	var id *Identity
	err := w.change(func() error {
		m, err := w.member(e.MSP)
		if err != nil {
			return err
		}
		if err := w.Free(e); err != nil {
			return err
		}
		id, err = w.enrol(m, e, nil)
		return err
	})
	return id, err
}

// Get is a user's identity, refused when it has expired or is revoked.
func (w *Wallet) Get(mspID, user string) (*Identity, error) {
	h, err := w.live(userPath(mspID, user), mspID, user)
	if err != nil {
		return nil, err
	}
	return h.identity, nil
}

// Rotate gives a user a new key and a new certificate that says the same. The
// old one is revoked after the overlap: at once when it is zero.
func (w *Wallet) Rotate(mspID, user string, overlap time.Duration) (*Identity, error) {
	h, err := w.holder(userPath(mspID, user))
	if err != nil {
		return nil, err
	}
	return w.reissue(h.path(), h.Enrolment, overlap)
}

// Reissue gives an existing user a new key and a certificate that says
// something else: other roles, another party.
func (w *Wallet) Reissue(e Enrolment, overlap time.Duration) (*Identity, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	return w.reissue(e.path(), e, overlap)
}

// reissue writes the new key first, with the old certificate's end in the same
// file, and then revokes the old one: a crash in between is made good at Open.
func (w *Wallet) reissue(path string, e Enrolment, overlap time.Duration) (*Identity, error) {
	var id *Identity
	err := w.change(func() error {
		m, err := w.member(e.MSP)
		if err != nil {
			return err
		}
		old, err := w.holder(path)
		if err != nil {
			return err
		}
		ends := append(old.ends(w.clock()), ending{old.serial(), old.identity.cert.NotAfter, w.clock().Add(overlap)})
		if id, err = w.enrol(m, e, ends); err != nil {
			return err
		}
		return w.revoke(m, ends)
	})
	return id, err
}

// Revoke ends a user's certificate now, and an earlier one that overlaps.
func (w *Wallet) Revoke(mspID, user string) error {
	return w.change(func() error {
		m, err := w.member(mspID)
		if err != nil {
			return err
		}
		h, err := w.holder(userPath(mspID, user))
		if err != nil {
			return err
		}
		now := w.clock()
		ends := []ending{{h.serial(), h.identity.cert.NotAfter, now}}
		for _, e := range h.ends(now) {
			ends = append(ends, ending{e.Serial, e.NotAfter, now})
		}
		return w.revoke(m, ends)
	})
}

// Withdraw takes back the key of a user who was never entered: its certificate
// is revoked, then the key is gone and the name free again. What was signed
// with it before stays valid. A user who is not there is no error.
func (w *Wallet) Withdraw(mspID, user string) error {
	err := w.Revoke(mspID, user)
	if errors.Is(err, ErrUnknownUser) {
		return nil
	}
	if err != nil {
		return err
	}
	return w.change(func() error {
		path := userPath(mspID, user)
		defer w.forget(path)
		return removeFile(filepath.Join(w.vault.dir, filepath.FromSlash(path)))
	})
}

// revoke enters certificates into the member's list. An earlier date stays.
func (w *Wallet) revoke(m *member, ends []ending) error {
	next := m.clone()
	for _, e := range ends {
		if at, ok := next.revoked[e.Serial]; !ok || e.At.Before(at) {
			next.revoked[e.Serial] = e.At.UTC()
		}
	}
	return w.writeMember(next)
}

// Card is what the wallet says of one identity, without its key.
type Card struct {
	Enrolment
	Serial    string // hexadecimal
	NotBefore time.Time
	NotAfter  time.Time
	Revoked   time.Time // zero when it is not
}

// List shows a member's users and devices by name.
func (w *Wallet) List(mspID string) ([]Card, error) {
	m, err := w.member(mspID)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(w.vault.dir, membersDir, mspID, usersDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []Card
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), stagePrefix) {
			continue
		}
		h, err := w.holder(strings.Join([]string{membersDir, mspID, usersDir, entry.Name()}, "/"))
		if err != nil {
			return nil, err
		}
		all = append(all, Card{h.Enrolment, h.serial(), h.identity.cert.NotBefore, h.identity.cert.NotAfter, m.revoked[h.serial()]})
	}
	slices.SortFunc(all, func(a, b Card) int { return strings.Compare(a.User, b.User) })
	return all, nil
}

// Expiring lists the users and devices of all members whose certificates end
// within the given time and are not revoked, the most urgent first.
func (w *Wallet) Expiring(within time.Duration) ([]Card, error) {
	members, err := w.Members()
	if err != nil {
		return nil, err
	}
	var due []Card
	for _, mspID := range members {
		cards, err := w.List(mspID)
		if err != nil {
			return nil, err
		}
		due = append(due, slices.DeleteFunc(cards, func(c Card) bool {
			return !c.Revoked.IsZero() || c.NotAfter.Sub(w.clock()) > within
		})...)
	}
	slices.SortStableFunc(due, func(a, b Card) int { return a.NotAfter.Compare(b.NotAfter) })
	return due, nil
}

// RotateExpiring renews the identities that Expiring lists, and returns them as
// they were; the old certificates run out by themselves. One that is made to be
// short-lived is left alone for two thirds of its life.
func (w *Wallet) RotateExpiring(within time.Duration) ([]Card, error) {
	due, err := w.Expiring(within)
	if err != nil {
		return nil, err
	}
	due = slices.DeleteFunc(due, func(c Card) bool { return c.NotAfter.Sub(w.clock()) > c.NotAfter.Sub(c.NotBefore)/3 })
	for i, c := range due {
		if _, err := w.Rotate(c.MSP, c.User, within); err != nil {
			return due[:i], fmt.Errorf("renew %s of %s: %w", c.User, c.MSP, err)
		}
	}
	return due, nil
}

// CACert is the member's roots in PEM, the current one first: earlier ones are
// needed for as long as their certificates are.
func (w *Wallet) CACert(mspID string) ([]byte, error) {
	m, err := w.member(mspID)
	if err != nil {
		return nil, err
	}
	var all []byte
	for _, a := range slices.Backward(m.authorities) {
		all = append(all, encodeCertificate(a.cert.Raw)...)
	}
	return all, nil
}

// CRL is the member's list of revoked certificates as of now in PEM: once
// signed by each of its roots, the current one first, because Fabric believes
// the list of a certificate's own issuer only.
func (w *Wallet) CRL(mspID string) ([]byte, error) {
	m, err := w.member(mspID)
	if err != nil {
		return nil, err
	}
	return m.crl(w.clock())
}

// Authority is what a verifier needs to know of a member.
func (w *Wallet) Authority(mspID string) (*Authority, error) {
	m, err := w.member(mspID)
	if err != nil {
		return nil, err
	}
	return m.public, nil
}

// Rekey seals every file under another master secret. Keep the old secret
// until it returns: after a crash either of the two opens the wallet. Other
// processes that have the wallet open must stop before, and start again with
// the new secret.
func (w *Wallet) Rekey(secret []byte) error {
	return w.change(func() error { return w.vault.rekey(secret) })
}

// change runs one change alone, among the goroutines of this process and
// among processes.
func (w *Wallet) change(f func() error) error {
	w.writing.Lock()
	defer w.writing.Unlock()
	release, err := w.vault.lock()
	if err != nil {
		return err
	}
	defer release()
	return f()
}

// live is a holder whose certificate may be used now.
func (w *Wallet) live(path, mspID, user string) (*holder, error) {
	m, err := w.member(mspID)
	if err != nil {
		return nil, err
	}
	h, err := w.holder(path)
	if err != nil {
		return nil, err
	}
	now := w.clock()
	if at, ok := m.revoked[h.serial()]; ok && !at.After(now) {
		return nil, ErrRevoked.Refuse("%s of %s, on %s", user, mspID, at.UTC().Format(time.DateOnly))
	}
	if err := within(h.identity.cert, now); err != nil {
		return nil, err
	}
	return h, nil
}

// enrol issues a certificate and stores it with its key.
func (w *Wallet) enrol(m *member, e Enrolment, ends []ending) (*Identity, error) {
	der, key, err := m.current().issue(e, w.clock())
	if err != nil {
		return nil, err
	}
	id, err := New(e.MSP, encodeCertificate(der), key)
	if err != nil {
		return nil, err
	}
	return id, w.writeHolder(&holder{Enrolment: e, Ends: ends, identity: id})
}

// readAll reads every file, and enters into the members' lists what a crash in
// the middle of a rotation kept out.
func (w *Wallet) readAll() error {
	return w.vault.walk(func(name string) error {
		parts := strings.Split(name, "/")
		m, err := w.member(parts[1])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if name == memberPath(m.msp) {
			return nil
		}
		h, err := w.holder(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		missing := func(e ending) bool { _, ok := m.revoked[e.Serial]; return !ok }
		if slices.ContainsFunc(h.Ends, missing) {
			return w.revoke(m, h.Ends)
		}
		return nil
	})
}

// member reads a member's file, from memory while the file is the same.
func (w *Wallet) member(mspID string) (*member, error) {
	if !validMSP(mspID) {
		return nil, ErrUnknownMember.Refuse("%s", mspID)
	}
	m, err := recall(w, w.members, memberPath(mspID), decodeMember)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrUnknownMember.Refuse("%s", mspID)
	}
	return m, err
}

// holder reads a user's or a node's file, from memory while it is the same.
func (w *Wallet) holder(path string) (*holder, error) {
	user, err := url.PathUnescape(path[strings.LastIndexByte(path, '/')+1:])
	if err != nil || !validName(user, nameMarks) { // such as "..": no file name of ours
		return nil, ErrUnknownUser.Refuse("%s", user)
	}
	h, err := recall(w, w.holders, path, decodeHolder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrUnknownUser.Refuse("%s", user)
	}
	return h, err
}

// recall looks at the file's entry, which costs about a microsecond, and reads
// the file only when it has been replaced.
func recall[T any](w *Wallet, cache map[string]cached[T], name string, decode func([]byte) (T, error)) (value T, err error) {
	info, err := os.Stat(filepath.Join(w.vault.dir, filepath.FromSlash(name)))
	if err != nil {
		return value, err
	}
	w.mu.Lock()
	known, ok := cache[name]
	w.mu.Unlock()
	if ok && os.SameFile(known.info, info) && known.info.ModTime().Equal(info.ModTime()) && known.info.Size() == info.Size() {
		return known.value, nil
	}
	plain, err := w.vault.read(name)
	if err != nil {
		return value, err
	}
	if value, err = decode(plain); err != nil {
		return value, fmt.Errorf("%s: %w", name, err)
	}
	w.mu.Lock()
	cache[name] = cached[T]{info, value}
	w.mu.Unlock()
	return value, nil
}

// forget drops a file from memory that this process replaces: the clock of a
// file system is too coarse to tell two quick changes apart.
func (w *Wallet) forget(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.members, name)
	delete(w.holders, name)
}
