package trace

import (
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
)

// Widen adds lots to a case. What was blocked stays so.
type Widen struct {
	Case   string   `json:"case"`
	Lots   []string `json:"lots"`
	Reason string   `json:"reason"`
}

// Narrow takes named lots out of a case. What the others reach is marked anew;
// until that is done everything stays blocked that was.
type Narrow struct {
	Case   string   `json:"case"`
	Lots   []string `json:"lots"`
	Reason string   `json:"reason"`
}

// Upgrade turns a hold into a recall of the same lots, in one write: nothing
// can move in between.
type Upgrade struct {
	Case   string `json:"case"`
	Reason string `json:"reason"`
	Code   string `json:"code,omitempty"`
	Terms
}

// CaseWidened tells which lots a case names in addition.
type CaseWidened struct {
	Case   string    `json:"case"`
	Lots   []string  `json:"lots"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// CaseNarrowed tells which lots a case names no more. They are free when the
// marking of the round is done.
type CaseNarrowed struct {
	Case   string    `json:"case"`
	Lots   []string  `json:"lots"`
	Round  int       `json:"round"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
}

// CaseUpgraded tells that a hold is a recall from now on.
type CaseUpgraded struct {
	Case      string    `json:"case"`
	Reason    string    `json:"reason"`
	Code      string    `json:"code,omitempty"`
	By        string    `json:"by"`
	Authority bool      `json:"authority,omitempty"` // the case is a regulator's now
	At        time.Time `json:"at"`
	Terms     Terms     `json:"terms"`
}

func widen(tx *chaincode.Tx, w Widen) (CaseState, error) {
	c, by, authority, err := ledCase(tx, w.Case)
	if err != nil {
		return CaseState{}, err
	}
	more, err := lotIDs(w.Lots)
	if err == nil {
		err = c.mayWiden(tx, more, authority, w.Reason)
	}
	if err != nil {
		return CaseState{}, err
	}
	c.Lots = append(c.Lots, more...)
	tx.Emit(CaseWidened{Case: c.ID, Lots: more, By: by.ID, At: tx.At(), Reason: w.Reason})
	walk(tx, &c, more)
	return c.reply(), nil
}

func (c Case) mayWiden(tx *chaincode.Tx, more []string, authority bool, reason string) error {
	switch {
	case !c.Done:
		return ErrCaseMarking.Refuse("%s", c.ID).On("case")
	case len(more) == 0 || len(c.Lots)+len(more) > maxCaseLots:
		return ErrCase.Refuse("%s lots", len(c.Lots)+len(more)).On("lots")
	case strings.TrimSpace(reason) == "":
		return ErrCase.Refuse("no reason").On("reason")
	}
	for i, lot := range more {
		if slices.Contains(c.Lots, lot) || slices.Contains(more[:i], lot) {
			return ErrNotNamed.Refuse("%s is one of them already", lot).On("lots")
		}
		if l, _ := lots.Get(tx, lot); !authority && l.Maker != c.By {
			return ErrNotYoursToBlock.Refuse("%s was made by %s", lot, orNobody(l.Maker))
		}
	}
	return nil
}

func narrow(tx *chaincode.Tx, n Narrow) (CaseState, error) {
	c, by, _, err := ledCase(tx, n.Case)
	if err != nil {
		return CaseState{}, err
	}
	out, err := lotIDs(n.Lots)
	if err == nil {
		err = c.narrow(out, n.Reason)
	}
	if err != nil {
		return CaseState{}, err
	}
	tx.Emit(CaseNarrowed{Case: c.ID, Lots: out, Round: c.Round, By: by.ID, At: tx.At(), Reason: n.Reason})
	walk(tx, &c, c.Lots)
	return c.reply(), nil
}

// narrow begins the next round, without some of the lots.
func (c *Case) narrow(out []string, reason string) error {
	switch {
	case !c.Done:
		return ErrCaseMarking.Refuse("%s", c.ID).On("case")
	case len(out) == 0 || len(out) >= len(c.Lots):
		return ErrNotNamed.Refuse("%s of %s lots: close the case instead", len(out), len(c.Lots)).On("lots")
	case strings.TrimSpace(reason) == "":
		return ErrCase.Refuse("no reason").On("reason")
	}
	for _, lot := range out {
		i := slices.Index(c.Lots, lot)
		if i < 0 {
			return ErrNotNamed.Refuse("%s", lot).On("lots")
		}
		c.Lots = slices.Delete(slices.Clone(c.Lots), i, i+1)
	}
	c.Round, c.Marked, c.Done = c.Round+1, 0, false
	return nil
}

func upgrade(tx *chaincode.Tx, u Upgrade) (CaseState, error) {
	c, by, authority, err := ledCase(tx, u.Case)
	if err != nil {
		return CaseState{}, err
	}
	if err := c.upgrade(u); err != nil {
		return CaseState{}, err
	}
	c.Authority = c.Authority || authority
	c.Upgraded = tx.At()
	cases.Put(tx, c, c.ID)
	tx.Emit(CaseUpgraded{Case: c.ID, Reason: c.Reason, Code: c.Code, By: by.ID, Authority: c.Authority, At: c.Upgraded, Terms: c.Terms})
	return c.reply(), nil
}

func (c *Case) upgrade(u Upgrade) error {
	switch {
	case c.Kind != KindHold:
		return ErrNotHold.Refuse("%s", c.ID).On("case")
	case strings.TrimSpace(u.Reason) == "":
		return ErrCase.Refuse("no reason").On("reason")
	}
	c.Kind, c.Reason, c.Terms = KindRecall, u.Reason, u.Terms
	if u.Code != "" {
		c.Code = u.Code
	}
	return u.Terms.check()
}
