package trace

import (
	"slices"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/gs1"
)

// Warn tells everybody who scans a serial number that its brand takes what bears
// it for something else than it says. A later one replaces it.
type Warn struct {
	Thing  string `json:"thing"`  // a single thing, as in Lot.ID, or its Digital Link
	Reason string `json:"reason"` // a code of WarnReasons
}

// Unwarn takes the warning back.
type Unwarn struct {
	Thing string `json:"thing"`
}

// Warning is what a brand says of a serial number.
type Warning struct {
	Thing  string    `json:"thing"`
	Reason string    `json:"reason"`
	By     string    `json:"by"` // party
	At     time.Time `json:"at"`
}

// Warned tells of a warning as it stands.
type Warned struct {
	Warning Warning `json:"warning"`
}

// WarningLifted tells that there is no warning any more.
type WarningLifted struct {
	Thing string    `json:"thing"`
	By    string    `json:"by"`
	At    time.Time `json:"at"`
}

// WarningState is the reply to both.
type WarningState struct {
	Thing string `json:"thing"`
	State string `json:"state"` // "warned" or "lifted"
}

// WarnReasons are why a brand warns.
var WarnReasons = []string{"counterfeit", "stolen", "diverted"}

var warnings = chaincode.Table[Warning]{Name: "warning"} // thing

var (
	// ErrWarning asks for what a shopper needs to understand a warning.
	ErrWarning = chaincode.Rule{Code: "trace/warning", Kind: chaincode.Malformed,
		Text:   "A warning names one serial number and its reason: counterfeit, stolen or diverted.",
		Remedy: "Name the GTIN and the serial number of one thing. A whole lot is recalled or put on hold."}
	// ErrNotYoursToWarn keeps competitors from speaking ill of each other's goods.
	ErrNotYoursToWarn = chaincode.Rule{Code: "trace/not-yours-to-warn", Kind: chaincode.Forbidden,
		Text:   "Only the company whose GS1 company prefix a serial number bears, or who logged the thing, warns of it.",
		Remedy: "Tell the brand or the regulator what you know."}
	// ErrNoWarning names a serial number without a warning.
	ErrNoWarning = chaincode.Rule{Code: "trace/no-warning", Kind: chaincode.NotFound,
		Text: "There is no warning of this serial number.", Remedy: "Check the number; the warning may be lifted already."}
)

func warn(tx *chaincode.Tx, c Warn) (WarningState, error) {
	thing, by, err := warner(tx, c.Thing)
	if err != nil {
		return WarningState{}, err
	}
	if !slices.Contains(WarnReasons, c.Reason) {
		return WarningState{}, ErrWarning.Refuse("%s", c.Reason).On("reason")
	}
	w := Warning{Thing: thing, Reason: c.Reason, By: by, At: tx.At()}
	warnings.Put(tx, w, thing)
	tx.Emit(Warned{w})
	return WarningState{thing, "warned"}, nil
}

func unwarn(tx *chaincode.Tx, c Unwarn) (WarningState, error) {
	thing, by, err := warner(tx, c.Thing)
	if err != nil {
		return WarningState{}, err
	}
	if !warnings.Has(tx, thing) {
		return WarningState{}, ErrNoWarning.Refuse("%s", thing).On("thing")
	}
	warnings.Delete(tx, thing)
	tx.Emit(WarningLifted{thing, by, tx.At()})
	return WarningState{thing, "lifted"}, nil
}

// warner is the caller, if the single thing is theirs to speak of. Nobody need
// have logged it: a counterfeiter makes numbers up.
func warner(tx *chaincode.Tx, name string) (thing, company string, err error) {
	by, err := party.Active(tx)
	if err != nil {
		return "", "", err
	}
	key, err := gs1.Parse(name)
	if err != nil || key.GTIN() == "" || key.Serial() == "" {
		return "", "", ErrWarning.Refuse("%s", name).On("thing")
	}
	thing = itemPath(key)
	logged, _ := lots.Get(tx, thing)
	owner, known := party.ByPrefix(tx, key.GTIN()[1:])
	if (!known || owner.ID != by.ID) && logged.Maker != by.ID {
		return "", "", ErrNotYoursToWarn.Refuse("%s", thing).On("thing")
	}
	return thing, by.ID, nil
}
