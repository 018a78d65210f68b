package trace

import (
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/gs1"
)

// The kinds of cases. A mock recall finds everything and blocks nothing.
const (
	KindRecall = "recall"
	KindHold   = "hold"
	KindMock   = "mock"
)

// Recall blocks lots and everything derived from them, at any depth and across
// companies. What it cannot mark in one transaction, Extend goes on with.
type Recall struct {
	ID     string   `json:"id"` // the case number, the caller's choice
	Kind   string   `json:"kind"`
	Lots   []string `json:"lots"`           // ids as in Lot.ID, or their URIs
	Reason string   `json:"reason"`         // for people: public
	Code   string   `json:"code,omitempty"` // the hazard: "listeria", "allergen", "foreign-body", ...
	// Marks is how many lots one transaction marks, at most 2,000: fewer where
	// a network's blocks are small.
	Marks int `json:"marks,omitempty"`
	Terms
}

// Extend goes on with marking what derives from a case's lots. Anybody may call
// it, again until it is done.
type Extend struct {
	Case string `json:"case"`
}

// Release closes a case: nothing is blocked by it any more.
type Release struct {
	Case   string `json:"case"`
	Reason string `json:"reason"`
	// Unreconciled is why a recall is closed though not every notified company
	// has accounted for its goods.
	Unreconciled string `json:"unreconciled,omitempty"`
}

// Acknowledge tells that a company has read the notice of a case, and what it
// found. A later one replaces it.
type Acknowledge struct {
	Case  string `json:"case"`
	Found []Line `json:"found,omitempty"` // put apart, by lot
}

// Case is a recall, a hold or a mock recall.
type Case struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	Lots      []string  `json:"lots"`
	Reason    string    `json:"reason"`
	Code      string    `json:"code,omitempty"`
	By        string    `json:"by"`                  // party
	Authority bool      `json:"authority,omitempty"` // opened by a regulator
	At        time.Time `json:"at"`
	State     string    `json:"state"`
	Marked    int       `json:"marked"` // lots blocked so far
	Done      bool      `json:"done"`   // every derived lot is marked
	Closed    time.Time `json:"closed,omitzero"`
	ClosedBy  string    `json:"closedBy,omitempty"`
	Closing   string    `json:"closing,omitempty"` // reason of the release

	Unreconciled string    `json:"unreconciled,omitempty"` // why it was closed before all was accounted for
	Upgraded     time.Time `json:"upgraded,omitzero"`      // when a hold became a recall
	Marks        int       `json:"marks,omitempty"`        // a transaction; 0: as many as may be
	// A narrowed case marks anew, in its next round, while the marks of the
	// round before still count. Rounds below Counts count no more.
	Round  int `json:"round,omitempty"`
	Counts int `json:"counts,omitempty"`
	Terms
}

// The states of a case.
const (
	CaseOpen = "open"
	CaseOver = "closed"
)

// CaseState is the reply to every command about a case.
type CaseState struct {
	Case   string `json:"case"`
	State  string `json:"state"`
	Marked int    `json:"marked"`
	Done   bool   `json:"done"` // false: call Extend
}

func (c Case) reply() CaseState { return CaseState{c.ID, c.State, c.Marked, c.Done} }

const (
	maxCaseLots = 200
	maxMarks    = 2000 // lots blocked by one transaction
)

func recall(tx *chaincode.Tx, r Recall) (CaseState, error) {
	by, err := party.Active(tx)
	if err != nil {
		return CaseState{}, err
	}
	if err := r.check(); err != nil {
		return CaseState{}, err
	}
	if cases.Has(tx, r.ID) {
		return CaseState{}, ErrCaseExists.Refuse("%s", r.ID).On("id")
	}
	named, err := lotIDs(r.Lots)
	if err != nil {
		return CaseState{}, err
	}
	_, err = party.ActiveRegulator(tx)
	c := Case{ID: r.ID, Kind: r.Kind, Lots: named, Reason: r.Reason, Code: r.Code, By: by.ID, Authority: err == nil, At: tx.At(), State: CaseOpen, Marks: r.Marks, Terms: r.Terms}
	if err := c.mayBlock(tx); err != nil {
		return CaseState{}, err
	}
	tx.Emit(CaseOpened{c})
	walk(tx, &c, c.Lots)
	return c.reply(), nil
}

// lotIDs brings the lots of a case to their ids. A product or a pack is none:
// a block has to say which goods it means wherever they are.
func lotIDs(named []string) ([]string, error) {
	ids := make([]string, len(named))
	for i, name := range named {
		key, err := gs1.Parse(name)
		switch {
		case err != nil: // a thing without a GS1 key
			ids[i] = name
		case key.Primary.AI == "00" || key.Level() != gs1.Lot && key.Level() != gs1.Instance:
			return nil, ErrCase.Refuse("%s is no lot", name).On("lots")
		default:
			ids[i] = itemPath(key)
		}
	}
	return ids, nil
}

// mayBlock lets a maker block its own lots, and a regulator any.
func (c Case) mayBlock(tx *chaincode.Tx) error {
	for _, lot := range c.Lots {
		if l, _ := lots.Get(tx, lot); !c.Authority && l.Maker != c.By {
			return ErrNotYoursToBlock.Refuse("%s was made by %s", lot, orNobody(l.Maker))
		}
	}
	return nil
}

func (r Recall) check() error {
	switch {
	case strings.TrimSpace(r.ID) == "":
		return ErrCase.Refuse("no case number").On("id")
	case r.Kind != KindRecall && r.Kind != KindHold && r.Kind != KindMock:
		return ErrCase.Refuse("%s is no kind of case", r.Kind).On("kind")
	case len(r.Lots) == 0 || len(r.Lots) > maxCaseLots:
		return ErrCase.Refuse("%s lots", len(r.Lots)).On("lots")
	case strings.TrimSpace(r.Reason) == "":
		return ErrCase.Refuse("no reason").On("reason")
	case r.Marks < 0 || r.Marks > maxMarks:
		return ErrTerms.Refuse("%s marks", r.Marks).On("marks")
	}
	return r.Terms.check()
}

func extend(tx *chaincode.Tx, e Extend) (CaseState, error) {
	c, err := openCase(tx, e.Case)
	if err != nil {
		return CaseState{}, err
	}
	if !c.Done {
		walk(tx, &c, nil)
	}
	return c.reply(), nil
}

func openCase(tx *chaincode.Tx, id string) (Case, error) {
	c, ok := cases.Get(tx, id)
	switch {
	case !ok:
		return c, ErrNoCase.Refuse("%s", id).On("case")
	case c.State != CaseOpen:
		return c, ErrCaseClosed.Refuse("%s", id).On("case")
	}
	return c, nil
}

// walker marks lots and what derives from them, breadth first.
//
// It reads, as ranges, what it follows; whoever derives a lot reads, as a
// range, the blocks of the inputs. So of a recall and a transformation at the
// same time, one sees the other: no derived lot slips through.
type walker struct {
	tx    *chaincode.Tx
	c     *Case
	queue []string // marked, children not yet
	left  int      // marks that this transaction may still set
}

func walk(tx *chaincode.Tx, c *Case, first []string) {
	w := &walker{tx: tx, c: c, left: c.marks()}
	w.resume()
	for _, lot := range first {
		w.mark(lot)
	}
	for len(w.queue) > 0 && w.children(w.queue[0]) {
		w.queue = w.queue[1:]
	}
	for _, lot := range w.queue {
		todo.Put(tx, lot, c.ID, lot)
	}
	c.Done = true
	todo.Scan(tx, func([]string, string) bool { c.Done = false; return false }, c.ID)
	c.spread(tx)
	cases.Put(tx, *c, c.ID)
	tx.Emit(CaseExtended{Case: c.ID, Marked: c.Marked, Done: c.Done, Round: c.Round})
}

// spread notes whether lots may belong to the case that are not marked yet. Of
// a case marked anew, the round before covers them.
func (c *Case) spread(tx *chaincode.Tx) {
	switch spreading := c.State == CaseOpen && !c.Done && c.Round == c.Counts && c.Kind != KindMock; {
	case spreading:
		pending.Put(tx, c.ID, c.ID)
	case pending.Has(tx, c.ID):
		pending.Delete(tx, c.ID)
	}
	if c.Done {
		c.Counts = c.Round
	}
}

func (c *Case) marks() int {
	if c.Marks > 0 {
		return c.Marks
	}
	return maxMarks
}

// resume takes up what an earlier transaction left.
func (w *walker) resume() {
	todo.Scan(w.tx, func(key []string, lot string) bool {
		w.queue = append(w.queue, lot)
		return len(w.queue) < maxMarks
	}, w.c.ID)
	for _, lot := range w.queue {
		todo.Delete(w.tx, w.c.ID, lot)
	}
}

// mark blocks one lot; it is false when this transaction has set enough.
func (w *walker) mark(lot string) bool {
	at := w.c.markOf(lot)
	if blocks.Has(w.tx, at...) {
		return true
	}
	if w.left == 0 {
		return false
	}
	w.left--
	w.c.Marked++
	blocks.Put(w.tx, w.c.ID, at...)
	w.tx.Emit(LotBlocked{Lot: lot, Case: w.c.ID, Kind: w.c.Kind, Round: w.c.Round})
	w.queue = append(w.queue, lot)
	return true
}

// children marks what a lot went into: its single things, and the outputs of
// every process that used it. It is false when it did not come to the end.
func (w *walker) children(lot string) (all bool) {
	all = true
	members.Scan(w.tx, func(_ []string, single string) bool {
		all = w.mark(single)
		return all
	}, lot)
	if !all {
		return false
	}
	uses.Scan(w.tx, func(_ []string, process string) bool {
		sides.Scan(w.tx, func(_ []string, l Line) bool {
			all = w.mark(l.Lot)
			return all
		}, process, sideOut)
		return all
	}, lot)
	return all
}

func release(tx *chaincode.Tx, r Release) (CaseState, error) {
	by, err := party.Active(tx)
	if err != nil {
		return CaseState{}, err
	}
	c, err := openCase(tx, r.Case)
	if err != nil {
		return CaseState{}, err
	}
	_, err = party.ActiveRegulator(tx)
	if err := c.close(by.ID, err == nil, tx.At(), r.Reason); err != nil {
		return CaseState{}, err
	}
	if err := c.accountedFor(tx, r.Unreconciled); err != nil {
		return CaseState{}, err
	}
	c.spread(tx)
	cases.Put(tx, c, c.ID)
	tx.Emit(CaseClosed{Case: c.ID, Kind: c.Kind, By: by.ID, At: c.Closed, Reason: r.Reason, Unreconciled: c.Unreconciled})
	return c.reply(), nil
}

// close ends the case. The marks stay where they are: they count only while
// their case is open, so that one write frees every lot at once.
func (c *Case) close(by string, authority bool, at time.Time, reason string) error {
	switch err := c.led(by, authority); {
	case err != nil:
		return err
	case strings.TrimSpace(reason) == "":
		return ErrCase.Refuse("no reason").On("reason")
	}
	c.State, c.Closed, c.ClosedBy, c.Closing = CaseOver, at, by, reason
	return nil
}

func acknowledge(tx *chaincode.Tx, a Acknowledge) (CaseState, error) {
	by, err := party.Active(tx)
	if err != nil {
		return CaseState{}, err
	}
	c, err := openCase(tx, a.Case)
	if err != nil {
		return CaseState{}, err
	}
	if err := a.check(tx, by.ID); err != nil {
		return CaseState{}, err
	}
	acks.Put(tx, a, c.ID, by.ID)
	tx.Emit(CaseAcknowledged{Case: c.ID, By: by.ID, At: tx.At(), Found: a.Found})
	return c.reply(), nil
}

// check brings what was found to the units of the lots. They must be part of
// the case and have been the company's.
func (a Acknowledge) check(tx *chaincode.Tx, by string) error {
	for i, f := range a.Found {
		l, _ := lots.Get(tx, f.Lot)
		q, err := gs1.Quantity{Amount: f.Amount, Unit: f.Unit}.In(l.Unit)
		switch {
		case !reached(tx, a.Case, f.Lot) || !accounts.Has(tx, f.Lot, by):
			return ErrNotConcerned.Refuse("%s", f.Lot).On("found")
		case err != nil:
			return ErrUnit.Refuse("%s is kept in %s", f.Lot, unitName(l.Unit)).On("found")
		case f.Amount.Sign() < 0:
			return ErrAmount.Refuse("%s of %s", f.Amount, f.Lot).On("found")
		}
		a.Found[i] = Line{f.Lot, q.Amount, l.Unit}
	}
	return nil
}

// refuse says why a lot stays where it is.
func (c Case) refuse(lot string) error {
	if c.Kind == KindHold {
		return ErrHeld.Refuse("%s: case %s", lot, c.ID)
	}
	return ErrRecalled.Refuse("%s: case %s", lot, c.ID)
}

// free refuses a lot that is blocked.
func (d *desk) free(lot string) error {
	if c, blocked := blocking(d.tx, lot); blocked {
		return c.refuse(lot)
	}
	return nil
}
