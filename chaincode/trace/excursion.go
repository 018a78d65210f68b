package trace

import (
	"slices"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/epcis"
)

// ExplainExcursion says why a sensor's alarm came about, and what was done. A
// later explanation takes the place of an earlier one; both stay on the ledger.
type ExplainExcursion struct {
	Event   string `json:"event"`   // hash of the event that reported it
	Cause   string `json:"cause"`   // a code of ExcursionCauses
	Measure string `json:"measure"` // a code of ExcursionMeasures
}

// ExcursionExplained tells of an explanation.
type ExcursionExplained struct {
	Event   string    `json:"event"`
	By      string    `json:"by"` // party
	Cause   string    `json:"cause"`
	Measure string    `json:"measure"`
	At      time.Time `json:"at"`
}

// ExcursionState is the reply to ExplainExcursion.
type ExcursionState struct {
	Event string `json:"event"`
	State string `json:"state"` // "explained"
}

// What excursions come of, and what is done about them.
var (
	ExcursionCauses   = []string{"door", "loading", "defrost", "power", "refrigeration", "delay", "sensor", "other"}
	ExcursionMeasures = []string{"none", "moved", "repaired", "inspected", "quarantined", "destroyed"}
)

var (
	// ErrExplanation asks for what others can rely on.
	ErrExplanation = chaincode.Rule{Code: "trace/explanation", Kind: chaincode.Malformed,
		Text: "An excursion is explained by a known cause and a known measure.", Remedy: "Choose one of each."}
	// ErrNotYourAlarm leaves the word to who knows what happened.
	ErrNotYourAlarm = chaincode.Rule{Code: "trace/not-your-alarm", Kind: chaincode.Forbidden,
		Text: "Only the company whose sensor raised an alarm explains it.", Remedy: "Ask that company."}
	// ErrNoAlarm names an event that reported no alarm.
	ErrNoAlarm = chaincode.Rule{Code: "trace/no-alarm", Kind: chaincode.NotFound,
		Text: "This event reports no sensor's alarm, or was taken back.", Remedy: "Name the event that reported the excursion."}
)

func explainExcursion(tx *chaincode.Tx, c ExplainExcursion) (ExcursionState, error) {
	by, err := party.Active(tx)
	if err != nil {
		return ExcursionState{}, err
	}
	r, ok := records.Get(tx, c.Event)
	switch {
	case !ok || r.Error != nil || !slices.Contains(r.Flags, FlagAlarm):
		return ExcursionState{}, ErrNoAlarm.Refuse("%s", c.Event).On("event")
	case r.Author != by.ID:
		return ExcursionState{}, ErrNotYourAlarm.Refuse("%s is of %s", r.Hash, r.Author).On("event")
	case !slices.Contains(ExcursionCauses, c.Cause):
		return ExcursionState{}, ErrExplanation.Refuse("%s", c.Cause).On("cause")
	case !slices.Contains(ExcursionMeasures, c.Measure):
		return ExcursionState{}, ErrExplanation.Refuse("%s", c.Measure).On("measure")
	}
	told := ExcursionExplained{c.Event, by.ID, c.Cause, c.Measure, tx.At()}
	explanations.Put(tx, told, c.Event)
	tx.Emit(told)
	return ExcursionState{c.Event, "explained"}, nil
}

var explanations = chaincode.Table[ExcursionExplained]{Name: "explanation"} // event

// alarming is an event of which a sensor says that something is wrong with the
// goods, or with itself (CBV 2.0, sensor alert type).
func alarming(e *epcis.Event) bool {
	return slices.ContainsFunc(e.Sensors, func(s epcis.SensorElement) bool {
		return slices.ContainsFunc(s.Reports, func(r epcis.SensorReport) bool {
			return r.Exception == "ALARM_CONDITION" || r.Exception == "ERROR_CONDITION"
		})
	})
}
