package proof

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

// The tree is the one of RFC 6962, as a library of the field builds it.
func TestTreeIsRFC6962s(t *testing.T) {
	factory := compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	var leaves [][]byte
	for size := range 70 {
		whole := factory.NewEmptyRange(0)
		for _, l := range leaves {
			whole.Append(l, nil)
		}
		want, err := whole.GetRootHash(nil)
		if err != nil || size == 0 {
			want = rfc6962.DefaultHasher.EmptyRoot()
		}
		if got := rootOf(leaves); hex.EncodeToString(got) != hex.EncodeToString(want) {
			t.Fatalf("%d leaves: %x, want %x", size, got, want)
		}
		for i := range leaves {
			if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(i), uint64(size), leaves[i], pathOf(i, leaves), want); err != nil {
				t.Fatalf("leaf %d of %d: %v", i, size, err)
			}
		}
		leaves = append(leaves, rfc6962.DefaultHasher.HashLeaf([]byte(fmt.Sprint("leaf ", size))))
	}
}
