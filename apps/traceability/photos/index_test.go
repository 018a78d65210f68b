package photos

import (
	"math/rand/v2"
	"testing"

	"github.com/tallyway/tallyway/shared/picture"
)

func random(r *rand.Rand) (h picture.PDQ) {
	for i := range h {
		h[i] = r.Uint64()
	}
	return h
}

func TestNearFindsWhatIsNear(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := &Index{}
	for range 1000 {
		x.Add("other", random(r))
	}
	wanted := random(r)
	var query [picture.Orientations]picture.PDQ
	for i := range query {
		query[i] = random(r)
	}
	near, far := wanted, wanted
	near[0] ^= 1<<picture.Near - 1
	far[1] ^= 1<<(picture.Near+1) - 1
	x.Add("near", near)
	x.Add("far", far)
	query[3] = wanted
	if got := x.Near(query, 5); len(got) != 1 || got[0] != (Match{"near", picture.Near, true}) {
		t.Errorf("turned: %+v", got)
	}
	query[0] = near
	if got := x.Near(query, 5); len(got) != 1 || got[0] != (Match{"near", 0, false}) {
		t.Errorf("as it lies: %+v", got)
	}
	x.Add("same", near)
	if got := x.Near(query, 1); len(got) != 1 || got[0].Name != "near" {
		t.Errorf("the first of two: %+v", got)
	}
}

func BenchmarkNear(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	x := &Index{}
	for range 1_000_000 {
		x.Add("", random(r))
	}
	var query [picture.Orientations]picture.PDQ
	for b.Loop() {
		x.Near(query, 10)
	}
}
