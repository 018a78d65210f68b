package trace

import "slices"

// retract does an error declaration: it takes the event's effects back, where
// nothing has been built on them, and marks the event (EPCIS 2.0, section
// 7.4.1.2). Nothing is edited: both stay on the ledger.
func (d *desk) retract(before Record, known bool) (Outcome, error) {
	switch {
	case !known:
		return Outcome{}, ErrNoEvent.Refuse("%s", d.record.Hash).On("event")
	case before.Author != d.by.ID:
		return Outcome{}, ErrNotAuthor.Refuse("%s was captured by %s", before.Hash, before.Author)
	}
	if err := d.undo(before.Steps); err != nil {
		return Outcome{}, err
	}
	if err := d.rebalance(before.Steps); err != nil {
		return Outcome{}, err
	}
	e := d.event.Error
	before.Error = &ErrorDeclared{Time: e.Time, Reason: e.Reason, Corrective: e.Corrective}
	records.Put(d.tx, before, before.Hash)
	d.tx.Emit(EventRetracted{Hash: before.Hash, By: d.by.ID, Error: *before.Error})
	return before.outcome("captured"), nil
}

// rebalance weighs the processes that the event was part of: an input cannot
// be taken back from under its outputs.
func (d *desk) rebalance(steps []Step) error {
	var seen []string
	for _, s := range steps {
		if s.Process == "" || slices.Contains(seen, s.Process) {
			continue
		}
		seen = append(seen, s.Process)
		if p := d.whole(s.Process); s.Do == doUse && len(p.Inputs) == 0 && len(p.Outputs) > 0 {
			return ErrTooLate.Refuse("%s was made of it", p.Outputs[0].Lot)
		}
		if err := d.settleProcess(s.Process); err != nil {
			return ErrTooLate.Refuse("%s", err)
		}
	}
	return nil
}
