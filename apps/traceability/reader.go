package traceability

import (
	"context"
	"slices"
	"strings"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// reader is who asks, with what they may see: the goods that they have, had or
// are offered, what these were made of and what was made of them. Regulators
// see everything. It is for one request.
type reader struct {
	app       *app
	ctx       context.Context
	user      *web.User
	regulator bool
	seen      map[string]bool // lots on the chain, and packs once they were asked for
	lots      []string        // those on the chain, sorted
}

func (a *app) reader(c *web.Ctx) (*reader, error) {
	r := &reader{app: a, ctx: c.Context(), user: c.User(), seen: map[string]bool{}}
	kinds, err := readmodel.All[string](r.ctx, a.db, `SELECT kinds FROM tr_parties WHERE id = $1 AND standing = $2`, r.user.Party, party.Vouched)
	if err != nil {
		return nil, err
	}
	r.regulator = r.user.Has(party.Regulator) && len(kinds) == 1 && slices.Contains(strings.Fields(kinds[0]), party.KindRegulator)
	if r.regulator {
		return r, nil
	}
	return r, r.walk()
}

// walk finds the reader's chain.
func (r *reader) walk() error {
	chain, err := r.app.chains.of(r.ctx, r.user.Party)
	if err != nil {
		return err
	}
	for lot := range chain {
		r.seen[lot] = true
		r.lots = append(r.lots, lot)
	}
	slices.Sort(r.lots)
	return nil
}

// sees reports whether a lot, a single thing or a pack is on the chain. A pack
// is, where something in it ever was.
func (r *reader) sees(thing string) (bool, error) {
	if r.regulator {
		return true, nil
	}
	if sees, known := r.seen[thing]; known {
		return sees, nil
	}
	r.seen[thing] = false // until we know better; it ends a ring of packs too
	inside, err := readmodel.All[string](r.ctx, r.app.db, `SELECT DISTINCT c.thing FROM tr_named p JOIN tr_named c ON c.hash = p.hash
		WHERE p.thing = $1 AND p.role = 'parent' AND c.role = 'child'`, thing)
	if err != nil {
		return false, err
	}
	for _, child := range inside {
		if sees, err := r.sees(child); err != nil || sees {
			r.seen[thing] = sees
			return sees, err
		}
	}
	return false, nil
}

// seesAny reports whether one of the things is on the chain.
func (r *reader) seesAny(things []string) (bool, error) {
	for _, thing := range things {
		if sees, err := r.sees(thing); err != nil || sees {
			return sees, err
		}
	}
	return false, nil
}

// lotsAfter lists ids of lots that the reader sees, in their order.
func (r *reader) lotsAfter(after string, limit int) ([]string, error) {
	if r.regulator {
		return readmodel.All[string](r.ctx, r.app.db, `SELECT id FROM tr_lots WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
	}
	i, found := slices.BinarySearch(r.lots, after)
	if found {
		i++
	}
	return r.lots[i:min(i+limit, len(r.lots))], nil
}
