package events

import (
	"time"

	"github.com/tallyway/tallyway/shared/epcis"
)

// Attached says that a device, or any thing, rides on another from now on
// (EPCIS 2.0, section 7.4.7; CBV 2.0 business step installing).
func Attached(by Company, at time.Time, parent, child string) epcis.Event {
	e := by.event(epcis.AssociationEvent, "installing", at)
	e.Action, e.Parent = epcis.Add, uri(parent)
	e.ChildEPCs = []string{uri(child)}
	return e
}

// Detached says that it does no longer.
func Detached(by Company, at time.Time, parent, child string) epcis.Event {
	e := by.event(epcis.AssociationEvent, "removing", at)
	e.Action, e.Parent = epcis.Delete, uri(parent)
	e.ChildEPCs = []string{uri(child)}
	return e
}
