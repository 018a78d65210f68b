package embedded

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/queryresult"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	fabric "github.com/hyperledger/fabric/core/ledger"
	"google.golang.org/protobuf/proto"

	"github.com/tallyway/tallyway/chaincode"
)

// Handover is the namespace of the reads that have no version: a transaction
// that read what another one, in line before it, was about to write. It notes
// the read as the key "<writer's transaction id>/<key>" here, where nothing is
// ever written. The line keeps such reads valid; Verify proves that they were.
const Handover = "tallyway.handover"

// view is the state as a command sees it: what is committed, under what stands
// in line. As long as it is open, kvledger commits no state, so only the line
// can make it stale.
type view struct {
	line   *line
	sim    fabric.TxSimulator
	locked bool            // the caller holds line.mu
	reads  map[string]*txn // per key read, who wrote it in line; nil is committed
	ranges []scanned
}

// scanned is a range that was read, with the keys in it that stood in line.
type scanned struct {
	from, to string
	pending  map[string]*txn
}

func newView(l *line, sim fabric.TxSimulator, locked bool) *view {
	return &view{line: l, sim: sim, locked: locked, reads: map[string]*txn{}}
}

// Get reads a key from the line or from the committed state.
func (v *view) Get(key string) ([]byte, error) {
	w, seen := v.reads[key]
	if !seen {
		v.underLock(func() { w = v.line.latest[key] })
		v.reads[key] = w
	}
	if w != nil {
		return w.writes[key], nil
	}
	return v.sim.GetState(Namespace, key)
}

// Scan visits a range, the line's writes over the committed ones.
func (v *view) Scan(from, to string, visit func(key string, value []byte) bool) error {
	s := scanned{from: from, to: to, pending: map[string]*txn{}}
	v.underLock(func() {
		v.line.within(from, to, func(key string, w *txn) { s.pending[key] = w })
	})
	last, err := v.merge(s, visit)
	if last != "" {
		s.to = last + "\x00" // visit stopped there: what lies beyond was not read
	}
	v.ranges = append(v.ranges, s)
	return err
}

// merge visits both sources in order and returns the key at which visit
// stopped.
func (v *view) merge(s scanned, visit func(string, []byte) bool) (last string, err error) {
	committed, err := v.sim.GetStateRangeScanIterator(Namespace, s.from, s.to)
	if err != nil {
		return "", err
	}
	defer committed.Close()
	pending := sortedKeys(s.pending)
	show := func(key string) bool {
		value := s.pending[key].writes[key]
		return value == nil || visit(key, value)
	}
	for {
		r, err := committed.Next()
		if err != nil {
			return "", err
		}
		kv, _ := r.(*queryresult.KV)
		for len(pending) > 0 && (kv == nil || pending[0] <= kv.Key) {
			if !show(pending[0]) {
				return pending[0], nil
			}
			pending = pending[1:]
		}
		if kv == nil {
			return "", nil
		}
		if _, shadowed := s.pending[kv.Key]; !shadowed && !visit(kv.Key, kv.Value) {
			return kv.Key, nil
		}
	}
}

// GetPrivate refuses: a command brings private content along.
func (v *view) GetPrivate(org, _ string) ([]byte, error) {
	return nil, fmt.Errorf("a command does not read the private collection of %s", org)
}

func (v *view) underLock(f func()) {
	if !v.locked {
		v.line.mu.Lock()
		defer v.line.mu.Unlock()
	}
	f()
}

// fresh says whether everything that was read is still the newest. The caller
// holds line.mu.
func (v *view) fresh() bool {
	for key, w := range v.reads {
		if !same(w, v.line.latest[key]) {
			return false
		}
	}
	for _, s := range v.ranges {
		now := map[string]*txn{}
		v.line.within(s.from, s.to, func(key string, w *txn) { now[key] = w })
		for key, w := range now {
			if s.pending[key] != w {
				return false
			}
		}
		for key, w := range s.pending {
			if key < s.to && !same(w, now[key]) {
				return false
			}
		}
	}
	return true
}

// same says whether a read from w still holds when now is the key's writer in
// line: w may have been committed since, but nobody may have written after it.
func same(w, now *txn) bool {
	return w == now || now == nil && w.committed()
}

func (t *txn) committed() bool {
	select {
	case <-t.done:
		return !t.aborted && t.err == nil
	default:
		return false
	}
}

// within visits the keys in [from, to) that stand in line.
func (l *line) within(from, to string, visit func(string, *txn)) {
	for key, w := range l.latest {
		if key >= from && key < to {
			visit(key, w)
		}
	}
}

// sources lists the transactions in line that were read from.
func (v *view) sources() []*txn {
	var all []*txn
	add := func(w *txn) {
		if w != nil && !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	for _, w := range v.reads {
		add(w)
	}
	for _, s := range v.ranges {
		for _, w := range s.pending {
			add(w)
		}
	}
	return all
}

// results applies the writes to the simulator and returns the read-write set.
func (v *view) results(result chaincode.Result) ([]byte, *rwset.TxPvtReadWriteSet, error) {
	if err := v.noteHandovers(); err != nil {
		return nil, nil, err
	}
	for _, w := range result.Writes {
		if err := v.write(w); err != nil {
			return nil, nil, fmt.Errorf("write %q: %w", w.Key, err)
		}
	}
	r, err := v.sim.GetTxSimulationResults()
	if err != nil {
		return nil, nil, fmt.Errorf("sum up the execution: %w", err)
	}
	if err := v.dropRanges(r.PubSimulationResults); err != nil {
		return nil, nil, err
	}
	public, err := r.GetPubSimulationBytes()
	return public, r.PvtSimulationResults, err
}

func (v *view) write(w chaincode.Write) error {
	switch {
	case w.Value != nil && len(w.Value) == 0:
		return errors.New("an empty value: Fabric takes it for a deletion")
	case w.Org == "":
		return v.sim.SetState(Namespace, w.Key, w.Value)
	case w.Value == nil:
		return v.sim.DeletePrivateData(Namespace, Collection(w.Org), w.Key)
	default:
		return v.sim.SetPrivateData(Namespace, Collection(w.Org), w.Key, w.Value)
	}
}

// noteHandovers records the reads that have no version yet.
func (v *view) noteHandovers() error {
	note := func(w *txn, key string) error {
		if w == nil {
			return nil
		}
		_, err := v.sim.GetState(Handover, w.id+"/"+key)
		return err
	}
	for key, w := range v.reads {
		if err := note(w, key); err != nil {
			return err
		}
	}
	for _, s := range v.ranges {
		for key, w := range s.pending {
			if key >= s.to {
				continue
			}
			if err := note(w, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropRanges takes the ranges out of the read-write set in which the line had
// writes: kvledger would compare them with what was committed at the time.
func (v *view) dropRanges(r *rwset.TxReadWriteSet) error {
	stale := map[string]bool{}
	for _, s := range v.ranges {
		if len(s.pending) > 0 {
			stale[s.from] = true
		}
	}
	for _, ns := range r.GetNsRwset() {
		if len(stale) == 0 || ns.Namespace != Namespace {
			continue
		}
		var set kvrwset.KVRWSet
		if err := proto.Unmarshal(ns.Rwset, &set); err != nil {
			return err
		}
		set.RangeQueriesInfo = slices.DeleteFunc(set.RangeQueriesInfo,
			func(q *kvrwset.RangeQueryInfo) bool { return stale[q.StartKey] })
		b, err := proto.Marshal(&set)
		if err != nil {
			return err
		}
		ns.Rwset = b
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
