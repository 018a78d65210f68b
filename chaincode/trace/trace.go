// Package trace is what is true of goods: which lots there are, who holds how
// much of them, what was made of what, what is packed in what, which shipments
// wait for their receiver and which lots may not move.
//
// Every write is an EPCIS 2.0 event; the package derives the rest from it.
// Missing history is flagged, contradiction is refused. How events are read and
// hashed is left to package epcis, keys and units to package gs1, companies to
// package party; drawing the trace is left to the read models.
package trace

import (
	"encoding/json"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/gs1"
)

// Lot is a batch, or a single serialised thing, that the ledger keeps account
// of. Its id is the path of its GS1 key ("01/09506000134352/10/L1"), or the URI
// of a thing that has no such key.
type Lot struct {
	ID     string     `json:"id"`
	GTIN   string     `json:"gtin,omitempty"`
	Number string     `json:"number,omitempty"` // batch or lot number
	Serial string     `json:"serial,omitempty"` // of a single thing
	Batch  string     `json:"batch,omitempty"`  // id of the lot that a single thing belongs to
	Maker  string     `json:"maker,omitempty"`  // party; empty while the origin is unknown
	Unit   string     `json:"unit,omitempty"`   // UN/ECE Rec 20; empty counts pieces
	Made   gs1.Amount `json:"made"`             // everything ever made, or received with unknown origin
	At     time.Time  `json:"at"`               // the event time of its origin
	Expiry string     `json:"expiry,omitempty"` // as its master data says
	Origin string     `json:"origin"`           // hash of the event that first named it
	Flags  []string   `json:"flags,omitempty"`
	Rooted bool       `json:"rooted,omitempty"` // every process that it came out of is found from it
}

// The flags of lots and events: history that is missing, not wrong.
const (
	FlagOriginUnknown   = "origin-unknown"         // received, but nobody logged its making
	FlagPrefix          = "prefix-unregistered"    // no party has the GS1 company prefix
	FlagNotComparable   = "balance-not-comparable" // inputs and outputs have units of different kinds
	FlagClassLevel      = "class-level"            // names a product, not a lot: nothing is moved
	FlagAmountMissing   = "amount-missing"         // says "some": nothing is moved
	FlagLeftNetwork     = "left-the-network"       // shipped to somebody the consortium does not know
	FlagHandOver        = "hand-over-missing"      // received, though its shipping named no receiver here
	FlagNotHolder       = "observer-not-holder"    // reported by somebody who never held the lot
	FlagUnknownThing    = "unknown-thing"          // names something that nobody logged
	FlagPackUnknown     = "pack-unknown"           // received a pack that nobody packed here
	FlagQuarantine      = "quarantine"             // received blocked goods to keep them apart
	FlagSurplus         = "surplus"                // more arrived than was shipped; it is not credited
	FlagInputsUnknown   = "inputs-unknown"         // a transformation without an input that the ledger knows
	FlagReturn          = "return"                 // blocked goods on their way back to their maker
	FlagShippedToSelf   = "internal"               // shipped or received between places of one party
	FlagAttached        = "already-attached"       // to this very thing: nothing changes
	FlagNotAttached     = "not-attached"           // nobody said that it was: nothing changes
	FlagAttachedByOther = "attached-by-another"    // and detached by the author of this
	FlagAlarm           = "alarm"                  // a sensor says that something is wrong
	FlagNothingToMove   = "nothing-to-move"        // a step of custody without a lot or pack to apply it to
)

// Line is a quantity of a lot, in the lot's unit.
type Line struct {
	Lot    string     `json:"lot"`
	Amount gs1.Amount `json:"amount"`
	Unit   string     `json:"unit,omitempty"`
}

// Record is what the ledger keeps of an event beside its body.
type Record struct {
	Hash     string         `json:"hash"` // ni:///sha-256;...?ver=CBV2.0
	Type     string         `json:"type"`
	Author   string         `json:"author"` // party
	Time     time.Time      `json:"time"`   // when it happened
	At       time.Time      `json:"at"`     // when it was captured
	Sharing  string         `json:"sharing"`
	Copies   []Copy         `json:"copies,omitempty"`
	Lots     []string       `json:"lots,omitempty"` // lots, single things and packs that it names
	Shipment string         `json:"shipment,omitempty"`
	Flags    []string       `json:"flags,omitempty"`
	Error    *ErrorDeclared `json:"error,omitempty"`
	Steps    []Step         `json:"steps,omitempty"` // what it changed, in order, to be taken back
}

// ErrorDeclared tells why and when an event was taken back.
type ErrorDeclared struct {
	Time       time.Time `json:"time"`
	Reason     string    `json:"reason,omitempty"`
	Corrective []string  `json:"corrective,omitempty"` // ids of the events that stand in its place
}

var (
	lots      = chaincode.Table[Lot]{Name: "lot"}
	accounts  = chaincode.Table[Account]{Name: "account"} // lot, party
	records   = chaincode.Table[Record]{Name: "event"}    // hash
	shipments = chaincode.Table[Shipment]{Name: "shipment"}
	// waiting finds the shipments offered to a party: by lot or pack ("thing"),
	// or by despatch advice ("document").
	waiting      = chaincode.Table[string]{Name: "waiting"} // to, "thing" or "document", its id, shipment
	mismatches   = chaincode.Table[Mismatch]{Name: "mismatch"}
	packs        = chaincode.Table[Pack]{Name: "pack"}
	contents     = chaincode.Table[Content]{Name: "content"} // pack, child
	processes    = chaincode.Table[Process]{Name: "process"}
	associations = chaincode.Table[Association]{Name: "association"} // parent, child
	attachedTo   = chaincode.Table[string]{Name: "attached-to"}      // child, parent
	sides        = chaincode.Table[Line]{Name: "process-line"}       // process, "in" or "out", lot
	uses         = chaincode.Table[string]{Name: "use"}              // input lot, process
	members      = chaincode.Table[string]{Name: "member"}           // lot, single thing
	cases        = chaincode.Table[Case]{Name: "case"}
	roots        = chaincode.Table[string]{Name: "root"} // output lot, process
	// blocks are apart from the lots: they are written rarely and read, as a
	// range, by everything that would move a lot.
	blocks = chaincode.Table[string]{Name: "block"} // lot, case, round from the second on
	todo   = chaincode.Table[string]{Name: "todo"}  // case, lot whose children are not marked yet
	// pending are the open cases that may reach lots which are not marked yet.
	pending   = chaincode.Table[string]{Name: "pending"}              // case
	acks      = chaincode.Table[Acknowledge]{Name: "acknowledgement"} // case, party
	notices   = chaincode.Table[Notice]{Name: "notice"}               // case, party
	bookings  = chaincode.Table[Booking]{Name: "booking"}             // case, party
	booked    = chaincode.Table[Accounts]{Name: "booked"}             // case, party, lot
	suppliers = chaincode.Table[string]{Name: "supplier"}             // lot, receiver, sender
	returns   = chaincode.Table[gs1.Amount]{Name: "return"}           // lot, party that gave it back
	bodies    = chaincode.Table[json.RawMessage]{Name: "event-body"}  // hash
	// copies are the bodies of restricted and private events, by commitment.
	copies = chaincode.Private[privateBody]{Name: "event-body"}
)
