package traceability

import (
	"context"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// unmarked is an open case of which some lots are not marked yet, with the key
// that opened it.
type unmarked struct {
	ID     string `db:"id"`
	Marked int64  `db:"marked"`
	Org    string `db:"by_org"`
	User   string `db:"by_user"`
}

// keepMarking goes on with cases whose marking stands still: the request that
// opened them was cut short, or they came by the API's commands. What is not
// marked yet is refused anyway; this makes it short. Only the host that holds
// the opener's key goes on.
func (a *app) keepMarking(ctx context.Context) {
	seen, still := map[string]int64{}, map[string]int{}
	beat := time.NewTicker(3 * time.Second)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
		}
		rows, err := readmodel.All[unmarked](ctx, a.db, `SELECT c.id, c.marked, t.by_org, t.by_user FROM tr_cases c
			JOIN tr_case_terms t ON t.kase = c.id WHERE c.state = 'open' AND NOT c.done ORDER BY c.at`)
		if err != nil {
			continue // the health of the read model is told elsewhere
		}
		for _, k := range rows {
			if before, again := seen[k.ID]; again && before == k.Marked {
				still[k.ID]++
			} else {
				still[k.ID] = 0
			}
			if seen[k.ID] = k.Marked; still[k.ID] >= 3 && a.host.Holds(k.Org) { // else its request is still at work
				a.goOn(ctx, k)
			}
		}
	}
}

func (a *app) goOn(ctx context.Context, k unmarked) {
	by := host.Actor{MSP: k.Org, User: k.User}
	for ctx.Err() == nil {
		state, _, err := host.Do[trace.CaseState](ctx, a.host, by, trace.Extend{Case: k.ID})
		if err != nil {
			a.host.Log.WarnContext(ctx, "a case is not marked to its end", "case", k.ID, "error", err)
			return
		}
		if state.Done {
			return
		}
	}
}
