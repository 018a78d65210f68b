package blobs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// folder keeps files in 256 folders of a folder.
type folder string

func openFolder(dir string) (place, error) {
	if !filepath.IsAbs(dir) {
		return nil, errors.New("say file:// and an absolute folder")
	}
	return folder(dir), os.MkdirAll(dir, 0o700)
}

func (f folder) folder() string { return string(f) }

func (f folder) path(name string) string { return filepath.Join(string(f), name[:2], name) }

func (f folder) put(_ context.Context, name string, content []byte) error {
	file := f.path(name)
	if _, err := os.Stat(file); err == nil {
		return os.Chtimes(file, time.Time{}, time.Now())
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return write(file, content)
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

func (f folder) get(_ context.Context, name string) ([]byte, error) {
	content, err := os.ReadFile(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNotFound
	}
	return content, err
}

func (f folder) remove(_ context.Context, name string) error {
	return ignoreGone(os.Remove(f.path(name)))
}

func (f folder) sweep(ctx context.Context, before time.Time, wanted func(name string) (bool, error)) error {
	return filepath.WalkDir(string(f), func(file string, d fs.DirEntry, err error) error {
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
