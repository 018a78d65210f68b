package epcis

// Respell puts other spellings in place of the event's identifiers: objects, classes, places, parties, documents and
// devices. What stands in extensions and master data is kept to the letter. Where spell keeps what gs1.Canonical
// makes of them, the hash stays.
func (e *Event) Respell(spell func(uri string) string) {
	one := func(s *string) {
		if *s != "" {
			*s = spell(*s)
		}
	}
	for _, s := range []*string{&e.Parent, &e.TransformationID, &e.ReadPoint, &e.BizLocation} {
		one(s)
	}
	for _, list := range [][]string{e.EPCs, e.ChildEPCs, e.InputEPCs, e.OutputEPCs} {
		for i := range list {
			one(&list[i])
		}
	}
	for _, list := range [][]Quantity{e.Quantities, e.ChildQuantities, e.InputQuantities, e.OutputQuantities} {
		for i := range list {
			one(&list[i].Class)
		}
	}
	for _, list := range [][]Typed{e.BizTransactions, e.Sources, e.Destinations} {
		for i := range list {
			one(&list[i].Value)
		}
	}
	for i := range e.Sensors {
		one(&e.Sensors[i].Metadata.DeviceID)
		for j := range e.Sensors[i].Reports {
			one(&e.Sensors[i].Reports[j].DeviceID)
		}
	}
}
