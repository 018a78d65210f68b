package traceability

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// fileKeeper keeps the files that records on the ledger are about: photos and
// documents. A file is on the disk before the ledger knows of it, goes again if
// the ledger refuses, and is swept away where nothing on record needs it.
type fileKeeper struct {
	host *host.Host
	db   *readmodel.DB
	// mu is held while a file is noted and written, and while one is forgotten
	// and deleted: two records may have the same file.
	mu   sync.Mutex
	left []leftovers
}

// leftovers are the notes of one kind of files that nothing on record needs.
type leftovers struct {
	find string // ids of notes; $1 is a moment
	drop func(ctx context.Context, id string) error
}

// keep notes files and writes them. It says whether they were not noted before.
func (k *fileKeeper) keep(ctx context.Context, files [][]byte, note string, args ...any) (fresh bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	done, err := k.db.ExecContext(ctx, note, args...)
	if err != nil {
		return false, fmt.Errorf("note a file: %w", err)
	}
	n, err := done.RowsAffected()
	if err != nil {
		return false, err
	}
	for _, file := range files {
		if _, err := k.host.Blobs.Put(ctx, file); err != nil {
			return false, err // the note is swept
		}
	}
	return n > 0, nil
}

// settle takes files back that a refused command was about. Of an unknown
// outcome they stay until tidy has asked.
func (k *fileKeeper) settle(ctx context.Context, err error, fresh bool, drop func(context.Context) error) error {
	if fresh && errors.As(err, new(*chaincode.Refusal)) {
		return errors.Join(err, drop(context.WithoutCancel(ctx)))
	}
	return err
}

// forget deletes a note, and the files that no other note names.
func (k *fileKeeper) forget(ctx context.Context, files []string, note string, args ...any) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, err := k.db.ExecContext(ctx, note, args...); err != nil {
		return fmt.Errorf("forget a file: %w", err)
	}
	for _, name := range files {
		kept, err := k.wanted(ctx, name)
		if err == nil && !kept {
			err = k.host.Blobs.Delete(ctx, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (k *fileKeeper) wanted(ctx context.Context, name string) (bool, error) {
	n, err := readmodel.One[int](ctx, k.db, `SELECT (SELECT COUNT(*) FROM tr_photo_files WHERE sha256 = $1 OR small = $2)
		+ (SELECT COUNT(*) FROM tr_document_files WHERE sha256 = $3)`, name, name, name)
	return n > 0, err
}

// tidy deletes files that nothing on record needs: uploads that came to nothing
// because the host stopped in the middle, and documents that were withdrawn
// elsewhere.
func (k *fileKeeper) tidy(ctx context.Context) {
	for every := time.NewTicker(time.Hour); ; {
		select {
		case <-ctx.Done():
			every.Stop()
			return
		case <-every.C:
			if err := k.sweep(ctx, k.host.Now().Add(-24*time.Hour)); err != nil && ctx.Err() == nil {
				k.host.Log.Error("tidy the files", "error", err)
			}
		}
	}
}

func (k *fileKeeper) sweep(ctx context.Context, before time.Time) error {
	for _, l := range k.left {
		ids, err := readmodel.All[string](ctx, k.db, l.find, before.UTC())
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := l.drop(ctx, id); err != nil {
				return err
			}
		}
	}
	return k.host.Blobs.Sweep(ctx, before, func(name string) (bool, error) {
		k.mu.Lock()
		defer k.mu.Unlock()
		return k.wanted(ctx, name)
	})
}
