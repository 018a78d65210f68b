package manifest

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// CheckFile checks a package: a ZIP with everything in it, or a manifest with
// its signature and its files beside it.
func CheckFile(path string, trusted []byte) (Checked, error) {
	if strings.EqualFold(filepath.Ext(path), ".zip") {
		z, err := zip.OpenReader(path)
		if err != nil {
			return Checked{}, fmt.Errorf("open the package: %w", err)
		}
		defer z.Close()
		return checkIn(z, Name, trusted)
	}
	return checkIn(os.DirFS(filepath.Dir(path)), filepath.Base(path), trusted)
}

// mostManifest is more than a list of all the files that a package can hold.
const mostManifest = 64 << 20

func checkIn(files fs.FS, name string, trusted []byte) (Checked, error) {
	text, err := short(files, name)
	if err != nil {
		return Checked{}, err
	}
	jws, err := short(files, strings.TrimSuffix(name, ".json")+".jws")
	if err != nil {
		return Checked{}, err
	}
	c, err := Check(text, jws, trusted)
	if err != nil {
		return c, err
	}
	return c, c.Compare(func(name string) (io.ReadCloser, error) { return files.Open(name) })
}

func short(files fs.FS, name string) ([]byte, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostManifest+1))
	if err == nil && len(b) > mostManifest {
		err = errors.New("too large")
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return b, nil
}
