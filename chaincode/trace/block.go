package trace

import (
	"strconv"

	"github.com/tallyway/tallyway/chaincode"
)

// blocking is the open case that keeps a lot in place, if any; a recall before
// a hold. A single thing is blocked with its batch.
func blocking(tx *chaincode.Tx, lot string) (worst Case, blocked bool) {
	weigh := func(c Case) {
		if c.blocks() && worst.Kind != KindRecall {
			worst, blocked = c, true
		}
	}
	look := func(key []string, id string) bool {
		if c, _ := cases.Get(tx, id); c.counts(key) {
			weigh(c)
		}
		return true
	}
	blocks.Scan(tx, look, lot)
	if l, _ := lots.Get(tx, lot); l.Batch != "" {
		blocks.Scan(tx, look, l.Batch)
	}
	pending.Scan(tx, func(_ []string, id string) bool {
		if c, _ := cases.Get(tx, id); c.blocks() && c.mayReach(tx, lot) {
			weigh(c)
		}
		return true
	})
	return worst, blocked
}

func (c Case) blocks() bool { return c.State == CaseOpen && c.Kind != KindMock }

// markOf is the key of a lot's mark in the round at work.
func (c Case) markOf(lot string) []string { return markIn(lot, c.ID, c.Round) }

func markIn(lot, id string, round int) []string {
	if round == 0 {
		return []string{lot, id}
	}
	return []string{lot, id, strconv.Itoa(round)}
}

// counts reports whether the mark with this key still does.
func (c Case) counts(key []string) bool {
	round := 0
	if len(key) > 2 {
		round, _ = strconv.Atoi(key[2])
	}
	return round >= c.Counts
}

// reached reports whether a lot is marked by a case.
func reached(tx *chaincode.Tx, id, lot string) bool {
	c, _ := cases.Get(tx, id)
	for round := c.Counts; round <= c.Round; round++ {
		if blocks.Has(tx, markIn(lot, id, round)...) {
			return true
		}
	}
	return false
}

// maxRoots is how many lots one call looks through upwards.
const maxRoots = 2000

// mayReach walks up from a lot while a case is being marked downwards: what
// came of a marked lot belongs to the case, marked itself or not. What cannot be
// told is taken for reached until the marking is done: a lot of a time when
// its processes were not found from it, or one of too many inputs.
func (c Case) mayReach(tx *chaincode.Tx, lot string) bool {
	seen, queue := map[string]bool{lot: true}, []string{lot}
	add := func(up string) {
		if up != "" && !seen[up] {
			seen[up] = true
			queue = append(queue, up)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		l, known := lots.Get(tx, at)
		switch {
		case blocks.Has(tx, c.markOf(at)...):
			return true
		case !known:
			continue
		case !l.Rooted || len(seen) > maxRoots:
			return true
		}
		add(l.Batch)
		roots.Scan(tx, func(_ []string, process string) bool {
			sides.Scan(tx, func(_ []string, in Line) bool {
				add(in.Lot)
				return true
			}, process, sideIn)
			return true
		}, at)
	}
	return false
}
