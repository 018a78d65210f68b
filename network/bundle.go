package network

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Bundle writes, as a tar, what the host of one organisation needs: the
// definition, the first block, that organisation's keys, and of the others what
// everybody may know. Unpacked into a folder it is that organisation's part of
// the network, and Up on that host starts it.
func (n *Network) Bundle(ctx context.Context, organisation string, to io.Writer) error {
	if _, err := n.definition.Organisation(organisation); err != nil {
		return err
	}
	if !n.whole() {
		return fmt.Errorf("%s is one organisation's part already", n.dir)
	}
	if err := n.Prepare(ctx); err != nil {
		return err
	}
	out := tar.NewWriter(to)
	if err := addFile(out, bundleMark, []byte(organisation+"\n"), 0o644); err != nil {
		return err
	}
	for _, name := range []string{"definition.yaml", "genesis.block"} {
		if err := n.addFiles(out, name); err != nil {
			return err
		}
	}
	for _, o := range n.definition.Organisations {
		from := filepath.Join("organisations", o.Name)
		if o.Name != organisation {
			from = filepath.Join(from, tlsAuthority+".crt")
		}
		if err := n.addFiles(out, from); err != nil {
			return err
		}
	}
	return out.Close()
}

// addFiles adds a file, or all files of a folder, by their path in the network's.
func (n *Network) addFiles(out *tar.Writer, from string) error {
	return filepath.WalkDir(filepath.Join(n.dir, from), func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		about, err := d.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(n.dir, file)
		if err != nil {
			return err
		}
		return addFile(out, filepath.ToSlash(name), content, int64(about.Mode().Perm()))
	})
}

func addFile(out *tar.Writer, name string, content []byte, mode int64) error {
	if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := out.Write(content)
	return err
}

// bundleMark is the file that says whose part of a network a folder is.
const bundleMark = "organisation"

// whole tells whether this folder is where the network was made, with
// everybody's keys in it.
func (n *Network) whole() bool {
	_, err := os.Stat(filepath.Join(n.dir, bundleMark))
	return os.IsNotExist(err)
}
