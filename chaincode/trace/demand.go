package trace

import (
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/epcis"
)

// Demand sets what the caller's company asks of the events that others address
// to it, in place of what it asked before. Without demands it asks nothing.
type Demand struct {
	Profile epcis.Profile `json:"profile"`
}

// Demanded tells what a company asks of events addressed to it from now on.
type Demanded struct {
	Party   string        `json:"party"`
	Profile epcis.Profile `json:"profile"`
}

// Asked is the reply to Demand: how many demands stand now.
type Asked struct {
	Demands int `json:"demands"`
}

var demands = chaincode.Table[epcis.Profile]{Name: "demand"} // party

var (
	// ErrProfile keeps demands such that a sender can meet them.
	ErrProfile = chaincode.Rule{Code: "trace/profile", Kind: chaincode.Malformed,
		Text:   "A demand names what it asks for, in words and fields that EPCIS events have.",
		Remedy: "Mend what the message names; the page of your demands shows what can be asked for."}
	// ErrDemand keeps a company from being sent what it has said it cannot use.
	ErrDemand = chaincode.Rule{Code: "trace/demand", Kind: chaincode.Malformed,
		Text:   "The receiver asks for more than the event says.",
		Remedy: "Add what the message names and send the event again; the receiver's demands are on the page of partners' demands."}
)

// FlagDemand marks an event that lacks what its receiver asks for, where that
// is no reason to refuse it.
const FlagDemand = "partner-demand"

func demand(tx *chaincode.Tx, c Demand) (Asked, error) {
	by, err := party.Active(tx)
	if err != nil {
		return Asked{}, err
	}
	if problems := c.Profile.Validate(); len(problems) > 0 {
		return Asked{}, ErrProfile.Refuse("%s", problems[0].Code).On("profile" + problems[0].Path)
	}
	if len(c.Profile) == 0 {
		c.Profile = epcis.Profile{}
	}
	demands.Put(tx, c.Profile, by.ID)
	tx.Emit(Demanded{by.ID, c.Profile})
	return Asked{len(c.Profile)}, nil
}

// meetDemands asks whether the event says what those ask for to whom it is
// addressed. What a company sends itself is its own affair.
func (d *desk) meetDemands() error {
	asked := map[string]bool{d.by.ID: true}
	for _, to := range d.event.Destinations {
		if to.Type != "owning_party" && to.Type != "possessing_party" {
			continue
		}
		p, known := d.partyAt(to.Value)
		if !known || asked[p.ID] {
			continue
		}
		asked[p.ID] = true
		profile, _ := demands.Get(d.tx, p.ID)
		for _, f := range profile.Check(d.event) {
			if !f.Flag {
				return ErrDemand.Refuse("%s: %s at %s", p.ID, f.Code, f.Path).On("event" + f.Path)
			}
			flag(&d.record.Flags, FlagDemand)
		}
	}
	return nil
}
