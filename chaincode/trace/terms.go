package trace

import (
	"slices"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
)

// Terms are what a notice says beside its lots: how grave it is, how far down
// it goes, what to do, and how it is followed up. All of it is public.
type Terms struct {
	Class string `json:"class,omitempty"` // "I", "II" or "III" (21 CFR 7.3(m))
	Depth string `json:"depth,omitempty"` // "wholesale", "retail" or "consumer" (21 CFR 7.42(b)(1))
	Hours int    `json:"hours,omitempty"` // within which a notified company acknowledges; 0: 24
	// Level is how many companies are asked whether the notice worked: "A" all,
	// "B" Share percent of them, "C" 10 %, "D" 2 %, "E" none (21 CFR 7.42(b)(3)).
	Level    string `json:"level,omitempty"`
	Share    int    `json:"share,omitempty"`
	ReasonZh string `json:"reasonZh,omitempty"`
	Advice   string `json:"advice,omitempty"` // what to do with the goods
	AdviceZh string `json:"adviceZh,omitempty"`
	Contact  string `json:"contact,omitempty"`
}

// What the terms may be.
var (
	Classes = []string{"I", "II", "III"}
	Depths  = []string{"wholesale", "retail", "consumer"}
	Levels  = []string{"A", "B", "C", "D", "E"}
)

const (
	usualHours  = 24
	mostHours   = 720
	longestText = 2000 // bytes
)

func (t Terms) check() error {
	among := func(word string, words []string) bool { return word == "" || slices.Contains(words, word) }
	switch {
	case !among(t.Class, Classes):
		return ErrTerms.Refuse("class %s", t.Class).On("class")
	case !among(t.Depth, Depths):
		return ErrTerms.Refuse("depth %s", t.Depth).On("depth")
	case !among(t.Level, Levels):
		return ErrTerms.Refuse("level %s", t.Level).On("level")
	case t.Level == "B" && (t.Share <= 10 || t.Share >= 100), t.Level != "B" && t.Share != 0:
		return ErrTerms.Refuse("a share of %s percent", t.Share).On("share")
	case t.Hours < 0 || t.Hours > mostHours:
		return ErrTerms.Refuse("%s hours", t.Hours).On("hours")
	}
	for _, text := range []struct{ field, said string }{{"reasonZh", t.ReasonZh}, {"advice", t.Advice}, {"adviceZh", t.AdviceZh}, {"contact", t.Contact}} {
		if len(text.said) > longestText {
			return ErrTerms.Refuse("a text of %s bytes", len(text.said)).On(text.field)
		}
	}
	return nil
}

// ToCheck is how many of so many companies a level asks.
func (t Terms) ToCheck(companies int) int {
	percent := map[string]int{"A": 100, "B": t.Share, "C": 10, "D": 2}[t.Level]
	return (companies*percent + 99) / 100
}

// hours within which a notified company acknowledges.
func (t Terms) hours() int {
	if t.Hours == 0 {
		return usualHours
	}
	return t.Hours
}

// led says whether a party leads the case: who opened it, and a regulator.
func (c Case) led(by string, authority bool) error {
	if !authority && (c.Authority || c.By != by) {
		return ErrNotYoursToRelease.Refuse("%s was opened by %s", c.ID, c.By)
	}
	return nil
}

// ledCase is an open case that the caller leads.
func ledCase(tx *chaincode.Tx, id string) (c Case, by party.Party, authority bool, err error) {
	if by, err = party.Active(tx); err != nil {
		return c, by, false, err
	}
	if c, err = openCase(tx, id); err != nil {
		return c, by, false, err
	}
	_, no := party.ActiveRegulator(tx)
	return c, by, no == nil, c.led(by.ID, no == nil)
}
