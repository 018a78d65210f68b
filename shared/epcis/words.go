package epcis

import "time"

// The words of the CBV and of the GS1 Web Vocabulary in any spelling, brought to the one that events hold: the short
// name of a word of the standard, the full URI of any other.

// BizStepWord is a business step ("shipping") by any of its names.
func BizStepWord(word string) string { return bizSteps.short(word) }

// DispositionWord is a disposition ("in_transit") by any of its names.
func DispositionWord(word string) string { return dispositions.short(word) }

// TransactionTypeWord is a type of business transactions ("po") by any of its names.
func TransactionTypeWord(word string) string { return transactionTypes.short(word) }

// PartyTypeWord is a type of sources and destinations ("owning_party") by any of its names.
func PartyTypeWord(word string) string { return partyTypes.short(word) }

// ErrorReasonWord is a reason of error declarations ("did_not_occur") by any of its names.
func ErrorReasonWord(word string) string { return errorReasons.short(word) }

// MeasurementWord is a measurement type ("Temperature") by any of its names.
func MeasurementWord(word string) string { return measurements.short(word) }

// ComponentWord is a component of a measurement ("latitude") by any of its names.
func ComponentWord(word string) string { return components.short(word) }

// AlertWord is a sensor's exception ("ALARM_CONDITION") by any of its names.
func AlertWord(word string) string { return sensorAlerts.short(word) }

// Types lists the five event types.
func Types() []string { return append([]string(nil), eventTypes...) }

// Resolved gives a name with one of the standard's prefixes its namespace.
func (n Name) Resolved() Name { return n.resolved() }

// ParseTime reads a time as events spell it: RFC 3339 with a zone. It gives UTC.
func ParseTime(text string) (time.Time, bool) { return parseTime(text) }

// BizSteps lists the business steps of the CBV, sorted.
func BizSteps() []string { return append([]string(nil), bizSteps.words...) }

// Dispositions lists the dispositions of the CBV, sorted.
func Dispositions() []string { return append([]string(nil), dispositions.words...) }
