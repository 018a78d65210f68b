package chaincode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Tx is one call at work: it reads the ledger and its own writes, and keeps
// what it writes until the ledger takes the Result.
//
// A fault of the ledger ends the call: contract code never sees it, so that a
// contract reads like a receipt. Refusals are ordinary errors.
type Tx struct {
	contracts *Contracts
	state     State
	call      Call
	query     bool
	writes    map[slot]Write
	own       []string // keys of public writes, sorted; also those that a savepoint took back
	undo      []undoStep
	events    []Event
}

// slot is a key in the public state or in one organisation's collection.
type slot struct{ org, key string }

// undoStep is what a savepoint needs to take one write back.
type undoStep struct {
	slot
	before Write
	had    bool
}

// fault carries a ledger's error past the contract to Run.
type fault struct{ err error }

func newTx(c *Contracts, state State, call Call, query bool) *Tx {
	call.At = call.At.UTC()
	return &Tx{contracts: c, state: state, call: call, query: query, writes: map[slot]Write{}}
}

// Caller is who signed the call.
func (tx *Tx) Caller() Caller { return tx.call.Caller }

// At is the transaction's time: the client's word, in UTC.
func (tx *Tx) At() time.Time { return tx.call.At }

// ID is the transaction's id.
func (tx *Tx) ID() string { return tx.call.TxID }

// Emit tells what happened. Events keep their order.
func (tx *Tx) Emit(event any) {
	b, err := json.Marshal(event)
	if err != nil {
		tx.fail(fmt.Errorf("encode %T: %w", event, err))
	}
	tx.events = append(tx.events, Event{Name: NameOf(event), Data: b})
}

// NameOf is the wire name of a command or an event: its package and type.
func NameOf(v any) string { return nameOf(reflect.TypeOf(v)) }

func nameOf(t reflect.Type) string { return path.Base(t.PkgPath()) + "." + t.Name() }

func (tx *Tx) get(key string) []byte {
	if w, ok := tx.writes[slot{"", key}]; ok {
		return w.Value
	}
	b, err := tx.state.Get(key)
	if err != nil {
		tx.fail(fmt.Errorf("read %q: %w", key, err))
	}
	return b
}

// getPrivate serves queries. On a network only the keepers' peers hold private
// state, so a command that read it would be endorsed differently by each.
func (tx *Tx) getPrivate(org, key string) []byte {
	if !tx.query {
		tx.fail(fmt.Errorf("%s reads private state: a command brings private content along and compares it with the commitment", tx.call.Name))
	}
	b, err := tx.state.GetPrivate(org, key)
	if err != nil {
		tx.fail(fmt.Errorf("read %q of %s: %w", key, org, err))
	}
	return b
}

func (tx *Tx) put(org, key string, value []byte) {
	if tx.query {
		tx.fail(fmt.Errorf("%s is a query and writes %q", tx.call.Name, key))
	}
	if org != "" && !tx.contracts.Confidential(tx.call.Name, tx.call.Body) { // its body has been shown to more members than may see it
		tx.fail(fmt.Errorf("%s writes private state and does not say that it is Confidential", tx.call.Name))
	}
	s := slot{org, key}
	before, had := tx.writes[s]
	if at, known := slices.BinarySearch(tx.own, key); org == "" && !known {
		tx.own = slices.Insert(tx.own, at, key)
	}
	tx.undo = append(tx.undo, undoStep{s, before, had})
	tx.writes[s] = Write{Org: org, Key: key, Value: value}
}

// scan visits the union of the ledger's keys and the call's own writes in
// [from, to), in byte order.
func (tx *Tx) scan(from, to string, visit func(key string, value []byte) bool) {
	own := tx.ownKeys(from, to)
	stopped := false
	emit := func(key string, value []byte) bool {
		if value == nil {
			return true
		}
		stopped = !visit(key, value)
		return !stopped
	}
	err := tx.state.Scan(from, to, func(key string, value []byte) bool {
		for len(own) > 0 && own[0] < key {
			if !emit(own[0], tx.writes[slot{"", own[0]}].Value) {
				return false
			}
			own = own[1:]
		}
		if len(own) > 0 && own[0] == key {
			value, own = tx.writes[slot{"", key}].Value, own[1:]
		}
		return emit(key, value)
	})
	if err != nil {
		tx.fail(fmt.Errorf("scan %q: %w", from, err))
	}
	for !stopped && len(own) > 0 {
		emit(own[0], tx.writes[slot{"", own[0]}].Value)
		own = own[1:]
	}
}

// ownKeys lists the call's public writes in [from, to), sorted. A call that
// writes thousands of keys scans as often: it must not walk all of them each
// time.
func (tx *Tx) ownKeys(from, to string) []string {
	first, _ := slices.BinarySearch(tx.own, from)
	last, _ := slices.BinarySearch(tx.own, to)
	var own []string
	for _, key := range tx.own[first:max(first, last)] {
		if _, written := tx.writes[slot{"", key}]; written {
			own = append(own, key)
		}
	}
	return own
}

func (tx *Tx) sortedWrites() []Write {
	all := make([]Write, 0, len(tx.writes))
	for _, w := range tx.writes {
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b Write) int {
		if a.Org != b.Org {
			return strings.Compare(a.Org, b.Org)
		}
		return strings.Compare(a.Key, b.Key)
	})
	return all
}

// attempt runs f on a savepoint: an error takes back every write and event of f.
func (tx *Tx) attempt(f func() error) error {
	mark, events := len(tx.undo), len(tx.events)
	err := f()
	if err == nil {
		return nil
	}
	for i := len(tx.undo) - 1; i >= mark; i-- {
		step := tx.undo[i]
		if step.had {
			tx.writes[step.slot] = step.before
		} else {
			delete(tx.writes, step.slot)
		}
	}
	tx.undo, tx.events = tx.undo[:mark], tx.events[:events]
	return err
}

func (tx *Tx) fail(err error) { panic(fault{err}) }

func (tx *Tx) recoverFault(err *error) {
	switch r := recover().(type) {
	case nil:
	case fault:
		*err = r.err
	default:
		panic(r)
	}
}

// decode reads a command strictly: a field that it does not declare is a
// mistake of the sender, and silence would lose what they meant.
func decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return ErrBody.Refuse("%s", err)
	}
	if d.More() {
		return ErrBody.Refuse("%s", "more than one JSON value")
	}
	return nil
}
