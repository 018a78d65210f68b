package host

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/ledger/embedded"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// A backup is one tar file: what it is (manifest.json), the wallet with its
// sealed keys, the secret that seals them where it lies in the data folder, a
// copy of the SQLite database, and the ledger's blocks with their private data.
// It opens everything that the host can open: keep it as safe as the host.
const (
	manifestName = "manifest.json"
	ledgerName   = "ledger.stream"
	databaseName = "readmodel.db"
	walletName   = "wallet"
	secretName   = "master.secret"
	blobsName    = "blobs"
)

// Manifest tells what a backup holds.
type Manifest struct {
	Format  string    `json:"format"`
	Created time.Time `json:"created"`
	Block   uint64    `json:"block"` // the ledger holds at least the blocks up to it
	// Database is "included" for SQLite. A PostgreSQL database is backed up by
	// its own means: then it is "external".
	Database string `json:"database"`
	// Ledger is "external" where a network keeps it: then the backup holds none.
	Ledger string `json:"ledger,omitempty"`
	// Secret is "included", or "external" where the host gets it from its
	// environment.
	Secret string `json:"secret"`
	// Blobs is "external" where photos and documents lie in an object store,
	// which is backed up by its own means; else they are included.
	Blobs string `json:"blobs,omitempty"`
}

const backupFormat = "tallyway backup 1"

// Backup writes everything that must survive to one stream while the host
// serves. The database is copied first and the ledger last, so that the ledger
// knows all that the database has seen; the read model catches up by itself.
func (h *Host) Backup(ctx context.Context, to io.Writer) error {
	work, err := os.MkdirTemp(h.Config.Data, "backup-")
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	defer os.RemoveAll(work)
	m := Manifest{Format: backupFormat, Created: h.Now().UTC(), Block: h.Ledger.Head().Block, Database: "external", Secret: "external"}
	own, _ := h.Ledger.(interface { // a ledger that lies in the data folder
		Backup(ctx context.Context, to io.Writer) error
	})
	if own == nil {
		m.Ledger = "external"
	}
	if h.DB.Dialect() == readmodel.SQLite {
		m.Database = "included"
		if _, err := h.DB.ExecContext(ctx, `VACUUM INTO $1`, filepath.Join(work, databaseName)); err != nil {
			return fmt.Errorf("back up the database: %w", err)
		}
		if err := h.copyReadings(ctx, filepath.Join(work, readingsName)); err != nil {
			return fmt.Errorf("back up the readings: %w", err)
		}
	}
	if h.Config.Secret == "" {
		m.Secret = "included"
	}
	if h.Blobs.Dir() == "" {
		m.Blobs = "external"
	}
	w := &archive{tar: tar.NewWriter(to)}
	w.json(manifestName, m)
	w.tree(walletName, h.Config.path(walletName))
	if m.Secret == "included" {
		w.file(secretName, h.Config.path(secretName))
	}
	if m.Database == "included" {
		w.file(databaseName, filepath.Join(work, databaseName))
		if h.HasReadings() {
			w.file(readingsName, filepath.Join(work, readingsName))
		}
	}
	if m.Blobs == "" {
		w.tree(blobsName, h.Blobs.Dir())
	}
	if own != nil {
		w.stream(ledgerName, filepath.Join(work, ledgerName), func(f io.Writer) error { return own.Backup(ctx, f) })
	}
	return w.close()
}

// archive writes a tar file and remembers its first error.
type archive struct {
	tar *tar.Writer
	err error
}

func (a *archive) json(name string, v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if a.err = errors.Join(a.err, err); a.err != nil {
		return
	}
	a.header(name, int64(len(b)))
	_, err = a.tar.Write(b)
	a.err = errors.Join(a.err, err)
}

func (a *archive) header(name string, size int64) {
	if a.err == nil {
		a.err = a.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size})
	}
}

func (a *archive) file(name, from string) {
	if a.err != nil {
		return
	}
	f, err := os.Open(from)
	if err != nil {
		a.err = err
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		a.err = err
		return
	}
	a.header(name, info.Size())
	if a.err == nil {
		_, a.err = io.CopyN(a.tar, f, info.Size())
	}
}

// stream goes over a file, because a tar entry tells its size first.
func (a *archive) stream(name, over string, write func(io.Writer) error) {
	if a.err != nil {
		return
	}
	f, err := os.OpenFile(over, os.O_CREATE|os.O_RDWR|os.O_EXCL, 0o600)
	if err != nil {
		a.err = err
		return
	}
	a.err = errors.Join(write(f), f.Close())
	a.file(name, over)
}

func (a *archive) tree(name, from string) {
	if a.err != nil {
		return
	}
	a.err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		below, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		a.file(name+"/"+filepath.ToSlash(below), path)
		return a.err
	})
}

func (a *archive) close() error { return errors.Join(a.err, a.tar.Close()) }

// Restore makes a data folder from a backup, in a folder that does not exist
// yet or is empty. Every block is checked and committed anew. What could not be
// restored whole is not left behind.
func Restore(ctx context.Context, config Config, from io.Reader) (m Manifest, err error) {
	if entries, err := os.ReadDir(config.Data); err == nil && len(entries) > 0 {
		return m, fmt.Errorf("restore into %s: the folder is not empty; name a new one", config.Data)
	}
	work := strings.TrimRight(config.Data, "/") + ".restoring"
	if err := os.RemoveAll(work); err != nil {
		return m, err
	}
	defer os.RemoveAll(work)
	if err := unpack(from, work); err != nil {
		return m, fmt.Errorf("read the backup: %w", err)
	}
	b, err := os.ReadFile(filepath.Join(work, manifestName))
	if err != nil {
		return m, fmt.Errorf("this is no backup of a host: %w", err)
	}
	if err := json.Unmarshal(b, &m); err != nil || m.Format != backupFormat {
		return m, fmt.Errorf("this is no backup of a host that this program can read: format %q, %v", m.Format, err)
	}
	if m.Ledger == "" {
		err = restoreLedger(ctx, config, work)
	} else { // this host's part of the network is founded: it is in the wallet and the database
		err = os.WriteFile(filepath.Join(work, foundedMark), nil, 0o600)
	}
	if err != nil {
		return m, err
	}
	for _, done := range []string{manifestName, ledgerName} {
		if err := os.Remove(filepath.Join(work, done)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return m, err
		}
	}
	if err := os.Remove(config.Data); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	return m, os.Rename(work, config.Data)
}

// unpack writes the entries of a tar file into a folder of their own.
func unpack(from io.Reader, dir string) error {
	for r := tar.NewReader(from); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !filepath.IsLocal(head.Name) || head.Typeflag != tar.TypeReg {
			return fmt.Errorf("%q is no name of a file in a backup", head.Name)
		}
		if err := unpackFile(r, filepath.Join(dir, head.Name)); err != nil {
			return err
		}
	}
}

func unpackFile(from io.Reader, name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Sync(), f.Close())
}

func restoreLedger(ctx context.Context, config Config, work string) error {
	config.Data = work
	wallet, err := openWallet(config, config.Clock)
	if err != nil {
		return err
	}
	members, err := wallet.Members()
	if err != nil {
		return err
	}
	stream, err := os.Open(filepath.Join(work, ledgerName))
	if err != nil {
		return fmt.Errorf("the backup holds no ledger: %w", err)
	}
	defer stream.Close()
	return embedded.Restore(ctx, filepath.Join(work, "ledger"), members, identity.NewVerifier(wallet, config.Clock), stream)
}
