package trace

import (
	"slices"
	"strings"

	"github.com/tallyway/tallyway/shared/gs1"
)

// Process is one making: what went in and what came out. Several events with
// one transformationID make one process (EPCIS 2.0, section 7.4.6).
type Process struct {
	ID        string     `json:"id"`
	Party     string     `json:"party"`
	Tolerance gs1.Amount `json:"tolerance,omitzero"`
	Flags     []string   `json:"flags,omitempty"`
	Inputs    []Line     `json:"-"` // kept apart, a row a line
	Outputs   []Line     `json:"-"`
}

// The two sides of a process.
const (
	sideIn  = "in"
	sideOut = "out"
)

// maxTolerance is the most that scales may be wrong by.
var maxTolerance, _ = gs1.ParseAmount("0.02")

// Balance refuses more out than in. Where units of different kinds meet
// (pieces out of kilograms), or pieces of different products (cases into
// packs), it cannot tell, and flags that.
func (p *Process) Balance() error {
	if len(p.Inputs) == 0 {
		if len(p.Outputs) > 0 {
			flag(&p.Flags, FlagInputsUnknown)
		}
		return nil
	}
	unit := p.Inputs[0].Unit
	in, ok := total(p.Inputs, unit)
	out, okOut := total(p.Outputs, unit)
	if !ok || !okOut || counted(unit) && !p.oneProduct() {
		flag(&p.Flags, FlagNotComparable)
		return nil
	}
	if most := in.Add(in.Mul(p.Tolerance)); out.Cmp(most) > 0 {
		return ErrMoreOut.Refuse("%s %s in, %s %s out", in, unitName(unit), out, unitName(unit))
	}
	return nil
}

// counted reports whether a unit counts pieces, of whatever size.
func counted(unit string) bool {
	u, err := gs1.UnitOf(unit)
	return err == nil && (u.Dimension == "count" || strings.HasPrefix(u.Dimension, "number of ")) // of cases, of pallets
}

// oneProduct reports whether all that goes in and comes out is the same
// product, so that its pieces can be counted against each other.
func (p *Process) oneProduct() bool {
	products := map[string]bool{}
	for _, l := range append(slices.Clone(p.Inputs), p.Outputs...) {
		key, err := gs1.Parse(l.Lot)
		if err != nil || key.GTIN() == "" {
			return false
		}
		products[key.GTIN()] = true
	}
	return len(products) == 1
}

func total(lines []Line, unit string) (sum gs1.Amount, ok bool) {
	for _, l := range lines {
		q, err := gs1.Quantity{Amount: l.Amount, Unit: l.Unit}.In(unit)
		if err != nil {
			return sum, false
		}
		sum = sum.Add(q.Amount)
	}
	return sum, true
}

// transform does a transformation event.
func (d *desk) transform() error {
	inputs, outputs, err := d.transformed()
	if err != nil {
		return err
	}
	p := d.process()
	if d.c.Tolerance.Sign() < 0 || d.c.Tolerance.Cmp(maxTolerance) > 0 {
		return ErrTolerance.Refuse("%s", d.c.Tolerance).On("tolerance")
	}
	if d.c.Tolerance.Cmp(p.Tolerance) > 0 {
		p.Tolerance = d.c.Tolerance
	}
	processes.Put(d.tx, p, p.ID)
	for _, l := range inputs {
		if err := d.use(p.ID, l); err != nil {
			return err
		}
	}
	for _, t := range outputs {
		if err := d.yield(p.ID, t); err != nil {
			return err
		}
	}
	return d.settleProcess(p.ID)
}

// transformed reads the two sides. Whole packs do not go into a kettle: they
// are unpacked first.
func (d *desk) transformed() ([]Line, []thing, error) {
	in, err := d.mentions("input", d.event.InputEPCs, d.event.InputQuantities)
	if err != nil {
		return nil, nil, err
	}
	out, err := d.mentions("output", d.event.OutputEPCs, d.event.OutputQuantities)
	if err != nil {
		return nil, nil, err
	}
	loose, boxes := apart(in)
	outputs, made := apart(out)
	for _, box := range append(boxes, made...) {
		return nil, nil, ErrAlreadyPacked.Refuse("%s is a pack: its contents are transformed, not itself", box)
	}
	lines, err := d.atHandOf(loose)
	return summed(lines), outputs, err
}

// process is the one that the event belongs to.
func (d *desk) process() Process {
	id := d.record.Hash
	if d.event.TransformationID != "" {
		id = d.by.ID + " " + d.event.TransformationID
	}
	p, ok := processes.Get(d.tx, id)
	if !ok {
		p = Process{ID: id, Party: d.by.ID}
	}
	return p
}

func (d *desk) use(process string, l Line) error {
	if err := d.free(l.Lot); err != nil {
		return err
	}
	if err := d.take(l, used); err != nil {
		return err
	}
	return d.do(Step{Do: doUse, Process: process, Lot: l.Lot, Amount: l.Amount, Unit: l.Unit})
}

func (d *desk) yield(process string, t thing) error {
	l, err := d.make(t)
	if err != nil {
		return err
	}
	if err := d.move(d.by.ID, l, outside, held); err != nil {
		return err
	}
	return d.do(Step{Do: doYield, Process: process, Lot: l.Lot, Amount: l.Amount, Unit: l.Unit})
}

// applyProcess books one side of a process; a step taken back has a negative
// amount.
func (d *desk) applyProcess(s Step) error {
	side := sideIn
	if s.Do == doYield {
		side = sideOut
	}
	l, _ := sides.Get(d.tx, s.Process, side, s.Lot)
	l = Line{s.Lot, l.Amount.Add(s.Amount), s.Unit}
	if l.Amount.IsZero() {
		sides.Delete(d.tx, s.Process, side, s.Lot)
	} else {
		sides.Put(d.tx, l, s.Process, side, s.Lot)
	}
	switch {
	case side == sideOut && l.Amount.IsZero():
		roots.Delete(d.tx, s.Lot, s.Process)
	case side == sideOut:
		roots.Put(d.tx, s.Process, s.Lot, s.Process)
	case l.Amount.IsZero():
		uses.Delete(d.tx, s.Lot, s.Process)
	default:
		uses.Put(d.tx, s.Process, s.Lot, s.Process)
	}
	return nil
}

// whole loads a process with both its sides.
func (d *desk) whole(id string) Process {
	p, _ := processes.Get(d.tx, id)
	sides.Scan(d.tx, func(key []string, l Line) bool {
		if key[1] == sideIn {
			p.Inputs = append(p.Inputs, l)
		} else {
			p.Outputs = append(p.Outputs, l)
		}
		return true
	}, id)
	return p
}

func find(lines []Line, lot string) (Line, bool) {
	for _, l := range lines {
		if l.Lot == lot {
			return l, true
		}
	}
	return Line{}, false
}

// settleProcess weighs the process after the event. Outputs that come later
// than a block of an input are refused as the input itself would be.
func (d *desk) settleProcess(id string) error {
	p := d.whole(id)
	for _, l := range p.Inputs {
		if err := d.free(l.Lot); err != nil {
			return err
		}
	}
	if err := p.Balance(); err != nil {
		return err
	}
	for _, f := range p.Flags {
		flag(&d.record.Flags, f)
	}
	processes.Put(d.tx, p, p.ID)
	d.tx.Emit(Derived{Process: p.ID, Party: p.Party, Inputs: p.Inputs, Outputs: p.Outputs, Flags: p.Flags, Event: d.record.Hash})
	return nil
}
