package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// Rules of proofs.
var (
	// ErrNoReading names a reading that is not stored, or no longer.
	ErrNoReading = chaincode.Rule{Code: "iot/no-reading", Kind: chaincode.NotFound,
		Text: "There is no such reading.", Remedy: "Name a moment at which the channel was measured; of old readings only the extremes are kept."}
	// ErrNotSealed asks for patience.
	ErrNotSealed = chaincode.Rule{Code: "iot/not-sealed", Kind: chaincode.Conflict,
		Text: "The reading's window is not sealed on the ledger yet.", Remedy: "Windows are sealed a few minutes after they end: ask again then."}
)

// Prove shows that a reading stands in a sealed window.
func (s *Store) Prove(ctx context.Context, id iot.ID, channel string, at time.Time) (*Proof, error) {
	d := s.find(id)
	if d == nil {
		return nil, ErrNoReading.Refuse("%s", id)
	}
	starts := s.startOf(at.UnixMicro())
	all, err := s.rows(ctx, s.db, d, starts, starts+s.config.Window.Microseconds())
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.Channel == channel && r.At == at.UnixMicro() {
			return s.proofOf(ctx, d, starts, r, partOf(all, r.Part))
		}
	}
	return nil, ErrNoReading.Refuse("%s at %s", channel, at.UTC().Format(time.RFC3339Nano))
}

type sealedRow struct {
	Count   int64  `db:"count"`
	Root    string `db:"root"`
	Ends    int64  `db:"ends"`
	Block   int64  `db:"block"`
	Thinned bool   `db:"thinned"`
}

func (s *Store) proofOf(ctx context.Context, d *device, starts int64, r stored, part []stored) (*Proof, error) {
	w, err := readmodel.All[sealedRow](ctx, s.db, `SELECT count, root, ends, block, thinned FROM iot_windows WHERE device = $1 AND starts = $2 AND part = $3`, d.number, starts, r.Part)
	if err != nil {
		return nil, err
	}
	if len(w) == 0 || w[0].Block == 0 {
		return nil, ErrNotSealed.Refuse("%s", time.UnixMicro(starts).UTC().Format(time.RFC3339))
	}
	p := &Proof{Device: d.id.String(), Channel: r.Channel, At: time.UnixMicro(r.At).UTC(), Value: r.Value, From: time.UnixMicro(starts).UTC(), To: time.UnixMicro(w[0].Ends).UTC(),
		Part: r.Part, Count: w[0].Count, Root: w[0].Root, Path: []string{}}
	if w[0].Thinned {
		kept, err := readmodel.All[pathRow](ctx, s.db, `SELECT leaf, path FROM iot_paths WHERE series = $1 AND at = $2`, d.series[r.Channel].number, r.At)
		if err != nil || len(kept) == 0 {
			return nil, fmt.Errorf("find the path of a thinned reading of %s: %w", d.id, err)
		}
		p.Leaf, p.Path = kept[0].Leaf, strings.Fields(kept[0].Path)
		return p, nil
	}
	for i, other := range part {
		if other.Channel == r.Channel && other.At == r.At {
			p.Leaf, p.Path = int64(i), texts(pathOf(leavesOf(d.id, part), i))
		}
	}
	return p, nil
}

type pathRow struct {
	Leaf int64  `db:"leaf"`
	Path string `db:"path"`
}

func texts(path [][]byte) []string {
	all := make([]string, len(path))
	for i, b := range path {
		all[i] = hex.EncodeToString(b)
	}
	return all
}

// Contents are all readings of a part of a window, in the order of its leaves:
// who has them computes the root, and sees that none is left out.
func (s *Store) Contents(ctx context.Context, w Window) ([]iot.Reading, error) {
	d := s.find(w.Device)
	if d == nil {
		return nil, ErrNoReading.Refuse("%s", w.Device)
	}
	all, err := s.rows(ctx, s.db, d, w.From.UnixMicro(), w.To.UnixMicro())
	var readings []iot.Reading
	for _, r := range partOf(all, w.Part) {
		readings = append(readings, r.reading(d.id))
	}
	return readings, err
}

// Root computes the root over readings in the order of leaves.
func Root(readings []iot.Reading) (string, error) {
	leaves := make([][]byte, len(readings))
	for i, r := range readings {
		leaves[i] = hashOf(r)
	}
	return rootOf(leaves)
}

// Value is a reading of a device that is named elsewhere.
type Value struct {
	Channel string  `json:"channel"`
	At      int64   `json:"at"` // microseconds of the Unix epoch
	Value   float64 `json:"value"`
}

// Values are readings in that form.
func Values(readings []iot.Reading) []Value {
	all := make([]Value, len(readings))
	for i, r := range readings {
		all[i] = Value{r.Channel, r.At.UnixMicro(), r.Value}
	}
	return all
}

// RootOf computes the root over a device's values in the order of leaves.
func RootOf(device string, values []Value) (string, error) {
	id, ok := iot.ParseID(device)
	if !ok {
		return "", fmt.Errorf("%q is no device", device)
	}
	readings := make([]iot.Reading, len(values))
	for i, v := range values {
		readings[i] = iot.Reading{Device: id, Channel: v.Channel, At: time.UnixMicro(v.At).UTC(), Value: v.Value}
	}
	return Root(readings)
}
