package identity

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// A sealed file is: the magic, the id of the key that sealed it, a random
// nonce, and AES-256-GCM's ciphertext, bound to the file's name so that files
// cannot be exchanged.
const (
	sealMagic   = "TWV1"
	sealKeyID   = 8 // bytes
	sealNonce   = 12
	sealHeader  = len(sealMagic) + sealKeyID + sealNonce
	secretSize  = 32
	secretName  = "master.secret"
	rekeyName   = "rekey"
	lockName    = "lock"
	stagePrefix = ".stage-"
)

// Faults of the wallet's files. Each is wrapped with the file's name.
var (
	// ErrSecret says that the master secret is not the one in use.
	ErrSecret = errors.New("the master secret is not the one that sealed this file; start with the right secret")
	// ErrTampered says that a file's bytes are not those that were written.
	ErrTampered = errors.New("the file was changed or damaged; restore it from a backup")
)

// MasterSecret loads the wallet's secret from the folder, or makes one. Keep
// it apart from the wallet's backup: together they are every key. A host that
// gets its secret from elsewhere (an environment variable, a key manager)
// does not call this.
func MasterSecret(dir string) ([]byte, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the master secret: %w", err)
	}
	release, err := lockFile(filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	defer release()
	name := filepath.Join(dir, secretName)
	secret, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		secret = make([]byte, secretSize)
		rand.Read(secret) // never fails: the runtime stops the program first
		return secret, writeFile(name, secret)
	}
	if err != nil {
		return nil, fmt.Errorf("read the master secret: %w", err)
	}
	if len(secret) != secretSize {
		return nil, fmt.Errorf("%s holds %d bytes where the master secret has %d: restore it", name, len(secret), secretSize)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others: chmod 600 it", name)
	}
	return secret, nil
}

// sealKey is a key derived from one master secret.
type sealKey struct {
	id   string // sealKeyID bytes; tells keys apart and reveals nothing of them
	aead cipher.AEAD
	raw  []byte
}

func deriveKey(secret []byte) (*sealKey, error) {
	if len(secret) < secretSize {
		return nil, fmt.Errorf("the master secret has %d bytes and needs %d", len(secret), secretSize)
	}
	raw, err := hkdf.Key(sha256.New, secret, nil, "tallyway wallet: sealing key", 32)
	if err != nil {
		return nil, err
	}
	return keyFrom(raw)
}

func keyFrom(raw []byte) (*sealKey, error) {
	id, err := hkdf.Key(sha256.New, raw, nil, "tallyway wallet: key id", sealKeyID)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &sealKey{string(id), aead, raw}, err
}

func (k *sealKey) seal(name string, plain []byte) []byte {
	out := append([]byte(sealMagic), k.id...)
	nonce := make([]byte, sealNonce)
	rand.Read(nonce)
	out = append(out, nonce...)
	return k.aead.Seal(out, nonce, plain, []byte(name))
}

func (k *sealKey) open(name string, sealed []byte) ([]byte, error) {
	if len(sealed) < sealHeader || !bytes.HasPrefix(sealed, []byte(sealMagic)) {
		return nil, fmt.Errorf("%s: %w", name, ErrTampered)
	}
	if string(sealed[len(sealMagic):len(sealMagic)+sealKeyID]) != k.id {
		return nil, fmt.Errorf("%s: %w", name, ErrSecret)
	}
	nonce, body := sealed[sealHeader-sealNonce:sealHeader], sealed[sealHeader:]
	plain, err := k.aead.Open(nil, nonce, body, []byte(name))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, ErrTampered)
	}
	return plain, nil
}

// vault is a folder of sealed files.
type vault struct {
	dir  string
	keys struct {
		sync.RWMutex
		current *sealKey
	}
}

func openVault(dir string, secret []byte) (*vault, error) {
	key, err := deriveKey(secret)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the wallet's folder: %w", err)
	}
	v := &vault{dir: dir}
	v.keys.current = key
	release, err := v.lock()
	if err != nil {
		return nil, err
	}
	defer release()
	if err := v.sweep(); err != nil {
		return nil, err
	}
	return v, v.finishRekey()
}

// lock keeps other processes from writing. Reading needs no lock: files are
// replaced whole.
func (v *vault) lock() (release func(), err error) {
	return lockFile(filepath.Join(v.dir, lockName))
}

func (v *vault) key() *sealKey {
	v.keys.RLock()
	defer v.keys.RUnlock()
	return v.keys.current
}

// read opens a sealed file; name is relative to the folder, with slashes.
func (v *vault) read(name string) ([]byte, error) {
	sealed, err := os.ReadFile(filepath.Join(v.dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	return v.key().open(name, sealed)
}

func (v *vault) write(name string, plain []byte) error {
	full := filepath.Join(v.dir, filepath.FromSlash(name))
	if err := makeFolders(v.dir, filepath.Dir(full)); err != nil {
		return err
	}
	return writeFile(full, v.key().seal(name, plain))
}

// rekey seals every file anew. While it is under way the file "rekey" holds
// each key sealed under the other, so that after a crash either secret opens
// the wallet and brings all files back under itself.
func (v *vault) rekey(secret []byte) error {
	next, err := deriveKey(secret)
	if err != nil {
		return err
	}
	now := v.key()
	bridge := append(now.seal(rekeyName, next.raw), next.seal(rekeyName, now.raw)...)
	if err := writeFile(filepath.Join(v.dir, rekeyName), bridge); err != nil {
		return err
	}
	v.keys.Lock()
	v.keys.current = next
	v.keys.Unlock()
	return v.finishRekey()
}

// finishRekey brings files under the other key of an interrupted change under
// the current one. The caller holds the lock.
func (v *vault) finishRekey() error {
	bridge, err := os.ReadFile(filepath.Join(v.dir, rekeyName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	other, err := v.otherKey(bridge)
	if err != nil {
		return err
	}
	err = v.walk(func(name string) error { return v.reseal(name, other) })
	if err != nil {
		return err
	}
	return removeFile(filepath.Join(v.dir, rekeyName))
}

// otherKey reads the half of the bridge that the current key opens.
func (v *vault) otherKey(bridge []byte) (*sealKey, error) {
	for _, half := range [][]byte{bridge[:len(bridge)/2], bridge[len(bridge)/2:]} {
		raw, err := v.key().open(rekeyName, half)
		if err == nil {
			return keyFrom(raw)
		}
		if !errors.Is(err, ErrSecret) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s: %w", rekeyName, ErrSecret)
}

func (v *vault) reseal(name string, other *sealKey) error {
	sealed, err := os.ReadFile(filepath.Join(v.dir, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	plain, err := other.open(name, sealed)
	if errors.Is(err, ErrSecret) { // resealed before the crash, if it is ours at all
		_, err = v.key().open(name, sealed)
		return err
	}
	if err != nil {
		return err
	}
	return v.write(name, plain)
}

// walk visits the sealed files by name.
func (v *vault) walk(visit func(name string) error) error {
	root := filepath.Join(v.dir, membersDir)
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == root {
			return nil
		}
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), stagePrefix) {
			return err
		}
		rel, err := filepath.Rel(v.dir, path)
		if err != nil {
			return err
		}
		return visit(filepath.ToSlash(rel))
	})
}

// sweep removes what a crash left between writing a file and renaming it. The
// caller holds the lock.
func (v *vault) sweep() error {
	return filepath.WalkDir(v.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasPrefix(d.Name(), stagePrefix) {
			return err
		}
		return os.Remove(path)
	})
}

// writeFile replaces a file whole: whoever reads it sees the old bytes or the
// new ones, also after a power cut.
func writeFile(name string, b []byte) (err error) {
	dir := filepath.Dir(name)
	stage, err := os.CreateTemp(dir, stagePrefix) // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			os.Remove(stage.Name())
		}
	}()
	_, err = stage.Write(b)
	if err == nil {
		err = stage.Sync()
	}
	if closed := stage.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(stage.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return syncFolder(dir)
}

func removeFile(name string) error {
	if err := os.Remove(name); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(name))
}

// makeFolders makes the folders between root and dir, each durably entered in
// the one above.
func makeFolders(root, dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for d := dir; d != root; d = filepath.Dir(d) {
		if err := syncFolder(filepath.Dir(d)); err != nil {
			return err
		}
	}
	return nil
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
