package trace

import (
	"errors"
	"slices"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/gs1"
)

// Step is one change that an event made. The record keeps the steps, so that
// an error declaration takes back exactly what the event did.
type Step struct {
	Do       string     `json:"do"`
	Lot      string     `json:"lot,omitempty"`
	Party    string     `json:"party,omitempty"`
	Amount   gs1.Amount `json:"amount,omitzero"`
	Unit     string     `json:"unit,omitempty"`
	From     string     `json:"from,omitempty"`
	To       string     `json:"to,omitempty"`
	Pack     string     `json:"pack,omitempty"`
	Child    string     `json:"child,omitempty"` // a pack within a pack, or what is attached to Pack
	Shipment string     `json:"shipment,omitempty"`
	Process  string     `json:"process,omitempty"`
}

// What a step can be.
const (
	doMove   = "move"   // within an account
	doMake   = "make"   // a lot grows
	doPack   = "pack"   // a lot or pack into a pack
	doUnpack = "unpack" // and out of it
	doOffer  = "offer"  // a shipment
	doAccept = "accept"
	doFind   = "find"   // a pack that had left the network
	doUse    = "use"    // a lot into a process
	doYield  = "yield"  // and out of it
	doAttach = "attach" // one thing to another
	doDetach = "detach"
	doReturn = "return" // a recalled lot went back
)

// do applies a step and remembers it.
func (d *desk) do(s Step) error {
	if err := d.apply(s); err != nil {
		return err
	}
	d.record.Steps = append(d.record.Steps, s)
	return nil
}

func (d *desk) apply(s Step) error {
	switch s.Do {
	case doMove:
		return d.applyMove(s)
	case doMake:
		return d.applyMake(s)
	case doPack:
		return d.putIn(s)
	case doUnpack:
		return d.takeOut(s)
	case doUse, doYield:
		return d.applyProcess(s)
	case doAttach:
		return d.applyAttach(s)
	case doDetach:
		return d.applyDetach(s)
	case doReturn:
		back, _ := returns.Get(d.tx, s.Lot, s.Party)
		back = back.Add(s.Amount)
		returns.Put(d.tx, back, s.Lot, s.Party)
		d.tx.Emit(LotReturned{Lot: s.Lot, Party: s.Party, Amount: back, Unit: s.Unit})
	}
	return nil // shipments and found packs are written by ship.go and receive.go
}

func (d *desk) applyMove(s Step) error {
	a, _ := accounts.Get(d.tx, s.Lot, s.Party)
	if err := a.Move(s); err != nil {
		return err
	}
	accounts.Put(d.tx, a, s.Lot, s.Party)
	d.tx.Emit(HoldingChanged{Lot: s.Lot, Party: s.Party, Unit: s.Unit, Account: a, Event: d.record.Hash})
	return nil
}

func (d *desk) applyMake(s Step) error {
	l, ok := lots.Get(d.tx, s.Lot)
	if !ok {
		return ErrNoLot.Refuse("%s", s.Lot)
	}
	l.Made = l.Made.Add(s.Amount)
	lots.Put(d.tx, l, l.ID)
	switch {
	case l.Batch == "":
	case l.unused():
		members.Delete(d.tx, l.Batch, l.ID)
	default:
		members.Put(d.tx, l.ID, l.Batch, l.ID)
	}
	d.tx.Emit(LotLogged{l})
	return nil
}

// reversed is the step that takes this one back.
func (s Step) reversed() Step {
	s.From, s.To = s.To, s.From
	switch s.Do {
	case doPack:
		s.Do = doUnpack
	case doUnpack:
		s.Do = doPack
	case doMake, doUse, doYield, doReturn:
		s.Amount = gs1.Amount{}.Sub(s.Amount)
	}
	return s
}

// undo takes the steps of an event back, the last one first. Whatever it finds
// changed in the meantime makes it too late.
func (d *desk) undo(steps []Step) error {
	for _, s := range slices.Backward(steps) {
		if err := d.undoStep(s); err != nil {
			return tooLate(err)
		}
	}
	return nil
}

// tooLate tells what stands in the way.
func tooLate(cause error) error {
	var r *chaincode.Refusal
	if errors.As(cause, &r) {
		return ErrTooLate.Refuse(r.Format, anyOf(r.Facts)...)
	}
	return cause
}

func anyOf(facts []string) []any {
	all := make([]any, len(facts))
	for i, f := range facts {
		all[i] = f
	}
	return all
}

func (d *desk) undoStep(s Step) error {
	switch s.Do {
	case doOffer:
		return d.withdraw(s.Shipment)
	case doAccept:
		return d.reopen(s.Shipment)
	case doFind:
		return d.losePack(s)
	case doAttach:
		return d.undoAttach(s)
	case doDetach:
		return d.undoDetach(s)
	case doMake, doUse, doYield:
		if err := d.free(s.Lot); err != nil { // a recalled lot's history stays
			return err
		}
	}
	return d.apply(s.reversed())
}
