package store

import (
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/tallyway/tallyway/iot"
)

// Leaf is a reading as it is hashed: one line of ASCII, without an end of line,
//
//	tallyway-reading-1 PARTY/NAME CHANNEL MICROSECONDS VALUE
//
// with the time in microseconds of the Unix epoch and the value as the sixteen
// hexadecimal digits of its IEEE 754 double. The leaves of a window stand in the
// order of channel (bytes) and time.
func Leaf(r iot.Reading) []byte {
	return fmt.Appendf(nil, "tallyway-reading-1 %s %s %d %016x", r.Device, r.Channel, r.At.UnixMicro(), math.Float64bits(r.Value))
}

func hashOf(r iot.Reading) []byte { return rfc6962.DefaultHasher.HashLeaf(Leaf(r)) }

var trees = compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}

// rootOf is the root over leaf hashes.
func rootOf(leaves [][]byte) (string, error) {
	tree := trees.NewEmptyRange(0)
	for _, leaf := range leaves {
		if err := tree.Append(leaf, nil); err != nil {
			return "", err
		}
	}
	root, err := tree.GetRootHash(nil)
	return hex.EncodeToString(root), err
}

// pathOf is the audit path of a leaf (RFC 6962, section 2.1.1), from the leaf up.
func pathOf(leaves [][]byte, i int) [][]byte {
	if len(leaves) <= 1 {
		return nil
	}
	half := 1
	for half*2 < len(leaves) {
		half *= 2
	}
	if i < half {
		return append(pathOf(leaves[:half], i), headOf(leaves[half:]))
	}
	return append(pathOf(leaves[half:], i-half), headOf(leaves[:half]))
}

func headOf(leaves [][]byte) []byte {
	tree := trees.NewEmptyRange(0)
	for _, leaf := range leaves {
		_ = tree.Append(leaf, nil) // it fails for ranges that begin elsewhere only
	}
	root, _ := tree.GetRootHash(nil)
	return root
}

// Proof shows that a reading was in a window when it was sealed. The root stands
// on the ledger.
type Proof struct {
	Device  string    `json:"device"` // "party/name"
	Channel string    `json:"channel"`
	At      time.Time `json:"at"`
	Value   float64   `json:"value"`
	From    time.Time `json:"from"` // of the window
	To      time.Time `json:"to"`
	Part    int64     `json:"part"`
	Count   int64     `json:"count"` // leaves of the tree
	Leaf    int64     `json:"leaf"`  // number of the reading's
	Path    []string  `json:"path"`  // hashes, hexadecimal, from the leaf up
	Root    string    `json:"root"`
}

// Check holds a proof against the root on the ledger. It needs nothing else.
func (p Proof) Check(root string) error {
	id, ok := iot.ParseID(p.Device)
	if !ok {
		return fmt.Errorf("%q is no device", p.Device)
	}
	if at := p.At; at.Before(p.From) || !at.Before(p.To) || at.Nanosecond()%1000 != 0 {
		return fmt.Errorf("the reading's time is not in the window")
	}
	want, err := hex.DecodeString(root)
	if err != nil {
		return fmt.Errorf("the root is no hash: %w", err)
	}
	var path [][]byte
	for _, text := range p.Path {
		b, err := hex.DecodeString(text)
		if err != nil {
			return fmt.Errorf("the path holds no hash: %w", err)
		}
		path = append(path, b)
	}
	if p.Leaf < 0 || p.Count < 0 {
		return fmt.Errorf("leaf %d of %d", p.Leaf, p.Count)
	}
	leaf := hashOf(iot.Reading{Device: id, Channel: p.Channel, At: p.At, Value: p.Value})
	return proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(p.Leaf), uint64(p.Count), leaf, path, want)
}
