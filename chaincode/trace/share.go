package trace

import (
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
)

// The sharing modes of an event's body. What the rules need of an event (lots,
// holders, quantities, parents) is public on the channel in every mode.
const (
	Linked     = "linked" // up and down the chain of the goods
	Public     = "public"
	Restricted = "restricted"
	Private    = "private"
)

// Copy is a body in one organisation's private collection.
type Copy struct {
	Org        string `json:"org"`
	Commitment string `json:"commitment"` // SHA-256, salted for this copy; also its key
}

// privateBody is what a keeper stores of an event that is not for everybody.
type privateBody struct {
	Body    json.RawMessage `json:"body"`
	Salt    []byte          `json:"salt"`
	Readers []string        `json:"readers"` // parties, the author first
}

// file puts the event on record, its body where its sharing says.
func (d *desk) file() error {
	if d.c.Sharing == "" {
		d.c.Sharing = Linked
	}
	d.record.Sharing = d.c.Sharing
	readers, err := readersOf(d.tx, d.by, d.c.Sharing, d.c.With)
	if err != nil {
		return err
	}
	told := Captured{Event: d.c.Event}
	if d.c.Sharing == Linked || d.c.Sharing == Public {
		if alarming(d.event) {
			flag(&d.record.Flags, FlagAlarm)
		}
		bodies.Put(d.tx, d.c.Event, d.record.Hash)
	} else {
		told.Event = nil
		if d.record.Copies, err = keepCopies(d.tx, copies, readers, d.c.Salt, d.c.Event); err != nil {
			return err
		}
	}
	records.Put(d.tx, d.record, d.record.Hash)
	d.tx.Emit(d.tell(told))
	return nil
}

// readersOf are the author and the companies that something restricted names.
func readersOf(tx *chaincode.Tx, by party.Party, mode string, with []string) ([]party.Party, error) {
	if !slices.Contains([]string{Linked, Public, Restricted, Private}, mode) || (mode == Restricted) != (len(with) > 0) {
		return nil, ErrSharing.Refuse("%s with %s companies", mode, len(with)).On("sharing")
	}
	readers := []party.Party{by}
	for _, id := range with {
		p, ok := party.Find(tx, id)
		if !ok {
			return nil, ErrSharing.Refuse("%s is not known", id).On("with")
		}
		readers = append(readers, p)
	}
	return readers, nil
}

// keepCopies gives each reader's member a copy of its own, with a salt of its
// own, so that copies cannot be told to be the same.
func keepCopies(tx *chaincode.Tx, table chaincode.Private[privateBody], readers []party.Party, salt, body []byte) (all []Copy, err error) {
	var ids, orgs []string
	for _, p := range readers {
		ids = append(ids, p.ID)
		orgs = append(orgs, p.Member)
	}
	slices.Sort(orgs)
	for _, org := range slices.Compact(orgs) {
		derived, err := chaincode.Commit(salt, []byte(org))
		if err != nil {
			return nil, err
		}
		own, _ := hex.DecodeString(derived)
		commitment, err := chaincode.Commit(own, body)
		if err != nil {
			return nil, err
		}
		table.Put(tx, org, privateBody{body, own, ids}, commitment)
		all = append(all, Copy{org, commitment})
	}
	return all, nil
}

// tell is the event of the capture, for every read model.
func (d *desk) tell(c Captured) Captured {
	e, r := d.event, d.record
	c.Hash, c.Type, c.Author, c.Time, c.Offset = r.Hash, r.Type, r.Author, r.Time, e.Offset
	c.Action, c.BizStep, c.Disposition = e.Action, e.BizStep, e.Disposition
	c.ReadPoint, c.BizLocation = e.ReadPoint, e.BizLocation
	c.Sharing, c.Copies, c.Named, c.Flags, c.Shipment = r.Sharing, r.Copies, d.named, r.Flags, r.Shipment
	return c
}

// GetEvent asks for the body of an event.
type GetEvent struct {
	Hash string `json:"hash"`
	// Keeper is the organisation whose copy of a private body is read; the
	// caller's own by default.
	Keeper string `json:"keeper,omitempty"`
}

// EventBody is the reply to GetEvent.
type EventBody struct {
	Record Record          `json:"record"`
	Event  json.RawMessage `json:"event"`
	// Salt opens the commitment of a private copy.
	Salt []byte `json:"salt,omitempty"`
}

func getEvent(tx *chaincode.Tx, c GetEvent) (EventBody, error) {
	r, ok := records.Get(tx, c.Hash)
	if !ok {
		return EventBody{}, ErrNoEvent.Refuse("%s", c.Hash).On("hash")
	}
	if body, ok := bodies.Get(tx, c.Hash); ok {
		return EventBody{Record: r, Event: body}, nil
	}
	if c.Keeper == "" {
		c.Keeper = tx.Caller().Org
	}
	i := slices.IndexFunc(r.Copies, func(k Copy) bool { return k.Org == c.Keeper })
	if i < 0 {
		return EventBody{}, ErrNotReader.Refuse("%s keeps no copy", c.Keeper).On("keeper")
	}
	own, _ := copies.Get(tx, c.Keeper, r.Copies[i].Commitment)
	if err := own.mayRead(tx); err != nil {
		return EventBody{}, err
	}
	return EventBody{r, own.Body, own.Salt}, nil
}

// mayRead lets the named companies read, and regulators.
func (b privateBody) mayRead(tx *chaincode.Tx) error {
	p, err := party.Active(tx)
	if err != nil {
		return err
	}
	if slices.Contains(b.Readers, p.ID) {
		return nil
	}
	if _, err := party.ActiveRegulator(tx); err != nil {
		return ErrNotReader.Refuse("")
	}
	return nil
}
