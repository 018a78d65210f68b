package trace

import (
	"slices"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
)

// Notify tells companies that a case concerns them, and how many of its lots
// they have or had. Once more, it is a reminder.
type Notify struct {
	Case      string      `json:"case"`
	Companies []Concerned `json:"companies"`
}

// Concerned is a company that has or had lots of a case.
type Concerned struct {
	Party string `json:"party"`
	Lots  int    `json:"lots"`
}

// Notice is what one company was told of a case, and what a check found.
type Notice struct {
	Party string    `json:"party"`
	Lots  int       `json:"lots"`
	At    time.Time `json:"at"`
	Due   time.Time `json:"due"`   // until when it acknowledges
	Times int       `json:"times"` // that it was told
	Check *Check    `json:"check,omitempty"`
}

// CaseNotified tells a company that a case concerns it.
type CaseNotified struct {
	Case  string    `json:"case"`
	Party string    `json:"party"`
	Lots  int       `json:"lots"`
	At    time.Time `json:"at"`
	Due   time.Time `json:"due"`
	Times int       `json:"times"` // from the second on it is a reminder
}

// maxCompanies bounds one Notify.
const maxCompanies = 200

func notify(tx *chaincode.Tx, n Notify) (CaseState, error) {
	c, _, _, err := ledCase(tx, n.Case)
	if err != nil {
		return CaseState{}, err
	}
	if len(n.Companies) == 0 || len(n.Companies) > maxCompanies {
		return CaseState{}, ErrNotice.Refuse("%s companies", len(n.Companies)).On("companies")
	}
	for _, to := range n.Companies {
		if _, known := party.Find(tx, to.Party); !known || to.Lots <= 0 {
			return CaseState{}, ErrNotice.Refuse("%s lots of %s", to.Lots, to.Party).On("companies")
		}
		c.notify(tx, to)
	}
	return c.reply(), nil
}

// notify keeps the first deadline: a reminder gives no more time.
func (c Case) notify(tx *chaincode.Tx, to Concerned) {
	n, again := notices.Get(tx, c.ID, to.Party)
	if !again {
		n = Notice{Party: to.Party, At: tx.At(), Due: tx.At().Add(time.Duration(c.hours()) * time.Hour)}
	}
	n.Times, n.Lots = n.Times+1, to.Lots
	notices.Put(tx, n, c.ID, to.Party)
	tx.Emit(CaseNotified{Case: c.ID, Party: n.Party, Lots: n.Lots, At: tx.At(), Due: n.Due, Times: n.Times})
}

// CheckConsignee records whether a notified company has read the notice and
// acted on it, as somebody found out who asked.
type CheckConsignee struct {
	Case string `json:"case"`
	Check
	Party string `json:"party"`
}

// Check is how a company was asked, and what came of it.
type Check struct {
	Method    string `json:"method"` // visit, phone, mail or letter
	Contacted bool   `json:"contacted"`
	Result    string `json:"result"` // acted, not-acted, not-received or no-answer
}

// CaseChecked tells what a check of one company found. A later one replaces it.
type CaseChecked struct {
	Case  string    `json:"case"`
	Party string    `json:"party"`
	By    string    `json:"by"`
	At    time.Time `json:"at"`
	Check Check     `json:"check"`
}

// How companies are asked, and what comes of it.
var (
	CheckMethods = []string{"visit", "phone", "mail", "letter"}
	CheckResults = []string{"acted", "not-acted", "not-received", "no-answer"}
)

func checkConsignee(tx *chaincode.Tx, k CheckConsignee) (CaseState, error) {
	c, by, _, err := ledCase(tx, k.Case)
	if err != nil {
		return CaseState{}, err
	}
	n, told := notices.Get(tx, c.ID, k.Party)
	if !told {
		return CaseState{}, ErrNotNotified.Refuse("%s", k.Party).On("party")
	}
	if err := k.Check.valid(); err != nil {
		return CaseState{}, err
	}
	n.Check = &k.Check
	notices.Put(tx, n, c.ID, n.Party)
	tx.Emit(CaseChecked{Case: c.ID, Party: n.Party, By: by.ID, At: tx.At(), Check: k.Check})
	return c.reply(), nil
}

// valid asks for words of the lists; who was not reached has not answered.
func (k Check) valid() error {
	switch {
	case !slices.Contains(CheckMethods, k.Method):
		return ErrCheck.Refuse("%s", k.Method).On("method")
	case !slices.Contains(CheckResults, k.Result) || k.Contacted == (k.Result == "no-answer"):
		return ErrCheck.Refuse("%s", k.Result).On("result")
	}
	return nil
}
