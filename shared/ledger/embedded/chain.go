package embedded

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset/kvrwset"
	"github.com/hyperledger/fabric/common/ledger/util"
	"github.com/hyperledger/fabric/core/ledger/kvledger/txmgmt/txmgr"
	"github.com/hyperledger/fabric/protoutil"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/tallyway/tallyway/shared/ledger/block"
)

// Fault is something in the ledger's files that contradicts the rest.
type Fault struct {
	Block  uint64
	Tx     string // the transaction, or "" when the whole block is meant
	File   string // the block file, where known
	Offset int64  // of the block in it
	What   string
	cause  error
}

// Error names the block, its place and what is wrong.
func (f *Fault) Error() string {
	s := fmt.Sprintf("block %d", f.Block)
	if f.File != "" {
		s += fmt.Sprintf(" (%s, byte %d)", f.File, f.Offset)
	}
	if f.Tx != "" {
		s += ", transaction " + f.Tx
	}
	return s + ": " + f.What
}

// Unwrap gives the error of the file system, if there was one.
func (f *Fault) Unwrap() error { return f.cause }

// chain checks block after block against what came before.
type chain struct {
	verifier   Verifier
	next       uint64
	previous   []byte // hash of the last block's header
	commitHash []byte
	replay     *replay // nil checks blocks without replaying them
}

// check is nil or a *Fault.
func (c *chain) check(b *common.Block) error {
	txns, err := c.checkBlock(b)
	if err != nil {
		return err
	}
	updates := map[string]update{}
	for i, o := range txns {
		if fault := c.checkTransaction(b, i, o, updates); fault != nil {
			fault.Block, fault.Tx = b.Header.Number, o.Channel.TxId
			return fault
		}
	}
	if err := c.checkCommitHash(b, updates); err != nil {
		return err
	}
	c.next, c.previous = c.next+1, protoutil.BlockHeaderHash(b.Header)
	return nil
}

// passOver goes on behind a block with a fault, taking what it says of itself
// for granted, so that the next ones are not blamed for it.
func (c *chain) passOver(b *common.Block) {
	c.next, c.previous = c.next+1, protoutil.BlockHeaderHash(b.Header)
	c.replay = nil // what the blocks lead to is not known any more
	c.commitHash = nil
	if meta := b.Metadata.GetMetadata(); len(meta) > int(common.BlockMetadataIndex_COMMIT_HASH) {
		var said common.Metadata
		if proto.Unmarshal(meta[common.BlockMetadataIndex_COMMIT_HASH], &said) == nil {
			c.commitHash = said.Value
		}
	}
}

// checkBlock checks what the header and the metadata say.
func (c *chain) checkBlock(b *common.Block) ([]*block.Envelope, error) {
	fault := func(format string, args ...any) ([]*block.Envelope, error) {
		return nil, &Fault{Block: c.next, What: fmt.Sprintf(format, args...)}
	}
	meta := b.Metadata.Metadata
	switch {
	case b.Header.Number != c.next:
		return fault("it says that it is block %d", b.Header.Number)
	case !bytes.Equal(b.Header.PreviousHash, c.previous):
		return fault("its previous hash is not the hash of block %d", int64(c.next)-1)
	case !bytes.Equal(b.Header.DataHash, protoutil.ComputeBlockDataHash(b.Data)):
		return fault("its data hash does not fit its transactions")
	case len(b.Data.Data) == 0:
		return fault("it is empty")
	case len(meta) != len(common.BlockMetadataIndex_name):
		return fault("it has %d fields of metadata, want %d", len(meta), len(common.BlockMetadataIndex_name))
	case len(meta[common.BlockMetadataIndex_TRANSACTIONS_FILTER]) != len(b.Data.Data):
		return fault("it does not tell of each transaction whether it is valid")
	}
	for i, field := range meta {
		used := i == int(common.BlockMetadataIndex_TRANSACTIONS_FILTER) || i == int(common.BlockMetadataIndex_COMMIT_HASH)
		if !used && len(field) > 0 {
			return fault("its metadata has something in field %s", common.BlockMetadataIndex(i))
		}
	}
	var txns []*block.Envelope
	for i, envelope := range b.Data.Data {
		o, err := block.Open(envelope)
		if err != nil {
			return fault("transaction %d cannot be read: %v", i, err)
		}
		txns = append(txns, o)
	}
	return txns, nil
}

// checkTransaction checks ids, hashes and signatures, and adds what the
// transaction writes to the block's updates.
func (c *chain) checkTransaction(b *common.Block, i int, o *block.Envelope, updates map[string]update) *Fault {
	if o.Action == nil {
		if b.Header.Number != 0 {
			return faultf("it is no endorser transaction")
		}
		return nil
	}
	if err := protoutil.CheckTxID(o.Channel.TxId, o.Creator.Nonce, o.Creator.Creator); err != nil {
		return faultf("its id is not made of its nonce and creator")
	}
	if !bytes.Equal(o.ProposalHash, proposalHash(o.Header, o.Proposed)) {
		return faultf("its endorsements are of another proposal")
	}
	var set rwset.TxReadWriteSet
	if err := proto.Unmarshal(o.Action.Results, &set); err != nil {
		return faultf("its read-write set cannot be read: %v", err)
	}
	sets, err := parseSets(&set)
	if err != nil {
		return faultf("its read-write set cannot be read: %v", err)
	}
	if fault := c.checkSignatures(o, sets); fault != nil {
		return fault
	}
	at := version{b.Header.Number, uint64(i)}
	ok := block.Valid(b, i)
	if c.replay != nil {
		if fault := c.replay.check(sets, ok); fault != nil {
			return fault
		}
	}
	if ok {
		sets.apply(at, updates)
		if c.replay != nil {
			c.replay.apply(o.Channel.TxId, at, sets)
		}
	}
	return nil
}

// checkSignatures checks the user's signature and the endorsers', and that all
// endorsed whom the transaction concerns.
func (c *chain) checkSignatures(o *block.Envelope, sets sets) *Fault {
	caller, err := c.verifier.VerifyAt(o.Creator.Creator, o.Payload, o.Signature, o.At())
	if err != nil {
		return faultf("its creator's signature does not hold: %v", err)
	}
	needed := []string{caller.Org}
	for _, coll := range sets.hashed {
		needed = append(needed, strings.TrimPrefix(coll.CollectionName, Collection("")))
	}
	for i, e := range o.Endorsements {
		org, err := c.verifier.VerifyNodeAt(e.Endorser, append(append([]byte{}, o.Response...), e.Endorser...), e.Signature, o.At())
		if err != nil {
			return faultf("its endorsement %d does not hold: %v", i+1, err)
		}
		needed = slices.DeleteFunc(needed, func(n string) bool { return n == org })
	}
	if len(needed) > 0 {
		return faultf("it lacks the endorsement of %s", needed[0])
	}
	return nil
}

func faultf(format string, args ...any) *Fault { return &Fault{What: fmt.Sprintf(format, args...)} }

// sets is a transaction's read-write set in this suite's namespaces.
type sets struct {
	public   *kvrwset.KVRWSet
	handover *kvrwset.KVRWSet
	hashed   []hashedSet
}

type hashedSet struct {
	*rwset.CollectionHashedReadWriteSet
	set *kvrwset.HashedRWSet
}

func parseSets(set *rwset.TxReadWriteSet) (s sets, err error) {
	s.public, s.handover = &kvrwset.KVRWSet{}, &kvrwset.KVRWSet{}
	for _, ns := range set.NsRwset {
		into := map[string]*kvrwset.KVRWSet{Namespace: s.public, Handover: s.handover}[ns.Namespace]
		if into == nil {
			return s, fmt.Errorf("it touches the namespace %q", ns.Namespace)
		}
		if err := proto.Unmarshal(ns.Rwset, into); err != nil {
			return s, err
		}
		for _, coll := range ns.CollectionHashedRwset {
			h := &kvrwset.HashedRWSet{}
			if err := proto.Unmarshal(coll.HashedRwset, h); err != nil {
				return s, err
			}
			s.hashed = append(s.hashed, hashedSet{coll, h})
		}
	}
	if len(s.handover.Writes) > 0 {
		return s, fmt.Errorf("it writes to %s", Handover)
	}
	return s, nil
}

// version is the place of the transaction that wrote a key.
type version struct{ block, tx uint64 }

// update is the last write to a key in one block.
type update struct {
	collection, key string
	value           []byte // nil deletes
	at              version
}

func (s sets) each(visit func(collection, key string, value []byte)) {
	for _, w := range s.public.Writes {
		if w.IsDelete || len(w.Value) == 0 {
			w.Value = nil
		}
		visit("", w.Key, w.Value)
	}
	for _, coll := range s.hashed {
		for _, w := range coll.set.HashedWrites {
			if w.IsDelete || w.IsPurge {
				w.ValueHash = nil
			}
			visit(coll.CollectionName, string(w.KeyHash), w.ValueHash)
		}
	}
}

func (s sets) apply(at version, updates map[string]update) {
	s.each(func(collection, key string, value []byte) {
		updates[collection+"\x00"+key] = update{collection, key, value, at}
	})
}

// checkCommitHash recomputes kvledger's hash over the validity of the block's
// transactions, their effect, and the hash before.
func (c *chain) checkCommitHash(b *common.Block, updates map[string]update) error {
	if b.Header.Number == 0 { // kvledger begins with block 1
		if !block.Valid(b, 0) || len(b.Metadata.Metadata[common.BlockMetadataIndex_COMMIT_HASH]) > 0 {
			return &Fault{What: "its metadata is not a genesis block's"}
		}
		return nil
	}
	all := make([]update, 0, len(updates))
	for _, u := range updates {
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b update) int {
		return cmp.Or(cmp.Compare(a.collection, b.collection), cmp.Compare(a.key, b.key))
	})
	batch := &txmgr.Updates{}
	for i, u := range all {
		w := &txmgr.KVWrite{Key: []byte(u.key), Value: u.value, IsDelete: u.value == nil,
			VersionBytes: append(util.EncodeOrderPreservingVarUint64(u.at.block), util.EncodeOrderPreservingVarUint64(u.at.tx)...)}
		if i == 0 {
			w.Namespace = Namespace
		}
		if i == 0 || all[i-1].collection != u.collection {
			w.Collection = u.collection
		}
		batch.Kvwrites = append(batch.Kvwrites, w)
	}
	filter := b.Metadata.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER]
	sum := sha256.New()
	sum.Write(protowire.AppendVarint(nil, uint64(len(filter))))
	sum.Write(filter)
	sum.Write(protoutil.MarshalOrPanic(batch))
	sum.Write(c.commitHash)
	hash := sum.Sum(nil)
	want := protoutil.MarshalOrPanic(&common.Metadata{Value: hash})
	if !bytes.Equal(want, b.Metadata.Metadata[common.BlockMetadataIndex_COMMIT_HASH]) {
		return &Fault{Block: b.Header.Number, What: "its commit hash does not fit what it writes and which transactions it calls valid"}
	}
	c.commitHash = hash
	return nil
}

// replay is the state that the blocks lead to, values as hashes.
type replay struct {
	public map[string]cell
	hashed map[string]map[string]cell // per collection, by key hash
}

// cell remembers deletions too: a later read may name the deleting transaction.
type cell struct {
	at      version
	value   [sha256.Size]byte // of a public value its hash, of a private one the hash on the ledger
	writer  [sha256.Size]byte // the writer's transaction id
	deleted bool
}

func newReplay() *replay {
	return &replay{public: map[string]cell{}, hashed: map[string]map[string]cell{}}
}

// check compares a transaction's reads with what the blocks before it wrote.
func (r *replay) check(s sets, valid bool) *Fault {
	stale := ""
	for _, read := range s.public.Reads {
		now, ok := r.public[read.Key]
		ok = ok && !now.deleted
		v := read.GetVersion()
		if ok != (v != nil) || ok && now.at != (version{v.BlockNum, v.TxNum}) {
			stale = read.Key
		}
	}
	for _, read := range s.handover.Reads {
		writer, key, _ := strings.Cut(read.Key, "/")
		if now, ok := r.public[key]; !ok || hex.EncodeToString(now.writer[:]) != writer {
			stale = key
		}
	}
	if valid && stale != "" {
		return faultf("it is called valid, but read %q in a version that was not the newest", stale)
	}
	return nil
}

func (r *replay) apply(txID string, at version, s sets) {
	var writer [sha256.Size]byte
	hex.Decode(writer[:], []byte(txID)) // the id has been checked to be a hash
	s.each(func(collection, key string, value []byte) {
		c := cell{at: at, writer: writer, deleted: value == nil}
		if collection == "" {
			c.value = sha256.Sum256(value)
			r.public[key] = c
			return
		}
		if r.hashed[collection] == nil {
			r.hashed[collection] = map[string]cell{}
		}
		copy(c.value[:], value)
		r.hashed[collection][key] = c
	})
}
