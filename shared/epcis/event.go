// Package epcis is the document model of EPCIS 2.0 and CBV 2.0: events with their JSON-LD and XML codecs, their rules
// and their event hash.
//
// It is a value package: the contract, the client and the offline verifier run the same code and must get the same
// answer, so it has no clock, computes without floats and lets no map decide an order. Identifiers, check digits,
// amounts and units are package gs1's; who may do what with an event is the contract's.
package epcis

import (
	"time"

	"github.com/tallyway/tallyway/shared/gs1"
)

// The five event types of EPCIS 2.0, section 7.4.
const (
	ObjectEvent         = "ObjectEvent"
	AggregationEvent    = "AggregationEvent"
	TransactionEvent    = "TransactionEvent"
	TransformationEvent = "TransformationEvent"
	AssociationEvent    = "AssociationEvent"
)

// The actions of EPCIS 2.0, section 7.3.2.
const (
	Add     = "ADD"
	Observe = "OBSERVE"
	Delete  = "DELETE"
)

var eventTypes = []string{ObjectEvent, AggregationEvent, TransactionEvent, TransformationEvent, AssociationEvent}

// Event is one EPCIS event of any of the five types; fields that a type lacks stay empty. A literal filled in Go is as
// good as a decoded event: it validates, encodes and hashes alike.
//
// Words of the CBV stand as their short names ("shipping"), however the input spelled them; words of other
// vocabularies as full URIs. Identifiers stand as the input spelled them; gs1.Canonical brings them to one form.
type Event struct {
	Type       string    // one of the five
	ID         string    // eventID, a URI; the event hash by default
	Time       time.Time // UTC
	Offset     string    // eventTimeZoneOffset where and when it happened: "+08:00"
	RecordTime time.Time // set by the repository; no part of the hash
	Action     string    // ADD, OBSERVE, DELETE; empty in a TransformationEvent

	EPCs       []string
	Quantities []Quantity

	Parent          string
	ChildEPCs       []string
	ChildQuantities []Quantity

	InputEPCs        []string
	InputQuantities  []Quantity
	OutputEPCs       []string
	OutputQuantities []Quantity
	TransformationID string

	BizStep         string
	Disposition     string
	PersistentSet   []string // dispositions that hold from here on
	PersistentUnset []string // and those that end here

	ReadPoint             string
	ReadPointExtensions   []Field
	BizLocation           string
	BizLocationExtensions []Field

	BizTransactions []Typed
	Sources         []Typed
	Destinations    []Typed

	Sensors []SensorElement
	ILMD    []Field // instance and lot master data, kept to the letter
	Error   *ErrorDeclaration

	CertificationInfo []string
	Extensions        []Field  // user extensions, kept to the letter
	Contexts          []string // JSON-LD contexts by address that this package does not know; never fetched
}

// Quantity is an amount of a class of objects (EPCIS 2.0, section 7.3.3.3). Without an amount it says "some".
type Quantity struct {
	Class     string
	Amount    gs1.Amount
	HasAmount bool
	Unit      string // UN/ECE Recommendation 20; empty counts instances
}

// Typed is a business transaction, source or destination. Type is a short CBV name ("po", "owning_party") or a URI.
type Typed struct {
	Type  string
	Value string
}

// ErrorDeclaration says that an earlier event, the same in all else, was wrong (EPCIS 2.0, section 7.4.1.2).
type ErrorDeclaration struct {
	Time       time.Time
	Reason     string // "incorrect_data", "did_not_occur" or a URI
	Corrective []string
	Extensions []Field
}

// SensorElement is a set of readings taken together (EPCIS 2.0, section 7.3.7).
type SensorElement struct {
	Metadata   SensorMetadata
	Reports    []SensorReport
	Extensions []Field
}

// SensorMetadata holds for all reports of its element.
type SensorMetadata struct {
	Time, Start, End     time.Time
	DeviceID             string
	DeviceMetadata       string
	RawData              string
	DataProcessingMethod string
	BizRules             string
	Extensions           []Field
}

// SensorReport is one reading or one statistic over several.
type SensorReport struct {
	Type                      string // short GS1 Web Vocabulary name ("Temperature") or URI
	Exception                 string // "ALARM_CONDITION", "ERROR_CONDITION" or URI
	DeviceID                  string
	DeviceMetadata            string
	RawData                   string
	DataProcessingMethod      string
	BizRules                  string
	Time                      time.Time
	Microorganism             string
	ChemicalSubstance         string
	CoordinateReferenceSystem string
	Component                 string // short CBV name ("latitude") or URI
	StringValue               string
	BooleanValue              *bool
	HexBinaryValue            string
	URIValue                  string
	Value                     Number
	MinValue                  Number
	MaxValue                  Number
	MeanValue                 Number
	SDev                      Number
	PercRank                  Number
	PercValue                 Number
	Unit                      string // UN/ECE Recommendation 20
	Extensions                []Field
}

// Number is a decimal as its sender wrote it ("26.10"); empty where there is none.
type Number string

// Amount is the exact value of n.
func (n Number) Amount() (gs1.Amount, error) { return gs1.ParseAmount(string(n)) }

// Field is a named value of an extension or of master data.
type Field struct {
	Name  Name
	Value Value
}

// Name is a qualified name. Where the prefix could not be resolved (its context is not known), Space is empty.
type Name struct {
	Space  string // the namespace: "https://ns.example.com/epcis/"
	Prefix string // how the sender abbreviated it: "example"
	Local  string
}

// Kind tells what a Value holds.
type Kind uint8

// The kinds of values, those of JSON.
const (
	Text   Kind = iota // Value.Text
	Digits             // a number, Value.Text as it was written
	Bool               // Value.Text is "true" or "false"
	Null
	Object // Value.Fields, in their order; Value.Text too where an XML element mixes both
	Array  // Value.Items
)

// Value is what a Field holds: the JSON data model with order and numbers kept to the letter.
type Value struct {
	Kind   Kind
	Text   string
	Fields []Field
	Items  []Value
}

// Document is an EPCIS document, a query document or one event in an envelope of its own.
type Document struct {
	Type         string // "EPCISDocument", "EPCISQueryDocument", or the type of a bare event
	ID           string
	Version      string // schemaVersion
	CreationDate time.Time
	Sender       string
	Receiver     string
	Instance     string   // instanceIdentifier
	Contexts     []string // the addresses in its @context
	MasterData   []Vocabulary
	QueryName    string // of a query document
	Subscription string
	Events       []Event
	Extensions   []Field

	// HashIgnore names the extension fields that the sender leaves out of its hashes (its member ignoreFields).
	// Event.Hash heeds it not: whoever wants the sender's figure asks Event.HashIgnoring.
	HashIgnore []Name

	eventPath string // JSON pointer of the event list; empty for a bare event
}

// Vocabulary is master data of one type (EPCIS 2.0, section 6.1.1), with attributes kept to the letter.
type Vocabulary struct {
	Type     string
	Elements []VocabularyElement
}

// VocabularyElement is one master data record.
type VocabularyElement struct {
	ID         string
	Attributes []Attribute
	Children   []string
}

// Attribute is one attribute of a master data record.
type Attribute struct {
	ID    string
	Value Value
}
