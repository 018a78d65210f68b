package trace

import (
	"fmt"
	"time"

	"github.com/tallyway/tallyway/chaincode"
)

// Seal puts the roots of closed windows of readings on the ledger: from then on
// no reading in them can be changed, added or taken away without showing. What
// a leaf is, the store of readings says (docs/sensors-store.md); the tree is
// that of RFC 6962, section 2.1.
type Seal struct {
	Windows []Window `json:"windows"`
}

// Window is a device's readings of a span of time. Those that came after it was
// sealed are the next part of it.
type Window struct {
	Device string    `json:"device"` // name
	From   time.Time `json:"from"`   // whole seconds; up to To, without it
	To     time.Time `json:"to"`
	Part   int64     `json:"part"`  // 1, 2, …
	Count  int64     `json:"count"` // of readings
	Root   string    `json:"root"`  // of the Merkle tree, SHA-256, hexadecimal
}

// Sealed tells of windows that are sealed now.
type Sealed struct {
	Owner   string    `json:"owner"`
	Windows []Window  `json:"windows"`
	At      time.Time `json:"at"`
}

// SealState is the reply to Seal.
type SealState struct {
	Sealed int `json:"sealed"` // windows that were not sealed before
}

// GetSeal asks for a sealed window.
type GetSeal struct {
	Owner  string    `json:"owner"`
	Device string    `json:"device"`
	From   time.Time `json:"from"`
	Part   int64     `json:"part"`
}

var seals = chaincode.Table[Window]{Name: "seal"} // owner, device, from, part

// The bounds of a seal.
const (
	mostWindows = 500
	longestSpan = 24 * time.Hour
	mostInside  = 10_000_000
)

var (
	// ErrSeal asks for what a seal is checked by.
	ErrSeal = chaincode.Rule{Code: "trace/seal", Kind: chaincode.Malformed,
		Text:   "A seal names up to 500 windows, each of at most a day that is over, with its part, how many readings it holds, and the SHA-256 root of their tree.",
		Remedy: "Mend the window that is named."}
	// ErrSealed keeps what is sealed as it is.
	ErrSealed = chaincode.Rule{Code: "trace/sealed", Kind: chaincode.Conflict,
		Text: "This part of the window is sealed with another root.", Remedy: "Seal late readings as the next part."}
	// ErrSealOrder keeps parts countable, so that none can be left out.
	ErrSealOrder = chaincode.Rule{Code: "trace/seal-order", Kind: chaincode.Conflict,
		Text: "The part before this one of the same window is not sealed.", Remedy: "Seal the parts of a window in their order."}
	// ErrNoSeal names a window that is not sealed.
	ErrNoSeal = chaincode.Rule{Code: "trace/no-seal", Kind: chaincode.NotFound,
		Text: "There is no such seal.", Remedy: "Wait until the window is over; check its device, start and part."}
)

func seal(tx *chaincode.Tx, c Seal) (SealState, error) {
	if len(c.Windows) == 0 || len(c.Windows) > mostWindows {
		return SealState{}, ErrSeal.Refuse("%s windows", len(c.Windows)).On("windows")
	}
	var owner string
	fresh := []Window{}
	for i, w := range c.Windows {
		field := fmt.Sprintf("windows[%d]", i)
		by, err := sealer(tx, w.Device)
		if err != nil {
			return SealState{}, err
		}
		owner = by
		known, err := w.check(tx, owner, field)
		if err != nil {
			return SealState{}, err
		}
		if known {
			continue
		}
		seals.Put(tx, w, w.key(owner)...)
		fresh = append(fresh, w)
	}
	if len(fresh) > 0 {
		tx.Emit(Sealed{owner, fresh, tx.At()})
	}
	return SealState{len(fresh)}, nil
}

// sealer is the caller's company, if the device is its own. What a device said
// before its end is sealed after it.
func sealer(tx *chaincode.Tx, name string) (string, error) {
	d, err := ownDevice(tx, name)
	if no, ok := err.(*chaincode.Refusal); ok && no.Code == ErrDeviceEnded.Code {
		err = nil
	}
	return d.Owner, err
}

// check says whether the very same is sealed already.
func (w Window) check(tx *chaincode.Tx, owner, field string) (known bool, err error) {
	whole := w.From.Equal(w.From.Truncate(time.Second)) && w.To.Equal(w.To.Truncate(time.Second))
	switch {
	case !whole || !w.To.After(w.From) || w.To.Sub(w.From) > longestSpan || w.To.After(tx.At()):
		return false, ErrSeal.Refuse("%s from %s to %s", w.Device, w.From.UTC().Format(time.RFC3339Nano), w.To.UTC().Format(time.RFC3339Nano)).On(field)
	case w.Part < 1 || w.Count < 1 || w.Count > mostInside:
		return false, ErrSeal.Refuse("%s part %s with %s readings", w.Device, w.Part, w.Count).On(field)
	case !isHash(w.Root):
		return false, ErrSeal.Refuse("%s is no SHA-256", w.Root).On(field)
	}
	if before, ok := seals.Get(tx, w.key(owner)...); ok {
		if before.Root != w.Root || before.Count != w.Count || !before.To.Equal(w.To) {
			return false, ErrSealed.Refuse("%s from %s, part %s", w.Device, w.From.UTC().Format(time.RFC3339), w.Part).On(field)
		}
		return true, nil
	}
	last := w
	last.Part--
	if first, ok := seals.Get(tx, last.key(owner)...); w.Part > 1 && (!ok || !first.To.Equal(w.To)) {
		return false, ErrSealOrder.Refuse("%s from %s, part %s", w.Device, w.From.UTC().Format(time.RFC3339), w.Part).On(field)
	}
	return false, nil
}

func (w Window) key(owner string) []string {
	return []string{owner, w.Device, w.From.UTC().Format(time.RFC3339), fmt.Sprintf("%06d", w.Part)}
}

func getSeal(tx *chaincode.Tx, q GetSeal) (Window, error) {
	w := Window{Device: q.Device, From: q.From, Part: q.Part}
	found, ok := seals.Get(tx, w.key(q.Owner)...)
	if !ok {
		return Window{}, ErrNoSeal.Refuse("%s from %s, part %s", w.Device, w.From.UTC().Format(time.RFC3339), w.Part).On("from")
	}
	return found, nil
}
