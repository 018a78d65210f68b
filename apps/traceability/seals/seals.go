// Package seals checks readings of sensors against what was sealed on the ledger,
// without a server.
package seals

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/iot/store"
	"github.com/tallyway/tallyway/shared/ledger/proof"
)

// Format is what a proof of readings says that it is.
const Format = "tallyway reading proof 1"

// Proof shows that readings stood in windows that were sealed on the ledger. It
// needs no server: the seals are proved by the members' signatures.
type Proof struct {
	Format   string        `json:"format"`
	Readings []store.Proof `json:"readings"`
	// Windows are whole ones, with every reading: nothing in them is left out.
	Windows []Whole      `json:"windows,omitempty"`
	Ledger  *proof.Proof `json:"ledger"` // shows the transactions that sealed them
}

// Whole is a window with all its readings, in the order of its leaves.
type Whole struct {
	Device   string        `json:"device"` // "party/name"
	Window   trace.Window  `json:"window"`
	Readings []store.Value `json:"readings"`
}

// Checked is what a proof proves.
type Checked struct {
	Readings int
	Windows  int
	Inside   int // readings of whole windows
	Ledger   *proof.Checked
}

// Check checks a proof by itself. What it rests on in the end, Checked.Ledger
// tells.
func (p *Proof) Check() (*Checked, error) {
	if p.Format != Format {
		return nil, fmt.Errorf("the file is of the form %q, want %q", p.Format, Format)
	}
	if p.Ledger == nil {
		return nil, errors.New("the file shows nothing of the ledger")
	}
	ledger, err := proof.Check(p.Ledger)
	if err != nil {
		return nil, err
	}
	roots, err := Read(ledger)
	if err != nil {
		return nil, err
	}
	c := &Checked{Readings: len(p.Readings), Windows: len(p.Windows), Ledger: ledger}
	for _, r := range p.Readings {
		w, ok := roots[name(r.Device, trace.Window{From: r.From, Part: r.Part})]
		if !ok || !w.To.Equal(r.To) || w.Count != r.Count {
			return nil, fmt.Errorf("%s %s: no seal of its window is shown", r.Device, r.Channel)
		}
		if err := r.Check(w.Root); err != nil {
			return nil, fmt.Errorf("%s %s at %s: %w", r.Device, r.Channel, r.At, err)
		}
	}
	for _, whole := range p.Windows {
		if err := roots.Hold(whole); err != nil {
			return nil, err
		}
		c.Inside += len(whole.Readings)
	}
	return c, nil
}

// Roots are the windows that a ledger's proof shows to be sealed.
type Roots map[string]trace.Window

// Read finds the seals among what is proved.
func Read(ledger *proof.Checked) (Roots, error) {
	roots := Roots{}
	for _, f := range ledger.Facts {
		if f.Name != chaincode.NameOf(trace.Sealed{}) {
			continue
		}
		var sealed trace.Sealed
		if err := json.Unmarshal(f.Data, &sealed); err != nil {
			return nil, fmt.Errorf("a seal in block %d cannot be read: %w", f.Block, err)
		}
		for _, w := range sealed.Windows {
			roots[name(sealed.Owner+"/"+w.Device, w)] = w
		}
	}
	return roots, nil
}

func name(device string, w trace.Window) string {
	return fmt.Sprintf("%s %d %d", device, w.From.Unix(), w.Part)
}

// Hold holds a window's readings against its seal.
func (r Roots) Hold(whole Whole) error {
	w, ok := r[name(whole.Device, whole.Window)]
	root, err := store.RootOf(whole.Device, whole.Readings)
	switch {
	case !ok:
		return fmt.Errorf("%s from %s: no seal is shown", whole.Device, whole.Window.From)
	case err != nil:
		return err
	case root != w.Root || int64(len(whole.Readings)) != w.Count:
		return fmt.Errorf("%s from %s: its readings are not those that were sealed", whole.Device, whole.Window.From)
	}
	return nil
}
