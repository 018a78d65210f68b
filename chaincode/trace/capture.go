package trace

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

// Capture brings one event to the ledger, with everything that follows from it.
type Capture struct {
	// Event is one EPCIS 2.0 event in JSON-LD with its @context, as
	// epcis.Event.JSON writes it.
	Event json.RawMessage `json:"event"`
	// Sharing is "linked" (the default), "public", "restricted" or "private".
	Sharing string `json:"sharing,omitempty"`
	// With names the parties that may read a restricted event.
	With []string `json:"with,omitempty"`
	// Salt is at least 16 random bytes, for restricted and private events.
	Salt []byte `json:"salt,omitempty"`
	// Tolerance is how much more a transformation may yield than went in, as
	// a fraction up to 0.02: scales are not exact.
	Tolerance gs1.Amount `json:"tolerance,omitzero"`
}

// Confidential is an event whose body is not for everybody on the channel.
func (c Capture) Confidential() bool { return c.Sharing == Restricted || c.Sharing == Private }

// Outcome is the reply to Capture.
type Outcome struct {
	Hash     string   `json:"hash"`
	Status   string   `json:"status"`         // "captured" or "duplicate"
	Lots     []string `json:"lots,omitempty"` // lots, single things and packs that it names
	Shipment string   `json:"shipment,omitempty"`
	Flags    []string `json:"flags,omitempty"`
}

// skew is how far a device's clock may run ahead of the transaction's.
const skew = time.Hour

// desk is where one event is worked on.
type desk struct {
	tx     *chaincode.Tx
	by     party.Party
	event  *epcis.Event
	c      Capture
	record Record
	named  []Named
}

func capture(tx *chaincode.Tx, c Capture) (Outcome, error) {
	d, err := open(tx, c)
	if err != nil {
		return Outcome{}, err
	}
	before, again := records.Get(tx, d.record.Hash)
	if again && (d.event.Error == nil || before.Error != nil) {
		return before.outcome("duplicate"), nil
	}
	if d.event.Error != nil {
		return d.retract(before, again)
	}
	if err := d.meetDemands(); err != nil {
		return Outcome{}, err
	}
	if err := d.work(); err != nil {
		return Outcome{}, err
	}
	if err := d.file(); err != nil {
		return Outcome{}, err
	}
	return d.record.outcome("captured"), nil
}

func (r Record) outcome(status string) Outcome {
	return Outcome{Hash: r.Hash, Status: status, Lots: r.Lots, Shipment: r.Shipment, Flags: r.Flags}
}

// open reads the event and asks whether the caller may bring it at all.
func open(tx *chaincode.Tx, c Capture) (*desk, error) {
	by, err := party.Active(tx)
	if err != nil {
		return nil, err
	}
	e, hash, err := decode(c.Event)
	if err != nil {
		return nil, err
	}
	if e.Time.After(tx.At().Add(skew)) {
		return nil, ErrFuture.Refuse("%s, while it is %s", e.Time.Format(time.RFC3339), tx.At().Format(time.RFC3339)).On("event")
	}
	if caller := tx.Caller(); !caller.Has(party.Operator) && !(caller.Has(party.Device) && sensing(e)) && !(caller.Has(party.Regulator) && lookingOnly(e)) {
		return nil, chaincode.ErrRole.Refuse("an event that moves goods needs the role %s", party.Operator)
	}
	c.Event, err = json.Marshal(c.Event) // the bytes that are stored and committed to
	if err != nil {
		return nil, invalid(err)
	}
	d := &desk{tx: tx, by: by, event: e, c: c}
	d.record = Record{Hash: hash, Type: e.Type, Author: by.ID, Time: e.Time, At: tx.At()}
	return d, nil
}

// decode reads one event and checks it as package epcis does.
func decode(raw json.RawMessage) (*epcis.Event, string, error) {
	doc, err := epcis.DecodeJSON(raw)
	if err == nil && len(doc.Events) != 1 {
		return nil, "", ErrEvent.Refuse("%s events instead of one", len(doc.Events)).On("event")
	}
	if err == nil {
		if problems := doc.Events[0].Validate(); len(problems) > 0 {
			err = problems
		}
	}
	if err != nil {
		return nil, "", invalid(err)
	}
	hash, err := doc.Events[0].Hash()
	if err != nil {
		return nil, "", invalid(err)
	}
	return &doc.Events[0], hash, nil
}

// invalid names places and rules only: what stands there may be private.
func invalid(err error) error {
	var problems epcis.Problems
	if !errors.As(err, &problems) || len(problems) == 0 {
		return ErrEvent.Refuse("").On("event")
	}
	return ErrEvent.Refuse("%s at %s", problems[0].Code, problems[0].Path).On("event" + problems[0].Path)
}

// lookingOnly reports whether the event leaves all goods where they are, so
// that a regulator's inspector may bring it.
func lookingOnly(e *epcis.Event) bool {
	switch e.BizStep {
	case "inspecting", "sampling", "holding", "sensor_reporting":
		return e.Type == epcis.ObjectEvent && e.Action == epcis.Observe
	}
	return false
}

// sensing is all that a device may say.
func sensing(e *epcis.Event) bool { return e.BizStep == "sensor_reporting" && lookingOnly(e) }

// work does what the event says happened.
func (d *desk) work() error {
	e := d.event
	switch e.Type {
	case epcis.TransformationEvent:
		return d.transform()
	case epcis.AggregationEvent:
		return d.aggregate()
	case epcis.ObjectEvent:
		things, err := d.mentions("object", e.EPCs, e.Quantities)
		if err != nil {
			return err
		}
		return d.handle(things)
	case epcis.AssociationEvent:
		return d.associate()
	}
	_, err := d.mentions("object", e.EPCs, e.Quantities)
	return err
}

// handle does an object event: its action and business step say what happened
// to the things.
func (d *desk) handle(things []thing) error {
	switch step := d.event.BizStep; {
	case d.event.Action == epcis.Add:
		return d.log(things)
	case step == "retail_selling" || step == "dispensing":
		return d.dispose(things, sold)
	case d.event.Action == epcis.Delete:
		return d.dispose(things, destroyed)
	case step == "shipping":
		return d.ship(things)
	case step == "receiving" || step == "accepting":
		return d.receive(things)
	}
	return d.observe(things)
}

// observe notes what has been seen where; nothing moves.
func (d *desk) observe(things []thing) error {
	if d.by.Is(party.KindRegulator) {
		return nil
	}
	for _, t := range things {
		switch {
		case t.pack:
		case !lots.Has(d.tx, t.id):
			if !equipment(d.tx, t.id) {
				flag(&d.record.Flags, FlagUnknownThing)
			}
		case !accounts.Has(d.tx, t.id, d.by.ID):
			flag(&d.record.Flags, FlagNotHolder)
		}
	}
	return nil
}

// dispose takes goods out of circulation. A recalled lot may be destroyed, not
// sold; one on hold is evidence until somebody decides.
func (d *desk) dispose(things []thing, to string) error {
	loose, boxes := apart(things)
	if len(boxes) > 0 {
		return ErrAlreadyPacked.Refuse("%s is a pack: its contents leave one by one", boxes[0])
	}
	lines, err := d.atHandOf(loose)
	if err != nil {
		return err
	}
	for _, l := range summed(lines) {
		if c, blocked := blocking(d.tx, l.Lot); blocked && (to == sold || c.Kind == KindHold) {
			return c.refuse(l.Lot)
		}
		if err := d.take(l, to); err != nil {
			return err
		}
	}
	return nil
}

// name notes that the event mentions something.
func (d *desk) name(id, role string) {
	d.named = append(d.named, Named{ID: id, Role: role})
	if role != "parent" {
		flag(&d.record.Lots, id)
	}
}
