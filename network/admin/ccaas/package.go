// Package ccaas makes and reads the package that peers install for contracts
// that run as a service beside them. It holds no code: only where a peer finds
// its service, with the port left open for each peer to fill in.
//
// The same version gives the same bytes on every machine, so that members who
// make their packages apart from each other approve the same package id.
package ccaas

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
)

// Package is an installable package with what a peer will call it.
type Package struct {
	Label string
	// ID is the label and the SHA-256 of Bytes: what members approve, and the
	// CHAINCODE_ID that the service must carry.
	ID    string
	Bytes []byte
}

// metadata is metadata.json of Fabric's package. Its order of fields is part
// of the package id.
type metadata struct {
	Path  string `json:"path"`
	Type  string `json:"type"`
	Label string `json:"label"`
}

// connection is connection.json, as the external builder of type ccaas reads
// it: it replaces {{.ccport}} by its peer's own port.
type connection struct {
	Address     string `json:"address"`
	DialTimeout string `json:"dial_timeout"`
	TLSRequired bool   `json:"tls_required"`
}

// The suite's own builder takes the address and the certificates from its peer's
// folder instead.
var service = connection{Address: "127.0.0.1:{{.ccport}}", DialTimeout: "10s"}

// version is what a peer takes for a version, and a label after an underscore.
var version = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.+-]*$`)

// Make makes the package of a contract's version.
func Make(contract, v string) (Package, error) {
	for _, word := range []string{contract, v} {
		if !version.MatchString(word) {
			return Package{}, fmt.Errorf("%q cannot be a contract's name or version: letters, digits and . _ + - only", word)
		}
	}
	label := contract + "_" + v
	code, err := archive(file{"connection.json", service})
	if err != nil {
		return Package{}, err
	}
	outer, err := archive(file{"metadata.json", metadata{Type: "ccaas", Label: label}}, file{"code.tar.gz", code})
	if err != nil {
		return Package{}, err
	}
	return Package{Label: label, ID: id(label, outer), Bytes: outer}, nil
}

// Read reads a package, whoever made it.
func Read(packed []byte) (Package, error) {
	var m metadata
	text, err := find(packed, "metadata.json")
	if err != nil {
		return Package{}, fmt.Errorf("this is not a chaincode package: %w", err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return Package{}, fmt.Errorf("metadata.json of the package: %w", err)
	}
	if m.Label == "" {
		return Package{}, errors.New("metadata.json of the package has no label")
	}
	return Package{Label: m.Label, ID: id(m.Label, packed), Bytes: packed}, nil
}

func id(label string, packed []byte) string {
	sum := sha256.Sum256(packed)
	return label + ":" + hex.EncodeToString(sum[:])
}

// file is an entry: bytes as they are, anything else as JSON.
type file struct {
	name    string
	content any
}

// archive packs files without a time, an owner or a machine's name, which
// would make the bytes differ from one run to the next, and stores them as they
// are: another release of Go might compress otherwise.
func archive(files ...file) ([]byte, error) {
	var packed bytes.Buffer
	zipped, err := gzip.NewWriterLevel(&packed, gzip.NoCompression)
	if err != nil {
		return nil, err
	}
	tarred := tar.NewWriter(zipped)
	for _, f := range files {
		content, ready := f.content.([]byte)
		if !ready {
			if content, err = json.Marshal(f.content); err != nil {
				return nil, err
			}
		}
		header := tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: 0o644, Size: int64(len(content)), Format: tar.FormatUSTAR}
		if err := tarred.WriteHeader(&header); err != nil {
			return nil, err
		}
		if _, err := tarred.Write(content); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(tarred.Close(), zipped.Close()); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

func find(packed []byte, name string) ([]byte, error) {
	zipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	for tarred := tar.NewReader(zipped); ; {
		header, err := tarred.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("it has no %s", name)
		}
		if err != nil {
			return nil, err
		}
		if header.Name == name {
			return io.ReadAll(tarred)
		}
	}
}
