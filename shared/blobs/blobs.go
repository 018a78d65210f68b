// Package blobs keeps files that are too large for a table and too private for
// the ledger: photos, documents. A blob is named by the SHA-256 of its content,
// so that writing it twice is writing it once, and reading it checks it.
//
// They lie in a folder of this machine, or in a bucket of an object store that
// speaks S3 and that many hosts share.
package blobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Store keeps blobs.
type Store struct{ place }

// place is where the files lie. Every name that it is asked for is a blob's.
type place interface {
	// put returns when the content is safe; one that is there already is as
	// young as a new one afterwards, so that nobody sweeps it away meanwhile.
	put(ctx context.Context, name string, content []byte) error
	// get is ErrNotFound where there is none.
	get(ctx context.Context, name string) ([]byte, error)
	// remove is no error where there is none.
	remove(ctx context.Context, name string) error
	// sweep removes what was written before a moment and is not wanted; what has
	// no blob's name is a write that came to nothing.
	sweep(ctx context.Context, before time.Time, wanted func(name string) (bool, error)) error
	// folder is where the files lie on this machine, or "".
	folder() string
}

// ErrNotFound says that there is no such blob, or none any more.
var ErrNotFound = errors.New("there is no such file")

// ErrDamaged says that a blob is not what its name says.
var ErrDamaged = errors.New("the file is damaged: it is not what its name says")

// Open opens a store by its address: file:///folder, or s3://bucket/prefix with
// endpoint and region behind a question mark.
func Open(address string) (*Store, error) {
	var at place
	u, err := url.Parse(address)
	switch {
	case err != nil:
	case u.Scheme == "file":
		at, err = openFolder(strings.TrimPrefix(address, "file://"))
	case u.Scheme == "s3":
		at, err = openBucket(u)
	default:
		err = errors.New("say file:///folder or s3://bucket?endpoint=https://…&region=…")
	}
	if err != nil {
		return nil, fmt.Errorf("--blobs %q: %w", address, err)
	}
	return &Store{at}, nil
}

// Name is a content's name: its SHA-256 in hexadecimal digits.
func Name(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Put keeps a content and returns its name. When it returns, the content is on
// the disk, or the object store has answered for it.
func (s *Store) Put(ctx context.Context, content []byte) (name string, err error) {
	name = Name(content)
	if err := s.put(ctx, name, content); err != nil {
		return "", fmt.Errorf("keep a file: %w", err)
	}
	return name, nil
}

// Get reads a content and checks it against its name.
func (s *Store) Get(ctx context.Context, name string) ([]byte, error) {
	if !isName(name) {
		return nil, ErrNotFound
	}
	content, err := s.get(ctx, name)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("read a file: %w", err)
	case Name(content) != name:
		return nil, ErrDamaged
	}
	return content, nil
}

// Delete forgets a content; that there is none is no error.
func (s *Store) Delete(ctx context.Context, name string) error {
	if !isName(name) {
		return nil
	}
	if err := s.remove(ctx, name); err != nil {
		return fmt.Errorf("delete a file: %w", err)
	}
	return nil
}

// Sweep deletes what was written before a moment and is not wanted: left behind
// by writes that came to nothing.
func (s *Store) Sweep(ctx context.Context, before time.Time, wanted func(name string) (bool, error)) error {
	return s.sweep(ctx, before, wanted)
}

// Dir is where the files lie on this machine, for a backup; "" is elsewhere.
func (s *Store) Dir() string { return s.folder() }

func isName(name string) bool {
	b, err := hex.DecodeString(name)
	return err == nil && len(b) == sha256.Size && strings.ToLower(name) == name
}
