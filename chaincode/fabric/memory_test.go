package fabric

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/queryresult"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

// memory is a network in a map: every endorsing member's peer runs the
// chaincode on its own, their results must agree, and reads are validated at
// commit. A block holds one transaction.
type memory struct {
	code      shim.Chaincode
	contracts *chaincode.Contracts
	members   *ledgertest.Members

	mu      sync.Mutex
	public  map[string]entry
	private map[string]map[string]entry // by collection
	blocks  []ledger.Block
	done    map[string]ledger.Receipt
	moved   chan struct{}
	closed  bool
}

type entry struct {
	value   []byte
	version int // block; 0 was never written
}

func newMemory(c *chaincode.Contracts, m *ledgertest.Members) *memory {
	return &memory{code: New(c), contracts: c, members: m, public: map[string]entry{}, private: map[string]map[string]entry{},
		done: map[string]ledger.Receipt{}, moved: make(chan struct{})}
}

// stub is one execution on one member's peer. Methods that the adapter does
// not use are those of a nil interface.
type stub struct {
	shim.ChaincodeStubInterface
	*memory
	node    string
	creator []byte
	request ledger.Request
	locked  bool
	reads   map[string]int
	ranges  []rangeRead
	writes  []chaincode.Write
	event   []byte
}

type rangeRead struct {
	from, to string
	found    map[string]int
}

func (s *stub) GetArgs() [][]byte           { return [][]byte{[]byte(s.request.Name)} }
func (s *stub) GetTxID() string             { return s.request.Tx.ID }
func (s *stub) GetCreator() ([]byte, error) { return s.creator, nil }

func (s *stub) GetTransient() (map[string][]byte, error) {
	return map[string][]byte{BodyField: s.request.Body}, nil
}

func (s *stub) GetTxTimestamp() (*timestamppb.Timestamp, error) {
	return timestamppb.New(s.request.At), nil
}

func (s *stub) lock() func() {
	if s.locked {
		return func() {}
	}
	s.mu.Lock()
	return s.mu.Unlock
}

func (s *stub) GetState(key string) ([]byte, error) {
	defer s.lock()()
	s.reads[key] = s.public[key].version
	return s.public[key].value, nil
}

func (s *stub) GetStateByRange(from, to string) (shim.StateQueryIteratorInterface, error) {
	defer s.lock()()
	rows := &rows{}
	read := rangeRead{from, to, s.within(from, to)}
	for _, key := range slices.Sorted(maps.Keys(read.found)) {
		rows.left = append(rows.left, &queryresult.KV{Key: key, Value: s.public[key].value})
	}
	s.ranges = append(s.ranges, read)
	return rows, nil
}

func (m *memory) within(from, to string) map[string]int {
	found := map[string]int{}
	for key, e := range m.public {
		if key >= from && key < to && e.value != nil {
			found[key] = e.version
		}
	}
	return found
}

func (s *stub) GetPrivateData(collection, key string) ([]byte, error) {
	if collection != Collection(s.node) {
		return nil, fmt.Errorf("tx creator does not have read access on collection %s", collection)
	}
	defer s.lock()()
	return s.private[collection][key].value, nil
}

func (s *stub) put(org, key string, value []byte) error {
	s.writes = append(s.writes, chaincode.Write{Org: org, Key: key, Value: value})
	return nil
}

func (s *stub) PutState(key string, value []byte) error { return s.put("", key, value) }
func (s *stub) DelState(key string) error               { return s.put("", key, nil) }

func (s *stub) PutPrivateData(collection, key string, value []byte) error {
	return s.put(collection, key, value)
}

func (s *stub) DelPrivateData(collection, key string) error { return s.put(collection, key, nil) }

func (s *stub) SetEvent(_ string, payload []byte) error {
	s.event = payload
	return nil
}

type rows struct{ left []*queryresult.KV }

func (r *rows) HasNext() bool { return len(r.left) > 0 }
func (r *rows) Close() error  { return nil }

func (r *rows) Next() (*queryresult.KV, error) {
	kv := r.left[0]
	r.left = r.left[1:]
	return kv, nil
}

// run executes the request on a member's peer.
func (m *memory) run(node string, r ledger.Request, locked bool) (*stub, *peer.Response, error) {
	s := &stub{memory: m, node: node, creator: r.Signer.Creator(), request: r, locked: locked, reads: map[string]int{}}
	response := m.code.Invoke(s)
	if response.Status >= shim.ERRORTHRESHOLD {
		if refusal := Refusal("rpc error: " + response.Message); refusal != nil {
			return nil, nil, refusal
		}
		return nil, nil, errors.New(response.Message)
	}
	return s, response, nil
}

// endorsed checks the signature and runs the request on every endorser.
func (m *memory) endorsed(r ledger.Request, caller chaincode.Caller, locked bool) (*stub, *peer.Response, error) {
	orgs, err := m.endorsers(r, caller, locked)
	if err != nil {
		return nil, nil, err
	}
	first, answer, err := m.run(orgs[0], r, locked)
	if err != nil {
		return nil, nil, err
	}
	for _, org := range orgs[1:] {
		other, response, err := m.run(org, r, locked)
		if err != nil {
			return nil, nil, err
		}
		same := bytes.Equal(answer.Payload, response.Payload) && bytes.Equal(first.event, other.event) &&
			fmt.Sprint(first.writes, first.reads) == fmt.Sprint(other.writes, other.reads)
		if !same {
			return nil, nil, errMoved
		}
	}
	for _, w := range first.writes {
		if w.Org != "" && !slices.ContainsFunc(orgs, func(org string) bool { return Collection(org) == w.Org }) {
			return nil, nil, fmt.Errorf("ENDORSEMENT_POLICY_FAILURE: nobody endorsed for %s", w.Org)
		}
	}
	return first, answer, nil
}

// endorsers are the caller's member, those that the request names, and those
// that keep what the command writes, as the caller's own peer says.
func (m *memory) endorsers(r ledger.Request, caller chaincode.Caller, locked bool) ([]string, error) {
	orgs := slices.Concat([]string{caller.Org}, r.Orgs)
	if !m.contracts.Confidential(r.Name, r.Body) {
		return orgs, nil
	}
	plan := r
	plan.Name = chaincode.NameOf(chaincode.Plan{})
	plan.Body, _ = json.Marshal(chaincode.Plan{Name: r.Name, Body: r.Body})
	_, answer, err := m.run(caller.Org, plan, locked)
	if err != nil {
		return nil, err
	}
	var keepers chaincode.Keepers
	if err := json.Unmarshal(answer.Payload, &keepers); err != nil {
		return nil, err
	}
	orgs = append(orgs, keepers.Orgs...)
	slices.Sort(orgs[1:])
	return slices.Compact(orgs), nil
}

var errMoved = errors.New("the state moved between two endorsements")

func (m *memory) who(r ledger.Request) (chaincode.Caller, error) {
	creator := r.Signer.Creator()
	if sum := sha256.Sum256(slices.Concat(r.Tx.Nonce, creator)); hex.EncodeToString(sum[:]) != r.Tx.ID {
		return chaincode.Caller{}, errors.New("the transaction id is not made of nonce and creator")
	}
	signature, err := r.Signer.Sign([]byte(r.Tx.ID))
	if err != nil {
		return chaincode.Caller{}, err
	}
	return m.members.Verify(creator, []byte(r.Tx.ID), signature)
}

func (m *memory) Submit(ctx context.Context, r ledger.Request) (ledger.Receipt, error) {
	caller, err := m.who(r)
	if err != nil {
		return ledger.Receipt{}, err
	}
	for attempt := range 12 {
		if ctx.Err() != nil {
			return ledger.Receipt{}, ctx.Err()
		}
		receipt, err := m.try(r, caller, attempt > 8)
		if !errors.Is(err, errMoved) {
			return receipt, err
		}
	}
	return ledger.Receipt{}, ledger.ErrConflict
}

// try executes and commits; a locked try cannot lose.
func (m *memory) try(r ledger.Request, caller chaincode.Caller, locked bool) (ledger.Receipt, error) {
	if locked {
		m.mu.Lock()
		defer m.mu.Unlock()
	}
	s, response, err := m.endorsed(r, caller, locked)
	if !locked {
		m.mu.Lock()
		defer m.mu.Unlock()
	}
	if receipt, twice := m.done[r.Tx.ID]; twice {
		return receipt, nil
	}
	if err != nil {
		return ledger.Receipt{}, err
	}
	if m.stale(s) {
		return ledger.Receipt{}, errMoved
	}
	if response.Status == NothingToWrite {
		return ledger.Receipt{At: r.At, Reply: response.Payload}, nil
	}
	return m.commit(s, response)
}

func (m *memory) stale(s *stub) bool {
	for key, version := range s.reads {
		if m.public[key].version != version {
			return true
		}
	}
	return slices.ContainsFunc(s.ranges, func(r rangeRead) bool { return !maps.Equal(r.found, m.within(r.from, r.to)) })
}

func (m *memory) commit(s *stub, response *peer.Response) (ledger.Receipt, error) {
	number := len(m.blocks) + 1
	for _, w := range s.writes {
		table := m.public
		if w.Org != "" {
			if m.private[w.Org] == nil {
				m.private[w.Org] = map[string]entry{}
			}
			table = m.private[w.Org]
		}
		table[w.Key] = entry{w.Value, number}
	}
	block := ledger.Block{Number: uint64(number)}
	if s.event != nil {
		t := ledger.Transaction{TxID: s.request.Tx.ID}
		if err := json.Unmarshal(s.event, &t.Envelope); err != nil {
			return ledger.Receipt{}, err
		}
		block.Transactions = append(block.Transactions, t)
	}
	receipt := ledger.Receipt{TxID: s.request.Tx.ID, Block: block.Number, At: s.request.At, Reply: response.Payload}
	m.blocks, m.done[receipt.TxID] = append(m.blocks, block), receipt
	close(m.moved)
	m.moved = make(chan struct{})
	return receipt, nil
}

func (m *memory) Query(_ context.Context, r ledger.Request) ([]byte, error) {
	caller, err := m.who(r)
	if err != nil {
		return nil, err
	}
	node := caller.Org
	if len(r.Orgs) > 0 {
		node = r.Orgs[0]
	}
	_, response, err := m.run(node, r, false)
	return response.GetPayload(), err
}

func (m *memory) Outcome(_ context.Context, id string) (ledger.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	receipt, ok := m.done[id]
	if !ok {
		return receipt, ledger.ErrNotFound
	}
	receipt.Reply = nil
	return receipt, nil
}

func (m *memory) Events(ctx context.Context, after ledger.Position) iter.Seq2[ledger.Block, error] {
	return func(yield func(ledger.Block, error) bool) {
		for next := after.Block; ; {
			m.mu.Lock()
			blocks, moved, closed := m.blocks, m.moved, m.closed
			m.mu.Unlock()
			for ; next < uint64(len(blocks)); next++ {
				if !yield(blocks[next], nil) {
					return
				}
			}
			if closed {
				return
			}
			select {
			case <-moved:
			case <-ctx.Done():
				return
			}
		}
	}
}

func (m *memory) Head() ledger.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return ledger.Position{Block: uint64(len(m.blocks))}
}

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}
