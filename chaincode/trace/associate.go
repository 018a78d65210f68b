package trace

import (
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

// Association says that a thing is attached to another for a while: a logger on
// a pallet, a pallet in a reusable container, a sensor on a building (EPCIS 2.0,
// section 7.4.7). It moves no goods, and what is attached is in no way a part
// of what it is attached to.
type Association struct {
	Parent string     `json:"parent"`
	Child  string     `json:"child"`
	Amount gs1.Amount `json:"amount,omitzero"` // of a class of things
	Unit   string     `json:"unit,omitempty"`
	By     string     `json:"by"`              // party that said so
	Since  time.Time  `json:"since"`           // event time
	Event  string     `json:"event"`           // hash of the attaching event
	Until  *time.Time `json:"until,omitempty"` // event time of the end
	Ended  string     `json:"ended,omitempty"` // hash of the detaching event
}

func (a Association) holds() bool { return a.Parent != "" && a.Until == nil }

// AssociationsOf asks what is, or was last, attached to a thing, and what it is
// attached to.
type AssociationsOf struct {
	Thing string `json:"thing"`
}

// Attached is the reply to AssociationsOf.
type Attached struct {
	Associations []Association `json:"associations"`
}

// associate does an association event.
func (d *desk) associate() error {
	e := d.event
	parent := d.single(e.Parent)
	if e.Parent != "" {
		d.name(parent.id, "parent")
	}
	children, err := d.mentions("child", e.ChildEPCs, e.ChildQuantities)
	if err != nil || e.Parent == "" {
		return err
	}
	switch e.Action {
	case epcis.Add:
		return d.attach(parent.id, children)
	case epcis.Delete:
		return d.detach(parent.id, children)
	}
	return nil
}

func (d *desk) attach(parent string, children []thing) error {
	for _, t := range children {
		if t.id == parent {
			return ErrAttachedToItself.Refuse("%s", parent).On("event")
		}
		if before, _ := associations.Get(d.tx, parent, t.id); before.holds() {
			flag(&d.record.Flags, FlagAttached)
			continue
		}
		if err := d.mayAttach(t.id); err != nil {
			return err
		}
		s := Step{Do: doAttach, Pack: parent, Child: t.id}
		if !t.single && !t.pack {
			s.Amount, s.Unit = t.amount, t.unit
		}
		if err := d.do(s); err != nil {
			return err
		}
	}
	return nil
}

// detach ends what is named, or everything that is attached to the parent.
func (d *desk) detach(parent string, children []thing) error {
	if len(children) == 0 {
		associations.Scan(d.tx, func(key []string, a Association) bool {
			if a.holds() {
				children = append(children, thing{id: key[1]})
			}
			return true
		}, parent)
	}
	for _, t := range children {
		before, _ := associations.Get(d.tx, parent, t.id)
		if !before.holds() {
			flag(&d.record.Flags, FlagNotAttached)
			continue
		}
		if before.By != d.by.ID {
			flag(&d.record.Flags, FlagAttachedByOther)
		}
		if err := d.do(Step{Do: doDetach, Pack: parent, Child: t.id}); err != nil {
			return err
		}
	}
	return nil
}

// putAssociation writes it under both its ends and tells of it.
func (d *desk) putAssociation(a Association) {
	associations.Put(d.tx, a, a.Parent, a.Child)
	attachedTo.Put(d.tx, a.Parent, a.Child, a.Parent)
}

func (d *desk) applyAttach(s Step) error {
	a := Association{Parent: s.Pack, Child: s.Child, Amount: s.Amount, Unit: s.Unit, By: d.by.ID, Since: d.record.Time, Event: d.record.Hash}
	d.putAssociation(a)
	d.tx.Emit(Associated{a})
	return nil
}

func (d *desk) applyDetach(s Step) error {
	a, _ := associations.Get(d.tx, s.Pack, s.Child)
	at := d.record.Time
	a.Until, a.Ended = &at, d.record.Hash
	d.putAssociation(a)
	d.tx.Emit(Dissociated{Association: a, By: d.by.ID})
	return nil
}

// undoAttach takes an association back that later events do not build on.
func (d *desk) undoAttach(s Step) error {
	a, ok := associations.Get(d.tx, s.Pack, s.Child)
	if !ok || a.Event != d.record.Hash || !a.holds() {
		return ErrTooLate.Refuse("%s was detached from %s since", s.Child, s.Pack)
	}
	associations.Delete(d.tx, s.Pack, s.Child)
	attachedTo.Delete(d.tx, s.Child, s.Pack)
	d.tx.Emit(Dissociated{Association: a, By: d.by.ID, Undone: true})
	return nil
}

// undoDetach makes it last again, unless the two were joined anew.
func (d *desk) undoDetach(s Step) error {
	a, ok := associations.Get(d.tx, s.Pack, s.Child)
	if !ok || a.Ended != d.record.Hash {
		return ErrTooLate.Refuse("%s was attached to %s again", s.Child, s.Pack)
	}
	a.Until, a.Ended = nil, ""
	d.putAssociation(a)
	d.tx.Emit(Associated{a})
	return nil
}

func associationsOf(tx *chaincode.Tx, q AssociationsOf) (Attached, error) {
	if key, err := gs1.Parse(q.Thing); err == nil {
		q.Thing = itemPath(key)
	}
	all := Attached{Associations: []Association{}}
	associations.Scan(tx, func(_ []string, a Association) bool {
		all.Associations = append(all.Associations, a)
		return true
	}, q.Thing)
	attachedTo.Scan(tx, func(key []string, parent string) bool {
		if a, ok := associations.Get(tx, parent, key[0]); ok {
			all.Associations = append(all.Associations, a)
		}
		return true
	}, q.Thing)
	return all, nil
}
