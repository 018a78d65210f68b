package trace

import (
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

// Pack is something that holds others: a pallet, a case, a tote. What it holds
// belongs to whoever holds the outermost pack.
type Pack struct {
	ID       string `json:"id"`
	Holder   string `json:"holder"`             // party, of an outermost pack
	Parent   string `json:"parent,omitempty"`   // the pack around it
	Shipment string `json:"shipment,omitempty"` // on its way
}

// Content is what a pack holds of one lot, or a pack inside it.
type Content struct {
	Amount gs1.Amount `json:"amount,omitzero"`
	Unit   string     `json:"unit,omitempty"`
	Pack   bool       `json:"pack,omitempty"`
}

// What one event may move.
const (
	maxDepth  = 16
	maxThings = 5000
)

// aggregate does an aggregation event: packing, unpacking, or a custody step
// of the pack as a whole.
func (d *desk) aggregate() error {
	e := d.event
	parent := d.single(e.Parent)
	parent.pack = true
	if e.Parent != "" {
		d.name(parent.id, "parent")
	}
	children, err := d.mentions("child", e.ChildEPCs, e.ChildQuantities)
	if err != nil {
		return err
	}
	switch {
	case e.Parent == "":
		return d.observe(children)
	case e.Action == epcis.Add:
		d.openPack(parent.id)
		return d.pack(parent.id, children)
	case e.Action == epcis.Delete:
		return d.unpack(parent.id, children)
	case e.BizStep == "shipping":
		return d.ship([]thing{parent})
	case e.BizStep == "receiving" || e.BizStep == "accepting":
		return d.receive([]thing{parent})
	}
	return d.observe(children)
}

// openPack makes a pack known, with the caller as its holder.
func (d *desk) openPack(id string) {
	if !packs.Has(d.tx, id) {
		d.place(Pack{ID: id, Holder: d.by.ID})
	}
}

// place says where a pack is from now on.
func (d *desk) place(p Pack) {
	packs.Put(d.tx, p, p.ID)
	d.tx.Emit(PackPlaced{Pack: p, Event: d.record.Hash})
}

// pack puts things that the caller holds into a pack of theirs.
func (d *desk) pack(parent string, children []thing) error {
	loose, boxes := apart(children)
	lines, err := d.atHandOf(loose)
	if err != nil {
		return err
	}
	for _, l := range summed(lines) {
		if err := d.take(l, packed); err != nil {
			return err
		}
		if err := d.do(Step{Do: doPack, Pack: parent, Lot: l.Lot, Amount: l.Amount, Unit: l.Unit}); err != nil {
			return err
		}
	}
	for _, box := range boxes {
		d.openPack(box)
		if err := d.do(Step{Do: doPack, Pack: parent, Child: box}); err != nil {
			return err
		}
	}
	return nil
}

// unpack takes things out of a pack: those named, or everything.
func (d *desk) unpack(parent string, children []thing) error {
	loose, boxes := apart(children)
	lines, err := d.lines(loose)
	if err != nil {
		return err
	}
	if len(children) == 0 {
		lines, boxes = d.contents(parent)
	}
	for _, l := range summed(lines) {
		if err := d.do(Step{Do: doUnpack, Pack: parent, Lot: l.Lot, Amount: l.Amount, Unit: l.Unit}); err != nil {
			return err
		}
		if err := d.move(d.by.ID, l, packed, held); err != nil {
			return err
		}
	}
	for _, box := range boxes {
		if err := d.do(Step{Do: doUnpack, Pack: parent, Child: box}); err != nil {
			return err
		}
	}
	return nil
}

// contents lists what is directly in a pack.
func (d *desk) contents(pack string) (lines []Line, boxes []string) {
	contents.Scan(d.tx, func(key []string, c Content) bool {
		if c.Pack {
			boxes = append(boxes, key[1])
		} else {
			lines = append(lines, Line{key[1], c.Amount, c.Unit})
		}
		return true
	}, pack)
	return lines, boxes
}

// putIn applies a packing step.
func (d *desk) putIn(s Step) error {
	if err := d.atHand(s.Pack); err != nil {
		return err
	}
	if s.Child != "" {
		return d.putPackIn(s)
	}
	c, _ := contents.Get(d.tx, s.Pack, s.Lot)
	c.Amount, c.Unit = c.Amount.Add(s.Amount), s.Unit
	contents.Put(d.tx, c, s.Pack, s.Lot)
	d.tx.Emit(Packed{Pack: s.Pack, Line: Line{s.Lot, c.Amount, c.Unit}, Event: d.record.Hash})
	return nil
}

func (d *desk) putPackIn(s Step) error {
	child, _ := packs.Get(d.tx, s.Child)
	if child.Parent != "" {
		return ErrAlreadyPacked.Refuse("%s is in %s", child.ID, child.Parent)
	}
	if err := d.atHand(s.Child); err != nil {
		return err
	}
	root, err := d.root(s.Pack)
	switch {
	case err != nil:
		return err
	case root.ID == child.ID:
		return ErrPackLoop.Refuse("%s into %s", child.ID, s.Pack)
	}
	child.Parent, child.Holder = s.Pack, ""
	d.place(child)
	contents.Put(d.tx, Content{Pack: true}, s.Pack, s.Child)
	d.tx.Emit(Packed{Pack: s.Pack, Child: s.Child, Event: d.record.Hash})
	return nil
}

// takeOut applies an unpacking step.
func (d *desk) takeOut(s Step) error {
	if err := d.atHand(s.Pack); err != nil {
		return err
	}
	what := s.Lot + s.Child
	c, _ := contents.Get(d.tx, s.Pack, what)
	if c.Pack != (s.Child != "") || c.Amount.Cmp(s.Amount) < 0 {
		return ErrNotInPack.Refuse("%s holds %s of %s", s.Pack, c.Amount, what)
	}
	c.Amount = c.Amount.Sub(s.Amount)
	if c.Amount.IsZero() {
		contents.Delete(d.tx, s.Pack, what)
	} else {
		contents.Put(d.tx, c, s.Pack, what)
	}
	if s.Child != "" {
		d.place(Pack{ID: s.Child, Holder: d.by.ID})
	}
	d.tx.Emit(Unpacked{Pack: s.Pack, Child: s.Child, Line: Line{s.Lot, c.Amount, c.Unit}, Event: d.record.Hash})
	return nil
}

// atHand says whether the caller holds the pack, and may open it.
func (d *desk) atHand(id string) error {
	root, err := d.root(id)
	switch {
	case err != nil:
		return err
	case root.Shipment != "":
		return ErrNotHolder.Refuse("%s is on its way in shipment %s", id, root.Shipment)
	case root.Holder != d.by.ID:
		return ErrNotHolder.Refuse("%s is held by %s", id, orNobody(root.Holder))
	}
	return nil
}

func orNobody(party string) string {
	if party == "" {
		return "nobody"
	}
	return party
}

// root is the outermost pack around a pack.
func (d *desk) root(id string) (Pack, error) {
	for range maxDepth {
		p, _ := packs.Get(d.tx, id)
		if p.Parent == "" {
			return p, nil
		}
		id = p.Parent
	}
	return Pack{}, ErrPackSize.Refuse("%s is nested too deep", id)
}

// unfold lists every lot in a pack, at any depth.
func (d *desk) unfold(pack string, depth int, lines []Line) ([]Line, error) {
	if depth > maxDepth {
		return nil, ErrPackSize.Refuse("%s is nested too deep", pack)
	}
	direct, boxes := d.contents(pack)
	lines = append(lines, direct...)
	for _, box := range boxes {
		var err error
		if lines, err = d.unfold(box, depth+1, lines); err != nil {
			return nil, err
		}
	}
	if len(lines) > maxThings {
		return nil, ErrPackSize.Refuse("%s holds more", pack)
	}
	return lines, nil
}
