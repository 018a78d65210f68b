package proof

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/tallyway/tallyway/shared/ledger/block"
)

// tree is a block's events as leaves.
type tree struct {
	leaves []Leaf // without paths
	hashes [][]byte
	of     map[string][]int // the leaves of a transaction
}

// plant reads the leaves of a block.
func plant(b *common.Block, contract string) (*tree, error) {
	told, err := block.Events(b, contract)
	if err != nil {
		return nil, err
	}
	t, salt := &tree{of: map[string][]int{}}, salter(b)
	for _, tx := range told.Transactions {
		events, err := eventsOf(told.Number, tx)
		if err != nil {
			return nil, err
		}
		for _, data := range events {
			i := len(t.leaves)
			leaf := Leaf{Index: uint64(i), Salt: salt(uint64(i)), Data: data}
			t.leaves, t.hashes = append(t.leaves, leaf), append(t.hashes, leaf.hash())
			t.of[tx.TxID] = append(t.of[tx.TxID], i)
		}
	}
	return t, nil
}

// leaf is one of the leaves with its path.
func (t *tree) leaf(i int) Leaf {
	l := t.leaves[i]
	l.Path = pathOf(i, t.hashes)
	return l
}

// salter makes the salts of a block's leaves from all that is in it: its
// signatures cannot be guessed, and the header's hash of the same bytes does
// not help.
func salter(b *common.Block) func(index uint64) []byte {
	seed := sha256.New()
	seed.Write([]byte("tallyway/leaf-salt\x00"))
	for _, envelope := range b.GetData().GetData() {
		seed.Write(envelope)
	}
	key := seed.Sum(nil)
	return func(index uint64) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write(binary.BigEndian.AppendUint64(nil, index))
		return mac.Sum(nil)
	}
}

// saltSize is a salt's length in bytes: of one length, so that salt and data
// cannot be told apart in two ways.
const saltSize = sha256.Size

func (l Leaf) hash() []byte {
	return rfc6962.DefaultHasher.HashLeaf(append(append([]byte{}, l.Salt...), l.Data...))
}

func (t *tree) root() []byte { return rootOf(t.hashes) }

// rootOf is RFC 6962's Merkle tree hash.
func rootOf(leaves [][]byte) []byte {
	switch len(leaves) {
	case 0:
		return rfc6962.DefaultHasher.EmptyRoot()
	case 1:
		return leaves[0]
	}
	k := split(len(leaves))
	return rfc6962.DefaultHasher.HashChildren(rootOf(leaves[:k]), rootOf(leaves[k:]))
}

// pathOf is RFC 6962's audit path, the deepest node first.
func pathOf(index int, leaves [][]byte) [][]byte {
	if len(leaves) <= 1 {
		return nil
	}
	k := split(len(leaves))
	if index < k {
		return append(pathOf(index, leaves[:k]), rootOf(leaves[k:]))
	}
	return append(pathOf(index-k, leaves[k:]), rootOf(leaves[:k]))
}

// split is the largest power of two smaller than n, for n > 1.
func split(n int) int {
	k := 1
	for k<<1 < n {
		k <<= 1
	}
	return k
}
