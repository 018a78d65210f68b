package accounts

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Hashing is argon2id's cost.
type Hashing struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// DefaultHashing is the first of the settings that OWASP's password storage
// guidance holds to be equally strong: 19 MiB, two passes, one thread.
var DefaultHashing = Hashing{Memory: 19 * 1024, Passes: 2, Threads: 1}

// Sizes in bytes, and the most that a stored string may ask of the machine.
const (
	saltSize   = 16
	hashSize   = 32
	maxMemory  = 256 * 1024 // KiB
	maxPasses  = 16
	maxThreads = 16
)

func (h Hashing) check() error {
	if h.Passes < 1 || h.Passes > maxPasses || h.Threads < 1 || h.Threads > maxThreads ||
		h.Memory < 8*uint32(h.Threads) || h.Memory > maxMemory {
		return fmt.Errorf("argon2id with m=%d, t=%d, p=%d is out of bounds", h.Memory, h.Passes, h.Threads)
	}
	return nil
}

// hasher computes as many hashes at a time as there are processors: more would
// be no faster and would take 19 MiB each.
type hasher struct {
	Hashing
	slots  chan struct{}
	decoy  string // stands in for a user who does not exist
	derive func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte
}

func newHasher(h Hashing) (*hasher, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	made := &hasher{Hashing: h, slots: make(chan struct{}, runtime.GOMAXPROCS(0)), derive: argon2.IDKey}
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails: the runtime stops the program first
	made.decoy = phc{h, salt, make([]byte, hashSize)}.String()
	return made, nil
}

func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	p := phc{Hashing: h.Hashing, salt: make([]byte, saltSize)}
	rand.Read(p.salt)
	var err error
	p.hash, err = h.compute(ctx, p, password, hashSize)
	return p.String(), err
}

// verify tells whether the password fits, and whether it was hashed at
// another cost than today's.
func (h *hasher) verify(ctx context.Context, stored, password string) (ok, stale bool, err error) {
	p, err := parsePHC(stored)
	if err != nil {
		return false, false, err
	}
	if len(password) > maxPassword*4 { // longer than any that was ever taken
		password = ""
	}
	got, err := h.compute(ctx, p, password, len(p.hash))
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(got, p.hash) == 1, p.Hashing != h.Hashing, nil
}

func (h *hasher) compute(ctx context.Context, p phc, password string, size int) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.slots }()
	return h.derive([]byte(password), p.salt, p.Passes, p.Memory, p.Threads, uint32(size)), nil
}

// phc is a hash with what it was made with, in the PHC string format:
// $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>, base64 without padding.
type phc struct {
	Hashing
	salt, hash []byte
}

var phcBase64 = base64.RawStdEncoding.Strict()

func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Passes, p.Threads,
		phcBase64.EncodeToString(p.salt), phcBase64.EncodeToString(p.hash))
}

var errPHC = errors.New("the stored password is not an argon2id hash in PHC format")

// parsePHC reads only what String writes, within bounds.
func parsePHC(s string) (p phc, err error) {
	parts := strings.Split(s, "$")
	if len(s) > 512 || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, errPHC
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.Memory, &p.Passes, &p.Threads); err != nil {
		return phc{}, errPHC
	}
	if p.salt, err = phcBase64.DecodeString(parts[4]); err != nil {
		return phc{}, errPHC
	}
	if p.hash, err = phcBase64.DecodeString(parts[5]); err != nil {
		return phc{}, errPHC
	}
	if p.check() != nil || len(p.salt) < 8 || len(p.hash) < 16 || len(p.hash) > 64 || p.String() != s {
		return phc{}, errPHC
	}
	return p, nil
}
