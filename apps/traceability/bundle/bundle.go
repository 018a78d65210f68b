// Package bundle is the proof bundle of a lot: the events of its chain, as far
// as somebody may read them, with what proves that they stand on the ledger. It
// is written by a server and checked by anybody, without one.
package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/seals"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/ledger/proof"
)

// Format is the form of bundles.
const Format = "tallyway/lot-bundle/1"

// Bundle is a lot with its chain, as one reader may tell of it.
type Bundle struct {
	Format string    `json:"format"`
	Lot    string    `json:"lot"`
	Made   time.Time `json:"made"`
	For    string    `json:"for"` // the company that asked for it
	Lots   []string  `json:"lots"`
	Events []string  `json:"events"` // hashes; what else the proof shows stands in the same transactions
	Links  []Link    `json:"links"`  // what the events say went into what
	// Kept are bodies of events that are not for everybody, with the salts of
	// their commitments. Those of others stand in the ledger's own words.
	Kept map[string]Kept `json:"kept,omitempty"` // by hash
	// Documents are ids of the documents about the lots and their products: that
	// they are on record, and what is said of them. Their files are not here.
	Documents []string `json:"documents,omitempty"`
	// KeptDocuments are what is said of documents that are not for everybody, with
	// the salts of their commitments, by id.
	KeptDocuments map[string]Kept `json:"keptDocuments,omitempty"`
	// Stays are the sensors that were where the lot was, as the events that its
	// maker of the bundle may read tell; what they measured is in Windows.
	Stays []Stay `json:"stays,omitempty"`
	// Windows are sealed windows of these sensors, each with all its readings. They
	// stand in a file of their own, of which Readings is the SHA-256.
	Windows  []seals.Whole `json:"-"`
	Readings string        `json:"readings,omitempty"`
	// Withheld is how many events of the chain are not in the bundle.
	Withheld int          `json:"withheld,omitempty"`
	Cut      bool         `json:"cut,omitempty"` // the chain was too long: this is what lies nearest
	Ledger   *proof.Proof `json:"ledger"`
}

// Stay says that a sensor was where the lot was for a time.
type Stay struct {
	Device   string    `json:"device"` // "company/name"
	Thing    string    `json:"thing"`  // where they met: a pack, a vehicle, a place
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Interval int64     `json:"interval"` // seconds between readings
}

// Link says that one lot went into another.
type Link struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Kept is an event's body with the salt of one copy's commitment.
type Kept struct {
	Body string `json:"body"`
	Salt []byte `json:"salt"`
}

//go:embed README.txt
var readme []byte

// The files of a bundle. The documents are for people and other programs; what
// is checked stands in the bundle itself, and they are held against it.
const (
	bundleFile = "bundle.json"
	eventsFile = "events.jsonld"
	readmeFile = "README.txt"

	readingsFile = "readings.json"
)

// Write packs a bundle, with its events as an EPCIS document beside it.
func (b *Bundle) Write(w io.Writer, events *epcis.Document) error {
	var readings []byte
	if len(b.Windows) > 0 {
		var err error
		if readings, err = json.Marshal(b.Windows); err != nil {
			return err
		}
		b.Readings = sumOf(readings)
	}
	text, err := json.MarshalIndent(b, "", " ")
	if err != nil {
		return err
	}
	document, err := events.JSON()
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for _, f := range []struct {
		name string
		text []byte
	}{{readmeFile, readme}, {bundleFile, text}, {eventsFile, document}, {readingsFile, readings}} {
		if f.text == nil {
			continue
		}
		into, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: b.Made})
		if err != nil {
			return err
		}
		if _, err := into.Write(f.text); err != nil {
			return err
		}
	}
	return z.Close()
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// MaxFile bounds what is read of one file in a bundle.
const MaxFile = 256 << 20

// Read unpacks a bundle.
func Read(file []byte) (*Bundle, *epcis.Document, error) {
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, nil, fmt.Errorf("this is no proof bundle: %w", err)
	}
	text, err := unpack(z, bundleFile)
	if err != nil {
		return nil, nil, err
	}
	b := &Bundle{}
	if err := json.Unmarshal(text, b); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", bundleFile, err)
	}
	if b.Format != Format || b.Ledger == nil {
		return nil, nil, fmt.Errorf("%s is of the form %q, want %q", bundleFile, b.Format, Format)
	}
	document, err := unpack(z, eventsFile)
	if err != nil {
		return nil, nil, err
	}
	events, err := epcis.DecodeJSON(document)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", eventsFile, err)
	}
	return b, events, b.readWindows(z)
}

// readWindows reads what sensors measured, where the bundle says that there is
// something.
func (b *Bundle) readWindows(z *zip.Reader) error {
	if b.Readings == "" {
		return nil
	}
	text, err := unpack(z, readingsFile)
	if err != nil {
		return err
	}
	if sumOf(text) != b.Readings {
		return fmt.Errorf("%s is not the file that %s tells of", readingsFile, bundleFile)
	}
	if err := json.Unmarshal(text, &b.Windows); err != nil {
		return fmt.Errorf("%s: %w", readingsFile, err)
	}
	return nil
}

func unpack(z *zip.Reader, name string) ([]byte, error) {
	f, err := z.Open(name)
	if err != nil {
		return nil, fmt.Errorf("this is no proof bundle: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(text) > MaxFile:
		return nil, errors.New(name + " is larger than a bundle's files are")
	}
	return text, nil
}
