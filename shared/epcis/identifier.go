package epcis

import (
	"errors"
	"strings"

	"github.com/tallyway/tallyway/shared/gs1"
)

// identifier checks a URI and, where it is a GS1 key as EPC URN or Digital Link, the key with its check digits.
func (v *validator) identifier(s, path string) (gs1.ID, bool) {
	if !v.uri(s, path) || !claimsGS1(s) {
		return gs1.ID{}, false
	}
	id, err := gs1.Parse(s)
	if err != nil {
		v.refused(err, path)
		return gs1.ID{}, false
	}
	return id, true
}

// claimsGS1 tells whether a URI is or means to be a GS1 key. A web address of another host that does not even have the
// shape of one is left in peace.
func claimsGS1(s string) bool {
	if strings.HasPrefix(s, "urn:epc:id") || strings.HasPrefix(s, "urn:epc:class:") || strings.HasPrefix(s, "https://id.gs1.org/") {
		return true
	}
	_, ok := gs1.Canonical(s)
	return ok
}

// refused takes over the refusal of package gs1.
func (v *validator) refused(err error, path string) {
	var e *gs1.Error
	if !errors.As(err, &e) {
		e = &gs1.Error{Code: "epcis/identifier", Text: err.Error(), Remedy: "Check the identifier."}
	}
	v.problems.add(path, e.Code, e.Text, e.Remedy)
}

// instance is for lists of single objects.
func (v *validator) instance(s, path string) {
	id, ok := v.identifier(s, path)
	if ok && (id.Level() == gs1.Class || id.Level() == gs1.Lot) {
		v.problems.add(path, "epcis/class-level", quote(s)+" names a "+id.Level().String()+", not one object", "Add the serial number, or name it with its amount in the quantity list.")
	}
}

// class is for quantities.
func (v *validator) class(s, path string) {
	id, ok := v.identifier(s, path)
	if ok && id.Level() != gs1.Class && id.Level() != gs1.Lot && id.Level() != gs1.Other {
		v.problems.add(path, "epcis/instance-level", quote(s)+" names one "+id.Level().String()+", not a class of objects", "Leave the serial number out, or name the object in the EPC list.")
	}
}

func (v *validator) unit(code, path string) {
	if _, err := gs1.UnitOf(code); err != nil {
		v.refused(err, path)
	}
}
