package station

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// doors knows the devices' passwords.
type doors struct {
	db *readmodel.DB

	mu   sync.RWMutex
	keys map[iot.ID]lock
}

type lock struct{ salt, hash []byte }

func openDoors(ctx context.Context, db *readmodel.DB) (*doors, error) {
	type row struct{ Party, Name, Salt, Hash string }
	rows, err := readmodel.All[row](ctx, db, `SELECT party, name, salt, hash FROM tr_device_secrets`)
	if err != nil {
		return nil, fmt.Errorf("read the passwords of devices: %w", err)
	}
	d := &doors{db: db, keys: map[iot.ID]lock{}}
	for _, r := range rows {
		salt, err1 := hex.DecodeString(r.Salt)
		hash, err2 := hex.DecodeString(r.Hash)
		if err1 == nil && err2 == nil {
			d.keys[iot.ID{Party: r.Party, Name: r.Name}] = lock{salt, hash}
		}
	}
	return d, nil
}

func hashOf(salt, password []byte) []byte {
	h := sha256.New()
	h.Write(salt)
	h.Write(password)
	return h.Sum(nil)
}

// fits compares in the same time for devices that there are and that there are
// not.
func (d *doors) fits(id iot.ID, password []byte) bool {
	d.mu.RLock()
	k, known := d.keys[id]
	d.mu.RUnlock()
	if !known {
		k = lock{make([]byte, 16), make([]byte, sha256.Size)}
	}
	return subtle.ConstantTimeCompare(hashOf(k.salt, password), k.hash) == 1 && known
}

// set keeps a password, instead of the one before.
func (d *doors) set(ctx context.Context, id iot.ID, password, by string, now time.Time) error {
	salt := make([]byte, 16)
	rand.Read(salt) // never fails: the runtime stops the program first
	k := lock{salt, hashOf(salt, []byte(password))}
	_, err := d.db.ExecContext(ctx, `INSERT INTO tr_device_secrets (party, name, salt, hash, made, made_by) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (party, name) DO UPDATE SET salt = excluded.salt, hash = excluded.hash, made = excluded.made, made_by = excluded.made_by`,
		id.Party, id.Name, hex.EncodeToString(k.salt), hex.EncodeToString(k.hash), now.UTC(), by)
	if err == nil {
		d.mu.Lock()
		d.keys[id] = k
		d.mu.Unlock()
	}
	return err
}

// NewPassword gives a device a password, which is shown once; the one before is
// void, and who signed in with it is let go.
func (s *Station) NewPassword(ctx context.Context, id iot.ID, by string) (string, error) {
	password := host.NewPassword()
	if err := s.doors.set(ctx, id, password, by, s.host.Now()); err != nil {
		return "", fmt.Errorf("keep the password of %s: %w", id, err)
	}
	s.expel(id)
	return password, nil
}

// door answers the broker.
type door struct{ station *Station }

// Admit lets an active device in with its password.
func (d door) Admit(id iot.ID, password []byte) bool {
	k, ok := d.station.registry.find(id)
	return d.station.doors.fits(id, password) && ok && k.store.Active
}

// Holds lets an active device in with a certificate of its own company's member,
// for it bears the company's name (tw.party).
func (d door) Holds(id iot.ID, certificate *x509.Certificate) bool {
	k, ok := d.station.registry.find(id)
	if !ok || !k.store.Active {
		return false
	}
	authority, err := d.station.host.Wallet.Authority(k.msp)
	if err != nil {
		return false
	}
	return authority.Vouches(certificate, id.Party, d.station.host.Now())
}
