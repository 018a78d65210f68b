package traceability

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// reader is who asks, with what they may read: their chain, or everything for
// a regulator. Every page, sheet, label and answer of the API asks it. It is
// for one request.
type reader struct {
	app    *app
	ctx    context.Context
	user   *web.User
	all    bool
	lots   map[string]bool // of the chain; shared, never written
	sorted []string        // the same, once it was asked for
	packs  map[string]bool // as they were asked for
	met    map[string]bool // companies on the chain, the same
}

func (a *app) reader(c *web.Ctx) (*reader, error) { return a.readerFor(c.Context(), c.User()) }

// readerFor is reader outside of a request.
func (a *app) readerFor(ctx context.Context, u *web.User) (*reader, error) {
	r := &reader{app: a, ctx: ctx, user: u, packs: map[string]bool{}, met: map[string]bool{}}
	var err error
	if r.all, err = a.supervising(ctx, u); err == nil && !r.all {
		r.lots, err = a.chains.of(ctx, u.Party)
	}
	return r, err
}

// supervises reports whether the user reads what concerns others: by the role,
// and as long as a member vouches for the authority.
func (a *app) supervises(c *web.Ctx) (bool, error) { return a.supervising(c.Context(), c.User()) }

func (a *app) supervising(ctx context.Context, u *web.User) (bool, error) {
	if !u.Has(party.Regulator) {
		return false, nil
	}
	kinds, err := readmodel.All[string](ctx, a.db, `SELECT kinds FROM tr_parties WHERE id = $1 AND standing = $2`, u.Party, party.Vouched)
	if err != nil {
		return false, fmt.Errorf("read whether %s supervises: %w", u.Party, err)
	}
	return len(kinds) == 1 && slices.Contains(strings.Fields(kinds[0]), party.KindRegulator), nil
}

// reads reports whether a lot or a single thing is on the chain.
func (r *reader) reads(lot string) bool { return r.all || r.lots[lot] }

// only keeps the lots that the reader may read.
func (r *reader) only(lots []string) []string {
	return slices.DeleteFunc(lots, func(lot string) bool { return !r.reads(lot) })
}

// readsAny reports whether one of the things is on the chain. A pack is, where
// something in it ever was.
func (r *reader) readsAny(things []string) (bool, error) {
	for _, thing := range things {
		if r.reads(thing) {
			return true, nil
		}
	}
	for _, thing := range things {
		if may, err := r.readsPack(thing); err != nil || may {
			return may, err
		}
	}
	return false, nil
}

func (r *reader) readsPack(pack string) (bool, error) {
	if may, known := r.packs[pack]; known {
		return may, nil
	}
	r.packs[pack] = false // until we know better; it ends a ring of packs too
	inside, err := readmodel.All[string](r.ctx, r.app.db, `SELECT DISTINCT c.thing FROM tr_named p JOIN tr_named c ON c.hash = p.hash
		WHERE p.thing = $1 AND p.role = 'parent' AND c.role = 'child'`, pack)
	if err != nil {
		return false, fmt.Errorf("read what was in %s: %w", pack, err)
	}
	may, err := r.readsAny(inside)
	r.packs[pack] = may
	return may, err
}

// lotsAfter lists ids of lots that the reader may read, in their order.
func (r *reader) lotsAfter(after string, limit int) ([]string, error) {
	if r.all {
		return readmodel.All[string](r.ctx, r.app.db, `SELECT id FROM tr_lots WHERE id > $1 ORDER BY id LIMIT $2`, after, limit)
	}
	if r.sorted == nil {
		r.sorted = slices.Sorted(maps.Keys(r.lots))
	}
	i, found := slices.BinarySearch(r.sorted, after)
	if found {
		i++
	}
	return r.sorted[i:min(i+limit, len(r.sorted))], nil
}
