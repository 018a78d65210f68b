package trace

import (
	"encoding/json"
	"time"

	"github.com/tallyway/tallyway/shared/gs1"
)

// Captured tells of an event on the ledger. It follows the other events of its
// capture.
type Captured struct {
	Hash        string          `json:"hash"` // ni:///sha-256;...?ver=CBV2.0
	Type        string          `json:"type"`
	Author      string          `json:"author"` // party
	Time        time.Time       `json:"time"`   // when it happened
	Offset      string          `json:"offset"` // time zone where it happened
	Action      string          `json:"action,omitempty"`
	BizStep     string          `json:"bizStep,omitempty"`     // short CBV name
	Disposition string          `json:"disposition,omitempty"` // short CBV name
	ReadPoint   string          `json:"readPoint,omitempty"`
	BizLocation string          `json:"bizLocation,omitempty"`
	Sharing     string          `json:"sharing"`
	Event       json.RawMessage `json:"event,omitempty"`  // the body, of public and linked events
	Copies      []Copy          `json:"copies,omitempty"` // of restricted and private ones
	Named       []Named         `json:"named,omitempty"`
	Flags       []string        `json:"flags,omitempty"`
	Shipment    string          `json:"shipment,omitempty"` // offered or accepted by it
}

// Named is something that an event mentions.
type Named struct {
	ID   string `json:"id"`   // as in Lot.ID and Pack.ID
	Role string `json:"role"` // object, input, output, parent, child
}

// EventRetracted tells that its author declared an event an error.
type EventRetracted struct {
	Hash  string        `json:"hash"`
	By    string        `json:"by"`
	Error ErrorDeclared `json:"error"`
}

// LotLogged tells of a lot as it stands now: new, or grown, or taken back.
type LotLogged struct {
	Lot Lot `json:"lot"`
}

// HoldingChanged tells what a party has of a lot from now on, and what became
// of the rest.
type HoldingChanged struct {
	Lot     string  `json:"lot"`
	Party   string  `json:"party"`
	Unit    string  `json:"unit,omitempty"`
	Account Account `json:"account"`         // absolute
	Event   string  `json:"event,omitempty"` // hash; empty after a decline, a call-back or a settlement
}

// Derived tells what a process consists of from now on.
type Derived struct {
	Process string   `json:"process"`
	Party   string   `json:"party"`
	Inputs  []Line   `json:"inputs,omitempty"`  // absolute
	Outputs []Line   `json:"outputs,omitempty"` // absolute
	Flags   []string `json:"flags,omitempty"`
	Event   string   `json:"event"`
}

// Packed tells what a pack holds of a lot from now on, or of a pack put into it.
type Packed struct {
	Pack  string `json:"pack"`
	Child string `json:"child,omitempty"` // the inner pack; else Line
	Line  Line   `json:"line,omitzero"`   // absolute
	Event string `json:"event"`
}

// Unpacked tells what is left of a lot in a pack, or that an inner pack came out.
type Unpacked struct {
	Pack  string `json:"pack"`
	Child string `json:"child,omitempty"`
	Line  Line   `json:"line,omitzero"` // absolute; an amount of 0 is out
	Event string `json:"event"`
}

// PackPlaced tells where a pack is from now on: with a holder, in another pack,
// or on its way in a shipment.
type PackPlaced struct {
	Pack  Pack   `json:"pack"`            // absolute
	Event string `json:"event,omitempty"` // hash; empty after a decline, a call-back or a settlement
}

// Associated tells that two things are attached to each other from now on.
type Associated struct {
	Association Association `json:"association"`
}

// Dissociated tells that two things are apart from now on, or, where the
// attaching was declared an error, that they never were together.
type Dissociated struct {
	Association Association `json:"association"`
	By          string      `json:"by"`
	Undone      bool        `json:"undone,omitempty"`
}

// ShipmentOffered tells that goods are on their way, or have left the network.
type ShipmentOffered struct {
	Shipment Shipment `json:"shipment"`
}

// ShipmentAccepted tells that the receiver has the goods.
type ShipmentAccepted struct {
	Shipment string `json:"shipment"`
	By       string `json:"by"`
	Event    string `json:"event"` // the receiving event
}

// ShipmentDeclined tells that the goods go back to the sender's account.
type ShipmentDeclined struct {
	Shipment string `json:"shipment"`
	By       string `json:"by"`
	Reason   string `json:"reason"`
}

// ShipmentCancelled tells that the sender called the shipment back, or
// declared its event an error.
type ShipmentCancelled struct {
	Shipment string `json:"shipment"`
	By       string `json:"by"`
}

// ShipmentReopened tells that an acceptance was declared an error: the
// shipment is on its way again, and its mismatch, if any, is void.
type ShipmentReopened struct {
	Shipment string `json:"shipment"`
	By       string `json:"by"`
}

// MismatchOpened tells both sides what differs.
type MismatchOpened struct {
	Mismatch Mismatch `json:"mismatch"`
}

// MismatchAnswered tells what one side says, and whether that settled it.
type MismatchAnswered struct {
	Shipment string `json:"shipment"`
	By       string `json:"by"`
	Outcome  string `json:"outcome"`
	State    string `json:"state"`
	// Item is the lot or pack that it is about; empty means all that is open.
	Item   string     `json:"item,omitempty"`
	Amount gs1.Amount `json:"amount,omitzero"`
	Unit   string     `json:"unit,omitempty"`
	At     time.Time  `json:"at,omitzero"`
	Agreed bool       `json:"agreed,omitempty"` // two say the same: it is booked
}

// MismatchEscalated tells that one side asks the regulator in as a witness.
type MismatchEscalated struct {
	Shipment string    `json:"shipment"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
}

// CaseOpened tells of a recall, a hold or a mock recall.
type CaseOpened struct {
	Case Case `json:"case"`
}

// LotBlocked tells that a lot belongs to a case. The block lasts until the
// case is closed; that of a mock recall is none.
type LotBlocked struct {
	Lot  string `json:"lot"`
	Case string `json:"case"`
	Kind string `json:"kind"`
	// Round counts how often the case was narrowed and marked anew.
	Round int `json:"round,omitempty"`
}

// LotReturned tells how much of a recalled lot a company has given back, and
// others have accepted.
type LotReturned struct {
	Lot    string     `json:"lot"`
	Party  string     `json:"party"`
	Amount gs1.Amount `json:"amount"` // absolute
	Unit   string     `json:"unit,omitempty"`
}

// CaseExtended tells how far the marking of derived lots has come.
type CaseExtended struct {
	Case   string `json:"case"`
	Marked int    `json:"marked"` // in all, of the round
	Done   bool   `json:"done"`
	// Round counts how often the case was marked anew: what only earlier rounds
	// marked is free once this one is done.
	Round int `json:"round,omitempty"`
}

// CaseAcknowledged tells that a company has read the notice and what it put
// apart.
type CaseAcknowledged struct {
	Case  string    `json:"case"`
	By    string    `json:"by"`
	At    time.Time `json:"at"`
	Found []Line    `json:"found,omitempty"`
}

// CaseClosed tells that the case blocks nothing any more.
type CaseClosed struct {
	Case   string    `json:"case"`
	Kind   string    `json:"kind"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	// Unreconciled is why not everything was accounted for.
	Unreconciled string `json:"unreconciled,omitempty"`
}

// LotStatus asks where a lot is, how much of it, and whether it may move.
type LotStatus struct {
	Lot string `json:"lot"`
}

// Status is the reply to LotStatus.
type Status struct {
	Lot      Lot     `json:"lot"`
	Holdings []Share `json:"holdings"`
	// Unaccounted is what was made and is in no account: missing on arrival.
	Unaccounted gs1.Amount `json:"unaccounted"`
	Blocks      []Case     `json:"blocks"` // open cases
}

// Share is one party's account of a lot.
type Share struct {
	Party   string  `json:"party"`
	Account Account `json:"account"`
}
