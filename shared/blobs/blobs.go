// Package blobs keeps files that are too large for a table and too private for
// the ledger: photos, documents. A blob is named by the SHA-256 of its content,
// so that writing it twice is writing it once, and reading it checks it.
package blobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Store keeps blobs.
type Store struct{ dir string }

// ErrNotFound says that there is no such blob, or none any more.
var ErrNotFound = errors.New("there is no such file")

// ErrDamaged says that a blob is not what its name says.
var ErrDamaged = errors.New("the file is damaged: it is not what its name says")

// Open opens a store by its address: file:///path.
func Open(address string) (*Store, error) {
	dir, ok := strings.CutPrefix(address, "file://")
	if !ok || !filepath.IsAbs(dir) {
		return nil, fmt.Errorf("--blobs %q: say file:// and an absolute folder", address)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("--blobs: %w", err)
	}
	return &Store{dir}, nil
}

// Name is a content's name: its SHA-256 in hexadecimal digits.
func Name(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Put keeps a content and returns its name. When it returns, the content is on
// the disk.
func (s *Store) Put(_ context.Context, content []byte) (name string, err error) {
	name = Name(content)
	file := s.path(name)
	if _, err := os.Stat(file); err == nil {
		return name, os.Chtimes(file, time.Time{}, time.Now()) // so that nobody sweeps it away meanwhile
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", fmt.Errorf("keep a file: %w", err)
	}
	if err := write(file, content); err != nil {
		return "", fmt.Errorf("keep a file: %w", err)
	}
	return name, nil
}

// write makes the file appear whole or not at all.
func write(file string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	return errors.Join(syncFolder(filepath.Dir(file)), syncFolder(filepath.Dir(filepath.Dir(file))))
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Get reads a content and checks it against its name.
func (s *Store) Get(_ context.Context, name string) ([]byte, error) {
	if !isName(name) {
		return nil, ErrNotFound
	}
	content, err := os.ReadFile(s.path(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("read a file: %w", err)
	case Name(content) != name:
		return nil, ErrDamaged
	}
	return content, nil
}

// Delete forgets a content; that there is none is no error.
func (s *Store) Delete(_ context.Context, name string) error {
	if !isName(name) {
		return nil
	}
	if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete a file: %w", err)
	}
	return nil
}

// Sweep deletes what was written before a moment and is not wanted: left behind
// by writes that came to nothing.
func (s *Store) Sweep(ctx context.Context, before time.Time, wanted func(name string) (bool, error)) error {
	return filepath.WalkDir(s.dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil || info.ModTime().After(before) {
			return ignoreGone(err)
		}
		if isName(d.Name()) {
			if keep, err := wanted(d.Name()); err != nil || keep {
				return err
			}
		}
		return errors.Join(ctx.Err(), ignoreGone(os.Remove(file)))
	})
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Dir is where the files lie, for a backup.
func (s *Store) Dir() string { return s.dir }

// path spreads the files over 256 folders.
func (s *Store) path(name string) string { return filepath.Join(s.dir, name[:2], name) }

func isName(name string) bool {
	b, err := hex.DecodeString(name)
	return err == nil && len(b) == sha256.Size && strings.ToLower(name) == name
}
